"""Several processes train together what one process trains; what they cannot do is refused by name."""

import json
import os
import re
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
import torch
from torch.distributed import HashStore, TCPStore
from torch.distributed.checkpoint import HuggingFaceStorageReader

import commandline
import interrupted
import together
from taciturn import DenoisingAutoencoder, DenoisingImputer, DictionaryAutoencoder, SparseAutoencoder, load
from taciturn.core.errors import DataError, NotExact, RecipeError, TaciturnError
from taciturn.core.world import ONE_PROCESS, SINGLE_PROCESS
from taciturn.corruption import Corruption
from taciturn.data.sources import Rows
from taciturn.training import Checkpoints, Feed, checkpoints, restarts
from taciturn.training.processes import check_facts, joined, refuse

CORE = together.CORE  # in three processes too
NAMES = tuple(together.estimators())


@pytest.fixture(scope="module", params=together.DEVICES)
def results(request, tmp_path_factory):
    """The numbers of all fits: of one process, and of each of two and of three, which gloo or nccl connects."""
    folder, device = tmp_path_factory.mktemp("together"), request.param
    with ThreadPoolExecutor() as threads:
        two = threads.submit(together.fit_by, 2, folder, NAMES, device)
        results = {1: [together.fit_all(NAMES, device=device)], 2: two.result()}
    if device == "cpu" or torch.cuda.device_count() > 2:
        results[3] = together.fit_by(3, folder, CORE, device)
    return results


@pytest.mark.parametrize(
    ("count", "name"), [*((2, name) for name in NAMES), *((3, name) for name in CORE)], ids=lambda value: str(value)
)
def test_several_processes_train_what_one_trains(results, count, name):
    one, several = results[1][0], results.get(count) or pytest.skip("nccl needs a GPU for each process")
    for each in several:
        np.testing.assert_array_equal(each[f"{name}/weights"], several[0][f"{name}/weights"])
        for number in ("loss", "rate", "validation_loss"):
            np.testing.assert_allclose(each[f"{name}/{number}"], one[f"{name}/{number}"], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(each[f"{name}/rates"], one[f"{name}/rates"], atol=1e-3)
        assert np.mean((each[f"{name}/codes"] != 0) == (one[f"{name}/codes"] != 0)) >= 0.9999


@pytest.mark.parametrize("size", [2, 3, 6])
@pytest.mark.parametrize("batch_size", [5, 130, 650])
@pytest.mark.parametrize("noise", ["gaussian:0.1+swap:0.5", "missing:0.2", "blind_spot:0.3", "recorrupted:0.1"])
def test_each_process_gets_its_rows_of_every_batch_with_the_same_noise(noise, batch_size, size):
    source = Rows(together.rows()[:257] if batch_size == 5 else together.rows())

    def feed(axis):
        fill = torch.zeros(source.shape[0])
        return Feed(source, torch.Tensor.float, batch_size, 3, Corruption.parse(noise), fill=fill, rows=axis)

    whole, parts = feed(SINGLE_PROCESS), [feed(together.Rank(rank, size)) for rank in range(size)]
    for batches in (lambda each: each.epoch(1, step=40), lambda each: each.validation_batches()):
        for batch, *slices in zip(batches(whole), *map(batches, parts), strict=True):
            assert [each.n_rows for each in slices] == [batch.n_rows] * size
            assert [each.shard.start for each in slices] == np.cumsum([0, *(len(s.x) for s in slices[:-1])]).tolist()
            for name in ("x", "target", "corrupted", "judged"):
                if (expected := getattr(batch, name)) is not None:
                    torch.testing.assert_close(
                        torch.cat([getattr(each, name) for each in slices]), expected, rtol=0, atol=0, equal_nan=True
                    )


class Streamed(Rows):
    blocks = np.arange(0, 651, 10)


def test_streamed_rows_are_those_of_one_process():
    feeds = [
        Feed(Streamed(together.rows()), torch.Tensor.float, 100, 3, window=90, rows=axis)
        for axis in (SINGLE_PROCESS, *(together.Rank(rank, 3) for rank in range(3)))
    ]
    for whole, *slices in zip(*(feed.epoch(2, start=1) for feed in feeds), strict=True):
        assert torch.equal(whole.x, torch.cat([each.x for each in slices]))


@pytest.mark.parametrize("name", ["partial_fit", "DenoisingImputer"])
def test_what_is_not_shared_is_refused_by_name(monkeypatch, name):
    monkeypatch.setenv("WORLD_SIZE", "2")
    fit = SparseAutoencoder(4).partial_fit if name == "partial_fit" else DenoisingImputer().fit
    with pytest.raises(RecipeError, match=f"{name} does not work in 2 processes; .*one process"):
        fit(together.rows())


def test_a_variable_of_torchrun_is_missing(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RecipeError, match="WORLD_SIZE=2 is set, but not RANK, MASTER_ADDR, MASTER_PORT; start"):
        DenoisingAutoencoder(4).fit(together.rows())


@pytest.mark.parametrize("text", ["", "0", "two", "-1"])
def test_a_count_that_is_none(monkeypatch, text):
    monkeypatch.setenv("WORLD_SIZE", text)
    with pytest.raises(RecipeError, match="must be the number of processes"):
        DenoisingAutoencoder(4).fit(together.rows())


def test_one_process_joins_none():
    with joined() as processes:
        assert processes is ONE_PROCESS
    assert not torch.distributed.is_initialized()
    refuse("nothing", "")


def test_other_rows_are_refused():
    class Two(together.Rank):
        def gather(self, x):
            return [x, x + torch.tensor([0, 1])]

    with pytest.raises(DataError, match="process 1 of 2 has another X than process 0; give all processes the same"):
        check_facts(Two(0, 2), {"seed": "1", "X": "rows"})


def test_a_run_goes_on_in_another_number_of_processes(tmp_path):
    """A signal that one process gets ends all after the same step; the checkpoint is one for any number of them."""
    folder = tmp_path / "run"
    for status, _, errors in together.Group(2, "tests/interrupted.py", folder, 2, "fit").end():
        assert status == 0, errors
    with pytest.warns(NotExact, match="processes 2, now 1"):
        assert interrupted.run(folder, 5, begins=False) is None
    last = max((folder / "checkpoints").iterdir())
    shutil.copytree(last, last.with_name("step-000000049"))
    (last.with_name("step-000000049") / "state.safetensors").write_bytes(b"damaged")
    ends = together.Group(3, "tests/interrupted.py", folder, 0, "resume").end()
    assert [status for status, _, _ in ends] == [0, 0, 0], ends
    for warned in ("DamagedCheckpoint: step-000000049 is damaged", "NotExact: .*processes 2, now 3"):
        assert [len(re.findall(warned, errors)) for _, _, errors in ends] == [1, 0, 0]
    expected = together.dictionary("topk:4", max_iter=10).fit(together.rows()).components_
    for rank in range(3):
        np.testing.assert_allclose(np.load(f"{folder}-{rank}.npy"), expected, atol=1e-4)


def test_a_process_that_is_killed_ends_the_others_with_one_line(tmp_path):
    np.save(tmp_path / "rows.npy", together.rows())
    options = ["--k", "4", "--latents", "96", "--epochs", "100000", "--checkpoint-every", "1steps", "-q"]
    group = together.Group(2, "-m", "taciturn", "fit", tmp_path / "rows.npy", *options, "-o", tmp_path / "run")
    while not list(tmp_path.glob("run/checkpoints/step-*/checkpoint.json")):
        time.sleep(0.1)
    os.kill(group.processes[1].pid, signal.SIGKILL)
    (status, _, errors), (killed, _, nothing) = group.end()
    assert (status, killed, nothing) == (1, -signal.SIGKILL, "")
    assert errors.startswith("taciturn: another process has ended or does not answer")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("failure", "shown"),
    [("raises", ("", "taciturn: row 7 is damaged")), ("hangs", ("taciturn: another process has", ""))],
)
def test_a_process_that_fails_alone_ends_the_others_with_one_line(tmp_path, failure, shown):
    np.save(tmp_path / "rows.npy", together.rows())
    script, options = ["tests/failing.py", failure, tmp_path / "failed"], ["--k", "4", "--latents", "96", "-q"]
    command = [*script, "fit", tmp_path / "rows.npy", *options, "-o", tmp_path / "run"]
    group = together.Group(2, *command, variables={"TACITURN_TIMEOUT": "10s"} if failure == "hangs" else ())
    group.processes[0].wait(timeout=400)
    if failure == "hangs":  # torchrun ends it
        group.processes[1].kill()
    ends = group.end()
    assert ends[0][0] == 1
    assert ends[1][0] == (1 if failure == "raises" else -signal.SIGKILL)
    for (_, _, errors), start in zip(ends, shown, strict=True):
        assert errors.startswith(start)
        assert errors.count("\n") == bool(start)
    assert not (tmp_path / "run").exists()


def test_torchrun_starts_a_run_again_from_its_checkpoint(tmp_path):
    np.save(tmp_path / "rows.npy", together.rows())
    options = ["--k", "4", "--latents", "96", "--epochs", "5", "--batch-size", "130", "--no-report", "-q"]
    fit = ["fit", tmp_path / "rows.npy", *options, "-o"]
    commandline.run(*fit, tmp_path / "undisturbed")
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", "1"]
    killed = ["tests/failing.py", "is killed", tmp_path / "failed"]
    command = [*torchrun, *killed, *fit, tmp_path / "run", "--checkpoint-every", "5steps"]
    done = together.started(*command)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "failed").exists()
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["steps"] for line in lines if line["kind"] == "resume"] == [5]
    expected, model = load(tmp_path / "undisturbed"), load(tmp_path / "run")
    np.testing.assert_allclose(model.components_, expected.components_, atol=1e-4)
    np.testing.assert_allclose(model.history_.steps["loss"], expected.history_.steps["loss"], rtol=1e-5)


def test_only_a_run_that_torchrun_itself_has_started_goes_on_by_fit(tmp_path, monkeypatch):
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": store.port, "USE_AGENT_STORE": "True"}.items():
        monkeypatch.setenv(name.replace("USE", "TORCHELASTIC_USE"), str(value))

    def fit(name, **options):
        estimator = DictionaryAutoencoder(96, k=4, batch_size=130, max_iter=4, random_state=None)
        return estimator.fit(together.rows(), checkpoint=tmp_path / name, checkpoint_every=5, **options)

    with pytest.raises(KeyboardInterrupt):
        fit("run", callbacks=interrupted.stop_after(2))
    with pytest.raises(TaciturnError, match="holds a run that is not complete"):
        fit("run")
    monkeypatch.setattr(restarts, "_begun", set())  # as in another process
    (tmp_path / "run").rename(tmp_path / "another")
    with pytest.raises(TaciturnError, match="holds a run that is not complete"):
        fit("another")
    shutil.copytree(tmp_path / "another", tmp_path / "run")
    expected = DictionaryAutoencoder.resume(tmp_path / "another", together.rows())
    np.testing.assert_array_equal(fit("run").components_, expected.components_)


def test_process_0_alone_looks_at_the_folder_of_a_run(tmp_path, monkeypatch):
    """To check a folder is to write beside it: several processes that did so could collide."""
    checked, check_folder = [], checkpoints.check_folder

    def checking(folder, **options):
        checked.append(folder)
        check_folder(folder, **options)

    def new(axis):
        try:
            return Checkpoints.new(place, None, processes=axis).folder
        except TaciturnError as error:
            return str(error)

    monkeypatch.setattr(checkpoints, "check_folder", checking)
    place = tmp_path / "new" / "run"
    assert together.Threads.run(3, new) == [place] * 3
    assert checked == [place]
    place = tmp_path / "file"
    place.touch()
    assert together.Threads.run(3, new) == [f"{place} is not a folder; choose another name"] * 3
    assert checked == [tmp_path / "new" / "run", place]


def test_processes_that_are_started_again_do_not_find_what_earlier_ones_left():
    store, minute = HashStore(), timedelta(minutes=1)
    names = []
    for _ in range(2):  # the second time, what the first processes wrote is there
        with ThreadPoolExecutor() as threads:
            first = threads.submit(restarts.common_name, store, 0, 3, minute)
            time.sleep(0.1)  # it answers those that have gone
            others = [threads.submit(restarts.common_name, store, rank, 3, minute) for rank in (1, 2)]
            names.append({each.result() for each in (first, *others)})
    assert [len(each) for each in names] == [1, 1]
    assert names[0] != names[1]
    with pytest.raises(RuntimeError, match="waited for"):
        restarts.common_name(HashStore(), 0, 2, timedelta(seconds=0.1))


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_torch_distributed_checkpoint_reads_a_checkpoint(tmp_path):
    X, run = together.rows(), tmp_path / "run"
    model = together.dictionary("topk:4", max_iter=1).fit(X, checkpoint=run, checkpoint_every=5)
    reader = HuggingFaceStorageReader(str(run / "checkpoints" / "step-000000005"))
    tensors = {"model.decoder.0.weight": torch.zeros(model.components_.shape)}
    torch.distributed.checkpoint.load(tensors, storage_reader=reader, no_dist=True)
    np.testing.assert_array_equal(tensors["model.decoder.0.weight"], model.components_)


def test_the_command_line_shows_a_failure_once_and_refuses_other_commands(tmp_path):
    np.save(tmp_path / "rows.npy", together.rows())
    (tmp_path / "file").touch()
    for arguments, status, message in (
        (["fit", tmp_path / "none.npy"], 1, "none.npy: no such file"),
        (["fit", tmp_path / "rows.npy", "-o", tmp_path / "file"], 1, "file is not a folder; choose another name"),
        (["info", tmp_path], 2, "taciturn info works in one process, but torchrun started 2"),
    ):
        ends = together.Group(2, "-m", "taciturn", *arguments).end()
        assert [end[0] for end in ends] == [status, status]
        shown = "".join(end[2] for end in ends)
        assert message in shown
        assert shown.count("\n") == 1
