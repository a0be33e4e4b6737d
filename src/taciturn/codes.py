"""F2. What the encoder offers (Pre, computed only as far as asked) and what the coding layer says (Codes)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from .kernels import Index, Kernels, Top


@dataclass(frozen=True, eq=False)
class Pre:
    """Pre-activations (x - centre) W' + b of every row and latent, not yet computed."""

    x: Tensor  # [B, D]
    weight: Tensor  # [L, D]
    bias: Tensor  # [L]
    centre: Tensor | None  # [D]
    kernels: Kernels

    @cached_property
    def _dense(self) -> Tensor:
        return F.linear(self.x if self.centre is None else self.x - self.centre, self.weight, self.bias)

    def dense(self) -> Tensor:
        """Return all of them [B, L], computed once."""
        return self._dense

    def top(self, k: int, *, signed: bool = False) -> "Sparse":
        """Return each row's k largest (by magnitude if `signed`); k above the latents' number keeps all."""
        affine = self.x, self.weight, self.bias, self.centre
        index, values = self.kernels.pick(*affine, Top(min(k, len(self.bias)), signed))
        return Sparse(self.kernels.scores(*affine, index, values), index, self.kernels)


@dataclass(frozen=True, eq=False)
class Codes(ABC):
    """A batch's codes [B, L], dense or sparse; either form answers the same questions."""

    values: Tensor

    def say(self, values: Tensor) -> Self:
        """Return codes with other values in the same places (sparse ones stay zero elsewhere)."""
        return replace(self, values=values)

    def sum(self) -> Tensor:
        """Return each latent's sum over the rows [L]."""
        return self._per_latent(self.values)

    def fired(self) -> Tensor:
        """Return in how many rows each latent is not 0 [L]."""
        return self._per_latent((self.values != 0).to(self.values.dtype))

    def l1(self) -> Tensor:
        """Return each row's Σ_l |code| [B]."""
        return self._per_row(self.values.abs())

    def l0(self) -> Tensor:
        """Return how many latents of each row are not 0 [B]."""
        return self._per_row((self.values != 0).to(self.values.dtype))

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """B."""

    @abstractmethod
    def dense(self) -> Tensor:
        """Return [B, L]."""

    @abstractmethod
    def __matmul__(self, weight_LD: Tensor) -> Tensor:
        """Return Σ_l code[l] weight[l] of each row [B, D]."""

    @abstractmethod
    def _per_row(self, values: Tensor) -> Tensor: ...

    @abstractmethod
    def _per_latent(self, values: Tensor) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Dense(Codes):
    """values [B, L]."""

    @property
    def n_rows(self) -> int:
        """B."""
        return len(self.values)

    def dense(self) -> Tensor:
        """Return the values themselves [B, L]."""
        return self.values

    def __matmul__(self, weight_LD: Tensor) -> Tensor:
        return self.values @ weight_LD

    def _per_row(self, values: Tensor) -> Tensor:
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

    def dense(self) -> Tensor:
        """Return [B, L], zeros written out."""
        codes_BL = self.values.new_zeros(self.index.n_rows, self.index.n_latents)
        return codes_BL.index_put((self.index.rows, self.index.latents), self.values)

    def __matmul__(self, weight_LD: Tensor) -> Tensor:
        return self.kernels.decode(self.values, self.index, weight_LD)

    def _per_row(self, values: Tensor) -> Tensor:
        return values.new_zeros(self.index.n_rows).index_add(0, self.index.rows, values)

    def _per_latent(self, values: Tensor) -> Tensor:
        return values.new_zeros(self.index.n_latents).index_add(0, self.index.latents, values)


def dense(values_BL: Tensor | Codes) -> Codes:
    """Return codes from a plain array [B, L]; codes stay as they are."""
    return values_BL if isinstance(values_BL, Codes) else Dense(torch.as_tensor(values_BL))
