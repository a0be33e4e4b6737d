"""The compiled update by Adam, as each kind of processor that this one can run, against NumPy in float64."""

import numpy as np
import pytest
import torch
from torch import nn

from compiler import needs_library
from taciturn.kernels.native import adam
from taciturn.training.solvers import Adam

SIZES = [(1,), (5, 3), (16,), (37, 49)]


def take_steps(monkeypatch, *, betas=(0.8, 0.95), steps=5, decay=0.3):
    """Return the optimiser, the weights after some steps, weights and moments in float64, and which were compiled.

    The first of the weights has no gradient in the second step.
    """
    compiled = []
    monkeypatch.setattr(
        "taciturn.kernels.native.adam", lambda *args, **kwargs: compiled.append(adam(*args, **kwargs)) or compiled[-1]
    )
    rng = torch.Generator().manual_seed(0)
    weights = [nn.Parameter(torch.randn(size, generator=rng)) for size in SIZES]
    b1, b2 = betas
    optimiser = Adam(beta_1=b1, beta_2=b2, epsilon=1e-4).build([{"params": weights, "weight_decay": decay}], 0.1)
    exact = [weight.detach().double().numpy().copy() for weight in weights]
    means, squares = ([np.zeros(size) for size in SIZES] for _ in range(2))
    for t in range(1, steps + 1):
        optimiser.param_groups[0]["lr"] = rate = 0.1 / t
        optimiser.zero_grad()
        for i, weight in enumerate(weights):
            if t == 2 and i == 0:
                continue
            weight.grad = g = torch.randn(weight.shape, generator=rng) * 10.0 ** -(t + i)
            g, n = g.double().numpy(), t - (t > 2 and i == 0)
            means[i] = b1 * means[i] + (1 - b1) * g
            squares[i] = b2 * squares[i] + (1 - b2) * g**2
            move = means[i] / (1 - b1**n) / (np.sqrt(squares[i] / (1 - b2**n)) + 1e-4)
            exact[i] = exact[i] * (1 - rate * decay) - rate * move
        optimiser.step()
    return optimiser, weights, exact, means, squares, compiled


@pytest.mark.parametrize("betas", [(0.8, 0.95), (0.0, 0.0)])
def test_it_is_the_published_recurrence(kind, monkeypatch, betas):
    optimiser, weights, exact, means, squares, compiled = take_steps(monkeypatch, betas=betas)
    assert compiled == [True] * 5
    for i, (weight, *wanted) in enumerate(zip(weights, exact, means, squares, strict=True)):
        state = optimiser.state[weight]
        for actual, expected in zip((weight, state["exp_avg"], state["exp_avg_sq"]), wanted, strict=True):
            np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=2e-6, atol=1e-7 * abs(expected).max())
        assert state["step"] == 5 - (i == 0)


SETTINGS = {"rate": 0.1, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8, "decay": 0.0}


@needs_library
@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("other", ["double", "strided", "longer"])
def test_arrays_that_do_not_fit_are_left_unchanged(which, other):
    arrays = [*(torch.ones(6) for _ in range(4)), torch.zeros(())]
    assert adam([arrays], **SETTINGS)
    before = [array.clone() for array in arrays]
    arrays[which] = {
        "double": arrays[which].double(),
        "strided": torch.ones(6, 2)[:, 0] if which < 4 else torch.zeros(2),
        "longer": torch.ones(7),
    }[other]
    assert not adam([arrays], **SETTINGS)
    assert all(torch.equal(a, b) for i, (a, b) in enumerate(zip(arrays, before, strict=True)) if i != which)


@needs_library
def test_autograd_notices_that_weights_have_changed():
    x = torch.ones(6, requires_grad=True)
    error = x.square().sum()
    with torch.no_grad():
        assert adam([(x, *(torch.ones(6) for _ in range(3)), torch.zeros(()))], **SETTINGS)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        error.backward()


@needs_library
def test_larger_updates_are_not_taken(monkeypatch):
    monkeypatch.setattr("taciturn.kernels.threads.MAX_ONE_THREAD", 16 * 6 - 1)
    x = torch.ones(6)
    assert not adam([(x, *(x.clone() for _ in range(3)), torch.zeros(()))], **SETTINGS)
    assert torch.equal(x, torch.ones(6))


def test_without_a_compiler_torch_takes_the_update(uncompiled, monkeypatch):
    _, weights, exact, *_, compiled = take_steps(monkeypatch)
    assert compiled == [False] * 5
    for weight, wanted in zip(weights, exact, strict=True):
        np.testing.assert_allclose(weight.detach().numpy(), wanted, rtol=2e-6, atol=1e-7)
