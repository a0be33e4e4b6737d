"""The page of several runs."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ... import plots
from ..numbers import ComparisonNumbers
from ..numbers.comparison import Shared
from ..numbers.summary import Summary
from .engine import environment, text
from .figures import line, svg
from .sprite import Sprite, sprite

ERRORS = ("validation_squared_error", "validation_cross_entropy", "squared_error", "cross_entropy", "loss")


def comparison_page(comparison: ComparisonNumbers) -> str:
    """Return the whole page."""
    sheets = _sheets(comparison)
    return environment.get_template("compare.html.j2").render(
        c=comparison,
        title="taciturn comparison",
        css=text("style.css"),
        js=text("page.js"),
        sprites=sheets,
        aspect=comparison.shape[1] / comparison.shape[0] if sheets else 1,
        numbers=list(_numbers(comparison)),
        differ=[(name, [_said(value) for value in values]) for name, values in comparison.differ.items()],
        figures=_figures(comparison),
        shared=[_shared(comparison, each, sheets) for each in comparison.shared],
    )


def comparison_card(comparison: ComparisonNumbers) -> str:
    """Return what a notebook shows."""
    return environment.get_template("comparison_card.html.j2").render(c=comparison)


def _numbers(now: ComparisonNumbers) -> Iterator[tuple[str, list[str]]]:
    told = now.summaries
    yield "variance reconstructed", ["—" if s.fvu is None else f"{1 - s.fvu:.2%}" for s in told]
    yield "latents", [f"{s.latents:,}" for s in told]
    yield "at work in a row", [_l0(s) for s in told]
    yield (
        "mean activation",
        [f"{s.rate:.2%}" + (f" (asked {s.target_rate:.2%})" if s.target_rate else "") for s in told],
    )
    yield "never at work", ["—" if s.target_rate is not None else f"{s.dead:,}" for s in told]
    if any(s.psnr_after is not None for s in told):
        lifts = [(s.psnr_before, s.psnr_after) for s in told]
        yield "noisy rows, dB", ["—" if a is None or b is None else f"{b:.1f} → {a:.1f}" for b, a in lifts]
    yield "mean |cosine| of latents", [f"{each:.3f}" for each in now.coherence]
    yield "training, s", [f"{each:.1f}" for each in now.seconds]


def _figures(now: ComparisonNumbers) -> dict[str, Markup]:
    told = zip(now.names, now.summaries, strict=True)
    places = {name: (s.l0, s.fvu) for name, s in told if s.fvu is not None and s.target_rate is None}
    drawn = {"frontier": Markup(), "overlay": Markup()}
    if places:
        drawn["frontier"] = svg(
            plots.frontier(places), "f1", "Error against latents a row; the numbers stand in the table"
        )
    measured = [name for name in ERRORS if all(name in history for history in now.histories.values())]
    if measured:
        figure = plots.overlay(now.histories, measured[0])
        drawn["overlay"] = svg(figure, "f2", f"Curves of {measured[0].replace('_', ' ')} over the epochs")
    return drawn


def _sheets(now: ComparisonNumbers) -> list[Sprite]:
    """Return the directions that are drawn as one sheet, where rows are images."""
    if not now.directions or not plots.is_image(now.shape):
        return []
    wanted = {(each.one, pair.one) for each in now.shared for pair in each.pairs}
    wanted |= {(each.other, pair.other) for each in now.shared for pair in each.pairs}
    images = {(name, latent): now.directions[name][latent] for name, latent in sorted(wanted)}
    return [sprite("own", images, now.shape)] if images else []


def _shared(now: ComparisonNumbers, each: Shared, sheets: list[Sprite]) -> dict[str, Any]:
    said = (
        f"{each.found:,} of {each.of:,} latents, matched one to one, point the same way (|cosine| .9 or more); "
        f"{each.initial:,} did before the first step. The mean |cosine| of all pairs is {each.mean_cosine:.3f}. "
        "The most alike:"
    )
    pairs = [
        {
            "one": pair.one,
            "other": pair.other,
            "cosine": f"{pair.cosine:.3f}",
            "images": _drawn(now, each, pair, sheets),
        }
        for pair in each.pairs
    ]
    return {"one": each.one, "other": each.other, "said": said, "pairs": pairs}


def _drawn(now: ComparisonNumbers, each: Shared, pair: Any, sheets: list[Sprite]) -> Markup:
    two = ((each.one, pair.one), (each.other, pair.other))
    if sheets:
        return Markup().join(sheets[0].image(key, f"what latent {key[1]} of {key[0]} adds") for key in two)
    if not now.directions:
        return Markup()
    rows = [now.directions[name][latent] for name, latent in two]
    peak = max(float(np.abs(row).max()) for row in rows) or 1.0
    return Markup().join(line(row.tolist(), -peak, peak) for row in rows)


def _l0(summary: Summary) -> str:
    if summary.target_rate is not None:
        return "—"
    return f"{summary.l0:.2f}" + (f" (asked {summary.target_l0:g})" if summary.target_l0 else "")


def _said(value: Any) -> str:
    return "—" if value is None else str(value)
