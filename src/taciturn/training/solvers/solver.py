"""Which optimiser, as a recipe."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ...core.recipe import Recipe, check


@dataclass(frozen=True, kw_only=True)
class Solver(Recipe):
    """An optimiser to be built; `clip` bounds the norm of all gradients together (Pascanu et al., 2013)."""

    clip: float | None = None

    def __post_init__(self) -> None:
        if self.clip is not None:
            check(self, "clip", 0, ends="(]", fixed=True)

    @abstractmethod
    def build(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        """Return the optimiser of parameter groups, each with its decoupled `weight_decay`."""


def groups(named: Iterable[tuple[str, nn.Parameter]], weight_decay: float) -> list[dict[str, Any]]:
    """Return two groups: weights, which decay, and everything else, which does not; or one, if nothing decays."""
    if not weight_decay:
        return [{"params": [parameter for _, parameter in named], "weight_decay": 0.0}]
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in named:
        (decayed if name.endswith("weight") else kept).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
