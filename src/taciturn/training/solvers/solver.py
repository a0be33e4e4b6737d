"""The interface of solvers, and the parameter groups that they optimise."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ...core.recipe import Recipe, check


@dataclass(frozen=True, kw_only=True)
class Solver(Recipe):
    """Recipe of an optimiser.

    Parameters
    ----------
    clip : float or None
        Upper bound of the norm of all gradients together, > 0 (Pascanu et al., 2013); None: no bound. The training
        loop applies it (`Run.clip`), not the optimiser.
    """

    clip: float | None = None

    def __post_init__(self) -> None:
        if self.clip is not None:
            check(self, "clip", 0, ends="(]", fixed=True)

    @abstractmethod
    def build(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        """Return the optimiser of parameter groups.

        Parameters
        ----------
        groups : list of dict
            As `parameter_groups` returns them: "params" and their decoupled "weight_decay".
        lr : float
            The learning rate; the training loop sets it anew before each step.

        Returns
        -------
        torch.optim.Optimizer
        """


def parameter_groups(named: Iterable[tuple[str, nn.Parameter]], weight_decay: float) -> list[dict[str, Any]]:
    """Return torch's parameter groups: weights, which decay, and all other parameters, which do not.

    Parameters
    ----------
    named : iterable of (str, nn.Parameter)
        Parameters by name; names of weights end in "weight".
    weight_decay : float
        Decoupled weight decay of the weights, ≥ 0.

    Returns
    -------
    list of dict
        One group if `weight_decay` is 0, else two.

    Examples
    --------
    >>> layer = nn.Linear(2, 3)
    >>> [(len(group["params"]), group["weight_decay"]) for group in parameter_groups(layer.named_parameters(), 0.1)]
    [(1, 0.1), (1, 0.0)]
    """
    if not weight_decay:
        return [{"params": [parameter for _, parameter in named], "weight_decay": 0.0}]
    weights: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in named:
        (weights if name.endswith("weight") else others).append(parameter)
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
