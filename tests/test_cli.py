import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from typer.testing import CliRunner

from commandline import output_text, run
from taciturn import DictionaryAutoencoder, artifact, datasets, load
from taciturn.cli import recipe_file
from taciturn.cli.app import app
from taciturn.cli.signals import as_interrupts
from taciturn.core.run_folder import objection

FIT = ["fit", "digits", "--corrupt", "gaussian:0.4", "--sparse", "kl:0.05", "--latents", "32", "--epochs", "3"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    done = run(*FIT, "-o", folder / "digits")
    (folder / "output.txt").write_text(output_text(done))
    return folder


@pytest.fixture
def table(tmp_path):
    frame = pd.DataFrame(
        np.random.default_rng(0).normal(size=(60, 3)) * [1, 10, 100] + [0, 5, 500], columns=["one", "two", "three"]
    )
    frame.insert(1, "kind", ["up", "down"] * 30)
    frame.to_csv(tmp_path / "table.csv", index=False)
    return frame, tmp_path


def test_fit_writes_a_run_and_prints_its_results(runs):
    assert sorted(f.name for f in (runs / "digits").iterdir()) == [
        "config.json",
        "denoised.png",
        "history.parquet",
        "log.jsonl",
        "metrics.json",
        "recipe.toml",
        "report.html",
        "report.json",
        "sparsity.png",
        "training.safetensors",
        "weights.safetensors",
    ]
    words = (runs / "output.txt").read_text()
    metrics = json.loads((runs / "digits" / "metrics.json").read_text())
    for part in (
        "trained on 1,617 rows, 3 epochs",
        "scaling not scaled, values from 0 to 1",
        "evaluated on 180 held-out rows of 64 columns",
        f"reconstruction {1 - metrics['fvu']:.1%} of the variance (mean squared error",
        "latents 32 ",
        f"mean activation {np.mean(metrics['rates']):.2%} (target 5.00%; per latent ",
        f"penalty weight (auto) kl {metrics['weights']['kl']:.4g}",
        f"denoising gaussian:0.4: {metrics['psnr_before']:.1f} → {metrics['psnr_after']:.1f} dB PSNR",
    ):
        assert part in words


def test_metrics_are_what_numpy_computes_on_the_held_out_rows(runs, digits):
    from taciturn.data.split import split

    metrics = json.loads((runs / "digits" / "metrics.json").read_text())
    held = digits[split(1797, 0.1, 0)[1]]
    model = load(runs / "digits")
    error = np.square(model.denoise(held) - held)
    assert metrics["mean_squared_error"] == pytest.approx(error.mean(), rel=1e-5)
    assert metrics["fvu"] == pytest.approx(error.sum() / np.square(held - held.mean(0)).sum(), rel=1e-5)
    codes = model.transform(held)
    assert metrics["rates"] == pytest.approx(codes.mean(0).tolist(), rel=1e-5)
    assert metrics["l0"] == pytest.approx((codes > 0.5).sum(1).mean(), rel=1e-5)
    # 10 log10(1 / 0.4²) = 7.96 dB, up to what 180 · 64 draws of noise leave open
    assert metrics["psnr_before"] == pytest.approx(7.96, abs=0.25)


def test_a_recipe_repeats_its_run_bit_for_bit(runs):
    run("fit", runs / "digits" / "recipe.toml", "-o", runs / "again", "-q")
    for name in ("weights.safetensors", "recipe.toml", "metrics.json"):
        assert (runs / "again" / name).read_bytes() == (runs / "digits" / name).read_bytes()


@pytest.mark.parametrize("more", [(), ("--sparse", "jumprelu", "--corrupt", "masking:0.2")])
def test_k_trains_a_dictionary(tmp_path, more):
    run("fit", "digits", "--k", 4, "--latents", 32, "--epochs", 3, *more, "-o", tmp_path / "one", "-q")
    run("fit", tmp_path / "one" / "recipe.toml", "-o", tmp_path / "two", "-q")
    for name in ("weights.safetensors", "recipe.toml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    model = load(tmp_path / "one")
    assert (type(model), model.k, model.n_components) == (DictionaryAutoencoder, 4, 32)
    run("encode", tmp_path / "one", "digits", "-o", tmp_path / "codes.npy")
    X = datasets.load("digits").read(0, 1797)
    np.testing.assert_allclose(np.load(tmp_path / "codes.npy"), model.transform(X).toarray(), atol=1e-5)


def test_options_override_a_recipe(runs):
    run("fit", runs / "digits" / "recipe.toml", "-o", runs / "other", "--latents", "20,10", "--seed", 5, "-q")
    stored = artifact.load(runs / "other")
    assert stored.model.layout.widths == (64, 20, 10)
    recipe = tomllib.loads((runs / "other" / "recipe.toml").read_text())
    assert (recipe["run"]["seed"], recipe["parameters"]["n_components"]) == (5, [20, 10])
    assert recipe["parameters"]["corruption"] == "gaussian:0.4"


def test_a_recipe_written_as_toml_is_read_back(tmp_path):
    sections = {
        "data": {"source": 'C:\\rows "1".csv', "columns": ["größe", "b"], "drop": None},
        "run": {"seed": 0, "held_out": 0.1},
        "parameters": {"tied": False, "alpha": 1e-05, "n_components": (3, 2), "activation": ("elu", "sigmoid")},
    }
    text = recipe_file.text(sections, version="1")
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    assert recipe_file.read(tmp_path / "r.toml") == {
        "data": {"source": 'C:\\rows "1".csv', "columns": ["größe", "b"]},
        "run": {"seed": 0, "held_out": 0.1},
        "parameters": {"tied": False, "alpha": 1e-05, "n_components": [3, 2], "activation": ["elu", "sigmoid"]},
    }


def test_numpy_numbers_paths_and_odd_names_are_read_back(tmp_path):
    sections = {
        "data": {"source": tmp_path / "a\x7f\n\x1b.csv", "columns": ["\x7f", "\\", "\t"]},
        "run": {"seed": np.int64(3), "held_out": np.float64(0.1)},
        "parameters": {"tied": np.True_, "alpha": np.float32(0.5), "n_components": (np.int32(3), 2), "tol": -np.inf},
    }
    (tmp_path / "r.toml").write_text(recipe_file.text(sections, version="1"), encoding="utf-8")
    assert recipe_file.read(tmp_path / "r.toml") == {
        "data": {"source": str(tmp_path / "a\x7f\n\x1b.csv"), "columns": ["\x7f", "\\", "\t"]},
        "run": {"seed": 3, "held_out": 0.1},
        "parameters": {"tied": True, "alpha": 0.5, "n_components": [3, 2], "tol": -np.inf},
    }


def test_codes_of_a_dictionary_stay_sparse_in_the_file(tmp_path, digits):
    run("fit", "digits", "--k", 4, "--latents", 40, "--epochs", 2, "-o", tmp_path / "run")
    run("encode", tmp_path / "run", "digits", "-o", tmp_path / "codes.npz")
    codes = sparse.load_npz(tmp_path / "codes.npz")
    wanted = load(tmp_path / "run").transform(digits)
    assert isinstance(codes, sparse.csr_array)
    assert codes.dtype == wanted.dtype
    assert 3 * len(digits) < codes.nnz == wanted.nnz <= 4 * len(digits)
    np.testing.assert_allclose(codes.toarray(), wanted.toarray(), rtol=1e-5)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["codes.npz", "run"]


def test_codes_are_written_in_the_format_of_the_ending(runs, tmp_path, digits):
    wanted = load(runs / "digits").transform(digits)
    for name in ("codes.npy", "codes.npz", "codes.csv", "codes.parquet"):
        run("encode", runs / "digits", "digits", "-o", tmp_path / name)
    np.testing.assert_allclose(np.load(tmp_path / "codes.npy"), wanted, rtol=1e-6)
    np.testing.assert_allclose(np.load(tmp_path / "codes.npz")["rows"], wanted, rtol=1e-6)
    for frame in (pd.read_csv(tmp_path / "codes.csv"), pd.read_parquet(tmp_path / "codes.parquet")):
        assert list(frame.columns) == [f"latent_{i}" for i in range(32)]
        np.testing.assert_allclose(frame, wanted, rtol=1e-5)


def test_rows_and_hidden_activations_are_written_beside_codes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    pd.DataFrame(rng.normal(size=(60, 3)) * [1, 10, 100], columns=["a", "b", "latent_1"]).to_csv(
        "rows.csv", index=False
    )
    run("fit", "rows.csv", "--latents", "5,2", "--sparse", "none", "--epochs", 2, "-o", "run")
    rows = pd.read_csv("rows.csv").to_numpy()
    model = load("run")
    run("encode", "run", "rows.csv", "-o", "both.csv", "--outputs", "input+codes")
    both = pd.read_csv("both.csv")
    assert list(both.columns) == ["a", "b", "latent_1", "latent_0_2", "latent_1_2"]
    np.testing.assert_array_equal(both.to_numpy()[:, :3], rows)
    np.testing.assert_allclose(both.to_numpy()[:, 3:], model.transform(pd.read_csv("rows.csv")), rtol=1e-9)
    run("encode", "run", "rows.csv", "-o", "hidden.parquet", "--outputs", "hidden")
    hidden = pd.read_parquet("hidden.parquet")
    assert list(hidden.columns)[4:8] == ["hidden1_4", "latent_0", "latent_1", "hidden2_0"]
    model.set_params(outputs="hidden").save("other")
    run("encode", "other", "rows.csv", "-o", "again.npy")  # as the model has it
    np.testing.assert_array_equal(np.load("again.npy"), hidden.to_numpy())
    done = run("encode", "run", "rows.csv", "-o", "x.npy", "--outputs", "latents", code=2)
    assert "outputs='latents' must be 'codes', 'hidden' or 'input+codes'" in output_text(done)


def test_sparse_rows_beside_codes_stay_sparse_in_the_file(tmp_path):
    rows = sparse.random_array((60, 30), density=0.1, format="csr", rng=np.random.default_rng(0))
    sparse.save_npz(tmp_path / "rows.npz", rows)
    run("fit", tmp_path / "rows.npz", "--latents", 4, "--epochs", 2, "-o", tmp_path / "run")
    run("encode", tmp_path / "run", tmp_path / "rows.npz", "-o", tmp_path / "both.npz", "--outputs", "input+codes")
    both = sparse.load_npz(tmp_path / "both.npz")
    assert both.shape == (60, 34)
    np.testing.assert_array_equal(both[:, :30].toarray(), rows.toarray())
    np.testing.assert_allclose(both[:, 30:].toarray(), load(tmp_path / "run").transform(rows), rtol=1e-9)


def test_tables_keep_their_names_and_units(table):
    frame, folder = table
    run("fit", folder / "table.csv", "--drop", "kind", "--latents", 8, "--epochs", 2, "-o", folder / "run", "-q")
    shuffled = frame[["three", "kind", "one", "two"]]
    shuffled.to_csv(folder / "shuffled.csv", index=False)
    run("denoise", folder / "run", folder / "table.csv", "-o", folder / "out.csv", code=0)
    run("denoise", folder / "run", folder / "shuffled.csv", "-o", folder / "same.parquet")
    out, same = pd.read_csv(folder / "out.csv"), pd.read_parquet(folder / "same.parquet")
    assert list(out.columns) == list(same.columns) == ["one", "two", "three"]
    np.testing.assert_allclose(out, same)
    wanted = load(folder / "run").denoise(frame[["one", "two", "three"]])
    np.testing.assert_allclose(out, wanted)


def test_without_data_the_held_out_rows_are_taken(runs, tmp_path, digits):
    from taciturn.data.split import split

    run("denoise", runs / "digits", "-o", tmp_path / "rows.npy")
    held = digits[split(1797, 0.1, 0)[1]]
    images = np.load(tmp_path / "rows.npy")
    assert images.shape == (180, 8, 8)
    np.testing.assert_allclose(images.reshape(180, 64), load(runs / "digits").denoise(held), rtol=1e-6)


def test_evaluate(runs):
    stored = json.loads((runs / "digits" / "metrics.json").read_text())
    assert json.loads(run("evaluate", runs / "digits", "--json").output) == stored
    other = json.loads(run("evaluate", runs / "digits", "digits", "--corrupt", "clean", "--json").output)
    assert (other["rows"], other["rows_kind"], other["psnr_after"]) == (1797, "given", None)
    assert f"{1 - stored['fvu']:.1%} of the variance" in output_text(run("evaluate", runs / "digits"))


def test_info(runs):
    words = output_text(run("info", runs / "digits"))
    for part in (
        "64 → 32 → 64, sigmoid codes, sigmoid output; 4,192 parameters",
        "squared_error+kl:0.05",
        "1,617 of digits",
        "3 epochs",
    ):
        assert part in words


def test_the_figure(runs, tmp_path):
    run("plot", "sparsity-loss", "--target", 0.1, "-o", tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").read_text().startswith("<?xml")
    run("plot", "sparsity-loss", "--target", 0.05, "--run", runs / "digits", "-o", tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_version():
    from taciturn import __version__

    assert run("--version").output.strip() == f"taciturn {__version__}"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fit", "digits", "--corrupt", "gausian:0.4"], 2, "did you mean 'gaussian'?"),
        (["fit", "digits", "--latents", "many"], 2, "--latents many: write a whole number"),
        (["fit", "digits", "--learning-rate", "fast"], 2, "no schedule is named 'fast'"),
        (["fit", "digits", "--held-out", "1.5"], 2, "held_out=1.5 must lie in [0, 1)"),
        (["fit", "digitss"], 1, "nearest: digits"),
        (["fit", "nowhere.csv"], 1, "nowhere.csv: no such file"),
        (
            ["fit", "nowhere.toml"],
            2,
            "nowhere.toml cannot be read as a recipe: No such file or directory; name a recipe file in TOML",
        ),
        (["fit", "digits", "--epochs", "few"], 2, "integer"),
        (["encode", "nowhere", "digits", "-o", "x.npy"], 1, "nowhere is not a folder"),
        (["encode", "nowhere", "digits"], 2, "Missing option"),
        (["telepathy"], 2, "No such command"),
        (["plot", "sparsity-loss", "--target", "1"], 2, "must lie between 0 and 1"),
    ],
)
def test_a_mistake_is_reported_in_one_line(arguments, code, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments, code=code)
    assert words in " ".join(done.output.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[data]\nsauce = 'digits'", "[data] sauce is unknown; the keys are source, columns, drop"),
        ("[data]\n", '[data] names no source; add source = "digits" or a file'),
        ("[data]\nsource = 'digits'\n[run]\nseed = 'x'", "[run] seed = 'x' must be a whole number"),
        ("[data]\nsource = 'digits'\n[run]\nseed = -1", "seed=-1 must be 0 or more"),
        ("[data]\nsource = 'digits'\n[run]\nestimator = 'oracle'", "estimator='oracle' is unknown"),
        (
            "[data]\nsource = 'digits'\n[parameters]\nlatents = 3",
            "[parameters] 'latents' is not a parameter of the sparse estimator; the parameters are",
        ),
        ("[data]\nsource = 'digits'\n[parameters]\nrandom_state = 3", "[parameters] 'random_state' is not a parameter"),
        ("[data]\nsource = 'digits'\n[parameters]\ntied = 'yes'", "tied='yes' must be True or False"),
        ("[date]\n", "'date' is not a section of a recipe; the sections are data, run, parameters"),
        ("data", "cannot be read as a recipe"),
        ("a = " + "[" * 100_000, "cannot be read as a recipe"),
        (f"[run]\nseed = {'9' * 5000}", "cannot be read as a recipe"),
        ("#" * 2_000_000, "cannot be read as a recipe: it has more than 1,000,000 bytes"),
        (
            "[data]\nsource = 'digits'\n[run]\nseed = 9223372036854775808",
            "seed=9223372036854775808 must be 0 or more, and",
        ),
        ("[data]\nsource = 'digits'\n[run]\nthreads = 0", "threads=0 lies outside 1 … 1024"),
        ("[data]\nsource = 'digits'\n[run]\nthreads = -3", "threads=-3 lies outside 1 … 1024"),
        ("[data]\nsource = 'digits'\n[run]\nthreads = 9223372036854775808", "lies outside 1 … 1024"),
        ("[data]\nsource = 'digits'\n[parameters]\ndevice = 'meta'", "device='meta' cannot be used on this machine"),
        (
            "[data]\nsource = 'digits'\n[parameters]\ntol = 1979-05-27",
            "[parameters] tol = datetime.date(1979, 5, 27) must be",
        ),
        (
            "[data]\nsource = 'digits'\n[parameters]\nn_components = [{a = 1}]",
            "must be a text, a number, true, false, or a",
        ),
        ("[data]\nsource = 'digits'\ncolumns = [1]", "[data] columns = [1] must be a list of texts"),
        ("[data]\nsource = 'digits'\n[parameters]\nn_components = 9223372036854775808", "each at most 2147483647"),
    ],
)
def test_mistakes_in_a_recipe(tmp_path, text, words):
    (tmp_path / "r.toml").write_text(text)
    assert words in output_text(run("fit", tmp_path / "r.toml", "-o", tmp_path / "run", code=2))
    assert [f.name for f in tmp_path.iterdir()] == ["r.toml"]


def test_columns_by_number_and_names_with_commas(tmp_path, digits):
    np.save(tmp_path / "rows.npy", digits)
    run("fit", tmp_path / "rows.npy", "--drop", "0,63", "--latents", 4, "--epochs", 1, "-o", tmp_path / "run", "-q")
    run("encode", tmp_path / "run", tmp_path / "rows.npy", "-o", tmp_path / "codes.npy")
    wanted = load(tmp_path / "run").transform(digits[:, 1:63])
    np.testing.assert_allclose(np.load(tmp_path / "codes.npy"), wanted, rtol=1e-6)
    frame = pd.DataFrame(digits[:50, 20:24], columns=["x, y", "x", "y", "z"])
    frame.to_csv(tmp_path / "table.csv", index=False)
    quick = ["--latents", 4, "--epochs", 1, "-q"]
    run("fit", tmp_path / "table.csv", "--drop", "x, y", *quick, "-o", tmp_path / "one")
    run("fit", tmp_path / "table.csv", "--drop", "x,y", *quick, "-o", tmp_path / "two")
    assert artifact.load(tmp_path / "one").rows.columns == ["x", "y", "z"]
    assert artifact.load(tmp_path / "two").rows.columns == ["x, y", "z"]


def test_colour_images_are_drawn_and_others_are_not(tmp_path):
    quick = ["--latents", 4, "--epochs", 1, "-q"]
    rows = np.random.default_rng(0).random((40, 4, 4, 3)) * 255
    np.save(tmp_path / "colour.npy", rows)
    np.save(tmp_path / "channels.npy", rows.reshape(40, 3, 4, 4))
    run("fit", tmp_path / "colour.npy", *quick, "-o", tmp_path / "colour")
    run("fit", tmp_path / "channels.npy", *quick, "-o", tmp_path / "channels")
    assert (tmp_path / "colour" / "denoised.png").exists()
    assert not (tmp_path / "channels" / "denoised.png").exists()


def test_a_recipe_finds_rows_beside_it_and_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    np.save(tmp_path / "there" / "rows.npy", np.random.default_rng(0).random((40, 3)))
    (tmp_path / "there" / "r.toml").write_text("[data]\nsource = 'rows.npy'\n[parameters]\nmax_iter = 1")
    monkeypatch.chdir(tmp_path)
    run("fit", "there/r.toml", "-q", "-o", "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run("fit", "../run/recipe.toml", "-q", "-o", "again")
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == (
        tmp_path / "elsewhere" / "again" / "weights.safetensors"
    ).read_bytes()


def test_brackets_in_a_path_are_not_markup(tmp_path):
    done = run("fit", "iris", "--latents", 3, "--epochs", 1, "-o", tmp_path / "[red]x[" / "[oops]")
    assert "[red]x[/[oops]" in output_text(done).replace(" ", "")


def test_a_runs_folder_is_not_data(runs):
    done = run("fit", runs / "digits", code=2)
    assert "is a run's folder; to repeat the run: taciturn fit" in output_text(done)


def test_a_recipe_is_a_regular_file_of_text(tmp_path):
    (tmp_path / "r.toml").write_bytes(b"\xff\xfe")
    assert "cannot be read as a recipe" in output_text(run("fit", tmp_path / "r.toml", code=2))
    (tmp_path / "folder.toml").mkdir()
    assert "it is not a regular file" in output_text(run("fit", tmp_path / "folder.toml", code=2))


def test_overwrite_keeps_the_rows_and_what_taciturn_did_not_write(tmp_path, digits):
    quick = ["--latents", 4, "--epochs", 1, "-q", "--no-report"]
    np.save(tmp_path / "rows.npy", digits)
    run("fit", tmp_path / "rows.npy", *quick, "-o", tmp_path / "run")
    (tmp_path / "rows.npy").rename(tmp_path / "run" / "rows.npy")
    again = ["fit", tmp_path / "run" / "rows.npy", *quick, "-o", tmp_path / "run", "--overwrite"]
    assert "the rows to train on; choose another folder" in output_text(run(*again, code=2))
    (tmp_path / "run" / "rows.npy").rename(tmp_path / "rows.npy")
    (tmp_path / "run" / "notes.txt").write_text("precious")
    again = ["fit", tmp_path / "rows.npy", *quick, "-o", tmp_path / "run", "--overwrite"]
    assert "holds 'notes.txt', which taciturn did not write" in output_text(run(*again, code=1))
    (tmp_path / "run" / "notes.txt").unlink()
    run(*again)
    run("fit", tmp_path / "run" / "recipe.toml", "-q", "-o", tmp_path / "run", "--overwrite")


def test_every_file_of_a_run_is_known(runs, tmp_path):
    run("fit", "digits", "--k", 3, "--latents", 8, "--epochs", 1, "-q", "-o", tmp_path / "run")
    for folder in (runs / "digits", tmp_path / "run"):
        assert objection(folder) is None


@pytest.mark.parametrize(
    ("command", "out", "words"),
    [
        (["encode", "run", "rows.npy"], "rows.npy", "rows.npy is read by this command"),
        (["denoise", "run"], "rows.npy", "rows.npy is read by this command"),
        (["denoise", "run", "link.npy"], "rows.npy", "rows.npy is read by this command"),
        (["encode", "run", "rows.npy"], "run/history.parquet", "is a part of the run in run"),
        (["report", "run"], "run/config.html", "run/config.json is a part of the run in run"),
        (["compare", "run", "other"], "run/metrics.html", "run/metrics.json is a part of the run in run"),
        (["compare", "run", "other", "--data", "rows.html"], "rows.html", "rows.html is read by this command"),
    ],
)
def test_what_a_command_reads_is_not_written_over(tmp_path, monkeypatch, digits, command, out, words):
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", digits[:50])
    os.link("rows.npy", "link.npy")
    os.link("rows.npy", "rows.html")
    for folder in ("run", "other"):
        run("fit", "rows.npy", "--latents", 3, "--epochs", 1, "-q", "--no-report", "-o", folder)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*")}
    assert f"{words}; choose another name (--out)" in output_text(run(*command, "-o", out, code=2))
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.*")} == before


def test_control_characters_are_shown_as_escapes(runs, tmp_path):
    shutil.copytree(runs / "digits", tmp_path / "run\x1b[31m")
    config = tmp_path / "run\x1b[31m" / "config.json"
    config.write_text(
        config.read_text().replace("1,617", "x").replace('"not scaled', '"\\u001b]0;title\\u0007not scaled')
    )
    for done in (
        run("info", config.parent),
        run("fit", config.parent, code=2),
        run("info", tmp_path / "\x1b[31m", code=1),
    ):
        assert "\x1b[31m" not in done.output
        assert "\x1b]" not in done.output
        assert "\\x1b[31m" in output_text(done).replace(" ", "")


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8")
def test_names_that_are_not_utf_8_are_refused_before_the_run(tmp_path, digits, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("taciturn.cli.run.train", lambda *given, **options: pytest.fail("trained"))
    odd = os.fsdecode(b"r\xff.npy")
    np.save(odd, digits)
    assert r"r\udcff.npy is not valid UTF-8; rename it" in output_text(run("fit", odd, code=2))
    assert "is not valid UTF-8; rename it" in output_text(run("fit", "digits", "-o", odd + "run", code=2))
    assert "is not valid UTF-8; rename it" in output_text(run("fit", "digits", "--drop", odd, code=2))


TACITURN = [sys.executable, "-m", "taciturn"]


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
@pytest.mark.parametrize(
    "arguments", [["--version"], ["fit", "--help"], ["info", "digits"], ["evaluate", "digits", "--json"]]
)
def test_an_output_that_cannot_be_printed_is_one_line(runs, arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([*TACITURN, *arguments], cwd=runs, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "taciturn: the output cannot be printed: No space left on device; print to another place" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_closed_pipe_ends_a_command_without_words(runs):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*TACITURN, "info", "digits"], cwd=runs, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_missing_memory_is_one_line(monkeypatch, error):
    def fail(*given, **options):
        raise error

    monkeypatch.setattr("taciturn.cli.run.train", fail)
    done = run("fit", "digits", "-o", "never", code=1)
    assert done.output == "taciturn: there is not enough memory; give fewer latents, smaller batches or fewer rows\n"


def test_a_fault_of_taciturn_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("taciturn.cli.run.train", lambda *given, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(app, ["fit", "digits", "-o", "never"], catch_exceptions=False)


INTERRUPTED = """
import os, signal, sys
from taciturn.training import run
real, steps = run.update, []
def update(*given, **options):
    steps.append(1)
    if len(steps) == {step}:
        os.kill(os.getpid(), signal.{signal})
    return real(*given, **options)
run.update = update
from taciturn.cli import main
sys.argv = ["taciturn", "fit", "digits", "--latents", "16", "--epochs", "1000000", "-o", {out!r}]
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_keeps_the_model_trained_so_far(tmp_path, name, status):
    code = INTERRUPTED.format(step=80, signal=name, out=str(tmp_path / "run"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == status
    words = " ".join(done.stderr.split())
    # 1,617 rows in batches of 64 are 26 steps an epoch
    assert f"interrupted in epoch 4 of 1000000; the model trained until then is in {tmp_path / 'run'}" in words
    assert "Traceback" not in done.stderr
    assert len(artifact.load(tmp_path / "run").history.steps["loss"]) == 80  # the step is finished
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.filterwarnings("always::taciturn.core.errors.TaciturnWarning")
def test_an_interrupt_while_the_report_is_made_keeps_the_model(tmp_path, monkeypatch):
    from taciturn import report

    def interrupted(*given, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "report", interrupted)
    result = CliRunner().invoke(app, ["fit", "digits", "--latents", "4", "--epochs", "1", "-o", str(tmp_path / "run")])
    assert result.exit_code == 130
    words = " ".join(output_text(result).split())
    assert "interrupted while the report was made; the model trained until then is in" in words
    assert artifact.load(tmp_path / "run").metrics["rows_kind"] == "held-out"


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGKILL", -9)])
def test_a_signal_before_the_first_step_leaves_nothing(tmp_path, name, status):
    code = INTERRUPTED.format(step=1, signal=name, out=str(tmp_path / "run"))
    code = code.replace("training import run", "training.step import Step as run").replace("update", "initialise")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == status
    assert status < 0 or "interrupted; nothing was written" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("always::taciturn.core.errors.TaciturnWarning")
def test_a_header_of_numbers_is_announced_and_an_option_decides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).random((50, 4)).round(3)
    pd.DataFrame(rows, columns=["2019", "2020", "2021", "2022"]).to_csv("gdp.csv", index=False)
    result = run("fit", "gdp.csv", "--epochs", 1, "--no-report", "-o", "names")
    assert "warning: gdp.csv: the first line (2019, 2020, 2021, 2022) is read as names" in " ".join(
        output_text(result).split()
    )
    assert artifact.load(Path("names")).rows.columns == ["2019", "2020", "2021", "2022"]
    for command in ("encode", "denoise"):
        run(command, "names", "gdp.csv", "-o", "out.npy")
        assert len(np.load("out.npy")) == 50
    run("fit", "gdp.csv", "--epochs", 1, "--no-report", "--no-header", "--held-out", 0, "-q", "-o", "row")
    assert "header = false" in Path("row/recipe.toml").read_text()
    run("encode", "row", "-o", "all.npy")  # the run's own rows, by the recorded choice
    run("encode", "row", "gdp.csv", "-o", "again.npy")
    assert len(np.load("all.npy")) == len(np.load("again.npy")) == 51
    run("encode", "row", "gdp.csv", "--header", "-o", "other.npy")
    assert len(np.load("other.npy")) == 50


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_a_signal_that_the_process_ignores_stays_ignored():
    """As SIGHUP under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        try:
            with as_interrupts():
                os.kill(os.getpid(), signal.SIGHUP)
        except KeyboardInterrupt:
            pytest.fail("interrupted")
        with pytest.raises(KeyboardInterrupt), as_interrupts():
            os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
