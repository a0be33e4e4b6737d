"""Numbers that change over a run: a part or a learning rate may hold one wherever it holds a number.

`progress` is the share of the run that is done, 0 at its first step and 1 at its end, so that a schedule fits a
run of any length.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass

from .recipe import Recipe, check


@dataclass(frozen=True)
class Schedule(Recipe):
    """A number as a function of the run's progress; its extremes are its ends."""

    is_schedule = True

    @abstractmethod
    def at(self, progress: float) -> float:  # type: ignore[override]  # in a recipe, its value takes its place
        """Return the number at `progress` (0 … 1): inside a recipe, a schedule is replaced by its value."""


@dataclass(frozen=True)
class Linear(Schedule):
    """From `start` straight to `stop` within the first `over` of the run, then `stop`.

    Examples
    --------
    >>> Linear(8, 0).at(0.25)
    6.0
    """

    start: float
    stop: float
    over: float = 1.0

    name = "linear"

    def __post_init__(self) -> None:
        check(self, "start")
        check(self, "stop")
        check(self, "over", 0, 1)

    def at(self, progress: float) -> float:  # type: ignore[override]
        """Return the number at `progress`."""
        share = min(progress / self.over, 1.0) if self.over else 1.0
        return self.start + (self.stop - self.start) * share


@dataclass(frozen=True)
class Cosine(Schedule):
    """From `start` to `stop` along half a cosine (Loshchilov and Hutter, 2017).

    Examples
    --------
    >>> round(Cosine(0.003).at(0.5), 6)
    0.0015
    """

    start: float
    stop: float = 0.0

    name = "cosine"

    def __post_init__(self) -> None:
        check(self, "start")
        check(self, "stop")

    def at(self, progress: float) -> float:  # type: ignore[override]
        """Return the number at `progress`."""
        return self.stop + (self.start - self.stop) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


@dataclass(frozen=True)
class Decay(Schedule):
    """`value`, then straight to 0 over the `last` part of the run.

    Examples
    --------
    >>> [Decay(0.01, last=0.25).at(p) for p in (0, 0.75, 0.875, 1)]
    [0.01, 0.01, 0.005, 0.0]
    """

    value: float
    last: float = 0.3

    name = "decay"

    def __post_init__(self) -> None:
        check(self, "value")
        check(self, "last", 0, 1)

    def at(self, progress: float) -> float:  # type: ignore[override]
        """Return the number at `progress`."""
        left = 1 - min(progress, 1.0)
        return self.value * (min(left / self.last, 1.0) if self.last else 1.0)


def value(number: float | Schedule, progress: float) -> float:
    """Return the number itself, or a schedule's value at `progress`."""
    return number.at(progress) if isinstance(number, Schedule) else number


def final(number: float | Schedule) -> float:
    """Return the number itself, or what a schedule ends at: what a trained model goes by.

    While training, `Recipe.at` has put the present number in the schedule's place before a part is called.
    """
    return value(number, 1.0)
