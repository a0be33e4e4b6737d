"""Watching a fit: curves in the terminal, callbacks, and trackers of other programs."""

import json
import math
import os
import re
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from commandline import output_text, run
from taciturn import SparseAutoencoder, datasets, load
from taciturn.cli.curve import curve
from taciturn.cli.watch import Progress, drawn
from taciturn.core.errors import CallbackFailed, RecipeError
from taciturn.trackers import tracker
from taciturn.training import read_log
from taciturn.training.history import logged_history


@pytest.fixture(scope="module")
def X():
    return datasets.load("iris").read(0, 150).astype(np.float32)


@pytest.fixture(scope="module")
def logged(X, tmp_path_factory):
    folder = tmp_path_factory.mktemp("watched") / "run"
    model = SparseAutoencoder(8, max_iter=4, batch_size=30, random_state=0).fit(X, checkpoint=folder)
    return folder, model


# --- curves -------------------------------------------------------------------------------------------------------
def test_a_curve_by_hand():
    assert curve([0, 15, 7], width=9, height=2) == [" █ ", "▁██"]
    assert curve([1, math.nan, 1], width=9, height=1) == ["▁ ▁"]
    assert curve([1, 10, 100], width=9, height=1) == ["▁▄█"] or curve([1, 10, 100], width=9, height=1) == ["▁▅█"]
    assert curve([math.inf], width=9, height=2) == [" ", " "]


def test_more_values_than_columns_are_averaged():
    assert curve([0, 0, 14, 0, 7, 7], width=3, height=1) == curve([0, 7, 7], width=3, height=1)


def test_the_picture_has_the_numbers_of_the_log(logged):
    folder, model = logged
    progress = Progress()
    progress.add(read_log(folder / "log.jsonl"))
    text = drawn("run", progress, 60).plain
    assert f"step {len(progress.losses)} of {len(progress.losses)} (100%), epoch 4 of 4; ended" in text
    assert f"loss of steps  {model.history_.steps['loss'][-1]:.4g}" in text
    assert progress.intervals["loss"] == model.history_["loss"].tolist()
    assert max(map(len, text.splitlines())) <= 60


def test_long_runs_keep_few_points(monkeypatch):
    monkeypatch.setattr("taciturn.cli.watch.MAX_POINTS", 10)
    progress = Progress()
    progress.add({"kind": "step", "step": i, "epoch": 0, "loss": i} for i in range(1000))
    assert len(progress.losses) <= 10
    assert len(set(np.diff(progress.losses))) == 1


def test_watch_draws_a_run_that_has_ended(logged):
    done = run("watch", logged[0])
    assert "ended" in done.stdout
    assert "█" in done.stdout


def test_watch_refuses_a_folder_without_a_log(tmp_path):
    assert "log.jsonl: No such file or directory; name a run with a log" in run("watch", tmp_path, code=1).stderr


def follow(folder):
    """Start `taciturn watch` on a log that has begun, as in a terminal, and wait until it draws."""
    command = [sys.executable, "-m", "taciturn", "watch", folder]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env=os.environ | {"FORCE_COLOR": "1", "COLUMNS": "80"}, **pipes)
    while "step" not in process.stdout.readline():
        assert process.poll() is None, process.stderr.read()
    return process


def test_watch_follows_until_the_run_ends(tmp_path):
    lines = [{"kind": "run", "steps": 2, "epochs": 1}, {"kind": "step", "step": 0, "epoch": 0, "loss": 2.0}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    process = follow(tmp_path)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write(json.dumps({"kind": "step", "step": 1, "epoch": 0, "loss": 1.25}) + "\n")
        log.write(json.dumps({"kind": "end", "steps": 2, "stopped": None})[:10])
        log.flush()
        time.sleep(1)
        log.write(json.dumps({"kind": "end", "steps": 2, "stopped": None})[10:] + "\n")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert "step 2 of 2 (100%), epoch 1 of 1; ended" in out
    assert "  1.25" in out


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for other processes")
def test_ctrl_c_leaves_the_watching(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"kind":"run","steps":9}\n')
    process = follow(tmp_path)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")


# --- the report of an unfinished run --------------------------------------------------------------------------------
def test_a_report_of_an_unfinished_run(X, tmp_path):
    fitted(X, checkpoint=tmp_path / "run", checkpoint_every=4)
    (tmp_path / "run" / "recipe.toml").write_text("")
    done = run("report", tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    for text in (page, output_text(done)):
        assert "holds a run that is not complete" in text
        assert "taciturn resume" in text
    history = logged_history(tmp_path / "run" / "log.jsonl")
    cells = [float(cell) for cell in re.findall(r"<td>([\d.]+)</td>", page)]
    for value in history["loss"][[0, -1]]:
        assert value in [pytest.approx(cell, rel=2e-3) for cell in cells]
    assert not (tmp_path / "run" / "report.json").exists()


def test_no_report_before_the_first_epoch(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"kind":"run","validate_every":null}\n')
    assert (
        "no epoch is complete yet; wait, or watch the steps: taciturn watch" in run("report", tmp_path, code=1).stderr
    )


# --- callbacks ----------------------------------------------------------------------------------------------------
def fitted(X, **options):
    return SparseAutoencoder(8, max_iter=3, batch_size=30, random_state=0).fit(X, **options)


def test_callbacks_get_the_log(X, tmp_path):
    lines = []
    model = fitted(X, callbacks=[lines.append], checkpoint=tmp_path / "run", checkpoint_every=4)
    logged_lines = list(read_log(tmp_path / "run" / "log.jsonl"))
    assert lines == logged_lines
    assert (lines[0]["kind"], lines[-1]["kind"]) == ("run", "end")
    assert {line["kind"] for line in lines} == {"run", "checkpoint", "step", "interval", "end"}
    losses = [line["loss"] for line in lines if line["kind"] == "step"]
    np.testing.assert_array_equal(losses, model.history_.steps["loss"])


def test_callbacks_change_nothing(X):
    def greedy(line):
        line.clear()

    plain, watched = fitted(X), fitted(X, callbacks=[greedy])
    np.testing.assert_array_equal(watched.transform(X), plain.transform(X))
    for name, column in plain.history_.items():
        if name != "seconds":
            np.testing.assert_array_equal(watched.history_[name], column)


def test_a_failing_callback_is_warned_of_and_left_out(X):
    lines = []

    def fragile(line):
        lines.append(line["kind"])
        if line["kind"] == "step":
            raise OSError("the server is gone")

    with pytest.warns(CallbackFailed, match="fragile failed and is not called again: OSError: the server is gone"):
        model = fitted(X, callbacks=[fragile])
    assert lines == ["run", "step"]
    assert model.n_iter_ == 3


# --- trackers -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["tensorbord:x", "tensorboard", "mlflow", "mlflow:", ""])
def test_unknown_trackers(text):
    with pytest.raises(RecipeError, match="is unknown; write tensorboard:FOLDER, wandb, wandb:PROJECT or mlflow:URI"):
        tracker(text)


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_a_tracker_that_is_not_installed(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RecipeError, match=rf"{name} is not installed; install it: pip install 'taciturn\[{name}\]'"):
        tracker(f"{name}:place")


def test_tensorboard_files_read_back(X, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    np.save(tmp_path / "rows.npy", X)
    options = ["--epochs", 3, "--no-report", "-q", "--track", f"tensorboard:{tmp_path / 'board'}"]
    run("fit", tmp_path / "rows.npy", "-o", tmp_path / "run", *options)
    events, model = accumulator.EventAccumulator(str(tmp_path / "board")).Reload(), load(tmp_path / "run")
    steps = [(event.step, event.value) for event in events.Scalars("step/loss")]
    assert [step for step, _ in steps] == model.history_.steps["step"].tolist()
    np.testing.assert_allclose([value for _, value in steps], model.history_.steps["loss"], rtol=1e-6)
    intervals = [event.value for event in events.Scalars("interval/validation_loss")]
    np.testing.assert_allclose(intervals, model.history_["validation_loss"], rtol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what MLflow uses
def test_mlflow_runs_read_back(X, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    model = fitted(X, callbacks=[tracker(f"mlflow:{uri}")])
    client = mlflow.MlflowClient(tracking_uri=uri)
    (stored,) = client.search_runs([client.get_experiment_by_name("taciturn").experiment_id])
    assert (stored.info.status, stored.data.params["batch_size"]) == ("FINISHED", "30")
    losses = client.get_metric_history(stored.info.run_id, "step/loss")
    by_step = {metric.step: metric.value for metric in losses}
    np.testing.assert_allclose([by_step[step] for step in sorted(by_step)], model.history_.steps["loss"])
    assert stored.data.metrics["interval/loss"] == pytest.approx(model.history_["loss"][-1])


def wandb_records(data):
    """Yield the records of a .wandb file: a log of LevelDB's form, in blocks of 32,768 bytes, behind 7 bytes."""
    position, record = 7, b""
    while position < len(data):
        if (left := 32768 - position % 32768) < 7:  # the rest of a block is padding
            position += left
            continue
        _, length, kind = struct.unpack("<IHB", data[position : position + 7])
        record += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield record
            record = b""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wandb_offline_run_reads_back(X, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    from wandb.proto import wandb_internal_pb2

    monkeypatch.chdir(tmp_path)
    model = fitted(X, callbacks=[tracker("wandb:project")])
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    losses = {}
    for data in wandb_records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        items = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        losses |= {items["_step"]: items["step/loss"]} if "step/loss" in items else {}
    np.testing.assert_allclose([losses[step] for step in sorted(losses)], model.history_.steps["loss"])
