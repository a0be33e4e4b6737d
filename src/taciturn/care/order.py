"""When latents are sorted."""

from dataclasses import dataclass

from .occasion import Occasion


@dataclass(frozen=True)
class Order(Occasion):
    """Sort latents by how often they fire, the most frequent first, now and then.

    every : the share of the run between two times, in (0, 1].
    until : the share after which nobody moves any more, in [0, 1].
    """

    every: float = 0.02
    until: float = 0.5

    name = "order"
