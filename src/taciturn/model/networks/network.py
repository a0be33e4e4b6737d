"""The base class of all networks."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ...core.errors import RecipeError
from ...core.recipe import Recipe
from ...data.row_shape import is_image

Image = tuple[int, ...]  # (height, width) or (height, width, 3); a signal's (time,) or (time, channels)
ImageShape = tuple[int, int, int]  # (height, width, channels)


@dataclass(frozen=True)
class Network(Recipe):
    """A recipe of the layers between rows and their reconstructions.

    Attributes
    ----------
    for_images : bool
        Whether rows must be images: pixels flattened in the order (height, width, channel). Or signals, flattened in
        the order (time, channel), if `axes` is 1.
    has_codes : bool
        Whether there is a coding layer.
    same_at_each_pixel : bool
        Whether the network does the same at each pixel, so that it takes images of any size.
    axes : int
        Along how many axes it convolves: 2, those of images; 1, time. A signal is treated as an image of height 1,
        with kernels of height 1.
    rounds : bool
        Whether training under `precision="bf16"` computes its layers in bfloat16, of weights in float32.

    Examples
    --------
    >>> Network.parse("conv:channels=16/32").channels
    (16, 32)
    """

    for_images: ClassVar[bool] = False
    has_codes: ClassVar[bool] = True
    same_at_each_pixel: ClassVar[bool] = False
    axes = 2  # a field of networks with convolutions
    rounds: ClassVar[bool] = False

    def fits(self, image: Image) -> bool:
        """Return whether a row's shape is one of images; of signals if the network is for them."""
        return is_image(image) if self.axes == 2 else len(image) <= 2

    def size(self, image: Image) -> ImageShape:
        """Return (height, width, channels) of an image; of a signal (1, time, channels)."""
        height, width, *channels = image if self.axes == 2 else (1, *image)
        return height, width, channels[0] if channels else 1

    def square(self, side: int) -> tuple[int, int]:
        """Return (height, width) of what is `side` long along each axis, such as a kernel."""
        return (side, side) if self.axes == 2 else (1, side)

    def shapes(self, image: Image) -> list[ImageShape]:
        """Return (height, width, channels) of an image and after each convolution of the encoder; [] without any."""
        return []

    def hidden_widths(self, image: Image) -> tuple[int, ...]:
        """Return the widths of the hidden layers that come before those that `n_components` names."""
        return tuple(height * width * channels for height, width, channels in self.shapes(image)[1:])

    def inner_widths(self, image: Image) -> list[int]:
        """Return the numbers that an image has after each part that is not among a layout's widths."""
        return []

    def check_image(self, image: Image | None) -> None:
        """Raise RecipeError if rows must be images and are not."""
        if self.for_images and (image is None or not self.fits(image)):
            found = "a row has no shape" if image is None else f"a row has the shape {image}"
            kind, shape = "images", "(height, width) or (height, width, 3)"
            if self.axes == 1:
                kind, shape = "signals", "(time, channels)"
            raise RecipeError(
                f"network={self.text!r} is for {kind}, but {found}; give shape={shape}, or set network='dense'"
            )

    def check_widths(self, widths: tuple[int, ...], image: Image | None) -> None:
        """Raise RecipeError unless a layout's widths are those of this network for such images."""
        self.check_image(image)
        hidden = self.hidden_widths(image or ())
        fits = image is None or prod(image) == widths[0]
        if not fits or widths[1 : len(hidden) + 1] != hidden or (widths[-1] > 0) != self.has_codes:
            raise RecipeError(f"widths={widths} are not those of network={self.text!r} for rows of shape {image}")
