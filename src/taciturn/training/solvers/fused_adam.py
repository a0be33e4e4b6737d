"""torch's fused AdamW without the cost of its first use."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...kernels import native


class FusedAdam(torch.optim.AdamW):
    """torch.optim.AdamW(fused=True); `state` and `state_dict` have torch's format.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay
        As of torch.optim.AdamW; `params` are parameter groups.

    Notes
    -----
    torch's own methods import its compiler when a process makes its first optimiser, which takes longer than many a
    fit, and they sort the parameters at every step. A few weights are updated by a compiled loop, whose results differ
    from torch's by rounding only; otherwise the results are torch's to the bit.
    """

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters."""
        self.param_groups.append(self.defaults | param_group | {"fused": True})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set all gradients to None."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update the parameters that have a gradient; a `closure` computes gradients and loss first."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not parameters:
                continue
            states = [self._state_of(parameter) for parameter in parameters]
            means, squares, steps = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step"))
            grads = [parameter.grad for parameter in parameters]
            if native.adam(
                list(zip(parameters, means, squares, grads, steps, strict=True)),
                rate=group["lr"],
                beta_1=group["betas"][0],
                beta_2=group["betas"][1],
                epsilon=group["eps"],
                decay=group["weight_decay"],
            ):
                continue
            torch._foreach_add_(steps, 1)
            torch._fused_adamw_(
                parameters,
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
        return loss

    def _state_of(self, parameter: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        return state

    # torch would wrap `step` for its profiler, which costs as much as several updates
    step.hooked = True  # type: ignore[attr-defined]
