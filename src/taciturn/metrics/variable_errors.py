"""Reconstruction errors of tables with booleans and categories, streamed."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..model import NoScaling, VariableTargets, best_constants
from ..model.coding_layers import ByVariable
from .errors import SquaredErrors


class VariableErrors(SquaredErrors):
    """The loss of each variable over that of its best constant, streamed block by block in float64.

    Add blocks with `add`, then read the properties; `SquaredErrors` describes those that are not described here.

    Parameters
    ----------
    output : ByVariable
        The output activation.
    best : array [V]
        The loss of each variable's best constant for the training rows: a variable's unit.

    Attributes
    ----------
    per_column : array [V], float64
        Σ loss / best over the rows, of each variable.
    hits : array [V], float64
        Number of known booleans and levels that are predicted right; 0 for numbers.

    Examples
    --------
    >>> errors = VariableErrors(ByVariable((0, 1)), np.ones(2))
    >>> errors.add(torch.tensor([[0.0, 1.0], [2.0, 0.0]]), torch.tensor([[0.0, 0.5], [1.0, 0.5]]))
    >>> errors.column_means.round(3).tolist(), round(errors.fvu, 3), errors.hits.tolist()
    ([0.5, 0.693], 0.75, [0.0, 1.0])
    """

    def __init__(self, output: ByVariable, best: NDArray[np.float64]) -> None:
        super().__init__()
        self.output, self.best = output, best
        self.hits: NDArray[np.float64] = np.zeros(len(output.levels))

    def add(self, x: Tensor, recon: Tensor) -> None:
        """Add a block of scaled targets [B, D] and the network's outputs [B, D]."""
        self.moments.add(x.double().cpu().numpy())
        losses = variable_losses(self.output, recon.double(), x.double()).nansum(0).cpu().numpy() / self.best
        self.per_column = self.per_column + losses if self.per_column.size else losses
        self.hits = self.hits + variable_hits(self.output, recon, x).sum(0).double().cpu().numpy()

    @property
    def known(self) -> NDArray[np.float64]:
        """Number of known values of each variable [V]."""
        counts = self.moments.count - self.moments.missing
        return np.asarray(counts[self.output.first_columns.numpy()], np.float64)

    @property
    def column_means(self) -> NDArray[np.float64]:
        """The mean loss of each variable over that of the best constant [V]; NaN without known values."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.per_column / self.known)

    @property
    def mean(self) -> float:
        """The mean over variables of `column_means`."""
        known = self.known > 0
        return float(self.column_means[known].mean()) if known.any() else math.nan

    @property
    def shares_right(self) -> NDArray[np.float64]:
        """The share of known booleans and levels that are predicted right [V]; NaN for numbers."""
        with np.errstate(invalid="ignore"):
            return np.where(np.array(self.output.levels) > 0, self.hits / self.known, np.nan)

    @property
    def largest_shares(self) -> NDArray[np.float64]:
        """The share of the most frequent level among the known ones [V]; NaN for numbers."""
        means = np.split(self.moments.mean, self.output.first_columns.numpy()[1:])
        pairs = zip(self.output.levels, means, strict=True)
        return np.array([max(p.max(), 1 - p[0] if k == 1 else 0) if k else math.nan for k, p in pairs])

    @property
    def relative(self) -> NDArray[np.float64]:
        """The mean loss of each variable over that of the best constant for these rows [V]; NaN without known ones."""
        targets = VariableTargets(self.output.levels, NoScaling())
        return np.asarray(self.column_means * self.best / np.array(best_constants(targets, self.moments)))

    @property
    def fvu(self) -> float:
        """The mean over variables of `relative`; 0 is perfect."""
        known = self.known > 0
        return float(self.relative[known].mean()) if known.any() else math.nan

    @property
    def explained_variance(self) -> float:
        """1 - `fvu`."""
        return 1 - self.fvu

    @property
    def psnr(self) -> float:
        """NaN: categories have no range."""
        return math.nan


def variable_losses(output: ByVariable, outputs: Tensor, y: Tensor) -> Tensor:
    """Return the loss of each variable [B, V]; NaN where its value is missing.

    Parameters
    ----------
    output : ByVariable
        The output activation.
    outputs : Tensor [B, D]
        The network's outputs: numbers and probabilities.
    y : Tensor [B, D]
        The scaled targets; NaN in all columns of a missing value.

    Returns
    -------
    Tensor [B, V]
        Squared errors of numbers; -log of the probability of what is true.

    Examples
    --------
    >>> y = torch.tensor([[1.0, 1.0, 0.0], [2.0, math.nan, math.nan]])
    >>> variable_losses(ByVariable((0, 2)), torch.tensor([[1.5, 0.5, 0.5], [2.0, 0.5, 0.5]]), y)
    tensor([[0.2500, 0.6931],
            [0.0000,    nan]])
    """
    parts = zip(output.runs, outputs.split(output.widths, 1), y.split(output.widths, 1), strict=True)
    losses = []
    for run, x_hat, x in parts:
        if run.levels == 0:
            losses.append((x_hat - x).square())
            continue
        true = x * x_hat + (1 - x) * (1 - x_hat) if run.levels == 1 else run.by_variable(x * x_hat).sum(2)
        losses.append(-true.clamp_min(torch.finfo(true.dtype).tiny).log())
    return torch.cat(losses, 1)


def variable_hits(output: ByVariable, outputs: Tensor, y: Tensor) -> Tensor:
    """Return which booleans and levels are predicted right [B, V]; False for numbers and for missing values.

    Parameters
    ----------
    output : ByVariable
        The output activation.
    outputs : Tensor [B, D]
        The network's outputs: numbers and probabilities. True is predicted from a probability of 0.5 on, else the most
        probable level.
    y : Tensor [B, D]
        The targets: 0 and 1; NaN in all columns of a missing value.

    Returns
    -------
    Tensor [B, V], bool

    Examples
    --------
    >>> y = torch.tensor([[1.0, 1.0, 0.0], [0.0, math.nan, math.nan]])
    >>> variable_hits(ByVariable((1, 2)), torch.tensor([[0.5, 0.7, 0.3], [0.5, 0.7, 0.3]]), y)
    tensor([[ True,  True],
            [False, False]])
    """
    parts = zip(output.runs, outputs.split(output.widths, 1), y.split(output.widths, 1), strict=True)
    hits = []
    for run, x_hat, x in parts:
        if run.levels < 2:
            hits.append((x_hat >= 0.5) == x if run.levels else torch.zeros_like(x, dtype=torch.bool))
        else:
            right = run.by_variable(x_hat).argmax(2) == run.by_variable(x).nan_to_num(-1).argmax(2)
            hits.append(right & ~run.by_variable(x)[..., 0].isnan())
    return torch.cat(hits, 1)
