"""Options that several commands share, and the rows that they name."""

import os
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import DataError, RecipeError, UnknownColumn
from ..core.run_folder import MODEL_FILES, is_run

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..data.sources import Source

MAX_THREADS = 1024

RunFolder = Annotated[
    Path, typer.Argument(help="A run's folder, as `fit` writes it.", show_default=False, metavar="RUN")
]
Data = Annotated[
    str | None,
    typer.Argument(
        help="A data set's name, or a file: {readable}. By default the rows that the run held out.",
        show_default=False,
        metavar="DATA",
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="The file to write: {writable}.")]
Columns = Annotated[list[str] | None, typer.Option("--columns", help="Use only these columns: a,b,c; may be repeated.")]
Drop = Annotated[list[str] | None, typer.Option("--drop", help="Leave out these columns: a,b,c; may be repeated.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; by default torch's choice.")]


def use_threads(threads: int | None) -> None:
    """Set torch's number of threads; None leaves it as it is.

    Raises
    ------
    RecipeError
        The number lies outside 1 … 1024: the system's library for threads ends the process if it cannot start them.
    """
    if threads is not None:
        if not 1 <= threads <= MAX_THREADS:
            raise RecipeError(f"threads={threads} lies outside 1 … {MAX_THREADS}")
        import torch

        torch.set_num_threads(threads)


def rows_file(source: str) -> Path:
    """Return the file that a text of rows names, without the key of an array.

    Examples
    --------
    >>> rows_file("rows.npz:train").name
    'rows.npz'
    """
    path, colon, _ = source.partition(".npz:")
    return Path(path + colon[:-1])


def check_out(out: Path, *sources: str | None) -> None:
    """Check that a file may be written, before the work: not one that the command reads, nor one of a run's model.

    Parameters
    ----------
    out : Path
        The file to write.
    *sources : str or None
        Files that the command reads, and data sets' names.

    Raises
    ------
    RecipeError
        The file is one of these, or a run needs it.
    """
    for file in (rows_file(source) for source in sources if source):
        if os.path.isfile(file) and os.path.isfile(out) and os.path.samefile(file, out):
            raise RecipeError(f"{out} is read by this command; choose another name (--out)")
    if out.name in MODEL_FILES and is_run(out.parent):
        raise RecipeError(f"{out} is a part of the run in {out.parent}; choose another name (--out)")


def rows_for(run: "Artifact", data: str | None) -> "Source":
    """Return the rows that a command applies a run's model to.

    Parameters
    ----------
    run : Artifact
        The run.
    data : str or None
        A data set's name or a file, whose columns are matched by name if the model knows names; None: the rows that
        the run held out.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        The rows cannot be read, are not finite, or have other columns than the training rows.
    """
    source = held_out_rows(run) if data is None else _matching_rows(run, data)
    name, width = data or run.config["rows"]["data"], run.model.layout.widths[0]
    if prod(source.shape) != width:
        raise DataError(
            f"{name} has {prod(source.shape)} columns, but the model was trained on {width}; give the same columns"
        )
    return finite(source, name)


def finite(source: "Source", name: str) -> "Source":
    """Return the source itself if all of its values are finite.

    Parameters
    ----------
    source : Source
        All of its rows are read.
    name : str
        Where the rows come from, for the message.

    Raises
    ------
    DataError
        A value is NaN or infinite.
    """
    from ..data.sources import check_finite

    try:
        check_finite(source)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    return source


def _matching_rows(run: "Artifact", data: str) -> "Source":
    """Return the rows of a data set or a file, with the columns of the training rows, by name if these have names."""
    from .. import datasets
    from ..data.sources import is_array

    rows_config, width = run.config["rows"], run.model.layout.widths[0]
    try:
        source = datasets.load(data, columns=None if is_array(data) else rows_config["columns"])
    except UnknownColumn as error:
        raise UnknownColumn(f"{error}; give all columns that the model was trained on, by their names") from error
    if rows_config["columns"] is None and prod(source.shape) != width:
        source = datasets.load(data, columns=rows_config.get("asked_columns"), drop=rows_config.get("dropped_columns"))
    return source


def held_out_rows(run: "Artifact") -> "Source":
    """Return the rows that a run held out, or all rows if it held out none; see `training_and_held_out`."""
    return training_and_held_out(run)[1]


def training_and_held_out(run: "Artifact") -> tuple["Source", "Source"]:
    """Return the rows that a run was trained on, and the rows that it held out.

    Parameters
    ----------
    run : Artifact
        A run that `taciturn fit` wrote.

    Returns
    -------
    training, held_out : Source
        Both are all rows if the run held out none.

    Raises
    ------
    DataError
        The run does not record where its rows came from, or they cannot be read any more.
    """
    from .. import datasets
    from ..data.sources import Subset
    from ..data.split import split

    rows_config = run.config["rows"]
    if rows_config.get("data") is None:
        raise DataError("the run does not record where its rows came from; name a data set or a file")
    source = datasets.load(
        rows_config["data"], columns=rows_config["asked_columns"], drop=rows_config["dropped_columns"]
    )
    if not rows_config["held_out"]:
        return source, source
    training, held_out = split(len(source), rows_config["held_out"], rows_config["split_seed"])
    return Subset(source, training), Subset(source, held_out)
