"""torch's fused AdamW without what its first use costs."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...kernels import native


class FusedAdam(torch.optim.AdamW):
    """torch.optim.AdamW(fused=True); state and state_dict are torch's.

    torch's own methods import its compiler when the first optimiser of a process is made, which takes longer than many
    a fit, and sort their parameters anew at every step. Few weights are moved by a compiled loop, the same but for
    rounding; otherwise it is torch's bit for bit.
    """

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take in a group of parameters."""
        self.param_groups.append(self.defaults | param_group | {"fused": True})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move the parameters that have a gradient."""
        for group in self.param_groups:
            moved = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not moved:
                continue
            states = [self._remembered(parameter) for parameter in moved]
            means, squares, steps = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step"))
            grads = [parameter.grad for parameter in moved]
            if native.adam(
                list(zip(moved, means, squares, grads, steps, strict=True)),
                rate=group["lr"],
                beta_1=group["betas"][0],
                beta_2=group["betas"][1],
                epsilon=group["eps"],
                decay=group["weight_decay"],
            ):
                continue
            torch._foreach_add_(steps, 1)
            torch._fused_adamw_(
                moved,
                grads,
                means,
                squares,
                [],
                steps,
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )
        return None

    def _remembered(self, parameter: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        return state

    step.hooked = True  # type: ignore[attr-defined]  # torch would wrap it for its profiler, at a cost of several updates
