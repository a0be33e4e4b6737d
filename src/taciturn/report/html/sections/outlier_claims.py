"""What a page of outliers does not claim."""

from typing import Any

from ..section import OutlierMaterial, Section


def _context(material: OutlierMaterial) -> dict[str, Any]:
    return {"has_p_values": material.report.summary.with_p_value > 0}


OUTLIER_CLAIMS = Section("outlier_claims", "What is not claimed", _context)
