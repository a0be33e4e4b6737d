"""What noisy rows alone tell of the error."""

from typing import Any

from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    hidden = material.report.summary.hidden
    assert hidden is not None
    return {"lines": hidden.lines()[:-1], "meaning": hidden.meaning}


HIDDEN_ERRORS = Section(
    "hidden_errors",
    "Error without clean rows",
    _context,
    shown=lambda material: material.report.summary.hidden is not None,
)
