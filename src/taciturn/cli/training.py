"""Training by a recipe, and the files of a run."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from ..core.errors import DataError, EmptyRows, RecipeError
from ..core.version import __version__
from . import recipe_file
from .images import names_images
from .options import finite, load_rows, text_options
from .places import absolute, absolute_source, names_file
from .row_values import check_length, read_texts
from .signals import exit_status
from .targets import load_targets, refuse_own_column

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..core.world import Mesh
    from ..data.crops import Crops
    from ..data.sources import Source
    from ..data.split import Pairs, Part
    from ..estimators import BaseAutoencoder
    from ..report import OutlierReport, Report, Summary
    from ..training import Checkpoints

MIN_TRAINING_ROWS = 2


@dataclass
class TrainedRun:
    """A fitted estimator with its complete recipe and its results.

    Parameters
    ----------
    estimator : BaseAutoencoder
        The fitted estimator.
    recipe : dict
        The recipe, every "auto" resolved.
    n_training_rows : int
        Number of rows that the estimator was trained on.
    evaluation_rows : Source
        The held-out rows; all rows if none were held out.
    evaluation_targets : Source or None
        Their targets; None if rows are their own targets.
    artifact : Artifact
        The model with its history, its recipe and its metrics.
    summary : Summary or None
        The results on the evaluation rows; None if the latents are distributed over processes.
    report : Report, OutlierReport or None
        The report on the evaluation rows, of an outlier detector on all rows, if one was requested.
    interrupt : KeyboardInterrupt or None
        What ended the training early: Ctrl-C, or a signal; see `signals`.
    """

    estimator: "BaseAutoencoder"
    recipe: dict[str, dict[str, Any]]
    n_training_rows: int
    evaluation_rows: "Source"
    evaluation_targets: "Source | None"
    artifact: "Artifact"
    summary: "Summary | None"
    report: "Report | OutlierReport | None"
    interrupt: KeyboardInterrupt | None


def train(
    recipe: dict[str, dict[str, Any]],
    processes: "Mesh",
    *,
    bar: bool,
    folder: Path | None = None,
    checkpoints: "Checkpoints | None" = None,
    memory: int | None = None,
) -> TrainedRun:
    """Train by a recipe and evaluate the model.

    Parameters
    ----------
    recipe : dict
        The sections "data", "run" and "parameters", as `recipe_file.read` returns them.
    processes : Mesh
        The processes that train together, which have joined. Where latents are distributed over them, the model is not
        evaluated, because no process holds it.
    bar : bool
        Whether to show a progress bar on standard error.
    folder : Path or None, default=None
        The folder that the run will be written to, which the report names; None: no report is made.
    checkpoints : Checkpoints or None, default=None
        The run's log and its checkpoints; if it has one to go on from, the run goes on there.
    memory : int or None, default=None
        The bytes that the training may hold; see `check_memory`. None: no bound.

    Returns
    -------
    TrainedRun

    Raises
    ------
    RecipeError
        A part, a parameter or a combination of them is not possible.
    DataError
        The rows cannot be read, are infinite or too few.
    typer.Exit
        This is another process than the first of several that trained together: its work is done.
    KeyboardInterrupt
        The training was interrupted before its first step, or the run can be resumed. Other interrupts end the training
        only.
    """
    import torch

    from ..artifact import write as write_artifact
    from ..core.seeds import MAX_SEED
    from ..data.sources import blocks_of
    from ..data.split import split_pairs
    from ..estimators import AutoencoderOutlierDetector, CropDenoiser
    from ..estimators.memory import check_memory

    run, parameters, data = recipe["run"], recipe["parameters"], recipe["data"]
    seed, held_out_share = run.get("seed", 0), run.get("held_out", 0.1)
    if not 0 <= held_out_share < 1:
        raise RecipeError(f"held_out={held_out_share} must lie in [0, 1)")
    if not 0 <= seed <= MAX_SEED:
        raise RecipeError(f"seed={seed} must be 0 or more, and at most {MAX_SEED}")
    estimator = _new_estimator(recipe, seed, bar)
    source: Source
    if isinstance(estimator, CropDenoiser):
        if option := next((key for key in ("columns", "drop", "categorical", "texts", "id") if data.get(key)), None):
            raise RecipeError(f"{option}: {estimator.command_name} have no columns; leave it out")
        source = estimator._crops(data["source"], reset=True)
    else:
        beside = [data[key] for key in ("texts", "id") if data.get(key) is not None and not names_file(data[key])]
        if beside:  # columns that name rows are not trained on
            data["drop"] = list(dict.fromkeys([*data.get("drop", []), *beside]))
        source = load_rows(
            data["source"],
            columns=data.get("columns"),
            drop=data.get("drop"),
            categorical=data.get("categorical"),
            text=text_options(data),
        )
    targets = _targets_beside(data, estimator, source)
    if blocks_of(source) is None:  # streamed rows are checked by `fit`, and places are those in their files
        finite(source, data["source"])  # all rows before the split, so that the message has the place in the file
    if processes.latents.size > 1 and isinstance(estimator, AutoencoderOutlierDetector):
        raise RecipeError("--latent-processes does not work with an outlier detector; leave it out")
    training: Pairs = (source, targets)
    evaluation, held_out = training, None
    holds_out = held_out_share > 0 and len(source) > 1
    if holds_out:
        training, held_out = split_pairs(training, held_out_share, seed)
        evaluation = held_out
    training_rows = training[0]
    if len(training_rows) < MIN_TRAINING_ROWS:
        kind = estimator.crop_name if isinstance(estimator, CropDenoiser) else "rows"
        mend = ", or hold out none (--held-out 0)" if holds_out and len(source) >= MIN_TRAINING_ROWS else ""
        raise DataError(
            f"{data['source']}: {len(training_rows)} of {len(source)} {kind} is left to train on, but training "
            f"requires {MIN_TRAINING_ROWS}; give more {kind}{mend}"
        )
    # the page of an outlier detector is on all rows
    reported = None if held_out is None or isinstance(estimator, AutoencoderOutlierDetector) else held_out[0]
    texts, ids = (_texts_beside(data, key, len(source), reported) if folder else None for key in ("texts", "id"))
    begun = {
        "data": data
        | {"source": absolute_source(data["source"])}
        | ({} if targets is None else {"target": absolute_source(data["target"])})
        | {key: absolute(data[key]) for key in ("texts", "id") if data.get(key) is not None},
        "run": {
            "estimator": estimator.command_name,
            "seed": seed,
            "held_out": held_out_share,
            "threads": torch.get_num_threads(),
        },
        "parameters": parameters,
    }
    if checkpoints is not None:
        checkpoints.files = {"recipe.toml": recipe_file.text(begun, version=__version__)}
    resumable, interrupt = checkpoints is not None and checkpoints.every is not None, None
    try:
        with warnings.catch_warnings():
            if blocks_of(source) is None:
                warnings.simplefilter("ignore", EmptyRows)  # `finite` has warned of all rows
            if memory is not None:
                check_memory(
                    estimator,
                    memory,
                    training,
                    held_out,
                    checkpoints=resumable,
                    latent_processes=processes.latents.size,
                )
            estimator._fit(*training, held_out, seed, checkpoints)
            processes.all.wait()
    except KeyboardInterrupt as error:
        if resumable or not estimator.__sklearn_is_fitted__():
            raise
        interrupt = error
    distributed = processes.latents.size > 1
    if processes.all.rank > 0:  # the first process evaluates the model and writes it
        if distributed and processes.rows.rank == 0:
            write_artifact(estimator.to_artifact(), None)  # sends this process's latents
        raise typer.Exit(0 if interrupt is None else exit_status(interrupt))
    estimator.set_params(verbose=0)
    complete = begun | {"parameters": parameters | _resolved_parameters(estimator)}
    artifact = _artifact_of(estimator, complete, source, training, held_out)
    summary: Summary | None
    report: Report | OutlierReport | None
    try:
        if distributed:
            summary, report, artifact.metrics = None, None, {}
        elif isinstance(estimator, AutoencoderOutlierDetector) and folder is not None:
            summary, _ = _evaluate(artifact, training, evaluation, None, None, None)
            repeat = _repeat(folder)
            report = estimator._report(source, artifact, ids=ids, texts=texts, name=folder.name, repeat=repeat)
        else:
            summary, report = _evaluate(artifact, training, evaluation, folder, texts, ids)
    except KeyboardInterrupt as error:  # the model is kept, without a report
        if resumable:
            raise
        interrupt = error
        summary, report = _evaluate(artifact, training, evaluation, None, None, None)
    if summary is not None:
        artifact.metrics = summary.to_dict()
    return TrainedRun(
        estimator=estimator,
        recipe=complete,
        n_training_rows=len(training_rows),
        evaluation_rows=evaluation[0],
        evaluation_targets=evaluation[1],
        artifact=artifact,
        summary=summary,
        report=report,
        interrupt=interrupt,
    )


def write(run: TrainedRun, folder: Path) -> list[str]:
    """Write a run's files into its folder.

    Parameters
    ----------
    run : TrainedRun
        The run.
    folder : Path
        An existing folder.

    Returns
    -------
    list of str
        The names of the files that people look at: the pictures and report.html.
    """
    from ..artifact import write as write_artifact

    write_artifact(run.artifact, folder)
    (folder / "recipe.toml").write_text(recipe_file.text(run.recipe, version=__version__), encoding="utf-8")
    names = _draw(run, folder)
    if run.report is not None:
        run.report.save(folder / "report.html")
        run.report.save_json(folder / "report.json")
        names.append("report.html")
    return names


def _artifact_of(
    estimator: "BaseAutoencoder",
    recipe: dict[str, dict[str, Any]],
    source: "Source",
    training: "Pairs",
    held_out: "Pairs | None",
) -> "Artifact":
    """Return the estimator's artifact, with where its rows and their targets came from and how they were split."""
    from msgspec.structs import replace

    from ..artifact import Split, TargetsRecord
    from ..data.sources import integers_of
    from ..data.survey import fingerprint_of

    data, run, artifact, targets = recipe["data"], recipe["run"], estimator.to_artifact(), None
    if training[1] is not None:
        survey_rows = estimator.settings_.survey_rows
        targets = TargetsRecord(
            source=data["target"],
            columns=None if training[1].columns is None else list(training[1].columns),
            training=fingerprint_of(training[1], survey_rows),
            held_out=None if held_out is None or held_out[1] is None else fingerprint_of(held_out[1], survey_rows),
        )
    artifact.rows = replace(
        artifact.rows,
        source=data["source"],
        selected=data.get("columns"),
        dropped=data.get("drop"),
        header=data.get("header"),
        dialect={name: value for name, value in text_options(data).items() if name != "header"} or None,
        split=None if held_out is None else Split(count=len(source), fraction=run["held_out"], seed=run["seed"]),
        integers=integers_of(source) or None,
        targets=targets,
    )
    artifact.metrics = {"weights": estimator.weights_}
    return artifact


def _evaluate(
    artifact: "Artifact",
    training: "Pairs",
    evaluation: "Pairs",
    folder: Path | None,
    texts: list[str] | None,
    ids: list[str] | None,
) -> tuple["Summary", "Report | None"]:
    """Return the results on the evaluation rows, and a report on them if there is a folder."""
    from .. import report
    from .row_values import labels_for

    if folder is None:
        return report.summary_of_run(artifact, evaluation[0], targets=evaluation[1]), None
    made = report.report(
        artifact,
        evaluation[0],
        targets=evaluation[1],
        training=training[0],
        training_targets=training[1],
        labels=labels_for(artifact, None, None, None),
        texts=texts,
        ids=ids,
        name=folder.name,
        repeat=_repeat(folder),
        seed=artifact.training.seed,
    )
    return made.summary, made


def _repeat(folder: Path) -> str:
    return f"taciturn fit {folder / 'recipe.toml'} -o again"


def _targets_beside(data: dict[str, Any], estimator: "BaseAutoencoder", source: "Source") -> "Source | None":
    """Return the targets that a recipe names; None if rows are their own targets."""
    from ..estimators import AutoencoderOutlierDetector, CropDenoiser

    where = data.get("target")
    if where is None:
        return None
    if isinstance(estimator, CropDenoiser):
        return cast("Crops", source).beside(where)
    if isinstance(estimator, AutoencoderOutlierDetector):
        raise RecipeError(f"--target {where}: an outlier detector reconstructs its own rows; leave out the targets")
    refuse_own_column(where, data["source"], source.columns)
    variables = getattr(source, "variables", None)
    return load_targets(where, len(source), data["source"], text_options(data), variables)


def _texts_beside(data: dict[str, Any], key: str, n_rows: int, held_out: "Part | None") -> list[str] | None:
    """Return the text of each row that the report evaluates, read before the training; `key` is "texts" or "id"."""
    place = data.get(key)
    if place is None:
        return None
    texts = read_texts(data["source"], f"--{key}", place, text_options(data))
    check_length(texts, place, n_rows, data["source"])
    return texts if held_out is None else [texts[row] for row in held_out.indices]


def _new_estimator(recipe: dict[str, dict[str, Any]], seed: int, bar: bool) -> "BaseAutoencoder":
    """Return the estimator that a recipe names or, if it names none, the one that fits its parameters."""
    from .. import estimators

    parameters, kind = recipe["parameters"], recipe["run"].get("estimator")
    if kind is None:
        kind = "denoising" if "corruption" in parameters and "sparsity" not in parameters else "sparse"
        kind = "dictionary" if "k" in parameters else kind
        if not {"k", "sparsity"} & parameters.keys() and names_images(recipe["data"]["source"]):
            kind = "images"
    kinds = estimators.by_command_name()
    if kind not in kinds:
        raise RecipeError(f"estimator={kind!r} is unknown; there are {', '.join(kinds)}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
    estimator: BaseAutoencoder = kinds[kind](random_state=seed, verbose=int(bar))
    known = estimator.get_params().keys() - {"random_state", "verbose"}  # the run's seed; not a part of a recipe
    if unknown := sorted(values.keys() - known):
        raise RecipeError(
            f"[parameters] {unknown[0]!r} is not a parameter of the {kind} estimator; "
            f"the parameters are {', '.join(sorted(known))}"
        )
    estimator.set_params(**values)
    return estimator


def _resolved_parameters(estimator: "BaseAutoencoder") -> dict[str, Any]:
    """Return the estimator's parameters as TOML can hold them, every "auto" resolved."""
    from ..estimators.persistence import plain_value

    settings, parameters = estimator.settings_, estimator.get_params(deep=False)
    widths = settings.layout.components
    sparsity = parameters.get("sparsity")
    if sparsity == "auto":
        sparsity = estimator._run_parameters().sparsity
    rate = settings.learning_rate
    resolved = {
        "n_components": (widths[0] if len(widths) == 1 else list(widths)) if widths else None,
        "corruption": settings.corruption.text,
        "sparsity": plain_value(sparsity) or "none",
        "revive": parameters.get("revive") or "none",
        "output_activation": settings.layout.output.text,
        "scaling": settings.scaling.text,
        "learning_rate": rate if isinstance(rate, float) else rate.text,
        "batch_size": settings.batch_size,
        "shuffle_window": settings.shuffle_window,
        "survey_rows": settings.survey_rows or "all",
        "max_iter": settings.epochs,
        "validate_every": settings.validate_every,
        "device": settings.device,
        "random_state": None,  # the run's seed
        "verbose": None,
    }
    return {name: resolved.get(name, plain_value(value)) for name, value in parameters.items()}


def _draw(run: TrainedRun, folder: Path) -> list[str]:
    """Draw the pictures that fit the run; return their names."""
    from .. import plots

    figures = {}
    is_image = plots.is_image(tuple(run.artifact.rows.shape))
    if run.summary is not None and is_image and run.evaluation_targets is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EmptyRows)
            figures["denoised.png"] = run.estimator.plot.reconstructions(run.evaluation_rows)
    if run.summary is not None and run.summary.target_rate is not None:
        figures["sparsity.png"] = plots.sparsity_loss(run.summary.target_rate, run.summary.rates)
    for name, figure in figures.items():
        plots.write(figure, folder / name)
    return list(figures)
