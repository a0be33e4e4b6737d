"""WeightL2: half the sum of all squared weights."""

from dataclasses import dataclass

from torch import Tensor

from ..model import Pass
from .term import Term


@dataclass(frozen=True)
class WeightL2(Term):
    """The penalty ½ Σ w² over the weights of all layers, without the biases.

    Parameters
    ----------
    weight : float or Schedule, 0 or more, optional
        See Term; None is 1.

    Notes
    -----
    Its gradient passes through the solver, as that of MATLAB's `L2WeightRegularization` (λ): there the squared error is
    summed over the D columns, so that the weight here is λ / D. The parameter `alpha` of the estimators is another
    thing: it makes weights smaller beside the solver's step (Loshchilov and Hutter, 2019). Tied weights count once.

    Examples
    --------
    >>> WeightL2(weight=0.001).text
    'weight_l2:weight=0.001'
    """

    name = "weight_l2"

    def __call__(self, p: Pass) -> Tensor:
        """Return ½ Σ w²."""
        total, latents = p.model.dictionary.new_zeros(()), p.model.latents
        shared = {id(parameter) for parameter in p.model.shared_parameters()}
        for weight in p.model.weights:
            squares = weight.square().sum() / 2
            total = total + (latents.once(squares) if id(weight) in shared else latents.sum(squares))
        return p.once(total)
