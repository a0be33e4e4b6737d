"""The one place where fast or plain is chosen."""

from dataclasses import dataclass

from ..kernels import BFloat16, Chunked, Int8, Kernels, Plain, Proposed, Rounded
from ..model import Layout
from .step import Step

MANY_LATENTS = 512  # from here on a [rows, latents] array costs more than the bookkeeping of its entries
ROUNDINGS: dict[str, type[Rounded]] = {"bf16": BFloat16, "int8": Int8}
PRECISIONS = ("fp32", *ROUNDINGS)


@dataclass(frozen=True)
class Plan:
    """With what a run computes."""

    kernels: Kernels
    step: type[Step]


def plan(layout: Layout, precision: str = "fp32") -> Plan:
    """Return the kernels and the step for a network; `precision` is that in which a row's largest are looked for.

    Examples
    --------
    >>> from taciturn.sparsify import TopK
    >>> plan(Layout((512, 8192), TopK(32))).kernels
    Chunked(rows=512)
    """
    if precision in ROUNDINGS:
        return Plan(Proposed(rounding=ROUNDINGS[precision]), Step)
    return Plan(Chunked() if layout.widths[-1] >= MANY_LATENTS else Plain(), Step)
