"""Simpler models on the same rows."""

from typing import Any

from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    summary = material.report.summary
    share = "—" if summary.fvu is None else f"{1 - summary.fvu:.2%}"
    lines = [("this model", f"{summary.latents:,}", share)]
    lines += [
        (baseline.name, f"{baseline.components:,}", f"{1 - baseline.fvu:.2%}") for baseline in material.report.baselines
    ]
    return {"lines": lines}


BASELINES = Section("baselines", "Baselines", _context)
