"""Images of any and different sizes, in files or in memory: what an `ImageDenoiser` is trained on and applied to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ...core.messages import one_line
from ..sources.folders import files_in, is_pattern
from ..sources.image_files import Header, is_image_file, read_header, read_pixels
from ..sources.local_file import LocalFile
from ..sources.raw_shard import ShardFile
from ..sources.shards import shard_errors
from ..sources.urls import files_at, is_url

MAX_IN_MEMORY_BYTES = 1 << 28  # of pixels of files, which are read each time if they have more
HEADER_THREADS = 8
LIMITS = -4.0, 5.0  # of floats, which are 0 … 1 in an image without noise
GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue (ITU-R BT.601)

Pixels = NDArray[Any]
Floats = NDArray[np.float32]


class Image(Protocol):
    """The protocol of an image."""

    @property
    def name(self) -> str:
        """Its file's name, or its number, for messages."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels: 1 (grey) or 3 (colour)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8, uint16, float32 or float64."""

    def pixels(self) -> Pixels:
        """Return its pixels, [height, width, channels]."""


@dataclass(frozen=True, eq=False)
class ImageArray:
    """An image in memory.

    Parameters
    ----------
    name : str
    array : array [height, width, channels]
    """

    name: str
    array: Pixels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self.array.shape
        return height, width, channels

    @property
    def dtype(self) -> np.dtype[Any]:
        """The array's type."""
        return self.array.dtype

    def pixels(self) -> Pixels:
        """Return the array."""
        return self.array


@dataclass(frozen=True, eq=False)
class ImageFile:
    """An image in a file, which is read each time.

    Parameters
    ----------
    file : ShardFile
    header : Header
    """

    file: ShardFile
    header: Header

    @classmethod
    def of(cls, file: ShardFile) -> ImageFile:
        """Return the image in a file; raise DataError, whose message begins with its name, if there is none."""
        with shard_errors(file.name):
            if not file.n_bytes:
                raise DataError("the file is empty; remove it, or write it again")
            return cls(file, read_header(file))

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.header.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its numbers."""
        return self.header.dtype

    def pixels(self) -> Pixels:
        """Return its pixels, [height, width, channels]."""
        with shard_errors(self.name):
            return read_pixels(self.file)


def images_of(X: Any) -> list[Image]:
    """Return images as an `ImageDenoiser` takes them.

    Parameters
    ----------
    X : object
        A folder of image files, a pattern of their names (photos/*.png), a file, or their URL; an array of images [n,
        height, width] or [n, height, width, channels]; one image [height, width] or [height, width, channels]; or a
        list of files and of images. There are 1 or 3 channels, and the numbers are uint8 or uint16, or floats that are
        0 … 1 without noise.

    Returns
    -------
    list of Image
        Those of a folder in natural order.

    Raises
    ------
    DataError
        There is none, or one of them is no such image; the message names it.

    Notes
    -----
    An array with three axes is one image if the last has 1 or 3 numbers, else grey images.

    Examples
    --------
    >>> [image.shape for image in images_of([np.zeros((4, 6)), np.zeros((5, 5, 3))])]
    [(4, 6, 1), (5, 5, 3)]
    """
    if isinstance(X, str | os.PathLike):
        return _in_files(os.fsdecode(X))
    if isinstance(X, list | tuple):
        images = [image for i, each in enumerate(X) for image in _of_item(each, i)]
    else:
        array = np.asarray(X)
        if array.ndim == 3 and array.shape[2] in (2, 4):
            raise DataError(
                f"the image has shape {array.shape}: leave out transparency (image[..., :3]); grey images that are "
                f"{array.shape[2]} pixels wide have the shape [n, height, width, 1]"
            )
        many = array.ndim == 4 or (array.ndim == 3 and array.shape[2] not in (1, 3))
        images = [_of_array(each, i) for i, each in enumerate(array)] if many else [_of_array(array, 0)]
    if not images:
        raise DataError("there is no image; give one or more")
    return images


def _of_item(item: Any, number: int) -> list[Image]:
    return _in_files(os.fsdecode(item)) if isinstance(item, str | os.PathLike) else [_of_array(item, number)]


def _of_array(image: Any, number: int) -> Image:
    """Return an array as an image; `number` names it in messages."""
    array, name = np.asarray(image), f"image {number}"
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3)) or not array.size:
        raise DataError(
            f"{name} has shape {array.shape}; give (height, width) or (height, width, 3), without transparency"
        )
    if array.dtype not in (np.uint8, np.uint16) and array.dtype.kind != "f":
        raise DataError(f"{name} holds {array.dtype} numbers; give uint8 or uint16, or floats from 0 to 1")
    array = array.reshape(*array.shape[:2], -1)
    _check_floats(array, name)
    return ImageArray(name, array)


def _check_floats(pixels: Pixels, name: str) -> None:
    """Raise DataError if floats are not those of an image from 0 to 1 with noise."""
    if pixels.dtype.kind != "f":
        return
    low, high = float(pixels.min()), float(pixels.max())
    if np.isnan(low):
        raise DataError(f"{name} has missing values; fill them")
    if low < LIMITS[0] or high > LIMITS[1]:
        raise DataError(
            f"{name} has values from {low:.4g} to {high:.4g}; floats must be from 0 (black) to 1 (white): "
            "divide them by the value of white"
        )


def files_of(text: str) -> list[ShardFile]:
    """Return the image files in a folder, or of those that a pattern or a URL names, in natural order; or the one file.

    Raises
    ------
    DataError
        There is none.
    """
    files: Sequence[ShardFile]
    if is_url(text):
        files = files_at(text)
    elif os.path.isdir(text) or is_pattern(text):
        files = files_in(text)
    elif not os.path.exists(text):
        raise DataError(f"{one_line(text)}: no such file; correct the name")
    else:
        files = [LocalFile.of(text)]
    files = [file for file in files if is_image_file(file.name)]
    if not files:
        raise DataError(f"{one_line(text)} holds no images; they are .png, .jpg, .tif or .webp files")
    return files


def _in_files(text: str) -> list[Image]:
    """Return the images of `files_of`; they are in memory if they are small."""
    files = files_of(text)
    with ThreadPoolExecutor(HEADER_THREADS) as pool:
        images = list(pool.map(ImageFile.of, files))
    if sum(prod(image.shape) * image.dtype.itemsize for image in images) > MAX_IN_MEMORY_BYTES:
        return list(images)
    return [ImageArray(image.name, image.pixels()) for image in images]


def unit_floats(pixels: Pixels, name: str | None) -> Floats:
    """Return pixels as float32 from 0 (black) to 1 (white).

    `name` is that of the image, for messages. None: noise was added, so that floats may be anywhere, or missing.

    Examples
    --------
    >>> unit_floats(np.full((1, 1, 1), 255, np.uint8), "photo.png").item()
    1.0
    """
    if name is not None:
        _check_floats(pixels, name)
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32, copy=False)
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def with_channels(pixels: Floats, channels: int) -> Floats:
    """Return images [..., any channels] with 1 or 3 channels: grey is repeated, colours are averaged.

    Examples
    --------
    >>> with_channels(np.ones((2, 2, 1), np.float32), 3).shape
    (2, 2, 3)
    """
    if pixels.shape[-1] == channels:
        return pixels
    return np.repeat(pixels, 3, axis=-1) if channels == 3 else pixels @ GREY_WEIGHTS[:, None]
