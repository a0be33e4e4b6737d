"""Images as the rows of commands: whether a text names some, and patches of them."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..artifact import Artifact
    from ..data.images.patches import Patches


def names_images(where: str) -> bool:
    """Return whether a text names an image file, or a folder, a pattern or a URL of them without other files of rows.

    Tables that are read one by one, such as a labels.csv, may lie beside images.

    Examples
    --------
    >>> names_images("photo.png"), names_images("digits")
    (True, False)
    """
    from .. import datasets
    from ..core.errors import TaciturnError
    from ..data.sources import is_url
    from ..data.sources.files import FORMATS
    from ..data.sources.folders import files_in, is_pattern
    from ..data.sources.image_files import is_image_file
    from ..data.sources.urls import files_at

    if where in datasets.names():
        return False
    named = any(each.fits(os.path.basename(where)) for each in FORMATS)
    several = not named if is_url(where) else os.path.isdir(where) or is_pattern(where)  # named: no store is opened
    if not several:
        return is_image_file(where)
    try:
        files = files_at(where) if is_url(where) else files_in(where)
    except TaciturnError:  # no file, of which the reader of rows tells
        return False
    of_folders = [each for each in FORMATS if each.shard is not None]
    names = [name for file in files if any(each.fits(name := os.path.basename(file.name)) for each in of_folders)]
    return bool(names) and all(map(is_image_file, names))


def denoises_images(run: "Artifact") -> bool:
    """Return whether a run's model is an `ImageDenoiser`."""
    return run.estimator.shipped == "ImageDenoiser"


def target_patches(where: str, patches: "Patches") -> "Patches":
    """Return clean images as the targets of patches of noisy ones; raise DataError unless they are pairs."""
    from ..data.images.patches import check_pairs

    targets = patches_of(where, patches.shape)
    check_pairs(patches.images, targets.images)
    return targets


def patches_of(where: str, shape: "Sequence[int]") -> "Patches":
    """Return images as patches of a shape, (side, side) or (side, side, 3)."""
    from ..data.images.images import images_of
    from ..data.images.patches import Patches

    return Patches(images_of(where), shape[0], 1 if len(shape) == 2 else shape[2])
