"""The compiled update by Adam, for each kind of processor that this one is too, against NumPy in float64."""

import numpy as np
import pytest
import torch
from torch import nn

from taciturn.native import adam, here
from taciturn.solvers import Adam

needed = pytest.mark.skipif(here() is None, reason="installed where there was no C compiler")
SIZES = [(1,), (5, 3), (16,), (37, 49)]


def taken(monkeypatch, *, steps=5, decay=0.3):
    """Take steps by the optimiser; return what became of the weights, and of what they would be in float64."""
    counted = []
    monkeypatch.setattr(
        "taciturn.native.adam", lambda *args, **kwargs: counted.append(adam(*args, **kwargs)) or counted[-1]
    )
    rng = torch.Generator().manual_seed(0)
    weights = [nn.Parameter(torch.randn(size, generator=rng)) for size in SIZES]
    optimiser = Adam(beta_1=0.8, beta_2=0.95, epsilon=1e-4).build([{"params": weights, "weight_decay": decay}], 0.1)
    exact = [weight.detach().double().numpy().copy() for weight in weights]
    means, squares = ([np.zeros(size) for size in SIZES] for _ in range(2))
    for t in range(1, steps + 1):
        optimiser.param_groups[0]["lr"] = rate = 0.1 / t
        for i, weight in enumerate(weights):
            weight.grad = g = torch.randn(weight.shape, generator=rng) * 10.0 ** -(t + i)
            g = g.double().numpy()
            means[i] = 0.8 * means[i] + 0.2 * g
            squares[i] = 0.95 * squares[i] + 0.05 * g**2
            move = means[i] / (1 - 0.8**t) / (np.sqrt(squares[i] / (1 - 0.95**t)) + 1e-4)
            exact[i] = exact[i] * (1 - rate * decay) - rate * move
        optimiser.step()
    return optimiser, weights, exact, means, squares, counted


def test_it_is_the_published_recurrence(kind, monkeypatch):
    optimiser, weights, exact, means, squares, counted = taken(monkeypatch)
    assert counted == [True] * 5
    for weight, *wanted in zip(weights, exact, means, squares, strict=True):
        state = optimiser.state[weight]
        for found, due in zip((weight, state["exp_avg"], state["exp_avg_sq"]), wanted, strict=True):
            np.testing.assert_allclose(found.detach().numpy(), due, rtol=2e-6, atol=1e-7 * abs(due).max())
        assert state["step"] == 5


@needed
def test_what_it_does_not_move_torch_does(threads):
    x = torch.ones(6)
    given = {"rate": 0.1, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8, "decay": 0.0}
    for other in (x.double(), torch.ones(6, 2)[:, 0]):
        assert not adam([(other, *(other.clone() for _ in range(3)), torch.zeros(()))], **given)
    threads(2)  # shared by two
    assert not adam([(x, *(x.clone() for _ in range(3)), torch.zeros(()))], **given)
    assert torch.equal(x, torch.ones(6))


def test_without_a_compiler_it_is_torchs_alone(uncompiled, monkeypatch):
    _, weights, exact, *_, counted = taken(monkeypatch)
    assert counted == [False] * 5
    for weight, wanted in zip(weights, exact, strict=True):
        np.testing.assert_allclose(weight.detach().numpy(), wanted, rtol=2e-6, atol=1e-7)
