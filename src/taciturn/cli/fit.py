"""taciturn fit: from rows to a run's folder."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.errors import RecipeError
from . import recipe_file
from .app import Command, app
from .options import Columns, Drop, Threads, use_threads
from .training import Trained, train, write


@app.command(cls=Command, no_args_is_help=True)
def fit(
    data: Annotated[
        str,
        typer.Argument(
            help="A data set's name (digits, wine, breast_cancer, mnist, …), a file ({readable}), or a recipe (.toml).",
            show_default=False,
        ),
    ],
    corrupt: Annotated[
        str | None,
        typer.Option(
            help="What is done to the input while training: {corruptions}, as in gaussian:0.4; several joined by +."
        ),
    ] = None,
    sparse: Annotated[
        str | None,
        typer.Option(
            help="What makes codes sparse: a penalty ({penalties}), as in kl:0.05, or a coding layer ({selections})."
        ),
    ] = None,
    latents: Annotated[
        str | None,
        typer.Option(
            help="Number of latents, after the hidden layers' widths if any: 300,150. By default 4 per input."
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(help="Active latents per row, for a sparse dictionary: --sparse {dictionaries}."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The run's folder.", show_default="runs/DATA")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the rows; by default about 4,000 steps.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows a step; by default rows / 32, within 32 … 256.")] = None,
    learning_rate: Annotated[
        str | None, typer.Option(help="A number, 0.003, or a schedule over the run: {schedules}.")
    ] = None,
    solver: Annotated[
        str | None, typer.Option(help="Optimiser: {solvers}; each takes clip, as in adam:clip=1.0.")
    ] = None,
    activation: Annotated[str | None, typer.Option(help="Of hidden and coding layers: {activations}.")] = None,
    output_activation: Annotated[
        str | None, typer.Option(help="sigmoid or identity; by default by the rows' range.")
    ] = None,
    scaling: Annotated[str | None, typer.Option(help="{scalings}; by default by the rows.")] = None,
    loss: Annotated[str | None, typer.Option(help="Reconstruction error: {losses}.")] = None,
    tied: Annotated[bool | None, typer.Option("--tied/--untied", help="Share encoder and decoder weights.")] = None,
    early_stopping: Annotated[
        bool | None, typer.Option("--early-stopping/--all-epochs", help="Stop when held-out rows gain no more.")
    ] = None,
    held_out: Annotated[
        float | None, typer.Option(help="Share of rows kept for validation.", show_default="0.1")
    ] = None,
    columns: Columns = None,
    drop: Drop = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order, noise and split.", show_default="0")] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda.")] = None,
    threads: Threads = None,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Write report.html, a page on what was learnt.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing run.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no table.")] = False,
) -> None:
    """Learn an autoencoder and write a run's folder.

    [dim]Examples:[/]

      taciturn fit digits --corrupt gaussian:0.4 --sparse kl:0.05 --latents 256 -o runs/digits

      taciturn fit table.csv --drop name,id --sparse topk:8

      taciturn fit embeddings.npy --k 32 --latents 4096 --sparse batch_topk

      taciturn fit runs/digits/recipe.toml -o runs/again
    """
    from ..core.atomic import atomic_folder

    recipe = _recipe(data)
    _override(
        recipe,
        data={"columns": columns, "drop": drop},
        run={"held_out": held_out, "seed": seed, "threads": threads},
        parameters={
            "corruption": corrupt,
            "sparsity": sparse,
            "n_components": _widths(latents),
            "k": k,
            "max_iter": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "solver": solver,
            "activation": activation,
            "output_activation": output_activation,
            "scaling": scaling,
            "loss": loss,
            "tied": tied,
            "early_stopping": early_stopping,
            "device": device,
        },
    )
    use_threads(recipe["run"].get("threads"))
    folder = out or Path("runs") / (Path(recipe["data"]["source"].partition(":")[0]).stem.strip(".") or "run")
    with atomic_folder(folder, overwrite=overwrite) as temporary:
        trained = train(recipe, bar=not quiet, folder=folder if report else None)
        pictures = write(trained, temporary)
    if not quiet:
        _say(trained, folder, pictures)
    if trained.interrupted:
        typer.secho(
            f"taciturn: {trained.estimator.stopped_}; what was learnt until then is in {folder}", fg="red", err=True
        )
        raise typer.Exit(130)


def _recipe(data: str) -> dict[str, dict[str, Any]]:
    if (Path(data) / "recipe.toml").is_file():
        raise RecipeError(f"{data} is a run's folder; to repeat the run: taciturn fit {Path(data) / 'recipe.toml'}")
    if not data.endswith(".toml"):
        return {"data": {"source": data}, "run": {}, "parameters": {}}
    recipe = recipe_file.read(Path(data))
    source = recipe["data"].get("source")
    if source is None:
        raise RecipeError(f'{data}: [data] names no source; add source = "digits" or a file')
    beside = Path(data).parent / source
    recipe["data"]["source"] = str(beside) if beside.is_file() else source
    return recipe


def _override(recipe: dict[str, dict[str, Any]], **said: dict[str, Any]) -> None:
    for section, values in said.items():
        recipe[section].update({key: value for key, value in values.items() if value is not None})


def _say(trained: Trained, folder: Path, pictures: list[str]) -> None:
    from .table import show

    estimator, epochs = trained.estimator, trained.estimator.n_iter_
    training = f"{trained.learnt:,} rows, {epochs:,} epoch{'' if epochs == 1 else 's'}"
    lines = [("learnt from", training), ("scaling", estimator.scaling_), *trained.summary.lines()]
    if trained.report is not None:
        warnings = trained.report.verdict.warnings
        lines += [("warning", f"{each.what} {each.mend}") for each in warnings]
    if estimator.stopped_:
        lines.append(("stopped", estimator.stopped_))
    lines.append(("written", f"{folder}/ ({', '.join(['recipe.toml', *pictures])})"))
    show(str(trained.recipe["data"]["source"]), lines)


def _widths(text: str | None) -> Any:
    if text is None:
        return None
    try:
        widths = tuple(int(width) for width in text.split(","))
    except ValueError:
        raise RecipeError(f"--latents {text}: write a whole number, or several joined by commas: 300,150") from None
    return widths[0] if len(widths) == 1 else widths
