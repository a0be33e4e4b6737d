"""The model itself, to try in the browser."""

from typing import Any

from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    return {"try_it": material.pictures.try_it, "exclusion_reason": material.pictures.exclusion_reason}


TRY_IT = Section("try_it", "Try the model", _context, shown=lambda material: not material.pictures.of_images)
