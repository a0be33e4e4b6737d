"""Options that several commands share, and the rows that they name."""

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import DataError, UnknownColumn

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..data.sources import Source

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
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line of a .csv file holds names; by default the rows below it decide.",
        show_default=False,
    ),
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; by default torch's choice.")]


def use_threads(threads: int | None) -> None:
    """Set torch's number of threads; None leaves it as it is."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def rows_for(run: "Artifact", data: str | None, header: bool | None = None) -> "Source":
    """Return the rows that a command applies a run's model to.

    Parameters
    ----------
    run : Artifact
        The run.
    data : str or None
        A data set's name or a file, whose columns are matched by name if the model knows names; None: the rows that
        the run held out.
    header : bool or None
        Whether the first line of a .csv file holds names; None: as in the run, which may leave it to the rows.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        The rows cannot be read, are not finite, or have other columns than the training rows.
    """
    source = held_out_rows(run) if data is None else _matching_rows(run, data, header)
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


def _matching_rows(run: "Artifact", data: str, header: bool | None) -> "Source":
    """Return the rows of a data set or a file, with the columns of the training rows, by name if these have names."""
    from .. import datasets
    from ..data.sources import is_array

    rows_config, width = run.config["rows"], run.model.layout.widths[0]
    header = rows_config.get("header") if header is None else header
    try:
        source = datasets.load(data, columns=None if is_array(data) else rows_config["columns"], header=header)
    except UnknownColumn as error:
        raise UnknownColumn(f"{error}; give all columns that the model was trained on, by their names") from error
    if rows_config["columns"] is None and prod(source.shape) != width:
        columns, drop = rows_config.get("asked_columns"), rows_config.get("dropped_columns")
        source = datasets.load(data, columns=columns, drop=drop, header=header)
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
        rows_config["data"],
        columns=rows_config["asked_columns"],
        drop=rows_config["dropped_columns"],
        header=rows_config.get("header"),
    )
    if not rows_config["held_out"]:
        return source, source
    training, held_out = split(len(source), rows_config["held_out"], rows_config["split_seed"])
    return Subset(source, training), Subset(source, held_out)
