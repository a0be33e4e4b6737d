"""What the encoder offers (PreActivations, computed only as far as asked) and what the coding layer says (Codes)."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ..kernels import Above, AtLeast, Index, Kernels, Top, TopBatch


@dataclass(frozen=True, eq=False)
class PreActivations:
    """Pre-activations (x - centre) W' + b of every row and latent, not yet computed."""

    x: Tensor  # [B, D]
    weight: Tensor  # [L, D]
    bias: Tensor  # [L]
    centre: Tensor | None  # [D]
    kernels: Kernels
    names: Tensor | None = None  # [L]: after `among`, the latents' own numbers
    of: int = 0  # and how many there are in all

    @cached_property
    def _dense(self) -> Tensor:
        return F.linear(self.x if self.centre is None else self.x - self.centre, self.weight, self.bias)

    def dense(self) -> Tensor:
        """Return all of them [B, L], computed once."""
        return self._dense

    def top(self, k: int, *, signed: bool = False) -> "Sparse":
        """Return each row's k largest (by magnitude if `signed`); k above the latents' number keeps all."""
        return self._sparse(*self.kernels.pick(*self._affine, Top(min(k, len(self.bias)), signed)))

    def top_batch(self, k: float) -> "Sparse":
        """Return the k · B largest of the whole batch: k a row on average."""
        n_rows, n_latents = len(self.x), len(self.bias)
        wanted = min(round(k * n_rows), n_rows * n_latents)
        if not self.kernels.sparse_below:
            return self._sparse(*self.kernels.pick(*self._affine, TopBatch(wanted)))
        candidates = min(math.ceil(2 * k), n_latents)
        index, values = self.kernels.pick(*self._affine, Top(candidates))
        kept = _largest(values, wanted)
        if candidates < n_latents and len(spent_R := kept.view(n_rows, candidates).all(1).nonzero()[:, 0]):
            # a row that spends all its candidates may have more to say; nothing below the least kept is wanted
            x, W, b, centre = self._affine
            more, louder = self.kernels.pick(x[spent_R], W, b, centre, AtLeast(values[kept].min()))
            index, order_N = index.replace_rows(spent_R, more)
            values = torch.cat([values, louder])[order_N]
            kept = _largest(values, wanted)
        return self._sparse(index.keep(kept), values[kept])

    def above(self, threshold: Tensor) -> "Codes":
        """Return codes that hold every entry greater than the threshold, a scalar or one a latent.

        A list of just these where they are few; else all entries, dense: what lies below is the caller's to leave out.
        """
        if self.kernels.sparse_below:
            index, values = self.kernels.pick(*self._affine, Above(threshold))
            if len(values) <= self.kernels.sparse_below * len(self.x) * len(self.bias):
                return self._sparse(index, values)
        return Dense(self.dense())

    def restricted_to(self, latents_M: Tensor) -> "PreActivations":
        """Return the offer of these latents only; codes made of it are codes of all latents, the others' zero."""
        weight, bias = self.weight[latents_M], self.bias[latents_M]
        return replace(self, weight=weight, bias=bias, names=latents_M, of=len(self.bias))

    def plus(self, x: Tensor, weight: Tensor) -> "PreActivations":
        """Return this offer plus x [B, …] weight' [L, …]: two products as one, so that either may stay unformed."""
        mine = self.x if self.centre is None else self.x - self.centre
        return replace(self, x=torch.cat([mine, x], 1), weight=torch.cat([self.weight, weight], 1), centre=None)

    @property
    def _affine(self) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        return self.x, self.weight, self.bias, self.centre

    def _sparse(self, index: Index, values: Tensor) -> "Sparse":
        values = self.kernels.scores(*self._affine, index, values)
        if self.names is not None:
            index = Index(self.names[index.latents], index.starts, self.of)
        return Sparse(values, index, self.kernels)


@dataclass(frozen=True, eq=False)
class Codes(ABC):
    """A batch's codes [B, L], dense or sparse; either form answers the same questions.

    Two arrays may stand beside the values, entry by entry: `gate`, 1 where a latent is at work, with a surrogate
    gradient (JumpReLU); `proposal`, what a penalty presses on where that is not the value itself (Gated).
    """

    values: Tensor
    gate: Tensor | None = field(default=None, kw_only=True)
    gate_activations: Tensor | None = field(default=None, kw_only=True)

    def with_values(
        self, values: Tensor, *, gate: Tensor | None = None, gate_activations: Tensor | None = None
    ) -> Self:
        """Return codes with other values in the same places (sparse ones stay zero elsewhere)."""
        return replace(self, values=values, gate=gate, gate_activations=gate_activations)

    def relu(self) -> Self:
        """Return the codes with those below 0 silenced."""
        return self.with_values(self.values.relu())

    @property
    def penalised(self) -> Tensor:
        """What a penalty presses on: the proposal where there is one, else the values."""
        return self.values if self.gate_activations is None else self.gate_activations

    @property
    def abs_values(self) -> Tensor:
        """|pressed|; beside a gate no value is negative, and |·|, flat at 0, would hide the gate's gradient there."""
        return self.penalised.abs() if self.gate is None else self.penalised

    def sum(self) -> Tensor:
        """Return each latent's sum over the rows [L]."""
        return self._per_latent(self.values)

    def active_counts(self) -> Tensor:
        """Return in how many rows each latent is not 0 [L]."""
        return self._per_latent((self.values != 0).to(self.values.dtype))

    def l0(self) -> Tensor:
        """Return how many latents of each row are not 0 [B]; with the gate's gradient where there is one."""
        return self.row_sums((self.values != 0).to(self.values.dtype) if self.gate is None else self.gate)

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """B."""

    @property
    @abstractmethod
    def n_latents(self) -> int:
        """L."""

    @abstractmethod
    def dense(self) -> Tensor:
        """Return [B, L]."""

    @abstractmethod
    def at(self, per_latent_L: Tensor) -> Tensor:
        """Return one number a latent beside each value."""

    @abstractmethod
    def split(self, bounds: Sequence[int]) -> "list[Codes]":
        """Return the codes of the latents below the first bound, from there to the second, and so on."""

    @abstractmethod
    def by_rank(self) -> "list[Codes]":
        """Return each row's loudest code, its second, the next two, the next four, … by |code|; zeros come last."""

    @abstractmethod
    def row_sums(self, values: Tensor) -> Tensor:
        """Return the sum over each row [B] of numbers that stand where the values do."""

    @abstractmethod
    def __matmul__(self, weight_LD: Tensor) -> Tensor:
        """Return Σ_l code[l] weight[l] of each row [B, D]."""

    @abstractmethod
    def _per_latent(self, values: Tensor) -> Tensor: ...

    def _most(self) -> int:
        """Return how many codes of a row are not 0 at most, and 1 at least: the same for either form."""
        spoken_B = self.row_sums((self.values != 0).to(self.values.dtype))
        return max(int(spoken_B.max()), 1) if len(spoken_B) else 1


@dataclass(frozen=True, eq=False)
class Dense(Codes):
    """values [B, L]."""

    @property
    def n_rows(self) -> int:
        """B."""
        return len(self.values)

    @property
    def n_latents(self) -> int:
        """L."""
        return self.values.shape[1]

    def dense(self) -> Tensor:
        """Return the values themselves [B, L]."""
        return self.values

    def at(self, per_latent_L: Tensor) -> Tensor:
        """Return the numbers themselves: they broadcast over rows."""
        return per_latent_L

    def split(self, bounds: Sequence[int]) -> list[Codes]:
        """Return codes of all latents, the values outside each group written as zero."""
        latent_L = torch.arange(self.n_latents, device=self.values.device)
        groups = pairwise((0, *bounds))
        return [self.with_values(self.values * ((latent_L >= a) & (latent_L < b))) for a, b in groups]

    def by_rank(self) -> list[Codes]:
        """Return all codes, those outside each group of ranks written as zero."""
        most = self._most()
        rank_BL = self.values.detach().abs().argsort(1, descending=True).argsort(1)
        rank_BL.masked_fill_(self.values == 0, most - 1)
        return [self.with_values(self.values * ((rank_BL >= a) & (rank_BL < b))) for a, b in _doubling(most)]

    def __matmul__(self, weight_LD: Tensor) -> Tensor:
        return self.values @ weight_LD

    def row_sums(self, values: Tensor) -> Tensor:
        """Return the sum over each row [B]."""
        return values.sum(1)

    def _per_latent(self, values: Tensor) -> Tensor:
        return values.sum(0)


@dataclass(frozen=True, eq=False)
class Sparse(Codes):
    """values [N] at an index's entries; all others are 0."""

    index: Index
    kernels: Kernels

    @property
    def n_rows(self) -> int:
        """B."""
        return self.index.n_rows

    @property
    def n_latents(self) -> int:
        """L."""
        return self.index.n_latents

    def at(self, per_latent_L: Tensor) -> Tensor:
        """Return each entry's latent's number [N]."""
        return per_latent_L[self.index.latents]

    def split(self, bounds: Sequence[int]) -> list[Codes]:
        """Return each group's entries."""
        latent_N, groups = self.index.latents, pairwise((0, *bounds))
        return [self.keep((latent_N >= a) & (latent_N < b)) for a, b in groups]

    def by_rank(self) -> list[Codes]:
        """Return each group's entries."""
        by_size_N = self.values.detach().abs().argsort(descending=True)
        by_row_N = by_size_N[self.index.rows[by_size_N].argsort(stable=True)]
        rank_N = torch.empty_like(by_row_N)
        rank_N[by_row_N] = torch.arange(len(by_row_N), device=rank_N.device) - self.index.starts[self.index.rows]
        most = self._most()
        rank_N.masked_fill_(self.values == 0, most - 1)
        return [self.keep((rank_N >= a) & (rank_N < b)) for a, b in _doubling(most)]

    def keep(self, mask_N: Tensor) -> "Sparse":
        """Return the codes of the entries where the mask holds."""
        return Sparse(self.values[mask_N], self.index.keep(mask_N), self.kernels)

    def dense(self) -> Tensor:
        """Return [B, L], zeros written out."""
        codes_BL = self.values.new_zeros(self.index.n_rows, self.index.n_latents)
        return codes_BL.index_put((self.index.rows, self.index.latents), self.values)

    def __matmul__(self, weight_LD: Tensor) -> Tensor:
        return self.kernels.decode(self.values, self.index, weight_LD)

    def row_sums(self, values: Tensor) -> Tensor:
        """Return the sum over each row [B]."""
        return values.new_zeros(self.index.n_rows).index_add(0, self.index.rows, values)

    def _per_latent(self, values: Tensor) -> Tensor:
        return values.new_zeros(self.index.n_latents).index_add(0, self.index.latents, values)


def _largest(values_N: Tensor, count: int) -> Tensor:
    """Return the mask [N] of the `count` largest."""
    mask_N = torch.zeros_like(values_N, dtype=torch.bool)
    mask_N[values_N.topk(count, sorted=False).indices] = True
    return mask_N


def _doubling(most: int) -> list[tuple[int, int]]:
    """Return the bounds of 1, 1, 2, 4, … ranks, until there are so many."""
    stops = [min(2**level, most) for level in range(max(most - 1, 0).bit_length() + 1)]
    return list(pairwise((0, *stops)))


def dense(values_BL: Tensor | Codes) -> Codes:
    """Return codes from a plain array [B, L]; codes stay as they are."""
    return values_BL if isinstance(values_BL, Codes) else Dense(torch.as_tensor(values_BL))
