"""Shards in the format of safetensors: a header in JSON, and the numbers of each tensor."""

import json
from typing import Any

from ...core.errors import DataError
from .format import Format, Selection
from .raw_shard import BFLOAT16, RawShard, ShardFile
from .tensors import named_tensor
from .to_safetensors import write

_TYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "BF16": BFLOAT16, "F32": "<f4", "F64": "<f8",
}  # fmt: skip
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


FORMAT = Format(".safetensors", write=write, shard=shard)
