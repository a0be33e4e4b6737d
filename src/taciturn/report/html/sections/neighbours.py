"""Latents that are alike: a map, correlations of codes, pairs of near-duplicates."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .... import plots
from ...numbers import ReportNumbers
from ..figures import percent, svg
from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    report = material.report
    correlation = None
    if len(report.neighbours.correlated) > 1:
        figure = plots.correlation(np.array(report.neighbours.correlations))
        correlation = svg(figure, "f6", "Correlations of the codes of the latents that carry most")
    return {
        "neighbours": report.neighbours,
        "chance": math.sqrt(2 / (math.pi * report.summary.columns)),
        "points": list(_points(report)),
        "method": report.map.method,
        "correlation": correlation,
    }


def _points(report: ReportNumbers) -> Iterator[tuple[str, ...]]:
    """Yield the latents of the map: x, y, size, words and where they lead."""
    said, shown = report.latents, {each.latent for each in report.atlas}
    at = dict(zip(said.order, report.map.points, strict=False))
    if not at:
        return
    places = np.array(list(at.values()))
    low, span = places.min(0), np.maximum(np.ptp(places, axis=0), 1e-12)
    greatest = max(said.shares) or 1.0
    for latent, point in at.items():
        x, y = 3 + 94 * (np.array(point) - low) / span
        share, firing = percent(said.shares[latent]), percent(said.firing[latent])
        words = f"latent {latent}: {share} of the variation, active on {firing}"
        target = f"latent-{latent}" if latent in shown else "latents"
        yield (
            f"{x:.1f}",
            f"{100 - y:.1f}",
            f"{0.5 + 1.6 * math.sqrt(said.shares[latent] / greatest):.2f}",
            words,
            target,
        )


NEIGHBOURS = Section("neighbours", "Similar latents", _context)
