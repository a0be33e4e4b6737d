"""Probes: how latents relate to labels, what simpler models reach, how far seeds agree. Uses scikit-learn."""

from .baselines import UNTRAINED, Baseline, Baselines, baselines
from .initial import initial_model
from .labels import relatable
from .plane import plane
from .relate import Effect, Related, relate
from .seed_stability import seed_stability
from .sparse_probing import SparseProbe, sparse_probing
from .target_baselines import target_baselines

__all__ = [
    "UNTRAINED",
    "Baseline",
    "Baselines",
    "Effect",
    "Related",
    "SparseProbe",
    "baselines",
    "initial_model",
    "plane",
    "relatable",
    "relate",
    "seed_stability",
    "sparse_probing",
    "target_baselines",
]
