"""Relations of latents to classes and numbers: SciPy's tests, their false discovery rate, and cases by hand."""

import importlib
import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from sklearn.metrics import roc_auc_score

from taciturn.core.errors import DataError, RecipeError
from taciturn.metrics.arrays import to_csc
from taciturn.probes import Related, relate
from taciturn.probes.labels import parse_labels
from taciturn.probes.latent_subsets import best_latents
from taciturn.probes.ranks import (
    Ranks,
    auc_interval,
    auc_test,
    correlation_interval,
    precision_recall,
    rank,
    spearman_test,
)

module = importlib.import_module("taciturn.probes.relate")  # the package exports the function under this name


def some_codes(n_rows=60, seed=0):
    """Dense, sparse, signed, tied, saturated and two-valued latents."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(n_rows, 8))
    return np.column_stack(
        [
            normal[:, 0],
            np.maximum(normal[:, 1], 0),
            np.where(np.arange(n_rows) % 5 < 3, 0, np.abs(normal[:, 2])),  # 0 in most rows
            np.where(np.abs(normal[:, 3]) > 1.3, normal[:, 3], 0),  # so, and signed
            np.rint(normal[:, 4]),
            np.minimum(normal[:, 5] + 1, 0.5),  # one value, not 0, in most rows
            np.where(normal[:, 6] > 1, 0.0, -2),  # so, and 0 above it
            np.rint(3 * normal[:, 7]) - (np.arange(n_rows) % 7 == 0) * 3,
        ]
    )


def three_classes(n_rows=60, seed=1):
    return np.random.default_rng(seed).choice(["a", "b", "c"], n_rows, p=[0.2, 0.3, 0.5])


def ranked(codes):
    return rank(to_csc(codes, "codes"))


def without_fisher(ranks):
    """The ranks, none of which is tested by Fisher's test."""
    return Ranks(ranks.offsets, ranks.ties, np.zeros_like(ranks.mode_is_majority))


def rows_for(codes, seed=5):
    return np.random.default_rng(seed).normal(size=(codes.shape[0], 2))


# --- the statistics are SciPy's --------------------------------------------------------------------------------
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_ranks_are_scipys_less_that_of_the_mode(form):
    codes = some_codes()
    ranks = ranked(form(codes))
    offsets, wanted = ranks.offsets.toarray(), stats.rankdata(codes, axis=0)
    shift = wanted[0] - offsets[0]
    assert_allclose(offsets + shift, wanted, rtol=0, atol=1e-12)
    assert_allclose(ranks.variance, wanted.var(0))
    assert_allclose(ranks.mean + shift, (60 + 1) / 2)
    assert ranks.mode_is_majority.tolist() == [False, False, True, True, False, True, True, False]
    is_mode = offsets[:, ranks.mode_is_majority] == 0
    assert (is_mode.mean(0) > 0.5).all()  # no entries where the code is the mode


def test_classes_are_tested_as_by_mann_and_whitney():
    codes, y = some_codes(), three_classes()
    in_class = y[:, None] == np.array(["a", "b", "c"])
    auc, p = auc_test(without_fisher(ranked(codes)), in_class)
    for latent in range(codes.shape[1]):
        for each in range(3):
            of, others = codes[in_class[:, each], latent], codes[~in_class[:, each], latent]
            wanted = stats.mannwhitneyu(of, others, method="asymptotic")
            assert auc[each, latent] == pytest.approx(wanted.statistic / len(of) / len(others), abs=1e-12)
            assert auc[each, latent] == pytest.approx(roc_auc_score(in_class[:, each], codes[:, latent]))
            assert p[each, latent] == pytest.approx(wanted.pvalue, rel=1e-10, abs=0)


def test_where_most_rows_share_a_value_it_is_fishers_exact_test():
    codes, y = some_codes(), three_classes()
    in_class = y[:, None] == np.array(["a", "b", "c"])
    ranks = ranked(codes)
    p, asymptotic = auc_test(ranks, in_class)[1], auc_test(without_fisher(ranks), in_class)[1]
    assert_array_equal(p[:, ~ranks.mode_is_majority], asymptotic[:, ~ranks.mode_is_majority])
    for latent, mode in ((2, 0), (3, 0), (5, 0.5), (6, -2)):
        for each in range(3):
            tails = []
            for beyond in (codes[:, latent] > mode, codes[:, latent] < mode):
                if beyond.any():
                    table = [[np.sum(in_class[:, each] & side) for side in (beyond, ~beyond)]]
                    table += [[np.sum(~in_class[:, each] & side) for side in (beyond, ~beyond)]]
                    both = [stats.fisher_exact(table, alternative=a).pvalue for a in ("less", "greater")]
                    tails.append(min(2 * min(both), 1))
            assert p[each, latent] == pytest.approx(min(len(tails) * min(tails), 1), rel=1e-10)
    assert len(tails) == 1  # latent 6 lies on one side, latent 3 on both


@pytest.mark.parametrize("y", [np.random.default_rng(3).lognormal(size=60), np.arange(60) // 5 % 4])
def test_numbers_are_tested_as_by_spearman(y):
    codes = some_codes()
    r, p = spearman_test(ranked(codes), y)
    for latent in range(codes.shape[1]):
        wanted = stats.spearmanr(codes[:, latent], y)
        assert r[latent] == pytest.approx(wanted.statistic, rel=1e-10)
        assert p[latent] == pytest.approx(wanted.pvalue, rel=1e-10)


def test_a_latent_and_a_number_that_both_have_a_majority_value_are_tested_by_fisher():
    codes = some_codes()
    y = np.where(np.arange(60) % 5 == 0, np.arange(60.0), 0) + 7  # 7 in most rows, above it in the others
    p = spearman_test(ranked(codes), y)[1]
    wanted = 2 * min(fisher(codes[:, 2] > 0, y > 7, alternative) for alternative in ("less", "greater"))
    assert p[2] == pytest.approx(min(wanted, 1), rel=1e-10)
    assert p[0] == pytest.approx(stats.spearmanr(codes[:, 0], y).pvalue, rel=1e-10)
    both_sides = np.where(np.arange(60) % 7 == 0, -1, y - 7)
    p = spearman_test(ranked(codes), both_sides)[1]
    sides = [fisher(codes[:, 2] > 0, side, a) for side in (both_sides > 0, both_sides < 0) for a in ("less", "greater")]
    assert p[2] == pytest.approx(min(1, 4 * min(sides)), rel=1e-10)


# --- by hand ---------------------------------------------------------------------------------------------------
def test_auc_with_ties_by_hand():
    """Codes of the class 2, 1, 1, 0 and of the others 1, 0, 0: of 12 pairs 7 are won, 4 tied."""
    ranks = ranked(np.array([[2.0], [1], [1], [0], [1], [0], [0]]))
    in_class = np.array([True] * 4 + [False] * 3)[:, None]
    # 2 wins 3; each 1 ties one and wins 2; 0 loses one and ties 2
    assert auc_test(ranks, in_class)[0].tolist() == [[(3 + 2.5 + 2.5 + 1) / 12]]


def test_delongs_interval_by_hand():
    """Placements (1, 5/6, 5/6, 1/3) have variance 1/12; (3.5/4 …) of the others are worked out below."""
    ranks = np.array([2.0, 1, 1, 0, 1, 0, 0])
    in_class = np.array([True] * 4 + [False] * 3)
    above, below = np.array([1, 5 / 6, 5 / 6, 1 / 3]), np.array([2 / 4, 3.5 / 4, 3.5 / 4])
    assert above.mean() == pytest.approx(below.mean())
    auc, error = 0.75, np.sqrt(above.var(ddof=1) / 4 + below.var(ddof=1) / 3)
    wanted = [1 / (1 + np.exp(-(np.log(3) + z * error / (auc * (1 - auc))))) for z in (-1.959964, 1.959964)]
    assert_allclose(auc_interval(ranks, in_class), wanted, rtol=1e-6)


def test_intervals_cover_the_truth_in_95_of_100_samples():
    rng, truth = np.random.default_rng(0), stats.norm.cdf(1 / np.sqrt(2))
    in_class = np.arange(120) < 40
    covered = []
    for _ in range(400):
        low, high = auc_interval(rng.normal(size=120) + in_class, in_class)
        covered.append(low < truth < high)
    assert 0.92 < np.mean(covered) < 0.98
    r = 6 / np.pi * np.arcsin(0.6 / 2)  # Spearman's for a normal pair correlated by 0.6
    covered = []
    for _ in range(400):
        x, noise = rng.normal(size=(2, 100))
        low, high = correlation_interval(stats.spearmanr(x, 0.6 * x + 0.8 * noise).statistic, 100)
        covered.append(low < r < high)
    assert 0.92 < np.mean(covered) < 0.98


def test_a_perfect_detector_still_has_an_interval():
    in_class = np.arange(50) < 20
    low, high = auc_interval(in_class.astype(float), in_class)
    assert high == 1
    # Newcombe's equation, 1 - a = z sqrt(var(a)), with Hanley and McNeil's variance
    q1, q2, half = low / (2 - low), 2 * low**2 / (1 + low), 24
    variance = (low * (1 - low) + half * (q1 - low**2) + half * (q2 - low**2)) / (20 * 30)
    assert 1 - low == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-6)
    assert auc_interval(-in_class.astype(float), in_class) == (0, pytest.approx(1 - low))
    assert correlation_interval(1.0, 50) == (pytest.approx(1), pytest.approx(1))


def test_precision_and_recall_by_hand():
    """30 of the class, 20 of which have code 1; 6 of the 60 others have it: precision 20 / 26, recall 20 / 30."""
    in_class = np.arange(90) < 30
    codes = ((np.arange(90) < 20) | (np.arange(90) >= 84)).astype(float)
    assert precision_recall(codes, in_class, 0) == (pytest.approx(20 / 26), pytest.approx(20 / 30))
    # 2 in 10 of the class, 1 in 20 more and in 20 of the others: balanced accuracy 1/2 (1 + 1/3) and 1/2 (1 + 2/3)
    codes = np.repeat([2.0, 1, 1, 0], [10, 20, 20, 40])
    assert precision_recall(codes, in_class, 0) == (pytest.approx(30 / 50), pytest.approx(1))
    assert precision_recall(np.zeros(90), in_class, 0) == (0, 0)  # it never predicts the class


def test_a_threshold_is_tested_on_rows_that_did_not_choose_it():
    """In-sample, the best threshold of noise would have a gain (Youden's J > 0)."""
    rng, gains = np.random.default_rng(0), []
    for seed in range(100):
        in_class, noise = np.arange(60) % 3 == 0, rng.normal(size=60)
        precision, recall = precision_recall(noise, in_class, seed)
        predicted = recall * 20 / precision if precision else 0
        gains.append(recall - (predicted - recall * 20) / 40 if precision else 0)
    assert abs(np.mean(gains)) < 3 * np.std(gains) / 10


# --- what is found ---------------------------------------------------------------------------------------------
def planted(n_rows=300, seed=0):
    rng = np.random.default_rng(seed)
    y = three_classes(n_rows, seed)
    codes = sparse.random_array((n_rows, 40), density=0.1, rng=rng).toarray()
    codes[:, 7] = (y == "a") * (1 + rng.lognormal(size=n_rows))
    codes[:, 9] = (y != "b") + 0.0
    codes[:, 11] = np.where(rng.random(n_rows) < 0.9, y == "c", y != "c")
    return codes, y


def test_a_latent_that_is_the_class_is_found_first():
    codes, y = planted()
    related = relate(codes, y, rows_for(codes), target="letter", few=2)
    assert (related.kind, related.target, related.classes, related.rows) == ("classes", "letter", ("a", "b", "c"), 300)
    assert related.counts == tuple(np.unique(y, return_counts=True)[1])
    first, second, third = related.effects[:3]
    assert (first.latent, first.of, first.effect, first.precision, first.recall) == (7, "a", 1, 1, 1)
    assert (second.latent, second.of, second.effect, second.precision, second.recall) == (9, "b", 0, 1, 1)
    assert (third.latent, third.of) == (11, "c")
    assert third.low < third.effect < third.high
    assert third.precision == pytest.approx(np.mean(y[codes[:, 11] > 0] == "c"))
    assert third.recall == pytest.approx(np.mean(codes[y == "c", 11]))
    assert first.low < 1 == first.high
    assert related.few_score > 0.99
    assert abs(related.raw_score - related.chance) < 0.1
    assert (related.measure, related.chance) == ("balanced accuracy", 1 / 3)


def test_of_two_classes_an_effect_names_the_one_with_large_codes():
    rng = np.random.default_rng(0)
    y = np.repeat([False, True], [60, 40])
    codes = np.stack([rng.random(100), ~y * rng.random(100), y * rng.random(100)], 1)
    related = relate(codes, y, rows_for(codes))
    assert {(e.latent, e.of, e.effect, e.precision) for e in related.effects} == {(1, "False", 1, 1), (2, "True", 1, 1)}
    assert related.tested == 3
    assert related.found == 2


def test_a_number_has_positive_and_negative_effects():
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    codes = np.column_stack([rng.random((200, 5)), np.exp(y), -y + rng.normal(size=200)])
    related = relate(codes, y, np.column_stack([y, rng.random(200)]), few=1)
    assert (related.kind, related.measure, related.chance, related.classes, related.counts) == (
        "number",
        "R²",
        0,
        (),
        (),
    )
    assert [(e.latent, e.of, e.precision, e.recall) for e in related.effects] == [
        (5, "", None, None),
        (6, "", None, None),
    ]
    up, down = related.effects
    assert up.effect == pytest.approx(1)
    assert down.effect == pytest.approx(stats.spearmanr(codes[:, 6], y).statistic)
    assert down.low < down.effect < down.high < 0
    assert 0.4 < related.few_score < related.raw_score  # a line through exp(y)
    assert related.raw_score > 0.999


def test_q_is_over_all_latents_and_classes_without_constant_latents():
    codes, y = planted()
    codes[:, [0, 20]] = [0, 3.0]
    related = relate(codes, y, rows_for(codes), level=0.5)
    assert related.tested == 38
    p = [
        stats.mannwhitneyu(codes[y == each, latent], codes[y != each, latent], method="asymptotic").pvalue
        if 2 * np.sum(codes[:, latent] == 0) <= 300
        else min(1, 2 * min(fisher(codes[:, latent] > 0, y == each, a) for a in ("less", "greater")))
        for each in "abc"
        for latent in range(40)
        if latent not in (0, 20)
    ]
    q = stats.false_discovery_control(p)
    assert related.found == (q.reshape(3, 38) <= 0.5).any(0).sum() == len(related.effects)
    for effect in related.effects:
        near = np.argmin(np.abs(np.array(p) - effect.p))
        assert effect.q == pytest.approx(q[near])
    assert {0, 20}.isdisjoint(effect.latent for effect in related.effects)


def fisher(active, in_class, alternative):
    table = [[np.sum(f & i) for i in (in_class, ~in_class)] for f in (active, ~active)]
    return stats.fisher_exact(table, alternative=alternative).pvalue


def test_at_most_so_many_are_shown_the_strongest_first():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    codes = rng.normal(size=(200, 20)) + y[:, None] * np.linspace(0.8, 3, 20)
    related = relate(codes, y, rows_for(codes), most=5)
    assert related.found == 20
    assert len(related.effects) == 5
    strengths = [abs(effect.effect - 0.5) for effect in related.effects]
    assert strengths == sorted(strengths, reverse=True)
    assert len({effect.latent for effect in related.effects}) == 5


# --- without a relation ----------------------------------------------------------------------------------------
CODES = {
    "dense": lambda rng: 1 / (1 + np.exp(-rng.normal(size=(200, 50)))),
    "half": lambda rng: np.maximum(rng.normal(size=(200, 50)), 0),
    "sparse": lambda rng: sparse.random_array((200, 50), density=0.01, rng=rng),
}
LABELS = {
    "classes": lambda rng: rng.permutation(np.repeat(["rare", "some", "most"], [10, 60, 130])),
    "number": lambda rng: rng.lognormal(size=200),
    "mostly 0": lambda rng: rng.lognormal(size=200) * (rng.random(200) < 0.06),
}
SEEDS = 20
BOUND = stats.binom.ppf(0.999, SEEDS, 0.05)  # 5: seeds that may find a latent


def count_relations(codes, label, few=4):
    """How many seeds find any latent, and the scores of the small models less chance."""
    n_found, scores = 0, []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        code_rows = CODES[codes](rng)
        related = relate(code_rows, LABELS[label](rng), rows_for(code_rows), few=few, seed=seed)
        n_found += related.found > 0
        scores.append(related.few_score - related.chance)
    return n_found, np.array(scores)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("codes", CODES)
def test_unrelated_labels_find_no_latent(codes, label):
    n_found, scores = count_relations(codes, label)
    assert n_found <= BOUND
    assert scores.mean() < 3 * scores.std() / np.sqrt(SEEDS)


@pytest.mark.parametrize(("codes", "label"), [("dense", "classes"), ("half", "number")])
def test_without_benjamini_and_hochberg_they_would(monkeypatch, codes, label):
    monkeypatch.setattr(module.stats, "false_discovery_control", lambda p: p)
    assert count_relations(codes, label)[0] > BOUND


@pytest.mark.parametrize("label", ["classes", "mostly 0"])
def test_with_the_normal_approximation_alone_rare_latents_would(monkeypatch, label):
    monkeypatch.setattr(module, "rank", lambda codes: without_fisher(rank(codes)))
    assert count_relations("sparse", label)[0] > BOUND


@pytest.mark.parametrize("label", ["classes", "number"])
def test_with_latents_chosen_in_sample_the_small_model_would_score(monkeypatch, label):
    held_out = count_relations("dense", label)[1]
    in_sample = lambda ranks, labels, train, k: best_latents(ranks, labels, np.arange(200), k)  # noqa: E731
    monkeypatch.setattr(module, "best_latents", in_sample)
    gains = count_relations("dense", label)[1] - held_out
    assert gains.mean() > 4 * gains.std() / np.sqrt(SEEDS)


# --- what must not matter --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array, torch.tensor, lambda codes: 2.0**-20 * codes]
)
@pytest.mark.parametrize("label", ["classes", "number"])
def test_the_form_and_the_units_of_codes_do_not_matter(form, label):
    codes, y = planted()
    codes = np.hstack([codes, some_codes(300)])
    y = y if label == "classes" else codes[:, 7] + codes[:, 40]
    assert relate(form(codes), y, rows_for(codes)) == relate(codes, y, rows_for(codes))


def test_the_order_of_rows_does_not_matter_to_what_is_found():
    codes, y = planted()
    rows, order = rows_for(codes), np.random.default_rng(9).permutation(300)
    related, again = relate(codes, y, rows), relate(codes[order], y[order], rows[order])
    for first, second in zip(related.effects, again.effects, strict=True):
        assert (first.latent, first.of, first.p, first.q, first.effect) == (
            second.latent,
            second.of,
            second.p,
            second.q,
            second.effect,
        )
        assert first.low == pytest.approx(second.low)


def test_the_order_of_latents_and_the_names_of_classes_do_not_matter():
    codes, y = planted()
    related = relate(codes, y, rows_for(codes))
    turned = relate(codes[:, ::-1], np.char.add("class ", y), rows_for(codes))
    assert {(39 - e.latent, e.of[-1], e.effect, e.q) for e in turned.effects} == {
        (e.latent, e.of, e.effect, e.q) for e in related.effects
    }


def test_a_monotone_function_of_codes_changes_no_effect():
    codes, y = planted()
    related, grown = (relate(c, y, rows_for(codes)).effects for c in (codes, np.expm1(codes)))
    assert related == grown


def test_signed_codes_indicate_two_classes():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 100)
    codes = np.zeros((300, 3))
    codes[:100, 1] = rng.random(100) * (rng.random(100) < 0.6)
    codes[100:200, 1] = -rng.random(100) * (rng.random(100) < 0.3)
    effect = relate(codes, y, rows_for(codes)).effects[0]
    assert (effect.latent, effect.of) == (1, "a")
    assert effect.effect > 0.7
    assert effect.precision == pytest.approx(1)


def test_rows_may_be_sorted_by_their_labels():
    """Folds of neighbours would have to predict numbers beyond those of their training rows."""
    y = np.linspace(0, 3, 200)
    assert relate(y[:, None] > 1.5, y, y[:, None]).few_score > 0.7


def test_seeds_are_repeated():
    codes, y = planted()
    assert relate(codes, y, rows_for(codes), seed=3) == relate(codes, y, rows_for(codes), seed=3)


# --- little or nothing to test ---------------------------------------------------------------------------------
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("y", [np.repeat(["a", "b"], 15), np.random.default_rng(0).normal(size=30)])
def test_constant_latents_give_chance(form, y):
    related = relate(form(np.zeros((30, 4))), y, np.ones((30, 2)))
    assert (related.tested, related.found, related.effects, related.few, related.few_score) == (
        0,
        0,
        (),
        0,
        related.chance,
    )
    assert related.raw_score == pytest.approx(related.chance, abs=0.2)


def test_one_latent():
    y = np.repeat(["a", "b"], 15)
    related = relate((y == "b")[:, None] * 2.0, y, np.ones((30, 1)))
    assert (related.tested, related.few, related.few_score, related.effects[0].of) == (1, 1, 1, "b")
    assert related.effects[0].p == related.effects[0].q


def test_each_class_adds_its_best_latent_before_any_adds_its_second():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 60)
    codes = rng.random((180, 8))
    codes[:, :4] += 2 * (y == 2)[:, None] + 0.5
    codes[:, 4] += 0.8 * (y == 1)
    codes[:, 5] += 0.7 * (y == 0)
    ranks, labels = ranked(codes), parse_labels(y)
    best = best_latents(ranks, labels, np.arange(180), 2)
    assert best[0] in range(4)  # the strongest, though its class is the last
    assert best[1] == 4
    assert best_latents(ranks, labels, np.arange(180), 1) == best[:1]
    assert best_latents(ranks, labels, np.arange(180), 8)[:2] == best
    assert relate(codes, y, rows_for(codes), few=2).few_score > 0.8


def test_the_best_latents_for_a_number_are_spearmans():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    codes = np.column_stack([y + 4 * rng.normal(size=300), y > 1.3, y + 2 * rng.normal(size=300)])
    learn = np.arange(240)
    order = np.argsort([-abs(stats.spearmanr(codes[learn, latent], y[learn]).statistic) for latent in range(3)])
    assert order.tolist() == [1, 2, 0]  # the second varies least
    assert best_latents(ranked(codes), parse_labels(y), learn, 3) == order.tolist()


def test_a_rare_class_weighs_as_much_as_the_others_in_the_models():
    rng = np.random.default_rng(0)
    y = np.arange(400) % 10 == 0
    codes = rng.normal(size=(400, 1)) + 1.5 * y[:, None]
    related = relate(codes, y, codes)
    assert related.few_score == related.raw_score > 0.7  # never to predict the rare one would have 0.5


def test_entries_given_twice_are_summed():
    codes, y = planted()
    halves = sparse.csc_array(codes)
    twice = sparse.csc_array((np.repeat(halves.data / 2, 2), np.repeat(halves.indices, 2), 2 * halves.indptr))
    assert relate(twice, y, rows_for(codes)) == relate(codes, y, rows_for(codes))


# --- labels ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("y", "kind", "classes"),
    [
        (list("ab") * 15, "classes", ("a", "b")),
        ([True, False] * 15, "classes", ("False", "True")),
        (np.arange(40) % 3, "classes", ("0", "1", "2")),
        (torch.arange(40) % 3, "classes", ("0", "1", "2")),
        (np.arange(40) % 3 + 0.0, "classes", ("0", "1", "2")),
        (np.arange(40) % 3 + 0.5, "number", ()),
        (np.arange(40), "number", ()),
        (np.arange(300) % 21, "number", ()),
        (np.arange(300) % 20, "classes", tuple(map(str, range(20)))),
        (np.arange(24) % 5, "number", ()),  # 5 values are many for 24 rows
        ([b"a", b"b"] * 15, "classes", ("a", "b")),
        (pd.Series(["a", "b"] * 15, dtype="category"), "classes", ("a", "b")),
        (pd.Series([1, 2, None] * 15, dtype="Int64"), "classes", ("1", "2")),
        ([None, "a", "b", float("nan")] * 15, "classes", ("a", "b")),
        ([pd.NA, "a", "b"] * 15, "classes", ("a", "b")),
        ([None, 1.5, 2] * 15, "number", ()),
    ],
)
def test_the_kind_of_label(y, kind, classes):
    labels = parse_labels(y)
    assert (labels.kind, labels.classes) == (kind, classes)
    missing = pd.isna(pd.Series(list(y))).to_numpy()
    assert_array_equal(labels.rows, np.flatnonzero(~missing))
    assert labels.n_rows == len(y)


@pytest.mark.parametrize(
    "y",
    [
        np.array(["a", "b", np.nan] * 15),
        ["a", "b", ""] * 15,
        np.array([b"a", b"b", b"nan"] * 15),
        ["a", "b", "<NA>"] * 15,
    ],
)
def test_missing_labels_among_strings_are_not_a_class(y):
    labels = parse_labels(y)
    assert (labels.classes, labels.n_rows, len(labels.y)) == (("a", "b"), 45, 30)
    assert_array_equal(labels.rows % 3 < 2, True)


def test_the_kind_may_be_given():
    codes = some_codes(60)
    assert relate(codes, np.arange(60) % 3, rows_for(codes), kind="number").kind == "number"
    assert relate(codes, (np.arange(60) % 3) / 2, rows_for(codes), kind="classes").classes == ("0.0", "0.5", "1.0")


def test_rows_without_a_label_and_small_classes_are_left_out():
    codes, y = planted()
    labels = y.astype(object)
    labels[:5], labels[5:14] = None, "aa"
    rows = rows_for(codes)
    related = relate(codes, labels, rows)
    assert (related.left_out, related.rows, related.classes) == (14, 286, ("a", "b", "c"))
    kept = relate(codes[14:], y[14:], rows[14:])
    assert related.to_dict() | {"left_out": 0} == kept.to_dict()
    labels[14] = "aa"
    assert relate(codes, labels, rows).classes == ("a", "aa", "b", "c")


def test_a_relation_survives_json():
    codes, y = planted()
    for label in (y, codes[:, 7] + codes[:, 20]):
        related = relate(codes, label, sparse.csr_array(rows_for(codes)))
        assert related.effects
        assert Related.from_dict(json.loads(json.dumps(related.to_dict(), allow_nan=False))) == related


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": np.zeros(3)}, DataError, "y has 3 labels .*; give 20 or more"),
        ({"y": np.arange(59) % 2}, DataError, "y has 59 labels, but codes has 60 rows; give one label per row"),
        ({"y": np.zeros((60, 1))}, DataError, r"y has shape \(60, 1\); give one label per row"),
        ({"y": np.full(60, np.nan)}, DataError, "y has 0 labels"),
        ({"y": ["a"] * 60}, DataError, "y has 1 classes of 10 rows or more \\(a: 60\\); give two"),
        ({"y": ["a"] * 51 + ["b"] * 9}, DataError, r"y has 1 classes of 10 rows or more \(a: 51, b: 9\)"),
        ({"y": list(map(str, range(60)))}, DataError, "y has 0 classes .*, …"),
        ({"y": np.full(60, 1.5)}, DataError, "y is 1.5 in every row; give labels that differ"),
        ({"y": np.r_[np.inf, np.arange(59)]}, DataError, "y holds infinity; give finite numbers"),
        ({"y": np.zeros(60, "M8[s]")}, DataError, r"y holds datetime64\[s\]; give strings, bools or numbers"),
        ({"y": ["a", "b"] * 30, "kind": "number"}, DataError, 'y holds .* is not a number; leave out kind="number"'),
        ({"kind": "order"}, RecipeError, "kind='order' is unknown"),
        ({"rows": np.ones((59, 2))}, DataError, r"rows has shape \(59, 2\), but codes has 60 rows"),
        ({"rows": np.ones(60)}, DataError, r"rows has shape \(60,\)"),
        ({"rows": np.full((60, 2), np.inf)}, DataError, "rows hold infinity; leave out such rows"),
        ({"rows": sparse.csr_array(np.full((60, 2), np.inf))}, DataError, "rows hold infinity; leave out such rows"),
        ({"rows": np.full((60, 2), "a")}, DataError, "rows has type <U1; leave out or encode columns that are not"),
        ({"rows": sparse.coo_array((60, 0))}, DataError, r"rows has shape \(60, 0\)"),
        ({"codes": np.full((60, 2), np.inf)}, DataError, "codes holds NaN or infinity"),
        ({"codes": np.ones((60, 0))}, DataError, r"codes has shape \(60, 0\); give one latent or more"),
        ({"level": 0}, RecipeError, r"level=0 lies outside \(0, 1\)"),
        ({"most": 0}, RecipeError, "most=0 is below 1"),
        ({"few": 0}, RecipeError, "few=0 is below 1"),
    ],
)
def test_wrong_usage(change, error, message):
    usual = {"codes": some_codes(), "y": np.arange(60) % 3, "rows": np.ones((60, 2))}
    with pytest.raises(error, match=message):
        relate(**(usual | change))


def test_all_latents_are_scored_by_the_same_model_unless_they_are_many(monkeypatch):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 40)
    codes = np.maximum(rng.normal(size=(120, 12)) + (y[:, None] == np.array(["a", "b", "c"] * 4)), 0)
    related = relate(codes, y, rng.normal(size=(120, 3)))
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=50))
    predicted = cross_val_predict(model, codes, y, cv=StratifiedKFold(5, shuffle=True, random_state=0))
    assert related.all_score == pytest.approx(balanced_accuracy_score(y, predicted))
    monkeypatch.setattr(sys.modules["taciturn.probes.relate"], "MAX_MODEL_LATENTS", 11)
    assert relate(codes, y, rng.normal(size=(120, 3))).all_score is None
