"""A signal of any length, denoised in overlapping windows that are added together."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..data.signals.segments import mirrored_to
from ..data.sources import Rows
from ..model import Autoencoder
from ..model.residual_denoiser import ResidualDenoiser
from .blocks import of_any_count
from .images import OVERLAPS, WINDOW_NUMBERS, positions
from .precision import in_row_precision
from .reconstruct import denoise

WINDOW, MARGIN = 1 << 16, 1 << 12  # of a network that takes any length: its windows, and how far they overlap

Array = NDArray[Any]


def denoise_signal(model: Autoencoder, signal: Array, length: int) -> Array:
    """Return a signal without noise, in its own unit and type.

    Parameters
    ----------
    model : Autoencoder
        Trained on segments of signals.
    signal : array [time, channels]
        Integers or floats, with the channels of the training.
    length : int
        The length of a segment.

    Returns
    -------
    array [time, channels]
        Integers are rounded, and lie within the bounds of their type.
    """
    any_length = isinstance(model, ResidualDenoiser)
    window, step = (WINDOW, WINDOW - MARGIN) if any_length else (length, max(length // OVERLAPS, 1))

    def compute(windows: Array) -> Array:
        if isinstance(model, ResidualDenoiser):
            precise: Any = in_row_precision(model, np.result_type(np.float32, windows.dtype))  # of int32 float64
            return np.asarray(precise.denoise_images(torch.from_numpy(np.array(windows, order="C"))).cpu())
        rows = Rows(windows.reshape(len(windows), -1))
        denoised = list(of_any_count(lambda part: denoise(model, part), rows))
        return np.asarray(np.concatenate(denoised)).reshape(windows.shape)

    if any_length and len(signal) <= window:
        denoised: Array = compute(signal[None])[0]
    else:
        denoised = overlap_add(compute, signal, window, step)
    if signal.dtype.kind == "f":
        return denoised.astype(signal.dtype, copy=False)
    bounds = np.iinfo(signal.dtype)
    integers: Array = np.rint(denoised).clip(bounds.min, bounds.max).astype(signal.dtype)
    return integers


def overlap_add(compute: Callable[[Array], Array], signal: Array, window: int, step: int) -> Array:
    """Return a signal that is computed in overlapping windows.

    Parameters
    ----------
    compute : callable
        Returns windows [n, window, channels] for windows of that shape.
    signal : array [time, channels]
        The signal. One that is shorter than a window is continued by its mirror image.
    window : int
        The length of a window.
    step : int
        How far windows lie apart, 1 … window. The last one lies at the signal's end.

    Returns
    -------
    array [time, channels], float64
        The mean over all windows of each time's values. A window's weight falls towards its ends, as sin², so that ends
        of windows are not seen.

    Examples
    --------
    >>> signal = np.arange(11.0)[:, None]
    >>> np.allclose(overlap_add(lambda windows: windows, signal, 4, 2), signal)
    True
    """
    padded = mirrored_to(signal, window)
    starts = np.array(positions(len(signal), window, step))
    weights = np.sin(np.pi * (np.arange(window) + 0.5) / window)[:, None] ** 2
    sums, total = np.zeros(padded.shape), np.zeros((len(padded), 1))
    windows = sliding_window_view(padded, window, axis=0).transpose(0, 2, 1)
    size = max(WINDOW_NUMBERS // (window * signal.shape[1]), 1)
    for first in range(0, len(starts), size):
        some = starts[first : first + size]
        for start, values in zip(some, compute(windows[some]), strict=True):
            sums[start : start + window] += weights * values
            total[start : start + window] += weights
    whole: Array = sums / total
    return whole[: len(signal)]
