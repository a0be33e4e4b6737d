"""Missing values: NaN enters as the column's mean, is never judged, and counts in no statistic."""

import decimal
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import taciturn
from commandline import output_text, run
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, datasets
from taciturn.core.errors import DataError, EmptyRows, RecipeError
from taciturn.corruption import Corruption, Gaussian, Masking, Swap
from taciturn.data.moments import Moments, measure_moments
from taciturn.data.sources import Rows
from taciturn.model import Autoencoder, Batch, InferenceModule, Layout
from taciturn.model.coding_layers import Gated, ReLU, Sigmoid, TopK
from taciturn.objective import AuxK, CrossEntropy, GatedAux, Matryoshka, MultiTopK, Objective, SquaredError
from taciturn.training.feed import Feed
from taciturn.training.step import Step, plan

pytestmark = pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")


def holed(rows, share=0.2, seed=0):
    """The rows with a share of their values missing, and where."""
    missing = np.random.default_rng(seed).random(rows.shape) < share
    return np.where(missing, np.nan, rows).astype(rows.dtype), missing


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits").read(0, 600)


# --- statistics ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("block", [1, 7, 64, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments_are_those_of_the_known_values(block, dtype):
    rows = (np.random.default_rng(1).normal(size=(300, 5)) * [1, 3, 1, 0, 2] + [0, 1e6, 5, 7, 0]).astype(dtype)
    rows, missing = holed(rows)
    moments, exact = measure_moments(Rows(rows), block=block), rows.astype(np.float64)
    assert_array_equal(moments.missing, missing.sum(0))
    assert_array_equal(moments.known, (~missing).sum(0))
    for found, expected in [
        (moments.mean, np.nanmean(exact, 0)),
        (moments.variance, np.nanvar(exact, 0)),
        (moments.low, np.nanmin(exact, 0)),
        (moments.high, np.nanmax(exact, 0)),
    ]:
        assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert moments.constant.tolist() == [False, False, False, True, False]
    known = ~missing.all(1)
    norms = np.sqrt(np.nanmean(exact[known] ** 2, 1) * 5)
    assert_allclose(moments.norm, norms.sum() / len(rows), rtol=1e-12)


def test_a_column_that_is_known_later_only():
    first, second = np.array([[1.0, np.nan], [3.0, np.nan]]), np.array([[5.0, 2.0], [np.nan, 4.0]])
    moments = Moments().add(first)
    assert (moments.mean.tolist(), moments.variance.tolist()) == ([2, 0], [1, 0])
    moments.add(second)
    assert moments.known.tolist() == [3, 2]
    assert_allclose([moments.mean, moments.variance], [[3, 3], [8 / 3, 1]])
    assert (moments.low.tolist(), moments.high.tolist()) == ([1, 2], [5, 4])
    again = Moments.from_arrays(moments.to_arrays())
    assert again.known.tolist() == [3, 2]


# --- the mask --------------------------------------------------------------------------------------------------------
D, L, B = 6, 10, 9
CASES = {
    "squared error": (Layout((D, 5), Sigmoid()), Objective((SquaredError(),))),
    "cross-entropy": (Layout((D, 5), ReLU(), output=Sigmoid()), Objective((CrossEntropy(),))),
    "hidden layers": (Layout((D, 7, 5), ReLU(), tied=True), Objective((SquaredError(),))),
    "auxk": (Layout((D, L), TopK(2), centred=True), SquaredError() + AuxK(k=3, after=1)),
    "multi_topk": (Layout((D, L), TopK(2)), SquaredError() + MultiTopK(4)),
    "matryoshka": (Layout((D, L), TopK(2)), SquaredError() + Matryoshka((4,))),
    "gated_aux": (Layout((D, L), Gated()), SquaredError() + GatedAux()),
    "refined": (Layout((D, L), TopK(2), refine=1), Objective((SquaredError(),))),
}


def batch_of(judged=None, dtype=torch.float64):
    rng = torch.Generator().manual_seed(5)
    x, target, corrupted = (torch.rand(B, D, generator=rng, dtype=dtype) for _ in range(3))
    return Batch(x, target, corrupted, judged=judged)


def step_of(layout, objective, kind=Step, dtype=torch.float64):
    step = kind(Autoencoder(layout, rng=torch.Generator().manual_seed(0)).to(dtype), objective)
    step.inactive_rows.fill_(5)
    return step


def gradients(step, batch):
    for parameter in step.parameters():
        parameter.grad = None
    numbers = step.gradients(batch)
    return numbers, [p.grad.clone() for p in step.parameters() if p.grad is not None]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_mask_of_ones_is_no_mask(case, dtype):
    layout, objective = CASES[case]
    plain = gradients(step_of(layout, objective, dtype=dtype), batch_of(dtype=dtype))
    everything = torch.ones(B, D, dtype=torch.bool)
    for kind in {Step, plan.step(layout, objective)}:
        numbers, grads = gradients(step_of(layout, objective, kind, dtype), batch_of(everything, dtype))
        for name, number in plain[0].items():
            assert_allclose(numbers[name], number, rtol=1e-6, atol=1e-7)
        for found, expected in zip(grads, plain[1], strict=True):
            assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_judged_has_no_part_in_errors_and_gradients(case):
    """The error is its sum over the judged entries over their number, whatever the others are."""
    layout, objective = CASES[case]
    judged = torch.rand(B, D, generator=torch.Generator().manual_seed(8)) < 0.6
    batch = batch_of(judged)
    numbers, grads = gradients(step_of(layout, objective), batch)
    other = replace(batch, target=torch.where(judged, batch.target, torch.full_like(batch.target, 0.123)))
    step = step_of(layout, objective, plan.step(layout, objective))
    same_numbers, same_grads = gradients(step, other)
    assert_allclose(same_numbers["loss"], numbers["loss"], rtol=1e-12)
    for found, expected in zip(same_grads, grads, strict=True):
        assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    p, _ = step_of(layout, objective)(batch)
    recon, logits, target = (t.detach().numpy() for t in (p.recon, p.logits, batch.target))
    error = (recon - target) ** 2 if case != "cross-entropy" else np.log1p(np.exp(logits)) - target * logits
    name = objective.terms[0].name
    assert_allclose(numbers[name], error[judged.numpy()].mean(), rtol=1e-12)


def test_gradients_with_a_mask_are_those_of_differences():
    layout, objective = CASES["squared error"]
    judged = torch.rand(B, D, generator=torch.Generator().manual_seed(8)) < 0.6
    step, batch = step_of(layout, objective), batch_of(judged)
    gradients(step, batch)
    weight = step.model.dictionary
    gradient, (row, column), eps = weight.grad.clone(), (2, 3), 1e-6
    losses = []
    with torch.no_grad():
        for shift in (eps, -2 * eps):
            weight[row, column] += shift
            losses.append(step(batch)[1]["loss"].item())
    assert_allclose(gradient[row, column], (losses[0] - losses[1]) / (2 * eps), rtol=1e-6)


def test_a_batch_without_any_judged_entry_has_no_error():
    layout, objective = CASES["squared error"]
    numbers, grads = gradients(step_of(layout, objective), batch_of(torch.zeros(B, D, dtype=torch.bool)))
    assert numbers["loss"] == 0
    assert all(not grad.any() for grad in grads)


# --- batches ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("corruption", ["clean", "gaussian:1", "masking:0.5", "swap:0.9", "missing:0.5", "dropout:0.5"])
def test_what_is_missing_enters_as_the_fill_and_is_not_judged(corruption):
    rows, missing = holed(np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32))
    fill = torch.tensor([10.0, 20.0, 30.0])
    noise = Corruption.parse(corruption)
    feed = Feed(Rows(rows), torch.Tensor.float, 64, 0, noise, fill=fill, masked=True)
    n_filled = 0
    for batch in feed.epoch(0):
        unknown = ~batch.judged
        assert not batch.x.isnan().any()
        assert not batch.corrupted.isnan().any()
        assert not batch.target.isnan().any()
        for entries in (batch.x, batch.corrupted):
            assert_array_equal(entries[unknown], fill.expand_as(unknown)[unknown])
        n_filled += int((batch.corrupted == fill).sum())
        if corruption.startswith("swap"):  # every value is a known one of its column
            known = [set(rows[:, j][~missing[:, j]].tolist()) for j in range(3)]
            assert all(v in known[j] for j in range(3) for v in batch.corrupted[:, j][batch.judged[:, j]].tolist())
    assert (n_filled > missing.sum()) == (corruption == "missing:0.5")


def test_targets_may_be_missing_where_rows_are_not():
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    targets, missing = holed(rows * 2)
    feed = Feed(Rows(rows), torch.Tensor.float, 64, 0, target=Rows(targets), fill=torch.zeros(3), masked=True)
    (batch,) = feed.epoch(0)
    assert (~batch.judged).sum() == missing.sum()
    assert_allclose(batch.target[batch.judged], 2 * batch.x[batch.judged])


def test_complete_rows_have_no_mask():
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    feed = Feed(Rows(rows), torch.Tensor.float, 64, 0, Corruption.parse("missing:0.5"), fill=torch.zeros(3))
    (batch,) = feed.epoch(0)
    assert batch.judged is None
    assert 0.3 < (batch.corrupted == 0).float().mean() < 0.7


# --- estimators ------------------------------------------------------------------------------------------------------
ROWS = np.arange(60.0).reshape(20, 3) % 7
ROWS[3, 1] = ROWS[8, 0] = ROWS[8, 2] = np.nan
TABLE = pd.DataFrame(ROWS, columns=list("abc"))
CELLS = [[None if np.isnan(v) else v for v in row] for row in ROWS.tolist()]
NA_CELLS = [[pd.NA if v is None else v for v in row] for row in CELLS]
DECIMALS = [[None if v is None else decimal.Decimal(str(v)) for v in row] for row in CELLS]
TRUTHS = [[None if v is None else v > 2 for v in row] for row in CELLS]
KINDS = {
    "NaN": ROWS,
    "float32": ROWS.astype(np.float32),
    "None": CELLS,
    "NA": NA_CELLS,
    "objects": np.array(CELLS, object),
    "NA among objects": np.array(NA_CELLS, object),
    "masked": np.ma.masked_invalid(ROWS),
    "masked whole numbers": np.ma.masked_array(np.nan_to_num(ROWS).astype(np.int64), np.isnan(ROWS)),
    "masked bytes": np.ma.masked_array(np.nan_to_num(ROWS).astype(np.uint8), np.isnan(ROWS)),
    "pandas": TABLE,
    "Int64": TABLE.astype("Int64"),
    "Float64 beside float": TABLE.astype({"a": "Float64"}),
    "frame of objects": pd.DataFrame(NA_CELLS, columns=list("abc"), dtype=object),
    "Arrow": TABLE.astype("Int64").astype(pd.ArrowDtype(pa.int64())),
    "Arrow beside float": TABLE.astype({"b": "Int64"}).astype({"b": pd.ArrowDtype(pa.int64())}),
    "Arrow decimals": pd.DataFrame({"a": ROWS[:, 0]}).assign(
        b=pd.array([row[1] for row in DECIMALS], pd.ArrowDtype(pa.decimal128(5, 2))), c=ROWS[:, 2]
    ),
    "decimals": pd.DataFrame(DECIMALS, columns=list("abc")),
    "polars": pl.DataFrame(CELLS, schema=list("abc"), orient="row"),
    "polars decimals": pl.DataFrame(DECIMALS, schema=list("abc"), orient="row"),
    "source": Rows(ROWS, columns=("a", "b", "c")),
    "masked source": Rows(np.ma.masked_invalid(ROWS)),
    "boolean": pd.DataFrame(TRUTHS, columns=list("abc"), dtype="boolean"),
    "truths": pd.DataFrame(TRUTHS, columns=list("abc")),
    "Arrow truths": pd.DataFrame(TRUTHS, columns=list("abc"), dtype=pd.ArrowDtype(pa.bool_())),
    "polars truths": pl.DataFrame(TRUTHS, schema=list("abc"), orient="row"),
}


def assert_restored(model, X, reference, rows):
    """Compare reconstructions: a table's are rounded to the digits of their columns."""
    restored = model.denoise(X)
    is_table = getattr(X, "columns", None) is not None and not hasattr(X, "read")
    assert is_table == hasattr(restored, "columns")
    numbers = np.asarray(restored, np.float64)
    assert np.isfinite(numbers).all()
    assert_allclose(numbers, reference.denoise(rows), atol=0.5 if is_table else 0, rtol=1e-12)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "tru" in kind or kind == "boolean"])
def test_booleans_with_missing_values(kind):
    X = KINDS[kind]
    model = SparseAutoencoder(2, max_iter=2, random_state=0).fit(X)
    restored = model.denoise(X)
    if hasattr(X, "columns"):
        assert set(model.variables_.levels) == {1}
        assert not pd.DataFrame(np.asarray(restored, object)).isna().any().any()
    assert np.isfinite(model.score(X))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not ("tru" in kind or kind == "boolean")])
def test_rows_with_missing_values_of_any_kind(kind):
    X = KINDS[kind]
    rows = ROWS.astype(np.float32) if kind == "float32" else ROWS
    before = X.copy() if hasattr(X, "copy") else X
    model = SparseAutoencoder(2, max_iter=2, random_state=0).fit(X)
    reference = SparseAutoencoder(2, max_iter=2, random_state=0).fit(rows)
    assert model.settings_.corruption.text == "missing:0.05"
    for method in ("transform", "score", "score_samples", "reconstruction_errors"):
        assert_allclose(getattr(model, method)(X), getattr(reference, method)(rows), rtol=1e-12)
    assert_restored(model, X, reference, rows)
    assert_restored(model.partial_fit(X), X, reference.partial_fit(rows), rows)
    model.fit(X, target=X, validation=(X, X))
    reference.fit(rows, target=rows, validation=(rows, rows))
    assert_restored(model, X, reference, rows)
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(X, before)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_impute_keeps_known_values(dtype):
    X = ROWS.astype(dtype)
    model = DenoisingAutoencoder(4, max_iter=2, random_state=0).fit(X)
    imputed = model.impute(X)
    assert imputed.dtype == dtype
    assert_array_equal(imputed, np.where(np.isnan(X), model.denoise(X), X))
    assert_array_equal(model.impute(Rows(X)), imputed)
    whole = np.arange(len(X) * X.shape[1]).reshape(X.shape)
    assert_array_equal(model.impute(whole), whole)
    frame = pd.DataFrame(X, index=[f"r{i}" for i in range(len(X))])
    frame.columns = [f"c{i}" for i in range(X.shape[1])]
    of_frame = DenoisingAutoencoder(4, max_iter=2, random_state=0).fit(frame).impute(frame)
    pd.testing.assert_frame_equal(of_frame, pd.DataFrame(imputed, frame.index, frame.columns))


def test_a_mask_of_no_entry_changes_nothing():
    rows = np.nan_to_num(ROWS).astype(np.uint8)
    masked = np.ma.masked_array(rows, np.zeros(rows.shape, bool))
    model = SparseAutoencoder(2, max_iter=1, random_state=0).fit(masked)
    assert (model.settings_.scaling.text, model.settings_.corruption.text) == ("uint8", "clean")


def test_a_whitened_model_fills_before_it_mixes_the_columns():
    X = np.random.default_rng(0).normal(size=(60, 3)) @ np.diag([1, 5, 20]) + 7
    model = SparseAutoencoder(2, scaling="whiten", max_iter=1, random_state=0).fit(X)
    rows = X[:4].copy()
    rows[1, 2] = rows[2, 0] = np.nan
    filled = np.where(np.isnan(rows), X.mean(0), rows)
    assert_allclose(model.transform(rows), model.transform(filled), rtol=1e-12)
    error = np.where(np.isnan(rows), np.nan, model.denoise(filled) - rows) / X.std(0)
    assert_allclose(model.reconstruction_errors(rows), np.nanmean(error**2, 1), rtol=1e-9)


def test_missing_values_are_scaled_and_scored_by_the_known_ones(digits):
    X = digits * 3 + 10
    rows, missing = holed(X)
    model = SparseAutoencoder(32, scaling="standard", max_iter=5, random_state=0).fit(rows)
    known = np.where(missing, np.nan, X)
    module = model.module_
    assert_allclose(module.mean, np.nanmean(known, 0), rtol=1e-12)
    std = np.nanstd(known, 0)
    assert_allclose(module.scale, np.where(std > 0, std, 1), rtol=1e-12)
    recon = model.denoise(rows)
    scale = np.where(std > 0, std, 1)
    errors = np.where(missing, np.nan, (recon - X) / scale) ** 2
    assert_allclose(model.reconstruction_errors(rows), np.nanmean(errors, 1), rtol=1e-6)
    assert_allclose(model.reconstruction_errors(rows, per="column"), np.nanmean(errors, 0), rtol=1e-6)
    centred = np.where(missing, np.nan, (X - np.nanmean(known, 0)) / scale) ** 2
    assert_allclose(model.score(rows), 1 - np.nansum(errors) / np.nansum(centred), rtol=1e-9)
    # a missing value is the same as the column's mean
    filled = np.where(missing, np.nanmean(known, 0), X)
    assert_allclose(model.transform(rows), model.transform(filled), rtol=1e-9)
    assert_allclose(InferenceModule(module)(torch.tensor(rows)), recon, rtol=1e-5)


def test_auto_learns_to_impute(digits):
    X = datasets.load("digits").read(0, 1797)
    rows, missing = holed(X)
    model = DenoisingAutoencoder(256, max_iter=30, random_state=0).fit(rows)
    assert model.settings_.corruption.text == "gaussian:0.3+missing:0.2"
    of_mean = (np.nanmean(rows, 0) - X)[missing]
    assert np.square((model.denoise(rows) - X)[missing]).mean() < 0.4 * np.square(of_mean).mean()
    for explicit in ("gaussian:0.3", "none"):
        model = DenoisingAutoencoder(4, corruption=explicit, max_iter=1, random_state=0).fit(rows)
        assert "missing" not in model.settings_.corruption.text


@pytest.mark.parametrize(
    "model",
    [
        SparseAutoencoder(8, max_iter=2, random_state=0),
        DenoisingAutoencoder(8, corruption="gaussian:0.3", max_iter=2, random_state=0),
        DictionaryAutoencoder(16, k=4, max_iter=2, random_state=0),
    ],
    ids=["sparse", "denoising", "dictionary"],
)
@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")
def test_rows_as_their_own_targets_are_what_rows_without_targets_are(model, digits):
    rows, missing = holed(digits[:300])
    alone, pairs = (clone(model).fit(rows, **arguments) for arguments in ({}, {"target": rows.copy()}))
    assert alone.settings_.corruption == pairs.settings_.corruption
    for name, value in alone.module_.state_dict().items():
        assert torch.equal(pairs.module_.state_dict()[name], value), name
    complete = clone(model).fit(rows, target=np.where(missing, 0, rows))  # from which missing values are learnt
    assert "missing" not in complete.settings_.corruption.text


def test_a_target_mean_activation_is_met_on_rows_with_missing_values(digits):
    rows, _ = holed(digits)
    model = SparseAutoencoder(32, sparsity="kl:0.1", max_iter=20, random_state=0).fit(rows)
    assert_allclose(model.transform(rows).mean(), 0.1, rtol=0.03)


@pytest.mark.parametrize(
    "model",
    [
        DictionaryAutoencoder(64, k=4, sparsity="batch_topk", max_iter=3, random_state=0),
        DictionaryAutoencoder(64, k=4, max_iter=3, random_state=0, revive="auxk"),
        SparseAutoencoder(16, loss="cross_entropy", scaling="minmax", output_activation="sigmoid", max_iter=3),
        SparseAutoencoder((32, 16), early_stopping=True, max_iter=4, random_state=0),
    ],
    ids=["batch_topk", "auxk", "cross_entropy", "early stopping"],
)
def test_every_estimator_takes_them_and_is_saved(model, digits, tmp_path):
    rows, _ = holed(digits[:300])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows)
    model.save(tmp_path / "model")
    loaded = taciturn.load(tmp_path / "model")
    assert_array_equal(loaded.denoise(rows), model.denoise(rows))
    assert np.isfinite(model.denoise(rows)).all()
    assert np.isfinite(model.score(rows))
    loaded.partial_fit(rows)
    model.partial_fit(rows)
    assert_array_equal(loaded.denoise(rows), model.denoise(rows))


def test_what_is_refused_or_warned_of():
    rows = np.random.default_rng(0).normal(size=(20, 3))
    rows[:, 1] = np.nan
    with pytest.raises(DataError, match=r"^column 'b' has no known value; drop it$"):
        SparseAutoencoder(2, max_iter=1).fit(pd.DataFrame(rows, columns=list("abc")))
    rows[:, 1] = 1
    rows[4] = rows[6] = np.nan
    with pytest.warns(EmptyRows, match=r"^2 rows have no known value, the first is row 4 "):
        model = SparseAutoencoder(2, max_iter=1, random_state=0).fit(rows)
    whitening = SparseAutoencoder(2, max_iter=1, scaling="whiten")
    rows[[4, 6], 0] = 1
    with pytest.raises(RecipeError, match="scaling='whiten' needs rows without missing values; set scaling='standard'"):
        whitening.fit(rows)
    rows[5, 2] = np.inf
    with pytest.raises(DataError, match=r"^1 value in 1 of 20 rows is infinite, the first in row 5, column 2"):
        model.transform(rows)
    with pytest.raises(DataError, match="NaN"):
        model.inverse_transform([[np.nan, 0]])


@pytest.mark.parametrize("noise", [Gaussian(0.5), Masking(0.5), Swap(0.5)])
def test_a_model_that_puts_out_nan_is_not_taken_for_one_with_missing_values(noise, digits):
    rows, _ = holed(digits[:50])
    model = SparseAutoencoder(4, max_iter=1, random_state=0, corruption=noise, sparsity=None).fit(rows)
    with torch.no_grad():
        model.module_.dictionary[0, 0] = np.nan
    assert not np.isfinite(model.score(rows))
    assert np.flatnonzero(np.isinf(model.reconstruction_errors(rows, per="column"))).tolist() == [0]
    complete = np.nan_to_num(rows)  # no value is missing: each NaN is the model's
    with torch.no_grad():
        model.module_.dictionary[0, 0] = 0.0
        model.module_.decoder[-1].bias[3] = np.nan
    assert np.isinf(model.reconstruction_errors(complete)).all()
    assert np.flatnonzero(np.isinf(model.reconstruction_errors(complete, per="column"))).tolist() == [3]


# --- the command line -------------------------------------------------------------------------------------------------
@pytest.mark.filterwarnings("always::taciturn.core.errors.EmptyRows")
@pytest.mark.parametrize("kind", ["csv", "parquet", "npy"])
def test_every_command_takes_missing_values(kind, tmp_path, monkeypatch):
    rows, _ = holed(np.random.default_rng(0).normal(size=(240, 6)) * [1, 10, 1e3, 1, 1, 1] + [0, 50, 1e5, 0, 0, 0])
    rows[-1] = np.nan
    table = pd.DataFrame(rows, columns=list("abcdef"))
    monkeypatch.chdir(tmp_path)
    write = {
        "csv": lambda path: table.to_csv(path, index=False),
        "parquet": lambda path: table.astype("Float64").to_parquet(path),
        "npy": lambda path: np.save(path, table.to_numpy()),
    }
    write[kind](f"rows.{kind}")
    done = run("fit", f"rows.{kind}", "--latents", "4", "--epochs", "2", "-o", "run")
    lines = [line for line in done.stderr.splitlines() if "no known value" in line]
    assert len(lines) == 1
    assert lines[0].startswith("taciturn: warning: 1 row has no known value, the first is row 239 ")
    model, n_missing = taciturn.load("run"), int(np.isnan(table.to_numpy()).sum())
    text = f"{n_missing:,} of 1,440 values are missing ({n_missing / 14.4:.1f}%)"
    assert text in output_text(run("evaluate", "run", f"rows.{kind}"))
    assert "values are missing" in output_text(run("info", "run"))
    run("denoise", "run", f"rows.{kind}", "-o", "out.csv")
    out = pd.read_csv("out.csv", header=None if kind == "npy" else 0)
    assert kind == "npy" or list(out.columns) == list(table.columns)
    assert_allclose(out.to_numpy(), model.denoise(table.to_numpy() if kind == "npy" else table), rtol=1e-12)
    run("encode", "run", f"rows.{kind}", "-o", "codes.npy")
    assert np.isfinite(np.load("codes.npy")).all()
    run("report", "run")
    run("fit", "run/recipe.toml", "-q", "-o", "again")
    run("compare", "run", "again", "--data", f"rows.{kind}")
