"""The penalty that makes codes zero."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..passes import Model, Pass
from ..recipe import check
from .term import Term


@dataclass(frozen=True)
class L1(Term):
    """The mean over rows of Σ_l |code_l|: the lasso's penalty (Tibshirani, 1996) on the codes.

    With `l0` its weight is found so that clean rows have so many latents at work on average; l0 > 0, and the coding
    layer must be one that says exact zeros.
    """

    l0: float | None = field(default=None, kw_only=True)

    name = "l1"
    asks_for = "l0"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.l0 is not None:
            check(self, "l0", 0, ends="(]", fixed=True)

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]  # it depends on what is asked
        """Zeros, where they are to be counted."""
        return frozenset() if self.l0 is None else frozenset({"zeros"})

    @property
    def target(self) -> float | None:
        """Latents at work in a row."""
        return self.l0

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/B Σ_b Σ_l |code|."""
        return p.mean(p.model.world.latents.total(p.codes.l1()))

    def measured(self, p: Pass) -> Tensor:
        """Return the mean number of latents at work in a clean row."""
        return p.mean(p.model.world.latents.total(p.clean.codes.l0()))

    @torch.no_grad()
    def settle(self, model: Model, x: Tensor, *, each: bool) -> None:
        """Shift the coding biases so that on rows x l0 latents are at work on average: each latent as often, or all
        by one number."""
        pre = model.pre(x).dense()
        share = float(self.l0 or 0) / pre.shape[1]
        entries = pre if each else pre.reshape(-1, 1)
        at_work = min(max(round(share * len(entries)), 1), len(entries) - 1)
        around = entries.topk(at_work + 1, dim=0).values[-2:]  # the last that is to be at work, and the next
        model.shift_codes(-around.mean(0))
