"""Square patches of images as a source of rows: others in each epoch, and a fixed grid of them for measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ..crops import Crops, pieces
from ..sources.ranges import Ranges
from ..sources.source import Source, blocks_of
from .images import Floats, Image, Pixels, images_of, unit_floats, with_channels

MAX_PATCHES = 256  # of an image, or a band of it, in an epoch


class Patches(Crops):
    """Patches of images, of side × side pixels, as rows: float32 numbers from 0 (black) to 1 (white).

    Parameters
    ----------
    images : sequence of Image
        Of any and different sizes, grey or in colour. One that is smaller than a patch is continued by its mirror
        image.
    side : int
        The side of a patch in pixels, ≥ 1.
    channels : int or "auto", default="auto"
        1: grey; 3: colour. "auto": 3 if an image is in colour.

    Attributes
    ----------
    blocks : array of int64 [n_blocks + 1]
        The rows of each image, or of each band of it: see Notes.

    Raises
    ------
    DataError
        There is no image.

    Notes
    -----
    As a source, row i is always the same patch: those of an image lie on a grid, at most 256 of them. What a run is
    trained on is `drawn(seed, epoch)`, in which row i is a random patch of the same image, turned and mirrored at
    random: a pure function of (seed, epoch, i). An image is read once for all of its rows.

    Less than 20 images are cut into horizontal bands, 20 or more if they are high enough. No patch lies in two, so that
    patches of held-out bands share no pixel with others. Of one image that is lower than two patches none can be held
    out: `split_source` raises DataError.

    Examples
    --------
    >>> from taciturn.data.images.images import images_of
    >>> patches = Patches(images_of([np.zeros((40, 40)), np.ones((30, 50))]), 10)
    >>> len(patches), patches.shape, patches.read(0, 2).shape
    (31, (10, 10), (2, 100))
    >>> drawn = patches.drawn(seed=0, epoch=3)
    >>> bool((drawn.read(5, 9) == drawn.read(0, 9)[5:]).all())
    True
    """

    dtype = np.dtype(np.float32)

    def __init__(self, images: Sequence[Image], side: int, channels: int | str = "auto") -> None:
        if not images:
            raise DataError("there is no image; give one or more")
        if channels == "auto":
            channels = max(image.shape[2] for image in images)
        assert isinstance(channels, int)
        self.images, self.side, self.channels = list(images), side, channels
        self.shape: tuple[int, ...] = (side, side) if channels == 1 else (side, side, channels)
        self._parts = pieces([image.shape[0] for image in self.images], side)
        counts = [len(_grid(stop - start, self.images[i].shape[1], side)) for i, start, stop in self._parts]
        super().__init__(counts)
        self._last: tuple[int, Pixels] | None = None

    def beside(self, X: Any) -> Patches:
        """Return the clean images X as patches, for these of noisy ones; raise DataError unless they are pairs."""
        clean = Patches(images_of(X), self.side, self.channels)
        check_pairs(self.images, clean.images)
        return clean

    def bands(self, rows: NDArray[np.integer]) -> list[Band]:
        """Return the images, or bands of images, in which some patches lie."""
        bands: list[Band] = []
        for part in np.unique(self._parts_of(rows)):
            number, start, stop = self._parts[part]
            image = self.images[number]
            if bands and bands[-1].image is image and bands[-1].stop == start:
                start = bands.pop().start
            bands.append(Band(image, start, stop))
        return bands

    def place(self, row: int) -> str:
        """Return where a row is, for messages; see `place_of`."""
        return f"a patch of {self.images[self._parts[int(self._parts_of(row))][0]].name}"

    def _crops(self, part: int, numbers: NDArray[np.integer]) -> Floats:
        """Return some of a part's patches by their numbers within it."""
        import torch  # late, because the estimators know this file before there are rows

        from ...core.seeds import generator

        number, start, stop = self._parts[part]
        image = self.images[number]
        pixels = mirrored_to(self._pixels(number)[start:stop], self.side)
        height, width = pixels.shape[0] - self.side + 1, pixels.shape[1] - self.side + 1
        if self._draw is None:
            corners = _grid(stop - start, image.shape[1], self.side)
            turns = np.zeros(len(corners), np.int64)
        else:
            rng, n = generator(self._draw[0], "patches", self._draw[1], part), self.blocks[part + 1] - self.blocks[part]
            tops, lefts, drawn_turns = (torch.randint(high, (int(n),), generator=rng) for high in (height, width, 8))
            corners, turns = torch.stack([tops, lefts], 1).numpy(), drawn_turns.numpy()
        patches = np.empty((len(numbers), self.side, self.side, pixels.shape[2]), pixels.dtype)
        for i, patch_number in enumerate(numbers):
            top, left = corners[patch_number]
            patch = pixels[top : top + self.side, left : left + self.side]
            patches[i] = turned(patch, int(turns[patch_number]))
        return with_channels(unit_floats(patches, image.name), self.channels).reshape(len(numbers), -1)

    def _pixels(self, number: int) -> Pixels:
        """Return an image's pixels; the last image that was read is kept, for its next rows."""
        last = self._last
        if last is None or last[0] != number:
            self._last = last = number, self.images[number].pixels()
        return last[1]


@dataclass(frozen=True)
class Band:
    """Lines of an image whose patches belong together: the whole image, or a band of it.

    Parameters
    ----------
    image : Image
    start, stop : int
        The first line and the line after the last one.
    """

    image: Image
    start: int
    stop: int

    @property
    def name(self) -> str:
        """The image's name, with the lines if they are not all."""
        if self.stop - self.start == self.image.shape[0]:
            return self.image.name
        return f"{self.image.name}, lines {self.start} … {self.stop - 1}"

    def pixels(self) -> Pixels:
        """Return the pixels, [lines, width, channels]."""
        return self.image.pixels()[self.start : self.stop]


def bands_of(source: Source) -> list[Band] | None:
    """Return the images whose patches are a source's rows, of a part of the rows those of the part; None of other rows.

    Neighbouring bands of one image are one.

    Examples
    --------
    >>> from taciturn.data.images.images import images_of
    >>> patches = Patches(images_of([np.zeros((40, 40)), np.ones((30, 50))]), 10)
    >>> part = Ranges(patches, np.array([patches.blocks[:2], patches.blocks[2:4]]))
    >>> [band.name for band in bands_of(part)], bands_of(patches)[1].pixels().shape
    (['image 0, lines 0 … 19', 'image 1'], (30, 50, 1))
    """
    blocks = blocks_of(source)
    if blocks is None:
        return None
    rows = blocks[:-1]
    while isinstance(source, Ranges):
        rows, source = source.rows(rows), source.source
    return source.bands(rows) if isinstance(source, Patches) else None


def turned(patch: Pixels, turn: int) -> Pixels:
    """Return a square patch [side, side, channels] in one of its 8 positions: 0 … 3 turned, 4 … 7 mirrored as well.

    Examples
    --------
    >>> turned(np.arange(4.0).reshape(2, 2, 1), 1)[:, :, 0].tolist()
    [[1.0, 3.0], [0.0, 2.0]]
    """
    return np.rot90(patch[:, ::-1] if turn >= 4 else patch, turn % 4)


def mirrored_to(pixels: Pixels, side: int) -> Pixels:
    """Return an image of at least side × side pixels, continued below and to the right by its mirror image.

    Examples
    --------
    >>> mirrored_to(np.array([[[1.0], [2.0]]]), 2)[:, :, 0].tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    missing = [(0, max(side - length, 0)) for length in pixels.shape[:2]]
    return np.pad(pixels, [*missing, (0, 0)], "symmetric") if any(after for _, after in missing) else pixels


def _grid(height: int, width: int, side: int) -> NDArray[np.int64]:
    """Return the corners [n, 2] of patches on a grid that covers an image; at most `MAX_PATCHES`, evenly spaced."""
    lines, columns = (max(-(-length // side), 1) for length in (height, width))
    while lines * columns > MAX_PATCHES:
        lines, columns = (lines - 1, columns) if lines >= columns else (lines, columns - 1)
    ends = zip((height, width), (lines, columns), strict=True)
    tops, lefts = (np.linspace(0, max(length - side, 0), n).round().astype(np.int64) for length, n in ends)
    return np.stack(np.meshgrid(tops, lefts, indexing="ij"), axis=2).reshape(-1, 2)


def check_pairs(noisy: Sequence[Image], clean: Sequence[Image]) -> None:
    """Raise DataError unless images are pairs: as many, of the same sizes and channels, and files of the same names.

    Parameters
    ----------
    noisy, clean : sequences of Image
        In the same order. The endings of files may differ.
    """
    if len(noisy) != len(clean):
        raise DataError(f"target: {len(clean)} images for {len(noisy)}; give one for each, of the same name")
    for first, second in zip(noisy, clean, strict=True):
        if _stem(first.name) != _stem(second.name):
            raise DataError(f"target: {second.name} has another name than {first.name}; give each pair the same name")
        if first.shape != second.shape:
            raise DataError(f"target: {second.name} has shape {second.shape}, but {first.name} has {first.shape}")


def _stem(name: Any) -> str:
    from pathlib import Path

    return Path(str(name)).stem
