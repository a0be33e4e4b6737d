"""Rows as they are, as they were seen and as they came back: some in order, and the best, median and worst met."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...corruption import Corruption, corrupted
from ...data.device_rows import tensor
from ...data.sources import Source
from ...inference import Evaluation, in_row_precision
from ...metrics import psnr
from ...model import Autoencoder
from .numbers import finite
from .study import Study

GROUPS = ("first", "best", "median", "worst")
FIRST, EACH = 10, 4
BARS = 40


@dataclass(frozen=True)
class Seen:
    """A row, and how well it came back."""

    row: int
    error: float  # the mean squared error of the clean row's reconstruction, in scaled units
    psnr_before: float | None  # of the corrupted row, dB; None where nothing is corrupted, or nothing was changed
    psnr_after: float | None  # of what came back


@dataclass(frozen=True, eq=False)
class Errors:
    """Where the error is, on clean rows, in scaled units."""

    per_column: list[float]  # mean squared error
    quantiles: list[float]  # of the rows' mean squared errors, at 0, .01, .05, .25, .5, .75, .95, .99, 1
    edges: list[float]  # of the histogram's bars
    counts: list[int]


@dataclass(frozen=True, eq=False)
class SampleRows:
    """The samples' rows themselves, in the input's units, by row: what is drawn, and no part of report.json."""

    clean: dict[int, NDArray[Any]]
    corrupted: dict[int, NDArray[Any]]
    recon: dict[int, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Samples:
    """Rows by what they show."""

    corruption: str  # "" where the rows come clean
    first: list[Seen]
    best: list[Seen]
    median: list[Seen]
    worst: list[Seen]
    rows: SampleRows

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the rows."""
        groups = {name: [asdict(each) for each in getattr(self, name)] for name in GROUPS}
        return {"corruption": self.corruption} | groups


def errors(found: Evaluation) -> Errors:
    """Return the errors by column and by row."""
    rows = found.row_errors
    rows = rows[np.isfinite(rows)] if not np.isfinite(rows).all() else rows
    counts, edges = np.histogram(rows, BARS)
    at = (0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1)
    per_column = found.clean.per_column / found.clean.moments.count
    return Errors(per_column.tolist(), np.quantile(rows, at).tolist(), edges.tolist(), counts.tolist())


@torch.no_grad()
def samples(model: Autoencoder, source: Source, found: Evaluation, corruption: Corruption, *, seed: int = 0) -> Samples:
    """Return some rows and their numbers.

    The first rows are shown under the corruption, all others as they are.
    """
    order = np.argsort(found.row_errors, kind="stable")
    middle = max(len(order) // 2 - EACH // 2, 0)
    first = np.arange(min(FIRST, len(source)))
    groups = [first, order[:EACH], order[middle : middle + EACH], order[::-1][:EACH]]
    at = np.unique(np.concatenate(groups))
    model, now = in_row_precision(model, source.dtype), corruption.at(1.0)
    rows = tensor(source.take(at)).to(model.dictionary.device)
    x = model.scale_rows(rows)
    seen = x.clone()
    # the same noise as `evaluate` draws for the source's first rows, as far as they share its block
    seen[: len(first)] = corrupted(x[: len(first)], now, seed=seed, purpose="evaluate")
    recon = model.output(model.decode(model.codes(seen)))
    peak = found.clean.peak
    numbers = {}
    for row, wanted, shown, said in zip(at.tolist(), x.double(), seen.double(), recon.double(), strict=True):
        before = psnr(float((shown - wanted).square().mean()), peak)
        after = psnr(float((said - wanted).square().mean()), peak)
        numbers[row] = Seen(row, float(found.row_errors[row]), finite(before), finite(after))
    first_rows, best, median, worst = ([numbers[row] for row in group.tolist()] for group in groups)
    images = [
        dict(zip(at.tolist(), each.cpu().numpy(), strict=True))
        for each in (rows, model.unscale_rows(seen), model.unscale_rows(recon))
    ]
    name = "" if corruption.clean else corruption.text
    return Samples(name, first_rows, best, median, worst, SampleRows(*images))


def measure(study: Study) -> Samples:
    """Return the sample rows of a report."""
    return samples(study.model, study.rows, study.evaluation, study.corruption, seed=study.seed)


def measure_errors(study: Study) -> Errors:
    """Return the errors of a report."""
    return errors(study.evaluation)
