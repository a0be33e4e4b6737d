"""All that decides how a run goes on: gathered from its parts for a checkpoint, and set again."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..core.errors import RecipeError
from ..model import Autoencoder
from .divergence_guard import DivergenceGuard
from .history import Recorder
from .run import Run
from .saved_state import starting_with
from .validation import EarlyStopping


def run_tensors(
    learner: Mapping[str, Tensor], run: Run, recorder: Recorder, guard: DivergenceGuard, best: EarlyStopping | None
) -> dict[str, Tensor]:
    """Return all tensors that decide how a run goes on, by name.

    Parameters
    ----------
    learner : mapping of str to Tensor
        As `Learner.state` returns it.
    run : Run
        The run between two steps.
    recorder : Recorder
        Its recorder, which writes to a log.
    guard : DivergenceGuard
        Its guard.
    best : EarlyStopping or None
        What keeps its best weights.

    Returns
    -------
    dict of str to Tensor
        "model.…", "learner.…", "recorder.…", "guard.…", "best.…", "feed.…", and "run": epoch, step within it,
        steps.
    """
    rooms = {
        "model": _tensors(run.step.model),
        "learner": learner,
        "recorder": recorder.state(),
        "best": {} if best is None else best.state(),
        "guard": guard.state(),
        "feed": run.feed.state(run.epoch, run.step_in_epoch),
    }
    state = {f"{room}.{name}": tensor for room, tensors in rooms.items() for name, tensor in tensors.items()}
    return state | {"run": torch.tensor([run.epoch, run.step_in_epoch, run.steps])}


def restore_model(model: Autoencoder, state: Mapping[str, Tensor]) -> None:
    """Set a model's parameters and buffers; raise RecipeError if the checkpoint's tensors are of another network."""
    own, tensors = _tensors(model), starting_with("model", state)
    if {name: tensor.shape for name, tensor in own.items()} != {name: t.shape for name, t in tensors.items()}:
        raise RecipeError("the checkpoint's tensors are not those of the network; train again")
    for name, tensor in own.items():
        tensor.data.copy_(tensors[name])


def restore_run(
    tensors: Mapping[str, Tensor],
    stopped: str | None,
    run: Run,
    recorder: Recorder,
    guard: DivergenceGuard,
    best: EarlyStopping | None,
) -> None:
    """Set the position of a run and the state of its hooks to those of a checkpoint; its step is restored before."""
    run.epoch, run.step_in_epoch, run.steps = tensors["run"].tolist()
    run.stop_reason = stopped
    if best is not None:
        best.resume(starting_with("best", tensors))
    guard.resume(starting_with("guard", tensors), run.step)
    recorder.resume(starting_with("recorder", tensors), run.step.inactive_rows.device)


def _tensors(model: Autoencoder) -> dict[str, Tensor]:
    return dict(model.named_parameters()) | dict(model.named_buffers())
