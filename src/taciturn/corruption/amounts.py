"""Amounts of noise: a number, a schedule, or a number that is drawn for each row."""

import torch
from torch import Tensor

from ..core.recipe import Recipe, check
from ..core.schedules import Schedule, final
from ..core.uniform import Uniform

Amount = float | Schedule | Uniform


def check_amount(part: Recipe, field: str, low: float, high: float, ends: str = "[]") -> None:
    """Raise RecipeError unless a field is an amount in an interval: a number, a schedule, or drawn for each row."""
    amount = getattr(part, field)
    if isinstance(amount, Uniform):
        check(amount, "low", low, high, ends)
        check(amount, "high", low, high, ends)
    else:
        check(part, field, low, high, ends)


def drawn(amount: Amount, x: Tensor, rng: torch.Generator) -> float | Tensor:
    """Return an amount for rows x [B, D]: a number or, for `Uniform`, one for each row [B, 1] on rng's device."""
    if not isinstance(amount, Uniform):
        return final(amount)
    uniform = torch.rand(len(x), 1, generator=rng, dtype=x.dtype, device=rng.device)
    return amount.low + (amount.high - amount.low) * uniform
