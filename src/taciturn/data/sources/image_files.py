"""Images in files: PNG, JPEG, TIFF and WebP, read by Pillow."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError
from .format import Format, Selection
from .raw_shard import ShardFile
from .source import Array

if TYPE_CHECKING:
    from PIL import Image

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
# Pillow's modes: those that are read as they are, and those that are converted first, to 8 bits
CONVERTED = {"1": "L", "P": "RGB", "PA": "RGBA", "RGBX": "RGB", "RGBa": "RGBA", "La": "LA"}
DTYPES = {"I;16": np.uint16, "I;16B": np.uint16, "I;16L": np.uint16, "F": np.float32}
GREY, COLOUR = ("L", "LA", *DTYPES), ("RGB", "RGBA")


@dataclass(frozen=True)
class Header:
    """What is known of an image in a file before its pixels are read.

    Parameters
    ----------
    height, width : int
        In pixels.
    channels : int
        1 of a grey image, 3 of a colour image. Transparency is not a channel.
    dtype : dtype
        uint8, uint16 or float32.
    """

    height: int
    width: int
    channels: int
    dtype: np.dtype[np.generic]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.height, self.width, self.channels


def is_image_file(name: str) -> bool:
    """Return whether a file's name is that of an image.

    Examples
    --------
    >>> is_image_file("photo.JPG"), is_image_file("rows.npy")
    (True, False)
    """
    return name.lower().endswith(ENDINGS)


@contextmanager
def opened(file: ShardFile) -> Iterator[Image.Image]:
    """Open an image in a file, whose pixels are not read yet.

    Parameters
    ----------
    file : ShardFile
        On the disk or far away.

    Yields
    ------
    PIL.Image.Image
        In one of the modes L, LA, RGB, RGBA, I;16 and F after `converted`.

    Raises
    ------
    DataError
        The file is no image, holds several, or is of a kind that cannot be read without loss.

    Notes
    -----
    Pillow's bound on pixels holds (179 million): a small file may declare an image that fills the memory.
    """
    from PIL import Image, UnidentifiedImageError

    with file.arrow() as content:
        try:
            image = Image.open(io.BufferedReader(content))  # some of Pillow's readers ask for lines
        except (UnidentifiedImageError, io.UnsupportedOperation) as error:  # the latter of a very short file
            kinds = "8 bits per colour, or grey of 8 or 16 bits or of floats"
            raise DataError(
                f"it is not an image that Pillow reads; check that the file is complete, or convert it ({kinds})"
            ) from error
        except Image.DecompressionBombError as error:
            most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
            raise DataError(f"it has more than {most:,} pixels, the most that are read; cut it into parts") from error
        with image:
            _check_kind(image)
            yield image


def _check_kind(image: Image.Image) -> None:
    """Raise DataError if an image cannot be read without loss."""
    n_frames: int = getattr(image, "n_frames", 1)
    if n_frames > 1 and image.format != "MPO":  # of a camera: its other images are previews
        raise DataError(f"it holds {n_frames} images; write each into a file of its own")
    arguments = [tile.args for tile in getattr(image, "tile", ())]
    raw = [str(each[0] if isinstance(each, tuple) else each) for each in arguments]  # how the numbers lie in the file
    if CONVERTED.get(image.mode, image.mode) not in GREY + COLOUR:
        raise DataError(f"its colours are of the mode {image.mode}; convert it to grey or RGB")
    if DTYPES.get(image.mode) == np.uint16 and "transparency" in image.info:
        raise DataError("one of its greys of 16 bits is transparent, which is not read; remove the transparency")
    if image.mode in COLOUR and any("16" in mode for mode in raw):
        raise DataError("it has 16 bits per colour, of which Pillow reads 8; convert it to 8 bits, or give an array")


def converted(image: Image.Image) -> Image.Image:
    """Return an image in one of the modes L, LA, RGB, RGBA, I;16 and F; transparency of any kind is a channel."""
    mode = CONVERTED.get(image.mode, image.mode)
    if "transparency" in image.info and mode in ("L", "RGB"):
        mode = "LA" if mode == "L" else "RGBA"
    return image if image.mode == mode else image.convert(mode)


def read_header(file: ShardFile) -> Header:
    """Return what is known of an image in a file before its pixels are read; see `opened`."""
    with opened(file) as image:
        mode = CONVERTED.get(image.mode, image.mode)
        return Header(
            height=image.height,
            width=image.width,
            channels=3 if mode in COLOUR else 1,
            dtype=np.dtype(DTYPES.get(mode, np.uint8)),
        )


def read_pixels(file: ShardFile) -> Array:
    """Return the pixels of an image in a file, [height, width, channels], without transparency; see `opened`."""
    with opened(file) as image:
        return pixels_of(converted(image))


def pixels_of(image: Image.Image) -> Array:
    """Return the pixels of an image that is `converted`, [height, width, channels], without transparency."""
    array: npt.NDArray[Any] = np.asarray(image)
    channels = 3 if image.mode in COLOUR else 1
    pixels: Array = array.reshape(*array.shape[:2], -1)[:, :, :channels]
    return pixels.astype(DTYPES.get(image.mode, np.uint8), copy=False)


class ImageShard:
    """A file with one image, as one row.

    Parameters
    ----------
    file : ShardFile

    Raises
    ------
    DataError
        The file is no image, or of a kind that cannot be read.
    """

    columns = None

    def __init__(self, file: ShardFile) -> None:
        self.name, self._file, self._header = file.name, file, read_header(file)
        height, width, channels = self._header.shape
        self.shape = (1, height, width) if channels == 1 else (1, height, width, channels)
        self.dtype = self._header.dtype

    @property
    def blocks(self) -> npt.NDArray[np.int64]:
        """One block."""
        return np.array([0, 1])

    @property
    def identity(self) -> str | None:
        """What tells this image from others; see `identity_of`."""
        return self._file.state

    def read_into(self, start: int, rows: Array) -> None:
        """Read the image into an array [1, n_columns]."""
        if len(rows):
            rows[0] = read_pixels(self._file).reshape(-1)


def check_alike(shards: Sequence[Any]) -> None:
    """Raise DataError unless images have one size, one number of channels and one type, so that they can be rows."""
    for shard in shards:
        if (shard.shape, shard.dtype) != (shards[0].shape, shards[0].dtype):
            kinds = [f"{' × '.join(map(str, each.shape[1:]))} numbers of {each.dtype}" for each in (shard, shards[0])]
            raise DataError(
                f"{shard.name} has {kinds[0]}, but {shards[0].name} has {kinds[1]}; images are rows only if they are "
                "alike: train ImageDenoiser on patches of them (taciturn fit without --k and --sparse)"
            )


def _shard(file: ShardFile, selection: Selection) -> ImageShard:
    if selection.columns is not None or selection.drop is not None:
        raise DataError("images have no columns to select; leave out the selection")
    return ImageShard(file)


FORMAT = Format(
    ".png",
    shard=_shard,
    endings_text=".png, .jpg, .tif, .webp",
    matches=is_image_file,
)
