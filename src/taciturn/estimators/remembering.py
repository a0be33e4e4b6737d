"""What a fit remembers of some rows, with which `check` compares others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.seeds import generator
from ..data.sample import sample_indices
from ..data.sources import Source, Subset, blocks_of
from ..inference import row_scores
from ..metrics import Remembered
from ..training.learner import MIN_ROWS_TO_HOLD_OUT, split_for_calibration

if TYPE_CHECKING:
    from ..training import Learner
    from .rows import RowsAndTargets

REMEMBERED_ROWS = 1000


def remembered(
    learner: Learner, source: Source, targets: Source | None, held_out: RowsAndTargets | None
) -> Remembered | None:
    """Return the numbers of up to 1,000 rows under a trained model; None if one is not finite.

    Parameters
    ----------
    learner : Learner
        The trained model.
    source, targets : Source and Source or None
        The training rows and their targets.
    held_out : (Source, Source or None) or None
        Rows that it was not trained on, and their targets. By default those on which L0 was calibrated, if any were;
        else training rows.
    """
    if held_out is None and learner.settings.calibrates_on_held_out and len(source) >= MIN_ROWS_TO_HOLD_OUT:
        held_out = split_for_calibration(learner.settings, source, targets, learner.seed)[1]
    rows, partners = (source, targets) if held_out is None else held_out
    rng = generator(learner.seed, "remembered")
    drawn = sample_indices(len(rows), REMEMBERED_ROWS, rng, streamed=blocks_of(rows) is not None)
    scores = row_scores(learner.model, Subset(rows, drawn), None if partners is None else Subset(partners, drawn))
    return Remembered.of(scores, "training" if held_out is None else "held-out")
