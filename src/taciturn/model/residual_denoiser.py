"""The residual denoiser: convolutions at several scales that estimate the noise of an image, or a signal, of any size.

A signal is treated as an image of height 1, with kernels of height 1.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import DataError, RecipeError
from ..core.world import WHOLE_BATCH, RowShard
from .autoencoder import Autoencoder
from .codes import Codes, dense
from .initial_layers import drawn
from .layers import Layer, to_images
from .networks.residual import SCALE, ResidualNetwork
from .pre_activations import PreActivations


class ResidualDenoiser(Autoencoder):
    """An autoencoder without codes: x̂ = x + r(x). It denoises images or signals of any size, not only of the rows'.

    Parameters as of `Autoencoder`; the layout's network is a `ResidualNetwork`.

    Attributes
    ----------
    convolutions : Convolutions
        r.

    Notes
    -----
    No convolution has a bias, so that r(a x) = a r(x) for a > 0: a network that was trained with noise of one standard
    deviation also removes weaker and stronger noise (Mohan et al., 2020). r is 0 before the first step.

    Examples
    --------
    >>> from taciturn.model import Layout
    >>> from taciturn.model.coding_layers import Identity
    >>> layout = Layout((64, 0), Identity(), network=ResidualNetwork((8,), 1), image=(8, 8))
    >>> model = ResidualDenoiser(layout, rng=torch.Generator().manual_seed(0))
    >>> model.denoise(torch.rand(5, 64)).shape, model.denoise_images(torch.rand(2, 13, 30)).shape
    (torch.Size([5, 64]), torch.Size([2, 13, 30]))
    """

    convolutions: "Convolutions"

    def _new_layers(self, rng: torch.Generator | None) -> tuple[list[Layer], list[Layer]]:
        """Create the convolutions; there are no layers around codes."""
        network = self.layout.network
        assert isinstance(network, ResidualNetwork)
        self.convolutions = Convolutions(network, self._image[2], rng)
        return [], []

    @property
    def _image(self) -> tuple[int, int, int]:
        """Height, width and channels of a row; of a signal 1, time and channels."""
        assert self.layout.image is not None
        return self.layout.network.size(self.layout.image)

    @property
    def dictionary(self) -> nn.Parameter:
        """The dictionary [0, D] of no latents; its dtype and device are those of the weights."""
        return nn.Parameter(self.weights[0].new_zeros(0, self.layout.widths[0]), requires_grad=False)

    @property
    def weights(self) -> list[nn.Parameter]:
        """All kernels."""
        return list(self.convolutions.parameters())

    def latent_parameters(self) -> list[nn.Parameter]:
        """Return none: there are no latents."""
        return []

    @property
    def row_multiplications(self) -> int:
        """Multiplications of the largest convolution, per row."""
        height, width, _ = self._image
        down, across = self.layout.network.square(SCALE)
        return max(weight.numel() for weight in self.weights) * (height // down) * (width // across)

    def pre_activations(self, x: Tensor, shard: RowShard = WHOLE_BATCH) -> PreActivations:
        """Return pre-activations [B, 0]."""
        none = self.dictionary
        return PreActivations(x, none, none.new_zeros(0), None, self.kernels, shard=shard)

    def pre_and_codes(
        self, x: Tensor, coding_function: Callable[[PreActivations, nn.Module], Codes], shard: RowShard = WHOLE_BATCH
    ) -> tuple[PreActivations, Codes]:
        """Return pre-activations and codes [B, 0]."""
        return self.pre_activations(x, shard), dense(x.new_zeros(len(x), 0))

    def decode(self, codes: Codes, x: Tensor | None = None, *, frozen: bool = False) -> Tensor:
        """Return x + r(x) for scaled rows [B, D]."""
        if x is None:
            raise RecipeError(
                f"network={self.layout.network.text!r} has no codes, so that rows are needed; use denoise"
            )
        images = to_images(x, self._image)
        denoised: Tensor = images + self.convolutions(images)
        return denoised.permute(0, 2, 3, 1).reshape(x.shape)

    def initialise_output(self, mean_D: Tensor) -> None:
        """Do nothing: the output starts as the row."""

    @torch.no_grad()
    def denoise_images(self, images: Tensor) -> Tensor:
        """Return images without noise, for noisy images of any size; of a network of signals, signals of any length.

        Parameters
        ----------
        images : Tensor [B, height, width] or [B, height, width, channels]; signals [B, time] or [B, time, channels]
            In the rows' units; all of one size. A missing value (NaN) enters as the mean of the training rows.

        Returns
        -------
        Tensor of the same shape, in the weights' precision
            In the targets' units.

        Raises
        ------
        DataError
            They are not real numbers, or have other channels than the rows.
        """
        channels, like = self._image[2], self.dictionary
        x = self._pixels(images).to(like.device).double()
        per_pixel = {
            name: getattr(self, name)[:channels] for name in ("shift", "scale", "target_shift", "target_scale")
        }
        x = torch.where(x.isnan(), self.mean.view(-1, channels).mean(0), x)
        scaled = ((x - per_pixel["shift"]) / per_pixel["scale"]).to(like.dtype).permute(0, 3, 1, 2)
        output = self.output(scaled + self.convolutions(scaled)).permute(0, 2, 3, 1).double()
        denoised: Tensor = output * per_pixel["target_scale"] + per_pixel["target_shift"]
        return denoised.to(like.dtype).reshape(images.shape)

    def _pixels(self, images: Tensor) -> Tensor:
        """Return images as [B, height, width, channels]; raise DataError if they are none of this model."""
        channels, axes = self._image[2], self.layout.network.axes
        if isinstance(images, Tensor) and not images.is_complex() and images.numel():
            pixels = images[..., None] if images.dim() == axes + 1 and channels == 1 else images
            if pixels.dim() == axes + 2 and pixels.shape[-1] == channels:
                return pixels if axes == 2 else pixels[:, None]
        shape = list(images.shape) if isinstance(images, Tensor) else type(images).__name__
        kind, sides = ("images", "height, width") if axes == 2 else ("signals", "time")
        wanted = f"[{kind}, {sides}]" if channels == 1 else f"[{kind}, {sides}, {channels}]"
        raise DataError(f"{kind} of shape {shape} do not fit the model; give a torch tensor of real numbers {wanted}")


class Convolutions(nn.Module):
    """Residual blocks at several scales, from an image to its noise with the opposite sign.

    The image is first taken apart into half as high and half as wide ones (Zhang et al., 2018). Results of a scale are
    added to what comes back from the next smaller one (Ronneberger et al., 2015; Zhang et al., 2022).

    Parameters
    ----------
    network : ResidualNetwork
        Channels and blocks of each scale.
    channels : int
        Channels of an image.
    rng : torch.Generator or None
        Draws the kernels; None: they are not initialised.
    """

    def __init__(self, network: ResidualNetwork, channels: int, rng: torch.Generator | None) -> None:
        super().__init__()
        widths, blocks, pixels = network.channels, network.blocks, channels * SCALE**network.axes
        kernel, half = network.square(3), network.square(SCALE)
        self.factors = network.square(SCALE ** len(widths))
        self.first = Conv3(pixels, widths[0], kernel, rng)
        n_blocks = blocks * len(network.sides)
        self.sides = nn.ModuleList(
            nn.Sequential(*(Block(widths[side], kernel, rng, n_blocks) for _ in range(blocks)))
            for side in network.sides
        )
        self.down = nn.ModuleList(Down(large, small, half, rng) for large, small in pairwise(widths))
        self.up = nn.ModuleList(Up(small, large, half, rng) for small, large in pairwise(widths[::-1]))
        self.last = Conv3(widths[0], pixels, kernel, rng, 0.0)

    def forward(self, images: Tensor) -> Tensor:
        """Return r(x) [B, channels, height, width] for scaled images of any size."""
        height, width = images.shape[2:]
        x = F.pad(images, (0, -width % self.factors[1], 0, -height % self.factors[0]), mode="replicate")
        x = apart(x) if self.factors[0] == 1 else F.pixel_unshuffle(x, SCALE)
        x = self.first(x.contiguous(memory_format=torch.channels_last))  # oneDNN is then faster
        sides = iter(self.sides)
        larger: list[Tensor] = []
        for down in self.down:
            larger.append(next(sides)(x))
            x = down(larger[-1])
        x = next(sides)(x)
        for up in self.up:
            x = next(sides)(up(x) + larger.pop())
        x = self.last(x)
        return (together(x) if self.factors[0] == 1 else F.pixel_shuffle(x, SCALE))[..., :height, :width]


def apart(signals: Tensor) -> Tensor:
    """Return signals [B, C, 1, time] as [B, 2 C, 1, time / 2]: neighbouring times become channels.

    Examples
    --------
    >>> apart(torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]])).tolist()
    [[[[1.0, 3.0]], [[2.0, 4.0]]]]
    """
    n, channels, _, time = signals.shape
    return signals.permute(0, 2, 3, 1).reshape(n, 1, time // SCALE, SCALE * channels).permute(0, 3, 1, 2)


def together(signals: Tensor) -> Tensor:
    """Return what `apart` took apart: [B, C, 1, 2 time] of [B, 2 C, 1, time].

    Examples
    --------
    >>> together(apart(torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]]))).tolist()
    [[[[1.0, 2.0, 3.0, 4.0]]]]
    """
    n, channels, _, time = signals.shape
    return signals.permute(0, 2, 3, 1).reshape(n, 1, time * SCALE, channels // SCALE).permute(0, 3, 1, 2)


class Block(nn.Module):
    """Two convolutions whose result is added to their input: x + W₂ relu(W₁ x).

    Parameters
    ----------
    width : int
        Channels.
    kernel : tuple of int
        Height and width of the kernels.
    rng : torch.Generator or None
        Draws the kernels; None: they are not initialised.
    n_blocks : int
        Blocks of the whole network, by whose root the last kernels are smaller at first.
    """

    def __init__(self, width: int, kernel: tuple[int, int], rng: torch.Generator | None, n_blocks: int) -> None:
        super().__init__()
        self.inner, self.outer = Conv3(width, width, kernel, rng), Conv3(width, width, kernel, rng, n_blocks**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return x + W₂ relu(W₁ x) [B, width, height, width]."""
        result: Tensor = x + self.outer(self.inner(x).relu())
        return result


class Conv3(nn.Module):
    """A convolution with kernels of 3 × 3, or 1 × 3, without bias.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    kernel : tuple of int
        Height and width of the kernels, odd.
    rng : torch.Generator or None
        Draws the kernels from N(0, gain² 2 / n) for n numbers of a kernel, such as 9 n_in (He et al., 2015); None:
        they are not initialised.
    gain : float, default=1
    """

    def __init__(
        self, n_in: int, n_out: int, kernel: tuple[int, int], rng: torch.Generator | None, gain: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = drawn((n_out, n_in, *kernel), gain * math.sqrt(2 / (math.prod(kernel) * n_in)), rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolved images [B, n_out, height, width]."""
        height, width = self.weight.shape[2:]
        return F.conv2d(x, self.weight, padding=(height // 2, width // 2))


class Down(nn.Module):
    """A convolution with kernels of 2 × 2 that halves height and width; of signals 1 × 2.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    kernel : tuple of int
        Height and width of the kernels.
    rng : torch.Generator or None
        Draws the kernels; None: they are not initialised.
    """

    def __init__(self, n_in: int, n_out: int, kernel: tuple[int, int], rng: torch.Generator | None) -> None:
        super().__init__()
        self.weight = drawn((n_out, n_in, *kernel), 1 / math.sqrt(math.prod(kernel) * n_in), rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return images [B, n_out, height / 2, width / 2]."""
        return F.conv2d(x, self.weight, stride=SCALE)


class Up(nn.Module):
    """The transposed convolution with kernels of 2 × 2, which doubles height and width; of signals 1 × 2.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    kernel : tuple of int
        Height and width of the kernels.
    rng : torch.Generator or None
        Draws the kernels; None: they are not initialised.
    """

    def __init__(self, n_in: int, n_out: int, kernel: tuple[int, int], rng: torch.Generator | None) -> None:
        super().__init__()
        self.weight = drawn((n_in, n_out, *kernel), 1 / math.sqrt(n_in), rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return images [B, n_out, 2 height, 2 width]."""
        return F.conv_transpose2d(x, self.weight, stride=SCALE)
