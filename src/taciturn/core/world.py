"""Reductions over the global batch and the whole dictionary, whatever the number of processes.

Convention: a total's forward is the sum over processes, and its backward is the identity. Every number in an objective
is therefore already global, and gradients of parameters that several processes hold are summed, not averaged. Where
processes that hold other latents compute the same from such a parameter, its gradient counts `once`.

This module holds the axis of a single process. An axis over several processes is a subclass of `Axis`
(`process_axis.py`). All processes must call the same reductions in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import torch
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

    def part(self, count: int) -> tuple[int, int]:
        """Return where this process's part of `count` rows or latents starts and stops; parts differ by one at most."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of x over processes, of the same shape; its backward is the identity."""
        return x

    def once(self, x: Tensor) -> Tensor:
        """Return x, which all processes have computed alike; its gradient counts on one of them only."""
        return x

    def distributed(self, x: Tensor) -> Tensor:
        """Return x, from which each process computes another part; its gradient is the sum of theirs."""
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

    def joined(self, x: Tensor) -> Tensor:
        """Return the x of all processes, one after the other, without gradient; their lengths may differ."""
        parts = self.gather(x)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def broadcast(self, x: Tensor) -> Tensor:
        """Return the x of process 0, without gradient."""
        return x

    def sum_in_place(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over processes, all in one message."""

    def wait(self) -> None:
        """Return when all processes have called this."""


SINGLE_PROCESS = Axis()


@dataclass(frozen=True)
class Mesh:
    """The processes that train together, as a grid: along one axis rows differ, along the other latents.

    Parameters
    ----------
    all : Axis, default=SINGLE_PROCESS
        All of them.
    rows : Axis, default=SINGLE_PROCESS
        Those with this process's latents; each has other rows of a batch.
    latents : Axis, default=SINGLE_PROCESS
        Those with this process's rows; each has other latents.
    """

    all: Axis = SINGLE_PROCESS
    rows: Axis = SINGLE_PROCESS
    latents: Axis = SINGLE_PROCESS


ONE_PROCESS = Mesh()


@torch.no_grad()
def largest(x: Tensor, count: int, *axes: Axis) -> Tensor:
    """Return which entries are among the `count` largest along the first dimension, over all processes of the axes.

    Parameters
    ----------
    x : Tensor [N, …]
        The entries of this process; the other dimensions are the same on all processes.
    count : int
        Number of entries; all, if there are fewer.
    *axes : Axis
        The axes along which other processes have other entries.

    Returns
    -------
    Tensor [N, …] of bool
        Exactly `count` entries of all processes together. Which of several equal ones is not defined.

    Examples
    --------
    >>> largest(torch.tensor([3.0, 1.0, 2.0]), 2)
    tensor([ True, False,  True])
    """
    start, joined = 0, x
    for axis in axes:
        parts = axis.gather(joined)
        start += sum(len(part) for part in parts[: axis.rank])
        joined = parts[0] if len(parts) == 1 else torch.cat(parts)
    mask = torch.zeros_like(joined, dtype=torch.bool)
    mask.scatter_(0, joined.topk(min(count, len(joined)), dim=0, sorted=False).indices, True)
    return mask[start : start + len(x)]


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
