"""Shards that torch.save wrote: a tensor, or tensors by name. Nothing but tensors is loaded from them."""

import warnings
from typing import Any

import numpy as np

from ...core.errors import DataError
from ...core.messages import one_line
from .format import Format, Selection
from .raw_shard import BFLOAT16, RawShard, ShardFile
from .tensors import named_tensor


def load_without_code(file: Any) -> Any:
    """Return what torch.save wrote into a file: tensors, and plain containers of them. No code of the file is run."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of another version of pickle's format
        return torch.load(file, map_location="cpu", weights_only=True)


def shard(file: ShardFile, selection: Selection) -> RawShard:
    """Return one tensor of a file: the one that is named, or the only one with two axes or more.

    The file's description of its tensors is loaded, by torch.load with weights_only, and none of their numbers.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    with file.arrow() as content, FakeTensorMode():
        try:
            stored = load_without_code(content)
        except Exception as error:
            reason = one_line(error).partition(". ")[0]
            raise DataError(
                f"it cannot be loaded as tensors: {reason}; save tensors alone: torch.save(rows, file)"
            ) from error
    tensors = {"": stored} if isinstance(stored, torch.Tensor) else stored
    if not isinstance(tensors, dict):
        raise DataError(f"it holds a {type(tensors).__name__}, not tensors; save torch.save(rows, file)")
    tensors = {str(name): each for name, each in tensors.items() if isinstance(each, torch.Tensor)}
    tensor = tensors[named_tensor({name: tuple(each.shape) for name, each in tensors.items()}, selection.key)]
    if tensor.layout != torch.strided or not tensor.is_contiguous():
        raise DataError("its rows are not stored one after the other; save rows.contiguous()")
    dtype = BFLOAT16 if tensor.dtype == torch.bfloat16 else str(tensor.dtype).removeprefix("torch.")
    if dtype != BFLOAT16 and not hasattr(np, dtype):  # np.dtype knows more types where other packages add them
        raise DataError(f"rows of type {dtype} are not read; save rows.float()")
    storage: Any = tensor.untyped_storage()
    offset: int = storage._checkpoint_offset + tensor.storage_offset() * tensor.element_size()
    return RawShard(file, offset, dtype, tuple(tensor.shape))


FORMAT = Format(".pt", shard=shard, endings_text=".pt, .pth", matches=lambda name: name.endswith((".pt", ".pth")))
