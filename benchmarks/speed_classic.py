"""Measure training of the textbook's autoencoder in samples/s: taciturn beside other libraries, on two threads.

python benchmarks/speed_classic.py [--classic PYTHON] [--keras PYTHON] [--task gaussian|dropout|digits] [--threads 2]
       [--only NAME/NAME] [--device cpu|cuda] [--rounds 6] [--seconds 3] [--out TABLE.md]

PYTHON is the path that `benchmarks/peers/setup.sh DIR classic` (or `keras`) prints.

gaussian   784 → 300 sigmoid → 784, batches of 256, new Gaussian noise of 0.3 at each step, squared error,
           KL to 0.1 with weight 0.1, Adam; 25,600 rows
dropout    the same with dropout of 0.3 in place of the noise
digits     64 → 256 → 64, batches of 32, Gaussian noise, scikit-learn's 1,797 digits: most time is spent in Python

A step is an epoch. taciturn's is all that `fit` does: rows in a new order, noise, gradients, Adam, history.

torch           PyTorch as usually written
+onednn         torch is allowed to multiply through oneDNN; taciturn does so by itself where the processor gains by it
compiled        the loss through torch.compile
bf16            under autocast; taciturn with precision="bf16"
jax             one jitted lax.scan per epoch, Adam written out, the default generator; "rbg": its faster generator
scikit-learn    MLPRegressor, without noise and sparsity
pyod            its own train(), with dropout of the codes, without sparsity
CUDA graphs     torch.compile's "reduce-overhead", on a GPU

On a GPU the contestants are taciturn, torch and JAX; PYTHON then needs JAX for CUDA.

loss: the mean over the batches of the 20th epoch, which is the last of the warm-up; for contestants with the same
loss.
"""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from race import THREADS, publish, race, serve, table

SIGMA, DROPOUT, RATE, WEIGHT, LR = 0.3, 0.3, 0.1, 0.1, 1e-3
WARM_UP = 20  # epochs
Step = Callable[[], Any]


@dataclass(frozen=True)
class Task:
    """The sizes of a network and its rows, the noise, the device."""

    rows: int
    inputs: int
    latents: int
    batch: int
    noise: str
    device: str = "cpu"

    def data(self) -> Any:
        """Return the rows [rows, inputs]: random sparse rows in [0, 1], or scikit-learn's digits."""
        import numpy as np

        if self.inputs == 64:
            from sklearn.datasets import load_digits

            return (load_digits().data / 16).astype(np.float32)
        rng = np.random.default_rng(0)
        shape = self.rows, self.inputs
        return (rng.random(shape) * (rng.random(shape) < 0.2)).astype(np.float32)


TASKS = {
    "gaussian": Task(25_600, 784, 300, 256, "gaussian"),
    "dropout": Task(25_600, 784, 300, 256, "dropout"),
    "digits": Task(1_797, 64, 256, 32, "gaussian"),
}


def ours(task: Task, precision: str = "fp32") -> Step:
    """Return an epoch of all that fit does."""
    import torch

    from taciturn import SparseAutoencoder
    from taciturn.data.sources import Rows
    from taciturn.training import Recorder, Run, train

    X = task.data()
    noise = f"gaussian:{SIGMA}" if task.noise == "gaussian" else f"dropout:{DROPOUT}"
    model = SparseAutoencoder(
        task.latents,
        corruption=noise,
        sparsity=f"kl:{RATE},weight={WEIGHT}",
        batch_size=task.batch,
        learning_rate=LR,
        output_activation="identity",
        scaling="none",
        alpha=0.0,
        precision=precision,
        device=task.device,
        random_state=0,
    ).partial_fit(X[: task.batch])
    learner = model._learner
    feed = learner._feed(Rows(X))
    records, recorder, steps = (
        train(Run(learner.step, feed, learner.optimiser, LR, 10**9)),
        Recorder(),
        len(feed.bounds),
    )

    def step() -> float:
        losses = []
        for _ in range(steps):
            record = next(records)
            recorder.add(record)
            losses.append(record.numbers["loss"])
        return torch.stack(losses).mean().item()

    return step


def torch_usual(task: Task, *, compiled: str = "", rounded: bool = False) -> Step:
    """Return an epoch of PyTorch as usually written."""
    import torch

    torch.manual_seed(0)
    X = torch.from_numpy(task.data()).to(task.device)
    encoder = torch.nn.Linear(task.inputs, task.latents).to(task.device)
    decoder = torch.nn.Linear(task.latents, task.inputs).to(task.device)
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=LR)

    def noisy(x: Any) -> Any:
        if task.noise == "dropout":
            return torch.nn.functional.dropout(x, DROPOUT)
        return x + SIGMA * torch.randn_like(x)

    def loss(x: Any) -> Any:
        codes = torch.sigmoid(encoder(noisy(x)).float() if rounded else encoder(noisy(x)))
        q = codes.mean(0)
        kl = (RATE * torch.log(RATE / q) + (1 - RATE) * torch.log((1 - RATE) / (1 - q))).sum()
        return torch.nn.functional.mse_loss(decoder(codes), x) + WEIGHT * kl

    measured = torch.compile(loss, mode=compiled) if compiled else loss

    def step() -> float:
        losses = []
        for rows in torch.randperm(len(X), device=X.device).split(task.batch):
            adam.zero_grad()
            with torch.autocast(task.device, torch.bfloat16) if rounded else nullcontext():
                value = measured(X[rows])
            value.backward()
            adam.step()
            losses.append(value.detach().clone() if compiled == "reduce-overhead" else value.detach())
        return torch.stack(losses).mean().item()

    return step


def jax_scan(task: Task, generator: str = "threefry2x32") -> Step:
    """Return an epoch as one jitted scan."""
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # other contestants use the same GPU
    import jax
    import jax.numpy as jnp

    assert task.device == "cpu" or jax.devices()[0].platform == "gpu"
    jax.config.update("jax_default_prng_impl", generator)
    key = jax.random.key(0)
    X = task.data()
    steps = len(X) // task.batch
    X = jnp.asarray(X[: steps * task.batch])
    shapes = (task.inputs, task.latents), (task.latents, task.inputs)
    W, V = (
        jax.random.uniform(jax.random.fold_in(key, i), s, minval=-1, maxval=1) / s[0] ** 0.5
        for i, s in enumerate(shapes)
    )
    weights = W, jnp.zeros(task.latents), V, jnp.zeros(task.inputs)

    def loss(weights: Any, x: Any, noisy: Any) -> Any:
        W, b, V, c = weights
        codes = jax.nn.sigmoid(noisy @ W + b)
        q = codes.mean(0)
        kl = (RATE * jnp.log(RATE / q) + (1 - RATE) * jnp.log((1 - RATE) / (1 - q))).sum()
        return jnp.square(codes @ V + c - x).mean() + WEIGHT * kl

    def train_batch(state: Any, rows: Any) -> Any:
        weights, m, v, t, key = state
        key, sub = jax.random.split(key)
        x = X[rows]
        if task.noise == "dropout":
            noisy = x * jax.random.bernoulli(sub, 1 - DROPOUT, x.shape) / (1 - DROPOUT)
        else:
            noisy = x + SIGMA * jax.random.normal(sub, x.shape)
        value, g = jax.value_and_grad(loss)(weights, x, noisy)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        scale = LR * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        weights = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8), weights, m, v)
        return (weights, m, v, t, key), value

    def scan(state: Any) -> Any:
        weights, m, v, t, key = state
        key, sub = jax.random.split(key)
        order = jax.random.permutation(sub, len(X)).reshape(steps, task.batch)
        return jax.lax.scan(train_batch, (weights, m, v, t, key), order)

    epoch = jax.jit(scan, donate_argnums=0)
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, jax.tree.map(jnp.copy, zeros), jnp.float32(0), key)

    def step() -> float:
        nonlocal state
        state, values = epoch(state)
        return float(values.mean())

    return step


def scikit(task: Task) -> Step:
    """Return an epoch of MLPRegressor."""
    from sklearn.neural_network import MLPRegressor

    X, sizes = task.data(), {"hidden_layer_sizes": (task.latents,), "batch_size": task.batch}
    model = MLPRegressor(activation="logistic", learning_rate_init=LR, alpha=0.0, **sizes)
    return lambda: model.partial_fit(X, X)


def pyod(task: Task) -> Step:
    """Return an epoch of PyOD's own training."""
    import torch
    from pyod.models.auto_encoder import AutoEncoder
    from pyod.utils.torch_utility import TorchDataset

    X = task.data()
    model = AutoEncoder(
        epoch_num=1,
        batch_size=task.batch,
        lr=LR,
        hidden_neuron_list=[task.latents],
        hidden_activation_name="sigmoid",
        batch_norm=False,
        preprocessing=False,
        verbose=0,
    ).fit(X[: task.batch * 4])
    loader = torch.utils.data.DataLoader(TorchDataset(X=X, y=None), batch_size=task.batch, shuffle=True, drop_last=True)
    model.model.train()
    return lambda: model.train(loader)


def keras(task: Task, backend: str) -> Step:
    """Return an epoch of Model.fit."""
    os.environ["KERAS_BACKEND"] = backend
    import keras

    def kl(codes: Any) -> Any:
        q = keras.ops.mean(codes, 0)
        off = (1 - RATE) * keras.ops.log((1 - RATE) / (1 - q))
        return WEIGHT * keras.ops.sum(RATE * keras.ops.log(RATE / q) + off)

    X = task.data()
    noise = keras.layers.Dropout(DROPOUT) if task.noise == "dropout" else keras.layers.GaussianNoise(SIGMA)
    hidden = keras.layers.Dense(task.latents, "sigmoid", activity_regularizer=kl)
    model = keras.Sequential([keras.Input((task.inputs,)), noise, hidden, keras.layers.Dense(task.inputs)])
    model.compile(keras.optimizers.Adam(LR), "mse")
    return lambda: float(model.fit(X, X, batch_size=task.batch, epochs=1, verbose=0).history["loss"][-1])


OURS: dict[str, Callable[[Task], Step]] = {
    "taciturn": ours,
    "taciturn, bf16": lambda task: ours(task, "bf16"),
    "torch": torch_usual,
}
CLASSIC: dict[str, Callable[[Task], Step]] = {
    "torch+onednn": torch_usual,
    "torch, bf16": lambda task: torch_usual(task, rounded=True),
    "torch, compiled": lambda task: torch_usual(task, compiled="default"),
    "torch, compiled+onednn": lambda task: torch_usual(task, compiled="default"),
    "jax": jax_scan,
    "jax, rbg": lambda task: jax_scan(task, "unsafe_rbg"),
    "scikit-learn": scikit,
    "pyod": pyod,
}
GPU: dict[str, Callable[[Task], Step]] = {
    "taciturn": ours,
    "torch": torch_usual,
    "torch, compiled": lambda task: torch_usual(task, compiled="default"),
    "torch, CUDA graphs": lambda task: torch_usual(task, compiled="reduce-overhead"),
    "jax": jax_scan,
    "jax, rbg": lambda task: jax_scan(task, "unsafe_rbg"),
}
KERAS: dict[str, Callable[[Task], Step]] = {
    "keras, tensorflow": lambda task: keras(task, "tensorflow"),
    "keras, jax": lambda task: keras(task, "jax"),
}
MAKERS = OURS | GPU | CLASSIC | KERAS


def work(name: str, task: Task) -> None:
    """Run as the worker process of one contestant."""

    def make() -> Step:
        if name.endswith("+onednn"):
            import torch

            torch.backends.mkldnn.matmul.fp32_precision = "bf16"
        return MAKERS[name](task)

    serve(make, warm_up=WARM_UP)


def main() -> None:
    """Measure all contestants and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classic")
    parser.add_argument("--keras")
    parser.add_argument("--task", default="gaussian", choices=tuple(TASKS))
    parser.add_argument("--only", help="contestants to run, joined by /")
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--out")
    parser.add_argument("--worker")
    a = parser.parse_args()
    task = replace(TASKS[a.task], device=a.device)
    if a.worker:
        work(a.worker, task)
        return
    # Keras's environment has no scikit-learn, which has the digits
    names = [*OURS, *(CLASSIC if a.classic else ()), *(KERAS if a.keras and a.task != "digits" else ())]
    names = names if a.device == "cpu" else [name for name in GPU if a.classic or name in OURS]
    names = a.only.split("/") if a.only else names
    pythons = [a.keras if name in KERAS else a.classic if name in CLASSIC else sys.executable for name in names]
    options = [f"--task={a.task}", f"--device={a.device}"]
    results = race(
        __file__,
        list(zip(names, pythons, strict=True)),
        task.rows,
        rounds=a.rounds,
        seconds=a.seconds,
        options=options,
        threads=a.threads,
    )
    shape = f"{task.inputs} → {task.latents} → {task.inputs}, batches of {task.batch}"
    if a.device == "cuda":
        import torch

        shape += f", on {torch.cuda.get_device_name()}"
    title = f"{a.task}: {shape}, {a.threads} threads; {a.rounds} rounds of {a.seconds:g} s"
    publish(title, table(results, "samples", losses=True), results, a.out)


if __name__ == "__main__":
    main()
