"""Compare Keras networks on each of Keras's backends with the models that they were made of: numbers and gradients.

python benchmarks/keras_parity.py [--backends tensorflow jax torch] [--out benchmarks/results/keras.md]

Per coding layer the largest deviation over one and two hidden layers, untied and tied, and five scalings; of
dictionaries over their kinds. The rows have a column near 10⁶.

codes          ‖Keras - ours‖ / ‖ours‖; ours in float64
outputs        the largest |Keras - ours| of a column, over its largest value or its scale, whichever is larger
reconstruction the largest ‖Keras - ours‖ / ‖ours‖ of the reconstruction loss's gradient in one parameter
sparsity       the same of the sparsity loss; rows without a column near 10⁶ for both
training       the same of a parameter after five epochs of the textbook's networks, on the same noisy batches
"""

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"
COLUMNS = ("codes", "outputs", "reconstruction", "sparsity")


def largest(deviations: list[dict[str, float]]) -> float:
    """Return the largest of all numbers."""
    return max(number for each in deviations for number in each.values())


def measure() -> dict[str, dict[str, float]]:
    """Return the deviations on this process's backend by row and column."""
    sys.path.insert(0, str(TESTS))
    import keras_measures as measures
    from taciturn.objective import Objective, SquaredError, Term

    reconstruction = Objective((SquaredError(),))
    rows: dict[str, dict[str, float]] = {}

    def add(name: str, models: list[object], near: list[object], penalties: list[float]) -> None:
        numbers = [
            measures.output_deviations(model.to_keras(), model, data)  # type: ignore[attr-defined]
            for model, data in models
        ]
        rows[name] = {
            "codes": max(each["codes"] for each in numbers),
            "outputs": max(each["outputs"] for each in numbers),
            "reconstruction": largest(
                [measures.gradient_deviations(model, reconstruction, measures.NEAR) for model in near]
            ),
        } | ({"sparsity": max(penalties)} if penalties else {})

    for coder in measures.CODERS:
        shapes = [{"tied": tied, "widths": widths} for tied, widths in measures.SHAPES]
        data = {scaling: measures.NEAR if scaling == "none" else measures.FAR for scaling in measures.SCALINGS}
        models = [
            (measures.sparse(coder, scaling=scaling, rows=data[scaling], **shape), data[scaling])
            for shape in shapes
            for scaling in measures.SCALINGS
        ]
        near = [measures.sparse(coder, rows=measures.NEAR, **shape) for shape in shapes]
        penalties = [
            largest([measures.gradient_deviations(model, objective, measures.NEAR)])
            for of_coder, text in measures.PENALTIES
            if of_coder == coder
            for objective in [Objective((SquaredError(weight=0.0), Term.parse(text)))]
            for model in near
        ]
        add(coder, models, near, penalties)
    for name in measures.DICTIONARIES:
        near = [measures.dictionary(name, rows=measures.NEAR)]
        add(f"dictionary, {name}", [(measures.dictionary(name), measures.FAR)], near, [])
    for solver in ("tensorflow_adam:epsilon=1e-7", "adam:epsilon=1e-7"):
        for program in measures.PROGRAMS:
            ours, theirs = measures.textbook_ends(program, solver)
            deviations = {name: measures.relative(theirs[name], ours[name].numpy()) for name in theirs if name in START}
            rows[f"textbook, {program}, {solver.partition(':')[0]}"] = {"training": max(deviations.values())}
    return rows


START = ("encoder.0.weight", "encoder.0.bias", "decoder.0.weight", "decoder.0.bias")


def main() -> None:
    """Measure on each backend in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--out")
    parser.add_argument("--one", action="store_true", help="print this process's numbers as JSON")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.one:
        print(json.dumps(measure()))
        return
    tables = {}
    for backend in args.backends:
        environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, __file__, "--one"]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        tables[backend] = json.loads(done.stdout.splitlines()[-1])
    from startup import processor

    packages = {"tensorflow": "tensorflow_cpu", "jax": "jax", "torch": "torch"}
    versions = ", ".join(f"{name} {version(packages[name])}" for name in args.backends)
    heading = f"{processor()}, 1 thread, {time.strftime('%Y-%m-%d')}; Keras {version('keras')} on {versions}"
    lines = [f"{heading}; the largest relative deviation (benchmarks/keras_parity.py says of what)", ""]
    lines += [
        "| | backend | codes | outputs | gradient, reconstruction | gradient, sparsity |",
        "|---|---|---|---|---|---|",
    ]
    names = list(tables[args.backends[0]])
    numeric = [name for name in names if "training" not in tables[args.backends[0]][name]]
    for name in numeric:
        for backend in args.backends:
            row = tables[backend][name]
            cells = [f"{row[column]:.1e}" if column in row else "" for column in COLUMNS]
            lines.append(f"| {name} | {backend} | {' | '.join(cells)} |")
    lines += ["", f"| weights after five epochs | {' | '.join(args.backends)} |", "|---" * (len(tables) + 1) + "|"]
    for name in names:
        if name not in numeric:
            cells = [f"{tables[backend][name]['training']:.1e}" for backend in args.backends]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if args.out:
        Path(args.out).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
