"""The dense step, recorded once as a CUDA graph and then replayed: one launch instead of sixty and their Python."""

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

BATCHES_BEFORE_RECORDING = 5  # of one shape
MAX_RECORDINGS = 4  # one for each shape of a batch


@dataclass(frozen=True, eq=False)
class Recording:
    """A recorded step, and the tensors that it reads and writes.

    Parameters
    ----------
    inputs : list of Tensor [B, D]
        Read: the batch's distinct arrays.
    weights_and_aims : Tensor [controllers, 2]
        Read: each controller's weight and aim.
    names : list of str
        Names of `numbers`.
    numbers : Tensor [names]
        Written: the loss and each term's number.
    ratios : Tensor [controllers]
        Written: what each controlled term measured over its target.
    mean_activation : Tensor [L]
        Written: each latent's mean code.
    gradients : list of (nn.Parameter, Tensor)
        Written: each parameter's gradient.
    replay : callable
        Runs the step again.
    """

    inputs: list[Tensor]
    weights_and_aims: Tensor
    names: list[str]
    numbers: Tensor
    ratios: Tensor
    mean_activation: Tensor
    gradients: list[tuple[torch.nn.Parameter, Tensor]]
    replay: Callable[[], None]


class Captured(ByHand):
    """`ByHand` on a GPU as a CUDA graph, for parts without schedules.

    What differs from step to step is copied into the recorded tensors: the rows, and the automatic penalty weights.
    Parameters as of `Step`.
    """

    def __init__(self, model: Autoencoder, objective: Objective, precision: str = "fp32") -> None:
        super().__init__(model, objective, precision)
        self._batches_by_key: Counter[Any] = Counter()
        self._recordings: dict[Any, Recording] = {}
        self._pool: Any = None
        self._recorded_controls: dict[str, Tensor] = {}  # weight and aim by the term's name, while a step is recorded

    def __getstate__(self) -> dict[str, Any]:
        # a recording is valid in this process only
        return self.__dict__ | {"_batches_by_key": Counter(), "_recordings": dict[Any, Recording](), "_pool": None}

    @staticmethod
    def fits(layout: Layout, objective: Objective) -> bool:
        """Return whether this step can train such a network by such an objective."""
        return ByHand.fits(layout, objective) and not (layout.coder.has_schedule or objective.has_schedule)

    def gradients(self, batch: Batch, progress: float = 0.0, ease: float = 1.0) -> Numbers:
        """Set the gradient of every parameter, and update all other state; see `Step.gradients`."""
        if batch.judged is not None or batch.shard.axis.size > 1 or self.model.latents.size > 1:
            return super().gradients(batch, progress, ease)
        # a recording is valid for one shape of rows, for the addresses of what it changes, and for one way of rounding
        x, tensors = batch.x, (*self.parameters(), self.inactive_rows, self.firing_rates)
        key = x.shape, x.dtype, batch.target is x, batch.corrupted is x, *(tensor.data_ptr() for tensor in tensors)
        key = *key, torch.get_float32_matmul_precision()
        recording = self._recordings.get(key)
        if recording is None:
            self._batches_by_key[key] += 1
            if self._batches_by_key[key] <= BATCHES_BEFORE_RECORDING or len(self._recordings) == MAX_RECORDINGS:
                return super().gradients(batch, progress, ease)
            recording = self._recordings[key] = self._record(batch)
        return self._replay(recording, batch, ease)

    def _replay(self, recording: Recording, batch: Batch, ease: float) -> Numbers:
        for recorded, tensor in zip(recording.inputs, _distinct(batch), strict=True):
            recorded.copy_(tensor)
        controllers = [controller for _, controller in self.controlled()]
        if controllers:
            pairs = [[controller.weight, controller.aim] for controller in controllers]
            recording.weights_and_aims.copy_(torch.tensor(pairs))
        recording.replay()
        for parameter, grad in recording.gradients:
            parameter.grad = grad
        numbers = dict(zip(recording.names, recording.numbers.clone().unbind(), strict=True)) | self.weights()
        for controller, ratio in zip(controllers, recording.ratios.tolist() if controllers else [], strict=True):
            controller.update(ratio, ease)
        return numbers | {"rates": recording.mean_activation.clone()}

    def _record(self, batch: Batch) -> Recording:
        if self._pool is None and batch.x.is_cuda:
            self._pool = torch.cuda.graph_pool_handle()  # one for all shapes: they are replayed one after another
        inputs = [tensor.clone() for tensor in _distinct(batch)]
        x, rest = inputs[0], iter(inputs[1:])
        target = x if batch.target is batch.x else next(rest)
        recorded_batch = Batch(x, target, x if batch.corrupted is batch.x else next(rest))
        controlled = [name for name, _ in self.controlled()]
        weights_and_aims = x.new_ones(len(controlled), 2)

        def backward() -> tuple[Pass, Numbers]:
            self._recorded_controls = dict(zip(controlled, weights_and_aims, strict=True))
            try:
                return self.backward(recorded_batch)
            finally:
                self._recorded_controls = {}

        def step() -> tuple[list[str], Tensor, Tensor, Tensor, list[Tensor]]:
            p, numbers = backward()
            terms = self.objective.by_name()
            ratios = (
                torch.stack([terms[name].ratio(p) for name in controlled]) if controlled else weights_and_aims[:, 0]
            )
            self.update_counters(p)
            grads = [grad for parameter in self.parameters() if (grad := parameter.grad) is not None]
            return list(numbers), torch.stack(list(numbers.values())), ratios, p.mean_activation.detach(), grads

        (names, numbers, ratios, rates, grads), replay = capture(backward, step, x.device, self._pool)
        parameters = [parameter for parameter in self.parameters() if parameter.grad is not None]
        gradients = list(zip(parameters, grads, strict=True))
        return Recording(inputs, weights_and_aims, names, numbers, ratios, rates, gradients, replay)

    def _weight_and_aim(self, name: str) -> tuple[Number, Number]:
        if not self._recorded_controls:
            return super()._weight_and_aim(name)
        weight, aim = self._recorded_controls[name]
        return weight, aim


def _distinct(batch: Batch) -> list[Tensor]:
    """Return the batch's arrays, each once."""
    others = [tensor for tensor in (batch.target, batch.corrupted) if tensor is not batch.x]
    return [batch.x, *others]


def capture(warm_up: Callable[[], Any], step: Callable[[], Any], device: torch.device, pool: Any) -> Capture:
    """Record a step as a CUDA graph.

    Parameters
    ----------
    warm_up : callable
        Called first, so that libraries and kernels are loaded before the recording.
    step : callable
        The step that is recorded; it is not computed yet.
    device : torch.device
        The GPU.
    pool
        Memory pool of the graph.

    Returns
    -------
    result
        What `step` returns. Its tensors hold numbers only after the first replay.
    replay : callable
        Computes the step again, into the same tensors.
    """
    side_stream, current, graph = torch.cuda.Stream(device), torch.cuda.current_stream(device), torch.cuda.CUDAGraph()
    side_stream.wait_stream(current)
    with torch.cuda.stream(side_stream):
        warm_up()
        # "thread_local": another thread may move rows to the device meanwhile, which is not part of the recording
        with torch.no_grad(), torch.cuda.graph(graph, pool, side_stream, capture_error_mode="thread_local"):
            result = step()
    current.wait_stream(side_stream)
    return result, graph.replay
