"""The dense step recorded once as a CUDA graph and played again: one launch where there were sixty, and Python."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...model import Autoencoder, Batch, Layout, Pass
from ...objective import Number, Objective
from .by_hand import ByHand
from .step import Numbers

Capture = tuple[Any, Callable[[], None]]

AFTER = 5  # batches of one shape that go by before it is recorded
MOST = 4  # shapes


@dataclass(frozen=True, eq=False)
class Tape:
    """A recorded step and the tensors in which it finds its input and leaves what it says."""

    given: list[Tensor]
    dials: Tensor  # [controllers, 2]: each one's weight and aim
    names: list[str]
    numbers: Tensor  # by name
    ratios: Tensor  # [controllers]
    rates: Tensor  # [L]
    grads: list[tuple[torch.nn.Parameter, Tensor]]
    play: Callable[[], None]


class Captured(ByHand):
    """ByHand on a GPU, for parts that do not change with the run's progress.

    What differs from step to step is copied into the recorded tensors: the rows, and the weights that are found.
    """

    def __init__(self, model: Autoencoder, objective: Objective, precision: str = "fp32") -> None:
        super().__init__(model, objective, precision)
        self._met: Counter[Any] = Counter()
        self._tapes: dict[Any, Tape] = {}
        self._pool: Any = None
        self._dials: dict[str, Tensor] = {}  # while a step is recorded

    def __getstate__(self) -> dict[str, Any]:
        # a recording holds for this process only
        return self.__dict__ | {"_met": Counter(), "_tapes": dict[Any, Tape](), "_pool": None}

    @staticmethod
    def fits(layout: Layout, objective: Objective) -> bool:
        """Return whether this step can be taken."""
        return ByHand.fits(layout, objective) and not (layout.coder.has_schedule or objective.has_schedule)

    def gradients(self, batch: Batch, progress: float = 0.0, ease: float = 1.0) -> Numbers:
        """Set every .grad and observe; return the numbers, the weights found and every latent's rate [L]."""
        # a recording holds for such rows, for where what it changes lies, and for how products are rounded
        x, held = batch.x, (*self.parameters(), self.inactive_rows, self.firing_rates)
        key = x.shape, x.dtype, batch.target is x, batch.corrupted is x, *(tensor.data_ptr() for tensor in held)
        key = *key, torch.get_float32_matmul_precision()
        tape = self._tapes.get(key)
        if tape is None:
            self._met[key] += 1
            if self._met[key] <= AFTER or len(self._tapes) == MOST:
                return super().gradients(batch, progress, ease)
            tape = self._tapes[key] = self._record(batch)
        return self._played(tape, batch, ease)

    def _played(self, tape: Tape, batch: Batch, ease: float) -> Numbers:
        for recorded, now in zip(tape.given, _distinct(batch), strict=True):
            recorded.copy_(now)
        controllers = [controller for _, controller in self.controlled()]
        if controllers:
            tape.dials.copy_(torch.tensor([[controller.weight, controller.aim] for controller in controllers]))
        tape.play()
        for parameter, grad in tape.grads:
            parameter.grad = grad
        numbers = dict(zip(tape.names, tape.numbers.clone().unbind(), strict=True)) | self.weights()
        for controller, ratio in zip(controllers, tape.ratios.tolist() if controllers else [], strict=True):
            controller.update(ratio, ease)
        return numbers | {"rates": tape.rates.clone()}

    def _record(self, batch: Batch) -> Tape:
        if self._pool is None and batch.x.is_cuda:
            self._pool = torch.cuda.graph_pool_handle()  # one for all shapes: they are played one after another
        given = [tensor.clone() for tensor in _distinct(batch)]
        x, rest = given[0], iter(given[1:])
        target = x if batch.target is batch.x else next(rest)
        mine = Batch(x, target, x if batch.corrupted is batch.x else next(rest))
        names = [name for name, _ in self.controlled()]
        dials = x.new_ones(len(names), 2)

        def backward() -> tuple[Pass, Numbers]:
            self._dials = dict(zip(names, dials, strict=True))
            try:
                return self.backward(mine)
            finally:
                self._dials = {}

        def step() -> tuple[list[str], Tensor, Tensor, Tensor, list[Tensor]]:
            p, numbers = backward()
            terms = self.objective.by_name()
            ratios = torch.stack([terms[name].ratio(p) for name in names]) if names else dials[:, 0]
            self.update_counters(p)
            grads = [grad for parameter in self.parameters() if (grad := parameter.grad) is not None]
            return list(numbers), torch.stack(list(numbers.values())), ratios, p.mean_activation.detach(), grads

        (said, numbers, ratios, rates, grads), play = capture(backward, step, x.device, self._pool)
        owners = [parameter for parameter in self.parameters() if parameter.grad is not None]
        return Tape(given, dials, said, numbers, ratios, rates, list(zip(owners, grads, strict=True)), play)

    def _pressure(self, name: str) -> tuple[Number, Number]:
        if not self._dials:
            return super()._pressure(name)
        weight, aim = self._dials[name]
        return weight, aim


def _distinct(batch: Batch) -> list[Tensor]:
    """Return the batch's arrays, each once."""
    others = [tensor for tensor in (batch.target, batch.corrupted) if tensor is not batch.x]
    return [batch.x, *others]


def capture(ready: Callable[[], Any], step: Callable[[], Any], device: torch.device, pool: Any) -> Capture:
    """Return what a step returns, and what plays it again on a GPU, into the same tensors.

    `ready` is called first, so that libraries and kernels are loaded.
    """
    aside, now, graph = torch.cuda.Stream(device), torch.cuda.current_stream(device), torch.cuda.CUDAGraph()
    aside.wait_stream(now)
    with torch.cuda.stream(aside):
        ready()
        # rows may be on their way meanwhile: another thread's calls are none of this recording's
        with torch.no_grad(), torch.cuda.graph(graph, pool, aside, capture_error_mode="thread_local"):
            found = step()
    now.wait_stream(aside)
    return found, graph.replay
