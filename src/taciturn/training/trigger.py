"""When something is done now and then while training."""

from dataclasses import dataclass

from ..core.recipe import Recipe, check


@dataclass(frozen=True)
class Trigger(Recipe):
    """Is due at even distances, up to a point of the run.

    every : the share of the run between two times, in (0, 1].
    until : the share after which nothing is done any more, in [0, 1].
    """

    every: float
    until: float

    def __post_init__(self) -> None:
        check(self, "every", 0, 1, "(]", fixed=True)
        check(self, "until", 0, 1, fixed=True)

    def due(self, step: int, steps: int) -> bool:
        """Return whether it is time after so many of the run's steps."""
        return step % max(round(self.every * steps), 1) == 0 and step <= self.until * steps
