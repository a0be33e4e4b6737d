"""taciturn score: how unlike the training rows each row is, and why."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from .app import Command, app
from .options import Data, Header, RunFolder, Threads, check_out, rows_for, use_threads

N_REASONS = 3


@app.command(cls=Command, no_args_is_help=True)
def score(
    run: RunFolder,
    data: Data = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .csv file to write, with a line for each row.")],
    header: Header = None,
    threads: Threads = None,
) -> None:
    """Score rows with an outlier detector: score, p-value, whether the row is an outlier, and its three main reasons.

    A reason is a column with the row's value and the value that was expected there. Rows that are not outliers have
    none. The score is low for outliers. The detector is trained by `taciturn fit DATA --outliers`.

    [dim]Example:[/]

      taciturn score runs/table new.csv -o scores.csv
    """
    import numpy as np

    from .. import artifact
    from ..core.atomic import atomic
    from ..core.errors import RecipeError
    from ..data.sources import Rows
    from ..estimators import AutoencoderOutlierDetector, load

    if out.suffix.lower() != ".csv":
        raise RecipeError(f"{out}: scores are written as .csv only; choose such a name (--out)")
    use_threads(threads)
    stored = artifact.load(run)
    if not stored.outliers:
        raise RecipeError(
            f"{run} holds a {stored.estimator.name}, not an outlier detector; train one: taciturn fit DATA --outliers"
        )
    check_out(out, data or stored.rows.source)
    source, detector = rows_for(stored, data, header), load(run)
    assert isinstance(detector, AutoencoderOutlierDetector)
    scores = detector.score_samples(source)
    is_outlier = scores < detector.offset_
    p_values = detector.p_values(source) if len(stored.outliers["calibration"]) else np.full(len(source), np.nan)
    outliers = np.flatnonzero(is_outlier)
    reasons = [[""] * N_REASONS] * len(source)
    if len(outliers):
        cells = detector.explain(Rows(source.take(outliers), source.columns))
        for place, row in enumerate(outliers):
            texts = [
                f"{column}: {value:.6g}, expected {expected:.6g}" if contribution > 0 else ""
                for column, value, expected, contribution in zip(
                    *(part[place, :N_REASONS] for part in cells), strict=True
                )
            ]
            reasons[row] = texts + [""] * (N_REASONS - len(texts))
    with atomic(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["score", "p_value", "outlier", *(f"reason_{number + 1}" for number in range(N_REASONS))])
        for row in range(len(source)):
            p_value = "" if np.isnan(p_values[row]) else repr(float(p_values[row]))
            writer.writerow([repr(float(scores[row])), p_value, int(is_outlier[row]), *reasons[row]])
    typer.echo(f"{len(outliers):,} of {len(source):,} rows are outliers; written to {out}", err=True)
