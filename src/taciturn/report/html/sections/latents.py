"""The table of all latents, and the histogram of their firing rates or mean activations."""

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from .... import plots
from ...numbers import ReportNumbers
from ..figures import svg
from ..formats import number, percent
from ..section import Material, Section, has_latents

MAX_LATENTS = 10_000  # in the table


def _context(material: Material) -> dict[str, Any]:
    report, summary = material.report, material.report.summary
    sparsity_loss = None
    if summary.target_rate is not None and 0 < summary.target_rate < 1:
        figure = plots.sparsity_loss(summary.target_rate, summary.rates)
        sparsity_loss = svg(figure, "f5", "Sparsity penalties by mean activation, and this model's mean activations")
    return {
        "active": "is not 0" if summary.active_above is None else f"is above {summary.active_above:g}",
        "histogram": _histogram(report),
        "sparsity_loss": sparsity_loss,
        "table": list(_table(report)),
        "omitted": _omitted(report.summary.latents),
    }


def _histogram(report: ReportNumbers) -> Markup:
    """Return the histogram of mean activations under a rate target, else of firing rates."""
    summary = report.summary
    if summary.target_rate is not None:
        figure = plots.rates(summary.rates, target=summary.target_rate, label="mean activation")
        return svg(figure, "f4", "Histogram of the latents' mean activations")
    target = None if summary.target_l0 is None else summary.target_l0 / summary.latents
    figure = plots.rates(report.latents.firing_rates, target=target, label="firing rate (share of rows)")
    return svg(figure, "f4", "Histogram of the latents' firing rates")


def _omitted(n_latents: int) -> str:
    """Return a sentence about the latents that the table leaves out; "" if it has all."""
    if n_latents <= MAX_LATENTS:
        return ""
    return f"The table has the {MAX_LATENTS:,} of {n_latents:,} latents with the largest shares. report.json has all."


def _table(report: ReportNumbers) -> Iterator[tuple[str, ...]]:
    """Yield the lines of the table: latent, share of variation, firing rate, mean activation, norm."""
    numbers = report.latents
    for latent in numbers.order[:MAX_LATENTS]:
        yield (
            str(latent),
            percent(numbers.shares[latent]),
            percent(numbers.firing_rates[latent]),
            number(numbers.mean_activations[latent]),
            number(numbers.norms[latent]),
        )


LATENTS = Section("latents", "All latents", _context, shown=has_latents)
