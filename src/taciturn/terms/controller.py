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

import torch
from torch import Tensor, nn

GAIN = 0.4
BOUNDS = 1e-3, 1e3  # of the weight, in units of the rows' variance
START = 0.1  # the weight at first, in the same units


class Controller(nn.Module):
    """A weight and an aim, steered by what is measured; all of its state are buffers."""

    log_weight: Tensor
    mean: Tensor
    side: Tensor
    correction: Tensor
    seen: Tensor

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset, self.horizon, self.scale = offset, 50, 1.0
        self.register_buffer("log_weight", torch.tensor(math.log(START)))
        self.register_buffer("mean", torch.ones(()))
        self.register_buffer("side", torch.ones(()))
        self.register_buffer("correction", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    def start(self, *, scale: float, steps: int) -> None:
        """Begin: `scale` is the rows' mean column variance, `steps` the length of the run."""
        self.scale, self.horizon = max(scale, 1e-12), min(max(steps // 100, 5), 200)
        self.log_weight.fill_(math.log(START * self.scale))

    @property
    def weight(self) -> Tensor:
        """The penalty's weight now."""
        return self.log_weight.exp()

    @property
    def aim(self) -> Tensor:
        """What the penalty aims at, as a share of its target."""
        return 1 - self.offset * self.side - self.correction

    @torch.no_grad()
    def observe(self, ratio: Tensor, ease: float) -> None:
        """Take in what a batch measured over the target."""
        self.seen += 1
        self.mean += (ratio - self.mean) / self.seen.clamp(max=self.horizon)
        low, high = (math.log(bound * self.scale) for bound in BOUNDS)
        excess = self.mean.clamp_min(1e-3).log()
        if self.offset:
            d = self.mean - 1
            self.side *= torch.where(d * self.side < -self.offset, -1.0, 1.0)
            nothing_resists = self.log_weight <= low + 1e-4
            taken_over = (self.correction + d.clamp(-1, 1) / self.horizon).clamp(-0.5, 0.5)
            self.correction.copy_(torch.where(nothing_resists, taken_over, self.correction * (1 - 1 / self.horizon)))
            excess = (1 + d * self.side / self.offset).clamp_min(1e-3).log()
        self.log_weight += GAIN / self.horizon * ease * excess.clamp(-1, 0.25)
        self.log_weight.clamp_(low, high)
