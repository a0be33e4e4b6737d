"""What the numbers of all pages on one model have in common: names of rows, and JSON."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ...core.atomic import atomic
from .numbers import all_finite


def now() -> str:
    """Return the time in UTC, as pages show it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


class PageNumbers:
    """The base of the numbers of a page. `to_dict` returns them as plain values.

    Attributes
    ----------
    name : str
        The page's name.
    row_names : Mapping of int to str
        The ids of the rows that the page names, by the rows' indices.
    likely_shape : sequence of int or None
        The image shape that the rows are likely to have, if they have none.
    """

    row_noun = "row"  # what a row is called that has no id
    name: str
    row_names: Mapping[int, str]
    likely_shape: Sequence[int] | None
    pictures: Any  # what the page draws and the JSON does not hold; among it `texts`, by row

    @property
    def found_by(self) -> str:
        """What rows are found by, such as "id or text"; "" where they have neither."""
        return " or ".join(["id"] * bool(self.row_names) + ["text"] * bool(self.pictures.texts))

    @property
    def suggestion(self) -> str | None:
        """A sentence on the shape that the rows are likely to have; None without one."""
        if self.likely_shape is None:
            return None
        sides = [str(side) for side in self.likely_shape]
        return (
            f"Neighbouring columns correlate like the pixels of {' × '.join(sides)} images. To draw rows and latents "
            f"as images: shape=({', '.join(sides)}), or --shape {'x'.join(sides)}."
        )

    def row_name(self, row: int) -> str:
        """Return the name of a row: its id, or without ids what it is ("row") and its index."""
        return self.row_names.get(row, f"{self.row_noun} {row:,}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; docs/report.md lists the keys."""
        raise NotImplementedError

    def json(self) -> str:
        """Return the numbers as JSON; infinite numbers and NaN become null."""
        return json.dumps(all_finite(self.to_dict()), ensure_ascii=False, allow_nan=False) + "\n"

    def save_json(self, path: str | os.PathLike[str]) -> None:
        """Write the numbers as JSON. A failure leaves no partial file."""
        with atomic(path) as temporary:
            temporary.write_text(self.json(), encoding="utf-8", errors="backslashreplace")  # of half a surrogate pair
