"""Probes: how latents relate to labels, what simpler models reach, how far seeds agree. Uses scikit-learn."""

from .baselines import Baseline, principal_components, untrained
from .labels import relatable
from .plane import plane
from .relate import Effect, Related, relate
from .seed_stability import seed_stability
from .sparse_probing import SparseProbe, sparse_probing

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
