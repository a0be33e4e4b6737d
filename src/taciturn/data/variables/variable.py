"""The base of the kinds of variables: what a column of a table is, and how it becomes numbers and values again."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from .cells import Cells, Dtype
from .values import unpack


class Variable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A column of a table. JSON names its class by the key "kind".

    Parameters
    ----------
    name : str, int or dict
        The column's name, as `values.pack` writes it.
    dtype : Dtype
        The column's type in the table that was decided on.

    Attributes
    ----------
    kind : str
        "number", "integer", "boolean", "category", "date", "drop" or "id".
    words : (str, str)
        What one is called, and several.
    """

    name: Any
    dtype: Dtype

    kind: ClassVar[str] = ""
    words: ClassVar[tuple[str, str]] = ("", "")

    def __post_init__(self) -> None:
        unpack(self.name)

    @classmethod
    def decide(cls, label: Any, cells: Cells) -> Self:
        """Return the variable of a column's cells; raise DataError where they are of another kind."""
        raise NotImplementedError

    @property
    def label(self) -> Any:
        """The column's name as the table has it."""
        return unpack(self.name)

    @property
    def text(self) -> str:
        """The column's name as text."""
        return str(self.label)

    @property
    def level(self) -> int:
        """0 for a number, 1 for a boolean, K >= 2 for a category of K levels."""
        return 0

    @property
    def width(self) -> int:
        """The number of encoded columns."""
        return 1

    def names(self) -> list[str]:
        """Return the names of the encoded columns."""
        return [self.text]

    def encoding(self) -> list[dict[str, Any]]:
        """Return what each encoded column holds, as JSON can hold it; see `Variables.encoding`."""
        return [{"value": "the number"}]

    def encode(self, cells: Cells) -> NDArray[np.generic]:
        """Return cells as numbers [N] in float64, NaN where missing; a category as int64, see `Category`.

        Raises
        ------
        DataError
            A cell is not of this kind; the message names the first.
        """
        raise NotImplementedError

    def decode(self, block: NDArray[np.float64], dtype: Dtype) -> Cells:
        """Return encoded columns [N, width] as cells of a type."""
        raise NotImplementedError

    def fits(self, cells: Cells) -> bool:
        """Return whether a column of the type of these cells can hold the variable's values."""
        return cells.type is not None
