"""The page of a report: its sections, rendered one by one. Templates compute nothing."""

from typing import Any

from markupsafe import Markup

from ... import plots
from ..numbers import Pictures, ReportNumbers
from ..numbers.filters import Filters
from ..numbers.page_numbers import PageNumbers
from .engine import asset, environment
from .section import Material, rendered_page
from .sections import SECTIONS
from .sprite import Sprite, sprite

MAX_SHEET_CHARACTERS = 1_400_000  # of all sheets of images together
MIN_DRAWN_LATENTS = 8  # latents of the atlas that have images, however large these are


def page(report: ReportNumbers) -> str:
    """Return the page of a report as HTML."""
    pictures = report.pictures
    sheets = _sheets(report, pictures)
    if report.filters is not None:
        sheets |= {"filters": _filters(report.filters)}
    scripts, styles = [], []
    if pictures.try_it is not None:
        scripts = [Markup(pictures.try_it.activations_script), asset("try_it.js")]
        styles = [asset("try_it.css")]
    if pictures.of_images:
        scripts = [asset("viewer.js")]
    if pictures.try_denoiser is not None:
        calculators = [asset("try_it.js"), asset("denoiser.js"), asset("try_denoiser.js")]
        scripts += [Markup(pictures.try_denoiser.activations_script), *calculators]
    summary = report.summary
    left_out = "".join(f" {text}; errors are of the others." for text in summary.left_out)
    return rendered_page(
        report,
        Material(report, pictures, sheets),
        SECTIONS,
        kind="report",
        note=f"Evaluated on {summary.described_rows}.{left_out}",
        shape=pictures.shape,
        sheets=sheets,
        scripts=scripts,
        styles=styles,
    )


def card(report: PageNumbers) -> str:
    """Return the verdict and its warnings as HTML, for a notebook."""
    return environment.get_template("card.html.j2").render(report=report)


def _filters(filters: Filters) -> Sprite:
    """Return the sheet of the filters of the first convolution, by the numbers of their channels."""
    shape = filters.kernels.shape[1:3] if filters.kernels.shape[3] == 1 else filters.kernels.shape[1:]
    return sprite("filter", dict(zip(filters.channels, filters.kernels, strict=False)), shape)


def _sheets(report: ReportNumbers, pictures: Pictures) -> dict[str, Sprite]:
    """Return the sheets of small images, with as many latents of the atlas as `MAX_SHEET_CHARACTERS` allows."""
    if not plots.is_image(pictures.shape):
        return {}
    samples, atlas = pictures.sample_rows, report.atlas
    while True:
        rows: dict[Any, Any] = {("clean", row): image for row, image in (pictures.rows | samples.clean).items()}
        received = samples.corrupted if report.samples.corruption or report.summary.targets is not None else {}
        rows |= {("corrupted", row): image for row, image in received.items()}
        rows |= {("reconstruction", row): image for row, image in samples.reconstruction.items()}
        needed = {active.row for entry in atlas for active in entry.rows} | set(samples.clean)
        rows = {key: image for key, image in rows.items() if key[0] != "clean" or key[1] in needed}
        directions = {entry.latent: pictures.directions[entry.latent] for entry in atlas}
        sheets = {"rows": sprite("rows", rows, pictures.shape, references=list(samples.clean.values()))}
        sheets |= {"directions": sprite("directions", directions, pictures.shape)} if directions else {}
        characters = sum(len(sheet.uri) for sheet in sheets.values())
        if characters <= MAX_SHEET_CHARACTERS or len(atlas) <= MIN_DRAWN_LATENTS:
            return sheets
        atlas = atlas[: len(atlas) // 2]
