"""The Jinja2 environment, which escapes all that comes from data, and the files that a page holds."""

from importlib.resources import files

import jinja2
from markupsafe import Markup

environment = jinja2.Environment(
    loader=jinja2.PackageLoader("taciturn.report.html"),
    autoescape=True,
    trim_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def asset(name: str) -> Markup:
    """Return the content of a style sheet or script of this folder, by its file name."""
    return Markup(files(__package__).joinpath(name).read_text(encoding="utf-8"))
