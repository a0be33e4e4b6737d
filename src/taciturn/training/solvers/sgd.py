"""Stochastic gradient descent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ...core.recipe import check
from .solver import Solver


@dataclass(frozen=True)
class SGD(Solver):
    """Stochastic gradient descent with momentum: v ← momentum · v + g; w ← w - lr · v.

    Parameters
    ----------
    momentum : float, default=0.0
        In [0, 1).
    nesterov : bool, default=False
        Whether to use Nesterov's momentum, w ← w - lr · (g + momentum · v).
    clip : float or None
        Upper bound of the norm of all gradients together, > 0.

    Notes
    -----
    Weight decay is decoupled from the momentum: w ← w (1 - lr · decay) before each step.

    Examples
    --------
    >>> SGD(momentum=0.9).text
    'sgd:momentum=0.9'
    """

    momentum: float = 0.0
    nesterov: bool = False

    name = "sgd"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "momentum", 0, 1, "[)", fixed=True)

    def build(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        """Return torch's SGD of the parameter groups, with decoupled weight decay."""
        return _Decoupled(groups, lr=lr, momentum=self.momentum, nesterov=self.nesterov and self.momentum > 0)


class _Decoupled(torch.optim.SGD):
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None if closure is None else torch.enable_grad()(closure)()
        decays = [group["weight_decay"] for group in self.param_groups]
        for group, decay in zip(self.param_groups, decays, strict=True):
            trained = [parameter for parameter in group["params"] if parameter.grad is not None]
            if decay and trained:
                torch._foreach_mul_(trained, 1 - group["lr"] * decay)
            group["weight_decay"] = 0.0
        super().step()
        for group, decay in zip(self.param_groups, decays, strict=True):
            group["weight_decay"] = decay
        return loss
