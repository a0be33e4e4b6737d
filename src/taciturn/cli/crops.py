"""Runs whose rows are crops: patches of images, or segments of signals."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..data.crops import Crops


def has_crops(run: "Artifact") -> bool:
    """Return whether the rows of a run are crops."""
    return run.rows_name != "rows"


def crops_of(run: "Artifact", where: str) -> "Crops":
    """Return images or signals as crops like those that a run was trained on; raise DataError if there are none."""
    from ..data.images.images import images_of
    from ..data.images.patches import Patches
    from ..data.signals.segments import Segments
    from ..data.signals.signals import signals_of

    shape = run.rows.shape
    if run.rows_name == "patches":
        return Patches(images_of(where), shape[0], 1 if len(shape) == 2 else shape[2])
    length = segment(run)
    return Segments(signals_of(where, shape[0] // length), length)


def segment(run: "Artifact") -> int:
    """Return the length of the segments that a run was trained on."""
    image = run.model.layout.image
    return int(run.estimator.parameters["segment"]) if image is None else image[0]
