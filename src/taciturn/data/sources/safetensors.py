"""Rows in the format of safetensors: a header in JSON, and the numbers of each tensor."""

import json
import os
from math import prod
from typing import Any

import numpy as np

from ...core.atomic import atomic
from ...core.errors import DataError
from .blocks import Blocks
from .format import Format, Selection
from .raw_shard import BFLOAT16, RawShard, ShardFile
from .tensors import named_tensor

_TYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "BF16": BFLOAT16, "F32": "<f4", "F64": "<f8",
}  # fmt: skip
_NAMES = {np.dtype(kind).str[1:]: name for name, kind in _TYPES.items() if kind != BFLOAT16}
_ALIGNMENT = 8  # bytes: the header is filled up with spaces, as the format's own library does
_MAX_HEADER = 100_000_000  # bytes; the limit of the format's own library


def shard(file: ShardFile, selection: Selection) -> RawShard:
    """Return one tensor of a file: the one that is named, or the only one with two axes or more."""
    with file.arrow() as content:
        size = int.from_bytes(content.read(8), "little")
        if not 2 <= size <= min(_MAX_HEADER, file.n_bytes - 8):
            raise DataError(f"its header is {size:,} bytes long; the file is damaged: copy it again")
        header: dict[str, Any] = json.loads(content.read(size))
    header.pop("__metadata__", None)
    tensor = header[named_tensor({name: tuple(each["shape"]) for name, each in header.items()}, selection.key)]
    if tensor["dtype"] not in _TYPES:
        raise DataError(f"rows of type {tensor['dtype']} are not read; save them as {', '.join(_TYPES)}")
    return RawShard(file, 8 + size + tensor["data_offsets"][0], _TYPES[tensor["dtype"]], tuple(tensor["shape"]))


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as one tensor, block by block; the columns' names are lost.

    The format's own library writes only tensors that are in memory as a whole.
    """
    shape, dtype = (blocks.n_rows, *blocks.shape), np.dtype(blocks.dtype)
    tensor = {"dtype": _NAMES[dtype.str[1:]], "shape": shape, "data_offsets": [0, prod(shape) * dtype.itemsize]}
    header = json.dumps({"rows": tensor}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    with atomic(path) as temporary, temporary.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for block in blocks:
            file.write(block.astype(dtype.newbyteorder("<"), copy=False).data)


FORMAT = Format(".safetensors", write=write, shard=shard)
