"""Trees of features, in which a child fires only where its parent fires."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..core.errors import RecipeError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Hierarchy:
    """A forest in which a feature fires only in rows where its parent fires.

    Features are numbered level by level: first the roots, then the children of the first root, of the second, …, then
    their children. A parent therefore has a lower number than its children. Features beyond the forest have no parent.

    Parameters
    ----------
    roots : int
        Number of trees, 1 or more.
    branches : int
        Number of children of a parent, 1 or more.
    depth : int, default=1
        Number of levels below the roots, 1 or more.
    exclusive : bool, default=False
        Whether at most one child of a parent fires in a row.
    share : float, default=0.5
        In (0, 1]: the largest share of a parent's rows in which one child fires or, if exclusive, all of its children
        together. Below 1 a parent also fires alone; otherwise no dictionary could tell it from its children. Rates that
        are given feature by feature need not keep to it, but they must pass `check`.

    Raises
    ------
    RecipeError
        A number is out of its range.

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
                raise RecipeError(f"Hierarchy: {name}={value!r} must be a whole number, 1 or more")
        if not 0 < self.share <= 1:
            raise RecipeError(f"Hierarchy: share={self.share} lies outside (0, 1]")

    @property
    def levels(self) -> list[slice]:
        """The range of the features of each level, the roots first; depth + 1 slices."""
        ends = np.cumsum([self.roots * self.branches**level for level in range(self.depth + 1)]).tolist()
        return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def parents(self, n_features: int) -> NDArray[np.intp]:
        """Return each feature's parent [F], -1 where it has none; raise RecipeError if n_features (F) is too small."""
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
        """Return a copy of rates [F] in which those of children are lowered to what `share` allows."""
        rates = rates.copy()
        for above, level in pairwise(self.levels):
            children = rates[level].reshape(-1, self.branches)  # [parents, branches]
            allowed = self.share * rates[above, None]
            wanted = children.sum(1, keepdims=True) if self.exclusive else children
            rates[level] = (children * np.minimum(1, allowed / wanted)).ravel()
        return rates

    def check(self, rates: Floats) -> None:
        """Raise RecipeError if, by rates [F], a child (or exclusive children together) fires more than its parent."""
        for above, level in pairwise(self.levels):
            children = rates[level].reshape(-1, self.branches)
            wanted = children.sum(1) if self.exclusive else children.max(1)
            for parent in np.flatnonzero(wanted > rates[above] * (1 + 1e-9))[:1] + above.start:
                subject = "its exclusive children together" if self.exclusive else "one of its children"
                raise RecipeError(
                    f"rates: feature {parent} fires in {rates[parent]:g} of the rows, but {subject} in "
                    f"{wanted[parent - above.start]:g}; raise the parent's rate or lower the children's"
                )
