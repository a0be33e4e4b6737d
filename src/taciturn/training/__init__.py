"""Training: batches, steps, the loop and what hangs on it, solvers, constraints, the resolved settings."""

from .feed import Feed, near_equal
from .geometric_median import geometric_median
from .history import History, Recorder
from .last_good import LastGood
from .learner import Learner
from .ordering import Order, Ordering
from .progress import ProgressBar
from .resampling import Resample, Revival
from .run import Hook, Record, Run, train, update
from .settings import Settings
from .surgery import permute, rewrite
from .validation import KeepBest, Validation

__all__ = [
    "Feed",
    "History",
    "Hook",
    "KeepBest",
    "LastGood",
    "Learner",
    "Order",
    "Ordering",
    "ProgressBar",
    "Record",
    "Recorder",
    "Resample",
    "Revival",
    "Run",
    "Settings",
    "Validation",
    "geometric_median",
    "near_equal",
    "permute",
    "rewrite",
    "train",
    "update",
]
