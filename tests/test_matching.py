"""Comparison of dictionaries: brute force over permutations and pairs, cases by hand, any block size."""

from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics.pairwise import cosine_similarity

from taciturn.core.errors import DataError, RecipeError
from taciturn.metrics import arrays, coherence, matched, mcc, mean_cosine, mmcs, nearest, recall, stability

DIAGONAL = np.array([[3.0, 4.0], [5.0, 0.0], [0.0, -1.0]])  # 0.8 from e2, on e1, against e2


@pytest.fixture(params=[1024, 3, 1], ids=lambda size: f"blocks of {size}")
def _blocks(request, monkeypatch):
    monkeypatch.setattr(arrays, "BLOCK_ROWS", request.param)


def random(n_rows, n_inputs=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_rows, n_inputs)) * rng.uniform(0.01, 100, (n_rows, 1))


# --- one dictionary ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize("n_rows", [2, 7, 9])
def test_cosines_within_a_dictionary_are_scikit_learns(n_rows):
    rows = random(n_rows)
    cosines = [abs(cosine_similarity(rows)[i, j]) for i, j in combinations(range(n_rows), 2)]
    assert coherence(rows) == pytest.approx(max(cosines), rel=1e-12)
    assert mean_cosine(rows) == pytest.approx(np.mean(cosines), rel=1e-12)


def test_cosines_within_small_dictionaries():
    assert coherence(np.eye(4)) == mean_cosine(np.eye(4)) == 0
    assert coherence([[1, 2]]) == mean_cosine([[1, 2]]) == 0  # no two rows
    assert coherence([[1, 1], [-2, -2], [1, 0]]) == pytest.approx(1)
    assert mean_cosine([[1, 0], [0, 0], [2, 0]]) == pytest.approx(1 / 3)  # a row of zeros has cosine 0 with the others
    assert coherence(1e-200 * DIAGONAL) == coherence(1e200 * DIAGONAL) == pytest.approx(0.8)


# --- two ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_found", "n_true"), [(4, 4), (3, 5), (6, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_matched_is_the_best_of_all_assignments(n_found, n_true, seed):
    found, truth = random(n_found, seed=seed), random(n_true, seed=seed + 100)
    cosines = cosine_similarity(found, truth)
    if n_found >= n_true:
        ways = [[(row, feature) for feature, row in enumerate(way)] for way in permutations(range(n_found), n_true)]
    else:
        ways = [list(enumerate(way)) for way in permutations(range(n_true), n_found)]
    best = max(ways, key=lambda way: sum(abs(cosines[pair]) for pair in way))
    pairs = matched(found, truth)
    assert sorted(zip(pairs.found.tolist(), pairs.truth.tolist(), strict=True)) == sorted(best)
    assert_array_equal(pairs.truth, np.sort(pairs.truth))
    assert_allclose(pairs.cosines, cosines[pairs.found, pairs.truth], rtol=1e-12)
    assert mcc(found, truth) == pytest.approx(np.mean([abs(cosines[pair]) for pair in best]))


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize(("n_found", "n_true"), [(7, 4), (4, 7), (1, 3)])
def test_the_nearest_are_those_of_all_cosines(n_found, n_true):
    found, truth = random(n_found), random(n_true, seed=1)
    cosines = cosine_similarity(found, truth)
    pairs = nearest(found, truth)
    assert_array_equal(pairs.found, np.arange(n_found))
    assert_array_equal(pairs.truth, abs(cosines).argmax(1))
    assert_allclose(pairs.cosines, cosines[np.arange(n_found), abs(cosines).argmax(1)])
    assert mmcs(found, truth) == pytest.approx(cosines.max(0).mean())
    for at in (-1, 0, 0.3, 0.7):
        assert recall(found, truth, at=at) == (cosines.max(0) >= at).mean()


def test_signs():
    """Matching ignores signs, as in SAELens; MMCS and recall do not."""
    assert matched(DIAGONAL, np.eye(2)).cosines.tolist() == [1, -1]
    assert mcc(DIAGONAL, np.eye(2)) == 1
    assert mmcs(DIAGONAL, np.eye(2)) == pytest.approx(0.9)
    assert mmcs(-np.eye(2), np.eye(2)) == 0
    assert recall(DIAGONAL, np.eye(2)) == 0.5
    assert recall(DIAGONAL, np.eye(2), at=0.8) == 1
    assert recall(-np.eye(1), np.eye(1)) == 0


def test_a_dictionary_matches_itself_exactly():
    """Cosines of equal rows are 1 whatever the rounding, and never more."""
    truth = random(200, 17)
    found = truth[::-1] * 3
    assert recall(found, truth, at=1 - 1e-12) == 1
    assert 1 - 1e-12 < mmcs(found, truth) <= 1
    assert 1 - 1e-12 < mcc(found, truth) <= 1
    assert_array_equal(matched(found, truth).found, np.arange(200)[::-1])


def test_with_too_few_latents_recall_counts_the_missing_features():
    truth = np.eye(4)
    assert mcc(truth[:2], truth) == 1
    assert recall(truth[:2], truth) == mmcs(truth[:2], truth) == 0.5


def test_parameters_tensors_and_lists_are_accepted():
    decoder = torch.nn.Parameter(torch.from_numpy(DIAGONAL))
    assert mcc(decoder, torch.eye(2)) == mcc(DIAGONAL.tolist(), np.eye(2)) == 1


@pytest.mark.parametrize("measure", [matched, nearest, mcc, mmcs, recall])
@pytest.mark.parametrize(
    ("found", "message"),
    [
        (np.eye(3), "found has 3 columns, but truth has 2; both need the same inputs"),
        (np.zeros((0, 2)), r"found has shape \(0, 2\); give \[rows, columns\]"),
        (np.ones(2), r"found has shape \(2,\)"),
        ([[np.nan, 1]], "found holds NaN or infinity; give finite numbers"),
    ],
)
def test_dictionaries_that_do_not_fit_are_refused(measure, found, message):
    with pytest.raises(DataError, match=message):
        measure(found, np.eye(2))


def test_a_threshold_that_is_not_a_cosine_is_refused():
    with pytest.raises(RecipeError, match="at=90 is not a cosine; give a number from -1 to 1"):
        recall(np.eye(2), np.eye(2), at=90)


# --- seeds ----------------------------------------------------------------------------------------------------


def test_stability_is_the_mean_over_pairs():
    one, two, three = np.eye(4), np.eye(4)[[1, 0, 2, 3]] * 2, np.eye(4)[:2]
    found = stability([one, two, three])
    # one and two share all rows; three has half of the rows of each, and each has all rows of three
    assert found.shared == pytest.approx((1 + 1 + 0.5 + 0.5 + 1 + 1) / 6)
    assert found.mcc == 1
    assert found.initial is None
    turned = stability([np.eye(2), [[3, 4], [-4, 3]]])
    assert (turned.shared, turned.mcc) == (0, pytest.approx(0.8))
    assert stability([np.eye(2), [[3, 4], [-4, 3]]], at=0.8).shared == 0.5


def test_stability_at_the_start():
    trained, starts = [np.eye(2), np.eye(2)[::-1]], [np.eye(2), [[3, 4], [-4, 3]]]
    found = stability(trained, initial=starts, at=0.7)
    assert (found.shared, found.mcc) == (1, 1)
    assert found.initial == stability(starts, at=0.7)
    assert found.initial.shared < 1


def test_stability_requires_two_dictionaries():
    with pytest.raises(RecipeError, match="stability needs two or more dictionaries, but got 1; train more seeds"):
        stability([np.eye(2)])
    with pytest.raises(RecipeError, match="initial has 1 dictionaries, but 2 are compared; give one for each"):
        stability([np.eye(2)] * 2, initial=[np.eye(2)])
