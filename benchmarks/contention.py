"""Measure training beside another busy program: one thread and two, on a quiet machine and beside busy loops.

Usage: python benchmarks/contention.py [--other PYTHON] [--rounds 10] [--busy 0,1] [--tasks digits,classic,topk,int8]
                                       [--torch-first] [--out TABLE.md]

A busy loop is a process in a session of its own, as of another terminal: Linux shares the processor's time between
sessions. Each measurement is a new process. "digits" is the whole command `taciturn fit digits …`; the others are the
second fit of their process. Numbers are medians of the rounds, in seconds: the time, and the processor time of all
threads, which shows waiting that keeps a core busy. "two / one" is the ratio of the times of two threads and one in the
same conditions. OTHER is the interpreter of an environment with another version, which takes turns with this one.
`--torch-first` imports torch before taciturn, so that OpenMP's waiting is as torch has it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from race import publish

FIT = """
import json, resource, sys, time, warnings
{imports}
import numpy as np
warnings.simplefilter("ignore")
torch.set_num_threads(int(sys.argv[1]))
rows = np.random.default_rng(0).random(({rows}, {columns}), dtype=np.float32)
make = lambda: taciturn.{estimator}.fit(rows)
make()
used, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
make()
seconds, now = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([seconds, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime]))
"""
TOPK = "DictionaryAutoencoder(8192, k=32, batch_size=4096, max_iter=2, precision={!r}, random_state=0)"
FITS = {
    "classic": {
        "rows": 10_240,
        "columns": 784,
        "estimator": 'SparseAutoencoder(300, corruption="gaussian:0.4", sparsity="kl:0.05", batch_size=256, max_iter=3,'
        " random_state=0)",
    },
    "topk": {"rows": 16_384, "columns": 512, "estimator": TOPK.format("fp32")},
    "int8": {"rows": 16_384, "columns": 512, "estimator": TOPK.format("int8")},
}
DIGITS = ["fit", "digits", "--corrupt", "gaussian:0.4", "--sparse", "kl:0.05", "--latents", "256", "--quiet"]


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Return a context beside which so many processes of other sessions are busy."""
    # it ends with this process, even if this process is killed
    loop = [sys.executable, "-c", f"import os\nwhile os.getppid() == {os.getpid()}: pass"]
    processes = [subprocess.Popen(loop, start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measure(python: str, task: str, threads: int, torch_first: bool) -> tuple[float, float]:
    """Return the seconds of a task in a new process, and the processor time of its threads."""
    if task in FITS:
        imports = "import torch, taciturn" if torch_first else "import taciturn, torch"
        command = [python, "-c", FIT.format(imports=imports, **FITS[task]), str(threads)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, start_new_session=True)
        seconds, processor = json.loads(done.stdout)
        return seconds, processor
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-m", "taciturn", *DIGITS, "--threads", str(threads), "-o", str(Path(folder) / "run")]
        start, before = time.perf_counter(), os.times()
        subprocess.run(command, check=True, capture_output=True, start_new_session=True)
        seconds, now = time.perf_counter() - start, os.times()
        used = now.children_user + now.children_system - before.children_user - before.children_system
        return seconds, used


def main() -> None:
    """Measure all tasks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--busy", default="0,1")
    parser.add_argument("--tasks", default="digits,classic,topk,int8")
    parser.add_argument("--torch-first", action="store_true")
    parser.add_argument("--out")
    a = parser.parse_args()
    versions = {"this": sys.executable} | ({"other": a.other} if a.other else {})
    lines = [
        "| task | busy loops | version | one thread | two threads | two / one | processor time: one, two |",
        "|---" * 7 + "|",
    ]
    results = []
    for task in a.tasks.split(","):
        for busy in map(int, a.busy.split(",")):
            times: dict[tuple[str, int], list[tuple[float, float]]] = {}
            with busy_loops(busy):
                for turn in range(a.rounds):
                    for version in list(versions)[:: 1 if turn % 2 else -1]:
                        for threads in (1, 2):
                            measured = measure(versions[version], task, threads, a.torch_first)
                            times.setdefault((version, threads), []).append(measured)
            for version in versions:
                (one, one_used), (two, two_used) = (
                    map(statistics.median, zip(*times[version, threads], strict=True)) for threads in (1, 2)
                )
                used = f"{one_used:.2f}, {two_used:.2f}"
                lines.append(f"| {task} | {busy} | {version} | {one:.2f} | {two:.2f} | {two / one:.2f} | {used} |")
                for threads in (1, 2):
                    kind = {"task": task, "busy": busy, "version": version, "threads": threads}
                    results.append(kind | {"rounds": times[version, threads]})
    order = "torch imported first" if a.torch_first else "taciturn imported first"
    publish(f"medians of {a.rounds} rounds, seconds; {order}", lines, results, a.out)


if __name__ == "__main__":
    main()
