"""The scaling inside a model: from rows and targets in their own units to the network's units, and back."""

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..core.errors import DataError
from ..data.moments import Moments
from .rank_tables import EXTRA_KNOTS, interpolated
from .row_lengths import by_own_length, lengthened
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
    n_targets : int, optional
        The number of columns of the targets, and so of all that is of them; None: D.
    whitened : bool
        Whether scaled rows and targets are multiplied by a matrix as well.
    quantiles : int, default=0
        Q, the number of quantiles of the tables that are applied to scaled rows and targets as well; 0: there are none.
    row_norm : bool, default=False
        Whether each scaled row is divided by its own length as well, and targets by that of their row.
    centre_rows : bool, default=False
        Whether its own mean is subtracted from each row before.

    Attributes
    ----------
    shift, scale : Tensor [D], float64
        Scaled rows are (x - shift) / scale.
    target_shift, target_scale : Tensor [D], float64
        The same for targets, and so for what the network puts out. Equal to `shift` and `scale` where rows are their
        own targets.
    whitening, colouring, target_whitening, target_colouring : Tensor [D, D], float64
        Only if whitened: the matrix that scaled rows, or targets, are multiplied by, and its inverse.
    knots, scores, target_knots, target_scores : Tensor [D, Q + 2], float64
        Only with quantiles: the corners of the piecewise-linear table of each column, both ascending. It maps the
        shifted and scaled value `knots` to `scores`. A column that it does not change has the same numbers in both.
    row_lengths : Tensor [3] or [4], float64, or None
        Only with row_norm: (divisor, least, mean) of `by_own_length`; with centre_rows a fourth, the mean of row means.
    mean : Tensor [D], float64
        The mean of each column's known values, in the input's units, their median if the scaling is fitted to
        quantiles, or the value that its table maps to 0: a missing value (NaN) enters as this.
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
    knots: Tensor
    scores: Tensor
    target_knots: Tensor
    target_scores: Tensor
    row_lengths: Tensor | None
    mean: Tensor
    unit: Tensor

    def __init__(
        self,
        n_inputs: int,
        *,
        n_targets: int | None = None,
        whitened: bool,
        quantiles: int = 0,
        row_norm: bool = False,
        centre_rows: bool = False,
    ) -> None:
        super().__init__()
        self.whitened, self.quantiles = whitened, quantiles
        # in float64, so that a column far from 0 keeps its digits until it is centred
        n_targets = n_targets or n_inputs
        for of, width in (("", n_inputs), ("target_", n_targets)):
            self.register_buffer(f"{of}shift", torch.zeros(width, dtype=torch.float64))
            self.register_buffer(f"{of}scale", torch.ones(width, dtype=torch.float64))
            if whitened:
                for name in (
                    "whitening",
                    "colouring",
                ):  # not torch.eye, which loads torch's compiler on the meta device
                    identity = torch.zeros(width, width, dtype=torch.float64).fill_diagonal_(1)
                    self.register_buffer(f"{of}{name}", identity)
            if quantiles:
                for name in ("knots", "scores"):
                    same = torch.arange(quantiles + EXTRA_KNOTS, dtype=torch.float64).repeat(width, 1)
                    self.register_buffer(f"{of}{name}", same)
        lengths = torch.ones(3 + centre_rows, dtype=torch.float64) if row_norm else None
        self.register_buffer("row_lengths", lengths)
        self.register_buffer("mean", torch.zeros(n_inputs, dtype=torch.float64))
        self.register_buffer("unit", torch.ones(n_targets, dtype=torch.float64))

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
            Rows; a missing value is NaN and enters as the column's `mean`.
        complete : bool, default=False
            Whether no value is known to be missing, so that none is looked for; NaN then stays NaN.

        Raises
        ------
        DataError
            x is not a tensor of real numbers [B, D].
        """
        return self.scaled_and_lengths(x, complete=complete)[0]

    def scaled_and_lengths(self, x: Tensor, *, complete: bool = False) -> tuple[Tensor, Tensor | None]:
        """Return what `scale_rows` returns, and the rows' lengths, by which reconstructions are multiplied.

        They are as of `by_own_length`, or None unless the scaling divides rows by their lengths.
        """
        scaled, lengths = self.of_own_length(self.scale_columns(x))
        if complete or not x.is_floating_point() or not bool((missing := x.isnan()).any()):
            return scaled, lengths
        if self.whitened:  # a product mixes the columns
            return self.scale_columns(torch.where(missing, self.mean, x.double())), lengths
        return torch.where(missing, self.scaled_mean, scaled), lengths

    def of_own_length(self, scaled: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return scaled rows [B, D], such as corrupted ones, divided by their lengths, and these lengths [B, 1].

        Without a scaling by rows they are the rows themselves, and None.
        """
        return (scaled, None) if self.row_lengths is None else by_own_length(scaled, self.row_lengths)

    @property
    def scaled_mean(self) -> Tensor:
        """What a missing value is replaced by, in scaled rows [D]."""
        return self.scale_columns(self.mean[None])[0]

    def scale_targets(self, y: Tensor) -> Tensor:
        """Return scaled targets [B, D] for targets in their own units; otherwise as `scale_columns`."""
        return self.scale_columns(y, "target_")

    def scale_columns(self, x: Tensor, of: str = "") -> Tensor:
        """Return scaled rows [B, D] that are not divided by their lengths yet; NaN stays. Otherwise as `scale_rows`."""
        shift, scale, W = self._of(of, "shift"), self._of(of, "scale"), self.dictionary
        x = real_matrix(x, len(shift), "rows")
        if x.dtype in EXACT_IN_FLOAT32 and W.dtype == torch.float32 and not (self.whitened or self.quantiles):
            # the shift in two parts: rounded to float32, it alone would move the centre of rows near 1e6
            high, inverse = shift.to(W), 1 / scale
            low = ((shift - high) * inverse).to(W)
            centred = x.to(W) - high
            return torch.addcmul(-low, centred, inverse.to(W), out=centred)
        if x.is_cpu and x.numel() > max(PART_NUMBERS, len(shift)):
            parts = x.split(max(PART_NUMBERS // len(shift), 1))
            return torch.cat([self.scale_columns(part, of) for part in parts])
        scaled = (x.double() - shift) / scale
        if self.whitened:
            scaled = scaled @ self._of(of, "whitening")
        if self.quantiles:
            scaled = interpolated(scaled, self._of(of, "knots"), self._of(of, "scores"))
        return scaled.to(W.dtype)

    def _of(self, of: str, name: str) -> Tensor:
        """Return a buffer of the rows' scaling, or with of="target_" of the targets'."""
        buffer: Tensor = getattr(self, of + name)
        return buffer

    @property
    def is_affine(self) -> bool:
        """Whether scaled rows are (x - shift) / scale, without a matrix, tables or lengths of rows."""
        return not (self.whitened or self.quantiles or self.row_lengths is not None)

    @property
    def rescales(self) -> bool:
        """Whether `scale_rows` changes values. Reading it on a GPU waits for the GPU."""
        return not self.is_affine or bool(self.shift.any()) or bool((self.scale != 1).any())

    @property
    def rescales_targets(self) -> bool:
        """Whether `scale_targets` changes values. Reading it on a GPU waits for the GPU."""
        return not self.is_affine or bool(self.target_shift.any()) or bool((self.target_scale != 1).any())

    def cast(self, x: Tensor) -> Tensor:
        """Return rows in the weights' dtype and on their device, without scaling; x itself where nothing changes."""
        return x.to(self.dictionary)

    def unscale_rows(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return rows in the targets' units for scaled reconstructions [B, D]: the inverse of `scale_targets`.

        `lengths` [B, 1] are those of the rows, by `scaled_and_lengths`; None: the training rows' mean length, if the
        scaling divides rows by their lengths.
        """
        return (self.affine_rows(x, "target_", lengths) * self.target_scale + self.target_shift).to(x.dtype)

    def unscale_inputs(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return rows in the input's units for scaled rows [B, D], such as corrupted ones: inverts `scale_rows`.

        `lengths` as of `unscale_rows`.
        """
        return (self.affine_rows(x, lengths=lengths) * self.scale + self.shift).to(x.dtype)

    def affine_rows(self, x: Tensor, of: str = "", lengths: Tensor | None = None) -> Tensor:
        """Return (rows - shift) / scale [B, D] for scaled rows; with of="target_", for scaled targets.

        `lengths` as of `unscale_rows`.
        """
        x = lengthened(x, lengths, self.row_lengths)
        if self.quantiles:
            x = interpolated(x.double(), self._of(of, "scores"), self._of(of, "knots"))
        return x.double() @ self._of(of, "colouring") if self.whitened else x

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
            Resolved: for `Auto`, what its `resolve` returns. Whiten requires a model that whitens, RankGauss a model
            with as many quantiles as the moments have, a scaling by rows one with `row_norm`.
        moments : Moments
            The statistics of the training rows; with `with_products=True` for Whiten, with the quantiles and the
            lengths that other scalings require.
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
        buffers["mean"] = buffers["shift"] if scaling.n_quantiles or scaling.by_rows else moments.mean
        if scaling.by_rows:
            buffers["row_lengths"] = scaling.length_numbers(moments)
        buffers["unit"] = (unit or Auto()).fit(target_moments)[1]
        for name, array in buffers.items():
            getattr(self, name).copy_(torch.from_numpy(array))
        if self.quantiles:  # a table's centre is the value of score 0: the mean may have any score
            unchanged = (self.knots == self.scores).all(1)
            centre = self.unscale_inputs(torch.zeros_like(self.mean)[None])[0]
            self.mean.copy_(torch.where(unchanged, self.mean, centre))

    @staticmethod
    def _numbers(of: str, scaling: Scaling, moments: Moments) -> dict[str, NDArray[np.float64]]:
        """Return the numbers of a fitted scaling by the name of their buffer, which begins with `of`."""
        shift, scale = scaling.fit(moments)
        numbers = {f"{of}shift": shift, f"{of}scale": scale}
        if isinstance(scaling, Whiten):
            numbers[f"{of}whitening"], numbers[f"{of}colouring"] = scaling.matrices(moments)
        if scaling.ranks:
            numbers[f"{of}knots"], numbers[f"{of}scores"] = scaling.tables(moments)
        return numbers


def real_matrix(x: Any, width: int, name: str) -> Tensor:
    """Return x itself; raise DataError unless it is a tensor of real numbers [rows, width]."""
    if isinstance(x, Tensor) and x.dim() == 2 and x.shape[1] == width and not x.is_complex():
        return x
    kind = f"shape {list(x.shape)}, type {x.dtype}" if isinstance(x, Tensor) else f"type {type(x).__name__}"
    raise DataError(f"{name} of {kind} do not fit the model; give a torch tensor of real numbers [rows, {width}]")
