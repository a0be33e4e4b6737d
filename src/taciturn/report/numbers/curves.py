"""The training curves: one number per epoch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...training import History
from .numbers import finite
from .study import Study

MAX_EPOCHS = 1000

Curves = dict[str, list[float | None]]


def curves(history: History) -> Curves:
    """Return the numbers per epoch of a history.

    Parameters
    ----------
    history : History
        The history of a run.

    Returns
    -------
    dict of lists
        Each column of the history that has one number per epoch ("epoch", "loss", each term, "rate", `weight_…`,
        `validation_…`, "seconds"). Also "learning_rate", the learning rate of each epoch's last step, and "dead", the
        number of latents whose mean activation over the epoch was 0. Columns of whole numbers hold ints. A number that
        an epoch did not measure is None. Of more than 1,000 epochs, 1,000 at even distances.

    Examples
    --------
    >>> curves(History(epochs={"epoch": [0, 1], "loss": [2.0, 1.0], "rates": [[0.0, 0.1], [0.2, 0.1]]}))
    {'epoch': [0, 1], 'loss': [2.0, 1.0], 'dead': [1, 0]}
    """
    columns: dict[str, Any] = {name: column for name, column in history.items() if np.ndim(column) == 1}
    if (rates := np.asarray(history.get("rates", ()))).size:  # a network without codes has none
        columns["dead"] = (rates == 0).sum(1)
    epoch_of_step = history.steps.get("epoch", np.zeros(0, int))
    learning_rates = history.steps.get("learning_rate", np.zeros(0))
    columns["learning_rate"] = learning_rates[np.flatnonzero(np.diff(epoch_of_step, append=-1))]
    n = history.n_epochs
    epochs = np.unique(np.linspace(0, n - 1, min(n, MAX_EPOCHS)).round().astype(int)) if n else np.zeros(0, int)
    return {name: _plain(column[epochs]) for name, column in columns.items() if len(column) == n}


def _plain(column: NDArray[Any]) -> list[float | None]:
    """Return a column as ints if it holds whole numbers by type, else as floats, None for infinite numbers and NaN."""
    if np.issubdtype(column.dtype, np.integer):
        return [int(number) for number in column]
    return [finite(float(number)) for number in column]


def measure(study: Study) -> Curves:
    """Return the curves of a report."""
    return curves(study.artifact.history)
