"""Sparse rows: a source whose absent entries are zeros, which gives what the same rows given dense give."""

import io
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from commandline import run
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, load
from taciturn.core.errors import DataError, EmptyRows
from taciturn.corruption import Clean
from taciturn.data import fingerprint as fingerprints
from taciturn.data.fingerprint import fingerprint
from taciturn.data.moments import Moments, measure_moments
from taciturn.data.sources import (
    Rows,
    SparseRows,
    Subset,
    check_finite,
    has_missing,
    is_sparse,
    open_path,
    select,
    stored_rows,
)
from taciturn.estimators.resolve import batch_size
from taciturn.metrics import denoising_scorer
from taciturn.model import Autoencoder, Layout, Standard, scaled_module
from taciturn.model.coding_layers import TopK
from taciturn.objective import Objective, SquaredError
from taciturn.probes import relate
from taciturn.report.numbers import SECTIONS, Study
from taciturn.training import feed, saved_state
from taciturn.training.constraints import UnitNorm, unit_norm
from taciturn.training.feed import Feed
from taciturn.training.geometric_median import geometric_median
from taciturn.training.saved_state import SavedState
from taciturn.training.step import Step
from taciturn.training.step import step as steps

FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")


def counts(n_rows=300, n_columns=40, *, missing=0, dtype=np.float64):
    """Counts, 10% of them other than 0, of columns of different frequency; the last two columns are constant."""
    rng = np.random.default_rng(0)
    shares = np.linspace(0.01, 0.2, n_columns)
    X = (rng.poisson(2, (n_rows, n_columns)) + 1.0) * (rng.random((n_rows, n_columns)) < shares)
    X[:, -2], X[:, -1] = 0.1, 0
    for place in rng.integers(0, (n_rows, n_columns - 2), (missing, 2)):
        X[tuple(place)] = np.nan
    return X.astype(dtype)


X = counts()
S = sp.csr_array(X)


# --- the source ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("of", [sp.coo_array, sp.coo_matrix])
@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
def test_any_format_gives_dense_blocks(kind, of):
    rows = SparseRows(of(X).asformat(kind))
    assert (len(rows), rows.shape, rows.dtype, rows.columns) == (300, (40,), np.float64, None)
    assert_array_equal(rows.read(10, 20), X[10:20])
    assert_array_equal(rows.read(290, 999), X[290:])
    assert_array_equal(rows.take([7, 0, 7]), X[[7, 0, 7]])
    assert_array_equal(stored_rows(rows, slice(3, 5)).toarray(), X[3:5])
    assert_array_equal(rows.csr.data, X[X != 0])  # by row and column


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.uint16, np.int64, np.float32, np.float64])
def test_the_type_of_the_entries_is_that_of_the_rows(dtype):
    rows = SparseRows(S.astype(dtype))
    assert rows.dtype == dtype == rows.read(0, 3).dtype
    assert_array_equal(rows.read(0, 300), X.astype(dtype))


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_entries_are_added_sorted_and_zeros_dropped_in_a_copy(index):
    data, columns, ends = np.array([5.0, 1, 2, 0, 7]), np.array([2, 1, 1, 0, 0], index), np.array([0, 4, 4, 5], index)
    given = sp.csr_matrix((data, columns, ends), shape=(3, 3))
    rows = SparseRows(given, columns=("a", "b", "c"))
    assert_array_equal(rows.read(0, 3), [[0, 3, 5], [0, 0, 0], [7, 0, 0]])
    assert (rows.csr.data.tolist(), rows.csr.indices.tolist(), rows.columns) == ([3, 5, 7], [1, 2, 0], ("a", "b", "c"))
    assert (given.data.tolist(), given.indices.tolist()) == ([5, 1, 2, 0, 7], [2, 1, 1, 0, 0])  # the user's, as it was


def test_canonical_rows_are_not_copied():
    assert np.shares_memory(SparseRows(S).csr.data, S.data)


def test_subsets_and_selections_stay_sparse():
    rows, indices = SparseRows(S, columns=tuple(f"c{i}" for i in range(40))), np.array([250, 3, 3])
    subset = Subset(rows, indices)
    selected = select(subset, columns=["c30", "c2", "c9"])
    assert all(map(is_sparse, (rows, subset, selected)))
    assert not any(map(is_sparse, (Rows(X), Subset(Rows(X), indices))))
    wanted = X[indices][:, [30, 2, 9]]
    assert_array_equal(selected.read(0, 3), wanted)
    assert_array_equal(selected.take(np.array([2, 0])), wanted[[2, 0]])
    stored = stored_rows(selected, slice(0, 3))
    assert stored.has_canonical_format
    assert_array_equal(stored.toarray(), wanted)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (S * 1j, ["numbers, not complex128", "encode them as numbers"]),
        (sp.coo_array(X[0]), ["[rows, columns], not one of 1 axes"]),
    ],
)
def test_what_is_no_source(matrix, words):
    with pytest.raises(DataError) as caught:
        SparseRows(matrix)
    assert all(word in str(caught.value) for word in words)


# --- statistics, from the entries alone ------------------------------------------------------------------------
@pytest.mark.parametrize("missing", [0, 200])
@pytest.mark.parametrize("block", [None, 1, 7])
@pytest.mark.parametrize("offset", [0, 1e6])
def test_moments_are_those_of_the_dense_rows(missing, block, offset):
    x = np.where(counts(missing=missing) == 0, 0, counts(missing=missing) + offset)
    moments = measure_moments(SparseRows(sp.csr_array(x)), block)
    assert_array_equal(moments.missing, np.isnan(x).sum(0))
    assert_array_equal(moments.low, np.nanmin(x, 0))
    assert_array_equal(moments.high, np.nanmax(x, 0))
    assert_allclose(moments.mean, np.nanmean(x, 0), rtol=1e-12, atol=1e-15)
    assert_allclose(moments.variance, np.nanvar(x, 0), rtol=1e-12, atol=1e-15)
    assert moments.constant.tolist() == [False] * 38 + [True] * 2
    assert (moments.mean[-2:].tolist(), moments.squares[-2:].tolist()) == ([0.1 + offset, 0], [0, 0])  # exactly
    norms = np.sqrt(np.nansum(x**2, 1) / np.maximum((~np.isnan(x)).mean(1), 1 / 40))
    assert moments.norm == pytest.approx(norms.mean(), rel=1e-12)


def test_moments_are_scikit_learns():
    moments = measure_moments(SparseRows(S))
    assert_allclose(moments.variance, StandardScaler(with_mean=False).fit(S).var_, rtol=1e-12, atol=1e-15)
    assert_allclose(np.maximum(moments.high, -moments.low), MaxAbsScaler().fit(S).max_abs_, rtol=1e-12)


def test_sparse_and_dense_blocks_make_one_set_of_moments():
    moments = Moments().add(S[:100]).add(X[100:]).add(S[:0])
    assert_allclose(moments.variance, X.var(0), rtol=1e-12, atol=1e-15)


def test_a_column_without_a_known_value_and_one_of_negative_numbers():
    x = np.array([[np.nan, -1.0, 0], [np.nan, -3.0, -2]])
    sparse, dense = (measure_moments(source) for source in (SparseRows(sp.csr_array(x)), Rows(x)))
    for name, value in dense.to_arrays().items():
        assert_array_equal(sparse.to_arrays()[name], value, err_msg=name)


def test_no_array_of_all_rows_is_made(monkeypatch):
    sizes = []
    to_array = sp.csr_array.toarray
    monkeypatch.setattr(sp.csr_array, "toarray", lambda rows: sizes.append(rows.shape[0]) or to_array(rows))
    rows = SparseRows(sp.random_array((2000, 20_000), density=1e-3, format="csr", rng=np.random.default_rng(0)))
    check_finite(rows, missing=True)
    assert not has_missing(rows)
    measure_moments(rows)
    fingerprint(rows)
    assert not sizes
    model = SparseAutoencoder(4, batch_size=32, max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows).score(rows)
    assert max(sizes) <= 209 + 64  # 2²² numbers at once, and a rest of less than a block


# --- finite, missing -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rows_at_once", [1, 1 << 20])
def test_the_first_infinite_entry_is_named(monkeypatch, rows_at_once):
    x = X.copy()
    x[17, 5], x[17, 30], x[250, 3] = np.inf, -np.inf, np.inf
    rows = SparseRows(sp.csr_array(x), columns=tuple(f"c{i}" for i in range(40)))
    monkeypatch.setattr("taciturn.data.sources.finite._BLOCK_NUMBERS", rows_at_once)
    with pytest.raises(DataError, match=r"3 values in 2 of 300 rows are infinite, the first in row 17, column 'c5'"):
        check_finite(rows, missing=True)
    with pytest.raises(DataError, match="row 17, column 5 "):
        SparseAutoencoder(2, max_iter=1).fit(sp.csc_matrix(x))


def test_a_stored_nan_is_a_missing_value():
    x = counts(missing=100)
    x[9] = np.nan
    rows = SparseRows(sp.csr_array(x))
    assert [has_missing(each) for each in (rows, SparseRows(S), SparseRows(S.astype(int)))] == [True, False, False]
    with pytest.warns(EmptyRows, match="1 row has no known value, the first is row 9 "):
        check_finite(rows, missing=True)
    with pytest.raises(DataError, match="are NaN or infinite"):
        check_finite(rows)


# --- fingerprints ----------------------------------------------------------------------------------------------
def test_a_fingerprint_matches_the_same_rows_stored_in_another_way():
    sparse, dense = fingerprint(SparseRows(S)), fingerprint(Rows(X))
    assert sparse != dense  # of the entries; of all numbers
    for known in (sparse, dense):
        assert [known.matches(rows) for rows in (SparseRows(S), Rows(X))] == [True, True]
        moved = np.roll(X, 1, axis=1)  # the same values in the same order
        for other in (2 * X, X[::-1].copy(), moved, X[:-1], X.astype(np.float32), np.delete(X, -1, axis=1)):
            assert not any(known.matches(rows) for rows in (Rows(other), SparseRows(sp.csr_array(other))))
    assert sparse.text != dense.text


@pytest.mark.parametrize("block", [1, 7, 299])
def test_a_fingerprint_does_not_depend_on_the_blocks(block, monkeypatch):
    whole = fingerprint(SparseRows(S))
    assert fingerprint(SparseRows(S), block) == whole
    monkeypatch.setattr(fingerprints, "BLOCK_ROWS", 64)
    parts = fingerprint(SparseRows(S), block)
    assert (len(parts.blocks), parts) == (5, fingerprint(SparseRows(S)))
    changed = X.copy()
    changed[70, 3] += 1
    assert parts.first_difference(fingerprint(SparseRows(sp.csr_array(changed)))) == (64, 127)


# --- the estimators --------------------------------------------------------------------------------------------
MODELS = {
    "sparse": (SparseAutoencoder(16, max_iter=5, random_state=0), {}),
    "denoising": (DenoisingAutoencoder(16, max_iter=5, random_state=0), {}),
    "dictionary": (DictionaryAutoencoder(32, k=4, max_iter=5, random_state=0), {}),
    "batch_topk": (DictionaryAutoencoder(32, k=4, sparsity="batch_topk", max_iter=5, random_state=0), {}),
    "stops early": (SparseAutoencoder(16, early_stopping=True, max_iter=5, random_state=0), {}),
    "whitened": (SparseAutoencoder(16, scaling="whiten", max_iter=5, random_state=0), {}),
    "ranked": (DenoisingAutoencoder(16, scaling="rank_gauss", max_iter=5, random_state=0), {}),
    "by row": (DenoisingAutoencoder(16, scaling="row_norm", max_iter=5, random_state=0), {}),
    "robust": (DenoisingAutoencoder(16, scaling="robust", max_iter=5, random_state=0), {}),
    "minmax": (SparseAutoencoder((16, 8), scaling="minmax", max_iter=5, random_state=0), {}),
    "missing": (SparseAutoencoder(16, max_iter=5, random_state=0), {"missing": 200}),
    "float32": (SparseAutoencoder(16, max_iter=5, random_state=0), {"dtype": np.float32}),
    "uint8": (SparseAutoencoder(16, max_iter=5, random_state=0), {"dtype": np.uint8}),
    "bool": (SparseAutoencoder(16, max_iter=5, random_state=0), {"dtype": bool}),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")
def test_weights_and_every_result_are_those_of_dense_rows(name):
    model, options = MODELS[name]
    x = counts(**options)
    rows = sp.csc_array(x) if x.dtype != bool else sp.csr_matrix(x)
    dense, sparse = model.__class__(**model.get_params()).fit(x), model.__class__(**model.get_params()).fit(rows)
    for key, value in dense.module_.state_dict().items():
        assert_allclose(sparse.module_.state_dict()[key], value, rtol=1e-6, atol=1e-6, err_msg=key)
    for method in ("transform", "denoise", "reconstruction_errors", "score_samples", "score"):
        results = [getattr(sparse, method)(given) for given in (rows, x)]
        one, other = (each.toarray() if sp.issparse(each) else each for each in results)
        assert_allclose(one, other, rtol=1e-6, atol=1e-7, err_msg=method)
    assert {sparse.to_artifact().rows_kind(source) for source in (SparseRows(rows), Rows(x))} == (
        {"training"} if name != "stops early" else {"given"}
    )


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")
def test_targets_validation_and_partial_fit_take_sparse_rows():
    noisy = np.where(np.random.default_rng(1).random(X.shape) < 0.1, 0, X)
    models = []
    for of in (np.asarray, sp.coo_array):
        model = SparseAutoencoder(8, max_iter=3, random_state=0)
        model.fit(of(noisy), target=of(X), validation=(of(noisy[:50]), of(X[:50])))
        model.partial_fit(of(noisy[:100]), target=of(X[:100]))
        models.append(model)
    for value, other in zip(*(model.module_.state_dict().values() for model in models), strict=True):
        assert_allclose(value, other, rtol=1e-6, atol=1e-6)
    dense, sparse = models
    assert_allclose(dense.history_["loss"], sparse.history_["loss"], rtol=1e-6)
    assert sparse.score(S, target=S) == pytest.approx(dense.score(X, target=X), rel=1e-6)
    with pytest.raises(DataError, match=r"target has shape \[300, 3\]"):
        sparse.score(S, target=S[:, :3])


def test_a_pipeline_of_two_dictionaries():
    first = DictionaryAutoencoder(32, k=4, max_iter=3, random_state=0)
    second = DictionaryAutoencoder(16, k=2, max_iter=3, random_state=0)
    pipeline = make_pipeline(first, second)
    codes = pipeline.fit_transform(S)
    assert (type(codes), codes.shape) == (sp.csr_array, (300, 16))
    by_hand = DictionaryAutoencoder(16, k=2, max_iter=3, random_state=0).fit(first.transform(X).toarray())
    assert_allclose(second.module_.dictionary.detach(), by_hand.module_.dictionary.detach(), atol=1e-6)
    restored = first.inverse_transform(second.inverse_transform(codes))
    assert_allclose(pipeline.inverse_transform(codes), restored)
    assert isinstance(pipeline.set_output(transform="pandas").fit_transform(S), pd.DataFrame)


@pytest.mark.parametrize("model", [SparseAutoencoder(16, max_iter=2), DictionaryAutoencoder(16, k=4, max_iter=2)])
@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")
def test_sparse_codes_are_decoded_as_dense_ones(model, monkeypatch):
    monkeypatch.setattr("taciturn.estimators.applying.DENSE_BLOCK_ROWS", 7)
    model = model.fit(S)
    codes = sp.random_array((30, 16), density=0.2, rng=np.random.default_rng(0), format="coo")
    assert_allclose(model.inverse_transform(codes), model.inverse_transform(codes.toarray()), rtol=1e-12)
    with pytest.raises(DataError, match="40 codes per row, but the model has 16 latents"):
        model.inverse_transform(S)
    with pytest.raises(DataError, match="1 value in 1 of 300 rows is NaN"):
        model.inverse_transform(sp.csr_array(np.where(np.arange(300 * 16).reshape(300, 16) == 33, np.nan, 0)))


def test_a_denoising_scorer_takes_sparse_rows():
    model = DenoisingAutoencoder(8, max_iter=2, random_state=0).fit(S)
    scorer = denoising_scorer("gaussian:0.4")
    assert scorer(model, S) == pytest.approx(scorer(model, X), rel=1e-9)


def test_relations_read_stored_entries_only(monkeypatch):
    """Expected: scikit-learn's pipeline on the same sparse rows; of 4,000 rows no dense array of many is made."""
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b"], 2000)
    rows = sp.random_array((4000, 5000), density=4e-3, format="csr", rng=rng) + sp.csr_array(
        sp.coo_array((np.full(2000, 3.0), (np.arange(2000), rng.integers(0, 5, 2000))), shape=(4000, 5000))
    )
    model = DictionaryAutoencoder(16, k=2, batch_size=256, max_iter=1, random_state=0).fit(rows)
    sizes, to_array = [], sp.csr_array.toarray
    monkeypatch.setattr(sp.csr_array, "toarray", lambda rows: sizes.append(rows.shape) or to_array(rows))
    related = Study(model.to_artifact(), SparseRows(rows), SECTIONS, Clean(), labels=y)["relation"]
    assert model.plot.relate(rows, y, level=0.999).axes
    assert max(n for n, width in sizes if width == 5000) * 5000 <= 1 << 22
    sample = np.sort(train_test_split(np.arange(4000), train_size=3000, stratify=y, random_state=0)[0])
    linear = make_pipeline(StandardScaler(with_mean=False), LogisticRegression(class_weight="balanced", max_iter=50))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(linear, rows[sample].astype(float), y[sample], cv=folds)
    assert related.raw_score == pytest.approx(balanced_accuracy_score(y[sample], predicted))
    assert 0.6 < related.raw_score < 1


@pytest.mark.parametrize("label", ["classes", "number"])
def test_the_linear_model_of_sparse_rows_is_that_of_dense_ones(label):
    x = counts(missing=200)
    y = X[:, 3] + X[:, 7] + np.random.default_rng(0).normal(size=300)
    y = y if label == "number" else np.where(y > np.median(y), "a", "b")
    codes = np.random.default_rng(1).random((300, 4))
    dense, sparse, source = (relate(codes, y, of(x)).raw_score for of in (np.asarray, sp.coo_array, Rows))
    assert sparse == pytest.approx(dense, abs=1e-6 if label == "number" else 0.01)
    assert source == dense


def test_a_sparse_frame_has_names_and_zeros():
    frame = pd.DataFrame.sparse.from_spmatrix(S, columns=[f"c{i}" for i in range(40)])
    model = SparseAutoencoder(8, max_iter=2, random_state=0).fit(frame, target=frame)
    assert model.feature_names_in_.tolist() == list(frame.columns)
    assert_allclose(model.denoise(frame), model.denoise(frame.sparse.to_dense()), rtol=1e-12)
    other_fill = frame.astype(pd.SparseDtype(float, np.nan))
    with pytest.raises(DataError, match=r"column 'c0' is sparse with other values than 0 left out \(nan\); give X.spa"):
        model.fit(other_fill)
    with pytest.raises(DataError, match="target: column 'c0' is sparse"):
        model.fit(frame, target=other_fill)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (S[:0], ["0 sample(s)", "Give 2 or more rows"]),
        (S[:, :0], ["0 feature(s)", "Give one or more columns"]),
        (S * 1j, ["Complex data not supported", "Give X.real"]),
        (sp.coo_array(X[0]), ["Expected 2D", "Reshape your data: X.reshape(-1, 1)"]),
        (sp.coo_array(X.reshape(30, 10, 40)), ["Flatten each row: X.reshape(X.shape[0], -1)"]),
    ],
)
def test_bad_sparse_rows_get_one_line(rows, words):
    with pytest.raises(DataError) as caught:
        SparseAutoencoder(2, max_iter=1).fit(rows)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_scikit_learn_sends_its_sparse_checks():
    assert SparseAutoencoder().__sklearn_tags__().input_tags.sparse  # they run in test_estimators and test_dictionary


# --- wide rows: parts give what the whole gives ----------------------------------------------------------------
def wide_sample():
    x = torch.from_numpy(np.random.default_rng(0).lognormal(size=(50, 30))).float()
    return x, torch.where(torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) < 0.1, torch.nan, x)


def test_the_geometric_median_in_blocks(monkeypatch):
    x, _ = wide_sample()
    whole = geometric_median(x)
    module = sys.modules[geometric_median.__module__]
    monkeypatch.setattr(module, "WIDE", 8)
    monkeypatch.setattr(module, "BLOCK_NUMBERS", 90)
    assert_allclose(geometric_median(x), whole, rtol=1e-12)


@pytest.mark.parametrize("with_missing", [False, True])
def test_means_and_squares_in_parts(monkeypatch, with_missing):
    x = wide_sample()[with_missing].double()
    whole = steps._mean(x), steps._mean_square(torch.zeros_like(x), x)
    monkeypatch.setattr(steps, "WIDE", 8)
    assert_allclose(steps._mean(x), np.nanmean(x, 0), rtol=1e-12)
    assert_allclose(whole[0], steps._mean(x), rtol=1e-12)
    assert steps._mean_square(torch.zeros_like(x), x) == pytest.approx(whole[1], rel=1e-12)
    assert whole[1] == pytest.approx(np.nanmean(x.numpy() ** 2), rel=1e-12)


def test_unit_norm_in_parts(monkeypatch):
    W, grad = (torch.randn(9, 5, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    results = []
    for numbers in (1 << 22, 11):
        monkeypatch.setattr(unit_norm, "PART_NUMBERS", numbers)
        V = W.clone()
        V.grad = grad.clone()
        UnitNorm().before(V)
        UnitNorm().after(V)
        results.append((V, V.grad))
    assert all(map(torch.equal, *results))
    assert_allclose(np.linalg.norm(results[1][0], axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sample_in_parts(monkeypatch, dtype):
    def sample():
        return Feed(Rows(counts(dtype=dtype)), model.scale_rows, 10, 0).sample(50, torch.Generator().manual_seed(0))[0]

    model = Autoencoder(Layout((40, 4), TopK(2)), rng=torch.Generator().manual_seed(0))
    model.set_scaling(Standard(), measure_moments(SparseRows(S)))
    whole = sample()
    monkeypatch.setattr(feed, "SAMPLE_PART_NUMBERS", 7 * 40)
    monkeypatch.setattr(scaled_module, "PART_NUMBERS", 3 * 40)
    assert_array_equal(sample(), whole)
    monkeypatch.setattr(feed, "SAMPLE_NUMBERS", 11 * 40 + 1)
    assert len(sample()) == 11


def test_batches_of_wide_rows_are_small():
    sizes = [batch_size("auto", 20_000, [], n_columns) for n_columns in (64, 16_384, 16_385, 50_000, 10**7)]
    assert sizes == [256, 256, 128, 64, 32]
    assert batch_size(100, 20_000, [], 50_000) == 100


# --- the copy of good weights ----------------------------------------------------------------------------------
def step_of(seed):
    model = Autoencoder(Layout((40, 8), TopK(2)), rng=torch.Generator().manual_seed(seed))
    return Step(model, Objective((SquaredError(),)))


@pytest.mark.parametrize("min_bytes", [1, 1000, 1 << 24])
def test_a_saved_state_is_restored(monkeypatch, min_bytes):
    monkeypatch.setattr(saved_state, "MIN_FILE_BYTES", min_bytes)
    step = step_of(0)
    step.inactive_rows += 5
    wanted = {name: tensor.clone() for name, tensor in step.state_dict().items()}
    saved = SavedState(step)
    with torch.no_grad():
        for tensor in step.state_dict().values():
            tensor.fill_(7)
    for _ in range(2):
        saved.restore(step)
        assert all(torch.equal(tensor, wanted[name]) for name, tensor in step.state_dict().items())
    in_memory = {name for name, tensor in wanted.items() if tensor.nbytes < min_bytes}
    assert {name for name in wanted if name in saved._copies} == in_memory


def test_a_full_disk_leaves_the_copy_in_memory(monkeypatch):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(saved_state, "MIN_FILE_BYTES", 1)
    monkeypatch.setattr(saved_state, "TemporaryFile", lambda buffering: Full())
    step, other = step_of(0), step_of(1)
    SavedState(step).restore(other)
    assert torch.equal(step.model.dictionary, other.model.dictionary)


def test_a_run_that_stops_early_keeps_one_copy(monkeypatch):
    copies = []
    monkeypatch.setattr(
        "taciturn.training.divergence_guard.SavedState", lambda step: copies.append(1) or SavedState(step)
    )
    model = SparseAutoencoder(4, early_stopping=True, max_iter=8, batch_size=300, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X)
    assert len(copies) <= 2  # at the start and before the first validation loss


# --- files and the command line --------------------------------------------------------------------------------
def write_csr(path, **changes):
    parts = {"format": np.array(b"csr"), "shape": np.array(S.shape)}
    parts |= {"data": S.data, "indices": S.indices, "indptr": S.indptr}
    np.savez(path, **{name: array for name, array in (parts | changes).items() if array is not None})


@pytest.mark.parametrize("kind", ["csr", "csc"])
@pytest.mark.parametrize("compressed", [True, False])
def test_scipys_archives_are_read(tmp_path, kind, compressed):
    sp.save_npz(tmp_path / "x.npz", sp.coo_matrix(X).asformat(kind), compressed=compressed)
    rows = open_path(tmp_path / "x.npz")
    assert isinstance(rows, SparseRows)
    assert_array_equal(rows.read(0, 300), X)
    assert_array_equal(open_path(tmp_path / "x.npz", columns=[30, 2]).read(0, 300), X[:, [30, 2]])
    values = open_path(f"{tmp_path / 'x.npz'}:data").read(0, S.nnz)  # one array of the archive
    assert sorted(values[:, 0]) == sorted(S.data)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"indices": S.indices + 40}, "indices must be < 40"),
        ({"indices": -1 - S.indices}, "indices must be >= 0"),
        ({"indices": S.indices[:-1]}, "indices and data should have the same size"),
        ({"indptr": S.indptr[::-1].copy()}, "index pointer should start with 0"),
        ({"indptr": S.indptr[:-1]}, "index pointer size"),
        ({"indptr": None}, "no item named 'indptr.npy'"),
        ({"shape": np.array([300, 10**13])}, "more than there is"),
        ({"shape": np.array([10**13, 40])}, "more than there is"),
        ({"shape": np.array([-300, 40])}, "negative"),
        ({"shape": np.array([300, 40, 1])}, "too many values"),
        ({"format": np.array(b"coo")}, "sparse matrix of the format 'coo'; save it as compressed rows: scipy.sparse"),
        ({"data": S.data.astype(object)}, "Python objects, not numbers"),
        ({"data": S.data * 1j}, "numbers, not complex128"),
    ],
)
def test_damaged_archives_get_one_line(tmp_path, changes, words):
    write_csr(tmp_path / "x.npz", **changes)
    with pytest.raises(DataError) as caught:
        open_path(tmp_path / "x.npz")
    assert all(word in str(caught.value) for word in (words, "x.npz"))
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")
def test_the_command_line_takes_scipys_archives(tmp_path):
    sp.save_npz(tmp_path / "x.npz", S.astype(np.float32))
    np.save(tmp_path / "x.npy", X.astype(np.float32))
    for kind in ("npz", "npy"):
        data, folder = tmp_path / f"x.{kind}", tmp_path / kind
        run("fit", data, "--k", 4, "--latents", 32, "--epochs", 2, "-o", folder, "-q")
        run("encode", folder, data, "-o", tmp_path / f"codes-{kind}.npz")
        run("denoise", folder, data, "-o", tmp_path / f"clean-{kind}.npy")
    assert_allclose(np.load(tmp_path / "clean-npz.npy"), np.load(tmp_path / "clean-npy.npy"), atol=1e-5)
    codes = [sp.load_npz(tmp_path / f"codes-{kind}.npz").toarray() for kind in ("npz", "npy")]
    assert_allclose(*codes, atol=1e-5)
    assert_allclose(load(tmp_path / "npz").transform(S.astype(np.float32)).toarray(), codes[0], atol=1e-6)
    run("fit", tmp_path / "codes-npz.npz", "--k", 2, "--latents", 8, "--epochs", 1, "-o", tmp_path / "second", "-q")
    run("report", tmp_path / "npz", "--data", tmp_path / "x.npz", "-o", tmp_path / "report.html")
    assert "held-out" in run("evaluate", tmp_path / "npz").stdout
