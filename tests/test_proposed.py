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

    def _product(self, wide, out):
        return out.copy_(wide.float() @ self.W.float().t())


ROUNDINGS = pytest.mark.parametrize("rounding", [Int8, BFloat16, Factors])
KINDS = pytest.mark.parametrize("kind", [Rescored, Shortlist])


def offer(n_rows=300, n_inputs=64, n_latents=1024, seed=0):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(n_latents, n_inputs)) * rng.lognormal(size=(n_latents, 1))  # loud and quiet latents
    x = rng.normal(size=(n_rows, n_inputs)) * rng.lognormal(sigma=2, size=(n_rows, 1))  # and rows
    drawn = x, W, rng.normal(size=n_latents), rng.normal(size=n_inputs)
    return tuple(torch.tensor(array, dtype=torch.float32) for array in drawn)


def exact(x, W, b, c):
    return (x.double() - c.double()) @ W.double().T + b.double()


@KINDS
@ROUNDINGS
@pytest.mark.parametrize("k", [1, 8, 64, 300])
def test_the_k_largest_are_found_and_have_their_float32_values(kind, rounding, k):
    x, W, b, c = offer()
    index, values = kind(128, rounding).pick(x, W, b, c, Top(k))
    pre = exact(x, W, b, c).numpy()
    assert_array_equal(index.starts, np.arange(len(x) + 1) * k)
    loudest = np.abs(pre).max(1)
    assert (np.abs(values.numpy() - pre[index.rows, index.latents]) <= 1e-5 * loudest[index.rows]).all()
    found = np.zeros(pre.shape, bool)
    found[index.rows, index.latents] = True
    assert (found.sum(1) == k).all()
    # nobody who was left out exceeds anybody who was kept, but for float32's own rounding
    least = np.where(found, pre, np.inf).min(1)
    assert (np.where(found, -np.inf, pre).max(1) <= least + 1e-5 * loudest).all()


@ROUNDINGS
def test_the_spread_is_that_of_the_rounding_or_more(rounding):
    x, W, b, _ = offer(n_latents=512)
    rounded = rounding(W, b)
    error = rounded.pre(x, torch.empty(len(x), len(W))).double() - (x.double() @ W.double().T + b.double())
    loud = W.norm(dim=1) > 0.5 * W.norm(dim=1).amax()
    of_loud = error[:, loud].square().mean().sqrt() / rounded.error_std(x).square().mean().sqrt()
    assert 0.02 < of_loud < 1
    assert (error.abs().amax(1) < 6 * rounded.error_std(x)[:, 0]).all()


@KINDS
@ROUNDINGS
def test_rows_of_zeros_ties_and_what_is_not_a_number(kind, rounding):
    x, W, b, c = offer(n_rows=4, n_latents=64)
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
def test_equal_numbers_which_would_all_be_rounded_alike_hide_nobody(kind, rounding):
    """Pixels that are on, at 1.0038: bfloat16 has 1 and 1.0078; rows and atoms are flat."""
    rng = np.random.default_rng(0)
    x = torch.tensor((rng.random((100, 784)) < 0.3) * 1.0038, dtype=torch.float32)
    W = torch.nn.functional.normalize(torch.tensor(rng.random((2048, 784)) < 0.3, dtype=torch.float32))
    pre = (x.double() @ W.double().T).numpy()
    for rule, wanted in ((Top(16), np.sort(pre)[:, -16]), (Above(torch.tensor(6.5)), np.full(100, 6.5))):
        index = kind(128, rounding).pick(x, W, torch.zeros(2048), None, rule)[0]
        found = np.zeros(pre.shape, bool)
        found[index.rows, index.latents] = True
        clear = np.abs(pre - wanted[:, None]) > 1e-5
        assert 0 < found.mean() < 0.1
        assert_array_equal(found[clear], (pre > wanted[:, None])[clear])


def test_a_row_of_which_all_come_near_sees_float32():
    """All 200 latents of a crowd round to the same score; the largest of them is the last."""
    W = torch.zeros(1024, 8)
    W[:200, 0] = 1 + torch.arange(200) * 2.0**-20
    x = torch.stack([torch.eye(8)[0], torch.eye(8)[1], torch.zeros(8)])
    index, values = Shortlist(rounding=Factors).pick(x, W, torch.zeros(1024), None, Top(1))
    assert index.latents[0] == 199
    assert values.tolist() == [1 + 199 * 2.0**-20, 0, 0]


@KINDS
def test_more_above_a_threshold_than_can_be_scored_one_by_one_see_float32(kind):
    offered, rule = offer(n_rows=300, n_latents=64), Above(torch.tensor(0.0))
    ours, theirs = kind(128, Factors).pick(*offered, rule), Chunked(128).pick(*offered, rule)
    assert torch.equal(ours[0].latents, theirs[0].latents)
    assert torch.equal(ours[1], theirs[1])


def test_what_only_a_gpu_multiplies_is_left_to_float32_elsewhere():
    offered = offer(n_rows=20, n_latents=64)
    ours, theirs = (kernels.pick(*offered, Top(5)) for kernels in (Shortlist(rounding=BFloat16Factors), Chunked()))
    assert torch.equal(ours[1], theirs[1])


def test_no_rows_are_no_entries():
    _, W, b, c = offer(n_rows=1, n_latents=64)
    index, values = Rescored().pick(torch.zeros(0, 64), W, b, c, Top(5))
    assert (index.n_rows, len(values)) == (0, 0)


@KINDS
@ROUNDINGS
@pytest.mark.parametrize(
    "rule", [Above(torch.tensor(3.0)), Above(torch.linspace(-2, 30, 1024)), AtLeast(torch.tensor(5.0))]
)
def test_what_lies_above_a_threshold_is_what_float32_finds(kind, rounding, rule):
    x, W, b, c = offer()
    x[1, 3] = torch.nan
    pre = exact(x, W, b, c).numpy()
    index, values = kind(128, rounding).pick(x, W, b, c, rule)
    found = np.zeros(pre.shape, bool)
    found[index.rows, index.latents] = True
    assert found.sum() == len(values)
    assert found[1].all()
    close = 1e-5 * np.nan_to_num(np.abs(pre)).max(1, keepdims=True)  # float32's own rounding
    assert (np.abs(values.numpy() - pre[found]) <= close[index.rows, 0])[index.rows != 1].all()
    over = np.delete(pre - rule.threshold.numpy(), 1, 0)
    clear = np.abs(over) > np.delete(close, 1, 0)
    assert_array_equal(np.delete(found, 1, 0)[clear], over[clear] > 0)


def test_the_bias_is_added_whole_though_its_columns_are_rounded():
    W, b = torch.zeros(3, 5), torch.tensor([1 / 3, -1e-20, 12345.678])
    assert torch.equal(Factors(W, b).pre(torch.ones(2, 5), torch.empty(2, 3)), b.expand(2, 3))


def test_other_rules_and_other_precisions_are_not_rounded():
    offered = offer(n_rows=20, n_latents=64)
    ours, theirs = (kernels.pick(*offered, Top(5, signed=True)) for kernels in (Rescored(), Chunked()))
    assert torch.equal(ours[0].latents, theirs[0].latents)
    assert torch.equal(ours[1], theirs[1])
    double = [tensor.double() for tensor in offered]
    assert torch.equal(Rescored().pick(*double, Top(5))[1], Chunked().pick(*double, Top(5))[1])


def test_shapes_that_a_device_does_not_multiply_are_left_to_float32():
    class Eights(Int8):
        @staticmethod
        def fits(x, W):
            return len(x) % 8 == 0

    offered = offer(n_rows=20, n_latents=64)  # the last chunk has four rows
    ours, theirs = Rescored(8, rounding=Eights).pick(*offered, Top(5)), Chunked(8).pick(*offered, Top(5))
    assert torch.equal(ours[0].latents, theirs[0].latents)
    assert torch.equal(ours[1], theirs[1])


def test_an_estimator_learns_the_same_dictionary():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(64, 96)).astype(np.float32)
    X = (rng.random((2000, 64)) < 0.06).astype(np.float32) @ features
    models = [
        DictionaryAutoencoder(128, k=8, max_iter=8, precision=precision, random_state=0).fit(X)
        for precision in ("fp32", "int8", "bf16")
    ]
    assert all(isinstance(model.module_.kernels, Rescored) for model in models[1:])
    for model in models[1:]:
        assert_allclose(model.score(X), models[0].score(X), atol=1e-3)


def test_what_is_no_precision_is_refused():
    with pytest.raises(RecipeError, match=r"precision='fp8' must be one of 'fp32', 'bf16', 'int8'"):
        DictionaryAutoencoder(4, k=2, precision="fp8").fit(np.eye(8))
    layout = DictionaryAutoencoder(4, k=2, max_iter=1).fit(np.eye(8)).module_.layout
    assert plan.kernels(layout, "int8") == Rescored(rounding=Int8)
