"""A device that is not the processor, for machines without one.

Under `on_it()` tensors may live on device "elsewhere". They are computed by the processor, so results are its results,
bit for bit; but what mixes them with tensors that lie in the processor's memory is refused, as a GPU refuses it, and
`waits` notes, by the line of taciturn, what would keep the processor waiting for a GPU: numbers that are read, arrays
whose size depends on numbers, rows that come back. What it cannot show is what CUDA's own kernels do.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

if torch.cuda.is_available():
    pytest.skip("torch knows one device beside the processor, and here it is a real one", allow_module_level=True)

aten = torch.ops.aten
DEVICE = "elsewhere"
SIZED = (aten.nonzero.default, aten.masked_select.default, aten.bincount.default, aten.repeat_interleave.Tensor)
_setup_privateuseone_for_python_backend(DEVICE)

waits: Counter[str] = Counter()


class There(Tensor):
    """A tensor elsewhere; `inner` holds its numbers."""

    @staticmethod
    def __new__(cls, inner, requires_grad=False):
        like = {"dtype": inner.dtype, "strides": inner.stride(), "storage_offset": inner.storage_offset()}
        given = {"device": f"{DEVICE}:0", "requires_grad": requires_grad}
        return Tensor._make_wrapper_subclass(cls, inner.shape, **like, **given)

    def __init__(self, inner, requires_grad=False):
        self.inner = inner

    def __tensor_flatten__(self):
        return ["inner"], None

    @staticmethod
    def __tensor_unflatten__(inner, *_):
        return There(inner["inner"])

    def tolist(self):
        note("tolist")
        return self.inner.tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


def note(what):
    """Count a wait under the line of taciturn that caused it."""
    frame = sys._getframe()
    while frame is not None and "/taciturn/" not in frame.f_code.co_filename:
        frame = frame.f_back
    at = "a test" if frame is None else f"{frame.f_code.co_filename.split('/taciturn/')[-1]} {frame.f_code.co_name}"
    waits[f"{at}: {what}"] += 1


def compute(func, args, kwargs):
    """Compute by the processor; the result is where the arguments are, or where it is asked to be."""
    given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    there = [tensor for tensor in given if isinstance(tensor, There)]
    asked = kwargs.get("device")
    goes = bool(there) if asked is None else torch.device(asked).type == DEVICE
    if func is aten.copy_.default:
        goes = isinstance(args[0], There)
    elif func is aten._to_copy.default and there and not goes:
        note("copied to the processor")
    elif there and func is not aten._to_copy.default:
        strangers = [tuple(t.shape) for t in given if t.ndim and not isinstance(t, There)]
        if strangers:
            raise RuntimeError(f"{func} was given tensors of {strangers} that are not where the others are")
        by_mask = func is aten.index.Tensor and any(i is not None and i.dtype == torch.bool for i in args[1])
        if by_mask or (func in SIZED and kwargs.get("output_size") is None):
            note("an array of unknown size")
        if func is aten._local_scalar_dense.default:
            note("a number is read")
    if asked is not None and goes:
        kwargs = kwargs | {"device": "cpu"}
    known = {id(tensor.inner): tensor for tensor in there}

    def placed(x):
        if not (goes and isinstance(x, Tensor)):
            return x
        return known[id(x)] if id(x) in known else There(x)  # what is changed in place stays itself

    return tree_map(placed, func(*tree_map(_inner, args), **tree_map(_inner, kwargs)))


def _inner(x):
    return x.inner if isinstance(x, There) else x


class _Computed(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


class _Made(TorchFunctionMode):
    """torch.tensor(…, device=) is not dispatched: made here, then moved."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        device = kwargs.pop("device", None) if func is torch.tensor else None
        made = func(*args, **kwargs)
        return made if device is None else made.to(device)


@contextmanager
def on_it() -> Iterator[None]:
    """Let tensors live there; forget what waited before."""
    waits.clear()
    with _Computed(), _Made():
        yield
