"""Fits on a device other than the CPU, by a stand-in (elsewhere.py): every tensor is on the right device."""

import warnings

import numpy as np
import pytest
import torch

from elsewhere import DEVICE, OnDevice, device_available, waits
from fits import mixtures, models
from taciturn import DictionaryAutoencoder, SparseAutoencoder
from taciturn.corruption import Gaussian
from taciturn.data.sources import Rows
from taciturn.training import Feed
from taciturn.training.step import Captured, captured, plan

X = mixtures(1200)
FIT = {"max_iter": 2, "batch_size": 300, "random_state": 0}
MODELS = models(**FIT)

# compiled code rounds in another way, and runs on the CPU only
pytestmark = pytest.mark.usefixtures("uncompiled")


@pytest.fixture(autouse=True)
def _short_fits_miss_targets():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_is_on_the_device_and_results_are_the_same(name):
    on_cpu = MODELS[name].set_params(device="cpu").fit(X)
    codes, score = on_cpu.transform(X), on_cpu.score(X)
    expected = {name: tensor.clone() for name, tensor in on_cpu.module_.state_dict().items()}
    with device_available():
        fitted = MODELS[name].set_params(device=DEVICE).fit(X)
        state = fitted._learner.step.state_dict()
        # controllers hold plain numbers
        assert all(isinstance(tensor, OnDevice) or name.startswith("controllers.") for name, tensor in state.items())
        assert abs(fitted.transform(X) - codes).max() == 0
        assert fitted.score(X) == score
        weights = {name: tensor.cpu() for name, tensor in fitted.module_.state_dict().items()}
    for part, tensor in expected.items():
        assert torch.equal(weights[part], tensor), part


def test_a_topk_step_does_not_wait_for_the_device():
    X_long = np.concatenate([X] * 4)
    with device_available():
        counted = []
        for rows in (X, X_long):
            before = sum(waits.values())
            DictionaryAutoencoder(640, k=4, sparsity="topk:4", revive=None, device=DEVICE, **FIT).fit(rows)
            counted.append(sum(waits.values()) - before)
    assert counted[1] - counted[0] <= 2  # of four times as many steps, the guard reads every 32nd and a few more


def test_a_recorded_step_does_not_wait_for_the_device(monkeypatch):
    """A step that waits cannot be recorded."""
    counted = []

    def counting(warm_up, step, device, pool):
        before = sum(waits.values())
        result = step()
        counted.append(sum(waits.values()) - before)
        return result, lambda: None

    monkeypatch.setattr(captured, "capture", counting)
    monkeypatch.setattr(plan, "ByHand", Captured)
    with device_available():
        for penalty in ("kl:0.2", "l1:l0=3"):
            model = SparseAutoencoder(11, sparsity=penalty, corruption="gaussian:0.1", device=DEVICE)
            model.set_params(batch_size=60, max_iter=2, random_state=0).fit(abs(X[:600]))
    assert counted == [0, 0]


class Counted(Rows):
    """Rows that count how many of them were read."""

    n_read = 0

    def read(self, start, stop):
        self.n_read += len(rows := super().read(start, stop))
        return rows

    def take(self, indices):
        self.n_read += len(indices)
        return super().take(indices)


def test_room_counts_the_bytes_of_the_rows_as_tensors(monkeypatch):
    """torch has no unsigned 16-bit integers: such rows become float64, four times as large."""
    whole = np.arange(1200 * 24, dtype=np.uint16).reshape(1200, 24)
    for room, times in ((4 * whole.nbytes, 1), (4 * whole.nbytes - 1, 2)):
        monkeypatch.setattr("taciturn.data.device_rows.row_capacity", lambda device, room=room: room)
        feed = Feed(source := Counted(whole), torch.Tensor.float, 500, 0, device="cpu")
        for _ in range(2):
            list(feed.validation_batches())
        assert source.n_read == times * len(whole) + 1  # and one row, to see its type as a tensor


@pytest.mark.parametrize("target", [False, True])
def test_rows_that_fit_on_a_device_are_moved_once_and_are_the_same(monkeypatch, target):
    def batches(source, device):
        partners = Rows(-X) if target else None
        feed = Feed(source, torch.Tensor.float, 500, 0, Gaussian(0.1), partners, device)
        all_batches = [batch for epoch in (0, 1) for batch in feed.epoch(epoch)] + list(feed.validation_batches())
        return [tensor for batch in all_batches for tensor in (batch.x, batch.target, batch.corrupted)]

    on_disk = X.copy()
    on_disk.setflags(write=False)  # like a memory map
    expected = batches(source := Counted(on_disk), "cpu")
    assert source.n_read == 3 * len(X) + 1  # and one row, to see its size
    monkeypatch.setattr("taciturn.data.device_rows.CHUNK_NUMBERS", 24 * 1000)  # in two parts
    monkeypatch.setattr("taciturn.data.device_rows.row_capacity", lambda device: X.nbytes)
    with device_available():
        moved = batches(source := Counted(X), DEVICE)
        assert source.n_read == len(X) + 1
        assert len(moved) == len(expected)
        assert all(isinstance(a, OnDevice) and torch.equal(a.cpu(), b) for a, b in zip(moved, expected, strict=True))
    monkeypatch.setattr("taciturn.data.device_rows.row_capacity", lambda device: X.nbytes - 1)
    batches(source := Counted(on_disk), "cpu")
    assert source.n_read == 3 * len(X) + 1
