"""What a hundredth of the rows, a hundred times as large, does to the other rows' score, and which scaling mends it.

Usage: python benchmarks/extreme_rows.py [--seeds 5] [--out benchmarks/results/extreme-rows.md]

Score: 1 - FVU of the ordinary rows, in units of their own standard deviations. Table: six factors in 20 columns of
units from 0.1 to 10, 5 standard deviations from 0. Features: sums of 3 of 64 known directions in 32 columns. 2,000
rows each; 20 of them are multiplied by 100. "warned": seeds in which `fit` warned (`ExtremeRows`). One thread.
"""

import argparse
import warnings

import numpy as np
import torch
from race import publish
from sklearn.linear_model import LinearRegression

from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, datasets
from taciturn.core.errors import ExtremeRows

N_ROWS, N_EXTREME, FACTOR = 2000, 20, 100
MODELS = {
    "table, denoising": (DenoisingAutoencoder, {"n_components": 16, "max_iter": 30}),
    "features, TopK": (DictionaryAutoencoder, {"n_components": 64, "k": 3, "max_iter": 30}),
}
SCALINGS = ("auto", "row_norm", "row_norm:per_column=true", "row_norm:clip=3")
FOR_TABLES = ("row_norm:clip=3,per_column=true",)
OTHERS = ("robust", "rank_gauss", "minmax", "mean_norm")  # that do not mend it


def rows_of(name, seed):
    """Return rows without extreme ones."""
    if name.startswith("features"):
        return datasets.known_dictionary(N_ROWS, n_features=64, n_inputs=32, active=3, random_state=seed).rows
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(N_ROWS, 6)) @ rng.normal(size=(6, 20)) + 0.3 * rng.normal(size=(N_ROWS, 20))
    return (rows / rows.std(0) + 5) * np.geomspace(0.1, 10, 20)


def fitted(name, training, seed, scaling):
    """Return a fitted model, and whether `fit` warned."""
    kind, parameters = MODELS[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = kind(scaling=scaling, random_state=seed, **parameters).fit(training)
    return model, any(issubclass(warning.category, ExtremeRows) for warning in caught)


def score_of_codes(name, training, ordinary, seed, scaling):
    """Return R² of the linear regression from the codes of ordinary rows to these rows, and whether `fit` warned."""
    model, warned = fitted(name, training, seed, scaling)
    codes, rows = model.transform(ordinary), ordinary / ordinary.std(0)
    codes = codes.toarray() if hasattr(codes, "toarray") else codes
    return float(LinearRegression().fit(codes, rows).score(codes, rows)), warned


def score(name, training, ordinary, seed, scaling):
    """Return the score on ordinary rows after a training on `training`, and whether `fit` warned."""
    model, warned = fitted(name, training, seed, scaling)
    errors = np.square((model.denoise(ordinary) - ordinary) / ordinary.std(0)).sum()
    fvu = errors / np.square((ordinary - ordinary.mean(0)) / ordinary.std(0)).sum()
    return float(1 - fvu), warned


def one_seed(name, seed):
    """Return the score and whether there was a warning, by what was done."""
    clean = np.asarray(rows_of(name, seed), np.float64)
    extreme = np.zeros(N_ROWS, bool)
    extreme[np.random.default_rng(1000 + seed).choice(N_ROWS, N_EXTREME, replace=False)] = True
    rows, ordinary = np.where(extreme[:, None], FACTOR * clean, clean), clean[~extreme]
    found = {}
    is_table = name.startswith("table")
    for scaling in (*SCALINGS, *FOR_TABLES * is_table):
        found[f"{scaling}, without extreme rows"] = score(name, ordinary, ordinary, seed, scaling)
        found[f"{scaling}, with them"] = score(name, rows, ordinary, seed, scaling)
    if not is_table:
        print(name, seed, {key: round(value, 3) for key, (value, _) in found.items()}, flush=True)
        return found
    found |= {f"{scaling}, with them": score(name, rows, ordinary, seed, scaling) for scaling in OTHERS}
    found["rank_gauss, with them, regression from codes"] = score_of_codes(name, rows, ordinary, seed, "rank_gauss")
    clipped = np.clip(rows, *np.percentile(rows, [1, 99], axis=0))
    found["auto, columns clipped to 1 and 99%"] = score(name, clipped, ordinary, seed, "auto")
    print(name, seed, {key: round(value, 3) for key, (value, _) in found.items()}, flush=True)
    return found


def main():
    """Measure all models and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out")
    a = parser.parse_args()
    torch.set_num_threads(1)
    numbers = {name: [one_seed(name, seed) for seed in range(a.seeds)] for name in MODELS}
    lines = [
        "| scaling | " + " | ".join(f"{name}, {len(seeds)} seeds | warned" for name, seeds in numbers.items()) + " |",
        "|---" * (1 + 2 * len(MODELS)) + "|",
    ]
    for key in numbers[next(iter(MODELS))][0]:
        cells = []
        for seeds in numbers.values():
            if key not in seeds[0]:
                cells += ["", ""]
                continue
            values, n = [found[key][0] for found in seeds], len(seeds)
            error = np.std(values, ddof=1) / np.sqrt(n) if n > 1 else 0
            cells += [f"{np.mean(values):.3f} ± {error:.3f}", f"{sum(found[key][1] for found in seeds)} of {n}"]
        lines.append(f"| {key} | " + " | ".join(cells) + " |")
    publish(
        f"1 - FVU of the ordinary rows, means ± standard error; 1 thread; "
        f"`python benchmarks/extreme_rows.py --seeds {a.seeds}`",
        lines,
        numbers,
        a.out,
    )


if __name__ == "__main__":
    main()
