"""Many small pictures on one pair of axes: a file holds one line collection in place of hundreds of axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ..core.errors import RecipeError
from .style import SMALL, TEXT, axes, bare, home, plain


@dataclass(frozen=True)
class Cells:
    """Places for n pictures, row by row, each of so many inches; a cell is 1 × 1 in the axes' units, y downwards."""

    n: int
    across: int
    width: float
    height: float

    @property
    def down(self) -> int:
        """Rows of cells."""
        return -(-self.n // self.across)

    def corners(self) -> NDArray[np.float64]:
        """[n, 2]: each cell's upper left corner."""
        return np.stack([np.arange(self.n) % self.across, np.arange(self.n) // self.across], 1).astype(float)

    def axes(self) -> Axes:
        """Return axes that the cells fill."""
        ax = axes(max(self.across * self.width, 3.6), self.down * self.height + 0.55)
        bare(ax)
        ax.set(xlim=(0, self.across), ylim=(self.down, 0), aspect=self.height / self.width, anchor="N")
        return ax


def chosen(n: int, order: ArrayLike | None, most: int) -> NDArray[np.intp]:
    """Return which of n latents are shown, in which order: the first `most` of `order`, by default as they stand."""
    latents = np.arange(n) if order is None else np.asarray(order).ravel()
    if not (latents.size and latents.dtype.kind in "iu" and latents.min() >= -n and latents.max() < n):
        raise RecipeError(f"order must hold latents' numbers from 0 to {n - 1}, at least one")
    if most < 1:
        raise RecipeError(f"most={most} must be 1 or more")
    return (latents % n)[:most].astype(np.intp)


def label(ax: Axes, corners: NDArray[np.float64], at: tuple[float, float], names: Sequence[str], most: int) -> None:
    """Write a name into each cell, the middle of its foot so far from the cell's corner."""
    for (x, y), name in zip(corners + np.array(at), names, strict=True):
        ax.text(x, y, plain(name, most), ha="center", va="bottom", fontsize=SMALL - 1, color=TEXT)


def finish(ax: Axes, shown: int, total: int, scale: str) -> Figure:
    """Say below how to read the colours, and above how many of how many latents are shown."""
    ax.set_xlabel(scale, fontsize=SMALL)
    if shown == total:
        home(ax).set_figheight(home(ax).get_figheight() - 0.25)
    else:
        ax.set_title(f"{shown:,} of {total:,} latents", loc="left", fontsize="medium")
    return home(ax)
