"""taciturn fit: from rows to a run's folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import __version__
from ..errors import RecipeError
from . import recipe_file
from .app import app
from .options import Columns, Drop, Threads, listed, use_threads

if TYPE_CHECKING:
    from ..estimators import BaseAutoencoder
    from ..report import Summary
    from ..sources import Source

KINDS = ("sparse", "denoising")


@app.command(no_args_is_help=True)
def fit(
    data: Annotated[
        str,
        typer.Argument(
            help="A data set's name (digits, wine, breast_cancer, mnist, …), a file (.npy, .npz[:key], .csv, "
            ".parquet, IDX), or a recipe (.toml).",
            show_default=False,
        ),
    ],
    corrupt: Annotated[str | None, typer.Option(help="gaussian:0.4, dropout:0.3, masking:0.3, swap:0.15, …")] = None,
    sparse: Annotated[str | None, typer.Option(help="kl:0.05, squared_rate:0.05, l1:weight=0.001, topk:32")] = None,
    latents: Annotated[str | None, typer.Option(help="256, or hidden widths before it: 300,150")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The run's folder.", show_default="runs/DATA")] = None,
    epochs: Annotated[int | None, typer.Option(help="By default about 4,000 steps.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="By default rows / 32, within 32 … 256.")] = None,
    learning_rate: Annotated[str | None, typer.Option(help="0.003, cosine:0.003, decay:0.01, …")] = None,
    solver: Annotated[str | None, typer.Option(help="adam, nadam, sgd:momentum=0.9, tensorflow_adam")] = None,
    activation: Annotated[str | None, typer.Option(help="relu, elu, tanh, sigmoid, identity")] = None,
    output_activation: Annotated[str | None, typer.Option(help="sigmoid, identity")] = None,
    scaling: Annotated[str | None, typer.Option(help="none, standard, minmax, uint8")] = None,
    loss: Annotated[str | None, typer.Option(help="squared_error, cross_entropy")] = None,
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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing run.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no table.")] = False,
) -> None:
    """Learn an autoencoder and write a run's folder.

    [dim]Examples:[/]

      taciturn fit digits --corrupt gaussian:0.4 --sparse kl:0.05 --latents 256 -o runs/digits

      taciturn fit table.csv --drop name,id --sparse topk:8

      taciturn fit runs/digits/recipe.toml -o runs/again
    """
    from ..atomic import atomic_folder

    recipe = _recipe(data)
    _override(
        recipe,
        data={"columns": listed(columns), "drop": listed(drop)},
        run={"held_out": held_out, "seed": seed, "threads": threads},
        parameters={
            "corruption": corrupt,
            "sparsity": sparse,
            "n_components": _widths(latents),
            "max_iter": epochs,
            "batch_size": batch_size,
            "learning_rate": _number_or_text(learning_rate),
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
    folder = out or Path("runs") / Path(str(recipe["data"]["source"])).name.split(":")[0].split(".")[0]
    with atomic_folder(folder, overwrite=overwrite) as temporary:
        trained = _train(recipe, bar=not quiet)
        pictures = _write(trained, temporary)
    if not quiet:
        _say(trained, folder, pictures)


@dataclass
class _Trained:
    estimator: "BaseAutoencoder"
    recipe: dict[str, dict[str, Any]]
    measured: "Source"  # held-out rows, or all where none are
    summary: "Summary"


def _recipe(data: str) -> dict[str, dict[str, Any]]:
    if not data.endswith(".toml"):
        return {"data": {"source": data}, "run": {}, "parameters": {}}
    recipe = recipe_file.read(Path(data))
    if "source" not in recipe["data"]:
        raise RecipeError(f'{data}: [data] names no source; add source = "digits" or a file')
    return recipe


def _override(recipe: dict[str, dict[str, Any]], **said: dict[str, Any]) -> None:
    for section, values in said.items():
        recipe[section].update({key: value for key, value in values.items() if value is not None})


def _train(recipe: dict[str, dict[str, Any]], *, bar: bool) -> _Trained:
    import torch

    from .. import datasets
    from ..feed import split
    from ..report import summarise
    from ..sources import Subset

    run, parameters, data = recipe["run"], recipe["parameters"], recipe["data"]
    use_threads(run.get("threads"))
    seed, share = int(run.get("seed", 0)), float(run.get("held_out", 0.1))
    if not 0 <= share < 1:
        raise RecipeError(f"held_out={share} must lie in [0, 1)")
    source = datasets.load(data["source"], columns=data.get("columns"), drop=data.get("drop"))
    estimator = _estimator(recipe, seed, bar)
    learnt, held = split(len(source), share, seed) if share and len(source) > 1 else (None, None)
    training = source if learnt is None else Subset(source, learnt)
    measured = source if held is None else Subset(source, held)
    estimator.fit(training, validation=None if held is None else measured)
    settings = estimator._learner.settings
    summary = summarise(
        estimator.module_,
        measured,
        objective=settings.objective,
        corruption=settings.corruption,
        held_out=held is not None,
        seed=seed,
    )
    source_name = data["source"] if data["source"] in datasets.names() else _absolute(data["source"])
    complete = {
        "data": data | {"source": source_name},
        "run": {
            "estimator": KINDS[type(estimator).__name__ == "DenoisingAutoencoder"],
            "seed": seed,
            "held_out": share,
            "threads": torch.get_num_threads(),
        },
        "parameters": parameters | _decided(estimator),
    }
    return _Trained(estimator, complete, measured, summary)


def _estimator(recipe: dict[str, dict[str, Any]], seed: int, bar: bool) -> "BaseAutoencoder":
    from ..estimators import DenoisingAutoencoder, SparseAutoencoder

    parameters, kind = recipe["parameters"], recipe["run"].get("estimator")
    if kind is None:
        kind = "denoising" if "corruption" in parameters and "sparsity" not in parameters else "sparse"
    if kind not in KINDS:
        raise RecipeError(f"estimator={kind!r} is unknown; there are {', '.join(KINDS)}")
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
    estimator: BaseAutoencoder = (SparseAutoencoder if kind == "sparse" else DenoisingAutoencoder)(
        random_state=seed, verbose=int(bar)
    )
    unknown = sorted(given.keys() - estimator.get_params().keys())
    if unknown:
        raise RecipeError(
            f"[parameters]: {unknown[0]!r} is no parameter; there are {', '.join(estimator.get_params())}"
        )
    estimator.set_params(**given)
    return estimator


def _decided(estimator: "BaseAutoencoder") -> dict[str, Any]:
    """Return the parameters with every "auto" replaced by what it came to."""
    from ..estimators.storage import plain

    now, said = estimator._learner.settings, plain(estimator)
    widths = now.layout.widths[1:]
    return said | {
        "n_components": widths[0] if len(widths) == 1 else list(widths),
        "corruption": now.corruption.text,
        "sparsity": said["sparsity"] if said["sparsity"] != "auto" else estimator.usual_sparsity or "none",
        "output_activation": now.layout.output.text,
        "scaling": now.scaling.text,
        "learning_rate": now.learning_rate if isinstance(now.learning_rate, float) else now.learning_rate.text,
        "batch_size": now.batch_size,
        "max_iter": now.epochs,
        "device": now.device,
        "random_state": None,  # the run's seed
        "verbose": None,
    }


def _write(trained: _Trained, folder: Path) -> list[str]:
    from .. import artifact
    from ..estimators.storage import described

    data, run = trained.recipe["data"], trained.recipe["run"]
    rows = {
        "data": data["source"],
        "asked_columns": data.get("columns"),
        "dropped_columns": data.get("drop"),
        "shape": list(trained.measured.shape),
        "held_out": run["held_out"],
        "split_seed": run["seed"],
    }
    kept = described(trained.estimator, rows=rows, metrics=trained.summary.to_dict())
    artifact.write(kept, folder)
    (folder / "recipe.toml").write_text(recipe_file.text(trained.recipe, version=__version__), encoding="utf-8")
    return _draw(trained, folder)


def _draw(trained: _Trained, folder: Path) -> list[str]:
    """Draw what there is to see; return the pictures' names."""
    from .. import plots
    from ..encode import evaluate

    drawn = []
    if len(trained.measured.shape) in (2, 3):
        plots.save(_images(trained), folder / "denoised.png")
        drawn.append("denoised.png")
    target = trained.summary.target_rate
    if target is not None:
        rates = evaluate(trained.estimator.module_, trained.measured).sparsity.rates
        plots.save(plots.sparsity_loss(target, rates), folder / "sparsity.png")
        drawn.append("sparsity.png")
    return drawn


def _images(trained: _Trained) -> Any:
    """Return a figure of some held-out rows: as seen, as reconstructed, as they are."""
    import torch

    from .. import plots
    from ..feed import corrupted, tensor

    model, corruption = trained.estimator.module_, trained.estimator._learner.settings.corruption.at(1.0)
    rows = tensor(trained.measured.read(0, min(10, len(trained.measured)))).to(model.shift.device)
    with torch.no_grad():
        x = model.normalise(rows)
        seen = model.restore(corrupted(x, corruption, seed=0, purpose="picture", step=0))
        recon = model(seen)
    lines = {"noisy": seen, "denoised": recon} if trained.summary.corruption else {"reconstructed": recon}
    images = {name: line.cpu().numpy() for name, line in (lines | {"clean": rows}).items()}
    return plots.reconstructions(images, trained.measured.shape)


def _say(trained: _Trained, folder: Path, pictures: list[str]) -> None:
    from .table import show

    estimator, summary = trained.estimator, trained.summary
    training = f"{estimator._learner.moments.count:,} rows, {estimator.n_iter_:,} epochs"
    lines = [("learnt from", training), ("scaling", estimator.scaling_), *summary.lines()]
    if estimator._learner.stopped:
        lines.append(("stopped", estimator._learner.stopped))
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


def _number_or_text(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def _absolute(source: str) -> str:
    """Return a file's path so that the recipe works from anywhere; `mnist:test` and the like stay."""
    path, colon, key = source.partition(".npz:")
    file = Path(path + colon[:-1])
    return str(file.resolve()) + (f":{key}" if colon else "") if file.exists() else source
