"""scikit-learn estimators."""

from .base import BaseAutoencoder
from .denoising import DenoisingAutoencoder
from .dictionary import DictionaryAutoencoder
from .from_keras import from_keras
from .imputer import DenoisingImputer
from .imputing import Pooled, pool
from .plain_arrays import from_arrays
from .sparse import SparseAutoencoder

load = BaseAutoencoder.load


def by_command_name() -> dict[str, type[BaseAutoencoder]]:
    """Return the estimators by their names on the command line and in recipe files.

    Returns
    -------
    dict of str to type

    Examples
    --------
    >>> sorted(by_command_name())
    ['denoising', 'dictionary', 'sparse']
    """
    return {kind.command_name: kind for kind in BaseAutoencoder.__subclasses__() if kind.command_name}


__all__ = [
    "BaseAutoencoder",
    "DenoisingAutoencoder",
    "DenoisingImputer",
    "DictionaryAutoencoder",
    "Pooled",
    "SparseAutoencoder",
    "by_command_name",
    "from_arrays",
    "from_keras",
    "load",
    "pool",
]
