"""Selection by a product in low precision: it proposes, float32 decides."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .chunked import Chunked
from .index import Index, Rule, Top, csr, kept_at
from .kernels import centred
from .select import floor_of_top, positions

PART = 256  # rows of the weights that are rounded at a time
SPREADS = 6.0  # of the rounding's error, by which an entry may lie below the k-th proposal and still be looked at


class Rounded(Protocol):
    """Weights [L, D], rounded, and products with them."""

    def __init__(self, W: Tensor) -> None: ...

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return whether the device multiplies arrays of these shapes so."""
        ...

    def product(self, x: Tensor, out: Tensor) -> Tensor:
        """Return x W' [B, L], rounded, in `out`."""
        ...

    def spread(self, x: Tensor) -> Tensor:
        """Return the standard deviation of the rounding's error in each row's products, or more [B, 1]."""
        ...


class Int8:
    """Whole numbers from -127 to 127, with a scale for each row of either side."""

    def __init__(self, W: Tensor) -> None:
        parts = [(*_whole(part), _length(part)) for part in W.split(PART)]  # each of which stays in the cache
        self.whole, step, lengths = (torch.cat(pieces) for pieces in zip(*parts, strict=True))
        self.step, self.longest, self.coarsest = step[:, 0], lengths.amax(), step.amax()
        self.buffer = torch.empty(0, dtype=torch.int32, device=W.device)

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return whether the device multiplies these as whole numbers: CUDA takes 17 rows or more, and eights."""
        return not x.is_cuda or (len(x) > 16 and x.shape[1] % 8 == 0 and len(W) % 8 == 0)

    def product(self, x: Tensor, out: Tensor) -> Tensor:
        """Return x W' [B, L]."""
        whole, step = _whole(x)
        found = torch._int_mm(whole, self.whole.t(), out=self.buffer.resize_(out.shape))
        return out.copy_(found).mul_(self.step).mul_(step)

    def spread(self, x: Tensor) -> Tensor:
        """Return what rounding to the nearest, off by the step / √12, makes of sums of products."""
        of_x, of_W = _step(x) * self.longest, _length(x) * self.coarsest
        return torch.hypot(of_x, of_W) / 12**0.5


class BFloat16:
    """Eight binary digits."""

    def __init__(self, W: Tensor) -> None:
        self.W, self.longest = W.bfloat16(), _length(W).amax()

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return True."""
        return True

    def product(self, x: Tensor, out: Tensor) -> Tensor:
        """Return x W' [B, L]."""
        return out.copy_(x.bfloat16() @ self.W.t())

    def spread(self, x: Tensor) -> Tensor:
        """Return what the product's own rounding makes of the largest that it can be."""
        return _length(x) * self.longest * (2**-9 / 3**0.5)


@dataclass(frozen=True)
class Proposed(Chunked):
    """As Chunked, but a row's largest entries are looked for in a rounded product.

    Every entry that comes near enough to the k-th largest is scored again in float32, and the k largest of those scores
    are kept: an entry is missed only if its rounding is off by six standard deviations. Other rules see float32.
    """

    rounding: type[Rounded] = Int8

    @torch.no_grad()
    def pick(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, rule: Rule) -> tuple[Index, Tensor]:
        """Return the entries that a rule keeps and their values [N]; memory: rows × latents of one chunk."""
        if not isinstance(rule, Top) or rule.signed or x.dtype != torch.float32 or rule.k == len(W) or not len(x):
            return super().pick(x, W, b, centre, rule)
        parts = centred(x, centre).split(self.rows_of(W))
        if not all(self.rounding.fits(part, W) for part in parts):
            return super().pick(x, W, b, centre, rule)
        buffer = x.new_empty(len(parts[0]), len(W))
        rounded = self.rounding(W)
        latents, values = zip(
            *(self._top(part, W, b, rounded, buffer[: len(part)], rule.k) for part in parts), strict=True
        )
        kept = torch.cat(latents)
        counts_B = torch.full((len(kept),), rule.k, device=x.device)
        return csr(kept.flatten(), counts_B, len(W)), torch.cat(values).flatten()

    def _top(self, x: Tensor, W: Tensor, b: Tensor, rounded: Rounded, out: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return where each row's k largest are, and the entries [B, k]."""
        margin_B1 = SPREADS * rounded.spread(x)
        about_BL = rounded.product(x, out).add_(b)
        least_B1 = floor_of_top(about_BL, k).sub_(margin_B1)
        entries_N = positions((about_BL < least_B1).logical_not_())
        latent_N, counts_B, _ = kept_at(about_BL, entries_N)
        index = csr(latent_N, counts_B, len(W))
        row_N = index.rows
        score_N = self.tables.dots(x, index, W).add_(b[latent_N])
        # side by side, filled up to the row with the most
        width = int(counts_B.max())
        slot_N = torch.arange(len(row_N), device=x.device) + row_N * width - index.starts[row_N]
        score_BM = x.new_full((len(x), width), -torch.inf)
        score_BM.view(-1)[slot_N] = score_N
        latent_BM = latent_N.new_zeros(len(x), width)
        latent_BM.view(-1)[slot_N] = latent_N
        top = score_BM.topk(k, dim=1, sorted=False)
        return latent_BM.gather(1, top.indices), top.values


def _length(x: Tensor) -> Tensor:
    """Return each row's length [B, 1]."""
    return x.square().sum(1, keepdim=True).sqrt_()


def _step(x: Tensor) -> Tensor:
    """Return the distance between neighbouring whole numbers of each row [B, 1]."""
    return x.abs().amax(1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny) / 127


def _whole(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows as whole numbers, and each row's step [B, 1]."""
    step = _step(x)
    return (x / step).round_().to(torch.int8), step
