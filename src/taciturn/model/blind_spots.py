"""The estimate of every entry of a row from the others: fixed covers, and values to hide entries with."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..corruption import neighbours

if TYPE_CHECKING:
    from .autoencoder import Autoencoder

MAX_COVERS = 16  # groups of entries that are hidden together
REPEATS = 4  # values that each entry is hidden with, over which estimates are averaged


class BlindSpots(nn.Module):
    """The state of a model that was trained with `blind_spot` noise.

    Parameters
    ----------
    n_inputs : int
        D, the number of columns.

    Attributes
    ----------
    cover : Tensor [D], int64
        The group of each entry; the entries of a group are hidden together.
    donors : Tensor [R, D]
        Values of training rows, scaled: an entry is hidden with each of R values of its column in turn.
    beside : Tensor [R, D], int64
        The column of the same row whose value hides an entry instead, of an image; -1: `donors`.
    error : Tensor [D], float64
        Mean squared difference of estimates and noisy values, in scaled units: the estimates' own error plus the
        variance of the noise.
    weight : Tensor [D], float64
        The share of the noisy value in what `denoise` returns; 0 without a known noise.
    """

    cover: Tensor
    donors: Tensor
    beside: Tensor
    error: Tensor
    weight: Tensor

    def __init__(self, n_inputs: int) -> None:
        super().__init__()
        self.register_buffer("cover", torch.arange(n_inputs) % MAX_COVERS)
        self.register_buffer("donors", torch.zeros(REPEATS, n_inputs))
        self.register_buffer("beside", torch.full((REPEATS, n_inputs), -1))
        self.register_buffer("error", torch.zeros(n_inputs, dtype=torch.float64))
        self.register_buffer("weight", torch.zeros(n_inputs, dtype=torch.float64))

    @torch.no_grad()
    def draw(self, x: Tensor, shape: tuple[int, ...] | None, rng: torch.Generator) -> None:
        """Draw the covers, and the values that hide entries.

        Parameters
        ----------
        x : Tensor [N, D]
            Scaled training rows.
        shape : tuple of int or None
            The shape of images. A cover then has every fourth pixel of every fourth line, so that no entry is hidden
            with the value of another hidden one.
        rng : torch.Generator
            Source of the draws, on the CPU.
        """
        n_inputs = len(self.cover)
        rows = torch.randint(len(x), self.donors.shape, generator=rng)
        self.donors.copy_(x[rows.to(x.device), torch.arange(n_inputs, device=x.device)])
        if shape is None:
            self.cover.copy_(torch.randperm(n_inputs, generator=rng) % MAX_COVERS)
            return
        height, width, *colours = shape
        place = torch.arange(height * width).repeat_interleave(colours[0] if colours else 1)
        self.cover.copy_(place // width % 4 * 4 + place % width % 4)
        self.beside.copy_(neighbours(shape, REPEATS, rng))

    def estimates(self, model: "Autoencoder", x: Tensor) -> Tensor:
        """Return an estimate of each entry of scaled rows [B, D] from the other entries of its row only."""
        total = torch.zeros_like(x)
        for donors, beside in zip(self.donors.to(x), self.beside, strict=True):
            values = torch.where(beside < 0, donors, x[:, beside.clamp_min(0)])
            for group in self.cover.unique():
                hidden = self.cover == group
                seen = torch.where(hidden, values, x)
                recon = model.output(model.decode(model.codes(seen), seen))
                total += torch.where(hidden, recon, recon.new_zeros(()))
        return total / len(self.donors)

    @torch.no_grad()
    def measure(self, model: "Autoencoder", x: Tensor, y: Tensor, variance_D: Tensor | None) -> None:
        """Set `error`, and `weight` if the variance of the noise is known.

        Parameters
        ----------
        model : Autoencoder
            The model.
        x : Tensor [N, D]
            Scaled rows, best rows that the model was not trained on.
        y : Tensor [N, D]
            The same, with NaN for missing values.
        variance_D : Tensor [D] or None
            The variance of the noise in scaled units.

        Notes
        -----
        With the error E of the estimates against noisy values and the variance σ² of the noise, V = E - σ² is the
        estimates' own error. The noise of an entry is independent of its estimate, so that the mean of both with
        weights σ²/E and V/E has the least squared error, V σ²/E.
        """
        self.error.copy_((self.estimates(model, x) - y).double().square().nanmean(0).nan_to_num(0.0))
        if variance_D is not None:
            own = (self.error - variance_D).clamp_min(0)
            self.weight.copy_(torch.where(self.error > 0, own / self.error, self.error))

    def denoised(self, model: "Autoencoder", x: Tensor, missing: Tensor | None) -> Tensor:
        """Return the estimates of scaled rows [B, D], joined with the noisy values where these are known."""
        estimates = self.estimates(model, x)
        weight = self.weight.to(x)
        if missing is not None:
            weight = weight.masked_fill(missing, 0)
        return estimates.lerp(x, weight.expand_as(x))
