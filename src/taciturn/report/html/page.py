"""A report's page: its sections, rendered one by one; templates compute nothing."""

from typing import Any

from markupsafe import Markup

from ... import plots
from ..numbers import Pictures, ReportNumbers
from .engine import environment, text
from .section import Material
from .sections import SECTIONS
from .sprite import Sprite, sprite

SHARE = 1_400_000  # characters that the atlas's pictures may take


def page(report: ReportNumbers) -> str:
    """Return the whole page as HTML."""
    pictures = report.pictures
    material = Material(report, pictures, _sheets(report, pictures))
    shown = [section for section in SECTIONS if section.shown(material)]
    scripts, styles = [text("page.js")], [text("style.css")]
    if pictures.tryit is not None:
        scripts += [Markup(pictures.tryit.activations_script), text("tryit.js")]
        styles.append(text("tryit.css"))
    return environment.get_template("report.html.j2").render(
        r=report,
        title=f"{report.name} · taciturn report",
        css=Markup("\n").join(styles),
        js=Markup("\n").join(scripts),
        sprites=list(material.sheets.values()),
        aspect=pictures.shape[1] / pictures.shape[0] if plots.is_image(pictures.shape) else 1,
        sections=[
            (section.anchor, section.title, _rendered(section.name, section.context(material))) for section in shown
        ],
    )


def card(report: ReportNumbers) -> str:
    """Return what a notebook shows: the verdict and its warnings."""
    return environment.get_template("card.html.j2").render(r=report)


def _rendered(name: str, context: dict[str, Any]) -> Markup:
    return Markup(environment.get_template(f"{name}.html.j2").render(**context))


def _sheets(report: ReportNumbers, pictures: Pictures) -> dict[str, Sprite]:
    """Return the sheets of small images, as many latents as their share of the page allows."""
    if not plots.is_image(pictures.shape):
        return {}
    shots, shown = pictures.shots, report.atlas
    while True:
        rows: dict[Any, Any] = {("clean", row): image for row, image in (pictures.rows | shots.clean).items()}
        rows |= {("corrupted", row): image for row, image in shots.corrupted.items() if report.samples.corruption}
        rows |= {("reconstruction", row): image for row, image in shots.recon.items()}
        wanted = {spoken.row for each in shown for spoken in each.rows} | set(shots.clean)
        rows = {key: image for key, image in rows.items() if key[0] != "clean" or key[1] in wanted}
        own = {each.latent: pictures.directions[each.latent] for each in shown}
        sheets = {"rows": sprite("rows", rows, pictures.shape, like=list(shots.clean.values()))}
        sheets |= {"own": sprite("own", own, pictures.shape)} if own else {}
        if sum(len(sheet.uri) for sheet in sheets.values()) <= SHARE or len(shown) <= 8:
            return sheets
        shown = shown[: len(shown) // 2]
