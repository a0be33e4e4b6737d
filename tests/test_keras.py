"""Models as Keras networks and back: numbers, gradients, noise, files, the textbook's training, refusals by name.

The tests run on the backend that KERAS_BACKEND names, torch by default (tests/conftest.py). `make keras` runs them on
TensorFlow and on JAX.
"""

import copy
import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

if find_spec("keras") is None:
    pytest.skip("needs keras", allow_module_level=True)
import keras
from keras import layers

import taciturn
from keras_measures import (
    CODERS,
    DICTIONARIES,
    FAR,
    NEAR,
    PENALTIES,
    PROGRAMS,
    RNG,
    SCALINGS,
    SHAPES,
    START,
    TEXTBOOK,
    dictionary,
    encoder,
    gradient_deviations,
    output_deviations,
    predicted,
    relative,
    sparse,
    textbook_ends,
)
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import DataError, RecipeError, TaciturnError, TaciturnWarning
from taciturn.inference import keras_layers, to_keras, to_keras_file
from taciturn.inference.from_keras import from_keras as read
from taciturn.inference.to_keras import ACTIVATIONS
from taciturn.model import Batch
from taciturn.objective import Objective, SquaredError, Term
from taciturn.training.constraints import Free
from taciturn.training.solvers import SGD
from taciturn.training.step import Step

pytestmark = [
    pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Keras's torch backend and NumPy 2
    pytest.mark.filterwarnings("ignore:Gradients do not exist for variables"),  # of a gate, without gated_aux
]


# --- the same numbers -------------------------------------------------------------------------------------------


def agrees(network, model, rows):
    """Compare outputs and codes with the inference module in float64."""
    assert max(output_deviations(network, model, rows).values()) < 1e-6


def compare_gradients(model, objective, rows, bound=1e-5, dtype=torch.float64):
    deviations = gradient_deviations(model, objective, rows, dtype)
    assert max(deviations.values()) < bound, deviations


@pytest.mark.parametrize(("tied", "widths"), SHAPES)
@pytest.mark.parametrize("coder", CODERS)
def test_outputs_and_codes_are_the_models_also_from_a_file(coder, tied, widths, tmp_path):
    for scaling in SCALINGS:
        rows = NEAR if scaling == "none" else FAR
        model = sparse(coder, widths=widths, tied=tied, scaling=scaling, rows=rows)
        network = model.to_keras()
        agrees(network, model, rows)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(predicted(loaded, rows), predicted(network, rows))
    n_layers = 1 if widths == 16 else 2
    kernels = [variable for variable in loaded.trainable_variables if variable.name == "kernel"]
    assert len(kernels) == (n_layers if tied else 2 * n_layers)


@pytest.mark.parametrize("name", DICTIONARIES)
def test_dictionaries(name, tmp_path):
    model = dictionary(name)
    network = model.to_keras()
    agrees(network, model, FAR)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    np.testing.assert_array_equal(predicted(loaded, FAR), predicted(network, FAR))
    assert len(loaded.variables) == len(network.variables)


def test_pairs_cross_entropy_and_one_row():
    clean = (NEAR - NEAR.min(0)) / np.ptp(NEAR, axis=0)
    for model in (
        DenoisingAutoencoder(8, max_iter=1, random_state=0, scaling="standard").fit(FAR, target=1000 + 50 * NEAR),
        SparseAutoencoder(8, max_iter=1, scaling="minmax", loss="cross_entropy", random_state=0).fit(clean),
    ):
        network = model.to_keras()
        agrees(network, model, FAR)
        assert predicted(network, FAR[:1]).shape == (1, 5)


def test_layers_have_plain_names():
    model = sparse("sigmoid", widths=(12, 8), corruption="gaussian:0.1+masking:0.2")
    names = [layer.name for layer in model.to_keras().layers]
    encoder_side = ["input", "scale", "corruption", "corruption_2", "encoder_1", "encoder_2", "codes", "sparsity"]
    assert names == [*encoder_side, "decoder_1", "decoder_2", "unscale"]
    plain = DenoisingAutoencoder(8, corruption="dropout:0.3", max_iter=1).fit(RNG.random((50, 4)))
    assert all(type(layer).__module__.startswith("keras.") for layer in plain.to_keras().layers)


# --- the same gradients -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tied", "widths"), SHAPES)
@pytest.mark.parametrize("coder", CODERS)
def test_the_reconstruction_losss_gradients(coder, tied, widths):
    scaling = "whiten" if tied else "standard"
    compare_gradients(
        sparse(coder, widths=widths, tied=tied, rows=NEAR, scaling=scaling), Objective((SquaredError(),)), NEAR
    )


@pytest.mark.parametrize("name", DICTIONARIES)
def test_a_dictionarys_gradients(name):
    compare_gradients(dictionary(name, rows=NEAR), Objective((0.5 * SquaredError(),)), NEAR)


@pytest.mark.parametrize(("coder", "term"), PENALTIES)
@pytest.mark.parametrize(("tied", "widths"), [(False, 16), (True, (12, 8))])
def test_the_sparsity_losss_gradients(coder, term, tied, widths):
    objective = Objective((SquaredError(weight=0.0), Term.parse(term)))
    compare_gradients(sparse(coder, widths=widths, tied=tied, rows=NEAR), objective, NEAR)


def test_cross_entropys_gradients():
    rows = RNG.random((60, 5)).astype(np.float32)
    options = {"loss": "cross_entropy", "output_activation": "sigmoid", "sparsity": None, "max_iter": 1}
    for scaling in ("none", "minmax"):
        model = SparseAutoencoder(8, scaling=scaling, random_state=0, **options).fit(rows)
        compare_gradients(model, model.settings_.objective, rows)


def test_saturated_latents_still_have_the_gradient_of_kl():
    model = sparse("sigmoid", rows=NEAR)
    with torch.no_grad():
        model.module_.encoder[0].bias[:4] = -18.0
    objective = Objective((SquaredError(weight=0.0), Term.parse("kl:0.1,weight=0.2")))
    # the bound at which they are kept is float32's
    compare_gradients(model, objective, NEAR, bound=1e-4, dtype=torch.float32)


def test_in_training_batch_topk_moves_its_threshold_as_ours_does():
    model = dictionary("batch_topk", rows=NEAR)
    settings = replace(model.settings_, solver=SGD(), learning_rate=0.0, weight_decay=0.0, constraint=Free())
    network, own = to_keras(model.module_, settings, {}), copy.deepcopy(model.module_)
    step, x = Step(own, settings.objective), own.scale_rows(torch.from_numpy(NEAR))
    for part in x.split(40):
        step.gradients(Batch(part, part, part), progress=1.0)
    for part in np.split(NEAR, 3):
        network.train_on_batch(part, part)
    theirs = read(network).tensors
    assert theirs["coder.value"].item() == pytest.approx(own.coder.value.item(), rel=1e-5)
    assert theirs["coder.value"].item() != pytest.approx(model.module_.coder.value.item(), rel=1e-3)


def test_equal_pre_activations_keep_exactly_k():
    z = keras.ops.convert_to_tensor([[1.0, 2.0, 2.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    codes = keras.ops.convert_to_numpy(keras_layers.TopK(2)(z))
    assert codes.tolist() == [[0, 2, 2, 0, 0], [0, 0, 0, 0, 0]]
    assert keras.ops.convert_to_numpy(keras_layers.TopK(9)(z))[0].tolist() == [1, 2, 2, 2, 0]
    batch = keras.ops.convert_to_numpy(keras_layers.BatchTopK(1.0)(z, training=True))
    assert batch.tolist() == [[0, 2, 2, 0, 0], [0, 0, 0, 0, 0]]


# --- noise ------------------------------------------------------------------------------------------------------
NOISES = {
    "gaussian:0.4": lambda x, noisy: abs((noisy - x).std() - 0.4) < 0.01 and (noisy != x).mean() > 0.99,
    "gaussian:2.0": lambda x, noisy: abs((noisy - x).std() - 2.0) < 0.05,
    "dropout:0.3": lambda x, noisy: (
        abs((noisy == 0).mean() - 0.3) < 0.02 and np.allclose(noisy[noisy != 0], (x / 0.7)[noisy != 0], rtol=1e-6)
    ),
    "masking:0.3": lambda x, noisy: (
        abs((noisy == 0).mean() - 0.3) < 0.02 and np.array_equal(noisy[noisy != 0], x[noisy != 0])
    ),
    "salt_pepper:0.3,low=-9,high=7": lambda x, noisy: (
        abs((noisy == -9).mean() - 0.15) < 0.02
        and abs((noisy == 7).mean() - 0.15) < 0.02
        and np.array_equal(noisy[(noisy != -9) & (noisy != 7)], x[(noisy != -9) & (noisy != 7)])
    ),
    "swap:0.3": lambda x, noisy: (
        abs((noisy != x).mean() - 0.3) < 0.02 and all(np.isin(noisy[:, i], x[:, i]).all() for i in range(x.shape[1]))
    ),
}


@pytest.mark.parametrize("noise", NOISES)
def test_noise_is_added_in_training_only(noise, tmp_path):
    x = np.random.default_rng(1).normal(size=(1500, 6)).astype(np.float32)
    model = DenoisingAutoencoder(4, corruption=noise, scaling="none", max_iter=1, random_state=0).fit(x)
    network = model.to_keras()
    network.save(tmp_path / "network.keras")
    for each in (network, keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)):
        corrupt = keras.Model(each.input, each.get_layer("corruption").output)
        noisy, again = (keras.ops.convert_to_numpy(corrupt(x, training=True)) for _ in range(2))
        assert NOISES[noise](x, noisy)
        assert not np.array_equal(noisy, again)
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(corrupt(x, training=False)), x)
        agrees(each, model, x)
    assert taciturn.from_keras(network).settings_.corruption == model.settings_.corruption


# --- the textbook's training ------------------------------------------------------------------------------------
@pytest.mark.parametrize("program", PROGRAMS)
def test_both_sides_train_the_textbooks_networks_alike(program):
    ours, theirs = textbook_ends(program)
    for name, start in START.items():
        assert relative(theirs[name], ours[name].numpy()) < 1e-4, name
        assert relative(ours[name], start) > 0.1, name


def test_carried_there_trained_carried_back_and_trained_on(tmp_path):
    x = TEXTBOOK["batches"].reshape(-1, TEXTBOOK["batches"].shape[2])
    model = SparseAutoencoder((40, 24), tied=True, corruption="gaussian:0.2", max_iter=2, random_state=0).fit(x)
    keras.utils.set_random_seed(0)
    network = model.to_keras()
    first = network.evaluate(x, x, verbose=0)
    network.fit(x, x, epochs=2, batch_size=64, verbose=0)
    assert network.evaluate(x, x, verbose=0) < first
    network.save(tmp_path / "trained.keras")
    back = taciturn.from_keras(tmp_path / "trained.keras")
    assert isinstance(back, SparseAutoencoder)
    assert back.module_.decoder[1].weight is back.module_.encoder[0].weight
    assert relative(back.denoise(x), predicted(network, x)) < 1e-6
    assert relative(back.transform(x), predicted(encoder(network), x)) < 1e-6
    before = back.score(x)
    for _ in range(4):
        back.partial_fit(x)
    assert back.score(x) > before
    back.save(tmp_path / "run")
    assert taciturn.load(tmp_path / "run").settings_.objective.text.startswith("squared_error+kl:0.05,weight=")
    agrees(back.to_keras(), back, x)


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_weight_decay_reaches_kernels_only_also_after_loading(alpha, tmp_path):
    model = sparse("relu", rows=NEAR, alpha=alpha, solver="adam:clip=1", learning_rate=0.1)
    network = to_keras(model.module_, replace(model.settings_, objective=Objective((SquaredError(weight=0.0),))), {})
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    before = read(loaded).tensors
    loaded.train_on_batch(NEAR, NEAR)
    after = read(loaded).tensors
    for name, tensor in after.items():
        factor = 1 - 0.1 * alpha if name.endswith("weight") else 1.0
        np.testing.assert_allclose(tensor, factor * before[name], rtol=1e-6, err_msg=name)
    assert read(loaded).parameters["alpha"] == alpha
    assert read(loaded).parameters["solver"].endswith("clip=1")


# --- there and back ---------------------------------------------------------------------------------------------
def back(network):
    return taciturn.from_keras(network)


@pytest.mark.parametrize("coder", CODERS)
def test_a_model_comes_back_to_the_bit(coder):
    for tied, widths, scaling in ((False, 16, "minmax"), (True, (12, 8), "none")):
        model = sparse(coder, widths=widths, tied=tied, scaling=scaling, learning_rate=0.02, solver="tensorflow_adam")
        again = back(model.to_keras())
        assert isinstance(again, SparseAutoencoder if model.sparsity else DenoisingAutoencoder)
        layout = model.settings_.layout
        hidden = again.settings_.layout.hidden if widths == 16 else layout.hidden  # of no hidden layer
        assert again.settings_.layout == replace(layout, hidden=hidden)
        assert again.settings_.objective == model.settings_.objective
        assert again.settings_.solver == model.settings_.solver
        assert again.settings_.learning_rate == 0.02
        for name, tensor in model.module_.state_dict().items():
            assert torch.equal(again.module_.state_dict()[name], tensor), name


def test_a_missing_value_enters_as_the_columns_mean():
    rows = FAR[:50].astype(np.float32)
    rows[3, 1] = rows[7, 4] = np.nan
    model = DenoisingAutoencoder(4, scaling="standard", max_iter=1, random_state=0).fit(rows)
    assert model.settings_.corruption.text.endswith("missing:0.008")
    network = model.to_keras()
    recon = np.asarray(network.predict(rows, verbose=0))
    errors = (recon - model.denoise(rows)) / model.module_.scale.numpy()
    assert np.abs(np.delete(errors, 2, 1)).max() < 1e-4  # of the column at 10⁶ an output has steps of 0.06
    assert np.abs(errors).max() < 0.1


@pytest.mark.parametrize("name", DICTIONARIES)
def test_a_dictionary_comes_back_to_the_bit(name):
    model = dictionary(name)
    again = back(model.to_keras())
    assert isinstance(again, DictionaryAutoencoder)
    assert again.settings_.constraint == model.settings_.constraint
    for key, tensor in model.module_.state_dict().items():
        assert torch.equal(again.module_.state_dict()[key], tensor), key
    again.partial_fit(FAR)


def numpy_forward(network, x, activations):
    """The outputs of dense layers in float64."""
    h = x.astype(np.float64)
    dense = [layer for layer in network.layers if isinstance(layer, layers.Dense)]
    for layer, activation in zip(dense, activations, strict=True):
        kernel, bias = (np.asarray(array, np.float64) for array in layer.get_weights())
        h = activation(h @ kernel + bias)
    return h


def test_any_network_of_dense_layers_becomes_a_model():
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Rescaling(0.5, offset=1.0),
            layers.GaussianNoise(0.2),
            layers.Dense(7),
            layers.ReLU(),
            layers.Dense(3, "sigmoid"),
            layers.Dense(7, "relu"),
            layers.Dense(5),
            layers.Rescaling([2.0, 1.0, 1.0, 1.0, 3.0], offset=-2.0),
        ]
    )
    model = back(network)
    relu, sigmoid = (lambda z: np.maximum(z, 0)), (lambda z: 1 / (1 + np.exp(-z)))
    out = numpy_forward(network, NEAR * 0.5 + 1, [relu, sigmoid, relu, lambda z: z])
    np.testing.assert_allclose(model.denoise(NEAR), out * [2, 1, 1, 1, 3] - 2, rtol=1e-4, atol=1e-5)
    assert isinstance(model, DenoisingAutoencoder)
    assert model.settings_.corruption.text == "gaussian:0.2"
    model.partial_fit(NEAR)


def test_normalised_rows_and_networks_inside_a_network():
    keras.utils.set_random_seed(0)
    normalise = layers.Normalization(mean=NEAR.mean(0), variance=NEAR.var(0))
    restore = layers.Normalization(mean=NEAR.mean(0), variance=NEAR.var(0), invert=True)
    first = keras.Sequential([keras.Input((5,)), normalise, layers.Dropout(0.25), layers.Dense(9, "elu")])
    second = keras.Sequential([keras.Input((9,)), layers.Dense(5, use_bias=False), restore])
    network = keras.Sequential([first, second])
    network.compile("adam", "mse")
    model = back(network)
    h = (NEAR - NEAR.mean(0)) / NEAR.std(0) @ first.layers[-1].get_weights()[0]
    expected = np.where(h > 0, h, np.expm1(h)) @ second.layers[0].get_weights()[0] * NEAR.std(0) + NEAR.mean(0)
    np.testing.assert_allclose(model.denoise(NEAR), expected, rtol=1e-3, atol=1e-4)
    assert model.settings_.corruption.text == "dropout:0.25"
    assert model.settings_.solver.text == "tensorflow_adam:epsilon=1e-07"
    assert model.settings_.learning_rate == 0.001


def test_a_sigmoid_output_trained_by_cross_entropy_keeps_its_loss():
    network = chain(*dense(4), layers.Dense(5, "sigmoid"))
    network.compile(keras.optimizers.SGD(0.1, momentum=0.9), "binary_crossentropy")
    settings = back(network).settings_
    assert settings.objective.text == "cross_entropy"
    assert settings.solver.text == "sgd:momentum=0.9"
    assert settings.learning_rate == 0.1


def chain(*middle, width=5):
    return keras.Sequential([keras.Input((width,)), *middle])


def dense(*sizes, **options):
    return [layers.Dense(size, name=f"d{i}", **(options if i == 0 else {})) for i, size in enumerate(sizes)]


def skipping():
    rows = keras.Input((5,))
    h = layers.Dense(5, name="d0")(rows)
    return keras.Model(rows, layers.Subtract()([layers.Dense(5, name="d1")(h), rows]))


REFUSED = {
    "convolution": (
        lambda: keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3, name="c")]),
        "flat rows",
    ),
    "batch normalisation": (lambda: chain(*dense(4), layers.BatchNormalization(name="bn"), layers.Dense(5)), "'bn'"),
    "l1": (lambda: chain(*dense(4, 5, activity_regularizer=keras.regularizers.L1(0.1))), "'d0' has activity_reg"),
    "l2": (lambda: chain(*dense(4, 5, kernel_regularizer="l2")), "'d0' has kernel_regularizer=L2; set its"),
    "constraint": (lambda: chain(*dense(4, 5, kernel_constraint="non_neg")), "'d0' has the kernel constraint NonNeg"),
    "mirror": (lambda: chain(*dense(8, 4, 7, 5)), "'d2' maps 4 to 7 values and does not mirror 'd1'"),
    "odd": (lambda: chain(*dense(4, 4, 5)), r"3 dense layers \('d0', 'd1', 'd2'\)"),
    "none": (lambda: chain(layers.Rescaling(2.0)), "no dense layer"),
    "gelu": (lambda: chain(*dense(4, 5, activation="gelu")), "'d0' has the activation 'gelu'"),
    "two activations": (lambda: chain(*dense(4, activation="elu"), layers.ReLU(name="r"), layers.Dense(5)), "'r'"),
    "leaky": (lambda: chain(*dense(4), layers.ReLU(negative_slope=0.1, name="r"), layers.Dense(5)), "negative_slope"),
    "softmax": (lambda: chain(*dense(4), layers.Softmax(name="s"), layers.Dense(5)), "'s' is of the class Softmax"),
    "hidden": (
        lambda: chain(
            layers.Dense(6, "relu", name="a"), layers.Dense(3), layers.Dense(6, "elu", name="b"), layers.Dense(5)
        ),
        "'b' has the activation elu, another hidden layer relu",
    ),
    "noise inside": (lambda: chain(*dense(4), layers.Dropout(0.5, name="drop"), layers.Dense(5)), "'drop' corrupts"),
    "noise first": (
        lambda: chain(layers.GaussianNoise(0.1), layers.Rescaling(2.0, name="r"), *dense(4, 5)),
        "'r' scales the rows after the noise",
    ),
    "scaling inside": (lambda: chain(*dense(4), layers.Rescaling(2.0, name="r"), layers.Dense(5)), "comes after 'r'"),
    "unbuilt": (lambda: keras.Sequential(dense(4, 5)), "is not built"),
    "lambda": (lambda: chain(*dense(4), layers.Lambda(lambda x: x, name="l"), layers.Dense(5)), "'l' is of the class"),
    "skip": (skipping, "computes something else"),
    "wider output": (lambda: chain(*dense(4, 6)), "'d1' maps 4 to 6"),
    "no network": (lambda: "missing.keras", "missing.keras is not a file"),
    "a number": (lambda: 7, "not a int"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_expressed_is_refused_by_name(name):
    build, words = REFUSED[name]
    with pytest.raises(TaciturnError, match=words) as refusal:
        back(build())
    assert "\n" not in str(refusal.value)


def test_a_file_with_code_or_of_another_kind_is_refused(tmp_path):
    (tmp_path / "text.keras").write_text("no zip")
    chain(*dense(4), layers.Lambda(lambda x: x), layers.Dense(5)).save(tmp_path / "lambda.keras")
    for name in ("text", "lambda"):
        with pytest.raises((DataError, RecipeError), match=f"{name}.keras cannot be read by Keras"):
            back(tmp_path / f"{name}.keras")


# --- what is left out, files, and without keras -----------------------------------------------------------------
def test_one_warning_names_what_is_left_out():
    model = DictionaryAutoencoder(16, k=3, matryoshka=(4, 8), max_iter=1, revive="auxk+resample").fit(FAR)
    with pytest.warns(TaciturnWarning) as warned:
        model.to_keras()
    (text,) = [str(each.message) for each in warned]
    assert all(word in text for word in ("matryoshka", "auxk", "resampl"))
    with pytest.warns(TaciturnWarning, match="gated_aux"):
        DictionaryAutoencoder(16, k=3, sparsity="gated", max_iter=1).fit(FAR).to_keras()


def test_the_automatic_weight_is_a_number_there(tmp_path):
    model = SparseAutoencoder(8, sparsity="kl:0.1", max_iter=1, random_state=0).fit(FAR)
    assert model.to_keras().get_layer("sparsity").weight == model.weights_["kl"]
    to_keras_file(model.to_artifact(), tmp_path / "network.keras")
    assert keras.saving.load_model(tmp_path / "network.keras").get_layer("sparsity").weight == pytest.approx(
        model.weights_["kl"]
    )


def test_a_file_is_replaced_only_on_demand_and_completely(tmp_path, monkeypatch):
    artifact, path = sparse("relu").to_artifact(), tmp_path / "network.keras"
    to_keras_file(artifact, path)
    old = path.read_bytes()
    with pytest.raises(TaciturnError, match="exists"):
        to_keras_file(artifact, path)
    with pytest.raises(TaciturnError, match="does not end in"):
        to_keras_file(artifact, tmp_path / "network.h5")
    with monkeypatch.context() as patched:
        patched.setattr(keras.Model, "save", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            to_keras_file(artifact, path, overwrite=True)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]
    to_keras_file(artifact, path, overwrite=True)
    assert isinstance(back(path), SparseAutoencoder)


def test_keras_is_loaded_only_where_it_is_needed(monkeypatch):
    code = "import sys, taciturn.inference, taciturn.estimators; taciturn.from_keras; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    model = sparse("relu")
    monkeypatch.setitem(sys.modules, "keras", None)
    for call in (model.to_keras, lambda: back(7)):
        with pytest.raises(TaciturnError, match=r"needs keras; pip install 'taciturn\[keras\]'"):
            call()


def test_a_missing_backend_is_named():
    code = "import taciturn, sys; sys.modules['tensorflow'] = None; taciturn.from_keras(7)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "from_keras: Keras finds no tensorflow, its backend; pip install tensorflow, or set" in done.stderr


def test_an_activation_that_keras_lacks_is_named(monkeypatch):
    monkeypatch.delitem(ACTIVATIONS, "elu")
    with pytest.raises(RecipeError, match="the activation elu has no name in Keras"):
        sparse("elu").to_keras()


def test_the_python_of_the_page_runs(tmp_path):
    page = Path(__file__).parent.parent / "docs" / "keras.md"
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "['input', 'encoder_1', 'codes', 'sparsity', 'decoder_1']"
