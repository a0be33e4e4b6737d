"""ONNX files give what the estimators give: every coding layer, scaling, type and computation."""

import functools
import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import taciturn
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import RecipeError, TaciturnError, TargetMissed
from taciturn.data.variables import EncodedRows
from taciturn.inference import agreement, to_onnx
from taciturn.inference.agreement import check_agreement
from taciturn.inference.program import Program
from taciturn.model.coding_layers import Tanh
from taciturn.training import Settings
from test_mixed_tables import people

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

ROWS = np.random.default_rng(0).normal(size=(1000, 5)) * [1, 2, 3, 4, 5] + [0, 0, 1000, 0, -7]
UNIT = (ROWS - ROWS.min(0)) / np.ptp(ROWS, axis=0)
LAYERS = {
    "identity": lambda: DenoisingAutoencoder(8, activation="identity"),
    "relu": lambda: DenoisingAutoencoder(8, activation="relu"),
    "elu": lambda: DenoisingAutoencoder(8, activation="elu"),
    "tanh": lambda: DenoisingAutoencoder(8, activation="tanh"),
    "sigmoid": lambda: SparseAutoencoder(8),
    "topk": lambda: DictionaryAutoencoder(600, k=3),
    "signed topk": lambda: SparseAutoencoder(16, sparsity="topk:3,signed=true"),
    "batch_topk": lambda: DictionaryAutoencoder(16, k=3, sparsity="batch_topk"),
    "jumprelu": lambda: DictionaryAutoencoder(16, k=3, sparsity="jumprelu"),
    "gated": lambda: DictionaryAutoencoder(16, k=3, sparsity="gated"),
    "refined": lambda: DictionaryAutoencoder(16, k=3, refine=2),
    "tied": lambda: SparseAutoencoder(16, sparsity="topk:3", tied=True),
    "not centred": lambda: SparseAutoencoder(16, sparsity="topk:3"),
    "two hidden layers": lambda: DenoisingAutoencoder((12, 10, 6), activation=("elu", "tanh"), tied=True),
}
SCALINGS = ["none", "standard", "minmax", "mean_norm", "uint8", "whiten"]
TYPES = ["float32", "float64"]
WHATS = ["encode", "denoise", "decode"]
ALL = [(layer, scaling, dtype, what) for layer in LAYERS for scaling in SCALINGS for dtype in TYPES for what in WHATS]
# every pair of the four but layer and scaling; TACITURN_ALL_EXPORTS=1 tests all 504
SOME = [(layer, SCALINGS[i % 6], TYPES[j], WHATS[(i // 3 + j) % 3]) for i, layer in enumerate(LAYERS) for j in range(2)]
CASES = ALL if os.environ.get("TACITURN_ALL_EXPORTS") else SOME


@pytest.fixture(scope="module", autouse=True)
def _read_torchs_operators_once():
    """Let torch's exporter describe its operators once, not for each file: this halves the time."""
    with pytest.MonkeyPatch.context() as patch:
        from onnxscript._framework_apis import torch_2_5

        patch.setattr(torch_2_5, "get_torchlib_ops", functools.cache(torch_2_5.get_torchlib_ops))
        yield


@functools.cache
def fitted(layer, scaling="standard"):
    rows = UNIT if scaling == "none" else ROWS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TargetMissed)  # one epoch may be too short for an L0
        return LAYERS[layer]().set_params(scaling=scaling, max_iter=1, random_state=0).fit(rows)


def dense(codes):
    return codes.toarray() if hasattr(codes, "toarray") else codes


def session(file):
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


def run(file, x):
    file = session(file)
    return file.run(None, {file.get_inputs()[0].name: x})[0]


def python(model, what, x):
    return dense({"encode": model.transform, "denoise": model.denoise, "decode": model.inverse_transform}[what](x))


def assert_agrees(file, model, what, x):
    """Compare in units of the outputs' spread; in float32, two nearly equal latents may change places in few rows."""
    for n in (1, 7, len(x)):
        output, expected = run(file, x[:n]), python(model, what, x[:n])
        assert output.dtype == x.dtype
        assert output.shape == expected.shape
        spread = np.abs(expected).max() if what == "encode" else model.module_.target_scale.numpy()
        rounding = 4 * np.finfo(x.dtype).eps * np.abs(expected)
        wrong = (np.abs(output - expected) > (1e-4 if x.dtype == np.float32 else 1e-9) * spread + rounding).any(1)
        assert wrong.sum() <= (n // 200 if x.dtype == np.float32 else 0)
    assert run(file, x[:0]).shape == (0, expected.shape[1])


def test_the_cases_cover_pairs():
    layers, scalings, types, whats = (sorted({case[i] for case in SOME}) for i in range(4))
    assert (len(layers), len(scalings), len(types), len(whats)) == (14, 6, 2, 3)
    for i, j, n in ((0, 2, 28), (0, 3, 28), (1, 2, 12), (1, 3, 18), (2, 3, 6)):
        assert len({(case[i], case[j]) for case in SOME}) == n


@pytest.mark.parametrize(("layer", "scaling", "dtype", "what"), CASES)
def test_it_agrees_with_python(layer, scaling, dtype, what, tmp_path):
    model = fitted(layer, scaling)
    model.to_onnx(tmp_path / "model.onnx", what, dtype=dtype)
    x = (UNIT if scaling == "none" else ROWS).astype(dtype)
    assert_agrees(tmp_path / "model.onnx", model, what, dense(model.transform(x)) if what == "decode" else x)


def test_gates_are_computed_in_float64(tmp_path):
    """Their scale is the exponential of a parameter: of a float32 exponential the error would be 1e-8 and more."""
    model = fitted("gated")
    model.to_onnx(tmp_path / "model.onnx", dtype="float64")
    assert_agrees(tmp_path / "model.onnx", model, "encode", ROWS)


def test_a_column_far_from_0_keeps_its_digits(tmp_path):
    """float32 numbers near 10⁶ are 1/16 apart: one such number as the shift would move all rows by up to 1/32."""
    rows = np.random.default_rng(1).normal(size=(500, 4)).astype(np.float32) + np.float32([0, 1e6, -1e6, 0])
    model = DenoisingAutoencoder(8, max_iter=3, random_state=0).fit(rows)
    shift = model.module_.shift.numpy()
    assert np.abs(shift - shift.astype(np.float32)).max() > 0.01
    for what in ("encode", "denoise"):
        model.to_onnx(tmp_path / f"{what}.onnx", what)
    codes, recon = run(tmp_path / "encode.onnx", rows), run(tmp_path / "denoise.onnx", rows)
    np.testing.assert_allclose(codes, model.transform(rows.astype(np.float64)), atol=2e-5)
    errors = recon - model.denoise(rows.astype(np.float64))
    assert np.abs(errors).max() <= 1 / 16
    assert np.abs(errors.mean(0)).max() < 0.005  # of rounding alone: 0.001


@pytest.mark.parametrize("scaling", ["standard", "whiten"])
def test_a_float32_file_has_no_float64_in_it(scaling, tmp_path):
    for what in WHATS:
        fitted("refined", scaling).to_onnx(tmp_path / f"{what}.onnx", what)
        graph = onnx.load(tmp_path / f"{what}.onnx").graph
        types = {number.data_type for number in graph.initializer}
        types |= {value.type.tensor_type.elem_type for value in (*graph.input, *graph.output, *graph.value_info)}
        assert types <= {onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.BOOL}
        assert not any(node.op_type == "Cast" for node in graph.node)


def test_the_file_describes_itself(tmp_path):
    frame = pd.DataFrame(ROWS[:, :3], columns=["länge", "width", "height"])
    model = DenoisingAutoencoder(8, max_iter=1, random_state=0).fit(frame)
    model.to_onnx(tmp_path / "model.onnx", "denoise")
    file = session(tmp_path / "model.onnx")
    (rows,), (reconstruction,) = file.get_inputs(), file.get_outputs()
    assert (rows.name, rows.type, rows.shape) == ("rows", "tensor(float)", ["batch", 3])
    assert (reconstruction.name, reconstruction.shape) == ("reconstruction", ["batch", 3])
    texts = file.get_modelmeta().custom_metadata_map
    assert json.loads(texts["columns"]) == ["länge", "width", "height"]
    assert Settings.from_dict(json.loads(texts["settings"])) == model.settings_
    assert texts["what"] == "denoise"
    assert texts["taciturn"] == taciturn.__version__
    content = onnx.load(tmp_path / "model.onnx")
    assert [each.version for each in content.opset_import] == [18]
    onnx.checker.check_model(content, full_check=True)
    # torch notes where each operator comes from: paths and lines of Python files
    assert str(Path(taciturn.__file__).parent).encode() not in (tmp_path / "model.onnx").read_bytes()


@pytest.mark.parametrize("layer", ["relu", "topk", "signed topk", "jumprelu", "gated"])
def test_a_missing_value_enters_as_the_columns_mean(layer, tmp_path):
    model, rows = fitted(layer), ROWS[:3].astype(np.float32)
    rows[1, 2] = np.nan
    for what, expected in (("encode", dense(model.transform(rows))), ("denoise", model.denoise(rows))):
        model.to_onnx(tmp_path / f"{what}.onnx", what)
        np.testing.assert_allclose(run(tmp_path / f"{what}.onnx", rows), expected, atol=1e-4)


def test_a_model_with_blind_spots_is_not_denoised(tmp_path):
    model = DenoisingAutoencoder(4, corruption="blind_spot:0.2", max_iter=1, random_state=0).fit(ROWS)
    with pytest.raises(RecipeError, match="denoises in many passes; set what='encode'"):
        model.to_onnx(tmp_path / "model.onnx", "denoise")
    model.to_onnx(tmp_path / "model.onnx")
    np.testing.assert_allclose(run(tmp_path / "model.onnx", ROWS.astype(np.float32)), model.transform(ROWS), atol=1e-4)


def test_of_equal_latents_the_first_are_selected(tmp_path):
    """As in Python. A model in which all latents tie is not refused."""
    model = DictionaryAutoencoder(16, k=3, scaling="none", max_iter=1, random_state=0).fit(UNIT)
    with torch.no_grad():
        layer = model.module_.encoder[0]
        layer.weight.copy_(layer.weight[:4].repeat(4, 1))
        layer.bias.zero_()
    model.to_onnx(tmp_path / "model.onnx")
    x = UNIT[:200].astype(np.float32)
    codes = run(tmp_path / "model.onnx", x)
    np.testing.assert_allclose(codes, dense(model.transform(x)), atol=1e-5)
    z = (x - model.module_.decoder[0].bias.detach().numpy()) @ layer.weight.detach().numpy()[:4].T
    best = z.argmax(1)  # its four copies tie: the first three are selected
    clear = np.sort(z, axis=1)[:, -1] > 1e-3
    for copies in range(4):
        active = codes[np.arange(len(x)), best + 4 * copies] != 0
        assert active[clear].all() if copies < 3 else not active.any()


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    model, file = fitted("relu"), tmp_path / "model.onnx"
    monkeypatch.setattr(agreement, "MAX_ERROR", {torch.float32: -1.0})
    monkeypatch.setattr(agreement, "MAX_FACTOR", -1.0)
    with pytest.raises(
        TaciturnError, match=r"model\.onnx would not compute what the model computes .*it is not written"
    ):
        model.to_onnx(file)
    assert list(tmp_path.iterdir()) == []
    file.write_text("old")
    with pytest.raises(TaciturnError, match="would not compute"):
        model.to_onnx(file, overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]
    assert file.read_text() == "old"


def test_an_existing_file_is_replaced_on_request_only(tmp_path):
    file = tmp_path / "model.onnx"
    file.write_text("old")
    with pytest.raises(TaciturnError, match=r"model\.onnx exists; choose another name, or overwrite it"):
        fitted("relu").to_onnx(file)
    assert file.read_text() == "old"
    fitted("relu").to_onnx(file, overwrite=True)
    assert run(file, ROWS[:2].astype(np.float32)).shape == (2, 8)


@pytest.mark.parametrize("layer", ["relu", "topk", "gated"])
@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize("dtype", TYPES)
def test_a_wrong_program_is_noticed(layer, what, dtype):
    """By its outputs, also where one column alone is wrong, and by their shape and type."""
    module = fitted(layer).to_artifact().inference_module()
    program = Program(module, what, dtype)

    def check(wrong):
        check_agreement(program, module, lambda x: wrong(program(torch.from_numpy(x)).numpy()), "model.onnx")

    check(lambda y: y)
    factor = np.ones(program.output_width, dtype)
    factor[0 if what != "encode" else program(program_inputs(program, module)).abs().sum(0).argmax()] = 1.01
    with pytest.raises(TaciturnError, match="would not compute"):
        check(lambda y: y * factor)
    with pytest.raises(TaciturnError, match="would not compute"):
        check(lambda y: y * np.nan)
    with pytest.raises(TaciturnError, match=r"would give float16 \[0, "):
        check(lambda y: y.astype(np.float16))
    with pytest.raises(TaciturnError, match=r"for 1 rows"):
        check(lambda y: y[:0])


def program_inputs(program, module):
    return agreement._inputs(program, module.double())


def test_a_model_above_the_largest_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["taciturn.inference.to_onnx"], "MAX_BYTES", 100)
    with pytest.raises(TaciturnError, match=r"GB of numbers, but one ONNX file holds at most 1\.6 GB; write a \.pt2"):
        fitted("relu").to_onnx(tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        RecipeError, match=r"^to_onnx needs onnx, onnxscript and onnxruntime: pip install 'taciturn\[onnx\]'$"
    ):
        fitted("relu").to_onnx(tmp_path / "model.onnx")


def test_an_operator_that_onnx_lacks(tmp_path, monkeypatch):
    model = DenoisingAutoencoder(8, output_activation="tanh", scaling="none", max_iter=1, random_state=0).fit(UNIT)
    monkeypatch.setattr(Tanh, "activate", lambda self, pre: torch.special.i1(pre))  # Bessel's function
    with pytest.raises(
        TaciturnError, match=r"model\.onnx: torch cannot express the model in ONNX: No ONNX function .*bessel_i1"
    ) as error:
        model.to_onnx(tmp_path / "model.onnx", "denoise")
    assert len(str(error.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_unknown_names_are_refused(tmp_path):
    module = fitted("relu").to_artifact().inference_module()
    with pytest.raises(RecipeError, match="what='code' is none of encode, denoise, decode"):
        to_onnx(module, tmp_path / "model.onnx", "code")
    with pytest.raises(RecipeError, match="dtype='half' is none of float32, float64"):
        to_onnx(module, tmp_path / "model.onnx", dtype="half")


def test_a_scaling_beyond_float32_needs_float64(tmp_path):
    rows = ROWS * 1e100
    model = DenoisingAutoencoder(8, max_iter=1, random_state=0).fit(rows)
    with pytest.raises(RecipeError, match="the scaling has numbers beyond the range of float32; set dtype='float64'"):
        model.to_onnx(tmp_path / "model.onnx", "denoise")
    model.to_onnx(tmp_path / "model.onnx", "denoise", dtype="float64")
    assert_agrees(tmp_path / "model.onnx", model, "denoise", rows)


@pytest.mark.parametrize("what", WHATS)
def test_a_file_of_a_table_gives_what_the_estimator_gives(what, tmp_path):
    table = people(200)
    model = DenoisingAutoencoder(8, max_iter=2, random_state=0).fit(table)
    model.to_onnx(tmp_path / "a.onnx", what)
    rows = EncodedRows(model.variables_.source(table).read(0, 200).astype(np.float32), model.variables_)
    x = model.transform(rows) if what == "decode" else rows.array
    expected = model.transform(rows) if what == "encode" else model.denoise(rows)
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    np.testing.assert_allclose(session.run(None, {session.get_inputs()[0].name: x})[0], expected, rtol=1e-3, atol=1e-4)
    assert len(json.loads(session.get_modelmeta().custom_metadata_map["encoding"])) == rows.array.shape[1]
