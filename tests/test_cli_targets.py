"""Targets on the command line: `fit --target`, and what the other commands do with such a run."""

import json
import re
import shutil
import tomllib

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.testing import assert_allclose, assert_array_equal

import taciturn
from browser import watched
from commandline import output_text, run
from taciturn.data.split import split

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, size=(300, 6))
Y = np.maximum(X @ RNG.normal(size=(6, 20)), 0) @ RNG.normal(size=(20, 4)) + 50
FIT = ["--k", "3", "--latents", "12", "--epochs", "30", "-q"]
INPUTS, OUTPUTS = list("abcdef"), list("wxyz")


def fvu(y, estimates):
    """Return Σ (y - ŷ)² / Σ (y - mean)² with each column in units of its standard deviation over training targets."""
    unit = Y[split(300, 0.1, 0)[0]].std(0)
    return np.square((y - estimates) / unit).sum() / np.square((y - y.mean(0)) / unit).sum()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("targets")
    for name, rows, columns in (("x", X, INPUTS), ("y", Y, OUTPUTS)):
        np.save(folder / f"{name}.npy", rows)
        pd.DataFrame(rows, columns=columns).to_csv(folder / f"{name}.csv", index=False)
        (folder / f"{name}s").mkdir()
        for part in range(3):
            np.save(folder / f"{name}s" / f"part-{part}.npy", rows[100 * part :][:100])
    np.save(folder / "short.npy", Y[:100])
    np.save(folder / "infinite.npy", np.where(np.arange(300)[:, None] == 7, np.inf, Y))
    np.save(folder / "some.npy", np.where(RNG.random(Y.shape) < 0.1, np.nan, Y))
    pd.DataFrame({"w": Y[:, 0], "note": ["new"] * 300}).to_csv(folder / "words.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def skip(files):
    """A run of a skip transcoder of tables, with a report."""
    run("fit", files / "x.csv", "--target", files / "y.csv", "--skip", *FIT, "-o", files / "skip")
    return files / "skip"


def test_the_run_remembers_its_targets(files, skip):
    recipe = tomllib.loads((skip / "recipe.toml").read_text())
    assert recipe["data"]["target"] == str((files / "y.csv").resolve())
    assert recipe["parameters"]["skip"] is True
    record = json.loads((skip / "config.json").read_text())["rows"]["targets"]
    assert (record["source"], record["columns"]) == (recipe["data"]["target"], OUTPUTS)
    assert "targets " in run("info", skip).output
    run("fit", skip / "recipe.toml", "--no-report", "-q", "-o", files / "again")
    again, model = taciturn.load(files / "again"), taciturn.load(skip)
    table = pd.DataFrame(X, columns=INPUTS)
    assert_array_equal(again.predict(table), model.predict(table))
    assert again.n_features_in_ == 6


def test_errors_are_those_of_the_held_out_targets(files, skip):
    held_out = split(300, 0.1, 0)[1]
    expected = fvu(Y[held_out], taciturn.load(skip).predict(pd.DataFrame(X[held_out], columns=INPUTS)))
    metrics = json.loads((skip / "metrics.json").read_text())
    assert metrics["fvu"] == pytest.approx(expected)
    assert (metrics["columns"], metrics["targets"], metrics["rows"]) == (6, 4, 30)
    assert json.loads(run("evaluate", skip, "--json").output) == metrics
    everything = json.loads(run("evaluate", skip, files / "x.csv", "--target", files / "y.csv", "--json").output)
    assert everything["fvu"] == pytest.approx(fvu(Y, taciturn.load(skip).predict(pd.DataFrame(X, columns=INPUTS))))
    text = output_text(run("evaluate", skip))
    assert "evaluated on 30 held-out rows of 6 columns, with targets of 4 columns" in text
    assert f"{1 - expected:.1%} of the targets' variance" in text


def test_predict_writes_estimates_with_the_targets_names(files, skip, tmp_path):
    run("predict", skip, files / "x.csv", "-o", tmp_path / "estimates.csv")
    table = pd.read_csv(tmp_path / "estimates.csv")
    assert list(table) == OUTPUTS
    assert_allclose(table, taciturn.load(skip).predict(pd.DataFrame(X, columns=INPUTS)), rtol=1e-6)
    run("predict", skip, files / "x.csv", "-o", tmp_path / "shards", "--shard-rows", "100")
    shards = np.concatenate([np.load(shard) for shard in sorted((tmp_path / "shards").glob("*.npy"))])
    assert_allclose(shards, table, rtol=1e-6)


@pytest.mark.parametrize(("rows", "targets"), [("xs", "ys"), ("xs", "y.npy"), ("x.npy", "ys")])
def test_streamed_pairs_are_split_alike(files, tmp_path, rows, targets):
    run("fit", files / rows, "--target", files / targets, *FIT, "--no-report", "-o", tmp_path / "run")
    model, metrics = taciturn.load(tmp_path / "run"), json.loads(run("evaluate", tmp_path / "run", "--json").output)
    run("encode", tmp_path / "run", "-o", tmp_path / "codes.npz", "--dense")
    with np.load(tmp_path / "codes.npz") as arrays:
        codes = arrays[arrays.files[0]]
    all_codes = model.transform(X).toarray()
    held_out = [int(np.flatnonzero((abs(all_codes - each) < 1e-9).all(1))[0]) for each in codes]
    assert len(set(held_out)) == len(held_out) == 30
    unit = np.delete(Y, held_out, 0).std(0)
    y, estimates = Y[held_out] / unit, model.predict(X[held_out]) / unit
    assert metrics["fvu"] == pytest.approx(np.square(y - estimates).sum() / np.square(y - y.mean(0)).sum())


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("short.npy", 1, r"short.npy has 100 rows, but .*x.csv has 300; give one target for each row"),
        ("none.npy", 1, "none.npy: no such file"),
        (
            "words.csv",
            1,
            r"column 'note' \(line 2: 'new'\) is not numeric; leave it out of the file, or name one column",
        ),
        ("infinite.npy", 1, "infinite.npy: 4 values in 1 of 300 rows are infinite"),
        ("x.csv:a", 2, r"the rows have this column as well; leave it out of them \(--drop a\)"),
        ("y.csv:q", 1, "'q'"),
    ],
)
def test_targets_that_cannot_be(files, tmp_path, target, code, message):
    done = run("fit", files / "x.csv", "--target", files / target, *FIT, "-o", tmp_path / "run", code=code)
    assert len(done.output.splitlines()) == 1
    assert re.search(message, done.output), done.output
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["evaluate", "skip", "x.csv"], 1, "targets of 4 columns, which are not known of"),
        (
            ["evaluate", "skip", "x.csv", "--target", "x.csv"],
            1,
            "x.csv has 6 columns, but the model was trained on tar",
        ),
        (["evaluate", "skip", "--corrupt", "gaussian:0.1"], 2, "denoising is not measured where targets have other"),
        (["evaluate", "skip", "--target", "x.csv"], 1, "does not hold the targets of this run's rows"),
        (["report", "skip", "--data", "x.csv"], 1, "name them (--target)"),
        (["denoise", "skip", "-o", "new.csv"], 2, "write their estimates: taciturn predict"),
        (["evaluate", "plain", "--target", "y.npy"], 2, "the model was trained without targets; leave it out"),
        (["predict", "plain", "-o", "new.npy"], 2, "was trained without targets; write its reconstructions"),
        (
            ["fit", "x.npy", "--target", "y.npy", "--outliers", "-o", "new"],
            2,
            "an outlier detector reconstructs its own",
        ),
        (["fit", "x.npy", "--skip", "--k", "2", "-o", "new"], 2, "give fit(X, target=Y) or --target"),
        (["fit", "x.npy", "--target", "y.npy", "--memory", "1KB", "-o", "new"], 2, "the run would hold"),
    ],
)
def test_one_line_for_what_does_not_fit(files, skip, arguments, code, message):
    if "plain" in arguments and not (files / "plain").exists():
        run("fit", files / "x.npy", *FIT, "--no-report", "-o", files / "plain")
    names = {path.name for path in files.iterdir()} | {"new", "new.csv", "new.npy"}
    done = run(*(files / each if each in names else each for each in arguments), code=code)
    assert message in output_text(done)
    assert len(done.output.splitlines()) == 1
    assert not list(files.glob("new*"))


def test_one_column_and_missing_values(files, tmp_path):
    run("fit", files / "x.csv", "--target", f"{files / 'y.csv'}:x", *FIT, "--no-report", "-o", tmp_path / "one")
    assert json.loads((tmp_path / "one/metrics.json").read_text())["targets"] == 1
    assert taciturn.load(tmp_path / "one").predict(pd.DataFrame(X, columns=INPUTS)).shape == (300, 1)
    run("fit", files / "x.npy", "--target", files / "some.npy", *FIT, "--no-report", "-o", tmp_path / "some")
    text = output_text(run("evaluate", tmp_path / "some"))
    held_out = np.isnan(np.load(files / "some.npy")[split(300, 0.1, 0)[1]]).sum()
    assert f"{held_out} of 120 values of the targets are missing" in text


def test_targets_of_the_rows_columns(files, tmp_path):
    np.save(tmp_path / "noisy.npy", X + RNG.normal(size=X.shape))
    run("fit", tmp_path / "noisy.npy", "--target", files / "x.npy", *FIT, "-o", tmp_path / "run")
    run("denoise", tmp_path / "run", "-o", tmp_path / "a.npy")
    run("predict", tmp_path / "run", "-o", tmp_path / "b.npy")
    assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))
    report = json.loads((tmp_path / "run/report.json").read_text())
    training, held_out = split(300, 0.1, 0)
    errors = (np.load(tmp_path / "a.npy") - X[held_out]) / X[training].std(0)
    assert report["summary"]["targets"] == 6
    assert report["samples"]["first"][2]["error"] == pytest.approx(np.square(errors[2]).mean())
    assert report["baselines"]["models"][0]["name"] == "linear map"


def test_moved_and_changed_targets(files, tmp_path):
    for name in ("x.npy", "y.npy"):
        shutil.copy(files / name, tmp_path / name)
    run("fit", tmp_path / "x.npy", "--target", tmp_path / "y.npy", *FIT, "--no-report", "-o", tmp_path / "run")
    before = run("evaluate", tmp_path / "run").output
    (tmp_path / "y.npy").rename(tmp_path / "moved.npy")
    assert "y.npy: no such file" in run("evaluate", tmp_path / "run", code=1).output
    assert run("evaluate", tmp_path / "run", "--target", tmp_path / "moved.npy").output == before
    np.save(tmp_path / "y.npy", Y + 1)
    assert "does not hold the targets of this run's rows" in output_text(run("evaluate", tmp_path / "run", code=1))


def test_a_run_is_resumed_with_the_same_targets_alone(files, tmp_path, monkeypatch):
    from taciturn.training import run as loop

    for name in ("x.npy", "y.npy"):
        shutil.copy(files / name, tmp_path / name)
    real, steps, out = loop.update, [], tmp_path / "run"

    def update(*given):
        steps.append(1)
        if len(steps) == 20:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(loop, "update", update)
    fit = ["fit", tmp_path / "x.npy", "--target", tmp_path / "y.npy", *FIT, "--no-report"]
    run(*fit, "--checkpoint-every", "5steps", "-o", out, code=130)
    monkeypatch.undo()
    np.save(tmp_path / "y.npy", np.where(np.arange(300)[:, None] == split(300, 0.1, 0)[0][-1], Y + 1, Y))
    words = output_text(run("resume", out, "-q", code=1))
    assert "target is not that with which the run began: of rows 0 to 269 some differ" in words
    run("resume", out, "--target", files / "y.npy", "--no-report", "-q")
    run(*fit[:3], files / "y.npy", *fit[4:], "-o", tmp_path / "whole")
    assert_array_equal(taciturn.load(out).predict(X), taciturn.load(tmp_path / "whole").predict(X))


def test_the_report_compares_with_simpler_models(files, skip):
    """The least squares map, and the skip with the best constant, in NumPy."""
    training, held_out = split(300, 0.1, 0)
    report, model = json.loads((skip / "report.json").read_text()), taciturn.load(skip)
    found = {baseline["name"]: baseline["fvu"] for baseline in report["baselines"]["models"]}
    assert set(found) == {"linear map", "skip alone", "untrained encoder"}
    ones = np.ones((300, 1))
    weights = np.linalg.lstsq(np.hstack([X, ones])[training], Y[training], rcond=None)[0]
    assert found["linear map"] == pytest.approx(fvu(Y[held_out], (np.hstack([X, ones]) @ weights)[held_out]))
    n = {name: tensor.numpy().astype(float) for name, tensor in model.module_.state_dict().items()}
    alone = ((X - n["shift"]) / n["scale"]) @ n["skip"].T * n["target_scale"]
    alone += (Y - alone)[training].mean(0)
    assert found["skip alone"] == pytest.approx(fvu(Y[held_out], alone[held_out]), rel=1e-4)
    assert report["baselines"]["model"] == pytest.approx(report["summary"]["fvu"])
    assert report["columns"] == OUTPUTS
    deviations = Y[held_out].std(0)
    assert_allclose(report["errors"]["deviations"], deviations, rtol=1e-6)
    error = model.predict(pd.DataFrame(X, columns=INPUTS))[held_out] - Y[held_out]
    assert_allclose(report["errors"]["rmse"], np.sqrt(np.square(error).mean(0)), rtol=1e-5)
    assert {name for name, _ in report["atlas"][0]["columns"]} == set(OUTPUTS)
    assert report["verdict"]["sentence"].startswith("Estimates ")
    assert report["trust"]["twin_fvu"] == found["untrained encoder"]
    assert report["provenance"]["targets"] == str((files / "y.csv").resolve())


def test_a_report_on_other_rows(files, skip, tmp_path):
    run("report", skip, "--data", files / "x.csv", "--target", files / "y.csv", "-o", tmp_path / "page.html")
    assert json.loads((tmp_path / "page.json").read_text())["summary"]["rows"] == 300


def test_python_reports_on_targets():
    model = taciturn.DictionaryAutoencoder(12, k=3, max_iter=3, random_state=0).fit(X[:200], target=Y[:200])
    report = model.report(X[200:], targets=Y[200:], training=(X[:200], Y[:200]), name="layer")
    assert report.summary.targets == 4
    assert [baseline.name for baseline in report.baselines.models] == ["linear map", "untrained encoder"]
    assert "columns" not in report.pictures.exclusion_reason or report.pictures.try_it is None
    for name, target in (("four", Y[200:, :3]), ("five", Y[:5])):
        with pytest.raises(
            taciturn.DataError if hasattr(taciturn, "DataError") else ValueError, match="target has shape"
        ):
            model.report(X[200:], targets=target, name=name)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_the_page_is_accessible_and_tells_of_targets(browser, skip, width, scheme):
    with watched(browser, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        page.goto((skip / "report.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert [violation["id"] for violation in Axe().run(page).response["violations"]] == []
        text = page.inner_text("body")
        for words in ("linear map", "skip alone", "of the targets' variance", "the targets have other columns"):
            assert words in text
        assert "PCA" not in text


def test_the_linear_map_is_exact_whatever_the_columns_units():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 4))
    for rows in (z + 1e7, z * [1e7, 1, 1e-4, 1]):
        model = taciturn.DictionaryAutoencoder(8, k=2, max_iter=1, scaling="none", random_state=0).fit(
            rows, target=z[:, :2]
        )
        found = model.report(rows, targets=z[:, :2], training=(rows, z[:, :2])).baselines.models
        assert found[0].name == "linear map"
        assert found[0].fvu < 1e-6
