"""F10. Figures: one function each, on matplotlib, without global state."""

from .reconstructions import reconstructions
from .sparsity_loss import sparsity_loss
from .style import save

__all__ = ["reconstructions", "save", "sparsity_loss"]
