"""Rows of generators and loaders: order, first rows, what is held out, what is refused, and resumed runs."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from taciturn import (
    AutoencoderOutlierDetector,
    DenoisingAutoencoder,
    DenoisingImputer,
    DictionaryAutoencoder,
    SparseAutoencoder,
)
from taciturn.core.errors import DataError, RecipeError, RowsEnded
from taciturn.core.seeds import generator
from taciturn.data.sources import Stream, is_stream
from taciturn.data.sources.loader_state import pack, unpack
from taciturn.data.stream_windows import StreamWindows
from taciturn.training.stream_feed import StreamFeed
from test_order import Streamed
from test_resume import Ended, assert_same, end_at

X = (np.random.default_rng(0).normal(size=(1024, 6)) * 3 + 5).astype(np.float32)
MODEL = {"n_components": 8, "batch_size": 64, "random_state": 0}


def batches(rows=X, size=50):
    """Return a function that gives rows in batches."""
    return lambda: (rows[start : start + size] for start in range(0, len(rows), size))


def numbered(n, size=7):
    """Return a function that gives n rows with their numbers."""
    return batches(np.arange(n, dtype=np.float64)[:, None], size)


def weights(model):
    return {name: tensor.numpy() for name, tensor in model.module_.state_dict().items()}


def assert_equal_weights(model, other):
    assert [name for name, tensor in weights(model).items() if not np.array_equal(tensor, weights(other)[name])] == []


@pytest.mark.parametrize("sizes", [1024, 50, 1])
def test_one_window_has_the_bits_of_a_file_of_one_block(sizes):
    """The order within a window, the scaling, the samples and the noise are those of streamed files."""
    settings = MODEL | {"scaling": "standard", "corruption": "gaussian:0.3", "shuffle_window": 1024, "max_iter": 3}
    file = DenoisingAutoencoder(**settings).fit(Streamed(X, [0, 1024]))
    assert_equal_weights(DenoisingAutoencoder(**settings).fit(batches(size=sizes)), file)
    steps = settings | {"max_iter": None, "max_steps": 48}
    assert_equal_weights(DenoisingAutoencoder(**steps).fit(batches(size=sizes)), file)


def by_hand(n, size, window, seed, passes):
    """The same order, row by row: windows of whole batches."""
    for each in range(passes):
        blocks = [list(range(start, min(start + size, n))) for start in range(0, n, size)]
        windows = [[]]
        for block in blocks:
            if len(windows[-1]) >= window:
                windows.append([])
            windows[-1].extend(block)
        for number, rows in enumerate(windows):
            order = torch.randperm(len(rows), generator=generator(seed, "window", each, number)).tolist()
            yield from (rows[i] for i in order)


@pytest.mark.parametrize("window", [1, 20, 100, 1000])
def test_rows_are_shuffled_within_windows_of_whole_batches(window):
    expected = list(by_hand(100, 7, window, 3, 4))
    windows = StreamWindows(Stream(numbered(100), 20), window, seed=3)
    parts = [(start, start + 13) for start in range(0, 390, 13)]
    found = np.concatenate(list(windows.rows(parts))).ravel()
    assert found.tolist() == expected[:390]
    assert sorted(expected[100:200]) == list(range(100))


@pytest.mark.parametrize("n_batches", [8, 10])
def test_an_epoch_has_each_row_once(n_batches):
    stream = Stream(numbered(100), 20)
    stream.max_passes = 3
    feed = StreamFeed(stream, torch.Tensor.float, 13, 0, window=30, steps=n_batches)
    rows = [batch.x for epoch in range(5) for batch in feed.epoch(epoch)]
    assert {len(batch) for batch in rows[:-1]} == {13}
    assert set(Counter(torch.cat(rows).ravel().int().tolist()).values()) == {3}


KINDS = {
    "arrays": lambda x: (x[i : i + 30] for i in range(0, len(x), 30)),
    "tensors": lambda x: iter(torch.from_numpy(x).split(100)),
    "tuples": lambda x: ((rows, None) for rows in torch.from_numpy(x).split(100)),
    "rows": lambda x: iter(x),
    "rows with labels": lambda x: ((row, 0) for row in x),
    "lists of rows": lambda x: (list(x[i : i + 30]) for i in range(0, len(x), 30)),
    "lists of numbers": lambda x: (x[i : i + 30].tolist() for i in range(0, len(x), 30)),
    "images": lambda x: (x[i : i + 30].reshape(-1, 2, 3) for i in range(0, len(x), 30)),
    "loader": lambda x: DataLoader(TensorDataset(torch.from_numpy(x)), batch_size=30),
    "loader of pairs": lambda x: DataLoader(TensorDataset(torch.from_numpy(x), torch.zeros(len(x))), batch_size=30),
    "bfloat16": lambda x: iter(torch.from_numpy(x).bfloat16().split(100)),
    "uint8": lambda x: (x[i : i + 30].astype(np.uint8) for i in range(0, len(x), 30)),
    "big-endian": lambda x: (x[i : i + 30].astype(">f4") for i in range(0, len(x), 30)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_any_kind(kind):
    rows = np.abs(np.rint(X))  # which every type here holds
    stream = Stream(KINDS[kind](rows), 100)
    assert np.array_equal(np.concatenate(list(stream.blocks())), rows)
    assert stream.shape == ((2, 3) if kind == "images" else (6,))
    assert stream.dtype == {"lists of numbers": np.float64, "uint8": np.uint8}.get(kind, np.float32)


def test_what_is_a_stream():
    class Loader:
        def __iter__(self):
            return batches()()

    class Table:
        columns = ("a",)

        def __iter__(self):
            return iter(["a"])

    assert all(map(is_stream, [batches(), batches()(), Loader(), DataLoader(TensorDataset(torch.zeros(2)))]))
    others = [
        X,
        X.tolist(),
        tuple(X),
        torch.zeros(2),
        Table(),
        "digits",
        b"",
        {},
        set(),
        range(3),
        None,
        3,
        Streamed(X),
    ]
    assert not any(map(is_stream, others))


def test_scaling_is_measured_on_the_first_rows():
    model = SparseAutoencoder(**MODEL, scaling="standard", shuffle_window=240, max_steps=2).fit(batches())
    first = X[:250].astype(np.float64)  # whole batches of 50
    np.testing.assert_allclose(model.module_.shift, first.mean(0), rtol=1e-6)
    np.testing.assert_allclose(model.module_.scale, first.std(0), rtol=1e-6)
    assert model.settings_.shuffle_window == 240
    assert model._learner.n_rows == 250


def test_held_out_rows_are_never_trained_on():
    """Nor are rows equal to them, in whatever order a loader gives them."""
    rows = np.concatenate([X, X[:100]])
    stream = Stream(lambda: iter([np.random.default_rng().permutation(rows)]), 1)
    held_out = stream.take(np.arange(0, 300, 3))
    training = stream.without(np.arange(0, 300, 3))
    keys = {row.tobytes() for row in held_out}
    assert not keys & {row.tobytes() for row in training.read(0, 2000)}
    for _ in range(2):
        trained = np.concatenate(list(training.blocks()))
        expected = [row.tobytes() for row in rows if row.tobytes() not in keys]
        assert Counter(expected) == Counter(row.tobytes() for row in trained)
    again = training.without(np.arange(5))
    assert not {row.tobytes() for row in training.read(0, 5)} & {row.tobytes() for row in again.read(0, 2000)}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.uint8])
def test_rows_that_differ_in_one_number_are_told_apart(dtype):
    rows = np.array(np.meshgrid(*[np.arange(10)] * 4)).reshape(4, -1).T.astype(dtype)  # 10,000 rows of small integers
    stream = Stream(iter([rows]), len(rows))
    assert len(stream.without(np.arange(0, 10_000, 2))) == 5000


def test_early_stopping_and_calibration_hold_out_first_rows():
    model = SparseAutoencoder(**MODEL, sparsity="topk:2", early_stopping=True, shuffle_window=600, max_steps=30)
    model.fit(batches())
    assert len(model.history_["validation_loss"]) == 30
    model = DictionaryAutoencoder(k=2, sparsity="batch_topk", shuffle_window=1000, max_iter=2, **MODEL).fit(batches())
    assert model.stopped_ is None
    n_rows = 1024 - 100  # a tenth of the first rows
    assert model.settings_.max_steps == -(-2 * n_rows // 64)
    assert model.n_iter_ == 2
    assert (model.transform(X) != 0).sum(1).mean() == pytest.approx(2, abs=0.3)


def test_an_iterator_that_ends_early_stops_the_run():
    with pytest.warns(RowsEnded, match="no more rows after 16 of 40 steps; set max_steps to that, or give a callable"):
        model = SparseAutoencoder(**MODEL, max_steps=40, shuffle_window=100).fit(batches()())
    assert model.stopped_ == "there were no more rows after 16 of 40 steps"
    whole = SparseAutoencoder(**MODEL, max_steps=16, shuffle_window=100).fit(batches()())
    assert whole.stopped_ is None


def infinite(row, value):
    rows = X.copy()
    rows[row, 2] = value
    return batches(rows)


class NoRowsLater:
    """An iterable that can be read once, but does not tell so."""

    def __init__(self):
        self.iterator = batches()()

    def __iter__(self):
        return self.iterator


REFUSED = {
    "width": (
        lambda: iter([X, X[:, :3]]),
        {},
        DataError,
        r"batch 1 has rows of shape \[3\] .* the first batch has \[6\]",
    ),
    "type": (lambda: iter([X, X.astype(float)]), {}, DataError, "batch 1 has rows of shape .* type float64"),
    "text": (lambda: iter([X, "abc"]), {}, DataError, "batch 1 is of type str, not an array of rows"),
    "dict": (lambda: iter([{"x": X}]), {}, DataError, "batch 0 is of type dict, not an array of rows; give arrays"),
    "number": (lambda: iter([3.0]), {}, DataError, "batch 0 is one number, not an array of rows"),
    "nothing": (lambda: iter([]), {}, DataError, "gives no batch of rows"),
    "no iterator": (lambda: 3, {}, DataError, "a callable whose result is of type int; let it return an iterator"),
    "infinite first": (infinite(7, np.inf), {}, DataError, r"row 7 of X, column 2 \(batch 0\) is infinite; drop"),
    "infinite later": (infinite(907, -np.inf), {}, DataError, r"row 907 of X, column 2 \(batch 18\) is infinite"),
    "missing later": (infinite(907, np.nan), {}, DataError, r"row 907 .* is NaN, but no value of the first rows is"),
    "read once": (
        NoRowsLater(),
        {},
        DataError,
        "no rows when it is read again, after pass 1; let each call",
    ),
    "iterator, epochs": (
        batches()(),
        {"max_iter": 2},
        RecipeError,
        "max_iter=2: X is an iterator, .* only once; give a",
    ),
    "iterator, no steps": (
        batches()(),
        {"max_steps": None},
        RecipeError,
        "whose end is not known; set max_steps, or give",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    rows, settings, kind, message = REFUSED[name]
    model = SparseAutoencoder(**MODEL | {"max_steps": 40, "shuffle_window": 100} | settings)
    with pytest.raises(kind, match=message) as error:
        model.fit(rows)
    assert "\n" not in str(error.value)


def test_missing_values_in_the_first_rows_may_be_missing_later():
    gaps = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)
    model = SparseAutoencoder(**MODEL, max_steps=40, shuffle_window=100).fit(batches(gaps))
    assert np.isfinite(model.history_["loss"]).all()


def test_only_fit_takes_streams():
    model = SparseAutoencoder(**MODEL, max_steps=2).fit(X)
    for call in (
        model.transform,
        model.denoise,
        model.partial_fit,
        AutoencoderOutlierDetector().fit,
        DenoisingImputer().fit,
        lambda rows: model.fit(X, validation=rows),
    ):
        with pytest.raises(DataError, match="gives rows one after the other, which only fit of an autoencoder takes"):
            call(batches()())
    with pytest.raises(DataError, match="cannot have targets"):
        model.fit(batches(), target=X)


def test_little_is_in_memory():
    """Of 40 MB of rows a window of 4 MB, and the first rows, 4 MB."""

    def rows():
        for seed in range(100):
            yield np.random.default_rng(seed).random((1000, 100), dtype=np.float32)

    model = SparseAutoencoder(4, sparsity="topk:2", batch_size=1000, shuffle_window=10_000, max_steps=100)
    SparseAutoencoder(4, sparsity="topk:2", max_steps=2).fit(X)  # what is imported once
    tracemalloc.start()
    model.fit(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.6e7


class Stateful:
    """A loader with a state, as torchdata's: it draws another order for each pass."""

    def __init__(self, rows=X, size=50):
        self.rows, self.size, self.n_read = rows, size, 0
        self.state = {"pass": 0, "batch": 0, "random": np.random.default_rng(5).bit_generator.state}
        self.loaded = False

    def __iter__(self):
        rng = np.random.default_rng()
        if not self.loaded:
            self.state["batch"] = 0
        self.loaded = False
        rng.bit_generator.state = self.state["random"]
        order = rng.permutation(len(self.rows))
        for batch in range(self.state["batch"], -(-len(order) // self.size)):
            self.state["batch"] = batch + 1
            self.n_read += 1
            yield self.rows[order[batch * self.size : (batch + 1) * self.size]]
        self.state = {"pass": self.state["pass"] + 1, "batch": 0, "random": rng.bit_generator.state}

    def state_dict(self):
        return dict(self.state)

    def load_state_dict(self, state):
        self.state, self.loaded = dict(state), True


def evolving():
    """A loader whose order changes with each pass: the second one depends on the first."""
    return DataLoader(
        TensorDataset(torch.from_numpy(X)), batch_size=50, shuffle=True, generator=torch.Generator().manual_seed(3)
    )


def iterator_with_state():
    """An iterator that can be read once, and set back."""

    class Reader:
        batch = 0

        def __iter__(self):
            return self

        def __next__(self):
            if self.batch == 40:
                raise StopIteration
            self.batch += 1
            return np.random.default_rng(self.batch).normal(size=(50, 6))

        def state_dict(self):
            return {"batch": self.batch}

        def load_state_dict(self, state):
            self.batch = state["batch"]

    return Reader()


LOADERS = {"function": batches, "loader": evolving, "stateful": Stateful, "iterator": iterator_with_state}
RUNS = {
    "steps": SparseAutoencoder(**MODEL, sparsity="topk:2", max_steps=33, shuffle_window=120, solver="adam"),
    "epochs": DictionaryAutoencoder(k=2, sparsity="batch_topk", max_iter=2, shuffle_window=600, **MODEL),
    "whitened": DictionaryAutoencoder(k=2, revive="auxk+resample", scaling="whiten", max_steps=40, **MODEL),
    "early stopping": DenoisingAutoencoder(**MODEL, early_stopping=True, max_steps=40, shuffle_window=200),
}


@pytest.mark.parametrize(
    ("name", "loader"),
    [(name, loader) for name in RUNS for loader in LOADERS if loader != "iterator" or name == "steps"],
)
def test_a_resumed_fit_has_the_bits_of_a_whole_one(name, loader, tmp_path, monkeypatch):
    from sklearn.base import clone

    model = clone(RUNS[name])
    if loader == "iterator":
        model.set_params(max_steps=31)  # it has no more rows
    whole = clone(model).fit(LOADERS[loader]())
    last = whole._learner.steps_done
    for steps in {last // 3, last - 1}:
        with monkeypatch.context() as patch:
            end_at(patch, steps)
            with pytest.raises(Ended):
                clone(model).fit(LOADERS[loader](), checkpoint=tmp_path / f"{steps}", checkpoint_every=steps)
        rows = LOADERS[loader]()
        assert_same(type(model).resume(tmp_path / f"{steps}", rows), whole)
        if loader == "stateful" and name == "steps" and steps == last - 1:
            assert rows.n_read < 10  # the first rows, and the last window


def test_other_rows_are_refused(tmp_path, monkeypatch):
    model = SparseAutoencoder(**MODEL, max_steps=30, shuffle_window=120)
    with monkeypatch.context() as patch:
        end_at(patch, 12)
        with pytest.raises(Ended):
            model.fit(batches(), checkpoint=tmp_path / "run", checkpoint_every=4)
    first, later = X.copy(), X.copy()
    first[7] += 1
    later[750] += 1
    with pytest.raises(DataError, match="X is not that with which the run began: of rows 0 to 149 some differ"):
        SparseAutoencoder.resume(tmp_path / "run", batches(first))
    with pytest.raises(DataError, match="X gives other rows from row 750 of the training on than the run had"):
        SparseAutoencoder.resume(tmp_path / "run", batches(later))
    with pytest.raises(DataError, match="X gives other rows from row 750"):
        SparseAutoencoder.resume(tmp_path / "run", batches(X[:700]))


def test_a_generator_that_cannot_be_set_back_gets_no_checkpoints(tmp_path):
    read = []
    rows = (read.append(1) or batch for batch in batches()())
    with pytest.raises(RecipeError, match="cannot be set back, so the run could not be resumed; give a function"):
        SparseAutoencoder(**MODEL, max_steps=5).fit(rows, checkpoint=tmp_path / "run")
    assert not read
    assert not (tmp_path / "run").exists()
    lines = []
    SparseAutoencoder(**MODEL, max_steps=5).fit(batches()(), callbacks=[lines.append])  # no checkpoints, only a log
    assert lines


def test_a_state_that_no_checkpoint_can_hold_is_refused_at_the_start(tmp_path):
    class Odd(Stateful):
        def state_dict(self):
            return {"model": object()}

    with pytest.raises(RecipeError, match=r"the loader's state_dict\(\) holds a object, which no checkpoint can hold"):
        SparseAutoencoder(**MODEL, max_steps=5).fit(Odd(), checkpoint=tmp_path / "run")
    SparseAutoencoder(**MODEL, max_steps=5).fit(Odd())


def test_states_are_packed_exactly():
    import random

    state = {
        "random": random.getstate(),
        "numpy": np.random.default_rng(0).bit_generator.state,
        "torch": torch.get_rng_state(),
        "values": [None, True, -1, 2.5, "a", b"\0", (), {3: [np.arange(3), np.float32(2)]}, 2**64, -(2**63) - 1],
    }
    again = unpack(pack(state))
    assert again["random"] == state["random"]
    assert again["numpy"] == state["numpy"]
    assert torch.equal(again["torch"], state["torch"])
    assert again["values"][:7] == state["values"][:7]
    assert np.array_equal(again["values"][7][3][0], np.arange(3))
    assert again["values"][8:] == state["values"][8:]
