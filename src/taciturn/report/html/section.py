"""What a section of the page consists of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..numbers import Pictures, ReportNumbers
from .sprite import Sprite


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


@dataclass(frozen=True)
class Section:
    """One section of the page: a file in `sections/` and a template of the same name.

    Parameters
    ----------
    name : str
        The template's name without its ending; with hyphens in place of underscores also the section's id.
    title : str
        The entry in the page's list of contents.
    context : Callable[[Material], dict[str, Any]]
        The values that the template prints; templates compute nothing.
    shown : Callable[[Material], bool], optional
        Whether the page has the section; by default always.
    """

    name: str
    title: str
    context: Callable[[Material], dict[str, Any]]
    shown: Callable[[Material], bool] = lambda material: True

    @property
    def anchor(self) -> str:
        """The section's id in the page."""
        return self.name.replace("_", "-")
