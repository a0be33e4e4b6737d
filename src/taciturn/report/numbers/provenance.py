"""The origin of a model: recipe, rows, versions, machine, duration, and a command that repeats the run."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...artifact import Artifact
from ...data.sources import Source
from .study import Study

BLOCK_NUMBERS = 1 << 22  # numbers that are hashed at a time


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
    data : str or None
        The data set's name or the file that the rows came from, if known.
    rows_fingerprint : str
        The fingerprint of the rows that the report evaluates.
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
    data: str | None
    rows_fingerprint: str
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


def provenance(artifact: Artifact, source: Source, *, repeat: str) -> Provenance:
    """Return the origin of a model.

    Parameters
    ----------
    artifact : Artifact
        The model with its config.
    source : Source
        The rows that the report evaluates.
    repeat : str
        A command or a line of Python that repeats the run.

    Returns
    -------
    Provenance
    """
    config = artifact.config
    training = config["training"]
    return Provenance(
        estimator=config["estimator"],
        network=dict(artifact.lines())["network"],
        objective=artifact.recipe("objective").text,
        corruption=artifact.recipe("corruption").text,
        scaling=config["scaling_said"],
        parameters=dict(config["parameters"]),
        training_rows=config["rows"]["count"],
        data=config["rows"].get("data"),
        rows_fingerprint=fingerprint(source),
        versions=dict(config["versions"]),
        machine=config["machine"],
        device=training["device"],
        threads=training["threads"],
        seed=training["seed"],
        epochs=training["epochs"],
        steps=training["steps"],
        seconds=training["seconds"],
        stop_reason=training["stopped"],
        repeat=repeat,
    )


def fingerprint(source: Source) -> str:
    """Return a fingerprint of a source's rows: 16 hexadecimal digits.

    Sources have the same fingerprint if their rows have the same values, type, number and shape.

    Parameters
    ----------
    source : Source
        Rows, in the input's units.

    Returns
    -------
    str
        The first 16 digits of the SHA-256 of the rows' type, number and shape, followed by their bytes.

    Examples
    --------
    >>> import numpy as np
    >>> from taciturn.data.sources import Rows
    >>> fingerprint(Rows(np.eye(2))) == fingerprint(Rows(np.eye(2))) != fingerprint(Rows(np.eye(3)))
    True
    """
    digest = hashlib.sha256(f"{source.dtype.str} {len(source)} {source.shape}".encode())
    block_rows = max(BLOCK_NUMBERS // int(np.prod(source.shape)), 1)
    for start in range(0, len(source), block_rows):
        rows = source.read(start, min(start + block_rows, len(source)))
        digest.update(np.ascontiguousarray(rows).tobytes())
    return digest.hexdigest()[:16]


def measure(study: Study) -> Provenance:
    """Return the provenance of a report's model."""
    return provenance(study.artifact, study.rows, repeat=study.repeat)
