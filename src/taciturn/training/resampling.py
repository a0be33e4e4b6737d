"""Dead latents are resampled during training."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..core.recipe import check
from ..core.seeds import generator
from ..model import Batch
from .latent_rows import of_part, rewrite_rows
from .run import Record, Run
from .trigger import Trigger
from .uninterrupted import uninterrupted


@dataclass(frozen=True)
class Resample(Trigger):
    """Recipe: at regular intervals, point dead latents at badly reconstructed rows (Bricken et al., 2023).

    Parameters
    ----------
    every : float, default=0.05
        Interval as a share of the run, in (0, 1].
    until : float, default=0.8
        Share of the run after which no latent is resampled, in [0, 1]; a resampled latent needs the rest to train.
    after : int, default=10_000
        A latent is dead if it has been inactive for this many rows or more.
    rows : int, default=2048
        Number of rows of which the new directions are drawn. At a time at most a quarter as many latents are
        resampled, the longest inactive first.

    Examples
    --------
    >>> recipe = Resample(every=0.1, until=0.5)
    >>> [step for step in range(1, 101) if recipe.due(step, 100)]
    [10, 20, 30, 40, 50]
    """

    every: float = 0.05
    until: float = 0.8
    after: int = 10_000
    rows: int = 2048

    name = "resample"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "after", 1, fixed=True)
        check(self, "rows", 1, fixed=True)


class Resampling:
    """Hook that points dead latents at the residuals of badly reconstructed rows.

    Parameters
    ----------
    recipe : Resample
        When latents are resampled, and which.

    Attributes
    ----------
    n_resampled : int
        Number of latents resampled so far.

    Notes
    -----
    Each dead latent gets the direction of one row's residual. The rows are drawn by the run's seed and step, with
    probabilities proportional to the square of their squared error, none twice: of two latents with the same direction
    one would soon be dead again. At most a quarter of the rows is used: many new latents, which all take from the same
    rows, would make old ones inactive. The new rows of the dictionary have the mean norm of the latents that are not
    dead, the encoder's rows a fifth of theirs, so that a resampled latent starts with small codes.
    """

    def __init__(self, recipe: Resample) -> None:
        self.recipe = recipe
        self.n_resampled = 0

    @torch.no_grad()
    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Resample dead latents, if the recipe is due after this step."""
        if not self.recipe.due(run.steps, run.n_steps, open_ended=run.open_ended):
            return
        model, rng = run.step.model, generator(run.feed.seed, "resample", run.steps)
        inactive_L = model.latents.joined(run.step.inactive_rows)  # of the whole dictionary, as all numbers below
        dead_L = inactive_L >= self.recipe.after
        dead_M = dead_L.nonzero()[:, 0]
        if not len(dead_M) or len(dead_M) == len(dead_L):
            return
        x, target = run.feed.sample(self.recipe.rows, rng)
        residual = target - model.output(model.decode(model.codes(x), x))
        residual = residual.masked_fill(target.isnan(), 0)  # a missing value has no error
        weight = residual.square().sum(1).square().cpu()
        if not (weight.isfinite().all() and weight.sum() > 0):
            return
        dead_M = dead_M[inactive_L[dead_M].argsort(descending=True, stable=True)]
        dead_M = dead_M[: min(max(len(x) // 4, 1), int(weight.count_nonzero()))]
        rows = torch.multinomial(weight, len(dead_M), generator=rng).to(residual.device)
        # a transcoder's encoder has other columns: it is pointed at the rows, seen from their mean
        inputs = F.normalize(x[rows] - x.mean(0), dim=1) if model.layout.outputs else None
        new = model.resampled_rows(~dead_L[slice(*model.part)], F.normalize(residual[rows], dim=1), inputs)
        if inputs is not None:
            bias = model.layers[0][-1].bias
            new[bias] = -(new[model.layers[0][-1].weight] @ x.mean(0))
        own_M, new = of_part(model.part, dead_M, new)
        with uninterrupted():
            rewrite_rows(run.optimiser, own_M, new)
            run.step.inactive_rows[own_M] = 0
        self.n_resampled += len(dead_M)
