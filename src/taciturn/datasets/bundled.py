"""F5. The small data sets that scikit-learn brings along."""

from ..sources import Rows

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")


def load(name: str) -> Rows:
    """Return one of `NAMES`: the digits as images of 8 × 8 with values in [0, 1], the others with names."""
    from sklearn import datasets  # slow to import, and help should not wait for it

    bunch = getattr(datasets, f"load_{name}")()
    if name == "digits":
        return Rows(bunch.images / 16)
    return Rows(bunch.data, columns=tuple(map(str, bunch.feature_names)))
