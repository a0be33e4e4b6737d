"""Compare networks for images by the PSNR of denoised digits of MNIST: dense, convolutional and residual.

python benchmarks/image_networks.py MNIST.npz [--seconds 300] [--only NAME] [--images FOLDER] [--out FILE]

Each network is `DenoisingAutoencoder(network=…, corruption="gaussian:0.4", shape=(28, 28))`, trained for as many steps
as fit into the seconds: the time of a step is measured first, so that the learning rate falls to 0 in time. Seconds are
those of the processor, of one thread: other programs do not count, and two threads have twice as many in the same time.
Beside busy programs a step takes more of them, because they share caches. The PSNR is over all pixels of 10,000 test
rows, with noise that NumPy draws, not clipped; the peak is 1. With --images FOLDER the first digits are written there,
a PNG for each network: clean, noisy, denoised.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from denoising import corrupted, decibels, mnist, publish
from PIL import Image

from taciturn import DenoisingAutoencoder

NETWORKS = {
    "dense, 784 → 1,024": {},
    "convolutional, 256 latents": {
        "network": "conv:channels=16/32",
        "n_components": 256,
        "learning_rate": "cosine:0.003",
        "batch_size": 128,
    },
    "convolutional, 512 latents": {
        "network": "conv:channels=32/64",
        "n_components": 512,
        "learning_rate": "cosine:0.002",
        "batch_size": 256,
    },
    "residual, 2 scales": {"network": "residual:channels=16/32,blocks=1", "learning_rate": "cosine:0.003"},
}
TIMED_STEPS = 20
DIGITS = 16  # in a picture


def fitted(X: np.ndarray, parameters: dict[str, object], noise: str, steps: int) -> tuple[DenoisingAutoencoder, float]:
    """Return a model after some steps, and the seconds of the processor."""
    start = time.process_time()
    model = DenoisingAutoencoder(corruption=noise, shape=(28, 28), max_steps=steps, random_state=0, **parameters)
    model.fit(X)
    return model, time.process_time() - start


def steps_within(seconds: float, X: np.ndarray, parameters: dict[str, object], noise: str) -> int:
    """Return how many steps fit into some seconds, beside what a run takes before and after its steps."""
    _, once = fitted(X, parameters, noise, 1)
    _, more = fitted(X, parameters, noise, 1 + TIMED_STEPS)
    return max(int((seconds - once) / (max(more - once, 1e-3) / TIMED_STEPS)), 1)


def write_digits(path: Path, *rows: np.ndarray) -> None:
    """Write the first digits of some arrays [n, 784] as a PNG, a line for each array."""
    lines = [np.hstack(list(each[:DIGITS].reshape(-1, 28, 28))) for each in rows]
    Image.fromarray((np.vstack(lines).clip(0, 1) * 255).astype(np.uint8)).save(path)


def main() -> None:
    """Train each network and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--noise", type=float, default=0.4)
    parser.add_argument("--only", default="", help="networks whose name contains this")
    parser.add_argument("--images", metavar="FOLDER")
    parser.add_argument("--out")
    args = parser.parse_args()
    torch.set_num_threads(1)
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
            denoised = model.denoise(noisy)
            result = decibels(denoised, test)
            if args.images:
                write_digits(Path(args.images) / f"{name.split(',')[0]}-{count}.png", test, noisy, denoised)
            lines.append(f"| {name} | {count:,} | {steps:,} | {seconds:.0f} | {result:.2f} |")
    publish(f"MNIST, {len(X):,} rows, {noise}, {args.seconds:g} s for each network, test PSNR in dB", lines, args.out)


if __name__ == "__main__":
    main()
