"""The numbers of several runs: results, parameters that differ, and shared latents."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, zip_longest
from math import prod
from typing import Any

import numpy as np
import torch
from msgspec.structs import replace
from numpy.typing import NDArray

from ...artifact import Artifact
from ...core.atomic import atomic
from ...core.errors import DataError
from ...core.messages import quoted
from ...data.moments import measure_moments
from ...data.row_shape import is_image
from ...data.sources import Source
from ...data.variables import Variables
from ...inference import directions, require_own_targets
from ...metrics import matched, mean_cosine
from ...model import Auto, Autoencoder, Standard, VariableUnits
from ...probes import initial_model
from ...training import History
from .neighbours import Pair
from .numbers import all_finite
from .summary import Summary, summarise

SCHEMA = 1  # of the JSON file of a comparison
SHARED_COSINE = 0.9  # the least |cosine| of a shared latent
MAX_PAIRS = 24  # pairs that are listed
MAX_MATCHED_LATENTS = 8192  # matching more by the Hungarian algorithm takes minutes

Directions = Mapping[str, NDArray[Any]]
Unit = NDArray[np.float64]  # [D]: the unit of each column, for all runs


@dataclass(frozen=True)
class SharedLatents:
    """The latents that two runs share: pairs of nearly the same direction, matched one to one.

    Parameters
    ----------
    first, second : str
        The runs' names.
    mean_cosine : float
        Mean |cosine| of all matched pairs, from 0 to 1.
    shared : int
        Pairs with |cosine| of .9 or more.
    initially_shared : int
        The same number before the first training step. What two runs share then is not a result of training.
    matched : int
        All matched pairs: as many as the smaller run has latents.
    pairs : list of Pair
        Up to 24 matched pairs, the largest |cosine| first.
    same_model : bool
        Whether both runs have the same weights.
    """

    first: str
    second: str
    mean_cosine: float
    shared: int
    initially_shared: int
    matched: int
    pairs: list[Pair]
    same_model: bool

    @property
    def caveat(self) -> str:
        """Why the agreement is no evidence of stability, as a clause; "" if it is."""
        if self.same_model:
            return "both are the same model, so this is no evidence of stability"
        if self.initially_shared == self.matched:
            return "both began with the same weights, so this is no evidence of stability; fit with different seeds"
        return ""


@dataclass(frozen=True, eq=False, repr=False)
class ComparisonNumbers:
    """The numbers of several runs. Lists have one entry per run, in the order of `names`.

    Parameters
    ----------
    names : list of str
        The runs' names.
    summaries : list of Summary
        Their main numbers.
    differing_parameters : dict of str to list
        The parameters that are not the same in all runs; None for a run that has no such parameter.
    mean_cosines : list of float
        Mean |cosine| of two latents of the run, from 0 to 1.
    seconds : list of float
        Duration of the training.
    seeds : list of int
        Seed of the training.
    shared : list of SharedLatents
        For each two runs that can be compared, the latents that they share.
    evaluated_on : str
        "the same … rows" or "each run's own rows".
    histories : dict of str to History
        The runs' histories, by name.
    directions : dict of str to array [L, D]
        The runs' dictionaries, by name; empty unless the rows of all runs have the same shape.
    shape : tuple of int
        The rows' shape; () unless all runs have the same.
    """

    names: list[str]
    summaries: list[Summary]
    differing_parameters: dict[str, list[Any]]
    mean_cosines: list[float]
    seconds: list[float]
    seeds: list[int]
    shared: list[SharedLatents]
    evaluated_on: str
    histories: dict[str, History]
    directions: dict[str, NDArray[Any]]
    shape: tuple[int, ...]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {', '.join(self.names)}: {self.sentence}>"

    @property
    def sentence(self) -> str:
        """The comparison in one sentence."""
        clauses = self._results()
        for pair in self.shared[:1]:
            counts = f"{pair.shared:,} of {pair.matched:,} latents"
            initially = f", {pair.initially_shared:,} of them before the first step" if pair.initially_shared else ""
            because = f": {pair.caveat}" if pair.caveat else initially
            clauses.append(f"{pair.first} and {pair.second} share {counts}{because}")
        return "; ".join(clauses) + "."

    def _results(self) -> list[str]:
        """Return which run reconstructs most, and which has the fewest active latents, as clauses."""
        if len({summary.columns for summary in self.summaries}) > 1:
            return ["The runs were evaluated on rows of different widths, so their results cannot be compared"]
        if len({summary.hidden is None for summary in self.summaries}) > 1:
            return [
                "Some runs were trained on noisy rows alone, so the errors are not of one kind and cannot be compared"
            ]
        same, most = ("reconstruct the same share", "reconstructs most")
        if self.summaries[0].hidden is not None:
            same, most = ("predict of hidden entries the same share", "predicts most of hidden entries")
        elif self.summaries[0].variables is not None:
            same, most = ("reconstruct equally well", "reconstructs best")
        known = [(s.fvu, name, s) for s, name in zip(self.summaries, self.names, strict=True) if s.fvu is not None]
        if not known:
            return ["The rows are constant, so no run reconstructs a share of their variance"]
        _, best, summary = min(known, key=lambda entry: entry[0])
        if len(known) > 1 and len({f"{fvu:.4f}" for fvu, _, _ in known}) == 1:
            clauses = [f"All runs {same}: {summary.explained}"]
        else:
            clauses = [f"{best} {most}: {summary.explained}"]
        sparse = [(s.l0, name, s) for _, name, s in known if s.target_rate is None and s.latents]
        if sparse and round(min(sparse)[0], 1) < round(summary.l0, 1):
            l0, sparsest, other = min(sparse)
            clauses.append(f"{sparsest} has the fewest active latents: {l0:.1f} per row for {other.share}")
        return clauses

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without histories and directions; docs/report.md lists the keys."""
        return {
            "schema": SCHEMA,
            "names": self.names,
            "summaries": [summary.to_dict() for summary in self.summaries],
            "differing_parameters": self.differing_parameters,
            "mean_cosines": self.mean_cosines,
            "seconds": self.seconds,
            "seeds": self.seeds,
            "shared": [asdict(pair) for pair in self.shared],
            "evaluated_on": self.evaluated_on,
        }

    def json(self) -> str:
        """Return the numbers as JSON; infinite numbers and NaN become null."""
        return json.dumps(all_finite(self.to_dict()), ensure_ascii=False, allow_nan=False) + "\n"

    def save_json(self, path: str | os.PathLike[str]) -> None:
        """Write the numbers as JSON. A failure leaves no partial file."""
        with atomic(path) as temporary:
            temporary.write_text(self.json(), encoding="utf-8")


def measure_comparison(runs: Mapping[str, Artifact], rows: Source | None = None) -> ComparisonNumbers:
    """Return the numbers of two or more runs; see `taciturn.report.compare` for the parameters."""
    if len(runs) < 2:
        raise DataError(f"a comparison needs several runs, not {len(runs)}; name two or more")
    names, artifacts = list(runs), list(runs.values())
    for artifact in artifacts:
        require_own_targets(artifact.model, "a comparison is of rows alone; use score(X, target=Y)")
    _check_variables(runs, rows)
    if rows is not None:
        for name, artifact in runs.items():
            _check_columns(name, artifact, rows)
    shapes = {tuple(artifact.rows.shape) for artifact in artifacts}
    widths = {artifact.model.layout.widths[0] for artifact in artifacts}
    unit = None if rows is None else _unit(rows)
    # without rows, directions are in the units of the first run's rows
    common = unit if rows is not None or len(widths) > 1 else artifacts[0].model.unit.cpu().numpy()
    found = {name: directions(artifact.model, common) for name, artifact in runs.items()}
    return ComparisonNumbers(
        names=names,
        summaries=[_summary(name, artifact, rows, unit) for name, artifact in runs.items()],
        differing_parameters=_differing_parameters(artifacts),
        mean_cosines=[mean_cosine(found[name]) if len(found[name]) else 0.0 for name in names],
        seconds=[artifact.training.seconds for artifact in artifacts],
        seeds=[artifact.training.seed for artifact in artifacts],
        shared=[
            _shared(first, second, found, runs, common)
            for first, second in combinations(names, 2)
            if _can_be_matched(first, second, found)
        ],
        evaluated_on="each run's own rows" if rows is None else f"the same {len(rows):,} rows",
        histories={name: artifact.history for name, artifact in runs.items()},
        directions=found if len(shapes) == 1 else {},
        shape=next(iter(shapes)) if len(shapes) == 1 else (),
    )


def _unit(rows: Source) -> Unit:
    """Return the divisor of each column that scaling="auto" finds for rows."""
    moments = measure_moments(rows)
    if (variables := getattr(rows, "variables", None)) is not None and any(variables.levels):
        return VariableUnits(variables.levels, Standard()).fit(moments)[1]
    return Auto().resolve(moments, rows.dtype if rows.columns is None else float).fit(moments)[1]


def _check_variables(runs: Mapping[str, Artifact], rows: Source | None) -> None:
    """Refuse runs, and rows, of tables that do not have the same variables, kinds and levels."""
    if all(artifact.rows.variables is None for artifact in runs.values()):
        return
    first, *others = ((name, artifact.rows.variables) for name, artifact in runs.items())
    others += [] if rows is None else [("the rows (--data)", getattr(rows, "variables", None))]
    for name, variables in others:
        if (one := _different_variable(first[1], variables)) is not None:
            raise DataError(
                f"{first[0]} and {name} differ in the variable {quoted(one)}: its name, its kind or its levels; "
                "compare runs of the same table"
            )


def _different_variable(first: Variables | None, second: Variables | None) -> str | None:
    """Return the name of the first variable that two tables do not encode alike; None if there is none."""
    tables = [() if table is None else table.variables for table in (first, second)]
    for one, other in zip_longest(*tables):
        if one is None or other is None or replace(one, dtype=other.dtype) != other:
            return (one or other).text
    return None


def _check_columns(name: str, artifact: Artifact, rows: Source) -> None:
    width, columns = artifact.model.layout.widths[0], artifact.rows.columns
    mend = "compare runs of the same columns, or leave out the rows (--data): each run then has its own results"
    if prod(rows.shape) != width:
        raise DataError(f"{name} was trained on {width} columns, but the rows have {prod(rows.shape)}; {mend}")
    if columns is not None and rows.columns is not None and list(rows.columns) != columns:
        one, other = next(names for names in zip(columns, rows.columns, strict=True) if names[0] != names[1])
        raise DataError(f"{name} was trained on the column {one!r}, in whose place the rows have {other!r}; {mend}")


def _summary(name: str, artifact: Artifact, rows: Source | None, unit: Unit | None) -> Summary:
    if rows is None:
        if "fvu" not in artifact.metrics:
            raise DataError(f"{name} has no metrics; name rows to evaluate all runs on (--data)")
        return Summary.from_dict(artifact.metrics)
    objective, corruption = artifact.settings.objective, artifact.settings.evaluation_noise
    return summarise(
        artifact.model,
        rows,
        objective=objective,
        corruption=corruption,
        rows_kind=artifact.rows_kind(rows),
        images=is_image(tuple(artifact.rows.shape)),
        unit=unit,
        noise=artifact.settings.noise,
    )


def _differing_parameters(artifacts: Sequence[Artifact]) -> dict[str, list[Any]]:
    """Return the parameters that are not the same in all runs; None for a run that has no such parameter."""
    parameters = [
        {"estimator": artifact.estimator.name} | artifact.estimator.parameters | {"data": artifact.rows.source}
        for artifact in artifacts
    ]
    names = dict.fromkeys(name for run in parameters for name in run)
    values = {name: [run.get(name) for run in parameters] for name in names}
    return {name: entries for name, entries in values.items() if any(entry != entries[0] for entry in entries)}


def _can_be_matched(first: str, second: str, found: Directions) -> bool:
    """Return whether two dictionaries have the same width, and latents that are few enough to be matched."""
    one_LD, other_LD = found[first], found[second]
    sizes = sorted((len(one_LD), len(other_LD)))
    return one_LD.shape[1] == other_LD.shape[1] and sizes[0] > 0 and sizes[1] <= MAX_MATCHED_LATENTS


def _shared(
    first: str, second: str, found: Directions, runs: Mapping[str, Artifact], unit: Unit | None
) -> SharedLatents:
    models = {name: initial_model(runs[name].model, runs[name].training.seed) for name in (first, second)}
    initial = {name: directions(model, unit) for name, model in models.items()}
    matching = matched(found[first], found[second])
    sizes, initial_sizes = np.abs(matching.cosines), np.abs(matched(initial[first], initial[second]).cosines)
    largest = np.argsort(-sizes, kind="stable")[:MAX_PAIRS]
    return SharedLatents(
        first,
        second,
        mean_cosine=float(sizes.mean()),
        shared=int((sizes >= SHARED_COSINE).sum()),
        initially_shared=int((initial_sizes >= SHARED_COSINE).sum()),
        matched=len(sizes),
        pairs=[Pair(int(matching.found[i]), int(matching.truth[i]), float(matching.cosines[i])) for i in largest],
        same_model=_same_weights(runs[first].model, runs[second].model),
    )


def _same_weights(first: Autoencoder, second: Autoencoder) -> bool:
    one, other = first.state_dict(), second.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name].cpu(), other[name].cpu()) for name in one)
