"""How runs of two processes end, started by torchrun: exit statuses, and the bits of the weights.

    python benchmarks/exits.py [--count 20] [--only command] [--out benchmarks/results/exits.md]

"command" is `taciturn fit`, "script" a program that calls `fit`. "killed" is `taciturn fit` with checkpoints, of which
process 1 is killed (SIGKILL) before its eighth step and started again by `torchrun --max-restarts 1`. Weights are
compared with those of the first run, those of "killed" with the first of "command".
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from race import publish

import together
from taciturn.core.checksum import checksum

SCRIPT = """
import os, sys
import numpy as np
from taciturn import DictionaryAutoencoder
rows, out = sys.argv[1:]
model = DictionaryAutoencoder(96, k=4, batch_size=130, max_iter=3, random_state=0).fit(np.load(rows))
if os.environ["RANK"] == "0":
    model.save(out)
"""
OPTIONS = (
    "--k",
    "4",
    "--latents",
    "96",
    "--batch-size",
    "130",
    "--epochs",
    "3",
    "--held-out",
    "0",
    "--no-report",
    "-q",
)
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def command(kind: str, place: Path, out: Path) -> list[str]:
    """Return the command line of a run."""
    fit = ["fit", str(place / "rows.npy"), *OPTIONS, "-o", str(out)]
    if kind == "command":
        return [*TORCHRUN, "-m", "taciturn", *fit]
    if kind == "script":
        return [*TORCHRUN, str(place / "script.py"), str(place / "rows.npy"), str(out)]
    killed = [str(together.ROOT / "tests" / "failing.py"), "is killed", f"{out}-killed"]
    return [*TORCHRUN, "--max-restarts", "1", *killed, *fit, "--checkpoint-every", "2steps"]


def main() -> int:
    """Return how many runs ended otherwise than they should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--only", choices=("command", "script", "killed"))
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    lines, faults, expected = (
        ["| start | runs | exit status 0 | the same bits | longest, s |", "|---|---|---|---|---|"],
        0,
        "",
    )
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        together.np.save(place / "rows.npy", together.rows())
        (place / "script.py").write_text(SCRIPT)
        for kind in (args.only,) if args.only else ("command", "script", "killed"):
            n_exits = n_same = longest = 0
            for number in range(args.count):
                out, start = place / f"{kind}-{number}", time.perf_counter()
                run = command(kind, place, out)
                done = subprocess.run(run, env=together.environment(), capture_output=True, text=True)
                longest = max(longest, time.perf_counter() - start)
                n_exits += done.returncode == 0
                weights = checksum(out / "weights.safetensors") if done.returncode == 0 else ""
                expected = expected or weights
                n_same += weights == expected
                if done.returncode or weights != expected:
                    print(done.stderr, file=sys.stderr)
                print(
                    kind, number, done.returncode, weights == expected, f"{longest:.0f} s", file=sys.stderr, flush=True
                )
            faults += 2 * args.count - n_exits - n_same
            lines.append(f"| {kind} | {args.count} | {n_exits} | {n_same} | {longest:.0f} |")
    publish(f"{args.count} runs of each", lines, {}, args.out)
    return faults


if __name__ == "__main__":
    sys.exit(min(main(), 1))
