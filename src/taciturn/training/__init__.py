"""Training: batches, steps, the training loop and its hooks, solvers, constraints and the resolved settings."""

from .checkpoints import Checkpoints
from .divergence_guard import DivergenceGuard
from .feed import Feed, near_equal_batches
from .geometric_median import geometric_median
from .history import History, Recorder
from .latent_rows import permute_rows, rewrite_rows
from .learner import PARTIAL_FIT_LEARNING_RATE, Learner
from .log import Callback, Log, read_lines, read_log
from .ordering import Order, Ordering
from .progress import ProgressBar
from .redirecting import Redirect, Redirecting
from .resampling import Resample, Resampling
from .run import Hook, Record, Run, train, update
from .settings import Settings
from .validation import EarlyStopping, Validation

__all__ = [
    "PARTIAL_FIT_LEARNING_RATE",
    "Callback",
    "Checkpoints",
    "DivergenceGuard",
    "EarlyStopping",
    "Feed",
    "History",
    "Hook",
    "Learner",
    "Log",
    "Order",
    "Ordering",
    "ProgressBar",
    "Record",
    "Recorder",
    "Redirect",
    "Redirecting",
    "Resample",
    "Resampling",
    "Run",
    "Settings",
    "Validation",
    "geometric_median",
    "near_equal_batches",
    "permute_rows",
    "read_lines",
    "read_log",
    "rewrite_rows",
    "train",
    "update",
]
