"""The textbook's autoencoders built from taciturn's parts with every step visible, and as estimators.

python examples/textbook.py          trains each program for a few epochs on digits; prints error and mean activation

The programs are those of the chapter on autoencoders in Géron, "Hands-On Machine Learning" (2017): denoising with
Gaussian noise, denoising with dropout, sparsity by squared error and by Kullback-Leibler divergence.
"""

import torch

from taciturn import Autoencoder, DenoisingAutoencoder, Layout, SparseAutoencoder, datasets
from taciturn.core.seeds import generator
from taciturn.corruption import Clean, Corruption, Dropout, Gaussian
from taciturn.model import Batch
from taciturn.model.coding_layers import CodingLayer, ReLU, Sigmoid
from taciturn.objective import KL, Objective, SquaredError, SquaredRate, kl
from taciturn.training.solvers import Adam, parameter_groups
from taciturn.training.step import Step

X = torch.from_numpy(datasets.load("digits").read(0, 1797)).float()  # [1797, 64], values in [0, 1]
EPOCHS, BATCH, HIDDEN = 10, 150, 100


def corrupt(x: torch.Tensor, corruption: Corruption, step: int, *, training: bool = False) -> torch.Tensor:
    """Return the input of the network: corrupted rows in training, else x itself."""
    return corruption(x, generator(42, "noise", step)) if training else x


def program(coder: CodingLayer, corruption: Corruption, objective: Objective) -> Autoencoder:
    """Return a model trained as in the textbook: for each batch one optimiser step, with the clean rows as target."""
    model = Autoencoder(Layout((64, HIDDEN), coder), rng=generator(42, "weights"))
    step = Step(model, objective)
    optimizer = Adam().build(parameter_groups(model.named_parameters(), weight_decay=0.0), lr=0.01)
    n = 0
    for epoch in range(EPOCHS):
        for x in X[torch.randperm(len(X), generator=generator(42, "order", epoch))].split(BATCH):  # any batch size
            x_in = corrupt(x, corruption, n, training=True)
            optimizer.zero_grad()
            step.gradients(Batch(x, target=x, corrupted=x_in))
            optimizer.step()
            n += 1
    return model


def by_hand(model: Autoencoder, target: float, weight: float) -> torch.Tensor:
    """Return the total loss that `Step` computes, each of the textbook's variables on its own line."""
    hidden1 = model.encode(X).dense()  # sigmoid(X W1 + b1)
    outputs = model(X)  # hidden1 W2 + b2
    reconstruction_loss = (outputs - X).square().mean()
    hidden1_mean = hidden1.mean(0)  # the batch mean of each coding neuron
    sparsity_loss = kl(target, hidden1_mean).sum()
    return reconstruction_loss + weight * sparsity_loss


def main() -> None:
    """Run the programs and the estimators that do the same."""
    reconstruction = Objective((SquaredError(),))
    programs = {
        "Gaussian denoising": (ReLU(), Gaussian(0.5), reconstruction),
        "dropout denoising": (ReLU(), Dropout(0.3), reconstruction),
        "squared sparsity loss": (Sigmoid(), Clean(), SquaredError() + 0.2 * SquaredRate(0.1)),
        "KL sparsity loss": (Sigmoid(), Clean(), SquaredError() + 0.2 * KL(0.1)),
    }
    for name, (coder, corruption, objective) in programs.items():
        model = program(coder, corruption, objective)
        error = (model(X) - X).square().mean().item()
        print(f"{name:24} error {error:.4f}  mean activation {model.encode(X).dense().mean().item():.3f}")

    model = program(Sigmoid(), Clean(), SquaredError() + 0.2 * KL(0.1))
    _, numbers = Step(model, SquaredError() + 0.2 * KL(0.1))(Batch(X, X, X))
    print(f"{'the total loss by hand':24} {by_hand(model, 0.1, 0.2).item():.6f}, by Step {numbers['loss'].item():.6f}")

    rows = X.numpy()
    settings = {"output_activation": "identity", "learning_rate": 0.01, "batch_size": BATCH, "max_iter": EPOCHS}
    denoising = DenoisingAutoencoder(HIDDEN, corruption="gaussian:0.5", random_state=42, **settings).fit(rows)
    sparse = SparseAutoencoder(HIDDEN, sparsity="kl:0.1,weight=0.2", random_state=42, **settings).fit(rows)
    for name, estimator in {"DenoisingAutoencoder": denoising, "SparseAutoencoder": sparse}.items():
        error = estimator.reconstruction_errors(rows).mean()
        print(f"{name:24} error {error:.4f}  mean activation {estimator.transform(rows).mean():.3f}")


if __name__ == "__main__":
    main()
