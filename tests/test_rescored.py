"""Selection by rounded products, against the same in float64."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from taciturn import DictionaryAutoencoder
from taciturn.core.errors import RecipeError
from taciturn.kernels import Above, AtLeast, BFloat16, BFloat16Factors, Chunked, Int8, Rescored, Shortlist, Top
from taciturn.training.step import plan


class Factors(BFloat16Factors):
    """What CUDA computes, on the processor."""

    @staticmethod
    def fits(x, W):
        return True

    def _product(self, padded, out):
        return out.copy_(padded.float() @ self.W.float().t())


ROUNDINGS = pytest.mark.parametrize("rounding", [Int8, BFloat16, Factors])
KINDS = pytest.mark.parametrize("kind", [Rescored, Shortlist])


def problem(n_rows=300, n_inputs=64, n_latents=1024, seed=0):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(n_latents, n_inputs)) * rng.lognormal(size=(n_latents, 1))  # latents of large and small norms
    x = rng.normal(size=(n_rows, n_inputs)) * rng.lognormal(sigma=2, size=(n_rows, 1))  # and rows
    arrays = x, W, rng.normal(size=n_latents), rng.normal(size=n_inputs)
    return tuple(torch.tensor(array, dtype=torch.float32) for array in arrays)


def exact(x, W, b, c):
    return (x.double() - c.double()) @ W.double().T + b.double()


@KINDS
@ROUNDINGS
@pytest.mark.parametrize("k", [1, 8, 64, 300])
def test_the_k_largest_are_found_and_have_their_float32_values(kind, rounding, k):
    x, W, b, c = problem()
    index, values = kind(128, rounding).pick(x, W, b, c, Top(k))
    pre = exact(x, W, b, c).numpy()
    assert_array_equal(index.starts, np.arange(len(x) + 1) * k)
    max_abs = np.abs(pre).max(1)
    assert (np.abs(values.numpy() - pre[index.rows, index.latents]) <= 1e-5 * max_abs[index.rows]).all()
    selected = np.zeros(pre.shape, bool)
    selected[index.rows, index.latents] = True
    assert (selected.sum(1) == k).all()
    # no other entry exceeds a selected one, except by float32's own rounding
    least = np.where(selected, pre, np.inf).min(1)
    assert (np.where(selected, -np.inf, pre).max(1) <= least + 1e-5 * max_abs).all()


@ROUNDINGS
def test_error_std_is_that_of_the_rounding_or_more(rounding):
    x, W, b, _ = problem(n_latents=512)
    rounded = rounding(W, b)
    error = rounded.pre(x, torch.empty(len(x), len(W))).double() - (x.double() @ W.double().T + b.double())
    large = W.norm(dim=1) > 0.5 * W.norm(dim=1).amax()
    ratio = error[:, large].square().mean().sqrt() / rounded.error_std(x).square().mean().sqrt()
    assert 0.02 < ratio < 1
    assert (error.abs().amax(1) < 6 * rounded.error_std(x)[:, 0]).all()


@KINDS
@ROUNDINGS
def test_rows_of_zeros_equal_latents_and_nan(kind, rounding):
    x, W, b, c = problem(n_rows=4, n_latents=64)
    b.zero_(), c.zero_(), x[0].zero_()
    x[1, 3] = torch.nan
    W[10:20] = W[10]
    x[2] = W[10]
    index, values = kind(rounding=rounding).pick(x, W, b, c, Top(5))
    assert_array_equal(values[:5], 0)
    assert values[5:10].isnan().all()
    assert set(index.latents[10:15].tolist()) <= set(range(10, 20))


@KINDS
@ROUNDINGS
@pytest.mark.parametrize("compiled", [True, False])
def test_no_entry_is_missed_among_equal_numbers_that_round_alike(kind, rounding, compiled, request):
    """Pixels of value 1.0038: bfloat16 has 1 and 1.0078. Rows and dictionary rows have one value beside 0."""
    if not compiled:  # where fewer entries beyond the k largest are candidates
        request.getfixturevalue("uncompiled")
    rng = np.random.default_rng(0)
    x = torch.tensor((rng.random((100, 784)) < 0.3) * 1.0038, dtype=torch.float32)
    W = torch.nn.functional.normalize(torch.tensor(rng.random((2048, 784)) < 0.3, dtype=torch.float32))
    pre = (x.double() @ W.double().T).numpy()
    for rule, wanted in ((Top(16), np.sort(pre)[:, -16]), (Above(torch.tensor(6.5)), np.full(100, 6.5))):
        index = kind(128, rounding).pick(x, W, torch.zeros(2048), None, rule)[0]
        selected = np.zeros(pre.shape, bool)
        selected[index.rows, index.latents] = True
        clear = np.abs(pre - wanted[:, None]) > 1e-5
        assert 0 < selected.mean() < 0.1
        assert_array_equal(selected[clear], (pre > wanted[:, None])[clear])


def test_a_row_whose_whole_shortlist_is_near_uses_float32(uncompiled):
    """200 latents round to the same score; the last of them is the largest. The compiled selection needs no list."""
    W = torch.zeros(1024, 8)
    W[:200, 0] = 1 + torch.arange(200) * 2.0**-20
    x = torch.stack([torch.eye(8)[0], torch.eye(8)[1], torch.zeros(8)])
    index, values = Shortlist(rounding=Factors).pick(x, W, torch.zeros(1024), None, Top(1))
    assert index.latents[0] == 199
    assert values.tolist() == [1 + 199 * 2.0**-20, 0, 0]


@KINDS
def test_too_many_candidates_to_score_one_by_one_use_float32(kind):
    tensors, rule = problem(n_rows=300, n_latents=64), Above(torch.tensor(0.0))
    ours, theirs = kind(128, Factors).pick(*tensors, rule), Chunked(128).pick(*tensors, rule)
    assert torch.equal(ours[0].latents, theirs[0].latents)
    assert torch.equal(ours[1], theirs[1])


def test_a_rounding_that_only_a_gpu_multiplies_uses_float32_elsewhere():
    tensors = problem(n_rows=20, n_latents=64)
    ours, theirs = (kernels.pick(*tensors, Top(5)) for kernels in (Shortlist(rounding=BFloat16Factors), Chunked()))
    assert torch.equal(ours[1], theirs[1])


def test_no_rows_give_no_entries():
    _, W, b, c = problem(n_rows=1, n_latents=64)
    index, values = Rescored().pick(torch.zeros(0, 64), W, b, c, Top(5))
    assert (index.n_rows, len(values)) == (0, 0)


@KINDS
@ROUNDINGS
@pytest.mark.parametrize(
    "rule", [Above(torch.tensor(3.0)), Above(torch.linspace(-2, 30, 1024)), AtLeast(torch.tensor(5.0))]
)
def test_entries_above_a_threshold_are_those_of_float32(kind, rounding, rule):
    x, W, b, c = problem()
    x[1, 3] = torch.nan
    pre = exact(x, W, b, c).numpy()
    index, values = kind(128, rounding).pick(x, W, b, c, rule)
    selected = np.zeros(pre.shape, bool)
    selected[index.rows, index.latents] = True
    assert selected.sum() == len(values)
    assert selected[1].all()
    close = 1e-5 * np.nan_to_num(np.abs(pre)).max(1, keepdims=True)  # float32's own rounding
    assert (np.abs(values.numpy() - pre[selected]) <= close[index.rows, 0])[index.rows != 1].all()
    over = np.delete(pre - rule.threshold.numpy(), 1, 0)
    clear = np.abs(over) > np.delete(close, 1, 0)
    assert_array_equal(np.delete(selected, 1, 0)[clear], over[clear] > 0)


def test_the_bias_is_added_exactly_though_its_columns_are_rounded():
    W, b = torch.zeros(3, 5), torch.tensor([1 / 3, -1e-20, 12345.678])
    assert torch.equal(Factors(W, b).pre(torch.ones(2, 5), torch.empty(2, 3)), b.expand(2, 3))


def test_other_rules_and_other_precisions_are_not_rounded():
    tensors = problem(n_rows=20, n_latents=64)
    ours, theirs = (kernels.pick(*tensors, Top(5, signed=True)) for kernels in (Rescored(), Chunked()))
    assert torch.equal(ours[0].latents, theirs[0].latents)
    assert torch.equal(ours[1], theirs[1])
    double = [tensor.double() for tensor in tensors]
    assert torch.equal(Rescored().pick(*double, Top(5))[1], Chunked().pick(*double, Top(5))[1])


def test_shapes_that_a_device_does_not_multiply_use_float32():
    class MultiplesOf8(Int8):
        @staticmethod
        def fits(x, W):
            return len(x) % 8 == 0

    tensors = problem(n_rows=20, n_latents=64)  # the last chunk has four rows
    ours, theirs = Rescored(8, rounding=MultiplesOf8).pick(*tensors, Top(5)), Chunked(8).pick(*tensors, Top(5))
    assert torch.equal(ours[0].latents, theirs[0].latents)
    assert torch.equal(ours[1], theirs[1])


def test_an_estimator_learns_the_same_dictionary():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(64, 96)).astype(np.float32)
    X = (rng.random((2000, 64)) < 0.06).astype(np.float32) @ features
    models = [
        DictionaryAutoencoder(128, k=8, max_iter=8, precision=precision, revive="auxk", random_state=0).fit(X)
        for precision in ("fp32", "int8", "bf16")
    ]
    assert all(isinstance(model.module_.kernels, Rescored) for model in models[1:])
    for model in models[1:]:
        assert_allclose(model.score(X), models[0].score(X), atol=1e-3)


def test_an_unknown_precision_is_refused():
    with pytest.raises(RecipeError, match=r"precision='fp8' must be one of 'fp32', 'bf16', 'int8'"):
        DictionaryAutoencoder(4, k=2, precision="fp8").fit(np.eye(8))
    layout = DictionaryAutoencoder(4, k=2, max_iter=1).fit(np.eye(8)).module_.layout
    assert plan.kernels(layout, "int8") == Rescored(rounding=Int8)
