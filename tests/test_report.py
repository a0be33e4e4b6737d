"""The report's numbers against NumPy in float64 on the whole array, and its words against hand-made numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from taciturn import DictionaryAutoencoder, SparseAutoencoder, datasets
from taciturn.core.errors import DataError
from taciturn.data.sources import Rows
from taciturn.probes import Baseline
from taciturn.report import Summary, compare
from taciturn.report.numbers.curves import curves
from taciturn.report.numbers.neighbours import Neighbours
from taciturn.report.numbers.provenance import fingerprint
from taciturn.report.numbers.verdict import verdict
from taciturn.training import History


@pytest.fixture(scope="module")
def digits():
    rows = datasets.load("digits").read(0, 500)
    return rows[:300], rows[300:]


@pytest.fixture(scope="module")
def dictionary(digits):
    model = DictionaryAutoencoder(96, k=6, max_iter=6, random_state=0).fit(digits[0])
    return model, model.report(digits[1], training=digits[0], name="digits")


@pytest.fixture(scope="module")
def textbook(digits):
    model = SparseAutoencoder(48, corruption="gaussian:0.3", sparsity="kl:0.1", max_iter=6, random_state=0)
    model.fit(digits[0] * 16 - 3)  # standardised: scaled units are not the rows'
    return model, model.report(digits[1] * 16 - 3, training=digits[0] * 16 - 3)


def seen(which, digits):
    return digits[1].astype(np.float64) if which == "dictionary" else digits[1] * 16.0 - 3


def scaled(model, rows):
    return (np.asarray(rows, np.float64) - model.module_.shift.numpy()) / model.module_.scale.numpy()


def dense(codes):
    return np.asarray(codes.todense() if hasattr(codes, "todense") else codes, np.float64)


@pytest.mark.parametrize("which", ["dictionary", "textbook"])
def test_numbers_are_those_of_the_whole_array(which, digits, request):
    model, report = request.getfixturevalue(which)
    x = seen(which, digits)
    z, back, codes = scaled(model, x), scaled(model, model.denoise(x)), dense(model.transform(x))
    error = np.square(back - z)
    assert report.summary.fvu == pytest.approx(error.sum() / np.square(z - z.mean(0)).sum(), rel=1e-9)
    assert report.summary.mean_squared_error == pytest.approx(error.mean(), rel=1e-9)
    assert report.errors.per_column == pytest.approx(error.mean(0), rel=1e-6, abs=1e-15)
    assert report.errors.quantiles == pytest.approx(
        np.quantile(error.mean(1), [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1]), rel=1e-9
    )
    assert (sum(report.errors.counts), len(report.errors.edges)) == (len(x), len(report.errors.counts) + 1)
    at_work = codes > 0.5 if which == "textbook" else codes != 0
    assert report.latents.rates == pytest.approx(codes.mean(0), rel=1e-9, abs=1e-15)
    assert report.latents.firing == pytest.approx(at_work.mean(0), abs=1e-15)
    lengths = np.linalg.norm(model.components_.astype(np.float64), axis=1)
    power = codes.var(0) * lengths**2
    assert report.latents.lengths == pytest.approx(lengths, rel=1e-9)
    assert report.latents.shares == pytest.approx(power / power.sum(), rel=1e-6, abs=1e-12)
    assert sorted(report.latents.order) == list(range(codes.shape[1]))
    assert np.all(np.diff(np.array(report.latents.shares)[report.latents.order]) <= 0)


@pytest.mark.parametrize("which", ["dictionary", "textbook"])
def test_the_atlas_shows_the_rows_with_the_largest_codes_and_some_at_quantiles(which, digits, request):
    model, report = request.getfixturevalue(which)
    codes = dense(model.transform(seen(which, digits)))
    assert [each.latent for each in report.atlas] == report.latents.order[: len(report.atlas)]
    for each in report.atlas:
        column = codes[:, each.latent]
        top = [spoken for spoken in each.rows if spoken.quantile is None]
        largest = -np.sort(-column)[:6]
        assert [spoken.code for spoken in top] == pytest.approx(largest[largest > 0], rel=1e-5)
        assert all(column[spoken.row] == pytest.approx(spoken.code, rel=1e-5) for spoken in each.rows)
        speaking = -np.sort(-column[column > 0])
        for spoken in each.rows:
            if spoken.quantile is not None:
                assert spoken.code == pytest.approx(
                    speaking[round((1 - spoken.quantile) * (len(speaking) - 1))], rel=1e-5
                )
        at_work = column > 0.5 if which == "textbook" else column != 0
        assert each.mean_active == (pytest.approx(column[at_work].mean(), rel=1e-5) if at_work.any() else None)


def test_columns_of_a_table_are_named_by_their_largest_weights():
    wine = datasets.load("wine")
    model = DictionaryAutoencoder(16, k=3, max_iter=5, random_state=0).fit(wine)
    report = model.report(wine)
    for each in report.atlas:
        weights = model.components_[each.latent]
        assert [name for name, _ in each.columns] == [wine.columns[i] for i in np.argsort(-np.abs(weights))[:8]]
        assert [weight for _, weight in each.columns] == pytest.approx(
            -np.sort(-np.abs(weights))[:8] * np.sign(weights[np.argsort(-np.abs(weights))[:8]])
        )


def test_samples_carry_their_rows_and_what_denoising_is_worth(textbook, digits):
    model, report = textbook
    x, shots = seen("textbook", digits), report.pictures.shots
    z = scaled(model, x)
    peak = z.max() - z.min()
    row_errors = np.square(scaled(model, model.denoise(x)) - z).mean(1)
    assert [each.row for each in report.samples.best] == np.argsort(row_errors)[:4].tolist()
    assert [each.row for each in report.samples.worst] == np.argsort(-row_errors)[:4].tolist()
    for each in report.samples.first:
        assert shots.clean[each.row] == pytest.approx(x[each.row])
        noise = scaled(model, shots.corrupted[each.row][None])[0] - z[each.row]
        assert each.psnr_before == pytest.approx(10 * np.log10(peak**2 / np.square(noise).mean()), abs=1e-6)
        after = scaled(model, model.denoise(shots.corrupted[each.row][None]))[0] - z[each.row]
        assert each.psnr_after == pytest.approx(10 * np.log10(peak**2 / np.square(after).mean()), abs=1e-4)
    for each in report.samples.worst:
        assert each.row < 10 or shots.corrupted[each.row] == pytest.approx(x[each.row])
        assert each.error == pytest.approx(row_errors[each.row])


def test_principal_components_are_scikit_learns(textbook, digits):
    model, report = textbook
    learnt, held = scaled(model, digits[0] * 16 - 3), scaled(model, digits[1] * 16 - 3)
    found = {one.components: one.fvu for one in report.baselines if one.name == "PCA"}
    assert list(found) == [5, 48]  # 10% of 48 latents, and all
    for components, fvu in found.items():
        pca = PCA(components).fit(learnt)
        left = np.square(pca.inverse_transform(pca.transform(held)) - held).sum()
        assert fvu == pytest.approx(left / np.square(held - held.mean(0)).sum(), rel=1e-6)


def test_the_untrained_encoder_is_what_the_seed_drew_and_is_beaten_where_there_is_something_to_learn():
    known = datasets.known_dictionary(6000, n_features=96, n_inputs=32, active=3, random_state=0)
    model = DictionaryAutoencoder(96, k=3, scaling="none", random_state=0).fit(known.rows[:4000])
    report = model.report(known.rows[4000:], training=known.rows[:4000])
    untrained = next(one for one in report.baselines if one.name == "untrained encoder")
    assert report.summary.fvu < 0.6 * untrained.fvu  # .25 for .57
    assert 0.2 < untrained.fvu < 0.8
    learnt_nothing = DictionaryAutoencoder(96, k=3, scaling="none", learning_rate=1e-9, max_iter=1, random_state=0)
    twin = learnt_nothing.fit(known.rows[:4000]).report(known.rows[4000:], training=known.rows[:4000])
    assert next(o for o in twin.baselines if o.name == "untrained encoder").fvu == pytest.approx(
        untrained.fvu, rel=1e-3
    )


def test_likeness_is_that_of_directions_and_codes(dictionary, digits):
    model, report = dictionary
    codes, W = dense(model.transform(digits[1])), model.components_.astype(np.float64)
    W = W / np.linalg.norm(W, axis=1, keepdims=True)
    speaking = np.flatnonzero(codes.var(0) > 0)
    cosines = np.abs(np.triu(W[speaking] @ W[speaking].T, 1))
    assert report.neighbours.alike == (cosines >= 0.95).sum()
    assert report.neighbours.mean_cosine == pytest.approx(cosines.sum() / (len(speaking) * (len(speaking) - 1) / 2))
    shown = report.neighbours.correlated
    assert np.array(report.neighbours.correlations) == pytest.approx(np.corrcoef(codes[:, shown].T), abs=1e-6)


def test_a_pair_that_points_the_same_way_is_found(digits):
    model = DictionaryAutoencoder(32, k=4, max_iter=3, random_state=0).fit(digits[0])
    with torch.no_grad():
        loud = int(dense(model.transform(digits[1])).var(0).argmax())
        other = (loud + 1) % 32
        model.module_.dictionary[other] = -0.5 * model.module_.dictionary[loud]
        model.module_.encoder[-1].weight[other] = model.module_.encoder[-1].weight[loud]
        model.module_.encoder[-1].bias[other] = model.module_.encoder[-1].bias[loud]
    near = model.report(digits[1]).neighbours
    assert (near.alike, near.doubles) == (1, 2)
    assert {near.pairs[0].one, near.pairs[0].other} == {loud, other}
    assert near.pairs[0].cosine == pytest.approx(-1)


def test_half_of_the_rows_teach_the_baselines_where_none_are_given(dictionary, digits):
    model, _ = dictionary
    report = model.report(digits[1])
    z = scaled(model, digits[1])
    pca, held = PCA(6).fit(z[::2]), z[1::2]
    fvu = np.square(pca.inverse_transform(pca.transform(held)) - held).sum() / np.square(held - held.mean(0)).sum()
    assert report.baselines[0].fvu == pytest.approx(fvu, rel=1e-6)


def test_curves_are_the_historys_numbers_and_the_latents_that_were_silent():
    steps = {"step": [0, 1, 2], "epoch": [0, 0, 1], "learning_rate": [0.3, 0.2, 0.1]}
    epochs = {"epoch": [0, 1], "loss": [2.0, np.nan], "rates": [[0.0, 1.0, 0.0], [0.1, 0.1, 0.0]]}
    assert curves(History(steps, epochs)) == {
        "epoch": [0, 1],
        "loss": [2.0, None],
        "dead": [2, 1],
        "learning_rate": [0.2, 0.1],
    }


def test_the_file_holds_the_same_numbers_and_only_finite_ones(dictionary, tmp_path):
    _, report = dictionary
    report.save_json(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert "pictures" not in written
    assert written["schema"] == 2
    assert written["summary"]["fvu"] == report.summary.fvu
    assert written["latents"]["rates"] == report.latents.rates
    assert written["atlas"][0]["rows"][0]["code"] == report.atlas[0].rows[0].code
    assert written["baselines"][0] == vars(report.baselines[0])


def test_a_fingerprint_is_that_of_the_rows_not_of_the_blocks():
    rows = np.arange(12.0).reshape(6, 2)
    assert fingerprint(Rows(rows)) == fingerprint(Rows(rows.copy(order="F")))
    changed = rows.copy()
    changed[5, 1] += 1e-9
    assert len({fingerprint(Rows(each)) for each in (rows, changed, rows[:5], rows.astype(np.float32))}) == 4


def test_relations_are_told_where_labels_are_given(dictionary, digits):
    model, _ = dictionary
    y = datasets.labels("digits")[300:500]
    report = model.report(digits[1], labels=y, target="digit")
    assert (report.relation.kind, report.relation.target, len(report.relation.classes)) == ("classes", "digit", 10)
    assert report.relation.found > 20
    with pytest.raises(DataError, match=r"digit has shape \(3,\), but there are 200 rows"):
        model.report(digits[1], labels=[1, 2, 3], target="digit")


# --- the verdict -----------------------------------------------------------------------------------------------

GOOD = Summary(
    rows=100,
    held_out=True,
    columns=64,
    latents=256,
    mean_squared_error=0.01,
    fvu=0.07,
    rates=[0.049] * 256,
    target_rate=None,
    target_l0=12,
    weights={},
    active_above=None,
    dead=3,
    l0=12.04,
    corruption="gaussian:0.4",
    psnr_before=8.0,
    psnr_after=20.6,
)
FALLEN = {"epoch": list(range(10)), "validation_loss": [1.0, 0.5, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]}
APART = Neighbours([], 0, 0, 0.1, [], [])
SIMPLE = [Baseline("PCA", 12, 0.4), Baseline("untrained encoder", 256, 0.59)]


def test_latents_are_counted_where_a_count_means_something():
    assert GOOD.explained == "93.0% of the variance with 12.0 latents a row"
    assert replace(GOOD, target_l0=None, target_rate=0.05).explained == "93.0% of the variance"
    assert replace(GOOD, fvu=None).explained == "constant rows"


def judged(summary=GOOD, curves=FALLEN, near=APART, baselines=SIMPLE, batch_size=256):
    return verdict(summary, curves, near, baselines, batch_size=batch_size)


def test_the_verdict_says_what_carries_it():
    found = judged()
    assert found.sentence == (
        "Reconstructs 93.0% of the variance with 12.0 of 256 latents a row; asked for 12 latents a row, got 12.0; "
        "3 latents never fire; lifts noisy rows from 8.0 to 20.6 dB; an untrained encoder of the same size reaches "
        "41.0%."
    )
    assert found.points == [
        ("93.0%", "of the variance reconstructed"),
        ("12.0", "of 256 latents a row, asked 12"),
        ("+12.6 dB", "PSNR gained on gaussian:0.4"),
        ("3", "latents that never fire"),
    ]
    assert found.warnings == []


def test_the_textbooks_verdict_speaks_of_rates():
    found = judged(replace(GOOD, target_rate=0.05, target_l0=None, active_above=0.5))
    assert found.sentence.startswith(
        "Reconstructs 93.0% of the variance with 256 latents; asked for a rate of 5.0%, got 4.9%; lifts"
    )
    assert ("4.90%", "mean activation, asked 5.00%") in found.points


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"summary": replace(GOOD, target_rate=0.06, target_l0=None)}, "The rate is 4.90%, 6.00% was asked."),
        ({"summary": replace(GOOD, target_l0=10)}, "12.0 latents a row are at work, 10 were asked."),
        ({"summary": replace(GOOD, dead=6)}, "6 of 256 latents never fire on these rows."),
        ({"near": replace(APART, alike=7, doubles=6)}, "6 latents have a near-duplicate (|cosine| at least .95)."),
        (
            {"curves": FALLEN | {"validation_loss": [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]}},
            "The error was still falling when training stopped.",
        ),
        (
            {"curves": FALLEN | {"squared_error": [0.1], "validation_squared_error": [0.15]}},
            "Rows kept apart have 50% more error than those learnt from.",
        ),
        ({"baselines": [Baseline("PCA", 12, 0.05)]}, "PCA with 12 components reconstructs more: 95.0%."),
        (
            {"baselines": [Baseline("untrained encoder", 256, 0.07)]},
            "An untrained encoder with a fitted decoder reconstructs as much: 93.0%.",
        ),
        (
            {"summary": replace(GOOD, target_rate=0.049, target_l0=None), "batch_size": 16},
            "A batch of 16 rows is small to measure a rate of 4.9% in.",
        ),
    ],
)
def test_what_a_specialist_would_warn_of(changes, warning):
    found = judged(**changes).warnings
    assert [each.what for each in found] == [warning]
    assert found[0].mend


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": replace(GOOD, dead=5)},
        {"summary": replace(GOOD, target_l0=11.6)},
        {"summary": replace(GOOD, target_rate=0.054, target_l0=None)},
        {"baselines": [Baseline("PCA", 64, 0.0)]},  # as many components as columns: exact, and no news
        {"curves": FALLEN | {"squared_error": [0.1], "validation_squared_error": [0.12]}},
        {"curves": {"epoch": [0, 1], "validation_loss": [1.0, 0.1]}},  # too short to tell
    ],
)
def test_what_nobody_need_be_warned_of(changes):
    assert judged(**changes).warnings == []


# --- several runs ----------------------------------------------------------------------------------------------


def test_runs_beside_each_other(digits):
    first, second = (
        DictionaryAutoencoder(24, k=k, max_iter=4, random_state=seed).fit(digits[0]) for k, seed in ((4, 0), (8, 1))
    )
    found = compare({"four": first.to_artifact(), "eight": second.to_artifact()}, Rows(digits[1]))
    assert found.differ == {"k": [4, 8], "random_state": [0, 1]}
    W, V = (m.components_ / np.linalg.norm(m.components_, axis=1, keepdims=True) for m in (first, second))
    from scipy.optimize import linear_sum_assignment

    cosines = np.abs(W.astype(np.float64) @ V.T)
    one, other = linear_sum_assignment(-cosines)
    assert found.shared[0].mean_cosine == pytest.approx(cosines[one, other].mean(), abs=1e-6)
    assert found.shared[0].found == (cosines[one, other] >= 0.9).sum()
    assert found.shared[0].initial == 0
    assert found.summaries[0].fvu == pytest.approx(1 - first.score(digits[1]))
    assert found.sentence.startswith("eight reconstructs most:")
    assert "four says least:" in found.sentence


def test_a_run_beside_itself_shares_all_and_had_it_before_the_first_step(digits):
    model = DictionaryAutoencoder(24, k=4, max_iter=2, random_state=0).fit(digits[0])
    kept = model.to_artifact()
    found = compare({"a": kept, "b": kept}, Rows(digits[1]))
    assert (found.differ, found.shared[0].found, found.shared[0].initial, found.shared[0].of) == ({}, 24, 24, 24)
    assert "a and b share 24 of 24 latents, 24 of them before the first step" in found.sentence


def test_what_runs_of_one_seed_shared_at_first_is_told_apart(digits):
    fits = [DictionaryAutoencoder(24, k=k, max_iter=6, random_state=0).fit(digits[0]) for k in (2, 8)]
    found = compare({str(fit.k): fit.to_artifact() for fit in fits}, Rows(digits[1])).shared[0]
    assert found.initial == 24
    assert found.found < 24


def test_one_run_has_nothing_to_be_compared_with(digits):
    kept = DictionaryAutoencoder(8, k=2, max_iter=1, random_state=0).fit(digits[0]).to_artifact()
    with pytest.raises(DataError, match="name two or more"):
        compare({"a": kept})
    with pytest.raises(DataError, match="name rows to measure all runs on"):
        compare({"a": kept, "b": kept})
