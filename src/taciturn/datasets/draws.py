"""The random draws of a known dictionary: directions, firing features, their activations, and noise."""

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

# Rows are drawn in whole blocks, keyed by (seed, block), so that a row does not depend on how many rows are requested.
BLOCK = 256


def directions(n_features: int, n_inputs: int, seed: int) -> NDArray[np.float32]:
    """Return random directions [F, D] of norm 1, uniform on the sphere."""
    rng = generator(seed, "known dictionary, directions")
    directions_FD = torch.randn(n_features, n_inputs, generator=rng, dtype=torch.float64)
    return F.normalize(directions_FD).float().numpy()


def noise(start: int, stop: int, n_inputs: int, seed: int) -> NDArray[np.float32]:
    """Return standard normal noise [stop - start, D] of the rows start … stop - 1."""
    blocks = [
        torch.randn(BLOCK, n_inputs, generator=generator(seed, "known dictionary, noise", block)).numpy()
        for block in range(start // BLOCK, -(-stop // BLOCK))
    ]
    return np.concatenate(blocks)[start % BLOCK :][: stop - start]


def activations(firing: "Firing", start: int, stop: int, magnitude: float, std: float) -> "csr_array[Any, Any]":
    """Return the activations of the features in the rows start … stop - 1, a CSR array [stop - start, F]."""
    values, features, counts = [], [], []
    for block in range(start // BLOCK, -(-stop // BLOCK)):
        fired = firing.fired(block)
        rng = generator(firing.seed, "known dictionary, magnitudes", block)
        normal = torch.randn(int(fired.sum()), generator=rng).numpy()
        # At least the smallest normal number: a feature that fires is stored, and a stored value must not be 0.
        values.append(np.maximum(np.abs(np.float32(magnitude) + np.float32(std) * normal), np.finfo(np.float32).tiny))
        features.append(fired.nonzero()[1])
        counts.append(fired.sum(1))
    row_starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    shape = len(row_starts) - 1, len(firing.parents)
    all_blocks = csr_array((np.concatenate(values), np.concatenate(features), row_starts), shape=shape)
    return all_blocks[start % BLOCK :][: stop - start]


@dataclass(frozen=True, eq=False)
class Firing:
    """The draw of the features that fire, block by block.

    Parameters
    ----------
    low, high : arrays of shape [F], float32
        Ends of each feature's interval.
    group : array of shape [F], int
        Each feature's group, from 0 to G - 1.
    factors : array of shape [G, levels · rank], float32, or None
        sqrt(c) F; None without correlation.
    own : float
        sqrt(1 - c), the weight of a group's own noise.
    parents : array of shape [F], int
        Each feature's parent, -1 where it has none.
    levels : list of slice
        The features of each level of the hierarchy, the roots first.
    seed : int

    Notes
    -----
    Given that its parent fires, feature f fires where its group's draw lies in [low_f, high_f), an interval of
    probability rate_f / rate_parent. Exclusive siblings form one group and share one draw; any other feature is a group
    of its own. Without correlation a draw is uniform. With correlation c it is Gaussian,

        g = sqrt(c) F z + sqrt(1 - c) e        z, e ~ N(0, 1); F has rows of norm 1

    so that two draws have correlation c F_i · F_j. Each level of a hierarchy has a z of its own. A child's draw is
    therefore independent of whether its parent fires, and its rate is exact.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    group: NDArray[np.intp]
    factors: NDArray[np.float32] | None
    own: float
    parents: NDArray[np.intp]
    levels: list[slice]
    seed: int

    def fired(self, block: int) -> NDArray[np.bool_]:
        """Return whether each feature fires in each row of a block, [BLOCK, F]."""
        rng = generator(self.seed, "known dictionary, firing", block)
        draws = self._draws(rng)[:, self.group]
        fired: NDArray[np.bool_] = (self.low <= draws) & (draws < self.high)
        for level in self.levels[1:]:  # top down: parents are known before their children
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
    """Return the draw that gives features their rates, under a hierarchy and with correlations.

    Parameters
    ----------
    rates : array of shape [F]
        The share of all rows in which each feature fires, in (0, 1).
    parents : array of shape [F], int
        Each feature's parent, -1 where it has none.
    hierarchy : Hierarchy or None
    correlation : float
        c, in [0, 1).
    rank : int
        Number of common factors of each level.
    seed : int

    Returns
    -------
    Firing
    """
    levels = hierarchy.levels if hierarchy else [slice(0, 0)]
    is_child = parents >= 0
    conditional_rates = np.where(is_child, rates / rates[parents], rates)  # given that the parent fires
    group, low, high = np.arange(len(rates)), np.zeros(len(rates)), conditional_rates
    if hierarchy and hierarchy.exclusive:
        ends = np.minimum(conditional_rates[is_child].reshape(-1, hierarchy.branches).cumsum(1), 1)
        high[is_child] = ends.ravel()
        low[is_child] = np.pad(ends, ((0, 0), (1, 0)))[:, :-1].ravel()
        _, group = np.unique(np.where(is_child, len(rates) + parents, group), return_inverse=True)
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
    """Return a random unit vector per group, in its level's part of [G, levels · rank].

    Features outside the hierarchy belong to the level of the roots.
    """
    n_groups = int(group.max()) + 1
    rng = generator(seed, "known dictionary, factors")
    unit_vectors = F.normalize(torch.randn(n_groups, rank, generator=rng, dtype=torch.float64)).numpy()
    level_F = np.zeros(len(group), np.intp)
    for number, level in enumerate(levels):
        level_F[level] = number
    level_G = np.zeros(n_groups, np.intp)
    level_G[group] = level_F
    factors = np.zeros((n_groups, len(levels), rank))
    factors[np.arange(n_groups), level_G] = unit_vectors
    return factors.reshape(n_groups, -1)
