"""Whether a text names images."""

import os


def names_images(where: str) -> bool:
    """Return whether a text names an image file, or a folder or a pattern of image files without files of rows.

    Examples
    --------
    >>> names_images("photo.png"), names_images("digits")
    (True, False)
    """
    from .. import datasets
    from ..core.errors import DataError
    from ..data.sources import is_url
    from ..data.sources.files import FORMATS
    from ..data.sources.folders import files_in, is_pattern
    from ..data.sources.image_files import is_image_file

    if where in datasets.names():
        return False
    if is_url(where) or not (os.path.isdir(where) or is_pattern(where)):
        return is_image_file(where)
    try:
        names = [os.path.basename(file.name) for file in files_in(where)]
    except DataError:  # no file, of which the reader of rows tells
        return False
    readable = [name for name in names if any(each.fits(name) for each in FORMATS)]
    return bool(readable) and all(map(is_image_file, readable))
