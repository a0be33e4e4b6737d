"""Reader and writer of comma-separated text. pyarrow reads it; errors name the line and the cell."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core.atomic import atomic
from ...core.errors import DataError
from .blocks import Blocks
from .columns import Names, column_positions, not_numeric
from .format import Format
from .source import Rows

if TYPE_CHECKING:
    import pyarrow

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.

# A line must fit into a block, and 10,000 columns make a long one.
_BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class _Head:
    """What is known from the first line: names (if it is a header), number of cells, lines before the first row."""

    names: tuple[str, ...] | None
    width: int
    lines: int


def read(path: str | os.PathLike[str], *, columns: Names | None = None, drop: Names | None = None) -> Rows:
    """Return the table of a .csv file.

    Parameters
    ----------
    path : str or path-like
        UTF-8 text. The first line is a header if one of its cells is not a number. A first line 0, 1, 2, … is a
        header of columns without names.
    columns, drop
        As for `select`. Columns that are left out may hold any text.

    Returns
    -------
    Rows
        float64; missing cells (empty, NA, NaN, ...) are NaN.

    Raises
    ------
    DataError
        A selected column is not numeric, a line has too few or too many cells, or the file is empty or not UTF-8.
    """
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    missing = frozenset(arrow_csv.ConvertOptions().null_values)
    head = _head(path, missing)
    positions = column_positions(head.names, head.width, columns, drop)
    # pyarrow gets numbers as names, because the columns may have no names.
    numbers = [str(position) for position in range(head.width)]
    try:
        table = arrow_csv.read_csv(
            os.fspath(path),
            read_options=arrow_csv.ReadOptions(column_names=numbers, skip_rows=head.lines, block_size=_BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=[numbers[position] for position in positions],
                column_types=dict.fromkeys(numbers, pa.float64()),
            ),
        )
    except pa.ArrowInvalid as error:
        located = _located_error(path, head, positions, missing)
        if located is None:
            raise
        raise located from error
    rows = np.empty((table.num_rows, len(positions)))
    for column, values in enumerate(table.columns):
        rows[:, column] = values.to_numpy()
    return Rows(rows, columns=head.names and tuple(head.names[position] for position in positions))


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as comma-separated text, with a header line if the columns have names; booleans become 0 and 1."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    # As text a boolean would be a word, which is not numeric when it is read.
    dtype = np.dtype(np.uint8) if blocks.dtype.kind == "b" else blocks.dtype
    schema = pa.schema([(name, pa.from_numpy_dtype(dtype)) for name in blocks.names])
    options = arrow_csv.WriteOptions(include_header=blocks.columns is not None)
    with (
        atomic(path) as temporary,
        arrow_csv.CSVWriter(temporary, schema, write_options=options) as writer,
    ):
        for block in blocks:
            cells = [pa.array(column) for column in block.astype(dtype, copy=False).T]
            writer.write_batch(pa.record_batch(cells, schema=schema))


def _head(path: str | os.PathLike[str], missing: frozenset[str]) -> _Head:
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = csv.reader(file)
        first = next((cells for cells in lines if cells), None)
        lines_read = lines.line_num
    if first is None:
        raise DataError("the file is empty; give one with rows")
    if any("\ufffd" in cell for cell in first):
        raise DataError("the first line is not UTF-8 text; save the file as UTF-8")
    if len(first) > 1 and first == [str(number) for number in range(len(first))]:
        return _Head(names=None, width=len(first), lines=lines_read)  # pandas writes this for columns without names
    if all(_is_number(cell, missing) for cell in first):
        return _Head(names=None, width=len(first), lines=0)
    return _Head(names=tuple(first), width=len(first), lines=lines_read)


def _is_number(cell: str, missing: frozenset[str]) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell in missing
    return "_" not in cell  # Python reads 1_000 as a number; pyarrow does not


def _located_error(
    path: str | os.PathLike[str], head: _Head, positions: list[int], missing: frozenset[str]
) -> DataError | None:
    """Return the error that names the line at fault, which pyarrow's message lacks; None if no fault is found."""
    reasons: dict[int, str] = {}
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        lines = csv.reader(file)
        for cells in lines:
            if not cells or lines.line_num <= head.lines:
                continue
            if len(cells) != head.width:
                return DataError(
                    f"line {lines.line_num} has {len(cells)} cells, the first {head.width}; correct the line"
                )
            for position in positions:
                if position not in reasons and not _is_number(cells[position], missing):
                    reasons[position] = f"line {lines.line_num}: {cells[position][:40]!r}"
    names = head.names or [str(position) for position in range(head.width)]
    return not_numeric({names[position]: reasons[position] for position in sorted(reasons)}) if reasons else None


def table(path: Path) -> "pyarrow.Table":
    """Return all columns of a .csv file, text included."""
    import pyarrow.csv as arrow_csv

    convert = arrow_csv.ConvertOptions(strings_can_be_null=True)
    return arrow_csv.read_csv(
        path, convert_options=convert, parse_options=arrow_csv.ParseOptions(newlines_in_values=True)
    )


FORMAT = Format(
    ".csv", lambda path, selection: read(path, columns=selection.columns, drop=selection.drop), write, table
)
