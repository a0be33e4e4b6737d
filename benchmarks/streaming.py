"""Streamed rows: the read path in GB/s beside reading the files raw, and rows/s and memory of a training.

    python benchmarks/streaming.py FOLDER --gigabytes 2 --columns 512 [--format npy] [--train 8192]

FOLDER is written first if it is empty: shards of 256 MB of float32. The page cache is dropped for these files before
each reading (posix_fadvise), so that the disk is read; with --cached it is not. Memory is anonymous memory (RssAnon):
maps and the page cache do not count.
"""

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from taciturn.data.moments import Moments
from taciturn.data.order import WindowOrder
from taciturn.data.sources import Rows, blocks_of, open_path
from taciturn.data.survey import survey
from taciturn.data.windows import shuffled_rows
from taciturn.estimators import DictionaryAutoencoder
from taciturn.estimators.resolve import resolve
from taciturn.training import Learner
from taciturn.training.feed import Feed
from taciturn.training.run import Run, update

SHARD_BYTES = 256 * 2**20


def anonymous_bytes() -> int:
    """Return the process's anonymous memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return 1024 * int(line.split()[1])
    return 0


def write(folder: Path, n_bytes: float, columns: int, kind: str) -> None:
    """Write shards of normal rows."""
    folder.mkdir(parents=True, exist_ok=True)
    n_rows = int(SHARD_BYTES / (4 * columns))
    first = np.random.default_rng(0).standard_normal((n_rows, columns), dtype=np.float32)
    for number in range(max(int(n_bytes / SHARD_BYTES), 1)):
        rows = np.roll(first, number, axis=1)
        path = folder / f"part-{number}.{kind}"
        if kind == "npy":
            np.save(path, rows)
        elif kind == "safetensors":
            from safetensors.numpy import save_file

            save_file({"rows": rows}, path)
        elif kind == "pt":
            torch.save(torch.from_numpy(rows), path)
        else:
            import pyarrow as pa
            import pyarrow.parquet as pq

            lists = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), columns)
            options = {"row_group_size": 1024, "compression": "none", "use_dictionary": False}
            pq.write_table(pa.table({"rows": lists}), path, **options)


def forget(folder: Path) -> None:
    """Drop a folder's files from the page cache."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_raw(folder: Path, threads: int) -> int:
    """Read all files from their first byte to the last, a megabyte at a time; return their size."""

    def read(path: Path) -> int:
        buffer, n_bytes = bytearray(2**20), 0
        with path.open("rb", buffering=0) as file:
            while n := file.readinto(buffer):
                n_bytes += n
        return n_bytes

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(read, sorted(folder.iterdir())))


def read_shuffled(folder: Path, threads: int, batch: int) -> int:
    """Read an epoch in batches; return the size of the rows."""
    source = open_path(folder, streamed=True)
    window = (1 << 26) // source.shape[0]
    parts = [(start, min(start + batch, len(source))) for start in range(0, len(source), batch)]
    order = WindowOrder(blocks_of(source), window, seed=0, epoch=0)
    return sum(rows.nbytes for rows in shuffled_rows(source, order, parts, threads=threads))


def read_once(folder: Path) -> int:
    """Make the pass before the first step; return the size of the rows."""
    source = open_path(folder, streamed=True)
    survey(source)
    return len(source) * source.shape[0] * source.dtype.itemsize


def train(folder: Path, latents: int, steps: int, streamed: bool, batch: int) -> tuple[float, int]:
    """Return rows/s of some steps and the most anonymous memory beside the model's and the optimiser's."""
    source = open_path(folder, streamed=True)
    first = source.read(0, min(len(source), (steps + 4) * batch))
    moments = Moments().add(first[:5000])
    estimator = DictionaryAutoencoder(
        latents, k=32, batch_size=batch, device="cuda" if torch.cuda.is_available() else "cpu"
    )
    learner = Learner(resolve(estimator._run_parameters(), moments, source.dtype), 0)
    learner.add_moments(moments)
    rows = source if streamed else Rows(first)
    del first
    model, settings = learner.model, learner.settings
    feed = Feed(rows, model.scale_rows, batch, 0, device=settings.device, window=settings.shuffle_window)
    learner.step.initialise(feed.sample(1000, torch.Generator().manual_seed(0))[0], steps=1000)
    run = Run(learner.step, feed, learner.optimiser, 1e-3, 100, settings.constraint)
    fixed = 4 * 4 * sum(parameter.numel() for parameter in model.parameters())
    batches = feed.epoch(0)
    for _ in range(3):
        update(run, next(batches), 1e-3)
    seconds, most = time.perf_counter(), 0
    for _ in range(steps):
        update(run, next(batches), 1e-3)
        most = max(most, anonymous_bytes())
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return steps * batch / (time.perf_counter() - seconds), most - fixed


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--columns", type=int, default=512)
    parser.add_argument("--format", default="npy", choices=["npy", "safetensors", "pt", "parquet"])
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--train", type=int, metavar="LATENTS")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cached", action="store_true")
    options = parser.parse_args()
    if not options.folder.is_dir() or not any(options.folder.iterdir()):
        write(options.folder, options.gigabytes * 2**30, options.columns, options.format)
    readings = {
        "raw, 1 thread": lambda: read_raw(options.folder, 1),
        f"raw, {options.threads} threads": lambda: read_raw(options.folder, options.threads),
        "shuffled batches": lambda: read_shuffled(options.folder, options.threads, options.batch),
        "the pass before the first step": lambda: read_once(options.folder),
    }
    print("| reading | GB/s | anonymous memory, MB |\n|---|---|---|")
    for name, read in readings.items():
        if not options.cached:
            forget(options.folder)
        start = time.perf_counter()
        n_bytes = read()
        seconds = time.perf_counter() - start
        print(f"| {name} | {n_bytes / seconds / 1e9:.2f} | {anonymous_bytes() / 1e6:,.0f} |", flush=True)
    if options.train:
        print("\n| training | rows/s | anonymous memory beside model and optimiser, MB |\n|---|---|---|")
        for name, streamed in (("in memory", False), ("streamed", True), ("in memory", False), ("streamed", True)):
            speed, memory = train(options.folder, options.train, options.steps, streamed, options.batch)
            print(f"| {name} | {speed:,.0f} | {memory / 1e6:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
