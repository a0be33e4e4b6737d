"""The order of an epoch: rows in memory as a whole, streamed rows by blocks and windows; from any start."""

import threading
import time
import tracemalloc

import numpy as np
import pytest
import torch

from taciturn import SparseAutoencoder, datasets
from taciturn.core.seeds import generator
from taciturn.data.order import WindowOrder, permutation
from taciturn.data.sample import sample_indices
from taciturn.data.sources import Ranges, Rows, blocks_of
from taciturn.data.split import split, split_source
from taciturn.data.windows import shuffled_rows
from taciturn.training.feed import Feed

BLOCKS = np.array([0, 10, 25, 26, 57, 80, 100])


class Streamed(Rows):
    """An array that is streamed in the blocks of `blocks`."""

    def __init__(self, array, blocks=BLOCKS):
        super().__init__(array)
        self.blocks = np.asarray(blocks)


def numbers(n, width=3):
    return np.arange(n * width, dtype=np.float32).reshape(n, width)


def row_numbers(batches, width=3):
    return (torch.cat([batch.x for batch in batches])[:, 0] / width).int().tolist()


def test_rows_in_memory_keep_their_order():
    expected = torch.randperm(100, generator=generator(5, "order", 2))
    assert torch.equal(permutation(100, 5, 2), expected)
    assert row_numbers(Feed(Rows(numbers(100)), torch.Tensor.float, 7, seed=5).epoch(2)) == expected.tolist()


def by_hand(blocks, window, seed, epoch):
    """The same order, row by row."""
    windows, position = {}, 0
    for block in torch.randperm(len(blocks) - 1, generator=generator(seed, "blocks", epoch)).tolist():
        rows = list(range(blocks[block], blocks[block + 1]))
        windows.setdefault(position // window, []).extend(rows)
        position += len(rows)
    for number, rows in enumerate(windows.values()):
        order = torch.randperm(len(rows), generator=generator(seed, "window", epoch, number))
        yield from (rows[i] for i in order.tolist())


@pytest.mark.parametrize("window", [1, 7, 30, 100, 1000])
@pytest.mark.parametrize("epoch", [0, 3])
def test_streamed_rows_are_shuffled_by_blocks_and_within_windows(window, epoch):
    expected = list(by_hand(BLOCKS, window, 5, epoch))
    order = WindowOrder(BLOCKS, window, 5, epoch)
    assert np.concatenate([order.rows(k) for k in range(order.n_windows)]).tolist() == expected
    feed = Feed(Streamed(numbers(100)), torch.Tensor.float, 7, seed=5, window=window)
    assert row_numbers(feed.epoch(epoch)) == expected
    assert sorted(expected) == list(range(100))


@pytest.mark.parametrize("window", [1, 30, 1000])
def test_an_epoch_goes_on_from_any_batch(window):
    """Each batch is the same, so that no row is lost or repeated across a resume."""
    feed = Feed(Streamed(numbers(100)), torch.Tensor.float, 7, 0, target=Rows(-numbers(100)), window=window)
    whole = list(feed.epoch(1))
    for start in range(len(feed.bounds)):
        rest = list(feed.epoch(1, start=start, step=start))
        assert len(rest) == len(whole) - start
        for batch, again in zip(whole[start:], rest, strict=True):
            assert torch.equal(batch.x, again.x)
            assert torch.equal(batch.target, again.target)
            assert torch.equal(batch.target, -batch.x)


@pytest.mark.parametrize("source", [Rows(numbers(100)), Streamed(numbers(100))])
def test_rows_are_scaled_with_the_same_others_from_any_start(source, monkeypatch):
    """Several batches are scaled at a time, and a product of other rows may have other last digits, as in whitening."""
    monkeypatch.setattr("taciturn.training.feed.CPU_CHUNK_NUMBERS", 3 * 7 * 3)
    feed = Feed(source, lambda x: x.float() - x.float().mean(0), 7, 0, window=30)  # depends on the other rows
    whole = list(feed.epoch(1))
    for start in range(len(feed.bounds)):
        rest = list(feed.epoch(1, start=start, step=start))
        assert [batch.x.tolist() for batch in rest] == [batch.x.tolist() for batch in whole[start:]]


def test_targets_alone_may_be_streamed():
    feed = Feed(Rows(numbers(100)), torch.Tensor.float, 7, 0, target=Streamed(-numbers(100)), window=20)
    assert all(torch.equal(batch.target, -batch.x) for batch in feed.epoch(0))
    assert sorted(row_numbers(feed.epoch(0))) == list(range(100))


def test_rows_move_as_far_as_in_a_full_shuffle():
    """For a uniform order P(|displacement| < d N) = 2 d - d²; the largest deviation of 20,000 rows is below .02."""
    n = 20_000
    blocks = np.arange(0, n + 1, 50)
    order = WindowOrder(blocks, 2_000, 0, 0)
    rows = np.concatenate([order.rows(k) for k in range(order.n_windows)])
    distance = np.sort(np.abs(rows - np.arange(n)) / n)
    assert np.abs(2 * distance - distance**2 - (np.arange(n) + 0.5) / n).max() < 0.05
    batches = rows.reshape(-1, 100)  # each has rows of many blocks: those of a window, of 40 blocks
    n_blocks = np.mean([len(np.unique(batch // 50)) for batch in batches])
    assert n_blocks > 0.9 * 40 * (1 - (39 / 40) ** 100)
    of_blocks = np.concatenate([np.random.default_rng(0).permutation(n // 50) * 50])  # blocks alone do not mix batches
    assert len(np.unique(of_blocks[:2])) == 2


def test_orders_of_epochs_and_seeds_differ():
    orders = {
        (seed, epoch): tuple(WindowOrder(BLOCKS, 30, seed, epoch).rows(0).tolist())
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(set(orders.values())) == 9


def test_the_order_takes_memory_for_the_blocks_alone():
    blocks = np.arange(0, 10**9 + 1, 10**5)
    tracemalloc.start()
    order = WindowOrder(blocks, 2 * 10**5, 0, 0)
    assert len(order.rows(order.n_windows - 1)) == 2 * 10**5
    assert len(order.rows(17)) == 2 * 10**5
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


class Slow(Streamed):
    """A source whose blocks come late, each at another time; it counts the rows that were read."""

    n_read = 0
    lock = threading.Lock()

    def read_into(self, start, rows):
        time.sleep(0.003 * (start * 7 % 5))
        rows[...] = self.read(start, start + len(rows))
        with self.lock:
            self.n_read += len(rows)


def test_any_number_of_threads_gives_the_same_rows():
    order = WindowOrder(BLOCKS, 30, 0, 0)
    parts = [(0, 13), (13, 60), (60, 100)]
    expected = [rows.tolist() for rows in shuffled_rows(Streamed(numbers(100)), order, parts)]
    for threads in (1, 2, 8):
        found = shuffled_rows(Slow(numbers(100)), order, parts, threads=threads)
        assert [rows.tolist() for rows in found] == expected


def test_one_window_is_read_ahead_and_no_more():
    n, source = 4000, Slow(numbers(4000), np.arange(0, 4001, 20))
    rows = shuffled_rows(source, WindowOrder(source.blocks, 100, 0, 0), [(i, i + 10) for i in range(0, n, 10)])
    for _ in range(11):
        next(rows)
    time.sleep(0.2)
    assert source.n_read == 300
    rows.close()
    time.sleep(0.1)
    assert source.n_read == 300
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("taciturn-read")]


def test_an_error_of_a_block_is_raised():
    class Broken(Streamed):
        def read_into(self, start, rows):
            if start == 57:
                raise OSError("block 57")
            rows[...] = self.read(start, start + len(rows))

    with pytest.raises(OSError, match="block 57"):
        list(Feed(Broken(numbers(100)), torch.Tensor.float, 7, 0, window=10).epoch(0))


@pytest.mark.parametrize("n", [2, 3, 4999, 70_000])
@pytest.mark.parametrize("fraction", [0.0001, 0.1, 0.5])
def test_a_split_of_streamed_rows_holds_out_short_runs(n, fraction):
    blocks = np.unique(np.append(np.random.default_rng(0).integers(0, n, 40), [0, n]))
    source = Streamed(numbers(n, 1), blocks)
    training, held_out = split_source(source, fraction, seed=3)
    parts = [part.read(0, n)[:, 0].astype(int) for part in (training, held_out)]
    assert sorted(np.concatenate(parts)) == list(range(n))
    assert all(map(len, parts))
    assert len(held_out) == pytest.approx(fraction * n, abs=64)
    rng = np.random.default_rng(1)
    for part, rows in zip((training, held_out), parts, strict=True):
        assert blocks_of(part).tolist() == sorted({int(np.searchsorted(rows, bound)) for bound in blocks})
        indices = rng.integers(0, len(rows), 30)
        assert (part.take(indices)[:, 0] == rows[indices]).all()
        assert (part.read(3, 17)[:, 0] == rows[3:17]).all()
        assert (part.indices == rows).all()
    runs = np.split(parts[1], np.flatnonzero(np.diff(parts[1]) > 1) + 1)
    assert fraction > 0.1 or max(map(len, runs)) <= 4 * 64


def test_a_split_of_rows_in_memory_stays():
    indices = split(100, 0.2, 4)
    assert [part.indices.tolist() for part in split_source(Rows(numbers(100)), 0.2, 4)] == [x.tolist() for x in indices]


def test_ranges_of_ranges():
    inner = Ranges(Streamed(numbers(100, 1)), np.array([[0, 30], [50, 90]]))
    outer = Ranges(inner, np.array([[5, 40], [60, 70]]))
    expected = np.concatenate([np.arange(5, 30), np.arange(50, 60), np.arange(80, 90)])
    assert (outer.read(0, 99)[:, 0] == expected).all()
    assert outer.place(44) == "row 89"
    assert outer.blocks.tolist() == [0, 5, 20, 21, 32, 35, 45]


def test_a_sample_of_streamed_rows_takes_no_memory_for_all_rows():
    rng = torch.Generator().manual_seed(0)
    tracemalloc.start()
    indices = sample_indices(10**8, 5000, rng, streamed=True)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()
    assert len(np.unique(indices)) == 5000
    assert (np.diff(indices) > 0).all()
    assert np.ptp(indices) > 0.9 * 10**8
    few = sample_indices(100, 90, rng, streamed=True)
    assert len(np.unique(few)) == 90
    assert few.max() < 100


def test_a_window_trains_as_well_as_a_full_shuffle_on_rows_sorted_by_class():
    """Final losses of five seeds: those of the window deviate by less than the seeds do; without it they are worse."""
    labels = datasets.labels("digits")
    x = datasets.load("digits").read(0, 1797)[np.argsort(labels, kind="stable")].astype(np.float32)

    def losses(source, window=1):
        return np.array(
            [
                SparseAutoencoder(
                    32, sparsity="topk:6", scaling="none", max_iter=4, shuffle_window=window, random_state=seed
                )
                .fit(source)
                .reconstruction_errors(x)
                .mean()
                for seed in range(5)
            ]
        )

    full = losses(x)
    windowed = losses(Streamed(x, np.append(np.arange(0, 1797, 4), 1797)), 400)
    in_order = losses(Streamed(x, [0, *range(170, 1797, 180), 1797]))
    assert abs(windowed.mean() - full.mean()) < 2 * full.std()
    assert in_order.mean() - full.mean() > 3 * full.std()
