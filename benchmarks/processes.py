"""Fits by several processes beside those of one: losses of 50 steps, and codes.

    python benchmarks/processes.py [--only rows,latents,grid] [--out benchmarks/results/processes.md]

The recipes are those of tests/together.py. Rows are distributed over two, three and four processes, latents as well; in
a grid, two processes have other rows and two other latents. Of all processes the worst number counts. What cannot be
distributed is left out: taciturn refuses it by name.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from race import publish

import together

EPOCHS = 10  # of five steps
ALONE = ("deep", "hierarchical", "blind spot", "l1, ordered", "multi topk, orthogonal")  # latents: not distributed
SETUPS = {  # number of processes, and of those over which latents are distributed
    "rows": ((2, 1), (3, 1), (4, 1)),
    "latents": ((2, 2), (3, 3), (4, 4)),
    "grid": ((4, 2),),
}
LOSSES = ("loss", "validation_loss")
Numbers = dict[str, np.ndarray]


def fits(folder: Path, count: int, latents: int, names: list[str]) -> list[Numbers]:
    """Return the numbers of the fits that each of some processes made."""
    variables = {"LATENT_PROCESSES": str(latents), "EPOCHS": str(EPOCHS)}
    group = together.Group(count, "tests/together.py", folder / f"of-{latents}", *names, variables=variables)
    for status, _, errors in group.end(timeout=None):
        if status:
            raise SystemExit(errors)
    return [dict(np.load(folder / f"of-{latents}-{count}-{rank}.npz")) for rank in range(count)]


def compared(name: str, one: Numbers, several: list[Numbers]) -> str:
    """Return two cells of a recipe: the largest relative difference of losses, and the share of equal entries."""
    differences = [
        np.nanmax(np.abs(each[key] - one[key]) / np.abs(one[key]), initial=0)
        for each in several
        for key in (f"{name}/{number}" for number in LOSSES)
    ]
    same = min(np.mean((each[f"{name}/codes"] != 0) == (one[f"{name}/codes"] != 0)) for each in several)
    return f"{max(differences):.1e} | {same:.4%}"


def main() -> None:
    """Print a table of recipes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SETUPS), help="what is distributed, joined by commas")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    together.EPOCHS = EPOCHS
    one, lines = together.fit_all(()), []
    for kind in args.only.split(","):
        for count, latents in SETUPS[kind]:
            names = [name for name in together.estimators() if latents == 1 or name not in ALONE]
            with tempfile.TemporaryDirectory() as folder:
                several = fits(Path(folder), count, latents, names)
            for name in names:
                lines.append(f"| {name} | {count} | {kind} | {compared(name, one, several)} |")
                print(lines[-1], file=sys.stderr, flush=True)
    head = [
        "| recipe | processes | distributed | largest relative difference of losses | equal entries of the codes |",
        "|---|---|---|---|---|",
    ]
    publish("one process against several: 50 steps", [*head, *sorted(lines)], {}, args.out)


if __name__ == "__main__":
    main()
