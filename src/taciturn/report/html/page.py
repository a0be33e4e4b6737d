"""A report's page: everything that a template prints, made ready; templates compute nothing."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ... import plots
from ..latents import Shown
from ..report import Pictures, Report
from ..samples import Seen
from .engine import environment, text
from .figures import line, svg
from .sprite import Sprite, sprite

SHARE = 1_400_000  # characters that the atlas's pictures may take
IN_TABLE = 10_000  # latents
AS_COLUMNS = 12  # of a row of a table


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
    scripts = ["page.js", *(["tryit.js"] if pictures.tryit is not None else [])]
    styles = ["style.css", *(["tryit.css"] if pictures.tryit is not None else [])]
    return {
        "r": report,
        "title": f"{report.name} · taciturn report",
        "css": Markup("\n").join(map(text, styles)),
        "js": Markup("\n").join(map(text, scripts)),
        "sprites": list(sheets.values()),
        "aspect": pictures.shape[1] / pictures.shape[0] if plots.is_image(pictures.shape) else 1,
        "sections": sections,
        "shots": list(_shots(report, pictures, sheets)),
        "figures": _figures(report, pictures),
        "atlas": [_latent(each, pictures, sheets) for each in report.atlas],
        "firing": "fires on" if report.summary.at_work == "not 0" else f"{report.summary.at_work} on",
        "relation": _relation(report),
        "table": list(_table(report)),
        "rest": _rest(report),
        "points": list(_points(report)),
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
        rows |= {("seen", row): image for row, image in shots.seen.items() if report.samples.corruption}
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


# --- rows ------------------------------------------------------------------------------------------------------


def _shots(report: Report, pictures: Pictures, sheets: dict[str, Sprite]) -> Iterator[dict[str, Any]]:
    said, shots = report.samples, pictures.shots
    kinds = {"as seen": shots.seen} if said.corruption else {}
    for title, group, noisy in (
        ("The first rows", said.first, True),
        ("Met best", said.best, False),
        ("In the middle", said.median, False),
        ("Met worst", said.worst, False),
    ):
        lines = ({"as seen": "seen"} if noisy and kinds else {}) | {"came back": "back", "clean": "clean"}
        if sheets:
            drawn: list[Any] = [
                (label, [sheets["rows"].image((kind, each.row), f"row {each.row}, {label}") for each in group])
                for label, kind in lines.items()
            ]
            drawn.append(("dB" if noisy else "error", [_caption(each, noisy) for each in group]))
            yield {"title": title, "heads": [], "lines": drawn, "drawn": True}
        elif report.columns is not None:
            yield {
                "title": title,
                "heads": report.columns[:AS_COLUMNS],
                "lines": list(_numbers(group[:4], lines, shots)),
                "drawn": False,
            }
        else:
            yield {
                "title": title,
                "heads": [],
                "lines": [_curves(group, shots), ("error", [f"{each.error:.3g}" for each in group])],
                "drawn": True,
            }


def _caption(each: Seen, noisy: bool) -> Markup:
    if not noisy or each.psnr_after is None:
        return Markup('<span class="note">{}</span>').format(f"{each.error:.2g}")
    before = "" if each.psnr_before is None else f"{each.psnr_before:.0f} → "
    return Markup('<span class="note">{}</span>').format(f"{before}{each.psnr_after:.0f}")


def _numbers(group: list[Seen], lines: dict[str, str], shots: Any) -> Iterator[tuple[str, list[str]]]:
    rows = {"seen": shots.seen, "back": shots.recon, "clean": shots.clean}
    for each in group:
        for label, kind in lines.items():
            yield f"row {each.row:,} {label}", [f"{value:.4g}" for value in rows[kind][each.row][:AS_COLUMNS].tolist()]


def _curves(group: list[Seen], shots: Any) -> tuple[str, list[Markup]]:
    rows = np.stack([shots.clean[each.row] for each in group])
    low, high = float(rows.min()), float(rows.max())
    return "clean, and back", [
        line(shots.clean[each.row].tolist(), low, high, other=shots.recon[each.row].tolist()) for each in group
    ]


# --- latents ---------------------------------------------------------------------------------------------------


def _latent(each: Shown, pictures: Pictures, sheets: dict[str, Sprite]) -> dict[str, Any]:
    drawn = sheets and each.latent in sheets["own"].place
    top = [spoken for spoken in each.rows if spoken.quantile is None]
    at = [spoken for spoken in each.rows if spoken.quantile is not None]

    def image(spoken: Any) -> Markup:
        where = "" if spoken.quantile is None else f", quantile {spoken.quantile:g}"
        return sheets["rows"].image(("clean", spoken.row), f"row {spoken.row}, code {spoken.code:.3g}{where}")

    loudest = ", ".join(f"{spoken.row:,} ({spoken.code:.3g})" for spoken in top[:3])
    own: Any = sheets["own"].image(each.latent, f"what latent {each.latent} adds") if drawn else ""
    if not sheets and not each.columns:
        direction = pictures.directions[each.latent]
        peak = float(np.abs(direction).max()) or 1.0
        own = line(direction.tolist(), -peak, peak)
    return {
        "latent": each.latent,
        "firing": _percent(each.firing),
        "rate": f"{each.rate:.3g}",
        "mean_at_work": None if each.mean_at_work is None else f"{each.mean_at_work:.3g}",
        "own": own,
        "top": [image(spoken) for spoken in top] if drawn else [],
        "quantiles": [image(spoken) for spoken in at] if drawn else [],
        "rows_said": "" if drawn or not loudest else f"loudest on rows {loudest}",
        "bars": list(_bars(each.columns)),
    }


def _bars(columns: list[tuple[str, float]]) -> Iterator[dict[str, Any]]:
    largest = max((abs(weight) for _, weight in columns), default=0.0) or 1.0
    for name, weight in columns:
        long = 36 * abs(weight) / largest
        start = 40 if weight >= 0 else 40 - long
        kind = "more" if weight >= 0 else "less"
        yield {"name": name, "kind": kind, "start": f"{start:.3g}", "long": f"{long:.3g}", "value": f"{weight:+.2g}"}


def _table(report: Report) -> Iterator[tuple[str, ...]]:
    said = report.latents
    for latent in said.order[:IN_TABLE]:
        share, firing = _percent(said.shares[latent]), _percent(said.firing[latent])
        yield str(latent), share, firing, f"{said.rates[latent]:.3g}", f"{said.lengths[latent]:.3g}"


def _rest(report: Report) -> str:
    n = report.summary.latents
    return f"The {IN_TABLE:,} that carry most, of {n:,}; all are in report.json." if n > IN_TABLE else ""


def _points(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield the latents of the map: x, y, size, words and where they lead."""
    said, shown = report.latents, {each.latent for each in report.atlas}
    at = dict(zip(said.order, report.map, strict=False))
    if not at:
        return
    places = np.array(list(at.values()))
    low, span = places.min(0), np.maximum(np.ptp(places, axis=0), 1e-12)
    greatest = max(said.shares) or 1.0
    for latent, point in at.items():
        x, y = 3 + 94 * (np.array(point) - low) / span
        share, firing = _percent(said.shares[latent]), _percent(said.firing[latent])
        words = f"latent {latent}: {share} of the variation, fires on {firing}"
        target = f"latent-{latent}" if latent in shown else "latents"
        yield (
            f"{x:.1f}",
            f"{100 - y:.1f}",
            f"{0.5 + 1.6 * math.sqrt(said.shares[latent] / greatest):.2f}",
            words,
            target,
        )


# --- words -----------------------------------------------------------------------------------------------------


def _percent(share: float) -> str:
    return f"{share:.2%}" if share < 0.1 else f"{share:.1%}"


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
        "On the same rows. PCA with as many components as latents are at work in a row, and with as many as there are; "
        "the untrained encoder is this network as its seed drew it, with the best linear decoder for it."
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
