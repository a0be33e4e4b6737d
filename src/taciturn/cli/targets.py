"""The option --target, and the targets that it names."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import DataError, NotNumeric, RecipeError
from .options import TextOptions, finite
from .places import split_column

if TYPE_CHECKING:
    from ..data.sources import Source

Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="The targets of these rows, of a model that was trained with some: a file, or of a table FILE:COLUMN. "
        "By default those of the run.",
        show_default=False,
    ),
]


def load_targets(where: str, n_rows: int | None, rows_name: str, text: TextOptions, variables: Any = None) -> "Source":
    """Return targets, one for each row.

    Parameters
    ----------
    where : str
        A data set's name or a file; of a table FILE:COLUMN is one of its columns.
    n_rows : int or None
        The number of rows; None: not known.
    rows_name : str
        Where the rows come from, for messages.
    text : TextOptions
        How a text table is written.
    variables : Variables or None, default=None
        The columns of the rows, if these are a table: the targets of booleans and categories have the same columns.

    Raises
    ------
    DataError
        The targets cannot be read, are infinite, or are not as many as the rows.
    """
    from .. import datasets
    from ..data.sources import blocks_of
    from ..data.variables import open_table

    file, column = split_column(where)
    if variables is not None and not variables.plain:
        try:
            targets: Source = open_table(where, variables, **text)
        except DataError as error:
            raise DataError(
                f"{error}; rows with booleans or categories have targets of the same columns, or leave these columns "
                "out (--drop)"
            ) from error
    else:
        try:
            targets = datasets.load(file, columns=None if column is None else [column], **text)
        except NotNumeric as error:
            place = str(error).rpartition("; ")[0]
            raise NotNumeric(
                f"{place}; leave it out of the file, or name one column: --target {file}:COLUMN"
            ) from error
    if n_rows is not None and len(targets) != n_rows:
        raise DataError(
            f"{where} has {len(targets):,} rows, but {rows_name} has {n_rows:,}; give one target for each row"
        )
    return targets if blocks_of(targets) is not None else finite(targets, where)


def refuse_own_column(where: str, source: str, columns: tuple[str, ...] | None) -> None:
    """Raise RecipeError if a target is a column of the rows' own file that is among the rows' columns as well."""
    file, column = split_column(where)
    if column is not None and os.path.realpath(file) == os.path.realpath(source) and column in (columns or ()):
        raise RecipeError(
            f"--target {where}: the rows have this column as well; leave it out of them (--drop {column})"
        )
