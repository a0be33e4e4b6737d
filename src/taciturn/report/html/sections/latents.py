"""The table of all latents, and the histogram of their firing rates or mean activations."""

from collections.abc import Iterator
from typing import Any

from .... import plots
from ...numbers import ReportNumbers
from ..figures import percent, svg
from ..section import Material, Section

IN_TABLE = 10_000  # latents


def _context(material: Material) -> dict[str, Any]:
    report, summary = material.report, material.report.summary
    sparsity_loss = None
    if summary.target_rate is not None and 0 < summary.target_rate < 1:
        figure = plots.sparsity_loss(summary.target_rate, summary.rates)
        sparsity_loss = svg(figure, "f5", "The penalties at each mean activation, and where this model's latents are")
    return {
        "rates": svg(*_rates(report)),
        "sparsity_loss": sparsity_loss,
        "table": list(_table(report)),
        "rest": _rest(report),
    }


def _rates(report: ReportNumbers) -> tuple[Any, str, str]:
    summary = report.summary
    if summary.target_rate is not None:
        figure = plots.rates(summary.rates, target=summary.target_rate, label="mean activation")
        return figure, "f4", "Histogram of the latents' mean activations"
    target = None if summary.target_l0 is None else summary.target_l0 / summary.latents
    return plots.rates(report.latents.firing, target=target, label="share of rows"), "f4", "Histogram of firing rates"


def _table(report: ReportNumbers) -> Iterator[tuple[str, ...]]:
    """Yield the lines of the table of all latents: number, share of variation, firing, mean, length."""
    said = report.latents
    for latent in said.order[:IN_TABLE]:
        share, firing = percent(said.shares[latent]), percent(said.firing[latent])
        yield str(latent), share, firing, f"{said.rates[latent]:.3g}", f"{said.lengths[latent]:.3g}"


def _rest(report: ReportNumbers) -> str:
    """Return what the table leaves out, in words; nothing if it is whole."""
    n = report.summary.latents
    return f"The {IN_TABLE:,} that carry most, of {n:,}; all are in report.json." if n > IN_TABLE else ""


LATENTS = Section("latents", "All latents", _context)
