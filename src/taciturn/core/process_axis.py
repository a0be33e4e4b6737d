"""The axis over several processes: its reductions are messages between the processes of a torch.distributed group."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.distributed
from torch import Tensor
from torch.autograd import Function
from torch.distributed import ProcessGroup, ReduceOp

from .errors import ProcessFailed, RecipeError
from .messages import one_line
from .world import Axis


class ProcessAxis(Axis):
    """The processes of a group, each with other rows or other latents.

    Parameters
    ----------
    group : ProcessGroup
        A group of torch.distributed, whose backends take tensors of the CPU and of the device of the model.

    Notes
    -----
    Every method raises ProcessFailed if another process has ended, or has not answered within the group's timeout.
    """

    def __init__(self, group: ProcessGroup) -> None:
        self._group: ProcessGroup | None = group
        self.size, self.rank = group.size(), group.rank()

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of x over processes, of the same shape; its backward is the identity."""
        total: Tensor = _Sum.apply(x, self)  # type: ignore[no-untyped-call]
        return total

    def once(self, x: Tensor) -> Tensor:
        """Return x, which all processes have computed alike; its gradient counts on process 0 only."""
        return x if self.rank == 0 else x.detach()

    def distributed(self, x: Tensor) -> Tensor:
        """Return x, from which each process computes another part; its gradient is the sum of theirs."""
        same: Tensor = _Distributed.apply(x, self)  # type: ignore[no-untyped-call]
        return same

    @torch.no_grad()
    def max(self, x: Tensor) -> Tensor:
        """Return the largest x of all processes, entry by entry, without gradient."""
        return self._reduced(x, ReduceOp.MAX)

    def any(self, here: bool) -> bool:
        """Return whether `here` is true on any process."""
        return bool(self.max(torch.tensor(int(here))))

    @torch.no_grad()
    def gather(self, x: Tensor) -> list[Tensor]:
        """Return the x of each process in the order of their ranks, without gradient; their lengths may differ."""
        lengths = self._gathered(torch.tensor([len(x)]))
        longest = max(int(length) for length in lengths)
        padded = x.new_zeros(longest, *x.shape[1:])
        padded[: len(x)] = x
        return [part[: int(length)] for part, length in zip(self._gathered(padded), lengths, strict=True)]

    @torch.no_grad()
    def broadcast(self, x: Tensor) -> Tensor:
        """Return the x of process 0, without gradient."""
        copy = x.detach().clone(memory_format=torch.contiguous_format)
        self._call(torch.distributed.broadcast, copy, group=self._group, group_src=0)
        return copy

    @torch.no_grad()
    def sum_in_place(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over processes, all in one message."""
        if tensors:
            total = torch.cat([tensor.reshape(-1) for tensor in tensors])
            self._call(torch.distributed.all_reduce, total, group=self._group)
            parts = total.split([tensor.numel() for tensor in tensors])
            for tensor, part in zip(tensors, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def wait(self) -> None:
        """Return when all processes have called this."""
        self.max(torch.zeros(1))

    def leave(self) -> None:
        """Forget the group, which this process leaves; no other method can be called from then on."""
        self._group = None

    def _reduced(self, x: Tensor, operation: Any) -> Tensor:
        total = x.detach().clone(memory_format=torch.contiguous_format)
        self._call(torch.distributed.all_reduce, total, operation, group=self._group)
        return total

    def _gathered(self, x: Tensor) -> list[Tensor]:
        parts = [torch.empty_like(x) for _ in range(self.size)]
        self._call(torch.distributed.all_gather, parts, x, group=self._group)
        return parts

    def _call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        if self._group is None:
            raise RecipeError(
                f"this is 1 of {self.size} processes that trained together, which no longer do; save the model in all "
                "of them, and load it in one"
            )
        try:
            function(*arguments, **options)
        except RuntimeError as error:
            raise ProcessFailed(
                f"another process has ended or does not answer ({one_line(str(error), 200)}); go "
                "on from the last checkpoint, or start the run again"
            ) from error


class _Sum(Function):
    """The sum over processes, whose backward is the identity."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, axis: ProcessAxis) -> Tensor:
        return axis._reduced(x, ReduceOp.SUM)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None


class _Distributed(Function):
    """The identity, whose backward is the sum over processes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, axis: ProcessAxis) -> Tensor:
        ctx.axis = axis
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.axis._reduced(grad, ReduceOp.SUM), None
