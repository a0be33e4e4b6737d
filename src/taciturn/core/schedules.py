"""Schedules: numbers that change over a run, usable where a part or the learning rate takes a number.

`progress` is the share of the run that is done: 0 at its first step, 1 at its end. A schedule therefore fits a run of
any length.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass

from .recipe import Recipe, check


@dataclass(frozen=True)
class Schedule(Recipe):
    """A number as a function of the run's progress; base class of all schedules."""

    is_schedule = True

    @abstractmethod
    def at(self, progress: float) -> float:  # type: ignore[override]  # a number, not a recipe
        """Return the number at `progress` (0 … 1); `Recipe.at` puts it in the schedule's place."""

    @property
    def extremes(self) -> tuple[float, ...]:
        """Numbers between which all of its values lie: here the first and the last."""
        return self.at(0.0), self.at(1.0)


@dataclass(frozen=True)
class Linear(Schedule):
    """A straight line from `start` to `stop`, then `stop`.

    Parameters
    ----------
    start, stop : float
        First and last value.
    over : float, default=1.0
        Share of the run, 0 … 1, after which `stop` is reached; 0 means `stop` from the first step on.

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
        return self.start + (float(self.stop) - self.start) * share


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from `start` to `stop`.

    Parameters
    ----------
    start : float
        First value.
    stop : float, default=0.0
        Last value.

    Notes
    -----
    stop + (start - stop) (1 + cos(π progress)) / 2 (Loshchilov and Hutter, 2017).

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
        return self.stop + (float(self.start) - self.stop) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


@dataclass(frozen=True)
class Decay(Schedule):
    """A constant, then a straight line to 0 at the end of the run; before it, if requested, a line from 0.

    Parameters
    ----------
    value : float
        The constant.
    last : float, default=0.3
        Share of the run, 0 … 1, over which the number falls to 0; with 0 it never falls.
    first : float, default=0
        Share of the run, 0 … 1, over which the number rises from 0; with 0 it starts at the constant.

    Examples
    --------
    >>> [Decay(0.01, last=0.25).at(p) for p in (0, 0.75, 0.875, 1)]
    [0.01, 0.01, 0.005, 0.0]
    >>> [Decay(8, first=0.5).at(p) for p in (0, 0.25, 0.5)]
    [0.0, 4.0, 8.0]
    """

    value: float
    last: float = 0.3
    first: float = 0

    name = "decay"

    def __post_init__(self) -> None:
        check(self, "value")
        check(self, "last", 0, 1)
        check(self, "first", 0, 1)

    def at(self, progress: float) -> float:  # type: ignore[override]
        """Return the number at `progress`."""
        risen = min(progress / self.first, 1.0) if self.first else 1.0
        remaining = 1 - min(progress, 1.0)
        return self.value * min(risen, min(remaining / self.last, 1.0) if self.last else 1.0)

    @property
    def extremes(self) -> tuple[float, ...]:
        """The number at both ends of the run, and the constant."""
        return *super().extremes, self.value


@dataclass(frozen=True)
class Until(Schedule):
    """A number, or a schedule over the whole run, until a share of the run is done; then 0.

    Parameters
    ----------
    before : float or Schedule
        The number until then.
    share : float
        Share of the run, 0 … 1, from which on the number is 0.

    Examples
    --------
    >>> [Until(Linear(8, 4, over=0.5), 0.75).at(p) for p in (0, 0.5, 0.75, 1)]
    [8.0, 4.0, 0.0, 0.0]
    """

    before: float | Schedule
    share: float

    name = "until"

    def __post_init__(self) -> None:
        for number in self.extremes:
            check(Linear(number, 0), "start")
        check(self, "share", 0, 1)

    def at(self, progress: float) -> float:  # type: ignore[override]
        """Return the number at `progress`."""
        return value(self.before, progress) if progress < self.share else 0.0

    @property
    def extremes(self) -> tuple[float, ...]:
        """The extremes of the number before, and 0."""
        return *(self.before.extremes if isinstance(self.before, Schedule) else (self.before,)), 0.0


def value(number: float | Schedule, progress: float) -> float:
    """Return the number itself, or a schedule's value at `progress`.

    Parameters
    ----------
    number : float or Schedule
    progress : float
        The share of the run that is done, 0 … 1.

    Returns
    -------
    float

    Examples
    --------
    >>> value(0.1, 0.5), value(Linear(8, 0), 0.5)
    (0.1, 4.0)
    """
    return number.at(progress) if isinstance(number, Schedule) else number


def final(number: float | Schedule) -> float:
    """Return the number itself, or a schedule's last value, which a trained model uses.

    During training, `Recipe.at` replaces schedules by their current values before a part is called.

    Parameters
    ----------
    number : float or Schedule

    Returns
    -------
    float

    Examples
    --------
    >>> final(Linear(8, 2))
    2.0
    """
    return value(number, 1.0)
