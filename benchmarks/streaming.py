"""Streamed rows: reading in GB/s beside reading the files raw, training beside rows in memory, and every format.

    python benchmarks/streaming.py --folder build/streaming --rows 10000000 --out benchmarks/results/streaming.md
    python benchmarks/streaming.py --folder build/streaming --rows 200000 --latents 1024 --rounds 1 --formats 10000

--rows rows of 512 float32 numbers (10 million take 20.5 GB) are written to --folder as .npy files of 256 MB, and
removed at the end. They are read raw, shuffled, and as by the pass before the first step. The page cache is dropped for
these files before each reading (posix_fadvise), so that the disk is read. Then --latents latents with k = 32 are
trained for --steps steps, streamed and with as many rows in memory, in turn; a window holds 128 batches. --formats rows
of 64 numbers are read in each format. Memory is anonymous memory (RssAnon), to which maps and the page cache do not
count: the most of samples every 50 ms.
"""

import argparse
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from race import publish

from taciturn.data.moments import Moments
from taciturn.data.order import WindowOrder
from taciturn.data.sources import Rows, blocks_of, open_path, write_path
from taciturn.data.survey import survey
from taciturn.data.windows import shuffled_rows
from taciturn.estimators import DictionaryAutoencoder
from taciturn.estimators.resolve import resolve
from taciturn.training import Learner
from taciturn.training.feed import Feed
from taciturn.training.run import Run, update

N_COLUMNS, N_TABLE_COLUMNS, K, THREADS = 512, 64, 32, 4
SHARD_BYTES, RAW_BYTES = 2**28, 2**20
BATCH, WARM_STEPS = 1024, 3


def anonymous_bytes() -> int:
    """Return the process's anonymous memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return 1024 * int(line.split()[1])
    return 0


class Peak:
    """The most anonymous memory within a block, beside what there was before it."""

    @contextmanager
    def measured(self):
        """Sample the memory while the block runs."""
        before, self.bytes, ended = anonymous_bytes(), 0, threading.Event()

        def sample():
            while not ended.wait(0.05):
                self.bytes = max(self.bytes, anonymous_bytes() - before)

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()


def write(folder: Path, n_rows: int) -> None:
    """Write shards of normal rows, each with other columns than the one before it."""
    folder.mkdir(parents=True)
    per_shard = SHARD_BYTES // (4 * N_COLUMNS)
    first = np.random.default_rng(0).standard_normal((min(per_shard, n_rows), N_COLUMNS), dtype=np.float32)
    for number, start in enumerate(range(0, n_rows, per_shard)):
        np.save(folder / f"part-{number}.npy", np.roll(first[: n_rows - start], number, axis=1))


def forget(path: Path) -> None:
    """Drop a file, or a folder's files, from the page cache."""
    for each in [path] if path.is_file() else path.rglob("*"):
        if each.is_file():
            with each.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_raw(folder: Path, threads: int) -> int:
    """Read all files from their first byte to the last, a megabyte at a time; return their size."""

    def read(path: Path) -> int:
        buffer, n_bytes = bytearray(RAW_BYTES), 0
        with path.open("rb", buffering=0) as file:
            while n := file.readinto(buffer):
                n_bytes += n
        return n_bytes

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(read, sorted(folder.iterdir())))


def read_shuffled(path: Path, batch: int = BATCH) -> int:
    """Read an epoch in batches; return the size of the rows."""
    source = open_path(path, streamed=True)
    window = (1 << 26) // source.shape[0]
    parts = [(start, min(start + batch, len(source))) for start in range(0, len(source), batch)]
    order = WindowOrder(blocks_of(source), window, seed=0, epoch=0)
    return sum(rows.nbytes for rows in shuffled_rows(source, order, parts, threads=THREADS))


def read_once(path: Path) -> int:
    """Make the pass before the first step; return the size of the rows."""
    source = open_path(path, streamed=True)
    survey(source)
    return len(source) * source.shape[0] * source.dtype.itemsize


def readings(folder: Path) -> list[str]:
    """Return a table of the read path in GB/s."""
    lines = ["| reading | GB/s | CPU seconds a GB | anonymous memory, MB |", "|---|---|---|---|"]
    ways = {
        "raw, 1 thread": lambda: read_raw(folder, 1),
        f"raw, {THREADS} threads": lambda: read_raw(folder, THREADS),
        "shuffled batches": lambda: read_shuffled(folder),
        "the pass before the first step": lambda: read_once(folder),
    }
    for name, read in ways.items():
        forget(folder)
        start, cpu = time.perf_counter(), time.process_time()
        with Peak().measured() as peak:
            gigabytes = read() / 1e9
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        lines.append(f"| {name} | {gigabytes / seconds:.2f} | {cpu / gigabytes:.2f} | {peak.bytes / 1e6:,.0f} |")
        print(lines[-1], flush=True)
    return lines


def train(folder: Path, latents: int, steps: int, streamed: bool) -> tuple[float, float]:
    """Return rows/s of some steps, and the most anonymous bytes beside the model and the optimiser."""
    source = open_path(folder, streamed=True)
    first = source.read(0, min(len(source), (steps + WARM_STEPS) * BATCH))
    moments = Moments().add(first[:5000])
    estimator = DictionaryAutoencoder(latents, k=K, batch_size=BATCH)
    learner = Learner(resolve(estimator._run_parameters(), moments, source.dtype), 0)
    learner.add_moments(moments)
    rows = source if streamed else Rows(first)
    del first
    model, settings = learner.model, learner.settings
    with Peak().measured() as peak:
        feed = Feed(rows, model.scale_rows, BATCH, 0, device=settings.device, window=settings.shuffle_window)
        learner.step.initialise(feed.sample(1000, torch.Generator().manual_seed(0))[0], steps=1000)
        run = Run(learner.step, feed, learner.optimiser, 1e-3, 100, settings.constraint)
        batches = feed.epoch(0)
        for _ in range(WARM_STEPS):
            update(run, next(batches), 1e-3)
        start = time.perf_counter()
        for _ in range(steps):
            update(run, next(batches), 1e-3)
        seconds = time.perf_counter() - start
        batches.close()
    # gradients and Adam's two averages are allocated by the first steps
    fixed = 3 * 4 * sum(parameter.numel() for parameter in model.parameters())
    return steps * BATCH / seconds, peak.bytes - fixed


def trainings(folder: Path, latents: int, steps: int, rounds: int) -> list[str]:
    """Return a table of streamed trainings beside those of rows in memory, in turn."""
    lines = ["| round | rows/s in memory | rows/s streamed | streamed / in memory | memory streamed, MB |"]
    lines += ["|---|---|---|---|---|"]
    ratios = []
    for number in range(rounds):
        order = (False, True) if number % 2 == 0 else (True, False)
        found = {streamed: train(folder, latents, steps, streamed) for streamed in order}
        ratios.append(found[True][0] / found[False][0])
        numbers = f"{found[False][0]:,.0f} | {found[True][0]:,.0f} | {ratios[-1]:.3f} | {found[True][1] / 1e6:,.0f}"
        lines.append(f"| {number + 1} | {numbers} |")
        print(lines[-1], flush=True)
    lines.append(f"| median | | | {np.median(ratios):.3f} | |")
    return lines


def write_idx(path: Path, rows: np.ndarray) -> None:
    """Write rows in the format of MNIST: its big-endian float32."""
    header = bytes([0, 0, 0x0D, rows.ndim]) + np.array(rows.shape, ">u4").tobytes()
    path.write_bytes(header + rows.astype(">f4").tobytes())


def write_zarr(path: Path, rows: np.ndarray) -> None:
    """Write a Zarr array."""
    import zarr

    zarr.create_array(path, data=rows, chunks=(4096, rows.shape[1]))


def write_dataset(path: Path, rows: np.ndarray) -> None:
    """Write a folder of Hugging Face's datasets."""
    import datasets

    features = datasets.Features({"x": datasets.List(datasets.Value("float32"), length=rows.shape[1])})
    datasets.Dataset.from_dict({"x": rows}, features=features).save_to_disk(path)


WRITERS = {
    "rows.npy": np.save,
    "rows.safetensors": lambda path, rows: write_path(path, [rows], n_rows=len(rows)),
    "rows.pt": lambda path, rows: torch.save(torch.from_numpy(rows), path),
    "rows.parquet": lambda path, rows: write_path(path, np.array_split(rows, 100), n_rows=len(rows)),
    "rows.feather": lambda path, rows: write_path(path, np.array_split(rows, 100), n_rows=len(rows)),
    "rows.zarr": write_zarr,
    "rows-dataset": write_dataset,
    "rows.csv": lambda path, rows: write_path(path, np.array_split(rows, 100), n_rows=len(rows)),
    "rows.idx": write_idx,
}
IN_MEMORY = (".csv", ".idx")  # which are read as a whole
MAX_ROWS = {".csv": 10**6}


def formats(folder: Path, counts: list[int]) -> list[str]:
    """Return a table of the rows/s and the memory of an epoch of each format."""
    lines = [
        "| format | " + " | ".join(f"{n:,} rows: rows/s, MB" for n in counts) + " |",
        "|---|" + "---|" * len(counts),
    ]
    place = folder / "formats"
    for name, write_rows in WRITERS.items():
        ending, cells = Path(name).suffix, []
        for n in counts:
            if n > MAX_ROWS.get(ending, n):
                cells.append("")
                continue
            place.mkdir(parents=True)
            rows = np.random.default_rng(0).standard_normal((n, N_TABLE_COLUMNS), dtype=np.float32)
            try:
                write_rows(place / name, rows)
            except ImportError as error:
                cells.append(f"{error.name} is not installed")
                shutil.rmtree(place)
                continue
            del rows
            forget(place)
            start = time.perf_counter()
            with Peak().measured() as peak:
                if ending in IN_MEMORY:
                    source = open_path(place / name)
                    permutation = np.random.default_rng(0).permutation(n)
                    for first in range(0, n, BATCH):
                        source.take(permutation[first : first + BATCH])
                    del source
                else:
                    read_shuffled(place / name)
            cells.append(f"{n / (time.perf_counter() - start):,.0f}, {peak.bytes / 1e6:,.0f}")
            shutil.rmtree(place)
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def on_paper(latents: int) -> list[str]:
    """Return what 100 million rows take: the order's memory, and the window's."""
    n_rows = 10**8
    blocks, row_bytes, window = n_rows * 4 * N_COLUMNS // 2**20, 4 * N_COLUMNS, 2**26 // N_COLUMNS
    megabytes = [each / 1e6 for each in (5 * 8 * blocks, 2 * window * row_bytes, 2 * 8 * window, n_rows // 8192 * 81)]
    order, windows, order_in_windows, fingerprint = megabytes
    model = 4 * 4 * 2 * latents * N_COLUMNS / 1e6
    return [
        f"On paper, {n_rows:,} rows of {N_COLUMNS} float32 numbers ({n_rows * row_bytes / 1e9:,.0f} GB): {blocks:,} "
        f"blocks of 1 MB, whose bounds and order take {order:,.0f} MB; two windows of rows take {windows:,.0f} MB, and "
        f"their order {order_in_windows:,.0f} MB. Nothing else grows with the rows but the fingerprint, "
        f"{fingerprint:,.1f} MB. {latents:,} latents take {model:,.0f} MB with gradients and Adam's averages."
    ]


def main() -> None:
    """Measure, print tables and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="a folder that does not exist; it is removed")
    parser.add_argument("--rows", type=int, default=10**7)
    parser.add_argument("--latents", type=int, default=8192)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--formats", type=int, nargs="*", default=[10**4, 10**5, 10**6], metavar="ROWS")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.folder.exists():
        parser.error(f"{options.folder} exists; name a folder that does not")
    try:
        rows = options.folder / "rows"
        write(rows, options.rows)
        gigabytes = options.rows * 4 * N_COLUMNS / 1e9
        lines = [f"{gigabytes:.1f} GB: {options.rows:,} rows of {N_COLUMNS} float32 numbers in .npy files.", ""]
        lines += [*readings(rows), "", f"{N_COLUMNS} → {options.latents:,}, k = {K}, batches of {BATCH:,} rows:", ""]
        lines += [*trainings(rows, options.latents, options.steps, options.rounds), ""]
        shutil.rmtree(rows)
        if options.formats:
            lines += [
                f"Rows of {N_TABLE_COLUMNS} float32 numbers, an epoch in batches of {BATCH:,} rows; CSV and IDX are "
            ]
            lines[-1] += "read into memory, the others streamed:"
            lines += ["", *formats(options.folder, options.formats), ""]
        publish("Streamed rows", lines + on_paper(options.latents), {}, options.out)
    finally:
        shutil.rmtree(options.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
