"""Reductions over the global batch and the whole dictionary, whatever the number of processes.

Convention: a total's forward is the sum over processes, and its backward is the identity. Every number in an objective
is therefore already global, and gradients of replicated parameters are summed over row shards, not averaged.

This module holds the axis of a single process. An axis over several processes is a subclass of `Axis`.
"""

from dataclasses import dataclass, field

from torch import Tensor


class Axis:
    """The single-process axis: every reduction is the identity.

    Attributes
    ----------
    size : int
        Number of processes along this axis; 1 here.
    """

    size = 1

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of x over processes, of the same shape; its backward is the identity."""
        return x


@dataclass(frozen=True)
class World:
    """The processes that share the work, by what they share.

    Parameters
    ----------
    rows : Axis
        Processes with other rows of the same batch; a single process by default.
    latents : Axis
        Processes with other latents of the same dictionary; a single process by default.

    Examples
    --------
    >>> World().rows.size
    1
    """

    rows: Axis = field(default_factory=Axis)
    latents: Axis = field(default_factory=Axis)


SINGLE_PROCESS = World()
