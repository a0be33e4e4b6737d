"""Noise of a whole batch at once: the same numbers that torch's generators draw."""

from numpy import ascontiguousarray, uint64
from numpy.typing import NDArray
from torch import Tensor

from . import library
from .library import Noise, empty_floats, readable

COST_PER_NUMBER = 16  # of drawing it, in multiplications
MIN_NUMBERS = 16  # of a block, below which torch draws in another way


def draw_noise(x: Tensor, keys: NDArray[uint64], block: int, *, amount: float, dropout: bool = False) -> Tensor | None:
    """Return a copy of rows with noise; None where compiled code cannot draw it.

    It cannot where there is no compiled library, for x that is empty, not float32 or not on the processor, and where
    the last block has fewer than 16 numbers.

    Parameters
    ----------
    x : Tensor [B, ...], float32
        Rows.
    keys : array [ceil(B / block)] of uint64
        Seed of the generator of each block of rows.
    block : int, ≥ 1
        Rows per block.
    amount : float
        Standard deviation of the normal noise, ≥ 0; with `dropout` the share of entries set to 0, in [0, 1).
    dropout : bool, default=False
        Set entries to 0 and divide the others by 1 - amount, instead of adding normal noise.

    Returns
    -------
    Tensor [B, ...], float32, or None

    Raises
    ------
    ValueError
        If the number of keys is not that of the blocks.
    """
    loops, inputs, last_rows = library.compiled_library(), x.shape[1:].numel(), (len(x) - 1) % block + 1
    if loops is None or not readable(x) or not len(x) or last_rows * inputs < MIN_NUMBERS:
        return None
    if len(keys) != (blocks := -(-len(x) // block)):
        raise ValueError(f"{len(keys)} keys for {blocks} blocks of rows; each block needs one key")
    x, keys, corrupted = x.contiguous(), ascontiguousarray(keys, uint64), empty_floats(*x.shape)
    loops.run(
        Noise(
            kind=loops.kind,
            threads=loops.threads(COST_PER_NUMBER * x.numel()),
            rows=len(x),
            inputs=inputs,
            block=block,
            keys=keys.ctypes.data,
            x=x.data_ptr(),
            corrupted=corrupted.data_ptr(),
            dropout=dropout,
            amount=amount,
        )
    )
    return corrupted
