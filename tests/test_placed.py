"""Where rows lie; and rows that are brought ahead by a thread: in order, one ahead, and no error lost."""

import threading

import numpy as np
import pytest
import torch

from taciturn.data.device_rows import DeviceRows, ahead
from taciturn.data.sources import Rows

X = np.random.default_rng(0).random((30, 4, 5)) * 200
READ_ONLY = X.copy()
READ_ONLY.setflags(write=False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_an_array_in_memory_is_never_copied(dtype):
    array = X.astype(dtype)
    placed = DeviceRows(Rows(array), "cpu")
    assert placed.held.data_ptr() == placed.read(0, 30).data_ptr() == array.ctypes.data
    (found,) = placed.each([torch.tensor([7, 0, 7])])
    assert found.dtype == placed.held.dtype
    assert (found.numpy() == array.reshape(30, 20)[[7, 0, 7]]).all()


@pytest.mark.parametrize(
    "array",
    [X.astype(">f4"), X.astype(np.uint16), X.astype(np.float32, order="F"), X[::-1], X[:, ::2], READ_ONLY],
    ids=["big-endian", "16 bits", "by columns", "backwards", "every other", "read only"],
)
def test_one_that_torch_cannot_have_as_it_lies_is_asked_for_its_rows(array):
    placed = DeviceRows(Rows(array), "cpu")
    assert placed.held is None
    (found,) = placed.each([torch.tensor([7, 0, 7])])
    assert (found.numpy() == array.reshape(30, -1)[[7, 0, 7]]).all()


def test_they_come_in_order_whatever_is_brought_in_the_end():
    for n in (0, 1, 2, 7):
        assert list(ahead(lambda i: i * i, range(n))) == [i * i for i in range(n)]


def test_the_next_is_brought_while_one_is_used_and_no_more():
    brought, arrived = [], [threading.Event() for _ in range(4)]

    def bring(i):
        assert threading.current_thread() is not threading.main_thread()
        brought.append(i)
        arrived[i].set()
        return i

    coming = ahead(bring, range(4))
    assert next(coming) == 0
    assert arrived[1].wait(10)
    assert not arrived[2].wait(0.05)
    assert list(coming) == [1, 2, 3]
    assert brought == [0, 1, 2, 3]


def test_an_error_comes_where_its_row_would_have_come():
    coming = ahead(lambda i: 1 // (2 - i), range(5))
    assert [next(coming), next(coming)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(coming)


def test_no_thread_is_left_when_nobody_wants_more():
    before = threading.active_count()
    coming = ahead(lambda i: i, range(100))
    next(coming)
    coming.close()
    assert threading.active_count() == before
