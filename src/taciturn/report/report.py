"""The report on one model: numbers that can be saved as JSON or as a page."""

from collections.abc import Iterable
from math import prod
from typing import Any

from numpy.typing import ArrayLike

from ..artifact import Artifact
from ..core.errors import RecipeError
from ..corruption import Clean, Corruption
from ..data.row_shape import image_shape
from ..data.sources import Source, ids_of
from ..inference import require_own_targets
from .html import page
from .html_page import HtmlPage
from .numbers import SECTIONS, ReportNumbers, Study, Summary, measure_report


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
    denoised_images : list of DenoisedImage or None
        Whole images before and after denoising, of an `ImageDenoiser`; else None.
    samples : Samples
        Sample rows with their errors: the first, best, median and worst.
    errors : Errors
        The distribution of the errors over columns and rows.
    latents : Latents
        Numbers of all latents.
    atlas : list of AtlasLatent
        Up to 48 latents with the largest shares of variation, and rows on which they are active.
    filters : Filters or None
        The filters of the first convolution; None without convolutions of images.
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
    targets: Source | None = None,
    training: Source | None = None,
    training_targets: Source | None = None,
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
    targets : Source [N, T] or None, default=None
        Each row's target, of a model that was trained with targets; None: the row itself.
    training, training_targets : Source or None, default=None
        The rows that the model was trained on, and their targets. The baselines are trained on them too; without them,
        on every second row of `rows`, and evaluated on the others.
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
        Shape in which reconstructions are drawn as images, (height, width) or (height, width, 3). None: the shape of
        the training rows if it is an image's, else that of the rows; or that of targets with other columns.
    name : str, default=""
        The report's name; "" is the estimator's name.
    corruption : Corruption or None, default=None
        The corruption under which denoising is measured; None is the corruption of the training. There is none where
        targets have other columns, nor by default where there are targets that the model was trained without: rows are
        then noisy themselves.
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
        If `shape` is not an image shape or does not fit a row, or there are no targets and the model's have other
        columns than rows; or there is a corruption as well.

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
    study = Study(
        artifact,
        rows,
        SECTIONS,
        _noise(artifact, corruption, targets),
        targets=_targets(artifact, targets),
        training=training,
        training_targets=training_targets,
        labels=labels,
        label_name=target,
        rows_kind=artifact.rows_kind(rows),
        texts=texts,
        ids=ids_of(rows) if ids is None else ids,
        image_shape=None if shape is None else image_shape(shape, prod((rows if targets is None else targets).shape)),
        repeat=repeat,
        seed=seed,
    )
    return Report(**vars(measure_report(study, name)))


def summary_of_run(
    artifact: Artifact, rows: Source, *, targets: Source | None = None, corruption: Corruption | None = None
) -> Summary:
    """Return the main numbers of a run's model, without the rest of a report.

    Parameters
    ----------
    artifact : Artifact
        The run's model, with its recipe and its metrics.
    rows, targets, corruption
        As of `report`.
    """
    study = Study(
        artifact,
        rows,
        SECTIONS,
        _noise(artifact, corruption, targets),
        targets=_targets(artifact, targets),
        rows_kind=artifact.rows_kind(rows),
        seed=artifact.training.seed,
    )
    summary: Summary = study["summary"]
    return summary


def _targets(artifact: Artifact, targets: Source | None) -> Source | None:
    """Return the targets; raise RecipeError if there are none, and the model's have other columns than rows."""
    if targets is None:
        require_own_targets(artifact.model, "errors are those of its targets; give them: report(X, targets=Y)")
    return targets


def _noise(artifact: Artifact, corruption: Corruption | None, targets: Source | None) -> Corruption:
    """Return the corruption under which denoising is measured."""
    if corruption is None and targets is not None and "target_moments.count" not in artifact.state:
        return Clean()  # a model that was trained on clean rows, on noisy ones whose clean ones are the targets
    if not artifact.model.layout.outputs:
        return artifact.settings.evaluation_noise if corruption is None else corruption
    if corruption is not None:
        raise RecipeError(
            f"corruption {corruption.text}: denoising is not measured where targets have other columns than rows; "
            "leave it out"
        )
    return Clean()
