"""The base class of coding layers that can begin the training as TopK."""

from dataclasses import dataclass, field, replace
from typing import Self

from torch import Tensor

from ...core.recipe import check
from ...core.schedules import Schedule, final
from ..pre_activations import PreActivations
from .coding_layer import CodingLayer

THRESHOLD_ROWS = 64  # rows of a batch by which the threshold of a TopK phase is measured
THRESHOLD_MEAN = 0.02  # by how much its running mean moves per batch


@dataclass(frozen=True)
class TopKFirst(CodingLayer):
    """A coding layer whose training can begin with the k largest pre-activations of each row.

    A latent of a rare feature must exceed a threshold, or the threshold of its gate, before it is trained at all, and a
    penalty on the L0 presses on all latents alike. With such layers rare features are therefore lost early. The k
    largest of a row are active whatever their size.

    Parameters
    ----------
    first_k : float or Schedule, 0 or more, default=0
        While it is above 0, the codes of training are the `first_k` largest pre-activations of each row, rounded. The
        thresholds follow: they are such that a batch has `first_k` active latents per row. Penalties with a target L0
        rest. Usually a schedule that ends at 0, such as until(linear(64,32,over=0.3),0.3).
    """

    first_k: float | Schedule = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        check(self, "first_k", 0)

    @property
    def starting(self) -> bool:
        """Whether the codes of training are those of TopK."""
        return self._first_k > 0

    def row_k(self, l0: float) -> int:
        """Return k of a TopK phase; after it the mean number of active latents per row."""
        return self._first_k or max(round(self.target_l0 or l0), 1)

    def with_row_k(self, k: int) -> Self:
        """Return this layer in a TopK phase with k active latents per row."""
        return replace(self, first_k=k)

    @property
    def _first_k(self) -> int:
        return round(final(self.first_k))

    def _batch_threshold(self, pre: PreActivations) -> Tensor:
        """Return the least of a batch's largest pre-activations, `first_k` per row on average; 0 or more."""
        n_here, shard = pre.shard.first(THRESHOLD_ROWS)
        some = replace(pre, x=pre.x[:n_here], shard=shard)
        return some.least(some.top_batch(self._first_k).values.detach()).clamp_min(0)
