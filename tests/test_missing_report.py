"""Reports, metrics, probes and figures on rows with missing values, against NumPy in float64."""

import json
import re
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from taciturn import DenoisingAutoencoder, SparseAutoencoder, datasets
from taciturn.core.errors import DataError, EmptyRows
from taciturn.corruption import Corruption, corrupted
from taciturn.data.row_shape import likely_shape
from taciturn.data.sources import Rows
from taciturn.metrics import SSIM, Cosine, denoising_scorer
from taciturn.plots import errors, reconstructions, row_errors, style
from taciturn.probes import relate, seed_stability
from taciturn.probes.baselines import _changes, _ridge
from taciturn.report import compare, summarise
from taciturn.report.html.figures import curve
from taciturn.report.html.formats import ColumnFormat
from taciturn.report.html.sprite import sprite
from test_tryit import result, visit

pytestmark = [
    pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed"),
    pytest.mark.filterwarnings("ignore::taciturn.core.errors.EmptyRows"),
]
AMBER = (0xE6, 0x9F, 0x00)


def holed(rows, share=0.2, seed=0):
    missing = np.random.default_rng(seed).random(rows.shape) < share
    return np.where(missing, np.nan, rows), missing


@pytest.fixture(scope="module")
def digits():
    rows, _ = holed(datasets.load("digits").read(0, 500).astype(np.float64))
    rows[310] = np.nan  # row 10 of the report's rows
    return rows[:300], rows[300:]


@pytest.fixture(scope="module")
def table():
    """Rows of a table in units far from 0, with names; the last row has no known value."""
    rng = np.random.default_rng(0)
    X, _ = holed(rng.normal(size=(240, 3)) @ rng.normal(size=(3, 6)) * [1, 10, 1e3, 1, 1, 1] + [0, 50, 1e5, 0, 0, 0])
    X[-1] = np.nan
    return pd.DataFrame(X, columns=list("abcdef"))


def fitted(rows, corruption):
    model = DenoisingAutoencoder(32, corruption=corruption, max_iter=8, random_state=0, shape=(8, 8))
    return model.fit(rows)


@pytest.fixture(scope="module", params=["gaussian:0.3", "missing:0.2", "none"])
def reported(request, digits):
    model = fitted(digits[0], request.param)
    return model, model.report(digits[1], training=digits[0])


# --- the report's numbers ---------------------------------------------------------------------------------------------
def test_a_reports_errors_are_those_of_the_known_values(reported, digits):
    model, report = reported
    X = digits[1]
    error = (model.denoise(X) - X) ** 2
    summary = report.summary
    assert summary.missing == np.isnan(X).sum()
    assert_allclose(summary.mean_squared_error, np.nanmean(error), rtol=1e-9)
    assert_allclose(summary.fvu, np.nansum(error) / np.nansum((X - np.nanmean(X, 0)) ** 2), rtol=1e-9)
    assert_allclose(report.errors.per_column, np.nanmean(error, 0), rtol=1e-9)
    by_row = np.nanmean(error[~np.isnan(X).all(1)], 1)
    assert_allclose(report.errors.quantiles[::4], np.quantile(by_row, [0, 0.5, 1]), rtol=1e-9)
    assert sum(report.errors.counts) == len(X) - 1  # a row without any known value has no error
    assert 10 not in {entry.row for group in ("best", "median", "worst") for entry in getattr(report.samples, group)}
    assert_array_equal(np.isnan(report.samples.rows.clean[0]), np.isnan(X[0]))
    assert ("20.5%", "of the values missing") in report.verdict.points
    assert f"{np.isnan(X).sum():,} of 12,800 values are missing (20.5%)" in dict(summary.lines())["missing values"]
    assert report.provenance.training_missing == np.isnan(digits[0]).sum()
    plain = json.loads(report.json())
    assert plain["summary"]["missing"] == summary.missing
    with pytest.raises(DataError, match="no value of the rows is known"):
        model.report(np.full_like(X, np.nan))


def test_denoising_is_judged_where_values_are_known(reported, digits):
    """Under missing:0.2 it is judged on the values that were hidden: to copy the others is no merit."""
    model, report = reported
    if not report.summary.corruption:
        assert report.summary.psnr_before is None
        return
    X, mean = digits[1], model.module_.mean.numpy()
    filled = np.where(np.isnan(X), mean, X)
    corruption = Corruption.parse(report.summary.corruption)
    noisy = corrupted(torch.from_numpy(filled), corruption, seed=0, purpose="evaluate").numpy()
    judged = ~np.isnan(X) & (np.isnan(noisy) if corruption.makes_missing else True)
    received = np.where(np.isnan(noisy) | np.isnan(X), mean, noisy)
    target = np.where(judged, X, np.nan)
    peak = np.nanmax(np.nanmax(target, 0) - np.nanmin(target, 0))
    for found, rows in ((report.summary.psnr_before, received), (report.summary.psnr_after, model.denoise(received))):
        assert_allclose(found, 10 * np.log10(peak**2 / np.nanmean((rows - target) ** 2)), rtol=1e-9)
    samples = report.samples.rows
    for row in range(3):
        assert_array_equal(np.isnan(samples.corrupted[row]), np.isnan(noisy[row]) | np.isnan(X[row]))
    assert_allclose(report.baselines.model, _fvu(model.denoise(received), target), rtol=1e-9)


def _fvu(recon, target):
    return np.nansum((recon - target) ** 2) / np.nansum((target - np.nanmean(target, 0)) ** 2)


def test_principal_components_have_the_mean_for_missing_values_and_are_judged_on_the_others(digits):
    model = fitted(digits[0], "none")
    training, X = digits
    mean = np.nanmean(training, 0)
    filled = np.where(np.isnan(training), mean, training)
    directions = np.linalg.svd(filled - mean)[2].T
    found = {b.components: b.fvu for b in model.report(X, training=training).baselines.models if b.name == "PCA"}
    for size, fvu in found.items():
        V = directions[:, :size]
        assert_allclose(fvu, _fvu((np.where(np.isnan(X), mean, X) - mean) @ V @ V.T + mean, X), rtol=1e-6)


def test_the_number_of_components_is_best_on_known_values():
    rng = np.random.default_rng(0)
    y, (x, _), V = rng.normal(size=(30, 5)), holed(rng.normal(size=(30, 5))), np.linalg.qr(rng.normal(size=(5, 5)))[0]
    errors = [np.nansum((y @ V[:, :k] @ V[:, :k].T - x) ** 2) for k in range(6)]
    assert_allclose(_changes(y, x, V, masked=True), np.diff(errors), rtol=1e-9)
    x = np.nan_to_num(x)
    assert_allclose(_changes(y, x, V, masked=True), _changes(y, x, V, masked=False), rtol=1e-9)


def test_the_untrained_networks_decoder_is_fitted_to_known_values():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(400, 4))
    x, missing = holed(codes @ rng.normal(size=(4, 3)) + rng.normal(size=(400, 3)) + 5, 0.4)
    found = _ridge(codes, x, 1e-9).predict(codes)
    for d in range(3):
        known = ~missing[:, d]
        exact = Ridge(alpha=1e-6).fit(codes[known], x[known, d]).predict(codes)
        assert_allclose(found[:, d], exact, atol=4e-3)


def test_a_tables_errors_in_own_units_and_its_page(table, tmp_path):
    model = SparseAutoencoder(8, max_iter=20, random_state=0, corruption="gaussian:0.2").fit(table)
    report = model.report(table)
    X = table.to_numpy()
    assert_allclose(report.errors.rmse, np.sqrt(np.nanmean((model.denoise(table) - X) ** 2, 0)), rtol=1e-9)
    assert_allclose(report.errors.deviations, np.nanstd(X, 0), rtol=1e-9)
    report.save(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert '<td><span class="missing">missing</span></td>' in page
    assert ">nan<" not in page.lower()
    n_missing = np.isnan(X).sum()
    assert f"{n_missing:,} of 1,440 values are missing" in page
    assert "receives missing values as their column" in page
    assert "NaN" not in re.search(r'<script type="application/json".*?</script>', page, re.DOTALL)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", EmptyRows)
        figure = model.plot.errors(table, per="row")
        assert sum(figure.axes[0].patches[0].get_data().values) == len(X) - 1


def test_a_comparison_counts_missing_values(digits, tmp_path):
    runs = {corruption: fitted(digits[0], corruption).to_artifact() for corruption in ("none", "missing:0.2")}
    comparison = compare(runs, Rows(digits[1]))
    assert [summary.missing for summary in comparison.summaries] == [np.isnan(digits[1]).sum()] * 2
    comparison.save(tmp_path / "compare.html")
    assert "missing values" in (tmp_path / "compare.html").read_text()


def test_a_summary_without_missing_values_does_not_mention_them(digits):
    model = fitted(np.nan_to_num(digits[0]), "none")
    artifact = model.to_artifact()
    summary = summarise(
        artifact.model,
        Rows(np.nan_to_num(digits[1])),
        objective=artifact.settings.objective,
        corruption=artifact.settings.corruption,
        rows_kind="given",
    )
    assert summary.missing == 0
    assert "missing" not in str(summary.lines()) + str(artifact.lines())


# --- metrics and probes -----------------------------------------------------------------------------------------------
def test_cosines_are_those_of_known_values():
    rng = np.random.default_rng(0)
    (x, _), recon = holed(rng.normal(size=(20, 6))), rng.normal(size=(20, 6))
    x[3] = np.nan
    found = Cosine().per_row(torch.from_numpy(x), torch.from_numpy(recon)).numpy()
    known = np.where(np.isnan(x), np.nan, recon)
    norms = np.sqrt(np.nansum(x**2, 1) * np.nansum(known**2, 1))
    with np.errstate(invalid="ignore"):
        assert_allclose(found, np.where(np.arange(20) == 3, np.nan, np.nansum(x * known, 1) / norms), rtol=1e-12)
    cosine = Cosine()
    cosine.add(torch.from_numpy(x), torch.from_numpy(recon))
    assert_allclose((cosine.rows, cosine.mean), (19, np.nanmean(found)))
    recon[5] = np.nan  # of the model: not left out
    cosine.add(torch.from_numpy(x), torch.from_numpy(recon))
    assert np.isnan(cosine.mean)


@pytest.mark.parametrize("shape", [(8, 9), (12, 13, 3)])
def test_ssim_is_that_of_the_known_pixels_of_each_window(shape):
    rng = np.random.default_rng(0)
    (x, _), recon = holed(rng.random((3, *shape)), 0.5), rng.random((3, *shape))
    x[0, :8, :8] = np.nan  # a window without any known pixel
    found = SSIM(shape, peak=1).per_row(*(torch.from_numpy(images.reshape(3, -1)) for images in (x, recon))).numpy()
    side = min(11, shape[0] - 1 + shape[0] % 2)
    window = np.exp(-((np.arange(side) - side // 2) ** 2) / 4.5)
    for image, other, value in zip(x, recon, found, strict=True):
        image, other = (a.reshape(*shape[:2], -1) for a in (image, other))
        numbers = []
        for r, c, channel in np.ndindex(shape[0] - side + 1, shape[1] - side + 1, image.shape[2]):
            a, b = (i[r : r + side, c : c + side, channel] for i in (image, other))
            w = np.where(np.isnan(a), 0, np.outer(window, window))
            if w.sum() == 0:
                continue
            w /= w.sum()
            a = np.nan_to_num(a)
            ma, mb = (w * a).sum(), (w * b).sum()
            va, vb, cov = (w * (a - ma) ** 2).sum(), (w * (b - mb) ** 2).sum(), (w * (a - ma) * (b - mb)).sum()
            numbers.append((2 * ma * mb + 1e-4) / (ma**2 + mb**2 + 1e-4) * (2 * cov + 9e-4) / (va + vb + 9e-4))
        assert_allclose(value, np.mean(numbers), rtol=1e-9)


def test_the_scorer_takes_missing_values_of_every_kind(digits):
    X, model = digits[1], fitted(digits[0], "gaussian:0.3")
    shift, scale = 0.0, 1.0
    noisy = corrupted(torch.from_numpy((X - shift) / scale), Corruption.parse("gaussian:0.2"), seed=0, purpose="score")
    expected = 1 - _fvu(model.denoise(noisy.numpy()), X)
    scorer = denoising_scorer("gaussian:0.2")
    assert_allclose(scorer(model, X), expected, rtol=1e-9)
    assert_allclose(scorer(model, np.ma.masked_invalid(X)), expected, rtol=1e-9)
    names = [f"c{i}" for i in range(64)]
    frame = pd.DataFrame(X, columns=names).astype("Float64")
    table_model = fitted(pd.DataFrame(digits[0], columns=names), "gaussian:0.3")
    assert_allclose(scorer(table_model, frame), scorer(table_model, pd.DataFrame(X, columns=names)), rtol=1e-9)


def test_the_model_on_raw_columns_reads_the_mean_of_its_training_rows_for_missing_values():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    rows, _ = holed(rng.normal(size=(120, 3)) + y[:, None] * [1, 0, 0])
    found = relate(rng.normal(size=(120, 2)), y, rows, seed=3).raw_score
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=50))
    predicted = np.empty_like(y)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=3).split(rows, y):
        predicted[test] = model.fit(rows[train], y[train]).predict(rows[test])
    assert found == balanced_accuracy_score(y, predicted)


def test_dictionaries_of_several_seeds_are_compared_on_rows_with_missing_values(digits):
    agreement = seed_stability(SparseAutoencoder(4, max_iter=1), digits[0], seeds=2)
    assert 0 <= agreement.mcc <= 1


def test_the_shape_of_rows_is_found_among_missing_values(digits):
    assert likely_shape(Rows(digits[0])) == (8, 8)


# --- figures ----------------------------------------------------------------------------------------------------------
def test_figures_leave_missing_values_out_or_mark_them():
    bars = errors([0.1, np.nan, 0.3], columns=["a", "b", "c"]).axes[0]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["c", "a"]
    assert "mean of all 0.2" in bars.lines[0].get_label()
    heat = errors([0.1, np.nan, 0.3, 0.2], shape=(2, 2)).axes[0].images[0]
    assert heat.get_clim() == (0, 0.3)
    assert_allclose(np.array(heat.cmap(heat.norm(heat.get_array()))[0, 1, :3]) * 255, AMBER, atol=0.5)
    histogram = row_errors([0.1, np.nan, 0.3]).axes[0]
    assert sum(histogram.patches[0].get_data().values) == 2
    for draw in (errors, row_errors):
        with pytest.raises(DataError):
            draw([np.nan, np.nan])
        with pytest.raises(DataError):
            draw([0.1, np.inf])
    for shape in ((2, 2), (2, 2, 3)):
        image = np.linspace(0, 1, int(np.prod(shape)))
        image[-1] = np.nan
        drawn = reconstructions({"noisy": image[None], "clean": image[None]}, shape).axes[0].images[0]
        colours = drawn.cmap(drawn.norm(drawn.get_array())) if len(shape) == 2 else drawn.get_array()
        assert_allclose(np.array(colours)[1, 1, :3] * 255, AMBER, atol=0.5)
        assert np.abs(np.array(colours)[0, 0, :3] * 255 - AMBER).max() > 30
    assert style.MISSING == style.AMBER


def test_a_model_of_images_is_drawn_with_its_missing_pixels(digits):
    model = fitted(digits[0], "gaussian:0.3")
    figure = model.plot.reconstructions(digits[1], n=1)
    noisy, denoised, clean = (axes.images[0].get_array() for axes in figure.axes)
    missing = np.isnan(digits[1][0]).reshape(8, 8)
    assert_array_equal(np.ma.getmaskarray(noisy), missing)
    assert_array_equal(np.ma.getmaskarray(clean), missing)
    assert not np.ma.getmaskarray(denoised).any()


def test_small_images_curves_and_numbers_show_what_is_missing():
    import base64
    import io

    from matplotlib.image import imread

    images = {"a": np.array([0.0, np.nan, 0.5, 1.0])}
    for shape in ((2, 2), (1, 1, 3)):
        rows = {name: image[: int(np.prod(shape))] for name, image in images.items()}
        sheet = sprite("s", rows, shape, references=list(rows.values()))
        pixels = imread(io.BytesIO(base64.b64decode(sheet.uri.partition(",")[2])))
        assert_allclose(pixels[0, -1, :3] * 255, AMBER, atol=0.5)
    assert str(curve([0.0, 1.0, np.nan, 1.0], 0, 1)).count("<polyline") == 2
    assert str(curve([np.nan] * 3, 0, 1)).count("<polyline") == 0
    assert "nan" not in str(curve([0.0, np.nan] * 400, 0, 1))
    column = ColumnFormat(np.array([3.0, np.nan, 5.0]), 1.2)
    assert [column.text(v, exact=True) for v in (3.0, np.nan)] == ["3", "missing"]
    assert ColumnFormat(np.array([np.nan]), 0.0).text(2.0) == "2"


# --- the page's model -------------------------------------------------------------------------------------------------
def test_the_page_computes_with_missing_values(page, tmp_path, table):
    model = SparseAutoencoder(8, max_iter=3, random_state=0).fit(table)
    data = model.report(table).pictures.try_it
    visit(page, tmp_path, data)
    example = next(i for i, row in enumerate(data.examples) if None in row)
    page.get_by_role("button", name=data.example_names[example], exact=True).click()
    X = table.to_numpy()

    def agrees(row):
        found = result(page)
        assert_array_equal(np.isnan(found["row"]), np.isnan(row))
        frame = pd.DataFrame([row], columns=table.columns)
        assert_allclose(found["codes"], model.transform(frame)[0], atol=2e-3)
        recon = np.asarray(model.denoise(frame))[0]
        assert_allclose(found["reconstruction"], recon, atol=2e-3 * np.nanstd(X, 0).max(), rtol=2e-3)
        unit = model.module_.unit.numpy()
        squares = ((found["reconstruction"] - row) / unit) ** 2
        assert_allclose(found["errors"], [0, np.nanmean(squares)], rtol=1e-6, atol=1e-12)

    row = np.array([np.nan if v is None else v for v in data.examples[example]])
    agrees(row)
    known = int(np.flatnonzero(~np.isnan(row))[0])
    field = page.locator(".try-typed").nth(known)
    field.fill("")
    field.press("Enter")
    row[known] = np.nan
    agrees(row)
    assert field.input_value() == ""
    field.fill("0.25")
    field.press("Enter")
    row[known] = 0.25
    agrees(row)
    field.fill("x")
    field.press("Enter")  # not a number: nothing changes
    agrees(row)
    page.locator("#try-it-noise").evaluate(
        "e => { e.value = e.max; e.dispatchEvent(new Event('input', { bubbles: true })) }"
    )
    found = result(page)
    assert_array_equal(np.isnan(found["noisy"]), np.isnan(row))  # a missing value has no noise
    assert found["errors"][0] > 0


def test_pixels_of_the_drawing_can_be_removed(page, tmp_path, digits):
    model = fitted(digits[0], "none")
    data = model.report(digits[1]).pictures.try_it
    visit(page, tmp_path, data)
    page.get_by_role("button", name="clear", exact=True).click()
    assert not np.isnan(result(page)["row"]).any()
    page.get_by_role("button", name="remove", exact=True).click()
    canvas = page.locator(".try-drawing canvas")
    canvas.focus()
    page.keyboard.press("Space")
    row = result(page)["row"]
    assert 0 < np.isnan(row).sum() < 20
    assert_allclose(result(page)["codes"], model.transform(row[None])[0], atol=2e-3)
    drawn = canvas.evaluate("e => Array.from(e.getContext('2d').getImageData(0, 0, 8, 8).data)")
    assert_array_equal((np.abs(np.array(drawn).reshape(64, 4)[:, :3] - AMBER).max(1) < 2), np.isnan(row))
    page.get_by_role("button", name="remove", exact=True).click()
    canvas.focus()
    page.keyboard.press("Space")  # paints over it
    assert not np.isnan(result(page)["row"]).any()
