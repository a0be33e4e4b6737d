"""The compiled selection, as each kind of processor that this one can run, against torch and float64."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler import needs_library
from taciturn.kernels import BFloat16, Int8
from taciturn.kernels.native import CandidateInputs, can_select, top_k
from taciturn.kernels.rescored import MARGIN_STDS

SHAPES = [(1, 16, 4), (7, 48, 1), (33, 512, 8), (5, 2048, 128), (3, 4112, 1000), (9, 8192, 32)]


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def agree(scores, k):
    values, indices = top_k(scores, k)
    assert torch.equal(scores.gather(1, indices).nan_to_num(7e30), values.nan_to_num(7e30))
    assert (indices.diff(dim=1) > 0).all()
    expected = scores.topk(k, dim=1).values
    torch.testing.assert_close(values.sort(1, descending=True).values, expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(("rows", "latents", "k"), SHAPES)
def test_it_selects_as_torch_topk(kind, rows, latents, k):
    agree(normal(rows, latents), k)
    agree(normal(rows, latents).relu_(), k)  # half of them equal


NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 1.0000001, -3.0, 2.0, 1e-40, -1e-40, float("inf"), float("-inf"), 3e38])


@needs_library
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_equal_and_extreme_scores(data):
    latents = data.draw(st.sampled_from([16, 64, 112]))
    row = data.draw(st.lists(NUMBERS, min_size=latents, max_size=latents))
    agree(torch.tensor([row, row[::-1]]), data.draw(st.integers(1, latents // 4)))


def test_nan_is_selected(kind):
    scores = normal(6, 64)
    scores[1, 5] = float("nan")
    scores[2, 60:] = torch.tensor(np.float32(-np.nan).view(np.int32) | np.int32(-(2**31))).view(torch.float32)
    scores[3] = float("nan")
    scores[4] = float("inf")
    values, indices = top_k(scores, 3)
    assert values.isnan().sum(1).tolist() == [0, 1, 3, 3, 0, 0]
    assert 5 in indices[1]
    assert indices[2].min() >= 60
    agree(scores[[0, 4, 5]], 3)


@pytest.mark.parametrize("rounding", [Int8, BFloat16])
@pytest.mark.parametrize(("rows", "latents", "k", "inputs"), [(40, 2048, 32, 512), (65, 512, 128, 37), (3, 64, 1, 5)])
def test_rounded_scores_select_as_float64(kind, rounding, rows, latents, k, inputs):
    x, W, b = normal(rows, inputs), normal(latents, inputs, seed=1) / inputs**0.5, 0.3 * normal(latents, seed=2)
    rounded = rounding(W, b)
    candidates = CandidateInputs(MARGIN_STDS * rounded.error_std(x), x, W, b)
    values, indices = top_k(rounded.scores(x, torch.empty(rows, latents)), k, candidates)
    exact = torch.addmm(b.double(), x.double(), W.double().t())
    assert (values - exact.gather(1, indices)).abs().max() < 3e-6
    expected = exact.topk(k, dim=1).values
    assert (values.sort(1, descending=True).values - expected).abs().max() < 3e-6


@pytest.mark.parametrize("rounding", [Int8, BFloat16])
def test_scores_that_differ_by_less_than_the_rounding(kind, rounding):
    x, b = normal(20, 64), torch.zeros(512)
    W = normal(1, 64, seed=1) + 3e-3 * normal(512, 64, seed=2)
    rounded = rounding(W, b)
    candidates = CandidateInputs(MARGIN_STDS * rounded.error_std(x), x, W, b)
    indices = top_k(rounded.scores(x, torch.empty(20, 512)), 8, candidates)[1]
    exact = (x.double() @ W.double().t()).topk(8, dim=1).indices.sort(1).values
    assert torch.equal(indices, exact)


def test_a_product_of_integers_brings_its_biases(kind):
    x, W, b = normal(20, 64), normal(512, 64, seed=1), 30 * normal(512, seed=2)
    rounded = Int8(W, b)
    expected = rounded.pre(x, torch.empty(20, 512)).topk(8, dim=1)
    values, indices = top_k(rounded.scores(x, torch.empty(20, 512)), 8)
    assert torch.equal(indices, expected.indices.sort(1).values)
    assert torch.allclose(values.sort(1, descending=True).values, expected.values)


@needs_library
def test_any_number_of_threads_selects_the_same(threads):
    x, W, b = normal(70, 64), normal(512, 64, seed=1), normal(512, seed=2)
    results = []
    for n in (1, 2, 3):
        threads(n)
        rounded = Int8(W, b)
        candidates = CandidateInputs(MARGIN_STDS * rounded.error_std(x), x, W, b)
        by_candidates = top_k(rounded.scores(x, torch.empty(70, 512)), 8, candidates)
        results.append([*by_candidates, *top_k(torch.addmm(b, x, W.t()), 8)])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@needs_library
def test_what_it_cannot_select():
    x = normal(4, 9)
    assert can_select(x, 64, 16)
    for other, latents, k in ((x, 64, 17), (x, 64, 0), (x.double(), 64, 3), (x, 72, 3), (x, 8192, 1025)):
        assert not can_select(other, latents, k)
    assert top_k(normal(0, 64), 3)[0].shape == (0, 3)


def test_without_a_compiler(uncompiled):
    assert not can_select(normal(4, 9), 64, 3)
