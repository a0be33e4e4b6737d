"""Every optimiser against its published recurrence, in NumPy and float64."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from taciturn.core.errors import RecipeError
from taciturn.core.recipe import Recipe
from taciturn.data.sources import Rows
from taciturn.model import Autoencoder, Layout
from taciturn.model.coding_layers import Sigmoid
from taciturn.objective import Objective, SquaredError
from taciturn.training import Feed, Run, update
from taciturn.training.solvers import SGD, Adam, Nadam, Solver, TensorFlowAdam, parameter_groups
from taciturn.training.step import Step

Array = NDArray[np.float64]
Rule = Callable[[float, Array], Array]  # (learning rate, gradient) → what is subtracted from the weights

N_STEPS = 12
DECAY = 0.3
RATES = [0.1 / (1 + t) for t in range(N_STEPS)]  # the learning rate may change at every step


def gradients() -> Array:
    """[steps, 6]: sizes from 1 down to 1e-9, so that epsilon counts; some are 0."""
    g = np.random.default_rng(0).normal(size=(N_STEPS, 6)) * np.array([1, 1e-1, 1e-3, 1e-6, 1e-9, 1])
    g[::3, 5] = 0
    return g


# --- the recurrences in NumPy -----------------------------------------------------------------------------------


def sgd(momentum: float = 0.0, nesterov: bool = False) -> Rule:
    v = np.zeros(6)

    def step(lr: float, g: Array) -> Array:
        v[:] = momentum * v + g
        return lr * (g + momentum * v if nesterov else v)

    return step


def moments(beta_1: float, beta_2: float) -> Callable[[Array], tuple[int, Array, Array]]:
    m, v, t = np.zeros(6), np.zeros(6), 0

    def step(g: Array) -> tuple[int, Array, Array]:
        nonlocal t
        t += 1
        m[:] = beta_1 * m + (1 - beta_1) * g
        v[:] = beta_2 * v + (1 - beta_2) * g**2
        return t, m, v

    return step


def adam(beta_1: float = 0.9, beta_2: float = 0.999, eps: float = 1e-8) -> Rule:
    """Kingma and Ba, algorithm 1."""
    moved = moments(beta_1, beta_2)

    def step(lr: float, g: Array) -> Array:
        t, m, v = moved(g)
        return lr * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + eps)

    return step


def tensorflow_adam(beta_1: float = 0.9, beta_2: float = 0.999, eps: float = 1e-8) -> Rule:
    """Kingma and Ba, the last line of section 2: lr_t = lr √(1-β₂ᵗ) / (1-β₁ᵗ); lr_t m / (√v + ε)."""
    moved = moments(beta_1, beta_2)

    def step(lr: float, g: Array) -> Array:
        t, m, v = moved(g)
        return lr * math.sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (np.sqrt(v) + eps)

    return step


def nadam(beta_1: float = 0.9, beta_2: float = 0.999, eps: float = 1e-8) -> Rule:
    """Dozat, algorithm 8, with its schedule μ_t = β₁ (1 - 0.5 · 0.96^(0.004 t))."""
    moved, product = moments(beta_1, beta_2), 1.0

    def step(lr: float, g: Array) -> Array:
        nonlocal product
        t, m, v = moved(g)
        mu, next_mu = (beta_1 * (1 - 0.5 * 0.96 ** (0.004 * s)) for s in (t, t + 1))
        product *= mu
        m_hat = next_mu * m / (1 - product * next_mu) + (1 - mu) * g / (1 - product)
        return lr * m_hat / (np.sqrt(v / (1 - beta_2**t)) + eps)

    return step


CASES: list[tuple[Solver, Callable[[], Rule]]] = [
    (SGD(), sgd),
    (SGD(momentum=0.8), lambda: sgd(0.8)),
    (SGD(momentum=0.8, nesterov=True), lambda: sgd(0.8, nesterov=True)),
    (SGD(nesterov=True), sgd),
    (Adam(), adam),
    (Adam(beta_1=0.5, beta_2=0.9, epsilon=1e-3), lambda: adam(0.5, 0.9, 1e-3)),
    (Nadam(), nadam),
    (Nadam(beta_1=0.5, beta_2=0.9, epsilon=1e-3), lambda: nadam(0.5, 0.9, 1e-3)),
    (TensorFlowAdam(), tensorflow_adam),
    (TensorFlowAdam(beta_1=0.5, beta_2=0.9, epsilon=1e-3), lambda: tensorflow_adam(0.5, 0.9, 1e-3)),
]
cases = pytest.mark.parametrize(("solver", "rule"), CASES, ids=[solver.text for solver, _ in CASES])


def parameters(dtype: torch.dtype = torch.float64) -> dict[str, nn.Parameter]:
    start = torch.tensor(np.random.default_rng(1).normal(size=(2, 6)), dtype=dtype)
    return {name: nn.Parameter(w.clone()) for name, w in zip(("layer.weight", "layer.bias"), start, strict=True)}


def built(solver: Solver, named: dict[str, nn.Parameter], decay: float) -> torch.optim.Optimizer:
    return solver.build(parameter_groups(named.items(), decay), 0.1)


def walk(optimiser: torch.optim.Optimizer, named: dict[str, nn.Parameter], steps: range) -> Iterator[None]:
    """Take the steps; the bias has other gradients than the weight."""
    for t in steps:
        for group in optimiser.param_groups:
            group["lr"] = RATES[t]
        optimiser.zero_grad()
        for name, sign in [("layer.weight", 1), ("layer.bias", -2)]:
            named[name].grad = torch.tensor(sign * gradients()[t], dtype=named[name].dtype)
        optimiser.step()
        yield


@cases
@pytest.mark.parametrize("decay", [0.0, DECAY])
def test_the_published_recurrence_with_decoupled_decay_of_weights_only(solver, rule, decay):
    named = parameters()
    weight, bias = (p.detach().numpy().copy() for p in named.values())
    of_weight, of_bias = rule(), rule()
    rtol = 1e-6 if isinstance(solver, Nadam) else 1e-11  # torch keeps Nadam's product of μ in float32
    optimiser = built(solver, named, decay)
    for t, _ in enumerate(walk(optimiser, named, range(N_STEPS))):
        g, lr = gradients()[t], RATES[t]
        # w ← w (1 - lr · decay) - step(g): the decay does not enter the moments
        weight = weight * (1 - lr * decay) - of_weight(lr, g)
        bias = bias - of_bias(lr, -2 * g)
        np.testing.assert_allclose(named["layer.weight"].detach().numpy(), weight, rtol=rtol, atol=1e-14)
        np.testing.assert_allclose(named["layer.bias"].detach().numpy(), bias, rtol=rtol, atol=1e-14)


@cases
def test_with_a_gradient_of_0_only_decay_changes_a_weight(solver, rule):
    named = parameters()
    start = {name: p.detach().numpy().copy() for name, p in named.items()}
    optimiser = built(solver, named, DECAY)
    for _ in range(3):
        for p in named.values():
            p.grad = torch.zeros_like(p)
        optimiser.step()
    np.testing.assert_allclose(
        named["layer.weight"].detach(), start["layer.weight"] * (1 - 0.1 * DECAY) ** 3, rtol=1e-13
    )
    np.testing.assert_array_equal(named["layer.bias"].detach(), start["layer.bias"])


def test_adam_is_torchs_fused_adam_to_the_bit(uncompiled):
    ours, theirs = parameters(torch.float32), parameters(torch.float32)
    our_adam = built(Adam(epsilon=1e-6), ours, DECAY)
    torchs = torch.optim.AdamW(parameter_groups(theirs.items(), DECAY), 0.1, eps=1e-6, fused=True)
    for _ in zip(walk(our_adam, ours, range(N_STEPS)), walk(torchs, theirs, range(N_STEPS)), strict=True):
        for name in ours:
            assert torch.equal(ours[name], theirs[name])
    assert our_adam.state_dict()["state"].keys() == torchs.state_dict()["state"].keys()


@cases
def test_a_restored_optimiser_continues_with_the_same_bits(solver, rule):
    whole, first = parameters(torch.float32), parameters(torch.float32)
    list(walk(built(solver, whole, DECAY), whole, range(N_STEPS)))
    stopped = built(solver, first, DECAY)
    list(walk(stopped, first, range(5)))
    second = {name: nn.Parameter(p.detach().clone()) for name, p in first.items()}
    resumed = built(solver, second, DECAY)
    resumed.load_state_dict(stopped.state_dict())
    list(walk(resumed, second, range(5, N_STEPS)))
    for name in whole:
        assert torch.equal(second[name], whole[name])
        assert not torch.equal(first[name], whole[name])


@pytest.mark.parametrize("decay", [0.0, DECAY])
@cases
def test_a_closure_computes_the_gradients_of_the_step(solver, rule, decay):
    ours, theirs = parameters(torch.float64), parameters(torch.float64)
    optimisers = built(solver, ours, decay), built(solver, theirs, decay)

    def loss(of):
        return sum((p**2).sum() for p in of.values())

    def closure():
        optimisers[0].zero_grad()
        value = loss(ours)
        value.backward()
        return value

    for _ in range(3):
        returned, expected = optimisers[0].step(closure), loss(theirs)
        optimisers[1].zero_grad()
        expected.backward()
        optimisers[1].step()
        assert returned.item() == expected.item()
    for name in ours:
        assert torch.equal(ours[name], theirs[name])


def test_weights_decay_and_biases_do_not():
    model = Autoencoder(Layout((5, 4, 3), Sigmoid()), rng=torch.Generator().manual_seed(0))
    decayed, others = parameter_groups(model.named_parameters(), 0.1)
    weights = [layer.weight for layer in [*model.encoder, *model.decoder]]
    biases = [layer.bias for layer in [*model.encoder, *model.decoder]]
    assert {id(p) for p in decayed["params"]} == {id(p) for p in weights}
    assert {id(p) for p in others["params"]} == {id(p) for p in biases}
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)


def test_a_tied_weight_is_optimised_once():
    model = Autoencoder(Layout((5, 4, 3), Sigmoid(), tied=True), rng=torch.Generator().manual_seed(0))
    decayed, others = parameter_groups(model.named_parameters(), 0.1)
    assert [id(p) for p in decayed["params"]] == [id(layer.weight) for layer in model.encoder]
    assert len(others["params"]) == 4


# --- clipping, in training.update -------------------------------------------------------------------------------


def change(clip: float | None, lr: float = 0.25) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return what one step of gradient descent subtracts from each parameter, and the gradients by NumPy."""
    model = Autoencoder(Layout((4, 3), Sigmoid()), rng=torch.Generator().manual_seed(0)).double()
    x = np.random.default_rng(2).normal(size=(6, 4)) * 3
    feed = Feed(Rows(x), model.scale_rows, batch_size=6, seed=0)
    optimiser = SGD(clip=clip).build(parameter_groups(model.named_parameters(), 0.0), 99.0)
    run = Run(Step(model, Objective((SquaredError(),))), feed, optimiser, 99.0, epochs=1, clip=clip)
    before = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    update(run, next(feed.epoch(0)), lr)
    moved = {name: before[name] - p.detach().numpy() for name, p in model.named_parameters()}

    W, b, V, c = (before[f"{side}.0.{part}"] for side in ("encoder", "decoder") for part in ("weight", "bias"))
    codes = 1 / (1 + np.exp(-(x @ W.T + b)))
    d_recon = 2 * (codes @ V + c - x) / x.size
    d_pre = d_recon @ V.T * codes * (1 - codes)
    by_hand = {"encoder.0.weight": d_pre.T @ x, "encoder.0.bias": d_pre.sum(0)}
    return moved, by_hand | {"decoder.0.weight": codes.T @ d_recon, "decoder.0.bias": d_recon.sum(0)}


def norm(of: dict[str, Array]) -> float:
    return math.sqrt(sum(np.sum(g**2) for g in of.values()))


def test_an_update_uses_the_learning_rate_of_its_call():
    moved, g = change(None)
    for name in g:
        np.testing.assert_allclose(moved[name], 0.25 * g[name], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_clip_scales_all_gradients_together(share):
    _, g = change(None)
    clip = share * norm(g)
    moved, _ = change(clip)
    assert norm(moved) == pytest.approx(0.25 * clip, rel=1e-4)
    for name in g:
        np.testing.assert_allclose(moved[name], 0.25 * share * g[name], rtol=1e-4, atol=1e-13)


def test_clip_does_not_change_smaller_gradients():
    free, g = change(None)
    clipped, _ = change(1.01 * norm(g))
    for name in g:
        np.testing.assert_array_equal(clipped[name], free[name])


# --- as recipes -------------------------------------------------------------------------------------------------


@cases
def test_text_and_json_round_trips(solver, rule):
    assert Solver.parse(solver.text) == solver
    assert Recipe.from_dict(solver.to_dict()) == solver


def test_text():
    assert Solver.parse("sgd:momentum=0.9,nesterov=true") == SGD(momentum=0.9, nesterov=True)
    assert Solver.parse("tensorflow_adam") == TensorFlowAdam()
    assert Solver.parse("adam:beta_2=0.99,clip=1") == Adam(beta_2=0.99, clip=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(momentum=1.5), "sgd: momentum=1.5 lies outside [0, 1)"),
        (lambda: Adam(epsilon=-1e-8), "adam: epsilon=-1e-08 lies outside (0, inf]"),
        (lambda: Nadam(beta_2=-1), "nadam: beta_2=-1 lies outside [0, 1)"),
        (lambda: SGD(clip=-1.0), "sgd: clip=-1 lies outside (0, inf]"),
    ],
)
def test_invalid_parameters_are_refused(make, message):
    with pytest.raises(RecipeError) as refused:
        make()
    assert str(refused.value) == message


@pytest.mark.parametrize("text", ["adam:beta_1=0", "nadam:beta_1=0", "adam:beta_1=0,beta_2=0.5"])
def test_a_whole_number_is_a_decay_of_the_running_means(text):
    """torch takes no int beside a float."""
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = Solver.parse(text).build([{"params": [weight]}], 0.1)
    weight.sum().backward()
    optimiser.step()
    assert (weight < 1).all()
