"""Find outliers in labelled tables: AutoencoderOutlierDetector beside scikit-learn's and PyOD's detectors.

make tables
python benchmarks/outliers.py build/tables [--out benchmarks/results/outliers.md] [--seeds 5]

The peers need PyOD (pip install pyod tqdm); without it, its detectors are left out. Nothing is set in any detector but
the seed. Rows are standardised by the training rows for all peers.

Two settings. "all rows": a detector is fitted to all rows of a table, a tenth of them outliers, and scores the same
rows; detectors with neighbours leave a row itself out. "half the normal rows": it is fitted to half the rows that are
not outliers, and scores the others. The number is the AUROC, a mean over seeds, which decide the rows, their split and
the detector. `tables.py` has the tables and the rule by which a class became the outliers. The detector's recipe was
chosen on every second table by name.

The untrained twin is the detector with the learning rate 0. "planted": a cell of a row, in a random column, is moved by
5 standard deviations of the column, up or down; the detector is fitted to half the normal rows. "p-values": 200 splits
of the normal rows of one table.
"""

import argparse
import warnings
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import tables
from race import publish
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler

from taciturn import AutoencoderOutlierDetector

SETTINGS = ("all rows", "half the normal rows")
OURS = "AutoencoderOutlierDetector"
SPLITS, P_TABLE, P_ROWS = 200, "letter", 300
LEVELS = (0.02, 0.05, 0.1, 0.2, 0.5, 0.8)
PLANTED_ROWS, SHIFT = 50, 5


def detectors(seed: int) -> dict[str, Callable[[np.ndarray, np.ndarray, bool], np.ndarray]]:
    """Return what scores rows by name: a function of training rows, rows, and whether both are the same."""

    def ours(**parameters: Any) -> Callable[[np.ndarray, np.ndarray, bool], np.ndarray]:
        detector = AutoencoderOutlierDetector(random_state=seed, **parameters)
        return lambda training, rows, same: -detector.fit(training).score_samples(rows)

    def scaled(score: Callable[..., np.ndarray]) -> Callable[[np.ndarray, np.ndarray, bool], np.ndarray]:
        def scaled_score(training: np.ndarray, rows: np.ndarray, same: bool) -> np.ndarray:
            scaler = StandardScaler().fit(training)
            return score(scaler.transform(training), scaler.transform(rows), same)

        return scaled_score

    def lof(training: np.ndarray, rows: np.ndarray, same: bool) -> np.ndarray:
        detector = LocalOutlierFactor(novelty=not same).fit(training)
        return -(detector.negative_outlier_factor_ if same else detector.score_samples(rows))

    def pyod(detector: Any) -> Callable[[np.ndarray, np.ndarray, bool], np.ndarray]:
        def score(training: np.ndarray, rows: np.ndarray, same: bool) -> np.ndarray:
            detector.fit(training)
            return detector.decision_scores_ if same else detector.decision_function(rows)

        return scaled(score)

    methods = {
        OURS: ours(),
        "untrained twin": ours(learning_rate=0.0, max_iter=1),
        "IsolationForest": lambda training, rows, same: (
            -IsolationForest(random_state=seed).fit(training).score_samples(rows)
        ),
        "LOF": scaled(lof),
    }
    try:
        from pyod.models.auto_encoder import AutoEncoder
        from pyod.models.ecod import ECOD
        from pyod.models.knn import KNN
        from pyod.models.pca import PCA
    except ImportError:
        print("PyOD is not installed: its detectors are left out")
        return methods
    return methods | {
        "kNN (PyOD)": pyod(KNN()),
        "kNN, mean of 10 (PyOD)": pyod(KNN(n_neighbors=10, method="mean")),
        "PCA (PyOD)": pyod(PCA(random_state=seed)),
        "ECOD (PyOD)": pyod(ECOD()),
        "AutoEncoder (PyOD)": pyod(AutoEncoder(random_state=seed, verbose=0)),
    }


def halves(table: tables.Table, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of half the normal rows, and those of the other half."""
    normal = np.random.default_rng(1000 + seed).permutation(np.flatnonzero(~table.outlier))
    return normal[: len(normal) // 2], normal[len(normal) // 2 :]


def aurocs(folder: str, seed: int, into: dict[str, dict[str, dict[str, list[float]]]]) -> None:
    """Append the AUROC of each detector in each setting on each table."""
    for name in tables.TABLES:
        table = tables.load(folder, name, seed)
        training, others = halves(table, seed)
        rest = np.concatenate([others, np.flatnonzero(table.outlier)])
        cases = {
            SETTINGS[0]: (table.X, table.X, table.outlier),
            SETTINGS[1]: (table.X[training], table.X[rest], table.outlier[rest]),
        }
        for setting, (fitted, rows, outlier) in cases.items():
            for method, score in detectors(seed).items():
                scores = score(fitted, rows, setting == SETTINGS[0])
                into[setting][method].setdefault(name, []).append(float(roc_auc_score(outlier, np.nan_to_num(scores))))
        print(seed, name, round(into[setting][OURS][name][-1], 3), flush=True)


def planted(folder: str, seed: int, into: dict[str, list[float]]) -> None:
    """Append the share of planted cells that are the first reason, and the expected value's error, for each table."""
    for name in tables.TABLES:
        table, rng = tables.load(folder, name, seed), np.random.default_rng(seed)
        training, others = halves(table, seed)
        deviation = table.X[training].std(0)
        columns = np.flatnonzero(deviation)
        rows = table.X[others[:PLANTED_ROWS]]
        cells = np.arange(len(rows)), rng.choice(columns, len(rows))
        rows[cells] += SHIFT * deviation[cells[1]] * rng.choice([-1, 1], len(rows))
        explained = AutoencoderOutlierDetector(random_state=seed).fit(table.X[training]).explain(rows)
        into.setdefault(name, []).append(float((explained.column[:, 0] == cells[1]).mean()))


def p_values(folder: str) -> np.ndarray:
    """Return p-values of normal rows that were not given to fit [SPLITS, rows]."""
    table = tables.load(folder, P_TABLE)
    normal, result = table.X[~table.outlier], []
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(normal))
        detector = AutoencoderOutlierDetector(random_state=seed).fit(normal[order[:P_ROWS]])
        result.append(detector.p_values(normal[order[P_ROWS:]]))
    return np.array(result)


def main() -> None:
    """Fit all detectors to all tables and publish the results after each seed, and once more with the p-values."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--out")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    results: Any = {setting: defaultdict(dict) for setting in SETTINGS}
    shares: dict[str, list[float]] = {}
    for seed in range(options.seeds):
        aurocs(options.folder, seed, results)
        planted(options.folder, seed, shares)
        title = f"AUROC of outliers in {len(tables.TABLES)} tables, {seed + 1} seed{'s' * (seed > 0)}"
        lines = [*_lines(options.folder, results), *_planted(shares)]
        publish(title, lines, {"auroc": results, "planted": shares}, options.out)
    p = p_values(options.folder)
    numbers = {"auroc": results, "planted": shares, "p-values": [float((p <= level).mean()) for level in LEVELS]}
    publish(title, [*lines, *_uniform(p)], numbers, options.out)


def _lines(folder: str, results: Any) -> list[str]:
    parts = {"all": tuple(tables.TABLES), "chosen on": tables.CHOSEN_ON, "others": tables.REPORTED_ON}
    heads = [f"{setting}: {part}" for setting in SETTINGS for part in parts]
    lines = [f"| mean AUROC of tables | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for method in results[SETTINGS[0]]:
        means = [
            np.mean([np.mean(results[setting][method][name]) for name in names])
            for setting in SETTINGS
            for names in parts.values()
        ]
        lines.append(f"| {method} | {' | '.join(f'{mean:.3f}' for mean in means)} |")
    lines += ["", f"The recipe was chosen on {', '.join(tables.CHOSEN_ON)}."]
    methods = list(results[SETTINGS[0]])
    for setting in SETTINGS:
        lines += [
            "",
            f"| {setting} | rows, columns | outliers | {' | '.join(methods)} |",
            "|---" * (len(methods) + 3) + "|",
        ]
        for name in tables.TABLES:
            table = tables.load(folder, name)
            cells = [f"{np.mean(results[setting][method][name]):.3f}" for method in methods]
            kind = f"{table.outlier.sum()} of {', '.join(table.classes)}"
            lines.append(f"| {name} | {len(table.X):,}, {table.X.shape[1]} | {kind} | {' | '.join(cells)} |")
    return lines


def _planted(shares: dict[str, list[float]]) -> list[str]:
    cells = ", ".join(f"{name} {np.mean(values):.0%}" for name, values in shares.items())
    mean = np.mean([np.mean(values) for values in shares.values()])
    return ["", f"Planted cells that are the first reason: {mean:.1%} (mean of tables; {cells})."]


def _uniform(p: np.ndarray) -> list[str]:
    heads = "".join(f" | p ≤ {level:g}" for level in LEVELS)
    shares = np.array([[(split <= level).mean() for level in LEVELS] for split in p])
    errors = shares.std(0, ddof=1) / np.sqrt(len(p))
    n_held_out = int(P_ROWS * 0.2)
    exact = [np.floor(level * (n_held_out + 1)) / (n_held_out + 1) for level in LEVELS]
    rows = [f"{share:.4f} ± {error:.4f}" for share, error in zip(shares.mean(0), errors, strict=True)]
    return [
        "",
        f"p-values of {p.shape[1]:,} new rows of {P_TABLE} in each of {len(p)} splits ({P_ROWS} rows to fit, of which "
        f"{n_held_out} are held out): shares ± standard error over splits. They are multiples "
        f"of 1/{n_held_out + 1}; the second line has the shares of a uniform distribution on these.",
        "",
        f"| rows{heads} |",
        "|---" * (len(LEVELS) + 1) + "|",
        f"| new | {' | '.join(rows)} |",
        f"| uniform | {' | '.join(f'{share:.4f}' for share in exact)} |",
    ]


if __name__ == "__main__":
    main()
