"""How the training went."""

from typing import Any

from .... import plots
from ..figures import svg
from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    report = material.report
    figure = plots.history(material.pictures.history, target=report.summary.target_rate)
    loss = [value for value in report.curves.get("loss", []) if value is not None]
    words = f"Training curves; the loss goes from {loss[0]:.4g} to {loss[-1]:.4g}" if loss else "Training curves"
    both = bool(report.samples.corruption) and report.summary.target_rate is not None
    return {"run": report.provenance, "corrupted_rates": both, "history": svg(figure, "f1", words)}


TRAINING = Section("training", "Training", _context)
