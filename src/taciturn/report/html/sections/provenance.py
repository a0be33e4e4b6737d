"""The recipe and the origin of the model, and how to repeat the run."""

from collections.abc import Iterator
from typing import Any

from ...numbers import ReportNumbers
from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    return {"lines": list(_lines(material.report)), "repeat": material.report.provenance.repeat}


def _lines(report: ReportNumbers) -> Iterator[tuple[str, str]]:
    run = report.provenance
    yield "estimator", run.estimator
    yield "network", run.network
    yield "objective", run.objective
    yield "corruption", run.corruption
    yield "scaling", run.scaling
    missing = f"; {run.training_missing:,} of their values were missing" if run.training_missing else ""
    yield "trained on", f"{run.training_rows:,} rows" + (f" of {run.data}" if run.data else "") + missing
    missing = f"; {report.summary.missing_values}" if report.summary.missing else ""
    yield "evaluated on", f"{report.summary.rows:,} rows, fingerprint {run.rows_fingerprint}{missing}"
    yield "training", f"{run.epochs:,} epochs, {run.steps:,} steps, {run.seconds:.1f} s, seed {run.seed}"
    yield "machine", f"{run.machine}, {run.device}, {run.threads} thread{'' if run.threads == 1 else 's'}"
    yield "versions", ", ".join(f"{name} {version}" for name, version in run.versions.items())


PROVENANCE = Section("provenance", "Recipe and provenance", _context)
