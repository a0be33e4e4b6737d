"""Compare denoising by test PSNR: noisy rows, PCA, a median filter, wavelets, and taciturn.

python benchmarks/denoising.py [--mnist FILE.npz] [--rows N] [--out benchmarks/results/denoising.md]

Data: digits (80% for training, 20% for testing) and, with --mnist, MNIST (60,000 rows or --rows of them for training,
10,000 for testing), pixels in [0, 1]. The peak is 1; the error is the mean over all test pixels. taciturn is
`DenoisingAutoencoder(corruption=…, random_state=0).fit(X)` without other settings. The other methods' settings are
chosen on corrupted rows held out of the training rows, and their outputs are clipped to [0, 1].

Wavelets need more packages: pip install -r benchmarks/requirements.txt
"""

import argparse
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import median_filter
from sklearn.decomposition import PCA
from startup import processor

from taciturn import DenoisingAutoencoder, datasets
from taciturn.data.split import split
from taciturn.metrics import psnr

NOISES = ("gaussian:0.4", "masking:0.3")
HELD = 0.1  # share of the training rows on which the other methods' settings are chosen
WAVELET_ROWS = 500  # of these rows, for wavelets: one image at a time is slow


def mnist(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training rows, their labels, test rows and their labels; pixels in [0, 1]."""
    with np.load(path) as file:
        train, test = (file[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test"))
        return train, file["y_train"], test, file["y_test"]


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return training and test rows; pixels in [0, 1]."""
    source = datasets.load("digits")
    X = source.read(0, len(source)).astype(np.float32)
    train, test = split(len(X), 0.2, 0)
    return X[train], X[test]


def corrupted(X: np.ndarray, noise: str, seed: int) -> np.ndarray:
    """Return corrupted rows, drawn by NumPy: the same for all methods."""
    rng = np.random.default_rng(seed)
    kind, _, amount = noise.partition(":")
    if kind == "gaussian":
        return X + np.float32(amount) * rng.standard_normal(X.shape, np.float32)
    return np.where(rng.random(X.shape, np.float32) < float(amount), np.float32(0), X)


def decibels(output: np.ndarray, clean: np.ndarray) -> float:
    """Return the PSNR over all rows in dB, peak 1."""
    return psnr(float(np.square(output.astype(float) - clean).mean()), 1.0)


def pca(train: np.ndarray, held: np.ndarray, noisy: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the test rows' PCA reconstructions and the number of components, which is chosen on held-out rows."""
    fitted = PCA().fit(train)
    recon, error = np.tile(fitted.mean_.astype(np.float32), (len(held), 1)), []
    for scores, component in zip(fitted.transform(noisy).T, fitted.components_, strict=True):
        recon += np.outer(scores, component)
        error.append(np.square(recon.clip(0, 1) - held).mean())
    count = int(np.argmin(error)) + 1
    fitted = PCA(count).fit(np.concatenate([train, held]))
    return fitted.inverse_transform(fitted.transform(test)), f"{count} components"


def median(test: np.ndarray) -> np.ndarray:
    """Return the test rows, each pixel replaced by the median of its 3 × 3 pixels."""
    side = int(test.shape[1] ** 0.5)
    return median_filter(test.reshape(-1, side, side), size=(1, 3, 3)).reshape(test.shape)


def wavelet(held: np.ndarray, noisy: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the test rows, denoised with the wavelet settings that are best on held-out rows, and the settings."""
    from skimage.restoration import denoise_wavelet

    side = int(test.shape[1] ** 0.5)
    held, noisy = held[:WAVELET_ROWS], noisy[:WAVELET_ROWS]
    known = np.sqrt(np.square(noisy - held).mean())  # the noise's standard deviation is known, so it is not estimated

    def denoised(rows: np.ndarray, method: str, mode: str, wavelet: str, share: float) -> np.ndarray:
        sigma = float(share * known)
        images = [
            denoise_wavelet(image, sigma, wavelet=wavelet, mode=mode, method=method)
            for image in rows.reshape(-1, side, side)
        ]
        return np.stack(images).reshape(rows.shape).clip(0, 1)

    settings = list(product(("BayesShrink", "VisuShrink"), ("soft", "hard"), ("db1", "db2"), (0.1, 0.2, 0.5, 1.0)))
    best = max(settings, key=lambda setting: decibels(denoised(noisy, *setting), held))
    return denoised(test, *best), f"{best[0]}, {best[1]}, {best[2]}, σ {best[3] * known:.2f}"


def compare(name: str, X: np.ndarray, test: np.ndarray, noise: str) -> str:
    """Return a line of the table."""
    train_rows, held_rows = split(len(X), HELD, 0)
    train, clean = X[train_rows], X[held_rows]
    noisy, noisy_test = corrupted(clean, noise, 1), corrupted(test, noise, 0)
    methods: dict[str, Callable[[], tuple[np.ndarray, str]]] = {
        "noisy": lambda: (noisy_test, ""),
        "PCA": lambda: pca(train, clean, noisy, noisy_test),
        "median": lambda: (median(noisy_test), ""),
        "wavelet": lambda: wavelet(clean, noisy, noisy_test),
    }
    results, settings = {}, {}
    for method, denoise in methods.items():
        output, settings[method] = denoise()
        # noisy rows are not clipped: they are the network's input
        results[method] = decibels(output if method == "noisy" else output.clip(0, 1), test)
    start = time.perf_counter()
    model = DenoisingAutoencoder(corruption=noise, random_state=0).fit(X)
    seconds = time.perf_counter() - start
    ours = decibels(model.denoise(noisy_test), test)
    cells = [f"{results[method]:.2f}" + (f" ({settings[method]})" if settings[method] else "") for method in methods]
    gain = f"**{ours:.2f}** | {ours - max(results.values()):+.2f} | {seconds:.0f}"
    return f"| {name} | {len(X):,} | {noise} | {' | '.join(cells)} | {gain} |"


def publish(title: str, lines: list[str], out: str | None) -> None:
    """Print a table below its processor, threads, date and title; write it to `out` if given."""
    threads = torch.get_num_threads()
    heading = f"{processor()}, {threads} thread{'s' if threads > 1 else ''}, {time.strftime('%Y-%m-%d')}; {title}"
    text = "\n".join([heading, "", *lines]) + "\n"
    print(text)
    if out:
        Path(out).write_text(text, encoding="utf-8")


def main() -> None:
    """Compare on each data set under each noise and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--out")
    args = parser.parse_args()
    if not (find_spec("skimage") and find_spec("pywt")):
        raise SystemExit("wavelets need two more packages: pip install scikit-image PyWavelets")
    sets = {"digits": digits()}
    if args.mnist:
        train, _, test, _ = mnist(args.mnist)
        sets["MNIST"] = train[: args.rows], test
    columns = "noisy | PCA | median 3 × 3 | wavelets | ours | over the best | seconds to fit"
    lines = [f"| data | rows | corruption | {columns} |", "|---" * 10 + "|"]
    lines += [compare(name, *rows, noise) for name, rows in sets.items() for noise in NOISES]
    publish("test PSNR in dB", lines, args.out)


if __name__ == "__main__":
    main()
