"""A report on one model: numbers, as JSON or as a page."""

import os

from numpy.typing import ArrayLike

from ..artifact import Artifact
from ..core.atomic import atomic
from ..corruption import Corruption
from ..data.sources import Source
from .html import card, page
from .numbers import ReportNumbers, measure_report


class Report(ReportNumbers):
    """What a model is worth on rows, section by section; docs/report.md describes the numbers.

    `save` writes the page, `save_json` the numbers. A notebook shows the verdict.
    """

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, one self-contained HTML file, whole or not at all."""
        with atomic(path) as temporary:
            temporary.write_text(page(self), encoding="utf-8")

    def _repr_html_(self) -> str:
        return card(self)


def report(
    artifact: Artifact,
    rows: Source,
    *,
    training: Source | None = None,
    labels: ArrayLike | None = None,
    target: str = "",
    name: str = "",
    corruption: Corruption | None = None,
    held_out: bool = False,
    repeat: str = "",
    seed: int = 0,
) -> Report:
    """Return the report of a model on rows, in several passes over them, in bounded memory.

    Parameters
    ----------
    artifact : Artifact
        The model, its recipe and its history.
    rows : Source [N, D]
        What the model is evaluated on; best rows that it was not trained on.
    training : Source or None, default=None
        The rows that it was trained on: simpler models are fitted on them too. Without them on half of `rows`.
    labels : array_like [N] or None, default=None
        A class or a number for each row, to which latents are related.
    target : str, default=""
        What the labels are called.
    name : str, default=""
        What the report is called; "" is the estimator's name.
    corruption : Corruption or None, default=None
        What denoising is measured under; None is the model's own.
    held_out : bool, default=False
        Whether the model was not trained on `rows`.
    repeat : str, default=""
        What repeats the run: a command or a line of Python.
    seed : int, default=0
        Of the noise and of the sample.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        If there is not one label for each row.
    """
    numbers = measure_report(
        artifact,
        rows,
        training=training,
        labels=labels,
        target=target,
        name=name,
        corruption=corruption,
        held_out=held_out,
        repeat=repeat,
        seed=seed,
    )
    return Report(**vars(numbers))
