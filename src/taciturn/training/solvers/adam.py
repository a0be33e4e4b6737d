"""Adam with the epsilon of PyTorch or of TensorFlow 1, and Nadam; weight decay is decoupled (Loshchilov, 2019)."""

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
    """Adam (Kingma and Ba, 2015): w ← w - lr · m̂ / (√v̂ + ε).

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the running means m of the gradient and v of its square, in [0, 1).
    epsilon : float, default=1e-8
        ε, > 0.
    clip : float or None
        Upper bound of the norm of all gradients together, > 0.

    Examples
    --------
    >>> Adam(beta_2=0.99, clip=1.0).text
    'adam:beta_2=0.99,clip=1.0'
    """

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
        """Return a `FusedAdam` of the parameter groups."""
        return FusedAdam(groups, lr=lr, betas=(float(self.beta_1), float(self.beta_2)), eps=self.epsilon)


@dataclass(frozen=True)
class Nadam(Adam):
    """Adam with Nesterov's momentum (Dozat, 2016); parameters as of `Adam`."""

    name = "nadam"

    def build(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        """Return torch's NAdam of the parameter groups, with decoupled weight decay."""
        betas = float(self.beta_1), float(self.beta_2)
        return torch.optim.NAdam(groups, lr=lr, betas=betas, eps=self.epsilon, decoupled_weight_decay=True)


@dataclass(frozen=True)
class TensorFlowAdam(Adam):
    """Adam as TensorFlow 1 and Keras compute it; parameters as of `Adam`.

    Notes
    -----
    ε is added before the bias correction: w ← w - lr · m̂ / (√v̂ + ε / √(1-β₂ᵗ)) at step t.
    """

    name = "tensorflow_adam"

    def build(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        """Return an AdamW of the parameter groups whose ε changes with the step."""
        return _EarlyEpsilon(groups, lr=lr, betas=(float(self.beta_1), float(self.beta_2)), eps=self.epsilon)


class _EarlyEpsilon(torch.optim.AdamW):
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        for group in self.param_groups:
            step = 1 + max((self.state[p]["step"].item() for p in group["params"] if self.state.get(p)), default=0)
            group["eps"] = self.defaults["eps"] / math.sqrt(1 - group["betas"][1] ** step)
        loss: float | None = super().step(closure)
        return loss
