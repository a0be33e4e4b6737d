"""Rows by name: scikit-learn's bundled sets, MNIST and Fashion-MNIST, or a file; and rows of known features.

`load`, `names`: data sets and files; `labels`: what goes with their rows.
`known_dictionary`, `KnownDictionary`, `Hierarchy`: rows that are sums of few known directions.
"""

from .hierarchy import Hierarchy
from .known_dictionary import KnownDictionary, known_dictionary
from .lookup import labels, load, names

__all__ = ["Hierarchy", "KnownDictionary", "known_dictionary", "labels", "load", "names"]
