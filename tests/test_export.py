"""Programs of torch.export, and the command that writes a run's model in the format of another program."""

import datetime
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from commandline import output_text, run
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, load
from taciturn.core.errors import RecipeError, TaciturnError
from taciturn.data.variables import EncodedRows
from taciturn.inference import agreement
from taciturn.training import Settings
from test_mixed_tables import people

ROWS = np.random.default_rng(0).normal(size=(300, 5)) * [1, 2, 3, 4, 5] + [0, 0, 1e6, 0, -7]
WHATS = {"encode": "transform", "denoise": "denoise", "decode": "inverse_transform"}
ESTIMATORS = {
    "topk": DictionaryAutoencoder(600, k=3),
    "refined and whitened": DictionaryAutoencoder(16, k=3, refine=1, scaling="whiten"),
    "gated": DictionaryAutoencoder(16, k=3, sparsity="gated"),
    "deep and tied": DenoisingAutoencoder((12, 10, 6), activation=("elu", "sigmoid"), tied=True),
}


TABLE = people(200)


@pytest.mark.parametrize("what", WHATS)
def test_a_program_of_a_table_gives_what_the_estimator_gives(what, tmp_path):
    model = DenoisingAutoencoder(8, max_iter=2, random_state=0).fit(TABLE)
    model.to_torch_export(tmp_path / "a.pt2", what, dtype="float64")
    rows = EncodedRows(model.variables_.source(TABLE).read(0, 200), model.variables_)
    x = model.transform(TABLE) if what == "decode" else rows.array
    expected = model.transform(rows) if what == "encode" else model.denoise(rows)
    program = torch.export.load(tmp_path / "a.pt2").module()
    for n in (0, 1, 200):
        np.testing.assert_allclose(program(torch.from_numpy(x[:n])).numpy(), expected[:n], rtol=1e-9, atol=1e-9)


def test_a_file_tells_the_encoding_of_a_table(tmp_path):
    table = TABLE.assign(
        half=np.where(TABLE["member"], 0.5, 1.5),
        large=2**60 + np.arange(200),
        noon=TABLE["day"] + pd.Timedelta(hours=12, seconds=1.5),
        taken=pd.to_timedelta(np.arange(5, 205), unit="h"),
        hour=[datetime.time(8 + i % 7, 30) for i in range(200)],
    )
    table.loc["r0", "town"] = None
    model = DenoisingAutoencoder(8, max_iter=1, variables={"half": "category"}, random_state=0).fit(table)
    model.to_torch_export(tmp_path / "a.pt2")
    torch.export.load(tmp_path / "a.pt2", extra_files=(texts := {"encoding": ""}))
    encoding = json.loads(texts["encoding"])
    assert tuple(entry["column"] for entry in encoding) == model.variables_.columns
    assert all(entry["missing"] == "NaN" for entry in encoding)
    first = {entry["variable"]: entry for entry in reversed(encoding)}
    value = {"value": "the number", "missing": "NaN"}
    assert first["height"] == {"column": "height", "variable": "height", "kind": "number"} | value
    assert first["age"] == {"column": "age", "variable": "age", "kind": "integer"} | value
    assert first["member"]["value"] == "1 for True, 0 for False"
    assert [entry["level"] for entry in encoding if entry["variable"] == "town"] == ["Oslo", "Rome"]
    assert [entry["level"] for entry in encoding if entry["variable"] == "half"] == [{"float": "0.5"}, {"float": "1.5"}]
    assert {entry["unseen"] for entry in encoding if entry["kind"] == "category"} == {0}
    assert (first["large"]["value"], first["large"]["offset"]) == ("number - offset", str(2**60))
    dates = {name: (first[name]["offset"], first[name]["step"]) for name in ("day", "noon", "taken", "hour")}
    earliest = str(table["day"].min().date())
    assert dates == {
        "day": (earliest, "1 day"),
        "noon": (f"{earliest}T12:00:01.5", "1 day"),
        "taken": (f"{5 * 3600 * 10**9} nanoseconds", "1 hour"),
        "hour": ("08:30:00", "1 hour"),
    }
    assert first["taken"]["value"] == "(duration - offset) / step"
    rows = model.variables_.source(table).read(0, 200)
    days = (table["noon"] - pd.Timestamp(dates["noon"][0])) / pd.Timedelta(dates["noon"][1])
    np.testing.assert_array_equal(rows[:, model.variables_.columns.index("noon")], days)


def test_arrays_of_a_table_tell_its_encoding_or_are_refused(tmp_path):
    dates = DenoisingAutoencoder(2, max_iter=1, random_state=0).fit(TABLE[["height", "day"]])
    dates.to_npz(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        assert [entry["kind"] for entry in json.loads(str(arrays["encoding"]))] == ["number", "date"]
    model = DenoisingAutoencoder(2, max_iter=1, random_state=0).fit(TABLE)
    for write in (model.to_npz, model.to_mat):
        with pytest.raises(RecipeError, match=r"no outputs for booleans and categories; write an \.onnx or \.pt2 file"):
            write(tmp_path / f"b.{write.__name__[3:]}")
    with pytest.raises(RecipeError, match=r"Keras has no layer for booleans and categories; write an \.onnx"):
        model.to_keras()


def dense(codes):
    return codes.toarray() if hasattr(codes, "toarray") else codes


@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_program_gives_what_the_estimator_gives(name, what, tmp_path):
    model = ESTIMATORS[name].set_params(max_iter=1, random_state=0).fit(ROWS)
    for dtype, rounding in ((np.float64, 1e-9), (np.float32, 2e-4)):
        file = tmp_path / f"{np.dtype(dtype)}.pt2"
        model.to_torch_export(file, what, dtype=str(np.dtype(dtype)))
        program, x = torch.export.load(file).module(), ROWS.astype(dtype)
        x = dense(model.transform(x)) if what == "decode" else x
        expected = dense(getattr(model, WHATS[what])(x))
        spread = np.abs(expected).max() if what == "encode" else ROWS.std(0)
        for n in (0, 1, 7, 300):
            output = program(torch.from_numpy(x[:n])).numpy()
            assert output.dtype == dtype
            wrong = np.abs(output - expected[:n]) > rounding * spread + 4 * np.finfo(dtype).eps * np.abs(expected[:n])
            assert wrong.any(1).sum() <= (n // 100 if dtype == np.float32 else 0)  # nearly equal latents


def test_a_program_describes_itself_and_holds_what_it_uses(tmp_path):
    model = DictionaryAutoencoder(5000, k=3, max_iter=1, random_state=0).fit(ROWS)
    model.to_torch_export(tmp_path / "codes.pt2")
    model.to_torch_export(tmp_path / "recon.pt2", "denoise")
    texts = dict.fromkeys(["what", "settings"], "")
    torch.export.load(tmp_path / "codes.pt2", extra_files=texts)
    assert texts["what"] == "encode"
    assert Settings.from_dict(json.loads(texts["settings"])) == model.settings_
    # 5 · 5,000 weights and 5,000 biases; to denoise, 5 · 5,000 more
    assert (tmp_path / "codes.pt2").stat().st_size == pytest.approx(120_000, abs=40_000)
    assert (tmp_path / "recon.pt2").stat().st_size == pytest.approx(220_000, abs=40_000)


def test_a_program_needs_no_taciturn(tmp_path):
    model = SparseAutoencoder(8, max_iter=1, random_state=0).fit(ROWS)
    model.to_torch_export(tmp_path / "codes.pt2")
    np.save(tmp_path / "rows.npy", ROWS[:3].astype(np.float32))
    code = (
        "import sys; sys.modules['taciturn'] = None\n"
        "import numpy as np, torch\n"
        "compute = torch.export.load('codes.pt2').module()\n"
        "np.save('codes.npy', compute(torch.from_numpy(np.load('rows.npy'))).numpy())"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    expected = model.transform(ROWS[:3].astype(np.float32))
    np.testing.assert_allclose(np.load(tmp_path / "codes.npy"), expected, atol=1e-5)


def test_a_program_that_is_refused_leaves_nothing(tmp_path, monkeypatch):
    model = SparseAutoencoder(8, max_iter=1, random_state=0).fit(ROWS)
    with pytest.raises(RecipeError, match=r"codes\.pt does not end with \.pt2"):
        model.to_torch_export(tmp_path / "codes.pt")
    monkeypatch.setattr(agreement, "MAX_ERROR", {torch.float32: -1.0})
    monkeypatch.setattr(agreement, "MAX_FACTOR", -1.0)
    with pytest.raises(TaciturnError, match=r"codes\.pt2 would not compute what the model computes"):
        model.to_torch_export(tmp_path / "codes.pt2")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "codes.pt2").write_text("old")
    with pytest.raises(TaciturnError, match=r"codes\.pt2 exists"):
        model.to_torch_export(tmp_path / "codes.pt2")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    model = DictionaryAutoencoder(16, k=3, max_iter=1, random_state=0).fit(ROWS)
    model.save(folder / "table")
    return folder / "table"


@pytest.mark.parametrize(("to", "package"), [("onnx", "onnxruntime"), ("pt2", "torch")])
@pytest.mark.parametrize(("what", "source"), [("encode", "rows"), ("decode", "codes")])
def test_the_command_writes_a_file_and_prints_how_to_use_it(to, package, what, source, table, tmp_path, monkeypatch):
    imported = pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    done = run("export", table, "--to", to, "--what", what)
    (file,) = tmp_path.iterdir()
    assert file.name == f"table-{what}.{to}"
    sizes = {"encode": ("rows: float32 [batch, 5]", "codes: float32 [batch, 16]")}
    sizes["decode"] = ("codes: float32 [batch, 16]", "reconstruction: float32 [batch, 5]")
    for words in (file.name, " MB", *sizes[what]):
        assert words in output_text(done)
    model = load(table)
    rows = ROWS.astype(np.float32).astype(np.float64)  # users' rows may be float64
    codes = dense(model.transform(rows))
    given = {package: imported, "rows": rows, "codes": codes, "torch": torch}
    given = {name: given[name] for name in {package, "torch", source}}
    exec("\n".join(done.output.splitlines()[-2:]), given)
    output, expected = (given["codes"], codes) if what == "encode" else (given["reconstruction"], model.denoise(rows))
    np.testing.assert_allclose(np.asarray(output), expected, rtol=1e-6, atol=1e-3)


def test_the_command_refuses_in_one_line(table, tmp_path):
    file = tmp_path / "model.pt2"
    file.write_text("old")
    for arguments, code, message in (
        (["--to", "tflite"], 2, "--to tflite is none of onnx, "),
        (["--to", "pt2", "--what", "code"], 2, "--what code is none of encode, denoise, decode"),
        (["--to", "pt2", "-o", file], 1, "model.pt2 exists; choose another name, or overwrite it (--overwrite"),
        (["--to", "pt2", "-o", tmp_path / "model"], 2, "model does not end with .pt2"),
        (["--to", "pt2", "-o", table / "weights.safetensors"], 2, "is a part of the run"),
    ):
        assert message in output_text(run("export", table, *arguments, code=code))
    assert file.read_text() == "old"
    run("export", table, "--to", "pt2", "-o", file, "--overwrite")
    assert torch.export.load(file).module()(torch.zeros(2, 5)).shape == (2, 16)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["model.pt2"]


@pytest.mark.filterwarnings("always::taciturn.core.errors.TaciturnWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's torch backend and NumPy 2
@pytest.mark.parametrize(("to", "words"), [("npz", "np.load('"), ("mat", "m = load('"), ("keras", "load_model('")])
def test_a_file_of_the_whole_network(to, words, table, tmp_path, monkeypatch):
    if to == "keras":
        pytest.importorskip("keras")
    monkeypatch.chdir(tmp_path)
    done = run("export", table, "--to", to)
    name = f"{table.name}.{to}"
    assert (tmp_path / name).stat().st_size > 0
    assert f"{words}{name}')" in output_text(done)
    run("export", table, "--to", to, code=1)
    run("export", table, "--to", to, "--overwrite")
    run("export", table, "--to", to, "--what", "encode", code=2)
