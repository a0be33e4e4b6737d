"""The page of imputations: what it counts, its trial on hidden cells, its command line, and the page in a browser."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe

from browser import watched
from commandline import run
from taciturn import DenoisingImputer, load
from taciturn.core.errors import DataError
from taciturn.report import Filler
from taciturn.report.numbers import imputation_trial
from taciturn.report.numbers.imputation_trial import hide, measure_trial
from taciturn.report.numbers.imputed_cells import fill_cells
from taciturn.report.numbers.imputed_columns import imputed_columns

QUICK = {"n_components": 16, "n_networks": 2, "max_iter": 2, "random_state": 0}


def people(n=300):
    """A table of all kinds of variables with ids; 20% of the cells of four of them are missing."""
    rng = np.random.default_rng(0)
    age, housing = rng.integers(18, 90, n), rng.choice(["own", "rent", "free"], n, p=[0.6, 0.3, 0.1])
    table = pd.DataFrame(
        {
            "person": [f"P{i}" for i in range(n)],
            "age": age,
            "income": (age * 800 + rng.normal(0, 2000, n)).round(1),
            "housing": housing,
            "owner": housing == "own",
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(age, unit="D"),
        }
    )
    missing = rng.random(table.shape) < 0.2
    missing[:, :2] = False
    return table.mask(missing)


PEOPLE = people()


@pytest.fixture(scope="module")
def imputer():
    return DenoisingImputer(variables={"person": "id"}, **QUICK).fit(PEOPLE)


@pytest.fixture(scope="module")
def report(imputer):
    return imputer.report(PEOPLE, name="people")


# --- what was missing, and what it was filled with ---------------------------------------------------------------
def test_missing_cells_are_counted(report):
    missing = PEOPLE.drop(columns="person").isna()
    assert report.summary.missing == missing.to_numpy().sum()
    assert report.summary.missing_rows == missing.any(axis=1).sum()
    assert report.summary.missing_columns == 4
    assert {each.name: each.missing for each in report.variables} == missing.sum().to_dict()
    assert {each.name: each.share for each in report.variables} == pytest.approx(missing.mean().to_dict())
    counts = [each.missing for each in report.variables]
    assert counts == sorted(counts, reverse=True)


def test_patterns_by_hand():
    X = np.arange(18.0).reshape(6, 3)
    X[0, 0] = X[1, 0] = X[2, [0, 1]] = X[3, :] = np.nan
    page = DenoisingImputer(**QUICK).fit(X).report(X)
    summary, patterns = page.summary, page.patterns
    assert (summary.patterns, summary.empty_rows) == (3, 1)
    assert (patterns[0].rows, patterns[0].columns) == (2, ["column 0"])
    assert sorted(pattern.columns for pattern in patterns[1:]) == [
        ["column 0", "column 1"],
        ["column 0", "column 1", "column 2"],
    ]


def test_values_are_those_of_transform_and_intervals_of_impute(imputer, report):
    completed = imputer.transform(PEOPLE)
    tables = [table["income"].to_numpy() for table in imputer.impute(PEOPLE, 400, random_state=1)]
    low, high = np.quantile(tables, [0.05, 0.95], axis=0)
    shifts = []
    for entry in report.rows:
        for cell in entry.cells:
            value = completed[cell.column].iloc[entry.row]
            if cell.column == "income":
                assert cell.value == pytest.approx(value)
                shifts += [
                    *np.array([cell.low - low[entry.row], cell.high - high[entry.row]]) / (high - low)[entry.row]
                ]
            elif cell.column == "joined":
                assert cell.value == str(value.date())
                assert cell.low <= cell.value <= cell.high
            else:
                assert cell.value == str(value) == cell.levels[0][0]
                assert sum(share for _, share in cell.levels) == pytest.approx(1, abs=0.02)
    assert len(shifts) > 10
    assert np.median(np.abs(shifts)) < 0.2


def test_known_and_filled_values_are_described_in_their_units(imputer, report):
    missing, completed = PEOPLE.isna(), imputer.transform(PEOPLE)
    by_name = {each.name: each for each in report.variables}
    income, joined, housing = by_name["income"], by_name["joined"], by_name["housing"]
    assert income.known_mean == pytest.approx(PEOPLE["income"].mean())
    assert income.known_deviation == pytest.approx(PEOPLE["income"].std(ddof=0))
    assert income.filled_mean == pytest.approx(completed["income"][missing["income"]].mean())
    assert joined.unit == "days"
    assert joined.known_deviation == pytest.approx(PEOPLE["joined"].std(ddof=0) / pd.Timedelta(days=1), rel=1e-3)
    known, filled = PEOPLE["housing"].value_counts(normalize=True), completed["housing"][missing["housing"]]
    assert [(each.level, each.known) for each in housing.levels] == [
        (level, pytest.approx(share)) for level, share in known.items()
    ]
    assert [each.filled for each in housing.levels] == [
        pytest.approx((filled == each.level).mean()) for each in housing.levels
    ]
    assert by_name["age"].width is None


def test_the_most_uncertain_rows_come_first(report):
    uncertain = [entry.uncertainty for entry in report.rows]
    assert uncertain == sorted(uncertain, reverse=True)
    assert report.row_name(report.rows[0].row) == f"P{report.rows[0].row}"
    missing = PEOPLE.drop(columns="person").isna().sum(axis=1)
    assert [entry.missing for entry in report.rows] == missing[[entry.row for entry in report.rows]].tolist()


# --- the trial ---------------------------------------------------------------------------------------------------
def test_a_tenth_of_the_known_cells_is_hidden():
    known = np.random.default_rng(0).random((205, 3)) < [1.0, 0.5, 0.04]
    hidden = hide(known, np.random.default_rng(1))
    assert not (hidden & ~known).any()
    assert hidden.sum(0).tolist() == [len_ // 10 for len_ in known.sum(0)]
    assert hidden.sum(0)[0] == 20
    assert hidden.sum(0)[2] == 0  # of fewer than ten known cells none


def uniform_filler(seen):
    """A filler that fills in 0, and draws uniformly from -1 to 1; it notes the rows that it is given."""

    def means(rows):
        seen.append(rows.copy())
        return np.where(np.isnan(rows), 0.0, rows)

    def drawn(rows, n_draws, rng):
        return [np.where(np.isnan(rows), rng.uniform(-1, 1, rows.shape), rows) for _ in range(n_draws)]

    return Filler(means, drawn)


def test_errors_and_coverage_are_those_of_numpy():
    """Draws that are uniform on ±1 cover about 45% of values that are uniform on ±2."""
    rows = np.random.default_rng(0).uniform(-2, 2, (3000, 1))
    seen = []
    columns = imputed_columns(None, None, np.array([False]))
    trial = measure_trial(columns, rows, np.zeros(3000, bool), uniform_filler(seen), pytest.fail, seed=5)
    assert not trial.refitted
    assert trial.cells == trial.number_cells == 300
    hidden = np.isin(np.arange(3000), np.flatnonzero(hide(np.ones((3000, 1), bool), np.random.default_rng(5))[:, 0]))
    (variable,) = trial.variables
    assert variable.rmse == pytest.approx(np.sqrt(np.square(rows[hidden]).mean()))
    assert variable.constant_rmse == pytest.approx(np.sqrt(np.square(rows[hidden] - rows[~hidden].mean()).mean()))
    assert np.isnan(seen[0]).all()
    rng = np.random.default_rng(5)
    hide(np.ones((3000, 1), bool), rng)
    draws = np.sort(np.stack([rng.uniform(-1, 1, (300, 1)) for _ in range(39)]), axis=0)
    inside = (draws[1] <= rows[hidden]) & (rows[hidden] <= draws[37])
    assert variable.covered == inside.sum()
    assert abs(trial.covered / 300 - 0.45) < 0.08
    assert variable.width == pytest.approx(np.median(draws[37] - draws[1]))


def test_levels_right_and_probabilities_by_hand():
    rows = np.array([[1.0], [0.0]] * 40)
    columns = imputed_columns(imputer_of_booleans().variables_, None, np.array([False]))
    filler = Filler(lambda block: np.where(np.isnan(block), 0.7, block), lambda block, n, rng: [block * 0 + 1.0] * n)
    trial = measure_trial(columns, rows, np.zeros(80, bool), filler, pytest.fail, seed=0)
    hidden = hide(np.ones((80, 1), bool), np.random.default_rng(0))[:, 0]
    assert trial.level_cells == 8
    assert trial.right == rows[hidden].sum()  # each is filled with True
    assert trial.variables[0].probability == pytest.approx(0.7)


def imputer_of_booleans():
    return DenoisingImputer(**QUICK).fit(pd.DataFrame({"yes": [True, False, None] * 5}))


def test_the_judged_copy_does_not_see_hidden_cells(imputer, monkeypatch):
    """Cells of rows of `fit` are hidden from a copy: where it is fitted, they are missing."""
    fitted, judged = [], []
    refit = imputer._refitted

    def noted(rows):
        fitted.append(rows.copy())
        return refit(rows)

    def filled(columns, rows, filler, rng):
        judged.append((rows, filler))
        return fill_cells(columns, rows, filler, rng)

    monkeypatch.setattr(imputer, "_refitted", noted)
    monkeypatch.setattr(imputation_trial, "fill_cells", filled)
    trial = imputer.report(PEOPLE).trial
    encoded = imputer.variables_.source(PEOPLE.drop(columns="person")).read(0, 300)
    assert trial.refitted
    assert trial.rows == 300
    ((rows,), ((holed, filler),)) = fitted, judged
    places = [place.start for place in imputer.variables_.positions]
    assert (np.isnan(rows) & ~np.isnan(encoded))[:, places].sum() == trial.cells
    cells = [cell.tobytes() for cell in rows]
    assert all(row.tobytes() in cells for row in holed)  # what is judged is what the copy was fitted to
    differs = filler.means(holed) != imputer._filler().means(holed)
    assert differs[np.isnan(holed)].mean() > 0.9


def test_an_overfitted_imputer_is_found_out():
    """Two independent columns do not tell each other, however long a large network is trained."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    trial = DenoisingImputer(128, max_iter=100, n_networks=2, random_state=0).fit(X).report(X).trial
    assert trial.refitted
    assert trial.error > 0.85


def test_new_rows_are_judged_as_they_are(imputer):
    new = people(360)[300:].reset_index(drop=True)
    assert not imputer.report(new).trial.refitted
    mixed = pd.concat([PEOPLE[:20], new])
    trial = imputer.report(mixed.reset_index(drop=True)).trial
    given = set(map(str, PEOPLE.drop(columns="person").to_numpy().tolist()))
    others = [row for row in new.drop(columns="person").to_numpy().tolist() if str(row) not in given]
    assert (trial.refitted, trial.rows) == (False, len(others))  # the rows of `fit` are left out, and equal ones
    assert imputer.report(PEOPLE[:50]).trial.refitted  # some of the rows of `fit`


def test_a_saved_imputer_knows_its_rows(imputer, report, tmp_path):
    imputer.save(tmp_path / "imputer")
    again = load(tmp_path / "imputer").report(PEOPLE, name="people")
    assert {**again.to_dict(), "created": ""} == {**report.to_dict(), "created": ""}


def test_large_tables_are_sampled(imputer, monkeypatch):
    monkeypatch.setattr("taciturn.report.numbers.imputation_trial.MAX_ROWS", 60)
    monkeypatch.setattr("taciturn.report.numbers.imputations.MAX_DRAWN", 40)
    page = imputer.report(PEOPLE)
    assert page.trial.rows == 60
    assert page.summary.drawn_rows == 40
    assert page.summary.missing == PEOPLE.isna().to_numpy().sum()


# --- odd tables --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("rows", "columns"), [(2, 1), (2, 3), (40, 1), (30, 200)])
def test_tables_of_all_sizes(rows, columns, tmp_path):
    X = np.random.default_rng(0).normal(size=(rows, columns))
    X[0, 0] = np.nan
    X[1::3, columns // 2 + 1 :] = np.nan
    page = DenoisingImputer(8, n_networks=2, max_iter=1, random_state=0).fit(X).report(X)
    assert page.summary.missing == np.isnan(X).sum()
    page.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().count("<figcaption>") == min(np.isnan(X).any(0).sum(), 30)
    assert (page.trial is None) == (rows < 10)
    assert rows >= 10 or "No variable has 10 known cells" in text_of(tmp_path / "page.html")


def test_nothing_is_missing(imputer, tmp_path):
    complete = imputer.transform(PEOPLE)
    page = imputer.report(complete)
    assert page.verdict.sentence == "None of the 1,500 cells is missing, so nothing was imputed."
    page.save(tmp_path / "page.html")
    text = text_of(tmp_path / "page.html")
    assert "What was missing" not in text
    assert "How far to trust it" in text


def test_a_variable_without_a_known_cell(imputer, tmp_path):
    rows = people(400)[300:].reset_index(drop=True).assign(income=np.nan)
    page = imputer.report(rows)
    assert page.variables[0].name == "income"
    assert page.variables[0].known_mean is None
    assert page.verdict.warnings[0].what == "income is missing in more than half of the rows."
    assert "income" not in [each.name for each in page.trial.variables]
    page.save(tmp_path / "page.html")


def test_a_variable_without_a_known_cell_among_rows_of_fit():
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[:30, 0] = np.nan
    page = DenoisingImputer(**QUICK).fit(X).report(X[:30])
    assert page.trial is None
    assert page.no_trial.startswith("column 0 has no known cell in the 30 rows, so no copy")


def test_one_id_and_one_text_per_row(imputer):
    with pytest.raises(DataError, match="ids has 1 entries, but there are 300 rows"):
        imputer.report(PEOPLE, ids=["a"])
    page = imputer.report(PEOPLE, texts=[f"text {i}" for i in range(300)])
    row = page.rows[0].row
    assert page.pictures.texts[row] == f"text {row}"


def test_whole_numbers_stay_whole():
    table = pd.DataFrame({"rooms": pd.array([1, 2, None, 4, 5, 6, 7, 8, 9, 10] * 3, "Int64"), "area": np.arange(30.0)})
    page = DenoisingImputer(**QUICK).fit(table).report(table)
    cells = [cell for row in page.rows for cell in row.cells]
    assert cells
    assert all(isinstance(value, int) for cell in cells for value in (cell.value, cell.low, cell.high))


# --- the page ----------------------------------------------------------------------------------------------------
def text_of(html):
    body = re.sub(r"<(script|style).*?</\1>", "", html.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_json(report):
    written = json.loads(report.json())
    assert list(written) == [
        *("schema", "name", "created", "row_names"),
        *("summary", "verdict", "variables", "patterns", "rows", "trial", "provenance"),
    ]
    assert written["provenance"]["training_rows"] == 300
    assert written["row_names"][str(report.rows[0].row)] == f"P{report.rows[0].row}"


@pytest.fixture(scope="module")
def pages(report, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    report.save(folder / "table.html")
    X = np.random.default_rng(0).normal(size=(60, 1)) + np.random.default_rng(1).normal(size=(60, 90))
    X[np.random.default_rng(2).random(X.shape) < 0.1] = np.nan
    DenoisingImputer(8, n_networks=2, max_iter=1, random_state=0).fit(X).report(X).save(folder / "wide.html")
    return folder


def test_the_page_says_it_in_words(report, pages):
    text = text_of(pages / "table.html")
    assert report.verdict.sentence in text
    assert "housing=" not in text
    assert "nan" not in text.split()
    assert f"{report.trial.covered} of {report.trial.number_cells}" in text
    assert "a copy of it was fitted to them without the hidden cells" in text


@pytest.mark.parametrize("name", ["table", "wide"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_the_page_is_accessible(browser, pages, name, width, scheme):
    with watched(browser, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        page.goto((pages / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert [violation["id"] for violation in Axe().run(page).response["violations"]] == []


def test_rows_are_found_by_id(browser, pages, report):
    with watched(browser) as page:
        page.goto((pages / "table.html").as_uri())
        page.fill("#search-text", report.row_name(report.rows[3].row))
        assert page.locator("tr[data-row]:visible").count() >= 1


# --- the command line --------------------------------------------------------------------------------------------
def test_impute_writes_a_page_beside_the_table(tmp_path):
    PEOPLE.to_csv(tmp_path / "people.csv", index=False)
    done = run(
        *("impute", tmp_path / "people.csv", "-o", tmp_path / "complete.csv", "--drop", "person", "--id", "person"),
        *("--report", tmp_path / "imputed.html"),
    )
    assert "cells were missing and were filled" in " ".join(done.output.split())
    report, complete = json.loads((tmp_path / "imputed.json").read_text()), pd.read_csv(tmp_path / "complete.csv")
    assert report["summary"]["missing"] == PEOPLE.isna().to_numpy().sum()
    assert report["trial"]["refitted"]
    assert report["row_names"] == {str(entry["row"]): f"P{entry['row']}" for entry in report["rows"]}
    cell = next(cell for cell in report["rows"][0]["cells"] if cell["column"] in ("housing", "income"))
    assert str(cell["value"])[:8] == str(complete[cell["column"]][report["rows"][0]["row"]])[:8]


def test_what_the_page_of_the_command_refuses(tmp_path):
    PEOPLE.to_csv(tmp_path / "people.csv", index=False)
    arguments = ("impute", tmp_path / "people.csv", "-o", tmp_path / "c.csv", "--drop", "person")
    done = run(*arguments, "--report", tmp_path / "page.pdf", code=2)
    assert "a page is written as .html; choose this ending (--report)" in done.stderr
    assert not (tmp_path / "c.csv").exists()
