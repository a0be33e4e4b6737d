"""Runs of the command line in forked processes that are killed at any moment, resumed and compared."""

import hashlib
import json
import os
import random
import shutil
import signal
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import sklearn.utils.validation

import taciturn.cli.run
import taciturn.estimators.resuming
import taciturn.report
from taciturn import artifact
from taciturn.cli import main
from taciturn.core import atomic
from taciturn.training import checkpoints, learner, log, run

COMMANDS = {
    "compiled, early stopping": "--sparse kl:0.1 --corrupt gaussian:0.2 --latents 16 --epochs 8 --early-stopping",
    "batch_topk, calibrated": "--k 3 --sparse batch_topk --latents 32 --epochs 8",
    "steps, resampling": "--k 3 --sparse gated --latents 32 --max-steps 150 --validate-every 20",
    "l1, ordered": "--k 3 --sparse l1 --latents 32 --epochs 8 --checkpoint-every 1steps --keep 3",
}
EVERY = "--checkpoint-every 5steps"
# imported before the processes are forked, which are then quick
PRELOADED = pyarrow.parquet, sklearn.utils.validation, taciturn.cli.run, taciturn.estimators.resuming, taciturn.report
# what a checkpoint's write, and that of the closing files, consists of
MOMENTS = [
    (run, "update"),
    (log.Log, "write"),
    (learner, "save_tensors"),
    (checkpoints, "checksum"),
    (atomic, "_sync"),
    (atomic, "_sync_folder"),
    (atomic, "_place"),
    (shutil, "rmtree"),
]


def write_rows(folder: Path, count: int = 700) -> Path:
    """Write rows in [0, 1], whose first number is that of the row, and return the file."""
    rows = np.random.default_rng(0).random((count, 8), dtype=np.float32)
    rows[:, 0] = np.arange(count) / count
    np.save(folder / "rows.npy", rows)
    return folder / "rows.npy"


def fit(rows: Path, options: str, out: Path) -> list[str]:
    """Return the arguments of a fit with checkpoints."""
    every = "" if "--checkpoint-every" in options else EVERY
    return f"fit {rows} {options} {every} --scaling none --threads 1 --no-report -q -o {out}".split()


class Process:
    """A command in a forked process, which writes the rows of each step into a file.

    Parameters
    ----------
    arguments : list of str
        The command's arguments.
    seen : Path
        The file.
    kill_at : int or None
        The process kills itself at so many calls of `MOMENTS`.
    """

    def __init__(self, arguments: list[str], seen: Path, *, kill_at: int | None = None) -> None:
        self.errors = seen.with_suffix(".txt")
        self.pid = os.fork()
        if self.pid:
            return
        status = 1
        try:
            descriptor = os.open(self.errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            warnings.resetwarnings()  # a killed process may have left a temporary folder, which is a warning
            _note_rows(seen)
            if kill_at is not None:
                _count_down(kill_at)
            sys.argv = ["taciturn", *arguments]
            main()
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def wait(self) -> int:
        """Return the exit status; -9 if it was killed."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _note_rows(seen: Path) -> None:
    """Append step and row numbers of each step to a file."""
    real, file = run.update, os.open(seen, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def update(the_run, batch, learning_rate):
        numbers = batch.x[:, 0].numpy().astype("<f4")
        os.write(file, struct.pack("<qqq", the_run.steps, the_run.epoch, len(numbers)) + numbers.tobytes())
        return real(the_run, batch, learning_rate)

    run.update = update


def _count_down(left: int) -> None:
    """Kill this process at a call of one of `MOMENTS`: before it, after it, or in the middle of a file."""
    moment = random.Random(left)

    def counted(real: Callable) -> Callable:
        def call(*given, **options):
            nonlocal left
            left -= 1
            place = moment.choice(["before", "within", "after"]) if left == 0 else ""
            if place == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*given, **options)
            if place == "within":
                files = [part for part in given if isinstance(part, Path) and part.is_file()]
                for file in files:
                    os.truncate(file, file.stat().st_size // 2)
            if place:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for owner, name in MOMENTS:
        setattr(owner, name, counted(getattr(owner, name)))


def result(folder: Path) -> dict[str, str]:
    """Return what a complete run holds, without times: checksums of files and of columns."""
    whole = {}
    for name in ("weights.safetensors", "training.safetensors", "metrics.json", "recipe.toml"):
        whole[name] = hashlib.blake2b((folder / name).read_bytes()).hexdigest()
    config = json.loads((folder / "config.json").read_text())
    config["training"].pop("seconds")
    config.pop("files")
    whole["config"] = json.dumps(config)
    history = artifact.load(folder).history
    columns = {f"step {name}": column for name, column in history.steps.items()}
    columns |= {f"interval {name}": column for name, column in history.items() if name != "seconds"}
    return whole | {name: column.tobytes().hex() for name, column in columns.items()}


def rows_by_epoch(seen: Path) -> dict[int, list[float]]:
    """Return the rows of each epoch; of a step that was done twice those of the last time."""
    data, steps, place = seen.read_bytes(), {}, 0
    while place < len(data):
        step, epoch, count = struct.unpack_from("<qqq", data, place)
        steps[step] = epoch, np.frombuffer(data, "<f4", count, place + 24).tolist()
        place += 24 + 4 * count
    epochs: dict[int, list[float]] = {}
    for _, (epoch, rows) in sorted(steps.items()):
        epochs.setdefault(epoch, []).extend(rows)
    return epochs


def faults(whole: tuple[Path, Path], killed: tuple[Path, Path]) -> list[str]:
    """Return how a run that was killed differs from the whole one; each is its folder and its file of rows."""
    a, b = result(whole[0]), result(killed[0])
    unlike = [name for name in a.keys() | b.keys() if a.get(name) != b.get(name)]
    epochs = list(rows_by_epoch(killed[1]).values())
    once = all(len(set(rows)) == len(rows) for rows in epochs) and all(
        set(rows) == set(epochs[0]) for rows in epochs[:-1]
    )
    return unlike + (["rows"] if not once or epochs != list(rows_by_epoch(whole[1]).values()) else [])


def calls(arguments: list[str], seen: Path) -> int:
    """Return how many calls of `MOMENTS` a command makes."""
    file = seen.with_suffix(".count")
    pid = os.fork()
    if pid == 0:
        count = [0]

        def counted(real):
            def call(*given, **options):
                count[0] += 1
                return real(*given, **options)

            return call

        for owner, name in MOMENTS:
            setattr(owner, name, counted(getattr(owner, name)))
        sys.argv = ["taciturn", *arguments]
        warnings.resetwarnings()
        try:
            main()
        except SystemExit:
            file.write_text(str(count[0]))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return int(file.read_text())


def kill_and_resume(
    arguments: list[str], out: Path, seen: Path, rng: random.Random, n_calls: int, seconds: float
) -> str:
    """Kill a command, and once more after it is resumed, until it is complete; return how often it was killed."""
    first = arguments
    for attempt in range(20):
        by_time = rng.random() < 0.5
        kill_at = None if by_time or attempt > 1 else rng.randrange(1, n_calls)
        process = Process(arguments, seen, kill_at=kill_at)
        if by_time and attempt <= 1:
            time.sleep(rng.uniform(0, seconds))
            os.kill(process.pid, signal.SIGKILL)
        status = process.wait()
        if status == 0:
            return f"{attempt} kills"
        if status != -signal.SIGKILL:
            raise AssertionError(f"status {status}: {process.errors.read_text()}")
        if not (out / "checkpoints").is_dir() or not any((out / "checkpoints").glob("step-*")):
            shutil.rmtree(out, ignore_errors=True)  # killed before the first checkpoint: there is nothing to lose
            arguments = first
        else:
            arguments = ["resume", str(out), "--no-report", "-q"]
    raise AssertionError("it was never complete")


__all__ = ["COMMANDS", "Process", "calls", "faults", "fit", "kill_and_resume", "write_rows"]


def kill_three_times(recipe: str, folder: Path) -> None:
    """Print "same" for each of three runs that were killed and resumed; fail where one differs from a whole one."""
    options, rows, rng = COMMANDS[recipe], write_rows(folder), random.Random(recipe)
    whole = folder / "whole", folder / "whole.rows"
    start = time.perf_counter()
    assert Process(fit(rows, options, whole[0]), whole[1]).wait() == 0
    seconds = time.perf_counter() - start
    n_calls = calls(fit(rows, options, folder / "counted"), whole[1])
    for number in range(3):
        killed = folder / f"killed-{number}", folder / f"killed-{number}.rows"
        kill_and_resume(fit(rows, options, killed[0]), *killed, rng, n_calls, seconds)
        assert faults(whole, killed) == []
        print("same", flush=True)


if __name__ == "__main__":
    kill_three_times(sys.argv[1], Path(sys.argv[2]))
