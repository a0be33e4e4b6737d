"""Dead latents begin anew while training."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..core.recipe import check
from ..core.seeds import generator
from ..model import Batch
from .latent_rows import rewrite
from .run import Record, Run
from .trigger import Trigger


@dataclass(frozen=True)
class Resample(Trigger):
    """Point dead latents at badly reconstructed rows, now and then (Bricken et al., 2023).

    every : the share of the run between two times, in (0, 1].
    until : the share after which nobody begins anew, so that there is time to learn, in [0, 1].
    after : the rows that a latent must have been silent for.
    rows : how many rows are looked at; a quarter as many latents at most begin anew at a time, the longest silent
        first, each at another row, drawn by its squared error's square.
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
    """Where it is due, points dead latents, the longest silent first, at what is left over of rows, drawn by how badly
    they are said.

    The rows are drawn by the run's seed and step, none twice, and at most a quarter of those looked at: of two latents
    born alike one would soon be dead again, and a crowd of new ones, which all take from the same rows, silences the
    old. The new directions have the living's mean length, the encoder a fifth of theirs, so that a latent begins as a
    whisper.
    """

    def __init__(self, recipe: Resample) -> None:
        self.recipe = recipe
        self.n_resampled = 0

    @torch.no_grad()
    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Look at the silent latents after a step."""
        if not self.recipe.due(run.steps, run.n_steps):
            return
        dead_L = run.step.inactive_rows >= self.recipe.after
        dead_M = dead_L.nonzero()[:, 0]
        if not len(dead_M) or len(dead_M) == len(dead_L):
            return
        model, rng = run.step.model, generator(run.feed.seed, "resample", run.steps)
        x = run.feed.sample(self.recipe.rows, rng)
        left = x - model.output(model.decode(model.codes(x)))
        weight = left.square().sum(1).square().cpu()
        if not (weight.isfinite().all() and weight.sum() > 0):
            return
        dead_M = dead_M[run.step.inactive_rows[dead_M].argsort(descending=True, stable=True)]
        dead_M = dead_M[: min(max(len(x) // 4, 1), int(weight.count_nonzero()))]
        chosen = torch.multinomial(weight, len(dead_M), generator=rng).to(left.device)
        rewrite(run.optimiser, dead_M, model.resampled_rows(~dead_L, F.normalize(left[chosen], dim=1)))
        run.step.inactive_rows[dead_M] = 0
        self.n_resampled += len(dead_M)
