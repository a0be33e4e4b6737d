"""Whether a text names images."""

import os


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
