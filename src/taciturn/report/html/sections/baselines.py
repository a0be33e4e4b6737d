"""Simpler models on the same rows."""

from typing import Any

from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    summary = material.report.summary
    own = "—" if summary.fvu is None else f"{1 - summary.fvu:.2%}"
    lines = [("this model", f"{summary.latents:,}", own)]
    lines += [(each.name, f"{each.components:,}", f"{1 - each.fvu:.2%}") for each in material.report.baselines]
    return {"lines": lines}


BASELINES = Section("baselines", "Baselines", _context)
