"""Measure start-up times: `taciturn --help` and an estimator's import, beside `import torch`.

python benchmarks/startup.py [ROUNDS]     new processes in turns; medians, and ratios to `import torch`
"""

import platform
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "import torch": [sys.executable, "-c", "import torch"],
    "taciturn --help": [sys.executable, "-m", "taciturn", "--help"],
    "taciturn.SparseAutoencoder": [sys.executable, "-c", "import taciturn; taciturn.SparseAutoencoder"],
}


def processor() -> str:
    """Return the processor's name."""
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def seconds(command: list[str]) -> float:
    """Return the seconds that a command takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Time all commands in turn and print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    torch = statistics.median(times["import torch"])
    print(f"{processor()}, {time.strftime('%Y-%m-%d')}, {rounds} rounds")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:28} {median:.2f} s  ({min(taken):.2f} … {max(taken):.2f})  {median / torch:.2f} × import torch")


if __name__ == "__main__":
    main()
