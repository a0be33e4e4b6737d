"""The outlier detector: its score against NumPy and scikit-learn, thresholds, p-values, explained cells, saving."""

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.estimator_checks import parametrize_with_checks

from commandline import run
from taciturn import AutoencoderOutlierDetector, DenoisingAutoencoder, datasets, load
from taciturn.core.errors import ArtifactError, DataError, EmptyRows, RecipeError
from taciturn.data.sources import Rows
from taciturn.data.split import split
from taciturn.estimators.outlyingness import Outlyingness
from taciturn.training import learner

QUICK = {"n_components": 32, "max_iter": 10, "random_state": 0}


@parametrize_with_checks(
    [
        AutoencoderOutlierDetector(max_iter=2),
        AutoencoderOutlierDetector(8, contamination=0.1, n_neighbors=3, calibration_fraction=0, max_iter=2),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def drawn(n_rows, seed):
    """Rows of 6 columns that depend on two numbers, on different scales."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n_rows, 2))
    mixing = np.random.default_rng(7).standard_normal((2, 6))
    return (np.tanh(z @ mixing) + 0.05 * rng.standard_normal((n_rows, 6))) * [1, 10, 0.1, 1, 5, 1] + [0, 5, 1, 0, 99, 0]


@pytest.fixture(scope="module")
def rows():
    return drawn(400, 0)


@pytest.fixture(scope="module")
def detector(rows):
    return AutoencoderOutlierDetector(**QUICK).fit(rows)


# --- the score -------------------------------------------------------------------------------------------------
def test_the_score_by_hand():
    """Two columns, four training rows on a line, neighbour 1; every number worked out on paper."""
    rows = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [7.0, 0.0]])
    recon = rows + np.array([1.0, 0.0])
    measured = Outlyingness.measured(rows, recon, np.zeros(2), np.ones(2), n_neighbors=1)
    # squared errors: 1 and 0; their mean 0.5, a thousandth of which is added to the medians
    assert measured.error_unit == pytest.approx([1.0005, 0.0005])
    # errors: log(1 + 1 / 1.0005) / 2; distances to the nearest other row: 1, 1, 2, 4, whose median is 1.5
    error = np.log(1 + 1 / 1.0005) / 2
    assert measured.typical == pytest.approx([error, 1.5])
    new = measured.outlyingness(np.array([[1.0, 3.0], [3.0, 0.0]]), np.array([[1.0, 3.0], [4.0, 0.0]]))
    # (1, 3): reconstructed exactly, and 3 from (1, 0); (3, 0): a training row, 2 from the next
    assert new == pytest.approx(
        [0.5 * np.log(0.001) + np.log(2 + 0.001), 0.5 * np.log(1.001) + np.log(2 / 1.5 + 0.001)]
    )
    # (1, missing), which is filled in as (1, 5): the error is that of the first column alone, twice the typical one
    missing = measured.outlyingness(np.array([[1.0, np.nan]]), np.array([[2.0, 5.0]]))
    assert missing == pytest.approx([0.5 * np.log(2 + 0.001) + np.log(5 / 1.5 + 0.001)])


def expected_scores(detector, X, training, calibration=()):
    """The scores in NumPy, with scikit-learn's neighbours, of rows of which none is a training row."""
    deviation = training.std(0)
    squares = ((detector.denoise(training) - training) / deviation) ** 2
    unit = np.median(squares, 0) + squares.mean() / 1000

    def errors(rows):
        return np.log1p(((detector.denoise(rows) - rows) / deviation) ** 2 / unit).mean(1)

    search = NearestNeighbors(n_neighbors=10, algorithm="kd_tree").fit(training / deviation)
    r0 = np.median(errors(training))
    d0 = np.median(search.kneighbors()[0].mean(1))
    d = search.kneighbors(X / deviation)[0].mean(1)
    return -0.5 * np.log(errors(X) / r0 + 0.001) - np.log(d / d0 + 0.001)


def test_scores_are_those_of_numpy_and_scikit_learn(rows):
    detector = AutoencoderOutlierDetector(**QUICK, calibration_fraction=0).fit(rows)
    new = drawn(50, 1)
    np.testing.assert_allclose(detector.score_samples(new), expected_scores(detector, new, rows), rtol=1e-6)


def test_a_training_row_is_not_its_own_neighbour(rows):
    detector = AutoencoderOutlierDetector(**QUICK, calibration_fraction=0).fit(rows)
    deviation = rows.std(0)
    search = NearestNeighbors(n_neighbors=10).fit(rows / deviation)
    distances = detector._reference.errors_and_distances(rows, detector.denoise(rows))[1]
    np.testing.assert_allclose(distances, search.kneighbors()[0].mean(1), rtol=1e-9)


def test_a_column_far_from_0_and_an_enormous_value_have_finite_scores(rows):
    detector = AutoencoderOutlierDetector(**QUICK).fit(rows)
    far = AutoencoderOutlierDetector(**QUICK).fit(rows + 2.0**30)
    np.testing.assert_allclose(far.score_samples(rows + 2.0**30), detector.score_samples(rows), atol=1e-3)
    enormous = np.tile(drawn(1, 1), (2, 1))
    enormous[0, 2] = 1e250
    scores = detector.score_samples(enormous)
    assert np.isfinite(scores).all()
    assert scores[0] < detector.offset_
    assert detector.explain(enormous[:1]).column[0, 0] == 2


def test_rows_with_missing_values_are_not_their_own_neighbours(rows):
    X = np.where(np.random.default_rng(0).random(rows.shape) < 0.1, np.nan, rows)
    detector = AutoencoderOutlierDetector(**QUICK, calibration_fraction=0).fit(X)
    together, one = detector.score_samples(X), [detector.score_samples(X[i : i + 1])[0] for i in range(40)]
    np.testing.assert_allclose(one, together[:40], rtol=1e-6)


def test_rows_seen_many_times_have_finite_scores():
    X = np.repeat([[0.0, 1.0], [1.0, 0.0]], 50, axis=0)
    detector = AutoencoderOutlierDetector(**QUICK).fit(X)
    scores = detector.score_samples([[0.0, 1.0], [5.0, 5.0]])
    assert np.isfinite(scores).all()
    assert scores[1] < scores[0] - 3


def test_scores_do_not_depend_on_the_rows_beside(detector):
    new = drawn(30, 2)
    together = detector.score_samples(new)
    np.testing.assert_allclose([detector.score_samples(new[i : i + 1])[0] for i in range(30)], together, rtol=1e-9)


def test_the_same_seed_gives_the_same_scores(rows, detector):
    again = AutoencoderOutlierDetector(**QUICK).fit(rows)
    np.testing.assert_array_equal(again.score_samples(rows), detector.score_samples(rows))
    assert again.offset_ == detector.offset_


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_outliers_are_found_whether_or_not_training_rows_hold_them(share):
    rng = np.random.default_rng(3)
    clean, outliers = drawn(500, 4), rng.uniform(-1, 1, (100, 6)) * [1, 10, 0.1, 1, 5, 1] * 2 + [0, 5, 1, 0, 99, 0]
    n_outliers = int(share * 500)
    detector = AutoencoderOutlierDetector(random_state=0).fit(
        np.concatenate([clean[n_outliers:], outliers[:n_outliers]])
    )
    assert (detector.predict(drawn(500, 5)) == -1).mean() < 0.1
    assert (detector.predict(outliers) == -1).mean() > 0.8


# --- the threshold ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("contamination", [0.05, 0.3])
def test_contamination_is_the_share_of_the_rows_of_fit_that_are_outliers(rows, contamination):
    detector = AutoencoderOutlierDetector(**QUICK, contamination=contamination).fit(rows)
    predicted = detector.predict(rows)
    assert (predicted == -1).mean() == pytest.approx(contamination, abs=1 / len(rows))
    np.testing.assert_array_equal(predicted == -1, detector.decision_function(rows) < 0)
    np.testing.assert_array_equal(detector.decision_function(rows), detector.score_samples(rows) - detector.offset_)


def test_the_automatic_threshold_is_two_and_a_half_deviations_of_the_upper_half_below_the_median(detector):
    scores = np.sort(detector._calibration)
    assert len(scores) == 80
    assert detector.offset_ == pytest.approx(
        np.median(scores) - 2.5 * (np.quantile(scores, 0.75) - np.median(scores)) / 0.6745
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"contamination": 0.6}, r"contamination=0.6 must be 'auto' or a number in \(0, 0.5\]"),
        ({"contamination": "much"}, "contamination='much' must be 'auto' or a number"),
        ({"n_neighbors": 0}, "n_neighbors=0 must be a positive whole number"),
        ({"calibration_fraction": 1}, r"calibration_fraction=1 must be a number in \[0, 1\)"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_changes(rows, parameters, message):
    detector = AutoencoderOutlierDetector(**QUICK, **parameters)
    with pytest.raises(RecipeError, match=message):
        detector.fit(rows)
    assert not detector.__sklearn_is_fitted__()


def test_there_is_no_partial_fit(detector):
    assert not hasattr(detector, "partial_fit")


# --- p-values --------------------------------------------------------------------------------------------------
def test_p_values_count_the_held_out_rows_with_a_score_as_low(detector):
    new = np.concatenate([drawn(20, 6), drawn(1, 6) + 50])
    scores, held_out = detector.score_samples(new), detector._calibration
    expected = [(1 + (held_out <= score).sum()) / (1 + len(held_out)) for score in scores]
    np.testing.assert_allclose(detector.p_values(new), expected)
    assert detector.p_values(new)[-1] == 1 / 81


def test_p_values_are_uniform_over_independent_splits():
    """Over 40 splits: the mean number of p-values of at most t is t within three standard errors, or below it."""
    X = datasets.load("digits").read(0, 1797)[:, 10:30]
    shares = []
    for seed in range(40):
        order = np.random.default_rng(seed).permutation(len(X))
        detector = AutoencoderOutlierDetector(8, max_iter=1, calibration_fraction=0.5, random_state=seed)
        p = detector.fit(X[order[:200]]).p_values(X[order[200:300]])
        shares.append([(p <= t).mean() for t in (0.1, 0.2, 0.5, 0.8)])
    error = np.std(shares, axis=0) / np.sqrt(40)
    assert (np.abs(np.mean(shares, 0) - [0.1, 0.2, 0.5, 0.8]) < 3 * error + 1 / 101).all()


def test_the_network_is_not_trained_on_held_out_rows(rows, detector):
    training, held_out = split(len(rows), 0.2, 0, "calibration")
    assert len(held_out) == detector.n_calibration_ == 80
    np.testing.assert_allclose(detector.module_.mean.numpy(), rows[training].mean(0))
    np.testing.assert_array_equal(np.sort(detector.score_samples(rows[held_out])), detector._calibration)
    assert len(detector._reference.reference) == 320


def test_p_values_need_held_out_rows(rows):
    detector = AutoencoderOutlierDetector(**QUICK, calibration_fraction=0).fit(rows)
    with pytest.raises(RecipeError, match="p_values needs held-out rows"):
        detector.p_values(rows)
    few = AutoencoderOutlierDetector(**QUICK).fit(rows[:4])
    with pytest.raises(RecipeError, match="p_values needs held-out rows"):
        few.p_values(rows)


# --- explained cells -------------------------------------------------------------------------------------------
def test_planted_cells_are_the_first_reason():
    detector = AutoencoderOutlierDetector(random_state=0).fit(drawn(500, 8))
    new, rng = drawn(60, 9), np.random.default_rng(0)
    clean, column = new.copy(), rng.integers(6, size=60)
    planted = np.arange(60), column
    new[planted] += 4 * drawn(500, 8).std(0)[column] * rng.choice([-1, 1], 60)
    cells = detector.explain(new)
    assert (cells.column[:, 0] == column).mean() >= 0.9
    np.testing.assert_array_equal(cells.value[cells.column == column[:, None]], new[planted])
    expected = cells.expected[cells.column == column[:, None]]
    errors = (expected - clean[planted]) / drawn(500, 8).std(0)[column]
    assert np.sqrt((errors**2).mean()) < 0.6  # of a column's standard deviation: better than its mean


def test_a_contribution_is_what_the_score_gains_with_the_expected_value(detector):
    new = drawn(3, 10)
    cells = detector.explain(new)
    for row in range(3):
        for column, expected, contribution in zip(
            cells.column[row], cells.expected[row], cells.contribution[row], strict=True
        ):
            changed = new[row].copy()
            changed[column] = expected
            gain = detector.score_samples([changed]) - detector.score_samples(new[[row]])
            assert contribution == pytest.approx(gain[0], abs=1e-9)
    assert (np.diff(cells.contribution, axis=1) <= 0).all()


def test_cells_have_the_names_of_the_columns(rows):
    frame = pd.DataFrame(rows, columns=list("abcdef"))
    detector = AutoencoderOutlierDetector(**QUICK).fit(frame)
    wrong = frame.iloc[[0]].assign(c=3.0)
    assert detector.explain(wrong).column[0, 0] == "c"
    with pytest.raises((DataError, ValueError), match="feature names"):
        detector.score_samples(frame[list("bacdef")])


# --- missing values --------------------------------------------------------------------------------------------
def test_missing_values_count_neither_for_nor_against_a_row(rows):
    X = np.where(np.random.default_rng(0).random(rows.shape) < 0.1, np.nan, rows)
    detector = AutoencoderOutlierDetector(**QUICK).fit(X)
    new = drawn(40, 11)
    new[:, 2] = np.nan
    scores = detector.score_samples(new)
    assert np.isfinite(scores).all()
    with pytest.warns(EmptyRows):
        assert np.isfinite(detector.score_samples(np.full((1, 6), np.nan))).all()
    assert (detector.predict(new) == 1).mean() > 0.8
    cells = detector.explain(new[1:2])
    missing = cells.column[0] == 2
    assert np.isnan(cells.value[0][missing]).all()
    assert cells.contribution[0][missing] == 0
    assert np.isfinite(cells.expected).all()


# --- saving ----------------------------------------------------------------------------------------------------
def test_a_saved_detector_gives_the_same_numbers(detector, rows, tmp_path):
    detector.save(tmp_path / "run")
    again = load(tmp_path / "run")
    assert type(again) is AutoencoderOutlierDetector
    assert again.get_params() == detector.get_params()
    new = drawn(40, 12)
    for method in ("score_samples", "predict", "p_values", "decision_function"):
        np.testing.assert_array_equal(getattr(again, method)(new), getattr(detector, method)(new))
    for one, other in zip(again.explain(new), detector.explain(new), strict=True):
        np.testing.assert_array_equal(one, other)
    again.save(tmp_path / "run", overwrite=True)
    np.testing.assert_array_equal(load(tmp_path / "run").score_samples(new), detector.score_samples(new))


def test_a_detector_without_held_out_rows_is_saved_too(rows, tmp_path):
    detector = AutoencoderOutlierDetector(**QUICK, calibration_fraction=0, contamination=0.1).fit(rows)
    detector.save(tmp_path / "run")
    np.testing.assert_array_equal(load(tmp_path / "run").predict(rows), detector.predict(rows))
    np.save(tmp_path / "rows.npy", rows)
    run("score", tmp_path / "run", tmp_path / "rows.npy", "-o", tmp_path / "scores.csv")
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert scores["p_value"].isna().all()
    assert scores["outlier"].sum() == 40


def test_a_folder_without_the_detectors_numbers_is_refused(detector, rows, tmp_path):
    detector.save(tmp_path / "run")
    (tmp_path / "run" / "outliers.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"outliers\.safetensors cannot be read"):
        load(tmp_path / "run")
    artifact = detector.to_artifact()
    artifact.outliers["scale"] = artifact.outliers["scale"][:3]
    from taciturn.artifact import save

    save(artifact, tmp_path / "shorter")
    with pytest.raises(ArtifactError, match=r"outliers\.safetensors does not fit config\.json"):
        load(tmp_path / "shorter")
    artifact = DenoisingAutoencoder(4, max_iter=1, random_state=0).fit(rows).to_artifact()
    artifact.outliers = detector.to_artifact().outliers
    save(artifact, tmp_path / "other")
    with pytest.raises(ArtifactError, match=r"outliers\.safetensors is not a file of this estimator"):
        load(tmp_path / "other")


def test_rows_of_a_source_give_the_same_scores(rows, detector):
    source = AutoencoderOutlierDetector(**QUICK).fit(Rows(rows))
    np.testing.assert_array_equal(source.score_samples(Rows(rows)), detector.score_samples(rows))


def test_an_interrupted_fit_leaves_a_detector(rows, monkeypatch):
    real = learner.train

    def interrupted(run):
        for record in real(run):
            yield record
            if record.step == 5:
                raise KeyboardInterrupt

    monkeypatch.setattr(learner, "train", interrupted)
    detector = AutoencoderOutlierDetector(**QUICK)
    with pytest.raises(KeyboardInterrupt):
        detector.fit(rows)
    assert np.isfinite(detector.score_samples(rows)).all()
    assert len(detector.p_values(rows)) == len(rows)


# --- the command line --------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of `taciturn fit --outliers` in rows of a .csv file."""
    folder = tmp_path_factory.mktemp("runs")
    pd.DataFrame(drawn(200, 0), columns=list("abcdef")).to_csv(folder / "rows.csv", index=False)
    run("fit", folder / "rows.csv", "--outliers", "--epochs", "10", "--no-report", "-q", "-o", folder / "run")
    return folder / "run"


def test_taciturn_score_writes_scores_and_reasons(run_folder, tmp_path):
    new = pd.DataFrame(drawn(20, 1), columns=list("abcdef"))
    new.loc[3, "e"] = 150.0
    new.to_csv(tmp_path / "new.csv", index=False)
    done = run("score", run_folder, tmp_path / "new.csv", "-o", tmp_path / "scores.csv")
    scores, detector = pd.read_csv(tmp_path / "scores.csv", keep_default_na=False), load(run_folder)
    assert list(scores) == ["score", "p_value", "outlier", "reason_1", "reason_2", "reason_3"]
    np.testing.assert_array_equal(scores["score"], detector.score_samples(new))
    np.testing.assert_array_equal(scores["p_value"], detector.p_values(new))
    np.testing.assert_array_equal(scores["outlier"] == 1, detector.predict(new) == -1)
    cells = detector.explain(new.loc[[3]])
    assert scores.loc[3, "reason_1"] == f"e: 150, expected {cells.expected[0, 0]:.6g}"
    assert (scores.loc[scores["outlier"] == 0, "reason_1"] == "").all()
    assert f"{(scores['outlier'] == 1).sum()} of 20 rows are outliers" in done.stderr


def test_taciturn_score_refuses_other_runs_and_other_files(run_folder, rows, tmp_path):
    DenoisingAutoencoder(4, max_iter=1, random_state=0).fit(rows).save(tmp_path / "other")
    np.save(tmp_path / "rows.npy", rows)
    done = run("score", tmp_path / "other", tmp_path / "rows.npy", "-o", tmp_path / "scores.csv", code=2)
    assert (
        "holds a DenoisingAutoencoder, not an outlier detector; train one: taciturn fit DATA --outliers" in done.stderr
    )
    done = run("score", run_folder, tmp_path / "rows.npy", "-o", tmp_path / "scores.npy", code=2)
    assert "scores.npy: such a file is not written; known are .csv, .parquet, or no ending: a folder" in done.stderr
