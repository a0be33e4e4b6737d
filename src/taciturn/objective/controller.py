"""How a penalty's weight is found while training, so that its target is met without tuning.

Names: m, the running mean of what the penalty measures on clean rows, over its target; s = ±1, the side to which the
reconstruction pulls; o, the offset by which the penalty aims past its target, away from that side. (A penalty that
aims at the target itself has no pull there, and its weight would never settle.)

    each step   d = m - 1;  flip s when d s < -o
                r = 1 + d s / o                         the excess over where the penalty comes to rest
                log w += gain/H · ease · clip(log r, -1, +1/4)         slow up, fast down
    at the floor of w, where nothing resists, the aim takes over:
                c += d / H;  elsewhere c fades;  the penalty aims at target · (1 - o s - c)

H is the horizon of the mean in steps, `ease` the learning rate's share of its greatest, so that the weight freezes as
the learning rate falls. A penalty without an aim of its own (o = 0: L1) takes r = m.
"""

import math
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

GAIN = 0.4
BOUNDS = 1e-3, 1e3  # of the weight, in units of the rows' variance
START = 0.1  # the weight at first, in the same units


class Controller(nn.Module):
    """A weight and an aim, steered by what is measured.

    All of its state are buffers of one float64 each, so that it is saved with the step; they stay with the processor,
    where a few plain numbers are steered in less time than it takes to launch one of an array's operations.
    """

    log_weight: Tensor
    mean: Tensor
    side: Tensor
    correction: Tensor
    n_updates: Tensor

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset, self.horizon, self.scale = offset, 50, 1.0
        beginning = {"log_weight": math.log(START), "mean": 1.0, "side": 1.0, "correction": 0.0, "n_updates": 0.0}
        for name, number in beginning.items():
            self.register_buffer(name, torch.tensor(number, dtype=torch.float64))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        return self  # no device and no precision but its own

    def reset(self, *, scale: float, steps: int) -> None:
        """Begin: `scale` is the rows' mean column variance, `steps` the length of the run."""
        self.scale, self.horizon = max(scale, 1e-12), min(max(steps // 100, 5), 200)
        self.log_weight.fill_(math.log(START * self.scale))

    @property
    def weight(self) -> float:
        """The penalty's weight now."""
        return math.exp(self.log_weight.item())

    @property
    def aim(self) -> float:
        """What the penalty aims at, as a share of its target."""
        return 1 - self.offset * self.side.item() - self.correction.item()

    def update(self, ratio: float, ease: float) -> None:
        """Take in what a batch measured over the target."""
        state = (self.log_weight, self.mean, self.side, self.correction, self.n_updates)
        w, m, s, c, n = (buffer.item() for buffer in state)
        low, high = (math.log(bound * self.scale) for bound in BOUNDS)
        n += 1
        m += (ratio - m) / min(n, self.horizon)
        excess = m
        if self.offset:
            d = m - 1
            s = -s if d * s < -self.offset else s
            nothing_resists = w <= low + 1e-4
            if nothing_resists:
                c = _within(-0.5, c + _within(-1, d, 1) / self.horizon, 0.5)
            else:
                c *= 1 - 1 / self.horizon
            excess = 1 + d * s / self.offset
        w += GAIN / self.horizon * ease * _within(-1, math.log(max(excess, 1e-3)), 0.25)
        for buffer, number in zip(state, (_within(low, w, high), m, s, c, n), strict=True):
            buffer.fill_(number)


def _within(low: float, number: float, high: float) -> float:
    """Return the number, or the bound that it lies beyond; NaN stays."""
    return low if number < low else high if number > high else number
