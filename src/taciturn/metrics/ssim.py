"""Structural similarity of images and their reconstructions."""

import math
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.errors import DataError, RecipeError
from .row_mean import RowMean

WINDOW, SIGMA = 11, 1.5  # pixels
K1, K2 = 0.01, 0.03


class SSIM(RowMean):
    """The mean structural similarity of images, from -1 to 1 (equal images).

    Parameters
    ----------
    shape : tuple of int
        An image's (height, width) or (height, width, 3); the rows [B, D] are such images, flattened.
    peak : float
        The range that values can have, > 0, in the units of the rows: 1 for pixels from 0 to 1, 255 for bytes.

    Raises
    ------
    RecipeError
        If `shape` is not an image shape, or `peak` is not a positive finite number.

    Notes
    -----
    Wang, Bovik, Sheikh and Simoncelli (2004). With means μ, variances σ² and covariance σ_xy under a Gaussian window
    (11 × 11 pixels, standard deviation 1.5), C1 = (0.01 peak)² and C2 = (0.03 peak)², an image's similarity is the mean
    of the following, over all positions where the window lies wholly inside the image, and over its channels:

        (2 μ_x μ_y + C1) / (μ_x² + μ_y² + C1) · (2 σ_xy + C2) / (σ_x² + σ_y² + C2)

    Missing pixels (NaN) of x are left out of both images: the window's weights are those of the known pixels, at
    positions where there are some.

    Images smaller than 11 pixels in height or width get the largest odd window that fits: digits of 8 × 8 pixels one
    of 7 × 7.

    Examples
    --------
    >>> import torch
    >>> image = torch.arange(256.0).reshape(1, 256) / 255
    >>> ssim = SSIM((16, 16), peak=1)
    >>> ssim.add(image, image)
    >>> ssim.mean
    1.0
    """

    def __init__(self, shape: tuple[int, ...], *, peak: float) -> None:
        super().__init__()
        if not (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)) or min(shape) < 1:
            raise RecipeError(f"shape={shape} is not an image shape; give (height, width) or (height, width, 3)")
        if not 0 < peak < float("inf"):
            raise RecipeError(
                f"peak={peak} is not a range; give the largest minus the smallest possible pixel value, such as 1"
            )
        self.shape, self.peak = tuple(shape), peak

    def per_row(self, x: Tensor, recon: Tensor) -> Tensor:
        """Return each image's similarity [B], in float64; NaN where no pixel of x is known."""
        missing = self._images(x).isnan()
        has_missing = bool(missing.any())
        x_mean, x = self._centred(self._images(x), missing if has_missing else None)
        y_mean, y = self._centred(self._images(recon), missing if has_missing else None)
        height, width = self.shape[:2]
        window = _gaussian(min(WINDOW, height, width)).to(x.device)
        maps = torch.stack([x, y, x * x, y * y, (x - y).square()])
        windows = _band(window, height), _band(window, width).T
        means = windows[0] @ maps @ windows[1]
        if has_missing:
            weights = windows[0] @ (~missing).double() @ windows[1]
            means = means / weights.where(weights > 1e-12, math.nan)
        mu_x, mu_y, xx, yy, dd = means
        # 2ab = a² + b² - (a - b)², so each fraction is 1 - difference / total: no digits cancel
        mean_difference = (x_mean - y_mean + mu_x - mu_y).square()
        luminance = 1 - mean_difference / ((x_mean + mu_x).square() + (y_mean + mu_y).square() + (K1 * self.peak) ** 2)
        difference_variance = dd - (mu_x - mu_y).square()
        structure = 1 - difference_variance / (xx - mu_x.square() + yy - mu_y.square() + (K2 * self.peak) ** 2)
        similarity_BCHW: Tensor = luminance * structure
        if has_missing:
            similarity_BCHW = similarity_BCHW.masked_fill(weights <= 1e-12, 0.0)
            return similarity_BCHW.flatten(1).sum(1) / (weights > 1e-12).flatten(1).sum(1)
        return similarity_BCHW.flatten(1).mean(1)

    def _images(self, rows: Tensor) -> Tensor:
        """Return rows [B, D] as images [B, C, H, W], in float64."""
        if rows.shape[1:] != (prod(self.shape),):
            raise DataError(
                f"rows of shape {tuple(rows.shape[1:])} are not images of shape {self.shape}, flattened to "
                f"{prod(self.shape)} values"
            )
        height, width, channels = (*self.shape, 1)[:3]
        return rows.double().reshape(-1, height, width, channels).movedim(3, 1)

    @staticmethod
    def _centred(images: Tensor, missing: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the images' means [B, C, 1, 1] and the images less their means, 0 where a pixel is missing.

        Variances of centred images keep their digits.
        """
        if missing is None:
            mean = images.mean((2, 3), keepdim=True)
            return mean, images - mean
        known = (~missing).sum((2, 3), keepdim=True).clamp_min(1)
        mean = images.masked_fill(missing, 0.0).sum((2, 3), keepdim=True) / known
        return mean, (images - mean).masked_fill(missing, 0.0)


def _gaussian(side: int) -> Tensor:
    """Return the weights of the largest odd window of at most `side` pixels; they sum to 1."""
    radius = (side - 1) // 2
    weights = torch.exp(-torch.arange(-radius, radius + 1, dtype=torch.float64).square() / (2 * SIGMA**2))
    return weights / weights.sum()


def _band(window: Tensor, length: int) -> Tensor:
    """Return the matrix [positions, length] that computes the window's mean at each position along a line of pixels."""
    rest = length - len(window)
    return torch.stack([F.pad(window, (position, rest - position)) for position in range(rest + 1)])
