"""GatedAux: the term that trains the gate of a Gated coding layer."""

from dataclasses import dataclass

from torch import Tensor

from ..model import Capability, Pass
from .derived_error import DerivedError


@dataclass(frozen=True)
class GatedAux(DerivedError):
    """The error of the reconstruction from the gate activations max(z, 0) (Rajamanoharan et al., 2024).

    Parameters
    ----------
    error : Term, default=SquaredError()
        See DerivedError.
    weight : float or Schedule, 0 or more, optional
        See Term; None is 1.

    Notes
    -----
    The decoding passes no gradient to the decoder's parameters, and the scale and bias of the codes' size have no part
    in it: the term trains the encoder only.

    Examples
    --------
    >>> GatedAux().text
    'gated_aux'
    """

    name = "gated_aux"
    codes_require = frozenset({Capability.GATE_ACTIVATIONS})

    def __call__(self, p: Pass) -> Tensor:
        """Return the error of decode(max(z, 0))."""
        return self.error(p.with_codes(p.codes.with_values(p.codes.penalised), frozen=True))
