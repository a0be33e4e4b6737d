"""The report's numbers against NumPy in float64 on the whole array, and its texts against hand-made numbers."""

import json
import math
import re
import tracemalloc
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.decomposition import PCA

import taciturn
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, datasets
from taciturn.core.errors import ArtifactError, DataError, ExtremeRows
from taciturn.corruption import Clean, Gaussian, corrupted
from taciturn.data.sources import Rows
from taciturn.objective import L1, Objective, SquaredError
from taciturn.probes import Baseline, Baselines, baselines
from taciturn.report import Summary, compare, report, summarise
from taciturn.report.html.page import page
from taciturn.report.numbers.curves import curves
from taciturn.report.numbers.neighbours import Neighbours, neighbours
from taciturn.report.numbers.provenance import fingerprint
from taciturn.report.numbers.sample import Sample
from taciturn.report.numbers.verdict import Circumstances, verdict
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
    model.fit(digits[0] * 16 - 3)  # other units than the scaled ones
    return model, model.report(digits[1] * 16 - 3, training=digits[0] * 16 - 3)


def evaluation_rows(which, digits):
    return digits[1].astype(np.float64) if which == "dictionary" else digits[1] * 16.0 - 3


def scaled(model, rows):
    return (np.asarray(rows, np.float64) - model.module_.shift.numpy()) / model.module_.scale.numpy()


def untrained_encoder(report):
    return next(baseline for baseline in report.baselines.models if baseline.name == "untrained encoder")


def dense(codes):
    return np.asarray(codes.todense() if hasattr(codes, "todense") else codes, np.float64)


@pytest.mark.parametrize("which", ["dictionary", "textbook"])
def test_numbers_are_those_of_the_whole_array(which, digits, request):
    model, report = request.getfixturevalue(which)
    x = evaluation_rows(which, digits)
    z, reconstruction, codes = scaled(model, x), scaled(model, model.denoise(x)), dense(model.transform(x))
    error = np.square(reconstruction - z)
    assert report.summary.fvu == pytest.approx(error.sum() / np.square(z - z.mean(0)).sum(), rel=1e-9)
    assert report.summary.mean_squared_error == pytest.approx(error.mean(), rel=1e-9)
    assert report.errors.per_column == pytest.approx(error.mean(0), rel=1e-6, abs=1e-15)
    assert report.errors.quantiles == pytest.approx(
        np.quantile(error.mean(1), [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1]), rel=1e-9
    )
    assert (sum(report.errors.counts), len(report.errors.edges)) == (len(x), len(report.errors.counts) + 1)
    active = codes > 0.5 if which == "textbook" else codes != 0
    assert report.latents.mean_activations == pytest.approx(codes.mean(0), rel=1e-9, abs=1e-15)
    assert report.latents.firing_rates == pytest.approx(active.mean(0), abs=1e-15)
    norms = np.linalg.norm(model.components_.astype(np.float64), axis=1)
    power = codes.var(0) * norms**2
    assert report.latents.norms == pytest.approx(norms, rel=1e-9)
    assert report.latents.shares == pytest.approx(power / power.sum(), rel=1e-6, abs=1e-12)
    assert sorted(report.latents.order) == list(range(codes.shape[1]))
    assert np.all(np.diff(np.array(report.latents.shares)[report.latents.order]) <= 0)


@pytest.mark.parametrize("which", ["dictionary", "textbook"])
def test_the_atlas_shows_the_rows_with_the_largest_codes_and_some_at_quantiles(which, digits, request):
    model, report = request.getfixturevalue(which)
    codes = dense(model.transform(evaluation_rows(which, digits)))
    assert [entry.latent for entry in report.atlas] == report.latents.order[: len(report.atlas)]
    for entry in report.atlas:
        column = codes[:, entry.latent]
        top = [active.code for active in entry.rows if active.quantile is None]
        largest = -np.sort(-column)[:6]
        assert top == pytest.approx(largest[largest > 0], rel=1e-5)
        assert all(column[active.row] == pytest.approx(active.code, rel=1e-5) for active in entry.rows)
        positive = -np.sort(-column[column > 0])
        for active in entry.rows:
            if active.quantile is not None:
                position = round((1 - active.quantile) * (len(positive) - 1))
                assert active.code == pytest.approx(positive[position], rel=1e-5)
        is_active = column > 0.5 if which == "textbook" else column != 0
        mean = pytest.approx(column[is_active].mean(), rel=1e-5) if is_active.any() else None
        assert entry.mean_when_active == mean


def test_columns_of_a_table_are_named_by_their_largest_weights():
    wine = datasets.load("wine")
    model = DictionaryAutoencoder(16, k=3, max_iter=5, random_state=0).fit(wine)
    report = model.report(wine)
    for entry in report.atlas:
        weights = model.components_[entry.latent]
        assert [name for name, _ in entry.columns] == [wine.columns[i] for i in np.argsort(-np.abs(weights))[:8]]
        assert [weight for _, weight in entry.columns] == pytest.approx(
            -np.sort(-np.abs(weights))[:8] * np.sign(weights[np.argsort(-np.abs(weights))[:8]])
        )


def test_samples_have_their_rows_and_the_psnr_of_denoising(textbook, digits):
    model, report = textbook
    x, samples = evaluation_rows("textbook", digits), report.pictures.sample_rows
    z = scaled(model, x)
    peak = np.ptp(z, axis=0).max()
    row_errors = np.square(scaled(model, model.denoise(x)) - z).mean(1)
    assert [entry.row for entry in report.samples.best] == np.argsort(row_errors)[:4].tolist()
    assert [entry.row for entry in report.samples.worst] == np.argsort(-row_errors)[:4].tolist()
    for entry in report.samples.first:
        assert samples.clean[entry.row] == pytest.approx(x[entry.row])
        noise = scaled(model, samples.corrupted[entry.row][None])[0] - z[entry.row]
        assert entry.psnr_before == pytest.approx(10 * np.log10(peak**2 / np.square(noise).mean()), abs=1e-6)
        after = scaled(model, model.denoise(samples.corrupted[entry.row][None]))[0] - z[entry.row]
        assert entry.psnr_after == pytest.approx(10 * np.log10(peak**2 / np.square(after).mean()), abs=1e-4)
    for entry in report.samples.worst:
        assert entry.row < 10 or samples.corrupted[entry.row] == pytest.approx(x[entry.row])
        assert entry.error == pytest.approx(row_errors[entry.row])


def fvu(error, rows):
    return np.square(error).sum() / np.square(rows - rows.mean(0)).sum()


def test_principal_components_are_scikit_learns(dictionary, digits):
    model, report = dictionary
    training, held = scaled(model, digits[0]), scaled(model, digits[1])
    pca_fvus = {baseline.components: baseline.fvu for baseline in report.baselines.models if baseline.name == "PCA"}
    assert list(pca_fvus) == [6, 64]  # as many as active latents, and as many as latents, of which rows have columns
    for components, found in pca_fvus.items():
        pca = PCA(components).fit(training)
        assert found == pytest.approx(fvu(pca.inverse_transform(pca.transform(held)) - held, held), rel=1e-6, abs=1e-12)
    assert report.baselines.model == pytest.approx(report.summary.fvu, rel=1e-9)
    assert (report.baselines.corruption, report.baselines.rows) == ("", 200)


def test_a_denoisers_baselines_have_clean_rows_from_the_same_noisy_rows(textbook, digits):
    model, report = textbook
    training, held = (torch.from_numpy(scaled(model, rows * 16 - 3)) for rows in digits)
    noise = Gaussian(0.3)
    noisy = corrupted(held, noise, seed=0, purpose="evaluate").numpy()
    noisy_training = corrupted(training, noise, seed=0, purpose="baselines").numpy()
    training, held = training.numpy(), held.numpy()

    def error(components, received, clean):
        pca = PCA(components).fit(training)
        return fvu(pca.inverse_transform(pca.transform(received)) - clean, clean)

    best = min(range(1, 65), key=lambda components: error(components, noisy_training, training))
    pca, untrained = report.baselines.models
    assert (report.baselines.corruption, pca.name, pca.components) == ("gaussian:0.3", "PCA", best)
    assert 1 < best < 64
    assert pca.fvu == pytest.approx(error(best, noisy, held), rel=1e-6)
    denoised = scaled(model, model.denoise(noisy * model.module_.scale.numpy() + model.module_.shift.numpy()))
    assert report.baselines.model == pytest.approx(fvu(denoised - held, held), rel=1e-5)
    assert report.baselines.model > report.summary.fvu
    rows = (Rows(digits[0] * 16 - 3), Rows(digits[1] * 16 - 3))
    clean = baselines(model.module_, model.settings_.objective, *rows).models[-1]
    assert untrained.fvu > clean.fvu + 0.01


def test_a_denoiser_that_loses_to_principal_components_is_warned(digits):
    model = DenoisingAutoencoder(4, corruption="gaussian:0.4", max_iter=2, random_state=0).fit(digits[0])
    report = model.report(digits[1], training=digits[0])
    warnings = [warning for warning in report.verdict.warnings if "denoises as well or better" in warning.what]
    assert [warning.what.split(" denoises")[0].split()[0] for warning in warnings][:1] == ["PCA"]
    assert warnings[0].mend == "Train longer (--epochs, max_iter=), or use more latents (--latents, n_components=)."


def test_too_few_rows_for_baselines_leave_them_out_with_a_reason(dictionary, digits):
    model, _ = dictionary
    for n_rows in range(1, 7):
        report = model.report(digits[1][:n_rows])
        assert report.summary.rows == n_rows
        assert report.baselines.models == []
        assert report.baselines.reason == "Simpler models need 4 rows or more to be fitted to."
    assert model.report(digits[1][:8]).baselines.models
    constant = model.report(np.repeat(digits[1][:1], 20, 0)).baselines
    assert constant.reason == "The rows are constant, so they have no variance to reconstruct."


def test_the_untrained_encoder_has_the_initial_weights_and_a_larger_error_where_rows_have_structure():
    known = datasets.known_dictionary(6000, n_features=96, n_inputs=32, active=3, random_state=0)
    model = DictionaryAutoencoder(96, k=3, scaling="none", random_state=0).fit(known.rows[:4000])
    report = model.report(known.rows[4000:], training=known.rows[:4000])
    untrained = untrained_encoder(report)
    assert report.summary.fvu < 0.6 * untrained.fvu  # .25 for .57
    assert 0.2 < untrained.fvu < 0.8
    hardly_trained = DictionaryAutoencoder(96, k=3, scaling="none", learning_rate=1e-9, max_iter=1, random_state=0)
    twin = hardly_trained.fit(known.rows[:4000]).report(known.rows[4000:], training=known.rows[:4000])
    assert untrained_encoder(twin).fvu == pytest.approx(untrained.fvu, rel=1e-3)


def test_similarity_is_that_of_directions_and_codes(dictionary, digits):
    model, report = dictionary
    codes, W = dense(model.transform(digits[1])), model.components_.astype(np.float64)
    W = W / np.linalg.norm(W, axis=1, keepdims=True)
    active = np.flatnonzero(codes.var(0) > 0)
    cosines = np.abs(np.triu(W[active] @ W[active].T, 1))
    assert report.neighbours.near_duplicates == (cosines >= 0.95).sum()
    assert report.neighbours.mean_cosine == pytest.approx(cosines.sum() / (len(active) * (len(active) - 1) / 2))
    latents = report.neighbours.correlation_latents
    assert np.array(report.neighbours.correlations) == pytest.approx(np.corrcoef(codes[:, latents].T), abs=1e-6)


def test_a_thousand_near_duplicates_take_little_memory():
    rng = np.random.default_rng(0)
    directions = rng.choice([-2.0, 3.0], (1000, 1))
    sample = Sample(np.arange(3), np.zeros((3, 1000)))
    tracemalloc.start()
    found = neighbours(directions, list(range(1000)), sample, correlation_latents=[])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.near_duplicates, found.latents_with_duplicate) == (1000 * 999 // 2, 1000)
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, second) for second in range(1, 21)]
    assert [pair.cosine for pair in found.pairs] == [np.sign(directions[0, 0] * directions[i, 0]) for i in range(1, 21)]
    assert peak < 60e6


def test_what_to_trust_is_counted_in_numpy(dictionary, textbook, digits):
    model, report = dictionary
    codes = dense(model.transform(digits[1]))
    firing_rates = (codes != 0).mean(0)
    directions = model.components_[np.var(codes, axis=0) > 0]
    cosines = np.abs(unit_rows(directions) @ unit_rows(directions).T)
    np.fill_diagonal(cosines, 0)
    trust = report.trust
    assert (trust.latents, trust.dead) == (codes.shape[1], (firing_rates == 0).sum())
    assert trust.dense == (firing_rates > 0.1).sum() > 0
    assert trust.duplicates == (cosines.max(1) >= 0.95).sum()
    assert (trust.fvu, trust.twin_fvu) == (report.baselines.model, untrained_encoder(report).fvu)
    assert report.to_dict()["trust"]["twin_fvu"] == trust.twin_fvu > trust.fvu
    assert textbook[1].trust is None  # no dictionary
    own, twin = (f"{1 - fvu:.1%}" for fvu in (trust.fvu, trust.twin_fvu))
    assert trust.lines()[1][1].startswith(f"random directions explain {twin} of the variance, this model {own}: ")
    assert trust.lines()[0][1] in page(report)


def unit_rows(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_few_rows_that_carry_the_error_are_in_summary_and_verdict():
    rows = np.random.default_rng(0).normal(size=(400, 8))
    rows[::100] *= 30
    with pytest.warns(ExtremeRows):
        model = DictionaryAutoencoder(16, k=2, scaling="none", max_iter=2, random_state=0).fit(rows)
    report = model.report(rows)
    errors = np.sort(((model.denoise(rows) - rows) ** 2 / rows.var(0)).sum(1))
    share = errors[-4:].sum() / errors.sum()
    assert report.summary.largest_share == pytest.approx(share, rel=1e-5)
    assert share > 0.5
    text = f"1% of the rows carry {share:.0%} of the squared error"
    assert ("few rows", f"{text}; the others hardly count in these numbers") in report.summary.lines()
    (warning,) = [warning for warning in report.verdict.warnings if text in warning.what]
    assert warning.mend == 'Give each row the same weight (--scaling, scaling="row_norm").'
    by_row = DictionaryAutoencoder(16, k=2, scaling="row_norm", max_iter=2, random_state=0).fit(rows).report(rows)
    mends = [warning.mend for warning in by_row.verdict.warnings if "of the squared error" in warning.what]
    assert mends == ["The share of variance is mostly theirs: evaluate the other rows apart."]
    untrained_encoder(by_row)  # baselines know the rows' lengths
    pca = [baseline for baseline in by_row.baselines.models if baseline.name == "PCA"]
    z = (rows - rows.mean(0)) / rows.std(0)
    held = z[1::2]
    fit = PCA(2).fit(z[::2])
    assert pca[0].fvu == pytest.approx(fvu(fit.inverse_transform(fit.transform(held)) - held, held), rel=1e-5)
    assert by_row.pictures.exclusion_reason == "the page cannot divide rows by their lengths (scaling=row_norm)"


def test_a_pair_of_opposite_directions_is_a_near_duplicate(digits):
    model = DictionaryAutoencoder(32, k=4, max_iter=3, random_state=0).fit(digits[0])
    with torch.no_grad():
        latent = int(dense(model.transform(digits[1])).var(0).argmax())
        other = (latent + 1) % 32
        model.module_.dictionary[other] = -0.5 * model.module_.dictionary[latent]
        model.module_.encoder[-1].weight[other] = model.module_.encoder[-1].weight[latent]
        model.module_.encoder[-1].bias[other] = model.module_.encoder[-1].bias[latent]
    similar = model.report(digits[1]).neighbours
    assert (similar.near_duplicates, similar.latents_with_duplicate) == (1, 2)
    assert {similar.pairs[0].first, similar.pairs[0].second} == {latent, other}
    assert similar.pairs[0].cosine == pytest.approx(-1)


def test_without_training_rows_baselines_are_trained_on_every_second_row(dictionary, digits):
    model, _ = dictionary
    report = model.report(digits[1])
    z = scaled(model, digits[1])
    pca, held = PCA(6).fit(z[::2]), z[1::2]
    expected = fvu(pca.inverse_transform(pca.transform(held)) - held, held)
    assert report.baselines.models[0].fvu == pytest.approx(expected, rel=1e-6)


def test_curves_are_the_historys_numbers_and_the_dead_latents_as_whole_numbers():
    steps = {"step": [0, 1, 2], "epoch": [0, 0, 1], "learning_rate": [0.3, 0.2, 0.1]}
    epochs = {"epoch": [0, 1], "loss": [2.0, np.nan], "rates": [[0.0, 1.0, 0.0], [0.1, 0.1, 0.0]]}
    columns = curves(History(steps, epochs))
    assert columns == {"epoch": [0, 1], "loss": [2.0, None], "dead": [2, 1], "learning_rate": [0.2, 0.1]}
    assert [type(number) for number in columns["epoch"] + columns["dead"]] == [int] * 4


def test_the_file_holds_the_same_numbers_and_only_finite_ones(dictionary, tmp_path):
    _, report = dictionary
    report.save_json(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert "pictures" not in written
    assert written["schema"] == 3
    assert written["summary"]["fvu"] == report.summary.fvu
    assert written["latents"]["mean_activations"] == report.latents.mean_activations
    assert written["atlas"][0]["rows"][0]["code"] == report.atlas[0].rows[0].code
    assert written["baselines"]["models"][0] == vars(report.baselines.models[0])


def test_the_docs_describe_every_key_of_the_file(dictionary, digits):
    model, _ = dictionary
    written = model.report(digits[1], labels=datasets.labels("digits")[300:500]).to_dict()
    text = (Path(__file__).parents[1] / "docs" / "report.md").read_text(encoding="utf-8")
    text = text[text.index("## report.json") :]

    def keys(value, name=""):
        if isinstance(value, dict) and name not in ("weights", "parameters", "versions"):  # their keys are names
            for key, item in value.items():
                yield key
                yield from keys(item, key)
        elif isinstance(value, list | tuple):
            for item in value[:1]:
                yield from keys(item, name)

    assert [key for key in keys(written) if f"`{key}`" not in text and key not in model.history_] == []


def test_a_fingerprint_is_that_of_the_rows_not_of_the_blocks():
    rows = np.arange(12.0).reshape(6, 2)
    assert fingerprint(Rows(rows)) == fingerprint(Rows(rows.copy(order="F")))
    changed = rows.copy()
    changed[5, 1] += 1e-9
    others = (changed, rows[:5], rows.astype(np.float32))
    assert len({fingerprint(Rows(values)) for values in (rows, *others)}) == 4


def test_a_report_with_labels_has_relations(dictionary, digits):
    model, _ = dictionary
    y = datasets.labels("digits")[300:500]
    report = model.report(digits[1], labels=y, target="digit")
    assert (report.relation.kind, report.relation.target, len(report.relation.classes)) == ("classes", "digit", 10)
    assert report.relation.found > 20
    with pytest.raises(DataError, match=r"digit has shape \(3,\), but there are 200 rows"):
        model.report(digits[1], labels=[1, 2, 3], target="digit")


# --- ids and texts ---------------------------------------------------------------------------------------------


def test_rows_are_named_by_their_ids(dictionary, digits):
    model, _ = dictionary
    ids = [f"A{i // 2}" if i < 4 else f"B{i}" for i in range(200)]
    report = model.report(digits[1], ids=ids)
    named = {active.row for entry in report.atlas for active in entry.rows} | {row for row, _ in report.errors.largest}
    assert named | set(report.samples.rows.clean) == set(report.row_names)
    assert [report.row_name(row) for row in (0, 3, 4)] == ["A0 (row 0)", "A1 (row 3)", "B4"]
    assert report.to_dict()["row_names"]["4"] == "B4"
    assert report.pictures.try_it.example_names[4] == "B4"
    assert model.report(digits[1]).row_names == {}
    assert model.report(digits[1]).row_name(1500) == "row 1,500"


def test_a_frame_names_its_rows_unless_its_index_counts_them():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=list("abc"))
    model = SparseAutoencoder(4, max_iter=1, random_state=0).fit(frame)
    assert model.report(frame).row_names == {}
    assert model.report(frame.set_index(frame.index + 7)).row_name(0) == "7"
    days = frame.set_index(pd.date_range("2026-01-01", periods=40))
    assert model.report(days).row_name(1) == "2026-01-02 00:00:00"
    assert model.report(days, ids=range(40)).row_name(1) == "1"
    assert model.report(frame, ids=days.index).row_name(0) == "2026-01-01 00:00:00"


def test_the_largest_errors_are_listed(dictionary, digits):
    model, report = dictionary
    errors = model.reconstruction_errors(digits[1])
    assert [row for row, _ in report.errors.largest] == np.argsort(-errors)[:20].tolist()
    assert [error for _, error in report.errors.largest] == pytest.approx(-np.sort(-errors)[:20])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"texts": ["a"]}, "texts has 1 entries, but there are 200 rows; give one entry per row"),
        ({"texts": "a sentence"}, "texts must be a sequence with one entry per row, such as a list"),
        ({"texts": 3}, "texts must be a sequence"),
        (
            {"texts": ["a"] * 199 + [np.nan]},
            'texts: row 199 is nan, not a string; .*, "" for none',
        ),
        ({"ids": range(3)}, "ids has 3 entries, but there are 200 rows"),
        ({"ids": "abc"}, "ids must be a sequence"),
    ],
)
def test_wrong_ids_and_texts_are_one_line(dictionary, digits, given, message):
    with pytest.raises(DataError, match=message):
        dictionary[0].report(digits[1], **given)


@pytest.mark.parametrize("scaling", ["standard", "none", "whiten", "rank_gauss"])
def test_columns_have_their_errors_in_their_own_units(scaling):
    rows = np.random.default_rng(0).normal([5, -300, 0.1, 2], [1, 40, 0.02, 0.5], size=(150, 4))
    table = Rows(rows, columns=("a", "b", "c", "d"))
    model = DenoisingAutoencoder(3, max_iter=10, scaling=scaling, random_state=0).fit(table)
    report = model.report(table)
    assert report.errors.rmse == pytest.approx(np.sqrt(np.square(model.denoise(table) - rows).mean(0)), rel=1e-9)
    assert report.errors.deviations == pytest.approx(rows.std(0))
    unnamed = DenoisingAutoencoder(6, max_iter=2, random_state=0).fit(rows)
    assert (unnamed.report(rows).errors.rmse, unnamed.report(rows).errors.deviations) == (None, None)


def test_decibels_are_for_images():
    table = replace(GOOD, images=False)
    change = 10 ** ((8.0 - 20.6) / 10) - 1
    assert -table.noise_removed == pytest.approx(change)
    assert f"; removes {-change:.1%} of the noise's squared error; " in verdict_on(table).sentence
    assert (f"{-change:.1%}", "of the squared error of gaussian:0.4 removed") in verdict_on(table).points
    assert table.lines()[-1] == ("denoising", f"gaussian:0.4: squared error −{-change:.0%}")
    worse = replace(table, psnr_after=2.0)
    assert "; makes corrupted rows worse; " in verdict_on(worse).sentence
    assert "dB" not in str(verdict_on(table)) + str(verdict_on(worse)) + str(table.lines())


# --- the verdict -----------------------------------------------------------------------------------------------

GOOD = Summary(
    rows=100,
    rows_kind="held-out",
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
DISTINCT = Neighbours([], 0, 0, 0.1, [], [])
SIMPLE = Baselines("", 100, 0.07, [Baseline("PCA", 12, 0.4), Baseline("untrained encoder", 256, 0.59)])
DICTIONARY = (
    {"n_components": 256, "k": 12, "corruption": None, "max_iter": 10, "learning_rate": "auto"}
    | dict.fromkeys(("revive", "batch_size"), "auto")
    | {"matryoshka": None, "constraint": "unit_norm", "scaling": "auto"}
)
DENOISER = dict.fromkeys(("n_components", "corruption", "sparsity", "max_iter", "learning_rate", "batch_size"), "auto")
DENOISER |= {"scaling": "auto"}


def simpler(name, components, fvu, corruption=""):
    return replace(SIMPLE, corruption=corruption, models=[Baseline(name, components, fvu)])


def test_active_latents_are_counted_unless_there_is_a_rate_target():
    assert GOOD.explained == "93.0% of the variance with 12.0 active latents per row"
    assert replace(GOOD, target_l0=None, target_rate=0.05).explained == "93.0% of the variance"
    assert replace(GOOD, fvu=None).explained == "constant rows, not exactly"


def verdict_on(summary=GOOD, curves=FALLEN, similar=DISTINCT, simple=SIMPLE, parameters=DICTIONARY, **circumstances):
    return verdict(summary, curves, similar, simple, Circumstances(parameters, **{"batch_size": 256} | circumstances))


def test_the_verdict_has_a_sentence_and_the_main_numbers():
    result = verdict_on()
    assert result.sentence == (
        "Reconstructs 93.0% of the variance with 12.0 of 256 latents active per row (target 12); 3 dead latents; "
        "denoises from 8.0 to 20.6 dB; an untrained encoder of the same size reaches 41.0%."
    )
    assert result.points == [
        ("93.0%", "of the variance reconstructed"),
        ("12.0", "of 256 latents active per row (target 12)"),
        ("+12.6 dB", "PSNR gained on gaussian:0.4"),
        ("3", "dead latents"),
    ]
    assert result.warnings == []


def test_under_a_rate_target_the_verdict_has_the_mean_activation():
    result = verdict_on(replace(GOOD, target_rate=0.05, target_l0=None, active_above=0.5))
    assert result.sentence == (
        "Reconstructs 93.0% of the variance with 256 latents; mean activation 4.9% (target 5.0%); "
        "denoises from 8.0 to 20.6 dB; an untrained encoder of the same size reaches 41.0%."
    )
    assert ("4.90%", "mean activation (target 5.00%)") in result.points


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({"dead": 1}, "; 1 dead latent; "),
        ({"psnr_after": 7.5}, "; makes corrupted rows worse; "),
        ({"fvu": 1.25}, "Reconstructs none of the variance (the error is 1.25 times as large) with 12.0 of 256"),
        ({"fvu": None}, "Does not reconstruct its constant rows exactly with 12.0 of 256 latents active per row"),
        ({"target_l0": None}, "with 12.0 of 256 latents active per row; "),
        ({"target_rate": 0.05}, "mean activation 4.9% (target 5.0%); 12.0 latents active per row (target 12); "),
    ],
)
def test_clauses_of_the_verdict(changes, clause):
    assert clause in verdict_on(replace(GOOD, **changes)).sentence


def test_lines_of_the_summary():
    rates = replace(
        GOOD,
        rates=[0.0306, 0.0979],
        target_rate=0.05,
        target_l0=None,
        weights={"kl": 0.0123},
        mean_squared_error=0.0206,
        rows=1180,
    )
    assert rates.lines() == [
        ("evaluated on", "1,180 held-out rows of 64 columns"),
        ("reconstruction", "93.0% of the variance (mean squared error 0.0206)"),
        ("latents", "256"),
        ("mean activation", "6.42% (target 5.00%; per latent 3.06–9.79%)"),
        ("penalty weight (auto)", "kl 0.0123"),
        ("denoising", "gaussian:0.4: 8.0 → 20.6 dB PSNR"),
    ]
    counts = replace(GOOD, latents=2048, dead=28, psnr_before=None, psnr_after=None, rows_kind="given")
    assert counts.lines() == [
        ("evaluated on", "100 given rows of 64 columns"),
        ("reconstruction", "93.0% of the variance (mean squared error 0.01)"),
        ("latents", "2,048 · 12.0 active per row (target 12) · 28 dead"),
    ]


def test_a_summary_is_read_as_it_was_written():
    fields = GOOD.to_dict()
    assert Summary.from_dict(fields) == GOOD
    with pytest.raises(ArtifactError, match=r"does not fit this version of taciturn: unknown field `silent`"):
        Summary.from_dict(fields | {"silent": 1})
    del fields["dead"]
    with pytest.raises(ArtifactError, match=r"does not fit .*: Object missing required field `dead`"):
        Summary.from_dict(fields)


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        (
            {"summary": replace(GOOD, target_rate=0.06, target_l0=None)},
            "The mean activation is 4.90%; its target is 6.00%.",
        ),
        ({"summary": replace(GOOD, target_l0=10)}, "12.0 latents are active per row; the target is 10."),
        ({"summary": replace(GOOD, dead=6)}, "6 of 256 latents are active on none of these rows."),
        (
            {"similar": replace(DISTINCT, near_duplicates=7, latents_with_duplicate=6)},
            "6 latents have a near-duplicate (|cosine| at least .95).",
        ),
        (
            {"curves": FALLEN | {"validation_loss": [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]}},
            "The error was still falling when training stopped.",
        ),
        (
            {"curves": FALLEN | {"squared_error": [0.1], "validation_squared_error": [0.15]}},
            "Validation rows have 50% more error than training rows.",
        ),
        (
            {"simple": simpler("PCA", 12, 0.05)},
            "PCA with 12 components reconstructs as much or more: 95.0% of the variance, the model 93.0%.",
        ),
        (
            {"simple": simpler("untrained encoder", 256, 0.07)},
            "An untrained encoder with a fitted decoder reconstructs as much or more: 93.0% of the variance, the model "
            "93.0%.",
        ),
        (
            {"simple": simpler("PCA", 9, 0.03, "gaussian:0.4")},
            "PCA with 9 components denoises as well or better (gaussian:0.4): 97.0% of the variance, the model 93.0%.",
        ),
        (
            {"simple": simpler("untrained encoder", 256, 0.03, "gaussian:0.4")},
            "An untrained encoder with a fitted decoder denoises as well or better (gaussian:0.4): 97.0% of the "
            "variance, the model 93.0%.",
        ),
        (
            {"summary": replace(GOOD, psnr_after=7.0)},
            "Under gaussian:0.4 the rows are nearer to the clean rows than the model's reconstructions are: their "
            "squared error is 79.4% of the reconstructions'.",
        ),
        (
            {"summary": replace(GOOD, fvu=1.25)},
            "The mean of the rows reconstructs them as well or better: the model's error is 1.25 times the variance.",
        ),
        ({"summary": replace(GOOD, fvu=None)}, "The rows are constant and are not reconstructed exactly."),
        (
            {"summary": replace(GOOD, largest_share=0.604), "row_scaling": "row_norm"},
            "1% of the rows carry 60% of the squared error, so that the others hardly count in training.",
        ),
        ({"summary": replace(GOOD, largest_share=0.7)}, "1% of the rows carry 70% of the squared error."),
        (
            {"stop_reason": "diverged at step 3"},
            "Training stopped early: diverged at step 3.",
        ),
        (
            {"label_obstacle": "y has 3 labels"},
            "Latents were not related to the labels: y has 3 labels.",
        ),
        (
            {"summary": replace(GOOD, target_rate=0.049, target_l0=None), "batch_size": 16},
            "A batch of 16 rows is too small to measure a mean activation of 4.9%.",
        ),
    ],
)
def test_warnings(changes, warning):
    warnings = verdict_on(**changes).warnings
    assert [each.what for each in warnings] == [warning]
    assert warnings[0].mend or "label_obstacle" in changes


@pytest.mark.parametrize(
    ("changes", "parameters", "mend"),
    [
        (
            {"summary": replace(GOOD, dead=6)},
            DICTIONARY,
            'Use fewer latents (--latents, n_components=), or revive dead ones (revive="auxk+resample").',
        ),
        (
            {"summary": replace(GOOD, dead=6)},
            DICTIONARY | {"constraint": "frozen"},
            'Use fewer latents (--latents, n_components=), or revive dead ones (revive="auxk").',
        ),
        (
            {"summary": replace(GOOD, dead=6)},
            DICTIONARY | {"revive": "auxk+resample"},
            "Use fewer latents (--latents, n_components=).",
        ),
        (
            {"summary": replace(GOOD, latents=0, target_l0=None, dead=0, psnr_after=7.0)},
            DENOISER,
            "Train longer (--epochs, max_iter=).",
        ),
        ({"summary": replace(GOOD, dead=6)}, DENOISER, "Use fewer latents (--latents, n_components=)."),
        (
            {"similar": replace(DISTINCT, latents_with_duplicate=6)},
            DENOISER,
            "Use fewer latents (--latents, n_components=). The section on similar latents lists pairs.",
        ),
        (
            {"similar": replace(DISTINCT, latents_with_duplicate=6)},
            DICTIONARY,
            'Use fewer latents (--latents, n_components=), or nest the latents (matryoshka="auto"). The section on '
            "similar latents lists pairs.",
        ),
        (
            {"simple": simpler("untrained encoder", 256, 0.07)},
            DENOISER,
            "So many latents reconstruct such rows whatever they encode. Use fewer latents (--latents, n_components=).",
        ),
        (
            {"summary": replace(GOOD, target_rate=0.06, target_l0=None)},
            DENOISER,
            "Train longer (--epochs, max_iter=).",
        ),
        (
            {"summary": replace(GOOD, largest_share=0.6), "row_scaling": "row_norm"},
            DENOISER,
            'Give each row the same weight (--scaling, scaling="row_norm").',
        ),
        (
            {"summary": replace(GOOD, largest_share=0.6)},
            DENOISER,
            "The share of variance is mostly theirs: evaluate the other rows apart.",
        ),
        (
            {"summary": replace(GOOD, target_rate=0.06, target_l0=None), "fixed_weight": True},
            DENOISER,
            "Train longer (--epochs, max_iter=), or leave weight= out of the penalty, so that its weight is adjusted "
            "(sparsity=).",
        ),
    ],
)
def test_remedies_name_only_parameters_that_the_estimator_has(changes, parameters, mend):
    assert [warning.mend for warning in verdict_on(parameters=parameters, **changes).warnings] == [mend]


@pytest.mark.parametrize("estimator", [DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder])
def test_remedies_name_parameters_of_every_estimator(estimator):
    parameters = estimator().get_params()
    bad = replace(
        GOOD, fvu=1.5, dead=100, target_rate=0.2, target_l0=5, psnr_after=5.0, columns=300, rates=[0.01] * 256
    )
    cases = [(bad, SIMPLE), (replace(bad, target_rate=None), SIMPLE)]
    cases += [(bad, replace(SIMPLE, model=0.9, corruption=corruption)) for corruption in ("", "gaussian:0.4")]
    curves = FALLEN | {
        "validation_loss": list(np.linspace(1, 0.1, 10)),
        "squared_error": [1],
        "validation_squared_error": [2],
    }
    texts = []
    for summary, simple in cases:
        similar = replace(DISTINCT, latents_with_duplicate=100)
        found = verdict_on(summary, curves, similar, simple, parameters, batch_size=2, fixed_weight=True)
        texts += [warning.mend for warning in found.warnings]
    named = set(re.findall(r"(\w+)=", " ".join(texts))) - {"weight"}
    assert {"n_components", "max_iter", "batch_size", "learning_rate"} <= named <= set(parameters)
    fit_options = (Path(taciturn.__file__).parent / "cli" / "fit.py").read_text(encoding="utf-8")
    for option in set(re.findall(r"--([\w-]+)", " ".join(texts))):
        assert f"    {option.replace('-', '_')}: Annotated" in fit_options


def test_a_table_has_shares_of_the_noise_instead_of_decibels():
    result = verdict_on(replace(GOOD, images=False))
    assert "; removes 94.5% of the noise's squared error; " in result.sentence  # 12.6 dB
    assert ("94.5%", "of the squared error of gaussian:0.4 removed") in result.points
    assert "dB" not in result.sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": replace(GOOD, dead=5)},
        {"summary": replace(GOOD, target_l0=11.6)},
        {"summary": replace(GOOD, target_rate=0.054, target_l0=None)},
        {"summary": replace(GOOD, largest_share=0.5), "row_scaling": "row_norm"},
        {"simple": simpler("PCA", 64, 0.0)},  # as many components as columns: always exact
        {"curves": FALLEN | {"squared_error": [0.1], "validation_squared_error": [0.12]}},
        {"curves": {"epoch": [0, 1], "validation_loss": [1.0, 0.1]}},  # too few epochs
    ],
)
def test_no_warning_within_the_bounds(changes):
    assert verdict_on(**changes).warnings == []


def test_a_penalty_without_a_target_hides_no_target(digits):
    model = SparseAutoencoder(16, sparsity="topk:4+l1:weight=.001", max_iter=1, random_state=0).fit(digits[0])
    summary = model.report(digits[1]).summary
    assert (summary.target_l0, summary.target_rate) == (4, None)
    assert "(target 4)" in dict(summary.lines())["latents"]
    terms = (SquaredError(), L1(weight=0.001), L1(l0=3), L1(l0=5))
    for order in (terms, (terms[0], terms[2], terms[3], terms[1])):
        objective = Objective(order)
        found = summarise(model.module_, Rows(digits[1]), objective=objective, corruption=Clean(), rows_kind="given")
        assert found.target_l0 == 3  # of two targets, the first


# --- odd rows, models and labels -------------------------------------------------------------------------------
def assert_finite(value, where="report"):
    if isinstance(value, dict):
        for key, item in value.items():
            assert_finite(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for item in value:
            assert_finite(item, where)
    assert not isinstance(value, float) or math.isfinite(value), where


ODD_ROWS = {
    "one row": lambda x: x[:1],
    "two rows": lambda x: x[:2],
    "three rows": lambda x: x[:3],
    "equal rows": lambda x: np.repeat(x[:1], 30, 0),
    "zeros": lambda x: 0 * x[:30],
    "far away": lambda x: 1e6 + 1e3 * x[:30],
    "one column differs": lambda x: x[:30] * (np.arange(x.shape[1]) == 0),
}
ODD_LABELS = {
    "none": lambda n: None,
    "one class": lambda n: ["a"] * n,
    "a class per row": lambda n: [str(i) for i in range(n)],
    "constant number": lambda n: np.full(n, 0.5),
    "all missing": lambda n: np.full(n, np.nan),
    "half missing": lambda n: [None if i % 2 else "ab"[i % 4 // 2] for i in range(n)],
    "a number": lambda n: np.arange(n) / 7,
}


@pytest.fixture(scope="module")
def odd_models():
    x = np.random.default_rng(0).random((60, 3))

    def fitted(estimator, rows=x, **changes):
        model = estimator.set_params(max_iter=2, random_state=0).fit(rows)
        with torch.no_grad():
            for name, value in changes.items():
                model.module_.get_parameter(name.replace("__", ".")).fill_(value)
        return model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x, {
            "dictionary": fitted(DictionaryAutoencoder(8, k=2)),
            "one latent": fitted(DictionaryAutoencoder(1, k=1)),
            "one column": fitted(DictionaryAutoencoder(4, k=1), x[:, :1]),
            "denoiser": fitted(DenoisingAutoencoder(4)),
            "rate": fitted(SparseAutoencoder(4)),
            "equal codes": fitted(SparseAutoencoder(4), encoder__0__weight=0.0),
            "no active latent": fitted(SparseAutoencoder(4, sparsity="none", activation="relu"), encoder__0__bias=-1e3),
            "no directions": fitted(DictionaryAutoencoder(8, k=2), decoder__0__weight=0.0),
        }


@pytest.mark.parametrize("rows", ODD_ROWS)
def test_every_section_has_finite_numbers_on_odd_rows_and_labels(odd_models, rows):
    x, models = odd_models
    for name, model in models.items():
        evaluated = ODD_ROWS[rows](x[:, : model.n_features_in_])
        for kind, labels in ODD_LABELS.items():
            if kind != "none" and name not in ("dictionary", "equal codes"):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)
                found = model.report(evaluated, labels=labels(len(evaluated)), target="kind")
                written = found.to_dict()
            assert_finite(written, f"{name}, {kind}")
            json.loads(found.json(), parse_constant=pytest.fail)
            if kind != "none" and found.relation is None:
                assert any("not related to the labels" in warning.what for warning in found.verdict.warnings)
            assert found.baselines.models or found.baselines.reason


def test_rows_without_a_label_are_left_out_and_counted(dictionary, digits):
    model, _ = dictionary
    y = datasets.labels("digits")[300:500].tolist()
    for missing in (None, float("nan")):  # beside strings, NumPy would make NaN "nan", a class of a hundred rows
        labels = [missing if i % 2 else str(int(label) // 5) for i, label in enumerate(y)]
        relation = model.report(digits[1], labels=labels).relation
        assert (relation.rows, relation.left_out, relation.classes) == (100, 100, ("0", "1"))


# --- comparisons ----------------------------------------------------------------------------------------------


def test_a_comparison_of_two_runs(digits):
    first, second = (
        DictionaryAutoencoder(24, k=k, max_iter=4, random_state=seed).fit(digits[0]) for k, seed in ((4, 0), (8, 1))
    )
    comparison = compare({"four": first.to_artifact(), "eight": second.to_artifact()}, Rows(digits[1]))
    assert comparison.differing_parameters == {"k": [4, 8], "random_state": [0, 1]}
    W, V = (m.components_ / np.linalg.norm(m.components_, axis=1, keepdims=True) for m in (first, second))
    from scipy.optimize import linear_sum_assignment

    cosines = np.abs(W.astype(np.float64) @ V.T)
    matching = cosines[linear_sum_assignment(-cosines)]
    assert comparison.shared[0].mean_cosine == pytest.approx(matching.mean(), abs=1e-6)
    assert comparison.shared[0].shared == (matching >= 0.9).sum()
    assert comparison.shared[0].initially_shared == 0
    assert comparison.summaries[0].fvu == pytest.approx(1 - first.score(digits[1]))
    assert comparison.sentence.startswith("eight reconstructs most:")
    assert "; four has the fewest active latents: 4.0 per row for " in comparison.sentence


def test_a_run_shares_all_latents_with_itself_before_and_after_training(digits):
    model = DictionaryAutoencoder(24, k=4, max_iter=2, random_state=0).fit(digits[0])
    artifact = model.to_artifact()
    comparison = compare({"a": artifact, "b": artifact}, Rows(digits[1]))
    shared = comparison.shared[0]
    assert (shared.shared, shared.initially_shared, shared.matched) == (24, 24, 24)
    assert comparison.differing_parameters == {}
    assert shared.same_model
    assert comparison.sentence == (
        f"All runs reconstruct the same share: {comparison.summaries[0].explained}; a and b share 24 of 24 latents: "
        "both are the same model, so this is no evidence of stability."
    )


def test_latents_that_runs_of_one_seed_share_before_training_are_counted_separately(digits):
    fits = [DictionaryAutoencoder(24, k=k, max_iter=6, random_state=0).fit(digits[0]) for k in (2, 8)]
    comparison = compare({str(fit.k): fit.to_artifact() for fit in fits}, Rows(digits[1]))
    shared = comparison.shared[0]
    assert (shared.initially_shared, shared.same_model, comparison.seeds) == (24, False, [0, 0])
    assert shared.shared < 24
    assert comparison.sentence.endswith(
        f"; 2 and 8 share {shared.shared} of 24 latents: both began with the same weights, so this is no evidence of "
        "stability; fit with different seeds."
    )


def test_runs_of_different_seeds_have_no_caveat(digits):
    fits = [DictionaryAutoencoder(24, k=4, max_iter=2, random_state=seed).fit(digits[0]) for seed in (0, 1)]
    comparison = compare({f"seed {seed}": fit.to_artifact() for seed, fit in enumerate(fits)}, Rows(digits[1]))
    assert comparison.shared[0].caveat == ""
    assert comparison.sentence.endswith(f" share {comparison.shared[0].shared} of 24 latents.")


def test_runs_of_other_columns_are_refused_on_common_rows_and_not_ranked_on_their_own(digits):
    iris = datasets.load("iris")
    fits = [DictionaryAutoencoder(8, k=2, max_iter=1, random_state=0).fit(rows) for rows in (digits[0], iris)]
    runs = {name: fit.to_artifact() for name, fit in zip(("digits", "iris"), fits, strict=True)}
    with pytest.raises(
        DataError, match="iris was trained on 4 columns, but the rows have 64; compare runs of the same "
    ):
        compare(runs, Rows(digits[1]))
    with pytest.raises(DataError, match="digits was trained on 64 columns, but the rows have 4; "):
        compare(runs, iris)
    renamed = Rows(iris.read(0, 150), columns=(*iris.columns[:3], "other"))
    with pytest.raises(DataError, match=r"iris was trained on the column 'petal width .*, in .* have 'other'; "):
        compare({"iris": runs["iris"], "again": runs["iris"]}, renamed)
    for artifact, rows in zip(runs.values(), (Rows(digits[1]), iris), strict=True):
        artifact.metrics = report(artifact, rows).summary.to_dict()
    comparison = compare(runs)
    assert comparison.sentence == (
        "The runs were evaluated on rows of different widths, so their results cannot be compared."
    )
    assert comparison.shared == []


def test_the_file_of_a_comparison_is_documented_and_holds_only_finite_numbers(digits, tmp_path):
    artifact = DictionaryAutoencoder(24, k=4, max_iter=2, random_state=0).fit(digits[0]).to_artifact()
    comparison = compare({"a": artifact, "b": artifact}, Rows(digits[1]))
    not_finite = replace(comparison, seconds=[float("nan"), 1.0], mean_cosines=[float("inf"), 0.5])
    not_finite.save_json(tmp_path / "compare.json")
    written = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert (written["seconds"], written["mean_cosines"]) == ([None, 1.0], [None, 0.5])
    assert (written["schema"], written["seeds"], written["names"]) == (1, [0, 0], ["a", "b"])
    text = (Path(__file__).parents[1] / "docs" / "report.md").read_text(encoding="utf-8")
    text = text[text.index("## compare.json") :]
    keys = [*written, *written["shared"][0], *written["shared"][0]["pairs"][0]]
    assert [key for key in keys if f"`{key}`" not in text] == []
    assert written["summaries"][0] == comparison.summaries[0].to_dict()


def test_reprs_are_short(dictionary, digits):
    model, report = dictionary
    assert repr(report).startswith("<Report of digits on 200 given rows of 64 columns: Reconstructs ")
    comparison = compare({"a": model.to_artifact(), "b": model.to_artifact()}, Rows(digits[1]))
    assert repr(comparison) == f"<Comparison of a, b: {comparison.sentence}>"
    parts = [report, comparison, report.pictures, report.pictures.try_it, *report.sections.values()]
    lists = ("atlas", "curves")
    for part in [part for part in parts if not any(part is report.sections[name] for name in lists)]:
        assert len(repr(part)) < 2000, type(part)


def test_a_comparison_needs_two_runs_and_metrics_or_rows(digits):
    artifact = DictionaryAutoencoder(8, k=2, max_iter=1, random_state=0).fit(digits[0]).to_artifact()
    with pytest.raises(DataError, match="a comparison needs several runs, not 1; name two or more"):
        compare({"a": artifact})
    with pytest.raises(DataError, match="a has no metrics; name rows to evaluate all runs on"):
        compare({"a": artifact, "b": artifact})
