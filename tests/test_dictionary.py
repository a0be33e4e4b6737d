"""The sparse dictionary: what it finds where the truth is known, and that k a row is what it says."""

import pickle

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from taciturn import DictionaryAutoencoder, datasets, load
from taciturn.care import Resample, UnitNorm, geometric_median, rewrite
from taciturn.errors import RecipeError, TaciturnWarning
from taciturn.feed import Feed
from taciturn.metrics import mcc
from taciturn.model import Autoencoder, Layout
from taciturn.schedules import Decay
from taciturn.sources import Rows
from taciturn.sparsify import BatchTopK, Gated, JumpReLU, ReLU, TopK
from taciturn.step import Step
from taciturn.terms import L0, L1, AuxK, GatedAux, Matryoshka, Objective, SquaredError
from taciturn.trainer import Revival, Run, train

KINDS = ["topk", "batch_topk", "jumprelu", "gated", "l1"]
N_FEATURES, N_INPUTS, ACTIVE = 48, 24, 3


@pytest.mark.filterwarnings("ignore::taciturn.errors.TaciturnWarning")  # k above one latent, targets of ten rows
@parametrize_with_checks(
    [
        DictionaryAutoencoder(16, k=4, max_iter=3),
        DictionaryAutoencoder(16, k=4, sparsity="batch_topk", matryoshka="auto", max_iter=3),
        DictionaryAutoencoder(16, k=4, sparsity="jumprelu", sparse_output=False, max_iter=3),
        DictionaryAutoencoder(16, k=4, sparsity="gated", refine=1, max_iter=3),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def drawn(n_rows, start=0):
    return datasets.known_dictionary(
        n_rows, N_FEATURES, N_INPUTS, active=ACTIVE, magnitude_std=0.3, noise=0.02, start=start, random_state=3
    )


@pytest.fixture(scope="module")
def known():
    return drawn(12288)


@pytest.fixture(scope="module")
def held():
    return drawn(4096, start=12288).rows


@pytest.fixture(scope="module", params=KINDS)
def fitted(request, known):
    model = DictionaryAutoencoder(
        N_FEATURES, k=ACTIVE, sparsity=request.param, learning_rate="decay:0.01,last=0.3", max_iter=12, random_state=0
    )
    return model.fit(known.rows)


def test_k_is_met_on_rows_never_seen_by_learning_and_the_error_is_small(fitted, held):
    codes = fitted.transform(held)
    # topk and batch_topk say no more than k, and less of rows that have fewer positive latents
    assert codes.nnz / len(held) == pytest.approx(ACTIVE, rel=0.05)
    assert fitted.score(held) > 0.6  # one could say nothing at the right rate


def test_the_truth_is_found(fitted, known):
    # random directions of 24 inputs match with about .55
    assert mcc(fitted.components_, known.features) > (0.9 if fitted.sparsity == "topk" else 0.8)


def test_the_dictionary_has_rows_of_length_1_and_the_network_is_centred(fitted):
    np.testing.assert_allclose(np.linalg.norm(fitted.components_, axis=1), 1, atol=1e-6)
    assert (fitted.settings_.layout.centred, fitted.settings_.layout.tied) == (True, False)


def test_sparse_and_dense_codes_are_the_same(fitted, held):
    codes = fitted.transform(held)
    assert sparse.issparse(codes)
    assert (codes.format, codes.has_sorted_indices, (codes.data != 0).all()) == ("csr", True, True)
    dense = fitted.set_params(sparse_output=False).transform(held)
    fitted.set_params(sparse_output="auto")
    np.testing.assert_array_equal(codes.toarray(), dense)
    np.testing.assert_array_equal(fitted.inverse_transform(codes), fitted.inverse_transform(dense))
    np.testing.assert_allclose(fitted.inverse_transform(codes), fitted.denoise(held), atol=1e-5)


def test_a_rows_codes_do_not_depend_on_the_rows_beside_it(fitted, held):
    alone = np.concatenate([fitted.transform(held[i : i + 1]).toarray() for i in range(20)])
    np.testing.assert_allclose(alone, fitted.transform(held).toarray()[:20], atol=1e-5)


def test_saved_and_pickled_it_says_the_same(fitted, held, tmp_path):
    wanted = fitted.transform(held).toarray()
    fitted.save(tmp_path / "model")
    for again in (load(tmp_path / "model"), pickle.loads(pickle.dumps(fitted))):
        assert isinstance(again, DictionaryAutoencoder)
        np.testing.assert_array_equal(again.transform(held).toarray(), wanted)


def test_data_frames_are_dense(known):
    model = DictionaryAutoencoder(8, k=2, max_iter=1, random_state=0).fit(known.rows).set_output(transform="pandas")
    frame = model.transform(known.rows)
    assert frame.shape == (12288, 8)
    assert frame.columns[0] == "dictionaryautoencoder0"


def test_codes_go_on_through_a_pipeline(digits):
    labels = np.arange(len(digits)) % 2
    pipeline = make_pipeline(DictionaryAutoencoder(32, k=4, max_iter=2, random_state=0), LogisticRegression())
    assert pipeline.fit(digits, labels).predict(digits).shape == (len(digits),)


def test_partial_fit_learns(known, held):
    model = DictionaryAutoencoder(N_FEATURES, k=ACTIVE, sparsity="batch_topk", random_state=0)
    for _ in range(3):
        model.partial_fit(known.rows)
    first = model.score(held)
    for _ in range(12):
        model.partial_fit(known.rows)
    assert model.score(held) > first > 0


# --- what the words stand for ------------------------------------------------------------------------------------
PARTS = {
    "topk": (TopK(3), (SquaredError(), AuxK())),
    "batch_topk": (BatchTopK(3), (SquaredError(), AuxK())),
    "jumprelu": (JumpReLU(), (SquaredError(), L0(l0=3))),
    "gated": (Gated(), (SquaredError(), L1(l0=3), GatedAux())),
    "l1": (ReLU(), (SquaredError(), L1(l0=3))),
    "topk:5": (TopK(5), (SquaredError(),)),  # what is written in full is not added to
}


@pytest.mark.parametrize("sparsity", PARTS)
def test_a_word_stands_for_a_coding_layer_and_its_terms(digits, sparsity):
    model = DictionaryAutoencoder(16, k=3, sparsity=sparsity, max_iter=1, random_state=0).fit(digits)
    assert (model.settings_.layout.coder, model.settings_.objective.terms) == PARTS[sparsity]


def test_matryoshka_takes_the_errors_place(digits):
    given = DictionaryAutoencoder(16, k=3, matryoshka=(4, 8), max_iter=1, random_state=0).fit(digits)
    assert given.settings_.objective.terms[0] == Matryoshka(widths=(4, 8))


def test_more_latents_a_row_than_there_are_are_all(digits):
    with pytest.warns(TaciturnWarning, match="k=40 exceeds n_components=16; all latents may speak"):
        model = DictionaryAutoencoder(16, k=40, max_iter=1, random_state=0).fit(digits)
    assert model.settings_.layout.coder == TopK(16)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"k": 0}, "k=0 must be a positive whole number"),
        ({"k": 2.5}, "k=2.5 must be a positive whole number"),
        ({"n_components": (8, 4)}, "n_components=(8, 4) must be a positive whole number"),
        ({"sparse_output": "no"}, "sparse_output='no' must be True, False or 'auto'"),
        ({"matryoshka": "yes"}, "matryoshka='yes' must be None, 'auto' or a tuple of sizes"),
        ({"sparsity": "topk:3+kl:0.1"}, "kl needs values in (0, 1); this model offers ranking, zeros"),
    ],
)
def test_what_cannot_be(digits, parameters, said):
    with pytest.raises(RecipeError) as refused:
        DictionaryAutoencoder(**({"n_components": 16, "k": 3, "max_iter": 1} | parameters)).fit(digits).transform(
            digits
        )
    assert str(refused.value).startswith(said)


# --- care ------------------------------------------------------------------------------------------------------
def test_unit_norm_takes_out_what_would_only_change_a_rows_length():
    W = torch.nn.Parameter(torch.tensor([[3.0, 4.0], [0.0, 2.0]]))
    W.grad = torch.tensor([[1.0, 0.0], [5.0, 7.0]])
    with torch.no_grad():
        UnitNorm().before(W)
        # (1, 0) less its part along (.6, .8), .6 (.6, .8)
        np.testing.assert_allclose(W.grad, [[0.64, -0.48], [5.0, 0.0]], atol=1e-6)
        UnitNorm().after(W)
    np.testing.assert_allclose(W.detach(), [[0.6, 0.8], [0.0, 1.0]], atol=1e-6)


def test_the_geometric_median_has_the_least_sum_of_distances():
    x = np.random.default_rng(0).standard_t(2, (60, 3))
    least = minimize(lambda m: np.linalg.norm(x - m, axis=1).sum(), x.mean(0), method="Nelder-Mead", tol=1e-10)
    np.testing.assert_allclose(geometric_median(torch.tensor(x)), least.x, atol=1e-4)


def test_rewriting_rows_forgets_what_the_optimiser_remembers_of_them():
    W = torch.nn.Parameter(torch.ones(4, 2))
    optimiser = torch.optim.Adam([W], lr=0.1)
    W.square().sum().backward()
    optimiser.step()
    before = W.detach().clone()
    rewrite(optimiser, torch.tensor([1, 3]), {W: torch.tensor([[5.0, 6.0], [7.0, 8.0]])})
    np.testing.assert_array_equal(W.detach(), [before[0].tolist(), [5, 6], before[2].tolist(), [7, 8]])
    for moment in ("exp_avg", "exp_avg_sq"):
        assert ((optimiser.state[W][moment] == 0).all(1) == torch.tensor([False, True, False, True])).all()


def test_when_latents_begin_anew():
    recipe = Resample(every=0.1, until=0.5)
    assert [step for step in range(1, 101) if recipe.due(step, 100)] == [10, 20, 30, 40, 50]


def revived(known, seed):
    """A run of which two latents are dead, after its revival."""
    rng = torch.Generator().manual_seed(0)
    model = Autoencoder(Layout((N_INPUTS, 6), JumpReLU(), centred=True), rng=rng)
    step = Step(model, Objective((SquaredError(),)))
    feed = Feed(Rows(known.rows[:64]), model.normalise, 32, seed)
    run = Run(step, feed, torch.optim.Adam(step.parameters(), 1e-3), 1e-3, epochs=1)
    list(train(run))
    step.silent.copy_(torch.tensor([0, 10_000, 3, 9_999, 10_001, 0]))
    before = {name: value.detach().clone() for name, value in step.named_parameters()}
    Revival(Resample(every=0.5, until=1, rows=64))(run, None, None)
    return run, before


def test_dead_latents_begin_anew_where_rows_are_said_badly(known):
    run, before = revived(known, seed=1)
    model, dead, living = run.step.model, [1, 4], [0, 2, 3, 5]
    x = torch.from_numpy(known.rows[:64])
    old = Autoencoder(model.layout, rng=torch.Generator()).requires_grad_(False)
    old.load_state_dict({name.removeprefix("model."): v for name, v in before.items()}, strict=False)
    left = x - old.decode(old.code(x))
    left = left / left.norm(dim=1, keepdim=True)
    now = {name: value.detach() for name, value in run.step.named_parameters()}
    for name, value in now.items():  # the decoder's own bias is no latent's
        rows = living if len(value) == 6 else range(len(value))
        np.testing.assert_array_equal(value[rows], before[name][rows], err_msg=name)
    length = before["model.decoder.0.weight"][living].norm(dim=1).mean()
    whisper = 0.2 * before["model.encoder.0.weight"][living].norm(dim=1).mean()
    for latent in dead:
        direction = now["model.decoder.0.weight"][latent] / length
        assert (left @ direction).max().item() == pytest.approx(1, abs=1e-5)  # what is left over of some row
        np.testing.assert_allclose(now["model.encoder.0.weight"][latent], whisper * direction, rtol=1e-5, atol=1e-7)
        assert now["model.encoder.0.bias"][latent] == 0
        assert now["model.coder.value"][latent].item() == pytest.approx(
            before["model.coder.value"][living].mean().item()
        )
    assert run.step.silent.tolist() == [0, 0, 3, 9_999, 0, 0]
    state = run.optimiser.state[model.dictionary]
    assert ((state["exp_avg"] == 0).all(1)).nonzero()[:, 0].tolist() == dead


def test_which_rows_is_drawn_by_the_seed(known):
    one, again, other = (revived(known, seed)[0].step.model.dictionary.detach()[[1, 4]] for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_resampling_brings_the_dead_back_to_find_features(known):
    found = {}
    for hooks in ((), (Revival(Resample(after=500)),)):
        rng = torch.Generator().manual_seed(0)
        model = Autoencoder(Layout((N_INPUTS, N_FEATURES), TopK(ACTIVE), centred=True), rng=rng)
        with torch.no_grad():
            model.encoder[0].bias[::2] = -50  # never among the largest, and no gradient reaches them
        step = Step(model, Objective((SquaredError(),)))
        feed = Feed(Rows(known.rows), model.normalise, 128, seed=0)
        optimiser = torch.optim.Adam(step.parameters(), 0.01)
        list(train(Run(step, feed, optimiser, Decay(0.01), 10, UnitNorm(), hooks=hooks)))
        found[len(hooks)] = mcc(model.dictionary, known.features)
    assert found[0] < 0.75 < 0.85 < found[1]


def test_whitening_follows_all_rows_seen_through_a_save(tmp_path):
    X = np.random.default_rng(0).normal(size=(300, 6)) @ np.random.default_rng(1).normal(size=(6, 6)) + 3
    whole = DictionaryAutoencoder(8, k=2, scaling="whiten:1e-6", random_state=0).partial_fit(X)
    parts = DictionaryAutoencoder(8, k=2, scaling="whiten:1e-6", random_state=0).partial_fit(X[:170])
    parts.save(tmp_path / "run")
    loaded = DictionaryAutoencoder.load(tmp_path / "run").partial_fit(X[170:])
    parts.partial_fit(X[170:])
    wanted = whole.module_.whitening
    np.testing.assert_allclose(
        np.cov((whole.module_.normalise(torch.from_numpy(X))).T, bias=True), np.eye(6), atol=1e-5
    )
    np.testing.assert_allclose(parts.module_.whitening, wanted, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(loaded.module_.whitening, wanted, rtol=1e-9, atol=1e-9)
