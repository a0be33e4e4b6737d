"""Data frames of pandas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ....core.errors import ArtifactError, DataError
from ....core.messages import one_line, quoted
from ..cells import Cells, Dtype, refuse_type, taken
from ..objects import from_objects
from ..values import pack, unpack
from . import arrow_table

_ARROW = "[pyarrow]"


class OwnTable:
    """A data frame."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.labels: list[Any] = list(frame.columns)
        self._positions = {label: position for position, label in enumerate(self.labels)}

    def __len__(self) -> int:
        return len(self.frame)

    def is_numeric(self) -> bool:
        """Return whether the types of all columns are integers and floats."""
        return all(dtype.kind in "iuf" for dtype in set(self.frame.dtypes))

    def native(self, label: Any) -> Any:
        """Return the dtype of a column."""
        return self.column(label).dtype

    def column(self, label: Any) -> pd.Series[Any]:
        """Return a column."""
        frame: Any = self.frame
        series: pd.Series[Any] = frame.iloc[:, self._positions[label]]
        return series

    def cells(self, label: Any) -> Cells:
        """Return a column as cells."""
        import pyarrow as pa

        series, name = self.column(label), str(label)
        dtype = series.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            return _categorical(name, series)
        if isinstance(dtype, pd.ArrowDtype):
            cells = arrow_table.cells_of(name, pa.array(series))
            return replace(cells, dtype=msgspec.structs.replace(cells.dtype, text=cells.dtype.text + _ARROW))
        if isinstance(dtype, pd.SparseDtype):
            series = pd.Series(np.asarray(series))
        text = _text(dtype)
        if series.dtype == np.dtype(object):
            return from_objects(name, Dtype(text=text), series.tolist())
        try:
            values = pa.array(series, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError) as error:
            if series.dtype != np.longdouble:
                mend = "convert it to numbers, or drop it"
                raise DataError(f"column {quoted(name)} has the type {one_line(dtype)}; {mend}") from error
            values = pa.array(series.to_numpy(np.float64), from_pandas=True)
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        refuse_type(name, values.type, text)
        return Cells(name, Dtype(text=text, arrow=str(values.type)), values)

    @staticmethod
    def parsed(dtype: Dtype) -> Any:
        """Return the dtype that was stored."""
        try:
            if dtype.text.endswith(_ARROW):
                own = msgspec.structs.replace(dtype, text=dtype.text.removesuffix(_ARROW))
                return pd.ArrowDtype(arrow_table.OwnTable.parsed(own))
            if dtype.categories is not None:
                own = OwnTable.parsed(Dtype(text=dtype.text.removeprefix("category of "), arrow=dtype.arrow))
                return pd.CategoricalDtype(pd.Index(list(map(unpack, dtype.categories)), dtype=own), dtype.ordered)
            kind, _, storage = dtype.text.partition(":")
            if kind in ("str", "string"):
                return pd.StringDtype(storage, na_value=np.nan) if kind == "str" else pd.StringDtype(storage)
            return pd.api.types.pandas_dtype(dtype.text)
        except (TypeError, ValueError) as error:
            raise ArtifactError(f"{quoted(dtype.text)} is not a dtype of this pandas: {one_line(error)}") from error

    @staticmethod
    def built(cells: Cells, native: Any) -> Any:
        """Return cells as an array of a dtype; None: the one that pandas takes for Arrow's."""
        if isinstance(native, pd.SparseDtype):
            return pd.arrays.SparseArray(OwnTable.built(cells, native.subtype), dtype=native)
        if isinstance(native, pd.ArrowDtype):
            return native.__from_arrow__(arrow_table.OwnTable.built(cells, native.pyarrow_dtype))  # type: ignore[attr-defined]
        if cells.codes is not None:
            if isinstance(native, pd.CategoricalDtype):
                return pd.Categorical.from_codes(cells.positions_in(native.categories.tolist()), dtype=native)
            if native == np.dtype(object):
                return _objects([*cells.distinct, None], cells.codes)
            return OwnTable.built(Cells(cells.name, cells.dtype, taken(cells)), native)
        values = cells.values
        if native is None:
            return values.to_pandas().array
        if native == np.dtype(object):
            return _objects(values.to_pylist(), np.arange(len(values)))
        if hasattr(native, "__from_arrow__"):
            return native.__from_arrow__(values)
        array = values.to_numpy(zero_copy_only=False)
        return array if values.null_count and native.kind in "biu" else array.astype(native)

    def filled(self, label: Any, known: NDArray[np.bool_], built: Any) -> Any:
        """Return a column with its missing cells taken from an array; the array if its dtype is another."""
        series = self.column(label)
        if built.dtype != series.dtype:
            return built
        if isinstance(series.dtype, pd.SparseDtype):  # whose cells cannot be set
            return pd.arrays.SparseArray(np.where(known, np.asarray(series), np.asarray(built)), dtype=series.dtype)
        cells: Any = np.array(series) if isinstance(series.dtype, np.dtype) else series.array.copy()
        cells[~known] = built[~known]
        return cells

    @staticmethod
    def joined(columns: Mapping[Any, Any], like: pd.DataFrame | None) -> pd.DataFrame:
        """Return columns as a frame with the index of `like`, and its kind of column names."""
        index = None if like is None else like.index
        # a type is given for objects, because pandas would take text among them for its own
        series = [pd.Series(_cells_of(column), index, column.dtype) for column in columns.values()]
        frame = pd.DataFrame(dict(enumerate(series)))
        if like is not None and list(columns) == list(like.columns):
            frame.columns = like.columns
        else:
            frame.columns = pd.Index(list(columns))
        return frame


def _cells_of(column: Any) -> Any:
    """Return the array of a series without its index; an array as it is."""
    if not isinstance(column, pd.Series):
        return column
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array


def _objects(values: list[Any], positions: Any) -> Any:
    """Return Python objects at some positions as an array of objects."""
    array = np.empty(len(values), object)
    array[:] = values
    return array[positions]


def _categorical(name: str, series: pd.Series[Any]) -> Cells:
    dtype: Any = series.dtype
    distinct = dtype.categories.tolist()
    try:
        packed = tuple(pack(value) for value in distinct)
    except TypeError as error:
        raise DataError(f"column {quoted(name)} holds categories of {error}; drop it") from error
    own = dtype.categories.dtype
    arrow = str(own.pyarrow_dtype) if isinstance(own, pd.ArrowDtype) else None
    stored = Dtype(text=f"category of {_text(own)}", arrow=arrow, categories=packed, ordered=bool(dtype.ordered))
    return Cells(name, stored, None, np.asarray(series.cat.codes, np.int64), distinct, True)


def _text(dtype: Any) -> str:
    """Return the text of a dtype, from which `OwnTable.parsed` makes it."""
    if isinstance(dtype, pd.StringDtype):
        return f"{'string' if dtype.na_value is pd.NA else 'str'}:{dtype.storage}"
    return str(dtype)
