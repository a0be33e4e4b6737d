"""Reader and writer of comma-separated text. pyarrow reads it; errors name the line and the cell."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.atomic import atomic
from .blocks import Blocks
from .columns import Names, column_positions, label_position
from .csv_faults import located_error
from .csv_lines import LINE_BYTES, Head, is_number, missing_texts, numbered_cells, read_head
from .format import Format
from .memory import empty_rows
from .source import Array, Rows

if TYPE_CHECKING:
    import pyarrow

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.

_ARROW_COLUMNS = 20_000  # pyarrow takes about 10 kB per column: wider tables are read line by line


def read(
    path: str | os.PathLike[str],
    *,
    columns: Names | None = None,
    drop: Names | None = None,
    header: bool | None = None,
) -> Rows:
    """Return the table of a .csv file.

    Parameters
    ----------
    path : str or path-like
        UTF-8 text.
    columns, drop
        As for `select`. Columns that are left out may hold any text.
    header : bool, optional
        Whether the first line holds names. By default the rows below it decide (`header.judge`), and a warning is given
        where it is not plain. A header 0, 1, 2, … is one of columns without names.

    Returns
    -------
    Rows
        float64; missing cells (empty, NA, NaN, ...) are NaN. In a table of one column an empty line is one, too.

    Raises
    ------
    DataError
        A selected column is not numeric, a line has too few or too many cells, or the file is empty or not UTF-8.
    """
    head = read_head(path, header, [*_as_list(columns), *_as_list(drop)])
    positions = column_positions(head.names, head.width, columns, drop)
    read_rows = _rows_by_arrow if head.width <= _ARROW_COLUMNS else _rows_line_by_line
    with _located_errors(path, head, positions):
        rows = read_rows(path, head, positions)
    head.warn()
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
        temporary.open("wb") as file,  # pyarrow itself opens only names in UTF-8
        arrow_csv.CSVWriter(file, schema, write_options=options) as writer,
    ):
        for block in blocks:
            cells = [pa.array(column) for column in block.astype(dtype, copy=False).T]
            writer.write_batch(pa.record_batch(cells, schema=schema))


def labels(path: Path, column: str | None, header: bool | None) -> NDArray[Any]:
    """Return one column of a .csv file as labels; see `read_labels`."""
    import pyarrow as pa

    head = read_head(path, header, _as_list(column))
    position = label_position(head.names, head.width, column)
    with _located_errors(path, head, []):
        texts = _arrow_table(path, head, [position], pa.string()).column(0)
    head.warn()
    return _numbers_or_texts(texts)


def _as_list(names: Names | None) -> Sequence[str | int]:
    return [] if names is None else [names] if isinstance(names, str | int) else names


@contextmanager
def _located_errors(path: str | os.PathLike[str], head: Head, positions: Sequence[int]) -> Iterator[None]:
    """Raise pyarrow's errors again with the line, which they lack."""
    try:
        yield
    except ValueError as error:  # pyarrow's errors are such
        raise located_error(path, head, positions) or error from error


def _rows_by_arrow(path: str | os.PathLike[str], head: Head, positions: Sequence[int]) -> Array:
    import pyarrow as pa

    table = _arrow_table(path, head, positions, pa.float64())
    rows = empty_rows((table.num_rows, len(positions)), np.dtype(np.float64))
    for column, values in enumerate(table.columns):
        rows[:, column] = values.to_numpy()
    return rows


def _arrow_table(
    path: str | os.PathLike[str], head: Head, positions: Sequence[int], dtype: "pyarrow.DataType"
) -> "pyarrow.Table":
    import pyarrow.csv as arrow_csv

    # pyarrow gets numbers as names, because the columns may have no names.
    numbers = [str(position) for position in range(head.width)]
    with open(path, "rb") as file:  # pyarrow itself opens only names in UTF-8
        return arrow_csv.read_csv(
            file,
            read_options=arrow_csv.ReadOptions(column_names=numbers, skip_rows=head.lines, block_size=LINE_BYTES),
            # In a table of one column an empty line is a missing cell.
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=head.width > 1),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=[numbers[position] for position in positions],
                column_types=dict.fromkeys(numbers, dtype),
                strings_can_be_null=True,
            ),
        )


def _rows_line_by_line(path: str | os.PathLike[str], head: Head, positions: Sequence[int]) -> Array:
    rows = []
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        for line, cells in numbered_cells(file):
            if cells and line > head.lines:
                if len(cells) != head.width:
                    raise ValueError(f"line {line} has {len(cells)} cells")
                rows.append(np.fromiter((_number(cells[position]) for position in positions), float, len(positions)))
    return np.array(rows).reshape(len(rows), len(positions))


def _number(cell: str) -> float:
    if not is_number(cell):
        raise ValueError(f"{cell!r} is not a number")
    return np.nan if cell in missing_texts() else float(cell)


def _numbers_or_texts(texts: "pyarrow.ChunkedArray") -> NDArray[Any]:
    """Return texts as whole numbers, numbers or bools if all are such (a missing one is NaN), else as str and None."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(texts)
    for dtype in (pa.int64(), pa.float64(), pa.bool_()):
        try:
            numbers: NDArray[Any] = trimmed.cast(dtype).to_numpy()
        except pa.ArrowInvalid:
            continue
        return numbers
    return np.array(texts.to_pylist(), dtype=object)


FORMAT = Format(
    ".csv",
    lambda path, selection: read(path, columns=selection.columns, drop=selection.drop, header=selection.header),
    write,
    labels,
)
