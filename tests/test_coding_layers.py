"""BatchTopK, JumpReLU, Gated and refinement, dense and as lists, against the formula written out in float64."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from taciturn.codes import Pre, Sparse
from taciturn.errors import RecipeError
from taciturn.kernels import Chunked, Plain
from taciturn.model import Autoencoder, Layout
from taciturn.passes import Batch
from taciturn.sparsify import BatchTopK, Gated, JumpReLU, ReLU, Sigmoid, TopK
from taciturn.step import Step
from taciturn.terms import L0, L1, Objective, SquaredError

B, D, N_LATENTS = 13, 6, 17


class Listed(Chunked):
    """Keeps a list, however long."""

    sparse_below = 1.0


KERNELS = [Plain(), Listed(1), Listed(5), Listed(64)]


def loud_rows(n=B):
    rng = np.random.default_rng(0)
    return torch.tensor(rng.normal(size=(n, D)) * rng.permutation(np.geomspace(0.2, 6, n))[:, None])


def network(coder, kernels, **layout):
    rng = torch.Generator().manual_seed(1)
    model = Autoencoder(Layout((D, N_LATENTS), coder, centred=True, **layout), rng=rng, kernels=kernels).double()
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.add_(0.2 * torch.randn(p.shape, generator=rng, dtype=torch.float64) * ("refine" not in name))
    return model


def pre_of(model, x):
    """The pre-activations, by autograd on dense arrays."""
    encoder, centre = model.encoder[0], model.decoder[0].bias
    return (x - centre) @ encoder.weight.T + encoder.bias


def same_gradients(model, loss, wanted):
    """The gradient of both losses in every parameter."""
    parameters = dict(model.named_parameters())
    found = torch.autograd.grad(loss, parameters.values(), allow_unused=True)
    expected = torch.autograd.grad(wanted, parameters.values(), allow_unused=True)
    assert_allclose(loss.item(), wanted.item(), rtol=1e-12)
    for name, a, b in zip(parameters, found, expected, strict=True):
        zero = torch.zeros_like(parameters[name])
        a, b = (zero if a is None else a), (zero if b is None else b)
        assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=name)


def loss_of(model, x, *terms):
    return Step(model, Objective((SquaredError(), *terms)))(Batch(x, x, x))[1]["loss"]


def error(model, codes, x):
    return (codes @ model.dictionary + model.decoder[0].bias - x).square().mean()


# --- BatchTopK -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kernels", KERNELS, ids=str)
@pytest.mark.parametrize("k", [0.4, 1, 2.5, 5, N_LATENTS, N_LATENTS + 3])
def test_batch_topk_keeps_the_largest_of_the_whole_batch(kernels, k):
    model, x = network(BatchTopK(k), kernels), loud_rows()
    pre = pre_of(model, x)
    count = min(round(k * B), B * N_LATENTS)
    kept = torch.zeros(B * N_LATENTS, dtype=torch.bool)
    kept[torch.from_numpy(np.argsort(-pre.detach().numpy().ravel())[:count])] = True
    assert int(kept.view(B, -1).sum(1).max()) > k or k >= N_LATENTS  # loud rows say more than quiet ones
    codes = pre.relu() * kept.view(B, -1)
    said = model.speak(x, model.layout.coder.train)[1]
    assert_allclose(said.dense().detach(), codes.detach(), rtol=1e-12, atol=1e-12)
    assert len(said.values) == count
    same_gradients(model, loss_of(model, x, L1(weight=0.3)), error(model, codes, x) + 0.3 * codes.sum() / B)


@pytest.mark.parametrize("kernels", KERNELS, ids=str)
def test_of_ties_exactly_so_many_are_kept(kernels):
    pre = Pre(torch.ones(4, 2), torch.ones(6, 2), torch.zeros(6), None, kernels)
    assert pre.top_batch(2.5).l0().sum() == 10


@pytest.mark.parametrize("kernels", KERNELS, ids=str)
def test_a_row_may_take_all_that_the_batch_has_to_say(kernels):
    x = torch.ones(8, 1)
    x[3] = 100
    pre = Pre(x, torch.linspace(1, 2, 12)[:, None], torch.zeros(12), None, kernels)
    assert pre.top_batch(1.5).l0().tolist() == [0, 0, 0, 12, 0, 0, 0, 0]


@pytest.mark.parametrize("kernels", KERNELS, ids=str)
def test_alone_a_row_says_what_exceeds_the_threshold(kernels):
    model, x = network(BatchTopK(3), kernels), loud_rows()
    model.coder.value.fill_(0.7)
    pre = pre_of(model, x).detach()
    wanted = torch.where(pre > 0.7, pre, 0)
    assert_allclose(model.code(x).dense().detach(), wanted, rtol=1e-12, atol=1e-12)
    assert_allclose(model.code(x[4:5]).dense().detach(), wanted[4:5], rtol=1e-12, atol=1e-12)


def test_the_threshold_is_the_running_mean_of_the_least_kept_of_clean_rows():
    model = network(BatchTopK(2), Plain())
    step, least = Step(model, Objective((SquaredError(),))), []
    for i in range(3):
        x = loud_rows() + i
        step.gradients(Batch(x, x, x + 5))  # what the network sees is something else
        kept = np.sort(pre_of(model, x).detach().numpy().ravel())[-2 * B :]
        least.append(kept[kept > 0].min())
        assert model.coder.value.item() == pytest.approx(np.mean(least), rel=1e-6)
    step.finish(x)
    codes = model.code(x)
    assert codes.l0().sum() == 2 * B
    assert "coder.value" in model.state_dict()


# --- JumpReLU --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kernels", KERNELS, ids=str)
@pytest.mark.parametrize("threshold", [0.05, 0.6])
def test_jumprelu_and_its_surrogate_gradient(kernels, threshold):
    width = 0.5
    model, x = network(JumpReLU(threshold, width), kernels), loud_rows()
    with torch.no_grad():
        model.coder.value.add_(0.3 * torch.randn(N_LATENTS, generator=torch.Generator().manual_seed(2)))
    assert (model.coder.value < 0).any() or threshold > 0.5  # clamped there, and still reached
    z, raw = pre_of(model, x), model.coder.value
    theta = raw + (raw.clamp_min(0) - raw).detach()
    inside = ((z - theta).abs() < width / 2).double()
    assert ((inside == 1) & (z < theta)).any()
    # [z > θ] with the kernel's slope: its value is the gate's, its gradient K (dz - dθ)
    slope = inside.detach() * (z - theta) / width
    gate = (z > theta).double() + slope - slope.detach()
    codes = z * gate
    wanted = error(model, codes, x) + 0.2 * gate.sum() / B + 0.1 * codes.sum() / B  # |z| where it speaks
    same_gradients(model, loss_of(model, x, L0(weight=0.2), L1(weight=0.1)), wanted)
    said = model.code(x)
    assert_allclose(said.dense().detach(), codes.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("coder", [JumpReLU(0.4, 0.3), Gated(), ReLU()], ids=str)
def test_a_shift_lets_just_those_speak_whose_margin_it_makes_good(coder):
    model, x = network(coder, Plain()), loud_rows()
    before = model.code(x).dense().detach()
    pre = model.offer(x).dense().detach()
    margin = model.margin(pre).detach()
    with torch.no_grad():
        model.shift_codes(torch.tensor([0.2]))
    after = model.code(x).dense().detach()
    speaks = margin > -0.2
    assert_array_equal(after[~speaks], 0)
    if isinstance(coder, JumpReLU):
        speaks &= pre > 0  # no threshold falls below 0
        assert_array_equal(after != 0, speaks)
        assert_array_equal(after[before != 0], before[before != 0])  # as loud as before


# --- Gated -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kernels", KERNELS, ids=str)
def test_gated(kernels):
    model, x = network(Gated(), kernels), loud_rows()
    with torch.no_grad():
        model.coder.bias.add_(0.3)
    gate = pre_of(model, x)
    product = gate - model.encoder[0].bias
    magnitude = (product * model.coder.log_scale.exp() + model.coder.bias).relu()
    codes = magnitude * (gate > 0)
    assert ((magnitude == 0) & (gate > 0)).any()
    wanted = error(model, codes, x) + 0.3 * gate.relu().sum() / B
    same_gradients(model, loss_of(model, x, L1(weight=0.3)), wanted)
    # nothing of the reconstruction reaches the gate's bias
    (grad,) = torch.autograd.grad(loss_of(model, x), [model.encoder[0].bias])
    assert_allclose(grad, 0, atol=1e-15)
    assert_allclose(model.code(x).dense().detach(), codes.detach(), rtol=1e-12, atol=1e-12)


# --- refinement, and parts of an offer -------------------------------------------------------------------------
@pytest.mark.parametrize("kernels", KERNELS, ids=str)
@pytest.mark.parametrize("coder", [TopK(4), ReLU()], ids=str)
def test_a_refinement_says_the_codes_anew_after_a_look_at_what_they_leave(kernels, coder):
    model, x = network(coder, kernels, refine=2), loud_rows()

    def said(pre):
        if isinstance(coder, ReLU):
            return pre.relu()
        return pre.relu() * torch.zeros_like(pre).scatter(1, pre.topk(4, dim=1).indices, 1)

    pre, W = pre_of(model, x), model.dictionary
    codes = said(pre)
    for eta in model.refinements:
        pre = pre + eta * (x - codes @ W - model.decoder[0].bias) @ W.T
        codes = said(pre)
    assert_allclose(model.code(x).dense().detach(), codes.detach(), rtol=1e-10, atol=1e-12)
    same_gradients(model, loss_of(model, x), error(model, codes, x))


@pytest.mark.parametrize("layout", [{"widths": (6, 5, 4)}, {"output": Sigmoid()}])
def test_a_refinement_needs_a_linear_decoder(layout):
    with pytest.raises(RecipeError, match="refine=1 needs one layer and output identity; set refine=0"):
        Layout(**({"widths": (6, 4), "coder": TopK(2), "refine": 1} | layout))


@pytest.mark.parametrize("kernels", KERNELS, ids=str)
def test_among_some_latents_the_others_are_zero(kernels):
    model, x = network(TopK(3), kernels), loud_rows()
    chosen = torch.tensor([2, 3, 5, 11])
    codes = model.pre(x).among(chosen).top(2)
    pre = pre_of(model, x)[:, chosen]
    wanted = torch.zeros(B, N_LATENTS, dtype=torch.float64)
    wanted[:, chosen] = pre * torch.zeros_like(pre).scatter(1, pre.topk(2, dim=1).indices, 1)
    assert_allclose(codes.dense().detach(), wanted.detach(), rtol=1e-12, atol=1e-12)
    same_gradients(model, (codes @ model.dictionary).square().sum(), (wanted @ model.dictionary).square().sum())


def test_listed_codes_are_lists_and_dense_where_they_are_many():
    few, many = JumpReLU(3.0), JumpReLU(0.0)
    x = loud_rows()
    assert isinstance(network(few, Chunked(4)).code(x), Sparse)
    assert not isinstance(network(many, Chunked(4)).code(x), Sparse)
    assert not isinstance(network(few, Plain()).code(x), Sparse)
