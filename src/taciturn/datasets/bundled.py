"""The small data sets that scikit-learn brings along."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.sources import Rows

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")


def load(name: str) -> Rows:
    """Return one of `NAMES`: the digits as images of 8 × 8 with values in [0, 1], the others with names."""
    from sklearn import datasets  # slow to import, and help should not wait for it

    bunch = getattr(datasets, f"load_{name}")()
    if name == "digits":
        return Rows(bunch.images / 16)
    return Rows(bunch.data, columns=tuple(map(str, bunch.feature_names)))


def labels(name: str) -> NDArray[Any] | None:
    """Return the class or the number that goes with each row, classes by their names; None where it is several."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    if bunch.target.ndim > 1:
        return None
    names = bunch.get("target_names")
    found: NDArray[Any] = bunch.target if names is None else np.asarray(names)[bunch.target].astype(str)
    return found
