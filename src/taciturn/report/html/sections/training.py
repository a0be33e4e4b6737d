"""The training: its length and its curves."""

from collections.abc import Iterator
from typing import Any

from .... import plots
from ...numbers import ReportNumbers
from ..figures import svg
from ..formats import number
from ..section import Material, Section

NAMES = {"rate": "mean activation", "dead": "dead latents"}  # of curves, where the key is not the name


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
        "numbers": list(_numbers(report)),
    }


def _numbers(report: ReportNumbers) -> Iterator[tuple[str, str, str, str]]:
    """Yield the numbers of each epoch: a name, and the first, the least and the last value."""
    for name, values in report.curves.items():
        known = [value for value in values if value is not None]
        if name != "epoch" and known:
            yield NAMES.get(name, name.replace("_", " ")), number(known[0]), number(min(known)), number(known[-1])


TRAINING = Section("training", "Training", _context)
