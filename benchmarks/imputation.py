"""Impute missing values: taciturn's `denoise`, beside the column's mean, KNNImputer and IterativeImputer.

python benchmarks/imputation.py [--out benchmarks/results/imputation.md]

A fifth of the values of digits, wine and breast_cancer is missing at random (seeds 0 to 4); every method is fitted to
the rows with missing values and imputes them. The number is the squared error on the missing values as a share of that
of the columns' means; columns of tables are divided by their standard deviations. taciturn has no other settings than
those named; scikit-learn's imputers have their defaults, on columns of tables that are standardised.

The second table is the mean activation of the codes of all rows, of a SparseAutoencoder with the target 5%.
"""

import argparse
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from race import publish
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer

from taciturn import DenoisingAutoencoder, SparseAutoencoder, datasets

SHARE, SEEDS, TARGET = 0.2, range(5), 0.05
DATA = ("digits", "wine", "breast_cancer")


def methods(seed: int) -> dict[str, Callable[[Any], Any]]:
    """Return what imputes rows, by name."""
    return {
        "DenoisingAutoencoder()": lambda X: DenoisingAutoencoder(random_state=seed).fit(X).denoise(X),
        'corruption="missing:0.2"': lambda X: (
            DenoisingAutoencoder(corruption="missing:0.2", random_state=seed).fit(X).denoise(X)
        ),
        "KNNImputer()": lambda X: KNNImputer().fit_transform(X),
        "IterativeImputer()": lambda X: IterativeImputer(random_state=seed).fit_transform(X),
    }


def with_holes(name: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a data set's rows, the same with missing values, and which are missing; tables in standard deviations."""
    source = datasets.load(name)
    X = source.read(0, len(source)).astype(np.float64)
    X = X if source.columns is None else (X - X.mean(0)) / X.std(0)
    missing = np.random.default_rng(seed).random(X.shape) < SHARE
    return X, np.where(missing, np.nan, X), missing


def main() -> None:
    """Fit all methods to all data sets and publish the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out")
    out = parser.parse_args().out
    warnings.simplefilter("ignore")
    results: dict[str, dict[str, list[float]]] = {}
    for name in DATA:
        shares = results[name] = {}
        for seed in SEEDS:
            X, rows, missing = with_holes(name, seed)
            of_mean = np.square((np.nanmean(rows, 0) - X)[missing]).sum()
            for method, impute in methods(seed).items():
                share = np.square((impute(rows) - X)[missing]).sum() / of_mean
                shares.setdefault(method, []).append(float(share))
            codes = SparseAutoencoder(sparsity=f"kl:{TARGET}", random_state=seed).fit_transform(rows)
            shares.setdefault("mean activation", []).append(float(codes.mean()))
        print(name, {method: round(float(np.mean(values)), 4) for method, values in shares.items()}, flush=True)

    def cell(values: list[float], form: str = ".3f") -> str:
        return f"{np.mean(values):{form}} ({np.min(values):{form}} to {np.max(values):{form}})"

    names = list(methods(0))
    lines = [f"| rows | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(cell(results[name][method]) for method in names)} |" for name in DATA]
    lines += ["", f"| rows | mean activation (target {TARGET:.0%}) |", "|---|---|"]
    lines += [f"| {name} | {cell(results[name]['mean activation'], '.2%')} |" for name in DATA]
    title = "squared error on the 20% missing values over that of the columns' means: mean of five seeds (range)"
    publish(title, lines, results, out)


if __name__ == "__main__":
    main()
