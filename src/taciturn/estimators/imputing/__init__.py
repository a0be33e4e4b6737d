"""What `DenoisingImputer` is made of: linear models, the networks that correct them, the draws, and Rubin's rules."""

from .ensemble import Ensemble, fit_ensemble
from .pool import Pooled, pool

__all__ = ["Ensemble", "Pooled", "fit_ensemble", "pool"]
