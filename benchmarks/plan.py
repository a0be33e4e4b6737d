"""Memory and traffic of fits beside what `taciturn plan` gives.

    python benchmarks/plan.py [--only 2] [--processes 1,2,4] [--distributed rows,latents] [--out FILE.md]

Memory is the most anonymous memory (RssAnon) of a process, bytes sent in a step are what Linux counts of all its TCP
connections (tcp_info): the median of steps 2 to 5. Steps after which the loss is read again, as after the first and the
fourth, send a forward pass more. With several processes "measured" is the largest of their numbers.
"""

import argparse
import json
import sys
import time
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from race import publish

import together
from taciturn.core.plan import Plan

FIT = """
import json, os, socket, stat, struct, sys
import numpy as np
from taciturn import DictionaryAutoencoder
from taciturn.training import run

rows, inputs, latents, k, batch_size, latent_processes = map(int, sys.argv[1:])
BYTES_SENT = 200  # offset in Linux's struct tcp_info
counts, update = [], run.update

def sent():
    total = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            number = os.dup(int(name))
        except OSError:
            continue
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            with socket.socket(fileno=number) as connection:
                if connection.family in (socket.AF_INET, socket.AF_INET6) and connection.type == socket.SOCK_STREAM:
                    total += struct.unpack_from("Q", connection.getsockopt(socket.IPPROTO_TCP, 11, 256), BYTES_SENT)[0]
        else:
            os.close(number)
    return total

def counted(*arguments):
    counts.append(sent())
    return update(*arguments)

run.update = counted
X = np.random.default_rng(0).standard_normal((rows, inputs), dtype=np.float32)
model = DictionaryAutoencoder(latents, k=k, batch_size=batch_size, max_steps=6, random_state=0)
model.fit(X, latent_processes=latent_processes)
print(json.dumps(float(np.median(np.diff(counts[1:])))))
"""
SIZES = ((4000, 256, 4096, 256), (4000, 512, 16384, 256), (4000, 1024, 16384, 256), (8000, 1024, 32768, 1024))
K = 32


def measured(n_processes: int, *arguments: int) -> tuple[int, float]:
    """Return the most anonymous memory of a process of a fit, and the bytes that it sends in a step."""
    group, most = together.Group(n_processes, "-c", FIT, *arguments), 0
    while running := [process.pid for process in group.processes if process.poll() is None]:
        for pid in running:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("RssAnon"):
                    most = max(most, 1024 * int(line.split()[1]))
        time.sleep(0.005)
    ends = group.end()
    if any(status for status, _, _ in ends):
        raise SystemExit("the fit failed: " + ends[0][2][-2000:])
    return most, max(json.loads(output.splitlines()[-1]) for _, output, _ in ends)


def main() -> None:
    """Print a table of sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=int, default=len(SIZES), help="how many sizes")
    parser.add_argument("--processes", default="1,2,4", help="numbers of processes, joined by commas")
    parser.add_argument("--distributed", default="rows,latents", help="what is distributed over them, joined by commas")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    lines = [
        "| distributed | rows | inputs | latents | batch | processes | memory, MB | planned | difference | sent, MB "
        "| planned | difference |",
        f"|{'---|' * 12}",
    ]
    cases = product(SIZES[: args.only], map(int, args.processes.split(",")), args.distributed.split(","))
    for (rows, inputs, latents, batch_size), n_processes, distributed in cases:
        if n_processes > 1 or distributed == "rows":
            latent_processes = n_processes if distributed == "latents" else 1
            memory, sent = measured(n_processes, rows, inputs, latents, K, batch_size, latent_processes)
            need = Plan(rows, inputs, latents, K, n_processes, batch_size).need(distributed)
            cells = [distributed, rows, inputs, latents, batch_size, n_processes]
            cells += [f"{memory / 1e6:.0f}", f"{need.memory / 1e6:.0f}", f"{need.memory / memory - 1:+.0%}"]
            cells += [f"{sent / 1e6:.1f}", f"{need.sent / 1e6:.1f}", f"{need.sent / sent - 1:+.0%}" if sent else ""]
            lines.append(f"| {' | '.join(map(str, cells))} |")
            print(lines[-1], file=sys.stderr, flush=True)
    publish("k = 32, six steps", lines, {}, args.out)


if __name__ == "__main__":
    main()
