"""A streamed source whose rows are checked when they are read, because not all of them were checked before."""

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError
from ...core.messages import quoted
from .ranges import Ranges
from .source import Array, Source, place_of


class Checked(Ranges):
    """All rows of a streamed source. Reading raises DataError if a value is infinite, and names its row and column.

    Parameters
    ----------
    source : Source
        The streamed source.
    missing : bool
        Whether values may be missing (NaN). If not, NaN raises DataError as well.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> rows = Checked(Rows(np.array([[1.0, 2.0], [3.0, np.inf]])), missing=True)
    >>> rows.read(0, 1)
    array([[1., 2.]])
    >>> rows.take(np.array([0, 1]))
    Traceback (most recent call last):
    taciturn.core.errors.DataError: row 1, column 1 is infinite (rows count from 0); set it to NaN if it is missing, ...
    """

    def __init__(self, source: Source, *, missing: bool) -> None:
        super().__init__(source, np.array([[0, len(source)]]))
        self._missing = missing

    def take(self, indices: npt.NDArray[np.integer]) -> Array:
        """Return the rows at `indices` as [rows, n_columns]."""
        rows = super().take(indices)
        self._check(rows, indices)
        return rows

    def read_into(self, start: int, rows: Array) -> None:
        """Read the rows from `start` on into an array; see `data.sources.read_into`."""
        super().read_into(start, rows)
        self._check(rows, range(start, start + len(rows)))

    def _check(self, rows: Array, numbers: npt.NDArray[np.integer] | range) -> None:
        """Raise DataError for the first value that is not allowed in rows of these numbers."""
        if rows.dtype.kind != "f":
            return
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(rows.sum()):  # quick; where it overflows, the values themselves decide
                return
        bad = np.isinf(rows) if self._missing else ~np.isfinite(rows)
        if not bad.any():
            return
        row, column = np.argwhere(bad)[0].tolist()
        name = quoted(self.columns[column]) if self.columns else str(column)
        place = f"{place_of(self.source, int(numbers[row]))}, column {name}"
        if self._missing:
            value, mend = "infinite", "set it to NaN if it is missing"
        else:
            value, mend = "NaN or infinite, which scaling='whiten' does not allow", "fill it in"
        raise DataError(f"{place} is {value} (rows count from 0); {mend}, or drop such rows")
