"""What a model is worth on rows."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ..corruption import Clean, Corruption, corrupted
from ..data.sources import Source
from ..metrics import Sparsity, SquaredErrors
from ..model import Autoencoder

if TYPE_CHECKING:
    pass

from .blocks import precise, row_blocks


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model is worth on rows. Errors are in scaled units."""

    clean: SquaredErrors  # of the clean rows' reconstructions
    sparsity: Sparsity  # of the clean rows' codes
    before: SquaredErrors | None = None  # of the corrupted rows themselves
    after: SquaredErrors | None = None  # of the corrupted rows' reconstructions
    by_row: list[NDArray[np.float64]] = field(
        default_factory=list
    )  # of each block, each clean row's mean squared error

    @property
    def row_errors(self) -> NDArray[np.float64]:
        """[N]: each clean row's mean squared error."""
        return np.concatenate(self.by_row)


@torch.no_grad()
def evaluate(model: Autoencoder, source: Source, *, corruption: Corruption | None = None, seed: int = 0) -> Evaluation:
    """Return errors and sparsity on a source's rows, clean and, if there is a corruption, corrupted as well."""
    model = precise(model, source.dtype)
    corruption = (corruption or Clean()).at(1.0)
    found = Evaluation(SquaredErrors(), Sparsity())
    if not corruption.clean:
        found = replace(found, before=SquaredErrors(), after=SquaredErrors())
    for rows in row_blocks(model, source):
        x = model.scale_rows(rows)
        done = found.sparsity.rows
        codes = model.codes(x)
        recon = model.output(model.decode(codes))
        found.clean.add(x, recon)
        found.by_row.append((recon.double() - x.double()).square().mean(1).cpu().numpy())
        found.sparsity.add(codes, model.layout.coder.active_counts(codes))
        if found.before is not None and found.after is not None:
            seen = corrupted(x, corruption, seed=seed, purpose="evaluate", first_row=done)
            found.before.add(x, seen)
            found.after.add(x, model.output(model.decode(model.codes(seen))))
    return found
