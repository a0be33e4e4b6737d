"""What teaches a gate whom to let speak."""

from dataclasses import dataclass

from torch import Tensor

from ..model import Capability, Pass
from .derived_error import DerivedError


@dataclass(frozen=True)
class GatedAux(DerivedError):
    """The error of the proposals, decoded by a decoder that gets no gradient from it (Rajamanoharan et al., 2024)."""

    name = "gated_aux"
    of = frozenset({Capability.GATE_ACTIVATIONS})

    def __call__(self, p: Pass) -> Tensor:
        """Return the error of decode(max(g, 0))."""
        return self.error(p.with_codes(p.codes.with_values(p.codes.penalised), frozen=True))
