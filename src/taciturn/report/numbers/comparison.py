"""The numbers of several runs: results, parameters that differ, and shared latents."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...artifact import Artifact
from ...core.errors import DataError
from ...core.seeds import generator
from ...data.sources import Source
from ...inference import components
from ...metrics import matched, mean_cosine
from ...model import Autoencoder
from ...training import History
from .neighbours import Pair
from .summary import Summary, summarise

SHARED_COSINE = 0.9  # the least |cosine| of a shared latent
MAX_PAIRS = 24  # pairs that are listed
MAX_MATCHED_LATENTS = 8192  # matching more by the Hungarian algorithm takes minutes

Directions = Mapping[str, NDArray[Any]]


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
    """

    first: str
    second: str
    mean_cosine: float
    shared: int
    initially_shared: int
    matched: int
    pairs: list[Pair]


@dataclass(frozen=True, eq=False)
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
    shared: list[SharedLatents]
    evaluated_on: str
    histories: dict[str, History]
    directions: dict[str, NDArray[Any]]
    shape: tuple[int, ...]

    @property
    def sentence(self) -> str:
        """The comparison in one sentence."""
        known = [(s.fvu, name, s) for s, name in zip(self.summaries, self.names, strict=True) if s.fvu is not None]
        if not known:
            return "The rows are constant, so no run reconstructs a share of their variance."
        _, best, summary = min(known, key=lambda entry: entry[0])
        clauses = [f"{best} reconstructs most: {summary.explained}"]
        sparse = [(s.l0, name, fvu) for fvu, name, s in known if s.target_rate is None]
        if sparse and min(sparse)[1] != best:
            l0, sparsest, fvu = min(sparse)
            clauses.append(f"{sparsest} has the fewest active latents: {l0:.1f} per row for {1 - fvu:.1%}")
        for pair in self.shared[:1]:
            counts = f"{pair.shared:,} of {pair.matched:,} latents"
            initially = f", {pair.initially_shared:,} of them before the first step" if pair.initially_shared else ""
            clauses.append(f"{pair.first} and {pair.second} share {counts}{initially}")
        return "; ".join(clauses) + "."

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without histories and directions."""
        return {
            "names": self.names,
            "summaries": [summary.to_dict() for summary in self.summaries],
            "differing_parameters": self.differing_parameters,
            "mean_cosines": self.mean_cosines,
            "seconds": self.seconds,
            "shared": [asdict(pair) for pair in self.shared],
            "evaluated_on": self.evaluated_on,
        }


def measure_comparison(runs: Mapping[str, Artifact], rows: Source | None = None) -> ComparisonNumbers:
    """Return the numbers of two or more runs; see `taciturn.report.compare` for the parameters."""
    if len(runs) < 2:
        raise DataError(f"a comparison needs several runs, not {len(runs)}; name two or more")
    names, artifacts = list(runs), list(runs.values())
    shapes = {tuple(artifact.config["rows"]["shape"]) for artifact in artifacts}
    directions = {name: components(artifact.model) for name, artifact in runs.items()}
    initial_directions = {name: components(_initial_model(artifact)) for name, artifact in runs.items()}
    return ComparisonNumbers(
        names=names,
        summaries=[_summary(name, artifact, rows) for name, artifact in runs.items()],
        differing_parameters=_differing_parameters(artifacts),
        mean_cosines=[mean_cosine(directions[name]) for name in names],
        seconds=[artifact.config["training"]["seconds"] for artifact in artifacts],
        shared=[
            _shared(first, second, directions, initial_directions)
            for first, second in combinations(names, 2)
            if _can_be_matched(first, second, directions)
        ],
        evaluated_on="each run's own rows" if rows is None else f"the same {len(rows):,} rows",
        histories={name: artifact.history for name, artifact in runs.items()},
        directions=directions if len(shapes) == 1 else {},
        shape=next(iter(shapes)) if len(shapes) == 1 else (),
    )


def _summary(name: str, artifact: Artifact, rows: Source | None) -> Summary:
    if rows is None:
        if "fvu" not in artifact.metrics:
            raise DataError(f"{name} has no metrics; name rows to evaluate all runs on (--data)")
        return Summary.from_dict(artifact.metrics)
    objective, corruption = artifact.recipe("objective"), artifact.recipe("corruption")
    return summarise(artifact.model, rows, objective=objective, corruption=corruption, held_out=False)


def _differing_parameters(artifacts: Sequence[Artifact]) -> dict[str, list[Any]]:
    """Return the parameters that are not the same in all runs; None for a run that has no such parameter."""
    parameters = [
        {"estimator": artifact.config["estimator"]}
        | artifact.config["parameters"]
        | {"data": artifact.config["rows"].get("data")}
        for artifact in artifacts
    ]
    names = dict.fromkeys(name for run in parameters for name in run)
    values = {name: [run.get(name) for run in parameters] for name in names}
    return {name: entries for name, entries in values.items() if any(entry != entries[0] for entry in entries)}


def _can_be_matched(first: str, second: str, directions: Directions) -> bool:
    """Return whether two dictionaries have the same width and few enough latents to be matched."""
    one_LD, other_LD = directions[first], directions[second]
    return one_LD.shape[1] == other_LD.shape[1] and max(len(one_LD), len(other_LD)) <= MAX_MATCHED_LATENTS


def _initial_model(artifact: Artifact) -> Autoencoder:
    """Return a run's network before its first step."""
    return Autoencoder(artifact.model.layout, rng=generator(artifact.config["training"]["seed"], "init"))


def _shared(first: str, second: str, directions: Directions, initial: Directions) -> SharedLatents:
    matching = matched(directions[first], directions[second])
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
    )
