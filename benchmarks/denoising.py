"""Denoising that can be seen: test PSNR of the noisy rows, of PCA, a median filter, wavelets, and ours.

python benchmarks/denoising.py [--mnist FILE.npz] [--rows N] [--out benchmarks/results/denoising.md]

Digits (80% learnt from, 20% tested on) and, with --mnist, MNIST (60,000 learnt from, or --rows of them; 10,000 tested
on), pixels in [0, 1]; the peak is 1, the error is the mean over all test pixels. Ours is
`DenoisingAutoencoder(corruption=…, random_state=0).fit(X)`, nothing else set. Its rivals' settings are chosen on
corrupted rows out of the training rows, and what they say is clipped to [0, 1]. Wavelets: pip install -r
benchmarks/requirements.txt
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
HELD = 0.1  # of the training rows, to choose the rivals' settings on
SOME = 500  # of these rows, for wavelets: an image at a time is slow


def mnist(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training rows, their labels, test rows and theirs; pixels in [0, 1]."""
    with np.load(path) as file:
        train, test = (file[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test"))
        return train, file["y_train"], test, file["y_test"]


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the rows learnt from and tested on; pixels in [0, 1]."""
    source = datasets.load("digits")
    X = source.read(0, len(source)).astype(np.float32)
    learnt, held = split(len(X), 0.2, 0)
    return X[learnt], X[held]


def corrupted(X: np.ndarray, noise: str, seed: int) -> np.ndarray:
    """Return corrupted rows; drawn by NumPy, once, the same for all rivals."""
    rng = np.random.default_rng(seed)
    kind, _, amount = noise.partition(":")
    if kind == "gaussian":
        return X + np.float32(amount) * rng.standard_normal(X.shape, np.float32)
    return np.where(rng.random(X.shape, np.float32) < float(amount), np.float32(0), X)


def decibels(said: np.ndarray, clean: np.ndarray) -> float:
    """Return the PSNR over all rows, peak 1."""
    return psnr(float(np.square(said.astype(float) - clean).mean()), 1.0)


def pca(train: np.ndarray, held: np.ndarray, noisy: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the test rows projected on as many of the clean training rows' components as does best on held rows."""
    fitted = PCA().fit(train)
    said, error = np.tile(fitted.mean_.astype(np.float32), (len(held), 1)), []
    for scores, component in zip(fitted.transform(noisy).T, fitted.components_, strict=True):
        said += np.outer(scores, component)
        error.append(np.square(said.clip(0, 1) - held).mean())
    count = int(np.argmin(error)) + 1
    fitted = PCA(count).fit(np.concatenate([train, held]))
    return fitted.inverse_transform(fitted.transform(test)), f"{count} components"


def median(test: np.ndarray) -> np.ndarray:
    """Return the test rows, each pixel the median of its 3 × 3."""
    side = int(test.shape[1] ** 0.5)
    return median_filter(test.reshape(-1, side, side), size=(1, 3, 3)).reshape(test.shape)


def wavelet(held: np.ndarray, noisy: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the test rows, denoised by the wavelet settings that do best on held rows."""
    from skimage.restoration import denoise_wavelet

    side = int(test.shape[1] ** 0.5)
    held, noisy = held[:SOME], noisy[:SOME]
    known = np.sqrt(np.square(noisy - held).mean())  # the noise's standard deviation; it need not be estimated

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
    learnt, held = split(len(X), HELD, 0)
    train, clean, noisy, seen = X[learnt], X[held], corrupted(X[held], noise, 1), corrupted(test, noise, 0)
    rivals: dict[str, Callable[[], tuple[np.ndarray, str]]] = {
        "as it is": lambda: (seen, ""),
        "PCA": lambda: pca(train, clean, noisy, seen),
        "median": lambda: (median(seen), ""),
        "wavelet": lambda: wavelet(clean, noisy, seen),
    }
    found, how = {}, {}
    for rival, denoise in rivals.items():
        said, how[rival] = denoise()
        # unclipped noise stays as the network sees it
        found[rival] = decibels(said if rival == "as it is" else said.clip(0, 1), test)
    start = time.perf_counter()
    model = DenoisingAutoencoder(corruption=noise, random_state=0).fit(X)
    seconds = time.perf_counter() - start
    ours = decibels(model.denoise(seen), test)
    cells = [f"{found[rival]:.2f}" + (f" ({how[rival]})" if how[rival] else "") for rival in rivals]
    gain = f"**{ours:.2f}** | {ours - max(found.values()):+.2f} | {seconds:.0f}"
    return f"| {name} | {len(X):,} | {noise} | {' | '.join(cells)} | {gain} |"


def publish(title: str, lines: list[str], out: str | None) -> None:
    """Print a table under where and when it was made; write it as well."""
    threads = torch.get_num_threads()
    where = f"{processor()}, {threads} thread{'s' if threads > 1 else ''}, {time.strftime('%Y-%m-%d')}; {title}"
    text = "\n".join([where, "", *lines]) + "\n"
    print(text)
    if out:
        Path(out).write_text(text, encoding="utf-8")


def main() -> None:
    """Compare on each set under each noise, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--out")
    asked = parser.parse_args()
    if not (find_spec("skimage") and find_spec("pywt")):
        raise SystemExit("wavelets need two packages more: pip install scikit-image PyWavelets")
    sets = {"digits": digits()}
    if asked.mnist:
        train, _, test, _ = mnist(asked.mnist)
        sets["MNIST"] = train[: asked.rows], test
    columns = "noisy | PCA | median 3 × 3 | wavelets | ours | over the best | seconds to fit"
    lines = [f"| data | rows | corruption | {columns} |", "|---" * 10 + "|"]
    lines += [compare(name, *rows, noise) for name, rows in sets.items() for noise in NOISES]
    publish("test PSNR in dB", lines, asked.out)


if __name__ == "__main__":
    main()
