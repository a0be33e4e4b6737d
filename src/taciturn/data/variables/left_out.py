"""Columns that the model does not see: those to drop, and the rows' ids."""

from __future__ import annotations

from typing import Any, Self

from .cells import Cells
from .values import pack
from .variable import Variable


class Dropped(Variable, frozen=True, kw_only=True, tag="drop"):
    """A column that is left out."""

    kind = "drop"
    words = ("dropped column", "dropped columns")

    @classmethod
    def decide(cls, label: Any, cells: Cells) -> Self:
        """Return the variable of any column."""
        return cls(name=pack(label), dtype=cells.dtype)

    @property
    def width(self) -> int:
        """0: nothing is encoded."""
        return 0

    def names(self) -> list[str]:
        """Return no name."""
        return []


class Identifier(Dropped, frozen=True, kw_only=True, tag="id"):
    """A column that names the rows, and is left out."""

    kind = "id"
    words = ("id", "ids")
