"""Latents are sorted by their firing rate during training."""

from dataclasses import dataclass

import torch

from ..model import Batch
from .latent_rows import permute_rows
from .run import Record, Run
from .trigger import Trigger
from .uninterrupted import uninterrupted


@dataclass(frozen=True)
class Order(Trigger):
    """Recipe: sort the latents by their firing rate, the most frequent first, at regular intervals.

    Parameters
    ----------
    every : float, default=0.02
        Interval as a share of the run, in (0, 1].
    until : float, default=0.5
        Share of the run after which the order stays, in [0, 1].

    Examples
    --------
    >>> [step for step in range(1, 201) if Order(every=0.2).due(step, 200)]
    [40, 80]
    """

    every: float = 0.02
    until: float = 0.5

    name = "order"


class Ordering:
    """Hook that sorts latents by the share of recent rows on which they fired, the most frequent first.

    All that belongs to a latent moves together: its row of the dictionary and of the encoder, its bias, the optimiser's
    state of these. So the network computes the same function as before.

    Parameters
    ----------
    recipe : Order
        When the latents are sorted.
    """

    def __init__(self, recipe: Order) -> None:
        self.recipe = recipe

    @torch.no_grad()
    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Sort the latents, if the recipe is due after this step."""
        if not self.recipe.due(run.steps, run.n_steps):
            return
        step = run.step
        order_L = step.firing_rates.argsort(descending=True, stable=True)
        with uninterrupted():
            permute_rows(run.optimiser, order_L, step.model.latent_parameters())
            step.firing_rates.copy_(step.firing_rates[order_L])
            step.inactive_rows.copy_(step.inactive_rows[order_L])
