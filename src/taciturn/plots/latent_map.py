"""A map of the latents: what adds alike lies side by side."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from ..core.errors import DataError, RecipeError
from .style import BLUE, CYCLE, GREY, axes, bare, home, in_legend, legend

AREA = 4, 90  # points², of the smallest and the largest
USUAL = 5, 24  # points², by how many there are
PALEST = 0.12
DENSE = 400  # dots from which on they are stored as pixels


def latent_map(
    xy: ArrayLike, *, size: ArrayLike | None = None, color: ArrayLike | None = None, ax: Axes | None = None
) -> Figure:
    """Return the map of latents at xy [n_components, 2].

    `size` [n_components]: numbers from 0 that dots' areas follow, e.g. how often latents fire. `color` [n_components]:
    numbers, the larger the darker, or words, one colour each for the six most common.
    """
    places = np.asarray(xy, np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or not len(places) or not np.isfinite(places).all():
        raise DataError(f"xy must be finite numbers [n_components, 2]; these have shape {places.shape}")
    areas = _areas(size, len(places))
    ax = axes(5.2, 4.6) if ax is None else ax
    paint: list[tuple[str, float]] | tuple[str, float] = (BLUE, 0.6 if len(places) <= DENSE else 0.3)
    if color is not None:
        paint = _paint(ax, np.asarray(color), len(places))
    back = np.argsort(-areas, kind="stable")  # the small in front of the large
    paints = [paint[i] for i in back] if isinstance(paint, list) else paint
    dense = len(places) > DENSE
    ax.scatter(*places[back].T, s=areas[back], c=paints, linewidths=0, rasterized=dense)  # type: ignore[misc]
    bare(ax)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.06)
    legend(ax, loc="upper left", bbox_to_anchor=(1, 1))
    return home(ax)


def _areas(size: ArrayLike | None, n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    if size is None:
        return np.full(n, np.clip(6000 / n, *USUAL))
    sizes = np.asarray(size, np.float64)
    if sizes.shape != (n,) or not np.isfinite(sizes).all() or sizes.min() < 0:
        raise DataError(f"size must be finite numbers from 0, one a latent [{n}]; it has shape {sizes.shape}")
    return AREA[0] + (AREA[1] - AREA[0]) * sizes / (sizes.max() or 1)


def _paint(ax: Axes, color: np.ndarray[tuple[int, ...], np.dtype[np.generic]], n: int) -> list[tuple[str, float]]:
    """Return each dot's colour and opacity, and name them."""
    if color.shape != (n,):
        raise RecipeError(f"color has shape {color.shape}; give one a latent [{n}]")

    def name(label: str, colour: str, alpha: float) -> None:
        dot = Line2D([], [], linestyle="", marker="o", markeredgewidth=0, color=colour, alpha=alpha, label=label)
        ax.add_line(dot)

    if color.dtype.kind in "biuf":
        numbers = color.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise DataError("color holds NaN or infinity")
        low, high = numbers.min(), numbers.max()
        shades = PALEST + (1 - PALEST) * (numbers - low) / ((high - low) or 1)
        for value, shade in ((high, float(shades.max())), (low, PALEST)):
            name(f"{value:.3g}", BLUE, shade)
        return [(BLUE, float(shade)) for shade in shades]
    words = [str(word) for word in color]
    common = sorted(set(words), key=lambda word: (-words.count(word), word))
    colours = dict(zip(common, CYCLE, strict=False))
    for word, colour in colours.items():
        name(in_legend(word), colour, 0.8)
    if len(common) > len(CYCLE):
        name(f"{len(common) - len(CYCLE)} others", GREY, 0.4)
    return [(colours[word], 0.8) if word in colours else (GREY, 0.4) for word in words]
