"""Kill fits at random moments, resume them, and compare them with fits that were not killed.

    python benchmarks/kill.py [--count 100] [--seed 0] [--out benchmarks/results/kill.md]

Each of four recipes is fitted once without a kill. Then it is started again and killed (SIGKILL): half of the times
after a random time, half of the times at a random call of what a step and the writing of a checkpoint consist of,
before the call, after it, or when half of a file is written. `taciturn resume` goes on, and is killed once as well.
Compared are the bytes of weights, training state, metrics and recipe, config.json and all columns of the history
without times, and the rows of each epoch.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from race import publish

from killing import COMMANDS, Process, calls, faults, fit, kill_and_resume, write_rows


def main() -> int:
    """Return how many of the resumed runs differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rng, different = random.Random(args.seed), []
    lines = ["| recipe | runs | kills | the same bits | each row once an epoch |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        rows = write_rows(place)
        for index, (recipe, options) in enumerate(COMMANDS.items()):
            whole = place / f"whole-{index}", place / f"whole-{index}.rows"
            start = time.perf_counter()
            if Process(fit(rows, options, whole[0]), whole[1]).wait():
                raise SystemExit(whole[1].with_suffix(".txt").read_text())
            seconds = time.perf_counter() - start
            n_calls = calls(fit(rows, options, place / f"count-{index}"), whole[1])
            count, kills, found = args.count // len(COMMANDS), Counter(), Counter()
            for number in range(count):
                killed = place / f"killed-{index}-{number}", place / f"killed-{index}-{number}.rows"
                kills[kill_and_resume(fit(rows, options, killed[0]), *killed, rng, n_calls, seconds)] += 1
                unlike = faults(whole, killed)
                found["same"] += not set(unlike) - {"rows"}
                found["rows"] += "rows" not in unlike
                different += [(recipe, number, unlike)] if unlike else []
            total = sum(int(text.split()[0]) * n for text, n in kills.items())
            lines.append(f"| {recipe} | {count} | {total} | {found['same']} | {found['rows']} |")
            print(lines[-1], flush=True)
    for recipe, number, unlike in different:
        print(recipe, number, unlike)
    publish(f"{args.count} runs, seed {args.seed}", lines, {}, args.out)
    return len(different)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
