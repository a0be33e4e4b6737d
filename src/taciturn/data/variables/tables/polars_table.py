"""Data frames of Polars."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ....core.errors import ArtifactError
from ....core.messages import quoted
from ..cells import Cells, Dtype, from_categories, refuse_type, taken
from ..objects import from_objects
from ..values import unpack


class OwnTable:
    """A data frame. It has no index."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.labels: list[Any] = list(frame.columns)

    def __len__(self) -> int:
        return self.frame.height

    def is_numeric(self) -> bool:
        """Return whether the types of all columns are integers and floats."""
        return all(dtype.is_integer() or dtype.is_float() for dtype in set(self.frame.dtypes))

    def native(self, label: Any) -> Any:
        """Return the type of a column."""
        return self.column(label).dtype

    def column(self, label: Any) -> pl.Series:
        """Return a column."""
        return self.frame.get_column(label)

    def cells(self, label: Any) -> Cells:
        """Return a column as cells."""
        series = self.column(label)
        dtype = series.dtype
        if isinstance(dtype, pl.Enum):
            values = dtype.categories.to_list()
            return from_categories(label, "Enum", series.rename("").cast(pl.String).to_arrow(), values, ordered=True)
        text = str(dtype)
        if isinstance(dtype, pl.Categorical):
            cells = Cells(label, Dtype(text=text, arrow="large_string"), series.rename("").cast(pl.String).to_arrow())
            return Cells(label, cells.dtype, None, *cells.coded(), declared=True)
        if dtype.is_integer():
            whole = series.cast(pl.Int64, strict=False)  # Arrow has no integers of 128 bits
            if text.endswith("128"):
                series = whole if whole.null_count() == series.null_count() else series.cast(pl.Float64)
        if isinstance(dtype, pl.Object):
            return from_objects(label, Dtype(text=text), series.to_list())
        values = series.rename("").to_arrow()  # Arrow's names have no byte 0
        refuse_type(label, values.type, text)
        return Cells(label, Dtype(text=text, arrow=str(values.type)), values)

    @staticmethod
    def parsed(dtype: Dtype) -> Any:
        """Return the type that was stored."""
        try:
            if dtype.categories is not None:
                return pl.Enum([unpack(each) for each in dtype.categories])
            call = ast.parse(dtype.text, mode="eval").body
            name = call.func if isinstance(call, ast.Call) else call
            parameters = call.keywords if isinstance(call, ast.Call) else []
            kind = getattr(pl, name.id) if isinstance(name, ast.Name) else None
            if not (isinstance(kind, type) and issubclass(kind, pl.DataType)) or getattr(call, "args", None):
                raise TypeError("unknown")
            return kind(**{str(each.arg): ast.literal_eval(each.value) for each in parameters})
        except (AttributeError, TypeError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
            raise ArtifactError(f"{quoted(dtype.text)} is not a type of this Polars; the file is damaged") from error

    @staticmethod
    def built(cells: Cells, native: Any) -> pl.Series:
        """Return cells as a column of a type; None: the one that Polars takes for Arrow's."""
        if isinstance(native, pl.Object):
            values = cells.values.to_pylist() if cells.codes is None else [*cells.distinct, None]
            chosen = values if cells.codes is None else [values[code] for code in cells.codes]
            return pl.Series(cells.name, chosen, dtype=pl.Object)
        series: Any = pl.from_arrow(cells.values if cells.codes is None else taken(cells))
        return series if native is None else series.cast(native)  # type: ignore[no-any-return]

    def filled(self, label: Any, known: NDArray[np.bool_], built: pl.Series) -> pl.Series:
        """Return a column with its missing cells taken from another; the other if its type is another."""
        column = self.column(label)
        return built if built.dtype != column.dtype else column.zip_with(pl.Series(known), built)

    @staticmethod
    def joined(columns: Mapping[Any, Any], like: pl.DataFrame | None) -> pl.DataFrame:
        """Return columns as a frame."""
        return pl.DataFrame([series.alias(str(label)) for label, series in columns.items()])
