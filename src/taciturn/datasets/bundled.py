"""The small data sets that are installed with scikit-learn."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.sources import Rows

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")


def load(name: str) -> Rows:
    """Return one of `NAMES`: the digits as images of 8 × 8 with values in [0, 1], the others with column names."""
    from sklearn import datasets  # imported here: it is slow to load, and `--help` does not need it

    bunch = getattr(datasets, f"load_{name}")()
    if name == "digits":
        return Rows(bunch.images / 16)
    return Rows(bunch.data, columns=tuple(map(str, bunch.feature_names)))


def labels(name: str) -> NDArray[Any] | None:
    """Return each row's label [N], a class name or a number; None where a row has several targets."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    if bunch.target.ndim > 1:
        return None
    class_names, target = bunch.get("target_names"), bunch.target
    values: NDArray[Any] = target if class_names is None else np.asarray(class_names)[target].astype(str)
    return values
