"""Relations between latents and labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ...data.sources import Subset
from ...probes import Related, relate
from ...probes.labels import parse_labels
from .study import Study


def measure(study: Study) -> Related | None:
    """Return the latents of a report that are related to the labels; None without usable labels (see `obstacle`).

    Raises
    ------
    DataError
        If there is not one label per row.
    """
    labels = _sampled_labels(study)
    if labels is None or obstacle(study) is not None:
        return None
    return relate(study.sample.codes, labels, Subset(study.rows, study.sample.indices), target=study.label_name)


def obstacle(study: Study) -> str | None:
    """Return why latents cannot be related to the labels, as a clause; None if they can, or without labels."""
    labels = _sampled_labels(study)
    if labels is None:
        return None
    try:
        parse_labels(labels)
    except DataError as error:
        return str(error)
    return None


def _sampled_labels(study: Study) -> NDArray[Any] | None:
    """Return the labels of the sample's rows."""
    if study.labels is None:
        return None
    # beside strings, NumPy would make NaN "nan"
    labels = np.asarray(study.labels, None if hasattr(study.labels, "dtype") else object)
    if labels.shape != (len(study.rows),):
        name = study.label_name or "labels"
        raise DataError(
            f"{name} has shape {labels.shape}, but there are {len(study.rows):,} rows; give one label per row"
        )
    return labels[study.sample.indices]
