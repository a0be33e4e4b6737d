"""The list of entries that each row keeps (compressed sparse rows, CSR), and the rules that select entries."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from .select import positions, top_k


@dataclass(frozen=True, eq=False)
class Index:
    """The latents that each row keeps, in CSR form: row b keeps latents[starts[b] : starts[b + 1]].

    Parameters
    ----------
    latents : Tensor [N], int64
        The latent of each entry, row after row.
    starts : Tensor [B + 1], int64
        Position of each row's first entry; the last element is N.
    n_latents : int
        Number of latents L, those that no row keeps included.

    Examples
    --------
    >>> index = Index(torch.tensor([2, 0, 1]), torch.tensor([0, 1, 1, 3]), 4)
    >>> index.n_rows, index.rows
    (3, tensor([0, 2, 2]))
    """

    latents: Tensor
    starts: Tensor
    n_latents: int

    @property
    def n_rows(self) -> int:
        """Number of rows B, those without entries included."""
        return len(self.starts) - 1

    def keep(self, mask_N: Tensor) -> "Index":
        """Return the index of the entries where a boolean mask [N] is True; the number of rows stays."""
        running = torch.cat([mask_N.new_zeros(1, dtype=torch.long), mask_N.cumsum(0)])
        return Index(self.latents[mask_N], running[self.starts], self.n_latents)

    def replace_rows(self, rows_R: Tensor, other: "Index") -> tuple["Index", Tensor]:
        """Return this index with some rows replaced by those of another.

        Parameters
        ----------
        rows_R : Tensor [R], int64
            The rows to replace, none twice.
        other : Index
            Index of R rows: row i replaces row rows_R[i].

        Returns
        -------
        Index
            The new index.
        Tensor [N], int64
            For each of its entries the position in the concatenation of this index's entries and the other's. It
            reorders concatenated values in the same way.

        Examples
        --------
        >>> index = Index(torch.tensor([2, 0, 1]), torch.tensor([0, 1, 3]), 4)
        >>> other = Index(torch.tensor([3]), torch.tensor([0, 1]), 4)
        >>> replaced, entries = index.replace_rows(torch.tensor([0]), other)
        >>> replaced.latents, entries
        (tensor([3, 0, 1]), tensor([3, 1, 2]))
        """
        stays_B = torch.ones(self.n_rows, dtype=torch.bool, device=rows_R.device)
        stays_B[rows_R] = False
        stays_N = stays_B[self.rows].nonzero()[:, 0]
        entry_N = torch.cat([stays_N, torch.arange(len(other.latents), device=rows_R.device) + len(self.latents)])
        row_N, order_N = torch.cat([self.rows[stays_N], rows_R[other.rows]]).sort(stable=True)
        entry_N = entry_N[order_N]
        latents_N = torch.cat([self.latents, other.latents])[entry_N]
        return csr(latents_N, torch.bincount(row_N, minlength=self.n_rows), self.n_latents), entry_N

    @cached_property
    def rows(self) -> Tensor:
        """The row of each entry [N]."""
        row_B = torch.arange(self.n_rows, device=self.latents.device)
        # without output_size the processor would wait for the GPU
        return row_B.repeat_interleave(self.starts.diff(), output_size=len(self.latents))

    @cached_property
    def by_latent(self) -> tuple[Tensor, Tensor]:
        """The order that sorts the entries by latent [N], and where each latent's begin in it [L + 1].

        Sorted once for all gradients.
        """
        latent_N, order_N = self.latents.sort(stable=True)
        return order_N, torch.searchsorted(latent_N, torch.arange(self.n_latents + 1, device=latent_N.device))


def csr(latents_N: Tensor, counts_B: Tensor, n_latents: int) -> Index:
    """Return the index of rows that keep counts_B [B] entries each, of latents latents_N [N], row after row.

    Examples
    --------
    >>> csr(torch.tensor([2, 0, 1]), torch.tensor([1, 2]), 4).starts
    tensor([0, 1, 3])
    """
    starts = torch.zeros(len(counts_B) + 1, dtype=torch.long, device=latents_N.device)
    torch.cumsum(counts_B, 0, out=starts[1:])
    return Index(latents_N, starts, n_latents)


# The entries that a rule selects: latents [N], row after row; their number in each row [B]; their values [N].
Entries = tuple[Tensor, Tensor, Tensor]


class Rule(Protocol):
    """A function that selects entries of a block of pre-activations."""

    def __call__(self, pre_BL: Tensor) -> Entries:
        """Return the selected entries of pre-activations [B, L].

        Returns
        -------
        Tensor [N], int64
            The latent of each entry, row after row.
        Tensor [B], int64
            The number of entries of each row.
        Tensor [N]
            The values of the entries.
        """
        ...


@dataclass(frozen=True)
class Top:
    """Rule: the k largest entries of each row. Which of several equal entries is kept is not defined.

    Parameters
    ----------
    k : int, 1 ≤ k ≤ L
        Entries per row.
    signed : bool, default=False
        Compare absolute values; the values keep their signs.

    Examples
    --------
    >>> Top(1)(torch.tensor([[1.0, -3.0]]))
    (tensor([0]), tensor([1]), tensor([1.]))
    >>> Top(1, signed=True)(torch.tensor([[1.0, -3.0]]))
    (tensor([1]), tensor([1]), tensor([-3.]))
    """

    k: int
    signed: bool = False

    def __call__(self, pre_BL: Tensor) -> Entries:
        """Return k entries of each row, in no order."""
        values_BK, latents_BK = top_k(pre_BL.abs() if self.signed else pre_BL, self.k)
        return entries_of_rows(pre_BL.gather(1, latents_BK) if self.signed else values_BK, latents_BK)


@dataclass(frozen=True, eq=False)
class Above:
    """Rule: every entry greater than a threshold. NaN is selected too, so that it is not hidden.

    Parameters
    ----------
    threshold : Tensor [] or [L]
        One threshold, or one per latent.

    Examples
    --------
    >>> Above(torch.tensor(1.0))(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
    (tensor([1]), tensor([1, 0]), tensor([2.]))
    """

    threshold: Tensor

    def __call__(self, pre_BL: Tensor) -> Entries:
        """Return the entries in order of latents."""
        return entries_at(pre_BL, positions((pre_BL <= self.threshold).logical_not_()))

    def keeps(self, values_N: Tensor, latents_N: Tensor) -> Tensor:
        """Return a mask [N]: which of these values, each of the latent beside it, the rule selects."""
        threshold = self.threshold[latents_N] if self.threshold.ndim else self.threshold
        return (values_N <= threshold).logical_not_()


@dataclass(frozen=True, eq=False)
class AtLeast:
    """Rule: every entry greater than or equal to a threshold, and NaN.

    Parameters
    ----------
    threshold : Tensor []
        One threshold for all latents.

    Examples
    --------
    >>> AtLeast(torch.tensor(1.0))(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
    (tensor([0, 1, 1]), tensor([2, 1]), tensor([1., 2., 1.]))
    """

    threshold: Tensor

    def __call__(self, pre_BL: Tensor) -> Entries:
        """Return the entries in order of latents."""
        return entries_at(pre_BL, positions((pre_BL < self.threshold).logical_not_()))

    def keeps(self, values_N: Tensor, latents_N: Tensor) -> Tensor:
        """Return a mask [N]: which of these values the rule selects."""
        return (values_N < self.threshold).logical_not_()


@dataclass(frozen=True)
class TopBatch:
    """Rule: the largest entries of all rows together.

    It fits only kernels that pass the whole batch to a rule at once (`Plain`): kernels that pass chunks would select
    that many of each chunk.

    Parameters
    ----------
    count : int, 0 ≤ count ≤ B · L
        Entries of the whole batch.

    Examples
    --------
    >>> TopBatch(2)(torch.tensor([[1.0, 5.0], [0.0, 4.0]]))
    (tensor([1, 1]), tensor([1, 1]), tensor([5., 4.]))
    """

    count: int

    def __call__(self, pre_BL: Tensor) -> Entries:
        """Return the entries in order of rows and latents."""
        return entries_at(pre_BL, pre_BL.flatten().topk(self.count, sorted=False).indices.sort().values)


def entries_of_rows(values_BK: Tensor, latents_BK: Tensor) -> Entries:
    """Return the entries of rows that keep K latents [B, K] each, with values [B, K]."""
    n_rows, k = values_BK.shape
    return latents_BK.flatten(), torch.full((n_rows,), k, device=values_BK.device), values_BK.flatten()


def entries_at(pre_BL: Tensor, positions_N: Tensor) -> Entries:
    """Return the entries at sorted positions [N] of the flattened array pre_BL [B · L]."""
    n_rows, n_latents = pre_BL.shape
    counts_B = torch.bincount(positions_N.div(n_latents, rounding_mode="floor"), minlength=n_rows)
    return positions_N % n_latents, counts_B, pre_BL.flatten()[positions_N]
