"""SquaredError: the textbook's reconstruction error."""

from dataclasses import dataclass

from torch import Tensor

from ..model import Pass
from .term import Number, Term


@dataclass(frozen=True)
class SquaredError(Term):
    """The mean over rows and columns of (x̂ - x)², in scaled units, as the textbook's `reduce_mean(square(…))`.

    Parameters
    ----------
    weight : float or Schedule, 0 or more, optional
        See Term; None is 1.

    Notes
    -----
    Papers on dictionaries sum over the columns and take the mean over rows only: that is this number times the number
    of columns D. A penalty weight λ of such a paper is therefore λ / D here.

    Examples
    --------
    >>> (0.5 * SquaredError()).text
    'squared_error:weight=0.5'
    """

    name = "squared_error"
    is_reconstruction_error = True
    has_gradient = True

    def value_and_gradient(self, p: Pass, weight: Number = 1.0, aim: Number = 1.0) -> tuple[Tensor, Tensor]:
        """Return the error, and weight · 2/(B D) (x̂ - x) through the output activation [B, D]."""
        error = p.recon - p.batch.target
        number = p.mean(error.square())
        return number, p.model.output_gradient(p.recon, error.mul_(2 * weight / (p.n_rows * error.shape[1])))

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/(B D) Σ (x̂ - x)², or its mean over the judged entries."""
        return p.mean_judged((p.recon - p.batch.target).square())
