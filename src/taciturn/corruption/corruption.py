"""The interface of corruptions, chains of them, and the draws that they share."""

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.errors import RecipeError
from ..core.recipe import Recipe
from ..core.seeds import seeded
from .amounts import Amount, drawn

Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class Corruption(Recipe):
    """Recipe of noise on the rows that the network sees during training; the target stays the clean row.

    `first + second` is a chain: the second corrupts what the first returned. An unresolved schedule counts as its last
    value.

    Attributes
    ----------
    clean : bool
        Whether the corruption changes nothing.
    min_rows : int
        The fewest rows that can be corrupted together.
    makes_missing : bool
        Whether corrupted rows have missing values (NaN).
    numbers_only : bool
        Whether the noise makes no sense for booleans and categories.
    for_noisy_rows : bool
        Whether rows are noisy themselves, and no clean ones exist.
    judges_hidden : bool
        Whether only the entries that `hidden` returns are judged.
    gives_target : bool
        Whether rows are compared with what `target` returns.

    Examples
    --------
    >>> from taciturn.corruption import Gaussian, Masking
    >>> Gaussian(0.1) + Masking(0.2) == Corruption.parse("gaussian:0.1+masking:0.2")
    True
    """

    clean: ClassVar[bool] = False
    min_rows: ClassVar[int] = 1
    makes_missing: ClassVar[bool] = False
    for_noisy_rows: ClassVar[bool] = False
    judges_hidden: ClassVar[bool] = False
    gives_target: ClassVar[bool] = False
    numbers_only: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return corrupted rows.

        Parameters
        ----------
        x : Tensor [B, D]
            Scaled rows, any number of them; they are not changed. A missing value is NaN.
        rng : torch.Generator
            Source of the noise, on the CPU or on the device of x. The noise is drawn on the generator's device.

        Returns
        -------
        Tensor [B, D]
        """

    def by_variable(self, x: Tensor, rng: torch.Generator, variables: Tensor | None) -> Tensor:
        """Return corrupted rows of a table in which a category has several columns; see `VariableNoise`.

        Noise that replaces entries replaces all of a variable together. The base class treats columns one by one.

        Parameters
        ----------
        x, rng
            As of `__call__`.
        variables : Tensor [D] of int64 or None
            The number of each column's variable, ascending; None: each column is a variable of its own.
        """
        return self(x, rng)

    def in_blocks(self, x: Tensor, keys: Keys, block: int) -> Tensor:
        """Return corrupted rows, each block with its own generator.

        Parameters
        ----------
        x : Tensor [B, D]
            Scaled rows; they are not changed.
        keys : array of uint64 [blocks]
            Key of each block's generator.
        block : int
            Number of rows of a block; the last block may have fewer.

        Returns
        -------
        Tensor [B, D]

        Notes
        -----
        On a GPU the noise is drawn there and differs from a CPU's, because drawing it on the CPU would take longer than
        the training step. A last block of fewer than `min_rows` rows is corrupted together with the rows before it.
        """
        if (corrupted := self.draw_compiled(x, keys, block)) is not None:
            return corrupted
        return self._by_block(x, keys, block, self)

    def hidden(self, x: Tensor, keys: Keys, block: int) -> Tensor:
        """Return which entries `in_blocks` hides [B, D], of bool; for a corruption of which only these are judged."""
        raise NotImplementedError(f"{self.name} hides no entries")

    def target(self, x: Tensor, corrupted: Tensor) -> Tensor:
        """Return the rows to reconstruct [B, D] of rows and what `in_blocks` made of them; where there are others."""
        raise NotImplementedError(f"{self.name} has no target of its own")

    def noise_levels(self, brightness: float) -> tuple[float, float] | None:
        """Return the least and the greatest standard deviation of a row's noise; None if it is not additive.

        Parameters
        ----------
        brightness : float
            The row's mean.
        """
        return None

    def _by_block(
        self, x: Tensor, keys: Keys, block: int, function: Callable[[Tensor, torch.Generator], Tensor]
    ) -> Tensor:
        device = x.device if x.is_cuda else "cpu"
        blocks = list(x.split(block))
        rows_before = 0
        if len(blocks[-1]) < self.min_rows:
            rows_before = len(x[-block:]) - len(blocks[-1])
            blocks[-1] = x[-block:]
        parts = [function(rows, seeded(key, device)) for rows, key in zip(blocks, keys.tolist(), strict=True)]
        parts[-1] = parts[-1][rows_before:]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def draw_compiled(self, x: Tensor, keys: Keys, block: int) -> Tensor | None:
        """Return the same rows by compiled code, up to rounding; None where compiled code cannot draw this noise."""
        return None

    def __add__(self, other: "Corruption") -> "Corruption":
        return Chain((*_parts(self), *_parts(other)))

    @classmethod
    def joined(cls, parts: "tuple[Corruption, ...]") -> "Corruption":
        """Return the chain of several corruptions."""
        return Chain(parts)


@dataclass(frozen=True)
class Clean(Corruption):
    """No noise: the rows themselves are returned."""

    name = "clean"
    clean = True

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x itself."""
        return x


@dataclass(frozen=True)
class Chain(Corruption):
    """Several corruptions, one after another.

    Parameters
    ----------
    parts : tuple of Corruption
        The corruptions, in order.

    Raises
    ------
    RecipeError
        `parts` is not a tuple of corruptions.

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
        for part in self.parts:
            if part.for_noisy_rows:
                raise RecipeError(f"{part.name} cannot be joined with other noise: the rows are noisy themselves")

    @property
    def min_rows(self) -> int:  # type: ignore[override]
        """The fewest rows that every part can corrupt."""
        return max(part.min_rows for part in self.parts)

    @property
    def makes_missing(self) -> bool:  # type: ignore[override]
        """Whether a part makes missing values."""
        return any(part.makes_missing for part in self.parts)

    @property
    def text(self) -> str:
        """The parts' texts, joined by "+"."""
        return "+".join(part.text for part in self.parts)

    def noise_levels(self, brightness: float) -> tuple[float, float] | None:
        """Return the roots of the summed variances, if every part is additive."""
        levels = [part.noise_levels(brightness) for part in self.parts]
        known = [level for level in levels if level is not None]
        return (
            None
            if len(known) < len(levels)
            else (math.hypot(*(a for a, _ in known)), math.hypot(*(b for _, b in known)))
        )

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return the rows [B, D] after every part, in order."""
        return self.by_variable(x, rng, None)

    def by_variable(self, x: Tensor, rng: torch.Generator, variables: Tensor | None) -> Tensor:
        """Return the same with a variable's columns replaced together."""
        for part in self.parts:
            x = part(x, rng) if variables is None else part.by_variable(x, rng, variables)
        return x

    @property
    def numbers_only(self) -> bool:  # type: ignore[override]
        """Whether a part's noise makes no sense for booleans and categories."""
        return any(part.numbers_only for part in self.parts)


def _parts(corruption: Corruption) -> tuple[Corruption, ...]:
    return corruption.parts if isinstance(corruption, Chain) else (corruption,)


def standard_normal(x: Tensor, rng: torch.Generator) -> Tensor:
    """Return N(0, 1) in the shape, type and device of x; drawn on the generator's device."""
    return torch.randn(x.shape, generator=rng, dtype=x.dtype, device=rng.device).to(x.device)


def random_mask(x: Tensor, rate: Amount | Tensor, rng: torch.Generator, variables: Tensor | None = None) -> Tensor:
    """Return a mask in the shape of x whose entries are true with probability `rate`, independently of each other.

    A tensor is what `drawn` returned: the rate of each row.

    With the number of each column's variable [D], the columns of one variable have one entry in common.
    """
    rates = rate if isinstance(rate, Tensor) else drawn(rate, x, rng)
    mask = torch.rand(drawn_shape(x, variables), generator=rng, dtype=x.dtype, device=rng.device) < rates
    return over_columns(mask, variables).to(x.device)


def drawn_shape(x: Tensor, variables: Tensor | None) -> tuple[int, ...]:
    """Return the shape of what is drawn for rows x: [B, D], or [B, V] for variables of several columns."""
    return tuple(x.shape) if variables is None else (len(x), int(variables[-1]) + 1)


def over_columns(drawn: Tensor, variables: Tensor | None) -> Tensor:
    """Return what was drawn for each variable [B, V] for each column [B, D]; itself without variables."""
    return drawn if variables is None else drawn[:, variables.to(drawn.device)]
