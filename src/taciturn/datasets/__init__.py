"""Data sets by name, and synthetic rows with known features.

`load`, `names` : scikit-learn's bundled sets, MNIST, Fashion-MNIST, or a file.
`labels` : the labels of their rows.
`known_dictionary`, `KnownDictionary`, `Hierarchy` : rows that are sparse sums of known directions.
"""

from .hierarchy import Hierarchy
from .known_dictionary import KnownDictionary, known_dictionary
from .lookup import labels, load, names

__all__ = ["Hierarchy", "KnownDictionary", "known_dictionary", "labels", "load", "names"]
