"""Options that several commands share, and the rows of a data set or a file."""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import DataError, NotNumeric, RecipeError
from ..core.messages import one_line
from ..core.run_folder import MODEL_FILES, is_run

if TYPE_CHECKING:
    from ..data.sources import Source

MAX_THREADS = 1024


def _on_disk(run: Path | None) -> Path | None:
    """Return a run's folder; a model on the Hub is downloaded."""
    if not str(run).startswith("hf:/"):
        return run
    from ..artifact.hub import local_folder

    return Path(local_folder(str(run)))


RunFolder = Annotated[
    Path,
    typer.Argument(
        callback=_on_disk,
        help="A run's folder, as `fit` writes it; or hf://user/name, a model on the Hub.",
        show_default=False,
        metavar="RUN",
    ),
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
Categorical = Annotated[
    list[str] | None,
    typer.Option("--categorical", help="Columns that are categories, whatever their type: a,b,c; may be repeated."),
]
Shape = Annotated[
    str | None,
    typer.Option("--shape", help="Shape of flat rows as images: 28x28, or 32x32x3 for colours.", show_default=False),
]
RowTexts = Annotated[
    str | None,
    typer.Option(
        "--texts",
        help="Texts that the report shows, one per row: a column of the rows' file, or a file (.txt: a line per row).",
        show_default=False,
    ),
]
RowId = Annotated[
    str | None,
    typer.Option("--id", help="A column of the rows' file, by which the report names rows.", show_default=False),
]
TextOptions = dict[str, Any]
# How a text table is written: parameters of `datasets.load`, keys of a recipe, and options of commands.
TEXT_OPTIONS: dict[str, Any] = {
    "header": Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="Whether the first line of a text table (.csv, .tsv, .txt) holds names; by default the rows decide.",
            show_default=False,
        ),
    ],
    "separator": Annotated[
        str | None,
        typer.Option(help="What separates the cells of a text table: ';', tab, space, …; by default it is found."),
    ],
    "decimal": Annotated[str | None, typer.Option(help="Its decimal point, '.' or ','; by default it is found.")],
    "thousands": Annotated[
        str | None, typer.Option(help="What separates thousands in a text table: ',', '.', none, …")
    ],
    "quote": Annotated[str | None, typer.Option(help="What quotes its cells: \" or '; by default it is found.")],
    "encoding": Annotated[str | None, typer.Option(help="Its encoding: utf-8, cp1252, …; by default it is found.")],
}
Track = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        help="Write the numbers of the training for another program: tensorboard:FOLDER, wandb, wandb:PROJECT or "
        "mlflow:URI; may be repeated.",
        show_default=False,
    ),
]
LatentProcesses = Annotated[
    int,
    typer.Option(
        "--latent-processes",
        min=1,
        help="Among how many of torchrun's processes the latents are distributed; the others have other rows.",
    ),
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; by default torch's choice.")]


def with_text_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with `TEXT_OPTIONS` in place of its parameter `text`, which it gets as a dict of these."""

    @wraps(command)
    def with_options(**arguments: Any) -> None:
        text = {name: arguments.pop(name) for name in TEXT_OPTIONS}
        command(**arguments, text=text)

    parameters: list[Parameter] = []
    for parameter in signature(command).parameters.values():
        names = TEXT_OPTIONS.items() if parameter.name == "text" else [(parameter.name, parameter.annotation)]
        default = None if parameter.name == "text" else parameter.default
        parameters += [
            Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind) for name, kind in names
        ]
    with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


def text_options(values: Mapping[str, Any]) -> TextOptions:
    """Return those of `TEXT_OPTIONS` that a section of a recipe has."""
    return {name: values[name] for name in TEXT_OPTIONS if values.get(name) is not None}


def steps(text: str | None) -> str | int | None:
    """Return a whole number, as of steps, or another text, such as 10min or all."""
    return int(text) if text is not None and text.isdecimal() else text


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
    from ..data.sources.format import split_key

    return split_key(source)[0]


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


def check_out_folder(folder: Path, paths: list[Path], data: str, overwrite: bool) -> None:
    """Raise RecipeError if files cannot be written into a folder; create it."""
    name = one_line(folder)
    if folder.is_file():
        raise RecipeError(f"{name} is a file; give a folder (--out) for several files")
    if os.path.isdir(data) and folder.exists() and os.path.samefile(data, folder):
        raise RecipeError(f"{name} is read by this command; choose another folder (--out)")
    if len(set(paths)) < len(paths):
        raise RecipeError(f"several of the files in {one_line(data)} have the same name; denoise each folder alone")
    there = [path.name for path in paths if path.exists()]
    if there and not overwrite:
        raise RecipeError(
            f"{name} holds {one_line(there[0])} already; choose another folder, or replace it (--overwrite)"
        )
    folder.mkdir(parents=True, exist_ok=True)


def image_shape(text: str | None) -> tuple[int, ...] | None:
    """Return the sides in the text of --shape, "28x28"; None without a text.

    Raises
    ------
    RecipeError
        The text is not two or three whole numbers joined by x.
    """
    if text is None:
        return None
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) not in (2, 3) or not all(side.strip().isdecimal() for side in sides):
        raise RecipeError(f"--shape {text}: write height and width, 28x28, or 32x32x3 for colours")
    return tuple(map(int, sides))


def finite(source: "Source", name: str) -> "Source":
    """Return the source itself if no value is infinite; warn of rows without any known value.

    Parameters
    ----------
    source : Source
        All of its rows are read.
    name : str
        Where the rows come from, for the message.

    Raises
    ------
    DataError
        A value is infinite.
    """
    from ..data.sources import check_finite

    try:
        check_finite(source, missing=True)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    return source


def load_rows(
    where: str, *, columns: Any = None, drop: Any = None, categorical: list[str] | None = None, text: TextOptions
) -> "Source":
    """Return the rows of a data set or a file: numbers, or the encoded rows of a table that holds more than numbers.

    Parameters
    ----------
    where : str
        A data set's name or a file.
    columns, drop
        As for `datasets.load`.
    categorical : list of str or None
        Columns that are categories, whatever their type.
    text : TextOptions
        How a text table is written.
    """
    from .. import datasets
    from ..data.sources import has_booleans
    from ..data.variables import open_table

    if not categorical:
        try:
            rows = datasets.load(where, columns=columns, drop=drop, **text)
        except NotNumeric:
            if not rows_file(where).is_file():  # a folder, whose columns must be numeric
                raise
        else:
            if not has_booleans(where, rows, **text):
                return rows
    return open_table(where, categorical=categorical, columns=columns, drop=drop, **text)
