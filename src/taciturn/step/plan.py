"""The one place where fast or plain is chosen."""

from dataclasses import dataclass

from ..kernels import Chunked, Kernels, Plain
from ..model import Layout
from .step import Step

MANY_LATENTS = 512  # from here on a [rows, latents] array costs more than the bookkeeping of its entries


@dataclass(frozen=True)
class Plan:
    """With what a run computes."""

    kernels: Kernels
    step: type[Step]


def plan(layout: Layout) -> Plan:
    """Return the kernels and the step for a network.

    Examples
    --------
    >>> from taciturn.sparsify import TopK
    >>> plan(Layout((512, 8192), TopK(32))).kernels
    Chunked(rows=512)
    """
    return Plan(Chunked() if layout.widths[-1] >= MANY_LATENTS else Plain(), Step)
