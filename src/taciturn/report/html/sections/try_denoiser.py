"""The denoiser of images itself, to try in the browser with an image of one's own."""

from typing import Any

from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    own = material.pictures.try_denoiser
    return {
        "try_denoiser": own,
        "exclusion_reason": material.pictures.exclusion_reason,
        "parameters": "" if own is None else f"{own.parameters:,}",
        "max_error": "" if own is None or not own.max_error else f"{255 * own.max_error:.2g}",
    }


TRY_DENOISER = Section("try_denoiser", "Try the denoiser", _context, shown=lambda material: material.pictures.of_images)
