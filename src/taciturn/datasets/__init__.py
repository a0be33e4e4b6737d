"""F5. Rows by name: scikit-learn's bundled sets, MNIST and Fashion-MNIST, or a file."""

from .lookup import load, names

__all__ = ["load", "names"]
