"""taciturn.Encoder under Ray, Dask and Daft, and `taciturn encode --engine ray`. Skipped where a package is missing."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import together
from commandline import run
from taciturn import DictionaryAutoencoder

N_ROWS, NAMES = 300, list("abcdefgh")


def drawn():
    return np.random.default_rng(0).standard_normal((N_ROWS, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a dictionary, rows as an array and as a table with ids, and the codes that the command writes."""
    folder = tmp_path_factory.mktemp("engines")
    DictionaryAutoencoder(32, k=4, max_iter=1, random_state=0).fit(drawn()).save(folder / "run")
    np.save(folder / "rows.npy", drawn())
    table = pa.table({"id": np.arange(N_ROWS), **dict(zip(NAMES, drawn().T, strict=True))})
    pq.write_table(table, folder / "rows.parquet", row_group_size=50)
    run("encode", folder / "run", folder / "rows.npy", "-o", folder / "codes.npy")
    return folder


def in_a_process(code, *arguments, seconds=500):
    """Run code in a process of its own and return its last line: engines start threads and processes."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=together.environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


# --- Dask ------------------------------------------------------------------------------------------------------------
DASK = """
import sys, dask
from fragile import Fragile
from taciturn import Encoder
place, kind = sys.argv[1:]
encode = Encoder(f"{place}/run", columns=list("abcdefgh"), keep="id")
if __name__ == "__main__":
    with dask.config.set(scheduler="processes", num_workers=2):
        if kind == "bag":
            import pandas, pyarrow.parquet as pq
            from dask import bag
            table = pq.read_table(f"{place}/rows.parquet")
            tables = bag.from_sequence([table[start : start + 70] for start in range(0, 300, 70)]).map(encode).compute()
            codes = pandas.concat([each.to_pandas() for each in tables])
        else:
            import dask.dataframe as dd
            if kind == "killed":
                from dask.distributed import Client
                client = Client(n_workers=2, threads_per_worker=1, dashboard_address=None)
                encode = Fragile(f"{place}/run", f"{place}/dask-killed", columns=list("abcdefgh"), keep="id")
            frame = dd.read_parquet(f"{place}/rows.parquet", split_row_groups=True)
            empty = Encoder(f"{place}/run", columns=list("abcdefgh"), keep="id")(frame._meta)
            codes = frame.map_partitions(encode, meta=empty).compute(scheduler=client if kind == "killed" else None)
    codes.to_pickle(f"{place}/{kind}.pickle")
"""


@pytest.mark.parametrize(("kind", "package"), [("frame", "dataframe"), ("bag", "bag"), ("killed", "distributed")])
def test_dask(place, kind, package):
    """Several processes; "killed": one of them is, and its rows are encoded again."""
    pytest.importorskip(f"dask.{package}")
    script = place / "with_dask.py"
    script.write_text(DASK)
    subprocess.run([sys.executable, script, place, kind], env=together.environment(), check=True, timeout=500)
    codes = pd.read_pickle(place / f"{kind}.pickle")
    assert codes["id"].tolist() == list(range(N_ROWS))
    np.testing.assert_array_equal(np.stack(codes["codes"]), np.load(place / "codes.npy"))
    assert (place / "dask-killed").exists() == (kind == "killed")


# --- Daft ------------------------------------------------------------------------------------------------------------
DAFT = """
import sys, daft, numpy as np
from daft import DataType
from taciturn import Encoder
place = sys.argv[1]
encode = Encoder(f"{place}/run")

@daft.func.batch(return_dtype=DataType.fixed_size_list(DataType.float32(), 32))
def codes(row: daft.Series):
    return encode(np.stack(row.to_pylist()).astype(np.float32)).tolist()

rows = np.load(f"{place}/rows.npy")
frame = daft.from_pydict({"id": list(range(len(rows))), "row": list(rows)}).into_batches(70)
frame = frame.select(frame["id"], codes(frame["row"]).alias("codes"))
table = frame.to_arrow()
assert table["id"].to_pylist() == list(range(len(rows)))
expected = np.load(f"{place}/codes.npy")
print(int((np.array(table["codes"].to_pylist(), np.float32) != expected).sum()))
"""


def test_daft(place):
    pytest.importorskip("daft")
    assert in_a_process(DAFT, place) == "0"


# --- Ray -------------------------------------------------------------------------------------------------------------
RAY = """
import sys, ray, numpy as np, pyarrow.parquet as pq
from fragile import Fragile
place = sys.argv[1]
ray.init(num_cpus=3, object_store_memory=200_000_000, include_dashboard=False)
ray.data.DataContext.get_current().execution_options.preserve_order = True
codes = ray.data.from_arrow([pq.read_table(f"{place}/rows.parquet")]).map_batches(
    Fragile,
    fn_constructor_args=(f"{place}/run", f"{place}/ray-killed"),
    fn_constructor_kwargs={"columns": list("abcdefgh"), "keep": "id"},
    batch_format="pyarrow",
    batch_size=70,
    compute=ray.data.ActorPoolStrategy(size=2),
    memory=500_000_000,
)
rows = codes.take_all()
ray.shutdown()
assert [row["id"] for row in rows] == list(range(300))
print(int((np.array([row["codes"] for row in rows], np.float32) != np.load(f"{place}/codes.npy")).sum()))
"""


def test_a_batch_class_of_ray(place):
    """Two workers, one of which is killed; its rows are encoded again."""
    pytest.importorskip("ray.data")
    assert in_a_process(RAY, place) == "0"
    assert (place / "ray-killed").exists()


def shard_writers(parent):
    """Return the processes of Ray's workers below another process."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    below, found = {str(parent)}, []
    for _ in range(4):
        below |= {pid for pid, ppid, *_ in rows if ppid in below}
    for pid, _, *name in rows:
        if pid in below and "ShardWriter" in "".join(name):
            found.append(int(pid))
    return found


@pytest.mark.parametrize("killed", [False, True])
def test_shards_of_ray_are_those_of_one_process(place, tmp_path, killed):
    pytest.importorskip("ray.data")
    options = [place / "run", place / "rows.npy", "--shard-rows", "10", "--format", "npy"]
    run("encode", *options, "-o", tmp_path / "one")
    command = [
        sys.executable,
        "-m",
        "taciturn",
        "encode",
        *options,
        "-o",
        tmp_path / "ray",
        "--engine",
        "ray",
        "--workers",
        "2",
    ]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
    writers = []
    while killed and not writers:
        assert process.poll() is None
        time.sleep(0.05)
        writers = shard_writers(process.pid)
    for writer in writers[:1]:
        os.kill(writer, signal.SIGKILL)
    errors = process.communicate(timeout=500)[1]
    assert process.returncode == 0, errors
    assert json.loads((tmp_path / "ray" / "manifest.json").read_text()) == json.loads(
        (tmp_path / "one" / "manifest.json").read_text()
    )
    assert {file.name for file in (tmp_path / "ray").iterdir()} == {file.name for file in (tmp_path / "one").iterdir()}


def test_an_engine_writes_folders(place, tmp_path):
    done = run("encode", place / "run", place / "rows.npy", "-o", tmp_path / "codes.npy", "--engine", "ray", code=2)
    assert "--engine ray writes a folder of shards; give --out a name without an ending" in done.output


def test_ray_is_missing(place, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    done = run("encode", place / "run", place / "rows.npy", "-o", tmp_path / "codes", "--engine", "ray", code=2)
    assert "--engine ray needs Ray: pip install 'taciturn[ray]'" in done.output
