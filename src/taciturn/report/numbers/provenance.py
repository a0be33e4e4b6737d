"""The origin of a model: recipe, rows, versions, machine, duration, and a command that repeats the run."""

from dataclasses import dataclass
from typing import Any

import msgspec

from ...artifact import Artifact
from ...data.fingerprint import fingerprint
from ...data.sources import Source
from .study import Study


@dataclass(frozen=True)
class Provenance:
    """The origin of a model.

    Parameters
    ----------
    estimator : str
        The estimator's class.
    network : str
        Widths, coding layer, output activation and number of parameters.
    objective, corruption : str
        The recipes.
    scaling : str
        A description of the scaling.
    parameters : dict
        The estimator's parameters.
    training_rows : int
        Number of rows that the model was trained on.
    training_missing : int or None
        Number of their values that were missing; None: not all rows were surveyed before the training.
    data : str or None
        The data set's name or the file that the rows came from, if known.
    targets : str or None
        The file that their targets came from, if known; None if rows are their own targets.
    rows_fingerprint : str
        The fingerprint of the rows that the report evaluates.
    targets_fingerprint : str or None
        That of their targets.
    versions : dict of str to str
        Versions of Python and of packages.
    machine : str
        The processor.
    device : str
        The device that trained the model.
    threads : int
        Number of threads.
    seed : int
        Seed of the run.
    epochs, steps : int
        Length of the training.
    seconds : float
        Duration of the training.
    stop_reason : str or None
        Why training stopped before its last epoch; None if it did not.
    repeat : str
        A command or a line of Python that repeats the run; "" if unknown.
    """

    estimator: str
    network: str
    objective: str
    corruption: str
    scaling: str
    parameters: dict[str, Any]
    training_rows: int
    training_missing: int | None
    data: str | None
    targets: str | None
    rows_fingerprint: str
    targets_fingerprint: str | None
    versions: dict[str, str]
    machine: str
    device: str
    threads: int
    seed: int
    epochs: int
    steps: int
    seconds: float
    stop_reason: str | None
    repeat: str


def provenance(artifact: Artifact, source: Source, *, targets: Source | None = None, repeat: str) -> Provenance:
    """Return the origin of a model.

    Parameters
    ----------
    artifact : Artifact
        The model with its config.
    source : Source
        The rows that the report evaluates.
    targets : Source or None, default=None
        Their targets; None if rows are their own.
    repeat : str
        A command or a line of Python that repeats the run.

    Returns
    -------
    Provenance
    """
    training, rows, settings = artifact.training, artifact.rows, artifact.settings
    return Provenance(
        estimator=artifact.estimator.name,
        network=dict(artifact.lines())["network"],
        objective=settings.objective.text,
        corruption=settings.corruption.text,
        scaling=rows.scaling,
        parameters=dict(artifact.estimator.parameters),
        training_rows=rows.count,
        training_missing=artifact.training_missing,
        data=rows.source,
        targets=None if rows.targets is None else rows.targets.source,
        rows_fingerprint=fingerprint(source).text,
        targets_fingerprint=None if targets is None else fingerprint(targets).text,
        versions=msgspec.to_builtins(artifact.versions),
        machine=artifact.machine,
        device=settings.device,
        threads=training.threads,
        seed=training.seed,
        epochs=training.epochs,
        steps=training.steps,
        seconds=training.seconds,
        stop_reason=training.stopped,
        repeat=repeat,
    )


def measure(study: Study) -> Provenance:
    """Return the provenance of a report's model."""
    return provenance(study.artifact, study.rows, targets=study.targets, repeat=study.repeat)
