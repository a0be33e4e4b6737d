"""Errors over nested parts of the codes: each must do as well as it can without the next."""

import math
from abc import abstractmethod
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..core.errors import RecipeError
from ..model import Capability, Codes, Pass
from .derived_error import DerivedError


@dataclass(frozen=True)
class Nested(DerivedError):
    """The mean of an error over the reconstructions from the first part of the codes, the first two, … all.

    Each part is decoded once and added to the sum of those before it. `shares`: the levels' weights, brought to the
    sum 1; equal unless given. `detach`: the parts before are taken as given, so that they learn nothing from the errors
    of later ones.
    """

    shares: tuple[float, ...] = field(default=(), kw_only=True)
    detach: bool = field(default=False, kw_only=True)

    of = frozenset({Capability.ONE_LAYER_DECODER})
    is_reconstruction_error = True

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = self.shares
        fine = isinstance(shares, tuple) and all(type(s) in (int, float) and 0 <= s < math.inf for s in shares)
        if not fine or (shares and not any(shares)):
            raise RecipeError(f"{self.name}: shares={shares!r} must be numbers, 0 or more, not all 0, as 1/2")

    @abstractmethod
    def parts(self, p: Pass) -> list[Codes]:
        """Return the codes, split."""

    def __call__(self, p: Pass) -> Tensor:
        """Return Σ_m share_m error(decode(parts 1 … m))."""
        first, *rest = self.parts(p)
        so_far = p.model.decode(first)
        errors = [self.error(replace(p, codes=first, logits=so_far))]
        for codes in rest:
            so_far = (so_far.detach() if self.detach else so_far) + p.model.decode_linear(codes)
            errors.append(self.error(replace(p, codes=codes, logits=so_far)))
        shares = torch.tensor(self._shares(len(errors)), dtype=so_far.dtype, device=so_far.device)
        return torch.stack(errors) @ shares

    def _shares(self, levels: int) -> list[float]:
        given = self.shares or (1.0,) * levels
        if len(given) != levels:
            raise RecipeError(f"{self.name}: {len(given)} shares for {levels} levels; give one a level")
        return [share / sum(given) for share in given]


@dataclass(frozen=True)
class Matryoshka(Nested):
    """The mean of an error over nested dictionaries, of the first latents, more, … all (Bussmann et al., 2025).

    What is common must be learnt by the first latents, what is rare is left to the last: a parent is less often spoken
    for by its children.

    widths : the dictionaries' sizes, rising, without the last, which is all latents; by default a 16th, an 8th, a
        quarter and half of them.
    sampled : draw as many sizes anew at each step, log-uniformly, so that the latents have an order, not only groups.
    """

    widths: tuple[int, ...] = ()
    sampled: bool = False

    name = "matryoshka"

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = isinstance(self.widths, tuple) and all(type(width) is int and width > 0 for width in self.widths)
        if not whole or list(self.widths) != sorted(set(self.widths)):
            raise RecipeError(f"matryoshka: widths={self.widths!r} must be rising whole numbers, as 32/128 or 32/")

    def parts(self, p: Pass) -> list[Codes]:
        """Return the codes of each group of latents."""
        return p.codes.split([*self.sizes(p.codes.n_latents, p), p.codes.n_latents])

    def sizes(self, n_latents: int, p: Pass) -> list[int]:
        """Return the sizes of this step's inner dictionaries."""
        usual = [n_latents // share for share in (16, 8, 4, 2) if n_latents // share > 0]
        inner = [width for width in self.widths or usual if width < n_latents]
        if not self.sampled:
            return inner
        drawn = n_latents ** torch.rand(len(inner), generator=p.batch.rng("matryoshka"), dtype=torch.float64)
        return sorted(int(width) for width in drawn)


@dataclass(frozen=True)
class HierarchicalTopK(Nested):
    """The mean of an error over the 1, 2, 4, … loudest codes of each row (Balagansky et al., 2025).

    One dictionary for every k: cut to fewer codes a row, it still does nearly as well as one trained for so few.
    """

    name = "hierarchical_topk"
    of = frozenset({Capability.ONE_LAYER_DECODER, Capability.RANKED_CODES})

    def parts(self, p: Pass) -> list[Codes]:
        """Return the loudest, the second, the next two, the next four …"""
        return p.codes.by_rank()
