"""Schedules against numbers computed by hand."""

import pytest

from taciturn.core.errors import RecipeError
from taciturn.core.schedules import Cosine, Decay, Linear, Schedule, Until, final, value
from taciturn.corruption import Masking

# (schedule, the numbers at progress 0, 0.25, 0.5, 0.75, 1)
BY_HAND = [
    (Linear(0.4, 0.0), [0.4, 0.3, 0.2, 0.1, 0.0]),
    (Linear(1, 5), [1, 2, 3, 4, 5]),
    (Linear(8, 4, over=0.5), [8, 6, 4, 4, 4]),
    (Linear(8, 4, over=0), [4, 4, 4, 4, 4]),
    (Until(Linear(8, 4, over=0.5), 0.75), [8, 6, 4, 0, 0]),
    (Until(3, 0.5), [3, 3, 0, 0, 0]),
    (Linear(-1, 1, over=1), [-1, -0.5, 0, 0.5, 1]),
    (Cosine(2.0), [2, 1 + 0.5**0.5, 1, 1 - 0.5**0.5, 0]),
    (Cosine(3, stop=1), [3, 2 + 0.5**0.5, 2, 2 - 0.5**0.5, 1]),
    (Cosine(0, stop=4), [0, 2 - 2 * 0.5**0.5, 2, 2 + 2 * 0.5**0.5, 4]),
    (Decay(0.01, last=0.5), [0.01, 0.01, 0.01, 0.005, 0]),
    (Decay(0.01, last=0.25), [0.01, 0.01, 0.01, 0.01, 0]),
    (Decay(0.01, last=1), [0.01, 0.0075, 0.005, 0.0025, 0]),
    (Decay(0.01, last=0), [0.01, 0.01, 0.01, 0.01, 0.01]),
    (Decay(0.6), [0.6, 0.6, 0.6, 0.5, 0]),
    (Decay(8, last=0.5, first=0.5), [0, 4, 8, 4, 0]),
    (Decay(8, last=0, first=1), [0, 2, 4, 6, 8]),
    (Decay(8, last=1, first=1), [0, 2, 4, 2, 0]),
]


@pytest.mark.parametrize(("schedule", "numbers"), BY_HAND, ids=lambda case: getattr(case, "text", ""))
def test_a_schedule_goes_through_these_numbers(schedule, numbers):
    values = [schedule.at(progress) for progress in (0, 0.25, 0.5, 0.75, 1)]
    assert values == pytest.approx(numbers, rel=1e-12, abs=1e-15)
    assert final(schedule) == pytest.approx(numbers[-1], abs=1e-15)


@pytest.mark.parametrize("schedule", [Linear(3, 1), Linear(3, 1, over=0.5), Cosine(3, 1)], ids=str)
def test_after_the_end_a_schedule_keeps_its_last_value(schedule):
    assert schedule.at(1.5) == pytest.approx(1)


def test_decay_is_0_after_the_end_unless_it_never_falls():
    assert Decay(3).at(1.5) == 0
    assert Decay(3, last=0).at(1.5) == 3


@pytest.mark.parametrize("text", ["decay:2,first=0.5", "until:linear(0,2),0.9", "linear:0,2", "cosine:2,0"])
def test_a_schedule_is_refused_for_a_number_that_it_takes_during_the_run(text):
    with pytest.raises(RecipeError, match="reaches 2, which lies outside"):
        Masking(Schedule.parse(text))


def test_a_number_is_its_own_value():
    assert value(0.3, 0.9) == final(0.3) == 0.3
    assert value(Linear(1, 3), 0.5) == 2
    assert isinstance(value(Decay(3, last=0.5), 0.1), float)  # whatever the user wrote, an optimiser takes it
