"""The report on one model: numbers that can be saved as JSON or as a page."""

from collections.abc import Iterable
from math import prod
from typing import Any

from numpy.typing import ArrayLike

from ..artifact import Artifact
from ..corruption import Corruption
from ..data.row_shape import image_shape
from ..data.sources import Source, ids_of
from ..inference import require_own_targets
from .html import page
from .html_page import HtmlPage
from .numbers import SECTIONS, ReportNumbers, Study, measure_report


class Report(ReportNumbers, HtmlPage):
    """The report on one model, section by section. A notebook shows its verdict.

    `report` creates it. `save` writes the page, `save_json` the numbers; docs/report.md describes both.

    Attributes
    ----------
    name : str
        The report's name.
    created : str
        When the report was created, in UTC.
    columns : list of str or None
        The columns' names, if they have names.
    shape : list of int
        A row's shape.
    likely_shape : list of int or None
        The image shape that the rows are likely to have, if they have none.
    row_names : dict of int to str
        The ids of the rows that the report names; {} without ids.
    suggestion : str or None
        A sentence on the likely shape.
    summary : Summary
        The main numbers.
    verdict : Verdict
        `sentence`, `points` (the main numbers) and `warnings`.
    curves : dict of lists
        The training's numbers, one per epoch, by name.
    samples : Samples
        Sample rows with their errors: the first, best, median and worst.
    errors : Errors
        The distribution of the errors over columns and rows.
    latents : Latents
        Numbers of all latents.
    atlas : list of AtlasLatent
        Up to 48 latents with the largest shares of variation, and rows on which they are active.
    neighbours : Neighbours
        Similar latents.
    baselines : Baselines
        Errors of simpler models on the same rows, under the same noise.
    relation : Related or None
        Relations between latents and labels; None without labels.
    provenance : Provenance
        The origin of the model.
    map : LatentMap
        Coordinates of up to 1,000 latents in a plane.
    sections : Mapping[str, Any]
        The sections above, from `summary` to `map`, by name.
    pictures : Pictures
        What the page draws and report.json does not hold.
    """

    def _page(self) -> str:
        return page(self)


def report(
    artifact: Artifact,
    rows: Source,
    *,
    training: Source | None = None,
    labels: ArrayLike | None = None,
    target: str = "",
    texts: Iterable[str] | None = None,
    ids: Iterable[Any] | None = None,
    shape: tuple[int, ...] | None = None,
    name: str = "",
    corruption: Corruption | None = None,
    repeat: str = "",
    seed: int = 0,
) -> Report:
    """Return the report on a model, evaluated on rows.

    Parameters
    ----------
    artifact : Artifact
        The model with its recipe and its history.
    rows : Source [N, D]
        The rows on which the model is evaluated, in the input's units. Use rows that it was not trained on.
    training : Source or None, default=None
        The rows that the model was trained on. The baselines are trained on them too; without them, on every second
        row of `rows`, and evaluated on the others.
    labels : array_like [N] or None, default=None
        A class or a number for each row. Relations between latents and labels are computed.
    target : str, default=""
        The name of the labels.
    texts : iterable of str [N] or None, default=None
        A text for each row, such as the sentence behind an embedding. The page shows the texts of the rows that it
        names, and searches them.
    ids : iterable of object [N] or None, default=None
        An id for each row; by default the row labels of the file that the rows came from. The report names rows by
        their ids instead of their indices.
    shape : tuple of int or None, default=None
        Shape in which rows are drawn as images, (height, width) or (height, width, 3). None: the shape of the training
        rows if it is an image's, else that of the rows.
    name : str, default=""
        The report's name; "" is the estimator's name.
    corruption : Corruption or None, default=None
        The corruption under which denoising is measured; None is the corruption of the training.
    repeat : str, default=""
        A command or a line of Python that repeats the run. The page shows it.
    seed : int, default=0
        Seed of the corruption's noise and of the sample.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        If there is not one label, text or id per row, or a text is not a string.
    RecipeError
        If `shape` is not an image shape or does not fit a row, or the model's targets have other columns than rows.

    Notes
    -----
    Errors, mean activations and firing rates are streamed over all rows in two passes. What cannot be streamed is
    computed on up to 20,000 rows, drawn by the seed. So memory does not grow with the number of rows, apart from one
    number per row.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from taciturn import DictionaryAutoencoder
    >>> from taciturn.data.sources import Rows
    >>> X = load_iris().data
    >>> model = DictionaryAutoencoder(8, k=2, max_iter=2, random_state=0).fit(X)
    >>> result = report(model.to_artifact(), Rows(X), name="iris")
    >>> result.name, result.summary.rows, len(result.latents.order)
    ('iris', 150, 8)
    """
    require_own_targets(artifact.model, "a report is of rows alone; use score and reconstruction_errors with target=Y")
    study = Study(
        artifact,
        rows,
        SECTIONS,
        artifact.settings.evaluation_noise if corruption is None else corruption,
        training=training,
        labels=labels,
        label_name=target,
        rows_kind=artifact.rows_kind(rows),
        texts=texts,
        ids=ids_of(rows) if ids is None else ids,
        image_shape=None if shape is None else image_shape(shape, prod(rows.shape)),
        repeat=repeat,
        seed=seed,
    )
    return Report(**vars(measure_report(study, name)))
