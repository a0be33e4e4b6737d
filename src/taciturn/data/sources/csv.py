"""Reader and writer of text tables. pyarrow reads them; errors name the line and the cell."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.atomic import atomic
from .batches import Batches, of_blocks
from .blocks import Blocks
from .columns import Names, column_positions, label_position
from .csv_columns import ParsedColumns, read_columns
from .csv_faults import located_errors
from .csv_head import Head, read_head
from .csv_lines import BOOLEANS, is_number, missing_texts, numbered_cells
from .dialect import Dialect, DialectOptions
from .find_dialect import usual_separator
from .format import Format, Selection
from .memory import empty_rows
from .source import Array, Rows
from .text_file import COMPRESSED_ENDINGS, open_text, open_to_write

if TYPE_CHECKING:
    import pyarrow

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.

ENDINGS = (".csv", ".tsv", ".tab", ".txt")
_ARROW_COLUMNS = 20_000  # pyarrow takes about 10 kB per column: wider tables are read line by line


def read(
    path: str | os.PathLike[str],
    *,
    columns: Names | None = None,
    drop: Names | None = None,
    header: bool | None = None,
    dialect: DialectOptions | None = None,
) -> Rows:
    """Return the numbers of a text table.

    Parameters
    ----------
    path : str or path-like
        The file, which may be compressed.
    columns, drop
        As for `select`. Columns that are left out may hold any text.
    header : bool, optional
        Whether the first line holds names. By default the rows below it decide (`header.judge`), and a warning is given
        where it is not plain. A header 0, 1, 2, … is one of columns without names.
    dialect : DialectOptions, optional
        What is known of the dialect. The rest is found, and a `DialectFound` warning given if it is not the usual.

    Returns
    -------
    Rows
        float64; missing cells (empty, NA, NaN, ...) are NaN, True and False are 1 and 0. In a table of one column an
        empty line is a missing cell, too. A first column without a name becomes the rows' ids.

    Raises
    ------
    DataError
        A selected column is not numeric, a line has too few or too many cells, or the file is empty or not text.
    RecipeError
        An option of the dialect is not possible.
    """
    head = read_head(path, header, [*_as_list(columns), *_as_list(drop)], dialect)
    positions = column_positions(head.names, head.width, columns, drop, head.labels)
    read_rows = _rows_by_arrow if head.width <= _ARROW_COLUMNS else _rows_line_by_line
    with located_errors(path, head, positions):
        rows, ids, form, doubt = read_rows(path, head, positions)
    head.warn(path, form, doubt)
    names = head.names and tuple(head.names[position] for position in positions)
    integers = [number for number, position in enumerate(positions) if position not in head.fractions]
    return Rows(rows, columns=names, ids=ids, integers=integers)


def read_table(path: str | os.PathLike[str], selection: Selection) -> "tuple[pyarrow.Table, list[Any] | None]":
    """Return the columns of a text table in the types of their cells, and the rows' ids; see `tables.read_table`."""
    import pyarrow as pa

    requested = [*_as_list(selection.columns), *_as_list(selection.drop)]
    head = read_head(path, selection.header, requested, selection.dialect, texts=True)
    positions = column_positions(head.names, head.width, selection.columns, selection.drop, head.labels)
    with located_errors(path, head, []):
        parsed = read_columns(path, head, positions, head.fractions)
    head.warn(path, parsed.form, parsed.doubt)
    names = head.names or [str(position) for position in range(head.width)]
    return pa.table({names[position]: parsed.typed(position) for position in positions}), _ids(parsed, head)


def write_table(path: str | os.PathLike[str], table: Batches, *, header: bool = True) -> None:
    """Write a table as text in UTF-8: its cells are separated, and it is compressed, as the file's ending tells.

    Ids become a first column without a name.
    """
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    table = table.labelled()
    # Arrow has no text for its views.
    views = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
    schema = pa.schema([field.with_type(views.get(field.type, field.type)) for field in table.schema])
    options = arrow_csv.WriteOptions(include_header=header, delimiter=usual_separator(Path(path)))
    with (
        atomic(path) as temporary,
        open_to_write(temporary, Path(path).suffix.lower()) as file,
        arrow_csv.CSVWriter(file, schema, write_options=options) as writer,
    ):
        for batch in table.batches:
            writer.write_batch(batch.cast(schema))


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as text, with a header line if the columns have names; booleans become 0 and 1."""
    if blocks.dtype.kind == "b":  # as text a boolean would be a word, which is not numeric when it is read
        blocks.dtype = np.dtype(np.uint8)
    write_table(path, of_blocks(blocks), header=blocks.columns is not None or blocks.ids is not None)


def labels(path: Path, column: str | None, selection: Selection) -> NDArray[Any]:
    """Return one column of a text table as labels; see `read_labels`."""
    head = read_head(path, selection.header, _as_list(column), selection.dialect, texts=True)
    position = label_position(head.names, head.width, column, head.labels)
    with located_errors(path, head, []):
        parsed = read_columns(path, head, [position], ())
    head.warn(path, parsed.form, parsed.doubt)
    return _numbers_or_texts(parsed.typed(position, dates=False))


def _as_list(names: Names | None) -> Sequence[str | int]:
    return [] if names is None else [names] if isinstance(names, str | int) else names


def _rows_by_arrow(
    path: str | os.PathLike[str], head: Head, positions: Sequence[int]
) -> tuple[Array, Any, Dialect, str]:
    """Return the rows, their ids, the dialect of all numbers and a warning about it."""
    parsed = read_columns(path, head, positions, positions)
    columns = [values for position in positions if (values := parsed.numbers[position]) is not None]
    if len(columns) < len(positions):
        with located_errors(path, replace(head, dialect=parsed.form), positions):
            raise ValueError("a column is not numeric")
    rows = empty_rows((len(columns[0]), len(positions)), np.dtype(np.float64))
    for column, values in enumerate(columns):
        rows[:, column] = values.to_numpy()
    return rows, _ids(parsed, head), parsed.form, parsed.doubt


def _rows_line_by_line(
    path: str | os.PathLike[str], head: Head, positions: Sequence[int]
) -> tuple[Array, Any, Dialect, str]:
    """Return what `_rows_by_arrow` returns; numbers are written as in the first lines."""
    rows: list[NDArray[Any]] = []
    ids: list[Any] = []
    with open_text(path, head.dialect) as file:
        for line, cells in numbered_cells(file, head.dialect):
            if cells and line > head.lines:
                if len(cells) != head.width:
                    raise ValueError(f"line {line} has {len(cells)} cells")
                numbers = (_number(cells[position], head.dialect) for position in positions)
                rows.append(np.fromiter(numbers, float, len(positions)))
                ids.extend(cells[position] for position in head.labels)
    return np.array(rows).reshape(len(rows), len(positions)), ids or None, head.dialect, ""


def _number(cell: str, dialect: Dialect) -> float:
    if cell in BOOLEANS:
        return float(cell.lower() == "true")
    if not is_number(cell, dialect):
        raise ValueError(f"{cell!r} is not a number")
    return np.nan if cell in missing_texts() else float(dialect.plain(cell))


def _numbers_or_texts(values: "pyarrow.ChunkedArray") -> NDArray[Any]:
    """Return a column as an array of whole numbers, numbers or bools (a missing one is NaN), else of str and None."""
    import pyarrow as pa

    if pa.types.is_string(values.type):
        return np.array(values.to_pylist(), dtype=object)
    numbers: NDArray[Any] = values.cast(pa.float64()).to_numpy() if pa.types.is_null(values.type) else values.to_numpy()
    return numbers


def _ids(parsed: ParsedColumns, head: Head) -> list[Any] | None:
    """Return the labels of rows as ids; None if there are none, or if they only count the rows."""
    if not head.has_labels:
        return None
    ids: list[Any] = _numbers_or_texts(parsed.typed(0, dates=False)).tolist()
    return None if ids == list(range(len(ids))) else ids


def _is_text_table(name: str) -> bool:
    """Return whether a file's name in lower case is that of a text table, which may be compressed."""
    for ending in COMPRESSED_ENDINGS:
        name = name.removesuffix(ending)
    return name.endswith(ENDINGS)


FORMAT = Format(
    ".csv",
    lambda path, selection: read(
        path,
        columns=selection.columns,
        drop=selection.drop,
        header=selection.header,
        dialect=selection.dialect,
    ),
    write,
    write_table,
    labels,
    endings_text=".csv, .tsv, .txt (also .gz, .bz2, .xz, .zst)",
    matches=_is_text_table,
)
