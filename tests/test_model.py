"""The network: shapes, tying, initialisation, and its forward pass against NumPy in float64."""

import copy
import io
import math
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from taciturn import inference
from taciturn.model import Autoencoder, Batch, Layout
from taciturn.model.coding_layers import ELU, Identity, ReLU, Sigmoid, Tanh, TopK
from taciturn.objective import Objective, SquaredError
from taciturn.training.step import Step


def new_model(*widths, coder=None, seed=0, **layout):
    rng = torch.Generator().manual_seed(seed)
    return Autoencoder(Layout(widths, coder or Sigmoid(), **layout), rng=rng)


def randomised(model, seed=1):
    """The model in float64, with random biases and random scalings of rows and targets in place of 0 and 1."""
    rng = torch.Generator().manual_seed(seed)
    model = model.double()
    with torch.no_grad():
        for layer in (*model.encoder, *model.decoder):
            layer.bias.copy_(torch.randn(layer.bias.shape, generator=rng))
        for shift, scale in ((model.shift, model.scale), (model.target_shift, model.target_scale)):
            shift.copy_(torch.rand(shift.shape, generator=rng))
            scale.copy_(1 + torch.rand(scale.shape, generator=rng))
    return model


def uniform(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


SHAPES = [
    ((7, 5), [(5, 7)], [(5, 7)]),
    ((7, 6, 5), [(6, 7), (5, 6)], [(5, 6), (6, 7)]),
    ((7, 3, 4, 9), [(3, 7), (4, 3), (9, 4)], [(9, 4), (4, 3), (3, 7)]),
]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("widths", "encoder", "decoder"), SHAPES, ids=str)
def test_shapes_are_mirrored(widths, encoder, decoder, tied):
    model = new_model(*widths, tied=tied)
    assert [tuple(layer.weight.shape) for layer in model.encoder] == encoder
    assert [tuple(layer.weight.shape) for layer in model.decoder] == decoder
    assert [len(layer.bias) for layer in model.encoder] == list(widths[1:])
    assert [len(layer.bias) for layer in model.decoder] == list(widths[-2::-1])
    assert model.dictionary is model.decoder[0].weight
    x_BD = uniform(3, widths[0])
    assert model.encode(x_BD).dense().shape == (3, widths[-1])
    assert model(x_BD).shape == (3, widths[0])
    assert all(bool((layer.bias == 0).all()) for layer in (*model.encoder, *model.decoder))


@pytest.mark.parametrize(("widths", "encoder", "decoder"), SHAPES, ids=str)
def test_a_tied_weight_is_one_parameter(widths, encoder, decoder):
    weights = sum(a * b for a, b in encoder)
    biases = sum(widths[1:]) + sum(widths[:-1])
    tied, free = new_model(*widths, tied=True), new_model(*widths)
    assert sum(p.numel() for p in tied.parameters()) == weights + biases
    assert sum(p.numel() for p in free.parameters()) == 2 * weights + biases
    for encoding, decoding in zip(tied.encoder, reversed(tied.decoder), strict=True):
        assert encoding.weight is decoding.weight
    for encoding, decoding in zip(free.encoder, reversed(free.decoder), strict=True):
        assert encoding.weight.data_ptr() != decoding.weight.data_ptr()


@pytest.mark.parametrize("coder", [Sigmoid(), TopK(2)], ids=str)
def test_both_layers_of_a_tied_weight_change_together(coder):
    model = new_model(7, 6, 5, coder=coder, hidden=Tanh(), tied=True)
    before = model.encoder[0].weight.detach().clone()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
    model(uniform(4, 7)).square().sum().backward()
    gradient = model.encoder[0].weight.grad.clone()
    optimiser.step()
    assert_allclose(model.encoder[0].weight.detach(), before - 0.5 * gradient, rtol=1e-5, atol=1e-6)
    assert gradient.abs().min() > 0
    for encoding, decoding in zip(model.encoder, reversed(model.decoder), strict=True):
        assert_array_equal(encoding.weight.detach(), decoding.weight.detach())


@pytest.mark.parametrize("layout", [{"tied": True}, {"tied": True, "centred": True}, {"centred": True}], ids=str)
@pytest.mark.parametrize("coder", [Sigmoid(), Tanh(), TopK(3)], ids=str)
def test_the_gradient_is_that_of_finite_differences_on_all_paths(coder, layout):
    """(f(w + h) - f(w - h)) / 2h of the error computed in NumPy, for every entry of every parameter."""
    model = randomised(new_model(4, 3, 6, coder=coder, output=Sigmoid(), hidden=Tanh(), **layout))
    x_BD = np.random.default_rng(0).uniform(size=(5, 4))
    step = Step(model, Objective((SquaredError(),)))
    x = torch.tensor(x_BD)
    step.gradients(Batch(x, x, x))
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    assert len(names) == 8
    values = {n: p.detach().numpy().copy() for n, p in model.named_parameters()}
    first_name = {
        n: next(m for m, q in model.named_parameters() if q is p)
        for n, p in model.named_parameters(remove_duplicate=False)
    }

    def error():
        parameters = {name: values[first_name[name]] for name in names}
        return float(np.mean((numpy_forward(parameters, x_BD, model.layout)[1] - x_BD) ** 2))

    for name, p in model.named_parameters():
        for i in np.ndindex(values[name].shape):
            middle, h = values[name][i], 1e-5
            values[name][i] = middle + h
            high = error()
            values[name][i] = middle - h
            low = error()
            values[name][i] = middle
            assert p.grad[i].item() == pytest.approx((high - low) / (2 * h), rel=1e-5, abs=1e-9), (name, i)


CURVES = {
    Identity(): lambda z: z,
    ReLU(): lambda z: np.maximum(z, 0),
    ELU(): lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    Tanh(): np.tanh,
    Sigmoid(): sigmoid,
}


def numpy_forward(parameters, x_BD, layout):
    """Return codes and scaled reconstruction of scaled rows; parameters by name."""
    depth = len(layout.widths) - 1
    hidden, output = CURVES[layout.hidden], CURVES[layout.output]
    h = x_BD - parameters[f"decoder.{depth - 1}.bias"] if layout.centred else x_BD
    for i in range(depth):
        h = h @ parameters[f"encoder.{i}.weight"].T + parameters[f"encoder.{i}.bias"]
        h = hidden(h) if i < depth - 1 else h
    if isinstance(layout.coder, TopK):
        least = np.sort(h, axis=1)[:, -layout.coder.k, None]
        codes = np.where(h >= least, np.maximum(h, 0), 0)
    else:
        codes = CURVES[layout.coder](h)
    h = codes
    for i in range(depth):
        h = h @ parameters[f"decoder.{i}.weight"] + parameters[f"decoder.{i}.bias"]
        h = hidden(h) if i < depth - 1 else output(h)
    return codes, h


@pytest.mark.parametrize("widths", [(4, 6), (4, 3, 6), (4, 7, 5, 6)], ids=str)
@pytest.mark.parametrize("coder", [Sigmoid(), Tanh(), ReLU(), ELU(), Identity(), TopK(2)], ids=str)
def test_forward_is_numpys(coder, widths):
    settings = [
        {},
        {"hidden": ELU(), "output": Sigmoid()},
        {"tied": True, "hidden": Tanh()},
        {"centred": True, "output": Tanh()},
        {"tied": True, "centred": True, "hidden": Sigmoid(), "output": ReLU()},
    ]
    for layout in settings:
        model = randomised(new_model(*widths, coder=coder, **layout))
        x_BD = np.random.default_rng(0).normal(size=(9, 4))
        shift, scale = model.shift.numpy(), model.scale.numpy()
        parameters = {n: p.detach().numpy() for n, p in model.named_parameters(remove_duplicate=False)}
        codes_BL, recon_BD = numpy_forward(parameters, (x_BD - shift) / scale, model.layout)
        with torch.no_grad():
            assert_allclose(model.encode(torch.tensor(x_BD)).dense(), codes_BL, rtol=1e-12, atol=1e-13)
            in_target_units = recon_BD * model.target_scale.numpy() + model.target_shift.numpy()
            assert_allclose(model(torch.tensor(x_BD)), in_target_units, rtol=1e-12, atol=1e-13)


def test_the_same_generator_seed_gives_the_same_bits_and_the_global_one_is_untouched():
    state = torch.get_rng_state()
    first, again, other = (new_model(20, 10, 5, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    elsewhere = new_model(20, 10, 5, seed=3)
    torch.set_rng_state(state)
    for name, p in first.named_parameters():
        assert torch.equal(p, dict(again.named_parameters())[name])
        assert torch.equal(p, dict(elsewhere.named_parameters())[name])
        assert "bias" in name or not torch.equal(p, dict(other.named_parameters())[name])


GLOROT, HE, UNIT = (
    (lambda i, o: math.sqrt(2 / (i + o))),
    (lambda i, o: math.sqrt(2 / i)),
    (lambda i, o: 1 / math.sqrt(i)),
)
INITIAL_STD = [(Identity(), GLOROT), (Tanh(), GLOROT), (Sigmoid(), GLOROT), (ReLU(), HE), (ELU(), HE), (TopK(3), UNIT)]


@pytest.mark.parametrize(("coder", "std"), INITIAL_STD, ids=lambda case: getattr(case, "text", ""))
def test_initial_weights_have_the_standard_deviation_of_their_activation(coder, std):
    """Within 5 standard errors: σ / √(2 n) for the standard deviation σ, σ / √n for the mean."""
    model = new_model(200, 120, 300, coder=coder, hidden=ELU(), output=Tanh())
    expected = [
        (model.encoder[0].weight, HE(200, 120)),
        (model.encoder[1].weight, std(120, 300)),
        (model.decoder[0].weight, HE(300, 120) if not coder.transpose_initialised else UNIT(120, 300)),
        (model.decoder[1].weight, GLOROT(120, 200)),
    ]
    for weight, sigma in expected:
        n = weight.numel()
        assert weight.std().item() == pytest.approx(sigma, abs=5 * sigma / math.sqrt(2 * n))
        assert weight.mean().item() == pytest.approx(0, abs=5 * sigma / math.sqrt(n))
    # not the same numbers twice
    assert not torch.equal(model.encoder[0].weight, model.decoder[1].weight)


@pytest.mark.parametrize("widths", [(8, 20), (8, 6, 20)], ids=str)
def test_topks_decoder_is_initialised_as_the_encoders_transpose_and_trained_by_itself(widths):
    model = new_model(*widths, coder=TopK(3))
    encoder, decoder = model.encoder[-1].weight, model.decoder[0].weight
    assert_array_equal(encoder.detach(), decoder.detach())  # stored [latents, inputs] on both sides
    with torch.no_grad():
        decoder += 1
    assert not torch.equal(encoder, decoder)
    assert not torch.equal(new_model(8, 20).encoder[0].weight, new_model(8, 20).decoder[0].weight)  # not for sigmoid


@pytest.mark.parametrize("tied", [False, True])
def test_float64_rows_are_computed_in_float64_by_a_copy(tied):
    model = new_model(6, 4, tied=tied)
    x_BD = np.random.default_rng(0).normal(size=(50, 6))
    assert inference.in_row_precision(model, np.dtype(np.float32)) is model
    assert inference.in_row_precision(model, np.dtype(np.uint8)) is model
    exact = inference.in_row_precision(model, x_BD.dtype)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {p.dtype for p in exact.parameters()} == {torch.float64}
    assert (exact.encoder[0].weight is exact.decoder[0].weight) is tied
    parameters = {n: p.detach().double().numpy() for n, p in model.named_parameters(remove_duplicate=False)}
    codes_BL, recon_BD = numpy_forward(parameters, x_BD, model.layout)
    with torch.no_grad():
        assert_allclose(exact.encode(torch.tensor(x_BD)).dense(), codes_BL, rtol=1e-13)
        assert_allclose(exact(torch.tensor(x_BD)), recon_BD, rtol=1e-12, atol=1e-14)
        assert np.abs(model(torch.tensor(x_BD)).numpy() - recon_BD).max() > 1e-9  # float32 is less exact


def copied(model, how):
    if how == "deepcopy":
        return copy.deepcopy(model)
    if how == "pickle":
        return pickle.loads(pickle.dumps(model))
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "torch.save"])
def test_copies_stay_tied_and_share_nothing_with_the_original(how):
    model = new_model(7, 6, 5, tied=True)
    twin = copied(model, how)
    assert twin.layout == model.layout
    x_BD = uniform(3, 7)
    with torch.no_grad():
        assert_array_equal(twin(x_BD), model(x_BD))
        for encoding, decoding in zip(twin.encoder, reversed(twin.decoder), strict=True):
            assert encoding.weight is decoding.weight
            encoding.weight.zero_()
        assert bool(model.encoder[0].weight.any())
    assert len(list(twin.parameters())) == len(list(model.parameters())) == 6
