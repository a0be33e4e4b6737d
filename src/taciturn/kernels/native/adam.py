"""A small update by Adam, on one thread: it is done before a second one has woken.

Whether it is small does not depend on the number of threads: any number of them finds the same bits.
"""

from collections.abc import Sequence

from torch import Tensor
from torch.autograd.graph import increment_version

from . import library
from .library import Adam, Moved, readable

COST = 16  # of a weight, in multiplications


def adam(
    weights: Sequence[Sequence[Tensor]],
    *,
    rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    decay: float,
) -> bool:
    """Move weights by one step of Adam, where this can be done here and they are few; return whether it was done.

    Of each: itself, the means of its gradients and of their squares, the gradient, all in float32, and the steps taken.
    """
    loops, all_sizes = library.here(), sum(weight.numel() for weight, *_ in weights)
    if loops is None or COST * all_sizes > library.MAX_ONE_THREAD:
        return False
    for *arrays, steps in weights:
        if not readable(*arrays, steps) or steps.numel() != 1:
            return False
        for array in arrays:
            if not array.is_contiguous() or array.numel() != arrays[0].numel():
                return False
    moved = (Moved * len(weights))(*(Moved(w[0].numel(), *(array.data_ptr() for array in w)) for w in weights))
    loops.run(Adam(loops.kind, 1, moved, len(weights), rate, beta_1, beta_2, epsilon, decay))
    increment_version([weight for weight, *_ in weights])  # autograd has not seen it
    return True
