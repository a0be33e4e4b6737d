"""The encoded rows of a table as a source; categories are expanded when rows are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..sources import Rows
from .category import Category
from .variable import Variable


class EncodedRows(Rows):
    """Rows [N, D] that are encoded already, such as noisy ones, as a source that an estimator takes for a table.

    Parameters
    ----------
    rows : array [N, D]
        Columns as in `Variables.columns`.
    variables : Variables
        Their schema.
    """

    def __init__(self, rows: npt.ArrayLike, variables: Any) -> None:
        super().__init__(rows, columns=variables.columns)
        self.variables = variables


class EncodedTable:
    """The encoded rows of a table. In memory there is one number per cell: a category's level, not its K columns.

    Parameters
    ----------
    variables : sequence of Variable
        The variables, with at least one encoded column in all.
    encoded : sequence of arrays [N]
        What `Variable.encode` returned of each.
    columns : tuple of str
        The names of all encoded columns.

    Attributes
    ----------
    variables : Variables or None
        The schema of the table.
    ids : list or None
        An id for each row; see `ids_of`.
    """

    variables: Any = None
    ids: list[Any] | None = None

    dtype = np.dtype(np.float64)

    def __init__(
        self,
        variables: Sequence[Variable],
        encoded: Sequence[npt.NDArray[np.generic]],
        columns: tuple[str, ...],
    ) -> None:
        starts = np.cumsum([0, *(variable.width for variable in variables)])
        numbers: list[tuple[int, npt.NDArray[np.generic]]] = []
        codes: list[tuple[int, npt.NDArray[np.generic]]] = []
        for variable, start, cells in zip(variables, starts.tolist(), encoded, strict=False):
            (codes if isinstance(variable, Category) else numbers).append((start, cells))
        n_rows = len(encoded[0])
        self.columns, self.shape = columns, (int(starts[-1]),)
        self._number_columns = np.array([start for start, _ in numbers], np.intp)
        self._numbers = _side_by_side([cells for _, cells in numbers], n_rows, np.float64)
        self._starts = np.array([start for start, _ in codes], np.intp)
        self._widths = np.array([variable.width for variable in variables if isinstance(variable, Category)], np.intp)
        self._codes = _side_by_side([cells for _, cells in codes], n_rows, np.int32)

    def __len__(self) -> int:
        return len(self._numbers)

    def read(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Return the rows start … stop - 1 as [rows, n_columns]."""
        return self._expand(slice(start, stop))

    def take(self, indices: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the rows at `indices`, in that order, as [rows, n_columns]."""
        return self._expand(np.asarray(indices, dtype=np.intp))

    def _expand(self, rows: slice | npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        numbers, codes = self._numbers[rows], self._codes[rows]
        block = np.zeros((len(numbers), *self.shape))
        block[:, self._number_columns] = numbers
        row, column = np.nonzero((codes >= 0) & (codes < self._widths))
        block[row, self._starts[column] + codes[row, column]] = 1
        missing = codes < 0
        for number in np.flatnonzero(missing.any(axis=0)):
            start = self._starts[number]
            block[missing[:, number], start : start + self._widths[number]] = np.nan
        return block


def _side_by_side(cells: Sequence[npt.NDArray[np.generic]], n_rows: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return columns, maybe none, as one array [n_rows, columns]."""
    array = np.empty((n_rows, len(cells)), dtype)
    for number, column in enumerate(cells):
        array[:, number] = column
    return array
