"""F5. What can be said of a model in numbers, streamed over rows."""

from .errors import SquaredErrors, psnr
from .sparsity import Sparsity

__all__ = ["Sparsity", "SquaredErrors", "psnr"]
