"""Errors and sparsity of a model on a source's rows."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..corruption import Clean, Corruption, corrupted
from ..data.sources import Source
from ..metrics import Sparsity, SquaredErrors
from ..model import Autoencoder
from .blocks import in_row_precision, row_blocks, threads_for_rows


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Errors and sparsity of a model on rows. Errors are in scaled units.

    Parameters
    ----------
    clean : SquaredErrors
        Errors of the clean rows' reconstructions.
    sparsity : Sparsity
        Sparsity of the clean rows' codes.
    before : SquaredErrors or None
        Errors of the corrupted rows themselves; None without a corruption.
    after : SquaredErrors or None
        Errors of the corrupted rows' reconstructions; None without a corruption.
    by_row : list of arrays [B], float64
        For each block, the mean squared error of each clean row.
    """

    clean: SquaredErrors
    sparsity: Sparsity
    before: SquaredErrors | None = None
    after: SquaredErrors | None = None
    by_row: list[NDArray[np.float64]] = field(default_factory=list)

    @property
    def row_errors(self) -> NDArray[np.float64]:
        """Mean squared error of each clean row [N]."""
        return np.concatenate(self.by_row)


@torch.no_grad()
def evaluate(model: Autoencoder, source: Source, *, corruption: Corruption | None = None, seed: int = 0) -> Evaluation:
    """Return errors and sparsity of a model on a source's rows.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 rows a copy of it computes in float64.
    source : Source
        Rows [N, D], in the input's units.
    corruption : Corruption or None
        If given, the model is evaluated on corrupted rows as well; schedules stand at their last value.
    seed : int, default=0
        Seed of the corruption's noise.

    Returns
    -------
    Evaluation

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
    evaluation = Evaluation(SquaredErrors(), Sparsity())
    if not corruption.clean:
        evaluation = replace(evaluation, before=SquaredErrors(), after=SquaredErrors())
    for rows in row_blocks(model, source):
        with threads_for_rows(model, len(rows)):
            x = model.scale_rows(rows)
            first_row = evaluation.sparsity.rows
            codes = model.codes(x)
            recon = model.output(model.decode(codes))
            evaluation.clean.add(x, recon)
            evaluation.by_row.append((recon.double() - x.double()).square().mean(1).cpu().numpy())
            evaluation.sparsity.add(codes, model.layout.coder.active_counts(codes))
            if evaluation.before is not None and evaluation.after is not None:
                noisy = corrupted(x, corruption, seed=seed, purpose="evaluate", first_row=first_row)
                evaluation.before.add(x, noisy)
                evaluation.after.add(x, model.output(model.decode(model.codes(noisy))))
    return evaluation
