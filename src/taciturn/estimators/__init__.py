"""scikit-learn estimators."""

from .base import BaseAutoencoder
from .denoising import DenoisingAutoencoder
from .dictionary import DictionaryAutoencoder
from .sparse import SparseAutoencoder

load = BaseAutoencoder.load

__all__ = ["BaseAutoencoder", "DenoisingAutoencoder", "DictionaryAutoencoder", "SparseAutoencoder", "load"]
