"""Gradient boosting on raw columns, on codes of a denoising autoencoder, and on both.

python benchmarks/features.py [--tables FOLDER] [--out benchmarks/results/features.md]

Tables of scikit-learn, and those of Debian's R packages that `benchmarks/tables.py` wrote to FOLDER (build/tables).
Each seed draws at most 1,000 rows, and three folds of them. Within a training fold a DenoisingAutoencoder is fitted,
without labels: swap noise at 15% and 64 codes. HistGradientBoosting, with its defaults, is fitted to the same rows' raw
columns, codes, and raw columns beside codes (`outputs="input+codes"`). The number is the balanced accuracy of the test
folds; of diabetes, whose label is a number, R². The last column is the difference of both and raw columns, with the
standard deviation of its mean over five seeds. Classes of fewer than ten rows are left out.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import sklearn.datasets
from race import publish
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold

from taciturn import DenoisingAutoencoder

SEEDS, FOLDS, ROWS, MIN_CLASS = range(5), 3, 1000, 10
OUTPUTS = {"raw columns": None, "codes": "codes", "both": "input+codes"}
BUNDLED = ("breast_cancer", "wine", "diabetes", "digits")
PACKAGED = ("glass", "ionosphere", "pima", "satellite", "sonar", "vehicle")


def tables(folder: str | None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield each table's name, rows and labels."""
    for name in BUNDLED:
        yield name, *getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    for name in PACKAGED if folder else ():
        with np.load(Path(folder) / f"{name}.npz") as stored:
            yield name, stored["X"], stored["labels"]


def scores(X: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """Return the score of the predictions for all test folds, by the features."""
    number = y.dtype.kind == "f"
    if not number:
        names, counts = np.unique(y, return_counts=True)
        known = np.isin(y, names[counts >= MIN_CLASS])
        X, y = X[known], y[known]
    drawn = np.random.default_rng(seed).permutation(len(X))[:ROWS]
    X, y = X[drawn], y[drawn]
    splitter = (KFold if number else StratifiedKFold)(FOLDS, shuffle=True, random_state=seed)
    predicted = {name: np.empty_like(y) for name in OUTPUTS}
    for train, test in splitter.split(X, y):
        model = DenoisingAutoencoder(64, corruption="swap:0.15", max_iter=60, random_state=seed).fit(X[train])
        for name, outputs in OUTPUTS.items():
            features = X if outputs is None else model.set_params(outputs=outputs).transform(X)
            boosting = HistGradientBoostingRegressor if number else HistGradientBoostingClassifier
            predicted[name][test] = boosting(random_state=seed).fit(features[train], y[train]).predict(features[test])
    score = r2_score if number else balanced_accuracy_score
    return {name: float(score(y, labels)) for name, labels in predicted.items()}


def main() -> None:
    """Score all tables and publish the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", help="the folder that benchmarks/tables.py filled")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    results: dict[str, dict[str, list[float]]] = {}
    for name, X, y in tables(arguments.tables):
        by_seed = [scores(X.astype(float), y, seed) for seed in SEEDS]
        results[name] = {features: [each[features] for each in by_seed] for features in OUTPUTS}
        print(name, {features: round(float(np.mean(values)), 4) for features, values in results[name].items()})
        sys.stdout.flush()

    def gain(of: dict[str, list[float]]) -> str:
        difference = np.subtract(of["both"], of["raw columns"])
        return f"{difference.mean():+.3f} ± {difference.std(ddof=1) / np.sqrt(len(difference)):.3f}".replace("-", "−")

    lines = [f"| table | {' | '.join(OUTPUTS)} | both − raw columns |", "|---" * (len(OUTPUTS) + 2) + "|"]
    for name, of in results.items():
        lines.append(f"| {name} | {' | '.join(f'{np.mean(values):.3f}' for values in of.values())} | {gain(of)} |")
    means = {features: np.mean([of[features] for of in results.values()]) for features in OUTPUTS}
    lines.append(f"| mean | {' | '.join(f'{mean:.3f}' for mean in means.values())} | |")
    advice = "keep the codes beside the raw columns only if cross-validation gains more than its standard error"
    lines += ["", f"Advice: {advice}; most of these tables gain nothing."]
    title = "gradient boosting, balanced accuracy (diabetes: R²) of held-out rows: means of five seeds"
    publish(title, lines, results, arguments.out)


if __name__ == "__main__":
    main()
