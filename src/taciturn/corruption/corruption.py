"""What is done to the rows that the network sees while it trains; the target stays the clean row."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.errors import RecipeError
from ..core.recipe import Recipe
from ..core.schedules import Schedule, final
from ..core.seeds import seeded

Amount = float | Schedule
Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class Corruption(Recipe):
    """Draws corrupted rows. `first + second` is a chain: the second sees what the first made."""

    clean: ClassVar[bool] = False  # changes nothing

    @abstractmethod
    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return corrupted rows [B, D] for scaled rows [B, D], any B; x itself is never changed.

        Drawn from `rng`, on its device: the processor, or the GPU that the rows lie on.
        """

    def in_blocks(self, x: Tensor, keys: Keys, block: int) -> Tensor:
        """Return corrupted rows, each block of so many drawn by the generator of its key.

        On the GPU where the rows lie: other noise than a processor's, which would take longer than the step.
        """
        if (seen := self.draw_compiled(x, keys, block)) is not None:
            return seen
        where = x.device if x.is_cuda else "cpu"
        parts = [self(part, seeded(key, where)) for part, key in zip(x.split(block), keys.tolist(), strict=True)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def draw_compiled(self, x: Tensor, keys: Keys, block: int) -> Tensor | None:
        """Return the same rows by compiled code, but for rounding; None where that has no such noise."""
        return None

    def __add__(self, other: "Corruption") -> "Corruption":
        return Chain((*_links(self), *_links(other)))

    @classmethod
    def joined(cls, parts: "tuple[Corruption, ...]") -> "Corruption":
        """Return the chain of several corruptions."""
        return Chain(parts)


@dataclass(frozen=True)
class Clean(Corruption):
    """Change nothing."""

    name = "clean"
    clean = True

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x itself."""
        return x


@dataclass(frozen=True)
class Chain(Corruption):
    """One corruption after another.

    Examples
    --------
    >>> from taciturn.corruption import Dropout, Gaussian
    >>> (Gaussian(0.1) + Dropout(0.3)).text
    'gaussian:0.1+dropout:0.3'
    """

    parts: tuple[Corruption, ...]

    name = "chain"
    parsable = False

    def __post_init__(self) -> None:
        if not isinstance(self.parts, tuple) or not all(isinstance(part, Corruption) for part in self.parts):
            raise RecipeError("chain: join corruptions by a plus, such as gaussian:0.1+dropout:0.3")

    @property
    def text(self) -> str:
        """The parts' texts, joined by "+"."""
        return "+".join(part.text for part in self.parts)

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return the rows after every part, in order."""
        for part in self.parts:
            x = part(x, rng)
        return x


def _links(corruption: Corruption) -> tuple[Corruption, ...]:
    return corruption.parts if isinstance(corruption, Chain) else (corruption,)


def normal(x: Tensor, rng: torch.Generator) -> Tensor:
    """Return N(0, 1) in the shape of x; drawn where the generator lives."""
    return torch.randn(x.shape, generator=rng, dtype=x.dtype, device=rng.device).to(x.device)


def chosen(x: Tensor, rate: Amount, rng: torch.Generator) -> Tensor:
    """Return a mask in the shape of x that is true with probability `rate`, each entry on its own."""
    return (torch.rand(x.shape, generator=rng, dtype=x.dtype, device=rng.device) < final(rate)).to(x.device)
