"""VariableError: the reconstruction error of a table with booleans and categories."""

from dataclasses import dataclass

from torch import Tensor

from ..core.errors import RecipeError
from ..model import Capability, Pass
from ..model.coding_layers import ByVariable
from .term import Number, Term


@dataclass(frozen=True)
class VariableError(Term):
    """The mean over rows and variables of each variable's loss, divided by that of the best constant.

    Every variable counts as one, however many columns it has: a model that predicts the best constant of each has the
    error 1.

    Parameters
    ----------
    levels : tuple of int
        As of `ByVariable`.
    best : tuple of float, each > 0
        The loss of each variable's best constant: a number's variance in scaled units, a category's entropy.
    weight : float or Schedule, 0 or more, optional
        See Term; None is 1.

    Notes
    -----
    The losses are (x̂ - x)² for numbers, -x log x̂ - (1 - x) log(1 - x̂) for booleans and -log x̂ of the true level for
    categories.

    Examples
    --------
    >>> VariableError((0, 1, 3), (1.0, 0.7, 1.1)).text
    'variable_error'
    """

    levels: tuple[int, ...]
    best: tuple[float, ...]

    name = "variable_error"
    parsable = False
    is_reconstruction_error = True
    has_gradient = True
    requires = frozenset({Capability.VARIABLES_OUTPUT})

    def __post_init__(self) -> None:
        super().__post_init__()
        ByVariable(self.levels)
        numbers = isinstance(self.best, tuple) and all(type(each) is float and each > 0 for each in self.best)
        if not numbers or len(self.best) != len(self.levels):
            raise RecipeError(f"variable_error: best={self.best!r} must be one number above 0 per variable")

    @property
    def text(self) -> str:
        """The name alone: levels and losses are those of the rows."""
        return self.name

    def _output_and_factors(self, like: Tensor) -> tuple[ByVariable, Tensor]:
        return ByVariable(self.levels), 1 / like.new_tensor(self.best)

    def value_and_gradient(self, p: Pass, weight: Number = 1.0, aim: Number = 1.0) -> tuple[Tensor, Tensor]:
        """Return the error, and its gradient in the logits times the weight [B, D]."""
        output, factors = self._output_and_factors(p.logits)
        scale = (factors * (weight / (p.n_rows * len(self.levels))))[output.variables.to(factors.device)]
        return self(p), output.losses_gradient(p.recon, p.batch.target).mul_(scale)

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/(B V) Σ loss / best, or its mean over the judged variables."""
        output, factors = self._output_and_factors(p.logits)
        judged = p.batch.judged
        of_variables = None if judged is None else judged[:, output.first_columns.to(judged.device)]
        return p.mean_judged(output.losses(p.logits, p.batch.target) * factors, of_variables)
