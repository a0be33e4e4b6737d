"""Rows on a device are shared or copied as needed; prefetched rows come in order, one ahead, and no error is lost."""

import threading

import numpy as np
import pytest
import torch

from taciturn.data.device_rows import DeviceRows, prefetched
from taciturn.data.sources import Rows

X = np.random.default_rng(0).random((30, 4, 5)) * 200
READ_ONLY = X.copy()
READ_ONLY.setflags(write=False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_an_array_in_memory_is_never_copied(dtype):
    array = X.astype(dtype)
    rows = DeviceRows(Rows(array), "cpu")
    assert rows.on_device.data_ptr() == rows.read(0, 30).data_ptr() == array.ctypes.data
    (batch,) = rows.batches([torch.tensor([7, 0, 7])])
    assert batch.dtype == rows.on_device.dtype
    assert (batch.numpy() == array.reshape(30, 20)[[7, 0, 7]]).all()


@pytest.mark.parametrize(
    "array",
    [X.astype(">f4"), X.astype(np.uint16), X.astype(np.float32, order="F"), X[::-1], X[:, ::2], READ_ONLY],
    ids=["big-endian", "16 bits", "by columns", "backwards", "every other", "read only"],
)
def test_an_array_that_torch_cannot_share_is_read_row_by_row(array):
    rows = DeviceRows(Rows(array), "cpu")
    assert rows.on_device is None
    (batch,) = rows.batches([torch.tensor([7, 0, 7])])
    assert (batch.numpy() == array.reshape(30, -1)[[7, 0, 7]]).all()


def test_prefetched_results_come_in_order_and_complete():
    for n in (0, 1, 2, 7):
        assert list(prefetched(lambda i: i * i, range(n))) == [i * i for i in range(n)]


def test_only_the_next_item_is_loaded_ahead():
    loaded, done = [], [threading.Event() for _ in range(4)]

    def load(i):
        assert threading.current_thread() is not threading.main_thread()
        loaded.append(i)
        done[i].set()
        return i

    results = prefetched(load, range(4))
    assert next(results) == 0
    assert done[1].wait(10)
    assert not done[2].wait(0.05)
    assert list(results) == [1, 2, 3]
    assert loaded == [0, 1, 2, 3]


def test_an_error_is_raised_in_its_items_place():
    results = prefetched(lambda i: 1 // (2 - i), range(5))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_closing_early_leaves_no_thread():
    before = threading.active_count()
    results = prefetched(lambda i: i, range(100))
    next(results)
    results.close()
    assert threading.active_count() == before
