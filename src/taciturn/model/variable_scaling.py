"""The scaling of a table with booleans and categories."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.moments import Moments
from .coding_layers import ByVariable
from .scaling import Matrix, RankGauss, Scaling, Standard, Vector


@dataclass(frozen=True)
class VariableScaling(Scaling):
    """A scaling of the numbers of a table; booleans and categories are centred and divided so that each counts as one.

    Parameters
    ----------
    levels : tuple of int
        As of `ByVariable`.
    numbers : Scaling, default=Standard()
        The scaling of the numbers; it has no matrix.

    Notes
    -----
    The columns of a category with shares p are divided by √(Σ p (1 - p)), so that their variances add up to 1, as a
    standardised number's is: a category counts as one variable, whatever its number of levels.

    Examples
    --------
    >>> moments = Moments().add([[0.0, 1.0, 0.0], [4.0, 0.0, 1.0]])
    >>> shift, scale = VariableScaling((0, 2)).fit(moments)
    >>> shift.tolist(), scale.round(3).tolist()
    ([2.0, 0.5, 0.5], [2.0, 0.707, 0.707])
    """

    levels: tuple[int, ...]
    numbers: Scaling = Standard()

    name = "variables"
    parsable = False

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shift and scale of each column."""
        shift, scale = self.numbers.fit(moments)
        output, is_number = ByVariable(self.levels), self._is_number
        variables = output.variables.numpy()
        variance = np.bincount(variables, np.where(moments.constant, 0.0, moments.variance), len(self.levels))
        spread = np.sqrt(np.where(variance > 0, variance, 1.0))[variables]
        return np.where(is_number, shift, moments.mean), np.where(is_number, scale, spread)

    @property
    def ranks(self) -> bool:  # type: ignore[override]
        """Whether the numbers have tables."""
        return self.numbers.ranks

    @property
    def n_quantiles(self) -> int:  # type: ignore[override]
        """How many quantiles of each column the numbers' scaling requires."""
        return self.numbers.n_quantiles

    @property
    def fixed(self) -> bool:  # type: ignore[override]
        """Whether the numbers' scaling stays when `partial_fit` adds rows."""
        return self.numbers.fixed

    def tables(self, moments: Moments) -> tuple[Matrix, Matrix]:
        """Return knots and scores [D, Q + 2] of the columns' tables; those of booleans and categories are straight."""
        assert isinstance(self.numbers, RankGauss)
        knots, scores = self.numbers.tables(moments)
        straight = np.arange(knots.shape[1], dtype=np.float64)
        is_number = self._is_number[:, None]
        return np.where(is_number, knots, straight), np.where(is_number, scores, straight)

    def description(self, moments: Moments) -> str:
        """Return what is done."""
        return f"numbers: {self.numbers.description(moments)}; booleans and categories centred, each of variance 1"

    @property
    def _is_number(self) -> NDArray[np.bool_]:
        """Whether each column is a number [D]."""
        return np.repeat([levels == 0 for levels in self.levels], [max(levels, 1) for levels in self.levels])


@dataclass(frozen=True)
class VariableTargets(VariableScaling):
    """The same for targets: booleans and categories stay 0 and 1, for the network's outputs are probabilities.

    Examples
    --------
    >>> moments = Moments().add([[0.0, 1.0, 0.0], [4.0, 0.0, 1.0]])
    >>> VariableTargets((0, 2)).fit(moments)[1].tolist()
    [2.0, 1.0, 1.0]
    """

    name = "variable_targets"
    parsable = False

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shift and scale of each column: 0 and 1 where it is no number."""
        shift, scale = self.numbers.fit(moments)
        return np.where(self._is_number, shift, 0.0), np.where(self._is_number, scale, 1.0)


@dataclass(frozen=True)
class VariableUnits(VariableTargets):
    """The units of a table's errors: of numbers those of `numbers`, of others the root of the best constant's loss.

    Examples
    --------
    >>> moments = Moments().add([[0.0, 1.0], [4.0, 0.0]])
    >>> VariableUnits((0, 1)).fit(moments)[1].round(3).tolist()
    [2.0, 0.833]
    """

    name = "variable_units"
    parsable = False

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shift and scale of each column."""
        shift, scale = super().fit(moments)
        best = np.array(best_constants(VariableTargets(self.levels, self.numbers), moments))
        return shift, np.where(self._is_number, scale, np.sqrt(best)[ByVariable(self.levels).variables.numpy()])


def best_constants(targets: VariableTargets, moments: Moments) -> tuple[float, ...]:
    """Return the loss of each variable's best constant, for targets that are scaled so.

    Parameters
    ----------
    targets : VariableTargets
        The targets' scaling.
    moments : Moments
        Of the targets.

    Returns
    -------
    tuple of float
        For numbers the variance in scaled units, for booleans and categories the entropy in nats; 1 where it is 0.

    Examples
    --------
    >>> moments = Moments().add([[0.0, 1.0], [4.0, 0.0]])
    >>> [round(best, 3) for best in best_constants(VariableTargets((0, 1)), moments)]
    [1.0, 0.693]
    """
    _, scale = targets.fit(moments)
    output = ByVariable(targets.levels)
    p = np.clip(moments.mean, 0.0, 1.0)
    entropy = -p * np.log(p, where=p > 0, out=np.zeros_like(p))
    q = 1 - p
    both = entropy - q * np.log(q, where=q > 0, out=np.zeros_like(q))
    levels = np.repeat(targets.levels, [max(each, 1) for each in targets.levels])
    variance = np.where(moments.constant, 0.0, 1.0 if targets.ranks else moments.variance / scale**2)
    columns = np.where(levels == 0, variance, np.where(levels == 1, both, entropy))
    best = np.bincount(output.variables.numpy(), columns, len(targets.levels))
    return tuple(float(each) if each > 1e-12 else 1.0 for each in best)
