"""Labels of rows, parsed as classes or as numbers that latents can be related to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import DataError, RecipeError
from ..metrics.arrays import to_numpy

MIN_ROWS = 20  # with fewer labelled rows no test has power
MIN_CLASS_ROWS = 10  # five folds then train on eight; a rank test of so few rows can still pass among thousands
MAX_CLASSES = 20  # distinct whole numbers; more of them are a count
_MISSING_TEXTS = frozenset({"", "nan", "NaN", "<NA>", "NaT"})  # NumPy and pandas write missing values so among strings


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of the rows that have a usable one.

    Attributes
    ----------
    kind : {"classes", "number"}
        What the labels are.
    n_rows : int
        All rows, with or without a label.
    rows : array [N] of int
        Indices of the rows that have a usable label, ascending.
    y : array [N]
        Their labels: an index into `classes` (int), or the number (float64).
    classes : tuple of str
        Names of the C classes; () for a number.
    """

    kind: str
    n_rows: int
    rows: NDArray[np.intp]
    y: NDArray[Any]
    classes: tuple[str, ...]

    @property
    def in_class(self) -> NDArray[np.bool_]:
        """Whether each row is of each class [N, C]."""
        return np.asarray(self.y[:, None] == np.arange(len(self.classes)))


def parse_labels(y: ArrayLike, kind: str | None = None) -> Labels:
    """Return the rows that have a label, and their classes or numbers.

    Parameters
    ----------
    y : array of shape [n_rows]
        Strings, bools or numbers. None, NaN, "" and "nan", which NumPy makes of NaN among strings, are missing labels.
    kind : {"classes", "number"}, optional
        What the labels are. By default strings, bools and whole numbers of at most 20 distinct values, with five rows
        or more per value on average, are classes; other numbers are a number.

    Returns
    -------
    Labels
        Without rows that have no label or whose class has fewer than 10 rows.

    Raises
    ------
    DataError
        If fewer than 20 rows have a label, fewer than two classes have 10 rows, the number is constant or infinite, or
        labels are of another type.
    RecipeError
        If `kind` is unknown.

    Examples
    --------
    >>> labels = parse_labels(["a", "b", None] * 10)
    >>> labels.kind, labels.classes, labels.n_rows, len(labels.y)
    ('classes', ('a', 'b'), 30, 20)
    """
    if kind not in (None, "classes", "number"):
        raise RecipeError(f'kind={kind!r} is unknown; give "classes", "number" or None')
    rows, values, n_rows = labelled(y)
    if len(rows) < MIN_ROWS:
        raise DataError(f"y has {len(rows)} labels (None and NaN do not count); give {MIN_ROWS} or more")
    parse = _numbers if (kind or _kind(values)) == "number" else _classes
    return parse(values, rows, n_rows)


def labelled(y: ArrayLike) -> tuple[NDArray[np.intp], NDArray[Any], int]:
    """Return the indices of the rows that have a label, their labels, and the number of all rows.

    Parameters
    ----------
    y : array of shape [n_rows]
        Strings, bools or numbers. None, NaN, "" and "nan" are missing labels.

    Returns
    -------
    rows : array [N] of int
        Ascending.
    labels : array [N]
    n_rows : int

    Raises
    ------
    DataError
        If y is not one value per row, or not of these types.

    Examples
    --------
    >>> rows, labels, n_rows = labelled(np.array(["a", "b", np.nan]))
    >>> rows.tolist(), labels.tolist(), n_rows
    ([0, 1], ['a', 'b'], 3)
    """
    labels = to_numpy(y) if hasattr(y, "dtype") else np.array(y, dtype=object)
    if labels.ndim != 1:
        raise DataError(f"y has shape {labels.shape}; give one label per row")
    if labels.dtype.kind not in "biufUSOT":
        raise DataError(f"y holds {labels.dtype}; give strings, bools or numbers")
    rows = np.flatnonzero([_is_label(label) for label in labels])
    return rows, np.array(labels[rows].tolist()), len(labels)


def relatable(y: ArrayLike) -> bool:
    """Return whether latents can be related to labels y.

    Parameters
    ----------
    y : array of shape [N]
        Strings, bools or numbers; None and NaN are missing labels.

    Returns
    -------
    bool
        True if 20 rows or more have a label, and the labels are two or more classes of 10 rows or more, or numbers that
        differ.

    Examples
    --------
    >>> relatable(["yes", "no"] * 10), relatable(["yes"] * 20)
    (True, False)
    """
    try:
        parse_labels(y)
    except DataError:
        return False
    return True


def _is_label(label: Any) -> bool:
    if isinstance(label, str | bytes):
        return (label if isinstance(label, str) else label.decode(errors="replace")) not in _MISSING_TEXTS
    try:
        return label is not None and bool(label == label)
    except TypeError:  # pandas's NA has no truth value
        return False


def _kind(values: NDArray[Any]) -> str:
    if values.dtype.kind not in "iuf":
        return "classes"
    distinct = np.unique(values)
    is_few = len(distinct) <= min(MAX_CLASSES, len(values) // 5)
    return "classes" if is_few and np.array_equal(distinct, np.rint(distinct)) else "number"


def _numbers(values: NDArray[Any], rows: NDArray[np.intp], n_rows: int) -> Labels:
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f'y holds {values[0]!r}, which is not a number; leave out kind="number"') from error
    if not np.isfinite(numbers).all():
        raise DataError("y holds infinity; give finite numbers, or NaN for rows to leave out")
    if np.ptp(numbers) == 0:
        raise DataError(f"y is {numbers[0]} in every row; give labels that differ")
    return Labels("number", n_rows, rows, numbers, ())


def _classes(values: NDArray[Any], rows: NDArray[np.intp], n_rows: int) -> Labels:
    if values.dtype.kind in "OS":
        values = np.array([label.decode() if isinstance(label, bytes) else str(label) for label in values])
    labels, class_of_row, counts = np.unique(values, return_inverse=True, return_counts=True)
    large = np.flatnonzero(counts >= MIN_CLASS_ROWS)
    if len(large) < 2:
        sizes = ", ".join(f"{label}: {count}" for label, count in list(zip(labels, counts, strict=True))[:5])
        raise DataError(
            f"y has {len(large)} classes of {MIN_CLASS_ROWS} rows or more ({sizes}{', …' * (len(labels) > 5)}); "
            'give two, or kind="number"'
        )
    usable = np.isin(class_of_row, large)
    whole = values.dtype.kind == "f" and np.array_equal(labels, np.rint(labels))
    names = tuple(str(int(label) if whole else label) for label in labels[large])
    return Labels("classes", n_rows, rows[usable], np.searchsorted(large, class_of_row[usable]), names)
