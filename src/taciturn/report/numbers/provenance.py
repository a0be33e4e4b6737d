"""Where a model comes from: recipe, rows, versions, machine, time, and the command that repeats the run."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...artifact import Artifact
from ...data.sources import Source
from .study import Study

BLOCK = 1 << 22  # numbers


@dataclass(frozen=True)
class Provenance:
    """What made the model."""

    estimator: str
    network: str
    objective: str
    corruption: str
    scaling: str
    parameters: dict[str, Any]
    training_rows: int
    data: str | None  # where the rows came from
    evaluated_on: str  # a fingerprint of the rows that the report is about
    versions: dict[str, str]
    machine: str
    device: str
    threads: int
    seed: int
    epochs: int
    steps: int
    seconds: float
    stopped: str | None
    repeat: str  # a command, or a line of Python


def provenance(kept: Artifact, source: Source, *, repeat: str) -> Provenance:
    """Return what is known of a run; `repeat` is what repeats it."""
    config = kept.config
    training = config["training"]
    return Provenance(
        estimator=config["estimator"],
        network=dict(kept.lines())["network"],
        objective=kept.recipe("objective").text,
        corruption=kept.recipe("corruption").text,
        scaling=config["scaling_said"],
        parameters=dict(config["parameters"]),
        training_rows=config["rows"]["count"],
        data=config["rows"].get("data"),
        evaluated_on=fingerprint(source),
        versions=dict(config["versions"]),
        machine=config["machine"],
        device=training["device"],
        threads=training["threads"],
        seed=training["seed"],
        epochs=training["epochs"],
        steps=training["steps"],
        seconds=training["seconds"],
        stopped=training["stopped"],
        repeat=repeat,
    )


def fingerprint(source: Source) -> str:
    """Return 16 hexadecimal digits of all rows' bytes (SHA-256) and their type and number.

    Examples
    --------
    >>> import numpy as np
    >>> from taciturn.data.sources import Rows
    >>> fingerprint(Rows(np.eye(2))) == fingerprint(Rows(np.eye(2))) != fingerprint(Rows(np.eye(3)))
    True
    """
    said = hashlib.sha256(f"{source.dtype.str} {len(source)} {source.shape}".encode())
    size = max(BLOCK // int(np.prod(source.shape)), 1)
    for start in range(0, len(source), size):
        said.update(np.ascontiguousarray(source.read(start, min(start + size, len(source)))).tobytes())
    return said.hexdigest()[:16]


def measure(study: Study) -> Provenance:
    """Return the provenance of a report."""
    return provenance(study.artifact, study.rows, repeat=study.repeat)
