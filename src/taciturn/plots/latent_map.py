"""A map of the latents: similar directions lie near each other."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from ..core.errors import DataError, RecipeError
from .style import CYCLE, GREY, MODEL, add_legend, figure_of, hide_frame, legend_text, new_axes

MIN_AREA, MAX_AREA = 4, 90  # points², of dots with a size
MIN_DEFAULT_AREA, MAX_DEFAULT_AREA = 5, 24  # points², of dots without; the more dots, the smaller
MIN_OPACITY = 0.12
RASTER_DOTS = 400  # above this many, dots are stored as pixels


def latent_map(
    xy: ArrayLike, *, size: ArrayLike | None = None, color: ArrayLike | None = None, ax: Axes | None = None
) -> Figure:
    """Return the map of latents, one dot each.

    Parameters
    ----------
    xy : array of shape [n_components, 2]
        Coordinates, such as `metrics.coordinates` or `probes.plane` return.
    size : array of shape [n_components], optional
        Numbers ≥ 0 that the dots' areas follow, such as firing rates.
    color : array of shape [n_components], optional
        Numbers, the larger the darker; or strings, one colour for each of the six most common, grey for the others.
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DataError
        If xy, size or color has another shape or is not finite, or a size is negative.
    RecipeError
        If color does not have one entry per latent.

    Examples
    --------
    >>> from taciturn import plots
    >>> figure = plots.map([[0, 0], [1, 1], [2, 4]], color=["edge", "edge", "corner"])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['edge', 'corner']
    """
    coordinates = np.asarray(xy, np.float64)
    is_plane = coordinates.ndim == 2 and coordinates.shape[1] == 2
    if not is_plane or not len(coordinates) or not np.isfinite(coordinates).all():
        raise DataError(f"xy must be finite numbers [n_components, 2]; it has shape {coordinates.shape}")
    areas = _areas(size, len(coordinates))
    ax = new_axes(5.2, 4.6) if ax is None else ax
    is_dense = len(coordinates) > RASTER_DOTS
    paint: list[tuple[str, float]] | tuple[str, float] = (MODEL, 0.3 if is_dense else 0.6)
    if color is not None:
        paint = _paint(ax, np.asarray(color), len(coordinates))
    order = np.argsort(-areas, kind="stable")  # small dots are drawn over large ones
    paints = [paint[i] for i in order] if isinstance(paint, list) else paint
    ax.scatter(*coordinates[order].T, s=areas[order], c=paints, linewidths=0, rasterized=is_dense)  # type: ignore[misc]
    hide_frame(ax)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.06)
    add_legend(ax, loc="upper left", bbox_to_anchor=(1, 1))
    return figure_of(ax)


def _areas(size: ArrayLike | None, n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the dots' areas [n] in points²."""
    if size is None:
        return np.full(n, np.clip(6000 / n, MIN_DEFAULT_AREA, MAX_DEFAULT_AREA))
    sizes = np.asarray(size, np.float64)
    if sizes.shape != (n,) or not np.isfinite(sizes).all() or sizes.min() < 0:
        raise DataError(f"size must be finite numbers ≥ 0, one per latent [{n}]; it has shape {sizes.shape}")
    return MIN_AREA + (MAX_AREA - MIN_AREA) * sizes / (sizes.max() or 1)


def _paint(ax: Axes, color: np.ndarray[tuple[int, ...], np.dtype[np.generic]], n: int) -> list[tuple[str, float]]:
    """Return each dot's colour and opacity, and add their names to the legend."""
    if color.shape != (n,):
        raise RecipeError(f"color has shape {color.shape}; give one entry per latent [{n}]")

    def add_name(label: str, colour: str, alpha: float) -> None:
        dot = Line2D([], [], linestyle="", marker="o", markeredgewidth=0, color=colour, alpha=alpha, label=label)
        ax.add_line(dot)

    if color.dtype.kind in "biuf":
        numbers = color.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise DataError("color holds NaN or infinity; give finite numbers or strings")
        low, high = numbers.min(), numbers.max()
        opacities = MIN_OPACITY + (1 - MIN_OPACITY) * (numbers - low) / ((high - low) or 1)
        for value, opacity in ((high, float(opacities.max())), (low, MIN_OPACITY)):
            add_name(f"{value:.3g}", MODEL, opacity)
        return [(MODEL, float(opacity)) for opacity in opacities]
    words = [str(word) for word in color]
    common = sorted(set(words), key=lambda word: (-words.count(word), word))
    colours = dict(zip(common, CYCLE, strict=False))
    for word, colour in colours.items():
        add_name(legend_text(word), colour, 0.8)
    if len(common) > len(CYCLE):
        add_name(f"{len(common) - len(CYCLE)} others", GREY, 0.4)
    return [(colours[word], 0.8) if word in colours else (GREY, 0.4) for word in words]
