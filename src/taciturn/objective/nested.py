"""Errors over nested parts of the codes, so that each part reconstructs well without the later ones."""

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
    """The mean of an error over reconstructions from the first part of the codes, the first two parts, … all parts.

    A subclass implements `parts`.

    Parameters
    ----------
    error : Term, default=SquaredError()
        The error of each reconstruction.
    shares : tuple of float, each 0 or more, default=()
        The weights of the levels, one per level; they are divided by their sum. (): equal weights.
    detach : bool, default=False
        Pass no gradient from a level's error to earlier parts, so that a part is not trained by the errors of later
        ones.
    weight : float or Schedule, 0 or more, optional
        See Term; None is 1.

    Notes
    -----
    Σ_m share_m error(decode(parts 1 … m)). Each part is decoded once and added to the sum of the parts before it.

    Examples
    --------
    >>> from taciturn.objective import Term
    >>> isinstance(Term.parse("matryoshka:32/128"), Nested)
    True
    """

    shares: tuple[float, ...] = field(default=(), kw_only=True)
    detach: bool = field(default=False, kw_only=True)

    codes_require = frozenset({Capability.ONE_LAYER_DECODER})
    is_reconstruction_error = True

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = self.shares
        fine = isinstance(shares, tuple) and all(type(s) in (int, float) and 0 <= s < math.inf for s in shares)
        if not fine or (shares and not any(shares)):
            raise RecipeError(f"{self.name}: shares={shares!r} must be numbers, 0 or more, not all 0, as 1/2")

    @abstractmethod
    def parts(self, p: Pass) -> list[Codes]:
        """Return the codes of a pass, split into parts: each has the shape [B, L], and they sum up to the codes."""

    def __call__(self, p: Pass) -> Tensor:
        """Return Σ_m share_m error(decode(parts 1 … m))."""
        first, *rest = self.parts(p)
        logits = p.model.decode(first, p.batch.corrupted)
        errors = [self.error(replace(p, codes=first, logits=logits))]
        for codes in rest:
            logits = (logits.detach() if self.detach else logits) + p.model.decode_linear(codes)
            errors.append(self.error(replace(p, codes=codes, logits=logits)))
        shares = torch.tensor(self._normalised_shares(len(errors)), dtype=logits.dtype, device=logits.device)
        return torch.stack(errors) @ shares

    def _normalised_shares(self, n_levels: int) -> list[float]:
        shares = self.shares or (1.0,) * n_levels
        if len(shares) != n_levels:
            raise RecipeError(f"{self.name}: {len(shares)} shares for {n_levels} levels; give one per level")
        return [share / sum(shares) for share in shares]


@dataclass(frozen=True)
class Matryoshka(Nested):
    """The mean of an error over nested dictionaries of the first latents, more latents, … all (Bussmann et al., 2025).

    The first latents must model what is common; what is rare is modelled by the last ones. This makes it rarer that a
    general latent is replaced by its special cases (feature absorption).

    Parameters
    ----------
    widths : tuple of int, rising, each at least 1, default=()
        The sizes of the inner dictionaries; the last, all latents, is implied. (): L/16, L/8, L/4 and L/2 of L
        latents.
    sampled : bool, default=False
        Draw as many sizes at each step, log-uniformly in 1 … L, so that the latents have an order and not only groups.
    error, shares, detach, weight
        See Nested.

    Examples
    --------
    >>> Matryoshka((32, 128)).text
    'matryoshka:widths=32/128'
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
        (first, stop), sizes = p.model.part, [*self.sizes(p.n_latents, p), p.n_latents]
        return p.codes.split([min(max(size, first), stop) - first for size in sizes])

    def sizes(self, n_latents: int, p: Pass) -> list[int]:
        """Return the sizes of the inner dictionaries for this step; widths of all latents or more are left out."""
        default = [n_latents // divisor for divisor in (16, 8, 4, 2) if n_latents // divisor > 0]
        inner = [width for width in self.widths or default if width < n_latents]
        if not self.sampled:
            return inner
        drawn = n_latents ** torch.rand(len(inner), generator=p.batch.rng("matryoshka"), dtype=torch.float64)
        return sorted(int(width) for width in drawn)


@dataclass(frozen=True)
class HierarchicalTopK(Nested):
    """The mean of an error over each row's 1, 2, 4, … largest codes (Balagansky et al., 2025).

    One dictionary serves every k: with only k codes per row it does nearly as well as a dictionary trained for this k.

    Parameters
    ----------
    error, shares, detach, weight
        See Nested.

    Notes
    -----
    Codes are ranked by absolute value. The last level is the largest number of active codes in any row.

    Examples
    --------
    >>> HierarchicalTopK(detach=True).text
    'hierarchical_topk:detach=true'
    """

    name = "hierarchical_topk"
    codes_require = frozenset({Capability.ONE_LAYER_DECODER, Capability.RANKED_CODES})

    def parts(self, p: Pass) -> list[Codes]:
        """Return each row's largest code, the second, the next 2, the next 4, …."""
        return p.codes.by_rank(p.batch.shard.axis)
