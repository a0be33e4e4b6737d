"""Finds the compiled library, where installing could build it, and says in Python what native.h says in C."""

import ctypes
from ctypes import POINTER, Structure, c_double, c_long, c_void_p
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch

LAYOUT = 3  # of the structures and functions; raised with native.h's whenever one of them changes
ROUNDING = 3  # the kind whose steps multiply bfloat16
MAX_ONE_THREAD = 1 << 21  # multiplications, up to which one thread is done before others have woken


class Penalty(Structure):
    """A penalty on mean activations."""

    __slots__ = ()  # a field that C has not is an error
    _fields_ = (
        ("kind", c_long),
        ("on_clean", c_long),
        *((name, c_double) for name in ("weight", "rate", "aimed_rate", "number", "cost", "measured")),
    )


class Dense(Structure):
    """A dense step."""

    __slots__ = ()  # a field that C has not is an error
    name = "step"
    _fields_ = (
        *((name, c_long) for name in ("kind", "threads", "rows", "inputs", "latents")),
        *((name, c_void_p) for name in ("x", "corrupted", "target")),
        *((name, c_void_p) for name in ("to_codes", "code_bias", "dictionary", "output_bias")),
        *((name, c_void_p) for name in ("of_to_codes", "of_code_bias", "of_dictionary", "of_output_bias")),
        *((name, c_long) for name in ("code_curve", "output_curve", "crossed")),
        ("weight", c_double),
        ("error", c_double),
        ("penalties", POINTER(Penalty)),
        ("n_penalties", c_long),
        *((name, c_void_p) for name in ("rates", "fired", "room")),
    )


class Noise(Structure):
    """A batch's noise."""

    __slots__ = ()  # a field that C has not is an error
    name = "noise"
    _fields_ = (
        *((name, c_long) for name in ("kind", "threads", "rows", "inputs", "block")),
        *((name, c_void_p) for name in ("keys", "x", "corrupted")),
        ("dropout", c_long),
        ("amount", c_double),
    )


class Select(Structure):
    """A selection of each row's largest."""

    __slots__ = ()  # a field that C has not is an error
    name = "select"
    _fields_ = (
        *((name, c_long) for name in ("kind", "threads", "rows", "latents", "k", "inputs")),
        *((name, c_void_p) for name in ("scores", "whole", "step", "row_step", "margin", "x", "weights", "bias")),
        *((name, c_void_p) for name in ("values", "which", "room")),
        ("room_of_one", c_long),
    )


class Dots(Structure):
    """Products of rows with a table's rows."""

    __slots__ = ()  # a field that C has not is an error
    name = "dots"
    _fields_ = (
        *((name, c_long) for name in ("kind", "threads", "entries", "width")),
        *((name, c_void_p) for name in ("rows", "row", "table", "at", "out")),
    )


class Moved(Structure):
    """Weights that Adam moves, and their moments."""

    __slots__ = ()  # a field that C has not is an error
    _fields_ = (
        ("size", c_long),
        *((name, c_void_p) for name in ("weight", "mean", "square", "grad", "steps")),
    )


class Adam(Structure):
    """An update."""

    __slots__ = ()  # a field that C has not is an error
    name = "adam"
    _fields_ = (
        *((name, c_long) for name in ("kind", "threads")),
        ("weights", POINTER(Moved)),
        ("n_weights", c_long),
        *((name, c_double) for name in ("rate", "beta_1", "beta_2", "epsilon", "decay")),
    )


@dataclass(frozen=True)
class Library:
    """The compiled functions, for a kind of processor: 0 any, 1 AVX2, 2 AVX-512; 3, ROUNDING, where it is asked for."""

    functions: Any
    kind: int
    shared: bool  # whether torch's threads can be asked to help
    rounds: bool  # whether a step that may round what it multiplies to bfloat16 gains by it

    def threads(self, work: int) -> int:
        """Return how many threads are to share so many multiplications."""
        return torch.get_num_threads() if self.shared and work > MAX_ONE_THREAD else 1

    def room(self, rows: int, inputs: int, latents: int) -> int:
        """Return how many floats a dense step needs beside its arrays."""
        found: int = self.functions.room(rows, inputs, latents)
        return found

    def run(self, loop: Dense | Noise | Select | Dots | Adam) -> None:
        """Run a loop."""
        getattr(self.functions, f"run_{loop.name}")(ctypes.byref(loop))


def readable(*arrays: torch.Tensor) -> bool:
    """Return whether loops can read these: float32 on the processor."""
    return all(array.is_cpu and array.dtype == torch.float32 for array in arrays)


def floats(*shape: int) -> torch.Tensor:
    """Return an array for a loop to write: float32 on the processor, whatever torch's defaults are."""
    return torch.empty(shape, dtype=torch.float32, device="cpu")


@cache
def here() -> Library | None:
    """Return the library; None where it was not built, which a compiler would have done when taciturn was installed.

    None too for one that was built of other sources than these, as after a pull without installing anew.
    """
    spec = find_spec(f"{__package__}._native")
    if spec is None or spec.origin is None:
        return None
    try:
        functions = ctypes.CDLL(spec.origin)
        functions.layout.restype = c_long
        if functions.layout() != LAYOUT:
            return None
    except (OSError, AttributeError):
        return None
    functions.room.argtypes, functions.room.restype = [c_long] * 3, c_long
    for function in (functions.best, functions.threads_found, functions.rounds):
        function.restype = c_long
    return Library(functions, functions.best(), bool(functions.threads_found()), functions.rounds() == 2)
