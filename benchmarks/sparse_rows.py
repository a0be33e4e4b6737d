"""Measure the memory and the time of a fit on sparse rows, beside the same rows given dense at a smaller size.

    python benchmarks/sparse_rows.py --out benchmarks/results/sparse-rows.md

Each fit runs in a process of its own, for one epoch, with 256 latents. 0.1% of the rows' entries are counts, the others
0; columns are of very different frequency. Memory is the peak during the fit, statistics, initialisation and
calibration included, less what the process held before it: Python, PyTorch and the rows themselves. Linux only.
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import race

LATENTS = 256
DENSITY = 0.001
CASES = [  # estimator, its parameters, rows, columns, whether the rows are sparse
    ("SparseAutoencoder", {}, 20_000, 50_000, True),
    ("DictionaryAutoencoder", {"k": 16, "revive": None}, 20_000, 50_000, True),
    ("DictionaryAutoencoder", {"k": 16}, 20_000, 50_000, True),
    ("SparseAutoencoder", {}, 4_000, 10_000, True),
    ("SparseAutoencoder", {}, 4_000, 10_000, False),
    ("DictionaryAutoencoder", {"k": 16}, 4_000, 10_000, True),
    ("DictionaryAutoencoder", {"k": 16}, 4_000, 10_000, False),
]


def status(key):
    """Return a number of /proc/self/status in MB (10⁶ bytes)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024 / 1e6


def counts(n_rows, n_columns):
    """Return sparse rows of counts [n_rows, n_columns], float64."""
    import numpy as np
    from scipy.sparse import csr_array

    rng = np.random.default_rng(0)
    n = round(n_rows * n_columns * DENSITY)
    columns = (n_columns * rng.random(n) ** 2).astype(np.int64)
    return csr_array((rng.poisson(2, n) + 1.0, (rng.integers(0, n_rows, n), columns)), shape=(n_rows, n_columns))


def measure(name, parameters, n_rows, n_columns, sparse):
    """Return the numbers of one fit."""
    import numpy as np

    import taciturn

    warnings.simplefilter("ignore")
    X = counts(n_rows, n_columns)
    X = X if sparse else X.toarray()
    options, kind = parameters | {"max_iter": 1, "random_state": 0}, getattr(taciturn, name)
    # what is imported at the first fit is no part of this one
    kind(20, **options).fit(np.random.default_rng(0).random((600, 20)))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, start = status("VmRSS"), time.perf_counter()
    model = kind(LATENTS, **options).fit(X)
    seconds, peak = time.perf_counter() - start, status("VmHWM") - before
    weights = sum(parameter.nbytes for parameter in model.module_.parameters()) / 1e6
    return {
        "estimator": name,
        "parameters": parameters,
        "rows": n_rows,
        "columns": n_columns,
        "sparse": sparse,
        "batch_size": model.settings_.batch_size,
        "given_mb": before,
        "weights_mb": weights,
        "peak_mb": peak,
        "ratio": peak / weights,
        "seconds": seconds,
        "score": model.score(X[:500]),
    }


def name_of(result):
    """Return the estimator with its parameters."""
    return f"{result['estimator']}({', '.join(f'{name}={value}' for name, value in result['parameters'].items())})"


def main():
    """Run all cases, or, as a child process, one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        print(json.dumps(measure(*CASES[options.case])))
        return
    results = []
    for case in range(len(CASES)):
        command = [sys.executable, __file__, "--case", str(case)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        results.append(json.loads(done.stdout.splitlines()[-1]))
    lines = [
        "| estimator | rows | given | weights | peak of the fit | × weights | batch | one epoch |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        lines.append(
            f"| {name_of(r)} | {r['rows']:,} × {r['columns']:,} | {'sparse' if r['sparse'] else 'dense'} | "
            f"{r['weights_mb']:.0f} MB | {r['peak_mb']:.0f} MB | {r['ratio']:.2f} | {r['batch_size']} | "
            f"{r['seconds']:.0f} s |"
        )
    title = f"{LATENTS} latents, rows with {DENSITY:.1%} entries other than 0, memory beside PyTorch and the rows"
    race.publish(title, lines, results, options.out)


if __name__ == "__main__":
    main()
