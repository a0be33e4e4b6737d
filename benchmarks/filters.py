"""What the weights of an autoencoder become with noise, without it and with weight decay (Vincent et al., 2010).

python benchmarks/filters.py [--photographs FOLDER] [--mnist FILE.npz] [--only NOISE] [--seeds 1] [--images FOLDER]

Natural patches: 12 × 12 pixels, drawn from scikit-learn's two photographs (FOLDER: from all PNGs in it), in grey,
whitened as by Olshausen and Field (1996), divided by their standard deviation. 200 latents with sigmoid, tied weights,
identity output, squared error. Digits: 28 × 28 pixels of MNIST, 200 latents, the same with a sigmoid output and
cross-entropy. The amount of training is the same for each noise.

A Gabor function (a wave under a Gaussian envelope, 8 parameters) is fitted to each filter by least squares from several
starts, and a blob (the envelope alone, 6 parameters) as well. R² = 1 - |w - fit|² / |w - mean(w)|². Controls: numbers
from N(0, 1), and the filters of the row before with their pixels in another order. The size of an envelope is
the geometric mean of its two standard deviations, in pixels; its median is over filters that a Gabor function fits. The
area of a filter is (Σ w²)² / Σ w⁴: the number of pixels, if all are equally large and the others 0.
"""

import argparse
import time
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from denoising import mnist, publish
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import least_squares
from sklearn.datasets import load_sample_images

from taciturn import DenoisingAutoencoder
from taciturn.plots import atlas

Floats = NDArray[np.float64]

SIDE, PATCHES, LATENTS = 12, 100_000, 200
GOOD = 0.5  # a function fits a filter from this R² on
BEST_STARTS, MAX_CALLS = 2, 300  # starts of a least-squares fit, of all those tried; calls of a function in each
PATCH_NOISES = {  # corruption and weight decay
    "none": ("none", 0.0),
    "none, weight decay 0.3": ("none", 0.3),
    "none, weight decay 1": ("none", 1.0),
    "none, weight decay 3": ("none", 3.0),
    "gaussian:0.5": ("gaussian:0.5", 0.0),
    "salt_pepper:0.1": ("salt_pepper:0.1,low=-2,high=2", 0.0),
    "masking:0.1": ("masking:0.1", 0.0),
    "masking:0.25": ("masking:0.25", 0.0),
    "masking:0.55": ("masking:0.55", 0.0),
}
DIGIT_NOISES = {name: (name, 0.0) for name in ("none", "masking:0.1", "masking:0.25", "masking:0.5")}


def whitened(image: Floats) -> Floats:
    """Return an image whose spectrum is flat up to 0.4 cycles a pixel: its own times f exp(-(f / 0.4)⁴)."""
    rows, columns = np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1])
    frequency = np.hypot(rows, columns)
    result: Floats = np.fft.ifft2(np.fft.fft2(image) * frequency * np.exp(-((frequency / 0.4) ** 4))).real
    return result / result.std()


def patches(folder: str | None, seed: int) -> NDArray[np.float32]:
    """Return whitened patches [n, 144] of photographs, as many of each; their standard deviation is 1."""
    if folder:
        pictures = [np.asarray(Image.open(path).convert("L"), float) for path in sorted(Path(folder).glob("*.png"))]
    else:
        pictures = [image.mean(2) for image in load_sample_images().images]
    rng, found = np.random.default_rng(seed), []
    for picture in map(whitened, pictures):
        views = np.lib.stride_tricks.sliding_window_view(picture, (SIDE, SIDE))
        corners = [rng.integers(0, n, PATCHES // len(pictures)) for n in views.shape[:2]]
        found.append(views[tuple(corners)].reshape(-1, SIDE * SIDE))
    X = np.concatenate(found)
    return (X / X.std()).astype(np.float32)


def filters(X: NDArray[np.float32], noise: str, decay: float, epochs: int, seed: int, **output: str) -> Floats:
    """Return the weights [200, pixels] of an autoencoder of patches, or of digits."""
    model = DenoisingAutoencoder(
        LATENTS,
        corruption=noise,
        alpha=decay,
        activation="sigmoid",
        tied=True,
        scaling="none",
        batch_size=100,
        max_iter=epochs,
        learning_rate="cosine:0.003",
        random_state=seed,
        **output,
    )
    return model.fit(X).components_.astype(float)


patch_filters = partial(filters, output_activation="identity")
digit_filters = partial(filters, output_activation="sigmoid", loss="cross_entropy")


@dataclass(frozen=True)
class Fit:
    """How well a function fits a filter, and the size of its envelope in pixels."""

    r2: float
    size: float


def basis(parameters: Floats, side: int, *, wave: bool) -> Floats:
    """Return functions [..., 1 or 2, pixels] whose weighted sums are blobs, or Gabor functions (`wave`) of any phase.

    Parameters [..., 5 or 6]: the middle (x, y), the logarithms of the envelope's standard deviations along the wave and
    across it, the angle of the wave, and 2π times its frequency.
    """
    middle_x, middle_y, along, across, angle, *frequency = np.moveaxis(parameters[..., None], -2, 0)
    y, x = np.indices((side, side)).reshape(2, -1)
    u = (x - middle_x) * np.cos(angle) + (y - middle_y) * np.sin(angle)
    v = (y - middle_y) * np.cos(angle) - (x - middle_x) * np.sin(angle)
    exponent = -0.5 * ((u / size_of(along)) ** 2 + (v / size_of(across)) ** 2)
    if not wave:
        return np.exp(exponent)[..., None, :]
    waves = np.exp(exponent + 1j * frequency[0] * u)
    return np.stack([waves.real, waves.imag], -2)


def size_of(logarithm: Floats) -> Floats:
    """Return a standard deviation in pixels, from 0.4 to 55."""
    return np.exp(np.clip(logarithm, -1, 4))


def remainder(w: Floats, functions: Floats) -> Floats:
    """Return what the nearest weighted sum of functions [..., 1 or 2, pixels] leaves of a filter [pixels]."""
    gram = functions @ functions.swapaxes(-1, -2) + 1e-9 * np.eye(functions.shape[-2])
    weights = np.linalg.solve(gram, (functions @ w)[..., None])
    left: Floats = w - (weights * functions).sum(-2)
    return left


def fitted(w: Floats, side: int, starts: Floats, *, wave: bool) -> Fit:
    """Return the best of the least-squares fits of a function to a filter, from the best of some starts [n, 5 or 6]."""
    w = w / np.linalg.norm(w)
    order = np.square(remainder(w, basis(starts, side, wave=wave))).sum(-1).argsort()
    results = [
        least_squares(lambda p: remainder(w, basis(p, side, wave=wave)), start, method="lm", max_nfev=MAX_CALLS)
        for start in starts[order[:BEST_STARTS]]
    ]
    best = min(results, key=lambda result: result.cost)
    return Fit(1 - 2 * best.cost / np.square(w - w.mean()).sum(), float(np.sqrt(size_of(best.x[2:4]).prod())))


def gabor_and_blob(w: Floats, side: int) -> tuple[Fit, Fit]:
    """Return the fits of a Gabor function and of a blob to a filter."""
    square = np.square(w) / np.square(w).sum()
    y, x = np.indices((side, side)).reshape(2, -1)
    places = [(square @ x, square @ y), (x[square.argmax()], y[square.argmax()])]
    spectrum = np.abs(np.fft.fft2(w.reshape(side, side), (4 * side, 4 * side)))
    row, column = np.unravel_index(spectrum[: 2 * side].argmax(), (2 * side, 4 * side))
    frequency = np.fft.fftfreq(4 * side)[[column, row]]
    angle, wave = np.arctan2(frequency[1], frequency[0]), 2 * np.pi * np.hypot(*frequency)
    widths = np.log(side * np.array([0.08, 0.16, 0.32]))
    bells = np.array([(*place, *pair, angle) for place in places for pair in product(widths, widths)])
    waves = np.column_stack([bells, np.full(len(bells), wave)])
    return fitted(w, side, waves, wave=True), fitted(w, side, bells, wave=False)


def line(name: str, W: Floats, side: int, count: int) -> str:
    """Return a line of the table for some filters [n, pixels], of which the first `count` are fitted."""
    fits = [gabor_and_blob(w, side) for w in W[:count]]
    waves, bells = np.array([wave.r2 for wave, _ in fits]), np.array([bell.r2 for _, bell in fits])
    good = waves >= GOOD
    sizes = [wave.size for (wave, _), fit in zip(fits, good, strict=True) if fit]
    area = np.median(np.square(np.square(W).sum(1)) / (W**4).sum(1))
    shares = [good.mean(), (bells >= GOOD).mean(), (good & (bells < GOOD)).mean()]
    size = f"{np.median(sizes):.2f}" if len(sizes) >= 5 else "too few"
    cells = [f"{share:.0%}" for share in shares] + [f"{np.median(waves):.2f}", size, f"{area:.0f}"]
    print(name, *cells, flush=True)
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Train an autoencoder for each noise, fit its filters and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", metavar="FOLDER")
    parser.add_argument("--mnist", metavar="FILE.npz", help="digits instead of patches")
    parser.add_argument("--only", default="", metavar="NOISE", help="noises whose name contains this")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--fits", type=int, default=100, help="filters of each model to which functions are fitted")
    parser.add_argument("--images", metavar="FOLDER", help="write a picture of the filters of each model")
    parser.add_argument("--out")
    args = parser.parse_args()
    columns = "noise | Gabor R² ≥ .5 | blob R² ≥ .5 | Gabor, not blob | median R² | envelope, pixels | area, pixels"
    lines = [f"| {columns} |", "|---" * 7 + "|"]
    side, noises, train = (28, DIGIT_NOISES, digit_filters) if args.mnist else (SIDE, PATCH_NOISES, patch_filters)
    noises = {name: noise for name, noise in noises.items() if args.only in name}
    if not noises:
        parser.error(f"no noise's name contains {args.only!r}")
    start = time.process_time()
    for seed in range(args.seeds):
        X = mnist(args.mnist)[0][:20_000] if args.mnist else patches(args.photographs, seed)
        suffix = f", seed {seed}" if args.seeds > 1 else ""
        rng = np.random.default_rng(seed)
        lines.append(line("control: N(0, 1)" + suffix, rng.standard_normal((LATENTS, side**2)), side, args.fits))
        for name, (noise, decay) in noises.items():
            W = train(X, noise, decay, args.epochs, seed)
            lines.append(line(name + suffix, W, side, args.fits))
            if args.images:
                file = name.translate(str.maketrans(" :.,", "____")) + f"_{seed}.png"
                atlas(W, (side, side), most=49).savefig(Path(args.images) / file, dpi=70, bbox_inches="tight")
        lines.append(line("control: shuffled" + suffix, rng.permuted(W, axis=1), side, args.fits))
    what = "digits" if args.mnist else f"{len(X):,} patches of {'a folder' if args.photographs else 'two photographs'}"
    seconds = time.process_time() - start
    title = f"{what}, {args.epochs} epochs, {args.fits} filters of each, {seconds:.0f} s of the processor"
    publish(title, lines, args.out)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
