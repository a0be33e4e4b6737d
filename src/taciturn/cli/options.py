"""Options that several commands share, and what they name: a run's folder, rows that fit it, where to write."""

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import DataError, UnknownColumn

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..data.sources import Source

RunFolder = Annotated[Path, typer.Argument(help="A run's folder, as `fit` wrote it.", show_default=False)]
Data = Annotated[
    str | None,
    typer.Argument(
        help="A data set's name, or a file: {readable}. Without it: the rows that the run held out.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write: {writable}.")]
Columns = Annotated[list[str] | None, typer.Option("--columns", help="Use these columns only: a,b,c; may be repeated.")]
Drop = Annotated[list[str] | None, typer.Option("--drop", help="Leave out these columns: a,b,c; may be repeated.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; by default torch's own choice.")]


def use_threads(threads: int | None) -> None:
    """Let torch compute with so many threads."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def rows_for(run: "Artifact", data: str | None) -> "Source":
    """Return rows for a run's model: of a file or a data set, their columns matched by name, else those held out."""
    source = held_out_rows(run) if data is None else _matched(run, data)
    name, width = data or run.config["rows"]["data"], run.model.layout.widths[0]
    if prod(source.shape) != width:
        raise DataError(f"{name} has {prod(source.shape)} columns, but the model learnt from {width}; give such rows")
    return finite(source, name)


def finite(source: "Source", name: str) -> "Source":
    """Return the rows, if they hold finite numbers only; the error names where they come from."""
    from ..data.sources import check_finite

    try:
        check_finite(source)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    return source


def _matched(run: "Artifact", data: str) -> "Source":
    """Return the rows of a file or a data set, by the names of the columns that were learnt from if they have some."""
    from .. import datasets
    from ..data.sources import is_array

    said, width = run.config["rows"], run.model.layout.widths[0]
    try:
        source = datasets.load(data, columns=None if is_array(data) else said["columns"])
    except UnknownColumn as error:
        raise UnknownColumn(f"{error}; give all columns that the model learnt from, by their names") from error
    if said["columns"] is None and prod(source.shape) != width:
        source = datasets.load(data, columns=said.get("asked_columns"), drop=said.get("dropped_columns"))
    return source


def held_out_rows(run: "Artifact") -> "Source":
    """Return the rows that a run held out; all of them where it held out none."""
    return learnt_and_held(run)[1]


def learnt_and_held(run: "Artifact") -> tuple["Source", "Source"]:
    """Return the rows that a run learnt from and those that it held out; all of them twice where it held out none."""
    from .. import datasets
    from ..data.sources import Subset
    from ..data.split import split

    said = run.config["rows"]
    if said.get("data") is None:
        raise DataError("the run does not know where its rows came from; name a data set or a file")
    source = datasets.load(said["data"], columns=said["asked_columns"], drop=said["dropped_columns"])
    if not said["held_out"]:
        return source, source
    learnt, held = split(len(source), said["held_out"], said["split_seed"])
    return Subset(source, learnt), Subset(source, held)
