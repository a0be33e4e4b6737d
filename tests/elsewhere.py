"""A stand-in for a GPU, for machines without one.

Under `device_available()` tensors can be on the device "elsewhere". The CPU computes their operations, so results are
the CPU's to the bit. But an operation that mixes them with the CPU's tensors raises, as it does with a GPU's. `waits`
counts, by the function of taciturn, what would make the CPU wait for a GPU: numbers that are read, arrays whose size
depends on numbers, rows that are copied to the CPU. The stand-in cannot show what CUDA's own kernels do.
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
    pytest.skip("torch has one device besides the CPU, and here it is a real one", allow_module_level=True)

aten = torch.ops.aten
DEVICE = "elsewhere"
SIZED = (aten.nonzero.default, aten.masked_select.default, aten.bincount.default, aten.repeat_interleave.Tensor)
_setup_privateuseone_for_python_backend(DEVICE)

waits: Counter[str] = Counter()


class OnDevice(Tensor):
    """A tensor on the device; `inner` holds its numbers on the CPU."""

    @staticmethod
    def __new__(cls, inner, requires_grad=False):
        layout = {"dtype": inner.dtype, "strides": inner.stride(), "storage_offset": inner.storage_offset()}
        options = {"device": f"{DEVICE}:0", "requires_grad": requires_grad}
        return Tensor._make_wrapper_subclass(cls, inner.shape, **layout, **options)

    def __init__(self, inner, requires_grad=False):
        self.inner = inner

    def __tensor_flatten__(self):
        return ["inner"], None

    @staticmethod
    def __tensor_unflatten__(inner, *_):
        return OnDevice(inner["inner"])

    def tolist(self):
        count_wait("tolist")
        return self.inner.tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


def count_wait(reason):
    """Count a wait under the function of taciturn that caused it."""
    frame = sys._getframe()
    while frame is not None and "/taciturn/" not in frame.f_code.co_filename:
        frame = frame.f_back
    caller = "a test" if frame is None else f"{frame.f_code.co_filename.split('/taciturn/')[-1]} {frame.f_code.co_name}"
    waits[f"{caller}: {reason}"] += 1


def compute(func, args, kwargs):
    """Compute on the CPU; the result is on the arguments' device, or on the requested one."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    on_device = [tensor for tensor in tensors if isinstance(tensor, OnDevice)]
    requested = kwargs.get("device")
    result_on_device = bool(on_device) if requested is None else torch.device(requested).type == DEVICE
    if func is aten.copy_.default:
        result_on_device = isinstance(args[0], OnDevice)
    elif func is aten._to_copy.default and on_device and not result_on_device:
        count_wait("copied to the CPU")
    elif on_device and func is not aten._to_copy.default:
        on_cpu = [tuple(t.shape) for t in tensors if t.ndim and not isinstance(t, OnDevice)]
        if on_cpu:
            raise RuntimeError(f"{func}: tensors of shapes {on_cpu} are on the CPU, the others on the device")
        by_mask = func is aten.index.Tensor and any(i is not None and i.dtype == torch.bool for i in args[1])
        if by_mask or (func in SIZED and kwargs.get("output_size") is None):
            count_wait("an array of unknown size")
        if func is aten._local_scalar_dense.default:
            count_wait("a number is read")
    if requested is not None and result_on_device:
        kwargs = kwargs | {"device": "cpu"}
    known = {id(tensor.inner): tensor for tensor in on_device}

    def wrapped(x):
        if not (result_on_device and isinstance(x, Tensor)):
            return x
        return known[id(x)] if id(x) in known else OnDevice(x)  # an operation in place returns its argument

    return tree_map(wrapped, func(*tree_map(_inner, args), **tree_map(_inner, kwargs)))


def _inner(x):
    return x.inner if isinstance(x, OnDevice) else x


class _DispatchMode(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


class _CreationMode(TorchFunctionMode):
    """torch.tensor(…, device=) is not dispatched: create the tensor on the CPU, then move it."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        device = kwargs.pop("device", None) if func is torch.tensor else None
        result = func(*args, **kwargs)
        return result if device is None else result.to(device)


@contextmanager
def device_available() -> Iterator[None]:
    """Make the device available, and reset the count of waits."""
    waits.clear()
    with _DispatchMode(), _CreationMode():
        yield
