"""One value beside each row of a report: labels, ids and texts, from a file or from a column of the rows' file."""

from collections.abc import Sized
from typing import TYPE_CHECKING, Any

from ..core.errors import DataError, RecipeError
from .options import TextOptions
from .places import names_file, split_column
from .run_rows import held_out_part, source_of, text_of

if TYPE_CHECKING:
    from ..artifact import Artifact


def labels_for(
    run: "Artifact", data: str | None, labels: str | None, target: str | None, text: TextOptions | None = None
) -> Any:
    """Return a label for each row of a report.

    Parameters
    ----------
    run : Artifact
        The run.
    data : str or None
        A data set's name or a file with the report's rows; None: the rows that the run held out.
    labels : str or None
        A file with labels; of a table with several columns FILE:COLUMN.
    target : str or None
        A column of the rows' file with labels.
    text : TextOptions or None, default=None
        How the rows' text table is written; what is not given is as in the run.

    Returns
    -------
    array [N] or None
        If neither `labels` nor `target` is given, the labels that the data set includes; None if it has none, or too
        few rows of each class.

    Raises
    ------
    RecipeError
        Both `labels` and `target` are given, or the model was trained on the column `target`.
    DataError
        The labels cannot be read, or are not as many as the rows.
    """
    from .. import datasets
    from ..probes import relatable

    if labels is not None and target is not None:
        raise RecipeError("--labels and --target both name labels; give one of them")
    where, is_requested = data or run.rows.source, (labels or target) is not None
    if where is None or (not is_requested and where not in datasets.names()):
        return None
    if target is not None and _is_trained_on(run, where, target):
        raise RecipeError(
            f"--target {target}: the model was trained on this column; name another one, "
            f"or fit again without it (--drop {target})"
        )
    file, column = (where, target) if labels is None else split_column(labels)
    values = datasets.labels(file, column=column, **(text_of(run, text) if file == where else {}))
    if values is not None:
        values = _of_the_rows(run, data, values, labels or where)
    return values if is_requested or (values is not None and relatable(values)) else None


def texts_for(
    run: "Artifact", data: str | None, option: str, place: str | None, text: TextOptions | None = None
) -> list[str] | None:
    """Return a text for each row of a report: its id, or the text behind it.

    Parameters
    ----------
    run : Artifact
        The run.
    data : str or None
        A data set's name or a file with the report's rows; None: the rows that the run held out.
    option, place
        As for `read_texts`.
    text : TextOptions or None, default=None
        How the rows' text table is written; what is not given is as in the run.

    Returns
    -------
    list of str [N] or None
        None if `place` is None.

    Raises
    ------
    DataError
        The texts cannot be read, or are not as many as the rows.
    """
    if place is None:
        return None
    return list(_of_the_rows(run, data, read_texts(data or run.rows.source, option, place, text_of(run, text)), place))


def read_texts(where: str | None, option: str, place: str, text: TextOptions | None = None) -> list[str]:
    """Return all texts of a column of the rows' file, or of another file.

    Parameters
    ----------
    where : str or None
        A data set's name or the rows' file; None: unknown.
    option : str
        "--id" or "--texts", for messages.
    place : str
        A column of the rows' file; or a file: .txt with a line for each row, or a table, if it has several columns
        FILE:COLUMN.
    text : TextOptions or None, default=None
        How the rows' text table is written; what is not given is found.

    Returns
    -------
    list of str
        A missing value is "".

    Raises
    ------
    DataError
        The texts cannot be read.
    """
    from .. import datasets
    from ..data.sources import read_lines

    if names_file(place):
        if place.lower().endswith(".txt"):
            return read_lines(place)
        file, column = split_column(place)
    elif where is None:
        raise DataError(f"{option} {place}: no such file, and the run does not record its rows; name a file")
    else:
        file, column = where, place
    values: Any = datasets.labels(file, column=column, **((text or {}) if file == where else {}))
    return [_text(value) for value in values]


def _of_the_rows(run: "Artifact", data: str | None, values: Any, place: str) -> Any:
    """Return the values of the rows that a report evaluates: without `data`, those that the run held out."""
    if data is not None or run.rows.split is None:
        return values
    check_length(values, place, len(source_of(run)), str(run.rows.source))
    held_out = held_out_part(run).indices
    return [values[row] for row in held_out] if isinstance(values, list) else values[held_out]


def check_length(values: Sized, place: str, n_rows: int, where: str) -> None:
    """Raise a DataError if values read from `place` are not as many as the rows of `where`."""
    if len(values) != n_rows:
        raise DataError(f"{place} has {len(values):,} values, but {where} has {n_rows:,} rows; give one value per row")


def _is_trained_on(run: "Artifact", where: str, column: str) -> bool:
    """Return whether the model was trained on a column of its rows' file."""
    from math import prod

    from .. import datasets
    from ..data.sources.columns import column_positions

    if run.rows.columns is not None:
        return column in run.rows.columns
    n_columns = prod(datasets.load(where, **text_of(run)).shape)
    trained = column_positions(None, n_columns, run.rows.selected, run.rows.dropped)
    return column in map(str, trained)


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    is_whole = isinstance(value, float) and value.is_integer()  # of a column of whole numbers, some of them missing
    return str(int(value) if is_whole else value)
