"""Measure contestants in separate processes, each in its own environment, in turns.

A benchmark is a script with makers: functions that return step(), which does one unit of work. The script starts
itself as a worker process for each contestant, with that contestant's python. Each worker warms up alone. Then all
take turns, in an order drawn again each round, so that a slow minute of a shared machine affects all alike. This file
and the makers import only what the contestant's environment has.
"""

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

THREADS = 2
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8")  # instructions that speed up products


def resident() -> float:
    """Return this process's peak memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def serve(make: Callable[[], Callable[[], Any]], warm_up: int = 3, memory: Callable[[], float] = resident) -> None:
    """Run as a worker: warm up, then answer each input line (seconds) with the steps' times and the memory in MB.

    The last step of the warm-up may return a loss. It shows whether contestants do the same.
    """
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what contestants print goes to stderr, apart from the answers
    step = make()
    loss = [step() for _ in range(warm_up)][-1]
    print(json.dumps({"loss": loss if isinstance(loss, float) else None}), file=answer, flush=True)
    for line in sys.stdin:
        stop, times = time.perf_counter() + float(line), []
        while not times or time.perf_counter() < stop:
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        print(json.dumps({"times": times, "mb": memory()}), file=answer, flush=True)


@dataclass
class Worker:
    """A contestant's process and its measurements."""

    name: str
    process: "subprocess.Popen[str]"
    rounds: list[list[float]] = field(default_factory=list)
    mb: float = 0.0
    loss: float | None = None  # after the warm-up
    failed: str = ""

    def answer(self) -> dict[str, Any] | None:
        """Return the next answer; None, with `failed` set, if the process has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.failed = f"exit status {self.process.wait()}"
        return json.loads(line) if line else None

    def go(self, seconds: float) -> None:
        """Let the worker run steps for so many seconds, and record the times."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        if answer := self.answer():
            self.rounds.append(answer["times"])
            self.mb = answer["mb"]

    def result(self, units: float) -> dict[str, Any]:
        """Return units/s: the median of all steps, and of the slowest and the fastest round; and the peak memory."""
        if self.failed:
            return {"name": self.name, "failed": self.failed}
        medians = [units / statistics.median(times) for times in self.rounds]
        every = [seconds for times in self.rounds for seconds in times]
        rate = units / statistics.median(every)
        spread = {"low": min(medians), "high": max(medians)}
        return {"name": self.name, "rate": rate, **spread, "mb": self.mb, "loss": self.loss}


def start(script: str, name: str, python: str, options: Sequence[str], log: IO[str], threads: int) -> Worker:
    """Return a contestant's worker after its warm-up."""
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    env |= {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS")}
    env |= {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}",
    }
    command = [python, script, "--worker", name, *options]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    worker = Worker(name, subprocess.Popen(command, env=env, text=True, stderr=log, **pipes))
    worker.loss = (worker.answer() or {}).get("loss")
    return worker


def race(
    script: str,
    contestants: Sequence[tuple[str, str]],
    units: float,
    *,
    rounds: int,
    seconds: float,
    options: Sequence[str] = (),
    threads: int = THREADS,
) -> list[dict[str, Any]]:
    """Return one result per (name, python), in order; a step does `units` of work."""
    with open(os.environ.get("RACE_LOG", os.devnull), "a") as log:
        workers = [start(script, name, python, options, log, threads) for name, python in contestants]
        for _ in range(rounds):
            for worker in random.sample(workers, len(workers)):
                if not worker.failed:
                    worker.go(seconds)
        for worker in workers:
            assert worker.process.stdin is not None
            worker.process.stdin.close()
            worker.process.wait()
    return [worker.result(units) for worker in workers]


def table(results: Sequence[dict[str, Any]], unit: str = "rows", *, losses: bool = False) -> list[str]:
    """Return a table's lines; ratios are to the first contestant; `losses` adds a column, for comparable losses."""
    base = next((r["rate"] for r in results if "rate" in r), 1.0)
    lines = [f"| | {unit}/s | slowest … fastest round | × the first | peak MB |{' loss |' if losses else ''}"]
    lines += ["|---|---|---|---|---|" + ("---|" if losses else "")]
    for r in results:
        if "failed" in r:
            lines.append(f"| {r['name']} | failed: {r['failed']} | | | |")
        else:
            spread = f"{r['low']:,.0f} … {r['high']:,.0f}"
            loss = (" |" if r["loss"] is None else f" {r['loss']:.4f} |") if losses else ""
            numbers = f"{r['rate']:,.0f} | {spread} | {r['rate'] / base:.2f} | {r['mb']:,.0f}"
            lines.append(f"| {r['name']} | {numbers} |{loss}")
    return lines


def machine() -> str:
    """Return the processor's name, its instructions that speed up products, and the date."""
    fields: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = [flag for flag in FLAGS if flag in fields["flags"].split()]
    family = f"family {fields['cpu family']} model {fields['model']}"
    return f"{fields['model name']} ({family}, {' '.join(flags)}), {time.strftime('%Y-%m-%d')}"


def publish(title: str, lines: Sequence[str], data: Any, out: str | None) -> None:
    """Print a table below its machine, date and title; write it to `out` if given, with a JSON file of the numbers."""
    text = "\n".join([f"{machine()}; {title}", "", *lines]) + "\n"
    print(text)
    if out:
        Path(out).write_text(text, encoding="utf-8")
        numbers = {"machine": machine(), "title": title, "results": data}
        Path(out).with_suffix(".json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
