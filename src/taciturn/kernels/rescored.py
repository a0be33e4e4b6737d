"""Selection by a product in low precision: it proposes, float32 decides."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from . import native
from .chunked import Chunked
from .index import Above, AtLeast, Index, Kept, Rule, Top, csr, flat, kept_at
from .kernels import centred
from .native import CandidateInputs, IntegerProduct
from .products import fast_products
from .select import floor_of_top, positions

PART = 256  # rows of the weights that are rounded at a time
HALF = 2**-8  # of bfloat16's last digit: the most by which it rounds a number, as a share of it
SPREADS = 6.0  # of the rounding's error, by which an entry may lie below the k-th proposal and still be looked at


class RoundedProduct(Protocol):
    """Weights [L, D], rounded, and pre-activations by them."""

    def __init__(self, W: Tensor, b: Tensor) -> None: ...

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return whether the device multiplies arrays of these shapes so."""
        ...

    def pre(self, x: Tensor, out: Tensor) -> Tensor:
        """Return x W' + b [B, L], rounded, in `out`."""
        ...

    def scores(self, x: Tensor, out: Tensor) -> Tensor | IntegerProduct:
        """Return the same, or the whole numbers that it comes from, as compiled code takes them."""
        ...

    def error_std(self, x: Tensor) -> Tensor:
        """Return the standard deviation of the rounding's error in each row's pre-activations, or more [B, 1]."""
        ...


class Int8:
    """Whole numbers from -127 to 127, with a scale for each row of either side."""

    def __init__(self, W: Tensor, b: Tensor) -> None:
        self.b = b
        parts = [(*_whole(part), _length(part)) for part in W.split(PART)]  # each of which stays in the cache
        self.whole, step, lengths = (torch.cat(pieces) for pieces in zip(*parts, strict=True))
        self.step, self.longest, self.coarsest = step[:, 0], lengths.amax(), step.amax()
        self.buffer = torch.empty(0, dtype=torch.int32, device=W.device)

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return whether the device multiplies these as whole numbers: CUDA takes 17 rows or more, and eights."""
        return not x.is_cuda or (len(x) > 16 and x.shape[1] % 8 == 0 and len(W) % 8 == 0)

    def pre(self, x: Tensor, out: Tensor) -> Tensor:
        """Return x W' + b [B, L]."""
        found = self.scores(x, out)
        return out.copy_(found.product).mul_(self.step).mul_(found.row_step).add_(self.b)

    def scores(self, x: Tensor, out: Tensor) -> IntegerProduct:
        """Return the product of whole numbers."""
        whole, step = _whole(x)
        return IntegerProduct(torch._int_mm(whole, self.whole.t(), out=self.buffer.resize_(out.shape)), self.step, step)

    def error_std(self, x: Tensor) -> Tensor:
        """Return what rounding to the nearest, off by the step / √12, makes of sums of products."""
        of_x, of_W = _step(x) * self.longest, _length(x) * self.coarsest
        return torch.hypot(of_x, of_W) / 12**0.5


class BFloat16:
    """Eight binary digits of the factors and of the products."""

    def __init__(self, W: Tensor, b: Tensor) -> None:
        self.W, self.b, self.longest = W.bfloat16(), b, _length(W).amax()

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return True."""
        return True

    def pre(self, x: Tensor, out: Tensor) -> Tensor:
        """Return x W' + b [B, L]."""
        return out.copy_(x.bfloat16() @ self.W.t()).add_(self.b)

    scores = pre

    def error_std(self, x: Tensor) -> Tensor:
        """Return what the product's own rounding makes of the largest that it can be."""
        return _length(x) * self.longest * (HALF / 3**0.5)


class BFloat16Factors:
    """Eight binary digits of the factors only, their products summed in float32: what CUDA multiplies.

    Columns of the rows are multiplied, and those of the weights divided, by numbers between 1 and 2 drawn once: else
    equal numbers, as of pixels that are on, would all be rounded alike, and their errors add up. The bias is three more
    columns of the weights, its digits 1-8, 9-16 and 17-24, beside three ones in each row: added by itself it would take
    two more passes over what the product wrote. Columns are filled up to a multiple of 64.
    """

    def __init__(self, W: Tensor, b: Tensor) -> None:
        self.width = W.shape[1]
        self.uneven = torch.rand(self.width, generator=torch.Generator().manual_seed(0)).exp2_().to(W.device)
        self.W = self._wide(W, 1 / self.uneven)
        for column in range(3):
            self.W[:, self.width + column] = b
            b = b - self.W[:, self.width + column]
        self.fourth = _fourth(self.W[:, : self.width]).amax()

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return whether the device is a GPU: a model may have been moved from there."""
        return x.is_cuda

    def pre(self, x: Tensor, out: Tensor) -> Tensor:
        """Return x W' + b [B, L]."""
        wide = self._wide(x, self.uneven)
        wide[:, self.width : self.width + 3] = 1
        return self._product(wide, out)

    def _product(self, wide: Tensor, out: Tensor) -> Tensor:
        found: Tensor = torch.mm(wide, self.W.t(), out_dtype=torch.float32, out=out)
        return found

    scores = pre

    def error_std(self, x: Tensor) -> Tensor:
        """Return what rounding both factors makes of a sum of products: a share of √(Σ x² w²) ≤ |x|₄ |w|₄."""
        x = x * self.uneven
        loudest = _largest(x)
        fourth = loudest * _fourth(x / loudest.clamp_min(torch.finfo(x.dtype).tiny))
        spread: Tensor = fourth * self.fourth * (HALF * (2 / 3) ** 0.5)
        return spread

    def _wide(self, rows: Tensor, by: Tensor) -> Tensor:
        columns = -(-(self.width + 3) // 64) * 64
        wide = rows.new_empty(len(rows), columns, dtype=torch.bfloat16)
        torch.mul(rows, by, out=wide[:, : self.width])
        wide[:, self.width :] = 0
        return wide


@dataclass(frozen=True)
class Rescored(Chunked):
    """As Chunked, but the entries to keep are looked for in a rounded product.

    Every entry that comes near enough to being kept is scored again in float32, and those scores decide: an entry is
    missed only if its rounding, and that of one kept in its place, are off by six standard deviations together. Rules
    for magnitudes or whole batches see float32.
    """

    rounding: type[RoundedProduct] = Int8

    @torch.no_grad()
    def pick(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, rule: Rule) -> tuple[Index, Tensor]:
        """Return the entries that a rule keeps and their values [N]; memory: rows × latents of one chunk."""
        some = isinstance(rule, Above | AtLeast) or (isinstance(rule, Top) and not rule.signed and rule.k < len(W))
        parts = centred(x, centre).split(self.rows_of(W))
        if not some or x.dtype != torch.float32 or not len(x) or not all(self.rounding.fits(p, W) for p in parts):
            return super().pick(x, W, b, centre, rule)
        buffer, rounded = x.new_empty(len(parts[0]), len(W)), self.rounding(W, b)
        with fast_products(len(parts[0]) * W.numel()):  # where one is needed after all
            found = [self._kept(part, W, b, rounded, buffer[: len(part)], rule) for part in parts]
        latents, counts, values = (torch.cat(pieces) for pieces in zip(*found, strict=True))
        return csr(latents, counts, len(W)), values

    def _kept(self, x: Tensor, W: Tensor, b: Tensor, rounded: RoundedProduct, out: Tensor, rule: Rule) -> Kept:
        margin_B1 = SPREADS * rounded.error_std(x)
        if isinstance(rule, Top) and native.selects(x, len(W), rule.k):
            return flat(*native.top(rounded.scores(x, out), rule.k, CandidateInputs(margin_B1, x, W, b)))
        about_BL = rounded.pre(x, out)
        if isinstance(rule, Top):
            return flat(*self._top(x, W, b, about_BL, margin_B1, rule.k))
        assert isinstance(rule, Above | AtLeast)
        latent_N, counts_B, _ = rule(about_BL.add_(margin_B1))
        if len(latent_N) > self.sparse_below * about_BL.numel():  # too many to score one by one
            return rule(torch.addmm(b, x, W.t(), out=about_BL))
        index, score_N = self._scored(x, W, b, latent_N, counts_B)
        kept_N = rule.keeps(score_N, latent_N)
        index = index.keep(kept_N)
        return index.latents, index.starts.diff(), score_N[kept_N]

    def _top(
        self, x: Tensor, W: Tensor, b: Tensor, about_BL: Tensor, margin_B1: Tensor, k: int
    ) -> tuple[Tensor, Tensor]:
        """Return each row's k largest entries, and where they are [B, k]."""
        least_B1 = floor_of_top(about_BL, k).sub_(margin_B1)
        entries_N = positions((about_BL < least_B1).logical_not_())
        latent_N, counts_B, _ = kept_at(about_BL, entries_N)
        index, score_N = self._scored(x, W, b, latent_N, counts_B)
        row_N = index.rows
        # side by side, filled up to the row with the most
        width = int(counts_B.max())
        slot_N = torch.arange(len(row_N), device=x.device) + row_N * width - index.starts[row_N]
        score_BM = x.new_full((len(x), width), -torch.inf)
        score_BM.view(-1)[slot_N] = score_N
        latent_BM = latent_N.new_zeros(len(x), width)
        latent_BM.view(-1)[slot_N] = latent_N
        top = score_BM.topk(k, dim=1, sorted=False)
        return top.values, latent_BM.gather(1, top.indices)

    def _scored(self, x: Tensor, W: Tensor, b: Tensor, latent_N: Tensor, counts_B: Tensor) -> tuple[Index, Tensor]:
        """Return the index of proposals and their pre-activations in float32 [N]."""
        index = csr(latent_N, counts_B, len(W))
        return index, self.tables.dots(x, index, W).add_(b[latent_N])


def _length(x: Tensor) -> Tensor:
    """Return each row's length [B, 1]."""
    return x.square().sum(1, keepdim=True).sqrt_()


def _fourth(x: Tensor) -> Tensor:
    """Return (Σ x⁴)^¼ of each row [B, 1]."""
    fourth: Tensor = torch.linalg.vector_norm(x, 4, dim=1, keepdim=True, dtype=torch.float32)
    return fourth


def _largest(x: Tensor) -> Tensor:
    """Return the largest magnitude of each row [B, 1]."""
    return x.abs().amax(1, keepdim=True)


def _step(x: Tensor) -> Tensor:
    """Return the distance between neighbouring whole numbers of each row [B, 1]."""
    return _largest(x).clamp_min(torch.finfo(x.dtype).tiny) / 127


def _whole(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows as whole numbers, and each row's step [B, 1]."""
    step = _step(x)
    return (x / step).round_().to(torch.int8), step
