"""The words for "everywhere": reductions that mean the global batch and the whole dictionary.

The one convention: a total's forward is the sum over processes and its backward the identity, so that every number
in an objective is already global, and gradients of replicated parameters are summed over row shards, not averaged.
Here is the axis of a single process, on which every reduction is the identity; an axis over several processes is a
subclass.
"""

from dataclasses import dataclass, field

from torch import Tensor


class Axis:
    """Who else holds a part of the rows (or of the latents): nobody."""

    size = 1

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum over processes; its backward is the identity."""
        return x


@dataclass(frozen=True)
class World:
    """Who else holds rows of this batch, and who else latents of this dictionary."""

    rows: Axis = field(default_factory=Axis)
    latents: Axis = field(default_factory=Axis)


SINGLE_PROCESS = World()
