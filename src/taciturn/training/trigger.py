"""When something is done at regular intervals during training."""

from dataclasses import dataclass

from ..core.recipe import Recipe, check


@dataclass(frozen=True)
class Trigger(Recipe):
    """Recipe of something that is done at regular intervals, up to a point of the run.

    Parameters
    ----------
    every : float
        Interval as a share of the run, in (0, 1]; at least one step.
    until : float
        Share of the run after which it is no longer done, in [0, 1].
    """

    every: float
    until: float

    def __post_init__(self) -> None:
        check(self, "every", 0, 1, "(]", fixed=True)
        check(self, "until", 0, 1, fixed=True)

    def due(self, step: int, steps: int, *, open_ended: bool = False, least: int = 1) -> bool:
        """Return whether it is done after `step` of the run's `steps` steps; without an end there is no `until`.

        The interval has `least` steps or more.
        """
        return step % max(round(self.every * steps), least) == 0 and (open_ended or step <= self.until * steps)
