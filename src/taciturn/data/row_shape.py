"""The shape of a row: whether it is an image's, and the one that flat rows of pixels are likely to have."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import RecipeError
from .sources import Source

MAX_NUMBERS = 1 << 21  # read by likely_shape
MAX_ROWS = 500
MIN_ROWS = 50  # fewer rows correlate by chance
MIN_SIDE = 6  # of an image in pixels
MAX_ASPECT = 2.5  # the longer side divided by the shorter one
# correlation of neighbours minus that of other pairs of columns: in each direction, and on the mean of both
MIN_EXCESS, MIN_MEAN_EXCESS = 0.15, 0.25
PAIRS = 2_000  # random pairs of columns

Floats = NDArray[np.float64]


def is_image(shape: tuple[int, ...]) -> bool:
    """Return whether a row's shape is that of an image.

    Parameters
    ----------
    shape : tuple of int
        The shape of one row.

    Returns
    -------
    bool
        True for (height, width) and (height, width, 3).

    Examples
    --------
    >>> is_image((8, 8)), is_image((8, 8, 3)), is_image((64,))
    (True, True, False)
    """
    return len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)


def image_shape(shape: Any, n_columns: int) -> tuple[int, ...]:
    """Return an image shape that a user gave, checked against the rows.

    Parameters
    ----------
    shape : sequence of int
        (height, width) or (height, width, 3).
    n_columns : int
        The number of columns of a row.

    Returns
    -------
    tuple of int

    Raises
    ------
    RecipeError
        `shape` is not an image shape, or has another number of pixels than a row has columns.

    Examples
    --------
    >>> image_shape([8, 8], 64)
    (8, 8)
    """
    is_sequence = isinstance(shape, tuple | list) and all(_is_whole(side) and side > 0 for side in shape)
    if not is_sequence or not is_image(tuple(shape)):
        raise RecipeError(f"shape={shape!r} is not an image shape; give (height, width) or (height, width, 3)")
    if prod(shape) != n_columns:
        raise RecipeError(
            f"shape={tuple(shape)} has {prod(shape):,} numbers, but a row has {n_columns:,} columns; "
            "give the height and width of the rows as images, or no shape"
        )
    return tuple(map(int, shape))


def likely_shape(source: Source) -> tuple[int, ...] | None:
    """Return the image shape that flat rows are likely to have.

    Parameters
    ----------
    source : Source [N, D]
        Rows; up to 500 of them are read, evenly spaced, fewer if they are wide.

    Returns
    -------
    tuple of int or None
        (height, width) or (height, width, 3); None if the rows have an image shape already, or if no shape fits.

    Notes
    -----
    A shape fits if neighbours in a line and neighbours in a column of the image correlate clearly more (by 0.15 each,
    0.25 on average) than random pairs of columns and than pixels half a line apart. The last condition excludes
    curves, where the correlation falls with the distance. Of several shapes that fit, the one whose vertical
    neighbours correlate most is returned. A missing value (NaN) counts as its column's mean.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> steps = np.random.default_rng(0).normal(size=(100, 12, 10))
    >>> images = steps.cumsum(1).cumsum(2)
    >>> likely_shape(Rows(images.reshape(100, 120))), likely_shape(Rows(steps.reshape(100, 120)))
    ((12, 10), None)
    """
    n_columns = int(np.prod(source.shape))
    n_rows = min(len(source), MAX_ROWS, MAX_NUMBERS // n_columns)
    if len(source.shape) > 1 or n_rows < MIN_ROWS or not any(_candidates(n_columns)):
        return None
    rows = source.take(np.linspace(0, len(source) - 1, n_rows).round().astype(np.intp)).astype(np.float64)
    known = ~np.isnan(rows)
    centred = np.where(known, rows - np.where(known, rows, 0).sum(0) / np.maximum(known.sum(0), 1), 0)
    deviations = centred.std(0)
    varies = deviations > 1e-9 * np.maximum(np.where(known, np.abs(rows), 0).max(0), np.finfo(float).tiny)
    standardised = np.where(varies, centred, 0) / np.where(varies, deviations, 1)
    first, second = np.random.default_rng(0).integers(n_columns, size=(2, PAIRS))
    others = _correlation(standardised, first[first != second], second[first != second])
    fits = {shape: _vertical(standardised, shape, others) for shape in _candidates(n_columns)}
    best = max(fits, key=fits.__getitem__)
    return best if fits[best] > 0 else None


def _is_whole(number: Any) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


def _candidates(n_columns: int) -> Iterator[tuple[int, ...]]:
    """Yield the image shapes of so many numbers: squares first, then other grey images, then colour images."""
    for channels in ((), (3,)):
        n_pixels, rest = divmod(n_columns, 3 if channels else 1)
        low = max(MIN_SIDE, int(np.sqrt(n_pixels / MAX_ASPECT)))
        heights = [h for h in range(low, int(n_pixels / low) + 1 if low else 0) if n_pixels % h == 0 and not rest]
        shapes = [(h, n_pixels // h) for h in heights if n_pixels // h >= MIN_SIDE]
        fitting = [shape for shape in shapes if max(shape) <= MAX_ASPECT * min(shape)]
        for h, w in sorted(fitting, key=lambda shape: shape[0] != shape[1]):
            yield h, w, *channels


def _vertical(standardised: Floats, shape: tuple[int, ...], others: float) -> float:
    """Return the correlation of vertical neighbours under a shape, or 0 if the shape does not fit."""
    pixels = np.arange(standardised.shape[1]).reshape(*shape[:2], -1)
    horizontal = _correlation(standardised, pixels[:, :-1], pixels[:, 1:])
    vertical = _correlation(standardised, pixels[:-1], pixels[1:])
    half, width = shape[1] // 2, shape[1]
    half_line = _correlation(standardised, pixels[:, : width - half], pixels[:, half:])
    excess = min(horizontal, vertical) - max(others, half_line)
    mean_excess = (horizontal + vertical) / 2 - max(others, half_line)
    return vertical if excess >= MIN_EXCESS and mean_excess >= MIN_MEAN_EXCESS else 0.0


def _correlation(standardised: Floats, first: NDArray[np.intp], second: NDArray[np.intp]) -> float:
    """Return the mean correlation of pairs of columns; a constant column counts as uncorrelated."""
    return float(np.mean(standardised[:, first.ravel()] * standardised[:, second.ravel()]))
