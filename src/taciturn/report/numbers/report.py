"""All numbers of a report, and the arrays that its page draws."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...data.row_shape import is_image, likely_shape
from ...data.variables import Variables
from ...training import History
from .numbers import ShortRepr, plain
from .page_numbers import PageNumbers, now
from .row_names import row_names, row_texts
from .samples import SampleRows
from .study import Study
from .try_denoiser import TryDenoiser, denoiser_exclusion_reason, try_denoiser
from .try_it import TryIt, exclusion_reason, try_it
from .variables import Cell, cells

if TYPE_CHECKING:
    from ...probes import Baselines, Related
    from .curves import Curves
    from .denoised_images import DenoisedImage
    from .filters import Filters
    from .latent_map import LatentMap
    from .latents import AtlasLatent, Latents
    from .neighbours import Neighbours
    from .provenance import Provenance
    from .samples import Errors, Samples
    from .summary import Summary
    from .trust import Trust
    from .variables import VariableNumbers
    from .verdict import Verdict

SCHEMA = 3  # of report.json
MAX_EXAMPLES = 10  # rows that travel in the page's section "Try the model"


@dataclass(frozen=True, eq=False, repr=False)
class Pictures(ShortRepr):
    """What a page draws and report.json does not hold.

    Parameters
    ----------
    shape : tuple of int
        A row's shape.
    rows : dict of int to array
        The rows of the atlas, by index, in the input's units.
    sample_rows : SampleRows
        The rows of the section `samples`.
    sample_cells : dict of str to dict of int to list of Cell
        The same rows, {"clean", "corrupted", "reconstruction"}, as cells of a table with other variables than numbers;
        else {}.
    directions : dict of int to array [D]
        What a code of 1 of each latent of the atlas adds to the reconstruction, in units of the data (see `Summary`).
    row_errors : array [N]
        Mean squared error of each clean row, in units of the data (see `Summary`).
    history : History
        The model's history.
    texts : dict of int to str
        The texts of the rows that the page names, by the rows' indices; {} without texts.
    try_it : TryIt or None
        The model and example rows, if the page can hold the model.
    exclusion_reason : str or None
        Why the page cannot hold the model; None if it can.
    of_images : bool
        Whether the model is an `ImageDenoiser`, which has a section of its own to be tried in.
    try_denoiser : TryDenoiser or None
        It, if the page can hold it.
    """

    shape: tuple[int, ...]
    rows: dict[int, NDArray[Any]]
    sample_rows: SampleRows
    sample_cells: dict[str, dict[int, list[Cell]]]
    directions: dict[int, NDArray[Any]]
    row_errors: NDArray[Any]
    history: History
    texts: dict[int, str]
    try_it: TryIt | None
    exclusion_reason: str | None
    of_images: bool
    try_denoiser: TryDenoiser | None


@dataclass(frozen=True, eq=False, repr=False)
class ReportNumbers(PageNumbers):
    """The numbers of a report. Each section is an attribute: `report.summary` is `report.sections["summary"]`.

    Parameters
    ----------
    name : str
        The report's name.
    sections : Mapping[str, Any]
        The sections by name.
    columns : list of str or None
        The names of the columns that are reconstructed, if they have names: those of the rows, or of their targets.
    shape : list of int
        The shape of a reconstruction.
    likely_shape : list of int or None
        The image shape that the rows are likely to have, if they have none and neighbouring columns correlate like
        pixels. Nothing is drawn in it.
    row_names : dict of int to str
        The ids of the rows that the report names, by the rows' indices; {} without ids. An id that several rows have is
        followed by the row's index.
    pictures : Pictures
        What the page draws and report.json does not hold.
    created : str
        When the report was created, in UTC.
    """

    name: str
    sections: Mapping[str, Any]
    columns: list[str] | None
    shape: list[int]
    likely_shape: list[int] | None
    row_names: dict[int, str]
    pictures: Pictures
    created: str = field(default_factory=now)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.name} on {self.summary.described_rows}: {self.verdict.sentence}>"

    if TYPE_CHECKING:

        @property
        def summary(self) -> Summary: ...  # noqa: D102

        @property
        def verdict(self) -> Verdict: ...  # noqa: D102

        @property
        def trust(self) -> Trust | None: ...  # noqa: D102

        @property
        def curves(self) -> Curves: ...  # noqa: D102

        @property
        def denoised_images(self) -> list[DenoisedImage] | None: ...  # noqa: D102

        @property
        def samples(self) -> Samples: ...  # noqa: D102

        @property
        def errors(self) -> Errors: ...  # noqa: D102

        @property
        def variables(self) -> list[VariableNumbers] | None: ...  # noqa: D102

        @property
        def latents(self) -> Latents: ...  # noqa: D102

        @property
        def atlas(self) -> list[AtlasLatent]: ...  # noqa: D102

        @property
        def filters(self) -> Filters | None: ...  # noqa: D102

        @property
        def neighbours(self) -> Neighbours: ...  # noqa: D102

        @property
        def baselines(self) -> Baselines: ...  # noqa: D102

        @property
        def relation(self) -> Related | None: ...  # noqa: D102

        @property
        def provenance(self) -> Provenance: ...  # noqa: D102

        @property
        def map(self) -> LatentMap: ...  # noqa: D102

    else:

        def __getattr__(self, name: str) -> Any:
            if name in vars(self).get("sections", ()):
                return self.sections[name]
            raise AttributeError(f"a report has no {name!r}; its sections are {', '.join(self.sections)}")

    @property
    def row_noun(self) -> str:  # type: ignore[override]
        """What a row is called that has no id."""
        return self.summary.noun

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the pictures; docs/report.md lists the keys."""
        head = {
            "schema": SCHEMA,
            "name": self.name,
            "created": self.created,
            "columns": self.columns,
            "shape": self.shape,
            "likely_shape": self.likely_shape,
            "row_names": {str(row): name for row, name in self.row_names.items()},
        }
        return head | {name: plain(section) for name, section in self.sections.items()}


def measure_report(study: Study, name: str = "") -> ReportNumbers:
    """Return the numbers of a report; `name` "" is the estimator's name."""
    known = is_image(study.shape) or study.model.layout.outputs
    suggested = None if known else likely_shape(study.training or study.rows)
    names, texts = row_names(study.ids, len(study.rows)), row_texts(study.texts, len(study.rows))
    sections = {section: study[section] for section in study.measures}
    named = _named_rows(study)
    return ReportNumbers(
        name=name or study.artifact.estimator.name,
        sections=sections,
        columns=None if study.reconstructed.columns is None else list(study.reconstructed.columns),
        shape=list(study.shape),
        likely_shape=None if suggested is None else list(suggested),
        row_names={} if names is None else {row: names[row] for row in named},
        pictures=_pictures(study, names, {} if texts is None else {row: texts[row] for row in named}),
    )


def _named_rows(study: Study) -> list[int]:
    """Return the rows that the page names, ascending: samples, rows of the atlas, and the largest errors."""
    samples, largest = study["samples"].rows.clean, study["errors"].largest
    return sorted({active.row for entry in study["atlas"] for active in entry.rows} | {*samples} | {*dict(largest)})


def _pictures(study: Study, names: list[str] | None, texts: dict[int, str]) -> Pictures:
    rows, atlas, sample_rows = study.reconstructed, study["atlas"], study["samples"].rows
    indices = sorted({active.row for entry in atlas for active in entry.rows})
    atlas_rows = dict(zip(indices, rows.take(np.array(indices, int)), strict=True)) if indices else {}
    state = study.artifact.state
    examples = dict(list(sample_rows.clean.items())[:MAX_EXAMPLES])
    of_images = study.artifact.rows_name == "patches"
    reason = (
        denoiser_exclusion_reason(study.model)
        if of_images
        else exclusion_reason(study.model, table=study.schema is not None)
    )
    return Pictures(
        shape=study.shape,
        rows=atlas_rows,
        sample_rows=sample_rows,
        sample_cells={} if study.schema is None else _cells(study.schema, sample_rows),
        directions={entry.latent: study.directions[entry.latent] for entry in atlas},
        row_errors=study.evaluation.row_errors,
        history=study.artifact.history,
        texts=texts,
        try_it=None
        if reason is not None or of_images
        else try_it(
            study.model,
            examples=np.stack(list(examples.values())),
            example_names=None if names is None else [names[row] for row in examples],
            shape=study.shape,
            column_names=rows.columns,
            low=state["moments.low"].numpy(),
            high=state["moments.high"].numpy(),
        ),
        exclusion_reason=reason,
        of_images=of_images,
        try_denoiser=_try_denoiser(study) if of_images and reason is None else None,
    )


def _try_denoiser(study: Study) -> TryDenoiser | None:
    """Return the denoiser of images as the page holds it; a patch is the image on which its rounding is measured."""
    shape, rows = tuple(study.artifact.rows.shape), study["samples"].rows
    patch = next(iter((rows.corrupted or rows.clean).values()))
    noisy = patch.astype(np.float32).reshape(*shape[:2], -1)
    return try_denoiser(study.model, shape, study.artifact.settings.corruption, noisy)


def _cells(schema: Variables, rows: SampleRows) -> dict[str, dict[int, list[Cell]]]:
    kinds = {"clean": rows.clean, "corrupted": rows.corrupted, "reconstruction": rows.reconstruction}
    return {
        kind: dict(zip(own, cells(schema, np.stack([*own.values()]), predicted=kind == "reconstruction"), strict=True))
        for kind, own in kinds.items()
    }
