"""The page of a comparison of runs."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ... import plots
from ...plots import style
from ..numbers import ComparisonNumbers
from ..numbers.comparison import SharedLatents
from ..numbers.neighbours import Pair
from ..numbers.numbers import signed_percent
from ..numbers.summary import Summary
from .engine import asset, environment
from .figures import curve, svg
from .sprite import Sprite, sprite

# columns of histories, the best choice for the figure first
KINDS = ("squared_error", "cross_entropy", "variable_error")
ERRORS = (*(f"validation_{kind}" for kind in KINDS), *KINDS, "loss")
ABSENT = "—"
COLOUR_NAMES = {colour: name for name, colour in style.COLOURS.items()}


def comparison_page(comparison: ComparisonNumbers) -> str:
    """Return the page of a comparison as HTML."""
    sheet = _sheet(comparison)
    return environment.get_template("compare.html.j2").render(
        comparison=comparison,
        title="taciturn comparison",
        css=asset("style.css"),
        js=asset("page.js"),
        sheets=[] if sheet is None else [sheet],
        aspect_ratio=comparison.shape[1] / comparison.shape[0] if sheet is not None else 1,
        results=list(_results(comparison)),
        swatches=[f"--c-{COLOUR_NAMES[style.run_colour(i)]}" for i in range(len(comparison.names))],
        parameters=[
            (name, [ABSENT if value is None else str(value) for value in values])
            for name, values in comparison.differing_parameters.items()
        ],
        figures=_figures(comparison),
        shared=[_shared_section(comparison, shared, sheet) for shared in comparison.shared],
    )


def comparison_card(comparison: ComparisonNumbers) -> str:
    """Return the comparison in one sentence as HTML, for a notebook."""
    return environment.get_template("comparison_card.html.j2").render(comparison=comparison)


def _results(comparison: ComparisonNumbers) -> Iterator[tuple[str, list[str]]]:
    """Yield the lines of the table of results: a label and one text per run."""
    summaries = comparison.summaries
    are_tables = summaries[0].variables is not None
    label = "less error than the best constants" if are_tables else "variance reconstructed"
    yield label, [ABSENT if s.fvu is None else f"{1 - s.fvu:.2%}" for s in summaries]
    if any(s.hidden for s in summaries):
        yield (
            "hidden entries, squared error",
            [ABSENT if s.hidden is None else f"{s.hidden.error:.4g}" for s in summaries],
        )
        estimates = [s.hidden.estimate if s.hidden else "" for s in summaries]
        yield "denoised rows, estimated error", [estimate or ABSENT for estimate in estimates]
    if any(s.missing for s in summaries):
        yield "missing values", [f"{s.missing:,}" for s in summaries]
    yield "latents", [f"{s.latents:,}" for s in summaries]
    if any(s.latents for s in summaries):
        yield from _codes(summaries)
    if any(s.noise_removed is not None and s.images for s in summaries):
        yield "denoising, dB PSNR", [_psnr(s) for s in summaries]
    if any(s.noise_removed is not None and not s.images for s in summaries):
        changes = [None if s.images or s.noise_removed is None else -s.noise_removed for s in summaries]
        texts = [ABSENT if change is None else signed_percent(change) for change in changes]
        yield "denoising, change of squared error", texts
    if any(s.latents for s in summaries):
        cosines = zip(summaries, comparison.mean_cosines, strict=True)
        yield "mean |cosine| of latents", [f"{cosine:.3f}" if s.latents else ABSENT for s, cosine in cosines]
    yield "training, s", [f"{seconds:.1f}" for seconds in comparison.seconds]


def _codes(summaries: list[Summary]) -> Iterator[tuple[str, list[str]]]:
    """Yield the lines on codes, which a network may not have."""
    yield "active latents per row", [_l0(s) if s.latents else ABSENT for s in summaries]
    targets = [f" (target {s.target_rate:.2%})" if s.target_rate else "" for s in summaries]
    rates = zip(summaries, targets, strict=True)
    yield "mean activation", [f"{s.rate:.2%}{target}" if s.latents else ABSENT for s, target in rates]
    yield "dead latents", [f"{s.dead:,}" if s.latents and s.target_rate is None else ABSENT for s in summaries]


def _psnr(summary: Summary) -> str:
    if summary.psnr_before is None or summary.psnr_after is None or not summary.images:
        return ABSENT
    return f"{summary.psnr_before:.1f} → {summary.psnr_after:.1f}"


def _figures(comparison: ComparisonNumbers) -> list[Markup]:
    figures = []
    runs = zip(comparison.names, comparison.summaries, strict=True)
    results = {name: (s.l0, s.fvu) for name, s in runs if s.fvu is not None and s.target_rate is None and s.latents}
    if results:
        are_tables = comparison.summaries[0].variables is not None
        label = "error / error of the best constants" if are_tables else "fraction of variance unexplained (FVU)"
        error = "Error" if are_tables else "Unexplained variance"
        description = f"{error} and active latents per row of each run; the table holds the same numbers"
        figures.append(svg(plots.frontier(results, label=label), "f1", description))
    in_all = [name for name in ERRORS if all(name in history for history in comparison.histories.values())]
    if in_all:
        figure = plots.overlay(comparison.histories, in_all[0])
        figures.append(svg(figure, "f2", f"Each run's {in_all[0].replace('_', ' ')} over the epochs"))
    return figures


def _sheet(comparison: ComparisonNumbers) -> Sprite | None:
    """Return the directions of all listed pairs as a sheet of images; None if rows are not images."""
    if not comparison.directions or not plots.is_image(comparison.shape):
        return None
    keys = {(shared.first, pair.first) for shared in comparison.shared for pair in shared.pairs}
    keys |= {(shared.second, pair.second) for shared in comparison.shared for pair in shared.pairs}
    images = {(name, latent): comparison.directions[name][latent] for name, latent in sorted(keys)}
    return sprite("directions", images, comparison.shape) if images else None


def _shared_section(comparison: ComparisonNumbers, shared: SharedLatents, sheet: Sprite | None) -> dict[str, Any]:
    text = (
        f"{shared.shared:,} of {shared.matched:,} latents, matched one to one, have nearly the same direction "
        f"(|cosine| .9 or more); {shared.initially_shared:,} did before the first step. The mean |cosine| of all pairs "
        f"is {shared.mean_cosine:.3f}."
        + (f" {shared.caveat[0].upper()}{shared.caveat[1:]}." if shared.caveat else "")
        + f" {_most_similar(shared)}, with the latents' numbers and their cosine:"
    )
    pairs = [
        {
            "first": pair.first,
            "second": pair.second,
            "cosine": f"{pair.cosine:.3f}",
            "images": _images(comparison, shared, pair, sheet),
        }
        for pair in shared.pairs
    ]
    return {"first": shared.first, "second": shared.second, "text": text, "pairs": pairs}


def _most_similar(shared: SharedLatents) -> str:
    n_shown = len(shared.pairs)
    return f"The {n_shown} most similar pairs" if n_shown < shared.matched else "All pairs"


def _images(comparison: ComparisonNumbers, shared: SharedLatents, pair: Pair, sheet: Sprite | None) -> Markup:
    """Return the directions of a pair as two images or two curves; nothing if the runs' rows have different shapes."""
    keys = ((shared.first, pair.first), (shared.second, pair.second))
    if sheet is not None:
        return Markup().join(sheet.image((run, latent), f"what latent {latent} of {run} adds") for run, latent in keys)
    if not comparison.directions:
        return Markup()
    directions = [comparison.directions[run][latent] for run, latent in keys]
    peak = max(float(np.abs(direction).max()) for direction in directions) or 1.0
    return Markup().join(curve(direction.tolist(), -peak, peak) for direction in directions)


def _l0(summary: Summary) -> str:
    if summary.target_rate is not None:
        return ABSENT
    return f"{summary.l0:.2f}" + (f" (target {summary.target_l0:g})" if summary.target_l0 else "")
