"""Memory of a fit beside what `taciturn plan` gives: the most anonymous memory (RssAnon) of a process of its own.

python benchmarks/plan.py [--only 2]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from taciturn.core.plan import Plan

FIT = """
import sys
import numpy as np
from taciturn import DictionaryAutoencoder
rows, inputs, latents, k, batch_size = map(int, sys.argv[1:])
X = np.random.default_rng(0).standard_normal((rows, inputs), dtype=np.float32)
DictionaryAutoencoder(latents, k=k, batch_size=batch_size, max_steps=6, random_state=0).fit(X)
"""
SIZES = ((4000, 256, 4096, 256), (4000, 512, 16384, 256), (4000, 1024, 16384, 256), (8000, 1024, 32768, 1024))
K = 32


def peak_bytes(*arguments: int) -> int:
    """Return the most anonymous memory of a fit."""
    process, most = subprocess.Popen([sys.executable, "-c", FIT, *map(str, arguments)]), 0
    while process.poll() is None:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                most = max(most, 1024 * int(line.split()[1]))
        time.sleep(0.005)
    if process.returncode:
        raise SystemExit("the fit failed")
    return most


def main() -> None:
    """Print a table of sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=int, default=len(SIZES), help="how many sizes")
    sizes = SIZES[: parser.parse_args().only]
    print(
        "| rows | inputs | latents | batch | measured, MB | planned, MB | difference |\n|---|---|---|---|---|---|---|"
    )
    for rows, inputs, latents, batch_size in sizes:
        measured = peak_bytes(rows, inputs, latents, K, batch_size)
        planned = Plan(rows, inputs, latents, K, batch_size=batch_size).need("rows").memory
        cells = f"{measured / 1e6:.0f} | {planned / 1e6:.0f} | {planned / measured - 1:+.0%}"
        print(f"| {rows} | {inputs} | {latents} | {batch_size} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
