"""Models whose targets have other columns than their rows: transcoders, with and without a linear skip."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import taciturn
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import DataError, RecipeError, TaciturnError
from taciturn.data.sources import open_path
from taciturn.model import Autoencoder, Batch, Layout, initialise_pairs
from taciturn.model.coding_layers import TopK
from taciturn.objective import GatedAux, Matryoshka, MultiTopK, Objective, SquaredError
from taciturn.training.step import plan

QUICK = {"max_iter": 3, "random_state": 0}
SMALL = {"n_components": 20, "k": 3, **QUICK}
RNG = np.random.default_rng(0)
X = RNG.normal([5, -300, 0, 1e3, 2, 7], [1, 9, 0.1, 40, 3, 2], (300, 6))
HIDDEN = np.maximum((X - X.mean(0)) / X.std(0) @ RNG.normal(size=(6, 9)), 0)
Y = HIDDEN @ RNG.normal(size=(9, 4)) * [1, 100, 0.01, 5] + [0, -2000, 0, 1]
pytestmark = pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")


def fitted(target=Y, **parameters) -> DictionaryAutoencoder:
    return DictionaryAutoencoder(**(SMALL | parameters)).fit(X, target=target)


def numbers(model) -> dict[str, np.ndarray]:
    return {name: tensor.double().numpy() for name, tensor in model.module_.state_dict().items()}


def topk(z, k: int):
    """Return max(z, 0) of each row's k largest numbers, in NumPy."""
    least = np.sort(z)[:, -k][:, None]
    return np.where(z >= least, np.maximum(z, 0), 0)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("scaling", ["none", "standard", "minmax", "mean_norm", "auto"])
def test_predict_is_the_formula(scaling, skip):
    model = fitted(scaling=scaling, skip=skip)
    n = numbers(model)
    x = (X - n["shift"]) / n["scale"]
    codes = topk(x @ n["encoder.0.weight"].T + n["encoder.0.bias"], 3)
    y = codes @ n["decoder.0.weight"] + n["decoder.0.bias"]
    if skip:
        assert abs(n["skip"]).max() > 0
        y = y + x @ n["skip"].T
    assert_allclose(model.transform(X).toarray(), codes, atol=1e-9 * codes.max())
    expected = y * n["target_scale"] + n["target_shift"]
    assert_allclose(model.predict(X), expected, rtol=1e-9, atol=1e-9 * abs(expected).max())
    if skip:
        with pytest.raises(RecipeError, match=r"codes alone do not give the targets.*predict\(X\)"):
            model.inverse_transform(codes)
    else:
        assert_allclose(model.inverse_transform(codes), expected, rtol=1e-9, atol=1e-9 * abs(expected).max())


def test_targets_have_a_scaling_and_a_unit_of_their_own():
    model = fitted(scaling="standard")
    n = numbers(model)
    assert_allclose(n["shift"], X.mean(0))
    assert_allclose(n["scale"], X.std(0))
    assert_allclose(n["target_shift"], Y.mean(0))
    assert_allclose(n["target_scale"], Y.std(0))
    assert_allclose(n["unit"], Y.std(0))
    assert "targets" in model.scaling_


@pytest.mark.parametrize("scaling", ["whiten", "rank_gauss", "robust", "row_norm"])
@pytest.mark.parametrize("skip", [False, True])
def test_every_scaling_goes_both_ways(scaling, skip):
    model = fitted(scaling=scaling, skip=skip, max_iter=20)
    module = model.module_
    assert model.predict(X).shape == Y.shape
    if scaling != "row_norm":  # under which the columns of large numbers count alone
        assert model.score(X, target=Y) > 0.2
    with torch.no_grad():
        lengths = module.scaled_and_lengths(torch.from_numpy(X))[1]
        y = module.scale_targets(torch.from_numpy(Y))
        back = module.unscale_rows(y.double() if lengths is None else y.double() / lengths, lengths)
    assert_allclose(back.numpy(), Y, rtol=1e-4, atol=1e-4 * abs(Y).max())


def test_errors_and_score_are_those_of_targets():
    model = fitted()
    errors = (model.predict(X) - Y) / Y.std(0)
    assert_allclose(model.reconstruction_errors(X, target=Y), np.square(errors).mean(1), rtol=1e-8)
    assert_allclose(model.reconstruction_errors(X, target=Y, per="column"), np.square(errors).mean(0), rtol=1e-8)
    scaled = Y / Y.std(0)
    fvu = np.square(errors).sum() / np.square(scaled - scaled.mean(0)).sum()
    assert model.score(X, target=Y) == pytest.approx(1 - fvu)


@pytest.mark.parametrize("sparsity", ["topk", "batch_topk", "jumprelu", "gated", "l1", "topk:3+multi_topk:6"])
@pytest.mark.parametrize("skip", [False, True])
def test_every_dictionary_learns_targets(sparsity, skip):
    model = fitted(sparsity=sparsity, skip=skip, max_iter=20)
    assert model.score(X, target=Y) > 0.4
    assert model.predict(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    "parameters",
    [
        {"matryoshka": "auto"},
        {"ordered": True},
        {"revive": "auxk+resample"},
        {"constraint": "free"},
        {"constraint": "frozen"},
        {"corruption": "gaussian:0.1"},
        {"solver": "sgd:momentum=0.9", "learning_rate": 0.01},
        {"n_components": 600, "k": 3},
    ],
)
def test_parts_that_read_weights_and_targets(parameters):
    for skip in (False, True):
        assert fitted(skip=skip, **parameters).predict(X).shape == (300, 4)


@pytest.mark.parametrize("estimator", [SparseAutoencoder, DenoisingAutoencoder])
@pytest.mark.parametrize("n_components", [12, (10, 8)])
def test_textbook_autoencoders(estimator, n_components):
    model = estimator(n_components, max_iter=40, random_state=0).fit(X, target=Y)
    assert model.predict(X).shape == (300, 4)
    assert model.score(X, target=Y) > 0.4
    assert model.module_.layers[1][-1].weight.shape[1] == 4


def test_gradients_are_those_by_hand():
    """The gradient of 1/(B O) Σ (ŷ - y)², written out in float64."""
    layout = Layout((5, 12), TopK(3), centred=True, outputs=4, skip=True)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0)).double()
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 5)), rng.normal(size=(20, 4))
    n = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    n["skip"][:] = rng.normal(size=(4, 5))
    n["decoder.0.bias"][:] = rng.normal(size=4)
    objective = Objective((SquaredError(),))
    step = plan.step(layout, objective)(model, objective)
    step.gradients(Batch(torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(x)))
    z = x @ n["encoder.0.weight"].T + n["encoder.0.bias"]
    codes = topk(z, 3)
    error = codes @ n["decoder.0.weight"] + n["decoder.0.bias"] + x @ n["skip"].T - y
    up = 2 / error.size * error
    d_z = up @ n["decoder.0.weight"].T * (codes > 0)
    expected = {
        "encoder.0.weight": d_z.T @ x,
        "encoder.0.bias": d_z.sum(0),
        "decoder.0.weight": codes.T @ up,
        "decoder.0.bias": up.sum(0),
        "skip": up.T @ x,
    }
    for name, parameter in model.named_parameters():
        assert_allclose(parameter.grad.numpy(), expected[name], atol=1e-12)


def test_terms_that_decode_other_codes_add_the_skip():
    layout = Layout((5, 12), TopK(3), centred=True, outputs=4, skip=True)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0)).double()
    model.skip.data.normal_(generator=torch.Generator().manual_seed(1))
    x, y = (torch.randn(7, n, dtype=torch.float64, generator=torch.Generator().manual_seed(n)) for n in (5, 4))
    objective = Objective((SquaredError(),))
    p = plan.step(layout, objective)(model, objective)._forward_pass(Batch(x, y, x), 0.0)
    w, b, skip = (t.detach().numpy() for t in (model.dictionary, model.layers[1][0].bias, model.skip))
    z, x, y = p.pre.dense().detach().numpy(), x.numpy(), y.numpy()

    def error(codes):
        return np.square(codes @ w + b + x @ skip.T - y).mean()

    assert MultiTopK(6)(p).item() == pytest.approx(error(topk(z, 6)))
    first = topk(z, 3) * (np.arange(12) < 4)
    assert Matryoshka(widths=(4,))(p).item() == pytest.approx((error(first) + error(topk(z, 3))) / 2)
    assert GatedAux.name == "gated_aux"


def test_a_linear_target_is_left_to_the_skip():
    """Of a linear target the least squares solution is a fixed point, and a skip transcoder comes near to it."""
    linear = X / X.std(0) @ np.random.default_rng(2).normal(size=(6, 4)) + 3
    model = fitted(linear, skip=True, scaling="standard", n_components=2, k=1, max_iter=150)
    n = numbers(model)
    x, y = (X - n["shift"]) / n["scale"], (linear - n["target_shift"]) / n["target_scale"]
    solution = np.linalg.lstsq(x, y, rcond=None)[0].T
    assert model.score(X, target=linear) > 0.99
    assert np.linalg.norm(n["skip"] - solution) < 0.25 * np.linalg.norm(solution)
    model.module_.skip.data.copy_(torch.from_numpy(solution))
    model.module_.dictionary.data.zero_()
    model.module_.layers[1][0].bias.data.zero_()
    assert_allclose(model.predict(X), linear, rtol=1e-5, atol=1e-5 * abs(linear).max())


def test_latents_start_at_pairs():
    layout = Layout((6, 10), TopK(3), centred=True, norm=0.5, from_rows=1.0, outputs=4)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
    x, y = (torch.randn(30, n, generator=torch.Generator().manual_seed(n)) + 2 for n in (6, 4))
    model.layers[1][0].bias.data.fill_(2)
    initialise_pairs(model, x, y, torch.full((6,), 2.0))
    encoder, decoder = model.layers[0][0].weight.detach().numpy(), model.dictionary.detach().numpy()
    rows, targets = x.numpy()[::3] - 2, y.numpy()[::3] - 2
    assert_allclose(encoder, 0.5 * rows / np.linalg.norm(rows, axis=1, keepdims=True), rtol=1e-5)
    assert_allclose(decoder, 0.5 * targets / np.linalg.norm(targets, axis=1, keepdims=True), rtol=1e-5)
    assert_allclose(model.pre_activations(torch.full((1, 6), 2.0)).dense().detach().numpy(), 0, atol=1e-6)


def test_missing_values_of_rows_and_targets():
    rng = np.random.default_rng(3)
    x, y = np.where(rng.random(X.shape) < 0.1, np.nan, X), np.where(rng.random(Y.shape) < 0.1, np.nan, Y)
    model = DictionaryAutoencoder(**(SMALL | {"max_iter": 20})).fit(x, target=y)
    assert np.isfinite(model.predict(x)).all()
    assert model.score(x, target=y) > 0.2


@pytest.mark.parametrize("skip", [False, True])
def test_saved_and_trained_further(skip, tmp_path):
    model = fitted(skip=skip)
    model.save(tmp_path / "model")
    again = taciturn.load(tmp_path / "model")
    assert_array_equal(again.predict(X), model.predict(X))
    for each in (model, again):
        each.partial_fit(X[:100] + 1, target=Y[:100])
    assert_array_equal(again.predict(X), model.predict(X))
    warm = again.set_params(warm_start=True).fit(X, target=Y)
    assert warm.predict(X).shape == Y.shape


def test_validation_and_early_stopping_have_targets():
    model = DictionaryAutoencoder(**SMALL).fit(X[:200], target=Y[:200], validation=(X[200:], Y[200:]))
    assert "validation_loss" in model.history_
    stopping = SparseAutoencoder(8, early_stopping=True, **QUICK).fit(X, target=Y)
    assert "validation_loss" in stopping.history_
    with pytest.raises(DataError, match="validation: the targets have 4 columns, the rows 6"):
        DictionaryAutoencoder(**SMALL).fit(X, target=Y, validation=X)


def test_streamed_targets(tmp_path):
    for name, rows in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", rows)
    model = DictionaryAutoencoder(**SMALL).fit(open_path(tmp_path / "x.npy"), target=open_path(tmp_path / "y.npy"))
    assert_array_equal(model.predict(X), fitted().predict(X))


def test_data_frames():
    pd = pytest.importorskip("pandas")
    x, y = pd.DataFrame(X, columns=list("abcdef")), pd.DataFrame(Y, columns=list("wxyz"))
    model = DictionaryAutoencoder(**SMALL).fit(x, target=y)
    assert model.predict(x).shape == (300, 4)
    assert isinstance(model.inverse_transform(model.transform(x)), np.ndarray)
    mixed = x.assign(f=["red", "blue", "green"] * 100)
    with pytest.raises(DataError, match="target"):
        DictionaryAutoencoder(**SMALL).fit(mixed, target=y)
    with pytest.raises((DataError, ValueError), match="target"):
        DictionaryAutoencoder(**SMALL).fit(x, target=y.assign(z="red"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.denoise(X), r"other columns than its rows; call predict\(X\)"),
        (lambda model: model.impute(X), r"other columns than its rows; call predict\(X\)"),
        (lambda model: model.score(X), "the targets have 4 columns, the rows 6; give a target"),
        (lambda model: model.score_samples(X), "the targets have 4 columns"),
        (lambda model: model.score(X, target=X), r"target has shape \[300, 6\].* 4 columns"),
        (lambda model: model.score(X, target=Y[:5]), r"target has shape \[5, 4\]"),
        (lambda model: model.report(X), "give them: report"),
        (lambda model: model.partial_fit(X), "there is no target, but the fitted network puts out 4"),
        (lambda model: model.partial_fit(X, target=X), "target has 6 columns, but the fitted network puts out 4"),
        (lambda model: model.set_params(warm_start=True).fit(X, target=X), "target has 6 columns, but the fitted"),
        (lambda model: model.set_params(warm_start=True).fit(X), "there is no target, but the fitted network"),
        (lambda model: model.to_dictionary("x", "saelens"), "transcoder"),
        (lambda model: model.predict(X[:, :3]), "3 features"),
    ],
)
def test_what_a_transcoder_is_not(call, message):
    with pytest.raises((TaciturnError, ValueError), match=message) as failure:
        call(fitted())
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (DictionaryAutoencoder(**SMALL, refine=1), "target has 4 columns and X has 6, but refine=1.*set refine=0"),
        (SparseAutoencoder(8, tied=True), "tied weights.*set tied=False"),
        (DenoisingAutoencoder(8, corruption="blind_spot:0.2"), "leave out target"),
        (DictionaryAutoencoder(**SMALL, skip="yes"), "skip='yes' must be True or False"),
    ],
)
def test_parameters_that_require_the_rows_columns(estimator, message):
    with pytest.raises(RecipeError, match=message):
        estimator.fit(X, target=Y)


def test_a_skip_needs_targets():
    with pytest.raises(RecipeError, match=r"give fit\(X, target=Y\) or --target, or set skip=False"):
        DictionaryAutoencoder(**SMALL, skip=True).fit(X)
    with pytest.raises(RecipeError, match=r"give fit\(X, target=Y\)"):
        DictionaryAutoencoder(**SMALL, skip=True).partial_fit(X)
    assert not hasattr(DictionaryAutoencoder(**SMALL).fit(X), "predict")


def test_a_skip_with_targets_of_the_same_width():
    target = X[:, ::-1] ** 2
    model = fitted(target, skip=True)
    assert model.settings_.layout.outputs == 6
    assert model.predict(X).shape == (300, 6)
    with pytest.raises(RecipeError, match="call predict"):
        model.denoise(X)
    plain = fitted(target)
    assert plain.settings_.layout.outputs == 0
    assert_array_equal(plain.predict(X), plain.denoise(X))


@pytest.mark.parametrize("skip", [False, True])
def test_exported_programs(skip, tmp_path):
    pytest.importorskip("onnxruntime")
    import onnxruntime

    model = fitted(skip=skip)
    model.to_onnx(tmp_path / "y.onnx", "denoise")
    session = onnxruntime.InferenceSession(tmp_path / "y.onnx")
    x = X.astype(np.float32)
    assert_allclose(session.run(None, {"rows": x})[0], model.predict(x), rtol=1e-3, atol=1e-3 * abs(Y).max())
    model.to_torch_export(tmp_path / "y.pt2", "denoise")
    if skip:
        with pytest.raises(RecipeError, match="codes alone"):
            model.to_onnx(tmp_path / "decode.onnx", "decode")
    with pytest.raises(RecipeError, match="a transcoder cannot be written as arrays"):
        model.to_npz(tmp_path / "model.npz")


def test_old_layouts_have_neither():
    layout = Layout((4, 8), TopK(2))
    plain = {name: value for name, value in layout.to_dict().items() if name not in ("outputs", "skip")}
    assert Layout.from_dict(plain) == layout


def test_layouts_are_checked():
    for fields, message in (
        ({"outputs": -1}, "outputs"),
        ({"skip": True}, "requires targets"),
        ({"outputs": 3, "tied": True}, "tied=True cannot be used"),
        ({"outputs": 3, "refine": 1}, "refine=1 cannot be used"),
        ({"outputs": 3, "skip": 1}, "must be True or False"),
    ):
        with pytest.raises(RecipeError, match=message):
            Layout((4, 8), TopK(2), **fields)
    with pytest.raises(RecipeError, match="one layer"):
        Layout((4, 6, 8), TopK(2), outputs=3, skip=True)
