"""Threads: decided by the size of the work, set back after errors, and no harm to forked children."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

import taciturn
from taciturn.data.sources import Rows
from taciturn.inference import encode
from taciturn.kernels import one_thread_if_small
from taciturn.kernels.threads import MAX_ONE_THREAD, MAX_ONE_THREAD_STEP, threads_for
from taciturn.training import Learner


@pytest.fixture
def two_threads():
    """Let torch use two threads in this test."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def seen_threads(monkeypatch, owner, name) -> list[int]:
    """Return a list that grows with each call of a method by torch's number of threads."""
    seen, method = [], getattr(owner, name)

    def call(*args, **kwargs):
        seen.append(torch.get_num_threads())
        return method(*args, **kwargs)

    monkeypatch.setattr(owner, name, call)
    return seen


def test_the_size_alone_decides(two_threads):
    assert [threads_for(work) for work in (1, MAX_ONE_THREAD, MAX_ONE_THREAD + 1, 10**12)] == [1, 1, 2, 2]
    for work, number in ((1, 1), (MAX_ONE_THREAD_STEP, 1), (MAX_ONE_THREAD_STEP + 1, 2), (10**12, 2)):
        with one_thread_if_small(work):
            assert torch.get_num_threads() == number
    torch.set_num_threads(1)
    with one_thread_if_small(10**12):  # what the user has set is never exceeded
        assert torch.get_num_threads() == threads_for(10**12) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_the_number_is_set_back_after_errors(two_threads, error):
    with pytest.raises(error), one_thread_if_small(1), one_thread_if_small(1):
        raise error
    assert torch.get_num_threads() == 2


def test_products_keep_to_one_thread_and_others_to_two(two_threads):
    """MKL and oneDNN have numbers of their own, so the processor time of this thread and of all is compared."""

    def share() -> float:
        x = torch.rand(700, 700)
        mine, everyone = time.thread_time(), time.process_time()
        for _ in range(20):
            x @ x
        return (time.thread_time() - mine) / (time.process_time() - everyone)

    share()
    time.sleep(0.1)  # the second thread, which waits for more work, goes to sleep
    with one_thread_if_small(1):
        assert share() > 0.9
    assert share() < 0.75


def test_other_threads_keep_their_number(two_threads):
    seen = []
    with one_thread_if_small(1):
        thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        thread.start()
        thread.join()
    assert seen == [2]


def test_a_small_fit_runs_on_one_thread_for_all_epochs(two_threads, monkeypatch):
    seen, X = [], np.random.default_rng(0).random((300, 64), dtype=np.float32)
    model = taciturn.SparseAutoencoder(32, batch_size=100, max_iter=2, random_state=0)
    learn = Learner._learn

    def noted(learner, run, guard, *hooks, **options):
        learn(learner, run, guard, *hooks, lambda *_: seen.append(torch.get_num_threads()), **options)

    monkeypatch.setattr(Learner, "_learn", noted)
    model.fit(X)
    assert seen == [1] * 6
    assert torch.get_num_threads() == 2
    seen.clear()
    model.partial_fit(X)
    assert seen == [1] * 3
    seen.clear()
    taciturn.SparseAutoencoder(512, batch_size=300, max_iter=1, random_state=0).fit(X)  # 300 · 64 · 512 > 2^22
    assert seen == [2]


def test_an_interrupted_fit_sets_the_number_back(two_threads, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("taciturn.training.history.Recorder.__call__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        taciturn.SparseAutoencoder(8, random_state=0).fit(np.random.default_rng(0).random((50, 4)))
    assert torch.get_num_threads() == 2


def test_few_rows_are_encoded_on_one_thread_and_a_paused_generator_keeps_nothing(two_threads, monkeypatch):
    X = np.random.default_rng(0).random((2000, 64), dtype=np.float32)
    model = taciturn.SparseAutoencoder(64, max_iter=1, random_state=0).fit(X).module_
    seen = seen_threads(monkeypatch, type(model), "encode")
    blocks = encode(model, Rows(X[:10]))
    next(blocks)
    assert torch.get_num_threads() == 2
    list(encode(model, Rows(X)))
    assert seen == [1, 2]


@pytest.mark.parametrize("n_components", [32, 600])  # a small step and one that two threads share
def test_a_fit_gives_the_same_bits_for_any_number_of_threads(two_threads, n_components):
    X = np.random.default_rng(0).random((400, 32), dtype=np.float32)
    weights = []
    for number in (1, 2):
        torch.set_num_threads(number)
        model = taciturn.SparseAutoencoder(
            n_components, corruption="gaussian:0.4", sparsity="kl:0.05,weight=0.1", batch_size=400, max_iter=2
        )
        model.set_params(random_state=0).fit(X)
        weights.append([parameter.detach().clone() for parameter in model.module_.parameters()])
    assert all(torch.equal(one, two) for one, two in zip(*weights, strict=True))


FORKS = """
import multiprocessing
import taciturn
import numpy as np, torch

torch.set_num_threads(2)
X = np.random.default_rng(0).normal(size=(1200, 400)).astype("f4")
model = taciturn.SparseAutoencoder(100, max_iter=1, random_state=0).fit(X)
topk = taciturn.DictionaryAutoencoder(1024, k=8, max_iter=1, random_state=0).fit(X)
torch.rand(1000, 1000) @ torch.rand(1000, 1000)  # the second thread has worked
expected = model.transform(X)

def child(seed):
    codes = model.transform(X)
    again = taciturn.SparseAutoencoder(100, max_iter=1, random_state=seed).fit(X)
    taciturn.DictionaryAutoencoder(1024, k=8, max_iter=1, random_state=0).fit(X)
    again.transform(X), topk.transform(X)
    return torch.get_num_threads(), float(np.abs(codes - expected).max())
"""
POOL = """
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(child, range(3)))
assert torch.get_num_threads() == 2
model.transform(X)
"""
JOBLIB = """
from joblib import Parallel, delayed
print(Parallel(n_jobs=2, backend="multiprocessing")(delayed(child)(seed) for seed in range(2)))
"""
LOADER = """
class Encoded(torch.utils.data.Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, index):
        return torch.from_numpy(model.transform(X[index * 300 : index * 300 + 300]))

batches = list(torch.utils.data.DataLoader(Encoded(), num_workers=2, multiprocessing_context="fork"))
print([(1, float(np.abs(torch.cat(batches, 1)[0].numpy() - expected).max()))])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("use", [POOL, JOBLIB, LOADER], ids=["pool", "joblib", "data loader"])
def test_forked_children_transform_and_fit(use):
    """OpenMP's threads are not copied by a fork: a child that waits for them waits for ever."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS + use],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for number, difference in eval(done.stdout.splitlines()[-1]):
        assert number == 1
        assert difference < 1e-5


@pytest.mark.parametrize(
    ("first", "environment", "spins"),
    [
        ("", {}, "2000"),
        ("import torch; ", {}, None),  # too late: torch reads it when it is loaded
        ("", {"OMP_WAIT_POLICY": "passive"}, None),
        ("", {"GOMP_SPINCOUNT": "7"}, "7"),
    ],
)
def test_waiting_is_short_unless_the_user_has_set_it(first, environment, spins):
    inherited = {key: value for key, value in os.environ.items() if key not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    code = first + "import os, taciturn; print(os.environ.get('GOMP_SPINCOUNT'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=inherited | environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(spins)
