"""Penalties that make codes zero, and what they share where a number of latents a row is asked for."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..core.recipe import check
from ..model import Capability, Model, Pass
from .term import Term


@dataclass(frozen=True)
class CountTerm(Term):
    """A penalty that makes codes zero; with `l0` > 0 its weight is found so that so many latents speak of a clean row.

    The coding layer must then be one that says exact zeros.
    """

    l0: float | None = field(default=None, kw_only=True)

    target_kind = "l0"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.l0 is not None:
            check(self, "l0", 0, ends="(]", fixed=True)

    @property
    def requires(self) -> frozenset[Capability]:  # type: ignore[override]  # it depends on what is asked
        """Zeros, where they are to be counted."""
        return frozenset() if self.l0 is None else frozenset({Capability.ZERO_CODES})

    @property
    def target(self) -> float | None:
        """Latents at work in a row."""
        return self.l0

    def measured(self, p: Pass) -> Tensor:
        """Return the mean number of latents at work in a clean row."""
        return mean_l0(p.clean)

    @torch.no_grad()
    def calibrate(self, model: Model, x: Tensor, *, each: bool) -> None:
        """Let latents speak the more or less readily, so that on rows x l0 are at work on average: each latent as
        often, or all shifted by one number."""
        margin = model.margin(model.refined_pre(x).dense())
        share = float(self.l0 or 0) / margin.shape[1]
        entries = margin if each else margin.reshape(-1, 1)
        at_work = min(max(round(share * len(entries)), 1), len(entries) - 1)
        around = entries.topk(at_work + 1, dim=0).values[-2:]  # the last that is to be at work, and the next
        model.shift_biases(-around.mean(0))


def mean_per_row(p: Pass, numbers: Tensor) -> Tensor:
    """Return the mean over rows of the sum over latents of numbers that stand beside the codes."""
    return p.mean(p.model.world.latents.sum(p.codes.row_sums(numbers)))


def mean_l0(p: Pass) -> Tensor:
    """Return the mean number of latents at work in a row, with the gate's gradient where there is one."""
    return p.mean(p.model.world.latents.sum(p.codes.l0()))
