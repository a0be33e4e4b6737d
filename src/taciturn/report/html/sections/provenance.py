"""The recipe and the origin of the model, and how to repeat the run."""

from collections.abc import Iterator
from typing import Any

from ...numbers.imputations import ImputerProvenance
from ...numbers.provenance import Provenance
from ..section import ImputationMaterial, Material, OutlierMaterial, Section


def _context(material: Material) -> dict[str, Any]:
    summary, run = material.report.summary, material.report.provenance
    return {"lines": list(_lines(run, summary.rows, summary.missing_values, summary.nouns)), "repeat": run.repeat}


def _outlier_context(material: OutlierMaterial) -> dict[str, Any]:
    summary, run = material.report.summary, material.report.provenance
    missing = f"{summary.missing:,} of their values are missing" if summary.missing else ""
    return {"lines": list(_lines(run, summary.rows, missing, "rows")), "repeat": run.repeat}


def _imputation_context(material: ImputationMaterial) -> dict[str, Any]:
    summary, run = material.report.summary, material.report.provenance
    return {
        "lines": [
            ("estimator", run.estimator),
            ("networks", run.network),
            ("parameters", ", ".join(f"{name}={value!r}" for name, value in run.parameters.items())),
            ("trained on", f"{run.training_rows:,} rows"),
            ("imputed", f"{summary.rows:,} rows, fingerprint {run.rows_fingerprint}"),
            ("training", f"{run.seconds:.1f} s, seed {run.seed}"),
            *_machine(run),
        ],
        "repeat": run.repeat,
    }


def _lines(run: Provenance, n_rows: int, missing_values: str, nouns: str) -> Iterator[tuple[str, str]]:
    yield "estimator", run.estimator
    yield "network", run.network
    yield "objective", run.objective
    yield "corruption", run.corruption
    yield "scaling", run.scaling
    missing = f"; {run.training_missing:,} of their values were missing" if run.training_missing else ""
    yield "trained on", f"{run.training_rows:,} {nouns}" + (f" of {run.data}" if run.data else "") + missing
    if run.targets:
        yield "targets", run.targets
    missing = f"; {missing_values}" if missing_values else ""
    targets = f", targets {run.targets_fingerprint}" if run.targets_fingerprint else ""
    yield "evaluated on", f"{n_rows:,} {nouns}, fingerprint {run.rows_fingerprint}{targets}{missing}"
    yield "training", f"{run.epochs:,} epochs, {run.steps:,} steps, {run.seconds:.1f} s, seed {run.seed}"
    yield from _machine(run)


def _machine(run: Provenance | ImputerProvenance) -> Iterator[tuple[str, str]]:
    yield "machine", f"{run.machine}, {run.device}, {run.threads} thread{'' if run.threads == 1 else 's'}"
    yield "versions", ", ".join(f"{name} {version}" for name, version in run.versions.items())


PROVENANCE = Section("provenance", "Recipe and provenance", _context)
OUTLIER_PROVENANCE = Section("provenance", "Recipe and provenance", _outlier_context)
IMPUTATION_PROVENANCE = Section("provenance", "Recipe and provenance", _imputation_context)
