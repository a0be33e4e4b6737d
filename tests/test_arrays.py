"""The arrays of .npz and .mat files with their programs give the estimators' numbers, in NumPy and in Octave."""

import json
import re
import zipfile
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.io import loadmat, savemat

import taciturn
from octave import needs_octave, run_octave
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, from_arrays
from taciturn.core.errors import RecipeError, TaciturnError
from taciturn.inference import to_arrays, write_npz
from taciturn.model import Autoencoder, InferenceModule, Layout
from taciturn.model.coding_layers import ReLU, TopK

pytestmark = pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")

RNG = np.random.default_rng(0)
ROWS = RNG.normal([3, 0, 1e6, 0.1, -7], [1, 5, 2, 0.1, 3], (40, 5))
UNIT_ROWS = RNG.random((40, 5))  # in [0, 1]
ACTIVATIONS = ("identity", "relu", "elu", "tanh", "sigmoid")
CODING_LAYERS = {
    **{name: {"activation": name, "sparsity": None} for name in ACTIVATIONS},
    "topk": {"sparsity": "topk:3"},
    "signed": {"sparsity": "topk:3,signed=true"},
    "batch_topk": {"sparsity": "batch_topk:3"},
    "jumprelu": {"sparsity": "jumprelu"},
    "gated": {"sparsity": "gated+l1:weight=0.01+gated_aux"},
}
SCALINGS = {"none": "sigmoid", "standard": "identity", "minmax": "sigmoid", "whiten": "tanh", "mean_norm": "elu"}
DICTIONARIES = {
    "dictionary": {},
    "dictionary l1": {"sparsity": "l1"},
    "dictionary refined": {"refine": 2},
    "dictionary refined gated": {"refine": 1, "sparsity": "gated"},
    "dictionary refined jumprelu": {"refine": 1, "sparsity": "jumprelu", "scaling": "whiten"},
    "dictionary ranked": {"refine": 1, "scaling": "rank_gauss"},
    "dictionary by row": {"refine": 1, "scaling": "row_norm"},
    "dictionary of layer norm": {"scaling": "layer_norm"},
    "dictionary clipped": {"scaling": "row_norm:clip=0.9,per_column=true"},
    "dictionary batch_topk": {"sparsity": "batch_topk"},
}


def moved(model):
    """Return the model with biases and numbers of the coding layer that a short training would leave near 0."""
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.module_.named_parameters():
            if "weight" not in name or "coder" in name:
                parameter += 0.2 * torch.randn(parameter.shape, generator=rng).abs()
    return model


def model_of(coding, scaling, hidden, tied):
    rows = UNIT_ROWS if scaling == "none" else ROWS
    parameters = dict(CODING_LAYERS[coding])
    parameters["activation"] = (ACTIVATIONS[list(SCALINGS).index(scaling)], parameters.get("activation", "relu"))
    model = SparseAutoencoder(
        (7, 6) if hidden else 9,
        scaling=scaling,
        output_activation=SCALINGS[scaling],
        tied=tied,
        max_iter=1,
        random_state=0,
        **parameters,
    )
    return moved(model.fit(rows)), rows


def all_models():
    for parts in product(CODING_LAYERS, SCALINGS, (False, True), (False, True)):
        coding, scaling, hidden, tied = parts
        name = f"{coding}, {scaling}{', hidden' if hidden else ''}{', tied' if tied else ''}"
        if coding == "gated" and hidden:
            continue  # its auxiliary term requires one layer
        yield name, *model_of(*parts)
    for name, parameters in DICTIONARIES.items():
        yield name, moved(DictionaryAutoencoder(12, k=3, max_iter=1, random_state=0, **parameters).fit(ROWS)), ROWS
    pairs = DenoisingAutoencoder(8, max_iter=1, random_state=0).fit(ROWS, target=1000 + 50 * ROWS)
    yield "pairs", moved(pairs), ROWS


@pytest.fixture(scope="module")
def models():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: (model, rows) for name, model, rows in all_models()}


def dense(codes):
    return codes.toarray() if hasattr(codes, "toarray") else codes


def run_numpy(lines, folder, rows, monkeypatch):
    """Return what the program computes in an empty namespace: the codes H and the denoised rows Y."""
    monkeypatch.chdir(folder)
    namespace = {"X": rows}
    exec(lines, namespace)
    return namespace["H"], namespace["Y"]


def errors(model, rows, codes, denoised):
    """Return the largest error of codes as a share of the largest code, and that of rows in scaled units likewise.

    In scaled units a column near 10⁶ counts by its spread: an error of 10⁻⁵ there is 10⁻⁵ of the spread, not of 10⁶.
    """
    expected, expected_rows = dense(model.transform(rows)), model.denoise(rows)
    code_error = np.abs(codes - expected).max() / np.abs(expected).max()
    shift, scale = model.module_.target_shift.numpy(), model.module_.target_scale.numpy()
    resolution = 2.0**-23 * np.abs(denoised) if rows.dtype == np.float32 else 0
    row_error = np.maximum(np.abs(denoised - expected_rows) - resolution, 0) / scale
    return code_error, row_error.max() / np.abs((expected_rows - shift) / scale).max()


def test_numpy_gives_the_estimators_numbers(models, tmp_path, monkeypatch):
    for name, (model, rows) in models.items():
        lines = model.to_npz(tmp_path / f"{name}.npz")
        # the estimator computes the gates' scales in float64; the files hold them in float32
        for dtype, most in ((np.float64, 1e-6 if "gated" in name else 1e-12), (np.float32, 1e-5)):
            typed = rows.astype(dtype)
            code_error, row_error = errors(model, typed, *run_numpy(lines, tmp_path, typed, monkeypatch))
            assert code_error < most, (name, dtype)
            assert row_error < most, (name, dtype)
        for few in (rows[:1], rows[:0]):
            codes, denoised = run_numpy(lines, tmp_path, few, monkeypatch)
            assert codes.shape == (len(few), model.module_.layout.widths[-1])
            assert denoised.shape == few.shape


@needs_octave
def test_octave_gives_the_estimators_numbers(models, tmp_path):
    script = []
    for number, (model, rows) in enumerate(models.values()):
        lines = model.to_mat(tmp_path / f"model {number}.mat")
        savemat(tmp_path / f"rows_{number}.mat", {"rows": rows, "single_rows": rows.astype(np.float32)})
        script.append(f"load('rows_{number}.mat'); X = rows;\n{lines}\ncodes = H; denoised = Y;")
        script.append(f"X = single_rows;\n{lines}\nsingle_codes = H; single_denoised = Y;")
        script.append(f"X = rows(1, :);\n{lines}\none = size(H); one_row = size(Y);")
        script.append(f"X = rows([], :);\n{lines}\nno = size(H); no_row = size(Y);")
        names = "'codes', 'denoised', 'single_codes', 'single_denoised', 'one', 'one_row', 'no', 'no_row'"
        script.append(f"save('-v7', 'out_{number}.mat', {names}); clear all;")
    run_octave(tmp_path, "\n".join(script))
    for number, (name, (model, rows)) in enumerate(models.items()):
        out, n_latents = loadmat(tmp_path / f"out_{number}.mat"), model.module_.layout.widths[-1]
        most = 1e-6 if "gated" in name else 1e-12
        assert max(errors(model, rows, out["codes"], out["denoised"])) < most, name
        single = rows.astype(np.float32)
        assert max(errors(model, single, out["single_codes"], out["single_denoised"])) < 1e-5, name
        sizes = [out[key].ravel().tolist() for key in ("one", "one_row", "no", "no_row")]
        assert sizes == [[1, n_latents], [1, 5], [0, n_latents], [0, 5]], name


def test_a_network_that_no_estimator_has(tmp_path, monkeypatch):
    """Tied weights with refinements, which only a layout of one's own sets."""
    layout = Layout((5, 8), TopK(2), tied=True, centred=True, refine=2)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0)).double()
    settings = DenoisingAutoencoder(8, max_iter=1).fit(ROWS).settings_
    lines = write_npz(InferenceModule(model), tmp_path / "model.npz", settings=settings)
    codes, denoised = run_numpy(lines, tmp_path, UNIT_ROWS, monkeypatch)
    rows = torch.from_numpy(UNIT_ROWS)
    assert_allclose(codes, model.encode(rows).dense().detach(), atol=1e-12)
    assert_allclose(denoised, model(rows).detach(), atol=1e-12)


# (estimator, rows, lines of NumPy, lines of MATLAB), without comments
COMMON = {
    "sigmoid, in [0, 1]": (SparseAutoencoder(8), UNIT_ROWS, 7, 6),
    "sigmoid, standardised": (SparseAutoencoder(8), ROWS, 7, 6),
    "tied": (DenoisingAutoencoder(8, tied=True), ROWS, 7, 6),
    "topk": (SparseAutoencoder(8, sparsity="topk:2"), ROWS, 9, 8),
    "dictionary": (DictionaryAutoencoder(8, k=2), ROWS, 9, 8),
    "batch_topk": (DictionaryAutoencoder(8, k=2, sparsity="batch_topk"), ROWS, 7, 6),
    "jumprelu": (DictionaryAutoencoder(8, k=2, sparsity="jumprelu"), ROWS, 7, 6),
    "gated": (DictionaryAutoencoder(8, k=2, sparsity="gated"), ROWS, 7, 6),
    "whitened": (SparseAutoencoder(8, scaling="whiten"), ROWS, 7, 6),
    "a hidden layer": (SparseAutoencoder((8, 4)), ROWS, 9, 8),
    "a hidden layer, in [0, 1]": (SparseAutoencoder((8, 4)), UNIT_ROWS, 9, 8),
    "an ELU hidden layer": (SparseAutoencoder((8, 4), activation=("elu", "sigmoid")), ROWS, 11, 10),
    "refined dictionary": (DictionaryAutoencoder(8, k=2, refine=1), ROWS, 14, 14),
}


@pytest.mark.parametrize("name", COMMON)
def test_programs_are_short(name, tmp_path):
    model, rows, n_numpy, n_matlab = COMMON[name]
    model.set_params(max_iter=1, random_state=0).fit(rows)
    for lines, comment, most in (
        (model.to_npz(tmp_path / "model.npz"), "#", n_numpy),
        (model.to_mat(tmp_path / "model.mat"), "%", n_matlab),
    ):
        statements = [line for line in lines.splitlines() if not line.startswith(comment)]
        assert len(statements) == most, lines
        assert max(map(len, lines.splitlines())) <= 100


@pytest.fixture
def tied_codes():
    """A model, and rows, for which each half of the latents has equal pre-activations, exactly in any order of sums."""
    model = SparseAutoencoder(40, sparsity="topk:2", scaling="none", max_iter=1, random_state=0).fit(UNIT_ROWS)
    with torch.no_grad():
        encoder, decoder = model.module_.encoder[0], model.module_.decoder[0]
        encoder.weight.copy_(torch.tensor([[1.0, 2, 0, 0, 1]] * 20 + [[0.0, 0, 4, -1, 0]] * 20))
        encoder.bias.zero_()
        decoder.weight.copy_(torch.arange(200.0).view(40, 5))
    return model, np.arange(20.0).reshape(4, 5) % 7


def test_of_equal_entries_the_first_are_kept(tied_codes, tmp_path, monkeypatch):
    model, rows = tied_codes
    codes, _ = run_numpy(model.to_npz(tmp_path / "model.npz"), tmp_path, rows, monkeypatch)
    assert_array_equal(np.sort(codes), np.sort(dense(model.transform(rows))))
    assert all(set(row.nonzero()[0]) in ({0, 1}, {20, 21}) for row in codes)


@needs_octave
def test_octave_keeps_the_same_of_equal_entries(tied_codes, tmp_path, monkeypatch):
    model, rows = tied_codes
    codes, denoised = run_numpy(model.to_npz(tmp_path / "model.npz"), tmp_path, rows, monkeypatch)
    savemat(tmp_path / "rows.mat", {"X": rows.astype(np.uint8)})
    lines = model.to_mat(tmp_path / "model.mat")
    run_octave(tmp_path, f"load('rows.mat');\n{lines}\nsave('-v7', 'out.mat', 'H', 'Y');")
    out = loadmat(tmp_path / "out.mat")
    assert_array_equal(out["H"], codes)
    assert_array_equal(out["Y"], denoised)


NAMES = ["age in years", "größe", "日本", "it's", ""]


@pytest.fixture
def named(tmp_path):
    import pandas as pd

    return DenoisingAutoencoder(4, max_iter=1, random_state=0).fit(pd.DataFrame(ROWS, columns=NAMES))


def test_files_hold_names_settings_and_no_pickle(named, tmp_path):
    lines = named.to_npz(tmp_path / "model.npz")
    arrays = dict(np.load(tmp_path / "model.npz", allow_pickle=False))
    assert json.loads(str(arrays["columns"])) == NAMES
    assert str(arrays["program"]) == lines
    assert json.loads(str(arrays["settings"])) == named.settings_.to_dict()
    assert str(arrays["taciturn"]) == taciturn.__version__
    assert arrays["shift"].dtype == arrays["scale"].dtype == np.float64
    assert all(array.dtype.kind in "Ufib" for array in arrays.values())
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        assert archive.testzip() is None
    lines = named.to_mat(tmp_path / "model.mat")
    stored = loadmat(tmp_path / "model.mat")
    assert stored["columns"][0] == str(arrays["columns"])
    assert stored["program"][0] == lines
    assert stored["shift"].shape == (1, 5)
    for name, array in arrays.items():
        if array.dtype.kind != "U":
            assert_array_equal(stored[name], np.atleast_2d(array), err_msg=name)
            assert stored[name].dtype == np.float64


@needs_octave
def test_octave_reads_the_names(named, tmp_path):
    named.to_mat(tmp_path / "größe.mat")
    script = "m = load('größe.mat'); c = jsondecode(m.columns); printf('%s|', c{:}); printf('%s', m.program);"
    program = named.to_mat(tmp_path / "größe.mat", overwrite=True)
    assert run_octave(tmp_path, script).rstrip(" ") == "|".join([*NAMES, program])


def test_any_file_name_can_be_read(named, tmp_path, monkeypatch):
    for name in ("it's a @ b * 2.npz", 'größe "1".NPZ'):
        codes, _ = run_numpy(named.to_npz(tmp_path / name), tmp_path, ROWS, monkeypatch)
        assert len(codes) == len(ROWS)
    for name in ("two\nlines.npz", b"\xff.npz".decode("utf-8", "surrogateescape")):
        with pytest.raises(RecipeError, match="give a name of printable characters"):
            named.to_npz(tmp_path / name)
    assert "m = load('it''s a @ b * 2.mat');" in named.to_mat(tmp_path / "it's a @ b * 2.mat")


@pytest.mark.parametrize(("method", "writer"), [("to_npz", "numpy.savez"), ("to_mat", "scipy.io.savemat")])
def test_a_failure_leaves_the_earlier_file(method, writer, named, tmp_path, monkeypatch):
    path = tmp_path / f"model.{method[3:]}"
    getattr(named, method)(path)
    before = path.read_bytes()

    def fails(file, *args, **kwargs):
        file.write(b"half of it") if hasattr(file, "write") else file.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    with pytest.raises(
        TaciturnError, match=r"exists; choose another name, or overwrite it \(--overwrite, overwrite=True"
    ):
        getattr(named, method)(path)
    monkeypatch.setattr(writer, fails)
    with pytest.raises(TaciturnError, match="No space left"):
        getattr(named, method)(path, overwrite=True)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    monkeypatch.undo()
    getattr(named, method)(path, overwrite=True)


def test_what_cannot_be_written_is_refused_before_a_file_is(named, tmp_path, monkeypatch):
    with pytest.raises(RecipeError, match=r"model\.txt: give a name that ends in \.npz"):
        named.to_npz(tmp_path / "model.txt")
    with pytest.raises(RecipeError, match=r"give a name that ends in \.mat"):
        named.to_mat(tmp_path / "model")
    monkeypatch.setattr(to_arrays, "MAX_MAT_BYTES", 100)
    with pytest.raises(
        RecipeError, match=r"encoder_weight_1 would take 0\.0 GB; a \.mat file holds up to 2 GB per array"
    ):
        named.to_mat(tmp_path / "model.mat")
    monkeypatch.setattr(ReLU, "name", "softplus")
    with pytest.raises(RecipeError, match="the activation softplus cannot be written as a program"):
        named.to_npz(tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())


DOCUMENT = (Path(__file__).parents[1] / "docs" / "arrays.md").read_text(encoding="utf-8")
MATLAB = re.findall(r"```matlab\n(.*?)\n```", DOCUMENT, re.DOTALL)


def test_the_document_shows_the_programs(tmp_path):
    from sklearn.datasets import load_digits

    model = SparseAutoencoder(32, max_iter=1, random_state=0).fit(load_digits().data)
    assert f"```python\n{model.to_npz(tmp_path / 'digits.npz')}\n```" in DOCUMENT
    assert model.to_mat(tmp_path / "digits.mat") == MATLAB[0]


def test_the_document_names_every_array(models, tmp_path):
    written = {"columns", "encoding"}
    for model, _ in models.values():
        model.to_npz(tmp_path / "model.npz", overwrite=True)
        written |= {re.sub(r"_\d+$", "_i", name) for name in np.load(tmp_path / "model.npz")}
    table = DOCUMENT.partition("## What is in a file")[2].partition("An .npz file")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == written


ELEMENTWISE = product(ACTIVATIONS, ("none", "standard", "minmax", "mean_norm"), (False, True), (False, True))


def test_what_is_written_can_be_read_back(models, tmp_path):
    for coding, scaling, hidden, tied in ELEMENTWISE:
        name = f"{coding}, {scaling}{', hidden' if hidden else ''}{', tied' if tied else ''}"
        model, rows = models[name]
        model.to_npz(tmp_path / "model.npz", overwrite=True)
        model.to_mat(tmp_path / "model.mat", overwrite=True)
        for arrays in (np.load(tmp_path / "model.npz"), loadmat(tmp_path / "model.mat")):
            same = from_arrays(arrays, SparseAutoencoder(sparsity=None))
            assert_array_equal(same.transform(rows), model.transform(rows), err_msg=name)
            assert_array_equal(same.denoise(rows), model.denoise(rows), err_msg=name)


def test_a_network_that_was_read_keeps_its_columns_and_trains_on(named, tmp_path):
    named.to_mat(tmp_path / "model.mat")
    model = from_arrays(loadmat(tmp_path / "model.mat"))
    assert isinstance(model, DenoisingAutoencoder)
    assert model.feature_names_in_.tolist() == NAMES
    import pandas as pd

    frame = pd.DataFrame(ROWS, columns=NAMES)
    before = model.denoise(frame)
    model.partial_fit(frame)
    assert_array_equal(model.module_.shift, named.module_.shift)
    assert 0 < np.abs(model.denoise(frame) - before).max() / ROWS.std(0).max() < 0.5


def network(**others):
    shapes = {"encoder_weight_1": (5, 3), "encoder_bias_1": 3, "decoder_weight_1": (3, 5), "decoder_bias_1": 5}
    arrays = {name: np.ones(shape) for name, shape in shapes.items()}
    return arrays | {"coding_layer": "sigmoid"} | others


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"coding_layer": "sigmoid"}, "there is no 'encoder_weight_1'"),
        (network(coding_layer="satlin"), "satlin"),
        (network(encoder_bias_1=np.ones(4)), "the numbers do not fit the network"),
        (network(encoder_bias_1=np.ones((3, 2))), r"'encoder_bias_1' has shape \[3, 2\]; give 1 dimension$"),
        (network(encoder_weight_1=np.ones(5)), r"'encoder_weight_1' has shape \[5\]; give 2 dimensions"),
        (network(encoder_weight_1="many"), "'encoder_weight_1' is not an array of real numbers"),
        (network(decoder_bias_1=np.full(5, np.nan)), "'decoder.0.bias' holds a number that is not finite"),
        (network(scale=np.zeros(5)), "'scale' must be greater than 0; give 1 for a constant column"),
        (network(columns='["a"]'), "'columns' is not a JSON list of 5 names"),
        (network(columns="a b c d e"), "'columns' is not a JSON list of 5 names"),
        (network(threshold=np.ones(3)), "cannot read a network with 'threshold'; load the model's folder"),
        (network(centred=1), "cannot read a network with 'centred'"),
    ],
)
def test_arrays_that_are_no_network_are_refused_by_their_name(arrays, message):
    with pytest.raises(RecipeError, match=message):
        from_arrays(arrays)


def test_an_estimator_that_cannot_hold_the_network_is_refused():
    with pytest.raises(RecipeError, match="a DictionaryAutoencoder cannot hold the network"):
        from_arrays(network(), DictionaryAutoencoder())
    with pytest.raises(RecipeError, match="the estimator's sparsity sets topk codes, but the arrays' are sigmoid"):
        from_arrays(network(), SparseAutoencoder(sparsity="topk:2"))


AUTOENC = """1;
function net = network(autoenc)
  net = autoenc.net;
end
load('autoencoder.mat');
"""


@needs_octave
@pytest.mark.parametrize(("decoder", "ymin"), [("logsig", 0.0), ("purelin", -1.0), ("purelin", None)])
def test_a_network_of_matlab_gives_its_numbers(decoder, ymin, tmp_path):
    """The expected numbers are those of MathWorks' documentation: samples are columns, mapminmax at both ends."""
    rng = np.random.default_rng(2)
    W, b, V, c = rng.normal(size=(3, 5)), rng.normal(size=(3, 1)), rng.normal(size=(5, 3)), rng.normal(size=(5, 1))
    X = (ROWS if ymin is not None else UNIT_ROWS).T
    low, gain = X.min(1, keepdims=True), (1 - (ymin or 0)) / np.ptp(X, axis=1, keepdims=True)
    scaled = X if ymin is None else (X - low) * gain + ymin
    codes = 1 / (1 + np.exp(-(W @ scaled + b)))
    logits = V @ codes + c
    recon = 1 / (1 + np.exp(-logits)) if decoder == "logsig" else logits
    recon = recon if ymin is None else (recon - ymin) / gain + low
    settings = {"xoffset": low, "gain": gain, "ymin": 0.0 if ymin is None else ymin}
    inputs = np.empty((1, 1), object)
    inputs[0, 0] = {"processSettings": np.array([[settings, None]], object)[:, :1]}
    autoenc = {
        "EncoderWeights": W,
        "EncoderBiases": b,
        "DecoderWeights": V,
        "DecoderBiases": c,
        "EncoderTransferFunction": "logsig",
        "DecoderTransferFunction": decoder,
        "ScaleData": ymin is not None,
        "net": {"inputs": inputs},
    }
    savemat(tmp_path / "autoencoder.mat", {"autoenc": autoenc})
    run_octave(tmp_path, AUTOENC + MATLAB[1])
    model = from_arrays(loadmat(tmp_path / "autoenc.mat"))
    assert_allclose(model.transform(X.T), codes.T, atol=1e-6)
    assert np.abs((model.denoise(X.T) - recon.T) / model.module_.scale.numpy()).max() < 1e-6 * np.abs(logits).max()
