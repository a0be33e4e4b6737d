"""Trackers: callbacks of `fit` that write the numbers of a run for other programs, each an extra to install."""

from .mlflow import MLflow
from .tensorboard import TensorBoard
from .tracker import tracker
from .wandb import WandB

__all__ = ["MLflow", "TensorBoard", "WandB", "tracker"]
