"""Impute missing values: DenoisingImputer beside the column's mean, KNNImputer and IterativeImputer.

python benchmarks/imputing.py [--seeds 5] [--tables iris wine …] [--forests] [--out benchmarks/results/imputing.md]

Five tables: four of scikit-learn, and "nonlinear", 600 rows of 8 columns that are products, sines, squares and absolute
values of three normal factors, with noise of a fifth of each column's standard deviation. Values are missing (seeds 0,
1, …) at random; or by a rule, "other": the higher the value of the next column, the more probably; or by the rule
"own": the higher the value itself, the more probably (no method corrects for that). A value of the rank r, 0 … 1, is
missing with the probability share · (0.25 + 1.5 r).

The error is the root of the mean squared error on the missing values, columns divided by their standard deviations
(NRMSE). The times are seconds of one core (process time) of fitting and imputing. "BayesianRidge" and "ExtraTrees" are
IterativeImputer() with BayesianRidge, its default, and with ExtraTreesRegressor(100), on standardised columns. Forests
run with --forests and the first seed only, because they take minutes. DenoisingImputer has nothing set. The coverage is
the share of missing values between the 2nd and the 38th of 39 draws, which is 90% of exact draws.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from race import publish
from sklearn import datasets
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from taciturn import DenoisingImputer

TABLES = ("iris", "wine", "diabetes", "breast_cancer", "nonlinear")
RULES, SHARES = ("random", "other", "own"), (0.1, 0.3, 0.5)
N_DRAWS = 39


def table(name: str) -> np.ndarray:
    """Return the rows of a table."""
    if name != "nonlinear":
        rows: np.ndarray = getattr(datasets, f"load_{name}")().data.astype(float)
        return rows
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((3, 600))
    X = np.column_stack([a, b, a * b, np.sin(2 * c), c, a**2 - c, np.tanh(2 * b + c), np.abs(a)])
    return X + 0.2 * X.std(0) * rng.standard_normal(X.shape)


def is_missing(X: np.ndarray, rule: str, share: float, seed: int) -> np.ndarray:
    """Return which values are missing."""
    rng = np.random.default_rng([seed, RULES.index(rule), round(100 * share)])
    ties = 1e-9 * X.std(0) * rng.standard_normal(X.shape)
    ranks = (X + ties).argsort(0).argsort(0) / (len(X) - 1)
    rank = {"random": np.full(X.shape, 0.5), "other": np.roll(ranks, -1, 1), "own": ranks}[rule]
    missing: np.ndarray = rng.random(X.shape) < share * (0.25 + 1.5 * rank)
    return missing


def methods(seed: int, forests: bool) -> dict[str, Any]:
    """Return the imputers by name."""
    forest = ExtraTreesRegressor(100, random_state=seed)
    return {
        "mean": SimpleImputer(),
        "KNNImputer": KNNImputer(),
        "BayesianRidge": IterativeImputer(random_state=seed),
        "DenoisingImputer": DenoisingImputer(random_state=seed),
        **({"ExtraTrees": IterativeImputer(forest, random_state=seed)} if forests and seed == 0 else {}),
    }


def case(name: str, rule: str, share: float, seed: int, forests: bool) -> list[dict[str, Any]]:
    """Return each method's error and time, and the coverage of the draws."""
    X = table(name)
    missing = is_missing(X, rule, share, seed)
    holed = np.where(missing, np.nan, X)
    mean, std = np.nanmean(holed, 0), np.nanstd(holed, 0)
    rows, results = (holed - mean) / std, []
    for method, imputer in methods(seed, forests).items():
        start = time.process_time()
        imputed = imputer.fit_transform(rows) * std + mean
        result = {"table": name, "rule": rule, "share": share, "seed": seed, "method": method}
        result["seconds"] = time.process_time() - start
        result["error"] = float(np.sqrt(np.square((imputed - X) / X.std(0))[missing].mean()))
        if method == "DenoisingImputer":
            low, high = np.sort(imputer.impute(rows, N_DRAWS), axis=0)[[1, -2]] * std + mean
            result["coverage"] = float(((low <= X) & (high >= X))[missing].mean())
        results.append(result)
    return results


def means(results: list[dict[str, Any]], key: str, method: str, **chosen: Any) -> str:
    """Return the mean of the results of a method that agree with `chosen`, as text."""
    wanted = chosen | {"method": method}
    values = [result[key] for result in results if all(result[name] == value for name, value in wanted.items())]
    return f"{np.mean(values):.3f}" if values else "-"


def main() -> None:
    """Impute all tables and publish the errors, the times and the coverage."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    parser.add_argument("--forests", action="store_true")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    results: list[dict[str, Any]] = []
    cases = [
        (name, rule, share, seed)
        for name in arguments.tables
        for seed in range(arguments.seeds)
        for rule in RULES
        for share in SHARES
    ]
    for each in cases:
        new = case(*each, arguments.forests)
        results += new
        print(*each, {result["method"]: round(result["error"], 3) for result in new}, flush=True)
    names = list(methods(0, arguments.forests))

    def lines(row: Callable[..., str]) -> list[str]:
        text = [f"| table | missing | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
        for name in arguments.tables:
            for rule in RULES:
                text.append(f"| {name} | {rule} | {' | '.join(row(method, name, rule) for method in names)} |")
        return text

    text = ["Error, the mean of all shares and seeds; in brackets with the first seed only, as forests have it:", ""]
    text += lines(
        lambda method, name, rule: (
            f"{means(results, 'error', method, table=name, rule=rule)} "
            f"({means(results, 'error', method, table=name, rule=rule, seed=0)})"
        )
    )
    text += [
        "",
        "Error by share, the mean of all tables and rules (in brackets the first seed); seconds of the first seed:",
        "",
    ]
    text += [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for share in SHARES:
        cells = [
            f"{means(results, 'error', method, share=share)} ({means(results, 'error', method, share=share, seed=0)})"
            for method in names
        ]
        text.append(f"| {share:.0%} missing | {' | '.join(cells)} |")
    for name in arguments.tables:
        text.append(
            f"| seconds, {name} | {' | '.join(means(results, 'seconds', each, table=name, seed=0) for each in names)} |"
        )
    text += ["", f"Coverage of 90% intervals from {N_DRAWS} draws:", ""]
    text += [f"| missing | {' | '.join(f'{share:.0%}' for share in SHARES)} |", "|---" * (len(SHARES) + 1) + "|"]
    for rule in RULES:
        cells = [means(results, "coverage", "DenoisingImputer", rule=rule, share=share) for share in SHARES]
        text.append(f"| {rule} | {' | '.join(cells)} |")
    title = f"root mean squared error on missing values in standard deviations (NRMSE); {arguments.seeds} seeds"
    publish(title, text, results, arguments.out)


if __name__ == "__main__":
    main()
