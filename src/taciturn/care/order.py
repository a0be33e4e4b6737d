"""When latents are sorted."""

from dataclasses import dataclass

from ..recipe import Recipe, check


@dataclass(frozen=True)
class Order(Recipe):
    """Sort latents by how often they fire, the most frequent first, now and then.

    every : the share of the run between two times, in (0, 1].
    until : the share after which nobody moves any more, in [0, 1].
    """

    every: float = 0.02
    until: float = 0.5

    name = "order"

    def __post_init__(self) -> None:
        check(self, "every", 0, 1, "(]", fixed=True)
        check(self, "until", 0, 1, fixed=True)

    def due(self, step: int, steps: int) -> bool:
        """Return whether it is time after so many of the run's steps."""
        return step % max(round(self.every * steps), 1) == 0 and step <= self.until * steps
