"""Dictionaries beside each other: brute force over permutations and pairs, hand-worked cases, any block size."""

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
    monkeypatch.setattr(arrays, "BLOCK", request.param)


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
    assert mean_cosine([[1, 0], [0, 0], [2, 0]]) == pytest.approx(1 / 3)  # a dead row is like no other
    assert coherence(1e-200 * DIAGONAL) == coherence(1e200 * DIAGONAL) == pytest.approx(0.8)


# --- two ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_found", "n_true"), [(4, 4), (3, 5), (6, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_matched_is_the_best_of_all_assignments(n_found, n_true, seed):
    found, truth = random(n_found, seed=seed), random(n_true, seed=seed + 100)
    cosines = cosine_similarity(found, truth)
    if n_found >= n_true:
        ways = [[(row, at) for at, row in enumerate(way)] for way in permutations(range(n_found), n_true)]
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
    """Matching looks at lines, as SAELens' does; MMCS and recall at directions."""
    assert matched(DIAGONAL, np.eye(2)).cosines.tolist() == [1, -1]
    assert mcc(DIAGONAL, np.eye(2)) == 1
    assert mmcs(DIAGONAL, np.eye(2)) == pytest.approx(0.9)
    assert mmcs(-np.eye(2), np.eye(2)) == 0
    assert recall(DIAGONAL, np.eye(2)) == 0.5
    assert recall(DIAGONAL, np.eye(2), at=0.8) == 1
    assert recall(-np.eye(1), np.eye(1)) == 0


def test_itself_is_found_exactly():
    """Cosines of equal rows are 1 whatever the rounding, and never more."""
    truth = random(200, 17)
    found = truth[::-1] * 3
    assert recall(found, truth, at=1 - 1e-12) == 1
    assert 1 - 1e-12 < mmcs(found, truth) <= 1
    assert 1 - 1e-12 < mcc(found, truth) <= 1
    assert_array_equal(matched(found, truth).found, np.arange(200)[::-1])


def test_where_latents_are_too_few_only_recall_counts_what_is_missing():
    truth = np.eye(4)
    assert mcc(truth[:2], truth) == 1
    assert recall(truth[:2], truth) == mmcs(truth[:2], truth) == 0.5


def test_a_decoder_is_taken_as_it_lies():
    decoder = torch.nn.Parameter(torch.from_numpy(DIAGONAL))
    assert mcc(decoder, torch.eye(2)) == mcc(DIAGONAL.tolist(), np.eye(2)) == 1


@pytest.mark.parametrize("measure", [matched, nearest, mcc, mmcs, recall])
@pytest.mark.parametrize(
    ("found", "message"),
    [
        (np.eye(3), "found has rows of 3 numbers, truth of 2; give the same inputs"),
        (np.zeros((0, 2)), r"found has shape \(0, 2\); give \[rows, columns\]"),
        (np.ones(2), r"found has shape \(2,\)"),
        ([[np.nan, 1]], "found holds NaN or infinity"),
    ],
)
def test_what_cannot_be_compared(measure, found, message):
    with pytest.raises(DataError, match=message):
        measure(found, np.eye(2))


def test_no_cosine():
    with pytest.raises(RecipeError, match="at=90 is no cosine; give a number from -1 to 1"):
        recall(np.eye(2), np.eye(2), at=90)


# --- seeds ----------------------------------------------------------------------------------------------------


def test_stability_is_the_mean_over_pairs():
    one, two, three = np.eye(4), np.eye(4)[[1, 0, 2, 3]] * 2, np.eye(4)[:2]
    found = stability([one, two, three])
    # of one and two everything is shared; three has half of each, and each has all of three
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


def test_stability_needs_company():
    with pytest.raises(RecipeError, match="1 dictionary has nothing to be compared with; give two or more"):
        stability([np.eye(2)])
    with pytest.raises(RecipeError, match="initial holds 1 dictionaries, but 2 are compared"):
        stability([np.eye(2)] * 2, initial=[np.eye(2)])
