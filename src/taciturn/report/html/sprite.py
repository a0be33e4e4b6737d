"""Many small images as one PNG inside the page, and where each stands on it."""

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

from ...plots import style

SIDE = 48  # pixels at most; larger images are thinned out


@dataclass(frozen=True)
class Sprite:
    """Images on a sheet of `columns` × `lines`."""

    name: str
    uri: str
    columns: int
    lines: int
    ink: bool  # dark on light, to be turned round on dark paper
    place: Mapping[Any, int]

    @property
    def rule(self) -> Markup:
        """The sheet as a rule of CSS."""
        size = f"{100 * self.columns}% {100 * self.lines}%"
        rule = f".{self.name}{{background-image:url({self.uri});background-size:{size}}}"
        dark = f"@media (prefers-color-scheme:dark){{.{self.name}{{filter:invert(.91)}}}}" if self.ink else ""
        return Markup(rule + dark)

    def image(self, key: Any, said: str) -> Markup:
        """Return one image, with a text alternative; "" where it is told beside it."""
        at = self.place[key]
        x, y = at % self.columns, at // self.columns
        left, top = 100 * x / max(self.columns - 1, 1), 100 * y / max(self.lines - 1, 1)
        label = f' role="img" aria-label="{Markup.escape(said)}"' if said else ' aria-hidden="true"'
        return Markup(f'<i class="px {self.name}" style="background-position:{left:.5g}% {top:.5g}%"{label}></i>')


def sprite(
    name: str,
    images: Mapping[Any, NDArray[Any]],
    shape: tuple[int, ...],
    *,
    like: list[NDArray[Any]] | None = None,
) -> Sprite:
    """Return images [pixels] as one sheet.

    All as ink between the least and the greatest value of images `like` them; without such, as signed numbers around 0.
    """
    step = max(math.ceil(max(shape[:2]) / SIDE), 1)
    cut = {key: np.asarray(image, np.float64).reshape(shape)[::step, ::step] for key, image in images.items()}
    shades = {key: _signed(image) if like is None else _inked(image, like) for key, image in cut.items()}
    columns = max(math.ceil(math.sqrt(len(shades))), 1)
    lines = max(math.ceil(len(shades) / columns), 1)
    height, width = (math.ceil(side / step) for side in shape[:2])
    sheet = np.zeros((lines * height, columns * width, 4))
    for at, image in enumerate(shades.values()):
        y, x = at // columns * height, at % columns * width
        sheet[y : y + height, x : x + width] = image
    file = BytesIO()
    imsave(file, (sheet * 255).round().astype(np.uint8), format="png")
    uri = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    ink = like is not None and len(shape) == 2
    return Sprite(name, uri, columns, lines, ink, {key: at for at, key in enumerate(shades)})


def _inked(image: NDArray[Any], like: list[NDArray[Any]]) -> NDArray[Any]:
    """Return an image in [0, 1] between the least and the greatest value of others; a grey one as ink on paper."""
    low, high = min(float(each.min()) for each in like), max(float(each.max()) for each in like)
    scaled = ((image - low) / ((high - low) or 1.0)).clip(0, 1)
    return _opaque(scaled if image.ndim == 3 else 1 - scaled[..., None].repeat(3, 2))


def _signed(image: NDArray[Any]) -> NDArray[Any]:
    """Return an image of signed numbers in the diverging colours, 0 in the middle."""
    largest = float(np.abs(image).max()) or 1.0
    if image.ndim == 3:
        return _opaque(0.5 + 0.5 * image / largest)
    return np.asarray(style.SIGNED(0.5 + 0.5 * image / largest))


def _opaque(image: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([image, np.ones_like(image[..., :1])], axis=2)
