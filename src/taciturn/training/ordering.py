"""Latents are sorted while training."""

from dataclasses import dataclass

import torch

from ..model import Batch
from .latent_rows import permute
from .run import Record, Run
from .trigger import Trigger


@dataclass(frozen=True)
class Order(Trigger):
    """Sort latents by how often they fire, the most frequent first, now and then.

    every : the share of the run between two times, in (0, 1].
    until : the share after which nobody moves any more, in [0, 1].
    """

    every: float = 0.02
    until: float = 0.5

    name = "order"


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
        order_L = step.firing_rates.argsort(descending=True, stable=True)
        permute(run.optimiser, order_L, step.model.latent_parameters())
        step.firing_rates.copy_(step.firing_rates[order_L])
        step.inactive_rows.copy_(step.inactive_rows[order_L])
