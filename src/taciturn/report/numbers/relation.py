"""Relations between latents and labels."""

import numpy as np

from ...core.errors import DataError
from ...probes import Related, relate
from .study import Study


def measure(study: Study) -> Related | None:
    """Return the latents of a report that are related to the labels, or None without labels.

    Raises
    ------
    DataError
        If there is not one label per row.
    """
    if study.labels is None:
        return None
    labels, n_rows = np.asarray(study.labels), len(study.rows)
    if labels.shape != (n_rows,):
        name = study.label_name or "labels"
        raise DataError(f"{name} has shape {labels.shape}, but there are {n_rows:,} rows; give one label per row")
    sample = study.sample
    return relate(sample.codes, labels[sample.indices], sample.rows, target=study.label_name)
