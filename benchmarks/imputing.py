"""Impute missing values: DenoisingImputer beside the column's mean, KNNImputer and IterativeImputer.

python benchmarks/imputing.py [--seeds 5] [--tables iris wine …] [--mixed build/tables/mixed] [--forests]
    [--cache FOLDER] [--out benchmarks/results/imputing.md]

Five tables of numbers: four of scikit-learn, and "nonlinear", 600 rows of 8 columns that are products, sines, squares
and absolute values of three normal factors, with noise of a fifth of each column's standard deviation. With --mixed,
five tables of numbers, booleans and text as well (`make tables` writes them), 500 rows of each drawn at random. Values
are missing (seeds 0, 1, …) at random; or by a rule, "other": the higher the value of the next column, the more
probably; or by the rule "own": the higher the value itself, the more probably (no method corrects for that). A value of
the rank r, 0 … 1, is missing with the probability share · (0.25 + 1.5 r). A category's levels are ranked by name, equal
values at random.

The error is the root of the mean squared error on the missing numbers, columns divided by their standard deviations
(NRMSE), and the share of the missing categories that are imputed wrongly (PFC). The times are seconds of one core
(process time) of fitting and imputing. "BayesianRidge" and "ExtraTrees" are IterativeImputer() with BayesianRidge, its
default, and with ExtraTreesRegressor(100). Forests run with --forests and the first seed only, because they take
minutes, and on mixed tables with 30% missing only. DenoisingImputer has nothing set, and gets a mixed table as it is.
The other methods get standardised numbers and a column of 0 and 1 for each level of a category, of which the largest is
taken; "mean" is then the most frequent level. IterativeImputer gets no column for a category's first level: with it
each column would be 1 minus the others, and stay what it is at first. The coverage is the share of missing numbers
between the 2nd and the 38th of 39 draws, which is 90% of exact draws. With --cache, finished cases are kept, so that an
interrupted run continues.
"""

import argparse
import json
import time
import warnings
from itertools import product
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from race import publish
from sklearn import datasets
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from tables import MIXED

from taciturn import DenoisingImputer

TABLES = ("iris", "wine", "diabetes", "breast_cancer", "nonlinear")
MIXED_ROWS = 500
RULES, SHARES = ("random", "other", "own"), (0.1, 0.3, 0.5)
FOREST_SHARE = 0.3  # of mixed tables
N_DRAWS = 39


def table(name: str, mixed: Path | None = None) -> pd.DataFrame:
    """Return a table: columns of float64, and others that are categories."""
    if name in MIXED:
        frame = pd.read_csv(mixed / f"{name}.csv")
        frame = frame.sample(min(MIXED_ROWS, len(frame)), random_state=0, ignore_index=True)
        return frame.astype(dict.fromkeys(frame.select_dtypes("int").columns, float))
    if name != "nonlinear":
        return getattr(datasets, f"load_{name}")(as_frame=True).data.astype(float)
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((3, 600))
    X = np.column_stack([a, b, a * b, np.sin(2 * c), c, a**2 - c, np.tanh(2 * b + c), np.abs(a)])
    return pd.DataFrame(X + 0.2 * X.std(0) * rng.standard_normal(X.shape)).add_prefix("x")


def is_missing(frame: pd.DataFrame, rule: str, share: float, seed: int) -> np.ndarray:
    """Return which values are missing."""
    X = frame.apply(lambda column: column if column.dtype == float else pd.factorize(column, sort=True)[0]).to_numpy()
    rng = np.random.default_rng([seed, RULES.index(rule), round(100 * share)])
    ties = 1e-9 * X.std(0) * rng.standard_normal(X.shape)
    ranks = (X + ties).argsort(0).argsort(0) / (len(X) - 1)
    rank = {"random": np.full(X.shape, 0.5), "other": np.roll(ranks, -1, 1), "own": ranks}[rule]
    missing: np.ndarray = rng.random(X.shape) < share * (0.25 + 1.5 * rank)
    return missing


def encode(holed: pd.DataFrame, first: int) -> np.ndarray:
    """Return standardised numbers, and a column of 0 and 1 for each level from the `first` on; NaN where missing."""
    numbers, others = holed.select_dtypes(float), holed.select_dtypes(exclude=float)
    levels = [
        pd.get_dummies(column, dtype=float).where(column.notna(), np.nan, axis=0).iloc[:, first:]
        for _, column in others.items()
    ]
    return pd.concat([(numbers - numbers.mean()) / numbers.std(), *levels], axis=1).to_numpy()


def decode(rows: np.ndarray, holed: pd.DataFrame, first: int) -> pd.DataFrame:
    """Return imputed rows as a table: what `encode` did, undone. The level of the largest number is taken."""
    numbers, others = holed.select_dtypes(float), holed.select_dtypes(exclude=float)
    start = numbers.shape[1]
    imputed = pd.DataFrame(rows[:, :start], columns=numbers.columns) * numbers.std() + numbers.mean()
    for name, column in others.items():
        levels = pd.get_dummies(column).columns
        block = rows[:, start : start + len(levels) - first]
        start += block.shape[1]
        imputed[name] = levels[np.hstack([1 - block.sum(1, keepdims=True)] * first + [block]).argmax(1)]
    return imputed[holed.columns]


def methods(seed: int) -> dict[str, Any]:
    """Return the imputers by name."""
    return {
        "mean": SimpleImputer(),
        "KNNImputer": KNNImputer(),
        "BayesianRidge": IterativeImputer(random_state=seed),
        "DenoisingImputer": DenoisingImputer(random_state=seed),
        "ExtraTrees": IterativeImputer(ExtraTreesRegressor(100, random_state=seed), random_state=seed),
    }


def measure(frame: pd.DataFrame, rule: str, share: float, seed: int, method: str) -> dict[str, float]:
    """Return a method's errors and time, and the coverage of the draws."""
    missing, imputer = is_missing(frame, rule, share, seed), methods(seed)[method]
    holed, numbers = frame.mask(missing), frame.select_dtypes("float").columns
    is_number = frame.columns.isin(numbers)
    ours, first = method == "DenoisingImputer", int(isinstance(imputer, IterativeImputer))
    rows = encode(holed, first) if not ours else holed.to_numpy() if is_number.all() else holed
    start = time.process_time()
    completed = imputer.fit_transform(rows)
    result = {"seconds": time.process_time() - start}
    imputed = pd.DataFrame(completed, columns=frame.columns) if ours else decode(completed, holed, first)
    where, X = missing[:, is_number], frame[numbers].to_numpy()
    deviations = (imputed[numbers].to_numpy(float) - X) / X.std(0)
    result["NRMSE"] = float(np.sqrt(np.square(deviations[where]).mean()))
    if not is_number.all():
        wrong = (imputed.astype(str) != frame.astype(str)).to_numpy()[:, ~is_number]
        result["PFC"] = float(wrong[missing[:, ~is_number]].mean())
    if ours:
        tables = (pd.DataFrame(drawn, columns=frame.columns) for drawn in imputer.impute(rows, N_DRAWS))
        low, high = np.sort([drawn[numbers].to_numpy(float) for drawn in tables], axis=0)[[1, -2]]
        result["coverage"] = float(((low <= X) & (high >= X))[where].mean())
    return result


Results = list[dict[str, Any]]


def means(results: Results, key: str, method: str, **chosen: Any) -> str:
    """Return the mean of the results of a method that agree with `chosen`, as text; tuples are alternatives."""
    wanted = {name: value if isinstance(value, tuple) else (value,) for name, value in chosen.items()}
    wanted["method"] = (method,)
    values = [r[key] for r in results if key in r and all(r[name] in value for name, value in wanted.items())]
    return f"{np.mean(values):.3f}" if values else "-"


def with_forests(results: Results) -> Results:
    """Return the results of the cases that forests have as well."""
    case = itemgetter("table", "rule", "share", "seed")
    cases = {case(result) for result in results if result["method"] == "ExtraTrees"}
    return [result for result in results if case(result) in cases]


def error_lines(results: Results, key: str, names: tuple[str, ...]) -> list[str]:
    """Return a table of the errors by table and rule, and by share."""
    each, few = list(dict.fromkeys(result["method"] for result in results)), with_forests(results)
    rows = [(name, rule, {"table": name, "rule": rule}) for name in names for rule in RULES]
    rows += [("all", f"{share:.0%}", {"table": names, "share": share}) for share in SHARES]
    lines = [f"| {key} | missing | {' | '.join(each)} |", "|---" * (len(each) + 2) + "|"]
    for name, text, chosen in [*rows, ("all", "all", {"table": names})]:
        cells = [means(results, key, method, **chosen) for method in each]
        if few:
            cells = [
                cell if method == "ExtraTrees" else f"{cell} ({means(few, key, method, **chosen)})"
                for cell, method in zip(cells, each, strict=True)
            ]
        lines.append(f"| {name} | {text} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Impute all tables and publish the errors, the times and the coverage."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tables", nargs="*", default=TABLES, choices=TABLES)
    parser.add_argument("--mixed", type=Path)
    parser.add_argument("--forests", action="store_true")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    DenoisingImputer(8, max_iter=1).fit(np.eye(4))  # torch is loaded before the first time is taken
    plain, mixed, results = tuple(arguments.tables), tuple(MIXED) if arguments.mixed else (), []
    for name, seed, rule, share, method in product((*plain, *mixed), range(arguments.seeds), RULES, SHARES, methods(0)):
        if method == "ExtraTrees" and (not arguments.forests or seed or (name in mixed and share != FOREST_SHARE)):
            continue
        file = arguments.cache and arguments.cache / f"{name}-{rule}-{share}-{seed}-{method}.json"
        if file and file.exists():
            result = json.loads(file.read_text())
        else:
            result = measure(table(name, arguments.mixed), rule, share, seed, method)
            if file:
                arguments.cache.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(result))
        results.append({"table": name, "rule": rule, "share": share, "seed": seed, "method": method, **result})
        print(name, seed, rule, share, method, {key: round(number, 3) for key, number in result.items()}, flush=True)

    text = ["Means of all shares and seeds; in brackets those of the cases that forests have: the first seed"]
    text[0] += f", of mixed tables {FOREST_SHARE:.0%} missing." if mixed else "."
    groups = [("Tables of numbers", "NRMSE", plain), ("Mixed tables, their numbers", "NRMSE", mixed)]
    for title, key, names in [*groups, ("Mixed tables, their categories", "PFC", mixed)]:
        own = [result for result in results if result["table"] in names]
        text += ["", f"{title}:", "", *error_lines(own, key, names)] if names else []
    each = [method for method in methods(0) if arguments.forests or method != "ExtraTrees"]
    text += ["", "Seconds of the cases in brackets:", "", f"| | {' | '.join(each)} |", "|---" * (len(each) + 1) + "|"]
    timed = with_forests(results) or results
    for name in (*plain, *mixed):
        text.append(f"| {name} | {' | '.join(means(timed, 'seconds', method, table=name) for method in each)} |")
    for title, _, names in groups:
        text += ["", f"{title}: coverage of 90% intervals from {N_DRAWS} draws:", ""] if names else []
        text += (
            [f"| missing | {' | '.join(f'{share:.0%}' for share in SHARES)} |", "|---|---|---|---|"] if names else []
        )
        for rule in RULES if names else ():
            cells = (means(results, "coverage", "DenoisingImputer", table=names, rule=rule, share=s) for s in SHARES)
            text.append(f"| {rule} | {' | '.join(cells)} |")
    publish(f"errors of imputed values; {arguments.seeds} seeds", text, results, arguments.out)


if __name__ == "__main__":
    main()
