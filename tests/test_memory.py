"""taciturn fit --memory: sizes are worked by hand; a run that is allowed stays under its limit in a process."""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from commandline import output_text, run
from taciturn import DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import RecipeError
from taciturn.core.sizes import byte_count, size_text
from taciturn.data.held_bytes import held_bytes
from taciturn.data.sources import Rows, SparseRows, Subset, open_path
from taciturn.estimators.memory import n_weights, run_memory, survey_memory

QUIET = ("--quiet", "--no-report", "--max-steps", 3, "--epochs", 1)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("500MB", 500_000_000),
        ("1GB", 10**9),
        ("1.5GiB", 1_610_612_736),
        ("2 kb", 2000),
        ("1G", 10**9),
        ("3MiB", 3 * 1024**2),
        ("7B", 7),
    ],
)
def test_sizes_as_people_write_them(text, count):
    assert byte_count("--memory", text) == count


@pytest.mark.parametrize("text", ["", "1", "GB", "-1GB", "1XB", "0MB", "1e3MB", "nan", "1,5GB", "9" * 400 + "GB"])
def test_other_texts_are_refused_in_one_line(text):
    with pytest.raises(RecipeError, match=r"^--memory .*write a number and a unit, such as 500MB"):
        byte_count("--memory", text)


def test_a_bad_text_at_the_command_line(tmp_path):
    done = run("fit", "digits", "--memory", "lots", "-o", tmp_path / "run", code=2)
    assert done.output == "taciturn: --memory lots: write a number and a unit, such as 500MB, 1GB or 1.5GiB\n"


def test_sizes_are_written_with_three_digits():
    assert [size_text(count) for count in (7, 12_340, 268_435_456, 3e15)] == ["7 B", "12.3 kB", "268 MB", "3 PB"]


def test_rows_on_the_disk_take_no_memory(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((100, 5), np.float32))
    assert held_bytes(open_path(tmp_path / "rows.npy")) == 0
    rows = Rows(np.zeros((100, 5), np.float32)[:50])
    assert held_bytes(rows) == 100 * 5 * 4  # of a view, the whole array stays
    parts = [Subset(rows, np.arange(10)), Subset(rows, np.arange(20))]
    assert held_bytes(*parts) == 100 * 5 * 4 + 30 * 8
    from scipy.sparse import csr_array

    sparse = SparseRows(csr_array(np.eye(4)))
    assert held_bytes(sparse) == 4 * 8 + 4 * sparse.csr.indices.itemsize + 5 * sparse.csr.indptr.itemsize


def test_weights_are_those_of_the_network():
    X = np.random.default_rng(0).normal(size=(40, 6))
    for model in (
        DictionaryAutoencoder(9, k=2, max_iter=1, scaling="standard"),
        SparseAutoencoder((7, 5), max_iter=1),
        SparseAutoencoder((7, 5), max_iter=1, tied=True),
    ):
        learner = model.fit(X)._learner
        assert n_weights(learner.settings.layout) == sum(p.numel() for p in learner.model.parameters()) + 6


def test_parts_by_hand(tmp_path):
    X = np.random.default_rng(0).normal(size=(100, 6)).astype(np.float32)
    model = DictionaryAutoencoder(9, k=2, batch_size=10, max_iter=1, scaling="standard").fit(X)
    settings, weights = model.settings_, 2 * 9 * 6 + 9 + 2 * 6
    sample = 2 * 4 * 100 * 6
    batch = 4 * 10 * (4 * 9 + 3 * 6)
    assert run_memory(settings, (Rows(X), None)) == {
        "rows in memory": 100 * 6 * 4,
        "order of rows": 100 * 8,
        "model": 5 * 4 * weights,
        "batch": batch + sample,
    }
    assert run_memory(settings, (Rows(X), None), checkpoints=True)["model"] == 8 * 4 * weights
    for number in range(4):
        np.save(tmp_path / f"part-{number}.npy", X[25 * number :][:25])
    streamed = open_path(tmp_path, streamed=True)  # four blocks of 25 rows
    from dataclasses import replace

    parts = run_memory(replace(settings, shuffle_window=30), (streamed, None))
    assert parts["shuffle window"] == 2 * 55 * 24 + 55 * 8 + 5 * 25 * 24
    assert parts["rows in memory"] < 100 * 8
    parts = run_memory(replace(settings, shuffle_window=100), (streamed, None))
    assert parts["shuffle window"] == 100 * 24 + 100 * 8 + 5 * 25 * 24


def refused(path, *options, memory, out):
    """Return the line that refuses a run; nothing is written."""
    done = run("fit", path, "--memory", memory, *QUIET, *options, "-o", out, code=2)
    assert len(done.output.splitlines()) == 1
    assert not Path(out).exists()
    return output_text(done)


def test_rows_in_memory(tmp_path):
    X = np.random.default_rng(0).normal(size=(20_000, 20))
    np.savez(tmp_path / "rows.npz", X)
    line = refused(tmp_path / "rows.npz", "--k", 2, "--latents", 8, memory="3MB", out=tmp_path / "run")
    assert "the largest part is the rows in memory, 3.36 MB: save them as .npy, which stays on the disk" in line
    np.save(tmp_path / "rows.npy", X)  # the mend mends
    run("fit", tmp_path / "rows.npy", "--memory", "3MB", "--k", 2, "--latents", 8, *QUIET, "-o", tmp_path / "run")


def test_the_model_and_the_mend(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(300, 50)))
    options = ("--k", 2, "--latents", 2000, "--batch-size", 32)
    line = refused(tmp_path / "rows.npy", *options, memory="3MB", out=tmp_path / "run")
    assert "the largest part is the model, 4.04 MB" in line  # 5 copies of 2 · 2000 · 50 + 2000 + 100 numbers
    fewer = int(re.search(r"set --latents (\d+)", line)[1])
    options = ("--k", 2, "--batch-size", 32, "--memory", "3MB", *QUIET, "-o", tmp_path / "run")
    run("fit", tmp_path / "rows.npy", "--latents", fewer, *options)


def test_the_window_and_the_mend(tmp_path, monkeypatch):
    monkeypatch.setattr("taciturn.data.sources.files.MAX_IN_MEMORY_BYTES", 0)
    (tmp_path / "rows").mkdir()
    for number in range(100):
        rows = np.random.default_rng(number).normal(size=(1000, 20)).astype(np.float32)
        np.save(tmp_path / "rows" / f"part-{number}.npy", rows)
    options = ("--k", 2, "--latents", 8, "--batch-size", 32)
    line = refused(tmp_path / "rows", *options, memory="9MB", out=tmp_path / "run")
    assert "the largest part is the shuffle window" in line
    window = int(re.search(r"set --shuffle-window (\d+)", line)[1])
    run("fit", tmp_path / "rows", *options, "--shuffle-window", window, "--memory", "9MB", *QUIET, "-o", tmp_path / "a")
    more = refused(
        tmp_path / "rows", *options, "--shuffle-window", window + 2000, memory="9MB", out=tmp_path / "run"
    )  # the window that is named is the largest one
    assert f"--shuffle-window {window}" in more


def test_the_survey_is_before_the_window(tmp_path, monkeypatch):
    monkeypatch.setattr("taciturn.data.sources.files.MAX_IN_MEMORY_BYTES", 0)
    (tmp_path / "rows").mkdir()
    for number in range(10):
        np.save(tmp_path / "rows" / f"part-{number}.npy", np.zeros((1000, 20), np.float32) + number)
    settings = DictionaryAutoencoder(8, k=2, max_iter=1).fit(np.eye(20)).settings_
    source = open_path(tmp_path / "rows")
    assert survey_memory(settings, source) == 5 * 8192 * 20 * 4 + 4 * 8192 * 20 * 8
    assert survey_memory(settings, Rows(np.zeros((9, 20)))) == 0
    options = ("--k", 2, "--latents", 8, "--shuffle-window", 1000, "--survey-rows", 2000)
    line = refused(tmp_path / "rows", *options, memory="8MB", out=tmp_path / "run")
    assert "the survey of the rows before the first step holds 8.52 MB, more than --memory 8 MB: give more" in line
    run("fit", tmp_path / "rows", *options, "--memory", "9MB", *QUIET, "-o", tmp_path / "run")


PEAK = """
import sys
import torch
from taciturn.cli import main
import taciturn.cli.training, taciturn.estimators.memory, taciturn.training, taciturn.report
sys.argv = ["taciturn", *sys.argv[1:]]
print("ready", flush=True)
sys.stdin.readline()
main()
"""


def anonymous_bytes(process):
    """Return the anonymous memory of a running process; 0 once it has ended."""
    try:
        text = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return 0
    return 1024 * int((re.search(r"RssAnon:\s+(\d+)", text) or [0, 0])[1])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_allowed_run_stays_under_the_limit(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(6000, 256)).astype(np.float32))
    options = ["--k", "16", "--latents", "16384", "--max-steps", "6", "--epochs", "1", "--batch-size", "128"]
    arguments = ["fit", str(tmp_path / "rows.npy"), *options, "--quiet", "--no-report", "--memory", "250MB"]
    command = [sys.executable, "-c", PEAK, *arguments, "-o", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    idle = peak = anonymous_bytes(process)
    process.stdin.write("\n")
    process.stdin.close()
    while process.poll() is None:
        peak = max(peak, anonymous_bytes(process))
        time.sleep(0.005)
    process.stdout.close()
    assert process.returncode == 0
    assert 50e6 < peak - idle < 250e6 + 60e6  # libraries that are loaded during the run
