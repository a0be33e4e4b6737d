"""What training said, an epoch a number."""

from typing import Any

import numpy as np

from ...training import History
from .numbers import finite
from .study import Study

MOST = 1000  # epochs; of more, as many at even distances

Curves = dict[str, list[float | None]]


def curves(history: History) -> Curves:
    """Return the history's columns of one number an epoch: `epoch`, `loss`, each term and weight, `rate`, `seconds`,
    and what else it holds; `learning_rate` at each epoch's last step, `dead`, the latents whose mean activation over
    the epoch was 0. What an epoch did not measure is None.
    """
    columns: dict[str, Any] = {name: column for name, column in history.items() if np.ndim(column) == 1}
    if "rates" in history:
        columns["dead"] = (np.asarray(history["rates"]) == 0).sum(1)
    of_step = history.steps.get("epoch", np.zeros(0, int))
    columns["learning_rate"] = history.steps.get("learning_rate", np.zeros(0))[
        np.flatnonzero(np.diff(of_step, append=-1))
    ]
    n = history.n_epochs
    kept = np.unique(np.linspace(0, n - 1, min(n, MOST)).round().astype(int)) if n else np.zeros(0, int)
    return {name: [finite(float(column[i])) for i in kept] for name, column in columns.items() if len(column) == n}


def measure(study: Study) -> Curves:
    """Return the curves of a report."""
    return curves(study.artifact.history)
