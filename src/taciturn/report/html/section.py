"""What a section of the page is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..numbers import Pictures, ReportNumbers
from .sprite import Sprite


@dataclass(frozen=True, eq=False)
class Material:
    """What sections are made of: a report's numbers, its pictures, and these as sheets of small images."""

    report: ReportNumbers
    pictures: Pictures
    sheets: dict[str, Sprite]


@dataclass(frozen=True)
class Section:
    """One section: a file in `sections/` and a template of the same name.

    Parameters
    ----------
    name : str
        Of the template; with hyphens for underscores the section's anchor.
    title : str
        In the page's list of contents.
    context : Callable[[Material], dict[str, Any]]
        What the template prints; templates compute nothing.
    shown : Callable[[Material], bool], optional
        Whether there is anything to show; always by default.
    """

    name: str
    title: str
    context: Callable[[Material], dict[str, Any]]
    shown: Callable[[Material], bool] = lambda material: True

    @property
    def anchor(self) -> str:
        """The section's id in the page."""
        return self.name.replace("_", "-")
