"""Measure ONNX files: their opset, operators and size, and onnxruntime's rows/s beside taciturn's.

python benchmarks/onnx_files.py [--rounds 6] [--seconds 1] [--batches 1,1024] [--threads 1,2] [--out TABLE.md]

classic      784 → 300 → 784, sigmoid codes, KL penalty; rows in [0, 1]
dictionary   512 → 8,192 → 512, TopK 32; rows are standardised

taciturn is `transform` and `denoise` on a float32 array, onnxruntime a session's `run` on the same. They take turns in
processes of their own (see race.py). This file is not called onnx.py: scripts beside it would import it as the package.
"""

import argparse
import itertools
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from race import publish, race, serve

TASKS = {"encode": "transform", "denoise": "denoise"}
MODELS = {"classic": 784, "dictionary": 512}


def rows(model: str, n: int) -> Any:
    """Return rows [n, D] in float32."""
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.random((n, MODELS[model])) if model == "classic" else 3 + rng.standard_normal((n, MODELS[model]))
    return x.astype(np.float32)


def trained(model: str) -> Any:
    """Return an estimator trained on one batch."""
    from taciturn import DictionaryAutoencoder, SparseAutoencoder

    settings = {"random_state": 0, "device": "cpu", "max_iter": 1}
    if model == "classic":
        return SparseAutoencoder(300, sparsity="kl:0.05", **settings).fit(rows(model, 512))
    return DictionaryAutoencoder(8192, k=32, **settings).fit(rows(model, 512))


def make(a: argparse.Namespace) -> Callable[[], Any]:
    """Return the step of a contestant: one batch."""
    x = rows(a.model, a.batch)
    if a.worker == "taciturn":
        import torch

        from taciturn import load

        torch.set_num_threads(a.n_threads)
        method = getattr(load(Path(a.folder, a.model)), TASKS[a.task])
        return lambda: method(x)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = a.n_threads
    file = Path(a.folder, f"{a.model}-{a.task}.onnx")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"rows": x})


def files(folder: Path) -> list[str]:
    """Write the models and their files; return the lines of a table of the files."""
    import onnx

    lines = ["| model | computes | opset | operators | ONNX file | torch.export's |", "|---|---|---|---|---|---|"]
    for model, what in itertools.product(MODELS, (*TASKS, "decode")):
        if not (folder / model).exists():
            estimator = trained(model)
            estimator.save(folder / model)
        file = folder / f"{model}-{what}.onnx"
        estimator.to_onnx(file, what)
        estimator.to_torch_export(file.with_suffix(".pt2"), what)
        content = onnx.load(file)
        operators = Counter(node.op_type for node in content.graph.node)
        named = ", ".join(f"{n} {name}" if n > 1 else name for name, n in operators.items())
        sizes = " | ".join(f"{each.stat().st_size / 1e6:,.2f} MB" for each in (file, file.with_suffix(".pt2")))
        lines.append(f"| {model} | {what} | {content.opset_import[0].version} | {named} | {sizes} |")
    return lines


def main() -> None:
    """Run the races and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--batches", default="1,1024")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--out")
    for name in ("worker", "model", "task", "folder"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--n-threads", type=int, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.worker:
        serve(lambda: make(a))
        return
    lines = ["| model | computes | batch | threads | taciturn, rows/s | onnxruntime, rows/s | × |"]
    lines += ["|---|---|---|---|---|---|---|"]
    results = []
    with tempfile.TemporaryDirectory() as name:
        of_files = files(Path(name))
        batches, threads = ([int(n) for n in text.split(",")] for text in (a.batches, a.threads))
        for model, task, batch, n_threads in itertools.product(MODELS, TASKS, batches, threads):
            options = {"model": model, "task": task, "folder": name, "batch": batch, "n-threads": n_threads}
            texts = [text for key, value in options.items() for text in (f"--{key}", str(value))]
            contestants = [(each, sys.executable) for each in ("taciturn", "onnxruntime")]
            ours, other = race(
                __file__, contestants, batch, rounds=a.rounds, seconds=a.seconds, options=texts, threads=n_threads
            )
            del options["folder"]
            results.append(options | {"taciturn": ours, "onnxruntime": other})
            rates = f"{ours['rate']:,.0f} | {other['rate']:,.0f} | {other['rate'] / ours['rate']:.2f}"
            lines.append(f"| {model} | {task} | {batch:,} | {n_threads} | {rates} |")
    title = f"ONNX files; rows/s are medians of {a.rounds} rounds of {a.seconds:g} s, × is onnxruntime's to taciturn's"
    publish(title, [*of_files, "", *lines], results, a.out)


if __name__ == "__main__":
    main()
