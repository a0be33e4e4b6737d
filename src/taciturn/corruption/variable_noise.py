"""Noise on tables in which a category has several columns."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..core.errors import RecipeError
from .corruption import Corruption


@dataclass(frozen=True)
class VariableNoise(Corruption):
    """A corruption that treats the columns of one variable together: a swapped category is one of another row.

    Parameters
    ----------
    noise : Corruption
        What is done.
    widths : tuple of int
        The number of columns of each variable.

    Raises
    ------
    RecipeError
        The noise makes no sense for booleans and categories.

    Examples
    --------
    >>> from taciturn.corruption import Swap
    >>> one_hot = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> VariableNoise(Swap(1.0), (3,))(one_hot, torch.Generator().manual_seed(0))
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """

    noise: Corruption
    widths: tuple[int, ...]

    name = "variable_noise"
    parsable = False

    def __post_init__(self) -> None:
        if not isinstance(self.noise, Corruption) or isinstance(self.noise, VariableNoise):
            raise RecipeError(f"variable_noise: noise={self.noise!r} is not a corruption")
        if not isinstance(self.widths, tuple) or not all(type(width) is int and width > 0 for width in self.widths):
            raise RecipeError(f"variable_noise: widths={self.widths!r} must be whole numbers, 1 or more")
        if self.noise.numbers_only:
            raise RecipeError(
                f"{self.noise.text} makes no sense for booleans and categories; set corruption='swap:0.2'"
            )

    @property
    def text(self) -> str:
        """The text of the noise."""
        return self.noise.text

    @property
    def clean(self) -> bool:  # type: ignore[override]
        """Whether the noise changes nothing."""
        return self.noise.clean

    @property
    def min_rows(self) -> int:  # type: ignore[override]
        """The fewest rows that the noise can corrupt."""
        return self.noise.min_rows

    @property
    def makes_missing(self) -> bool:  # type: ignore[override]
        """Whether the noise makes values missing."""
        return self.noise.makes_missing

    @cached_property
    def variables(self) -> Tensor:
        """The number of each column's variable [D], int64."""
        return torch.repeat_interleave(torch.arange(len(self.widths)), torch.tensor(self.widths))

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return corrupted rows [B, D]."""
        return self.noise.by_variable(x, rng, self.variables)
