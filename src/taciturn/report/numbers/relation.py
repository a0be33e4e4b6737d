"""What latents have to do with labels."""

import numpy as np

from ...core.errors import DataError
from ...probes import Related, relate
from .study import Study


def measure(study: Study) -> Related | None:
    """Return which latents go with the labels; None where there are none."""
    if study.labels is None:
        return None
    labels, n_rows = np.asarray(study.labels), len(study.rows)
    if labels.shape != (n_rows,):
        what = study.label_name or "labels"
        raise DataError(f"{what} has shape {labels.shape}, but there are {n_rows:,} rows; give one a row")
    sample = study.sample
    return relate(sample.codes, labels[sample.at], sample.rows, target=study.label_name)
