"""The texts that are too long to stand beside their rows, in full."""

from typing import Any

from ..formats import MAX_TEXT
from ..section import Material, OutlierMaterial, Section


def _texts(material: Material | OutlierMaterial) -> dict[int, str]:
    return {row: text for row, text in material.report.pictures.texts.items() if len(text) > MAX_TEXT}


def _context(material: Material | OutlierMaterial) -> dict[str, Any]:
    name = material.report.row_name
    return {"max_text": MAX_TEXT, "texts": [(row, name(row), text) for row, text in _texts(material).items()]}


LONG_TEXTS: Section[Material | OutlierMaterial] = Section(
    "long_texts", "Long texts", _context, shown=lambda material: bool(_texts(material))
)
