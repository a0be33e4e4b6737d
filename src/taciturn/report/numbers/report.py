"""All numbers of a report, and what its page draws of them."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...artifact import Artifact
from ...core.atomic import atomic
from ...corruption import Corruption
from ...data.sources import Source
from ...training import History
from .numbers import all_finite, plain
from .samples import SampleRows
from .sections import SECTIONS
from .study import Study
from .tryit import TryIt, try_it, why_not

if TYPE_CHECKING:
    from ...probes import Baseline, Related
    from .curves import Curves
    from .latent_map import LatentMap
    from .latents import Latents, Shown
    from .neighbours import Neighbours
    from .provenance import Provenance
    from .samples import Errors, Samples
    from .summary import Summary
    from .verdict import Verdict

SCHEMA = 2  # of report.json


@dataclass(frozen=True, eq=False)
class Pictures:
    """What a page draws and report.json does not hold: rows, directions, the model itself."""

    shape: tuple[int, ...]
    rows: dict[int, NDArray[Any]]  # in the input's units
    shots: SampleRows
    directions: dict[int, NDArray[Any]]  # of the atlas's latents, in scaled units
    row_errors: NDArray[Any]  # [N]
    history: History
    tryit: TryIt | None
    why_not: str | None  # why the page does not hold the model


@dataclass(frozen=True, eq=False)
class ReportNumbers:
    """The sections of a report by name, each also an attribute: `report.summary` is `report.sections["summary"]`."""

    name: str
    sections: Mapping[str, Any]
    columns: list[str] | None
    pictures: Pictures
    made: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))

    if TYPE_CHECKING:

        @property
        def summary(self) -> Summary: ...  # noqa: D102

        @property
        def verdict(self) -> Verdict: ...  # noqa: D102

        @property
        def curves(self) -> Curves: ...  # noqa: D102

        @property
        def samples(self) -> Samples: ...  # noqa: D102

        @property
        def errors(self) -> Errors: ...  # noqa: D102

        @property
        def latents(self) -> Latents: ...  # noqa: D102

        @property
        def atlas(self) -> list[Shown]: ...  # noqa: D102

        @property
        def neighbours(self) -> Neighbours: ...  # noqa: D102

        @property
        def baselines(self) -> list[Baseline]: ...  # noqa: D102

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

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the pictures."""
        own = {"schema": SCHEMA, "name": self.name, "made": self.made, "columns": self.columns}
        return own | {name: plain(numbers) for name, numbers in self.sections.items()}

    def json(self) -> str:
        """Return the numbers as JSON; a number that is not finite is null."""
        return json.dumps(all_finite(self.to_dict()), ensure_ascii=False, allow_nan=False) + "\n"

    def save_json(self, path: str | os.PathLike[str]) -> None:
        """Write report.json, whole or not at all."""
        with atomic(path) as temporary:
            temporary.write_text(self.json(), encoding="utf-8")


def measure_report(
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
) -> ReportNumbers:
    """Return the numbers of a report; see `taciturn.report.report`."""
    study = Study(
        artifact,
        rows,
        SECTIONS,
        artifact.recipe("corruption") if corruption is None else corruption,
        training=training,
        labels=labels,
        label_name=target,
        held_out=held_out,
        repeat=repeat,
        seed=seed,
    )
    return ReportNumbers(
        name=name or artifact.config["estimator"],
        sections={section: study[section] for section in SECTIONS},
        columns=None if rows.columns is None else list(rows.columns),
        pictures=_pictures(study),
    )


def _pictures(study: Study) -> Pictures:
    rows, atlas, shots = study.rows, study["atlas"], study["samples"].rows
    positions = sorted({spoken.row for each in atlas for spoken in each.rows})
    of_atlas = dict(zip(positions, rows.take(np.array(positions, int)), strict=True)) if positions else {}
    statistics = study.artifact.config["rows"]
    return Pictures(
        shape=rows.shape,
        rows=of_atlas,
        shots=shots,
        directions={each.latent: study.directions[each.latent] for each in atlas},
        row_errors=study.evaluation.row_errors,
        history=study.artifact.history,
        tryit=try_it(
            study.model,
            rows=np.stack([shots.clean[row] for row in list(shots.clean)[:10]]),
            shape=rows.shape,
            columns=rows.columns,
            low=np.asarray(statistics["low"]),
            high=np.asarray(statistics["high"]),
        ),
        why_not=why_not(study.model),
    )
