"""Fits on a device that is not the processor, by a stand-in (elsewhere.py): everything lies where it should."""

import warnings

import numpy as np
import pytest
import torch

from elsewhere import DEVICE, There, on_it, waits
from fits import mixtures, models
from taciturn import DictionaryAutoencoder, SparseAutoencoder
from taciturn.corruption import Gaussian
from taciturn.data.sources import Rows
from taciturn.training import Feed
from taciturn.training.step import Captured, captured, plan

X = mixtures(1200)
FIT = {"max_iter": 2, "batch_size": 300, "random_state": 0}
MODELS = models(**FIT)

# compiled code rounds otherwise, and works on the processor only
pytestmark = pytest.mark.usefixtures("uncompiled")


@pytest.fixture(autouse=True)
def _short_fits_miss_targets():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", MODELS)
def test_everything_is_on_the_device_and_comes_out_the_same(name):
    here = MODELS[name].set_params(device="cpu").fit(X)
    codes, score = here.transform(X), here.score(X)
    expected = {name: tensor.clone() for name, tensor in here.module_.state_dict().items()}
    with on_it():
        there = MODELS[name].set_params(device=DEVICE).fit(X)
        state = there._learner.step.state_dict()
        # but what steers a weight, which are plain numbers
        assert all(isinstance(tensor, There) or name.startswith("controllers.") for name, tensor in state.items())
        assert abs(there.transform(X) - codes).max() == 0
        assert there.score(X) == score
        found = {name: tensor.cpu() for name, tensor in there.module_.state_dict().items()}
    for part, tensor in expected.items():
        assert torch.equal(found[part], tensor), part


def test_a_topk_step_waits_for_nothing():
    X_long = np.concatenate([X] * 4)
    with on_it():
        counted = []
        for rows in (X, X_long):
            before = sum(waits.values())
            DictionaryAutoencoder(640, k=4, sparsity="topk:4", revive=None, device=DEVICE, **FIT).fit(rows)
            counted.append(sum(waits.values()) - before)
    assert counted[0] == counted[1]  # four times as many steps


def test_nothing_recorded_waits_for_the_device(monkeypatch):
    """What waits cannot be recorded."""
    counted = []

    def watched(ready, step, device, pool):
        before = sum(waits.values())
        found = step()
        counted.append(sum(waits.values()) - before)
        return found, lambda: None

    monkeypatch.setattr(captured, "capture", watched)
    monkeypatch.setattr(plan, "ByHand", Captured)
    with on_it():
        for penalty in ("kl:0.2", "l1:l0=3"):
            model = SparseAutoencoder(11, sparsity=penalty, corruption="gaussian:0.1", device=DEVICE)
            model.set_params(batch_size=60, max_iter=2, random_state=0).fit(abs(X[:600]))
    assert counted == [0, 0]


class Counted(Rows):
    """Rows that count how many of them were asked for."""

    asked = 0

    def read(self, start, stop):
        self.asked += len(found := super().read(start, stop))
        return found

    def take(self, indices):
        self.asked += len(indices)
        return super().take(indices)


def test_room_is_for_rows_as_they_are_held(monkeypatch):
    """torch has no unsigned 16 bits: such rows become float64, four times as large."""
    whole = np.arange(1200 * 24, dtype=np.uint16).reshape(1200, 24)
    for room, asked in ((4 * whole.nbytes, 1), (4 * whole.nbytes - 1, 2)):
        monkeypatch.setattr("taciturn.data.device_rows.row_capacity", lambda device, room=room: room)
        feed = Feed(source := Counted(whole), torch.Tensor.float, 500, 0, device="cpu")
        for _ in range(2):
            list(feed.validation_batches())
        assert source.asked == asked * len(whole) + 1  # and one, to see what it becomes


@pytest.mark.parametrize("target", [False, True])
def test_rows_that_a_device_has_room_for_are_moved_once_and_are_the_same(monkeypatch, target):
    def batches(source, device):
        partners = Rows(-X) if target else None
        feed = Feed(source, torch.Tensor.float, 500, 0, Gaussian(0.1), partners, device)
        every = [batch for epoch in (0, 1) for batch in feed.epoch(epoch)] + list(feed.validation_batches())
        return [tensor for batch in every for tensor in (batch.x, batch.target, batch.corrupted)]

    on_disk = X.copy()
    on_disk.setflags(write=False)  # as a memory map
    expected = batches(often := Counted(on_disk), "cpu")
    assert often.asked == 3 * len(X) + 1  # and one, to see how large it is
    monkeypatch.setattr("taciturn.data.device_rows.CHUNK_NUMBERS", 24 * 1000)  # in two parts
    monkeypatch.setattr("taciturn.data.device_rows.row_capacity", lambda device: X.nbytes)
    with on_it():
        found = batches(once := Counted(X), DEVICE)
        assert once.asked == len(X) + 1
        assert len(found) == len(expected)
        assert all(isinstance(a, There) and torch.equal(a.cpu(), b) for a, b in zip(found, expected, strict=True))
    monkeypatch.setattr("taciturn.data.device_rows.row_capacity", lambda device: X.nbytes - 1)
    batches(too_many := Counted(on_disk), "cpu")
    assert too_many.asked == 3 * len(X) + 1
