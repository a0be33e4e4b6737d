"""Writer of images into files: with the transparency and the metadata of the file that they were read from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.atomic import atomic
from ...core.errors import DataError, RecipeError
from ...core.messages import one_line
from ..sources.image_files import ENDINGS, converted, is_image_file, opened
from ..sources.raw_shard import ShardFile
from .images import Pixels

if TYPE_CHECKING:
    from PIL import Image

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"}
METADATA = ("exif", "icc_profile", "dpi", "xmp", "comment")  # what Pillow reads into `info` and writes again
EXIF_PARTS = (34665, 34853)  # tags of EXIF data that hold tables of their own: of the camera, and of the place (GPS)
TIFF_TAGS = (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432)  # description, camera, resolution, author, rights, …
QUALITY = 95  # of a JPEG or WebP file, unless a JPEG file is written as one: then that of the original


def image_writer(path: str | os.PathLike[str]) -> str:
    """Return the name of the format of an image file; raise RecipeError where the ending is not that of an image.

    Examples
    --------
    >>> image_writer("clean.jpg")
    'JPEG'
    """
    if not is_image_file(os.fspath(path)):
        raise RecipeError(
            f"{one_line(path)}: images cannot be written with this ending; known are {', '.join(ENDINGS)}"
        )
    return FORMATS[Path(path).suffix.lower()]


def write_image(path: str | os.PathLike[str], pixels: Pixels, like: ShardFile) -> None:
    """Write pixels into a file, in the format of its ending, completely or not at all.

    Parameters
    ----------
    path : str or path-like
        An existing file is replaced.
    pixels : array [height, width, channels]
        uint8, uint16 or float32; 1 or 3 channels.
    like : ShardFile
        The file that the pixels were read from. Its transparency, resolution, colour profile, EXIF data (and with them
        the orientation: pixels are not turned) and texts are written as well. A palette becomes grey or colours.

    Raises
    ------
    DataError
        The format cannot hold such pixels: JPEG and WebP hold 8 bits, JPEG no transparency, only TIFF holds floats.
    TaciturnError
        The file cannot be written.
    """
    kind = image_writer(path)
    with opened(like) as original:
        exif = _exif_parts(original)  # before Pillow reads the pixels of a TIFF file and closes it
        whole = converted(original)
        alpha = np.asarray(whole)[:, :, -1:] if whole.mode in ("LA", "RGBA") else None
        _check(path, kind, pixels, alpha is not None)
        options = _options(original, kind, exif)
    with atomic(path) as temporary:
        _image(pixels if alpha is None else np.concatenate([pixels, alpha], axis=2)).save(temporary, kind, **options)


def _check(path: str | os.PathLike[str], kind: str, pixels: Pixels, transparent: bool) -> None:
    name = one_line(path)
    if pixels.dtype.kind == "f" and kind != "TIFF":
        raise DataError(f"{name}: the pixels are floats, which only .tif files hold; give that ending")
    if pixels.dtype == np.uint16 and kind not in ("PNG", "TIFF"):
        raise DataError(f"{name}: the pixels have 16 bits, which .png and .tif files hold; give one of these endings")
    if transparent and kind == "JPEG":
        raise DataError(f"{name}: the image has transparency, which JPEG files do not hold; give the ending .png")


def _image(pixels: Pixels) -> Image.Image:
    from PIL import Image

    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels))


def _exif_parts(original: Image.Image) -> dict[int, dict[int, Any]]:
    """Return the tables of a TIFF file's EXIF data, by their tag."""
    if not hasattr(original, "tag_v2"):
        return {}
    exif = original.getexif()
    return {tag: part for tag in EXIF_PARTS if (part := dict(exif.get_ifd(tag)))}


def _options(original: Image.Image, kind: str, exif_parts: dict[int, dict[int, Any]]) -> dict[str, Any]:
    """Return what Pillow is to write beside the pixels, and how."""
    from PIL import Image, JpegImagePlugin, PngImagePlugin

    info = original.info
    options: dict[str, Any] = {name: info[name] for name in METADATA if info.get(name)}
    if kind == "JPEG" and isinstance(original, JpegImagePlugin.JpegImageFile):
        options |= {"qtables": original.quantization, "subsampling": JpegImagePlugin.get_sampling(original)}
    elif kind in ("JPEG", "WEBP"):
        options |= {"quality": QUALITY} | ({"subsampling": 0} if kind == "JPEG" else {})
    elif kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        for name, text in getattr(original, "text", {}).items():
            texts.add_text(name, str(text))
        options["pnginfo"] = texts
    if not hasattr(original, "tag_v2"):
        return options
    tags = {tag: original.tag_v2[tag] for tag in TIFF_TAGS if tag in original.tag_v2} | exif_parts
    if kind == "TIFF":
        # 1 bit becomes 8, which the compressions of fax machines do not take
        compression = None if original.mode == "1" else info.get("compression")
        options |= {"tiffinfo": tags, "compression": compression}
        options |= {"quality": QUALITY} if compression == "jpeg" else {}
    else:
        exif = Image.Exif()  # without the orientation: Pillow turns the pixels of TIFF files
        exif.update(tags)
        options["exif"] = exif
    return options
