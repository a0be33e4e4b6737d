"""A small update by Adam on one thread: it is done before a second thread would have started.

Whether an update is small does not depend on the number of threads, so that any number of them gives the same bits.
"""

from collections.abc import Sequence

from torch import Tensor
from torch.autograd.graph import increment_version

from .. import threads
from . import library
from .library import Adam, AdamArrays, readable

COST_PER_WEIGHT = 16  # of the update, in multiplications


def adam(
    weights: Sequence[Sequence[Tensor]],
    *,
    rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    decay: float,
) -> bool:
    """Return whether compiled code took one step of Adam; if not, nothing has changed.

    It takes small updates of contiguous float32 arrays on the processor, where there is a compiled library. It writes
    the weights, the moments and the numbers of steps in place.

    Parameters
    ----------
    weights : sequence of sequences of 5 tensors
        For each array of weights: the weights, the moving mean of their gradients, the moving mean of the gradients'
        squares, the gradient, all of one size, and the number of steps taken (one element). float32.
    rate : float, > 0
        Learning rate.
    beta_1, beta_2 : float in [0, 1)
        Decay of the moving means of gradients and of their squares.
    epsilon : float, > 0
        Added to the root of the mean square.
    decay : float, ≥ 0
        Decoupled weight decay: weights are multiplied by 1 - rate · decay.

    Notes
    -----
    Kingma and Ba (2015); Loshchilov (2019).
    """
    loops, n_weights = library.compiled_library(), sum(weight.numel() for weight, *_ in weights)
    if loops is None or COST_PER_WEIGHT * n_weights > threads.MAX_ONE_THREAD:
        return False
    for *arrays, steps in weights:
        if not readable(*arrays, steps) or steps.numel() != 1:
            return False
        for array in arrays:
            if not array.is_contiguous() or array.numel() != arrays[0].numel():
                return False
    pointers = (AdamArrays(w[0].numel(), *(array.data_ptr() for array in w)) for w in weights)
    arguments = (AdamArrays * len(weights))(*pointers)
    loops.run(Adam(loops.kind, 1, arguments, len(weights), rate, beta_1, beta_2, epsilon, decay))
    increment_version([weight for weight, *_ in weights])  # else autograd would not notice the change
    return True
