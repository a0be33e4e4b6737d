"""The one place where fast or plain is chosen."""

from importlib.util import find_spec
from typing import Any

import torch

from ...kernels import BFloat16, BFloat16Factors, Chunked, Int8, Kernels, Plain, Rescored, RoundedProduct, Shortlist
from ...model import Layout
from ...objective import Objective
from .by_hand import ByHand
from .captured import Captured
from .compiled import Compiled
from .step import Step

MANY_LATENTS = 512  # from here on a [rows, latents] array costs more than the bookkeeping of its entries
# Of a chunk's pre-activations on a GPU: 1 GB in float32, 2,048 rows of 131,072 latents. A product of B rows reads the
# weights once for B multiplications with each, and from a few hundred on no longer waits for the GPU's memory; beside
# weights of that size, their gradients and Adam's moments (17 GB at 4,096 inputs) the buffer is little.
GPU_ENTRIES = 1 << 28
ROUNDINGS: dict[str, type[RoundedProduct]] = {"bf16": BFloat16, "int8": Int8}
GPU_ROUNDINGS: dict[str, type[RoundedProduct]] = {"bf16": BFloat16Factors, "int8": Int8}
PRECISIONS = ("fp32", *ROUNDINGS)


def kernels(layout: Layout, precision: str = "fp32", device: str = "cpu") -> Kernels:
    """Return the kernels for a network; `precision` is that in which entries to keep are looked for.

    Examples
    --------
    >>> from taciturn.model.coding_layers import TopK
    >>> kernels(Layout((512, 8192), TopK(32)))
    Chunked(rows=512, entries=4194304, tables=TorchTables())
    """
    given: dict[str, Any] = {}
    proposed, roundings = Rescored, ROUNDINGS
    if torch.device(device).type == "cuda":
        given, proposed, roundings = _on_gpu(), Shortlist, GPU_ROUNDINGS
    if precision in roundings:
        return proposed(rounding=roundings[precision], **given)
    return Chunked(**given) if layout.widths[-1] >= MANY_LATENTS else Plain()


def _on_gpu() -> dict[str, Any]:
    """Return what Chunked is on a GPU: as many rows as its memory has room for, and Triton, which comes with CUDA."""
    large = {"rows": GPU_ENTRIES, "entries": GPU_ENTRIES}
    if find_spec("triton") is None:
        return large
    from ...kernels.tables_triton import TritonTables

    return large | {"tables": TritonTables()}


def step(layout: Layout, objective: Objective, device: str = "cpu") -> type[Step]:
    """Return the step for a network, what it learns by, and where.

    Examples
    --------
    >>> from taciturn.model.coding_layers import Sigmoid, TopK
    >>> from taciturn.objective import SquaredError
    >>> issubclass(step(Layout((64, 256), Sigmoid()), Objective((SquaredError(),))), ByHand)
    True
    >>> step(Layout((64, 256), TopK(8)), Objective((SquaredError(),))).__name__
    'Step'
    """
    if torch.device(device).type == "cuda" and Captured.fits(layout, objective):
        return Captured
    if torch.device(device).type == "cpu" and Compiled.fits(layout, objective):
        return Compiled
    return ByHand if ByHand.fits(layout, objective) else Step
