"""A report's page: everything that a template prints, made ready; templates compute nothing."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ... import plots
from ..report import Pictures, Report
from .engine import environment, text
from .figures import svg
from .latents import entry, points, rest, table
from .rows import shots_of
from .sprite import Sprite, sprite

SHARE = 1_400_000  # characters that the atlas's pictures may take


def page(report: Report) -> str:
    """Return the whole page."""
    return environment.get_template("report.html.j2").render(**_context(report))


def card(report: Report) -> str:
    """Return what a notebook shows: the verdict and the numbers that carry it."""
    return environment.get_template("card.html.j2").render(r=report)


def _context(report: Report) -> dict[str, Any]:
    pictures = report.pictures
    assert pictures is not None
    sheets = _sheets(report, pictures)
    sections = [
        ("samples", "Rows"),
        ("training", "Training"),
        ("errors", "Errors"),
        ("atlas", "Atlas"),
        *([("relate", "Relations")] if report.relation is not None else []),
        ("latents", "All latents"),
        ("neighbours", "Likeness"),
        ("baselines", "Baselines"),
        ("try_it", "Try it"),
        ("provenance", "Recipe"),
    ]
    scripts = [text("page.js")]
    if pictures.tryit is not None:
        scripts += [Markup(pictures.tryit.activations_script), text("tryit.js")]
    styles = ["style.css", *(["tryit.css"] if pictures.tryit is not None else [])]
    return {
        "r": report,
        "title": f"{report.name} · taciturn report",
        "css": Markup("\n").join(map(text, styles)),
        "js": Markup("\n").join(scripts),
        "sprites": list(sheets.values()),
        "aspect": pictures.shape[1] / pictures.shape[0] if plots.is_image(pictures.shape) else 1,
        "sections": sections,
        "shots": list(shots_of(report, pictures, sheets)),
        "figures": _figures(report, pictures),
        "atlas": [entry(each, pictures, sheets) for each in report.atlas],
        "firing": "active on" if report.summary.active_above is None else f"above {report.summary.active_above:g} on",
        "relation": _relation(report),
        "table": list(table(report)),
        "rest": rest(report),
        "points": list(points(report)),
        "map_by": report.map_by,
        "chance": math.sqrt(2 / (math.pi * report.summary.columns)),
        "baselines": _baselines(report),
        "try_it": pictures.tryit,
        "why_not": pictures.why_not,
        "provenance": list(_provenance(report)),
    }


# --- pictures --------------------------------------------------------------------------------------------------


def _sheets(report: Report, pictures: Pictures) -> dict[str, Sprite]:
    """Return the sheets of small images, as many latents as their share of the page allows."""
    if not plots.is_image(pictures.shape):
        return {}
    shots, shown = pictures.shots, report.atlas
    while True:
        rows: dict[Any, Any] = {("clean", row): image for row, image in (pictures.rows | shots.clean).items()}
        rows |= {("seen", row): image for row, image in shots.corrupted.items() if report.samples.corruption}
        rows |= {("back", row): image for row, image in shots.recon.items()}
        wanted = {spoken.row for each in shown for spoken in each.rows} | set(shots.clean)
        rows = {key: image for key, image in rows.items() if key[0] != "clean" or key[1] in wanted}
        own = {each.latent: pictures.directions[each.latent] for each in shown}
        sheets = {"rows": sprite("rows", rows, pictures.shape, like=list(shots.clean.values()))}
        sheets |= {"own": sprite("own", own, pictures.shape)} if own else {}
        if sum(len(sheet.uri) for sheet in sheets.values()) <= SHARE or len(shown) <= 8:
            return sheets
        shown = shown[: len(shown) // 2]


def _figures(report: Report, pictures: Pictures) -> dict[str, Markup]:
    summary, shape = report.summary, pictures.shape
    found = dict.fromkeys(("sparsity_loss", "correlation", "relate"), Markup()) | {
        "history": svg(plots.history(pictures.history, target=summary.target_rate), "f1", _said_of(report.curves)),
        "row_errors": svg(plots.row_errors(pictures.row_errors), "f2", "Histogram of the rows' errors"),
        "errors": svg(
            plots.errors(report.errors.per_column, columns=report.columns, shape=shape), "f3", "Error by column"
        ),
        "rates": svg(*_rates(report)),
    }
    if summary.target_rate is not None and 0 < summary.target_rate < 1:
        figure = plots.sparsity_loss(summary.target_rate, summary.rates)
        found["sparsity_loss"] = svg(
            figure, "f5", "What the penalties cost at each rate, and where this model's latents are"
        )
    if len(report.neighbours.correlated) > 1:
        figure = plots.correlation(np.array(report.neighbours.correlations))
        found["correlation"] = svg(figure, "f6", "Correlations of the codes of the most telling latents")
    if report.relation is not None and report.relation.effects:
        figure = plots.relate(report.relation.effects[:12], kind=report.relation.kind)
        found["relate"] = svg(
            figure, "f7", "Effects of latents with their intervals; the same numbers stand in the table"
        )
    return found


def _rates(report: Report) -> tuple[Any, str, str]:
    summary = report.summary
    if summary.target_rate is not None:
        figure = plots.rates(summary.rates, target=summary.target_rate, label="mean activation")
        return figure, "f4", "Histogram of the latents' mean activations"
    target = None if summary.target_l0 is None else summary.target_l0 / summary.latents
    return plots.rates(report.latents.firing, target=target, label="share of rows"), "f4", "Histogram of firing rates"


def _said_of(curves: dict[str, list[float | None]]) -> str:
    loss = [value for value in curves.get("loss", []) if value is not None]
    return f"Training curves; the loss goes from {loss[0]:.4g} to {loss[-1]:.4g}" if loss else "Training curves"


# --- words -----------------------------------------------------------------------------------------------------


def _relation(report: Report) -> dict[str, Any]:
    now = report.relation
    if now is None:
        return {}
    few, raw = f"{now.few} latents reach a {now.measure} of {now.few_score:.3f}", f"raw columns {now.raw_score:.3f}"
    every = "" if now.all_score is None else f"all of them {now.all_score:.3f}, "
    said = (
        f"{now.found:,} of {now.tested:,} latents go with it beyond chance, on {now.rows:,} rows "
        f"(false discoveries held at {now.level:.0%} by Benjamini and Hochberg). "
        f"Cross-validated, the best {few}, {every}{raw}, chance {now.chance:.3f}."
    )
    effects = [
        {
            "latent": each.latent,
            "of": each.of,
            "effect": f"{each.effect:.3f}",
            "interval": f"{each.low:.3f} … {each.high:.3f}",
            "q": f"{each.q:.1e}",
            "precision": "" if each.precision is None else f"{each.precision:.2f}",
            "recall": "" if each.recall is None else f"{each.recall:.2f}",
        }
        for each in now.effects
    ]
    return {"said": said, "effect": "AUC" if now.kind == "classes" else "correlation", "effects": effects}


def _baselines(report: Report) -> dict[str, Any]:
    summary = report.summary
    own = "—" if summary.fvu is None else f"{1 - summary.fvu:.2%}"
    lines = [("this model", f"{summary.latents:,}", own)]
    lines += [(one.name, f"{one.components:,}", f"{1 - one.fvu:.2%}") for one in report.baselines]
    said = (
        "Of the same rows' variance. PCA with as many components as latents are at work in a row, and with as many as "
        "there are; the untrained encoder is this network as its seed drew it, with the best linear decoder for it."
    )
    return {"lines": lines, "said": said}


def _provenance(report: Report) -> Iterator[tuple[str, str]]:
    now = report.provenance
    yield "estimator", now.estimator
    yield "network", now.network
    yield "objective", now.objective
    yield "corruption", now.corruption
    yield "scaling", now.scaling
    yield "learnt from", f"{now.rows_learnt_from:,} rows" + (f" of {now.data}" if now.data else "")
    yield "measured on", f"{report.summary.rows:,} rows, fingerprint {now.measured_on}"
    yield "training", f"{now.epochs:,} epochs, {now.steps:,} steps, {now.seconds:.1f} s, seed {now.seed}"
    yield "machine", f"{now.machine}, {now.device}, {now.threads} threads"
    yield "versions", ", ".join(f"{name} {version}" for name, version in now.versions.items())
