"""An image of any size, denoised in overlapping windows that are put together again."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..core.errors import TaciturnWarning
from ..corruption import Corruption
from ..data.images.images import Floats, Pixels, unit_floats, with_channels
from ..data.images.noise import image_noise
from ..data.images.patches import mirrored_to
from ..data.sources import Rows
from ..model import Autoencoder
from ..model.residual_denoiser import ResidualDenoiser
from .blocks import of_any_count
from .reconstruct import denoise

OVERLAPS = 4  # of windows of the side of a row, along each axis: each pixel is estimated 16 times
WINDOW, MARGIN = 1024, 64  # side of the windows of a network that takes any size, and how far they overlap, in pixels
MIN_LEVEL, MAX_LEVEL = 0.5, 2.0  # estimated noise over that of the training
NOISE_SIDE = 1024  # of the middle of an image, from which its noise is estimated
WINDOW_NUMBERS = 1 << 20  # of windows that are in memory together


def denoise_image(model: Autoencoder, pixels: Pixels, shape: tuple[int, ...], name: str | None = "the image") -> Pixels:
    """Return an image without noise, in its own type.

    Parameters
    ----------
    model : Autoencoder
        Trained on patches from 0 (black) to 1 (white).
    pixels : array [height, width, channels]
        uint8, uint16, or floats from 0 to 1 without noise; 1 or 3 channels. A grey model denoises each colour by
        itself, and a colour model a grey image as three equal colours, which are averaged.
    shape : tuple of int
        The shape of a patch, (side, side) or (side, side, 3).
    name : str or None, default="the image"
        For messages. None: floats are not checked, as of an image to which noise was added.

    Returns
    -------
    array [height, width, channels]
        Integers are rounded, and lie within the bounds of their type.

    Raises
    ------
    DataError
        Floats are far from 0 … 1, or missing.

    Notes
    -----
    Beside the image and the result, a band of the image as high as a window is in memory as floats.
    """
    side, channels = shape[0], 1 if len(shape) == 2 else shape[2]
    if pixels.shape[2] > 1 and channels == 1:
        colours = [denoise_image(model, colour, shape, name) for colour in np.split(pixels, pixels.shape[2], axis=2)]
        return np.concatenate(colours, axis=2)
    any_size = isinstance(model, ResidualDenoiser)
    side, step = (WINDOW, WINDOW - MARGIN) if any_size else (side, max(side // OVERLAPS, 1))

    def compute(windows: Floats) -> Floats:
        if isinstance(model, ResidualDenoiser):
            return np.asarray(model.denoise_images(torch.from_numpy(np.array(windows, order="C"))).cpu(), np.float32)
        rows = Rows(windows.reshape(len(windows), -1))
        denoised = list(of_any_count(lambda part: denoise(model, part), rows))
        return np.concatenate(denoised).reshape(windows.shape).astype(np.float32, copy=False)

    if any_size and pixels.shape[0] * pixels.shape[1] <= side * side:
        whole = compute(with_channels(unit_floats(pixels, name), channels)[None])[0]
        return as_type(with_mean(whole, pixels.shape[2]), pixels.dtype)
    result = np.empty_like(pixels)
    for start, lines in in_windows(compute, pixels, side, step, channels, name):
        result[start : start + len(lines)] = as_type(with_mean(lines, pixels.shape[2]), pixels.dtype)
    return result


def check_noise(corruption: Corruption, pixels: Pixels, name: str) -> None:
    """Warn of an image whose noise, as estimated from it alone, is much more or less than that of the training.

    Parameters
    ----------
    corruption : Corruption
        Of the training. Noise that is not added, such as masking, is not compared; that of `Poisson` is as strong as
        the image's mean makes it.
    pixels : array [height, width, channels]
        The image.
    name : str
        For the message.

    Warns
    -----
    TaciturnWarning
        It is less than half of the training's least or more than twice the greatest.
    """
    starts = [max(length - NOISE_SIDE, 0) // 2 for length in pixels.shape[:2]]
    centre = unit_floats(pixels[starts[0] : starts[0] + NOISE_SIDE, starts[1] : starts[1] + NOISE_SIDE], name)
    levels = corruption.noise_levels(float(centre.mean()))
    if levels is None:
        return
    (low, high), level = levels, image_noise(centre)
    trained = f"{low:.3g}" if low == high else f"{low:.3g} … {high:.3g}"
    if not MIN_LEVEL * low <= level <= MAX_LEVEL * high:
        mend = f"train one with corruption='gaussian:{level:.3f}'" if level > high else "the image may lose detail"
        warnings.warn(
            f"{name}: its noise has a standard deviation of about {level:.3f}, but the model was trained on "
            f"{trained}; {mend}",
            TaciturnWarning,
            stacklevel=3,
        )


def in_windows(
    compute: Callable[[Floats], Floats], pixels: Pixels, side: int, step: int, channels: int, name: str | None
) -> Iterator[tuple[int, Floats]]:
    """Yield the lines of an image that is computed in overlapping windows.

    Parameters
    ----------
    compute : callable
        Returns windows [n, side, side, channels] for windows of that shape.
    pixels : array [height, width, any channels]
        The image.
    side : int
        The side of a window in pixels. A smaller image is continued by its mirror image.
    step : int
        How far windows lie apart, 1 … side. The last ones lie at the image's border.
    channels : int
        1 or 3.
    name : str
        That of the image, for messages.

    Yields
    ------
    start : int
        The number of the first line.
    lines : array [n, width, channels]
        The mean over all windows of each pixel's values. A window's weight falls towards its border, as sin² along both
        axes, so that borders of windows are not seen.

    Examples
    --------
    >>> image = np.arange(35, dtype=np.float32).reshape(5, 7, 1) / 35
    >>> lines = [lines for _, lines in in_windows(lambda windows: windows, image, 4, 2, 1, "image")]
    >>> np.allclose(np.concatenate(lines), image)
    True
    """
    height, width = pixels.shape[:2]
    tops, lefts = positions(height, side, step), positions(width, side, step)
    weights: Floats = np.sin(np.pi * (np.arange(side) + 0.5) / side).astype(np.float32) ** 2
    weights_2d = weights[:, None, None] * weights[:, None]
    padded = max(width, side)
    sums, total = np.zeros((side, padded, channels), np.float32), np.zeros((side, padded, 1), np.float32)
    size = max(WINDOW_NUMBERS // (side * side * channels), 1)
    for top, following in zip(tops, [*tops[1:], tops[-1] + side], strict=True):
        band = mirrored_to(with_channels(unit_floats(pixels[top : top + side], name), channels), side)
        windows = sliding_window_view(band, (side, side), axis=(0, 1))[0].transpose(0, 2, 3, 1)
        for first in range(0, len(lefts), size):
            some = lefts[first : first + size]
            for left, window in zip(some, compute(windows[some]), strict=True):
                sums[:, left : left + side] += weights_2d * window
                total[:, left : left + side] += weights_2d
        n_lines = following - top
        lines = sums[:n_lines] / total[:n_lines]
        yield top, lines[: height - top, :width].astype(np.float32, copy=False)
        for array in (sums, total):  # move on to the next band
            array[: side - n_lines] = array[n_lines:].copy()
            array[side - n_lines :] = 0


def positions(length: int, side: int, step: int) -> list[int]:
    """Return where windows begin along an axis.

    Examples
    --------
    >>> positions(10, 4, 3), positions(11, 4, 3), positions(2, 4, 3)
    ([0, 3, 6], [0, 3, 6, 7], [0])
    """
    last = max(length - side, 0)
    return [*range(0, last, step), last]


def with_mean(lines: Floats, channels: int) -> Floats:
    """Return lines with the channels of an image: the mean of three for a grey one."""
    return lines if lines.shape[2] == channels else lines.mean(2, keepdims=True)


def as_type(lines: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return numbers from 0 to 1 in an image's type: floats as they are, integers rounded and within their bounds.

    Examples
    --------
    >>> as_type(np.array([[-0.1, 0.5, 1.2]], np.float32), np.dtype(np.uint8)).tolist()
    [[0, 128, 255]]
    """
    if dtype.kind == "f":
        return lines.astype(dtype)
    integers: NDArray[Any] = np.rint(lines.clip(0, 1) * np.iinfo(dtype).max).astype(dtype)
    return integers
