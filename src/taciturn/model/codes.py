"""A batch's codes, dense or sparse."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor

from ..core.world import SINGLE_PROCESS, Axis
from ..kernels import Index, Kernels


@dataclass(frozen=True, eq=False)
class Codes(ABC):
    """The codes [B, L] of a batch. The subclasses Dense and Sparse have the same methods.

    Parameters
    ----------
    values : Tensor
        The stored codes: [B, L] in Dense, [N] in Sparse.
    gate : Tensor of the shape of `values`, optional
        1 where a latent is active, else 0, with a surrogate gradient (JumpReLU).
    gate_activations : Tensor of the shape of `values`, optional
        What penalties act on in place of the values (Gated).

    Notes
    -----
    Both optional tensors belong to the values entry by entry. `with_values` and the methods that select entries drop
    them unless they are passed again.
    """

    values: Tensor
    gate: Tensor | None = field(default=None, kw_only=True)
    gate_activations: Tensor | None = field(default=None, kw_only=True)

    def with_values(
        self, values: Tensor, *, gate: Tensor | None = None, gate_activations: Tensor | None = None
    ) -> Self:
        """Return codes with other values at the same entries (sparse codes stay 0 elsewhere)."""
        return replace(self, values=values, gate=gate, gate_activations=gate_activations)

    def relu(self) -> Self:
        """Return the codes with negative values set to 0."""
        return self.with_values(self.values.relu())

    @property
    def penalised(self) -> Tensor:
        """What penalties act on, in the shape of `values`: the gate activations if there are any, else the values."""
        return self.values if self.gate_activations is None else self.gate_activations

    @property
    def abs_values(self) -> Tensor:
        """The absolute values of `penalised`, in the shape of `values`."""
        # with a gate no value is negative; abs(), whose gradient is 0 at 0, would hide the gate's gradient there
        return self.penalised.abs() if self.gate is None else self.penalised

    def sum(self) -> Tensor:
        """Return each latent's sum over the rows [L]."""
        return self._per_latent(self.values)

    def active_counts(self) -> Tensor:
        """Return on how many rows each latent's code is not 0 [L]."""
        return self._per_latent((self.values != 0).to(self.values.dtype))

    def l0(self) -> Tensor:
        """Return how many codes of each row are not 0 [B]; with the gate's gradient where there is a gate."""
        return self.row_sums((self.values != 0).to(self.values.dtype) if self.gate is None else self.gate)

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """The number of rows B."""

    @property
    @abstractmethod
    def n_latents(self) -> int:
        """The number of latents L."""

    @abstractmethod
    def dense(self) -> Tensor:
        """Return all codes as an array [B, L]."""

    @abstractmethod
    def per_entry(self, per_latent_L: Tensor) -> Tensor:
        """Return, for one number per latent [L], the number that belongs to each value; it broadcasts with `values`."""

    @abstractmethod
    def split(self, bounds: Sequence[int]) -> "list[Codes]":
        """Return the codes in groups of latents: those below the first bound, from there to the second, and so on.

        Each group has the full shape [B, L] and is 0 outside its latents.
        """

    @abstractmethod
    def by_rank(self, rows: Axis = SINGLE_PROCESS) -> "list[Codes]":
        """Return the codes in groups of ranks: each row's largest |code|, the second, the next 2, the next 4, ….

        Codes that are 0 have the last rank. Each group has the full shape [B, L] and is 0 outside its ranks; the last
        group ends at the largest number of active codes in any row, of all processes along the axis `rows`.
        """

    @abstractmethod
    def row_sums(self, values: Tensor) -> Tensor:
        """Return the sum over each row [B] of numbers in the shape of `values`."""

    @abstractmethod
    def __matmul__(self, weight_LD: Tensor) -> Tensor:
        """Return the product of the codes and a matrix: Σ_l code[l] weight[l] of each row [B, D]."""

    @abstractmethod
    def _per_latent(self, values: Tensor) -> Tensor: ...

    def _max_l0(self, rows: Axis) -> int:
        """Return the largest number of active codes in any row, at least 1; the same for either form."""
        l0_B = self.row_sums((self.values != 0).to(self.values.dtype)).detach()
        return int(rows.max(l0_B.max() if len(l0_B) else l0_B.new_ones(())).clamp_min(1))


@dataclass(frozen=True, eq=False)
class Dense(Codes):
    """Codes whose values are stored as an array [B, L].

    Parameters
    ----------
    values : Tensor [B, L]
        All codes.
    gate, gate_activations : Tensor [B, L], optional
        See Codes.

    Examples
    --------
    >>> codes = Dense(torch.tensor([[1.0, 0.0, 3.0], [0.0, 2.0, 0.0]]))
    >>> codes.l0()
    tensor([2., 1.])
    >>> codes @ torch.eye(3)
    tensor([[1., 0., 3.],
            [0., 2., 0.]])
    """

    @property
    def n_rows(self) -> int:
        """The number of rows B."""
        return len(self.values)

    @property
    def n_latents(self) -> int:
        """The number of latents L."""
        return self.values.shape[1]

    def dense(self) -> Tensor:
        """Return the values themselves [B, L]."""
        return self.values

    def per_entry(self, per_latent_L: Tensor) -> Tensor:
        """Return the argument itself [L]: it broadcasts over rows."""
        return per_latent_L

    def split(self, bounds: Sequence[int]) -> list[Codes]:
        """Return one group of codes per bound, each an array [B, L]."""
        latent_L = torch.arange(self.n_latents, device=self.values.device)
        groups = pairwise((0, *bounds))
        return [self.with_values(self.values * ((latent_L >= low) & (latent_L < high))) for low, high in groups]

    def by_rank(self, rows: Axis = SINGLE_PROCESS) -> list[Codes]:
        """Return one group of codes per range of ranks, each an array [B, L]."""
        max_l0 = self._max_l0(rows)
        rank_BL = self.values.detach().abs().argsort(1, descending=True).argsort(1)
        rank_BL.masked_fill_(self.values == 0, max_l0 - 1)
        groups = _doubling(max_l0)
        return [self.with_values(self.values * ((rank_BL >= low) & (rank_BL < high))) for low, high in groups]

    def __matmul__(self, weight_LD: Tensor) -> Tensor:
        return self.values @ weight_LD

    def row_sums(self, values: Tensor) -> Tensor:
        """Return the sum over each row [B] of numbers [B, L]."""
        return values.sum(1)

    def _per_latent(self, values: Tensor) -> Tensor:
        return values.sum(0)


@dataclass(frozen=True, eq=False)
class Sparse(Codes):
    """Codes of which only N entries are stored; all others are 0.

    Parameters
    ----------
    values : Tensor [N]
        The stored codes, row after row; a stored value may be 0.
    gate, gate_activations : Tensor [N], optional
        See Codes.
    index : Index
        Row and latent of each entry (CSR).
    kernels : Kernels
        The sparse operations, for products with the dictionary.

    Examples
    --------
    >>> from taciturn.kernels import Index, Plain
    >>> index = Index(latents=torch.tensor([0, 2, 1]), starts=torch.tensor([0, 2, 3]), n_latents=3)
    >>> codes = Sparse(torch.tensor([1.0, 3.0, 2.0]), index, Plain())
    >>> codes.dense()
    tensor([[1., 0., 3.],
            [0., 2., 0.]])
    >>> codes.per_entry(torch.tensor([10.0, 20.0, 30.0]))
    tensor([10., 30., 20.])
    """

    index: Index
    kernels: Kernels

    @property
    def n_rows(self) -> int:
        """The number of rows B, those without entries included."""
        return self.index.n_rows

    @property
    def n_latents(self) -> int:
        """The number of latents L."""
        return self.index.n_latents

    def per_entry(self, per_latent_L: Tensor) -> Tensor:
        """Return the number of each entry's latent [N]."""
        return per_latent_L[self.index.latents]

    def split(self, bounds: Sequence[int]) -> list[Codes]:
        """Return one group of codes per bound, each with its entries only."""
        latent_N, groups = self.index.latents, pairwise((0, *bounds))
        return [self.keep((latent_N >= low) & (latent_N < high)) for low, high in groups]

    def by_rank(self, rows: Axis = SINGLE_PROCESS) -> list[Codes]:
        """Return one group of codes per range of ranks, each with its entries only."""
        by_size_N = self.values.detach().abs().argsort(descending=True)
        by_row_N = by_size_N[self.index.rows[by_size_N].argsort(stable=True)]
        rank_N = torch.empty_like(by_row_N)
        rank_N[by_row_N] = torch.arange(len(by_row_N), device=rank_N.device) - self.index.starts[self.index.rows]
        max_l0 = self._max_l0(rows)
        rank_N.masked_fill_(self.values == 0, max_l0 - 1)
        return [self.keep((rank_N >= low) & (rank_N < high)) for low, high in _doubling(max_l0)]

    def keep(self, mask_N: Tensor) -> "Sparse":
        """Return the codes with only the entries where the mask [N] is true."""
        return Sparse(self.values[mask_N], self.index.keep(mask_N), self.kernels)

    def dense(self) -> Tensor:
        """Return all codes as an array [B, L]; entries that are not stored are 0."""
        codes_BL = self.values.new_zeros(self.index.n_rows, self.index.n_latents)
        return codes_BL.index_put((self.index.rows, self.index.latents), self.values)

    def __matmul__(self, weight_LD: Tensor) -> Tensor:
        return self.kernels.decode(self.values, self.index, weight_LD)

    def row_sums(self, values: Tensor) -> Tensor:
        """Return the sum over each row [B] of numbers [N]."""
        return values.new_zeros(self.index.n_rows).index_add(0, self.index.rows, values)

    def _per_latent(self, values: Tensor) -> Tensor:
        return values.new_zeros(self.index.n_latents).index_add(0, self.index.latents, values)


def _doubling(n_ranks: int) -> list[tuple[int, int]]:
    """Return the bounds of groups of 1, 1, 2, 4, … ranks; the last group ends at n_ranks."""
    stops = [min(2**level, n_ranks) for level in range(max(n_ranks - 1, 0).bit_length() + 1)]
    return list(pairwise((0, *stops)))


def dense(values_BL: Tensor | Codes) -> Codes:
    """Return codes made from an array; codes are returned as they are.

    Parameters
    ----------
    values_BL : array-like [B, L] or Codes
        The codes.

    Returns
    -------
    Codes
        Dense for an array; the argument itself for codes, which may be Sparse.

    Examples
    --------
    >>> dense(torch.eye(2)).l0()
    tensor([1., 1.])
    """
    return values_BL if isinstance(values_BL, Codes) else Dense(torch.as_tensor(values_BL))
