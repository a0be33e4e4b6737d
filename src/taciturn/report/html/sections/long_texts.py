"""The texts that are too long to stand beside their rows, in full."""

from typing import Any

from ..formats import MAX_TEXT
from ..section import ImputationMaterial, Material, OutlierMaterial, Section

AnyMaterial = Material | OutlierMaterial | ImputationMaterial


def _texts(material: AnyMaterial) -> dict[int, str]:
    return {row: text for row, text in material.report.pictures.texts.items() if len(text) > MAX_TEXT}


def _context(material: AnyMaterial) -> dict[str, Any]:
    name = material.report.row_name
    return {"max_text": MAX_TEXT, "texts": [(row, name(row), text) for row, text in _texts(material).items()]}


LONG_TEXTS: Section[AnyMaterial] = Section(
    "long_texts", "Long texts", _context, shown=lambda material: bool(_texts(material))
)
