"""F10. What codes are good for when labels are at hand, and what other seeds learn: scikit-learn beside the models."""

from .seed_stability import seed_stability
from .sparse_probing import SparseProbe, sparse_probing

__all__ = ["SparseProbe", "seed_stability", "sparse_probing"]
