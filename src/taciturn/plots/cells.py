"""A grid of small pictures on one pair of axes: one line collection in a file in place of hundreds of axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ..core.errors import RecipeError
from .style import SMALL, TEXT, check_most, display_text, figure_of, hide_frame, new_axes


@dataclass(frozen=True)
class Cells:
    """A grid of n cells, filled row by row. A cell is 1 × 1 in the axes' units; y points downwards.

    Parameters
    ----------
    n : int
        Number of cells, ≥ 1.
    across : int
        Cells in a row.
    width, height : float
        A cell's size in inches.
    """

    n: int
    across: int
    width: float
    height: float

    @property
    def down(self) -> int:
        """The number of rows of cells."""
        return -(-self.n // self.across)

    def corners(self) -> NDArray[np.float64]:
        """Return each cell's upper left corner [n, 2] in the axes' units."""
        return np.stack([np.arange(self.n) % self.across, np.arange(self.n) // self.across], 1).astype(float)

    def axes(self) -> Axes:
        """Return new axes that the cells fill."""
        ax = new_axes(max(self.across * self.width, 3.6), self.down * self.height + 0.55)
        hide_frame(ax)
        ax.set(xlim=(0, self.across), ylim=(self.down, 0), aspect=self.height / self.width, anchor="N")
        return ax


def select_latents(n: int, order: ArrayLike | None, most: int) -> NDArray[np.intp]:
    """Return the indices of the latents to show: the first `most` of `order`, by default of 0 … n - 1."""
    latents = np.arange(n) if order is None else np.asarray(order).ravel()
    if not (latents.size and latents.dtype.kind in "iu" and latents.min() >= -n and latents.max() < n):
        raise RecipeError(f"order must hold indices of latents from 0 to {n - 1}, at least one")
    check_most(most)
    return (latents % n)[:most].astype(np.intp)


def write_names(
    ax: Axes, corners: NDArray[np.float64], offset: tuple[float, float], names: Sequence[str], most: int
) -> None:
    """Write a name into each cell, its bottom centre at corner + offset, cut to `most` characters."""
    for (x, y), name in zip(corners + np.array(offset), names, strict=True):
        ax.text(x, y, display_text(name, most), ha="center", va="bottom", fontsize=SMALL - 1, color=TEXT)


def finish(ax: Axes, shown: int, total: int, caption: str) -> Figure:
    """Write a caption below the cells, and a title if not all latents are shown; return the figure."""
    ax.set_xlabel(caption, fontsize=SMALL)
    if shown == total:
        figure_of(ax).set_figheight(figure_of(ax).get_figheight() - 0.25)
    else:
        ax.set_title(f"{shown:,} of {total:,} latents", loc="left", fontsize="medium")
    return figure_of(ax)
