"""Which rows are trained on and which are held out."""

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.seeds import generator


def split(n: int, fraction: float, seed: int, purpose: str = "split") -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which of n rows are trained on and which are held out, drawn by the seed; at least one of each."""
    held = min(max(1, round(fraction * n)), n - 1)
    order = torch.randperm(n, generator=generator(seed, purpose)).numpy()
    return np.sort(order[held:]), np.sort(order[:held])
