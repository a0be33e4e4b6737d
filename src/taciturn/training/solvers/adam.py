"""Adam, as PyTorch and as TensorFlow 1 place its epsilon, and Nadam. Weight decay is decoupled (Loshchilov, 2019)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ...core.recipe import check
from .fused_adam import FusedAdam
from .solver import Solver


@dataclass(frozen=True)
class Adam(Solver):
    """Adam (Kingma and Ba, 2015): step lr · m̂ / (√v̂ + ε)."""

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    name = "adam"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "beta_1", 0, 1, "[)", fixed=True)
        check(self, "beta_2", 0, 1, "[)", fixed=True)
        check(self, "epsilon", 0, ends="(]", fixed=True)

    def build(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        """Return an AdamW in one call."""
        return FusedAdam(groups, lr=lr, betas=(self.beta_1, self.beta_2), eps=self.epsilon)


@dataclass(frozen=True)
class Nadam(Adam):
    """Adam with Nesterov's momentum (Dozat, 2016)."""

    name = "nadam"

    def build(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        """Return torch's NAdam with decoupled weight decay."""
        betas = self.beta_1, self.beta_2
        return torch.optim.NAdam(groups, lr=lr, betas=betas, eps=self.epsilon, decoupled_weight_decay=True)


@dataclass(frozen=True)
class TensorFlowAdam(Adam):
    """Adam as TensorFlow 1 and Keras compute it, ε before the bias correction: lr · m̂ / (√v̂ + ε / √(1-β₂ᵗ))."""

    name = "tensorflow_adam"

    def build(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        """Return an AdamW whose ε follows the step count."""
        return _EarlyEpsilon(groups, lr=lr, betas=(self.beta_1, self.beta_2), eps=self.epsilon)


class _EarlyEpsilon(torch.optim.AdamW):
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        for group in self.param_groups:
            group["steps"] = group.get("steps", 0) + 1
            group["eps"] = self.defaults["eps"] / math.sqrt(1 - group["betas"][1] ** group["steps"])
        loss: float | None = super().step(closure)
        return loss
