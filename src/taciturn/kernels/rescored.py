"""Selection by a product in low precision: rounded scores give candidates, float32 scores decide between them."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from . import native
from .chunked import Chunked
from .index import Above, AtLeast, Entries, Index, Rule, Top, csr, entries_at, entries_of_rows
from .kernels import centred
from .native import CandidateInputs, IntegerProduct
from .products import fast_products
from .select import lower_bound_of_top_k, positions

PART_ROWS = 256  # rows of the weights that are rounded at a time, so that they stay in the cache
BFLOAT16_ERROR = 2**-8  # largest relative error of rounding to bfloat16: half a unit of the last of 8 binary digits
MARGIN_STDS = 6.0  # standard deviations of the rounding error by which a candidate may lie below the k-th score


class RoundedProduct(Protocol):
    """Weights W [L, D], rounded once, and the pre-activations x W' + b that they give.

    Parameters
    ----------
    W : Tensor [L, D]
        Encoder weights, float32.
    b : Tensor [L]
        Encoder biases, float32.
    """

    def __init__(self, W: Tensor, b: Tensor) -> None: ...

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return whether the device of x can multiply arrays of these shapes in this precision."""
        ...

    def pre(self, x: Tensor, out: Tensor) -> Tensor:
        """Return the rounded pre-activations x W' + b [B, L] of rows x [B, D], written into `out` [B, L]."""
        ...

    def scores(self, x: Tensor, out: Tensor) -> Tensor | IntegerProduct:
        """Return the same as `pre`, or the integers that it is computed from; the compiled selection takes both."""
        ...

    def error_std(self, x: Tensor) -> Tensor:
        """Return an upper bound of the rounding error's standard deviation in each row's pre-activations [B, 1]."""
        ...


class Int8:
    """Rounded product of integers from -127 to 127, with a scale for each row of x and of W.

    See `RoundedProduct` for parameters and methods.

    Examples
    --------
    >>> product = Int8(torch.eye(2), torch.zeros(2))
    >>> product.pre(torch.tensor([[127.0, 63.4]]), torch.empty(1, 2))
    tensor([[127.,  63.]])
    """

    def __init__(self, W: Tensor, b: Tensor) -> None:
        self.b = b
        parts = [(*_quantised(part), _norm(part)) for part in W.split(PART_ROWS)]
        self.integers, step, norms = (torch.cat(pieces) for pieces in zip(*parts, strict=True))
        self.step, self.max_norm, self.max_step = step[:, 0], norms.amax(), step.amax()
        self.buffer = torch.empty(0, dtype=torch.int32, device=W.device)

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return whether the device multiplies these as integers: CUDA needs over 16 rows, and multiples of 8."""
        return not x.is_cuda or (len(x) > 16 and x.shape[1] % 8 == 0 and len(W) % 8 == 0)

    def pre(self, x: Tensor, out: Tensor) -> Tensor:
        """Return x W' + b [B, L]."""
        scores = self.scores(x, out)
        return out.copy_(scores.product).mul_(self.step).mul_(scores.row_step).add_(self.b)

    def scores(self, x: Tensor, out: Tensor) -> IntegerProduct:
        """Return the product of integers with its scales; it stands in a buffer that the next call overwrites."""
        integers, row_step = _quantised(x)
        product = torch._int_mm(integers, self.integers.t(), out=self.buffer.resize_(out.shape))
        return IntegerProduct(product, self.step, row_step, self.b)

    def error_std(self, x: Tensor) -> Tensor:
        """Return the bound [B, 1] for sums of products whose factors are rounded with an error of step / √12."""
        x_error, W_error = _step(x) * self.max_norm, _norm(x) * self.max_step
        return torch.hypot(x_error, W_error) / 12**0.5


class BFloat16:
    """Rounded product in bfloat16: factors and products have 8 binary digits.

    See `RoundedProduct` for parameters and methods.

    Examples
    --------
    >>> product = BFloat16(torch.eye(2), torch.zeros(2))
    >>> product.pre(torch.tensor([[1.001, 2.0]]), torch.empty(1, 2))
    tensor([[1., 2.]])
    """

    def __init__(self, W: Tensor, b: Tensor) -> None:
        self.W, self.b, self.max_norm = W.bfloat16(), b, _norm(W).amax()

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return True."""
        return True

    def pre(self, x: Tensor, out: Tensor) -> Tensor:
        """Return x W' + b [B, L]."""
        return out.copy_(x.bfloat16() @ self.W.t()).add_(self.b)

    scores = pre

    def error_std(self, x: Tensor) -> Tensor:
        """Return the standard deviation [B, 1] of the rounding of the largest product that x and W can have."""
        return _norm(x) * self.max_norm * (BFLOAT16_ERROR / 3**0.5)


class BFloat16Factors:
    """Rounded product on a GPU: factors have 8 binary digits, their products are summed in float32.

    See `RoundedProduct` for parameters and methods.

    Notes
    -----
    The columns of the rows are multiplied, and those of the weights divided, by numbers between 1 and 2 that are drawn
    once. Otherwise equal numbers, as in images of which many pixels have one value, would all be rounded alike, and
    their errors would add up.

    The bias is three more columns of the weights (its binary digits 1-8, 9-16 and 17-24) beside three ones in each row.
    To add it separately would take two more passes over the product. Columns are padded to a multiple of 64.
    """

    def __init__(self, W: Tensor, b: Tensor) -> None:
        self.width = W.shape[1]
        self.column_factors = torch.rand(self.width, generator=torch.Generator().manual_seed(0)).exp2_().to(W.device)
        self.W = self._padded(W, 1 / self.column_factors)
        for column in range(3):
            self.W[:, self.width + column] = b
            b = b - self.W[:, self.width + column]
        self.max_norm4 = _norm4(self.W[:, : self.width]).amax()

    @staticmethod
    def fits(x: Tensor, W: Tensor) -> bool:
        """Return whether the rows are on a GPU: a model may have been moved from it."""
        return x.is_cuda

    def pre(self, x: Tensor, out: Tensor) -> Tensor:
        """Return x W' + b [B, L]."""
        padded = self._padded(x, self.column_factors)
        padded[:, self.width : self.width + 3] = 1
        return self._product(padded, out)

    def _product(self, padded: Tensor, out: Tensor) -> Tensor:
        product: Tensor = torch.mm(padded, self.W.t(), out_dtype=torch.float32, out=out)
        return product

    scores = pre

    def error_std(self, x: Tensor) -> Tensor:
        """Return the bound [B, 1] for both factors' rounding: a share of √(Σ x² w²) ≤ |x|₄ |w|₄."""
        x = x * self.column_factors
        max_abs = _max_abs(x)
        norm4 = max_abs * _norm4(x / max_abs.clamp_min(torch.finfo(x.dtype).tiny))
        std: Tensor = norm4 * self.max_norm4 * (BFLOAT16_ERROR * (2 / 3) ** 0.5)
        return std

    def _padded(self, rows: Tensor, factors: Tensor) -> Tensor:
        columns = -(-(self.width + 3) // 64) * 64
        padded = rows.new_empty(len(rows), columns, dtype=torch.bfloat16)
        torch.mul(rows, factors, out=padded[:, : self.width])
        padded[:, self.width :] = 0
        return padded


@dataclass(frozen=True)
class Rescored(Chunked):
    """Kernels that find candidates by a rounded product and decide between them in float32.

    Parameters
    ----------
    rows, entries, tables
        As for `Chunked`.
    rounding : type of RoundedProduct, default=Int8
        How the product is rounded.

    Notes
    -----
    The candidates are the entries whose rounded score lies above the threshold of the rule (for `Top` a bound that at
    least k rounded scores reach), or below it by at most six standard deviations of the rounding error. Their scores in
    float32 decide. An entry is missed only if its rounding error and that of an entry selected in its place together
    exceed this margin.

    Rules for absolute values (`Top` with `signed`) and for whole batches (`TopBatch`) use float32 products, as do
    rows of other precisions and shapes that the rounding does not fit.

    Examples
    --------
    >>> from taciturn.kernels import Top
    >>> x, W, b = torch.tensor([[1.0, 2.0]]), torch.eye(2), torch.zeros(2)
    >>> index, values = Rescored().pick(x, W, b, None, Top(1))
    >>> index.latents, values
    (tensor([1]), tensor([2.]))
    """

    rounding: type[RoundedProduct] = Int8

    @torch.no_grad()
    def pick(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, rule: Rule) -> tuple[Index, Tensor]:
        """Return the index of the entries that a rule selects and their values [N], in float32."""
        by_candidates = isinstance(rule, Above | AtLeast) or (
            isinstance(rule, Top) and not rule.signed and rule.k < len(W)
        )
        chunks = centred(x, centre).split(self.rows_of(W))
        fits = x.dtype == torch.float32 and len(x) and all(self.rounding.fits(chunk, W) for chunk in chunks)
        if not (by_candidates and fits):
            return super().pick(x, W, b, centre, rule)
        buffer, product = x.new_empty(len(chunks[0]), len(W)), self.rounding(W, b)
        with fast_products(len(chunks[0]) * W.numel()):  # for a float32 product, if candidates are too many
            entries = [self._select(chunk, W, b, product, buffer[: len(chunk)], rule) for chunk in chunks]
        latents, counts, values = (torch.cat(pieces) for pieces in zip(*entries, strict=True))
        return csr(latents, counts, len(W)), values

    def _select(self, x: Tensor, W: Tensor, b: Tensor, product: RoundedProduct, out: Tensor, rule: Rule) -> Entries:
        """Return the entries of a chunk that a rule selects."""
        margin_B1 = MARGIN_STDS * product.error_std(x)
        if isinstance(rule, Top) and native.can_select(x, len(W), rule.k):
            candidates = CandidateInputs(margin_B1, x, W, b)
            return entries_of_rows(*native.top_k(product.scores(x, out), rule.k, candidates))
        rounded_BL = product.pre(x, out)
        if isinstance(rule, Top):
            return entries_of_rows(*self._select_top(x, W, b, rounded_BL, margin_B1, rule.k))
        assert isinstance(rule, Above | AtLeast)
        latent_N, counts_B, _ = rule(rounded_BL.add_(margin_B1))
        if len(latent_N) > self.sparse_below * rounded_BL.numel():  # too many to score one by one
            return rule(torch.addmm(b, x, W.t(), out=rounded_BL))
        index, score_N = self._exact_scores(x, W, b, latent_N, counts_B)
        selected_N = rule.keeps(score_N, latent_N)
        index = index.keep(selected_N)
        return index.latents, index.starts.diff(), score_N[selected_N]

    def _select_top(
        self, x: Tensor, W: Tensor, b: Tensor, rounded_BL: Tensor, margin_B1: Tensor, k: int
    ) -> tuple[Tensor, Tensor]:
        """Return each row's k largest entries, and their latents [B, k]."""
        bound_B1 = lower_bound_of_top_k(rounded_BL, k).sub_(margin_B1)
        positions_N = positions((rounded_BL < bound_B1).logical_not_())
        latent_N, counts_B, _ = entries_at(rounded_BL, positions_N)
        index, score_N = self._exact_scores(x, W, b, latent_N, counts_B)
        row_N = index.rows
        # each row's candidates side by side, padded to the row that has the most
        width = int(counts_B.max())
        slot_N = torch.arange(len(row_N), device=x.device) + row_N * width - index.starts[row_N]
        score_BM = x.new_full((len(x), width), -torch.inf)
        score_BM.view(-1)[slot_N] = score_N
        latent_BM = latent_N.new_zeros(len(x), width)
        latent_BM.view(-1)[slot_N] = latent_N
        top = score_BM.topk(k, dim=1, sorted=False)
        return top.values, latent_BM.gather(1, top.indices)

    def _exact_scores(
        self, x: Tensor, W: Tensor, b: Tensor, latent_N: Tensor, counts_B: Tensor
    ) -> tuple[Index, Tensor]:
        """Return the index of the candidates and their pre-activations in float32 [N]."""
        index = csr(latent_N, counts_B, len(W))
        return index, self.tables.dots(x, index, W).add_(b[latent_N])


def _norm(x: Tensor) -> Tensor:
    """Return the Euclidean norm of each row [B, 1]."""
    return x.square().sum(1, keepdim=True).sqrt_()


def _norm4(x: Tensor) -> Tensor:
    """Return (Σ x⁴)^¼ of each row [B, 1]."""
    norm: Tensor = torch.linalg.vector_norm(x, 4, dim=1, keepdim=True, dtype=torch.float32)
    return norm


def _max_abs(x: Tensor) -> Tensor:
    """Return the largest absolute value of each row [B, 1]."""
    return x.abs().amax(1, keepdim=True)


def _step(x: Tensor) -> Tensor:
    """Return the value of 1 among each row's integers [B, 1]."""
    return _max_abs(x).clamp_min(torch.finfo(x.dtype).tiny) / 127


def _quantised(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows as integers from -127 to 127, and each row's step [B, 1]."""
    step = _step(x)
    return (x / step).round_().to(torch.int8), step
