"""Redundant latents get directions that the dictionary lacks."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls

from taciturn import DictionaryAutoencoder, datasets
from taciturn.core.errors import RecipeError
from taciturn.data.sources import Rows
from taciturn.metrics import mcc
from taciturn.model import Autoencoder, Layout
from taciturn.model.coding_layers import BatchTopK, Gated, JumpReLU, ReLU, TopK
from taciturn.objective import Objective, SquaredError
from taciturn.training import Feed, Redirect, Redirecting, Run, train
from taciturn.training.redirecting import largest_of_rows, measured_use, residual
from taciturn.training.step import Step

N_FEATURES, N_INPUTS, ACTIVE = 24, 16, 2


@pytest.fixture(scope="module")
def known():
    """Rows of a known dictionary, in float32."""
    return datasets.known_dictionary(4096, N_FEATURES, N_INPUTS, active=ACTIVE, noise=0.01, random_state=1)


def network(coder, n_latents=N_FEATURES):
    model = Autoencoder(Layout((N_INPUTS, n_latents), coder, centred=True), rng=torch.Generator().manual_seed(0))
    return model.requires_grad_(False)


@pytest.mark.parametrize("n_latents", [24, 640])
def test_the_use_of_a_latent_is_the_rise_of_the_error_when_the_next_takes_its_place(known, n_latents):
    model, k = network(TopK(3), n_latents), 3
    model.decoder[0].bias += 0.1
    x = torch.from_numpy(known.rows[:50])
    codes = largest_of_rows(model, model.pre_and_codes(x, TopK(2 * k).training_codes)[1], k + 1)
    use, least = measured_use(model, codes, x)
    D, centre = model.dictionary.double().numpy(), model.decoder[0].bias.double().numpy()
    E, rows = model.encoder[0].weight.double().numpy(), known.rows[:50].astype(float)
    z = np.maximum((rows - centre) @ E.T, 0)
    expected, kth = np.zeros(n_latents), []
    for row, values in zip(rows, z, strict=True):
        largest = np.argsort(-values)

        def error(latents, row=row, values=values):
            return np.square(row - centre - values[latents] @ D[latents]).sum()

        for latent in largest[:k]:
            rest = [other for other in largest[: k + 1] if other != latent]
            expected[latent] += (error(rest) - error(largest[:k])) * (values[latent] > 0)
        kth.append(values[largest[k - 1]])
    np.testing.assert_allclose(use, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(least, kth, rtol=1e-5)


def test_the_residual_is_nearly_that_of_the_best_codes_at_these_entries(known):
    model = network(TopK(4))
    x = torch.from_numpy(known.rows[:50])
    codes = model.pre_activations(x).top(8).relu()
    before = (x - model.decode(codes)).square().sum(1)
    after = residual(model, codes, x).square().sum(1)
    D, latents = model.dictionary.double().numpy(), codes.index.latents.view(50, 8).numpy()
    best = [
        nnls(D[entries].T, row.astype(float))[1] ** 2 for entries, row in zip(latents, known.rows[:50], strict=True)
    ]
    assert (after <= before + 1e-6).all()
    assert (after >= torch.tensor(best) - 1e-5).all()
    assert after.sum() - np.sum(best) < 0.05 * (before.sum() - np.sum(best))


def test_a_missing_value_has_no_residual(known):
    model, target = network(TopK(4)), torch.from_numpy(known.rows[:50]).clone()
    target[3, 5] = torch.nan
    assert residual(model, model.pre_activations(target.nan_to_num(0)).top(8).relu(), target)[3, 5] == 0


@pytest.fixture(scope="module")
def orthogonal():
    """Rows of two of 40 orthogonal features."""
    rng = np.random.default_rng(0)
    features = np.linalg.qr(rng.standard_normal((40, 40)))[0]
    codes = (rng.random((4096, 40)).argsort(1) < 2) * (1 + rng.random((4096, 40)))
    return (codes @ features).astype(np.float32), torch.tensor(features, dtype=torch.float32)


def redirected(orthogonal, coder=None, copies=1, refine=0, epochs=4, **options):
    """A run whose dictionary has all features but the last ones, in whose places it has copies of others."""
    rows, features = orthogonal
    layout = Layout((40, 40), coder or TopK(2), centred=True, refine=refine)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
    features = features.clone()
    features[-copies:] = features[:copies]
    model.requires_grad_(False)
    for weight in (model.encoder[0].weight, model.dictionary):
        weight.copy_(features)
    step = Step(model.requires_grad_(True), Objective((SquaredError(),)))
    run = Run(step, Feed(Rows(rows), model.scale_rows, 512, 0), torch.optim.Adam(step.parameters()), 0.0, epochs)
    list(train(run))
    hook = Redirecting(Redirect(every=1, until=1, **options))
    before = {name: value.detach().clone() for name, value in step.named_parameters()}
    hook(run, None, None)
    return run, hook, before


@pytest.mark.parametrize("refine", [0, 1])
def test_of_two_latents_with_one_feature_one_is_pointed_at_the_feature_that_none_has(orthogonal, refine):
    run, hook, before = redirected(orthogonal, refine=refine)
    model, missing = run.step.model, orthogonal[1][-1]
    assert hook.n_redirected == 1
    changed = (model.dictionary != before["model.decoder.0.weight"]).any(1).nonzero()[:, 0].tolist()
    assert changed in ([0], [39])
    assert model.dictionary[changed[0]] @ missing > 0.99
    length = 0.5 * before["model.encoder.0.weight"][1:-1].norm(dim=1).mean()
    assert model.encoder[0].weight[changed[0]].norm().item() == pytest.approx(length.item(), rel=0.01)
    state = run.optimiser.state[model.dictionary]
    assert ((state["exp_avg"] == 0).all(1)).nonzero()[:, 0].tolist() == changed


def test_none_is_redirected_where_many_are_redundant(orthogonal):
    assert redirected(orthogonal, copies=3, most=0.2)[1].n_redirected == 3
    assert redirected(orthogonal, copies=3)[1].n_redirected == 0  # each of two copies is redundant: 6 of 40


def test_between_two_measurements_as_many_rows_are_trained_on_as_four_take(orthogonal):
    """One takes 64 · 40 / 2 rows, as many as 2.5 batches."""
    assert redirected(orthogonal, epochs=2)[1].n_redirected == 1
    assert redirected(orthogonal, epochs=1)[1].n_redirected == 0
    assert redirected(orthogonal, epochs=1, rows=1024)[1].n_redirected == 1


def test_a_latents_use_is_measured_with_one_more_code_in_each_row(orthogonal):
    for coder in (TopK(2, signed=True), ReLU()):
        assert coder.row_k(2) is None
        assert redirected(orthogonal, coder)[1].n_redirected == 0
    for coder in (JumpReLU(first_k=2), BatchTopK(2, first_k=2), Gated(first_k=2)):
        assert coder.row_k(5) == 2
        assert redirected(orthogonal, coder)[1].n_redirected == 1
    assert TopK(2).row_k(5) == 2
    for coder in (JumpReLU(), Gated()):  # after such a phase
        assert [coder.row_k(l0) for l0 in (2.4, 0.2)] == [2, 1]
    assert BatchTopK(2).row_k(5) == 2
    assert redirected(orthogonal, BatchTopK(2))[1].n_redirected == 1


def test_redirected_latents_find_features_that_gradients_do_not():
    rng = np.random.default_rng(1)
    features = rng.standard_normal((96, 32))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    rates = np.arange(1, 97) ** -0.5
    codes = (rng.random((20_000, 96)) < 3 * rates / rates.sum()) * rng.gamma(4, 0.3, (20_000, 96))
    X = (codes @ features).astype(np.float32)
    found = {}
    for revive in ("auxk", "auto"):
        model = DictionaryAutoencoder(96, k=3, revive=revive, max_iter=25, random_state=0).fit(X)
        found[revive] = mcc(model.components_, features)
    assert found["auxk"] + 0.01 < found["auto"]


def test_which_dictionaries_are_redirected():
    def recipe(**parameters):
        return DictionaryAutoencoder(16, k=2, **parameters)._run_parameters().redirect

    assert recipe() == recipe(sparsity="jumprelu") == recipe(revive="redirect") == Redirect()
    assert recipe(matryoshka="auto", revive="auxk+redirect") == Redirect()
    for parameters in ({"matryoshka": "auto"}, {"constraint": "frozen"}, {"revive": "auxk"}, {"sparsity": "topk:2"}):
        assert recipe(**parameters) is None
    with pytest.raises(RecipeError, match=r"^revive='auxk\+redirect' would change a frozen dictionary"):
        recipe(constraint="frozen", revive="auxk+redirect")
