"""taciturn fit: train on rows and write a run's folder."""

import glob
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.errors import RecipeError
from ..core.sizes import byte_count
from . import recipe_file
from .app import Command, app
from .options import (
    Categorical,
    Columns,
    Drop,
    LatentProcesses,
    RowId,
    RowTexts,
    Shape,
    TextOptions,
    Threads,
    Track,
    image_shape,
    rows_file,
    steps,
    use_threads,
    with_text_options,
)

ESTIMATORS = {"signal": "signals", "image": "images"}  # of --kind
FILES = {"source": "the rows to train on", "target": "their targets"}  # keys of a recipe's section "data"


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def fit(
    data: Annotated[
        str,
        typer.Argument(
            help="A data set's name (digits, wine, breast_cancer, mnist, …), a file ({readable}), a folder of images, "
            "or a recipe (.toml).",
            show_default=False,
            metavar="DATA",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            help="What is estimated from each row, if not the row itself: a file with a target for each row, of the "
            "same columns (clean rows of noisy ones) or of others (a transcoder); of a table FILE:COLUMN. Or a "
            "folder of clean images of the same names.",
            show_default=False,
        ),
    ] = None,
    corrupt: Annotated[
        str | None,
        typer.Option(
            help="Noise of the input during training: {corruptions}, as in gaussian:0.4; several are joined by +."
        ),
    ] = None,
    sparse: Annotated[
        str | None,
        typer.Option(
            help="What makes codes sparse: a penalty ({penalties}), as in kl:0.05, or a coding layer ({selections}). "
            "By default kl:0.05; nothing with --corrupt; topk with --k."
        ),
    ] = None,
    latents: Annotated[
        str | None,
        typer.Option(
            help="Number of latents; before it the widths of hidden layers, if any: 300,150. By default 4 per column, "
            "at least 16 and at most 1024."
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(help="Train a sparse dictionary with k active latents per row; --sparse may be {dictionaries}."),
    ] = None,
    outliers: Annotated[
        bool, typer.Option("--outliers", help="Train an outlier detector, with which `taciturn score` scores rows.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The run's folder to write.", show_default="runs/DATA")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the rows; by default as many as give about 4,000 steps.")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(help="Steps after which the training ends, if the epochs are not done before.")
    ] = None,
    validate_every: Annotated[
        str | None,
        typer.Option(
            help="After how many steps or rows the held-out rows are evaluated, as in 1000 or 100000rows; by default "
            "after each epoch."
        ),
    ] = None,
    checkpoint_every: Annotated[
        str | None,
        typer.Option(
            help="How often a checkpoint is written, from which `taciturn resume` goes on: 10min, 1000steps. By "
            "default there are none."
        ),
    ] = None,
    keep: Annotated[
        int, typer.Option(help="How many of the last checkpoints stay, beside that with the least validation loss.")
    ] = 2,
    batch_size: Annotated[
        int | None, typer.Option(help="Rows per step; by default rows / 32, at least 32 and at most 256.")
    ] = None,
    shuffle_window: Annotated[
        int | None,
        typer.Option(help="Within how many rows streamed rows are shuffled; by default 67 million numbers."),
    ] = None,
    survey_rows: Annotated[
        str | None,
        typer.Option(
            help="How many streamed rows are measured before the first step, for the scaling: a number, or all.",
            show_default="all",
        ),
    ] = None,
    learning_rate: Annotated[
        str | None, typer.Option(help="A number, such as 0.003, or a schedule over the run: {schedules}.")
    ] = None,
    solver: Annotated[
        str | None, typer.Option(help="Optimiser: {solvers}; each takes a largest gradient norm, as in adam:clip=1.0.")
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="Activation of the hidden layers and the coding layer: {activations}.")
    ] = None,
    output_activation: Annotated[
        str | None,
        typer.Option(
            help="Activation of the output; by default sigmoid if the scaled rows lie in [0, 1], else identity."
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help="Kind of layers: {networks}; the last two take images. By default dense; of images residual."
        ),
    ] = None,
    scaling: Annotated[
        str | None,
        typer.Option(
            help="Scaling of the rows: {scalings}. By default none for rows in [0, 1], uint8 for uint8 rows "
            "without column names, else standard."
        ),
    ] = None,
    loss: Annotated[str | None, typer.Option(help="Reconstruction error: {losses}.")] = None,
    skip: Annotated[
        bool | None,
        typer.Option("--skip/--no-skip", help="With --k and --target: add a linear map of the row to the estimate."),
    ] = None,
    tied: Annotated[bool | None, typer.Option("--tied/--untied", help="Share encoder and decoder weights.")] = None,
    early_stopping: Annotated[
        bool | None,
        typer.Option("--early-stopping/--all-epochs", help="Stop when the loss on held-out rows no longer falls."),
    ] = None,
    held_out: Annotated[
        float | None,
        typer.Option(
            help="Share of the rows that is not trained on, but used for validation and evaluation.", show_default="0.1"
        ),
    ] = None,
    columns: Columns = None,
    drop: Drop = None,
    categorical: Categorical = None,
    shape: Shape = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="What the data are, if not rows: signal, for a denoiser of signals; or image, as image files are "
            "without it.",
            show_default=False,
        ),
    ] = None,
    patch: Annotated[
        int | None, typer.Option(help="Side of the patches that a denoiser of images is trained on, in pixels.")
    ] = None,
    segment: Annotated[
        int | None, typer.Option(help="Length of the segments that a denoiser of signals is trained on, in times.")
    ] = None,
    channels: Annotated[
        int | None,
        typer.Option(help="Channels of images or signals. With 2 or more, an array [time, channels] is one signal."),
    ] = None,
    texts: RowTexts = None,
    row_id: RowId = None,
    text: TextOptions | None = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of initial weights, order of rows, noise and split.", show_default="0")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; by default cuda if there is one.")] = None,
    threads: Threads = None,
    memory: Annotated[
        str | None,
        typer.Option(
            help="Refuse, before the first step, a run that would hold more: 500MB, 1GB, 1.5GiB. Rows in memory, "
            "windows of streamed rows, weights with their gradients and averages, and batches count; Python and torch "
            "(about 260 MB) and the report do not.",
            show_default=False,
        ),
    ] = None,
    latent_processes: LatentProcesses = 1,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Write report.html, a page on the model and its results.")
    ] = True,
    track: Track = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing run.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress bar and no table.")] = False,
) -> None:
    """Train an autoencoder on rows and write a run's folder: model, recipe, results and report.

    [dim]Examples:[/]

      taciturn fit digits --corrupt gaussian:0.4 --sparse kl:0.05 --latents 256 -o runs/digits

      taciturn fit table.csv --id name --drop city --sparse topk:8

      taciturn fit embeddings.npy --k 32 --latents 4096 --sparse batch_topk

      taciturn fit inputs.npy --target outputs.npy --k 32 --sparse batch_topk

      taciturn fit table.csv --outliers -o runs/table

      taciturn fit photos --corrupt gaussian:0.1 -o runs/photos

      taciturn fit ecg.npy --kind signal -o runs/ecg

      taciturn fit runs/digits/recipe.toml -o runs/again
    """
    from ..trackers import tracker
    from ..training import Checkpoints
    from ..training.processes import joined
    from .run import complete

    limit = None if memory is None else byte_count("--memory", memory)
    callbacks = [tracker(text) for text in track or []]
    recipe = _read_recipe(data)
    _override(
        recipe,
        data={
            "target": target,
            "columns": columns,
            "drop": drop,
            "categorical": categorical,
            "texts": texts,
            "id": row_id,
            **(text or {}),
        },
        run={
            "estimator": "outliers" if outliers else _estimator(kind),
            "held_out": held_out,
            "seed": seed,
            "threads": threads,
        },
        parameters={
            "corruption": corrupt,
            "sparsity": sparse,
            "n_components": _widths(latents),
            "k": k,
            "max_iter": epochs,
            "max_steps": max_steps,
            "validate_every": steps(validate_every),
            "batch_size": batch_size,
            "shuffle_window": shuffle_window,
            "survey_rows": steps(survey_rows),
            "learning_rate": learning_rate,
            "solver": solver,
            "activation": activation,
            "output_activation": output_activation,
            "network": network,
            "scaling": scaling,
            "loss": loss,
            "skip": skip,
            "tied": tied,
            "early_stopping": early_stopping,
            "device": device,
            "shape": image_shape(shape),
            "patch": patch,
            "segment": segment,
            "channels": channels,
        },
    )
    use_threads(recipe["run"].get("threads"))
    absolute = {key: os.path.abspath(rows_file(recipe["data"][key])) for key in FILES if key in recipe["data"]}
    recipe_file.check_texts(recipe | {"data": recipe["data"] | absolute})  # as the run's recipe names them
    folder = out or Path("runs") / _default_name(recipe["data"]["source"])
    recipe_file.check_texts({"run": {"out": os.path.abspath(folder)}})  # which the report names
    for key in absolute:
        _refuse_rows_inside(folder, recipe["data"][key], FILES[key])
    every = steps(checkpoint_every)
    with joined(latent_processes, leaves=False) as processes:
        checkpoints = Checkpoints.new(
            folder, every, keep, overwrite=overwrite, callbacks=callbacks, processes=processes.all
        )
        complete(recipe, folder, checkpoints, processes, report=report, quiet=quiet, memory=limit)


def _refuse_rows_inside(folder: Path, source: str, what: str) -> None:
    """Raise RecipeError if a file that is read is in the folder to write, which would be replaced."""
    file = rows_file(source)
    if os.path.isfile(file) and Path(os.path.realpath(file)).is_relative_to(os.path.realpath(folder)):
        raise RecipeError(f"{folder} holds {source}, {what}; choose another folder (--out)")


def _default_name(source: str) -> str:
    """Return the name of a run's folder: that of the data set or the file; of the folder, for a pattern of files."""
    path = Path(source.partition("://")[2] or source.partition(":")[0])
    return (path.parent if glob.has_magic(path.name) else path).stem.strip(".") or "run"


def _read_recipe(data: str) -> dict[str, dict[str, Any]]:
    """Return the recipe in a .toml file, or an empty recipe for other data."""
    if (Path(data) / "recipe.toml").is_file():
        raise RecipeError(f"{data} is a run's folder; to repeat the run: taciturn fit {Path(data) / 'recipe.toml'}")
    if not data.endswith(".toml"):
        return {"data": {"source": data}, "run": {}, "parameters": {}}
    recipe = recipe_file.read(Path(data))
    source = recipe["data"].get("source")
    if source is None:
        raise RecipeError(f'{data}: [data] names no source; add source = "digits" or a file')
    for key in FILES:
        if key in recipe["data"] and (beside := Path(data).parent / recipe["data"][key]).is_file():
            recipe["data"][key] = str(beside)
    return recipe


def _override(recipe: dict[str, dict[str, Any]], **sections: dict[str, Any]) -> None:
    """Replace entries of the recipe by the options that were given; None is an option that was not."""
    for section, values in sections.items():
        recipe[section].update({key: value for key, value in values.items() if value is not None})


def _estimator(kind: str | None) -> str | None:
    """Return the estimator of a kind of data, by its name in recipe files."""
    if kind not in (None, *ESTIMATORS):
        raise RecipeError(f"--kind {kind}: write {' or '.join(ESTIMATORS)}, or leave it out for rows")
    return ESTIMATORS[kind] if kind else None


def _widths(text: str | None) -> Any:
    """Return the number of latents, or a tuple of all widths, from the text of --latents."""
    if text is None:
        return None
    try:
        widths = tuple(int(width) for width in text.split(","))
    except ValueError:
        raise RecipeError(f"--latents {text}: write a whole number, or several joined by commas: 300,150") from None
    return widths[0] if len(widths) == 1 else widths
