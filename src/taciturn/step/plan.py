"""The one place where fast or plain is chosen."""

from ..kernels import BFloat16, Chunked, Int8, Kernels, Plain, Proposed, Rounded
from ..model import Layout
from ..terms import Objective
from .by_hand import ByHand
from .step import Step

MANY_LATENTS = 512  # from here on a [rows, latents] array costs more than the bookkeeping of its entries
ROUNDINGS: dict[str, type[Rounded]] = {"bf16": BFloat16, "int8": Int8}
PRECISIONS = ("fp32", *ROUNDINGS)


def kernels(layout: Layout, precision: str = "fp32") -> Kernels:
    """Return the kernels for a network; `precision` is that in which a row's largest are looked for.

    Examples
    --------
    >>> from taciturn.sparsify import TopK
    >>> kernels(Layout((512, 8192), TopK(32)))
    Chunked(rows=512)
    """
    if precision in ROUNDINGS:
        return Proposed(rounding=ROUNDINGS[precision])
    return Chunked() if layout.widths[-1] >= MANY_LATENTS else Plain()


def step(layout: Layout, objective: Objective) -> type[Step]:
    """Return the step for a network and what it learns by.

    Examples
    --------
    >>> from taciturn.sparsify import Sigmoid, TopK
    >>> from taciturn.terms import SquaredError
    >>> step(Layout((64, 256), Sigmoid()), Objective((SquaredError(),))).__name__
    'ByHand'
    >>> step(Layout((64, 256), TopK(8)), Objective((SquaredError(),))).__name__
    'Step'
    """
    return ByHand if ByHand.fits(layout, objective) else Step
