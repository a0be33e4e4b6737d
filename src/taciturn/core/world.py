"""Reductions over the global batch and the whole dictionary, whatever the number of processes.

Convention: a total's forward is the sum over processes, and its backward is the identity. Every number in an objective
is therefore already global, and gradients of replicated parameters are summed over row shards, not averaged.

This module holds the axis of a single process. An axis over several processes is a subclass of `Axis`
(`process_axis.py`). All processes must call the same reductions in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from torch import Tensor


class Axis:
    """The single-process axis: every reduction is the identity.

    Attributes
    ----------
    size : int
        Number of processes along this axis; 1 here.
    rank : int
        Number of this process among them, from 0.
    """

    size = 1
    rank = 0

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of x over processes, of the same shape; its backward is the identity."""
        return x

    def once(self, x: Tensor) -> Tensor:
        """Return x, which all processes have computed alike; its gradient counts on one of them only."""
        return x

    def max(self, x: Tensor) -> Tensor:
        """Return the largest x of all processes, entry by entry, without gradient."""
        return x

    def any(self, here: bool) -> bool:
        """Return whether `here` is true on any process."""
        return here

    def gather(self, x: Tensor) -> list[Tensor]:
        """Return the x of each process in the order of their ranks, without gradient; their lengths may differ."""
        return [x]

    def broadcast(self, x: Tensor) -> Tensor:
        """Return the x of process 0, without gradient."""
        return x

    def sum_in_place(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over processes, all in one message."""

    def wait(self) -> None:
        """Return when all processes have called this."""


SINGLE_PROCESS = Axis()


@dataclass(frozen=True)
class RowShard:
    """Which rows of a batch a process holds.

    Parameters
    ----------
    axis : Axis, default=SINGLE_PROCESS
        The processes with the other rows of the batch.
    start : int, default=0
        Position in the batch of this process's first row.
    n_rows : int, optional
        Number of rows of the whole batch; None: those of this process are all.

    Examples
    --------
    >>> RowShard().total(5), RowShard(n_rows=8).total(5)
    (5, 8)
    """

    axis: Axis = field(default=SINGLE_PROCESS)
    start: int = 0
    n_rows: int | None = None

    def total(self, n_here: int) -> int:
        """Return the number of rows of the whole batch, of which `n_here` are here."""
        return n_here if self.n_rows is None else self.n_rows

    def first(self, n: int) -> tuple[int, Self]:
        """Return how many of the batch's first n rows can be here, and the shard of a batch of these alone."""
        left = max(n - self.start, 0)
        return left, self if self.n_rows is None else replace(self, n_rows=min(n, self.n_rows))

    def least(self, x: Tensor) -> Tensor:
        """Return the least entry of x on all processes, a scalar without gradient; infinity if there is none."""
        here = x.min() if len(x) else x.new_full((), float("inf"))
        return -self.axis.max(-here)


WHOLE_BATCH = RowShard()
