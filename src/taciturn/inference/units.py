"""Rows, corrupted rows and reconstructions in units that do not depend on the model's scaling."""

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..metrics import SquaredErrors, VariableErrors
from ..metrics.errors import errors_of
from ..metrics.variable_errors import variable_losses
from ..model import Autoencoder
from ..model.coding_layers import ByVariable


class Units:
    """Conversion to the units of errors; the difference of two converted rows is an error.

    Of tables with booleans and categories the numbers are converted so; the others are 0 and 1, or probabilities.

    Parameters
    ----------
    model : Autoencoder
        The model whose rows and reconstructions are converted.
    unit : array-like [D], optional
        The unit of each column, > 0, in the units of the targets; by default the model's own, `model.unit`.

    Notes
    -----
    The unit of a column is what `scaling="auto"` divides it by. It depends on rows alone, so that the errors of models
    with different scalings can be compared. All rows are converted relative to one point, `model.target_shift`, and
    never through their own units, where a column far from 0 would lose digits. Where the model's scaling is the one
    that "auto" finds, rows in these units are scaled rows, to the bit.

    Examples
    --------
    >>> from taciturn.data.moments import Moments
    >>> from taciturn.model import Layout, NoScaling
    >>> from taciturn.model.coding_layers import TopK
    >>> model = Autoencoder(Layout((1, 2), TopK(1)), rng=torch.Generator().manual_seed(0))
    >>> model.set_scaling(NoScaling(), Moments().add([[0.0], [200.0]]))  # standard deviation 100
    >>> Units(model).rows(torch.tensor([[300.0]]))
    tensor([[3.]], dtype=torch.float64)
    """

    def __init__(self, model: Autoencoder, unit: ArrayLike | None = None) -> None:
        self.model = model
        self.unit = model.unit if unit is None else torch.as_tensor(unit, dtype=torch.float64).to(model.unit.device)
        ratio = model.target_scale / self.unit
        output = model.layout.output
        self._table = output if isinstance(output, ByVariable) else None
        if self._table is not None:  # probabilities have no unit; that of a category is its best constant's loss
            first = self._table.first_columns.to(self.unit.device)
            numbers = torch.tensor(self._table.levels, device=self.unit.device) == 0
            self._best = torch.where(numbers, 1.0, self.unit[first].square())
            ratio = torch.where(numbers[self._table.variables.to(self.unit.device)], ratio, 1.0)
        self._ratio = None if bool((ratio == 1).all()) else ratio
        own = torch.equal(model.shift, model.target_shift) and torch.equal(model.scale, model.target_scale)
        self._scaled_rows_are_targets = own and model.is_affine

    def rows(self, y: Tensor, scaled: Tensor | None = None) -> Tensor:
        """Return rows or targets y [B, D], which are in their own units.

        `scaled` is what the model's `scale_rows` returned for them, if it is known: it need not be computed again.
        """
        if not self.model.is_affine:  # exact in float64, whatever the scaling does
            converted = self._times_ratio((y.double() - self.model.target_shift) / self.model.target_scale)
            return converted if self._table is None else self._table.without_unseen(converted)
        known = scaled if self._scaled_rows_are_targets else None
        converted = self._times_ratio(self.model.scale_targets(y) if known is None else known)
        return converted if self._table is None else self._table.without_unseen(converted)

    def inputs(self, scaled: Tensor, lengths: Tensor | None) -> Tensor:
        """Return scaled rows [B, D], such as corrupted ones, with their lengths by `scaled_and_lengths`."""
        if self._scaled_rows_are_targets:
            return self._times_ratio(scaled)
        return (self.model.unscale_inputs(scaled.double(), lengths) - self.model.target_shift) / self.unit

    def outputs(self, output: Tensor, lengths: Tensor | None) -> Tensor:
        """Return scaled reconstructions [B, D], as `model.output` returns them, of rows with these lengths."""
        return self._times_ratio(self.model.affine_rows(output, "target_", lengths))

    def directions(self, components: Tensor) -> Tensor:
        """Return what latents add [L, D], as `components` returns it in scaled units.

        Normal scores have the standard deviation 1, as columns have in the units of `target_scale`: tables do not
        change a direction, because what a score more adds to a value differs from row to row. Where rows are divided by
        their lengths, it is what latents add to a row of the median length.
        """
        of_one = components.new_ones(1, 1)
        components = components if self.model.quantiles else self.model.affine_rows(components, "target_", of_one)
        return self._times_ratio(components)

    def metric(self) -> SquaredErrors:
        """Return the metric of converted rows and outputs, without any rows so far."""
        if self._table is None:
            return SquaredErrors()
        return VariableErrors(self._table, self._best.cpu().numpy())

    def errors(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the errors of converted outputs [B, D]: x̂ - x; of a table √(loss / best constant's) [B, V]."""
        if self._table is None:
            return errors_of(outputs, y)
        return (variable_losses(self._table, outputs, y) / self._best).sqrt()

    def _times_ratio(self, x: Tensor) -> Tensor:
        return x if self._ratio is None else x * self._ratio
