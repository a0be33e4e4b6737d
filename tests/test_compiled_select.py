"""Each row's largest by compiled code, for each kind of processor that this one is too, against torch and float64."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler import needed
from taciturn.kernels import BFloat16, Int8
from taciturn.kernels.native import CandidateInputs, selects, top
from taciturn.kernels.rescored import SPREADS

SHAPES = [(1, 16, 4), (7, 48, 1), (33, 512, 8), (5, 2048, 128), (3, 4112, 1000), (9, 8192, 32)]


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def agree(scores, k):
    values, at = top(scores, k)
    assert torch.equal(scores.gather(1, at).nan_to_num(7e30), values.nan_to_num(7e30))
    assert (at.diff(dim=1) > 0).all()
    expected = scores.topk(k, dim=1).values
    torch.testing.assert_close(values.sort(1, descending=True).values, expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(("rows", "latents", "k"), SHAPES)
def test_it_is_topk(kind, rows, latents, k):
    agree(drawn(rows, latents), k)
    agree(drawn(rows, latents).relu_(), k)  # half of them equal


NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 1.0000001, -3.0, 2.0, 1e-40, -1e-40, float("inf"), float("-inf"), 3e38])


@needed
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_ties_and_extremes(data):
    latents = data.draw(st.sampled_from([16, 64, 112]))
    row = data.draw(st.lists(NUMBERS, min_size=latents, max_size=latents))
    agree(torch.tensor([row, row[::-1]]), data.draw(st.integers(1, latents // 4)))


def test_what_is_no_number_is_seen(kind):
    scores = drawn(6, 64)
    scores[1, 5] = float("nan")
    scores[2, 60:] = torch.tensor(np.float32(-np.nan).view(np.int32) | np.int32(-(2**31))).view(torch.float32)
    scores[3] = float("nan")
    scores[4] = float("inf")
    values, at = top(scores, 3)
    assert values.isnan().sum(1).tolist() == [0, 1, 3, 3, 0, 0]
    assert 5 in at[1]
    assert at[2].min() >= 60
    agree(scores[[0, 4, 5]], 3)


@pytest.mark.parametrize("rounding", [Int8, BFloat16])
@pytest.mark.parametrize(("rows", "latents", "k", "inputs"), [(40, 2048, 32, 512), (65, 512, 128, 37), (3, 64, 1, 5)])
def test_rounded_scores_find_what_float64_does(kind, rounding, rows, latents, k, inputs):
    x, W, b = drawn(rows, inputs), drawn(latents, inputs, seed=1) / inputs**0.5, 0.3 * drawn(latents, seed=2)
    rounded = rounding(W, b)
    near = CandidateInputs(SPREADS * rounded.error_std(x), x, W, b)
    values, at = top(rounded.scores(x, torch.empty(rows, latents)), k, near)
    exact = torch.addmm(b.double(), x.double(), W.double().t())
    assert (values - exact.gather(1, at)).abs().max() < 3e-6
    expected = exact.topk(k, dim=1).values
    assert (values.sort(1, descending=True).values - expected).abs().max() < 3e-6


@pytest.mark.parametrize("rounding", [Int8, BFloat16])
def test_scores_nearer_to_each_other_than_rounding_is(kind, rounding):
    x, b = drawn(20, 64), torch.zeros(512)
    W = drawn(1, 64, seed=1) + 3e-3 * drawn(512, 64, seed=2)
    rounded = rounding(W, b)
    near = CandidateInputs(SPREADS * rounded.error_std(x), x, W, b)
    at = top(rounded.scores(x, torch.empty(20, 512)), 8, near)[1]
    exact = (x.double() @ W.double().t()).topk(8, dim=1).indices.sort(1).values
    assert torch.equal(at, exact)


@needed
def test_any_number_of_threads_finds_the_same(threads):
    x, W, b = drawn(70, 64), drawn(512, 64, seed=1), drawn(512, seed=2)
    found = []
    for n in (1, 2, 3):
        threads(n)
        rounded = Int8(W, b)
        near = CandidateInputs(SPREADS * rounded.error_std(x), x, W, b)
        found.append([*top(rounded.scores(x, torch.empty(70, 512)), 8, near), *top(torch.addmm(b, x, W.t()), 8)])
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


@needed
def test_what_it_cannot_do():
    x = drawn(4, 9)
    assert selects(x, 64, 16)
    for other, latents, k in ((x, 64, 17), (x, 64, 0), (x.double(), 64, 3), (x, 72, 3), (x, 8192, 1025)):
        assert not selects(other, latents, k)
    assert top(drawn(0, 64), 3)[0].shape == (0, 3)


def test_without_a_compiler(uncompiled):
    assert not selects(drawn(4, 9), 64, 3)
