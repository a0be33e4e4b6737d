"""The sparse dictionary: it finds known features, and k latents are active per row."""

import pickle

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from taciturn import DictionaryAutoencoder, datasets, load
from taciturn.core.errors import RecipeError, TaciturnWarning
from taciturn.core.schedules import Linear, Until
from taciturn.metrics import mcc
from taciturn.model import Common, Standard
from taciturn.model.coding_layers import BatchTopK, Gated, JumpReLU, ReLU, TopK
from taciturn.objective import L0, L1, AuxK, GatedAux, Matryoshka, SquaredError

KINDS = ["topk", "batch_topk", "jumprelu", "gated", "l1"]
N_FEATURES, N_INPUTS, ACTIVE = 48, 24, 3


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")  # k above one latent, targets of ten rows
@parametrize_with_checks(
    [
        DictionaryAutoencoder(16, k=4, max_iter=3),
        DictionaryAutoencoder(16, k=4, sparsity="batch_topk", matryoshka="auto", max_iter=3),
        DictionaryAutoencoder(16, k=4, sparsity="jumprelu", sparse_output=False, max_iter=3),
        DictionaryAutoencoder(16, k=4, sparsity="gated", refine=1, max_iter=3),
        DictionaryAutoencoder(16, k=4, outputs="input+codes", max_iter=3),
        DictionaryAutoencoder(16, k=4, scaling="row_norm", max_iter=3),
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
def held_out():
    return drawn(4096, start=12288).rows


@pytest.fixture(scope="module", params=KINDS)
def fitted(request, known):
    model = DictionaryAutoencoder(
        N_FEATURES, k=ACTIVE, sparsity=request.param, learning_rate="decay:0.01,last=0.3", max_iter=12, random_state=0
    )
    return model.fit(known.rows)


def test_k_is_reached_on_held_out_rows_and_the_error_is_small(fitted, held_out):
    codes = fitted.transform(held_out)
    # topk and batch_topk select at most k, and fewer on rows with fewer positive pre-activations
    assert codes.nnz / len(held_out) == pytest.approx(ACTIVE, rel=0.05)
    assert fitted.score(held_out) > 0.6  # a useless model could have the right L0 as well


def test_the_known_features_are_found(fitted, known):
    # random directions of 24 inputs match with about .55
    assert mcc(fitted.components_, known.features) > (0.9 if fitted.sparsity == "topk" else 0.8)


def test_the_dictionary_has_rows_of_length_1_and_the_network_is_centred(fitted):
    np.testing.assert_allclose(np.linalg.norm(fitted.components_, axis=1), 1, atol=1e-6)
    assert (fitted.settings_.layout.centred, fitted.settings_.layout.tied) == (True, False)


def test_sparse_and_dense_codes_are_the_same(fitted, held_out):
    codes = fitted.transform(held_out)
    assert sparse.issparse(codes)
    assert (codes.format, codes.has_sorted_indices, (codes.data != 0).all()) == ("csr", True, True)
    dense = fitted.set_params(sparse_output=False).transform(held_out)
    fitted.set_params(sparse_output="auto")
    np.testing.assert_array_equal(codes.toarray(), dense)
    np.testing.assert_array_equal(fitted.inverse_transform(codes), fitted.inverse_transform(dense))
    np.testing.assert_allclose(fitted.inverse_transform(codes), fitted.denoise(held_out), atol=1e-5)


def test_a_rows_codes_do_not_depend_on_the_rows_beside_it(fitted, held_out):
    alone = np.concatenate([fitted.transform(held_out[i : i + 1]).toarray() for i in range(20)])
    np.testing.assert_allclose(alone, fitted.transform(held_out).toarray()[:20], atol=1e-5)


def test_saved_and_pickled_models_return_the_same_codes(fitted, held_out, tmp_path):
    expected = fitted.transform(held_out).toarray()
    fitted.save(tmp_path / "model")
    for again in (load(tmp_path / "model"), pickle.loads(pickle.dumps(fitted))):
        assert isinstance(again, DictionaryAutoencoder)
        np.testing.assert_array_equal(again.transform(held_out).toarray(), expected)


def test_data_frames_are_dense(known):
    model = DictionaryAutoencoder(8, k=2, max_iter=1, random_state=0).fit(known.rows).set_output(transform="pandas")
    frame = model.transform(known.rows)
    assert frame.shape == (12288, 8)
    assert frame.columns[0] == "dictionaryautoencoder0"


def test_codes_pass_through_a_pipeline(digits):
    labels = np.arange(len(digits)) % 2
    pipeline = make_pipeline(DictionaryAutoencoder(32, k=4, max_iter=2, random_state=0), LogisticRegression())
    assert pipeline.fit(digits, labels).predict(digits).shape == (len(digits),)


def test_partial_fit_learns(known, held_out):
    model = DictionaryAutoencoder(N_FEATURES, k=ACTIVE, sparsity="batch_topk", random_state=0)
    for _ in range(3):
        model.partial_fit(known.rows)
    first = model.score(held_out)
    for _ in range(12):
        model.partial_fit(known.rows)
    assert model.score(held_out) > first > 0


# --- names and their parts -------------------------------------------------------------------------------------
FALLING = Until(Linear(6, 3, over=0.3), 0.3)
PARTS = {
    "topk": (TopK(Linear(6, 3, over=0.5)), (SquaredError(), AuxK())),
    "batch_topk": (BatchTopK(3, first_k=FALLING), (SquaredError(), AuxK())),
    "jumprelu": (JumpReLU(first_k=FALLING), (SquaredError(), L0(l0=3), AuxK())),
    "gated": (Gated(first_k=FALLING), (SquaredError(), L1(l0=3), GatedAux(), AuxK())),
    "l1": (ReLU(), (SquaredError(), L1(l0=3))),
    "topk:5": (TopK(5), (SquaredError(),)),  # a recipe written in full gets no further terms
}


@pytest.mark.parametrize("sparsity", PARTS)
def test_a_name_is_a_coding_layer_and_its_terms(digits, sparsity):
    model = DictionaryAutoencoder(16, k=3, sparsity=sparsity, max_iter=1, random_state=0).fit(digits)
    assert (model.settings_.layout.coder, model.settings_.objective.terms) == PARTS[sparsity]


def test_a_trained_dictionary_starts_near_rows_and_a_frozen_or_nested_one_does_not(digits):
    models = [DictionaryAutoencoder(16, k=3, max_iter=1, constraint=each) for each in ("unit_norm", "frozen")]
    models.append(DictionaryAutoencoder(16, k=3, max_iter=1, matryoshka="auto"))
    assert [model.fit(digits).settings_.layout.from_rows for model in models] == [0.3, 0.0, 0.0]


def test_columns_of_one_kind_keep_their_relative_scale():
    X = np.random.default_rng(0).standard_normal((600, 6)) * [1, 1, 1, 1, 1, 3] + 100
    models = [DictionaryAutoencoder(8, k=2, max_iter=1).fit(X * scale) for scale in (1.0, [1, 1, 1, 1, 1, 2])]
    assert [model.settings_.scaling for model in models] == [Common(), Standard()]


@pytest.mark.parametrize(
    ("size", "rate"), [("auto", 3e-3), (64, 3e-3), (1024, 6e-3), (np.int64(1024), 6e-3), (8192, 1e-2)]
)
def test_larger_batches_take_larger_steps(size, rate):
    X = np.random.default_rng(0).random((40, 6))
    model = DictionaryAutoencoder(8, k=2, max_iter=1, batch_size=size).fit(X)
    assert model.settings_.learning_rate.at(0.0) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("latents", "size", "rates"),
    [(1024, 256, [3e-3, 3e-3, 3e-3]), (16384, 256, [0, 0.75e-3, 1.5e-3]), (16384, 1024, [0, 1.5e-3, 3e-3])],
)
def test_many_latents_take_smaller_steps_which_grow_at_first(latents, size, rates):
    X = np.random.default_rng(0).random((40, 6))
    rate = DictionaryAutoencoder(latents, k=2, max_iter=1, batch_size=size).fit(X).settings_.learning_rate
    assert [rate.at(progress) for progress in (0, 0.05, 0.5)] == pytest.approx(rates)


def test_a_nested_dictionary_starts_as_topk_for_longer(digits):
    model = DictionaryAutoencoder(16, k=3, sparsity="batch_topk", matryoshka="auto", max_iter=1, random_state=0)
    assert model.fit(digits).settings_.layout.coder == BatchTopK(3, first_k=Until(Linear(6, 3, over=0.5), 0.6))


def test_matryoshka_replaces_the_reconstruction_error(digits):
    model = DictionaryAutoencoder(16, k=3, matryoshka=(4, 8), max_iter=1, random_state=0).fit(digits)
    assert model.settings_.objective.terms[0] == Matryoshka(widths=(4, 8))


def test_a_k_above_the_number_of_latents_is_lowered_to_it(digits):
    with pytest.warns(TaciturnWarning, match="k=40 exceeds n_components=16; all latents may be active"):
        model = DictionaryAutoencoder(16, k=40, max_iter=1, random_state=0).fit(digits)
    assert model.settings_.layout.coder == TopK(16)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"k": 0}, "k=0 must be a positive whole number"),
        ({"k": 2.5}, "k=2.5 must be a positive whole number"),
        ({"n_components": (8, 4)}, "n_components=(8, 4) must be a positive whole number"),
        ({"sparse_output": "no"}, "sparse_output='no' must be True, False or 'auto'"),
        ({"matryoshka": "yes"}, "matryoshka='yes' must be None, 'auto' or a tuple of sizes"),
        (
            {"sparsity": "topk:3+kl:0.1"},
            "kl requires codes in (0, 1); this model provides exact zeros, rankable codes",
        ),
    ],
)
def test_impossible_parameters(digits, parameters, message):
    with pytest.raises(RecipeError) as raised:
        DictionaryAutoencoder(**({"n_components": 16, "k": 3, "max_iter": 1} | parameters)).fit(digits).transform(
            digits
        )
    assert str(raised.value).startswith(message)


def test_whitening_follows_all_rows_seen_through_a_save(tmp_path):
    X = np.random.default_rng(0).normal(size=(300, 6)) @ np.random.default_rng(1).normal(size=(6, 6)) + 3
    whole = DictionaryAutoencoder(8, k=2, scaling="whiten:1e-6", random_state=0).partial_fit(X)
    parts = DictionaryAutoencoder(8, k=2, scaling="whiten:1e-6", random_state=0).partial_fit(X[:170])
    parts.save(tmp_path / "run")
    loaded = DictionaryAutoencoder.load(tmp_path / "run").partial_fit(X[170:])
    parts.partial_fit(X[170:])
    expected = whole.module_.whitening
    np.testing.assert_allclose(
        np.cov((whole.module_.scale_rows(torch.from_numpy(X))).T, bias=True), np.eye(6), atol=1e-5
    )
    np.testing.assert_allclose(parts.module_.whitening, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(loaded.module_.whitening, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")
@pytest.mark.parametrize("scaling", ["standard", "row_norm", "robust"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_offset_of_a_hundred_standard_deviations_costs_nothing(kind, scaling):
    """In float64, so that the rows themselves are not rounded by the offset."""
    known = datasets.known_dictionary(800, n_features=32, n_inputs=16, active=2, random_state=0)
    rows = known.rows.astype(np.float64)
    offset = 100 * rows.std(0) * np.random.default_rng(0).choice([-1, 1], 16)
    fits = [
        DictionaryAutoencoder(32, k=2, sparsity=kind, scaling=scaling, max_iter=6, random_state=0).fit(rows[:600] + by)
        for by in (0, offset)
    ]
    plain, moved = (model.score(rows[600:] + by) for model, by in zip(fits, (0, offset), strict=True))
    assert plain > 0.15
    assert moved == pytest.approx(plain, abs=2e-3)
    assert np.abs(fits[1].components_ - fits[0].components_).max() < 0.02
