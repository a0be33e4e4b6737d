"""The k largest scores of each row, exact or rounded, by compiled code."""

from dataclasses import dataclass

import torch
from torch import Tensor

from . import library
from .library import Select, empty_floats, readable

VECTOR = 16  # latents in a vector of the widest processor
MAX_K = 1024


@dataclass(frozen=True, eq=False)
class CandidateInputs:
    """What the selection needs to score candidates again: the margin of rounded scores, and the exact factors.

    Parameters
    ----------
    margin : Tensor [B, 1]
        How far a rounded score may lie below the bound of the k largest and still be a candidate, per row.
    x : Tensor [B, D]
        Rows.
    W : Tensor [L, D]
        Encoder weights.
    b : Tensor [L]
        Encoder biases.
    """

    margin: Tensor
    x: Tensor
    W: Tensor
    b: Tensor


@dataclass(frozen=True, eq=False)
class IntegerProduct:
    """Rounded scores as a product of integers: score = product · step · row_step + b.

    Parameters
    ----------
    product : Tensor [B, L], int32
        Product of the integers.
    step : Tensor [L]
        Scale of each latent's integers.
    row_step : Tensor [B, 1]
        Scale of each row's integers.
    b : Tensor [L]
        Encoder biases.
    """

    product: Tensor
    step: Tensor
    row_step: Tensor
    b: Tensor


def can_select(rows: Tensor, latents: int, k: int) -> bool:
    """Return whether `top_k` can select the k largest scores of so many latents for such rows.

    It needs a compiled library, float32 rows on the processor that need no gradient, a multiple of 16 latents, and
    1 ≤ k ≤ min(1024, latents / 4).

    Parameters
    ----------
    rows : Tensor
        The rows, or their scores: dtype, device and gradient are looked at.
    latents : int
        Scores per row.
    k : int
        Scores to select per row.
    """
    can_read = library.compiled_library() is not None and readable(rows)
    if torch.is_grad_enabled() and rows.requires_grad:
        return False  # the compiled selection has no gradient
    return can_read and latents % VECTOR == 0 and 0 < k <= min(MAX_K, latents // 4)


def top_k(scores: Tensor | IntegerProduct, k: int, candidates: CandidateInputs | None = None) -> tuple[Tensor, Tensor]:
    """Return the k largest scores of each row and their latents; call it only if `can_select` is True.

    Parameters
    ----------
    scores : Tensor [B, L], float32, or IntegerProduct
        Exact or rounded scores; NaN counts as the largest.
    k : int
        Scores to select per row.
    candidates : CandidateInputs or None, default=None
        None: the scores are exact. Otherwise scores within the margin are computed again in float32, and those decide.

    Returns
    -------
    Tensor [B, k], float32
        The largest scores, in order of latents. Of equal scores the first are taken.
    Tensor [B, k], int64
        Their latents, ascending.
    """
    loops = library.compiled_library()
    assert loops is not None
    product = scores if isinstance(scores, IntegerProduct) else None
    block = scores.product if isinstance(scores, IntegerProduct) else scores
    block, (rows, latents) = block.contiguous(), block.shape
    values, indices = empty_floats(rows, k), torch.empty(rows, k, dtype=torch.long, device="cpu")
    threads = loops.threads(block.numel())
    workspace = empty_floats(threads, 4 * latents + 2 * VECTOR)
    select = Select(
        kind=loops.kind,
        threads=threads,
        rows=rows,
        latents=latents,
        k=k,
        inputs=0 if candidates is None else candidates.x.shape[1],
        values=values.data_ptr(),
        indices=indices.data_ptr(),
        workspace=workspace.data_ptr(),
        thread_workspace=workspace.shape[1],
    )
    if product is None:
        select.scores = block.data_ptr()
    else:
        step, row_step, b = (tensor.contiguous() for tensor in (product.step, product.row_step, product.b))
        select.product, select.step, select.row_step = block.data_ptr(), step.data_ptr(), row_step.data_ptr()
        select.bias = b.data_ptr()
    if candidates is not None:
        exact = candidates.margin, candidates.x, candidates.W, candidates.b
        margin, x, W, b = (tensor.contiguous() for tensor in exact)
        select.margin, select.x, select.weights, select.bias = (t.data_ptr() for t in (margin, x, W, b))
    loops.run(select)
    return values, indices
