"""The one place that chooses between fast and plain implementations of the step and of the kernels."""

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
# Pre-activations of a chunk on a GPU: 1 GB in float32, 2,048 rows of 131,072 latents. A product of B rows reads each
# weight once for B multiplications; from a few hundred rows on it no longer waits for the GPU's memory. The buffer is
# small compared with weights of that size, their gradients and Adam's moments (17 GB at 4,096 inputs).
GPU_ENTRIES = 1 << 28
ROUNDINGS: dict[str, type[RoundedProduct]] = {"bf16": BFloat16, "int8": Int8}
GPU_ROUNDINGS: dict[str, type[RoundedProduct]] = {"bf16": BFloat16Factors, "int8": Int8}
PRECISIONS = ("fp32", *ROUNDINGS)


def kernels(layout: Layout, precision: str = "fp32", device: str = "cpu") -> Kernels:
    """Return the kernels for a network.

    Parameters
    ----------
    layout : Layout
        The network.
    precision : str, default="fp32"
        "fp32", "bf16" or "int8": the precision in which candidates for the largest pre-activations are found. The
        candidates are then computed again in float32.
    device : str, default="cpu"
        The device of the model.

    Returns
    -------
    Kernels

    Examples
    --------
    >>> from taciturn.model.coding_layers import TopK
    >>> kernels(Layout((512, 8192), TopK(32)))
    Chunked(rows=512, entries=4194304, tables=TorchTables())
    """
    options: dict[str, Any] = {}
    rounded, roundings = Rescored, ROUNDINGS
    if torch.device(device).type == "cuda":
        options, rounded, roundings = _gpu_options(), Shortlist, GPU_ROUNDINGS
    if precision in roundings:
        return rounded(rounding=roundings[precision], **options)
    return Chunked(**options) if layout.widths[-1] >= MANY_LATENTS else Plain()


def _gpu_options() -> dict[str, Any]:
    """Return the parameters of kernels on a GPU: large chunks, and Triton's tables, if Triton is installed."""
    large = {"rows": GPU_ENTRIES, "entries": GPU_ENTRIES}
    if find_spec("triton") is None:
        return large
    from ...kernels.tables_triton import TritonTables

    return large | {"tables": TritonTables()}


def step(layout: Layout, objective: Objective, device: str = "cpu") -> type[Step]:
    """Return the fastest class of step for a network, an objective and a device.

    Parameters
    ----------
    layout : Layout
        The network.
    objective : Objective
        Reconstruction error and penalties.
    device : str, default="cpu"
        The device of the model.

    Returns
    -------
    type of Step

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
