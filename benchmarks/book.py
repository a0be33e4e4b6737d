"""Repeat the textbook's runs on MNIST (Géron, "Hands-On Machine Learning", 2017), and compare taciturn's estimators.

python benchmarks/book.py --mnist FILE.npz [--rows N] [--epochs N] [--out benchmarks/results/book.md]

Sparse: 784-1000 sigmoid-784. total = MSE + 0.2 Σ KL(0.1, rate), after each epoch over all clean training rows, also
for runs trained with another weight. The book printed the numbers of the last batch of 1,000.

Denoising: 784-300-150-300-784 ReLU, 10 epochs. MSE against the clean pixels of the 10,000 test rows, with corrupted
and with clean input. The book printed the number of the last, corrupted, training batch.

Rows named "the book's" are built from parts, with the book's initial weights (Glorot's, uniform, all biases 0),
optimiser and constant learning rate 0.01. The others are estimators. `--rows` and `--epochs` (of the book's sparse
run) make it shorter.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import torch
from denoising import mnist, publish

from taciturn import Autoencoder, DenoisingAutoencoder, Layout, SparseAutoencoder
from taciturn.core.seeds import generator
from taciturn.corruption import Clean, Corruption
from taciturn.data.sources import Rows
from taciturn.inference import evaluate
from taciturn.model.coding_layers import ReLU, Sigmoid
from taciturn.objective import KL, Objective, SquaredError
from taciturn.training import Feed, History, Recorder, Run, Validation, train
from taciturn.training.solvers import TensorFlowAdam, parameter_groups
from taciturn.training.step import Step

RATE, WEIGHT = 0.1, 0.2
RECIPES = {
    "defaults": {"sparsity": f"kl:{RATE}"},
    "cosine:0.01": {"sparsity": f"kl:{RATE}", "learning_rate": "cosine:0.01"},
    "weight=0.2, cosine:0.003": {"sparsity": f"kl:{RATE},weight={WEIGHT}", "learning_rate": "cosine:0.003"},
}
LITERAL = {"output_activation": "identity", "learning_rate": 0.01, "alpha": 0.0, "batch_size": 150}
DENOISERS = {"the book's numbers, our initial weights": LITERAL, "defaults": {}}
PRINTED = {0: "0.1348", 20: "0.0168 / 0.0291 / 0.0227"}  # in the book: MSE / Σ KL / total of an epoch's last batch
PRINTED_DENOISING = {"gaussian:1.0": "0.0389", "dropout:0.3": "0.0242"}


def book(
    X: np.ndarray, layout: Layout, objective: Objective, batch_size: int, epochs: int, corruption: Corruption
) -> tuple[Autoencoder, History]:
    """Return a model trained with the book's settings, and its history."""
    rng = generator(0, "weights")
    model = Autoencoder(layout, rng=rng)
    for name, parameter in model.named_parameters():
        if name.endswith("weight"):
            torch.nn.init.xavier_uniform_(parameter, generator=rng)
    step, feed = Step(model, objective), Feed(Rows(X), model.scale_rows, batch_size, 0, corruption)
    optimiser = TensorFlowAdam().build(parameter_groups(model.named_parameters(), weight_decay=0.0), lr=0.01)
    recorder = Recorder()
    for record in train(Run(step, feed, optimiser, 0.01, epochs, hooks=(Validation(feed),))):
        recorder.add(record)
    return model, recorder.history()


def totals(history: History) -> np.ndarray:
    """Return the columns MSE, Σ KL, total and mean activation of the validation rows, one row per epoch."""
    error, q = history["validation_squared_error"], history["validation_rates"]
    kl = (RATE * np.log(RATE / q) + (1 - RATE) * np.log((1 - RATE) / (1 - q))).sum(1)
    return np.stack([error, kl, error + WEIGHT * kl, q.mean(1)], 1)


def rise(total: np.ndarray) -> float:
    """Return the largest relative rise of an epoch after the tenth above the best epoch before it."""
    best = np.minimum.accumulate(total)
    return float(np.max(total[10:] / best[9:-1] - 1, initial=-np.inf))


def sparse(X: np.ndarray, epochs: int) -> Iterator[str]:
    """Yield a table of all runs with one line per epoch, and a summary table."""
    objective = SquaredError() + WEIGHT * KL(RATE)
    runs = {"the book's": totals(book(X, Layout((784, 1000), Sigmoid()), objective, 1000, epochs, Clean())[1])}
    for name, recipe in RECIPES.items():
        model = SparseAutoencoder(1000, max_iter=20, random_state=0, **recipe)
        runs[name] = totals(model.fit(X, validation=X).history_)  # validation does not change the training
    yield f"| epoch: MSE / Σ KL / total / rate | {' | '.join(runs)} | the book, printed |"
    yield "|---" * (2 + len(runs)) + "|"
    for epoch in range(max(map(len, runs.values()))):
        cells = [" / ".join(f"{x:.4f}" for x in run[epoch]) if epoch < len(run) else "" for run in runs.values()]
        yield f"| {epoch} | {' | '.join(cells)} | {PRINTED.get(epoch, '')} |"
    yield from ["", "| sparse | best total, epochs 0 … 20 | last total | its rate | worst rise after the tenth |"]
    yield "|---" * 5 + "|"
    yield "| the book, printed | 0.0227 (epoch 20) | | | |"
    for name, run in runs.items():
        total = run[:, 2]
        best = int(total[:21].argmin())
        yield f"| {name} | {total[best]:.4f} (epoch {best}) | {total[-1]:.4f} | {run[-1, 3]:.3f} | {rise(total):+.0%} |"


def denoising(X: np.ndarray, test: np.ndarray) -> Iterator[str]:
    """Yield a table: the book's settings and taciturn's defaults, with the same layers and number of epochs."""
    yield "| corruption | settings | last training batch | test, corrupted | test, clean | the book, last batch |"
    yield "|---" * 6 + "|"
    for noise, printed in PRINTED_DENOISING.items():
        corruption = Corruption.parse(noise)
        layout = Layout((784, 300, 150), ReLU())
        runs = {"the book's": book(X, layout, Objective((SquaredError(),)), 150, 10, corruption)}
        for name, settings in DENOISERS.items():
            model = DenoisingAutoencoder((300, 150), corruption=noise, max_iter=10, random_state=0, **settings).fit(X)
            runs[name] = model.module_, model.history_
        for name, (module, history) in runs.items():
            evaluation = evaluate(module, Rows(test), corruption=corruption)
            errors = history.steps["squared_error"][-1], evaluation.after.mean, evaluation.clean.mean
            yield f"| {noise} | {name} | {' | '.join(f'{error:.4f}' for error in errors)} | {printed} |"


def main() -> None:
    """Train all models once and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", required=True)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out")
    args = parser.parse_args()
    train, _, test, _ = mnist(args.mnist)
    X = train[: args.rows]
    title = f"{len(X):,} training rows; total = MSE + {WEIGHT} Σ KL({RATE}, rate)"
    publish(title, [*sparse(X, args.epochs), "", *denoising(X, test)], args.out)


if __name__ == "__main__":
    main()
