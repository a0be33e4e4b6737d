"""Every term's value and gradient against numbers worked by hand or by NumPy in float64."""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from taciturn.core.errors import RecipeError
from taciturn.core.recipe import Recipe, parse
from taciturn.core.schedules import Linear
from taciturn.kernels import Index, Plain
from taciturn.model import Autoencoder, Batch, Codes, Dense, Layout, Pass, Sparse
from taciturn.model.coding_layers import ELU, CodingLayer, Elementwise, Identity, ReLU, Sigmoid, TopK
from taciturn.objective import KL, L1, CrossEntropy, Objective, SquaredError, SquaredRate, Term
from taciturn.training.step import Step

Array = NDArray[np.float64]
SIGMOID, LINEAR = Sigmoid(), Identity()


def model_of(n_inputs: int, n_latents: int, coder: CodingLayer = SIGMOID, output: Elementwise = LINEAR) -> Autoencoder:
    return Autoencoder(Layout((n_inputs, n_latents), coder, output=output), rng=torch.Generator().manual_seed(0))


def rated(codes: Codes | Tensor) -> Pass:
    """A pass with such codes; its logits are 0."""
    codes = Dense(codes) if isinstance(codes, Tensor) else codes
    x = torch.zeros(codes.n_rows, 2)
    model = model_of(2, codes.dense().shape[1])
    return Pass(model, Batch(x, x, x), Sigmoid(), model.pre_activations(x), codes, x, torch.zeros(0))


def reconstructed(logits: Tensor, target: Tensor, output: Elementwise = LINEAR) -> Pass:
    """A pass with such logits."""
    model = model_of(logits.shape[1], 3, output=output)
    x = torch.full_like(target, 77.0)
    codes = Dense(torch.zeros(len(logits), 3))
    return Pass(model, Batch(x, target, x), Sigmoid(), model.pre_activations(x.float()), codes, logits, torch.zeros(0))


def leaf(array: object, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(np.asarray(array), dtype=dtype, requires_grad=True)


def slope(f: Callable[[Array], float], x: Array, h: float = 1e-6) -> Array:
    """Central differences of a NumPy function."""
    gradient = np.zeros_like(x)
    for position in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[position] += h
        behind[position] -= h
        gradient[position] = (f(ahead) - f(behind)) / (2 * h)
    return gradient


def agrees(term: Term, p: Pass, leaf: Tensor, f: Callable[[Array], float]) -> None:
    """The term's value and its gradient in the leaf are those of a NumPy function."""
    x = leaf.detach().numpy().copy()
    number = term(p)
    assert number.shape == ()
    assert number.item() == pytest.approx(f(x), rel=1e-12)
    (gradient,) = torch.autograd.grad(number, leaf)
    np.testing.assert_allclose(gradient.numpy(), slope(f, x), rtol=2e-6, atol=1e-9)


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def uniform(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(0.02, 0.98, size=shape)


# --- squared error ----------------------------------------------------------------------------------------------


def test_squared_error_is_the_mean_over_rows_and_columns():
    recon, target = leaf([[1.0, 2.0], [3.0, 5.0], [0.0, 1.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    number = SquaredError()(reconstructed(recon, target.double()))
    assert number.item() == (1 + 4 + 9 + 16 + 0 + 4) / 6
    number.backward()
    np.testing.assert_allclose(recon.grad, np.array([[1, 2], [3, 4], [0, -2]]) * 2 / 6, rtol=1e-15)


@pytest.mark.parametrize("output", [Identity(), Sigmoid()])
def test_squared_error_and_its_gradient(output):
    logits, target = leaf(random(5, 4)), random(5, 4, seed=1)
    curve = sigmoid if isinstance(output, Sigmoid) else np.asarray
    p = reconstructed(logits, torch.from_numpy(target), output)
    agrees(SquaredError(), p, logits, lambda z: float(np.mean((curve(z) - target) ** 2)))


# --- cross-entropy ----------------------------------------------------------------------------------------------


def test_cross_entropy_of_a_fair_coin():
    p = reconstructed(leaf(np.zeros((3, 4))), torch.from_numpy(uniform(3, 4)), Sigmoid())
    assert CrossEntropy()(p).item() == pytest.approx(math.log(2), rel=1e-14)


def test_cross_entropy_and_its_gradient():
    logits, target = leaf(3 * random(5, 4)), uniform(5, 4)
    p = reconstructed(logits, torch.from_numpy(target), Sigmoid())

    def entropy(z: Array) -> float:
        return float(-np.mean(target * np.log(sigmoid(z)) + (1 - target) * np.log(1 - sigmoid(z))))

    agrees(CrossEntropy(), p, logits, entropy)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cross_entropy_pulls_a_saturated_output_back(dtype):
    logits = leaf([[200.0, -200.0], [200.0, -200.0]], dtype)
    target = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=dtype)
    p = reconstructed(logits, target, Sigmoid())
    assert p.recon.tolist() == [[1.0, pytest.approx(0, abs=1e-30)]] * 2
    number = CrossEntropy()(p)
    assert number.item() == pytest.approx((200 + 200 + 0 + 0) / 4, rel=1e-6)
    number.backward()
    np.testing.assert_allclose(logits.grad, np.array([[1.0, -1.0], [0.0, 0.0]]) / 4, atol=1e-30)


# --- rates ------------------------------------------------------------------------------------------------------


def kl(q: Array, rho: float) -> float:
    return float(np.sum(rho * np.log(rho / q) + (1 - rho) * np.log((1 - rho) / (1 - q))))


def test_kl_worked_by_hand():
    # q = (0.3, 0.1): 0.1 ln(1/3) + 0.9 ln(9/7) = -0.1098612 + 0.2261830; a latent at the target rate adds nothing
    codes = leaf([[0.5, 0.1], [0.1, 0.1]])
    number = KL(0.1)(rated(codes))
    assert number.item() == pytest.approx(0.1163218, abs=1e-7)
    number.backward()
    # d/dq = -ρ/q + (1-ρ)/(1-q) = -1/3 + 9/7 = 20/21, shared by two rows
    np.testing.assert_allclose(codes.grad, [[10 / 21, 0], [10 / 21, 0]], atol=1e-15)


def test_squared_rate_worked_by_hand():
    codes = leaf([[0.5, 0.1], [0.1, 0.9]])  # q = (0.3, 0.5)
    number = SquaredRate(0.1)(rated(codes))
    assert number.item() == pytest.approx(0.2**2 + 0.4**2, rel=1e-14)
    number.backward()
    np.testing.assert_allclose(codes.grad, [[0.2, 0.4], [0.2, 0.4]], rtol=1e-14)


@pytest.mark.parametrize("rho", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("n_rows", [1, 2, 7])
def test_rate_terms_and_their_gradients(rho, n_rows):
    codes = leaf(uniform(n_rows, 5))
    agrees(KL(rho), rated(codes), codes, lambda z: kl(z.mean(0), rho))
    agrees(SquaredRate(rho), rated(codes), codes, lambda z: float(np.sum((z.mean(0) - rho) ** 2)))


@pytest.mark.parametrize("rho", [0.05, 0.3])
def test_rate_terms_through_the_sigmoid(rho):
    logits = leaf(2 * random(6, 4))
    agrees(KL(rho), rated(logits.sigmoid()), logits, lambda z: kl(sigmoid(z).mean(0), rho))
    logits = leaf(2 * random(6, 4))
    agrees(SquaredRate(rho), rated(logits.sigmoid()), logits, lambda z: float(np.sum((sigmoid(z).mean(0) - rho) ** 2)))


@pytest.mark.parametrize("term", [KL(0.1), SquaredRate(0.1)])
def test_rate_terms_sum_over_latents_and_are_not_divided_by_the_batch_again(term):
    codes = torch.from_numpy(uniform(4, 3))
    once = term(rated(codes)).item()
    assert term(rated(codes.repeat(10, 1))).item() == pytest.approx(once, rel=1e-13)
    assert term(rated(codes.repeat(1, 10))).item() == pytest.approx(10 * once, rel=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kl_of_dead_and_of_stuck_latents_is_finite_and_has_a_gradient(dtype):
    codes = leaf([[0.0, 1.0, 0.1], [0.0, 1.0, 0.1]], dtype)
    number = KL(0.1)(rated(codes))
    eps = np.finfo(np.float32 if dtype == torch.float32 else np.float64).eps
    assert number.item() == pytest.approx(kl(np.array([eps, 1 - eps]), 0.1), rel=1e-5)
    number.backward()
    dead, stuck, at_target = codes.grad.double().numpy().T
    np.testing.assert_allclose(dead, -0.1 / eps / 2, rtol=1e-5)
    np.testing.assert_allclose(stuck, 0.9 / eps / 2, rtol=1e-5)
    np.testing.assert_allclose(at_target, 0, atol=1e-6)


def test_kl_pulls_a_saturated_sigmoid_back():
    # in float32 the means 2e-9 and 1 - 6e-8 lie beyond where KL's value is clamped, but its gradient is not
    logits = leaf([[-20.0, 30.0], [-20.0, 16.0]], torch.float32)
    codes = logits.sigmoid()
    eps = np.finfo(np.float32).eps
    assert codes[0, 0] < eps
    assert codes[:, 1].mean() > 1 - eps
    number = KL(0.1)(rated(codes))
    assert math.isfinite(number.item())
    number.backward()
    dead, stuck = logits.grad[1].tolist()
    # half of dKL/dq, where it is clamped, times the sigmoid's slope σ(1 - σ), as float32 has it
    assert dead == pytest.approx(-0.1 / eps / 2 * math.exp(-20), rel=1e-3)
    assert stuck == pytest.approx(0.9 / eps / 2 * (1 - codes[1, 1].item()), rel=1e-3)
    assert stuck > 0.1


@pytest.mark.parametrize("term", [KL, SquaredRate])
@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5])
def test_a_rate_lies_inside_0_and_1(term, rate):
    with pytest.raises(RecipeError) as refused:
        term(rate)
    assert str(refused.value) == f"{term.name}: rate={rate:g} lies outside (0, 1)"


def test_a_scheduled_rate_is_replaced_by_its_value():
    codes = torch.from_numpy(uniform(4, 3))
    falling = KL(Linear(0.5, 0.1))
    assert falling.at(0.25) == KL(0.4)
    assert falling.at(0.25)(rated(codes)).item() == pytest.approx(kl(codes.numpy().mean(0), 0.4), rel=1e-12)
    assert falling(rated(codes)).item() == pytest.approx(kl(codes.numpy().mean(0), 0.1), rel=1e-12)


# --- L1, on dense and sparse codes ------------------------------------------------------------------------------

VALUES_N = [2.0, -1.0, 0.5, 3.0]  # row 0 has latents 1 and 3, row 1 none, row 2 latents 3 and 0


def sparse(values_N: Tensor) -> Sparse:
    index = Index(torch.tensor([1, 3, 3, 0]), torch.tensor([0, 2, 2, 4]), 5)
    return Sparse(values_N, index, Plain())


def test_l1_is_the_mean_over_rows_of_the_sum():
    values = leaf(VALUES_N)
    number = L1()(rated(sparse(values)))
    assert number.item() == pytest.approx((3 + 0 + 3.5) / 3, rel=1e-14)
    number.backward()
    np.testing.assert_allclose(values.grad, np.array([1, -1, 1, 1]) / 3, rtol=1e-14)

    dense = leaf([[0, 2.0, 0, -1.0, 0], [0, 0, 0, 0, 0], [3.0, 0, 0, 0.5, 0]])
    number = L1()(rated(dense))
    assert number.item() == pytest.approx(6.5 / 3, rel=1e-14)
    number.backward()
    np.testing.assert_allclose(dense.grad, np.sign(dense.detach().numpy()) / 3, rtol=1e-14)


def test_l1_and_its_gradient_on_dense_codes():
    codes = leaf(random(5, 4))
    agrees(L1(), rated(codes), codes, lambda z: float(np.mean(np.abs(z).sum(1))))


def test_the_mean_activation_of_sparse_codes_counts_the_rows_without_codes():
    np.testing.assert_allclose(rated(sparse(leaf(VALUES_N))).mean_activation.detach(), [1, 2 / 3, 0, -0.5 / 3, 0])


# --- objectives -------------------------------------------------------------------------------------------------


def test_terms_of_a_kind_are_numbered():
    objective = SquaredError() + KL(0.1) + SquaredRate(0.1) + KL(0.2) + KL(0.3)
    assert list(objective.by_name()) == ["squared_error", "kl", "squared_rate", "kl_2", "kl_3"]
    assert objective.by_name()["kl_3"] == KL(0.3)


def rated_and_reconstructed() -> tuple[Pass, dict[str, float]]:
    """A pass, and each term's number for it by NumPy."""
    codes, recon, target = uniform(4, 3), random(4, 2), random(4, 2, seed=1)
    model = model_of(2, 3)
    x = torch.from_numpy(target)
    p = Pass(
        model,
        Batch(x, x, x),
        Sigmoid(),
        model.pre_activations(x.float()),
        Dense(torch.tensor(codes)),
        torch.tensor(recon),
        x,
    )
    expected = {"squared_error": float(np.mean((recon - target) ** 2)), "l1": float(np.mean(codes.sum(1)))}
    return p, expected | {"kl": kl(codes.mean(0), 0.1), "kl_2": kl(codes.mean(0), 0.4)}


def test_an_objective_returns_the_weighted_sum_and_each_terms_number():
    p, by_numpy = rated_and_reconstructed()
    objective = 0.5 * SquaredError() + 0.2 * KL(0.1) + KL(0.4, weight=3) + 0.01 * L1()
    loss, numbers = objective(p)
    assert {name: number.item() for name, number in numbers.items()} == pytest.approx(by_numpy, rel=1e-12)
    expected = 0.5 * by_numpy["squared_error"] + 0.2 * by_numpy["kl"] + 3 * by_numpy["kl_2"] + 0.01 * by_numpy["l1"]
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_a_weight_that_is_not_written_is_1_or_adjusted_where_there_is_a_target():
    p, by_numpy = rated_and_reconstructed()
    objective = SquaredError() + KL(0.1) + L1()
    loss, _ = objective(p)
    assert loss.item() == pytest.approx(by_numpy["squared_error"] + by_numpy["kl"] + by_numpy["l1"], rel=1e-12)
    assert list(objective.controllers()) == ["kl"]
    assert list((SquaredError() + KL(0.1, weight=0.2) + L1(l0=3) + SquaredRate(0.2)).controllers()) == [
        "l1",
        "squared_rate",
    ]
    loss, _ = (SquaredError() + KL(0.1, weight=0))(p)
    assert loss.item() == pytest.approx(by_numpy["squared_error"], rel=1e-12)


@pytest.mark.parametrize(("progress", "weight"), [(0.0, 0.0), (0.25, 0.5), (1.0, 2.0)])
def test_a_scheduled_weight_is_its_value_at_each_step(progress, weight):
    p, by_numpy = rated_and_reconstructed()
    objective = SquaredError() + KL(0.1, weight=Linear(0.0, 2.0))
    loss, numbers = objective.at(progress)(p)
    assert loss.item() == pytest.approx(by_numpy["squared_error"] + weight * by_numpy["kl"], rel=1e-12)
    assert numbers["kl"].item() == pytest.approx(by_numpy["kl"], rel=1e-12)


def test_a_step_uses_the_schedules_of_its_objective():
    model = model_of(2, 3).double()
    x = torch.from_numpy(random(6, 2))
    step = Step(model, SquaredError() + KL(Linear(0.5, 0.1), weight=Linear(0.0, 2.0)))
    _, numbers = step(Batch(x, x, x), 0.75)
    q = model.encode(x).dense().detach().numpy().mean(0)
    assert numbers["kl"].item() == pytest.approx(kl(q, 0.2), rel=1e-12)
    expected = numbers["squared_error"].item() + 1.5 * kl(q, 0.2)
    assert numbers["loss"].item() == pytest.approx(expected, rel=1e-12)


def test_scaling_a_term_scales_its_weight():
    assert 0.2 * KL(0.1) == KL(0.1, weight=0.2)
    assert (0.5 * (0.2 * KL(0.1))).weight == 0.1
    assert SquaredError() + 0.2 * KL(0.1) == Objective((SquaredError(), KL(0.1, weight=0.2)))
    assert (SquaredError() + KL(0.1)) + (L1() + KL(0.2)) == Objective((SquaredError(), KL(0.1), L1(), KL(0.2)))
    assert SquaredError() + (L1() + KL(0.2)) == Objective((SquaredError(), L1(), KL(0.2)))
    with pytest.raises(RecipeError) as refused:
        0.2 * KL(0.1, weight=Linear(0.0, 1.0))
    assert str(refused.value) == "kl: its weight is a schedule; scale the schedule's own numbers"
    with pytest.raises(RecipeError, match=r"kl: weight=-0.2 lies outside \[0, inf\]"):
        -0.2 * KL(0.1)


def test_an_objectives_text_and_json_round_trip():
    objective = SquaredError() + 0.2 * KL(0.1) + SquaredRate(0.3, weight=Linear(0.0, 1.0)) + L1()
    assert objective.text == "squared_error+kl:0.1,weight=0.2+squared_rate:0.3,weight=linear(0.0,1.0)+l1"
    assert Objective(parse(objective.text, Term)) == objective
    assert Recipe.from_dict(json.loads(json.dumps(objective.to_dict()))) == objective


# --- what goes together -----------------------------------------------------------------------------------------

REFUSED = [
    (
        TopK(2),
        Identity(),
        KL(0.1),
        "kl requires codes in (0, 1); this model provides exact zeros, rankable codes",
    ),
    (
        ReLU(),
        Identity(),
        KL(0.1),
        "kl requires codes in (0, 1); this model provides exact zeros, rankable codes",
    ),
    (
        ReLU(),
        Identity(),
        SquaredRate(0.1),
        "squared_rate requires codes in (0, 1); this model provides exact zeros, rankable codes",
    ),
    (ELU(), Identity(), KL(0.1), "kl requires codes in (0, 1); this model provides none"),
    (
        ReLU(),
        Sigmoid(),
        KL(0.1),
        "kl requires codes in (0, 1); this model provides exact zeros, rankable codes",
    ),
    (
        Sigmoid(),
        Identity(),
        CrossEntropy(),
        "cross_entropy requires outputs in (0, 1); this model provides unbounded outputs",
    ),
    (
        TopK(2),
        ReLU(),
        CrossEntropy(),
        "cross_entropy requires outputs in (0, 1); this model provides none",
    ),
]


@pytest.mark.parametrize(("coder", "output", "term", "message"), REFUSED)
def test_a_term_without_what_it_requires_is_refused(coder, output, term, message):
    with pytest.raises(RecipeError) as refused:
        Step(model_of(4, 3, coder, output), Objective((SquaredError(), term)))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("coder", "output", "term"),
    [
        (Sigmoid(), Identity(), KL(0.1)),
        (Sigmoid(), Identity(), SquaredRate(0.1)),
        (TopK(2), Sigmoid(), CrossEntropy()),
        (TopK(2), Identity(), L1()),
        (ELU(), Identity(), L1()),
    ],
)
def test_a_term_with_what_it_requires_is_accepted(coder, output, term):
    model = model_of(4, 3, coder, output)
    x = torch.from_numpy(uniform(5, 4)).float()
    p, numbers = Step(model, Objective((term,)))(Batch(x, x, x))
    assert numbers[term.name].item() == pytest.approx(term(p).item())
    if not term.controlled:
        assert numbers["loss"].item() == pytest.approx(term(p).item())
