"""The training: its length and its curves."""

from typing import Any

from .... import plots
from ..figures import svg
from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    report = material.report
    figure = plots.history(material.pictures.history, target=report.summary.target_rate)
    loss = [value for value in report.curves.get("loss", []) if value is not None]
    description = f"Training curves; the loss goes from {loss[0]:.4g} to {loss[-1]:.4g}" if loss else "Training curves"
    has_corrupted_rates = bool(report.samples.corruption) and report.summary.target_rate is not None
    return {
        "run": report.provenance,
        "has_corrupted_rates": has_corrupted_rates,
        "history": svg(figure, "f1", description),
    }


TRAINING = Section("training", "Training", _context)
