"""Latents are sorted while training."""

import torch

from ..care import Order, permute
from ..passes import Batch
from .run import Record, Run


class Ordering:
    """Where it is due, sorts latents by the share of recent rows on which they fired, the most frequent first.

    A row of the dictionary, of the encoder and of all that goes with a latent move together, the optimiser's memory of
    them too, so that the network computes what it did before.
    """

    def __init__(self, recipe: Order) -> None:
        self.recipe = recipe

    @torch.no_grad()
    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Sort after a step."""
        if not self.recipe.due(run.steps, run.n_steps):
            return
        step = run.step
        order_L = step.firing.argsort(descending=True, stable=True)
        permute(run.optimiser, order_L, step.model.by_latent())
        step.firing.copy_(step.firing[order_L])
        step.silent.copy_(step.silent[order_L])
