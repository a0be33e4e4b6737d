"""Latents beside labels and numbers: SciPy's tests, held to their level, and cases worked by hand."""

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
from taciturn.metrics.arrays import columns
from taciturn.probes import Related, relate
from taciturn.probes.few import best_latents
from taciturn.probes.ranks import (
    Ranks,
    auc_interval,
    correlation_interval,
    follow_number,
    precision_recall,
    rank,
    tell_classes,
)
from taciturn.probes.targets import read_target

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
    return rank(columns(codes, "codes"))


def plainly(ranks):
    """The ranks of codes none of which is treated as lopsided."""
    return Ranks(ranks.offsets, ranks.ties, np.zeros_like(ranks.lopsided))


def rows_for(codes, seed=5):
    return np.random.default_rng(seed).normal(size=(codes.shape[0], 2))


# --- the statistics are SciPy's --------------------------------------------------------------------------------
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_ranks_are_scipys_less_that_of_the_usual_value(form):
    codes = some_codes()
    ranks = ranked(form(codes))
    found, wanted = ranks.offsets.toarray(), stats.rankdata(codes, axis=0)
    shift = wanted[0] - found[0]
    assert_allclose(found + shift, wanted, rtol=0, atol=1e-12)
    assert_allclose(ranks.variance, wanted.var(0))
    assert_allclose(ranks.mean + shift, (60 + 1) / 2)
    assert ranks.lopsided.tolist() == [False, False, True, True, False, True, True, False]
    usual = found[:, ranks.lopsided] == 0
    assert (usual.mean(0) > 0.5).all()  # no entries for what most rows have


def test_classes_are_told_as_mann_and_whitney_tell_them():
    codes, y = some_codes(), three_classes()
    inside = y[:, None] == np.array(["a", "b", "c"])
    auc, p = tell_classes(plainly(ranked(codes)), inside)
    for latent in range(codes.shape[1]):
        for each in range(3):
            of, others = codes[inside[:, each], latent], codes[~inside[:, each], latent]
            wanted = stats.mannwhitneyu(of, others, method="asymptotic")
            assert auc[each, latent] == pytest.approx(wanted.statistic / len(of) / len(others), abs=1e-12)
            assert auc[each, latent] == pytest.approx(roc_auc_score(inside[:, each], codes[:, latent]))
            assert p[each, latent] == pytest.approx(wanted.pvalue, rel=1e-10, abs=0)


def test_where_most_rows_share_a_value_it_is_fishers_exact_test():
    codes, y = some_codes(), three_classes()
    inside = y[:, None] == np.array(["a", "b", "c"])
    ranks = ranked(codes)
    p, asymptotic = tell_classes(ranks, inside)[1], tell_classes(plainly(ranks), inside)[1]
    assert_array_equal(p[:, ~ranks.lopsided], asymptotic[:, ~ranks.lopsided])
    for latent, usual in ((2, 0), (3, 0), (5, 0.5), (6, -2)):
        for each in range(3):
            tails = []
            for off in (codes[:, latent] > usual, codes[:, latent] < usual):
                if off.any():
                    table = [[np.sum(inside[:, each] & side) for side in (off, ~off)]]
                    table += [[np.sum(~inside[:, each] & side) for side in (off, ~off)]]
                    both = [stats.fisher_exact(table, alternative=a).pvalue for a in ("less", "greater")]
                    tails.append(min(2 * min(both), 1))
            assert p[each, latent] == pytest.approx(min(len(tails) * min(tails), 1), rel=1e-10)
    assert len(tails) == 1  # latent 6 lies on one side, latent 3 on both


@pytest.mark.parametrize("y", [np.random.default_rng(3).lognormal(size=60), np.arange(60) // 5 % 4])
def test_numbers_are_followed_as_spearman_has_it(y):
    codes = some_codes()
    r, p = follow_number(ranked(codes), y)
    for latent in range(codes.shape[1]):
        wanted = stats.spearmanr(codes[:, latent], y)
        assert r[latent] == pytest.approx(wanted.statistic, rel=1e-10)
        assert p[latent] == pytest.approx(wanted.pvalue, rel=1e-10)


def test_two_lopsided_ones_meet_in_fishers_test():
    codes = some_codes()
    y = np.where(np.arange(60) % 5 == 0, np.arange(60.0), 0) + 7  # 7 in most rows, above it in the others
    p = follow_number(ranked(codes), y)[1]
    wanted = 2 * min(fisher(codes[:, 2] > 0, y > 7, alternative) for alternative in ("less", "greater"))
    assert p[2] == pytest.approx(min(wanted, 1), rel=1e-10)
    assert p[0] == pytest.approx(stats.spearmanr(codes[:, 0], y).pvalue, rel=1e-10)
    both_sides = np.where(np.arange(60) % 7 == 0, -1, y - 7)
    p = follow_number(ranked(codes), both_sides)[1]
    sides = [fisher(codes[:, 2] > 0, side, a) for side in (both_sides > 0, both_sides < 0) for a in ("less", "greater")]
    assert p[2] == pytest.approx(min(1, 4 * min(sides)), rel=1e-10)


# --- by hand ---------------------------------------------------------------------------------------------------
def test_auc_with_ties_by_hand():
    """Codes of the class 2, 1, 1, 0 and of the others 1, 0, 0: of 12 pairs 7 are won, 4 tied."""
    ranks = ranked(np.array([[2.0], [1], [1], [0], [1], [0], [0]]))
    inside = np.array([True] * 4 + [False] * 3)[:, None]
    # 2 wins 3; each 1 ties one and wins 2; 0 loses one and ties 2
    assert tell_classes(ranks, inside)[0].tolist() == [[(3 + 2.5 + 2.5 + 1) / 12]]


def test_delongs_interval_by_hand():
    """Placements (1, 5/6, 5/6, 1/3) have variance 1/12; (3.5/4 …) of the others are worked out below."""
    ranks = np.array([2.0, 1, 1, 0, 1, 0, 0])
    inside = np.array([True] * 4 + [False] * 3)
    above, below = np.array([1, 5 / 6, 5 / 6, 1 / 3]), np.array([2 / 4, 3.5 / 4, 3.5 / 4])
    assert above.mean() == pytest.approx(below.mean())
    auc, error = 0.75, np.sqrt(above.var(ddof=1) / 4 + below.var(ddof=1) / 3)
    wanted = [1 / (1 + np.exp(-(np.log(3) + z * error / (auc * (1 - auc))))) for z in (-1.959964, 1.959964)]
    assert_allclose(auc_interval(ranks, inside), wanted, rtol=1e-6)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng, truth = np.random.default_rng(0), stats.norm.cdf(1 / np.sqrt(2))
    inside = np.arange(120) < 40
    held = [
        low < truth < high for low, high in (auc_interval(rng.normal(size=120) + inside, inside) for _ in range(400))
    ]
    assert 0.92 < np.mean(held) < 0.98
    r = 6 / np.pi * np.arcsin(0.6 / 2)  # Spearman's for a normal pair correlated by 0.6
    held = []
    for _ in range(400):
        x, noise = rng.normal(size=(2, 100))
        low, high = correlation_interval(stats.spearmanr(x, 0.6 * x + 0.8 * noise).statistic, 100)
        held.append(low < r < high)
    assert 0.92 < np.mean(held) < 0.98


def test_a_perfect_detector_still_has_an_interval():
    inside = np.arange(50) < 20
    low, high = auc_interval(inside.astype(float), inside)
    assert high == 1
    # Newcombe's equation, 1 - a = z sqrt(var(a)), with Hanley and McNeil's variance
    q1, q2, half = low / (2 - low), 2 * low**2 / (1 + low), 24
    variance = (low * (1 - low) + half * (q1 - low**2) + half * (q2 - low**2)) / (20 * 30)
    assert 1 - low == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-6)
    assert auc_interval(-inside.astype(float), inside) == (0, pytest.approx(1 - low))
    assert correlation_interval(1.0, 50) == (pytest.approx(1), pytest.approx(1))


def test_precision_and_recall_by_hand():
    """30 of the class, 20 of which have code 1; 6 of the 60 others have it: precision 20 / 26, recall 20 / 30."""
    inside = np.arange(90) < 30
    codes = ((np.arange(90) < 20) | (np.arange(90) >= 84)).astype(float)
    assert precision_recall(codes, inside, 0) == (pytest.approx(20 / 26), pytest.approx(20 / 30))
    # 2 in 10 of the class, 1 in 20 more and in 20 of the others: balanced accuracy 1/2 (1 + 1/3) and 1/2 (1 + 2/3)
    codes = np.repeat([2.0, 1, 1, 0], [10, 20, 20, 40])
    assert precision_recall(codes, inside, 0) == (pytest.approx(30 / 50), pytest.approx(1))
    assert precision_recall(np.zeros(90), inside, 0) == (0, 0)  # it never says so


def test_a_threshold_is_not_judged_on_the_rows_that_chose_it():
    """In-sample, the best threshold of noise tells a little (Youden's J > 0)."""
    rng, gains = np.random.default_rng(0), []
    for seed in range(100):
        inside, noise = np.arange(60) % 3 == 0, rng.normal(size=60)
        precision, recall = precision_recall(noise, inside, seed)
        said = recall * 20 / precision if precision else 0
        gains.append(recall - (said - recall * 20) / 40 if precision else 0)
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
    found = relate(codes, y, rows_for(codes), target="letter", few=2)
    assert (found.kind, found.target, found.classes, found.rows) == ("classes", "letter", ("a", "b", "c"), 300)
    assert found.counts == tuple(np.unique(y, return_counts=True)[1])
    first, second, third = found.effects[:3]
    assert (first.latent, first.of, first.effect, first.precision, first.recall) == (7, "a", 1, 1, 1)
    assert (second.latent, second.of, second.effect, second.precision, second.recall) == (9, "b", 0, 1, 1)
    assert (third.latent, third.of) == (11, "c")
    assert third.low < third.effect < third.high
    assert third.precision == pytest.approx(np.mean(y[codes[:, 11] > 0] == "c"))
    assert third.recall == pytest.approx(np.mean(codes[y == "c", 11]))
    assert first.low < 1 == first.high
    assert found.few_score > 0.99
    assert abs(found.raw_score - found.chance) < 0.1
    assert (found.measure, found.chance) == ("balanced accuracy", 1 / 3)


def test_a_latent_of_two_classes_is_named_after_the_one_it_speaks_for():
    rng = np.random.default_rng(0)
    y = np.repeat([False, True], [60, 40])
    codes = np.stack([rng.random(100), ~y * rng.random(100), y * rng.random(100)], 1)
    found = relate(codes, y, rows_for(codes))
    assert {(e.latent, e.of, e.effect, e.precision) for e in found.effects} == {(1, "False", 1, 1), (2, "True", 1, 1)}
    assert found.tested == 3
    assert found.found == 2


def test_a_number_is_followed_up_and_down():
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    codes = np.column_stack([rng.random((200, 5)), np.exp(y), -y + rng.normal(size=200)])
    found = relate(codes, y, np.column_stack([y, rng.random(200)]), few=1)
    assert (found.kind, found.measure, found.chance, found.classes, found.counts) == ("number", "R²", 0, (), ())
    assert [(e.latent, e.of, e.precision, e.recall) for e in found.effects] == [
        (5, "", None, None),
        (6, "", None, None),
    ]
    up, down = found.effects
    assert up.effect == pytest.approx(1)
    assert down.effect == pytest.approx(stats.spearmanr(codes[:, 6], y).statistic)
    assert down.low < down.effect < down.high < 0
    assert 0.4 < found.few_score < found.raw_score  # a line through exp(y)
    assert found.raw_score > 0.999


def test_q_is_over_all_latents_and_classes_and_silent_ones_are_left_out():
    codes, y = planted()
    codes[:, [0, 20]] = [0, 3.0]
    found = relate(codes, y, rows_for(codes), level=0.5)
    assert found.tested == 38
    p = [
        stats.mannwhitneyu(codes[y == each, latent], codes[y != each, latent], method="asymptotic").pvalue
        if 2 * np.sum(codes[:, latent] == 0) <= 300
        else min(1, 2 * min(fisher(codes[:, latent] > 0, y == each, a) for a in ("less", "greater")))
        for each in "abc"
        for latent in range(40)
        if latent not in (0, 20)
    ]
    q = stats.false_discovery_control(p)
    assert found.found == (q.reshape(3, 38) <= 0.5).any(0).sum() == len(found.effects)
    for effect in found.effects:
        near = np.argmin(np.abs(np.array(p) - effect.p))
        assert effect.q == pytest.approx(q[near])
    assert {0, 20}.isdisjoint(effect.latent for effect in found.effects)


def fisher(fires, inside, alternative):
    table = [[np.sum(f & i) for i in (inside, ~inside)] for f in (fires, ~fires)]
    return stats.fisher_exact(table, alternative=alternative).pvalue


def test_at_most_so_many_are_shown_the_strongest_first():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    codes = rng.normal(size=(200, 20)) + y[:, None] * np.linspace(0.8, 3, 20)
    found = relate(codes, y, rows_for(codes), most=5)
    assert found.found == 20
    assert len(found.effects) == 5
    strengths = [abs(effect.effect - 0.5) for effect in found.effects]
    assert strengths == sorted(strengths, reverse=True)
    assert len({effect.latent for effect in found.effects}) == 5


# --- without a relation ----------------------------------------------------------------------------------------
CODES = {
    "dense": lambda rng: 1 / (1 + np.exp(-rng.normal(size=(200, 50)))),
    "half": lambda rng: np.maximum(rng.normal(size=(200, 50)), 0),
    "sparse": lambda rng: sparse.random_array((200, 50), density=0.01, rng=rng),
}
TARGETS = {
    "classes": lambda rng: rng.permutation(np.repeat(["rare", "some", "most"], [10, 60, 130])),
    "number": lambda rng: rng.lognormal(size=200),
    "mostly 0": lambda rng: rng.lognormal(size=200) * (rng.random(200) < 0.06),
}
SEEDS = 20
BOUND = stats.binom.ppf(0.999, SEEDS, 0.05)  # 5: of seeds that may name a latent


def naming(codes, target, few=4):
    """How many seeds name any latent, and the scores of the small models less chance."""
    named, scores = 0, []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        made = CODES[codes](rng)
        found = relate(made, TARGETS[target](rng), rows_for(made), few=few, seed=seed)
        named += found.found > 0
        scores.append(found.few_score - found.chance)
    return named, np.array(scores)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("codes", CODES)
def test_labels_that_know_nothing_name_no_latent(codes, target):
    named, scores = naming(codes, target)
    assert named <= BOUND
    assert scores.mean() < 3 * scores.std() / np.sqrt(SEEDS)


@pytest.mark.parametrize(("codes", "target"), [("dense", "classes"), ("half", "number")])
def test_without_benjamini_and_hochberg_they_would(monkeypatch, codes, target):
    monkeypatch.setattr(module.stats, "false_discovery_control", lambda p: p)
    assert naming(codes, target)[0] > BOUND


@pytest.mark.parametrize("target", ["classes", "mostly 0"])
def test_with_the_normal_approximation_alone_rare_latents_would(monkeypatch, target):
    monkeypatch.setattr(module, "rank", lambda codes: plainly(rank(codes)))
    assert naming("sparse", target)[0] > BOUND


@pytest.mark.parametrize("target", ["classes", "number"])
def test_with_latents_chosen_in_sample_the_small_model_would_score(monkeypatch, target):
    honest = naming("dense", target)[1]
    in_sample = lambda ranks, known, learn, few: best_latents(ranks, known, np.arange(200), few)  # noqa: E731
    monkeypatch.setattr(module, "best_latents", in_sample)
    gains = naming("dense", target)[1] - honest
    assert gains.mean() > 4 * gains.std() / np.sqrt(SEEDS)


# --- what must not matter --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array, torch.tensor, lambda codes: 2.0**-20 * codes]
)
@pytest.mark.parametrize("target", ["classes", "number"])
def test_the_form_and_the_units_of_codes_do_not_matter(form, target):
    codes, y = planted()
    codes = np.hstack([codes, some_codes(300)])
    y = y if target == "classes" else codes[:, 7] + codes[:, 40]
    assert relate(form(codes), y, rows_for(codes)) == relate(codes, y, rows_for(codes))


def test_the_order_of_rows_does_not_matter_to_what_is_found():
    codes, y = planted()
    rows, order = rows_for(codes), np.random.default_rng(9).permutation(300)
    found, again = relate(codes, y, rows), relate(codes[order], y[order], rows[order])
    for one, other in zip(found.effects, again.effects, strict=True):
        assert (one.latent, one.of, one.p, one.q, one.effect) == (
            other.latent,
            other.of,
            other.p,
            other.q,
            other.effect,
        )
        assert one.low == pytest.approx(other.low)


def test_the_order_of_latents_and_the_names_of_classes_do_not_matter():
    codes, y = planted()
    found = relate(codes, y, rows_for(codes))
    turned = relate(codes[:, ::-1], np.char.add("class ", y), rows_for(codes))
    assert {(39 - e.latent, e.of[-1], e.effect, e.q) for e in turned.effects} == {
        (e.latent, e.of, e.effect, e.q) for e in found.effects
    }


def test_what_grows_with_codes_changes_nothing_that_ranks_decide():
    codes, y = planted()
    found, grown = (relate(c, y, rows_for(codes)).effects for c in (codes, np.expm1(codes)))
    assert found == grown


def test_signed_codes_speak_for_and_against():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 100)
    codes = np.zeros((300, 3))
    codes[:100, 1] = rng.random(100) * (rng.random(100) < 0.6)
    codes[100:200, 1] = -rng.random(100) * (rng.random(100) < 0.3)
    effect = relate(codes, y, rows_for(codes)).effects[0]
    assert (effect.latent, effect.of) == (1, "a")
    assert effect.effect > 0.7
    assert effect.precision == pytest.approx(1)


def test_rows_may_be_sorted_by_what_they_are_labelled_with():
    """Folds of neighbours would have to predict numbers beyond those that they learnt from."""
    y = np.linspace(0, 3, 200)
    assert relate(y[:, None] > 1.5, y, y[:, None]).few_score > 0.7


def test_seeds_are_repeated():
    codes, y = planted()
    assert relate(codes, y, rows_for(codes), seed=3) == relate(codes, y, rows_for(codes), seed=3)


# --- little or nothing to test ---------------------------------------------------------------------------------
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("y", [np.repeat(["a", "b"], 15), np.random.default_rng(0).normal(size=30)])
def test_silent_latents_leave_chance(form, y):
    found = relate(form(np.zeros((30, 4))), y, np.ones((30, 2)))
    assert (found.tested, found.found, found.effects, found.few, found.few_score) == (0, 0, (), 0, found.chance)
    assert found.raw_score == pytest.approx(found.chance, abs=0.2)


def test_one_latent():
    y = np.repeat(["a", "b"], 15)
    found = relate((y == "b")[:, None] * 2.0, y, np.ones((30, 1)))
    assert (found.tested, found.few, found.few_score, found.effects[0].of) == (1, 1, 1, "b")
    assert found.effects[0].p == found.effects[0].q


def test_a_class_names_its_best_latent_before_another_names_its_second():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 60)
    codes = rng.random((180, 8))
    codes[:, :4] += 2 * (y == 2)[:, None] + 0.5
    codes[:, 4] += 0.8 * (y == 1)
    codes[:, 5] += 0.7 * (y == 0)
    ranks, known = ranked(codes), read_target(y)
    best = best_latents(ranks, known, np.arange(180), 2)
    assert best[0] in range(4)  # the strongest, though its class is the last
    assert best[1] == 4
    assert best_latents(ranks, known, np.arange(180), 1) == best[:1]
    assert best_latents(ranks, known, np.arange(180), 8)[:2] == best
    assert relate(codes, y, rows_for(codes), few=2).few_score > 0.8


def test_the_best_for_a_number_are_those_that_spearman_puts_first():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    codes = np.column_stack([y + 4 * rng.normal(size=300), y > 1.3, y + 2 * rng.normal(size=300)])
    learn = np.arange(240)
    order = np.argsort([-abs(stats.spearmanr(codes[learn, latent], y[learn]).statistic) for latent in range(3)])
    assert order.tolist() == [1, 2, 0]  # the second varies least
    assert best_latents(ranked(codes), read_target(y), learn, 3) == order.tolist()


def test_a_rare_class_weighs_as_much_as_the_others_in_the_models():
    rng = np.random.default_rng(0)
    y = np.arange(400) % 10 == 0
    codes = rng.normal(size=(400, 1)) + 1.5 * y[:, None]
    found = relate(codes, y, codes)
    assert found.few_score == found.raw_score > 0.7  # never to say the rare one would have 0.5


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
        (np.arange(24) % 5, "number", ()),  # 5 are many beside 24 rows
        ([b"a", b"b"] * 15, "classes", ("a", "b")),
        (pd.Series(["a", "b"] * 15, dtype="category"), "classes", ("a", "b")),
        (pd.Series([1, 2, None] * 15, dtype="Int64"), "classes", ("1", "2")),
        ([None, "a", "b", float("nan")] * 15, "classes", ("a", "b")),
        ([pd.NA, "a", "b"] * 15, "classes", ("a", "b")),
        ([None, 1.5, 2] * 15, "number", ()),
    ],
)
def test_the_kind_of_target(y, kind, classes):
    known = read_target(y)
    assert (known.kind, known.classes) == (kind, classes)
    missing = pd.isna(pd.Series(list(y))).to_numpy()
    assert_array_equal(known.kept, np.flatnonzero(~missing))
    assert known.given == len(y)


def test_the_kind_may_be_said():
    codes = some_codes(60)
    assert relate(codes, np.arange(60) % 3, rows_for(codes), kind="number").kind == "number"
    assert relate(codes, (np.arange(60) % 3) / 2, rows_for(codes), kind="classes").classes == ("0.0", "0.5", "1.0")


def test_rows_without_a_label_and_small_classes_are_left_out():
    codes, y = planted()
    labels = y.astype(object)
    labels[:5], labels[5:14] = None, "aa"
    rows = rows_for(codes)
    found = relate(codes, labels, rows)
    assert (found.left_out, found.rows, found.classes) == (14, 286, ("a", "b", "c"))
    kept = relate(codes[14:], y[14:], rows[14:])
    assert found.to_dict() | {"left_out": 0} == kept.to_dict()
    labels[14] = "aa"
    assert relate(codes, labels, rows).classes == ("a", "aa", "b", "c")


def test_it_is_written_down_and_read_again():
    codes, y = planted()
    for target in (y, codes[:, 7] + codes[:, 20]):
        found = relate(codes, target, sparse.csr_array(rows_for(codes)))
        assert found.effects
        assert Related.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": np.zeros(3)}, DataError, "y has 3 labels .*; give 20 rows"),
        ({"y": np.arange(59) % 2}, DataError, "y has 59 labels, but codes has 60 rows; give one label a row"),
        ({"y": np.zeros((60, 1))}, DataError, r"y has shape \(60, 1\); give one label a row"),
        ({"y": np.full(60, np.nan)}, DataError, "y has 0 labels"),
        ({"y": ["a"] * 60}, DataError, "y has 1 classes of 10 rows or more \\(a: 60\\); give two"),
        ({"y": ["a"] * 51 + ["b"] * 9}, DataError, r"y has 1 classes of 10 rows or more \(a: 51, b: 9\)"),
        ({"y": list(map(str, range(60)))}, DataError, "y has 0 classes .*, …"),
        ({"y": np.full(60, 1.5)}, DataError, "y is 1.5 in every row; nothing goes with a constant"),
        ({"y": np.r_[np.inf, np.arange(59)]}, DataError, "y holds infinity; give finite numbers"),
        ({"y": np.zeros(60, "M8[s]")}, DataError, r"y holds datetime64\[s\]; give strings, bools or numbers"),
        ({"y": ["a", "b"] * 30, "kind": "number"}, DataError, 'y holds .*; leave out kind="number"'),
        ({"kind": "order"}, RecipeError, "kind='order' is unknown"),
        ({"rows": np.ones((59, 2))}, DataError, r"rows has shape \(59, 2\), but codes has 60 rows"),
        ({"rows": np.ones(60)}, DataError, r"rows has shape \(60,\)"),
        ({"rows": np.full((60, 2), np.nan)}, DataError, "rows must be finite numbers"),
        ({"codes": np.full((60, 2), np.inf)}, DataError, "codes must be finite numbers"),
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


def test_all_latents_are_read_by_the_same_model_unless_they_are_many(monkeypatch):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 40)
    codes = np.maximum(rng.normal(size=(120, 12)) + (y[:, None] == np.array(["a", "b", "c"] * 4)), 0)
    found = relate(codes, y, rng.normal(size=(120, 3)))
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=50))
    said = cross_val_predict(model, codes, y, cv=StratifiedKFold(5, shuffle=True, random_state=0))
    assert found.all_score == pytest.approx(balanced_accuracy_score(y, said))
    monkeypatch.setattr(sys.modules["taciturn.probes.relate"], "PROBED", 11)
    assert relate(codes, y, rng.normal(size=(120, 3))).all_score is None
