"""A trained model as a folder: its settings, its weights, its history and its metrics. No pickle, no code.

config.json           what the model is and where it came from, every setting resolved; checksums of the others
weights.safetensors   every parameter and buffer once, by name
training.safetensors  what decides how the training goes on: statistics of the rows, counters, the optimiser's state
history.parquet       one row per step; an epoch's numbers stand in the row of its last step
metrics.json          errors and sparsity of the model
"""

from .artifact import Artifact
from .config import EstimatorRecord, RowsRecord, Split, TargetsRecord, TrainingRecord, Versions
from .reading import load
from .writing import save, write

__all__ = [
    "Artifact",
    "EstimatorRecord",
    "RowsRecord",
    "Split",
    "TargetsRecord",
    "TrainingRecord",
    "Versions",
    "load",
    "save",
    "write",
]
