"""A trained model as a folder: what was asked, what came of it, and the weights. No pickle, no code.

config.json         the recipe: network, objective, corruption, scaling, training, rows, versions
weights.safetensors every parameter and buffer once, by name
history.parquet     a row a step; the columns of epochs are filled at each epoch's last step
metrics.json        what the model is worth, by `evaluate`
"""

from .artifact import Artifact
from .reading import load
from .writing import save, write

__all__ = ["Artifact", "load", "save", "write"]
