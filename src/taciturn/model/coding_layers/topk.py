"""The k largest."""

from dataclasses import dataclass

from torch import nn

from ...core.recipe import check
from ...core.schedules import Schedule, final
from ..capability import Capability
from ..codes import Codes, PreActivations
from .coding_layer import CodingLayer
from .form import Form, TopForm


@dataclass(frozen=True)
class TopK(CodingLayer):
    """Keep each row's k largest pre-activations, ReLU'd (Gao et al., 2024); `signed`: the k largest magnitudes.

    k ≥ 1, or a schedule, rounded. k above the number of latents keeps all.
    """

    k: float | Schedule
    signed: bool = False

    name = "topk"
    provides = frozenset({Capability.ZERO_CODES, Capability.RANKED_CODES})
    transpose_initialised = True
    dictionary_text = "topk:{falling}"
    dictionary_revival = "auxk"

    def __post_init__(self) -> None:
        check(self, "k", 1)

    @property
    def target_l0(self) -> float:
        """k."""
        return final(self.k)

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return at most k codes a row, sparse."""
        kept = pre.top(round(final(self.k)), signed=self.signed)
        return kept if self.signed else kept.relu()

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the top-k form."""
        return TopForm(round(final(self.k)), self.signed)
