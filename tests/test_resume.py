"""Runs that are ended at any moment, and resumed: the same bits as a run that was never ended."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

import taciturn
from commandline import run as command
from killing import COMMANDS, fit, write_rows
from taciturn import AutoencoderOutlierDetector, DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import ArtifactError, DamagedCheckpoint, DataError, NotExact, RecipeError, TaciturnError
from taciturn.data.sources import open_path
from taciturn.data.sources.raw_shard import RawShard
from taciturn.training import History, checkpoints, learner, read_lines, read_log
from taciturn.training.history import logged_history

ROWS = np.random.default_rng(0).random((600, 8), dtype=np.float32)
TARGETS = ROWS[:, ::-1].copy()
QUICK = {"n_components": 12, "random_state": 0}


class Ended(BaseException):
    """Stands for the end of the process."""


def end_at(monkeypatch, steps):
    """Let the process end when the checkpoint after so many steps is written; None: let it be again."""
    real = checkpoints.Checkpoints.write

    def write(self, tensors, **position):
        real(self, tensors, **position)
        if position["steps"] == steps:
            raise Ended

    monkeypatch.setattr(checkpoints.Checkpoints, "write", write)


def numbers(model):
    """Return weights, training state and history of a model, without times."""
    state = {name: tensor.numpy() for name, tensor in model._learner.state().items()}
    weights = {name: tensor.numpy() for name, tensor in model.module_.state_dict().items()}
    history = {f"step {name}": column for name, column in model.history_.steps.items()}
    history |= {f"interval {name}": column for name, column in model.history_.items() if name != "seconds"}
    return state | weights | history


def assert_same(model, other):
    mine, theirs = numbers(model), numbers(other)
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if not np.array_equal(mine[name], theirs[name], equal_nan=True)] == []
    assert (model.stopped_, model.n_iter_) == (other.stopped_, other.n_iter_)


RUNS = {
    "compiled step": (DenoisingAutoencoder(**QUICK, corruption="gaussian:0.3", scaling="standard", max_iter=4), {}),
    "early stopping": (
        SparseAutoencoder(**QUICK, sparsity="kl:0.1", early_stopping=True, n_iter_no_change=2, tol=1.0, max_iter=9),
        {},
    ),
    "batch_topk, calibrated": (DictionaryAutoencoder(**QUICK, k=2, sparsity="batch_topk", max_iter=4), {}),
    "resampled, whitened": (
        DictionaryAutoencoder(**QUICK, k=2, revive="auxk+resample", scaling="whiten", max_iter=4),
        {},
    ),
    "l1, ordered": (DictionaryAutoencoder(**QUICK, k=2, sparsity="l1", ordered=True, max_iter=4), {}),
    "targets, nadam": (SparseAutoencoder(**QUICK, solver="nadam", max_iter=3), {"target": TARGETS}),
    "skip transcoder": (
        DictionaryAutoencoder(**QUICK, k=2, skip=True, revive="auxk+resample", max_iter=4),
        {"target": TARGETS[:, :5]},
    ),
    "steps": (
        SparseAutoencoder(**QUICK, sparsity="topk:3", max_steps=31, validate_every=7, solver="sgd:momentum=0.9"),
        {"validation": ROWS[:50]},
    ),
    "blind spots": (DenoisingAutoencoder(**QUICK, corruption="blind_spot:0.2,noise=0.1", max_iter=2), {}),
    "diverged": (
        SparseAutoencoder(**QUICK, sparsity=None, activation="relu", learning_rate=1e18, solver="sgd", max_iter=4),
        {},
    ),
}


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")
@pytest.mark.parametrize("name", RUNS)
def test_a_resumed_fit_has_the_bits_of_a_whole_one(name, tmp_path, monkeypatch):
    from sklearn.base import clone

    model, rows = RUNS[name]
    whole = clone(model).fit(ROWS, **rows)
    if name == "diverged":
        assert "no longer finite" in whole.stopped_
    last = whole._learner.steps_done
    for steps in {1, last // 2, last}:
        with monkeypatch.context() as patch:
            end_at(patch, steps)
            with pytest.raises(Ended):
                clone(model).fit(ROWS, **rows, checkpoint=tmp_path / f"{steps}", checkpoint_every=1)
        assert_same(type(model).resume(tmp_path / f"{steps}", ROWS, **rows), whole)


def test_checkpoints_do_not_change_a_fit(tmp_path):
    whole = SparseAutoencoder(**QUICK, max_iter=3).fit(ROWS)
    for every in (1, "0.001s"):
        fitted = SparseAutoencoder(**QUICK, max_iter=3).fit(
            ROWS, checkpoint=tmp_path / str(every), checkpoint_every=every
        )
        assert_same(fitted, whole)


def test_an_outlier_detector_is_resumed(tmp_path, monkeypatch):
    whole = AutoencoderOutlierDetector(8, max_iter=3, random_state=0).fit(ROWS)
    end_at(monkeypatch, 20)
    with pytest.raises(Ended):
        AutoencoderOutlierDetector(8, max_iter=3, random_state=0).fit(
            ROWS, checkpoint=tmp_path / "run", checkpoint_every=4
        )
    monkeypatch.undo()
    resumed = AutoencoderOutlierDetector.resume(tmp_path / "run", ROWS)
    np.testing.assert_array_equal(resumed.p_values(ROWS), whole.p_values(ROWS))
    assert resumed.offset_ == whole.offset_


def test_a_random_seed_is_part_of_the_checkpoint(tmp_path, monkeypatch):
    end_at(monkeypatch, 20)
    with pytest.raises(Ended):
        SparseAutoencoder(4, max_iter=2).fit(ROWS, checkpoint=tmp_path / "run", checkpoint_every=4)
    monkeypatch.undo()
    resumed = SparseAutoencoder.resume(tmp_path / "run", ROWS)
    again = SparseAutoencoder(4, max_iter=2, random_state=resumed._learner.seed).fit(ROWS)
    assert_same(resumed, again)


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """A folder of a fit that ended after 20 steps, with checkpoints after 10, 15 and 20."""
    with monkeypatch.context() as patch:
        end_at(patch, 20)
        patch.setattr(checkpoints, "KEEP", 3)
        patch.setattr(checkpoints.Checkpoints, "keep", 3)
        with pytest.raises(Ended):
            SparseAutoencoder(**QUICK, max_iter=3).fit(ROWS, checkpoint=tmp_path / "run", checkpoint_every=5)
    return tmp_path / "run"


def names(folder):
    return sorted(os.listdir(folder / "checkpoints"))


@pytest.mark.parametrize("damage", ["state", "description", "missing", "empty"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(ended, damage):
    last = ended / "checkpoints" / names(ended)[-1]
    if damage == "state":
        data = bytearray((last / "state.safetensors").read_bytes())
        data[len(data) // 2] ^= 1
        (last / "state.safetensors").write_bytes(data)
    elif damage == "description":
        (last / "checkpoint.json").write_text("{")
    elif damage == "missing":
        (last / "checkpoint.json").unlink()
    else:
        (last / "state.safetensors").write_bytes(b"")
    with pytest.warns(DamagedCheckpoint, match=r"step-000000020 is damaged: .*step-000000015, the one before, is used"):
        resumed = SparseAutoencoder.resume(ended, ROWS)
    assert_same(resumed, SparseAutoencoder(**QUICK, max_iter=3).fit(ROWS))


def test_without_a_whole_checkpoint_nothing_is_resumed(ended):
    for name in names(ended):
        (ended / "checkpoints" / name / "state.safetensors").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"cannot be resumed: step-000000020 is damaged: .*; train again"):
        SparseAutoencoder.resume(ended, ROWS)


def test_changed_rows_are_refused(ended):
    other = ROWS.copy()
    other[599, 3] += 1
    for rows, words in {
        "a changed row": (other, "X is not that with which the run began: of rows 0 to 599 some differ"),
        "one row less": (ROWS[:-1], "X has 599 rows, but the run began with 600"),
        "another type": (ROWS.astype(np.float64), "X has the type <f8, but the run began with <f4"),
    }.values():
        with pytest.raises(DataError, match=words):
            SparseAutoencoder.resume(ended, rows)
    with pytest.raises(DataError, match="the run began without target"):
        SparseAutoencoder.resume(ended, ROWS, target=TARGETS)
    with pytest.raises(DataError, match="the run began without validation"):
        SparseAutoencoder.resume(ended, ROWS, validation=ROWS)


def test_another_estimator_and_an_unfinished_folder_are_refused(ended):
    with pytest.raises(RecipeError, match="holds a run of SparseAutoencoder, not of DictionaryAutoencoder"):
        DictionaryAutoencoder.resume(ended, ROWS)
    with pytest.raises(ArtifactError, match=r"holds a run that is not complete; .* go on: resume\('.*', X\) of its"):
        taciturn.load(ended)
    with pytest.raises(TaciturnError, match="holds a run that is not complete"):
        SparseAutoencoder(4).fit(ROWS, checkpoint=ended)


def test_other_threads_are_noted(ended):
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        with pytest.warns(NotExact, match=f"began with threads {threads}, now {threads + 1}: last digits may differ"):
            SparseAutoencoder.resume(ended, ROWS)
    finally:
        torch.set_num_threads(threads)


def test_the_last_checkpoints_and_the_best_stay(tmp_path):
    model = SparseAutoencoder(**QUICK, max_iter=3, learning_rate="linear:0.01,3", validate_every=5)
    model.fit(ROWS, validation=ROWS[:40], checkpoint=tmp_path / "run", checkpoint_every=5)
    losses = model.history_["validation_loss"]
    best = 5 * (int(losses.argmin()) + 1)
    last = [len(losses) * 5 - 5, model._learner.steps_done]
    assert best < last[0]  # the learning rate rises until the loss does
    assert [int(name.removeprefix("step-")) for name in names(tmp_path / "run")] == [best, *last]


def test_a_full_disk_is_one_line_and_leaves_earlier_checkpoints(tmp_path, monkeypatch):
    real, written = learner.save_tensors, []

    def save(tensors, file, *processes):
        written.append(file)
        if len(written) == 4:
            file.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        real(tensors, file, *processes)

    monkeypatch.setattr(learner, "save_tensors", save)
    words = (
        "the checkpoint after 20 steps cannot be written: No space left on device; earlier ones are intact: make room"
    )
    with pytest.raises(TaciturnError, match=words):
        SparseAutoencoder(**QUICK, max_iter=3).fit(ROWS, checkpoint=tmp_path / "run", checkpoint_every=5)
    monkeypatch.undo()
    assert names(tmp_path / "run") == ["step-000000010", "step-000000015"]
    assert_same(SparseAutoencoder.resume(tmp_path / "run", ROWS), SparseAutoencoder(**QUICK, max_iter=3).fit(ROWS))


def test_a_shard_that_goes_or_is_damaged_is_one_line_and_leaves_checkpoints(tmp_path, monkeypatch):
    def rows():
        return open_path(tmp_path / "rows", streamed=True)

    (tmp_path / "rows").mkdir()
    for number, part in enumerate(np.split(ROWS, 4)):
        np.save(tmp_path / "rows" / f"part-{number}.npy", part)
    model, out = SparseAutoencoder(**QUICK, max_iter=3, shuffle_window=200), tmp_path / "run"
    whole = clone(model).fit(rows())
    shard = tmp_path / "rows" / "part-2.npy"
    content, damaged = shard.read_bytes(), bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    read = RawShard.read_into

    def read_into(self, start, numbers):
        if (out / "checkpoints" / "step-000000010").exists():
            shard.unlink(missing_ok=True)  # several threads read
        read(self, start, numbers)

    monkeypatch.setattr(RawShard, "read_into", read_into)
    with pytest.raises(DataError, match=r"part-2\.npy: no such file; it was there before: put it back$"):
        clone(model).fit(rows(), checkpoint=out, checkpoint_every=5)
    monkeypatch.undo()
    kept = names(out)
    assert "step-000000010" in kept
    with pytest.raises(DataError):
        SparseAutoencoder.resume(out, rows())
    shard.write_bytes(damaged)
    with pytest.raises(TaciturnError) as caught:
        SparseAutoencoder.resume(out, rows())
    assert "\n" not in str(caught.value)
    assert names(out) == kept
    shard.write_bytes(content)
    assert_same(SparseAutoencoder.resume(out, rows()), whole)


# --- max_steps and validate_every -----------------------------------------------------------------------------------
def test_max_steps_ends_a_run_within_an_epoch():
    model = SparseAutoencoder(4, max_steps=25, batch_size=60, random_state=0).fit(ROWS)  # 10 steps an epoch
    assert (model._learner.steps_done, model.n_iter_, model.settings_.epochs) == (25, 3, 3)
    assert model.history_.steps["rows"].tolist() == [60] * 25
    assert model.history_.steps["learning_rate"][-1] == pytest.approx(0.01 / (0.3 * 25), rel=1e-6)  # decayed by step 25
    whole = SparseAutoencoder(4, max_steps=1000, max_iter=2, batch_size=60, random_state=0).fit(ROWS)
    assert_same(whole, SparseAutoencoder(4, max_iter=2, batch_size=60, random_state=0).fit(ROWS))


def test_validation_each_n_steps(tmp_path):
    parameters = {"max_iter": 2, "batch_size": 60, "random_state": 0}
    model = SparseAutoencoder(4, validate_every=7, **parameters).fit(ROWS, validation=ROWS[:50])
    assert model.history_["step"].tolist() == [6, 13, 19]  # the last step ends an interval
    assert model.history_["epoch"].tolist() == [0, 1, 1]
    assert np.isfinite(model.history_["validation_loss"]).all()
    loss = model.history_.steps["loss"]
    np.testing.assert_allclose(model.history_["loss"], [loss[:7].mean(), loss[7:14].mean(), loss[14:].mean()])
    each = SparseAutoencoder(4, **parameters).fit(ROWS, validation=ROWS[:50])
    np.testing.assert_array_equal(each.history_.steps["loss"], loss)  # validation changes nothing
    assert each.history_["validation_loss"][-1] == model.history_["validation_loss"][-1]
    by_rows = SparseAutoencoder(4, validate_every="420rows", **parameters).fit(ROWS, validation=ROWS[:50])
    assert by_rows.history_["step"].tolist() == [6, 13, 19]
    model.save(tmp_path / "model")
    loaded = taciturn.load(tmp_path / "model").history_
    for name, column in model.history_.items():
        np.testing.assert_array_equal(loaded[name], column, err_msg=name)


def test_early_stopping_counts_intervals():
    model = SparseAutoencoder(
        4, validate_every=3, early_stopping=True, n_iter_no_change=2, tol=1e9, max_iter=9, random_state=0
    ).fit(ROWS)
    assert model._learner.steps_done == 9  # only the first interval is better than none
    assert model.stopped_ == "the validation loss has not fallen by 1e+09 for 2 times 3 steps"


@pytest.mark.parametrize("value", [0, -5, "ten", "10min", "1.5steps", True])
def test_other_intervals_are_refused(value):
    with pytest.raises(
        RecipeError, match=r"validate_every=.* must be a number of steps, such as 1000, or a text such as"
    ):
        SparseAutoencoder(4, validate_every=value).fit(ROWS)


# --- the log --------------------------------------------------------------------------------------------------------
def test_the_log_holds_the_history_and_a_torn_line_is_left_out(tmp_path):
    model = SparseAutoencoder(**QUICK, max_iter=2).fit(ROWS, checkpoint=tmp_path / "run", checkpoint_every=10)
    file = tmp_path / "run" / "log.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert {line["kind"] for line in lines[1:-1]} == {"step", "checkpoint", "interval"}
    assert (lines[0]["kind"], lines[0]["steps"]) == ("run", 38)
    assert (lines[-1]["kind"], lines[-1]["stopped"]) == ("end", None)
    steps = [line for line in lines if line["kind"] == "step"]
    assert [line["loss"] for line in steps] == model.history_.steps["loss"].tolist()
    with file.open("ab") as stream:
        stream.write(b'{"kind":"step","step":99')
    assert len(list(read_log(file))) == len(lines)
    history = logged_history(file)
    assert isinstance(history, History)
    np.testing.assert_array_equal(history["rates"], model.history_["rates"])
    with file.open("rb") as stream:
        assert len(list(read_lines(stream))) == len(lines)
        with file.open("ab") as more:
            more.write(b',"loss":"nan"}\n')
        (line,) = read_lines(stream)  # a reader that follows the run
        assert (line["step"], np.isnan(line["loss"])) == (99, True)
    with file.open("ab") as stream:
        stream.write(b"{}}\n")
    with pytest.raises(ArtifactError, match=r"log.jsonl: the line that ends at byte [\d,]+ is damaged"):
        list(read_log(file))


def test_long_runs_log_some_steps_and_hold_none(tmp_path, monkeypatch):
    from taciturn.training import history

    monkeypatch.setattr(history, "MAX_STEP_ROWS", 16)
    monkeypatch.setattr(history, "MAX_PENDING_RATES", 12)
    held = []
    real = history.Recorder._keep

    def keep(self, record):
        real(self, record)
        held.append(len(self._pending) + sum(len(part["step"]) for part in self._columns))

    monkeypatch.setattr(history.Recorder, "_keep", keep)
    model = SparseAutoencoder(4, max_iter=2, batch_size=20, random_state=0)
    model.fit(ROWS, checkpoint=tmp_path / "run", checkpoint_every=7)  # 30 steps an epoch
    assert model.history_.steps["step"].tolist() == [*range(0, 29, 4), 29, *range(32, 57, 4), 59]
    assert max(held) <= 16 + 4 + 1
    lines = [line["step"] for line in read_log(tmp_path / "run" / "log.jsonl") if line["kind"] == "step"]
    assert lines == [*range(16), *range(16, 29, 2), 29, *range(30, 32, 2), *range(32, 57, 4), 59]
    whole = SparseAutoencoder(4, max_iter=2, batch_size=20, random_state=0).fit(ROWS)
    np.testing.assert_array_equal(model.history_.steps["loss"], whole.history_.steps["loss"])
    monkeypatch.undo()
    np.testing.assert_allclose(model.history_["loss"], whole.history_["loss"], rtol=1e-12)
    np.testing.assert_allclose(model.history_["rates"], whole.history_["rates"], rtol=1e-12)


# --- the command line -----------------------------------------------------------------------------------------------
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("recipe", COMMANDS)
def test_a_run_that_is_killed_at_any_moment_is_resumed(recipe, tmp_path):
    """benchmarks/kill.py does so a hundred times."""
    # in a process of its own, because autograd does not work in a fork of one that has used it
    command_line = [sys.executable, str(Path(__file__).parent / "killing.py"), recipe, str(tmp_path)]
    done = subprocess.run(command_line, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout.split()) == (0, ["same"] * 3), done.stderr


SIGNALLED = """
import os, signal, sys
from taciturn.training import run
real, steps = run.update, []
def update(*given):
    steps.append(1)
    if len(steps) == 33:
        os.kill(os.getpid(), signal.{signal})
    return real(*given)
run.update = update
from taciturn.cli import main
sys.argv = ["taciturn", *{arguments!r}]
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_finishes_the_step_writes_a_checkpoint_and_tells_how_to_go_on(name, status, tmp_path):
    rows, out = write_rows(tmp_path), tmp_path / "run"
    arguments = fit(rows, "--latents 8 --epochs 6 --checkpoint-every 1h", out)
    code = SIGNALLED.format(signal=name, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr.strip()) == (status, f"taciturn: interrupted; go on: taciturn resume {out}")
    assert names(out) == ["step-000000033"]
    words = command("info", out, code=1).output
    assert " ".join(words.split()).endswith(f"go on: taciturn resume {out}")
    recipe = (out / "recipe.toml").read_text()
    (out / "recipe.toml").write_text(recipe.replace("n_components = 8", "n_components = 9"))
    words = " ".join(command("resume", out, "-q", code=2).output.split())
    assert "the run began with n_components=8, but is to go on with 9; restore it" in words
    (out / "recipe.toml").write_text(recipe)
    moved = tmp_path / "moved.npy"
    rows.rename(moved)
    command("resume", out, moved, "--no-report", "-q")
    moved.rename(rows)
    command(
        "fit",
        rows,
        *["--latents", "8", "--epochs", "6", "--scaling", "none", "--threads", "1", "--no-report", "-q", "-o"],
        tmp_path / "whole",
    )
    for file in ("weights.safetensors", "training.safetensors", "metrics.json"):
        assert (out / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert not (out / "checkpoints").exists()
    words = " ".join(command("resume", out, code=1).output.split())
    assert "is complete; there is nothing to resume" in words


def test_an_unfinished_run_without_checkpoints_is_begun_again(tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / "recipe.toml").write_text("")
    (out / "log.jsonl").write_text('{"kind":"run","format":1}\n')
    for arguments in (["info", out], ["fit", "digits", "-o", out]):
        words = " ".join(command(*arguments, code=1).output.split())
        assert f"begin again: taciturn fit {out}/recipe.toml -o {out} --overwrite" in words
    words = " ".join(command("resume", out, code=1).output.split())
    assert "cannot be resumed: it holds no checkpoint" in words
    command(*f"fit digits --latents 4 --epochs 1 --no-report -q --overwrite -o {out}".split())
    assert (out / "config.json").exists()


def test_a_second_process_does_not_train_in_the_same_folder(ended):
    import fcntl

    with (ended / "log.jsonl").open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(TaciturnError, match="another process trains in"):
            SparseAutoencoder.resume(ended, ROWS)
