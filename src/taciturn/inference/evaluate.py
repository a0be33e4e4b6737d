"""Errors and sparsity of a model on a source's rows."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ..corruption import Clean, Corruption, corrupted
from ..data.sources import Source
from ..metrics import Sparsity, SquaredErrors
from ..model import Autoencoder
from ..model.coding_layers import ByVariable
from .blocks import (
    corrupted_only,
    filled,
    mean_of_known,
    missing_of,
    of_noisy_length,
    outputs_of,
    row_blocks,
    target_blocks,
    threads_for_rows,
    with_missing,
)
from .denoising_errors import denoising_errors_of
from .precision import in_row_precision
from .units import Units


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Errors and sparsity of a model on rows. Errors are in units that do not depend on the scaling; see `Units`.

    Parameters
    ----------
    clean : SquaredErrors
        Errors of the clean rows' reconstructions; where entries were hidden, of each entry's estimate from the others.
    sparsity : Sparsity
        Sparsity of the clean rows' codes.
    unit : array [D], float64
        The unit of each column's errors, in the units of the rows or of their targets.
    before : SquaredErrors or None
        Errors of the corrupted rows themselves; None without a corruption. Here and in `after`, with a corruption that
        makes values missing, of the entries that it changed.
    after : SquaredErrors or None
        Errors of the corrupted rows' reconstructions; None without a corruption.
    by_row : list of arrays [B], float64
        For each block, the mean squared error of each clean row's known values; NaN where none is known.
    hidden : list of arrays [B], float64
        Where entries were hidden, for each block the rows' errors of hidden entries against the noisy rows; see
        `denoising_errors`. Else empty.
    unseen : list of int
        Of a table, for each block the cells with a level that training rows did not have. They count nowhere else, and
        are missing in `clean.moments`.
    denoising : list of arrays [B], float64
        The same of `Autoencoder.denoise` against the clean rows, estimated with the noise that is known; else empty.
    """

    clean: SquaredErrors
    sparsity: Sparsity
    unit: NDArray[np.float64]
    before: SquaredErrors | None = None
    after: SquaredErrors | None = None
    by_row: list[NDArray[np.float64]] = field(default_factory=list)
    hidden: list[NDArray[np.float64]] = field(default_factory=list)
    unseen: list[int] = field(default_factory=list)
    denoising: list[NDArray[np.float64]] = field(default_factory=list)

    @property
    def row_errors(self) -> NDArray[np.float64]:
        """Mean squared error of each clean row's known values [N]; NaN where none is known."""
        return np.concatenate(self.by_row)


@torch.no_grad()
def evaluate(
    model: Autoencoder,
    source: Source,
    *,
    target: Source | None = None,
    corruption: Corruption | None = None,
    seed: int = 0,
    unit: ArrayLike | None = None,
    noise: float | None = None,
) -> Evaluation:
    """Return errors and sparsity of a model on a source's rows.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 rows a twin computes in float64.
    source : Source
        Rows [N, D], in the input's units.
    target : Source or None
        Each row's target, with which its reconstruction is compared; None: the row itself.
    corruption : Corruption or None
        If given, the model is evaluated on corrupted rows as well; schedules stand at their last value. The noise is
        added to scaled rows, as in training.
    seed : int, default=0
        Seed of the corruption's noise.
    unit : array-like [D], optional
        The unit of each column's errors; by default the model's own, found on its training targets. To compare models
        that were trained on different rows, give one unit for all.
    noise : float, optional
        Standard deviation of the noise that the rows have themselves, in their units, > 0, for a model that hides
        entries.

    Returns
    -------
    Evaluation

    Notes
    -----
    A model that hides entries (`blind_spot`) was trained on noisy rows, and is judged by its estimate of each entry
    from the others. With a target or a corruption the clean rows are known: it is then judged by what `denoise`
    returns.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> from taciturn.model import Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> evaluate(model, Rows(torch.rand(10, 4).numpy())).row_errors.shape
    (10,)
    """
    model = in_row_precision(model, source.dtype)
    corruption = (corruption or Clean()).at(1.0)
    units, targets = Units(model, unit), target_blocks(model, target)
    evaluation = Evaluation(units.metric(), Sparsity(), units.unit.cpu().numpy())
    # a swapped category has no error, and the noise of rows none where targets have other columns
    if not (corruption.clean or isinstance(model.layout.output, ByVariable) or model.layout.outputs):
        evaluation = replace(evaluation, before=units.metric(), after=units.metric())
    hidden = model.blind_spots is not None and target is None and corruption.clean
    for rows in row_blocks(model, source):
        with threads_for_rows(model, len(rows)):
            x, lengths = model.scaled_and_lengths(rows)
            first_row = evaluation.sparsity.rows
            codes = model.codes(x)
            output = outputs_of(model, rows, x, codes, hidden=hidden)
            recon = units.outputs(output, lengths)
            own = rows if target is None else next(targets)
            y = with_missing(units.rows(rows, x), rows) if target is None else units.rows(own)
            evaluation.clean.add(y, recon)
            if isinstance(model.layout.output, ByVariable):
                unseen = y.isnan() & ~own.isnan()
                evaluation.unseen.append(int(unseen[:, model.layout.output.first_columns].sum()))
            squared = units.errors(recon.double(), y.double()).square()
            evaluation.by_row.append(mean_of_known(squared, 1).cpu().numpy())
            if hidden:
                residuals = with_missing(output - x, rows)
                evaluation.hidden.append(denoising_errors_of(model, residuals, 0.0))
                if noise is not None:
                    evaluation.denoising.append(denoising_errors_of(model, residuals, noise))
            evaluation.sparsity.add(codes, model.layout.coder.active_counts(codes))
            if evaluation.before is not None and evaluation.after is not None:
                noisy = corrupted(x, corruption, seed=seed, purpose="evaluate", first_row=first_row)
                y = corrupted_only(y, noisy, x, corruption)
                noisy, lengths = of_noisy_length(model, noisy, rows, lengths)
                noisy = filled(noisy, x, rows, model.scaled_mean)
                evaluation.before.add(y, units.inputs(noisy, lengths))
                evaluation.after.add(y, units.outputs(model.denoised(noisy, missing_of(rows)), lengths))
    return evaluation
