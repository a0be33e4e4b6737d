"""Columns of a text table, read by pyarrow: as numbers where all cells are such, else as texts."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .csv_head import Head
from .csv_lines import LINE_BYTES
from .dialect import Dialect, DialectOptions
from .text_file import open_utf8
from .typed_columns import number_form, typed

if TYPE_CHECKING:
    import pyarrow

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.


@dataclass(frozen=True)
class ParsedColumns:
    """Columns of a text table by their positions.

    Parameters
    ----------
    texts : dict of int to pyarrow.ChunkedArray
        The cells of columns that were not read as numbers at once, and of row labels.
    numbers : dict of int to pyarrow.ChunkedArray of float64 or None
        The columns as numbers; None for one that is not numeric.
    form : Dialect
        How all numbers are written; the first lines may not tell.
    doubt : str
        A warning, if that is not plain.
    """

    texts: "dict[int, pyarrow.ChunkedArray]"
    numbers: "dict[int, pyarrow.ChunkedArray | None]"
    form: Dialect
    doubt: str

    def typed(self, position: int, *, dates: bool = True) -> "pyarrow.ChunkedArray":
        """Return a column in the type of its cells; see `typed_columns.typed`."""
        numbers = self.numbers[position]
        if position not in self.texts:
            return numbers
        return typed(self.texts[position], self.form, numbers, dates=dates)


def read_columns(
    path: str | os.PathLike[str], head: Head, positions: Sequence[int], likely_numbers: Collection[int]
) -> ParsedColumns:
    """Return columns of a text table, and the column with row labels.

    Parameters
    ----------
    path : str or path-like
        The file.
    head : Head
        Of the same file.
    positions : sequence of int
        The columns.
    likely_numbers : collection of int
        Those that are tried as numbers at once, which is fast.

    Raises
    ------
    ValueError
        Lines have different numbers of cells; pyarrow's error does not name the line.
    """
    import pyarrow as pa

    wanted = [*head.labels, *positions]
    numbers = [position for position in positions if position in likely_numbers and not head.dialect.thousands]
    try:
        table = _arrow_table(path, head, dict.fromkeys(wanted, pa.string()) | dict.fromkeys(numbers, pa.float64()))
    except pa.ArrowInvalid:  # also for True and False, and for numbers that are not written as in the first lines
        numbers = []
        table = _arrow_table(path, head, dict.fromkeys(wanted, pa.string()))
    columns = {position: table.column(str(position)) for position in wanted}
    texts = {position: columns[position] for position in wanted if position not in numbers}
    features = [position for position in texts if position in positions]
    options = head.options | {"decimal": head.dialect.decimal} if numbers else head.options
    form, values, doubt = number_form([texts[position] for position in features], head.dialect, options)
    as_they_are: DialectOptions = {"decimal": form.decimal, "thousands": form.thousands}  # a label 123 456 is a code
    labels = [number_form([texts[position]], form, as_they_are)[1][0] for position in head.labels]
    parsed = dict(zip([*features, *head.labels], [*values, *labels], strict=True))
    return ParsedColumns(texts, {position: columns[position] for position in numbers} | parsed, form, doubt)


def _arrow_table(path: str | os.PathLike[str], head: Head, types: "dict[int, pyarrow.DataType]") -> "pyarrow.Table":
    """Return the columns at some positions, in these types; their names are their positions."""
    import pyarrow as pa

    try:
        return _parsed(open_utf8(path, head.dialect), head, types)
    except pa.ArrowInvalid:
        raise
    except (OSError, pa.ArrowException):  # as of a .gz that ends in zeros, or a .bz2 with an empty part
        return _parsed(open_utf8(path, head.dialect, in_memory=True), head, types)


def _parsed(content: "pyarrow.NativeFile", head: Head, types: "dict[int, pyarrow.DataType]") -> "pyarrow.Table":
    import pyarrow.csv as arrow_csv

    # pyarrow gets numbers as names, because the columns may have no names.
    numbers = [str(position) for position in range(head.width)]
    with content as file:
        return arrow_csv.read_csv(
            file,
            read_options=arrow_csv.ReadOptions(column_names=numbers, skip_rows=head.lines, block_size=LINE_BYTES),
            # In a table of one column an empty line is a missing cell.
            parse_options=arrow_csv.ParseOptions(
                delimiter=head.dialect.separator,
                quote_char=head.dialect.quote,
                newlines_in_values=True,
                ignore_empty_lines=head.width > 1,
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=[numbers[position] for position in types],
                column_types={numbers[position]: dtype for position, dtype in types.items()},
                decimal_point=head.dialect.decimal,
                strings_can_be_null=True,
            ),
        )
