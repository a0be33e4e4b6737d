"""`taciturn.check`: the numbers of rows beside what a model remembers, and whether rows are like the training rows."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import ks_2samp

import taciturn
from commandline import output_text, run
from taciturn import (
    AutoencoderOutlierDetector,
    DenoisingAutoencoder,
    DenoisingImputer,
    DictionaryAutoencoder,
    SparseAutoencoder,
    check,
    datasets,
)
from taciturn.core.errors import ArtifactError, DataError, RecipeError
from taciturn.metrics import share_above, share_below
from taciturn.metrics.row_scores import quantiles

X = datasets.load("digits").read(0, 1797)[np.random.default_rng(0).permutation(1797)]
TRAIN, HELD, NEW = X[:1000], X[1000:1400], X[1400:]
ORDER = np.random.default_rng(1).permutation(64)


@pytest.fixture(scope="module")
def model():
    return DictionaryAutoencoder(96, k=8, max_iter=8, random_state=0).fit(TRAIN, validation=HELD)


def test_the_numbers_are_those_of_their_definitions(model):
    result = check(model, NEW)
    errors = (NEW - model.denoise(NEW)) ** 2
    assert_allclose(result.fvu, errors.sum() / ((NEW - NEW.mean(0)) ** 2).sum(), rtol=1e-4)
    assert_allclose(result.fvu_error / result.fvu, errors.sum(1).std(ddof=1) / errors.sum(1).mean() / math.sqrt(397))
    assert result.l0 == 8
    assert result.count == 397
    remembered = result.remembered
    assert (remembered.kind, remembered.count) == ("held-out", 400)
    held = (HELD - model.denoise(HELD)) ** 2
    assert_allclose(remembered.fvu, held.sum() / ((HELD - HELD.mean(0)) ** 2).sum(), rtol=1e-4)
    relative, held_relative = (e.sum(1) / (e.sum(1) + (Z**2).sum(1)) for e, Z in ((errors, NEW), (held, HELD)))
    assert_allclose(remembered.relative[49], np.sort(held_relative)[199], rtol=1e-3)
    by_name = {each.name: each for each in result.comparisons}
    chance = math.sqrt(math.log(1000) / 2 * (1 / 400 + 1 / 397))
    assert by_name["larger errors"].limit == pytest.approx(0.1 + chance)
    larger = ks_2samp(relative, held_relative, alternative="less").statistic
    assert by_name["larger errors"].difference == pytest.approx(larger, abs=0.025)


def test_the_distance_of_means_is_what_it_is_without_chance():
    rng = np.random.default_rng(0)
    rows, scale = rng.normal(size=(4000, 5)), np.array([1.0, 10.0, 0.1, 5.0, 2.0])
    model = SparseAutoencoder(4, scaling="standard", max_iter=1, random_state=0).fit(rows * scale)
    shift = np.array([0.0, 0.6, 0.0, 0.0, 0.8])  # of standard deviations: √((0.36 + 0.64) / 5) in all
    found = [check(model, (rng.normal(size=(500, 5)) + shift) * scale).comparisons[3].difference for _ in range(20)]
    assert_allclose(np.mean(found), math.sqrt(0.2), rtol=0.03)
    unmoved = [check(model, rng.normal(size=(100, 5)) * scale).comparisons[3] for _ in range(20)]
    assert np.mean([each.difference == 0 for each in unmoved]) > 0.2  # what chance adds is subtracted
    assert not any(each.differs for each in unmoved)


@pytest.mark.parametrize(
    "change",
    [lambda Z: 2 * Z, lambda Z: Z / 2, lambda Z: Z + 0.3, lambda Z: Z[:, ORDER], lambda Z: 1 - Z],
    ids=["twice", "half", "shifted", "permuted", "inverted"],
)
@pytest.mark.parametrize("validation", [HELD, None], ids=["held-out", "training"])
def test_other_rows_are_unlike(change, validation):
    model = SparseAutoencoder(32, sparsity="topk:6", max_iter=3, random_state=0).fit(TRAIN, validation=validation)
    result = check(model, change(NEW))
    assert result.alike is False
    assert result.verdict.startswith("The rows are not like the training rows: ")
    assert str(result).count("\n") == 7


def test_held_out_and_training_rows_are_like_themselves(model):
    for rows in (NEW, HELD, TRAIN, NEW.astype(np.float32)):
        assert check(model, rows).alike is True, check(model, rows).verdict


def test_few_rows_cannot_tell_but_may_be_seen_to_differ(model):
    assert check(model, NEW[:20]).alike is None
    assert "20 rows, beside 400 remembered ones, are too few" in check(model, NEW[:20]).verdict
    assert check(model, 3 * NEW[:20]).alike is False
    assert check(model, 3 * NEW[:1]).alike is None


def test_larger_errors_than_of_training_rows_decide_nothing():
    rows = np.random.default_rng(0).normal(size=(300, 20))  # nothing to learn: the network learns the rows by heart
    model = SparseAutoencoder(400, max_iter=200, learning_rate=0.01, random_state=0).fit(rows[:100])
    result = check(model, rows[100:])
    assert result.remembered.kind == "training"
    assert result.fvu > 1.5 * result.remembered.fvu
    assert result.alike is None
    assert re.match(r"Cannot tell: their relative errors are larger .*; fit with validation rows\.", result.verdict)


def test_exchangeable_columns_are_seen_by_the_errors_of_held_out_rows():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3000, 3)) @ rng.normal(size=(3, 12)) + 0.1 * rng.normal(size=(3000, 12))
    rows = (rows - rows.mean(0)) / rows.std(0)  # no column's mean or deviation tells it from another
    model = DenoisingAutoencoder(6, corruption=None, max_iter=20, random_state=0).fit(
        rows[:2000], validation=rows[2000:2500]
    )
    assert check(model, rows[2500:]).alike is True
    assert check(model, rows[2500:, rng.permutation(12)]).alike is False


def test_what_is_remembered_is_saved_and_forgotten_when_the_weights_change(model, tmp_path):
    model.save(tmp_path / "model")
    again = taciturn.load(tmp_path / "model")
    assert check(again, NEW) == check(model, NEW)
    again.save(tmp_path / "again")
    assert check(taciturn.load(tmp_path / "again"), NEW) == check(model, NEW)
    again.partial_fit(NEW)
    assert check(again, NEW).remembered is None
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    del config["rows"]["remembered"]  # as in a folder that an earlier version wrote
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    result = check(taciturn.load(tmp_path / "model"), NEW)
    assert (result.alike, result.comparisons) == (None, ())
    assert result.verdict == "Cannot tell: the model remembers no rows of a fit, so nothing is compared."
    for damage in ([], [1.0] * 99, [2.0, 1.0] * 50):
        config["rows"]["remembered"] = json.loads(json.dumps(vars(model._learner.remembered) | {"relative": damage}))
        (tmp_path / "model" / "config.json").write_text(json.dumps(config))
        with pytest.raises(ArtifactError, match=r"remembered quantiles must be 100 ascending numbers.*damaged"):
            taciturn.load(tmp_path / "model")


def test_each_estimator_is_checked(tmp_path):
    table = np.random.default_rng(0).normal(size=(1200, 1)) * [1.0, 2.0, 3.0, -1.0] + 1
    table[::7, 1] = np.nan
    detector = AutoencoderOutlierDetector(16, max_iter=5, random_state=0).fit(table[:900])
    remembered = check(detector, table[900:]).remembered
    assert (remembered.kind, remembered.count) == ("held-out", 180)
    assert check(detector, table[900:]).alike is True
    assert check(detector, table[900:] + 2).alike is False
    skip = DictionaryAutoencoder(32, k=4, skip=True, max_iter=5, random_state=0)
    skip.fit(TRAIN, target=TRAIN[:, ::-1], validation=(HELD, HELD[:, ::-1]))
    assert check(skip, NEW, target=NEW[:, ::-1]).alike is True
    assert check(skip, NEW, target=NEW[:, ORDER]).alike is False
    assert check(skip, NEW[:, ORDER], target=NEW[:, ::-1]).alike is False
    skip.to_dictionary(tmp_path / "pairs", "sparsify")
    foreign = taciturn.load(tmp_path / "pairs")
    result = check(foreign, NEW, target=NEW[:, ::-1])
    assert (result.remembered, result.alike) == (None, None)
    assert result.fvu == pytest.approx(check(skip, NEW, target=NEW[:, ::-1]).fvu, rel=1e-3)
    foreign.set_params(warm_start=True, max_iter=1).fit(TRAIN, target=TRAIN[:, ::-1])  # remembers from now on
    result = check(foreign, 2 * NEW, target=NEW[:, ::-1])
    assert (result.alike, [each.name for each in result.comparisons][3:]) == (False, [])
    with pytest.raises(RecipeError, match="check takes an autoencoder or an outlier detector, not a DenoisingImputer"):
        check(DenoisingImputer(4, max_iter=1, random_state=0).fit(table), table)


def test_a_table_and_a_stream_are_checked():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=600), "b": rng.choice(["x", "y", "z"], 600, p=[0.6, 0.3, 0.1])})
    frame["c"] = frame["a"] + (frame["b"] == "x")
    model = DenoisingAutoencoder(16, max_iter=10, random_state=0).fit(frame[:300], validation=frame[300:400])
    assert check(model, frame[400:]).alike is True
    assert check(model, frame[400:].assign(a=5.0, c=0.0)).alike is False
    stream = SparseAutoencoder(16, sparsity="topk:4", max_steps=40, random_state=0)
    stream.fit(lambda: iter(np.array_split(TRAIN, 10)), validation=HELD)
    assert check(stream, NEW).alike is True


def test_a_result_is_shown_as_text_html_and_json(model):
    result = check(model, 2 * NEW)
    assert "remembered: 400 held-out rows" in str(result)
    assert "<table" in result._repr_html_()
    numbers = json.loads(json.dumps(replace(result, fvu=math.inf).to_dict(), allow_nan=False))
    assert numbers["alike"] is False
    assert numbers["fvu"] is None
    assert numbers["remembered"]["count"] == 400
    assert {each["name"] for each in numbers["comparisons"]} >= {"larger errors", "another mean"}


def test_shares_are_those_of_scipy_up_to_a_hundredth():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.exponential(rng.uniform(0.5, 2), 300), rng.exponential(1.0, 500)
        above, below = ks_2samp(a, b, alternative="less").statistic, ks_2samp(a, b, alternative="greater").statistic
        assert above - 0.03 <= share_above(a, quantiles(b)) <= above + 1e-12
        assert below - 0.03 <= share_below(a, quantiles(b)) <= below + 1e-12
    same = np.full(50, 7.0)
    assert share_above(same * (1 + 1e-7), quantiles(same)) == share_below(same * (1 - 1e-7), quantiles(same)) == 0


def test_rows_that_are_reconstructed_but_for_rounding_are_alike():
    assert share_above(np.full(200, 1e-12), quantiles(np.full(200, 1e-14)), 1e-6) == 0
    assert share_above(np.full(200, 1e-3), quantiles(np.full(200, 1e-14)), 1e-6) == 1


def test_the_command_line_tells_by_its_exit_status(tmp_path):
    np.savetxt(tmp_path / "rows.csv", X[:900], delimiter=",")
    np.savetxt(tmp_path / "same.csv", NEW, delimiter=",")
    np.savetxt(tmp_path / "other.csv", NEW * 2, delimiter=",")
    np.savetxt(tmp_path / "few.csv", NEW[:9], delimiter=",")
    run("fit", tmp_path / "rows.csv", "--epochs", "3", "-o", tmp_path / "run", "--no-report", "-q")
    assert "The rows are like the training rows" in output_text(run("check", tmp_path / "run", tmp_path / "same.csv"))
    other = run("check", tmp_path / "run", tmp_path / "other.csv", code=3)
    assert "The rows are not like the training rows" in output_text(other)
    assert "9 rows, beside 90 remembered ones, are too few" in output_text(
        run("check", tmp_path / "run", tmp_path / "few.csv", code=4)
    )
    numbers = json.loads(run("check", tmp_path / "run", "--json").stdout)  # the rows that were held out
    assert numbers["alike"] is True
    assert numbers["count"] == numbers["remembered"]["count"] == 90
    pairs = tmp_path / "pairs"
    DictionaryAutoencoder(16, k=4, max_iter=2, random_state=0).fit(TRAIN, target=TRAIN[:, :3]).save(pairs)
    np.savetxt(tmp_path / "target.csv", NEW[:, :3], delimiter=",")
    assert "name them (--target)" in run("check", pairs, tmp_path / "same.csv", code=1).output
    run("check", pairs, tmp_path / "same.csv", "--target", tmp_path / "target.csv", code=0)


def test_targets_are_given_where_fit_had_them_and_nowhere_else():
    noisy = TRAIN + np.random.default_rng(0).normal(size=TRAIN.shape)
    paired = DenoisingAutoencoder(8, max_iter=2, random_state=0).fit(noisy, target=TRAIN, validation=(NEW, NEW))
    with pytest.raises(DataError, match="was trained with targets; give those of these rows"):
        check(paired, NEW)
    alone = DenoisingAutoencoder(8, max_iter=2, random_state=0).fit(TRAIN, validation=NEW)
    with pytest.raises(DataError, match="was trained without targets; leave them out"):
        check(alone, NEW, target=NEW)
