"""Synthetic rows with known features: rates and correlations are as requested, and a row is always the same."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal, norm

from taciturn.core.errors import RecipeError
from taciturn.datasets import Hierarchy, known_dictionary

ROWS = 40_000
TREES = Hierarchy(3, 3, depth=2)
EXCLUSIVE = Hierarchy(3, 3, depth=2, exclusive=True, share=0.9)
RATES = [0.5, 0.3, 0.2, 0.1, 0.05, 0.01]


def rows_of(n_rows=ROWS, n_features=48, n_inputs=8, **options):
    if "rates" not in options:
        options = {"active": 4} | options
    return known_dictionary(n_rows, n_features, n_inputs, **options)


def fired(known):
    return known.activations.toarray() > 0


def z_scores(known):
    """How far the counts are from their expectation by the rates, in standard deviations."""
    n_rows = known.activations.shape[0]
    return (fired(known).mean(0) - known.rates) / np.sqrt(known.rates * (1 - known.rates) / n_rows)


# --- rows, features and activations -------------------------------------------------------------------


def test_rows_are_sums_of_features():
    known = rows_of(1000, magnitude_std=0.5, correlation=0.3, hierarchy=TREES)
    assert_array_equal(known.rows, known.activations @ known.features)
    assert_allclose(known.rows, known.activations.toarray().astype(float) @ known.features, atol=1e-5)
    assert (known.rows.shape, known.features.shape, known.activations.shape) == ((1000, 8), (48, 8), (1000, 48))
    assert known.rows.dtype == known.features.dtype == known.activations.dtype == np.float32
    assert known.activations.format == "csr"


def test_directions_are_random_and_of_length_1():
    features = rows_of(1, 2000, 50, active=1).features.astype(float)
    assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-6)
    cosines = (features @ features.T)[np.triu_indices(2000, 1)]
    assert abs(cosines.mean()) < 5 / np.sqrt(50 * len(cosines))
    assert cosines.var() == pytest.approx(1 / 50, rel=0.02)


def test_noise_has_the_requested_standard_deviation_in_each_input():
    known = rows_of(noise=0.3)
    noise = known.rows - known.activations @ known.features
    assert_allclose(noise.std(0), 0.3, rtol=0.02)
    assert abs(noise.mean(0)).max() < 5 * 0.3 / np.sqrt(ROWS)
    assert abs(np.corrcoef(noise.T) - np.eye(8)).max() < 5 / np.sqrt(ROWS)
    assert abs(np.corrcoef(noise[:256].ravel(), noise[256:512].ravel())[0, 1]) < 0.1
    assert_array_equal(known.activations.toarray(), rows_of().activations.toarray())


@pytest.mark.parametrize(
    ("mean", "std", "folded_mean", "folded_std"),
    [(2.0, 0.0, 2, 0), (2.0, 0.3, 2, 0.3), (0.0, 1.0, np.sqrt(2 / np.pi), np.sqrt(1 - 2 / np.pi))],
)
def test_magnitudes_are_folded_normal(mean, std, folded_mean, folded_std):
    values = rows_of(magnitude=mean, magnitude_std=std).activations.data
    assert values.min() > 0
    assert values.mean() == pytest.approx(folded_mean, abs=5 * folded_std / np.sqrt(len(values)))
    assert values.std() == pytest.approx(folded_std, rel=0.02)


# --- the same rows ----------------------------------------------------------------------------------------

ALL = {"zipf": 0.5, "correlation": 0.4, "hierarchy": EXCLUSIVE, "magnitude_std": 0.2, "noise": 0.1}


def same(one, other):
    assert_array_equal(one.rows, other.rows)
    assert_array_equal(one.activations.toarray(), other.activations.toarray())
    assert_array_equal(one.features, other.features)


@pytest.mark.parametrize("options", [{}, ALL], ids=["plain", "all"])
def test_a_row_does_not_depend_on_how_many_are_requested(options):
    whole = rows_of(1500, **options)
    same(whole, rows_of(1500, **options))
    for start, stop in [(0, 1), (0, 256), (0, 700), (255, 257), (256, 512), (700, 1500)]:
        part = rows_of(stop - start, start=start, **options)
        assert_array_equal(part.rows, whole.rows[start:stop])
        assert_array_equal(part.activations.toarray(), whole.activations[start:stop].toarray())
        assert_array_equal(part.features, whole.features)


def test_seeds_and_blocks_differ():
    one, other = rows_of(512, magnitude_std=0.2), rows_of(512, magnitude_std=0.2, random_state=1)
    assert abs(one.features - other.features).max() > 0.1
    assert (fired(one) != fired(other)).any()
    assert (fired(one)[:256] != fired(one)[256:]).any()
    data, starts = one.activations.data, one.activations.indptr
    assert len(np.unique(data)) > 0.99 * starts[-1]


# --- rates ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("correlation", [0, 0.6])
@pytest.mark.parametrize("hierarchy", [None, TREES, EXCLUSIVE], ids=["free", "trees", "exclusive"])
@pytest.mark.parametrize("zipf", [0, 0.8])
def test_each_feature_fires_at_its_rate(correlation, hierarchy, zipf):
    known = rows_of(correlation=correlation, rank=2, hierarchy=hierarchy, zipf=zipf)
    assert known.rates.sum() == pytest.approx(4)
    assert abs(z_scores(known)).max() < 4.5
    assert 0.5 < z_scores(known).std() < 1.6


def test_rates_follow_zipf():
    rates = rows_of(1, active=3, zipf=0.7).rates
    ranks = np.arange(1, 49)
    assert_allclose(np.log(rates / rates[0]), -0.7 * np.log(ranks), atol=1e-12)
    assert rates.sum() == pytest.approx(3)
    assert_allclose(rows_of(1, active=3).rates, 3 / 48)


def test_given_rates_do_not_change():
    for hierarchy in (None, Hierarchy(1, 2), Hierarchy(1, 2, exclusive=True)):
        known = rows_of(n_features=6, rates=RATES, hierarchy=hierarchy)
        assert_array_equal(known.rates, RATES)
        assert abs(z_scores(known)).max() < 4.5


# --- hierarchy --------------------------------------------------------------------------------------------


def test_parents_of_the_features():
    parents = rows_of(1, 50, hierarchy=Hierarchy(2, 3, depth=2)).parents
    assert parents.tolist() == [-1] * 2 + [f for f in range(8) for _ in range(3)] + [-1] * 24
    assert_array_equal(rows_of(1).parents, [-1] * 48)


@pytest.mark.parametrize(
    ("hierarchy", "shape"),
    [
        (Hierarchy(1, 2), [1, 0.5, 0.5, 1]),
        (Hierarchy(1, 2, exclusive=True), [1, 0.25, 0.25, 1]),
        (Hierarchy(1, 2, exclusive=True, share=1), [1, 0.5, 0.5, 1]),
        (Hierarchy(1, 2, share=0.1), [1, 0.1, 0.1, 1]),
        (Hierarchy(1, 1, depth=3), [1, 0.5, 0.25, 0.125]),
    ],
)
def test_children_are_lowered_to_their_share_and_the_sum_is_kept(hierarchy, shape):
    known = rows_of(1, 4, active=0.9, hierarchy=hierarchy)
    assert_allclose(known.rates, 0.9 * np.array(shape) / sum(shape))


def test_children_that_fit_keep_their_rate():
    """Zipf's law with exponent 2: 1, 1/4, 1/9; together 0.361 of the root's."""
    free, tree = rows_of(1, 3, active=0.9, zipf=2), rows_of(1, 3, active=0.9, zipf=2, hierarchy=Hierarchy(1, 2))
    assert_allclose(free.rates, tree.rates)


@pytest.mark.parametrize("correlation", [0, 0.6])
@pytest.mark.parametrize("exclusive", [False, True])
def test_children_fire_with_their_parents_only(exclusive, correlation):
    known = rows_of(hierarchy=Hierarchy(3, 3, 2, exclusive, share=0.9), correlation=correlation, zipf=0.5)
    on = fired(known)
    children = np.flatnonzero(known.parents >= 0)
    assert len(children) == 36
    assert not (on[:, children] & ~on[:, known.parents[children]]).any()
    siblings = np.stack([on[:, known.parents == parent].sum(1) for parent in range(12)])
    assert siblings.max() == (1 if exclusive else 3)
    alone = (on[:, :12] & (siblings.T == 0)).any(0)
    assert alone.all()  # each parent also fires without its children


# --- correlation ------------------------------------------------------------------------------------------


def joint(known):
    on = fired(known).astype(float)
    return on.T @ on / len(on)


def test_without_correlation_features_are_independent():
    known = rows_of(n_features=6, rates=[0.5, 0.4, 0.3, 0.2, 0.1, 0.05])
    wanted = np.outer(known.rates, known.rates)
    z = (joint(known) - wanted) / np.sqrt(wanted * (1 - wanted) / ROWS)
    assert abs(z[np.triu_indices(6, 1)]).max() < 4.5


def test_one_common_factor_gives_every_pair_the_requested_correlation():
    """Pairs fire together as often as two Gaussians of correlation ± 0.5 pass their quantiles together."""
    rates = [0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
    known = rows_of(n_features=6, rates=rates, correlation=0.5, rank=1)
    signs = np.sign(joint(known) - np.outer(rates, rates))
    assert set(signs[0, 1:]) == {-1, 1}
    quantiles = norm.ppf(rates)
    for one, other in zip(*np.triu_indices(6, 1), strict=True):
        assert signs[one, other] == signs[0, one] * signs[0, other]
        covariance = [[1, 0.5 * signs[one, other]], [0.5 * signs[one, other], 1]]
        wanted = multivariate_normal(cov=covariance).cdf(quantiles[[one, other]])
        assert abs(joint(known)[one, other] - wanted) < 4.5 * np.sqrt(wanted * (1 - wanted) / ROWS)


def test_more_common_factors_give_smaller_correlations():
    sizes = []
    for rank in (1, 4, 64):
        known = rows_of(rates=np.full(48, 0.3), correlation=0.8, rank=rank)
        sizes.append(abs(np.corrcoef(fired(known).T)[np.triu_indices(48, 1)]).mean())
    assert sizes[0] > 1.5 * sizes[1] > 3 * sizes[2] > 0.05


def test_exclusive_siblings_never_fire_together_however_correlated():
    known = rows_of(hierarchy=EXCLUSIVE, correlation=0.9, rank=1)
    siblings = known.parents == 0
    assert joint(known)[np.ix_(siblings, siblings)][np.triu_indices(3, 1)].max() == 0


# --- wrong usage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_rows": 0}, "n_rows=0 must be a whole number, 1 or more"),
        ({"n_features": 2.5}, r"n_features=2\.5 must be a whole number"),
        ({"n_inputs": True}, "n_inputs=True must be a whole number"),
        ({"start": -1}, "start=-1 must be a whole number, 0 or more"),
        ({"random_state": None}, "random_state=None must be a whole number, 0 or more"),
        ({"rank": 0}, "rank=0 must be"),
        ({"noise": -0.1}, r"noise=-0\.1 must be a finite number, 0 or more"),
        ({"zipf": np.nan}, "zipf=nan must be a finite number"),
        ({"magnitude": np.inf}, "magnitude=inf must be a finite number"),
        ({"magnitude": 0}, "make every activation 0; raise one of them"),
        ({"correlation": 1}, r"correlation=1 lies outside \[0, 1\)"),
        ({"active": None}, r"give active= .* or rates="),
        ({"rates": [0.1] * 6}, r"give active= .* or rates=.*, not both"),
        ({"active": None, "rates": [0.1] * 6, "zipf": 1}, r"give active= .* or rates="),
        ({"active": 0}, "active=0 must be above 0"),
        ({"active": 3, "zipf": 1}, r"active=3 gives feature 0 the rate 1\.22, .*; lower active or zipf"),
        ({"active": None, "rates": [0.1] * 5}, r"rates has shape \(5,\); n_features=6 requires \(6,\)"),
        (
            {"active": None, "rates": [0.1, 0.2, 1, 0.1, 0, 0.1]},
            r"rates: feature 2 has rate 1, which lies outside \(0, 1\)",
        ),
        ({"hierarchy": Hierarchy(2, 3)}, "the hierarchy has 8 features, but n_features=6; raise n_features, or lower"),
        (
            {"active": None, "rates": [0.3, 0.1, 0.2, 0.3, 0.15, 0.1], "hierarchy": Hierarchy(2, 2)},
            r"feature 1 fires in 0\.1 of the rows, but one of its children in 0\.15; raise the parent's",
        ),
        (
            {"active": None, "rates": [0.3, 0.2, 0.2], "n_features": 3, "hierarchy": Hierarchy(1, 2, exclusive=True)},
            r"feature 0 fires in 0\.3 of the rows, but its exclusive children together in 0\.4; raise",
        ),
    ],
)
def test_wrong_usage(options, message):
    with pytest.raises(RecipeError, match=message):
        known_dictionary(**({"n_rows": 10, "n_features": 6, "n_inputs": 4, "active": 2} | options))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"roots": 0}, "Hierarchy: roots=0 must be a whole number, 1 or more"),
        ({"branches": 1.5}, r"Hierarchy: branches=1\.5 must be"),
        ({"depth": 0}, "Hierarchy: depth=0 must be"),
        ({"share": 0}, r"Hierarchy: share=0 lies outside \(0, 1\]"),
        ({"share": 1.1}, r"Hierarchy: share=1\.1 lies outside"),
    ],
)
def test_a_hierarchy_that_cannot_be(arguments, message):
    with pytest.raises(RecipeError, match=message):
        Hierarchy(**({"roots": 1, "branches": 2} | arguments))
