"""What each latent adds to a reconstruction: the decoder's rows, looked at."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ..core.errors import DataError, RecipeError
from .cells import Cells, chosen, finish, label
from .reconstructions import is_image
from .style import BLUE, EDGE, FRAME, ORANGE, SIGNED, SMALL, TEXT, plain

Floats = NDArray[np.float64]

INCHES = 0.75  # an image's longer side
NAME = 0.15  # inches, of a line of small text
BARS = 5  # of a table's latent
DENSE = 20_000  # points from which on curves are stored as pixels


def atlas(
    components: ArrayLike,
    shape: tuple[int, ...] | None = None,
    *,
    columns: Sequence[str] | None = None,
    order: ArrayLike | None = None,
    most: int = 64,
    names: Sequence[str] | None = None,
) -> Figure:
    """Return the figure of the latents' directions, components [n_components, n_features].

    As images where `shape` is an image's; where `columns` have names, as bars of the five with the largest weights;
    else as curves. Orange adds, blue takes away; each latent has a scale of its own, symmetric about 0, so that shapes
    compare and not lengths. `order`: latents' numbers, the first `most` of which are shown; `names` [n_components].
    """
    weights = _weights(components)
    latents = chosen(len(weights), order, most)
    if names is not None and len(names) != len(weights):
        raise RecipeError(f"names={len(names)} for {len(weights)} latents; give one a latent")
    called = [str(i) if names is None else str(names[i]) for i in latents]
    shades = weights[latents]
    shades = shades / np.maximum(np.abs(shades).max(1, keepdims=True), np.finfo(float).tiny)  # in [-1, 1]
    if shape is not None and is_image(shape):
        return _images(shades, shape, called, len(weights))
    if columns is not None:
        return _bars(shades, columns, called, len(weights))
    return _curves(shades, called, len(weights))


def _weights(components: ArrayLike) -> Floats:
    weights = np.asarray(components, np.float64)
    if weights.ndim != 2 or 0 in weights.shape:
        raise DataError(f"components has shape {weights.shape}; give [n_components, n_features], at least one of each")
    if not np.isfinite(weights).all():
        raise DataError("components holds NaN or infinity; a model that diverged has no directions to show")
    return weights


def _images(shades: Floats, shape: tuple[int, ...], called: list[str], total: int) -> Figure:
    if np.prod(shape) != shades.shape[1]:
        raise RecipeError(f"shape={shape} has {np.prod(shape)} pixels, but a latent has {shades.shape[1]} weights")
    h, w = shape[:2]
    inch = INCHES / max(h, w)  # of a pixel
    band, gap = int(np.ceil(NAME / inch)), int(np.ceil(0.06 / inch))  # for the name above an image, between images
    cells = Cells(len(shades), _across(len(shades), 10), (w + gap) * inch, (h + band) * inch)
    colour = shape[2:]
    sheet = np.full((cells.down * (h + band), cells.across * (w + gap), *colour), np.nan)
    size = np.array([w + gap, h + band])
    corners = cells.corners() * size + np.array([0, band])
    for (x, y), image in zip(corners.astype(int), shades.reshape(-1, *shape), strict=True):
        sheet[y : y + h, x : x + w] = image
    ax = cells.axes()
    extent = (0, cells.across, cells.down, 0)
    if colour:  # nothing is grey, and outside of the images it is clear
        paint = np.concatenate([np.nan_to_num(sheet) / 2 + 0.5, ~np.isnan(sheet[..., :1])], 2)
        ax.imshow(paint, extent=extent, aspect="auto", interpolation="none")
    else:
        ax.imshow(sheet, cmap=SIGNED, vmin=-1, vmax=1, extent=extent, aspect="auto", interpolation="none")
    ax.set(xlim=(0, cells.across), ylim=(cells.down, 0), aspect=cells.height / cells.width)
    outline = np.array([[0, 0], [w, 0], [w, h], [0, h], [0, 0]])
    frames = [(corner + outline) / size for corner in corners]
    ax.add_collection(LineCollection(frames, colors=FRAME, linewidths=0.6, clip_on=False))
    label(ax, corners / size, (w / 2 / size[0], -0.02 / cells.height), called, 10)
    how = "each channel: grey is 0, brighter adds" if colour else "orange adds, blue takes away"
    return finish(ax, len(shades), total, f"{how}; each on its own scale")


def _bars(shades: Floats, columns: Sequence[str], called: list[str], total: int) -> Figure:
    if len(columns) != shades.shape[1]:
        raise RecipeError(f"columns={len(columns)} names, but a latent has {shades.shape[1]} weights; give one each")
    n = min(BARS, shades.shape[1])
    largest = np.argsort(-np.abs(shades), axis=1, kind="stable")[:, :n]
    cells = Cells(len(shades), _across(len(shades), 3), 3.0, 0.16 * n + 0.42)
    ax = cells.axes()
    line = 0.16 / cells.height  # a bar's share of a cell
    top, zero, reach = 0.3 / cells.height, 0.77, 0.2
    boxes, colours, zeros = [], [], []
    for (x, y), row, columns_of in zip(cells.corners(), shades, largest, strict=True):
        zeros.append([(x + zero, y + top), (x + zero, y + top + n * line)])
        for i, column in enumerate(columns_of):
            left, high, low = x + zero, y + top + (i + 0.15) * line, y + top + (i + 0.85) * line
            right = left + reach * row[column]
            boxes.append([(left, high), (right, high), (right, low), (left, low)])
            colours.append(ORANGE if row[column] > 0 else BLUE)
            text = plain(columns[column], 27)
            ax.text(left - reach - 0.02, (high + low) / 2, text, ha="right", va="center", fontsize=SMALL, color=TEXT)
    ax.add_collection(PolyCollection(boxes, facecolors=colours, edgecolors="none"))
    ax.add_collection(LineCollection(zeros, colors=EDGE, linewidths=0.8))
    label(ax, cells.corners(), (zero, top - 0.02 / cells.height), [f"latent {name}" for name in called], 24)
    return finish(ax, len(shades), total, "orange adds, blue takes away; each on its own scale")


def _curves(shades: Floats, called: list[str], total: int) -> Figure:
    cells = Cells(len(shades), _across(len(shades), 6), 1.4, 0.95)
    ax = cells.axes()
    along = np.linspace(0.04, 0.96, shades.shape[1]) if shades.shape[1] > 1 else np.array([0.5])
    middle, reach = 0.6, 0.34
    corners = cells.corners()
    curves = [np.stack([x + along, y + middle - reach * row], 1) for (x, y), row in zip(corners, shades, strict=True)]
    if shades.shape[1] == 1:  # a curve of one point would not be seen
        starts = corners + np.array([0.5, middle])
        curves = [np.stack([start, curve[0]]) for start, curve in zip(starts, curves, strict=True)]
    zeros = [[(x + 0.04, y + middle), (x + 0.96, y + middle)] for x, y in corners]
    ax.add_collection(LineCollection(zeros, colors=FRAME, linewidths=0.8))
    ax.add_collection(LineCollection(curves, colors=BLUE, linewidths=1.2, rasterized=shades.size > DENSE))
    label(ax, corners, (0.5, middle - reach - 0.06), called, 16)
    return finish(ax, len(shades), total, f"weights of {shades.shape[1]:,} inputs; each on its own scale")


def _across(n: int, most: int) -> int:
    """Return how many cells stand in a row: about as many as rows."""
    return min(most, int(np.ceil(np.sqrt(n))))
