"""Similar latents: a map, correlations of codes, pairs of near-duplicates."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .... import plots
from ...numbers import ReportNumbers
from ..figures import svg
from ..formats import percent
from ..section import Material, Section, has_latents


def _context(material: Material) -> dict[str, Any]:
    report = material.report
    correlation = None
    if len(report.neighbours.correlation_latents) > 1:
        figure = plots.correlation(np.array(report.neighbours.correlations))
        correlation = svg(figure, "f6", "Correlations of the codes of the atlas's first latents")
    return {
        "neighbours": report.neighbours,
        # the mean |cosine| of two random directions, for large numbers of columns
        "random_cosine": math.sqrt(2 / (math.pi * report.summary.columns)),
        "points": list(_points(report)),
        "method": report.map.method,
        "shown_points": _count(len(report.map.points), report.summary.latents, "latents"),
        "shown_pairs": _shown_pairs(report),
        "correlation": correlation,
    }


def _count(n_shown: int, n_all: int, noun: str) -> str:
    return f"all {n_all:,} {noun}" if n_shown == n_all else f"{n_shown:,} of {n_all:,} {noun}"


def _shown_pairs(report: ReportNumbers) -> str:
    """Return how many of the near-duplicates the table has."""
    n_shown, n_all = len(report.neighbours.pairs), report.neighbours.near_duplicates
    return f"The table has {n_shown:,} of {n_all:,} near-duplicates." if n_shown < n_all else ""


def _points(report: ReportNumbers) -> Iterator[tuple[str, ...]]:
    """Yield the latents of the map: x, y and radius in percent of its width, description, id of the link's target."""
    numbers, atlas_latents = report.latents, {entry.latent for entry in report.atlas}
    points = dict(zip(numbers.order, report.map.points, strict=False))
    if not points:
        return
    coordinates = np.array(list(points.values()))
    low, span = coordinates.min(0), np.maximum(np.ptp(coordinates, axis=0), 1e-12)
    largest = max(numbers.shares) or 1.0
    for latent, point in points.items():
        x, y = 3 + 94 * (np.array(point) - low) / span
        radius = 0.5 + 1.6 * math.sqrt(numbers.shares[latent] / largest)
        share, firing_rate = percent(numbers.shares[latent]), percent(numbers.firing_rates[latent])
        description = f"latent {latent}: {share} of the variation, active on {firing_rate} of the rows"
        target = f"latent-{latent}" if latent in atlas_latents else "latents"
        yield f"{x:.1f}", f"{100 - y:.1f}", f"{radius:.2f}", description, target


NEIGHBOURS = Section("neighbours", "Similar latents", _context, shown=has_latents)
