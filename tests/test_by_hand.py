"""The step whose backward is written out, against autograd in float64; and when it is chosen."""

from itertools import product

import pytest
import torch

from taciturn.data.sources import Rows
from taciturn.model import Autoencoder, Batch, Layout
from taciturn.model.coding_layers import ELU, BatchTopK, Identity, ReLU, Sigmoid, Tanh, TopK
from taciturn.objective import KL, L1, AuxK, CrossEntropy, Objective, SquaredError, SquaredRate
from taciturn.training import Feed
from taciturn.training.step import ByHand, Step, plan

CODERS = [Identity(), ReLU(), ELU(), Tanh(), Sigmoid()]


def gradients(kind, layout, objective, batch):
    """Return the numbers and every gradient by name of a step in float64, always from the same weights."""
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        for i, parameter in enumerate(model.parameters()):  # no weight is 0, which would hide a part of a gradient
            parameter.add_(
                0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(i), dtype=torch.float64)
            )
    step = kind(model, objective).double()
    for _, controller in step.controlled():
        controller.reset(scale=0.3, steps=100)
        controller.correction.fill_(0.05)
    numbers = step.gradients(batch, progress=0.3)
    return numbers, {name: p.grad for name, p in model.named_parameters()}


def batch(corrupted=True, paired=False):
    rng = torch.Generator().manual_seed(1)
    x = torch.rand(9, 6, generator=rng, dtype=torch.float64)
    noisy = x + 0.2 * torch.randn(9, 6, generator=rng, dtype=torch.float64) if corrupted else x
    return Batch(x, torch.rand(9, 6, generator=rng, dtype=torch.float64) if paired else x, noisy)


def agree(layout, objective, rows):
    assert issubclass(plan.step(layout, objective), ByHand)
    (numbers, grads), (expected_numbers, expected_grads) = (
        gradients(kind, layout, objective, rows) for kind in (ByHand, Step)
    )
    assert numbers.keys() == expected_numbers.keys()
    for name in numbers:
        torch.testing.assert_close(numbers[name], expected_numbers[name], rtol=1e-10, atol=1e-13, msg=name)
    assert grads.keys() == expected_grads.keys()
    for name in grads:
        assert expected_grads[name].abs().max() > 1e-6
        torch.testing.assert_close(grads[name], expected_grads[name], rtol=1e-10, atol=1e-13, msg=name)


@pytest.mark.parametrize(("coder", "output", "tied"), [*product(CODERS, CODERS, [False, True])])
def test_every_activation_of_codes_and_output(coder, output, tied):
    agree(Layout((6, 11), coder, output=output, tied=tied), Objective((SquaredError(),)), batch(paired=True))


RATES = [KL(0.2, weight=0.3), SquaredRate(0.2, weight=0.7), KL(0.2), SquaredRate(0.3)]


@pytest.mark.parametrize("penalty", RATES, ids=lambda term: term.text)
@pytest.mark.parametrize("corrupted", [False, True])
@pytest.mark.parametrize(
    "error", [SquaredError(), SquaredError(weight=2.0), CrossEntropy()], ids=lambda term: term.text
)
@pytest.mark.parametrize("tied", [False, True])
def test_rate_penalties_with_a_fixed_weight_and_with_an_automatic_one(penalty, corrupted, error, tied):
    layout = Layout((6, 11), Sigmoid(), output=Sigmoid(), tied=tied)
    agree(layout, Objective((error, penalty)), batch(corrupted))


@pytest.mark.parametrize("penalty", [L1(weight=0.1), L1(l0=3.0)], ids=lambda term: term.text)
@pytest.mark.parametrize("corrupted", [False, True])
def test_the_lasso(penalty, corrupted):
    agree(Layout((6, 11), ReLU()), Objective((SquaredError(), penalty)), batch(corrupted))


def test_several_errors_and_penalties():
    terms = SquaredError(), CrossEntropy(weight=0.5), KL(0.2, weight=0.3), SquaredRate(0.1), L1(weight=0.01)
    agree(Layout((6, 11), Sigmoid(), output=Sigmoid()), Objective(terms), batch())


def test_saturated_latents_have_the_same_gradients():
    layout, objective = Layout((6, 11), Sigmoid()), Objective((SquaredError(), KL(0.2, weight=0.3)))
    grads = []
    for kind in (ByHand, Step):
        model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
        with torch.no_grad():
            model.encoder[0].bias.copy_(torch.linspace(-200, 200, 11))
        step = kind(model, objective)
        rows = batch()
        step.gradients(Batch(rows.x.float(), rows.target.float(), rows.corrupted.float()))
        grads.append({name: p.grad for name, p in model.named_parameters()})
    for name in grads[0]:
        torch.testing.assert_close(grads[0][name], grads[1][name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("layout", "terms"),
    [
        (Layout((6, 5, 11), Sigmoid()), (SquaredError(),)),
        (Layout((6, 11), TopK(3)), (SquaredError(),)),
        (Layout((6, 11), BatchTopK(3)), (SquaredError(),)),
        (Layout((6, 11), ReLU(), centred=True), (SquaredError(),)),
        (Layout((6, 11), ReLU(), refine=1), (SquaredError(),)),
        (Layout((6, 11), ReLU()), (SquaredError(), AuxK())),
        (Layout((6, 11), ReLU()), (SquaredError(), L1(weight=0.1, scaled=True))),
    ],
)
def test_other_networks_and_objectives_use_autograd(layout, terms):
    assert plan.step(layout, Objective(terms)) is Step


def test_batches_that_are_read_together_equal_those_read_one_by_one():
    X = torch.rand(1000, 3).numpy()
    one_by_one, together = (Feed(Rows(X), torch.Tensor.float, size, seed=0) for size in (8, 8))
    expected = [next(iter(one_by_one.epoch(1, start=i, step=i))) for i in range(125)]
    for batch, single in zip(together.epoch(1), expected, strict=True):
        assert torch.equal(batch.x, single.x)
        assert batch.draw_key == single.draw_key
