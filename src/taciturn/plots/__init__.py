"""F10. Figures: one function each, on matplotlib, without global state."""

from .reconstructions import is_image, reconstructions
from .sparsity_loss import sparsity_loss
from .style import save, write

__all__ = ["is_image", "reconstructions", "save", "sparsity_loss", "write"]
