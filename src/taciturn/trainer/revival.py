"""Dead latents begin anew while training."""

import torch
import torch.nn.functional as F

from ..care import Resample, rewrite
from ..passes import Batch
from ..seeds import generator
from .run import Record, Run


class Revival:
    """Where it is due, points dead latents, the longest silent first, at what is left over of rows, drawn by how badly
    they are said.

    The rows are drawn by the run's seed and step, none twice, and at most a quarter of those looked at: of two latents
    born alike one would soon be dead again, and a crowd of new ones, which all take from the same rows, silences the
    old. The new directions have the living's mean length, the encoder a fifth of theirs, so that a latent begins as a
    whisper.
    """

    def __init__(self, recipe: Resample) -> None:
        self.recipe = recipe
        self.revived = 0

    @torch.no_grad()
    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Look at the silent latents after a step."""
        if not self.recipe.due(run.steps, run.n_steps):
            return
        dead_L = run.step.silent >= self.recipe.after
        dead_M = dead_L.nonzero()[:, 0]
        if not len(dead_M) or len(dead_M) == len(dead_L):
            return
        model, rng = run.step.model, generator(run.feed.seed, "resample", run.steps)
        x = run.feed.some(self.recipe.rows, rng)
        left = x - model.output(model.decode(model.code(x)))
        weight = left.square().sum(1).square().cpu()
        if not (weight.isfinite().all() and weight.sum() > 0):
            return
        dead_M = dead_M[run.step.silent[dead_M].argsort(descending=True, stable=True)]
        dead_M = dead_M[: min(max(len(x) // 4, 1), int(weight.count_nonzero()))]
        chosen = torch.multinomial(weight, len(dead_M), generator=rng).to(left.device)
        rewrite(run.optimiser, dead_M, model.reborn(~dead_L, F.normalize(left[chosen], dim=1)))
        run.step.silent[dead_M] = 0
        self.revived += len(dead_M)
