"""A model's card: the README.md of its repository on the Hub. It holds what is known from the folder and a report."""

from collections.abc import Iterable
from typing import Any

from ..artifact import Artifact
from ..core.messages import one_line
from ..data.row_shape import is_image
from .imputations import ImputationReport
from .numbers import Summary
from .outliers import OutlierReport
from .report import Report

TAGS = {
    "DenoisingAutoencoder": ("denoising-autoencoder",),
    "SparseAutoencoder": ("sparse-autoencoder",),
    "DictionaryAutoencoder": ("sparse-autoencoder", "dictionary-learning"),
    "AutoencoderOutlierDetector": ("denoising-autoencoder", "outlier-detection"),
    "DenoisingImputer": ("denoising-autoencoder", "imputation"),
}


def model_card(artifact: Artifact, url: str, report: Report | OutlierReport | None = None) -> str:
    """Return a model's card as Markdown, with the metadata that the Hub reads.

    Parameters
    ----------
    artifact : Artifact
        The model.
    url : str
        Where `taciturn.load` finds it.
    report : Report or OutlierReport, optional
        The page of the model on rows; by default the card has the numbers that the folder holds, if it holds any.

    Returns
    -------
    str
    """
    record, layout, rows = artifact.estimator, artifact.model.layout, artifact.rows
    width = " × ".join(map(str, rows.shape)) if is_image(tuple(rows.shape)) else f"{layout.widths[0]:,}"
    kind, numbers = ("images of", "pixels") if is_image(tuple(rows.shape)) else ("rows of", "columns")
    measured = Summary.from_dict(artifact.metrics) if report is None and artifact.metrics else report
    use = f"codes = model.transform(X)  # [n, {layout.widths[-1]}], for rows X in the units of the training rows"
    if not layout.network.has_codes:
        things = "images of any size" if layout.network.axes == 2 else "signals of any length"
        use = f"clean = model.denoise(X)  # of the shape of X, {things}"
    if record.shipped == "AutoencoderOutlierDetector":
        use = "outliers = model.predict(X) == -1  # [n], for rows X in the units of the training rows"
    latents = f"with {layout.widths[-1]:,} latents" if layout.network.has_codes else "without codes"
    what = f"A {record.shipped} for {kind} {width} {numbers}, {latents}."
    return _card(record.shipped, what, use, artifact.lines(), url, measured)


def imputer_card(
    name: str, n_columns: int, lines: Iterable[tuple[str, str]], url: str, report: ImputationReport | None = None
) -> str:
    """Return an imputer's card as Markdown, with the metadata that the Hub reads.

    Parameters
    ----------
    name : str
        The name of its class.
    n_columns : int
        The number of columns.
    lines : iterable of (str, str)
        What it is, as pairs (label, text).
    url : str
        Where `taciturn.load` finds it.
    report : ImputationReport, optional
        The page of the imputer on rows.

    Returns
    -------
    str
    """
    use = f"completed = model.transform(X)  # rows X of {n_columns:,} columns, their missing values filled"
    what = f"A {name}, which replaces missing values in rows of {n_columns:,} columns."
    return _card(name, what, use, lines, url, report)


def _card(kind: str, what: str, use: str, lines: Iterable[tuple[str, str]], url: str, report: Any) -> str:
    tags = ["taciturn", *TAGS.get(kind, ())]
    parts = [
        "---",
        "library_name: taciturn",
        "tags:",
        *(f"- {tag}" for tag in tags),
        "---",
        "",
        f"# {one_line(url.rpartition('/')[2].partition('@')[0])}",
        "",
        what,
        "",
        "```python",
        "from taciturn import load",
        "",
        f'model = load("{url}")  # runs no code of this repository',
        use,
        "```",
        "",
        "## What it is",
        "",
        *_table(lines),
        "",
        "## What was measured",
        "",
        *_measured(report),
        "",
        "## Limits",
        "",
        "The model was trained on the rows named above. Of rows of another kind, nothing is known.",
        "",
    ]
    return "\n".join(parts)


def _measured(report: Any) -> list[str]:
    """Return the main numbers of a report, or of a summary, as lines; None: none were measured."""
    if report is None:
        return ["Nothing: the model was saved without rows to measure it on."]
    summary = report if isinstance(report, Summary) else report.summary
    if isinstance(summary, Summary):
        return [*_table(summary.lines()), "", _rows_text(summary)]
    verdict = report.verdict
    warnings = [f"{_cell(each.what)} {_cell(each.mend)}" for each in verdict.warnings]
    return [_cell(verdict.sentence), "", *_table((text, value) for value, text in verdict.points), "", *warnings]


def _table(lines: Iterable[tuple[str, str]]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {_cell(name)} | {_cell(text)} |" for name, text in lines)]


def _cell(text: str) -> str:
    """Return a text in which nothing is Markdown or HTML."""
    plain = one_line(text, most=300)
    return "".join(f"\\{character}" if character in "\\|<>[]`*_&" else character for character in plain)


def _rows_text(summary: Summary) -> str:
    kinds = {
        "training": "These are the rows that it was trained on: of other rows, errors are larger.",
        "held-out": "The model was not trained on these rows.",
    }
    return kinds.get(summary.rows_kind, "Whether the model was trained on these rows is not known.")
