"""The report's section "Try the model" in a browser: it computes what Python computes, and its controls work."""

import base64
import copy
import json
import math
from importlib.resources import files
from itertools import product

import jinja2
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import taciturn
from browser import watched
from taciturn.core.errors import DataError
from taciturn.data.moments import Moments
from taciturn.data.quantiles import measure_quantiles
from taciturn.data.sources import Rows
from taciturn.metrics import psnr
from taciturn.model import Autoencoder, Layout, MeanNorm, MinMax, NoScaling, RankGauss, Standard, UInt8, Whiten, dense
from taciturn.model.coding_layers import ELU, BatchTopK, Gated, Identity, JumpReLU, ReLU, Sigmoid, Tanh, TopK
from taciturn.plots import style
from taciturn.report.numbers import try_it as module
from taciturn.report.numbers.try_it import MAX_SLIDERS, exclusion_reason, try_it

HTML = files("taciturn.report") / "html"
SCRIPT, STYLE = (HTML / name for name in ("try_it.js", "try_it.css"))

CODERS = [
    Sigmoid(),
    ReLU(),
    Tanh(),
    ELU(),
    Identity(),
    TopK(3),
    TopK(3, signed=True),
    TopK(50),
    BatchTopK(3),
    JumpReLU(0.3),
    Gated(),
]
ACTIVATIONS = [Identity(), ReLU(), ELU(), Tanh(), Sigmoid()]
D, HIDDEN, L = 12, 7, 9


# ---------------------------------------------------------------- pages


def page_of(section_data, reason=None):
    """The section as a page: style, template, script."""
    environment = jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(str(HTML / "templates")))
    section = environment.get_template("try_it.html.j2").render(try_it=section_data, exclusion_reason=reason)
    script = section_data.activations_script if section_data else ""
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>a report</title>"
        "<meta name='viewport' content='width=device-width'>"
        f"<style>:root {{ color-scheme: light dark }}\n{STYLE.read_text()}</style>"
        f"{section}<script>{script}\n{SCRIPT.read_text()}</script></html>"
    )


def visit(page, folder, section_data, reason=None):
    file = folder / "page.html"
    file.write_text(page_of(section_data, reason), encoding="utf-8")
    page.goto(file.as_uri())
    return page


def result(page):
    """What the page has computed, as arrays."""
    entries = "Object.entries(taciturn.tryIt.result()).map(([k, v]) => [k, Array.from(v)])"
    computed = page.evaluate(f"Object.fromEntries({entries})")
    return {name: np.array(values) for name, values in computed.items()}


# ---------------------------------------------------------------- models


def moments_of(scaling, x):
    moments = Moments(with_products=scaling.whitens).add(x)
    if scaling.ranks:
        moments.quantiles = measure_quantiles(Rows(x), moments, 10)
    return moments


def random_model(seed, *, coder, scaling=None, inner=(), pairs=False, **layout):
    """A model with random weights, biases and scaling, of pairs or not, and 20 rows that suit its scaling."""
    rng, numbers = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    scaling = scaling or NoScaling()
    x = numbers.normal(size=(20, D)) @ numbers.normal(size=(D, D)) * 0.4
    x = {"uint8": np.round(128 + 60 * x).clip(0, 255), "none": x, "mean_norm": 30 * x}.get(scaling.name, x)
    if scaling.name in ("standard", "minmax", "whiten", "rank_gauss"):
        x = x * np.logspace(-2, 4, D) + np.array([1e6, *numbers.normal(size=D - 1)])
        x[:, 1] = 7.0  # a constant column
    widths = (D, *inner, L)
    quantiles = 10 if scaling.ranks else 0
    model = Autoencoder(Layout(widths, coder, whitened=scaling.whitens, quantiles=quantiles, **layout), rng=rng)
    with torch.no_grad():
        for layer in (*model.encoder, *model.decoder):
            layer.bias.copy_(0.3 * torch.randn(layer.bias.shape, generator=rng))
        if not model.layout.tied:  # some decoders are initialised as the encoder's transpose
            model.decoder[0].weight.add_(0.1 * torch.randn(model.decoder[0].weight.shape, generator=rng))
        for parameter in model.coder.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=rng))
        if isinstance(coder, BatchTopK):
            model.coder.value.fill_(0.2)
        moments = moments_of(scaling, x)
        target = moments_of(scaling, x[:, ::-1] ** 2) if pairs else None
        model.set_scaling(scaling, moments, target_moments=target)
    return model, x


def rounded(model):
    """The model in float64 with its matrices rounded to float16, as in the page."""
    copied = copy.deepcopy(model).double()
    with torch.no_grad():
        for layer in (*copied.encoder, *copied.decoder):
            layer.weight.copy_(layer.weight.half().double())
    return copied


def data_of(model, x, **options):
    return try_it(model, examples=x[:12], low=x.min(0), high=x.max(0), **options)


@torch.no_grad()
def by_python(model, x):
    """Codes and reconstructions, computed by Python."""
    codes = model.encode(torch.tensor(x))
    return codes.dense().double().numpy(), model.reconstruct(codes).double().numpy()


COMPUTE = """(text) => {
  const [encoded, rows] = JSON.parse(text);
  const model = taciturn.decodeModel(encoded);
  return JSON.stringify(rows.map((row) => {
    const codes = taciturn.encode(model, row);
    return [Array.from(codes), Array.from(taciturn.decode(model, codes))];
  }));
}"""


def by_page(page, encoded, x):
    """Codes and reconstructions of an encoded model, computed by the browser."""
    codes, rows = zip(*json.loads(page.evaluate(COMPUTE, json.dumps([encoded, x.tolist()]))), strict=True)
    return np.array(codes), np.array(rows)


@pytest.fixture(scope="module")
def calculator(browser):
    """A page with the script alone."""
    with watched(browser) as page:
        functions = ", ".join(f"{activation.name}: {activation.javascript}" for activation in ACTIVATIONS)
        defined = f"window.taciturnActivations = {{ {functions} }};"
        page.set_content(f"<!doctype html><title>t</title><script>{defined}\n{SCRIPT.read_text()}</script>")
        yield page


def difference(values, expected, spread):
    """The largest difference, in units of each column's range."""
    return float(np.max(np.abs(values - expected) / spread)) if len(values) else 0.0


def agrees(page, model, x):
    """Check the page's codes and rows; return in which rows other latents are active because of float16."""
    true_codes, true_rows = by_python(copy.deepcopy(model).double(), x)
    codes_range = np.abs(true_codes).max()
    # an untrained model's reconstructions can have a larger range than the data
    rows_range = np.maximum(np.where(np.ptp(x, 0) > 0, np.ptp(x, 0), 1.0), np.ptp(true_rows, 0))
    # with the same matrices in float16
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_ERROR", math.inf)
        half = data_of(model, x).model
    assert "float16" in half["encoder"][0]["weight"]
    codes, rows = by_page(page, half, x)
    same_codes, same_rows = by_python(rounded(model), x)
    assert difference(codes, same_codes, codes_range) < 1e-5
    assert difference(rows, same_rows, rows_range) < 1e-5
    flipped = ((codes != 0) != (true_codes != 0)).any(1)
    # with the model itself, in float32 where float16 is too coarse
    data = data_of(model, x)
    chosen = data.model
    codes, rows = by_page(page, chosen, x)
    same = ((codes != 0) == (true_codes != 0)).all(1)
    assert difference(codes[same], true_codes[same], codes_range) < 1e-3
    assert difference(rows[same], true_rows[same], rows_range) < 1e-3
    if "float32" in chosen["encoder"][0]["weight"]:
        assert data.max_error == 0
        assert difference(codes, true_codes, codes_range) < 1e-5
        assert difference(rows, true_rows, rows_range) < 1e-5
    else:
        assert 0 < data.max_error < 5e-4
    return flipped


# ---------------------------------------------------------------- the page computes what Python computes


@pytest.mark.parametrize(
    "scaling", [NoScaling(), UInt8(), Standard(), MinMax(), MeanNorm(), Whiten(), RankGauss()], ids=str
)
@pytest.mark.parametrize("coder", CODERS, ids=str)
def test_the_page_agrees_with_python(calculator, coder, scaling):
    flipped = []
    for i, (tied, inner, output) in enumerate(product([False, True], [(), (HIDDEN,)], ACTIVATIONS)):
        hidden = ACTIVATIONS[i % len(ACTIVATIONS)] if inner else ReLU()
        model, x = random_model(i, coder=coder, scaling=scaling, inner=inner, hidden=hidden, output=output, tied=tied)
        flipped.append(agrees(calculator, model, x).mean())
    assert np.mean(flipped) < 0.05


@pytest.mark.parametrize("refine", [0, 1, 2])
@pytest.mark.parametrize("coder", CODERS, ids=str)
def test_a_centred_dictionary_and_refinements(calculator, coder, refine):
    for seed, tied in enumerate([False, True]):
        agrees(calculator, *random_model(seed, coder=coder, scaling=Standard(), centred=True, refine=refine, tied=tied))


@pytest.mark.parametrize("inner", [(5,), (7, 6), (4, 8, 3)], ids=str)
def test_several_hidden_layers_and_a_centre(calculator, inner):
    agrees(calculator, *random_model(0, coder=TopK(3), inner=inner, hidden=Tanh(), centred=True))
    agrees(calculator, *random_model(1, coder=Sigmoid(), inner=inner, hidden=ELU(), tied=True))


@pytest.mark.parametrize("sparsity", ["topk", "batch_topk", "jumprelu", "gated", "l1"])
def test_a_trained_dictionary(calculator, digits, sparsity):
    x = digits[:200]
    model = taciturn.DictionaryAutoencoder(48, k=6, sparsity=sparsity, max_iter=3, random_state=0).fit(digits)
    flipped = agrees(calculator, model.module_, x)
    assert flipped.mean() < 0.05


@pytest.mark.parametrize("factor", [1e-12, 1e6, 1e20], ids="{:g}".format)
def test_small_and_large_weights_keep_their_digits(calculator, factor):
    model, x = random_model(0, coder=Identity())
    with torch.no_grad():
        model.encoder[0].weight.mul_(factor)
        model.encoder[0].bias.mul_(factor)
        model.decoder[0].weight.div_(factor)
    data = data_of(model, x, max_characters=1330)  # too few for float32
    assert "float16" in data.model["encoder"][0]["weight"]
    codes, rows = by_page(calculator, data.model, x)
    true_codes, true_rows = by_python(model, x)
    assert difference(codes, true_codes, np.abs(true_codes).max()) < 1e-3
    assert difference(rows, true_rows, np.ptp(true_rows, 0)) < 2e-3


def test_every_float16(calculator):
    halves = np.arange(2**16, dtype="<u2").view("<f2")
    halves = halves[np.isfinite(halves)]
    weight = {"factor": 0.25, "float16": base64.b64encode(halves.tobytes()).decode()}
    encoded = {
        "encoder": [{"weight": weight, "bias": ""}],
        "decoder": [],
        "coder": {},
        "shift": "",
        "scale": "",
        "mean": "",
        "unit": "",
    }
    read = "(encoded) => Array.from(taciturn.decodeModel(encoded).encoder[0].weight)"
    assert_array_equal(calculator.evaluate(read, encoded), 0.25 * halves.astype(float))


@pytest.mark.parametrize("scaling", [Standard(), MeanNorm(), Whiten(), RankGauss()], ids=str)
def test_a_model_of_pairs_reconstructs_in_its_targets_units(calculator, scaling):
    assert not agrees(calculator, *random_model(0, coder=Identity(), scaling=scaling, pairs=True)).any()


def test_the_errors_of_a_model_of_pairs_are_in_its_unit(page, tmp_path):
    model, x = random_model(0, coder=Identity(), scaling=MeanNorm(), pairs=True)
    assert not torch.equal(model.scale, model.target_scale)
    visit(page, tmp_path, data_of(model, x))
    check_result(page, model)
    slide(page, "#try-it-noise", 1)
    computed = check_result(page, model)
    scaled = (computed["noisy"] - computed["row"]) / model.scale.numpy()  # noise is that of the rows, not the targets
    assert 0.2 < scaled.std() < 3


def test_a_shift_keeps_its_digits(calculator):
    model, x = random_model(0, coder=Identity(), scaling=Standard())
    x[:, 0] = 1e9 + np.arange(20) / 64
    model.set_scaling(Standard(), Moments().add(x))
    codes, _ = by_page(calculator, data_of(model, x).model, x)
    assert_allclose(codes, by_python(copy.deepcopy(model).double(), x)[0], atol=1e-3 * np.abs(codes).max())


def test_of_equal_pre_activations_topk_keeps_k(calculator):
    model, x = random_model(0, coder=TopK(3))
    with torch.no_grad():
        model.encoder[0].weight.zero_()
        model.encoder[0].bias.fill_(0.5)
    codes, _ = by_page(calculator, data_of(model, x).model, x)
    assert_array_equal((codes == 0.5).sum(1), 3)


def test_noise_is_gaussian_and_the_same_for_a_seed(calculator):
    draw = "([seed, n]) => Array.from(taciturn.gaussian(seed, n))"
    first, again, other = (np.array(calculator.evaluate(draw, [seed, 20_000])) for seed in (1, 1, 2))
    assert_array_equal(first, again)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.03
    assert abs(first.mean()) < 0.03
    assert abs(first.std() - 1) < 0.03
    assert abs((np.abs(first) > 1.96).mean() - 0.05) < 0.01
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.03


# ---------------------------------------------------------------- what the page holds


def test_the_page_holds_a_tied_weight_once():
    model, x = random_model(0, coder=TopK(3), inner=(HIDDEN,), tied=True)
    free, _ = random_model(0, coder=TopK(3), inner=(HIDDEN,))
    assert [layer["weight"] for layer in data_of(model, x).model["decoder"]] == [None, None]
    assert all(layer["weight"] for layer in data_of(free, x).model["decoder"])


def test_the_page_holds_float16_if_its_error_is_small_enough():
    digits = Autoencoder(Layout((64, 64), ReLU()), rng=torch.Generator().manual_seed(0))
    with torch.no_grad():
        digits.decoder[0].weight.mul_(0.1)  # a trained decoder has smaller weights than a random one
    x = np.random.default_rng(0).random((5, 64))
    data = data_of(digits, x, shape=(8, 8))
    assert 0 < data.max_error < module.MAX_ERROR
    assert len(data.model["encoder"][0]["weight"]["float16"]) == math.ceil(64 * 64 * 2 / 3) * 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_ERROR", 0)
        exact = data_of(digits, x, shape=(8, 8))
    assert exact.max_error == 0
    assert len(exact.model["encoder"][0]["weight"]["float32"]) == math.ceil(64 * 64 * 4 / 3) * 4


def test_reasons_to_exclude_a_model(monkeypatch):
    model, x = random_model(0, coder=TopK(3))
    assert exclusion_reason(model) is None
    assert (
        exclusion_reason(model, max_characters=500) == "the model is too large for the page: 0.0 MB, of at most 0.0 MB"
    )
    assert data_of(model, x, max_characters=500) is None
    large = Autoencoder(Layout((784, 600), ReLU()), rng=torch.Generator())
    assert exclusion_reason(large) == "the model is too large for the page: 2.6 MB, of at most 2.0 MB"
    wide = Autoencoder(Layout((10_001, 1), ReLU()), rng=torch.Generator())
    assert "10,001 columns" in exclusion_reason(wide)
    odd = Autoencoder(Layout((4, 3), Sigmoid(), output=Tanh()), rng=torch.Generator())
    assert exclusion_reason(odd) is None
    ranked = Autoencoder(Layout((100, 3), Sigmoid(), quantiles=1000), rng=torch.Generator())
    assert exclusion_reason(ranked) == "the model is too large for the page: 2.1 MB, of at most 2.0 MB"
    monkeypatch.setattr(Tanh, "javascript", None)
    assert exclusion_reason(odd) == "the page cannot compute the activation tanh"
    monkeypatch.setattr(TopK, "form", lambda self, state, n_latents: None)
    assert exclusion_reason(model) == "the page cannot compute the coding layer topk"
    assert data_of(model, x) is None
    monkeypatch.undo()
    model.encoder[0].bias.data[0] = math.nan
    assert exclusion_reason(model) == "the model holds numbers that are not finite"
    assert data_of(model, x) is None


def test_arguments_that_do_not_match_are_errors():
    model, x = random_model(0, coder=TopK(3))
    for wrong in ({"shape": (5, 2)}, {"column_names": ["a"]}, {"example_names": ["only one"]}):
        with pytest.raises(DataError):
            data_of(model, x, **wrong)
    with pytest.raises(DataError, match="finite"):
        try_it(model, examples=np.full((1, D), np.inf), low=x.min(0), high=x.max(0))
    with pytest.raises(DataError, match="finite"):
        try_it(model, examples=x[:1], low=np.full(D, np.nan), high=x.max(0))
    with pytest.raises(DataError, match="at least one row"):
        try_it(model, examples=np.zeros((0, D)), low=x.min(0), high=x.max(0))


def test_the_page_holds_plain_json():
    model, x = random_model(0, coder=Gated(), scaling=Whiten())
    values = data_of(model, x).to_dict()
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_the_columns_that_change_the_codes_most_have_sliders():
    model = Autoencoder(Layout((40, 5), ReLU()), rng=torch.Generator().manual_seed(0))
    x = np.random.default_rng(0).random((9, 40))
    x[:, 3] = 7
    with torch.no_grad():
        model.encoder[0].weight[:, :9] *= 1e-3
        model.encoder[0].weight[:, 0] *= 1e9
    sliders = data_of(model, x).slider_columns
    assert len(sliders) == MAX_SLIDERS == 30
    assert 3 not in sliders
    assert sliders[0] == 0
    assert set(sliders) > {*range(9, 37)} - {3} - set(range(40)) | {0}
    assert sliders == sorted(sliders)


def test_a_constant_column_has_no_slider():
    model, x = random_model(0, coder=TopK(3), scaling=Standard())
    assert np.ptp(x[:, 1]) == 0
    assert data_of(model, x).slider_columns == [0, *range(2, D)]


def test_the_files_are_installed_and_load_nothing():
    script, style = SCRIPT.read_text(), STYLE.read_text()
    for word in (
        "eval",
        "Function(",
        "fetch",
        "XMLHttp",
        "WebSocket",
        "import ",
        "http",
        "innerHTML",
        "insertAdjacent",
    ):
        assert word not in script, word
    for word in ("@import", "url(", "animation", "transition"):
        assert word not in style, word
    assert "</script" not in script  # the page contains it
    assert "</style" not in style
    assert "{{ try_it.to_dict()" in (HTML / "templates" / "try_it.html.j2").read_text()


# ---------------------------------------------------------------- the controls


@pytest.fixture(scope="module")
def drawer(digits):
    """A model of digits and the section's data."""
    model = taciturn.SparseAutoencoder(30, sparsity="kl:0.1", max_iter=5, random_state=0).fit(digits).module_
    names = ["zero", "one", "two", "three"]
    data = try_it(model, examples=digits[:4], low=np.zeros(64), high=np.ones(64), shape=(8, 8), example_names=names)
    return model, data


@pytest.fixture(scope="module")
def table():
    """A model of a table, the section's data, and the table."""
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(300, 6)) @ numbers.normal(size=(6, 6)) * [1, 10, 100, 1e-3, 1, 1] + [0, 5, 1e6, 0, 0, 0]
    model = taciturn.DictionaryAutoencoder(16, k=4, scaling="standard", max_iter=10, random_state=0).fit(x).module_
    names = ["height", "width", "depth", "a < b & 'c'", "“quoted”", "last"]
    return model, try_it(model, examples=x[:5], low=x.min(0), high=x.max(0), column_names=names), x


def check_result(page, model, *, switched_off=()):
    """Check all that the page computes and shows for its row against Python; return what it has computed."""
    computed = result(page)
    codes, _ = by_python(copy.deepcopy(model).double(), computed["noisy"][None])
    used_codes = codes[0].copy()
    used_codes[list(switched_off)] = 0
    rows = copy.deepcopy(model).double().reconstruct(dense(torch.as_tensor(used_codes[None]))).detach().numpy()[0]
    assert_allclose(computed["codes"], codes[0], atol=1e-3 * np.ptp(codes))
    assert_allclose(computed["usedCodes"], used_codes, atol=1e-3 * np.ptp(codes))
    assert difference(computed["reconstruction"], rows, np.array(spread(page))) < 1e-3
    in_units = [row / model.unit.numpy() for row in (computed["row"], computed["noisy"], rows)]
    errors = [np.mean((other - in_units[0]) ** 2) for other in in_units[1:]]
    assert_allclose(computed["errors"], errors, rtol=5e-3, atol=1e-12)
    peak = page.evaluate("JSON.parse(document.querySelector('#try-it-model').textContent).peak")
    is_image = page.evaluate("JSON.parse(document.querySelector('#try-it-model').textContent).is_image")
    for row, error in zip(page.locator("#try-it tbody tr").all(), errors, strict=True):
        shown_error, *shown_psnr = row.locator("td").all_inner_texts()
        assert float(shown_error) == pytest.approx(error, rel=1e-2, abs=1e-12)
        if not is_image:
            assert shown_psnr == []  # decibels are for images
        elif error == 0:
            assert shown_psnr == ["∞"]
        else:
            (decibels,) = shown_psnr
            assert float(decibels.removesuffix(" dB").replace("−", "-")) == pytest.approx(psnr(error, peak), abs=0.1)
    return computed


def spread(page):
    data = "JSON.parse(document.querySelector('#try-it-model').textContent)"
    return page.evaluate(f"(({{low, high}}) => high.map((value, d) => value - low[d]))({data})")


def cell(page, r, c, size=8):
    """The position of a cell of the drawing on the screen."""
    box = page.locator("[role=application]").bounding_box()
    return box["x"] + (c + 0.5) * box["width"] / size, box["y"] + (r + 0.5) * box["height"] / size


def ink(**cells):
    """A drawing that is empty except for these cells, rRcC=value."""
    row = np.zeros((8, 8))
    for name, value in cells.items():
        row[int(name[1]), int(name[3])] = value
    return row.ravel()


def press(page, name, **options):
    page.get_by_role("button", name=name, exact=True, **options).click()


def slide(page, selector, value):
    page.locator(selector).evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input')) }", value)


def test_the_first_example_is_shown(page, tmp_path, drawer):
    model, data = drawer
    visit(page, tmp_path, data)
    computed = check_result(page, model)
    assert_array_equal(computed["row"], data.examples[0])
    assert_array_equal(computed["noisy"], data.examples[0])
    above = int((computed["codes"] > 0.5).sum())
    assert page.locator("figcaption").all_inner_texts() == [
        "draw here",
        "input",
        "reconstruction",
        f"{above} of 30 latents active (code above 0.5)",
    ]
    assert page.locator("noscript p").count() == 0


def test_each_example_can_be_shown(page, tmp_path, drawer):
    model, data = drawer
    visit(page, tmp_path, data)
    for name, row in zip(data.example_names, data.examples, strict=True):
        press(page, name)
        assert_array_equal(check_result(page, model)["row"], row)


def test_drawing_by_mouse(page, tmp_path, drawer):
    model, data = drawer
    visit(page, tmp_path, data)
    press(page, "clear")
    assert_array_equal(check_result(page, model)["row"], np.zeros(64))
    page.mouse.click(*cell(page, 2, 3))
    assert_allclose(check_result(page, model)["row"], ink(r2c3=1), atol=0.03)
    page.mouse.move(*cell(page, 6, 1))
    page.mouse.down()
    page.mouse.move(*cell(page, 6, 4), steps=3)
    page.mouse.up()
    page.mouse.move(*cell(page, 0, 0))  # nothing is drawn with the button up
    line = {f"r6c{c}": 1 for c in range(1, 5)}
    assert_allclose(check_result(page, model)["row"], ink(r2c3=1, **line), atol=0.03)
    press(page, "erase")
    page.mouse.click(*cell(page, 6, 2))
    del line["r6c2"]
    assert_allclose(check_result(page, model)["row"], ink(r2c3=1, **line), atol=0.03)
    press(page, "erase")
    page.mouse.click(*cell(page, 0, 7), button="right")
    assert_allclose(result(page)["row"], ink(r2c3=1, **line), atol=0.03)
    page.mouse.click(*cell(page, 0, 7))
    assert_allclose(result(page)["row"], ink(r2c3=1, r0c7=1, **line), atol=0.03)


def test_a_fast_stroke_has_no_gaps(page, tmp_path, drawer):
    visit(page, tmp_path, drawer[1])
    press(page, "clear")
    page.mouse.move(*cell(page, 0, 0))
    page.mouse.down()
    page.mouse.move(*cell(page, 7, 7))
    page.mouse.up()
    assert_allclose(np.diag(result(page)["row"].reshape(8, 8)), 1, atol=0.05)


def test_a_thicker_brush(page, tmp_path, drawer):
    visit(page, tmp_path, drawer[1])
    press(page, "clear")
    slide(page, "#try-it-brush", 1)
    page.mouse.click(*cell(page, 4, 4))
    corner = 1.5 - math.sqrt(2)
    expected = ink(r4c4=1, r3c4=0.5, r5c4=0.5, r4c3=0.5, r4c5=0.5, r3c3=corner, r3c5=corner, r5c3=corner, r5c5=corner)
    assert_allclose(result(page)["row"], expected, atol=0.03)


def test_drawing_by_touch(browser, tmp_path, drawer):
    model, data = drawer
    with watched(browser, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True) as page:
        visit(page, tmp_path, data)
        press(page, "clear")
        page.touchscreen.tap(*cell(page, 3, 5))
        assert_allclose(check_result(page, model)["row"], ink(r3c5=1), atol=0.06)
        style = page.locator("[role=application]").evaluate("e => getComputedStyle(e).touchAction")
        assert style == "none"  # else a finger would scroll the page


def test_drawing_by_keyboard(page, tmp_path, drawer):
    model, data = drawer
    visit(page, tmp_path, data)
    press(page, "clear")
    grid, announcement = page.locator("[role=application]"), page.locator("[aria-live=polite]")
    assert announcement.inner_text() == ""
    page.keyboard.press("Shift+Tab")  # back from "clear"
    assert grid.evaluate("e => e === document.activeElement")
    mark = page.locator(".try-cursor")
    assert mark.is_visible()
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "Space"):  # from the middle, row and column 5
        page.keyboard.press(key)
    assert_array_equal(check_result(page, model)["row"], ink(r3c2=1))
    assert mark.bounding_box()["x"] == pytest.approx(cell(page, 3, 2)[0] - mark.bounding_box()["width"] / 2, abs=1)
    announcement.filter(has_text="row 4, column 3: 1.00").wait_for()
    for key in ("ArrowDown", "ArrowRight", " ", "ArrowUp", "ArrowLeft", "Backspace"):
        page.keyboard.press(key)
    assert_array_equal(check_result(page, model)["row"], ink(r4c3=1))
    for _ in range(20):
        page.keyboard.press("ArrowDown")  # the cursor stops at the edge
    page.keyboard.press(" ")
    assert_array_equal(result(page)["row"], ink(r4c3=1, r7c2=1))
    assert page.evaluate("scrollY") == 0  # keys draw instead of scrolling
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "clear"  # the focus leaves the drawing


def test_noise(page, tmp_path, drawer):
    model, data = drawer
    visit(page, tmp_path, data)
    page.locator("#try-it-noise").focus()
    page.keyboard.press("End")
    noisy = check_result(page, model)
    added = noisy["noisy"] - noisy["row"]
    assert data.max_noise == 0.5
    assert 0.35 < added.std() < 0.65
    assert_array_equal(noisy["row"], data.examples[0])  # the clean row stays
    slide(page, "#try-it-noise", 0.25)
    # the same noise with half the standard deviation
    assert_allclose(check_result(page, model)["noisy"] - noisy["row"], added / 2, atol=1e-12)
    press(page, "new noise")
    redrawn = check_result(page, model)["noisy"] - noisy["row"]
    assert abs(np.corrcoef(redrawn, added)[0, 1]) < 0.5
    assert 0.17 < redrawn.std() < 0.33
    slide(page, "#try-it-noise", 0)
    assert_array_equal(check_result(page, model)["noisy"], data.examples[0])
    visit(page, tmp_path, data)
    slide(page, "#try-it-noise", 0.5)
    assert_array_equal(result(page)["noisy"], noisy["noisy"])  # the same noise at each visit


def test_switching_latents_off(page, tmp_path, drawer):
    model, data = drawer
    visit(page, tmp_path, data)
    codes = check_result(page, model)["codes"]
    largest = np.argsort(-np.abs(codes), kind="stable")[:12].tolist()
    buttons = page.locator(".try-codes button")
    labels = [name.get_attribute("aria-label") for name in buttons.all()]
    assert labels == [f"switch off latent {latent}" for latent in largest]
    before = result(page)["reconstruction"]
    for i in (1, 0):
        buttons.nth(i).click()
        assert buttons.nth(i).evaluate("e => e === document.activeElement")  # it stays where it is
    after = check_result(page, model, switched_off=largest[:2])
    assert np.abs(after["reconstruction"] - before).max() > 0.01
    assert [button.get_attribute("aria-pressed") for button in buttons.all()] == ["true"] * 2 + ["false"] * 10
    assert "2 switched off" in page.locator("#try-it").inner_text()
    buttons.nth(0).click()
    check_result(page, model, switched_off=largest[1:2])
    # a latent that is switched off stays in the list, even if its code is not among the largest
    press(page, "clear")
    check_result(page, model, switched_off=largest[1:2])
    page.get_by_role("button", name=f"switch off latent {largest[1]}", exact=True).wait_for()
    press(page, "switch all on")
    check_result(page, model)
    assert page.locator(".try-codes [aria-pressed=true]").count() == 0
    press(page, "zero")
    assert_array_equal(check_result(page, model)["reconstruction"], before)


def test_bars_are_as_long_as_codes_are_large(page, tmp_path, drawer):
    visit(page, tmp_path, drawer[1])
    codes = np.sort(np.abs(result(page)["codes"]))[::-1][:12]
    widths = [bar.bounding_box()["width"] for bar in page.locator(".try-bar i").all()]
    assert_allclose(np.array(widths) / widths[0], codes / codes[0], atol=0.01)
    values = [float(text) for text in page.locator(".try-codes .try-value").all_inner_texts()]
    assert_allclose(values, codes, atol=2e-3)


POSITIVE = tuple(bytes.fromhex(style.POSITIVE[1:]))  # as in the figures
PIXELS = """(e) => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [e.width, e.height];
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(e, 0, 0);
  return [...context.getImageData(0, 0, e.width, e.height).data];
}"""


def test_the_images_show_the_rows_in_the_text_colour_of_the_theme(page, tmp_path, drawer):
    _, data = drawer
    page.emulate_media(color_scheme="light")
    visit(page, tmp_path, data)
    slide(page, "#try-it-noise", 0.3)
    computed = result(page)
    canvases = [page.locator("[role=application]"), *page.locator(".try-images canvas").all()]
    shades = np.abs(computed["codes"]) / np.abs(computed["codes"]).max()
    rows = (computed["row"], computed["noisy"], computed["reconstruction"], shades)
    for scheme, level in (("light", 0), ("dark", 255)):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("s => matchMedia(`(prefers-color-scheme: ${s})`).matches", arg=scheme)
        # the page is notified with the next frame, and draws
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        for canvas, values, colour in zip(canvases, rows, (level, level, level, POSITIVE), strict=True):
            pixels = np.array(canvas.evaluate(PIXELS)).reshape(-1, 4)[: len(values)]
            assert_allclose(pixels[:, 3], 255 * values.clip(0, 1), atol=1)
            strong = pixels[pixels[:, 3] > 100][:, :3]
            assert_allclose(strong, np.broadcast_to(colour, strong.shape), atol=2)


def test_a_latent_s_image_is_what_it_adds(page, tmp_path, drawer):
    model, data = drawer
    visit(page, tmp_path, data)
    latent = int(page.locator(".try-codes .try-latent").first.inner_text())
    adds = model.dictionary[latent].detach().numpy()
    pixels = np.array(page.locator(".try-codes canvas").first.evaluate(PIXELS)).reshape(64, 4)
    assert_allclose(pixels[:, 3], 255 * np.abs(adds) / np.abs(adds).max(), atol=1.5)
    strong = pixels[:, 3] > 100
    assert_array_equal(pixels[strong, 2] > 100, adds[strong] < 0)  # blue; positive numbers are orange


def test_colour_images(page, tmp_path):
    rng = np.random.default_rng(0)
    model = Autoencoder(Layout((48, 9), TopK(3, signed=True)), rng=torch.Generator().manual_seed(0))
    x = rng.random((3, 48))
    visit(page, tmp_path, try_it(model, examples=x, low=np.zeros(48), high=np.ones(48), shape=(4, 4, 3)))
    pixels = np.array(page.locator("[role=application]").evaluate(PIXELS)).reshape(16, 4)
    assert_allclose(pixels[:, :3], 255 * x[0].reshape(16, 3), atol=1)
    press(page, "clear")
    page.mouse.click(*cell(page, 1, 2, size=4))
    expected = np.zeros((4, 4, 3))
    expected[1, 2] = 1
    assert_allclose(check_result(page, model)["row"], expected.ravel(), atol=0.03)


# ---------------------------------------------------------------- tables


def test_every_column_has_its_slider(page, tmp_path, table):
    model, data, x = table
    visit(page, tmp_path, data)
    assert data.slider_columns == [0, 1, 2, 3, 4, 5]
    computed = check_result(page, model)
    for d, name in enumerate(data.column_names):
        slider = page.get_by_role("slider", name=name, exact=True)
        assert float(slider.get_attribute("min")) == x[:, d].min()
        assert float(slider.get_attribute("max")) == x[:, d].max()
        assert float(slider.input_value()) == pytest.approx(computed["row"][d], rel=1e-12)
        value_text = float(slider.get_attribute("aria-valuetext").replace("−", "-").replace(",", ""))
        assert value_text == pytest.approx(computed["row"][d], abs=np.ptp(x[:, d]) / 100)


def test_a_slider_moves_its_column(page, tmp_path, table):
    model, data, x = table
    visit(page, tmp_path, data)
    before = result(page)
    slider = page.get_by_role("slider", name="depth", exact=True)
    slider.focus()
    page.keyboard.press("Home")
    after = check_result(page, model)
    assert after["row"][2] == pytest.approx(x[:, 2].min(), rel=1e-14)
    assert_array_equal(np.delete(after["row"], 2), np.delete(before["row"], 2))
    assert np.abs(after["reconstruction"] - before["reconstruction"]).max() > 0
    page.keyboard.press("ArrowRight")
    assert check_result(page, model)["row"][2] > after["row"][2]
    for d, line in enumerate(page.locator(".try-slider").all()):
        texts = line.locator(".try-typed").input_value(), line.locator(".try-reconstruction").inner_text()
        value, reconstruction = (float(text.replace("−", "-").replace(",", "")) for text in texts)
        computed = result(page)
        assert value == pytest.approx(computed["row"][d], abs=np.ptp(x[:, d]) / 100)
        assert reconstruction == pytest.approx(computed["reconstruction"][d], abs=np.ptp(x[:, d]) / 100)


def test_a_mark_is_where_the_thumb_would_be(page, tmp_path, table):
    _, data, x = table
    visit(page, tmp_path, data)
    line = page.locator(".try-slider").first
    slider = line.locator("input[type=range]").bounding_box()  # its thumb, 16 px wide, stays within it
    tick = line.locator(".try-tick:not(.try-noisy)").bounding_box()
    share = (result(page)["reconstruction"][0] - x[:, 0].min()) / np.ptp(x[:, 0])
    thumb = slider["x"] + 8 + (slider["width"] - 16) * min(max(share, 0), 1)
    assert tick["x"] + 1 == pytest.approx(thumb, abs=1)
    assert line.locator(".try-noisy").is_hidden()
    slide(page, "#try-it-noise", 1)
    assert line.locator(".try-noisy").is_visible()


def test_examples_noise_and_switching_off_of_a_table(page, tmp_path, table):
    model, data, _ = table
    visit(page, tmp_path, data)
    press(page, "row 3")
    assert_array_equal(check_result(page, model)["row"], data.examples[3])
    slide(page, "#try-it-noise", 1)
    computed = check_result(page, model)
    scaled = (computed["noisy"] - computed["row"]) / model.scale.numpy()
    assert 0.3 < scaled.std() < 2
    page.locator(".try-codes button").first.click()
    check_result(page, model, switched_off=[int(np.abs(computed["codes"]).argmax())])


def test_a_latent_is_described_by_the_two_columns_that_it_changes_most(page, tmp_path, table):
    model, data, _ = table
    visit(page, tmp_path, data)
    latent = int(page.locator(".try-codes .try-latent").first.inner_text())
    adds = model.dictionary[latent].detach().numpy()
    largest = np.argsort(-np.abs(adds))[:2]
    description = ", ".join(f"{data.column_names[d]} {'↓' if adds[d] < 0 else '↑'}" for d in largest)
    assert page.locator(".try-effect").first.inner_text() == description


# ---------------------------------------------------------------- names come from data

NASTY = [
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 2'>",
    "\"quoted\" & 'quoted' &lt;",
    "🦉" * 60,
    "x" * 10_000,
    "שלום עולם \u202e",
    "{{ 7 * 7 }} {% raw %}",
    "<!-- <script>",
    "\ud800 \u2028 \u0000",
    "",
]


@pytest.mark.parametrize("width", [390, 1280])
def test_names_are_text(browser, tmp_path, width):
    model = Autoencoder(Layout((len(NASTY), 4), ReLU()), rng=torch.Generator().manual_seed(0))
    x = np.random.default_rng(0).random((len(NASTY), len(NASTY)))
    with watched(browser, viewport={"width": width, "height": 800}) as page:
        visit(page, tmp_path, data_of(model, x, column_names=NASTY, example_names=NASTY))
        check_result(page, model)
        labels = page.locator(".try-slider label").evaluate_all("nodes => nodes.map((e) => e.textContent)")
        buttons = page.locator(".try-examples button").evaluate_all("nodes => nodes.map((e) => e.textContent)")
        assert labels[:3] == buttons[:3] == NASTY[:3]
        assert labels[3] == NASTY[3]
        assert labels[4] == "x" * 79 + "…"
        assert labels[5:8] == NASTY[5:8]
        assert page.evaluate("window.hacked") is None
        assert page.locator("#try-it img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_the_section_has_a_message(browser, tmp_path, drawer):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    visit(page, tmp_path, drawer[1])
    assert "needs JavaScript" in page.locator("#try-it").inner_text()
    assert "float16" not in page.locator("#try-it").inner_text()
    context.close()


def test_the_page_has_the_reason_why_it_has_no_model(page, tmp_path):
    visit(page, tmp_path, None, reason="the model is too <large>")
    assert "Not in this page: the model is too <large>." in page.locator("#try-it").inner_text()
    (tmp_path / "page.html").write_text(page_of(None))
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator("#try-it").count() == 0


def test_a_broken_model_leaves_a_message(page, tmp_path, drawer):
    file = tmp_path / "page.html"
    file.write_text(page_of(drawer[1]).replace('"coder"', '"codfish"'), encoding="utf-8")
    page.goto(file.as_uri())
    assert "could not start" in page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("kind", ["drawer", "table"])
def test_nothing_overflows_on_a_phone(browser, tmp_path, kind, request):
    with watched(browser, viewport={"width": 390, "height": 800}) as page:
        visit(page, tmp_path, request.getfixturevalue(kind)[1])
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        low = page.locator("#try-it :is(button, input)").evaluate_all("f => Math.min(...f.map((e) => e.clientWidth))")
        assert low > 20


def test_the_focus_is_visible(page, tmp_path, drawer):
    visit(page, tmp_path, drawer[1])
    outlines = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        outlines.add(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
    assert outlines == {"solid"}


# ---------------------------------------------------------------- the watched page itself


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("fetch('https://example.org/').catch(() => 0)", "requested https://example.org/"),
        ("new Image().src = 'http://example.org/a.png'", "requested http://example.org/a.png"),
        ("console.error('oh')", "console error: oh"),
        ("setTimeout(() => { throw new Error('ah') })", "threw"),
    ],
)
def test_a_page_that_misbehaves_fails(browser, script, message):
    with pytest.raises(AssertionError, match=message), watched(browser) as page:  # noqa: PT012
        page.set_content(f"<script>{script}</script>")
        page.wait_for_timeout(50)
