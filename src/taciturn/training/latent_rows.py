"""The door for changing weights by hand, so that the optimiser's memory always follows."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


@torch.no_grad()
def rewrite(optimiser: torch.optim.Optimizer, latents_M: Tensor, new: Mapping[nn.Parameter, Tensor]) -> None:
    """Set some latents' rows of parameters, and set to 0 what the optimiser remembers of these rows.

    A moment left behind would carry the new rows back where the old ones went.
    """
    for parameter, rows in new.items():
        parameter[latents_M] = rows.to(parameter)
        for memory in _memories(optimiser, parameter):
            memory[latents_M] = 0


@torch.no_grad()
def permute(optimiser: torch.optim.Optimizer, order_L: Tensor, parameters: Iterable[nn.Parameter]) -> None:
    """Give parameters' rows another order, and what the optimiser remembers of them."""
    for parameter in parameters:
        parameter.copy_(parameter[order_L])
        for memory in _memories(optimiser, parameter):
            memory.copy_(memory[order_L])


def _memories(optimiser: torch.optim.Optimizer, parameter: nn.Parameter) -> list[Tensor]:
    """Return what the optimiser remembers of each of a parameter's numbers."""
    known = optimiser.state.get(parameter, {}).values()
    return [memory for memory in known if isinstance(memory, Tensor) and memory.shape == parameter.shape]
