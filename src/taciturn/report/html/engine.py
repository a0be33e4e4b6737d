"""Jinja2, set so that all that comes from data is escaped, and the files that travel inside a page."""

from importlib.resources import files

import jinja2
from markupsafe import Markup

environment = jinja2.Environment(
    loader=jinja2.PackageLoader("taciturn.report.html"),
    autoescape=True,
    trim_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def text(name: str) -> Markup:
    """Return a file that travels inside the page."""
    return Markup(files(__package__).joinpath(name).read_text(encoding="utf-8"))
