"""Denoise rows of which no clean ones exist: blind_spot beside PCA and beside a network that is given the clean rows.

Usage: python benchmarks/blind_spot.py [--mnist FILE.npz] [--seeds 5] [--out benchmarks/results/blind_spot.md]

Data: digits with N(0, 0.4); breast_cancer, standardised, with N(0, 0.5); and, with --mnist, 6,000 training images of
MNIST with N(0, 0.4). The noise is drawn anew for each seed. Each method sees noisy rows only, except for "clean
targets" and for PCA's number of components, the best for the clean rows. Rows are the training rows themselves, as for
somebody who wants these rows denoised. "told" is `denoising_error` of a fifth of the rows, which another model was not
trained on, over their true error: 1 is exact.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from race import publish
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from taciturn import DenoisingAutoencoder, datasets


def rows_of(name: str, mnist: str | None) -> tuple[np.ndarray, float, dict[str, object]]:
    """Return clean rows, the standard deviation of their noise, and the estimator's parameters."""
    if name == "digits":
        return datasets.load("digits").read(0, 1797).astype(np.float32), 0.4, {"n_components": 32}
    if name == "breast_cancer":
        rows = StandardScaler().fit_transform(load_breast_cancer().data).astype(np.float32)
        return rows, 0.5, {"n_components": 16, "activation": "elu"}
    with np.load(mnist) as file:
        images = file["x_train"][:6000].reshape(-1, 784).astype(np.float32) / 255
    return images, 0.4, {"n_components": 128, "max_iter": 40, "shape": (28, 28)}


def error(recon: np.ndarray, clean: np.ndarray) -> float:
    """Return the mean squared error."""
    return float(np.square(recon - clean).mean())


def best_pca(noisy: np.ndarray, clean: np.ndarray) -> float:
    """Return the error of PCA with the number of components that is best for the clean rows."""
    counts = [n for n in (1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 30, 40, 60) if n < min(noisy.shape)]
    return min(
        error((pca := PCA(n, random_state=0).fit(noisy)).inverse_transform(pca.transform(noisy)), clean) for n in counts
    )


def one_seed(clean: np.ndarray, std: float, parameters: dict[str, object], seed: int) -> dict[str, float]:
    """Return each method's error for one draw of the noise."""
    rng = np.random.default_rng(seed)
    noisy = (clean + std * rng.standard_normal(clean.shape)).astype(np.float32)

    def fitted(rows: np.ndarray, corruption: str | None, target: np.ndarray | None = None) -> DenoisingAutoencoder:
        return DenoisingAutoencoder(corruption=corruption, random_state=seed, **parameters).fit(rows, target=target)

    known = f"blind_spot:0.2,noise={std}"
    start = time.perf_counter()
    results = {"the noisy rows": error(noisy, clean), "PCA, best number": best_pca(noisy, clean)}
    results["no blind spot"] = error(fitted(noisy, "gaussian:0.3").denoise(noisy), clean)
    for name, corruption in (
        ("blind", "blind_spot:0.2"),
        ("noise=auto", "blind_spot:0.2,noise=auto"),
        ("noise known", known),
    ):
        results[name] = error(fitted(noisy, corruption).denoise(noisy), clean)
    results["clean targets"] = error(fitted(noisy, None, clean).denoise(noisy), clean)
    order = rng.permutation(len(clean))
    test, train = order[: len(order) // 5], order[len(order) // 5 :]
    model = fitted(noisy[train], known)
    told, standard_error = model.denoising_error(noisy[test])
    true = error(model.denoise(noisy[test]), clean[test])
    results |= {"told / true": told / true, "its standard error": standard_error / true}
    print(f"seed {seed}: {time.perf_counter() - start:.0f} s", {k: round(v, 4) for k, v in results.items()}, flush=True)
    return results


def main() -> None:
    """Measure all data sets and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", default="digits,breast_cancer")
    parser.add_argument("--out")
    a = parser.parse_args()
    warnings.simplefilter("ignore")
    lines, numbers = [], {}
    for name in [*filter(None, a.data.split(",")), *(["mnist"] if a.mnist else [])]:
        clean, std, parameters = rows_of(name, a.mnist)
        seeds = [one_seed(clean, std, parameters, seed) for seed in range(a.seeds)]
        numbers[name] = seeds
        if not lines:
            lines = ["| | " + " | ".join(seeds[0]) + " |", "|---" * (len(seeds[0]) + 1) + "|"]
        cells = []
        for key in seeds[0]:
            values = [each[key] for each in seeds]
            cells.append(f"{np.mean(values):.4f} ± {np.std(values, ddof=1) if a.seeds > 1 else 0:.4f}")
        lines.append(f"| {name}, N(0, {std}) | " + " | ".join(cells) + " |")
    publish(
        f"mean squared errors to the clean rows, means of {a.seeds} seeds ± standard deviation; "
        f"{torch.get_num_threads()} threads",
        lines,
        numbers,
        a.out,
    )


if __name__ == "__main__":
    main()
