"""Runs beside each other: what was asked, what came of it, and which latents they share."""

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

SAME = 0.9  # |cosine| from which on a direction counts as found in both
DRAWN = 24  # pairs
MOST = 8192  # latents that are matched; Hungarian matching of more takes minutes


@dataclass(frozen=True)
class Shared:
    """What two dictionaries have in common."""

    one: str
    other: str
    mean_cosine: float  # mean |cosine| of latents matched one to one
    found: int  # pairs of |cosine| .9 or more
    initial: int  # such pairs at step 0: what is shared then was not learnt
    of: int  # pairs
    pairs: list[Pair]  # the most alike first, at most 24


@dataclass(frozen=True, eq=False)
class ComparisonNumbers:
    """Several runs, by name; `differ` holds the parameters that are not the same in all."""

    names: list[str]
    summaries: list[Summary]
    differ: dict[str, list[Any]]
    coherence: list[float]  # each dictionary's mean |cosine| of two latents
    seconds: list[float]
    shared: list[Shared]
    measured_on: str  # "the same rows", or "each run's own rows"
    histories: dict[str, History]
    directions: dict[str, NDArray[Any]]  # [L, D] by run, where rows are images of one shape; else empty
    shape: tuple[int, ...]

    @property
    def sentence(self) -> str:
        """The answer in words."""
        known = [(s.fvu, name, s) for s, name in zip(self.summaries, self.names, strict=True) if s.fvu is not None]
        if not known:
            return "No run explains its rows' variance."
        _, best, summary = min(known, key=lambda each: each[0])
        said = f"{best} reconstructs most: {summary.explained}"
        sparse = [(s.l0, name, fvu) for fvu, name, s in known if s.target_rate is None]
        if sparse and min(sparse)[1] != best:
            l0, fewest, fvu = min(sparse)
            said += f"; {fewest} says least: {l0:.1f} a row for {1 - fvu:.1%}"
        for each in self.shared[:1]:
            said += f"; {each.one} and {each.other} share {each.found:,} of {each.of:,} latents"
            said += f", {each.initial:,} of them before the first step" if each.initial else ""
        return said + "."

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "names": self.names,
            "summaries": [summary.to_dict() for summary in self.summaries],
            "differ": self.differ,
            "coherence": self.coherence,
            "seconds": self.seconds,
            "shared": [asdict(each) for each in self.shared],
            "measured_on": self.measured_on,
        }


def measure_comparison(runs: Mapping[str, Artifact], rows: Source | None = None) -> ComparisonNumbers:
    """Return two or more runs beside each other.

    rows : what all are measured on, rows that none has seen; without it each run's own numbers, of its own rows.
    """
    if len(runs) < 2:
        raise DataError(f"{len(runs)} run has nothing to be compared with; name two or more")
    names, kept = list(runs), list(runs.values())
    shapes = {tuple(each.config["rows"]["shape"]) for each in kept}
    directions = {name: components(each.model) for name, each in runs.items()}
    drawn = {name: components(_drawn(each)) for name, each in runs.items()}
    return ComparisonNumbers(
        names=names,
        summaries=[_summary(name, each, rows) for name, each in runs.items()],
        differ=_differ(kept),
        coherence=[mean_cosine(directions[name]) for name in names],
        seconds=[each.config["training"]["seconds"] for each in kept],
        shared=[
            _shared(one, other, directions, drawn)
            for one, other in combinations(names, 2)
            if _alike(one, other, directions)
        ],
        measured_on="each run's own rows" if rows is None else f"the same {len(rows):,} rows",
        histories={name: each.history for name, each in runs.items()},
        directions=directions if len(shapes) == 1 else {},
        shape=next(iter(shapes)) if len(shapes) == 1 else (),
    )


def _summary(name: str, kept: Artifact, rows: Source | None) -> Summary:
    if rows is None:
        if "fvu" not in kept.metrics:
            raise DataError(f"{name} does not say what it is worth; name rows to measure all runs on (--data)")
        return Summary.from_dict(kept.metrics)
    return summarise(
        kept.model, rows, objective=kept.recipe("objective"), corruption=kept.recipe("corruption"), held_out=False
    )


def _differ(kept: Sequence[Artifact]) -> dict[str, list[Any]]:
    """Return the parameters that are not the same in all runs; None where a run has no such parameter."""
    each = [
        {"estimator": one.config["estimator"]} | one.config["parameters"] | {"data": one.config["rows"].get("data")}
        for one in kept
    ]
    names = dict.fromkeys(name for one in each for name in one)
    values = {name: [one.get(name) for one in each] for name in names}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found)}


def _alike(one: str, other: str, directions: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether two dictionaries can be matched."""
    first, second = directions[one], directions[other]
    return first.shape[1] == second.shape[1] and max(len(first), len(second)) <= MOST


def _drawn(kept: Artifact) -> Autoencoder:
    """Return a run's network before its first step."""
    return Autoencoder(kept.model.layout, rng=generator(kept.config["training"]["seed"], "init"))


def _shared(one: str, other: str, directions: Mapping[str, NDArray[Any]], drawn: Mapping[str, NDArray[Any]]) -> Shared:
    found = matched(directions[one], directions[other])
    order = np.argsort(-np.abs(found.cosines), kind="stable")[:DRAWN]
    pairs = [Pair(int(found.found[i]), int(found.truth[i]), float(found.cosines[i])) for i in order]
    sizes = np.abs(found.cosines)
    initial = int((np.abs(matched(drawn[one], drawn[other]).cosines) >= SAME).sum())
    return Shared(one, other, float(sizes.mean()), int((sizes >= SAME).sum()), initial, len(sizes), pairs)
