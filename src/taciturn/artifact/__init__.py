"""A trained model as a folder: its recipe, its weights, its history and its metrics. No pickle, no code.

config.json         the recipe: network, objective, corruption, scaling, training, rows, versions
weights.safetensors every parameter and buffer once, by name
history.parquet     one row per step; an epoch's numbers stand in the row of its last step
metrics.json        errors and sparsity of the model
"""

from .artifact import Artifact
from .reading import load
from .writing import save, write

__all__ = ["Artifact", "load", "save", "write"]
