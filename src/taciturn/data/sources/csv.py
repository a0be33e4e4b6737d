"""Comma-separated text: pyarrow reads it, and says in which line what is no number."""

import csv
import os
from dataclasses import dataclass

import numpy as np

from ...core.atomic import atomic
from ...core.errors import DataError
from .blocks import Blocks
from .columns import Names, kept, not_numbers
from .source import Rows

# pyarrow is imported where it is used: naming a data set or asking for help should not wait for it.

# A line must fit into a block, and 10,000 columns make a long one.
_BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class _Head:
    """What the first line tells: names (if it holds any), the number of cells, the lines before the rows."""

    names: tuple[str, ...] | None
    width: int
    lines: int


def read(path: str | os.PathLike[str], *, columns: Names | None = None, drop: Names | None = None) -> Rows:
    """Return the table's numbers as float64, missing cells (empty, NA, NaN) as NaN.

    The first line is a header if one of its cells is not a number, or if it counts 0, 1, 2, …
    Columns that are not kept may hold anything.
    """
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    missing = frozenset(arrow_csv.ConvertOptions().null_values)
    head = _head(path, missing)
    positions = kept(head.names, head.width, columns, drop)
    # By number: names may be missing.
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
        fault = _fault(path, head, positions, missing)
        if fault is None:
            raise
        raise fault from error
    rows = np.empty((table.num_rows, len(positions)))
    for column, values in enumerate(table.columns):
        rows[:, column] = values.to_numpy()
    return Rows(rows, columns=head.names and tuple(head.names[position] for position in positions))


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write the blocks as comma-separated text, under a header line if the columns have names."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    # As text a truth value would be a word, and no number when it is read back.
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
        before = lines.line_num
    if first is None:
        raise DataError("the file is empty; give one with rows")
    if any("\ufffd" in cell for cell in first):
        raise DataError("the first line is not UTF-8 text; save the file as UTF-8")
    if len(first) > 1 and first == [str(number) for number in range(len(first))]:
        return _Head(names=None, width=len(first), lines=before)  # pandas names columns without names so
    if all(_is_number(cell, missing) for cell in first):
        return _Head(names=None, width=len(first), lines=0)
    return _Head(names=tuple(first), width=len(first), lines=before)


def _is_number(cell: str, missing: frozenset[str]) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell in missing
    return "_" not in cell  # Python's 1_000 is no number elsewhere


def _fault(
    path: str | os.PathLike[str], head: _Head, positions: list[int], missing: frozenset[str]
) -> DataError | None:
    """Return what keeps the file from being read, with its line: pyarrow's own words lack it."""
    words: dict[int, str] = {}
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        lines = csv.reader(file)
        for cells in lines:
            if not cells or lines.line_num <= head.lines:
                continue
            if len(cells) != head.width:
                return DataError(f"line {lines.line_num} has {len(cells)} cells, the first {head.width}; mend the line")
            for position in positions:
                if position not in words and not _is_number(cells[position], missing):
                    words[position] = f"line {lines.line_num}: {cells[position][:40]!r}"
    names = head.names or [str(position) for position in range(head.width)]
    return not_numbers({names[position]: words[position] for position in sorted(words)}) if words else None
