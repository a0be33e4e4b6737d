"""From a recipe to a trained model and a run's files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import DataError, RecipeError
from ..core.version import __version__
from . import recipe_file
from .options import finite

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..data.sources import Source
    from ..estimators import BaseAutoencoder
    from ..report import Report, Summary


@dataclass
class Trained:
    """An estimator, the complete recipe that made it, and what it is worth on `measured` rows."""

    estimator: "BaseAutoencoder"
    recipe: dict[str, dict[str, Any]]
    learnt: int  # rows
    measured: "Source"  # held-out rows, or all where none are
    kept: "Artifact"
    summary: "Summary"
    report: "Report | None"
    interrupted: bool


def train(recipe: dict[str, dict[str, Any]], *, bar: bool, folder: Path | None = None) -> Trained:
    """Return what a recipe makes of its rows; with a report if it is to stand in a `folder`."""
    import torch

    from .. import datasets
    from ..data.sources import Subset
    from ..data.split import split

    run, parameters, data = recipe["run"], recipe["parameters"], recipe["data"]
    seed, share = run.get("seed", 0), run.get("held_out", 0.1)
    if not 0 <= share < 1:
        raise RecipeError(f"held_out={share} must lie in [0, 1)")
    if seed < 0:
        raise RecipeError(f"seed={seed} must be 0 or more")
    source = datasets.load(data["source"], columns=data.get("columns"), drop=data.get("drop"))
    finite(source, data["source"])  # all rows, so that a value that is not is named by its place in the file
    estimator = _estimator(recipe, seed, bar)
    learnt, held = split(len(source), share, seed) if share and len(source) > 1 else (None, None)
    training = source if learnt is None else Subset(source, learnt)
    measured = source if held is None else Subset(source, held)
    if len(training) < 2:
        raise DataError(
            f"{data['source']}: {len(training)} of {len(source)} rows is left to learn from, which takes 2; "
            f"give more rows, or hold out fewer (--held-out {share:g})"
        )
    interrupted = False
    try:
        estimator.fit(training, validation=None if held is None else measured)
    except KeyboardInterrupt:
        if not estimator.__sklearn_is_fitted__():
            raise
        interrupted = True
    estimator.set_params(verbose=0)
    complete = {
        "data": data | {"source": _absolute(data["source"])},
        "run": {
            "estimator": estimator.command_name,
            "seed": seed,
            "held_out": share,
            "threads": torch.get_num_threads(),
        },
        "parameters": parameters | _decided(estimator),
    }
    kept = _kept(estimator, complete, measured)
    summary, made = _measured(kept, training, measured, held, folder)
    kept.metrics = summary.to_dict()
    return Trained(estimator, complete, len(training), measured, kept, summary, made, interrupted)


def _kept(estimator: "BaseAutoencoder", recipe: dict[str, dict[str, Any]], measured: "Source") -> "Artifact":
    """Return the artifact, with what the recipe knows of the rows."""
    data, run = recipe["data"], recipe["run"]
    rows = {
        "data": data["source"],
        "asked_columns": data.get("columns"),
        "dropped_columns": data.get("drop"),
        "shape": list(measured.shape),
        "held_out": run["held_out"],
        "split_seed": run["seed"],
    }
    return estimator.to_artifact(rows=rows, metrics={"weights": estimator.weights_})


def _measured(
    kept: "Artifact", training: "Source", measured: "Source", held: Any, folder: Path | None
) -> tuple["Summary", "Report | None"]:
    """Return what the model is worth, and the report of it if there is to be one."""
    from .. import report
    from .report import labels_for

    seed = kept.config["rows"]["split_seed"]
    if folder is None:
        summary = report.summarise(
            kept.model,
            measured,
            objective=kept.recipe("objective"),
            corruption=kept.recipe("corruption"),
            held_out=held is not None,
            seed=seed,
            weights=kept.metrics["weights"],
        )
        return summary, None
    made = report.report(
        kept,
        measured,
        training=training,
        labels=labels_for(kept, None, None, None),
        name=folder.name,
        held_out=held is not None,
        repeat=f"taciturn fit {folder / 'recipe.toml'} -o again",
        seed=seed,
    )
    return made.summary, made


def _estimator(recipe: dict[str, dict[str, Any]], seed: int, bar: bool) -> "BaseAutoencoder":
    from .. import estimators

    parameters, kind = recipe["parameters"], recipe["run"].get("estimator")
    if kind is None:
        kind = "denoising" if "corruption" in parameters and "sparsity" not in parameters else "sparse"
        kind = "dictionary" if "k" in parameters else kind
    kinds = estimators.by_command_name()
    if kind not in kinds:
        raise RecipeError(f"estimator={kind!r} is unknown; there are {', '.join(kinds)}")
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
    estimator: BaseAutoencoder = kinds[kind](random_state=seed, verbose=int(bar))
    known = estimator.get_params().keys() - {"random_state", "verbose"}  # the run's seed, and no part of a recipe
    if unknown := sorted(given.keys() - known):
        raise RecipeError(f"[parameters]: {unknown[0]!r} is no parameter; there are {', '.join(sorted(known))}")
    estimator.set_params(**given)
    return estimator


def _decided(estimator: "BaseAutoencoder") -> dict[str, Any]:
    """Return the parameters with every "auto" replaced by what it came to."""
    from ..estimators.persistence import plain

    now, said = estimator.settings_, estimator.get_params(deep=False)
    widths = now.layout.widths[1:]
    usual = estimator._run_parameters().sparsity if said["sparsity"] == "auto" else said["sparsity"]
    decided = {
        "n_components": widths[0] if len(widths) == 1 else list(widths),
        "corruption": now.corruption.text,
        "sparsity": plain(usual) or "none",
        "revive": said.get("revive") or "none",
        "output_activation": now.layout.output.text,
        "scaling": now.scaling.text,
        "learning_rate": now.learning_rate if isinstance(now.learning_rate, float) else now.learning_rate.text,
        "batch_size": now.batch_size,
        "max_iter": now.epochs,
        "device": now.device,
        "random_state": None,  # the run's seed
        "verbose": None,
    }
    return {name: decided.get(name, plain(value)) for name, value in said.items()}


def write(trained: Trained, folder: Path) -> list[str]:
    """Write a run's files into its folder; return the pictures' names."""
    from .. import artifact

    artifact.write(trained.kept, folder)
    (folder / "recipe.toml").write_text(recipe_file.text(trained.recipe, version=__version__), encoding="utf-8")
    pictures = _draw(trained, folder)
    if trained.report is not None:
        trained.report.save(folder / "report.html")
        trained.report.save_json(folder / "report.json")
        pictures.append("report.html")
    return pictures


def _draw(trained: Trained, folder: Path) -> list[str]:
    """Draw what there is to see; return the pictures' names."""
    from .. import plots

    figures = {}
    if plots.is_image(trained.measured.shape):
        figures["denoised.png"] = trained.estimator.plot.reconstructions(trained.measured)
    if trained.summary.target_rate is not None:
        figures["sparsity.png"] = plots.sparsity_loss(trained.summary.target_rate, trained.summary.rates)
    for name, figure in figures.items():
        plots.write(figure, folder / name)
    return list(figures)


def _absolute(source: str) -> str:
    """Return a file's path so that the recipe works from anywhere; a data set's name stays."""
    from .. import datasets

    if source.partition(":")[0] in datasets.names():
        return source
    path, colon, key = source.partition(".npz:")
    return str(Path(path + colon[:-1]).resolve()) + (f":{key}" if colon else "")
