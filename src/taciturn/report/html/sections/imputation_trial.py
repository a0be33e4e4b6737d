"""How far imputed values can be trusted."""

from typing import Any

from ...numbers.imputation_trial import ONE_IN, TrialVariable
from ..formats import number, percent
from ..section import ImputationMaterial, Section


def _context(material: ImputationMaterial) -> dict[str, Any]:
    trial = material.report.trial
    if trial is None:
        return {"reason": material.report.no_trial}
    return {
        "reason": "",
        "one_in": ONE_IN,
        "cells": f"{trial.cells:,}",
        "rows": f"{trial.rows:,}",
        "refitted": trial.refitted,
        "coverage": percent(trial.covered / trial.number_cells) if trial.number_cells else "",
        "covered": f"{trial.covered:,}",
        "number_cells": f"{trial.number_cells:,}",
        "numbers": [_number(each) for each in trial.variables if each.rmse is not None],
        "levels": [_level(each) for each in trial.variables if each.right is not None],
    }


def _number(entry: TrialVariable) -> dict[str, str]:
    assert entry.rmse is not None
    assert entry.constant_rmse is not None
    assert entry.width is not None
    assert entry.covered is not None
    unit = f" {entry.unit}" if entry.unit else ""
    return {
        "name": entry.name,
        "cells": f"{entry.cells:,}",
        "rmse": number(entry.rmse) + unit,
        "constant": number(entry.constant_rmse) + unit,
        "ratio": "—" if entry.ratio is None else f"{entry.ratio:.0%}",
        "coverage": f"{entry.covered / entry.cells:.0%}",
        "width": number(entry.width) + unit,
    }


def _level(entry: TrialVariable) -> dict[str, str]:
    assert entry.right is not None
    assert entry.most_frequent is not None
    assert entry.probability is not None
    return {
        "name": entry.name,
        "cells": f"{entry.cells:,}",
        "right": f"{entry.right:.0%}",
        "most_frequent": f"{entry.most_frequent:.0%}",
        "probability": f"{entry.probability:.0%}",
    }


IMPUTATION_TRIAL = Section("imputation_trial", "How far to trust it", _context)
