"""F8. Training: a run, its loop, and what may hang on it."""

from .history import History, Recorder
from .last_good import LastGood
from .ordering import Ordering
from .progress import ProgressBar
from .revival import Revival
from .run import Hook, Record, Run, train, update
from .validation import KeepBest, Validation

__all__ = [
    "History",
    "Hook",
    "KeepBest",
    "LastGood",
    "Ordering",
    "ProgressBar",
    "Record",
    "Recorder",
    "Revival",
    "Run",
    "Validation",
    "train",
    "update",
]
