"""Trees of features: a child fires only where its parent does."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..core.errors import RecipeError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Hierarchy:
    """A forest in which a feature fires only in rows where its parent fires.

    The first features are the roots, then come the children of the first root, of the second, …, then their
    children: parents have lower numbers than children. Features beyond the forest are free.

    Parameters
    ----------
    roots : int
        How many trees there are.
    branches : int
        How many children a parent has.
    depth : int
        How many levels lie below the roots.
    exclusive : bool
        Whether at most one child of a parent fires in a row.
    share : float
        In which share of a parent's rows a child fires at most; if exclusive, all of its children together. Below
        1 a parent also fires alone, without which no dictionary could tell it from its children. Rates that are
        written one by one need only fit (`check`).

    Examples
    --------
    >>> Hierarchy(roots=2, branches=2).parents(8).tolist()
    [-1, -1, 0, 0, 1, 1, -1, -1]
    """

    roots: int
    branches: int
    depth: int = 1
    exclusive: bool = False
    share: float = 0.5

    def __post_init__(self) -> None:
        for name in ("roots", "branches", "depth"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise RecipeError(f"Hierarchy: {name}={value!r} must be a whole number from 1 on")
        if not 0 < self.share <= 1:
            raise RecipeError(f"Hierarchy: share={self.share} lies outside (0, 1]")

    @property
    def levels(self) -> list[slice]:
        """The features of each level, the roots first."""
        ends = np.cumsum([self.roots * self.branches**level for level in range(self.depth + 1)]).tolist()
        return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def parents(self, n_features: int) -> NDArray[np.intp]:
        """Return each feature's parent [F], -1 where it has none."""
        levels = self.levels
        if levels[-1].stop > n_features:
            raise RecipeError(
                f"the hierarchy has {levels[-1].stop} features, but n_features={n_features}; raise n_features, or "
                "lower roots, branches or depth"
            )
        parents = np.full(n_features, -1, np.intp)
        for above, level in pairwise(levels):
            parents[level] = np.repeat(np.arange(above.start, above.stop), self.branches)
        return parents

    def lower(self, rates: Floats) -> Floats:
        """Return rates [F], those of children lowered to what `share` leaves them."""
        rates = rates.copy()
        for above, level in pairwise(self.levels):
            children = rates[level].reshape(-1, self.branches)  # [parents, branches]
            most = self.share * rates[above, None]
            asked = children.sum(1, keepdims=True) if self.exclusive else children
            rates[level] = (children * np.minimum(1, most / asked)).ravel()
        return rates

    def check(self, rates: Floats) -> None:
        """Raise RecipeError where children would fire more often than their parent."""
        for above, level in pairwise(self.levels):
            children = rates[level].reshape(-1, self.branches)
            asked = children.sum(1) if self.exclusive else children.max(1)
            for parent in np.flatnonzero(asked > rates[above] * (1 + 1e-9))[:1] + above.start:
                who = "its exclusive children together" if self.exclusive else "one of its children"
                raise RecipeError(
                    f"rates: feature {parent} fires in {rates[parent]:g} of the rows, but {who} in "
                    f"{asked[parent - above.start]:g}; raise the parent's rate or lower the children's"
                )
