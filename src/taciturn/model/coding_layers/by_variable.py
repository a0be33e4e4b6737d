"""The output activation of a table with booleans and categories: each variable has its own."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from ...core.errors import RecipeError
from .elementwise import Elementwise


@dataclass(frozen=True)
class VariableRun:
    """Neighbouring variables of one kind.

    Parameters
    ----------
    levels : int
        0: numbers; 1: booleans; 2 or more: categories of so many levels.
    n_variables : int
        Number of variables.
    """

    levels: int
    n_variables: int

    @property
    def n_columns(self) -> int:
        """Number of columns of these variables: one each, or one for each level."""
        return self.n_variables * max(self.levels, 1)

    def by_variable(self, x: Tensor) -> Tensor:
        """Return the columns [B, n_columns] of categories as [B, n_variables, levels]."""
        categories: Tensor = x.unflatten(1, (self.n_variables, self.levels))  # torch.export would fix len(x)
        return categories


@dataclass(frozen=True)
class ByVariable(Elementwise):
    """The identity for numbers, the sigmoid for booleans, the softmax over its levels for each category.

    Parameters
    ----------
    levels : tuple of int
        For each variable 0 (a number), 1 (a boolean), or the number of levels of a category, 2 or more. A category has
        a column for each level, other variables have one.

    Raises
    ------
    RecipeError
        `levels` is empty, or an entry is negative or no whole number.

    Examples
    --------
    >>> output = ByVariable((0, 1, 2))
    >>> output.activate(torch.tensor([[3.0, 0.0, 1.0, 1.0]]))
    tensor([[3.0000, 0.5000, 0.5000, 0.5000]])
    >>> output.first_columns.tolist()
    [0, 1, 2]
    """

    levels: tuple[int, ...]

    name = "by_variable"
    parsable = False

    def __post_init__(self) -> None:
        if not isinstance(self.levels, tuple) or not self.levels:
            raise RecipeError(f"by_variable: levels={self.levels!r} must be a tuple of one number per variable")
        if not all(type(levels) is int and levels >= 0 for levels in self.levels):
            raise RecipeError(f"by_variable: levels={self.levels} must be whole numbers, 0 or more")

    @property
    def text(self) -> str:
        """The name alone: the levels are those of the rows."""
        return self.name

    @cached_property
    def runs(self) -> tuple[VariableRun, ...]:
        """The variables, neighbours of the same number of levels together."""
        return tuple(VariableRun(levels, len(list(group))) for levels, group in groupby(self.levels))

    @cached_property
    def widths(self) -> list[int]:
        """The number of columns of each run."""
        return [run.n_columns for run in self.runs]

    @cached_property
    def variables(self) -> Tensor:
        """The number of each column's variable [D], int64."""
        columns = torch.tensor([max(levels, 1) for levels in self.levels])
        return torch.repeat_interleave(torch.arange(len(self.levels)), columns)

    @cached_property
    def first_columns(self) -> Tensor:
        """The number of each variable's first column [V], int64."""
        columns = torch.tensor([0, *(max(levels, 1) for levels in self.levels[:-1])])
        return columns.cumsum(0)

    def activate(self, pre: Tensor) -> Tensor:
        """Return the outputs [B, D]: numbers as they are, and probabilities."""
        return self._joined(self._activate, pre)

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return the gradient in the logits [B, D], given the outputs and the gradient `up` in them."""
        return self._joined(self._gradient, values, up)

    def inverse(self, values: Tensor) -> Tensor:
        """Return logits [D] of which these values are the outputs; probabilities are at least 0.001."""
        return self._joined(self._inverse, values[None])[0]

    def relative_logits(self, logits: Tensor) -> Tensor:
        """Return logits [B, D] of the same probabilities, whose mean over the levels of each category is 0."""
        return self._joined(self._relative_logits, logits)

    def without_unseen(self, target: Tensor) -> Tensor:
        """Return targets [B, D] with NaN for categories of 0 alone, whose level the training rows did not have."""
        if all(levels < 2 for levels in self.levels):
            return target
        return self._joined(self._without_unseen, target)

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each variable.

        Parameters
        ----------
        logits : Tensor [B, D]
            Outputs before the activation.
        target : Tensor [B, D]
            Numbers; 0 or 1 for booleans; for a category 1 at its level and 0 elsewhere. A category of 0 alone, a level
            that training rows did not have, has the loss 0.

        Returns
        -------
        Tensor [B, V]
            For numbers (x̂ - x)²; for booleans and categories the cross-entropy -Σ x log x̂.
        """
        parts = zip(self.runs, logits.split(self.widths, 1), target.split(self.widths, 1), strict=True)
        return torch.cat([self._losses(run, z, x) for run, z, x in parts], 1)

    def losses_gradient(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the gradient of the sum of all `losses` in the logits [B, D], given the outputs [B, D]."""
        return self._joined(self._losses_gradient, outputs, target)

    def _joined(self, function: Callable[..., Tensor], *arrays: Tensor) -> Tensor:
        parts = zip(self.runs, *(array.split(self.widths, 1) for array in arrays), strict=True)
        return torch.cat([function(run, *columns) for run, *columns in parts], 1)

    @staticmethod
    def _activate(run: VariableRun, z: Tensor) -> Tensor:
        if run.levels < 2:
            return z.sigmoid() if run.levels else z
        return run.by_variable(z).softmax(2).flatten(1)

    @staticmethod
    def _gradient(run: VariableRun, y: Tensor, up: Tensor) -> Tensor:
        if run.levels < 2:
            return up * y * (1 - y) if run.levels else up
        y, up = run.by_variable(y), run.by_variable(up)
        return (y * (up - (y * up).sum(2, keepdim=True))).flatten(1)

    @staticmethod
    def _inverse(run: VariableRun, y: Tensor) -> Tensor:
        if run.levels < 2:
            return torch.logit(y, eps=1e-3) if run.levels else y
        return y.clamp_min(1e-3).log()

    @staticmethod
    def _relative_logits(run: VariableRun, z: Tensor) -> Tensor:
        if run.levels < 2:
            return z
        z = run.by_variable(z)
        return (z - z.mean(2, keepdim=True)).flatten(1)

    @staticmethod
    def _without_unseen(run: VariableRun, x: Tensor) -> Tensor:
        if run.levels < 2:
            return x
        x = run.by_variable(x)
        return x.masked_fill((x == 0).all(2, keepdim=True), math.nan).flatten(1)

    @staticmethod
    def _losses(run: VariableRun, z: Tensor, x: Tensor) -> Tensor:
        if run.levels == 0:
            return (z - x).square()
        if run.levels == 1:
            return F.binary_cross_entropy_with_logits(z, x, reduction="none")
        return -(run.by_variable(x) * run.by_variable(z).log_softmax(2)).sum(2)

    @staticmethod
    def _losses_gradient(run: VariableRun, y: Tensor, x: Tensor) -> Tensor:
        if run.levels < 2:
            return y - x if run.levels else 2 * (y - x)
        x = run.by_variable(x)
        return (run.by_variable(y) * x.sum(2, keepdim=True) - x).flatten(1)
