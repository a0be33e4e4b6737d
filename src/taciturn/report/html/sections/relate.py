"""Which latents go with labels."""

from typing import Any

from .... import plots
from ..figures import svg
from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    relation = material.report.relation
    assert relation is not None
    figure = None
    if relation.effects:
        drawn = plots.relate(relation.effects[:12], kind=relation.kind)
        figure = svg(drawn, "f7", "Effects of latents with their intervals; the table holds the same numbers")
    best, raw = f"{relation.few} latents reach a {relation.measure} of {relation.few_score:.3f}", relation.raw_score
    every = "" if relation.all_score is None else f"all of them {relation.all_score:.3f}, "
    summary = (
        f"{relation.found:,} of {relation.tested:,} latents go with it beyond chance, on {relation.rows:,} rows "
        f"(false discoveries held at {relation.level:.0%} by Benjamini and Hochberg). "
        f"Cross-validated, the best {best}, {every}raw columns {raw:.3f}, chance {relation.chance:.3f}."
    )
    effects = [
        {
            "latent": each.latent,
            "of": each.of,
            "effect": f"{each.effect:.3f}",
            "interval": f"{each.low:.3f} … {each.high:.3f}",
            "q": f"{each.q:.1e}",
            "precision": "" if each.precision is None else f"{each.precision:.2f}",
            "recall": "" if each.recall is None else f"{each.recall:.2f}",
        }
        for each in relation.effects
    ]
    classes = relation.kind == "classes"
    return {
        "label": relation.target or "labels",
        "summary": summary,
        "classes": classes,
        "effect": "AUC" if classes else "correlation",
        "effects": effects,
        "figure": figure,
    }


RELATE = Section("relate", "Relations", _context, shown=lambda material: material.report.relation is not None)
