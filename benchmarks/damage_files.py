"""Read damaged input files and count what happens: refused in one line, read, or one of the faults.

python benchmarks/damage_files.py [--seed 0] [--keep FOLDER]

About 3,000 files of every format that data/sources reads, and label files: cut off, with flipped bits, overwritten
bytes and changed headers, with another ending, of huge declared shape, bombs (small on the disk), odd content, pipes
and devices. Each is read in a child process, which may take 1 GB more memory than after its imports, and 5 s of the
processor; a child that fails is replaced. What is read is compared with another reader (NumPy, pandas, the csv
module), where there is one. Ends with 1 if there is a fault; each is printed, and its file stays with --keep.
"""

import argparse
import csv
import gzip
import io
import json
import lzma
import os
import random
import resource
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pyarrow import feather

SECONDS, MEGABYTES, LENGTH = 5, 1000, 2000  # allowed; LENGTH: characters of a message
FAULTS = ("read otherwise", "foreign error", "unclear line", "foreign warning", "slow", "memory", "hang", "crash")
BOMB = 1 << 31  # bytes


# --- the child ---


def child() -> None:
    """Answer each path of a line on standard input by two lines of JSON: what happened, and whether another agrees."""
    from taciturn import datasets  # noqa: F401
    from taciturn.core.errors import TaciturnWarning
    from taciturn.data.sources import open_path, read_labels

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEGABYTES * 10**6,) * 2)
    for line in sys.stdin:
        path, column, is_labels = json.loads(line)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, start, rows = _status("VmRSS"), time.process_time(), None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                rows = read_labels(path, column=column) if is_labels else open_path(path).read(0, 1 << 40)
                outcome, message = "read", ""
            except BaseException as error:
                outcome, message = _judged(error, path)
        if foreign := [w for w in caught if not issubclass(w.category, TaciturnWarning)]:
            outcome, message = "foreign warning", str(foreign[0].message)
        seconds, megabytes = time.process_time() - start, (_status("VmHWM") - before) / 1000
        outcome = "slow" if seconds > SECONDS else "memory" if megabytes > MEGABYTES else outcome
        print(json.dumps([outcome, message, seconds, megabytes]), flush=True)
        agrees = rows is None or is_labels or _agrees(path, rows)
        print(json.dumps(agrees), flush=True)


def _status(key: str) -> int:
    return int(Path("/proc/self/status").read_text().split(f"{key}:")[1].split()[0])


def _judged(error: BaseException, path: str) -> tuple[str, str]:
    from taciturn.core.errors import TaciturnError
    from taciturn.core.messages import one_line

    message = str(error)
    if not isinstance(error, TaciturnError):
        return "foreign error", f"{type(error).__name__}: {message}"
    is_clear = message.isprintable() and len(message) < LENGTH and message.startswith(one_line(path)[:150])
    return ("refused" if is_clear else "unclear line"), message


def _agrees(path: str, rows: np.ndarray) -> bool:
    """Return whether another reader finds the same numbers; True where there is none or it cannot read the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            others = list(_read_otherwise(path))
    except Exception:
        return True
    flat = [np.asarray(other, np.float64).reshape(len(other), -1) for other in others]
    return not flat or any(np.array_equal(rows.astype(np.float64), other, equal_nan=True) for other in flat)


def _read_otherwise(path: str) -> Iterator[np.ndarray]:
    if path.endswith(".npy"):
        yield np.load(path)
    elif path.endswith(".npz"):
        with np.load(path) as archive:
            yield archive[archive.files[0]]
    elif path.endswith(".parquet"):
        yield pq.read_table(path).to_pandas().astype(float).to_numpy()
    elif path.endswith(".csv"):
        missing = pa.csv.ConvertOptions().null_values
        with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
            cells = list(csv.reader(file))
        cells = [line or [""] for line in cells] if max(map(len, cells)) == 1 else [line for line in cells if line]
        numbers = [[np.nan if cell in missing else float(cell) for cell in line] for line in cells[1:]]
        yield np.array(numbers)
        yield np.array([[np.nan if cell in missing else float(cell) for cell in line] for line in cells[:1]] + numbers)


class Child:
    """A process that reads files; replaced after it has failed."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, path: bytes, column: str | None, is_labels: bool) -> tuple[str, str, float, float]:
        """Return what happened to a file, the message, seconds and megabytes."""
        if self.process is None:
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            self.process = subprocess.Popen(
                [sys.executable, __file__, "--child"], stdin=-1, stdout=-1, stderr=-3, bufsize=0, env=environment
            )
            self._ask(["nothing.npy", None, False], 120)
            self._answer(120)
        request = [os.fsdecode(path), column, is_labels]
        answer = self._ask(request, 8 * SECONDS)  # of a busy machine
        if answer is None:
            return self._failed()
        agrees = self._answer(60)
        outcome, message, seconds, megabytes = answer
        if outcome == "read" and agrees is False:
            outcome = "read otherwise"
        if agrees is None or outcome in FAULTS:
            self._failed()
        return outcome, message, seconds, megabytes

    def _ask(self, request: list, seconds: float) -> list | None:
        assert self.process is not None
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return self._answer(seconds)

    def _answer(self, seconds: float):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else b""
        return json.loads(line) if line else None

    def _failed(self) -> tuple[str, str, float, float]:
        process, self.process = self.process, None
        try:
            code = process.wait(0.2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return "hang", "", 8.0 * SECONDS, 0.0
        return "crash", f"exit status {code}", 0.0, 0.0


# --- the files ---


def undamaged(rng: np.random.Generator) -> dict[str, bytes]:
    """Return files by their names; those that begin with "labels" are read as labels, "x" is the column."""
    X = rng.normal(size=(40, 6))
    table = pa.table({name: X[:, i] for i, name in enumerate("abcdef")})
    mixed = pa.table(
        {
            "i": pa.array([None, *range(39)], pa.int32()),
            "b": pa.array([True, False] * 20),
            "d": pa.array(X[:, 0].round(2)).cast(pa.decimal128(10, 2)),
            "h": pa.array(X[:, 1].astype(np.float16)),
        }
    )
    words = ["cat", "dog", "größe", ""] * 10
    images = struct.pack(">4B3I", 0, 0, 8, 3, 10, 5, 4) + rng.integers(0, 256, 200, np.uint8).tobytes()
    text = "\n".join(",".join(f"{x:.4g}" for x in row) for row in X) + "\n"
    labels = pa.table({"x": words, "y": X[:, 0]})
    return {
        "f4.npy": _bytes(lambda file: np.save(file, X.astype(np.float32))),
        "fortran.npy": _bytes(lambda file: np.save(file, np.asfortranarray(X))),
        "big-endian.npy": _bytes(lambda file: np.save(file, X.astype(">i2"))),
        "stored.npz": _bytes(lambda file: np.savez(file, x=X)),
        "deflated.npz": _bytes(lambda file: np.savez_compressed(file, x=X.T.copy().T)),
        "header.csv": b"a,b,c,d,e,f\n" + text.encode(),
        "plain.csv": text.encode(),
        "quoted.csv": b'"a, b","c\nd"\r\n"1",2.5\r\n,NA\r\n3,4\r\n',
        "one.csv": b"x\n1\n\n3\n",
        "german.csv": ("größe;b;c;d;e;f\n" + text.translate(str.maketrans(",.", ";,"))).encode("cp1252"),
        "spaces.txt": text.replace(",", "  ").encode(),
        "index.tsv": ("\ta\tb\tc\td\te\tf\n" + _labelled(text)).encode("utf-16"),
        "packed.csv.gz": gzip.compress(text.encode(), mtime=0),
        "packed.csv.xz": lzma.compress(text.encode()),
        "snappy.parquet": _parquet(table),
        "zstd.parquet": _parquet(table, compression="zstd", row_group_size=7),
        "mixed.parquet": _parquet(mixed, use_dictionary=False, data_page_version="2.0"),
        "plain.feather": _bytes(lambda file: feather.write_feather(table, file, compression="uncompressed")),
        "mixed.arrow": _bytes(lambda file: feather.write_feather(mixed, file, compression="zstd")),
        "images.idx": images,
        "images-ubyte.gz": gzip.compress(images, mtime=0),
        "labels-x.csv": ("x,y\n" + "\n".join(f"{word},{i}" for i, word in enumerate(words))).encode(),
        "labels-x.parquet": _parquet(labels),
    }


def _labelled(text: str) -> str:
    return "".join(f"r{i}\t{line}\n" for i, line in enumerate(text.replace(",", "\t").splitlines()))


def _bytes(write) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _parquet(table: pa.Table, **options) -> bytes:
    return _bytes(lambda file: pq.write_table(table, file, **options))


def damaged(files: dict[str, bytes], draw: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield each file as it is, and about 120 damages of it."""
    endings = [name for name in files if not name.startswith("labels")]
    for name, content in files.items():
        yield name, content
        for end in sorted(draw.sample(range(len(content)), min(25, len(content)))):
            yield name, content[:end]
        for flips in [1] * 35 + [4] * 10 + [40] * 5:
            changed = bytearray(content)
            for _ in range(flips):
                changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
            yield name, bytes(changed)
        for place in (80, len(content)):  # bytes of the header, bytes anywhere
            for _ in range(15):
                changed = bytearray(content)
                start = draw.randrange(min(place, len(content)))
                changed[start : start + draw.choice((1, 4, 8))] = draw.choice(
                    (b"\0" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff", b"9" * 8, draw.randbytes(8))
                )
                yield name, bytes(changed)
        start, end = sorted(draw.sample(range(len(content)), 2))
        yield name, content[:start] + content[end:]
        yield name, content + content
        yield name, content + b"\n"
        yield name, content[start:end] * 3
        for size in (1, 9, 100, 5000):
            yield name, draw.randbytes(size)
        yield f"{draw.choice(endings)}", content


def _npy(header: bytes, version: tuple[int, int] = (1, 0), length: int | None = None, data: bytes = b"") -> bytes:
    size = 2 if version == (1, 0) else 4
    length = len(header) if length is None else length
    return b"\x93NUMPY" + bytes(version) + length.to_bytes(size, "little") + header + data


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    def write(file):
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return _bytes(write)


def _gzip_zeros(head: bytes, size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(head)]
    parts += [packer.compress(bytes(1 << 24)) for _ in range(size >> 24)]
    return b"".join([*parts, packer.flush()])


def odd(draw: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield files with huge declared shapes, bombs and odd content."""
    shapes = ["(1000000000000, 4)", "(4294967296, 4294967296)", "(-1, 4)", "(9223372036854775807,)", "(0, 10000000000)"]
    shapes += ["(True, 2)", "(1, 2, 3)", "()", "(1.5, 2)", "'ab'", "(" * 300 + ")" * 300, "(2,) * 10**9", "None"]
    shapes += [f"({','.join('1' * draw.randrange(1, 80))},)" for _ in range(20)] + ["(" + "9" * 5000 + ",)"]
    types = [
        "<f4",
        "|O",
        "<c16",
        "|S5",
        "<U9",
        "|V8",
        "<M8[s]",
        ">f2",
        "|b1",
        "<f16",
        "[('a', '<f4')]",
        "x" * 3000,
        "<i3",
    ]
    for descr in types:
        for shape in shapes if descr == "<f4" else [shapes[0], "(2, 2)"]:
            text = descr if descr.startswith("[") else repr(descr)
            header = f"{{'descr': {text}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
            yield "declared.npy", _npy(header, data=bytes(16))
            yield "declared.npz", _zip({"x.npy": _npy(header, data=bytes(16))})
            yield "declared2.npy", _npy(header, (2, 0), data=bytes(16))
    good = b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }\n"
    for version in ((2, 0), (3, 0), (0, 0), (9, 9)):
        for length in (0, 1, 2**16, 2**31 - 1, 2**32 - 1):
            yield "version.npy", _npy(good % 4, version, length, bytes(16))
    yield "header-bomb.npz", _zip({"x.npy": _npy(b"", (2, 0), BOMB - 1, bytes(1 << 28))})
    yield "bomb.npz", _zip({"x.npy": _npy(good % (1 << 26), data=bytes(1 << 28))})  # truly holds 268 MB
    yield "short-bomb.npz", _zip({"x.npy": _npy(good % 4, data=bytes(1 << 28))})
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield "method.npz", _zip({"x.npy": _npy(good % 4, data=bytes(16))}, method)
    for names in (
        [f"m{i}.npy" for i in range(20_000)],
        ["a\n\x1b[31m.npy", "b.npy"],
        ["../../x.npy"],
        ["x" * 60_000 + ".npy"],
    ):
        yield "members.npz", _zip(dict.fromkeys(names, _npy(good % 4, data=bytes(16))))
    for declared in ((1 << 28,), (BOMB,), (2**32 - 1,) * 3, (4,), (2**16, 2**15, 4)):
        head = struct.pack(f">4B{len(declared)}I", 0, 0, 8, len(declared), *declared)
        yield "bomb.idx.gz", _gzip_zeros(head, 1 << 28)
        yield "declared.idx", head + bytes(16)
    yield "bomb2.idx.gz", _gzip_zeros(struct.pack(">4BI", 0, 0, 8, 1, BOMB), BOMB)
    yield "axes.idx", struct.pack(">4B255I", 0, 0, 8, 255, *[1] * 255) + b"\1"
    for text in (
        b"1," * 20_000_000 + b"1\n",
        b"1," * 900_000 + b"1\n2,\n",
        b"1" * 40_000_000,
        b'"' * 1_000_001,
        b'"a' * 500_000,
        b"x" * 60_000 + b",y\na,1\n",
        b",".join(b"c%d" % i for i in range(5000)) + b"\n" + b"a," * 4999 + b"a\n",
        "a,b\n1,2\n".encode("utf-16"),
        "größe,b\n1,2\n".encode("latin-1"),
        b"a,b\r1,2\r3,4\r",
        b"a\0,b\n1,\0\n",
        b"\n" * 1_000_000,
        b"a,b\n" * 3,
        b"a;b\n1;2\n",
        b"a\tb\n1\t2\n",
        b"a b\n1 2\n",
        b"1;2\n3;4",
        b"1,5;2,5\n",
        b"a,a\n1,2\n",
        b"a\nTrue\nFalse\n",
        b"True,1\nFalse,2\n",
        b"\x1b[31m,b\nx,1\n",
        b"a\n1e999\n",
        b"a\n" + b"9" * 5000 + b"\n",
        b"1_0\n",
        "a\n١\n".encode(),
        b"a\n0x10\n",
        b"a\nnan\ninf\n",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbfa\n1\n",
        b"a,b\n1\n",
        b"a\n\n\n",
        b"'1','2'\n",
        b"0,1\n1,0\n",
        b"2019,2020\n1.5,2.5\n",
        b"<html>\n<body>1</body>",
        b'{"a": [1, 2]}',
        b"%PDF-1.4\n",
        b"=1+1,2\n3,4\n",
    ):
        yield "odd.csv", text
        yield "labels-odd.csv", text
    zeros = pa.table({"x": pa.array(np.zeros(20_000_000, np.int8))})
    yield "zeros.parquet", _parquet(zeros, compression="zstd")
    yield "wide.parquet", _parquet(pa.table({f"c{i}": [1.0] for i in range(3000)}))
    yield "many-zeros.parquet", _parquet(pa.concat_tables([zeros] * 15), compression="zstd", row_group_size=20_000_000)
    deep: pa.DataType = pa.int8()
    for _ in range(90):
        deep = pa.struct([("x", deep)])
    columns = {
        "deep": pa.nulls(1, deep),
        "list": pa.array([[1]]),
        "text": ["a"],
        "x\n\x1b[31m": ["a"],
        "n" * 60_000: ["a"],
    }
    for name, values in columns.items():
        yield "types.parquet", _parquet(pa.table({name: values}))
        yield "labels-types.parquet", _parquet(pa.table({name: values}))


def special(folder: Path) -> Iterator[bytes]:
    """Yield names of things that are not regular files, and odd names of a file."""
    for ending in (".npy", ".npz", ".csv", ".parquet", ".feather", ".idx", "-ubyte.gz"):
        os.mkfifo(folder / f"fifo{ending}")
        (folder / f"folder{ending}").mkdir()
        (folder / f"nowhere{ending}").symlink_to("missing")
        (folder / f"loop{ending}").symlink_to(f"loop{ending}")
        names = ["fifo", "folder", "nowhere", "loop"]
        for device in (
            "/dev/zero",
            "/dev/random",
            "/dev/null",
            "/proc/self/mem",
            "/proc/kmsg",
            "/proc/self/maps",
            "/dev/tty",
        ):
            name = device.strip("/").replace("/", "-")
            (folder / f"{name}{ending}").symlink_to(device)
            names.append(name)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / f"socket{ending}"))
        yield from (os.fsencode(folder / f"{name}{ending}") for name in [*names, "socket", "a" * 300, "zero\0byte"])
        for name in (b"line\nbreak", b"not \xff UTF-8", b"\x1b[31mred", b"del\x7f"):
            path = os.fsencode(folder) + b"/" + name + ending.encode()
            Path(os.fsdecode(path)).write_bytes(b"a,b\n1,2\n3,x\n")
            yield path
    sparse = folder / "header-of-2-GB.npy"
    sparse.write_bytes(_npy(b"", (2, 0), BOMB - 1))
    os.truncate(sparse, BOMB)
    yield os.fsencode(sparse)


def main() -> None:
    """Make the files, read them, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="copy the files at fault to this folder")
    args = parser.parse_args()
    draw, reader = random.Random(args.seed), Child()
    counts: dict[str, Counter[str]] = {}
    largest = [0.0, 0.0]

    def read(path: bytes, is_labels: bool) -> None:
        ending = os.fsdecode(path).rpartition("/")[2].replace("-ubyte", ".idx").rpartition(".gz")[0] or os.fsdecode(
            path
        )
        kind = "labels" if is_labels else "IDX" if "idx" in ending else "." + ending.rpartition(".")[2]
        column = "x" if is_labels and b"labels-x" in path else None
        outcome, message, seconds, megabytes = reader.ask(path, column, is_labels)
        counts.setdefault(kind, Counter())[outcome] += 1
        if outcome in FAULTS:
            print(
                f"{outcome}: {os.fsdecode(path)!r}: {seconds:.1f} s, {megabytes:.0f} MB: {message[:300]!r}", flush=True
            )
            if args.keep and os.path.isfile(path):
                args.keep.mkdir(exist_ok=True)
                number = sum(map(Counter.total, counts.values()))
                (args.keep / f"{number}-{os.path.basename(os.fsdecode(path))}").write_bytes(
                    Path(os.fsdecode(path)).read_bytes()
                )
        else:
            largest[:] = max(largest[0], seconds), max(largest[1], megabytes)

    with tempfile.TemporaryDirectory() as folder:
        for generated in (damaged(undamaged(np.random.default_rng(args.seed)), draw), odd(draw)):
            for name, content in generated:
                path = Path(folder) / name
                path.write_bytes(content)
                read(os.fsencode(path), name.startswith("labels"))
        for special_path in special(Path(folder)):
            read(special_path, is_labels=False)
    outcomes = [outcome for outcome in ("refused", "read", *FAULTS) if any(count[outcome] for count in counts.values())]
    print("| | files |", " | ".join(outcomes), "|\n|" + "---|" * (len(outcomes) + 2))
    total: Counter[str] = sum(counts.values(), Counter())
    for kind, count in [*counts.items(), ("all", total)]:
        print(f"| {kind} | {count.total():,} |", " | ".join(f"{count[outcome]:,}" for outcome in outcomes), "|")
    print(f"without faults: at most {largest[0]:.1f} s and {largest[1]:,.0f} MB")
    sys.exit(any(total[fault] for fault in FAULTS))


if __name__ == "__main__":
    child() if "--child" in sys.argv else main()
