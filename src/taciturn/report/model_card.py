"""A model's card: the README.md of its repository on the Hub. It holds what is known from the folder and a report."""

from collections.abc import Iterable

from ..artifact import Artifact
from ..core.messages import one_line
from ..data.row_shape import is_image
from .numbers import Summary

TAGS = {
    "DenoisingAutoencoder": ("denoising-autoencoder",),
    "SparseAutoencoder": ("sparse-autoencoder",),
    "DictionaryAutoencoder": ("sparse-autoencoder", "dictionary-learning"),
    "AutoencoderOutlierDetector": ("denoising-autoencoder", "outlier-detection"),
}


def model_card(artifact: Artifact, url: str, summary: Summary | None = None) -> str:
    """Return a model's card as Markdown, with the metadata that the Hub reads.

    Parameters
    ----------
    artifact : Artifact
        The model.
    url : str
        Where `taciturn.load` finds it.
    summary : Summary, optional
        The main numbers of the model on rows; by default those that the folder holds, if it holds any.

    Returns
    -------
    str
    """
    record, layout, rows = artifact.estimator, artifact.model.layout, artifact.rows
    if summary is None and artifact.metrics:
        summary = Summary.from_dict(artifact.metrics)
    tags = ["taciturn", *TAGS.get(record.shipped, ())]
    width = " × ".join(map(str, rows.shape)) if is_image(tuple(rows.shape)) else f"{layout.widths[0]:,}"
    kind = "images of" if is_image(tuple(rows.shape)) else "rows of"
    numbers = "pixels" if is_image(tuple(rows.shape)) else "columns"
    measured = (
        [*_table(summary.lines()), "", _rows_text(summary)]
        if summary is not None
        else ["Nothing: the model was saved without rows to measure it on."]
    )
    latents = f"with {layout.widths[-1]:,} latents" if layout.network.has_codes else "without codes"
    parts = [
        "---",
        "library_name: taciturn",
        "tags:",
        *(f"- {tag}" for tag in tags),
        "---",
        "",
        f"# {one_line(url.rpartition('/')[2].partition('@')[0])}",
        "",
        f"A {record.shipped} for {kind} {width} {numbers}, {latents}.",
        "",
        "```python",
        "from taciturn import load",
        "",
        f'model = load("{url}")  # runs no code of this repository',
        f"codes = model.transform(X)  # [n, {layout.widths[-1]}], for rows X in the units of the training rows",
        "```",
        "",
        "## What it is",
        "",
        *_table(artifact.lines()),
        "",
        "## What was measured",
        "",
        *measured,
        "",
        "## Limits",
        "",
        "The model was trained on the rows named above. Of rows of another kind, nothing is known.",
        "",
    ]
    return "\n".join(parts)


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
