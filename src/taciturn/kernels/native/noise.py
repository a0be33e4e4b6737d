"""Noise of a whole batch at once, number for number what torch's generators draw."""

from numpy import ascontiguousarray, uint64
from numpy.typing import NDArray
from torch import Tensor

from . import library
from .library import Noise, floats, readable

COST = 16  # of a number, in multiplications
LEAST = 16  # numbers, below which torch draws in another way


def drawn(x: Tensor, keys: NDArray[uint64], block: int, *, amount: float, dropout: bool = False) -> Tensor | None:
    """Return rows with noise, each block of them from the generator of its key; None where this cannot be done here.

    With normal noise of standard deviation `amount`, or at this rate dropped and the rest divided by 1 - rate.
    """
    loops, inputs, last = library.here(), x.shape[1:].numel(), (len(x) - 1) % block + 1
    if loops is None or not readable(x) or not len(x) or last * inputs < LEAST:
        return None
    if len(keys) != (blocks := -(-len(x) // block)):
        raise ValueError(f"{len(keys)} keys for {blocks} blocks of rows")
    x, keys, seen = x.contiguous(), ascontiguousarray(keys, uint64), floats(*x.shape)
    loops.run(
        Noise(
            kind=loops.kind,
            threads=loops.threads(COST * x.numel()),
            rows=len(x),
            inputs=inputs,
            block=block,
            keys=keys.ctypes.data,
            x=x.data_ptr(),
            corrupted=seen.data_ptr(),
            dropout=dropout,
            amount=amount,
        )
    )
    return seen
