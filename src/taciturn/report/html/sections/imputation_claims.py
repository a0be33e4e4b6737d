"""What a page of imputations does not claim."""

from typing import Any

from ..section import ImputationMaterial, Section


def _context(material: ImputationMaterial) -> dict[str, Any]:
    return {"has_trial": material.report.trial is not None}


IMPUTATION_CLAIMS = Section("imputation_claims", "What is not claimed", _context)
