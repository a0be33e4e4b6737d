"""Writer of blocks of rows as the tensor `rows` of a .safetensors file."""

import json
import os
from math import prod

import numpy as np

from ...core.atomic import atomic
from .blocks import Blocks

_TYPES = {
    "b1": "BOOL", "u1": "U8", "i1": "I8", "u2": "U16", "i2": "I16", "u4": "U32", "i4": "I32", "u8": "U64", "i8": "I64",
    "f2": "F16", "f4": "F32", "f8": "F64",
}  # fmt: skip
_ALIGNMENT = 8  # bytes: the header is filled up with spaces, as the format's own library does


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as one tensor, block by block; the columns' names are lost.

    The format's own library writes only tensors that are in memory as a whole.
    """
    shape, dtype = (blocks.n_rows, *blocks.shape), np.dtype(blocks.dtype)
    tensor = {"dtype": _TYPES[dtype.str[1:]], "shape": shape, "data_offsets": [0, prod(shape) * dtype.itemsize]}
    header = json.dumps({"rows": tensor}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    with atomic(path) as temporary, temporary.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for block in blocks:
            file.write(block.astype(dtype.newbyteorder("<"), copy=False).data)
