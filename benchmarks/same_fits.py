"""Check that two versions of the library train the same weights, bit for bit.

Usage: python benchmarks/same_fits.py FOLDER                  fit every recipe; write weights, history and folders
       python benchmarks/same_fits.py FOLDER --compare OTHER  compare with another version's files; load its folders

Each recipe is one estimator whose parameters are texts, so that the script runs with any version. Together they use
every estimator, coding layer, term, corruption, solver, constraint, scaling, kernel and precision. One thread.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits, load_wine

import taciturn
from taciturn.core.errors import ArtifactError

DENSE = {"max_iter": 3, "random_state": 0}
SPARSE = {"n_components": 96, "k": 6, "max_iter": 3, "random_state": 0}
LARGE = SPARSE | {"n_components": 1024, "k": 16}
RECIPES = {
    "kl": ("Sparse", DENSE | {"n_components": 64, "sparsity": "kl:0.05"}),
    "kl, written weight": ("Sparse", DENSE | {"n_components": 64, "sparsity": "kl:0.1,weight=0.2"}),
    "squared rate": ("Sparse", DENSE | {"n_components": 64, "sparsity": "squared_rate:0.1", "tied": True}),
    "l1 towards an l0": ("Sparse", DENSE | {"n_components": 64, "sparsity": "l1:l0=8"}),
    "l1, weight": ("Sparse", DENSE | {"n_components": 64, "sparsity": "l1:weight=0.01,scaled=true"}),
    "tanh": ("Sparse", DENSE | {"n_components": 64, "sparsity": "tanh_penalty:l0=8"}),
    "topk in a deep network": ("Sparse", DENSE | {"n_components": (40, 24), "sparsity": "topk:6"}),
    "elu, tanh": ("Sparse", DENSE | {"n_components": (32, 16), "activation": ("elu", "tanh"), "sparsity": None}),
    "gaussian": ("Denoising", DENSE | {"n_components": 64, "corruption": "gaussian:0.4"}),
    "gaussian, bf16": ("Denoising", DENSE | {"n_components": 64, "corruption": "gaussian:0.4", "precision": "bf16"}),
    "dropout": ("Denoising", DENSE | {"n_components": 64, "corruption": "dropout:0.3", "solver": "nadam"}),
    "masking": ("Denoising", DENSE | {"n_components": 64, "corruption": "masking:linear(0.4,0.1)"}),
    "salt and pepper": ("Denoising", DENSE | {"n_components": 64, "corruption": "salt_pepper:0.1"}),
    "swap": ("Denoising", DENSE | {"n_components": 64, "corruption": "swap:0.2", "solver": "sgd:momentum=0.9"}),
    "chain": ("Denoising", DENSE | {"n_components": 64, "corruption": "gaussian:0.1+dropout:0.3"}),
    "cross-entropy": ("Denoising", DENSE | {"n_components": 64, "loss": "cross_entropy", "early_stopping": True}),
    "tensorflow's adam": ("Denoising", DENSE | {"n_components": 64, "solver": "tensorflow_adam:clip=1.0"}),
    "minmax": ("Denoising", DENSE | {"scaling": "minmax", "learning_rate": "cosine:0.003"}),
    "standard": ("Denoising", DENSE | {"scaling": "standard", "learning_rate": "linear:0.003,0"}),
    "topk": ("Dictionary", SPARSE | {"sparsity": "topk"}),
    "topk, large": ("Dictionary", LARGE | {"sparsity": "topk"}),
    "topk, int8": ("Dictionary", LARGE | {"sparsity": "topk", "precision": "int8"}),
    "batch topk": ("Dictionary", SPARSE | {"sparsity": "batch_topk", "scaling": "mean_norm"}),
    "batch topk, large": ("Dictionary", LARGE | {"sparsity": "batch_topk", "constraint": "bounded"}),
    "jumprelu": ("Dictionary", SPARSE | {"sparsity": "jumprelu", "constraint": "free"}),
    "gated": ("Dictionary", SPARSE | {"sparsity": "gated", "revive": "resample"}),
    "l1 dictionary": ("Dictionary", SPARSE | {"sparsity": "l1", "ordered": True}),
    "frozen": ("Dictionary", SPARSE | {"constraint": "frozen", "initial_norm": 0.5}),
    "matryoshka": ("Dictionary", SPARSE | {"matryoshka": "auto", "refine": 1}),
    "whitened": ("Dictionary", SPARSE | {"scaling": "whiten", "revive": "auxk+resample"}),
    "multi topk": ("Dictionary", SPARSE | {"sparsity": "topk:6+multi_topk:24+orthogonality:weight=0.1"}),
    "hierarchical": ("Sparse", DENSE | {"n_components": 64, "sparsity": "topk:6", "loss": "hierarchical_topk"}),
    "sampled matryoshka": (
        "Sparse",
        DENSE | {"n_components": 64, "sparsity": "topk:6", "loss": "matryoshka:sampled=true"},
    ),
}


def numbers(model: object, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the weights, the history without its times, and the codes of rows."""
    codes = model.transform(rows)
    history = {f"step {name}": column for name, column in model.history_.steps.items()}
    history |= {f"epoch {name}": column for name, column in model.history_.items() if name != "seconds"}
    weights = {name: tensor.numpy() for name, tensor in model.module_.state_dict().items()}
    return weights | history | {"codes": codes if isinstance(codes, np.ndarray) else codes.toarray()}


def main() -> int:
    """Fit all recipes and return how many differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--compare", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    digits, wine = load_digits().data / 16, load_wine().data
    differ, start = 0, time.perf_counter()
    for name, (kind, parameters) in RECIPES.items():
        rows = wine if name in ("minmax", "standard") else digits
        path = args.folder / name.replace(" ", "-").replace(",", "").replace("'", "")
        model = getattr(taciturn, f"{kind}Autoencoder")(**parameters).fit(rows)
        mine = numbers(model, rows[:200])
        path.mkdir(parents=True, exist_ok=True)
        np.savez(path / "numbers.npz", **mine)
        model.save(path / "run", overwrite=True)
        if args.compare is None:
            continue
        other = args.compare / path.name
        theirs = np.load(other / "numbers.npz")
        unlike = [key for key in theirs if not np.array_equal(theirs[key], mine.get(key), equal_nan=True)]
        new = sorted(mine.keys() - set(theirs))
        try:
            codes = taciturn.load(other / "run").transform(rows[:200])
            codes = codes if isinstance(codes, np.ndarray) else codes.toarray()
            loaded = "loads, same codes" if np.array_equal(codes, theirs["codes"]) else "has OTHER CODES"
        except ArtifactError:
            loaded = "is refused"  # the versions have different formats
        differ += bool(unlike) or "OTHER" in loaded
        print(
            f"{name:24}{'same' if not unlike else 'DIFFERENT: ' + ', '.join(unlike[:6])}"
            f"{'; new: ' + ', '.join(new) if new else ''}; its folder {loaded}"
        )
    print(
        f"{len(RECIPES)} recipes in {time.perf_counter() - start:.0f} s"
        + (f", {differ} differ" if args.compare else "")
    )
    return differ


if __name__ == "__main__":
    sys.exit(min(main(), 1))
