"""Latents related to labels."""

from typing import Any

from .... import plots
from ..figures import svg
from ..section import Material, Section

MAX_DRAWN = 12  # effects in the figure


def _context(material: Material) -> dict[str, Any]:
    relation = material.report.relation
    assert relation is not None
    figure = None
    if relation.effects:
        drawn = plots.relate(relation.effects, kind=relation.kind, most=MAX_DRAWN, total=relation.found)
        figure = svg(drawn, "f7", "Effects of latents with their intervals; the table holds the same numbers")
    all_latents = "" if relation.all_score is None else f"all latents {relation.all_score:.3f}, "
    summary = (
        f"{relation.found:,} of {relation.tested:,} latents are related to the label, on {relation.rows:,} rows "
        f"(false discovery rate {relation.level:.0%}, Benjamini and Hochberg). "
        f"Cross-validated {relation.measure} of linear models: the best {relation.few} latents "
        f"{relation.few_score:.3f}, {all_latents}raw columns {relation.raw_score:.3f}, chance {relation.chance:.3f}."
    )
    effects = [
        {
            "latent": effect.latent,
            "label_class": effect.of,
            "size": f"{effect.effect:.3f}",
            "interval": f"{effect.low:.3f} … {effect.high:.3f}",
            "q": f"{effect.q:.1e}",
            "precision": "" if effect.precision is None else f"{effect.precision:.2f}",
            "recall": "" if effect.recall is None else f"{effect.recall:.2f}",
        }
        for effect in relation.effects
    ]
    has_classes = relation.kind == "classes"
    return {
        "label": relation.target or "labels",
        "summary": summary,
        "has_classes": has_classes,
        "measure": "AUC" if has_classes else "correlation",
        "effects": effects,
        "omitted": _omitted(len(effects), relation.found),
        "figure": figure,
    }


def _omitted(n_shown: int, n_found: int) -> str:
    """Return a sentence about the latents that the table leaves out; "" if it has all."""
    return f"The table has the {n_shown:,} strongest of {n_found:,} related latents." if n_shown < n_found else ""


RELATE = Section("relate", "Relations to labels", _context, shown=lambda material: material.report.relation is not None)
