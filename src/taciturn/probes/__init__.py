"""What codes are good for when labels are at hand, and what other seeds learn: scikit-learn beside the models."""

from .baselines import Baseline, principal_components, untrained
from .plane import plane
from .relate import Effect, Related, relate
from .seed_stability import seed_stability
from .sparse_probing import SparseProbe, sparse_probing
from .targets import relatable

__all__ = [
    "Baseline",
    "Effect",
    "Related",
    "SparseProbe",
    "plane",
    "principal_components",
    "relatable",
    "relate",
    "seed_stability",
    "sparse_probing",
    "untrained",
]
