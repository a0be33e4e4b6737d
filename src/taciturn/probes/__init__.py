"""F13. What codes are good for when labels are at hand: scikit-learn's models on top of them."""

from .sparse_probing import SparseProbe, sparse_probing

__all__ = ["SparseProbe", "sparse_probing"]
