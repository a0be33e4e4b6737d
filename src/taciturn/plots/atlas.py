"""The atlas: the decoder's rows, drawn as images, bars or curves."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ..core.errors import DataError, RecipeError
from ..data.row_shape import is_image
from .cells import Cells, finish, select_latents, write_names
from .style import EDGE, FRAME, MODEL, NEGATIVE, POSITIVE, SIGNED, SMALL, TEXT, display_text

Floats = NDArray[np.float64]

IMAGE_INCHES = 0.75  # an image's longer side
NAME_INCHES = 0.15  # the height of a line of small text
MAX_BARS = 5  # per latent of a table
RASTER_POINTS = 20_000  # above this many points curves are stored as pixels


def atlas(
    components: ArrayLike,
    shape: tuple[int, ...] | None = None,
    *,
    columns: Sequence[str] | None = None,
    order: ArrayLike | None = None,
    most: int = 64,
    names: Sequence[str] | None = None,
) -> Figure:
    """Return the figure of the latents' directions: what each latent adds to a reconstruction.

    They are images if `shape` is an image shape; else, if `columns` are given, bars of the five columns with the
    largest absolute weights; else curves. Positive weights are orange, negative ones blue. Each latent has its own
    scale, symmetric about 0: compare shapes, not sizes.

    Parameters
    ----------
    components : array of shape [n_components, n_features]
        One direction per row.
    shape : tuple of int, optional
        An image's (height, width) or (height, width, 3).
    columns : sequence of str, optional
        The features' names [n_features].
    order : array of int, optional
        Indices of latents; the first `most` are shown. By default 0, 1, 2, …
    most : int, default=64
        Maximal number of latents shown, ≥ 1.
    names : sequence of str, optional
        The latents' names [n_components]; by default their indices.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DataError
        If components is not two-dimensional, empty or not finite.
    RecipeError
        If shape, columns, order or names do not fit the components.

    Examples
    --------
    >>> import numpy as np
    >>> figure = atlas(np.eye(4), (2, 2), most=3)
    >>> figure.axes[0].get_title(loc="left")
    '3 of 4 latents'
    """
    weights = _weights(components)
    latents = select_latents(len(weights), order, most)
    if names is not None and len(names) != len(weights):
        raise RecipeError(f"names={len(names)} for {len(weights)} latents; give one per latent")
    titles = [str(i) if names is None else str(names[i]) for i in latents]
    scaled = weights[latents]
    scaled = scaled / np.maximum(np.abs(scaled).max(1, keepdims=True), np.finfo(float).tiny)  # in [-1, 1]
    if shape is not None and is_image(shape):
        return _images(scaled, shape, titles, len(weights))
    if columns is not None:
        return _bars(scaled, columns, titles, len(weights))
    return _curves(scaled, titles, len(weights))


def _weights(components: ArrayLike) -> Floats:
    weights = np.asarray(components, np.float64)
    if weights.ndim != 2 or 0 in weights.shape:
        raise DataError(f"components has shape {weights.shape}; give [n_components, n_features], at least one of each")
    if not np.isfinite(weights).all():
        raise DataError(
            "components holds NaN or infinity; give finite numbers (after a diverged fit: lower the learning rate)"
        )
    return weights


def _images(scaled: Floats, shape: tuple[int, ...], titles: list[str], total: int) -> Figure:
    if np.prod(shape) != scaled.shape[1]:
        raise RecipeError(f"shape={shape} has {np.prod(shape)} pixels, but a latent has {scaled.shape[1]} weights")
    h, w = shape[:2]
    inch = IMAGE_INCHES / max(h, w)  # of a pixel
    # pixels for the name above an image, and between images
    name_band, gap = int(np.ceil(NAME_INCHES / inch)), int(np.ceil(0.06 / inch))
    cells = Cells(len(scaled), _across(len(scaled), 10), (w + gap) * inch, (h + name_band) * inch)
    channels = shape[2:]
    sheet = np.full((cells.down * (h + name_band), cells.across * (w + gap), *channels), np.nan)
    size = np.array([w + gap, h + name_band])
    corners = cells.corners() * size + np.array([0, name_band])
    for (x, y), image in zip(corners.astype(int), scaled.reshape(-1, *shape), strict=True):
        sheet[y : y + h, x : x + w] = image
    ax = cells.axes()
    extent = (0, cells.across, cells.down, 0)
    if channels:  # 0 is grey; between the images the sheet is transparent
        rgba = np.concatenate([np.nan_to_num(sheet) / 2 + 0.5, ~np.isnan(sheet[..., :1])], 2)
        ax.imshow(rgba, extent=extent, aspect="auto", interpolation="none")
    else:
        ax.imshow(sheet, cmap=SIGNED, vmin=-1, vmax=1, extent=extent, aspect="auto", interpolation="none")
    ax.set(xlim=(0, cells.across), ylim=(cells.down, 0), aspect=cells.height / cells.width)
    outline = np.array([[0, 0], [w, 0], [w, h], [0, h], [0, 0]])
    frames = [(corner + outline) / size for corner in corners]
    ax.add_collection(LineCollection(frames, colors=FRAME, linewidths=0.6, clip_on=False))
    write_names(ax, corners / size, (w / 2 / size[0], -0.02 / cells.height), titles, 10)
    colours = "each channel: grey is 0, brighter is positive" if channels else "orange: positive, blue: negative"
    return finish(ax, len(scaled), total, f"{colours}; each on its own scale")


def _bars(scaled: Floats, columns: Sequence[str], titles: list[str], total: int) -> Figure:
    if len(columns) != scaled.shape[1]:
        raise RecipeError(f"columns={len(columns)} names, but a latent has {scaled.shape[1]} weights; give one each")
    n = min(MAX_BARS, scaled.shape[1])
    largest = np.argsort(-np.abs(scaled), axis=1, kind="stable")[:, :n]
    cells = Cells(len(scaled), _across(len(scaled), 3), 3.0, 0.16 * n + 0.42)
    ax = cells.axes()
    line = 0.16 / cells.height  # a bar's share of a cell's height
    top, zero, reach = 0.3 / cells.height, 0.77, 0.2
    boxes, colours, zeros = [], [], []
    for (x, y), row, columns_of_row in zip(cells.corners(), scaled, largest, strict=True):
        zeros.append([(x + zero, y + top), (x + zero, y + top + n * line)])
        for i, column in enumerate(columns_of_row):
            left, high, low = x + zero, y + top + (i + 0.15) * line, y + top + (i + 0.85) * line
            right = left + reach * row[column]
            boxes.append([(left, high), (right, high), (right, low), (left, low)])
            colours.append(POSITIVE if row[column] > 0 else NEGATIVE)
            text = display_text(columns[column], 27)
            ax.text(left - reach - 0.02, (high + low) / 2, text, ha="right", va="center", fontsize=SMALL, color=TEXT)
    ax.add_collection(PolyCollection(boxes, facecolors=colours, edgecolors="none"))
    ax.add_collection(LineCollection(zeros, colors=EDGE, linewidths=0.8))
    write_names(ax, cells.corners(), (zero, top - 0.02 / cells.height), [f"latent {title}" for title in titles], 24)
    return finish(ax, len(scaled), total, "orange: positive, blue: negative; each on its own scale")


def _curves(scaled: Floats, titles: list[str], total: int) -> Figure:
    cells = Cells(len(scaled), _across(len(scaled), 6), 1.4, 0.95)
    ax = cells.axes()
    along = np.linspace(0.04, 0.96, scaled.shape[1]) if scaled.shape[1] > 1 else np.array([0.5])
    middle, reach = 0.6, 0.34
    corners = cells.corners()
    curves = [np.stack([x + along, y + middle - reach * row], 1) for (x, y), row in zip(corners, scaled, strict=True)]
    if scaled.shape[1] == 1:  # a curve of one point would be invisible: draw a line from 0
        starts = corners + np.array([0.5, middle])
        curves = [np.stack([start, curve[0]]) for start, curve in zip(starts, curves, strict=True)]
    zeros = [[(x + 0.04, y + middle), (x + 0.96, y + middle)] for x, y in corners]
    ax.add_collection(LineCollection(zeros, colors=FRAME, linewidths=0.8))
    ax.add_collection(LineCollection(curves, colors=MODEL, linewidths=1.2, rasterized=scaled.size > RASTER_POINTS))
    write_names(ax, corners, (0.5, middle - reach - 0.06), titles, 16)
    return finish(ax, len(scaled), total, f"weights of {scaled.shape[1]:,} inputs; each on its own scale")


def _across(n: int, most: int) -> int:
    """Return how many cells a row of the grid has: about as many as the grid has rows, `most` at most."""
    return min(most, int(np.ceil(np.sqrt(n))))
