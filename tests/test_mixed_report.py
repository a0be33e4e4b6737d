"""Reports of tables with booleans, categories and dates: variables instead of encoded columns."""

import json
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, log_loss

from browser import watched
from commandline import run
from taciturn import DenoisingAutoencoder, SparseAutoencoder
from taciturn.core.errors import DataError
from taciturn.data.sources import Rows
from taciturn.data.variables import Variables
from taciturn.inference import evaluate, relative_components
from taciturn.report import compare
from taciturn.report.numbers.variables import Cell, cells
from test_mixed_tables import people

TRAINED, NAMES = 320, ["height", "age", "member", "colour", "town", "day"]


def missing_people(n=400):
    rows = people(n).astype({"age": "Int64", "member": "boolean"})
    rows = rows.mask(np.random.default_rng(3).random(rows.shape) < 0.08)
    return rows.assign(passport=[f"P{i}" for i in range(n)])


PEOPLE = missing_people()
TEST = PEOPLE[TRAINED:]


def fitted(**parameters):
    options = {
        "n_components": 6,
        "corruption": "swap:0.2",
        "variables": {"passport": "id"},
        "max_iter": 30,
        "random_state": 0,
    }
    return DenoisingAutoencoder(**options | parameters).fit(PEOPLE[:TRAINED])


@pytest.fixture(scope="module")
def model():
    return fitted()


@pytest.fixture(scope="module")
def report(model):
    return model.report(TEST)


@pytest.fixture(scope="module")
def html(report, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "page.html"
    report.save(file)
    return file


def text_of(html):
    """Return the text of a page's body, without scripts and styles."""
    body = re.sub(r"<(script|style).*?</\1>", "", html.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def probabilities(model, rows=TEST):
    """Return the encoded rows and the network's outputs in their units, in float64."""
    X = model.variables_.source(rows).read(0, len(rows))
    with torch.no_grad():
        return X, model.module_.double()(torch.from_numpy(X)).numpy()


def test_the_texts_count_rows_variables_and_cells(model, report):
    lines = dict(report.summary.lines())
    n_missing = int(TEST[NAMES].isna().to_numpy().sum())
    assert lines["evaluated on"] == "80 given rows of 6 variables"
    assert lines["missing values"].startswith(f"{n_missing} of 480 values are missing ({n_missing / 4.8:.1f}%)")
    share = f"{model.score(TEST):.1%} less error than the best constants"
    assert lines["reconstruction"] == f"6 variables with {share}"
    assert report.verdict.sentence.startswith(f"Reconstructs 6 variables with {share}, {report.summary.l0:.1f} of 6 ")
    assert report.verdict.points[0] == (
        f"{model.score(TEST):.1%}",
        "less error than the best constants, mean of 6 variables",
    )
    assert (f"{n_missing / 480:.1%}", "of the values missing") in report.verdict.points
    assert report.provenance.training_missing == PEOPLE[NAMES][:TRAINED].isna().to_numpy().sum()
    assert dict(model.to_artifact().lines())["network"].startswith("10 → 6 → 10, relu codes, by_variable output")


def test_a_model_worse_than_constants_says_so():
    other = TEST.assign(height=100.0, age=pd.array([-500] * 80, "Int64"))
    verdict = fitted(max_iter=1).report(other).verdict
    assert "with no less error than the best constants (it is" in verdict.sentence
    assert any("The best constants (the means" in warning.what for warning in verdict.warnings)


def test_each_variables_errors(model, report):
    X, outputs = probabilities(model)
    denoised = model.denoise(TEST)
    for variable, place in zip(report.variables, model.variables_.positions, strict=True):
        known = ~np.isnan(X[:, place.start])
        x, y = X[known, place], outputs[known, place]
        if variable.kind in ("boolean", "category"):
            true, guess = (x[:, 0], y[:, 0]) if variable.kind == "boolean" else (x.argmax(1), y)
            constant = np.repeat(x.mean(0)[None], len(x), 0)
            best = log_loss(true, constant[:, 0] if variable.kind == "boolean" else constant)
            assert variable.error == pytest.approx(log_loss(true, guess) / best, rel=1e-4)
            own, table = (frame[variable.name][known].astype(str) for frame in (denoised, TEST))
            assert variable.right == pytest.approx(accuracy_score(table, own))
            assert variable.most_frequent == pytest.approx(table.value_counts(normalize=True).max())
            assert (variable.rmse, variable.deviation, variable.unit) == (None, None, "")
        else:
            assert variable.error == pytest.approx(((x - y) ** 2).mean() / x.var(), rel=1e-4)
            assert variable.rmse == pytest.approx(np.sqrt(((x - y) ** 2).mean()), rel=1e-4)
            assert variable.deviation == pytest.approx(x.std())
            assert variable.right is variable.most_frequent is None
    assert np.mean([variable.error for variable in report.variables]) == pytest.approx(1 - model.score(TEST), rel=1e-5)
    assert report.variables[5].deviation == pytest.approx(TEST["day"].std(ddof=0) / pd.Timedelta("1D"))


def test_the_json_has_the_variables(report):
    written = json.loads(report.json())
    assert [variable["name"] for variable in written["variables"]] == NAMES
    kinds = [(variable["kind"], variable["levels"], variable["unit"]) for variable in written["variables"]]
    assert kinds == [
        ("number", [], ""),
        ("integer", [], ""),
        ("boolean", [], ""),
        ("category", ["blue", "green", "grey", "red"], ""),
        ("category", ["Oslo", "Rome"], ""),
        ("date", [], "days"),
    ]
    assert written["summary"]["variables"] == 6
    assert written["summary"]["unseen"] == 0


def test_sample_rows_are_shown_as_the_table_has_them(model, report):
    shown, denoised = report.pictures.sample_cells, model.denoise(TEST)
    X, outputs = probabilities(model)
    corrupted = [entry.row for entry in report.samples.first]
    for row, clean in shown["clean"].items():
        for name, cell in zip(NAMES, clean, strict=True):
            value = TEST[name].iloc[row]
            expected = None if pd.isna(value) else str(value.date()) if name == "day" else value
            is_text = expected is not None and name not in ("height", "age")
            assert cell == Cell(str(expected) if is_text else expected)
        if row in corrupted:
            continue
        for name, cell, place in zip(NAMES, shown["reconstruction"][row], model.variables_.positions, strict=True):
            value, guess = denoised[name].iloc[row], outputs[row, place]
            if name == "height":
                assert cell.value == pytest.approx(value, rel=1e-5, abs=1e-5)
            else:
                assert str(cell.value) == str(value.date() if name == "day" else value)
            share = {"member": max(guess[0], 1 - guess[0]), "colour": guess.max(), "town": guess.max()}.get(name)
            assert cell.share is None if share is None else cell.share == pytest.approx(share, abs=1e-5)
    assert X.shape == (80, 10)


def test_cells_of_other_tables():
    table = pd.DataFrame(
        {
            "at": pd.to_datetime(["2020-01-01 10:30", "2020-01-02 11:00"]),
            "wait": pd.to_timedelta(["1D", "3h"]),
            "flag": pd.array([1, 0], "int8"),
            "code": ["007", "008"],
            "one": ["x", None],
            "big": [2**60, 2**60 + 1],
            "price": ["1.50", "2.25"],
            "fee": [Decimal("0.5"), Decimal("1.5")],
        }
    )
    variables = Variables.decide(table, {"flag": "boolean"})
    rows = variables.source(table).read(0, 2)
    assert [cell.value for cell in cells(variables, rows)[0]] == [
        "2020-01-01 10:30:00",
        "1 day, 0:00:00",
        "1",
        "007",
        "x",
        2**60,
        "1.50",
        0.5,
    ]
    assert cells(variables, rows)[1][4] == Cell(None)
    other = variables.source(table.assign(code="009")).read(0, 1)
    assert cells(variables, other)[0][3] == Cell(None, new=True)
    noisy = rows.copy()
    noisy[0, 3:5] = 0.25, 0.75  # probabilities, as the means of a masked category are
    assert cells(variables, noisy)[0][3] == Cell("008", 0.75)
    noisy[0, 3:5] = -0.3, 1.4  # gaussian noise
    assert cells(variables, noisy)[0][3] == Cell("008")


def test_levels_that_training_rows_did_not_have_are_counted_apart(model):
    rows = TEST.assign(town="Lima")
    report = model.report(rows)
    n_missing = int(rows[NAMES].isna().to_numpy().sum())
    assert (report.summary.unseen, report.summary.missing) == (80, n_missing)
    assert dict(report.summary.lines())["new levels"].startswith("80 cells have levels that the training rows did not")
    assert report.variables[4].error is None
    assert report.pictures.sample_cells["clean"][0][4] == Cell(None, new=True)
    assert json.loads(report.json())["variables"][4]["right"] is None


def test_what_a_latent_adds_is_named_in_words_by_variable(model, report):
    names = list(model.variables_.described_columns)
    assert names == [
        "height",
        "age",
        "member: True",
        *(f"colour: {level}" for level in ("blue", "green", "grey", "red")),
        "town: Oslo",
        "town: Rome",
        "day",
    ]
    weights = model.components_.astype(np.float64)
    for place in (slice(3, 7), slice(7, 9)):
        weights[:, place] -= weights[:, place].mean(1, keepdims=True)
    for entry in report.atlas:
        expected = dict(zip(names, weights[entry.latent], strict=True))
        assert sorted(abs(weight) for _, weight in entry.columns) == pytest.approx(
            sorted(map(abs, expected.values()))[-8:], rel=1e-4
        )
        assert all(weight == pytest.approx(expected[name], rel=1e-4, abs=1e-6) for name, weight in entry.columns)
        variables = [name.partition(":")[0] for name, _ in entry.columns]
        assert len(list(dict.fromkeys(variables))) == sum(
            a != b for a, b in zip(variables, [None, *variables], strict=False)
        )
        assert abs(entry.columns[0][1]) == max(abs(weight) for _, weight in entry.columns)


def test_the_mean_over_a_categorys_levels_changes_no_probability(model):
    added = relative_components(model.module_)[:, 3:7].astype(np.float64)
    np.testing.assert_allclose(added.mean(1), 0, atol=1e-6)
    whole = model.components_[:, 3:7].astype(np.float64)
    np.testing.assert_allclose(log_softmax(added, axis=1), log_softmax(whole, axis=1), atol=1e-5)


def test_the_page_has_no_encoded_columns(report, html):
    text = text_of(html)
    assert "colour=" not in text
    assert "units of the data" not in text
    assert "of the variance" not in text
    assert "Not in this page: the page computes with numbers, and the table has booleans, categories or dates." in text
    assert "Simpler models do not take booleans and categories" in text
    assert "category of 4 levels" in text
    assert "nan" not in text.split()
    colour = report.variables[3]
    assert f"colour category of 4 levels {colour.error:.1%} — — {colour.right:.1%} {colour.most_frequent:.1%}" in text
    assert re.search(r"day date [\d.]+% [\d.]+ days [\d.]+ days — —", text)
    assert re.search(r"reconstruction −?[\d.]+ \d+ (True|False) \d+% \w+ \d+% (Oslo|Rome) \d+% \d{4}-\d\d-\d\d", text)


def test_rows_are_named_by_the_id_column(report):
    assert report.row_name(report.samples.first[0].row) == "P320"


def test_times_have_errors_in_a_unit_of_their_size():
    minutes = np.random.default_rng(0).integers(0, 99_999, 200)
    table = pd.DataFrame({"at": pd.Timestamp("2024-01-01 10:00") + pd.to_timedelta(minutes, unit="min")})
    variable = DenoisingAutoencoder(2, max_iter=1, random_state=0).fit(table).report(table).variables[0]
    assert variable.unit == "days"
    assert variable.deviation == pytest.approx(minutes.std() / 1440)
    assert 0 < variable.rmse < 3 * variable.deviation


def test_a_table_of_numbers_and_dates():
    dates = pd.DataFrame({"day": PEOPLE["day"], "height": PEOPLE["height"]}).dropna()
    report = DenoisingAutoencoder(3, max_iter=5, random_state=0).fit(dates).report(dates)
    assert report.summary.variables is None
    assert "of the variance" in report.verdict.sentence
    assert [variable.kind for variable in report.variables] == ["date", "number"]
    assert report.pictures.sample_cells["clean"][0][0].value == str(dates["day"].iloc[0].date())
    assert "dates" in report.pictures.exclusion_reason
    denoised = DenoisingAutoencoder(3, max_iter=5, random_state=0).fit(dates).denoise(dates)
    squares = (denoised["height"] - dates["height"]) ** 2
    assert report.variables[1].rmse == pytest.approx(np.sqrt(squares.mean()), rel=1e-4)
    assert report.variables[1].error == pytest.approx(squares.mean() / dates["height"].var(ddof=0), rel=1e-4)


def test_numeric_rows_have_no_variables():
    X = np.random.default_rng(0).normal(size=(60, 3))
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    report = SparseAutoencoder(4, max_iter=3, random_state=0).fit(frame).report(frame)
    assert report.variables is report.summary.variables is None
    assert report.pictures.sample_cells == {}
    assert report.summary.described_rows == "60 training rows of 3 columns"
    assert report.pictures.try_it is not None


def test_runs_of_one_table_are_compared(model, tmp_path):
    other = fitted(n_components=3, max_iter=3)
    runs = {"six": model.to_artifact(), "three": other.to_artifact()}
    comparison = compare(runs, model.variables_.source(TEST))
    best = 1 - comparison.summaries[0].fvu
    assert best == pytest.approx(model.score(TEST), abs=1e-5)
    assert comparison.sentence.startswith(
        f"six reconstructs best: 6 variables with {best:.1%} less error than the best "
    )
    comparison.save(tmp_path / "page.html")
    text = text_of(tmp_path / "page.html")
    assert "less error than the best constants" in text
    assert "variance" not in text


def test_runs_of_other_variables_are_refused(model):
    colourless = DenoisingAutoencoder(3, variables={"passport": "id"}, max_iter=1).fit(PEOPLE.drop(columns="colour"))
    numbers = DenoisingAutoencoder(3, max_iter=1).fit(np.eye(10))
    levels = DenoisingAutoencoder(3, variables={"passport": "id"}, max_iter=1).fit(PEOPLE[PEOPLE["colour"] != "red"])
    for other, name in ((colourless, "colour"), (numbers, "height"), (levels, "colour")):
        with pytest.raises(DataError, match=f"^a and b differ in the variable '{name}': .*; compare runs of the same"):
            compare({"a": model.to_artifact(), "b": other.to_artifact()})
    runs = {"a": model.to_artifact(), "b": model.to_artifact()}
    with pytest.raises(DataError, match=r"^a and the rows \(--data\) differ"):
        compare(runs, Rows(np.eye(10)))


def test_evaluation_counts_cells_of_new_levels(model):
    source = model.variables_.source(TEST.assign(town=["Lima", "Oslo"] * 40))
    evaluation = evaluate(model.module_, source)
    assert sum(evaluation.unseen) == 40


def test_figures_of_tables(model):
    figure = model.plot.errors(TEST)
    assert {label.get_text() for label in figure.axes[0].get_yticklabels()} == set(NAMES)
    assert figure.axes[0].get_xlabel() == "error / error of the best constant"
    assert model.plot.errors(TEST, per="row").axes[0].get_xlabel() == "error of a row, mean of its variables"
    texts = {text.get_text() for text in model.plot.atlas().axes[0].texts}
    assert "colour: red" in texts
    assert not any("=" in text for text in texts)


def test_the_command_line_describes_variables(tmp_path):
    PEOPLE.to_csv(tmp_path / "people.csv", index=False)
    options = ["--id", "passport", "--latents", "3", "--epochs", "2", "--corrupt", "swap:0.2"]
    done = run("fit", tmp_path / "people.csv", *options, "-o", tmp_path / "a")
    assert "of 6 variables" in done.output
    for command in ("info", "evaluate"):
        text = " ".join(run(command, tmp_path / "a").output.split())
        assert "40 held-out rows of 6 variables" in text
        assert "the best constants" in text
    assert "colour: category of 4 levels" in run("info", tmp_path / "a").output


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(browser, html, width, scheme):
    with watched(browser, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        page.goto(html.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        violations = Axe().run(page).response["violations"]
        assert [violation["id"] for violation in violations] == []
