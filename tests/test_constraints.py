"""Constraints on the dictionary, resampling and ordering of latents, and the optimiser's state of their rows."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from taciturn import DictionaryAutoencoder, datasets
from taciturn.core.errors import RecipeError
from taciturn.core.schedules import Decay
from taciturn.data.sources import Rows
from taciturn.metrics import mcc
from taciturn.model import Autoencoder, Layout
from taciturn.model.coding_layers import Gated, JumpReLU, TopK
from taciturn.objective import Objective, SquaredError
from taciturn.training import (
    Feed,
    Order,
    Ordering,
    Resample,
    Resampling,
    Run,
    geometric_median,
    permute_rows,
    rewrite_rows,
    train,
)
from taciturn.training.constraints import Bounded, Frozen, UnitNorm
from taciturn.training.solvers import SGD, Adam, Nadam, Solver, TensorFlowAdam, parameter_groups
from taciturn.training.step import Step

N_FEATURES, N_INPUTS, ACTIVE = 48, 24, 3


@pytest.fixture(scope="module")
def known():
    """Rows of a known dictionary, in float32."""
    return datasets.known_dictionary(
        12288, N_FEATURES, N_INPUTS, active=ACTIVE, magnitude_std=0.3, noise=0.02, random_state=3
    )


def test_unit_norm_removes_the_gradient_along_each_row():
    W = torch.nn.Parameter(torch.tensor([[3.0, 4.0], [0.0, 2.0]]))
    W.grad = torch.tensor([[1.0, 0.0], [5.0, 7.0]])
    with torch.no_grad():
        UnitNorm().before(W)
        # (1, 0) minus its part along (.6, .8), which is .6 (.6, .8)
        np.testing.assert_allclose(W.grad, [[0.64, -0.48], [5.0, 0.0]], atol=1e-6)
        UnitNorm().after(W)
    np.testing.assert_allclose(W.detach(), [[0.6, 0.8], [0.0, 1.0]], atol=1e-6)


def test_the_geometric_median_has_the_least_sum_of_distances():
    x = np.random.default_rng(0).standard_t(2, (60, 3))
    least = minimize(lambda m: np.linalg.norm(x - m, axis=1).sum(), x.mean(0), method="Nelder-Mead", tol=1e-10)
    np.testing.assert_allclose(geometric_median(torch.tensor(x)), least.x, atol=1e-4)


def test_rewriting_rows_resets_the_optimisers_state_of_them():
    W = torch.nn.Parameter(torch.ones(4, 2))
    optimiser = torch.optim.Adam([W], lr=0.1)
    W.square().sum().backward()
    optimiser.step()
    before = W.detach().clone()
    rewrite_rows(optimiser, torch.tensor([1, 3]), {W: torch.tensor([[5.0, 6.0], [7.0, 8.0]])})
    np.testing.assert_array_equal(W.detach(), [before[0].tolist(), [5, 6], before[2].tolist(), [7, 8]])
    for moment in ("exp_avg", "exp_avg_sq"):
        assert ((optimiser.state[W][moment] == 0).all(1) == torch.tensor([False, True, False, True])).all()


def test_when_latents_are_resampled():
    recipe = Resample(every=0.1, until=0.5)
    assert [step for step in range(1, 101) if recipe.due(step, 100)] == [10, 20, 30, 40, 50]


def resampled(known, seed, rows=64):
    """A run with two dead latents, after they were resampled, and its weights before."""
    rng = torch.Generator().manual_seed(0)
    model = Autoencoder(Layout((N_INPUTS, 6), JumpReLU(), centred=True), rng=rng)
    step = Step(model, Objective((SquaredError(),)))
    feed = Feed(Rows(known.rows[:64]), model.scale_rows, 32, seed)
    run = Run(step, feed, torch.optim.Adam(step.parameters(), 1e-3), 1e-3, epochs=1)
    list(train(run))
    step.inactive_rows.copy_(torch.tensor([0, 10_000, 3, 9_999, 10_001, 0]))
    before = {name: value.detach().clone() for name, value in step.named_parameters()}
    Resampling(Resample(every=0.5, until=1, rows=rows))(run, None, None)
    return run, before


def test_dead_latents_are_pointed_at_residuals_of_rows(known):
    run, before = resampled(known, seed=1)
    model, dead, others = run.step.model, [1, 4], [0, 2, 3, 5]
    x = torch.from_numpy(known.rows[:64])
    old = Autoencoder(model.layout, rng=torch.Generator()).requires_grad_(False)
    old.load_state_dict({name.removeprefix("model."): v for name, v in before.items()}, strict=False)
    residual = x - old.decode(old.codes(x))
    residual = residual / residual.norm(dim=1, keepdim=True)
    after = {name: value.detach() for name, value in run.step.named_parameters()}
    for name, value in after.items():  # the decoder's bias belongs to no latent
        rows = others if len(value) == 6 else range(len(value))
        np.testing.assert_array_equal(value[rows], before[name][rows], err_msg=name)
    length = before["model.decoder.0.weight"][others].norm(dim=1).mean()
    small = 0.2 * before["model.encoder.0.weight"][others].norm(dim=1).mean()
    for latent in dead:
        direction = after["model.decoder.0.weight"][latent] / length
        assert (residual @ direction).max().item() == pytest.approx(1, abs=1e-5)  # the residual of some row
        np.testing.assert_allclose(after["model.encoder.0.weight"][latent], small * direction, rtol=1e-5, atol=1e-7)
        assert after["model.encoder.0.bias"][latent] == 0
        assert after["model.coder.value"][latent].item() == pytest.approx(
            before["model.coder.value"][others].mean().item()
        )
    assert run.step.inactive_rows.tolist() == [0, 0, 3, 9_999, 0, 0]
    state = run.optimiser.state[model.dictionary]
    assert ((state["exp_avg"] == 0).all(1)).nonzero()[:, 0].tolist() == dead


def test_the_seed_decides_which_rows_are_used(known):
    one, again, other = (resampled(known, seed)[0].step.model.dictionary.detach()[[1, 4]] for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_at_most_a_quarter_of_the_rows_is_used_for_the_longest_inactive_first(known):
    run, before = resampled(known, seed=1, rows=4)
    assert run.step.inactive_rows.tolist() == [0, 10_000, 3, 9_999, 0, 0]
    assert torch.equal(run.step.model.dictionary[1].detach(), before["model.decoder.0.weight"][1])


def test_no_two_latents_get_the_same_direction(known):
    for seed in range(30):
        one, other = resampled(known, seed, rows=8)[0].step.model.dictionary.detach()[[1, 4]]
        assert not torch.equal(one, other)


def test_resampled_latents_find_features(known):
    recovery = {}
    for hooks in ((), (Resampling(Resample(after=500)),)):
        rng = torch.Generator().manual_seed(0)
        model = Autoencoder(Layout((N_INPUTS, N_FEATURES), TopK(ACTIVE), centred=True), rng=rng)
        with torch.no_grad():
            model.encoder[0].bias[::2] = -50  # never among the largest, and no gradient reaches them
        step = Step(model, Objective((SquaredError(),)))
        feed = Feed(Rows(known.rows), model.scale_rows, 128, seed=0)
        optimiser = torch.optim.Adam(step.parameters(), 0.01)
        list(train(Run(step, feed, optimiser, Decay(0.01), 10, UnitNorm(), hooks=hooks)))
        recovery[len(hooks)] = mcc(model.dictionary, known.features)
    assert recovery[0] < 0.75 < 0.8 < recovery[1]


def test_bounded_scales_down_rows_of_norm_above_1():
    W = torch.nn.Parameter(torch.tensor([[3.0, 4.0], [0.0, 0.5], [0.6, 0.8]]))
    with torch.no_grad():
        Bounded().after(W)
    np.testing.assert_allclose(W.detach(), [[0.6, 0.8], [0.0, 0.5], [0.6, 0.8]], atol=1e-7)


def initialised(**parameters):
    """A fitted estimator, and its network as initialised."""
    model = DictionaryAutoencoder(12, k=3, max_iter=1, random_state=5, scaling="none", **parameters)
    model.fit(np.random.default_rng(0).normal(size=(40, 8)))
    return model, Autoencoder(model.settings_.layout, rng=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("length", [0.1, 1.0, 3.0])
def test_encoder_and_dictionary_are_initialised_alike_at_the_requested_norm(length):
    network = initialised(initial_norm=length, constraint="free")[1]
    np.testing.assert_allclose(network.dictionary.detach().norm(dim=1), length, rtol=1e-6)
    assert torch.equal(network.encoder[0].weight, network.dictionary)


@pytest.mark.parametrize("sparsity", ["topk", "jumprelu", "gated"])
def test_a_frozen_dictionary_stays_while_the_encoder_is_trained(known, sparsity):
    models = [
        DictionaryAutoencoder(
            32, k=3, sparsity=sparsity, constraint="frozen", scaling="none", max_iter=epochs, random_state=0
        ).fit(known.rows[:4000])
        for epochs in (1, 4)
    ]
    one, other = (model.module_ for model in models)
    assert torch.equal(one.dictionary, other.dictionary)
    np.testing.assert_allclose(one.dictionary.detach().norm(dim=1), 1, rtol=1e-6)
    assert not torch.allclose(one.encoder[0].weight, other.encoder[0].weight, atol=0.01)


@pytest.mark.parametrize("clip", [None, 0.01])
@pytest.mark.parametrize("solver", [Adam, Nadam, TensorFlowAdam, SGD, partial(SGD, momentum=0.9)])
@pytest.mark.parametrize("tied", [False, True])
def test_a_frozen_dictionary_neither_decays_nor_counts_in_the_clipped_norm(solver, clip, tied):
    """Without its dictionary's gradient, the other gradients have the bound as their norm."""
    model = Autoencoder(Layout((N_INPUTS, 8), TopK(3), tied=tied), rng=torch.Generator().manual_seed(0))
    step, settings = Step(model, Objective((SquaredError(),))), solver(clip=clip)
    optimiser = settings.build(parameter_groups(step.named_parameters(), 0.5), 0.1)
    feed = Feed(Rows(np.random.default_rng(0).normal(size=(64, N_INPUTS))), model.scale_rows, 16, 0)
    before = model.dictionary.detach().clone()
    norms = []

    def norm(run, batch, record):
        grads = [parameter.grad for parameter in step.parameters() if parameter.grad is not None]
        norms.append(torch.stack([grad.norm() for grad in grads]).norm().item())

    for _ in train(Run(step, feed, optimiser, 0.1, 3, Frozen(), clip, hooks=(norm,))):
        pass
    assert torch.equal(model.dictionary, before)
    if clip is not None:
        np.testing.assert_allclose(norms, clip, rtol=1e-3)


@pytest.mark.parametrize("solver", ["sgd", "adam", "nadam"])
@pytest.mark.parametrize("constraint", ["unit_norm", "bounded", "frozen"])
def test_decay_and_constraint_together(solver, constraint):
    """Decay alone, without a gradient: a row of norm 1 stays one, a bounded row shrinks by the decay."""
    parts = {"unit_norm": UnitNorm(), "bounded": Bounded(), "frozen": Frozen()}
    W = torch.nn.Parameter(torch.tensor([[0.6, 0.8], [0.3, 0.4]]))
    if constraint == "unit_norm":
        W.data[1] *= 2
    expected = {"unit_norm": [1, 1], "bounded": [0.99**3, 0.5 * 0.99**3], "frozen": [1, 0.5]}[constraint]
    optimiser = Solver.parse(solver).build([{"params": [W], "weight_decay": 0.1}], 0.1)
    for _ in range(3):
        W.grad = torch.zeros_like(W)
        with torch.no_grad():
            parts[constraint].before(W)
            optimiser.step()
            parts[constraint].after(W)
    np.testing.assert_allclose(W.detach().norm(dim=1), expected, rtol=1e-5)


def test_clipping_measures_the_gradient_that_the_constraint_leaves():
    """Of a gradient along the row nothing is left, so that the others are not scaled down for it."""

    class Steps(Step):
        def gradients(self, batch, progress=0.0, ease=1.0):
            numbers = super().gradients(batch, progress, ease)
            self.model.dictionary.grad = 100 * self.model.dictionary.detach()
            self.model.decoder[0].bias.grad = torch.full((N_INPUTS,), 0.1 / N_INPUTS**0.5)
            self.model.encoder[0].weight.grad = self.model.encoder[0].bias.grad = None
            return numbers

    model = Autoencoder(Layout((N_INPUTS, 8), TopK(3)), rng=torch.Generator().manual_seed(0))
    UnitNorm().after(model.dictionary.data)
    step = Steps(model, Objective((SquaredError(),)))
    optimiser = SGD().build(parameter_groups(step.named_parameters(), 0.0), 1.0)
    feed = Feed(Rows(np.ones((4, N_INPUTS))), model.scale_rows, 4, 0)
    list(train(Run(step, feed, optimiser, 1.0, 1, UnitNorm(), clip=0.2)))
    assert model.decoder[0].bias.norm().item() == pytest.approx(0.1, rel=1e-4)


def test_resampling_is_refused_for_a_frozen_dictionary(known):
    for constraint in ("frozen", Frozen()):
        with pytest.raises(
            RecipeError, match=r"^revive='resample' would change a frozen dictionary; set revive='auxk'"
        ):
            DictionaryAutoencoder(8, k=2, constraint=constraint, revive="resample").fit(known.rows)
    with pytest.raises(RecipeError, match="no constraint is named 'tight'"):
        DictionaryAutoencoder(8, k=2, constraint="tight").fit(known.rows)


def trained(known, coder, permutation=None, after=5):
    """The model of a run of 10 steps, its latents permuted after so many of them."""
    model = Autoencoder(Layout((N_INPUTS, 8), coder, centred=True), rng=torch.Generator().manual_seed(0)).double()
    step = Step(model, Objective((SquaredError(),)))
    optimiser = torch.optim.Adam(step.parameters(), 1e-2)

    def permute(run, batch, record):
        if run.steps == after and permutation is not None:
            permute_rows(optimiser, permutation, model.latent_parameters())

    list(train(Run(step, Feed(Rows(known.rows[:320]), model.scale_rows, 32, 0), optimiser, 1e-2, 1, hooks=(permute,))))
    return model


@pytest.mark.parametrize("coder", [TopK(2), JumpReLU(), Gated()], ids=str)
def test_permuting_latents_does_not_change_their_training(known, coder):
    permutation = torch.tensor([3, 1, 7, 0, 2, 6, 5, 4])
    plain, permuted = trained(known, coder), trained(known, coder, permutation)
    x = torch.from_numpy(known.rows[:50])
    np.testing.assert_allclose(permuted(x).detach(), plain(x).detach(), atol=1e-9)
    for mine, theirs in zip(permuted.latent_parameters(), plain.latent_parameters(), strict=True):
        np.testing.assert_allclose(mine.detach(), theirs.detach()[permutation], atol=1e-9)


def test_latents_are_sorted_by_the_share_of_recent_rows_on_which_they_fire(known):
    rng = torch.Generator().manual_seed(0)
    model = Autoencoder(Layout((N_INPUTS, 8), TopK(2), centred=True), rng=rng)
    step = Step(model, Objective((SquaredError(),)))
    optimiser = torch.optim.Adam(step.parameters(), 1e-12)  # small: only the sorting changes weights
    run = Run(step, Feed(Rows(known.rows[:1000]), model.scale_rows, 100, 0), optimiser, 1e-12, 1)
    before, x = model.dictionary.detach().clone(), torch.from_numpy(known.rows[:1000])
    fired = (model.encode(x).dense() != 0).double().mean(0)
    run.hooks = (Ordering(Order(every=1.0, until=1.0)),)
    list(train(run))
    np.testing.assert_allclose(model.dictionary.detach(), before[fired.argsort(descending=True)], atol=1e-6)
    # ten batches of 100 rows, each a hundredth of 10,000: 1 - 0.99^10 of the way from 0
    np.testing.assert_allclose(step.firing_rates, fired.sort(descending=True)[0] * (1 - 0.99**10), atol=0.002)


def test_the_first_latents_of_an_ordered_matryoshka_fire_most_often():
    zipf = datasets.known_dictionary(6000, n_features=32, n_inputs=24, active=3, zipf=1.0, noise=0.01, random_state=0)
    model = DictionaryAutoencoder(
        32, k=3, matryoshka=(8, 16), ordered=True, scaling="none", max_iter=20, random_state=0
    ).fit(zipf.rows)
    rates = np.bincount(model.transform(zipf.rows).indices, minlength=32) / 4000
    assert rates[:8].min() > np.median(rates[8:])
    assert (np.corrcoef(rates.argsort().argsort(), -np.arange(32))[0, 1]) > 0.9
