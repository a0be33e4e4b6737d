"""What a known dictionary draws: directions, who fires, how strongly, noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import ndtri

from ..core.seeds import generator
from .hierarchy import Floats, Hierarchy

BLOCK = 256  # rows drawn at once, keyed by (seed, block): all of them, so that a row does not depend on how many


def directions(n_features: int, n_inputs: int, seed: int) -> NDArray[np.float32]:
    """Return random directions [F, D] of length 1."""
    rng = generator(seed, "known dictionary, directions")
    directions_FD = torch.randn(n_features, n_inputs, generator=rng, dtype=torch.float64)
    return F.normalize(directions_FD).float().numpy()


def noise(start: int, stop: int, n_inputs: int, seed: int) -> NDArray[np.float32]:
    """Return standard normal noise [stop - start, D] of rows from start to stop."""
    blocks = [
        torch.randn(BLOCK, n_inputs, generator=generator(seed, "known dictionary, noise", block)).numpy()
        for block in range(start // BLOCK, -(-stop // BLOCK))
    ]
    return np.concatenate(blocks)[start % BLOCK :][: stop - start]


def activations(who: "Firing", start: int, stop: int, magnitude: float, std: float) -> "csr_array[Any, Any]":
    """Return how strongly each feature speaks, a CSR array [stop - start, F], in rows from start to stop."""
    values, features, counts = [], [], []
    for block in range(start // BLOCK, -(-stop // BLOCK)):
        fired = who.fired(block)
        rng = generator(who.seed, "known dictionary, magnitudes", block)
        normal = torch.randn(int(fired.sum()), generator=rng).numpy()
        # tiny: what fires is stored, and what is stored is not 0
        values.append(np.maximum(np.abs(np.float32(magnitude) + np.float32(std) * normal), np.finfo(np.float32).tiny))
        features.append(fired.nonzero()[1])
        counts.append(fired.sum(1))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    shape = len(starts) - 1, len(who.parents)
    whole = csr_array((np.concatenate(values), np.concatenate(features), starts), shape=shape)
    return whole[start % BLOCK :][: stop - start]


@dataclass(frozen=True, eq=False)
class Firing:
    """Who fires, drawn for blocks of rows.

    Given that its parent fires, feature f fires where its group's draw lies in [low_f, high_f), an interval of
    probability rate_f / rate_parent. Exclusive siblings are one group and share out one draw; any other feature is
    a group of its own. Without correlation a draw is uniform. With correlation it is Gaussian,

        g = sqrt(c) F z + sqrt(1 - c) e        z, e ~ N(0, 1); F has rows of unit length

    so that two draws have correlation c F_i · F_j. Each level of a hierarchy has a z of its own: what a child draws
    does not depend on whether its parent fires, and its rate is exact.
    """

    low: NDArray[np.float32]  # [F]
    high: NDArray[np.float32]  # [F]
    group: NDArray[np.intp]  # [F]
    factors: NDArray[np.float32] | None  # [G, levels · rank]: sqrt(c) F
    own: float  # sqrt(1 - c)
    parents: NDArray[np.intp]  # [F]
    levels: list[slice]
    seed: int

    def fired(self, block: int) -> NDArray[np.bool_]:
        """Return who fires in a block's rows [BLOCK, F]."""
        rng = generator(self.seed, "known dictionary, firing", block)
        draws = self._draws(rng)[:, self.group]
        fired: NDArray[np.bool_] = (self.low <= draws) & (draws < self.high)
        for level in self.levels[1:]:  # parents are settled before their children
            fired[:, level] &= fired[:, self.parents[level]]
        return fired

    def _draws(self, rng: torch.Generator) -> NDArray[np.float32]:
        n_groups = int(self.group.max()) + 1
        if self.factors is None:
            return torch.rand(BLOCK, n_groups, generator=rng).numpy()
        e_BG = torch.randn(BLOCK, n_groups, generator=rng).numpy()
        z_BR = torch.randn(BLOCK, self.factors.shape[1], generator=rng).numpy()
        return np.asarray(z_BR @ self.factors.T + np.float32(self.own) * e_BG, np.float32)


def firing(
    rates: Floats, parents: NDArray[np.intp], hierarchy: Hierarchy | None, correlation: float, rank: int, seed: int
) -> Firing:
    """Return the draws that give features their rates [F], joined by a hierarchy and by correlations."""
    levels = hierarchy.levels if hierarchy else [slice(0, 0)]
    child = parents >= 0
    wide = np.where(child, rates / rates[parents], rates)  # how probable, given that the parent fires
    group, low, high = np.arange(len(rates)), np.zeros(len(rates)), wide
    if hierarchy and hierarchy.exclusive:
        ends = np.minimum(wide[child].reshape(-1, hierarchy.branches).cumsum(1), 1)
        high[child] = ends.ravel()
        low[child] = np.pad(ends, ((0, 0), (1, 0)))[:, :-1].ravel()
        _, group = np.unique(np.where(child, len(rates) + parents, group), return_inverse=True)
    factors = None
    if correlation:
        low, high = ndtri(low), ndtri(high)
        factors = np.sqrt(correlation) * _factors(group, levels, rank, seed)
    return Firing(
        low.astype(np.float32),
        high.astype(np.float32),
        group,
        None if factors is None else factors.astype(np.float32),
        np.sqrt(1 - correlation),
        parents,
        levels,
        seed,
    )


def _factors(group: NDArray[np.intp], levels: list[slice], rank: int, seed: int) -> Floats:
    """Return a random unit vector a group, in its level's part of [G, levels · rank]; free features go with roots."""
    n_groups = int(group.max()) + 1
    rng = generator(seed, "known dictionary, factors")
    unit = F.normalize(torch.randn(n_groups, rank, generator=rng, dtype=torch.float64)).numpy()
    level_F = np.zeros(len(group), np.intp)
    for number, level in enumerate(levels):
        level_F[level] = number
    level_G = np.zeros(n_groups, np.intp)
    level_G[group] = level_F
    factors = np.zeros((n_groups, len(levels), rank))
    factors[np.arange(n_groups), level_G] = unit
    return factors.reshape(n_groups, -1)
