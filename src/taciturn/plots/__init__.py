"""Figures: one function each, on matplotlib, without global state (no pyplot)."""

from ..data.row_shape import is_image
from .atlas import atlas
from .correlation import correlation
from .errors import errors
from .frontier import frontier
from .history import history
from .imputed_values import imputed_values
from .latent_map import latent_map as map
from .outlier_scores import outlier_scores
from .overlay import overlay
from .rates import rates
from .reconstructions import reconstructions
from .relate import relate
from .row_errors import row_errors
from .sparsity_loss import sparsity_loss
from .style import save, write

__all__ = [
    "atlas",
    "correlation",
    "errors",
    "frontier",
    "history",
    "imputed_values",
    "is_image",
    "map",
    "outlier_scores",
    "overlay",
    "rates",
    "reconstructions",
    "relate",
    "row_errors",
    "save",
    "sparsity_loss",
    "write",
]
