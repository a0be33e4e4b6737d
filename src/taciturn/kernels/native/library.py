"""Finds the compiled library, if it was built, and defines the structures of native.h for ctypes."""

import ctypes
from ctypes import POINTER, Structure, c_double, c_long, c_void_p
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch

from ..threads import threads_for

LAYOUT = 5  # version of the structures and functions; raised here and in native.h whenever one of them changes
ROUNDING = 3  # the kind of processor whose dense steps multiply bfloat16


class Penalty(Structure):
    """A penalty on mean activations in a dense step.

    Parameters
    ----------
    kind : int
        0: (q - rate)², 1: Kullback-Leibler divergence.
    on_clean : bool
        Whether its gradient is that of the codes of the rows before corruption.
    weight : float
        Its weight in the loss.
    rate, aimed_rate : float
        The target rate, and the rate that the gradient aims at.
    number : float, output
        The penalty towards `rate`, on the corrupted rows.
    cost : float, output
        The penalty towards `aimed_rate`, on the rows of its gradient.
    measured : float, output
        Mean activation over clean rows and latents.
    """

    __slots__ = ()  # so that setting a field that C does not have is an error
    _fields_ = (
        ("kind", c_long),
        ("on_clean", c_long),
        *((name, c_double) for name in ("weight", "rate", "aimed_rate", "number", "cost", "measured")),
    )


class Dense(Structure):
    """A training step of one dense layer: forward, loss, backward.

    Parameters
    ----------
    kind, threads : int
        Kind of processor (see `Library`) and number of threads.
    rows, inputs, latents : int
        Sizes B, D, L.
    x, corrupted, target : pointers [B, D]
        Clean rows, the rows that the encoder reads, and the rows to reconstruct.
    to_codes, code_bias, dictionary, output_bias : pointers [L, D], [L], [L, D], [D]
        Weights.
    of_to_codes, of_code_bias, of_dictionary, of_output_bias : pointers, output
        Their gradients. For tied weights the first and third are the same.
    code_curve, output_curve : int
        Activation: 0 identity, 1 relu, 2 elu, 3 tanh, 4 sigmoid.
    cross_entropy : bool
        Whether the error is the cross-entropy; otherwise the squared error.
    masked : bool
        Whether the target is NaN where it does not count.
    judged : float
        The number of the target's entries that count, at least 1.
    weight : float
        The error's weight in the loss.
    error : float, output
        The error.
    penalties, n_penalties
        Array of `Penalty`, and its length.
    rates : pointer [L], output
        Mean activation of each latent.
    active_counts : pointer [L], output
        In how many rows each latent's code is not 0.
    workspace : pointer
        `Library.workspace_size` floats.
    """

    __slots__ = ()  # so that setting a field that C does not have is an error
    name = "step"
    _fields_ = (
        *((name, c_long) for name in ("kind", "threads", "rows", "inputs", "latents")),
        *((name, c_void_p) for name in ("x", "corrupted", "target")),
        *((name, c_void_p) for name in ("to_codes", "code_bias", "dictionary", "output_bias")),
        *((name, c_void_p) for name in ("of_to_codes", "of_code_bias", "of_dictionary", "of_output_bias")),
        *((name, c_long) for name in ("code_curve", "output_curve", "cross_entropy", "masked")),
        ("judged", c_double),
        ("weight", c_double),
        ("error", c_double),
        ("penalties", POINTER(Penalty)),
        ("n_penalties", c_long),
        *((name, c_void_p) for name in ("rates", "active_counts", "workspace")),
    )


class Noise(Structure):
    """Noise of a batch; see `draw_noise`.

    Parameters
    ----------
    kind, threads : int
        Kind of processor (see `Library`) and number of threads.
    rows, inputs : int
        Sizes B, D.
    block : int
        Rows per key.
    keys : pointer to uint64
        One for each block.
    x, corrupted : pointers [B, D]
        Rows, and the output.
    dropout : bool
        Whether entries are dropped; otherwise normal noise is added.
    amount : float
        The rate of dropout, or the standard deviation.
    """

    __slots__ = ()  # so that setting a field that C does not have is an error
    name = "noise"
    _fields_ = (
        *((name, c_long) for name in ("kind", "threads", "rows", "inputs", "block")),
        *((name, c_void_p) for name in ("keys", "x", "corrupted")),
        ("dropout", c_long),
        ("amount", c_double),
    )


class Select(Structure):
    """A selection of each row's k largest scores; see `top_k`.

    Parameters
    ----------
    kind, threads : int
        Kind of processor (see `Library`) and number of threads.
    rows, latents, k, inputs : int
        Sizes B, L, k, D.
    scores : pointer [B, L]
        Scores; null if they come from a product of integers.
    product, step, row_step : pointers [B, L] of int32, [L], [B]
        The product of integers and its scales.
    margin : pointer [B]
        Margin of rounded scores; null if scores are exact.
    x, weights, bias : pointers [B, D], [L, D], [L]
        Factors of the exact scores.
    values, indices : pointers [B, k], [B, k] of int64, output
        The largest scores and their latents.
    workspace, thread_workspace
        Pointer to floats, and how many of them each thread has.
    """

    __slots__ = ()  # so that setting a field that C does not have is an error
    name = "select"
    _fields_ = (
        *((name, c_long) for name in ("kind", "threads", "rows", "latents", "k", "inputs")),
        *((name, c_void_p) for name in ("scores", "product", "step", "row_step", "margin", "x", "weights", "bias")),
        *((name, c_void_p) for name in ("values", "indices", "workspace")),
        ("thread_workspace", c_long),
    )


class Dots(Structure):
    """Products of rows with a table's rows; fields as the parameters of `dots`."""

    __slots__ = ()  # so that setting a field that C does not have is an error
    name = "dots"
    _fields_ = (
        *((name, c_long) for name in ("kind", "threads", "entries", "width")),
        *((name, c_void_p) for name in ("rows", "row_index", "table", "table_index", "out")),
    )


class AdamArrays(Structure):
    """An array of weights that Adam updates, its moments, its gradient and the number of steps taken."""

    __slots__ = ()  # so that setting a field that C does not have is an error
    _fields_ = (
        ("size", c_long),
        *((name, c_void_p) for name in ("weight", "mean", "square", "grad", "steps")),
    )


class Adam(Structure):
    """An update by Adam; fields as the parameters of `adam`."""

    __slots__ = ()  # so that setting a field that C does not have is an error
    name = "adam"
    _fields_ = (
        *((name, c_long) for name in ("kind", "threads")),
        ("weights", POINTER(AdamArrays)),
        ("n_weights", c_long),
        *((name, c_double) for name in ("rate", "beta_1", "beta_2", "epsilon", "decay")),
    )


@dataclass(frozen=True)
class Library:
    """The compiled functions, and what they can do on this processor.

    Parameters
    ----------
    functions : ctypes.CDLL
        The library.
    kind : int
        Kind of processor: 0 any, 1 AVX2, 2 AVX-512. `ROUNDING` (3) is passed only for steps that may round.
    shared : bool
        Whether the loops can use torch's threads.
    rounds : bool
        Whether a step that may round its factors to bfloat16 is faster for it.
    """

    functions: Any
    kind: int
    shared: bool
    rounds: bool

    def threads(self, work: int) -> int:
        """Return how many threads share a loop of so many multiplications; see `threads_for`."""
        return threads_for(work) if self.shared else 1

    def workspace_size(self, rows: int, inputs: int, latents: int) -> int:
        """Return how many floats the workspace of a dense step [rows, inputs] → [rows, latents] has."""
        size: int = self.functions.workspace_size(rows, inputs, latents)
        return size

    def run(self, loop: Dense | Noise | Select | Dots | Adam) -> None:
        """Run a loop; it writes its outputs where the structure's pointers lead, and into the structure."""
        getattr(self.functions, f"run_{loop.name}")(ctypes.byref(loop))


def readable(*arrays: torch.Tensor) -> bool:
    """Return whether the loops can read these tensors: all are float32 and on the processor.

    Examples
    --------
    >>> readable(torch.ones(2, dtype=torch.float32)), readable(torch.ones(2, dtype=torch.float64))
    (True, False)
    """
    return all(array.is_cpu and array.dtype == torch.float32 for array in arrays)


def empty_floats(*shape: int) -> torch.Tensor:
    """Return an uninitialised tensor of this shape for a loop to write: float32 on the processor.

    torch's default dtype and device do not change it.

    Examples
    --------
    >>> empty_floats(2, 3).shape
    torch.Size([2, 3])
    """
    return torch.empty(shape, dtype=torch.float32, device="cpu")


@cache
def compiled_library() -> Library | None:
    """Return the compiled library, or None where there is none.

    There is none if the installation found no C compiler, or if the library was built from other sources than these, as
    after an update of the sources without a new installation.

    Examples
    --------
    >>> library = compiled_library()
    >>> library is None or library.kind in (0, 1, 2)
    True
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
    functions.workspace_size.argtypes, functions.workspace_size.restype = [c_long] * 3, c_long
    for function in (functions.best_kind, functions.can_share_threads, functions.bfloat16_support):
        function.restype = c_long
    return Library(
        functions,
        functions.best_kind(),
        bool(functions.can_share_threads()),
        functions.bfloat16_support() == 2,
    )
