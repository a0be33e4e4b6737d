"""The protocol of the sparse operations: every set of kernels implements these three."""

from typing import Protocol

from torch import Tensor

from .index import Index, Rule


class Kernels(Protocol):
    """Sparse operations on pre-activations pre = (x - centre) W' + b.

    B rows, D inputs, L latents, N selected entries.

    Attributes
    ----------
    sparse_below : float in [0, 1]
        Share of selected entries below which a list of entries is faster than a dense array [B, L]. 0: a list is never
        faster.
    """

    sparse_below: float

    def pick(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, rule: Rule) -> tuple[Index, Tensor]:
        """Return the entries of pre that a rule selects, without gradient.

        Parameters
        ----------
        x : Tensor [B, D]
            Rows.
        W : Tensor [L, D]
            Encoder weights.
        b : Tensor [L]
            Encoder biases.
        centre : Tensor [D] or None
            Subtracted from every row; None: nothing is subtracted.
        rule : Rule
            Selects the entries.

        Returns
        -------
        Index
            Which latents each row keeps.
        Tensor [N]
            The values of pre at these entries, row after row.
        """
        ...

    def scores(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, index: Index, values: Tensor) -> Tensor:
        """Return pre at the entries of an index [N], differentiable in x, W, b and centre.

        Parameters
        ----------
        x, W, b, centre
            As for `pick`.
        index : Index
            The entries.
        values : Tensor [N]
            Their values as `pick` returned them, so that they need not be computed again.
        """
        ...

    def decode(self, values: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return the weighted sums of dictionary rows, differentiable in values and W.

        Parameters
        ----------
        values : Tensor [N]
            Codes, row after row.
        index : Index
            The row and the latent of each code.
        W : Tensor [L, D]
            Dictionary.

        Returns
        -------
        Tensor [B, D]
            For each row Σ_n values[n] W[latent of n], over the row's entries n.
        """
        ...


def centred(x: Tensor, centre: Tensor | None) -> Tensor:
    """Return x [B, D] minus centre [D], or x itself if centre is None."""
    return x if centre is None else x - centre
