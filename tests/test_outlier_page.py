"""The page of outliers: what it counts, how it explains rows, its command lines, and the page in a browser."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe

from browser import watched
from commandline import run
from taciturn import AutoencoderOutlierDetector, datasets, load
from taciturn.core.errors import DataError
from taciturn.report import reasons_of

TRAINED = 300
QUICK = {"n_components": 32, "max_iter": 15, "random_state": 0}


def people(n=400):
    """A table whose columns tell each other, with ids; in rows 305, 310 and 315 one cell is odd."""
    rng = np.random.default_rng(0)
    age, housing = rng.integers(18, 90, n), rng.choice(["own", "rent", "free"], n, p=[0.6, 0.3, 0.1])
    table = pd.DataFrame(
        {
            "person": [f"P{i}" for i in range(n)],
            "age": age,
            "income": (age * 800 + rng.normal(0, 2000, n)).round(),
            "housing": housing,
            "owner": housing == "own",
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(age, unit="D"),
        }
    )
    table.loc[305, "age"], table.loc[310, "housing"] = 412, "castle"
    table.loc[315, "joined"] = pd.Timestamp("2031-05-09")
    return table


PEOPLE = people()
NEW = PEOPLE[TRAINED:]


@pytest.fixture(scope="module")
def detector():
    return AutoencoderOutlierDetector(variables={"person": "id"}, **QUICK).fit(PEOPLE[:TRAINED])


@pytest.fixture(scope="module")
def report(detector):
    return detector.report(NEW, name="people")


@pytest.fixture(scope="module")
def images():
    X = datasets.load("digits").read(0, 500)
    rows = X[400:].copy()
    rows[3, 8] = X.max()  # the left end of the second line, where digits are white
    detector = AutoencoderOutlierDetector(shape=(8, 8), **QUICK).fit(X[:400])
    return detector, rows, detector.report(rows, ids=[f"scan {i}" for i in range(100)])


@pytest.fixture(scope="module")
def pages(report, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    report.save(folder / "table.html")
    images[2].save(folder / "images.html")
    return folder


def text_of(html):
    body = re.sub(r"<(script|style).*?</\1>", "", html.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_numbers_are_those_of_the_detector(detector, report):
    scores, summary = detector.score_samples(NEW), report.summary
    assert summary.outliers == (detector.predict(NEW) == -1).sum()
    assert summary.rows == 100
    assert summary.columns == 5
    assert summary.offset == detector.offset_
    held_out = detector._calibration
    assert summary.held_out == len(held_out) == 60
    assert summary.held_out_below == np.mean(held_out < detector.offset_)
    assert summary.small_p_values == np.mean(detector.p_values(NEW) <= 0.05)
    assert [entry.row for entry in report.rows] == np.argsort(scores, kind="stable")[: len(report.rows)].tolist()
    assert [entry.score for entry in report.rows] == np.sort(scores)[: len(report.rows)].tolist()
    assert [entry.p_value for entry in report.rows] == pytest.approx(
        detector.p_values(NEW)[[entry.row for entry in report.rows]]
    )
    assert [entry.outlier for entry in report.rows] == [entry.score < detector.offset_ for entry in report.rows]
    assert report.verdict.sentence.startswith(f"{summary.outliers} of 100 rows are outliers; ")
    np.testing.assert_allclose(report.quantiles, np.quantile(scores, [0, 0.01, 0.05, 0.25, 0.5, 0.75, 1]))


def test_odd_cells_are_the_first_reasons_in_words_of_the_table(report):
    by_row = {entry.row: entry.reasons[0] for entry in report.rows if entry.reasons}
    assert (by_row[5].column, by_row[5].value) == ("age", 412)
    assert (by_row[10].column, by_row[10].value) == ("housing", "a new level")
    assert by_row[10].expected in ("own", "rent", "free")
    assert (by_row[15].column, by_row[15].value) == ("joined", "2031-05-09")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", by_row[15].expected)
    assert report.row_name(5) == "P305"


def test_the_score_rises_by_the_contribution(detector, report):
    odd = next(entry for entry in report.rows if entry.row == 5)
    repaired = NEW[5:6].assign(age=odd.reasons[0].expected)
    expected = odd.score + odd.reasons[0].contribution
    assert detector.score_samples(repaired)[0] == pytest.approx(expected, abs=0.1)  # ages are rounded


def test_reasons_are_cells_that_differ_and_contribute():
    arrays = (
        np.array(["a", "b", "c", "d", "e"]),
        np.array([1.0, "x", 3.0, 4.0, np.nan], dtype=object),
        np.array([2.0, "x", 5.0, 6.0, 7.0], dtype=object),
        np.array([2.0, 1.0, 0.3, 0.1, 0.0]),
    )
    assert [(reason.column, reason.value) for reason in reasons_of(*arrays)] == [("a", 1.0), ("c", 3.0)]
    assert reasons_of(*arrays[:3], np.array([0.0, -1, -2, -3, -4])) == []


def test_how_often_a_variable_is_a_reason(report):
    explained = [entry.reasons for entry in report.rows if entry.outlier]
    assert report.summary.explained == len(explained)
    for entry in report.variables:
        assert entry.first == sum(bool(reasons) and reasons[0].column == entry.column for reasons in explained)
        assert entry.among == sum(entry.column in [reason.column for reason in reasons] for reasons in explained)
    firsts = [entry.first for entry in report.variables]
    assert firsts == sorted(firsts, reverse=True)


def test_rows_of_fit_have_no_p_value(detector):
    assert detector.report(PEOPLE[:TRAINED]).summary.with_p_value == 0
    alone = AutoencoderOutlierDetector(calibration_fraction=0.0, **QUICK).fit(
        np.random.default_rng(0).normal(size=(50, 2))
    )
    report = alone.report([[0.0, 9.0]])
    assert report.rows[0].p_value is None
    assert report.rows[0].reasons[0].column == "column 1"
    assert [warning.what for warning in report.verdict.warnings] == [
        "Fit held out no rows for p-values: there are none."
    ]


def test_shifted_rows_are_warned_of(detector):
    moved = NEW.assign(income=NEW["income"] + 500_000)
    warnings = detector.report(moved).verdict.warnings
    assert warnings[0].what == "100% of the rows are outliers, so these rows differ from the rows of fit as a whole."


def test_wide_rows_are_explained_at_least_ten_times(monkeypatch, images):
    monkeypatch.setattr("taciturn.report.numbers.outliers.MAX_NUMBERS", 1)
    detector, rows, _ = images
    report = detector.report(rows * 3)
    assert report.summary.outliers > len(report.rows) == 10


def test_an_odd_pixel_is_named_and_marked(images):
    detector, rows, report = images
    entry = next(entry for entry in report.rows if entry.row == 3)
    assert entry.reasons[0].column == "pixel (line 1, column 0)"
    pictures, cells = report.pictures, detector.explain(rows[3:4])
    assert pictures.contributions[3].argmax() == 8
    np.testing.assert_array_equal(pictures.rows[3], rows[3])
    np.testing.assert_allclose(pictures.expected[3][cells.column[0].astype(int)], cells.expected[0])


def test_one_id_and_one_text_per_row(detector):
    with pytest.raises(DataError, match="ids has 1 entries, but there are 100 rows"):
        detector.report(NEW, ids=["a"])
    texts = [f"text {i}" for i in range(100)]
    assert detector.report(NEW, texts=texts).pictures.texts[5] == "text 5"


def test_the_json(report):
    written = json.loads(report.json())
    assert list(written) == [
        *("schema", "name", "created", "shape", "likely_shape", "row_names"),
        *("summary", "verdict", "quantiles", "rows", "variables", "provenance"),
    ]
    assert next(row for row in written["rows"] if row["row"] == 5)["reasons"][0]["value"] == 412
    assert written["row_names"]["5"] == "P305"


def test_the_page_says_it_in_words(report, pages):
    text = text_of(pages / "table.html")
    age = next(entry.reasons[0] for entry in report.rows if entry.row == 5)
    assert f"age is 412 ; {age.expected} was expected" in text
    assert "housing is a new level ;" in text
    assert "housing=" not in text
    assert "nan" not in text.split()
    assert f"{report.summary.held_out_below:.1%} of the 60 rows that fit held out" in text


@pytest.mark.parametrize("name", ["table", "images"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_the_page_is_accessible(browser, pages, name, width, scheme):
    with watched(browser, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        page.goto((pages / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert [violation["id"] for violation in Axe().run(page).response["violations"]] == []


def test_rows_are_found_by_id(browser, pages):
    with watched(browser) as page:
        page.goto((pages / "table.html").as_uri())
        page.fill("#search-text", "p305")
        assert page.locator("#search output").text_content() == "1 of {} rows on this page".format(
            page.locator("tr[data-row]").count()
        )
        assert page.locator("tr[data-row]:visible").count() == 1


# --- the command line --------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    PEOPLE[:TRAINED].to_csv(folder / "people.csv", index=False)
    NEW.to_csv(folder / "new.csv", index=False)
    options = ["--id", "person", "--outliers", "--epochs", "10", "-o", folder / "run"]
    done = run("fit", folder / "people.csv", *options)
    assert "of 300 rows are outliers" in " ".join(done.output.split())
    return folder


def test_fit_writes_the_page_of_all_rows(folder):
    report = json.loads((folder / "run" / "report.json").read_text())
    detector = load(folder / "run")
    assert report["summary"]["rows"] == 300
    assert report["summary"]["with_p_value"] == 30  # those that the run held out
    assert report["summary"]["outliers"] == (detector.predict(PEOPLE[:TRAINED].drop(columns="person")) == -1).sum()
    assert all(name == f"P{row}" for row, name in report["row_names"].items())
    run("report", folder / "run", "-o", folder / "again.html")
    again = json.loads((folder / "again.json").read_text())
    assert {key: again[key] for key in ("rows", "summary", "row_names")} == {
        key: report[key] for key in ("rows", "summary", "row_names")
    }


def test_score_writes_a_page_beside_the_scores(folder):
    done = run(
        *("score", folder / "run", folder / "new.csv", "-o", folder / "s.csv"),
        *("--report", folder / "s.html", "--id", "person"),
    )
    assert f"written to {folder / 's.csv'}, {folder / 's.html'} and s.json" in done.stderr
    scores, report = pd.read_csv(folder / "s.csv"), json.loads((folder / "s.json").read_text())
    assert report["rows"][0]["score"] == scores["score"].min()
    assert report["summary"]["outliers"] == scores["outlier"].sum()
    assert scores.loc[10, "reason_1"].startswith("housing: a new level, expected ")
    assert scores.loc[5, "reason_1"].startswith("age: 412, expected ")
    assert report["row_names"]["5"] == "P305"
    run("report", folder / "run", "--data", folder / "new.csv", "--id", "person", "-o", folder / "r.html")
    assert json.loads((folder / "r.json").read_text())["rows"] == report["rows"]


def test_what_a_page_of_outliers_does_not_take(folder):
    done = run("report", folder / "run", "--target", "age", code=2)
    assert "--target is not for a page of outliers; leave it out" in done.stderr
    done = run("score", folder / "run", "-o", folder / "s.csv", "--report", folder / "s.pdf", code=2)
    assert "a page is written as .html; choose this ending (--report)" in done.stderr
