"""Which latents each row keeps (CSR), and the rules that choose them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from .select import positions, top_k


@dataclass(frozen=True, eq=False)
class Index:
    """Row b keeps latents[starts[b] : starts[b + 1]]; N entries in all."""

    latents: Tensor  # [N]
    starts: Tensor  # [B + 1]
    n_latents: int

    @property
    def n_rows(self) -> int:
        """The number of rows, those that keep nothing included."""
        return len(self.starts) - 1

    def keep(self, mask_N: Tensor) -> "Index":
        """Return the index of the entries where the mask holds."""
        running = torch.cat([mask_N.new_zeros(1, dtype=torch.long), mask_N.cumsum(0)])
        return Index(self.latents[mask_N], running[self.starts], self.n_latents)

    def instead(self, rows_R: Tensor, other: "Index") -> tuple["Index", Tensor]:
        """Return the index with another's rows in place of these, and which of both's entries it has, in order [N]."""
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
        """[N]: the row of each entry."""
        row_B = torch.arange(self.n_rows, device=self.latents.device)
        return row_B.repeat_interleave(self.starts.diff(), output_size=len(self.latents))  # else it waits for the GPU

    @cached_property
    def by_latent(self) -> tuple[Tensor, Tensor]:
        """The entries' order by latent [N], and where each latent's begin [L + 1]: sorted once for all gradients."""
        latent_N, order_N = self.latents.sort(stable=True)
        return order_N, torch.searchsorted(latent_N, torch.arange(self.n_latents + 1, device=latent_N.device))


def csr(latents_N: Tensor, counts_B: Tensor, n_latents: int) -> Index:
    """Return the index of rows that keep `counts` latents each, in order."""
    starts = torch.zeros(len(counts_B) + 1, dtype=torch.long, device=latents_N.device)
    torch.cumsum(counts_B, 0, out=starts[1:])
    return Index(latents_N, starts, n_latents)


Kept = tuple[Tensor, Tensor, Tensor]  # latents, row after row [N]; how many each row keeps [B]; the entries [N]


class Rule(Protocol):
    """Chooses entries of a block of pre-activations."""

    def __call__(self, pre_BL: Tensor) -> Kept:
        """Return which."""
        ...


@dataclass(frozen=True)
class Top:
    """Keep each row's k largest (by magnitude if `signed`)."""

    k: int
    signed: bool = False

    def __call__(self, pre_BL: Tensor) -> Kept:
        """Return k of each row."""
        values_BK, latents_BK = top_k(pre_BL.abs() if self.signed else pre_BL, self.k)
        return flat(pre_BL.gather(1, latents_BK) if self.signed else values_BK, latents_BK)


@dataclass(frozen=True, eq=False)
class Above:
    """Keep every entry greater than a threshold, a scalar or one a latent [L], and every NaN, so that it is seen."""

    threshold: Tensor

    def __call__(self, pre_BL: Tensor) -> Kept:
        """Return them in order."""
        return kept_at(pre_BL, positions((pre_BL <= self.threshold).logical_not_()))

    def keeps(self, values_N: Tensor, latents_N: Tensor) -> Tensor:
        """Return which entries of these latents it keeps [N]."""
        threshold = self.threshold[latents_N] if self.threshold.ndim else self.threshold
        return (values_N <= threshold).logical_not_()


@dataclass(frozen=True, eq=False)
class AtLeast:
    """Keep every entry that is not below a threshold."""

    threshold: Tensor

    def __call__(self, pre_BL: Tensor) -> Kept:
        """Return them in order."""
        return kept_at(pre_BL, positions((pre_BL < self.threshold).logical_not_()))

    def keeps(self, values_N: Tensor, latents_N: Tensor) -> Tensor:
        """Return which entries of these latents it keeps [N]."""
        return (values_N < self.threshold).logical_not_()


@dataclass(frozen=True)
class TopBatch:
    """Keep the `count` largest of all rows together; for kernels that show a rule the whole batch at once."""

    count: int

    def __call__(self, pre_BL: Tensor) -> Kept:
        """Return them in order."""
        return kept_at(pre_BL, pre_BL.flatten().topk(self.count, sorted=False).indices.sort().values)


def flat(values_BK: Tensor, latents_BK: Tensor) -> Kept:
    """Return what a rule returns that keeps these, as many of each row."""
    n_rows, k = values_BK.shape
    return latents_BK.flatten(), torch.full((n_rows,), k, device=values_BK.device), values_BK.flatten()


def kept_at(pre_BL: Tensor, entries_N: Tensor) -> Kept:
    """Return what a rule returns that keeps the entries at these places, in order."""
    n_rows, n_latents = pre_BL.shape
    counts_B = torch.bincount(entries_N.div(n_latents, rounding_mode="floor"), minlength=n_rows)
    return entries_N % n_latents, counts_B, pre_BL.flatten()[entries_N]
