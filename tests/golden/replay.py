"""Train as TensorFlow did, batch by batch, and print how far the library's numbers are from TensorFlow's.

Usage: python tests/golden/replay.py FILE.npz

FILE.npz holds what textbook graphs computed: batches [steps, B, D], the initial w1 [D, L], b1, w2 [L, D], b2,
constants = steps, keep_prob, target, weight, stddev, and for each run NAME/corrupted (where there is noise),
NAME/losses [steps, 3] = reconstruction, sparsity, total, NAME/mean_activation and NAME/gradient_* of the first step,
NAME/final_* and NAME/clean_loss_without_training_flag. Any sizes; any subset of the runs.

Only the corruption is replaced, by the recorded rows; everything else is the library's own. Prints one line of JSON per
run: each quantity's ‖ours − theirs‖ / ‖theirs‖, and under "beyond" the quantities beyond their bounds.
Exit status: 0 all within their bounds, 1 some beyond, 2 the file cannot be replayed.
"""

import json
import math
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from taciturn.data.device_rows import tensor
from taciturn.data.sources import Rows
from taciturn.model import Autoencoder, Batch, Layout
from taciturn.model.coding_layers import ELU, CodingLayer, ReLU, Sigmoid
from taciturn.objective import KL, Objective, SquaredError, SquaredRate, Term
from taciturn.training import Feed, Run, train
from taciturn.training.solvers import SGD, Solver, TensorFlowAdam, parameter_groups
from taciturn.training.step import Step

Arrays = dict[str, NDArray[Any]]

PARAMETERS = ("w1", "b1", "w2", "b2")
BOUNDS = {
    "total_loss": 1e-5,
    "reconstruction_loss": 1e-5,
    "sparsity_loss": 5e-5,
    "mean_activation": 1e-5,
    "clean_loss_without_training_flag": 1e-5,
    **{f"gradient_{name}": 1e-5 for name in PARAMETERS},
    **{f"final_{name}": 1e-4 for name in PARAMETERS},
}


class FormatError(Exception):
    """The file does not hold what a replay requires."""


@dataclass(frozen=True)
class Graph:
    """One of the textbook's graphs, in the library's parts."""

    coder: CodingLayer
    rate_term: Callable[[float], Term] | None
    noisy: bool


GRAPHS = {
    "gaussian_relu": Graph(ReLU(), None, noisy=True),
    "gaussian_elu": Graph(ELU(), None, noisy=True),
    "dropout_relu": Graph(ReLU(), None, noisy=True),
    "sparse_squared": Graph(Sigmoid(), SquaredRate, noisy=False),
    "sparse_kl": Graph(Sigmoid(), KL, noisy=False),
    "denoising_sparse_kl": Graph(Sigmoid(), KL, noisy=True),
}
SOLVERS: dict[str, tuple[Solver, float]] = {"sgd": (SGD(), 0.1), "adam": (TensorFlowAdam(), 0.01)}


@dataclass(frozen=True)
class Recorded(Feed):
    """A feed in recorded order, with recorded noise."""

    corrupted: NDArray[np.float32] | None = None

    def epoch(
        self, epoch: int, *, start: int = 0, step: int = 0, progress: Callable[[int], float] = lambda step: 0.0
    ) -> Iterator[Batch]:
        """Yield the recorded batches."""
        for a, b in self.bounds[start:]:
            x = self.scale_rows(tensor(self.source.read(a, b)))
            yield Batch(x=x, target=x, corrupted=x if self.corrupted is None else tensor(self.corrupted[a:b]))


def read(path: str | Path) -> Arrays:
    """Return the file's arrays."""
    try:
        with np.load(path) as file:
            return {key: file[key] for key in file.files}
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise FormatError(f"{path} cannot be read as an .npz file: {error}") from error


def runs(arrays: Arrays) -> list[str]:
    """Return the names of the runs that the file holds."""
    names = sorted({key.split("/")[0] for key in arrays if "/" in key} - {"figure"})
    if not names:
        raise FormatError("the file holds no run: no key NAME/losses")
    for name in names:
        graph, _, solver = name.rpartition("_")
        if graph not in GRAPHS or solver not in SOLVERS:
            known = f"({'|'.join(GRAPHS)})_({'|'.join(SOLVERS)})"
            raise FormatError(f"the run {name!r} is not known; a run is named {known}")
    return names


def check(arrays: Arrays, name: str) -> None:
    """Raise FormatError unless the file holds all arrays of a run, in shapes that fit."""
    noisy = GRAPHS[name.rpartition("_")[0]].noisy
    of_run = ["losses", "mean_activation", "clean_loss_without_training_flag"] + ["corrupted"] * noisy
    of_run += [f"{kind}_{w}" for kind in ("gradient", "final") for w in PARAMETERS]
    required = ["batches", "constants", *PARAMETERS, *(f"{name}/{key}" for key in of_run)]
    if missing := [key for key in required if key not in arrays]:
        raise FormatError(f"the file lacks {', '.join(missing)}")
    if arrays["batches"].ndim != 3 or arrays["w1"].ndim != 2 or arrays["constants"].shape != (5,):
        raise FormatError("batches must be [steps, B, D], w1 [D, L] and constants [5]")
    (steps, n_rows, n_inputs), n_latents = arrays["batches"].shape, arrays["w1"].shape[1]
    if arrays["constants"][0] != steps:
        raise FormatError(f"constants name {arrays['constants'][0]:g} steps, but there are {steps} batches")
    shapes: dict[str, tuple[int, ...]] = {
        "w1": (n_inputs, n_latents),
        "b1": (n_latents,),
        "w2": (n_latents, n_inputs),
        "b2": (n_inputs,),
        f"{name}/losses": (steps, 3),
        f"{name}/mean_activation": (n_latents,),
        f"{name}/clean_loss_without_training_flag": (),
    }
    shapes |= {f"{name}/{kind}_{w}": shapes[w] for kind in ("gradient", "final") for w in PARAMETERS}
    shapes |= {f"{name}/corrupted": (steps, n_rows, n_inputs)} if noisy else {}
    for key, shape in shapes.items():
        if arrays[key].shape != shape:
            raise FormatError(f"{key} is {list(arrays[key].shape)}, but must be {list(shape)}")


def started(arrays: Arrays, coder: CodingLayer) -> Autoencoder:
    """Return the network with the recorded initial weights."""
    model = Autoencoder(Layout(arrays["w1"].shape, coder), rng=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for name, parameter in parameters(model).items():
            parameter.copy_(torch.from_numpy(arrays[name]))
    return model


def parameters(model: Autoencoder) -> dict[str, Tensor]:
    """Return the weights as TensorFlow lays them out, [in, out]: views of the parameters."""
    (encoder,), (decoder,) = model.encoder, model.decoder
    return {"w1": encoder.weight.T, "b1": encoder.bias, "w2": decoder.weight, "b2": decoder.bias}


def gradients(model: Autoencoder) -> dict[str, Tensor]:
    """Return the gradients as TensorFlow lays them out."""
    (encoder,), (decoder,) = model.encoder, model.decoder
    return {"w1": encoder.weight.grad.T, "b1": encoder.bias.grad, "w2": decoder.weight.grad, "b2": decoder.bias.grad}


def trained(arrays: Arrays, name: str) -> dict[str, ArrayLike]:
    """Return every quantity of a run as the library computes it."""
    graph_name, _, solver_name = name.rpartition("_")
    graph, (solver, learning_rate) = GRAPHS[graph_name], SOLVERS[solver_name]
    _, _, target, weight, _ = arrays["constants"].tolist()

    model = started(arrays, graph.coder)
    objective = Objective((SquaredError(),))
    if graph.rate_term is not None:
        objective = objective + weight * graph.rate_term(target)

    steps, n_rows, n_inputs = arrays["batches"].shape
    clean = arrays["batches"].astype(np.float32).reshape(-1, n_inputs)
    noisy = arrays[f"{name}/corrupted"].astype(np.float32).reshape(-1, n_inputs) if graph.noisy else None
    feed = Recorded(Rows(clean), model.scale_rows, batch_size=n_rows, seed=0, corrupted=noisy)
    optimiser = solver.build(parameter_groups(model.named_parameters(), 0.0), learning_rate)
    run = Run(Step(model, objective), feed, optimiser, learning_rate, epochs=1)

    first_rows = torch.from_numpy(clean[:n_rows])
    with torch.no_grad():  # no training flag to switch off: a call is always inference
        ours: dict[str, ArrayLike] = {
            "clean_loss_without_training_flag": (model(first_rows) - first_rows).square().mean().item()
        }
    losses: list[list[float]] = []
    for record in train(run):
        numbers = record.numbers
        rate_loss = [number.item() for key, number in numbers.items() if key in ("kl", "squared_rate")]
        losses.append([numbers["squared_error"].item(), sum(rate_loss), numbers["loss"].item()])
        if record.step == 0:
            ours["mean_activation"] = numbers["rates"].numpy().copy()
            ours |= {f"gradient_{key}": g.numpy().copy() for key, g in gradients(model).items()}
    assert len(losses) == steps
    ours |= dict(zip(("reconstruction_loss", "sparsity_loss", "total_loss"), np.array(losses).T, strict=True))
    return ours | {f"final_{key}": w.detach().numpy() for key, w in parameters(model).items()}


def recorded(arrays: Arrays, name: str) -> dict[str, ArrayLike]:
    """Return every quantity of a run as recorded in the file."""
    losses = dict(zip(("reconstruction_loss", "sparsity_loss", "total_loss"), arrays[f"{name}/losses"].T, strict=True))
    return losses | {key: arrays[f"{name}/{key}"] for key in BOUNDS if key not in losses}


def relative(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Return ‖ours − theirs‖ / ‖theirs‖; 0 where both are 0."""
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    difference, size = float(np.linalg.norm(a - b)), float(np.linalg.norm(b))
    return difference / size if size else (0.0 if difference == 0 else math.inf)


def replay(arrays: Arrays, name: str) -> dict[str, Any]:
    """Return a run's line: its name, whether all is within the bounds, what is not, and every difference."""
    check(arrays, name)
    ours, theirs = trained(arrays, name), recorded(arrays, name)
    differences = {key: relative(ours[key], theirs[key]) for key in BOUNDS}
    # not (d <= bound): a difference that is not a number is beyond every bound
    beyond = [f"{key}: {d:.2e} > {BOUNDS[key]:g}" for key, d in differences.items() if not d <= BOUNDS[key]]
    shown = {key: float(f"{d:.3e}") if math.isfinite(d) else None for key, d in differences.items()}
    return {"run": name, "ok": not beyond, "beyond": beyond, **shown}


def main(arguments: Sequence[str]) -> int:
    """Replay a file; return the exit status."""
    if len(arguments) != 1:
        print("usage: python tests/golden/replay.py FILE.npz", file=sys.stderr)
        return 2
    try:
        arrays = read(arguments[0])
        names = runs(arrays)
        for name in names:
            check(arrays, name)
    except FormatError as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    lines = [replay(arrays, name) for name in names]
    for line in lines:
        print(json.dumps(line))
    return 0 if all(line["ok"] for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
