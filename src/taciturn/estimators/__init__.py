"""scikit-learn estimators."""

from .base import BaseAutoencoder
from .denoising import DenoisingAutoencoder
from .dictionary import DictionaryAutoencoder
from .sparse import SparseAutoencoder

load = BaseAutoencoder.load


def by_command_name() -> dict[str, type[BaseAutoencoder]]:
    """Return the estimators by the names that the command line and recipe files use."""
    return {kind.command_name: kind for kind in BaseAutoencoder.__subclasses__() if kind.command_name}


__all__ = [
    "BaseAutoencoder",
    "DenoisingAutoencoder",
    "DictionaryAutoencoder",
    "SparseAutoencoder",
    "by_command_name",
    "load",
]
