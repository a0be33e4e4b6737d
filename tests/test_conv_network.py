"""The convolutional autoencoder: its layers and their mirror, its gradients, any coding layer, and the trainer."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from commandline import run
from taciturn import DenoisingAutoencoder, SparseAutoencoder, load
from taciturn.core.errors import RecipeError
from taciturn.model import Batch, InferenceModule, Layout, create
from taciturn.model.coding_layers import BatchTopK, Gated, Identity, JumpReLU, ReLU, Sigmoid, Tanh, TopK
from taciturn.model.layers import Convolution
from taciturn.model.networks import ConvNetwork
from taciturn.objective import Objective, SquaredError
from taciturn.training.step import Step
from test_residual_denoiser import waves

PARAMETERS = {"network": "conv:channels=3/5,kernel=3", "shape": (8, 12), "random_state": 0, "device": "cpu"}


def autoencoder(coder, image=(8, 12), channels=(3, 5), kernel=3, tied=False, dense=()):
    """Return a model of float64, with biases that are not 0."""
    network = ConvNetwork(channels, kernel)
    widths = (int(np.prod(image)), *network.hidden_widths(image), *dense, 6)
    layout = Layout(widths, coder, hidden=Tanh(), network=network, image=image, tied=tied)
    model, rng = create(layout, rng=torch.Generator().manual_seed(0)).double(), torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data.copy_(torch.randn(parameter.shape, generator=rng, dtype=torch.float64) / 3)
    return model


def test_a_small_convolution_worked_by_hand():
    """Of a 3 × 3 image with a kernel of 3 × 3, stride 2: four numbers, one at each corner.

    1 2 3        0 1 0
    4 5 6        1 2 0     the corner of 1: 2·1 + 0·2 (right) + 0·4 (below) = 2
    7 8 9        0 0 3     plus 3·5 (right and below) = 17
    """
    kernel = torch.tensor([[[[0.0, 1, 0], [1, 2, 0], [0, 0, 3]]]])
    layer = Convolution(torch.nn.Parameter(kernel), (3, 3, 1), (2, 2, 1), 1)
    layer.bias.data.fill_(10)
    x = torch.arange(1.0, 10)[None]
    # corner of 3: 2·3 + left 2; of 7: 2·7 + above 4 + right and below: none; of 9: 2·9 + left 8 + above 6
    assert layer.encode(x).tolist() == [[27, 18, 28, 42]]
    # the transposed one puts each number's kernel where it was taken from
    spread = layer.decode(torch.tensor([[1.0, 0, 0, 100]]))
    assert spread.tolist() == [[12, 10, 10, 10, 13, 110, 10, 110, 210]]


def test_a_transposed_convolution_is_the_transposed_matrix():
    weight = torch.nn.Parameter(torch.randn(4, 3, 5, 5, dtype=torch.float64))
    for large, small in (((6, 8, 3), (3, 4, 4)), ((7, 5, 3), (4, 3, 4)), ((1, 2, 3), (1, 1, 4))):
        layer = Convolution(weight, large, small, 1).double()
        encoded = layer.encode(torch.eye(int(np.prod(large)), dtype=torch.float64))
        decoded = layer.decode(torch.eye(int(np.prod(small)), dtype=torch.float64))
        assert_allclose(decoded.detach(), encoded.detach().T, atol=1e-12)


def test_pixels_are_in_the_order_height_width_channel():
    """One kernel of 1 in its middle takes every second pixel of every second line, of one channel."""
    weight = torch.zeros(1, 3, 3, 3)
    weight[0, 2, 1, 1] = 1
    layer = Convolution(torch.nn.Parameter(weight), (4, 6, 3), (2, 3, 1), 1)
    image = torch.rand(4, 6, 3)
    assert_array_equal(layer.encode(image.view(1, -1)).detach()[0], image[::2, ::2, 2].flatten())


@pytest.mark.parametrize(
    ("coder", "image", "tied"),
    [
        (Sigmoid(), (8, 12), False),
        (Identity(), (5, 7), True),
        (TopK(2), (8, 12), False),
        (Gated(), (4, 4, 3), False),
        (BatchTopK(2), (6, 6), False),
    ],
)
def test_gradients_agree_with_finite_differences(coder, image, tied):
    model = autoencoder(coder, image, tied=tied, dense=(7,))
    step = Step(model, Objective((SquaredError(),)))
    x, noisy = torch.rand(2, 4, int(np.prod(image)), dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    batch = Batch(x, x, noisy)
    step.gradients(batch)
    for name, weight in model.named_parameters():
        if weight.grad is None or name.startswith("coder"):  # of those some gradients are surrogates
            continue
        gradient, flat = weight.grad.flatten(), weight.data.view(-1)
        for i in {0, len(flat) // 2, len(flat) - 1}:
            losses, value = [], flat[i].item()
            for change in (1e-5, -1e-5):
                flat[i] = value + change
                losses.append(step(batch)[1]["loss"].item())
            flat[i] = value
            assert_allclose(gradient[i], (losses[0] - losses[1]) / 2e-5, rtol=2e-4, atol=1e-9, err_msg=name)


def test_the_inference_module_agrees():
    for coder in (Sigmoid(), TopK(2), JumpReLU(), Gated()):
        model, x = autoencoder(coder, dense=(7,)), torch.rand(5, 96, dtype=torch.float64)
        module = InferenceModule(model)
        assert_allclose(module.encode(x).detach(), model.encode(x).dense().detach(), atol=1e-12)
        assert_allclose(module(x).detach(), model(x).detach(), atol=1e-12)
        layers = model.hidden_activations(x)
        assert [layer.shape[1] for layer in layers] == [72, 30, 7, 6, 7, 30, 72]
        assert_allclose(model.layers[1][-1].decode(layers[-1]).detach(), model(x).detach(), atol=1e-12)


@pytest.mark.parametrize(
    "parameters",
    [
        {"sparsity": "kl:0.1"},
        {"sparsity": "topk:3"},
        {"sparsity": "batch_topk:3", "n_components": (20, 12)},
        {"sparsity": "jumprelu+l0:l0=3"},
        {"sparsity": "none", "corruption": "gaussian:0.2", "tied": True},
    ],
)
@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")
def test_any_coding_layer_is_trained_saved_and_trained_on(parameters, tmp_path):
    X = waves(200)
    parameters = PARAMETERS | {"n_components": 12, "max_iter": 4} | parameters
    model = SparseAutoencoder(**parameters).fit(X)
    assert model.history_["loss"][-1] < model.history_["loss"][0]
    model.save(tmp_path / "model")
    same = load(tmp_path / "model")
    assert_array_equal(same.transform(X), model.transform(X))
    assert_array_equal(same.denoise(X), model.denoise(X))
    assert_array_equal(same.partial_fit(X).transform(X), model.partial_fit(X).transform(X))


def test_components_name_the_dense_layers_after_the_convolutions():
    X = waves(60)
    model = DenoisingAutoencoder((9, 4), max_iter=1, **PARAMETERS).fit(X)
    assert model.settings_.layout.widths == (96, 4 * 6 * 3, 2 * 3 * 5, 9, 4)
    assert model.components_.shape == (4, 96)
    assert model.set_params(outputs="hidden").transform(X).shape == (60, 2 * (72 + 30 + 9) + 4)


def test_the_command_trains_one_and_its_recipe_repeats_it(tmp_path):
    np.save(tmp_path / "images.npy", waves(80))
    network = ["--network", PARAMETERS["network"], "--shape", "8x12", "--latents", "9,4"]
    run("fit", tmp_path / "images.npy", *network, "--corrupt", "gaussian:0.1", "--epochs", 2, "-o", tmp_path / "run")
    assert (tmp_path / "run" / "report.html").is_file()
    run("fit", tmp_path / "run" / "recipe.toml", "-o", tmp_path / "again")
    assert_array_equal(load(tmp_path / "again").denoise(waves(9)), load(tmp_path / "run").denoise(waves(9)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv:channels=32", r"channels=32 must be 1 to 16 whole numbers, .* as in channels=32/64 or channels=32/"),
        ("conv:channels=0/2", r"channels=\(0, 2\) must be 1 to 16 whole numbers"),
        ("conv:kernel=4", "kernel=4 must be odd, so that it has a middle; set 5"),
        ("conv:kernel=17", r"kernel=17 lies outside \[3, 15\]"),
        ("residual:channels=1/2/3/4/5/6/7", "must be 1 to 6 whole numbers"),
        ("residual:blocks=0", r"blocks=0 lies outside \[1, 100\]"),
        ("convolution", "no network is named 'convolution'"),
    ],
)
def test_impossible_networks_are_refused(text, message):
    with pytest.raises(RecipeError, match=message):
        DenoisingAutoencoder(4, **PARAMETERS | {"network": text}).fit(waves(60))


def test_widths_that_are_not_those_of_the_network_are_refused():
    """As a damaged folder has them."""
    network = ConvNetwork((3, 5), 3)
    for widths, image in (((96, 72, 31, 6), (8, 12)), ((96, 72, 30, 6), (12, 12)), ((96, 72, 30, 6), None)):
        with pytest.raises(RecipeError, match=r"widths=.* are not those of network=|is for images"):
            Layout(widths, ReLU(), network=network, image=image)
    with pytest.raises(RecipeError, match="positive whole numbers"):
        Layout((96, 0), ReLU())


def test_formats_of_dense_layers_refuse_convolutions(tmp_path):
    model = DenoisingAutoencoder(4, max_iter=1, **PARAMETERS).fit(waves(60))
    for name in ("model.npz", "model.mat"):
        with pytest.raises(RecipeError, match="has convolutions, which this format does not hold"):
            getattr(model, f"to_{name[-3:]}")(tmp_path / name)
        assert not (tmp_path / name).exists()
