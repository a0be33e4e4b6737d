"""taciturn report and taciturn compare."""

import json

import numpy as np
import pandas as pd
import pytest

from commandline import output_text, run
from taciturn import datasets, load
from taciturn.data.split import split


def written(folder, name="report"):
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    fit = ["fit", "digits", "--latents", 24, "--epochs", 4, "-q"]
    run(*fit, "--k", 4, "-o", folder / "four")
    run(*fit, "--k", 8, "-o", folder / "eight")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 4)), columns=list("abcd"))
    frame["kind"] = np.where(frame["a"] > 0, "up", "down")
    frame["dose"] = 3 * frame["b"] + 0.1 * rng.normal(size=400)
    frame.to_csv(folder / "table.csv", index=False)
    run(
        "fit", folder / "table.csv", "--drop", "kind,dose", "--latents", 8, "--epochs", 20, "-q", "-o", folder / "table"
    )
    return folder


def test_fit_reports_on_the_held_out_rows_and_on_the_labels_of_the_data_set(runs):
    report = written(runs / "four")
    assert (report["summary"]["rows"], report["summary"]["rows_kind"], report["name"]) == (180, "held-out", "four")
    assert report["summary"] == json.loads((runs / "four" / "metrics.json").read_text())
    assert report["relation"]["classes"] == [str(digit) for digit in range(10)]
    assert report["provenance"]["repeat"] == f"taciturn fit {runs / 'four' / 'recipe.toml'} -o again"


def test_no_report(tmp_path):
    run("fit", "iris", "--latents", 4, "--epochs", 1, "--no-report", "-q", "-o", tmp_path / "run")
    assert not list((tmp_path / "run").glob("report*"))
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["rows"] == 15


def test_a_report_on_a_run_is_the_one_that_fit_wrote(runs, tmp_path):
    run("report", runs / "four", "-o", tmp_path / "page.html")
    report, before = written(tmp_path, "page"), written(runs / "four")
    assert report | {"created": ""} == before | {"created": ""}
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_other_rows_and_a_file_of_labels(runs, tmp_path):
    rows = datasets.load("digits").read(100, 300)
    labels = np.where(rows[:, 20] > 0.5, "dark", "light")
    np.save(tmp_path / "rows.npy", rows)
    pd.DataFrame({"shade": labels}).to_csv(tmp_path / "shades.csv", index=False)
    where = ["--data", tmp_path / "rows.npy", "--labels", tmp_path / "shades.csv"]
    result = run("report", runs / "four", *where, "-o", tmp_path / "page.html")
    report = written(tmp_path, "page")
    assert (report["summary"]["rows"], report["summary"]["rows_kind"]) == (200, "given")
    assert (report["relation"]["target"], report["relation"]["classes"]) == ("shades", ["dark", "light"])
    assert report["summary"]["fvu"] == pytest.approx(1 - load(runs / "four").score(rows), rel=1e-9)
    assert report["verdict"]["sentence"][:40] in output_text(result)


@pytest.mark.parametrize(("column", "kind"), [("kind", "classes"), ("dose", "number")])
def test_a_column_that_was_not_trained_on_is_a_target(runs, tmp_path, column, kind):
    run("report", runs / "table", "--target", column, "-o", tmp_path / "page.html")
    relation = written(tmp_path, "page")["relation"]
    held_out = split(400, 0.1, 0)[1]
    assert (relation["kind"], relation["target"], relation["rows"]) == (kind, column, len(held_out))


def test_a_column_that_was_trained_on_is_not_a_target(runs, tmp_path):
    for folder, column in (("table", "a"), ("four", "20")):
        result = run("report", runs / folder, "--target", column, "-o", tmp_path / "page.html", code=2)
        message = f"--target {column}: the model was trained on this column; name another one"
        assert message in output_text(result)
    assert not list(tmp_path.iterdir())


def test_ids_and_texts_of_a_run(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc"))
    frame.insert(0, "key", [f"K{i}" for i in range(60)])
    frame["words"] = [f"words, number {i}" for i in range(60)]
    frame.loc[3, "words"] = None
    frame.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "lines.txt").write_text("\n".join(f"line {i}" for i in range(60)) + "\n", encoding="utf-8")
    fit = ["fit", tmp_path / "table.csv", "--latents", 4, "--epochs", 2, "-q"]
    run(*fit, "--id", "key", "--texts", "words", "-o", tmp_path / "run")
    report = written(tmp_path / "run")
    assert report["columns"] == ["a", "b", "c"]  # ids and texts are not trained on
    held_out = split(60, 0.1, 0)[1]
    assert report["row_names"] == {str(row): f"K{held_out[row]}" for row in range(6)}
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert all(f"words, number {i}" in page for i in held_out if i != 3)
    run("report", tmp_path / "run")  # ids and texts are in the recipe
    assert written(tmp_path / "run")["row_names"] == report["row_names"]
    run("fit", tmp_path / "run" / "recipe.toml", "-q", "-o", tmp_path / "again")
    assert written(tmp_path / "again")["row_names"] == report["row_names"]
    for place in ("lines.txt", "table.csv:key"):
        run("report", tmp_path / "run", "--texts", tmp_path / place, "-o", tmp_path / "other.html")
        page = (tmp_path / "other.html").read_text(encoding="utf-8")
        assert (f"line {held_out[0]}<" in page) == (place == "lines.txt")
    run("report", tmp_path / "run", "--data", tmp_path / "table.csv", "--id", "key", "-o", tmp_path / "all.html")
    assert written(tmp_path, "all")["row_names"]["0"] == "K0"


def test_a_shape_of_a_run(tmp_path):
    np.save(tmp_path / "flat.npy", datasets.load("digits").read(0, 300))
    fit = ["fit", tmp_path / "flat.npy", "--latents", 8, "--epochs", 1]
    result = run(*fit, "-o", tmp_path / "plain")
    assert "note" in output_text(result)
    assert "--shape 8x8" in " ".join(output_text(result).split())
    assert written(tmp_path / "plain")["shape"] == [64]
    result = run(*fit, "--shape", "8x8", "-o", tmp_path / "shaped")
    assert "note" not in output_text(result)
    assert written(tmp_path / "shaped")["shape"] == [8, 8]
    assert (tmp_path / "shaped" / "denoised.png").is_file()
    assert load(tmp_path / "shaped").plot.atlas().axes[0].images
    run("fit", tmp_path / "shaped" / "recipe.toml", "-q", "-o", tmp_path / "again")
    assert written(tmp_path / "again")["shape"] == [8, 8]
    run("report", tmp_path / "plain", "--shape", "8x8")
    assert written(tmp_path / "plain")["shape"] == [8, 8]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--shape", "8,8"], "--shape 8,8: write height and width, 28x28"),
        (["--shape", "9x9"], "shape=(9, 9) has 81 numbers, but a row has 4 columns"),
        (["--id", "nowhere"], "no column 'nowhere'"),
        (["--texts", "short.txt"], "short.txt has 2 values, but"),
        (["--texts", "binary.txt"], "binary.txt: the file is not text: it holds the byte 0x00; check its ending"),
        (["--texts", "wide.csv"], "wide.csv: there are 2 columns, 'a', 'b'; name the one with the labels"),
        (["--texts", "wide.csv:c"], "no column 'c'"),
    ],
)
def test_mistakes_in_shape_ids_and_texts_are_one_line(runs, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.txt").write_text("one\ntwo\n")
    (tmp_path / "binary.txt").write_bytes("très\0\n".encode("latin-1"))
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_csv("wide.csv", index=False)
    fit = ["fit", runs / "table.csv", "--drop", "kind,dose", "--epochs", 1, "-q"]
    for command in (["report", runs / "table"], fit):
        code = 2 if "--shape" in arguments else 1
        text = output_text(run(*command, *arguments, "-o", tmp_path / "page.html", code=code))
        assert words in text
        assert text.count("taciturn: ") == 1
        assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--target", "knd"], 1, "no column 'knd'; nearest: 'kind'"),
        (["--target", "kind", "--labels", "x.csv"], 2, "--labels and --target both name labels"),
        (["--labels", "nowhere.npy"], 1, "nowhere.npy: no such file"),
        (["--labels", "wide.csv"], 1, "wide.csv: there are 2 columns, 'a', 'b'; name the one with the labels"),
        (["--labels", "short.csv"], 1, "short.csv has 3 values, but"),
        (["-o", "page.pdf"], 2, "page.pdf: a report is written as .html"),
        (["--corrupt", "gausian:1"], 2, "did you mean 'gaussian'?"),
    ],
)
def test_a_users_mistake_is_one_line_and_writes_nothing(runs, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_csv("wide.csv", index=False)
    pd.DataFrame({"a": [1, 2, 3]}).to_csv("short.csv", index=False)
    before = (runs / "table" / "report.html").read_bytes()
    assert words in output_text(run("report", runs / "table", *arguments, code=code))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["short.csv", "wide.csv"]
    assert (runs / "table" / "report.html").read_bytes() == before


def test_compare(runs, tmp_path):
    result = run("compare", runs / "four", runs / "eight", "-o", tmp_path / "both.html")
    comparison = written(tmp_path, "both")
    assert comparison["names"] == ["four", "eight"]
    assert comparison["differing_parameters"] == {"k": [4, 8]}
    errors = [written(runs / name)["summary"]["fvu"] for name in ("four", "eight")]
    assert [summary["fvu"] for summary in comparison["summaries"]] == errors
    assert "eight reconstructs most" in output_text(result)
    run("compare", runs / "four", runs / "eight", "--data", "digits", "-o", tmp_path / "all.html")
    assert [summary["rows"] for summary in written(tmp_path, "all")["summaries"]] == [1797, 1797]


def test_runs_of_other_widths_cannot_be_compared_on_the_same_rows(runs, tmp_path):
    data = ["--data", "digits", "-o", tmp_path / "c.html"]
    refused = output_text(run("compare", runs / "four", runs / "table", *data, code=1))
    assert "table was trained on 4 columns, but the rows have 64; compare runs of the same columns, or leave" in refused
    assert "Traceback" not in refused
    assert not list(tmp_path.iterdir())
    result = run("compare", runs / "four", runs / "table", "-o", tmp_path / "c.html")
    assert "rows of different widths, so their results cannot be compared" in output_text(result)


@pytest.mark.parametrize(
    ("names", "code", "words"),
    [
        (["four"], 1, "name two or more"),
        (["four", "four"], 2, "is named twice"),
        (["four", "nowhere"], 1, "nowhere is not a folder"),
    ],
)
def test_runs_that_cannot_be_compared(runs, tmp_path, monkeypatch, names, code, words):
    monkeypatch.chdir(tmp_path)
    assert words in output_text(run("compare", *(runs / name for name in names), code=code))
    assert not list(tmp_path.iterdir())
