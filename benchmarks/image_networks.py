"""Compare networks for images by the PSNR of denoised digits of MNIST: dense, convolutional and residual.

python benchmarks/image_networks.py MNIST.npz [--seconds 300] [--rows 60000] [--noise 0.4] [--only NAME] [--out FILE]

Each network is `DenoisingAutoencoder(network=…, corruption="gaussian:0.4", shape=(28, 28))`, trained for as many steps
as fit into the seconds: the time of a step is measured first, so that the learning rate falls to 0 in time. Seconds are
those of the processor, of all threads together, divided by the number of threads: other programs do not count. The
PSNR is over all pixels of 10,000 test rows, with noise that NumPy draws, not clipped; the peak is 1.
"""

import argparse
import time

import numpy as np
import torch
from denoising import corrupted, decibels, mnist, publish

from taciturn import DenoisingAutoencoder

NETWORKS = {
    "dense, 784 → 1,024": {},
    "convolutional, 256 latents": {
        "network": "conv:channels=16/32",
        "n_components": 256,
        "learning_rate": "cosine:0.003",
        "batch_size": 128,
    },
    "residual, 2 scales": {"network": "residual:channels=16/32,blocks=1", "learning_rate": "cosine:0.003"},
}
TIMED_STEPS = 20


def fitted(X: np.ndarray, parameters: dict[str, object], noise: str, steps: int) -> tuple[DenoisingAutoencoder, float]:
    """Return a model after some steps, and the seconds of each thread."""
    start = time.process_time()
    model = DenoisingAutoencoder(corruption=noise, shape=(28, 28), max_steps=steps, random_state=0, **parameters)
    model.fit(X)
    return model, (time.process_time() - start) / torch.get_num_threads()


def steps_within(seconds: float, X: np.ndarray, parameters: dict[str, object], noise: str) -> int:
    """Return how many steps fit into some seconds, beside what a run takes before and after its steps."""
    _, once = fitted(X, parameters, noise, 1)
    _, more = fitted(X, parameters, noise, 1 + TIMED_STEPS)
    return max(int((seconds - once) / (max(more - once, 1e-3) / TIMED_STEPS)), 1)


def main() -> None:
    """Train each network and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--noise", type=float, default=0.4)
    parser.add_argument("--only", default="", help="networks whose name contains this")
    parser.add_argument("--out")
    args = parser.parse_args()
    train, _, test, _ = mnist(args.mnist)
    X, noise = train[: args.rows], f"gaussian:{args.noise:g}"
    noisy = corrupted(test, noise, 0)
    lines = ["| network | parameters | steps | seconds | PSNR |", "|---|---|---|---|---|"]
    lines.append(f"| noisy rows | | | | {decibels(noisy, test):.2f} |")
    for name, parameters in NETWORKS.items():
        if args.only in name:
            steps = steps_within(args.seconds, X, parameters, noise)
            model, seconds = fitted(X, parameters, noise, steps)
            count = sum(parameter.numel() for parameter in model.module_.parameters())
            result = decibels(model.denoise(noisy), test)
            lines.append(f"| {name} | {count:,} | {steps:,} | {seconds:.0f} | {result:.2f} |")
    publish(f"MNIST, {len(X):,} rows, {noise}, {args.seconds:g} s for each network, test PSNR in dB", lines, args.out)


if __name__ == "__main__":
    main()
