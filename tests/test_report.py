"""The report's numbers against NumPy in float64 on the whole array, and its texts against hand-made numbers."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.decomposition import PCA

from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, datasets
from taciturn.core.errors import ArtifactError, DataError
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
    model.fit(digits[0] * 16 - 3)  # other units than the scaled ones
    return model, model.report(digits[1] * 16 - 3, training=digits[0] * 16 - 3)


def evaluation_rows(which, digits):
    return digits[1].astype(np.float64) if which == "dictionary" else digits[1] * 16.0 - 3


def scaled(model, rows):
    return (np.asarray(rows, np.float64) - model.module_.shift.numpy()) / model.module_.scale.numpy()


def untrained_encoder(report):
    return next(baseline for baseline in report.baselines if baseline.name == "untrained encoder")


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
    peak = z.max() - z.min()
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


def test_principal_components_are_scikit_learns(textbook, digits):
    model, report = textbook
    training, held = scaled(model, digits[0] * 16 - 3), scaled(model, digits[1] * 16 - 3)
    pca_fvus = {baseline.components: baseline.fvu for baseline in report.baselines if baseline.name == "PCA"}
    assert list(pca_fvus) == [5, 48]  # 10% of 48 latents, and all
    for components, fvu in pca_fvus.items():
        pca = PCA(components).fit(training)
        left = np.square(pca.inverse_transform(pca.transform(held)) - held).sum()
        assert fvu == pytest.approx(left / np.square(held - held.mean(0)).sum(), rel=1e-6)


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


def test_a_pair_of_opposite_directions_is_a_near_duplicate(digits):
    model = DictionaryAutoencoder(32, k=4, max_iter=3, random_state=0).fit(digits[0])
    with torch.no_grad():
        latent = int(dense(model.transform(digits[1])).var(0).argmax())
        other = (latent + 1) % 32
        model.module_.dictionary[other] = -0.5 * model.module_.dictionary[latent]
        model.module_.encoder[-1].weight[other] = model.module_.encoder[-1].weight[latent]
        model.module_.encoder[-1].bias[other] = model.module_.encoder[-1].bias[latent]
    neighbours = model.report(digits[1]).neighbours
    assert (neighbours.near_duplicates, neighbours.latents_with_duplicate) == (1, 2)
    assert {neighbours.pairs[0].first, neighbours.pairs[0].second} == {latent, other}
    assert neighbours.pairs[0].cosine == pytest.approx(-1)


def test_without_training_rows_baselines_are_trained_on_every_second_row(dictionary, digits):
    model, _ = dictionary
    report = model.report(digits[1])
    z = scaled(model, digits[1])
    pca, held = PCA(6).fit(z[::2]), z[1::2]
    fvu = np.square(pca.inverse_transform(pca.transform(held)) - held).sum() / np.square(held - held.mean(0)).sum()
    assert report.baselines[0].fvu == pytest.approx(fvu, rel=1e-6)


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
    assert written["schema"] == 2
    assert written["summary"]["fvu"] == report.summary.fvu
    assert written["latents"]["mean_activations"] == report.latents.mean_activations
    assert written["atlas"][0]["rows"][0]["code"] == report.atlas[0].rows[0].code
    assert written["baselines"][0] == vars(report.baselines[0])


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


@pytest.mark.parametrize("scaling", ["standard", "none", "whiten"])
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
    assert table.error_change == pytest.approx(change)
    assert f"; denoises: squared error −{-change:.0%}; " in verdict_on(table).sentence
    assert (f"−{-change:.0%}", "squared error of rows with gaussian:0.4") in verdict_on(table).points
    assert table.lines()[-1] == ("denoising", f"gaussian:0.4: squared error −{-change:.0%}")
    worse = replace(table, psnr_after=2.0)
    assert "; makes corrupted rows worse: squared error × 4.0; " in verdict_on(worse).sentence
    assert "dB" not in str(verdict_on(table)) + str(verdict_on(worse)) + str(table.lines())


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
DISTINCT = Neighbours([], 0, 0, 0.1, [], [])
SIMPLE = [Baseline("PCA", 12, 0.4), Baseline("untrained encoder", 256, 0.59)]


def test_active_latents_are_counted_unless_there_is_a_rate_target():
    assert GOOD.explained == "93.0% of the variance with 12.0 active latents per row"
    assert replace(GOOD, target_l0=None, target_rate=0.05).explained == "93.0% of the variance"
    assert replace(GOOD, fvu=None).explained == "constant rows"


def verdict_on(summary=GOOD, curves=FALLEN, neighbours=DISTINCT, baselines=SIMPLE, batch_size=256):
    return verdict(summary, curves, neighbours, baselines, batch_size=batch_size)


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
        ({"psnr_after": 7.5}, "; makes corrupted rows worse, from 8.0 to 7.5 dB; "),
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
    counts = replace(GOOD, latents=2048, dead=28, psnr_before=None, psnr_after=None, held_out=False)
    assert counts.lines() == [
        ("evaluated on", "100 rows of 64 columns"),
        ("reconstruction", "93.0% of the variance (mean squared error 0.01)"),
        ("latents", "2,048 · 12.0 active per row (target 12) · 28 dead"),
    ]


def test_a_summary_with_the_names_of_format_1_can_be_read():
    fields = GOOD.to_dict()
    dead, _ = fields.pop("dead"), fields.pop("active_above")
    assert Summary.from_dict(fields | {"silent": dead, "at_work": "not 0"}) == GOOD
    assert Summary.from_dict(fields | {"silent": dead, "at_work": "above 0.5"}) == replace(GOOD, active_above=0.5)
    with pytest.raises(ArtifactError, match=r"does not fit this version of taciturn: .*'at_work'|.*'dead'"):
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
            {"neighbours": replace(DISTINCT, near_duplicates=7, latents_with_duplicate=6)},
            "6 latents have a near-duplicate (|cosine| at least .95).",
        ),
        (
            {"curves": FALLEN | {"validation_loss": [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]}},
            "The error was still falling when training stopped.",
        ),
        (
            {"curves": FALLEN | {"squared_error": [0.1], "validation_squared_error": [0.15]}},
            "Held-out rows have 50% more error than training rows.",
        ),
        ({"baselines": [Baseline("PCA", 12, 0.05)]}, "PCA with 12 components reconstructs more: 95.0%."),
        (
            {"baselines": [Baseline("untrained encoder", 256, 0.07)]},
            "An untrained encoder with a fitted decoder reconstructs as much: 93.0%.",
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
    assert warnings[0].mend


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": replace(GOOD, dead=5)},
        {"summary": replace(GOOD, target_l0=11.6)},
        {"summary": replace(GOOD, target_rate=0.054, target_l0=None)},
        {"baselines": [Baseline("PCA", 64, 0.0)]},  # as many components as columns: always exact
        {"curves": FALLEN | {"squared_error": [0.1], "validation_squared_error": [0.12]}},
        {"curves": {"epoch": [0, 1], "validation_loss": [1.0, 0.1]}},  # too few epochs
    ],
)
def test_no_warning_within_the_bounds(changes):
    assert verdict_on(**changes).warnings == []


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
    assert "a and b share 24 of 24 latents, 24 of them before the first step" in comparison.sentence


def test_latents_that_runs_of_one_seed_share_before_training_are_counted_separately(digits):
    fits = [DictionaryAutoencoder(24, k=k, max_iter=6, random_state=0).fit(digits[0]) for k in (2, 8)]
    shared = compare({str(fit.k): fit.to_artifact() for fit in fits}, Rows(digits[1])).shared[0]
    assert shared.initially_shared == 24
    assert shared.shared < 24


def test_a_comparison_needs_two_runs_and_metrics_or_rows(digits):
    artifact = DictionaryAutoencoder(8, k=2, max_iter=1, random_state=0).fit(digits[0]).to_artifact()
    with pytest.raises(DataError, match="a comparison needs several runs, not 1; name two or more"):
        compare({"a": artifact})
    with pytest.raises(DataError, match="a has no metrics; name rows to evaluate all runs on"):
        compare({"a": artifact, "b": artifact})
