"""What a section of a page consists of, and the page of several."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from markupsafe import Markup

from ...plots import is_image
from ..numbers import ImputationNumbers, OutlierNumbers, Pictures, ReportNumbers
from ..numbers.page_numbers import PageNumbers
from .engine import asset, environment
from .sprite import Sprite

M = TypeVar("M", contravariant=True)


@dataclass(frozen=True, eq=False)
class Material:
    """What sections are rendered from.

    Parameters
    ----------
    report : ReportNumbers
        The numbers.
    pictures : Pictures
        The arrays that are drawn.
    sheets : dict of str to Sprite
        Rows ("rows") and directions ("directions") as sheets of small images; empty if rows are not images.
    """

    report: ReportNumbers
    pictures: Pictures
    sheets: dict[str, Sprite]


@dataclass(frozen=True, eq=False)
class OutlierMaterial:
    """What the sections of a page of outliers are rendered from.

    Parameters
    ----------
    report : OutlierNumbers
        The numbers.
    sheets : dict of str to Sprite
        The listed rows and what was expected of them ("rows"), their odd pixels ("marks") and the mean of these over
        the outliers ("mean") as sheets of small images; empty if rows are not images.
    """

    report: OutlierNumbers
    sheets: dict[str, Sprite]


@dataclass(frozen=True, eq=False)
class ImputationMaterial:
    """What the sections of a page of imputations are rendered from.

    Parameters
    ----------
    report : ImputationNumbers
        The numbers.
    """

    report: ImputationNumbers


@dataclass(frozen=True)
class Section(Generic[M]):
    """One section of a page: a file in `sections/` and a template of the same name. It is rendered from an M.

    Parameters
    ----------
    name : str
        The template's name without its ending; with hyphens in place of underscores also the section's id.
    title : str
        The entry in the page's list of contents.
    context : Callable[[M], dict[str, Any]]
        The values that the template prints; templates compute nothing.
    shown : Callable[[M], bool], optional
        Whether the page has the section; by default always.
    """

    name: str
    title: str
    context: Callable[[M], dict[str, Any]]
    shown: Callable[[M], bool] = lambda material: True

    @property
    def anchor(self) -> str:
        """The section's id in the page."""
        return self.name.replace("_", "-")


def has_latents(material: Material) -> bool:
    """Return whether the model has latents: the sections on them are shown only then."""
    return material.report.summary.latents > 0


def rendered_page(
    report: PageNumbers,
    material: M,
    sections: Iterable[Section[M]],
    *,
    kind: str,
    note: str,
    shape: tuple[int, ...] = (),
    sheets: Mapping[str, Sprite] | None = None,
    scripts: Iterable[Markup] = (),
    styles: Iterable[Markup] = (),
) -> str:
    """Return a page as HTML: a header with the verdict, and sections.

    Parameters
    ----------
    report : PageNumbers
        Its `name`, `created` and `verdict` are shown.
    material : M
        What the sections are rendered from.
    sections : iterable of Section
        Those that are shown are on the page.
    kind : str
        What the page is, such as "report".
    note : str
        What the numbers were measured on.
    shape : tuple of int, default=()
        A row's shape.
    sheets : Mapping of str to Sprite, optional
        Sheets of images.
    scripts, styles : iterable of Markup
        Beside those of all pages.
    """
    return environment.get_template("report.html.j2").render(
        report=report,
        kind=kind,
        note=note,
        title=f"{report.name} · taciturn {kind}",
        css=Markup("\n").join([asset("style.css"), *styles]),
        js=Markup("\n").join([asset("page.js"), *scripts]),
        sheets=list((sheets or {}).values()),
        aspect_ratio=shape[1] / shape[0] if is_image(shape) else 1,
        found_by=report.found_by,
        sections=[
            (section.anchor, section.title, _rendered(section.name, section.context(material)))
            for section in sections
            if section.shown(material)
        ],
    )


def _rendered(name: str, context: dict[str, Any]) -> Markup:
    return Markup(environment.get_template(f"{name}.html.j2").render(**context))
