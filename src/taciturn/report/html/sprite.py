"""Sprites: many small images in one PNG inside the page."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.image import imsave
from numpy.typing import NDArray

from ...plots.style import SIGNED, marked

MAX_SIDE = 48  # pixels; of larger images every second, third, … pixel is drawn


@dataclass(frozen=True)
class Sprite:
    """Images of one size on a sheet.

    Parameters
    ----------
    name : str
        The CSS class of the sheet's images.
    uri : str
        The sheet as a data URI.
    n_columns, n_lines : int
        The sheet's size, in images.
    is_grey : bool
        Whether images are dark on white; on a dark page they are inverted.
    positions : Mapping[Any, int]
        Each image's position on the sheet, line by line, by the image's key.
    """

    name: str
    uri: str
    n_columns: int
    n_lines: int
    is_grey: bool
    positions: Mapping[Any, int]

    @property
    def rule(self) -> Markup:
        """The CSS rule that holds the sheet."""
        size = f"{100 * self.n_columns}% {100 * self.n_lines}%"
        rule = f".{self.name}{{background-image:url({self.uri});background-size:{size}}}"
        inverted = f".{self.name}{{filter:invert(.91) hue-rotate(180deg)}}"  # amber stays amber
        dark = f"@media (prefers-color-scheme:dark){{{inverted}}}" if self.is_grey else ""
        return Markup(rule + dark)

    def image(self, key: Any, description: str) -> Markup:
        """Return an element that shows one image.

        Parameters
        ----------
        key : Any
            The image's key.
        description : str
            The text alternative; "" hides the image from screen readers, for an image that text beside it describes.

        Returns
        -------
        Markup
        """
        line, column = divmod(self.positions[key], self.n_columns)
        left, top = 100 * column / max(self.n_columns - 1, 1), 100 * line / max(self.n_lines - 1, 1)
        text = Markup.escape(description)
        label = f' role="img" aria-label="{text}" title="{text}"' if description else ' aria-hidden="true"'
        position = f"background-position:{left:.5g}% {top:.5g}%"
        return Markup(f'<i class="thumbnail {self.name}" style="{position}"{label}></i>')


def sprite(
    name: str,
    images: Mapping[Any, NDArray[Any]],
    shape: tuple[int, ...],
    *,
    references: list[NDArray[Any]] | None = None,
) -> Sprite:
    """Return images as one sheet.

    Parameters
    ----------
    name : str
        The CSS class of the images.
    images : Mapping[Any, array [D]]
        The images by their keys.
    shape : tuple of int
        (height, width) or (height, width, 3).
    references : list of arrays or None, default=None
        Images whose least and greatest values are drawn as white and black (in colour images: as 0 and full colour).
        None: values are signed numbers; each image's largest absolute value has the full colour. The pixels of missing
        values (NaN) are amber.

    Returns
    -------
    Sprite
    """
    step = max(math.ceil(max(shape[:2]) / MAX_SIDE), 1)
    thinned = {key: np.asarray(image, np.float64).reshape(shape)[::step, ::step] for key, image in images.items()}
    coloured = {
        key: _signed(image) if references is None else _between(image, references) for key, image in thinned.items()
    }
    n_columns = max(math.ceil(math.sqrt(len(coloured))), 1)
    n_lines = max(math.ceil(len(coloured) / n_columns), 1)
    height, width = (math.ceil(side / step) for side in shape[:2])
    sheet = np.zeros((n_lines * height, n_columns * width, 4))
    for position, image in enumerate(coloured.values()):
        y, x = position // n_columns * height, position % n_columns * width
        sheet[y : y + height, x : x + width] = image
    file = BytesIO()
    imsave(file, (sheet * 255).round().astype(np.uint8), format="png")
    uri = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    is_grey = references is not None and len(shape) == 2
    return Sprite(name, uri, n_columns, n_lines, is_grey, {key: position for position, key in enumerate(coloured)})


def _between(image: NDArray[Any], references: list[NDArray[Any]]) -> NDArray[Any]:
    """Return an image as RGBA in [0, 1], 0 at the references' least value; a grey image inverted, dark on white."""
    low, high = (
        float(np.fmin.reduce(references, axis=None)),
        float(np.fmax.reduce(references, axis=None)),
    )
    scaled = ((image - low) / ((high - low) or 1.0)).clip(0, 1)
    return _opaque(marked(scaled if image.ndim == 3 else 1 - scaled[..., None].repeat(3, 2)))


def _signed(image: NDArray[Any]) -> NDArray[Any]:
    """Return an image of signed numbers as RGBA in [0, 1], in diverging colours with 0 in the middle."""
    largest = float(np.abs(image).max()) or 1.0
    if image.ndim == 3:
        return _opaque(0.5 + 0.5 * image / largest)
    return np.asarray(SIGNED(0.5 + 0.5 * image / largest))


def _opaque(image: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([image, np.ones_like(image[..., :1])], axis=2)
