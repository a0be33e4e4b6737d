"""Each row's k largest scores, exact or rounded; torch.topk's answer but for its order and for who of equals."""

from dataclasses import dataclass

import torch
from torch import Tensor

from . import library
from .library import Select, floats, readable

LINE = 16  # latents that are looked at as one by the widest processor
MOST = 1024  # of k


@dataclass(frozen=True, eq=False)
class CandidateInputs:
    """How near a rounded score may be to the true one, and what to score again from what comes so near to the top."""

    margin: Tensor  # [B, 1]
    x: Tensor  # [B, D]
    W: Tensor  # [L, D]
    b: Tensor  # [L]


@dataclass(frozen=True, eq=False)
class IntegerProduct:
    """Scores as a product of whole numbers: product · step · row_step + b."""

    product: Tensor  # [B, L]
    step: Tensor  # [L]
    row_step: Tensor  # [B, 1]


def selects(rows: Tensor, latents: int, k: int) -> bool:
    """Return whether the k largest of so many can be selected here for such rows."""
    known = library.here() is not None and readable(rows)
    if torch.is_grad_enabled() and rows.requires_grad:
        return False  # what is selected here has no gradient
    return known and latents % LINE == 0 and 0 < k <= min(MOST, latents // 4)


def top(scores: Tensor | IntegerProduct, k: int, near: CandidateInputs | None = None) -> tuple[Tensor, Tensor]:
    """Return the largest of scores [B, L] and their latents [B, k], in order of latents; where `selects` says so."""
    loops = library.here()
    assert loops is not None
    whole = scores if isinstance(scores, IntegerProduct) else None
    given = scores.product if isinstance(scores, IntegerProduct) else scores
    given, (rows, latents) = given.contiguous(), given.shape
    values, which = floats(rows, k), torch.empty(rows, k, dtype=torch.long, device="cpu")
    threads = loops.threads(given.numel())
    room = floats(threads, 4 * latents + 2 * LINE)
    select = Select(
        kind=loops.kind,
        threads=threads,
        rows=rows,
        latents=latents,
        k=k,
        inputs=0 if near is None else near.x.shape[1],
        values=values.data_ptr(),
        which=which.data_ptr(),
        room=room.data_ptr(),
        room_of_one=room.shape[1],
    )
    if near is not None:
        margin, x, W, b = (tensor.contiguous() for tensor in (near.margin, near.x, near.W, near.b))
        select.margin, select.x, select.weights, select.bias = (t.data_ptr() for t in (margin, x, W, b))
    if whole is None:
        select.scores = given.data_ptr()
    else:
        step, row_step = whole.step.contiguous(), whole.row_step.contiguous()
        select.whole, select.step, select.row_step = given.data_ptr(), step.data_ptr(), row_step.data_ptr()
    loops.run(select)
    return values, which
