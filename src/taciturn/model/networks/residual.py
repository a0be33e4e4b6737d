"""A residual denoiser: convolutions that estimate the noise, without codes."""

from dataclasses import dataclass

from ...core.recipe import check
from .conv import check_channels
from .network import Image, Network

SCALE = 2  # by how much each scale is smaller than the one before, the first than the image
MAX_SCALES, MAX_BLOCKS = 6, 100


@dataclass(frozen=True)
class ResidualNetwork(Network):
    """A denoiser without codes: x + r(x), with convolutions r at several scales. It takes images of any size.

    Parameters
    ----------
    channels : tuple of int, default=(32, 64)
        Channels at each scale, each 1 … 4096; the first scale is half the image's size, each further one half of that
        before.
    blocks : int, default=2
        Pairs of convolutions at each scale, on the way down and on the way up again, 1 … 100.
    axes : int, default=2
        2: rows are images; 1: rows are signals, and a scale is half as long as that before.

    Examples
    --------
    >>> Network.parse("residual:channels=48/,blocks=4") == ResidualNetwork((48,), 4)
    True
    """

    channels: tuple[int, ...] = (32, 64)
    blocks: int = 2
    axes: int = 2

    name = "residual"
    for_images = True
    has_codes = False
    same_at_each_pixel = True
    rounds = True

    def __post_init__(self) -> None:
        check_channels(self, self.channels, MAX_SCALES)
        check(self, "blocks", 1, MAX_BLOCKS, whole=True)
        check(self, "axes", 1, 2, whole=True)

    @property
    def sides(self) -> tuple[int, ...]:
        """The number of each scale, from the first to the smallest and back to the first."""
        scales = range(len(self.channels))
        return (*scales[:-1], *scales[::-1])

    def inner_widths(self, image: Image) -> list[int]:
        """Return the numbers of an image after each block."""
        height, width, _ = self.size(image)
        sizes = [-(-height // SCALE ** (side + 1)) * -(-width // SCALE ** (side + 1)) for side in self.sides]
        return [size * self.channels[side] for size, side in zip(sizes, self.sides, strict=True)] * self.blocks
