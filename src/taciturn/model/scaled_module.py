"""The scaling inside a model: from rows and targets in their own units to the network's units, and back."""

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..core.errors import DataError
from ..data.moments import Moments
from .scaling import Auto, Scaling, Whiten

# dtypes whose values float32 represents exactly
EXACT_IN_FLOAT32 = frozenset({torch.float32, torch.float16, torch.bfloat16, torch.uint8, torch.int8, torch.int16})
PART_NUMBERS = 1 << 20  # numbers that are scaled in float64 at a time


class ScaledModule(nn.Module):
    """A module with the scaling of its rows and of their targets, which is saved with it.

    Parameters
    ----------
    n_inputs : int
        D, the number of columns.
    whitened : bool
        Whether scaled rows and targets are multiplied by a matrix as well.

    Attributes
    ----------
    shift, scale : Tensor [D], float64
        Scaled rows are (x - shift) / scale.
    target_shift, target_scale : Tensor [D], float64
        The same for targets, and so for what the network puts out. Equal to `shift` and `scale` where rows are their
        own targets.
    whitening, colouring, target_whitening, target_colouring : Tensor [D, D], float64
        Only if whitened: the matrix that scaled rows, or targets, are multiplied by, and its inverse.
    mean : Tensor [D], float64
        The mean of each column's known values, in the input's units: a missing value (NaN) enters as this.
    unit : Tensor [D], float64
        The unit in which errors of each column are measured. It depends on the training targets alone, not on the
        scaling, so that models with different scalings can be compared.
    """

    shift: Tensor
    scale: Tensor
    whitening: Tensor
    colouring: Tensor
    target_shift: Tensor
    target_scale: Tensor
    target_whitening: Tensor
    target_colouring: Tensor
    mean: Tensor
    unit: Tensor

    def __init__(self, n_inputs: int, *, whitened: bool) -> None:
        super().__init__()
        self.whitened = whitened
        # in float64, so that a column far from 0 keeps its digits until it is centred
        for of in ("", "target_"):
            self.register_buffer(f"{of}shift", torch.zeros(n_inputs, dtype=torch.float64))
            self.register_buffer(f"{of}scale", torch.ones(n_inputs, dtype=torch.float64))
            if whitened:
                for name in (
                    "whitening",
                    "colouring",
                ):  # not torch.eye, which loads torch's compiler on the meta device
                    identity = torch.zeros(n_inputs, n_inputs, dtype=torch.float64).fill_diagonal_(1)
                    self.register_buffer(f"{of}{name}", identity)
        self.register_buffer("mean", torch.zeros(n_inputs, dtype=torch.float64))
        self.register_buffer("unit", torch.ones(n_inputs, dtype=torch.float64))

    @property
    @abstractmethod
    def dictionary(self) -> nn.Parameter:
        """A weight, whose dtype and device scaled rows get."""

    def scale_rows(self, x: Tensor, *, complete: bool = False) -> Tensor:
        """Return scaled rows [B, D], in the weights' precision, for rows in the input's units.

        With float32 weights, rows whose type float32 represents exactly are scaled in float32, other rows in float64.

        Parameters
        ----------
        x : Tensor [B, D]
            Rows; a missing value is NaN and enters as the column's mean.
        complete : bool, default=False
            Whether no value is known to be missing, so that none is looked for; NaN then stays NaN.

        Raises
        ------
        DataError
            x is not a tensor of real numbers [B, D].
        """
        whitening = self.whitening if self.whitened else None
        scaled = self._scaled(x, self.shift, self.scale, whitening)
        if complete or not x.is_floating_point() or not bool((missing := x.isnan()).any()):
            return scaled
        if whitening is not None:  # a product mixes the columns
            return self._scaled(torch.where(missing, self.mean, x.double()), self.shift, self.scale, whitening)
        return torch.where(missing, self.scaled_mean, scaled)

    @property
    def scaled_mean(self) -> Tensor:
        """What a missing value is replaced by, in scaled rows [D]."""
        return self._scaled(self.mean[None], self.shift, self.scale, self.whitening if self.whitened else None)[0]

    def scale_targets(self, y: Tensor) -> Tensor:
        """Return scaled targets [B, D] for targets in their own units; otherwise as `scale_rows`."""
        whitening = self.target_whitening if self.whitened else None
        return self._scaled(y, self.target_shift, self.target_scale, whitening)

    def _scaled(self, x: Tensor, shift: Tensor, scale: Tensor, whitening: Tensor | None) -> Tensor:
        x, W = real_matrix(x, len(shift), "rows"), self.dictionary
        if x.dtype in EXACT_IN_FLOAT32 and W.dtype == torch.float32 and whitening is None:
            # the shift in two parts: rounded to float32, it alone would move the centre of rows near 1e6
            high, inverse = shift.to(W), 1 / scale
            low = ((shift - high) * inverse).to(W)
            centred = x.to(W) - high
            return torch.addcmul(-low, centred, inverse.to(W), out=centred)
        if x.is_cpu and x.numel() > max(PART_NUMBERS, len(shift)):
            parts = x.split(max(PART_NUMBERS // len(shift), 1))
            return torch.cat([self._scaled(part, shift, scale, whitening) for part in parts])
        scaled = (x.double() - shift) / scale
        return (scaled if whitening is None else scaled @ whitening).to(W.dtype)

    @property
    def rescales(self) -> bool:
        """Whether `scale_rows` changes values. Reading it on a GPU waits for the GPU."""
        return self.whitened or bool(self.shift.any()) or bool((self.scale != 1).any())

    @property
    def rescales_targets(self) -> bool:
        """Whether `scale_targets` changes values. Reading it on a GPU waits for the GPU."""
        return self.whitened or bool(self.target_shift.any()) or bool((self.target_scale != 1).any())

    def cast(self, x: Tensor) -> Tensor:
        """Return rows in the weights' dtype and on their device, without scaling; x itself where nothing changes."""
        return x.to(self.dictionary)

    def unscale_rows(self, x: Tensor) -> Tensor:
        """Return rows in the targets' units for scaled reconstructions [B, D]: the inverse of `scale_targets`."""
        mixed = x.double() @ self.target_colouring if self.whitened else x
        return (mixed * self.target_scale + self.target_shift).to(x.dtype)

    def unscale_inputs(self, x: Tensor) -> Tensor:
        """Return rows in the input's units for scaled rows [B, D], such as corrupted ones: inverts `scale_rows`."""
        mixed = x.double() @ self.colouring if self.whitened else x
        return (mixed * self.scale + self.shift).to(x.dtype)

    @torch.no_grad()
    def set_scaling(
        self,
        scaling: Scaling,
        moments: Moments,
        *,
        target_scaling: Scaling | None = None,
        target_moments: Moments | None = None,
        unit: Scaling | None = None,
    ) -> None:
        """Set the buffers of the scaling, and the unit of errors.

        Parameters
        ----------
        scaling : Scaling
            Resolved: for `Auto`, what its `resolve` returns. Whiten requires a model that whitens.
        moments : Moments
            The statistics of the training rows; with `with_products=True` for Whiten.
        target_scaling : Scaling, optional
            The targets' scaling; by default that of the rows. It whitens if the rows' scaling does.
        target_moments : Moments, optional
            The statistics of the targets; by default rows are their own targets.
        unit : Scaling, optional
            The unit of errors is this scaling's divisor, fitted to the targets. By default `Auto`, which takes the
            targets for floats.
        """
        buffers = self._numbers("", scaling, moments)
        if target_moments is None and target_scaling in (None, scaling):
            buffers |= {f"target_{name}": array for name, array in buffers.items()}
        else:
            buffers |= self._numbers("target_", target_scaling or scaling, target_moments or moments)
        target_moments = target_moments or moments
        buffers["mean"] = moments.mean
        buffers["unit"] = (unit or Auto()).fit(target_moments)[1]
        for name, array in buffers.items():
            getattr(self, name).copy_(torch.from_numpy(array))

    @staticmethod
    def _numbers(of: str, scaling: Scaling, moments: Moments) -> dict[str, NDArray[np.float64]]:
        """Return the numbers of a fitted scaling by the name of their buffer, which begins with `of`."""
        shift, scale = scaling.fit(moments)
        numbers = {f"{of}shift": shift, f"{of}scale": scale}
        if isinstance(scaling, Whiten):
            numbers[f"{of}whitening"], numbers[f"{of}colouring"] = scaling.matrices(moments)
        return numbers


def real_matrix(x: Any, width: int, name: str) -> Tensor:
    """Return x itself; raise DataError unless it is a tensor of real numbers [rows, width]."""
    if isinstance(x, Tensor) and x.dim() == 2 and x.shape[1] == width and not x.is_complex():
        return x
    kind = f"shape {list(x.shape)}, type {x.dtype}" if isinstance(x, Tensor) else f"type {type(x).__name__}"
    raise DataError(f"{name} of {kind} do not fit the model; give a torch tensor of real numbers [rows, {width}]")
