"""Damage saved models in 10,000 ways, load each in a process of its own, and count what happens.

    python benchmarks/damage_folders.py [--count 10000] [--seed 0]

A damaged folder must be refused in one clear line, or be loaded as what its files truly hold: the weights of
weights.safetensors, all finite. Each load must end within 5 seconds and take less than 1 GB more memory. A file beside
the folder must not change. Half of the changes to JSON, tensors and history are sealed again: config.json gets the
checksums of the changed files, as if somebody had changed them on purpose.
"""

import argparse
import copy
import json
import multiprocessing
import os
import platform
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file, save_file

import taciturn
from taciturn.artifact.writing import PARTS
from taciturn.core.checksum import checksum
from taciturn.core.errors import TaciturnError
from taciturn.report import Summary

SECONDS, MEGABYTES = 5.0, 1000
MODELS: list[Any] = [
    taciturn.SparseAutoencoder((12, 6), tied=True, max_iter=2, random_state=0),
    taciturn.SparseAutoencoder(9, sparsity="jumprelu+l0:l0=2", scaling="whiten", max_iter=2, random_state=0),
    taciturn.DenoisingAutoencoder(8, corruption="dropout:0.3", max_iter=2, random_state=0),
    taciturn.DictionaryAutoencoder(16, k=3, max_iter=2, random_state=0),
    taciturn.DictionaryAutoencoder(16, k=3, sparsity="gated", max_iter=2, random_state=0),
    taciturn.DictionaryAutoencoder(16, k=3, sparsity="batch_topk", max_iter=2, random_state=0),
]
ODD_NUMBERS: list[Any] = [0, -1, 1, 2**31, 2**62, 2**63, 2**64, 10**40, 1e308, -1e308, 1e-320, 0.5, 10**9, 30_000_000]
ODD: list[Any] = [
    *ODD_NUMBERS,
    None,
    True,
    False,
    "",
    "x",
    "kl",
    "\x1b[31m",
    "é\n" * 50,
    [],
    [1],
    [[]],
    {},
    {"name": 3},
]
TYPES = [
    torch.bool,
    torch.int8,
    torch.uint8,
    torch.int64,
    torch.float16,
    torch.bfloat16,
    torch.float64,
    torch.complex64,
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values below a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in ((*path, key), *places(item, (*path, key)))]


def change_json(rng: random.Random, folder: Path, name: str) -> None:
    """Change, remove, add or nest one value of a JSON file."""
    file = folder / name
    whole = json.loads(file.read_text())
    path = rng.choice(places(whole) or [()])
    if not path:
        file.write_text(json.dumps(rng.choice(ODD)))
        return
    parent = whole
    for key in path[:-1]:
        parent = parent[key]
    how = rng.randrange(5)
    if how == 0 and isinstance(parent, dict):
        del parent[path[-1]]
    elif how == 1 and isinstance(parent, dict):
        parent[rng.choice(["extra", "name", "", "format"])] = copy.deepcopy(rng.choice(ODD))
    elif how == 2:
        parent[path[-1]] = "DEEP"
    else:
        parent[path[-1]] = copy.deepcopy(rng.choice(ODD))
    deep = rng.choice(["[" * 1000 + "]" * 1000, '{"name":' * 100_000 + "1" + "}" * 100_000, "NaN", "Infinity", "1e999"])
    file.write_text(json.dumps(whole).replace('"DEEP"', deep))


def change_tensors(rng: random.Random, folder: Path, name: str) -> None:
    """Change one tensor's numbers, type, shape or name."""
    file = folder / name
    tensors = load_file(file)
    key = rng.choice(sorted(tensors))
    tensor = tensors[key]
    how = rng.randrange(7)
    if how == 0:
        tensors[key] = tensor.to(rng.choice(TYPES))
    elif how == 1 and tensor.is_floating_point():
        tensors[key] = tensor.clone()
        tensors[key].view(-1)[:1] = rng.choice([torch.nan, torch.inf, -torch.inf, 0.0, -1.0, 1e30])
    elif how == 2:
        tensors[key] = torch.zeros_like(tensor)
    elif how == 3:
        tensors[key] = torch.cat([tensor.reshape(-1), tensor.reshape(-1)[:1]])
    elif how == 4:
        del tensors[key]
    elif how == 5:
        tensors[rng.choice(["extra", "optimiser.x.step", "moments.mean", "step.inactive_rows"])] = tensor.clone()
    else:
        tensors[key] = tensor.reshape(1, *tensor.shape)
    save_file(tensors, file)


def change_history(rng: random.Random, folder: Path, name: str) -> None:
    """Replace the history by another table."""
    columns: dict[str, Any] = {
        "text": pa.array(["x", "y"]),
        "nulls": pa.array([None, 1.0]),
        "times": pa.array([0, 1], pa.timestamp("s", tz="Mars/Base")),
        "lists": pa.array([[1.0], [1.0, 2.0]]),
        "large": pa.array([2**63, 1], pa.uint64()),
        "many": pa.array(np.zeros(2_000_000)),
        "structs": pa.array([{"a": 1}, {"a": 2}]),
        "step": pa.array([0, 1]),
        "epoch": pa.array([0, 0]),
        "epoch_loss": pa.array([None, 1.0]),
        "epoch_rates": pa.array([None, [1.0, 2.0]]),
    }
    kinds = rng.sample(sorted(columns), rng.randrange(1, 4))
    length = max(len(columns[kind]) for kind in kinds)
    table = pa.table({kind: columns[kind] for kind in kinds if len(columns[kind]) == length})
    pq.write_table(table, folder / name, compression="zstd")


def flip_bits(rng: random.Random, folder: Path, name: str) -> None:
    """Flip one bit, or a few."""
    data = bytearray((folder / name).read_bytes())
    for _ in range(rng.choice([1, 1, 1, 8])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    (folder / name).write_bytes(data)


def cut(rng: random.Random, folder: Path, name: str) -> None:
    """Cut a file, or add bytes to it."""
    data = (folder / name).read_bytes()
    rest = data[: rng.randrange(len(data))]
    (folder / name).write_bytes(rng.choice([rest, b"", data + b"\0" * 9, b"\0" * len(data)]))


def swap(rng: random.Random, folder: Path, name: str) -> None:
    """Replace a file by that of another model."""
    other = rng.choice(sorted(folder.parent.glob("model_*")))
    shutil.copy(other / name, folder / name)


def replace(rng: random.Random, folder: Path, name: str) -> None:
    """Remove a file, or replace it by something that is not a regular file."""
    file = folder / name
    file.unlink()
    how = rng.randrange(6)
    if how == 1:
        os.mkfifo(file)
    elif how == 2:
        file.symlink_to(rng.choice(["/dev/zero", "/dev/null", "/dev/random", "/proc/self/mem", "nowhere", name]))
    elif how == 3:
        file.mkdir()
    elif how == 4:
        file.symlink_to(folder.parent / "model_0" / name)


Damage = Callable[[random.Random, Path, str], None]


def damage(rng: random.Random, folder: Path) -> str:
    """Damage a folder and return what was done."""
    name = rng.choice(["config.json", *PARTS])
    fitting: dict[str, list[Damage]] = {
        "config.json": [change_json] * 6,
        "metrics.json": [change_json] * 2,
        "weights.safetensors": [change_tensors] * 4,
        "training.safetensors": [change_tensors] * 4,
        "history.parquet": [change_history] * 4,
    }
    how = rng.choice([*fitting[name], flip_bits, cut, swap, replace])
    how(rng, folder, name)
    sealed = (
        name != "config.json" and (folder / name).is_file() and not (folder / name).is_symlink() and rng.random() < 0.5
    )
    if sealed:
        config = json.loads((folder / "config.json").read_text())
        config["files"][name] = checksum(folder / name)
        (folder / "config.json").write_text(json.dumps(config))
    return f"{how.__name__} {name}{' (sealed again)' if sealed else ''}"


def outcome(folder: Path, rows: Any) -> str:
    """Load a folder and return what happened."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = taciturn.load(folder)
            artifact = model.to_artifact()
            artifact.lines()
            if artifact.metrics:
                Summary.from_dict(artifact.metrics).lines()
            codes = model.transform(rows)
    except TaciturnError as error:
        clear = "\n" not in str(error) and str(error).isprintable() and len(str(error)) < 700
        return "refused in one line" if clear else f"UNCLEAR: {str(error)[:300]!r}"
    except Exception:
        return f"FOREIGN: {traceback.format_exc().splitlines()[-1][:200]} | {traceback.format_exc().splitlines()[-3]}"
    stored = load_file(folder / "weights.safetensors")
    numbers = dict(model.module_.named_parameters()) | dict(model.module_.named_buffers())
    if stored.keys() != numbers.keys() or not all(torch.equal(stored[n].to(t.dtype), t) for n, t in numbers.items()):
        return "WRONG: other weights than the file holds"
    values = codes.data if hasattr(codes, "indptr") else codes
    return "loaded as the files say" if np.isfinite(values).all() else "WRONG: codes that are not finite"


def worker(jobs: Any, rows: Any) -> None:
    """Answer each folder with its outcome, the seconds and the megabytes that it took."""
    while (folder := jobs.recv()) is not None:
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        result = outcome(folder, rows)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        jobs.send((result, time.perf_counter() - start, grown))


def main() -> None:
    """Damage, load, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = np.random.default_rng(0).normal(size=(90, 7))
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = Path(name)
        outside = root / "outside.txt"
        outside.write_text("not to be touched")
        for number, model in enumerate(MODELS):
            model.fit(rows)
            if number % 2:
                model.partial_fit(rows)
            model.save(root / f"model_{number}")
            shutil.copy(root / f"model_{number}" / "config.json", root / f"config_{number}.json")
        counts, examples = Counter[str](), dict[str, str]()
        process, ours = None, None
        for number in range(options.count):
            rng = random.Random(f"{options.seed} {number}")
            folder = root / "damaged"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(root / f"model_{rng.randrange(len(MODELS))}", folder)
            done = damage(rng, folder)
            if process is None:
                ours, theirs = multiprocessing.Pipe()
                process = multiprocessing.get_context("fork").Process(target=worker, args=(theirs, rows))
                process.start()
                theirs.close()
            try:
                ours.send(folder)
                result, seconds, megabytes = ours.recv() if ours.poll(SECONDS + 1) else ("HANG", SECONDS, 0.0)
            except (EOFError, ConnectionError):
                result, seconds, megabytes = f"CRASH: exit {process.exitcode}", 0.0, 0.0
            if seconds > SECONDS or megabytes > MEGABYTES:
                result = f"COSTLY: {result}"
            if result.split(":")[0] in ("HANG", "CRASH", "COSTLY"):
                process.kill()
                process = None
            kind = result.split(":")[0]
            counts[kind] += 1
            if kind.isupper() and kind not in examples:
                examples[kind] = f"number {number}, {done}: {result}"
                print(examples[kind], file=sys.stderr, flush=True)
            assert outside.read_text() == "not to be touched"
        if process is not None:
            ours.send(None)
            process.join()
        changed = [
            n
            for n in range(len(MODELS))
            if checksum(root / f"model_{n}/config.json") != checksum(root / f"config_{n}.json")
        ]
        assert not changed, "a model beside the damaged folder was changed"
    machine = platform.processor() or platform.machine()
    print(f"{options.count:,} damaged folders, seed {options.seed}; {machine}, {time.strftime('%Y-%m-%d')}")
    for kind, count in counts.most_common():
        print(f"{count:7,}  {kind}")


if __name__ == "__main__":
    main()
