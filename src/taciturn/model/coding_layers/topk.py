"""TopK: the k largest codes of each row."""

from dataclasses import dataclass, replace
from typing import Self

from torch import nn

from ...core.recipe import check
from ...core.schedules import Schedule, final
from ..capability import Capability
from ..codes import Codes
from ..pre_activations import PreActivations
from .coding_layer import CodingLayer
from .form import Form, TopForm


@dataclass(frozen=True)
class TopK(CodingLayer):
    """The coding layer that keeps each row's k largest pre-activations, with negative ones set to 0.

    Parameters
    ----------
    k : float or Schedule, at least 1
        Codes per row, rounded; a k above the number of latents keeps all.
    signed : bool, default=False
        Keep the k largest absolute values instead, with their signs.

    Notes
    -----
    Codes are max(z, 0) for the k largest z of a row, else 0 (Gao et al., 2024). A row can have fewer than k active
    latents: selected pre-activations below 0 give the code 0. Gradients reach the kept entries only.

    Examples
    --------
    >>> import torch
    >>> from taciturn.kernels import Plain
    >>> z = torch.tensor([[3.0, -4.0, 1.0, 2.0]])
    >>> pre = PreActivations(z, torch.eye(4), torch.zeros(4), None, Plain())
    >>> TopK(2)(pre, torch.nn.Module()).dense()
    tensor([[3., 0., 0., 2.]])
    >>> TopK(2, signed=True)(pre, torch.nn.Module()).dense()
    tensor([[ 3., -4.,  0.,  0.]])
    """

    k: float | Schedule
    signed: bool = False

    name = "topk"
    provides = frozenset({Capability.ZERO_CODES, Capability.RANKED_CODES})
    transpose_initialised = True
    dictionary_text = "topk:{falling}"
    dictionary_revival = "auxk+redirect"

    def __post_init__(self) -> None:
        check(self, "k", 1)

    @property
    def target_l0(self) -> float:
        """k, at the end of a schedule."""
        return final(self.k)

    def row_k(self, l0: float) -> int | None:
        """Return k; None where negative codes are selected too."""
        return None if self.signed else round(final(self.k))

    def with_row_k(self, k: int) -> Self:
        """Return TopK(k)."""
        return replace(self, k=k)

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return at most k codes per row, sparse."""
        largest = pre.top(round(final(self.k)), signed=self.signed)
        return largest if self.signed else largest.relu()

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the top-k form."""
        return TopForm(round(final(self.k)), self.signed)
