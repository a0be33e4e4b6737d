"""The three sparse operations that every set of kernels offers."""

from typing import Protocol

from torch import Tensor

from .index import Index, Rule


class Kernels(Protocol):
    """Sparse operations over pre = (x - centre) W' + b; x [B, D], W [L, D], b [L], centre [D] or None."""

    sparse_below: float  # the share of entries kept below which a list of them is better than a dense array

    def pick(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, rule: Rule) -> tuple[Index, Tensor]:
        """Return the entries that a rule keeps and their values [N]; no gradient."""
        ...

    def scores(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, index: Index, values: Tensor) -> Tensor:
        """Return pre at the index's entries [N], differentiable in x, W, b and centre; `values` is what pick found."""
        ...

    def decode(self, values: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return Σ_n values[n] W[latent of n] of each row [B, D], differentiable in values and W."""
        ...


def centred(x: Tensor, centre: Tensor | None) -> Tensor:
    """Return x - centre, or x itself where there is none."""
    return x if centre is None else x - centre
