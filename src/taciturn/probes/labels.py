"""What the rows are labelled with, read as classes or as a number."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import DataError, RecipeError
from ..metrics.arrays import plain

FEWEST_ROWS = 20  # fewer say nothing of a latent, whatever the test
FEWEST_OF_CLASS = 10  # five folds then learn from eight, and a rank test of so few can still pass thousands of others
MOST_CLASSES = 20  # distinct whole numbers; more of them count something


@dataclass(frozen=True, eq=False)
class Target:
    """Rows that have a label, and the label: a class's number, or the number itself."""

    kind: str  # "classes" or "number"
    given: int  # rows, with labels or without
    kept: NDArray[np.intp]  # [N], rows among those given
    y: NDArray[Any]  # [N]: int, which class, or float64
    classes: tuple[str, ...]  # () for a number

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Whether a row is of the class [N, C]."""
        return np.asarray(self.y[:, None] == np.arange(len(self.classes)))


def read_target(y: ArrayLike, kind: str | None = None) -> Target:
    """Return the rows that have a label, and their classes or numbers.

    Strings, bools and whole numbers of at most 20 values, each on five rows or more in the mean, are classes; `kind`
    decides otherwise. Rows without a label (None, NaN) are left out, and so are those of a class of fewer than 10.
    """
    labels = plain(y) if hasattr(y, "dtype") else np.array(y, dtype=object)  # NumPy makes "nan" of NaN beside strings
    if labels.ndim != 1:
        raise DataError(f"y has shape {labels.shape}; give one label a row")
    if labels.dtype.kind not in "biufUSOT":
        raise DataError(f"y holds {labels.dtype}; give strings, bools or numbers")
    if kind not in (None, "classes", "number"):
        raise RecipeError(f'kind={kind!r} is unknown; give "classes", "number" or None')
    kept = np.flatnonzero([_given(label) for label in labels])
    if len(kept) < FEWEST_ROWS:
        raise DataError(f"y has {len(kept)} labels (None and NaN are none); give {FEWEST_ROWS} rows with one, or more")
    values = np.array(labels[kept].tolist())
    read = _numbers if (kind or _kind(values)) == "number" else _classes
    return read(values, kept, len(labels))


def relatable(y: ArrayLike) -> bool:
    """Return whether latents can be related to labels: rows enough, of two classes or with numbers that differ."""
    try:
        read_target(y)
    except DataError:
        return False
    return True


def _given(label: Any) -> bool:
    try:
        return label is not None and bool(label == label)
    except TypeError:  # pandas's NA, which has no truth
        return False


def _kind(values: NDArray[Any]) -> str:
    if values.dtype.kind not in "iuf":
        return "classes"
    distinct = np.unique(values)
    few = len(distinct) <= min(MOST_CLASSES, len(values) // 5)
    return "classes" if few and np.array_equal(distinct, np.rint(distinct)) else "number"


def _numbers(values: NDArray[Any], kept: NDArray[np.intp], given: int) -> Target:
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f'y holds {values[0]!r}, which is no number; leave out kind="number"') from error
    if not np.isfinite(numbers).all():
        raise DataError("y holds infinity; give finite numbers, or NaN for rows to leave out")
    if np.ptp(numbers) == 0:
        raise DataError(f"y is {numbers[0]} in every row; nothing goes with a constant")
    return Target("number", given, kept, numbers, ())


def _classes(values: NDArray[Any], kept: NDArray[np.intp], given: int) -> Target:
    if values.dtype.kind in "OS":
        values = np.array([label.decode() if isinstance(label, bytes) else str(label) for label in values])
    labels, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    enough = np.flatnonzero(counts >= FEWEST_OF_CLASS)
    if len(enough) < 2:
        sizes = ", ".join(f"{label}: {count}" for label, count in list(zip(labels, counts, strict=True))[:5])
        raise DataError(
            f"y has {len(enough)} classes of {FEWEST_OF_CLASS} rows or more ({sizes}{', …' * (len(labels) > 5)}); "
            'give two, or kind="number"'
        )
    own = np.isin(which, enough)
    whole = values.dtype.kind == "f" and np.array_equal(labels, np.rint(labels))
    names = tuple(str(int(label) if whole else label) for label in labels[enough])
    return Target("classes", given, kept[own], np.searchsorted(enough, which[own]), names)
