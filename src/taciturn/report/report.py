"""All that a report says, in numbers; how it looks is the business of `html`."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..artifact import Artifact
from ..core.atomic import atomic
from ..core.errors import DataError
from ..corruption import Corruption
from ..data.sources import Source, Subset
from ..inference import components, evaluate
from ..probes import Baseline, Related, plane, principal_components, relate, untrained
from ..training import History
from .curves import Curves, curves
from .latents import Latents, Shown, atlas, latents
from .neighbours import Neighbours, neighbours
from .provenance import Provenance, provenance
from .sample import Sample, sample
from .samples import Errors, SampleRows, Samples, errors, samples
from .summary import Summary, told
from .tryit import TryIt, try_it, why_not
from .verdict import Verdict, verdict

SCHEMA = 1
IN_ATLAS = 48
CORRELATED = 40
ON_MAP = 1_000


@dataclass(frozen=True, eq=False)
class Pictures:
    """What is drawn and stands in no report.json: rows, directions, the model in the page."""

    shape: tuple[int, ...]
    rows: dict[int, NDArray[Any]]  # in the input's units
    shots: SampleRows
    directions: dict[int, NDArray[Any]]  # of the atlas's latents, in scaled units
    row_errors: NDArray[Any]  # [N]
    history: History
    tryit: TryIt | None
    why_not: str | None  # the model does not travel in the page


@dataclass(frozen=True, eq=False)
class Report:
    """What a model is worth on rows. Its fields are report.json's; docs/report.md describes them."""

    name: str
    summary: Summary
    verdict: Verdict
    curves: Curves
    samples: Samples
    errors: Errors
    latents: Latents
    atlas: list[Shown]
    neighbours: Neighbours
    baselines: list[Baseline]
    relation: Related | None
    provenance: Provenance
    columns: list[str] | None
    map: list[list[float]]  # [up to 1,000, 2]: where the most telling latents lie in a plane, in their order
    map_by: str
    made: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    schema: int = SCHEMA
    pictures: Pictures | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the pictures."""
        plain = {name: value for name, value in vars(self).items() if name != "pictures"}
        return {name: _plain(value) for name, value in plain.items()}

    def save_json(self, path: str | os.PathLike[str]) -> None:
        """Write report.json, whole or not at all."""
        with atomic(path) as temporary:
            temporary.write_text(self.json(), encoding="utf-8")

    def json(self) -> str:
        """Return the numbers as JSON; what is no finite number is null."""
        return json.dumps(_finite(self.to_dict()), ensure_ascii=False, allow_nan=False) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, one self-contained HTML file, whole or not at all."""
        from .html import page

        with atomic(path) as temporary:
            temporary.write_text(page(self), encoding="utf-8")

    def _repr_html_(self) -> str:
        from .html import card

        return card(self)


def report(
    kept: Artifact,
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
    """Return all that there is to say of a model on rows, in several passes over them, in bounded memory.

    training : the rows that it learnt from, for the baselines to learn from as well; without them half of `rows`.
    labels : a class or a number a row [N], which latents are related to; `target` is its name.
    corruption : what denoising is measured under; the model's own by default.
    held_out : whether the model has never seen the rows.
    repeat : what repeats the run, a command or a line of Python.
    """
    model, objective = kept.model, kept.recipe("objective")
    corruption = kept.recipe("corruption") if corruption is None else corruption
    found = evaluate(model, rows, corruption=corruption, seed=seed)
    weights = kept.metrics.get("weights")
    summary = told(found, model, objective=objective, corruption=corruption, held_out=held_out, weights=weights)
    said = latents(model, found)
    some = sample(model, rows, seed=seed)
    shown = atlas(model, rows, said, some, most=IN_ATLAS, columns=rows.columns)
    speaking = [latent for latent, share in enumerate(said.shares) if share > 0]
    directions = components(model)
    near = neighbours(directions, speaking, some, shown=[each.latent for each in shown[:CORRELATED]])
    met, shots = samples(model, rows, found, corruption, seed=seed)
    learnt, judged = (training, rows) if training is not None else _halves(rows)
    loud = summary.l0 if summary.target_rate is None else summary.target_rate * summary.latents
    sizes = sorted({max(round(loud), 1), model.layout.widths[-1]})
    simple = principal_components(model, learnt, judged, sizes)
    simple.append(untrained(model, objective, learnt, judged, seed=kept.config["training"]["seed"]))
    past = curves(kept.history)
    places, by = plane(directions[said.order[:ON_MAP]])
    at = sorted({spoken.row for each in shown for spoken in each.rows})
    drawn = dict(zip(at, rows.take(np.array(at, int)), strict=True)) if at else {}
    return Report(
        name=name or kept.config["estimator"],
        summary=summary,
        verdict=verdict(summary, past, near, simple, batch_size=kept.config["training"]["batch_size"]),
        curves=past,
        samples=met,
        errors=errors(found),
        latents=said,
        atlas=shown,
        neighbours=near,
        baselines=simple,
        relation=_related(some, labels, target, len(rows)),
        provenance=provenance(kept, rows, repeat=repeat),
        columns=None if rows.columns is None else list(rows.columns),
        map=places.tolist(),
        map_by=by,
        pictures=Pictures(
            shape=rows.shape,
            rows=drawn,
            shots=shots,
            directions={each.latent: directions[each.latent] for each in shown},
            row_errors=found.row_errors,
            history=kept.history,
            tryit=_tried(kept, rows, shots),
            why_not=why_not(model),
        ),
    )


def _related(some: Sample, labels: ArrayLike | None, target: str, n_rows: int) -> Related | None:
    if labels is None:
        return None
    y = np.asarray(labels)
    if y.shape != (n_rows,):
        raise DataError(f"{target or 'labels'} has shape {y.shape}, but there are {n_rows:,} rows; give one a row")
    return relate(some.codes, y[some.at], some.rows, target=target)


def _halves(rows: Source) -> tuple[Source, Source]:
    """Return two halves of the rows, every second one."""
    at = np.arange(len(rows))
    return (Subset(rows, at[::2]), Subset(rows, at[1::2])) if len(rows) > 1 else (rows, rows)


def _tried(kept: Artifact, rows: Source, shots: SampleRows) -> TryIt | None:
    said = kept.config["rows"]
    examples = np.stack([shots.clean[row] for row in list(shots.clean)[:10]])
    return try_it(
        kept.model,
        rows=examples,
        shape=rows.shape,
        columns=rows.columns,
        low=np.asarray(said["low"]),
        high=np.asarray(said["high"]),
    )


def _plain(value: Any) -> Any:
    """Return a part of a report as plain values."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def _finite(value: Any) -> Any:
    """Return the value with None for every number that JSON cannot hold."""
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
