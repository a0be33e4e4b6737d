"""Sparse probing with latents that are known to separate the classes; stability over seeds."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import train_test_split

from taciturn import DictionaryAutoencoder, datasets
from taciturn.core.errors import DataError, RecipeError
from taciturn.metrics import mcc, recall
from taciturn.probes import seed_stability, sparse_probing


def two_classes(n_rows=4000, share=0.5, seed=0):
    """Latent 2 separates the classes with noise, latent 4 a little; the others do not."""
    rng = np.random.default_rng(seed)
    y = rng.random(n_rows) < share
    codes = rng.normal(size=(n_rows, 6))
    codes[:, 2] += y
    codes[:, 4] += 0.6 * ~y
    return codes, y


def split(codes, y):
    half = len(y) // 2
    return codes[:half], y[:half], codes[half:], y[half:]


def test_the_latents_that_separate_the_classes_are_selected_in_order():
    codes, y = two_classes()
    probes = sparse_probing(*split(codes, y), k=(1, 2, 6))
    assert list(probes) == [1, 2, 6]
    assert probes[1].latents.tolist() == [[2]]
    assert probes[2].latents.tolist() == [[2, 4]]
    assert sorted(probes[6].latents[0]) == list(range(6))
    assert probes[1].classes.tolist() == [True]
    assert 0.5 < probes[1].mean < probes[2].mean


def test_the_probe_is_logistic_regression_on_the_selected_latents():
    codes, y = two_classes()
    train, y_train, test, y_test = split(codes, y)
    mean, std = train[:, [2, 4]].mean(0), train[:, [2, 4]].std(0)
    peer = LogisticRegression(class_weight="balanced").fit((train[:, [2, 4]] - mean) / std, y_train)
    predicted = peer.predict((test[:, [2, 4]] - mean) / std)
    wanted = (recall_score(y_test, predicted) + recall_score(~y_test, ~predicted)) / 2
    assert sparse_probing(train, y_train, test, y_test, k=[2])[2].accuracies.tolist() == [wanted]


@pytest.mark.parametrize("missing", [np.nan, None])
def test_rows_without_a_class_are_left_out_and_counted(missing):
    codes, y = two_classes()
    words = np.where(y, "yes", "no").astype(object)
    without = words.copy()
    without[::7] = missing
    kept = np.arange(len(y)) % 7 != 0
    train, test = slice(0, 2100), slice(2100, None)  # both begin with a row without a class
    probe = sparse_probing(codes[train], without[train].tolist(), codes[test], without[test], k=[2])[2]
    wanted = sparse_probing(
        codes[train][kept[train]], words[train][kept[train]], codes[test][kept[test]], words[test][kept[test]], k=[2]
    )[2]
    assert (probe.left_out, wanted.left_out) == ((~kept).sum(), 0)
    assert probe.accuracies.tolist() == wanted.accuracies.tolist()
    assert probe.classes.tolist() == ["yes"]


def test_chance_is_a_half_whatever_the_classes_sizes():
    """The accuracy of always predicting "no" would be 0.9."""
    codes, y = two_classes(share=0.1)
    unrelated = split(np.delete(codes, [2, 4], axis=1), y)
    assert sparse_probing(*unrelated, k=[1])[1].mean == pytest.approx(0.5, abs=0.05)
    assert sparse_probing(np.zeros((4, 1)), [0, 0, 0, 1], np.zeros((4, 1)), [0, 0, 0, 1], k=[1])[1].mean == 0.5
    assert sparse_probing(*split(codes, y), k=[2])[2].mean > 0.65


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csr_matrix, torch.tensor, lambda codes: 1e-6 * codes])
def test_the_form_and_the_units_of_codes_do_not_matter(form):
    train, y_train, test, y_test = split(*two_classes())
    wanted = sparse_probing(train, y_train, test, y_test)
    found = sparse_probing(form(train), y_train, form(test), y_test)
    for k in (1, 2, 5):
        assert_array_equal(found[k].latents, wanted[k].latents)
        assert_allclose(found[k].accuracies, wanted[k].accuracies)


def test_each_class_against_the_others():
    """Latents 0 … 9 indicate the digit, the others are pixels."""
    digits = load_digits()
    codes = np.hstack([np.eye(10)[digits.target] * 100, digits.data])
    train, test, y_train, y_test = train_test_split(codes, digits.target, stratify=digits.target, random_state=0)
    probes = sparse_probing(train, y_train, test, y_test, k=[1])[1]
    assert probes.classes.tolist() == probes.latents[:, 0].tolist() == list(range(10))
    assert probes.accuracies.tolist() == [1] * 10
    pixels = sparse_probing(train[:, 10:], y_train, test[:, 10:], y_test, k=(1, 5))
    assert 0.6 < pixels[1].mean < pixels[5].mean < 1
    assert pixels[5].latents.shape == (10, 5)


def test_a_latent_that_is_inactive_on_the_class_detects_it_as_well():
    codes = np.array([[0, 1.0], [0, 1.1], [1, 0.9], [1, 1.0]])
    assert sparse_probing(codes, list("bbaa"), codes, list("bbaa"), k=[1])[1].latents.tolist() == [[0]]
    assert sparse_probing(codes, list("bbaa"), codes, list("bbaa"), k=[1])[1].classes.tolist() == ["b"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"k": [7]}, RecipeError, r"k=7 lies outside \[1, 6\], the number of latents"),
        ({"k": [0]}, RecipeError, "k=0 lies outside"),
        ({"y_train": np.ones(2000)}, DataError, r"y_train has the classes \[1\.0\], .*; give two or more"),
        ({"y_test": np.zeros(2000, bool)}, DataError, r"y_test \[False\]; give two or more, the same in both"),
        (
            {"y_test": np.zeros(3)},
            DataError,
            r"y_test has shape \(3,\), but codes_test has 2000 rows; give one class per row",
        ),
        (
            {"codes_test": np.ones((2000, 5))},
            DataError,
            "codes_train has 6 latents, but codes_test has 5; give codes of one model",
        ),
        ({"codes_train": np.full((2000, 6), np.nan)}, DataError, "codes_train holds NaN or infinity; give"),
    ],
)
def test_wrong_usage(change, error, message):
    names = ("codes_train", "y_train", "codes_test", "y_test")
    with pytest.raises(error, match=message):
        sparse_probing(**(dict(zip(names, split(*two_classes()), strict=True)) | change))


# --- seed stability --------------------------------------------------------------------------------------------
def test_the_agreement_of_seeds_is_that_of_their_dictionaries():
    known = datasets.known_dictionary(2000, n_features=12, n_inputs=16, active=2, random_state=0)
    model = DictionaryAutoencoder(12, k=2, scaling="none", max_iter=5)
    found = seed_stability(model, known.rows, seeds=2)
    fits = (DictionaryAutoencoder(**model.get_params() | {"random_state": s}).fit(known.rows) for s in (0, 1))
    first, second = (fit.components_ / known.rows.std(0) for fit in fits)
    assert found.mcc == pytest.approx(mcc(first, second), rel=1e-5)
    assert found.shared == pytest.approx((recall(first, second) + recall(second, first)) / 2)


def test_frozen_dictionaries_agree_as_they_did_at_step_0():
    rows = datasets.known_dictionary(500, n_features=12, n_inputs=16, active=2, random_state=0).rows
    found = seed_stability(DictionaryAutoencoder(12, k=2, constraint="frozen", max_iter=2), rows, seeds=2)
    assert (found.shared, found.mcc) == (found.initial.shared, found.initial.mcc)
    assert found.mcc < 0.7
