"""Latents as detectors of features, and absorption of parents by children: loops, cases by hand, known rows."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics import precision_recall_fscore_support

from taciturn.core.errors import DataError, RecipeError
from taciturn.datasets import Hierarchy, known_dictionary
from taciturn.metrics import Matching, absorption, detection, matched, nearest
from taciturn.probes import relate

FORMS = [np.asarray, sparse.csr_array, sparse.csr_matrix, sparse.coo_array, torch.tensor]


def pairs(found, truth):
    return Matching(np.array(found), np.array(truth), np.ones(len(found)))


def sparse_codes(n_rows, n_columns, seed):
    """Signed codes, three quarters of them 0."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_rows, n_columns)) * (rng.random((n_rows, n_columns)) < 0.25)


# --- detection --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_detection_is_scikit_learns(form):
    codes, activations = sparse_codes(200, 6, 0), abs(sparse_codes(200, 4, 1))
    codes[:, 5] = 0  # a latent that is never active
    matching = pairs([3, 0, 5, 3], [0, 1, 2, 3])
    found = detection(form(codes), form(activations), matching)
    for i, (latent, feature) in enumerate(zip(matching.found, matching.truth, strict=True)):
        wanted = precision_recall_fscore_support(
            activations[:, feature] != 0, codes[:, latent] != 0, average="binary", zero_division=0
        )[:3]
        assert_allclose([found.precision[i], found.recall[i], found.f1[i]], wanted, rtol=1e-12)
    assert found.f1[2] == 0 < found.f1[0]


@pytest.mark.parametrize(("form", "starts"), [(sparse.csr_array, [0, 1, 2]), (sparse.csc_array, [0, 2])])
def test_a_stored_zero_is_inactive(form, starts):
    stored = form((np.array([1.0, 0.0]), np.array([0, 0] if len(starts) == 3 else [0, 1]), starts), shape=(2, 1))
    assert detection(stored, np.array([[1], [0]]), pairs([0], [0])).precision == 1
    assert stored.nnz == 2  # the caller's array is not changed


def test_perfect_codes_detect_everything():
    known = known_dictionary(2000, 32, 16, active=3)
    order = np.random.default_rng(0).permutation(32)
    found = known.features[order]
    score = detection(known.activations[:, order], known.activations, matched(found, known.features))
    assert score.f1.tolist() == score.precision.tolist() == score.recall.tolist() == [1] * 32


def test_two_latents_for_one_feature():
    """The first feature is split between two latents: matched, one of them detects half; SAELens judges both."""
    truth, found = np.eye(2), np.array([[1.0, 0.0], [1.0, 0.1]])
    activations, codes = np.array([[1, 0], [1, 0], [0, 1], [0, 0]]), np.array([[1, 0], [0, 1], [0, 0], [0, 0]])
    assert_allclose(detection(codes, activations, matched(found, truth)).f1, [2 / 3, 0])
    assert_allclose(detection(codes, activations, nearest(found, truth)).f1, [2 / 3, 2 / 3])


def test_rows_must_be_the_same():
    with pytest.raises(DataError, match="codes has 3 rows, but activations has 2; give the same rows"):
        detection(np.ones((3, 1)), np.ones((2, 1)), pairs([0], [0]))
    with pytest.raises(DataError, match=r"codes holds NaN or infinity; give finite numbers \[rows, columns\]"):
        detection([[np.nan]], [[1]], pairs([0], [0]))


# --- absorption -------------------------------------------------------------------------------------------

# Feature 0 is the parent of 1, which is the parent of 2; 3 is free. Latents 1 and 2 carry some of feature 0, and
# so does latent 3, which stands for no descendant.
PARENTS = np.array([-1, 0, 1, -1])
FOUND = np.array([[1.0, 0, 0, 0], [0.5, 1, 0, 0], [0.6, 0, 1, 0], [0.9, 0, 0, 1]])
CASES = [  # activations, codes: what happens to feature 0
    ([1, 0, 0, 0], [1, 0, 0, 0]),  # its latent is active
    ([1, 1, 0, 0], [0, 1, 0, 0]),  # absorbed: the child's latent carries half
    ([1, 1, 0, 0], [1, 1, 0, 0]),  # its latent is active as well
    ([1, 1, 0, 0], [0, 0.7, 0, 0]),  # inactive, but only 0.35 is carried
    ([1, 1, 0, 1], [0, 0, 0, 1]),  # inactive; the latent that carries it stands for no descendant
    ([1, 1, 1, 0], [0, 0, 1, 0]),  # absorbed by the grandchild's latent
    ([1, 0, 0, 0], [0, 0, 1, 0]),  # inactive; the grandchild's latent is active, but the grandchild is not
    ([2, 1, 0, 0], [0, 1, 0, 0]),  # inactive; half of 1 is a quarter of 2
    ([1, 1, 1, 0], [0, 0.5, 0.4, 0]),  # inactive; two carry a quarter each
    ([0, 0, 0, 1], [0, 0, 0, 1]),  # feature 0 is not active
]
ACTIVATIONS, CODES = (np.array([case[part] for case in CASES], float) for part in (0, 1))


@pytest.mark.parametrize("form", FORMS)
def test_absorption_by_hand(form):
    found = absorption(form(CODES), form(ACTIVATIONS), FOUND, np.eye(4), PARENTS)
    assert found.parents.tolist() == [0, 1]
    assert_allclose(found.rates, [2 / 9, 0])
    assert_allclose(found.silent, [7 / 9, 2 / 7])
    assert found.mean == 1 / 9


@pytest.mark.parametrize(("share", "absorbed"), [(0.5, 2), (0.51, 1), (0.61, 0), (0.35, 3), (0.25, 5)])
def test_how_much_must_be_carried(share, absorbed):
    assert absorption(CODES, ACTIVATIONS, FOUND, np.eye(4), PARENTS, share=share).rates[0] == absorbed / 9


def test_the_decoder_is_not_normalised():
    """Codes half as large on rows twice as large give the same result."""
    found = absorption(CODES / 2, ACTIVATIONS, 2 * FOUND, np.eye(4), PARENTS)
    assert_allclose(found.rates, [2 / 9, 0])


def test_a_second_latent_of_the_child_counts():
    """Latent 4 is nearest to the child, though latent 1 is matched to it."""
    codes = np.column_stack([CODES, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]])
    found = np.vstack([FOUND, [0.45, 1, 0.3, 0]])
    assert_allclose(absorption(codes, ACTIVATIONS, found, np.eye(4), PARENTS).rates[0], 3 / 9)


def test_a_latent_that_is_more_of_the_parent_than_of_the_child_counts():
    """Latent 1 is nearest to the parent, for which latent 0 stands, and matched to the child."""
    found = FOUND.copy()
    found[1, 0] = 1.5
    assert nearest(found, np.eye(4)).truth[1] == 0
    assert_allclose(absorption(CODES, ACTIVATIONS, found, np.eye(4), PARENTS).rates[0], 5 / 9)


def test_parents_without_rows_or_latents_are_left_out():
    assert absorption(CODES, ACTIVATIONS, FOUND, np.eye(4), [-1, 0, 1, 2]).parents.tolist() == [0, 1, 2]
    empty = absorption(CODES[:1], ACTIVATIONS[:1], FOUND, np.eye(4), PARENTS)
    assert empty.parents.tolist() == [0]
    none = absorption(CODES[9:], ACTIVATIONS[9:], FOUND, np.eye(4), PARENTS)
    assert (none.parents.tolist(), none.mean) == ([], 0)
    unmatched = absorption(CODES[:, 1:], ACTIVATIONS, FOUND[1:], np.eye(4), PARENTS, pairs=pairs([0], [1]))
    assert unmatched.parents.tolist() == [1]


@pytest.mark.parametrize("exclusive", [False, True])
def test_absorption_of_known_rows(exclusive):
    """A dictionary whose children hold their parents: absorbed wherever a child fires, as often as the rows have it."""
    known = known_dictionary(5000, 24, 64, active=4, hierarchy=Hierarchy(3, 3, exclusive=exclusive), magnitude_std=0.1)
    a, d, parents = known.activations.toarray(), known.features.astype(float), known.parents
    assert absorption(a, a, d, d, parents).rates.tolist() == [0, 0, 0]
    assert absorption(a, a, d, d, parents).silent.tolist() == [0, 0, 0]
    children = np.flatnonzero(parents >= 0)
    found, codes = d.copy(), a.copy()
    found[children] += 0.9 * d[parents[children]]
    for child in children:
        codes[a[:, child] > 0, parents[child]] = 0
    wanted = [(a[:, parents == p].max(1) > 0)[a[:, p] > 0].mean() for p in range(3)]
    score = absorption(sparse.csr_array(codes), known.activations, found, d, parents)
    assert_allclose(score.silent, wanted)
    assert_allclose(score.rates, wanted, atol=0.02)  # cosines of other features add a little
    assert min(wanted) > 0.2


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(RecipeError, match=r"share=0 lies outside \(0, 1\]"):
        absorption(CODES, ACTIVATIONS, FOUND, np.eye(4), PARENTS, share=0)
    with pytest.raises(DataError, match=r"codes \(10, 3\), activations \(10, 4\), found \(4, 4\), .* do not fit; give"):
        absorption(CODES[:, :3], ACTIVATIONS, FOUND, np.eye(4), PARENTS)
    with pytest.raises(DataError, match=r"parents \(3,\) do not fit"):
        absorption(CODES, ACTIVATIONS, FOUND, np.eye(4), PARENTS[:3])


def test_the_callers_arrays_are_not_changed():
    codes = sparse.csr_array(CODES)
    before = codes.copy()
    absorption(codes, ACTIVATIONS, FOUND, np.eye(4), PARENTS)
    assert_array_equal(codes.toarray(), before.toarray())


@pytest.mark.parametrize(
    ("parents", "member"), [([0, -1, -1, -1], 0), ([1, 0, -1, -1], "[01]"), ([1, 2, 3, 1], "[123]")]
)
def test_circular_parents_are_refused(parents, member):
    absorption(CODES, ACTIVATIONS, FOUND, np.eye(4), [3, 3, -1, 2])  # a tree, however its features are numbered
    with pytest.raises(DataError, match=rf"parents are circular: feature {member} is its own ancestor; give a tree$"):
        absorption(CODES, ACTIVATIONS, FOUND, np.eye(4), parents)


@pytest.mark.parametrize("parents", [[-1, 0, 4, -1], [-2, 0, 0, 0], [-1.0, 0.0, 0.0, 0.0]])
def test_parents_that_are_not_features_are_refused(parents):
    with pytest.raises(DataError, match=r"parents must be whole numbers from -1 \(none\) to 3"):
        absorption(CODES, ACTIVATIONS, FOUND, np.eye(4), parents)


ONE = Matching(np.array([0]), np.array([0]), np.array([1.0]))
WRONG_CODES = [
    ([1.0, 0.0, 2.0], r"codes has shape \(3,\); give \[rows, columns\]"),
    (np.float64(1), r"codes has shape \(\); give \[rows, columns\]"),
    (np.ones((3, 2, 1)), r"codes has shape \(3, 2, 1\); give \[rows, columns\]"),
    ([[1.0], [0.0, 2.0], [1.0]], "codes has rows of different lengths; give numbers"),
    ([["a"], ["b"], ["c"]], "codes has type <U1; give real numbers"),
    (1j * np.ones((3, 2)), "codes has type complex128; give real numbers"),
    (np.full((3, 2), np.nan), "codes holds NaN or infinity"),
]


@pytest.mark.parametrize(("codes", "message"), WRONG_CODES)
def test_codes_that_are_not_a_matrix_of_numbers_are_refused_in_one_line(codes, message):
    with pytest.raises(DataError, match=message) as error:
        detection(codes, np.ones((3, 2)), ONE)
    assert "\n" not in str(error.value)
    with pytest.raises(DataError, match=message):
        relate(codes, [0, 1, 0], np.ones((3, 1)))


def test_pairs_of_another_dictionary_are_refused():
    for pairs, name in ((([2], [0]), "latent 2, but there are 2"), (([0], [-1]), "feature -1, but there are 3")):
        wrong = Matching(*map(np.array, pairs), np.array([1.0]))
        with pytest.raises(DataError, match=f"pairs name {name}; match the same dictionaries"):
            detection(np.ones((3, 2)), np.ones((3, 3)), wrong)
    with pytest.raises(DataError, match="pairs name latent 9"):
        absorption(
            CODES, ACTIVATIONS, FOUND, np.eye(4), PARENTS, pairs=Matching(np.array([9]), np.array([0]), np.ones(1))
        )
