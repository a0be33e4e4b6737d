"""Is this version as fast, as quick to start and as small as another? Both take turns, each in its own environment.

Usage: python benchmarks/pair_versions.py OTHER_PYTHON [--rounds N]

OTHER_PYTHON is the interpreter of an environment with the other version; this version is that of the interpreter that
runs the script. Prints, for each task, the median of both and the median ratio: this over the other, below 1 is better.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

FIT = """
import json, resource, time, warnings
import numpy as np, torch
import taciturn
warnings.simplefilter("ignore")
torch.set_num_threads({threads})
rows = np.random.default_rng(0).normal(size=({rows}, {columns})).astype(np.float32)
model = taciturn.{estimator}
model.fit(rows[:2000])  # warm
start = time.perf_counter()
model.fit(rows)
fit = time.perf_counter() - start
start = time.perf_counter()
model.transform(rows)
print(json.dumps({{"fit": fit, "transform": time.perf_counter() - start,
                  "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}))
"""
TASKS = {
    "textbook": FIT.format(
        threads=2, rows=20_000, columns=256, estimator='SparseAutoencoder(300, corruption="gaussian:0.4", max_iter=5)'
    ),
    "small": FIT.format(threads=1, rows=1_800, columns=64, estimator="SparseAutoencoder(100, max_iter=40)"),
    "topk": FIT.format(
        threads=2,
        rows=16_384,
        columns=256,
        estimator="DictionaryAutoencoder(4096, k=32, batch_size=2048, max_iter=3)",
    ),
    "jumprelu": FIT.format(
        threads=2,
        rows=8_192,
        columns=128,
        estimator='DictionaryAutoencoder(1024, k=16, sparsity="jumprelu", batch_size=1024, max_iter=3)',
    ),
}
STARTS = {
    "import taciturn": ["-c", "import taciturn"],
    "import an estimator": ["-c", "import taciturn; taciturn.SparseAutoencoder"],
    "--help": ["-m", "taciturn", "--help"],
    "fit --help": ["-m", "taciturn", "fit", "--help"],
}


def measured(python: str, name: str) -> dict[str, float]:
    """Return a task's numbers under an interpreter."""
    start = time.perf_counter()
    command = ["-c", TASKS[name]] if name in TASKS else STARTS[name]
    done = subprocess.run([python, *command], capture_output=True, text=True, check=True)
    if name in STARTS:
        return {"s": time.perf_counter() - start}
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers


def main() -> None:
    """Run all tasks in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(f"{'task':24}{'number':12}{'other':>10}{'this':>10}{'ratio':>8}")
    for name in (*STARTS, *TASKS):
        rounds = []
        for turn in range(given.rounds):
            order = [given.other, sys.executable][:: 1 if turn % 2 else -1]
            numbers = {python: measured(python, name) for python in order}
            rounds.append((numbers[given.other], numbers[sys.executable]))
        for key in rounds[0][0]:
            other, this = ([pair[side][key] for pair in rounds] for side in (0, 1))
            ratio = statistics.median(b / a for a, b in zip(other, this, strict=True))
            print(f"{name:24}{key:12}{statistics.median(other):10.3f}{statistics.median(this):10.3f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
