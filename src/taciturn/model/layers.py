"""The layers of an autoencoder. Each maps rows to rows; its mirror is the same kind of layer, used backwards."""

from abc import abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .networks.conv import STRIDE
from .networks.network import ImageShape


class Layer(nn.Module):
    """The weight and the bias of one layer; layers with tied weights share the parameter `weight`.

    Parameters
    ----------
    weight : nn.Parameter
        The weight. That of a layer and that of its mirror have the shapes that let them be one.
    n_bias : int
        The length of the bias, which starts at 0.
    """

    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(self, weight: nn.Parameter, n_bias: int) -> None:
        super().__init__()
        self.weight = weight
        self.bias = nn.Parameter(torch.zeros(n_bias))

    @property
    @abstractmethod
    def multiplications(self) -> int:
        """Multiplications for one row."""

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """Return the pre-activations [B, out] of the rows [B, in] of a layer of the encoder."""

    @abstractmethod
    def decode(self, h: Tensor, *, frozen: bool = False) -> Tensor:
        """Return the pre-activations [B, out] of the rows [B, in] of a layer of the decoder.

        `frozen` passes no gradient to its parameters.
        """

    def parameters_of(self, frozen: bool) -> tuple[Tensor, Tensor]:
        """Return weight and bias, without gradient if `frozen`."""
        return (self.weight.detach(), self.bias.detach()) if frozen else (self.weight, self.bias)


class Affine(Layer):
    """An affine layer. Its weight is [out, in] in the encoder, [in, out] in the decoder.

    Parameters as of `Layer`.

    Examples
    --------
    >>> layer = Affine(nn.Parameter(torch.ones(2, 3)), 2)
    >>> layer.encode(torch.ones(1, 3)), layer.bias.shape
    (tensor([[3., 3.]], grad_fn=<AddmmBackward0>), torch.Size([2]))
    """

    @property
    def multiplications(self) -> int:
        """Multiplications for one row."""
        return self.weight.numel()

    def encode(self, x: Tensor) -> Tensor:
        """Return x W' + b."""
        return F.linear(x, self.weight, self.bias)

    def decode(self, h: Tensor, *, frozen: bool = False) -> Tensor:
        """Return h W + b."""
        W, b = self.parameters_of(frozen)
        return h @ W + b


class Convolution(Layer):
    """A convolution of stride 2 in the encoder; in the decoder the transposed one, which restores the image's size.

    Parameters
    ----------
    weight : nn.Parameter [small channels, large channels, kernel height, kernel width]
        The kernels. Those of signals, which have the height 1, have the height 1.
    large, small : tuple of int
        (height, width, channels) before the convolution and after it; of the mirror the other way round.
    n_bias : int
        A channel's bias is the same at each pixel; or there is one for each number of a row, in the decoder's last
        layer, whose bias starts at the mean row.

    Notes
    -----
    Rows are pixels flattened in the order (height, width, channel), as torch's channels_last tensors are in memory: no
    number is moved. Beyond an image's border it is 0.

    Examples
    --------
    >>> layer = Convolution(nn.Parameter(torch.ones(1, 1, 3, 3)), (4, 4, 1), (2, 2, 1), 1)
    >>> layer.encode(torch.ones(1, 16)).tolist(), layer.decode(torch.ones(1, 4)).shape
    ([[4.0, 6.0, 6.0, 9.0]], torch.Size([1, 16]))
    """

    def __init__(self, weight: nn.Parameter, large: ImageShape, small: ImageShape, n_bias: int) -> None:
        super().__init__(weight, n_bias)
        self.large, self.small = large, small

    @property
    def multiplications(self) -> int:
        """Multiplications for one row."""
        return self.weight.numel() * self.small[0] * self.small[1]

    @property
    def _padding(self) -> list[int]:
        return [side // 2 for side in self.weight.shape[2:]]

    def encode(self, x: Tensor) -> Tensor:
        """Return the convolved images, plus the bias."""
        return to_rows(F.conv2d(to_images(x, self.large), self.weight, None, STRIDE, self._padding), self.bias)

    def decode(self, h: Tensor, *, frozen: bool = False) -> Tensor:
        """Return the images by the transposed convolution, plus the bias."""
        W, b = self.parameters_of(frozen)
        rest = [(n - 1) % STRIDE for n in self.large[:2]]
        images = F.conv_transpose2d(to_images(h, self.small), W, None, STRIDE, self._padding, rest)
        return to_rows(images, b)


def to_images(rows: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return rows [B, D] as images [B, channels, height, width] in torch's format channels_last."""
    height, width, channels = shape
    return rows.reshape(len(rows), height, width, channels).permute(0, 3, 1, 2)


def to_rows(images: Tensor, bias: Tensor) -> Tensor:
    """Return images [B, channels, height, width] as rows [B, D], plus a bias for each channel or each number."""
    pixels = images.permute(0, 2, 3, 1)
    if len(bias) == pixels.shape[3]:
        pixels = pixels + bias
        return pixels.reshape(len(pixels), -1)
    return pixels.reshape(len(pixels), -1) + bias


def layer_of(module: Any) -> Layer:
    """Return a module as a layer; the elements of an nn.ModuleList have no specific type."""
    assert isinstance(module, Layer)
    return module
