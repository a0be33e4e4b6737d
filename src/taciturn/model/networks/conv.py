"""Strided convolutions before the coding layer, and their mirror after it."""

from dataclasses import dataclass

from ...core.errors import RecipeError
from ...core.recipe import check
from .network import Image, ImageShape, Network

STRIDE = 2
MAX_CHANNELS, MAX_LAYERS, MAX_KERNEL = 4096, 16, 15


@dataclass(frozen=True)
class ConvNetwork(Network):
    """Convolutions of stride 2 that halve an image, then the dense layers, and the mirror of them all.

    The mirror of a convolution is the transposed one. A coding layer sees all positions of the last convolution.

    Parameters
    ----------
    channels : tuple of int, default=(32, 64)
        Channels after each convolution, each 1 … 4096; "conv:channels=32/64". Each halves height and width, rounded up.
    kernel : int, default=5
        Height and width of a kernel, odd, 3 … 15.
    axes : int, default=2
        2: rows are images; 1: rows are signals, each convolution halves the time.

    Examples
    --------
    >>> ConvNetwork((16, 32)).hidden_widths((28, 28))
    (3136, 1568)
    """

    channels: tuple[int, ...] = (32, 64)
    kernel: int = 5
    axes: int = 2

    name = "conv"
    for_images = True

    def __post_init__(self) -> None:
        check_channels(self, self.channels, MAX_LAYERS)
        check(self, "kernel", 3, MAX_KERNEL, whole=True)
        check(self, "axes", 1, 2, whole=True)
        if self.kernel % 2 == 0:
            raise RecipeError(f"conv: kernel={self.kernel} must be odd, so that it has a middle; set {self.kernel + 1}")

    def shapes(self, image: Image) -> list[ImageShape]:
        """Return (height, width, channels) of an image and after each convolution."""
        shapes = [self.size(image)]
        height, width, _ = shapes[0]
        for channels in self.channels:
            height, width = -(-height // STRIDE), -(-width // STRIDE)
            shapes.append((height, width, channels))
        return shapes


def check_channels(network: Network, channels: tuple[int, ...], longest: int) -> None:
    """Raise RecipeError unless channels are a tuple of whole numbers, 1 … 4096, at most so many."""
    whole = isinstance(channels, tuple) and all(type(each) is int and 1 <= each <= MAX_CHANNELS for each in channels)
    if not (whole and 1 <= len(channels) <= longest):
        raise RecipeError(
            f"{network.name}: channels={channels!r} must be 1 to {longest} whole numbers, each 1 … {MAX_CHANNELS}, "
            "as in channels=32/64 or channels=32/"
        )
