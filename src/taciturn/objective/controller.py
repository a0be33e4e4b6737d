"""The controller that adjusts a penalty's weight during training, so that its target is met without tuning.

Names: w, the weight; m, the running mean of the measured value over the target, on clean rows; s = ±1, the side to
which the reconstruction pulls the measured value; o, the aim offset: the penalty aims past its target by this share,
away from that side. (A penalty that aims at the target itself has no gradient there, and its weight would not
converge.)

    each step   d = m - 1;  flip s when d s < -o
                r = 1 + d s / o                         the excess over the value at which the penalty is at rest
                log w += gain/H · ease · clip(log r, -1, +1/4)         slow up, fast down
    at the lower bound of w, where nothing pulls against the penalty, a correction of the aim takes over:
                c += d / H;  elsewhere c decays;  the penalty aims at target · (1 - o s - c)

H is the horizon of the mean in steps. `ease` is the learning rate as a share of its maximum, so that the weight freezes
as the learning rate falls. A penalty without an aim offset (o = 0: L1) takes r = m.
"""

import math
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from ..core.errors import RecipeError

GAIN = 0.4
BOUNDS = 1e-3, 1e3  # of the weight, in units of the rows' variance
INITIAL_WEIGHT = 0.1  # in the same units


class Controller(nn.Module):
    """The weight of one penalty and its aim, adjusted by what is measured in each step.

    Parameters
    ----------
    aim_offset : float, 0 or more
        o: by which share of the target the penalty aims past it. 0: the aim stays at the target.

    Attributes
    ----------
    log_weight, mean, side, correction, n_updates : Tensor, scalar, float64
        The state: log w, m, s, c and the number of updates. They are buffers, so that they are saved with the step,
        and they stay float64 on the CPU: updating a few Python floats takes less time than launching one tensor
        operation.
    horizon : int
        H in steps.
    scale : float
        The unit of the weight's bounds: the rows' mean column variance.

    Notes
    -----
    The law is in the module's docstring. The weight lies within 0.001 … 1000 times `scale`, and starts at 0.1 times.

    Examples
    --------
    >>> controller = Controller(aim_offset=0.02)
    >>> controller.reset(scale=1.0, steps=1000)
    >>> controller.update(ratio=2.0, ease=1.0)
    >>> controller.weight > 0.1
    True
    """

    log_weight: Tensor
    mean: Tensor
    side: Tensor
    correction: Tensor
    n_updates: Tensor

    def __init__(self, aim_offset: float) -> None:
        super().__init__()
        self.aim_offset, self.horizon, self.scale = aim_offset, 50, 1.0
        initial = {
            "log_weight": math.log(INITIAL_WEIGHT),
            "mean": 1.0,
            "side": 1.0,
            "correction": 0.0,
            "n_updates": 0.0,
        }
        for name, number in initial.items():
            self.register_buffer(name, torch.tensor(number, dtype=torch.float64))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        return self  # .to(), .float() and the like do not move or round the buffers

    def get_extra_state(self) -> Tensor:
        """Return horizon and scale [2], float64, which `state_dict` keeps beside the buffers as `_extra_state`."""
        return torch.tensor([self.horizon, self.scale], dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        """Set horizon and scale, as `get_extra_state` returned them.

        Raises
        ------
        RecipeError
            The state does not hold two positive numbers.
        """
        if state.shape != (2,) or not bool((state.isfinite() & (state > 0)).all()):
            raise RecipeError("a controller's state must hold two positive numbers: horizon and scale")
        self.horizon, self.scale = int(state[0]), state[1].item()

    def reset(self, *, scale: float, steps: int) -> None:
        """Start a run.

        Parameters
        ----------
        scale : float
            The rows' mean column variance; the weight starts at 0.1 times it.
        steps : int
            The length of the run, which sets the horizon: 1% of it, within 5 … 200 steps.
        """
        self.scale, self.horizon = max(scale, 1e-12), min(max(steps // 100, 5), 200)
        self.log_weight.fill_(math.log(INITIAL_WEIGHT * self.scale))

    @property
    def weight(self) -> float:
        """The penalty's current weight w."""
        return math.exp(self.log_weight.item())

    @property
    def aim(self) -> float:
        """What the penalty currently aims at, as a share of its target: 1 - o s - c."""
        return 1 - self.aim_offset * self.side.item() - self.correction.item()

    def update(self, ratio: float, ease: float) -> None:
        """Adjust weight and aim after one step.

        Parameters
        ----------
        ratio : float
            The batch's measured value over the target.
        ease : float, 0 … 1
            The learning rate as a share of its maximum.
        """
        state = (self.log_weight, self.mean, self.side, self.correction, self.n_updates)
        log_w, m, s, c, n = (buffer.item() for buffer in state)
        low, high = (math.log(bound * self.scale) for bound in BOUNDS)
        n += 1
        m += (ratio - m) / min(n, self.horizon)
        excess = m
        if self.aim_offset:
            d = m - 1
            s = -s if d * s < -self.aim_offset else s
            at_lower_bound = log_w <= low + 1e-4
            if at_lower_bound:
                c = _clip(-0.5, c + _clip(-1, d, 1) / self.horizon, 0.5)
            else:
                c *= 1 - 1 / self.horizon
            excess = 1 + d * s / self.aim_offset
        log_w += GAIN / self.horizon * ease * _clip(-1, math.log(max(excess, 1e-3)), 0.25)
        for buffer, number in zip(state, (_clip(low, log_w, high), m, s, c, n), strict=True):
            buffer.fill_(number)


def _clip(low: float, number: float, high: float) -> float:
    """Return the number, or the bound that it lies beyond; NaN stays."""
    return low if number < low else high if number > high else number
