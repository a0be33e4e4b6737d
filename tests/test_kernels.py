"""TopK in chunks and plain, against a sort of each row in NumPy; and the largest array that each coding layer forms."""

from itertools import product

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from taciturn import inference
from taciturn.core.schedules import Linear
from taciturn.data.sources import Rows
from taciturn.kernels import Chunked, Plain, Top
from taciturn.model import Autoencoder, Batch, Layout
from taciturn.model.coding_layers import BatchTopK, Gated, JumpReLU, TopK
from taciturn.objective import L0, L1, GatedAux, Objective, SquaredError
from taciturn.training.step import Step

N_ROWS, N_LATENTS = 37, 19
KERNELS = [Chunked(1), Chunked(5), Chunked(36), Chunked(37), Chunked(512), Plain()]
WIDTHS = [(7, N_LATENTS), (7, 11, N_LATENTS), (7, 12, 10, N_LATENTS)]


def reference(model, x_BD, *, k, signed=False, l1=0.0):
    """Return codes, loss and the gradient of every parameter by name, in float64, by the chain rule."""
    named = list(model.named_parameters(remove_duplicate=False))
    values = {name: p.detach().double().numpy() for name, p in named}
    depth, x = len(model.layout.widths) - 1, x_BD.double().numpy()
    encoder = [(values[f"encoder.{i}.weight"], values[f"encoder.{i}.bias"]) for i in range(depth)]
    decoder = [(values[f"decoder.{i}.weight"], values[f"decoder.{i}.bias"]) for i in range(depth)]

    below = [x - decoder[-1][1] if model.layout.centred else x]
    for W, b in encoder[:-1]:
        below.append(np.maximum(below[-1] @ W.T + b, 0))
    pre = below[-1] @ encoder[-1][0].T + encoder[-1][1]
    active = np.zeros(pre.shape, bool)
    for b, row in enumerate(np.abs(pre) if signed else pre):
        order = np.argsort(-row)
        if k < len(row):  # otherwise rounding would decide which latents are active
            assert row[order[k - 1]] - row[order[k]] > 1e-6
        active[b, order[:k]] = True
    codes = np.where(active, pre if signed else np.maximum(pre, 0), 0)
    above = [codes]
    for i, (W, b) in enumerate(decoder, 1):
        z = above[-1] @ W + b
        above.append(z if i == depth else np.maximum(z, 0))
    error = above[-1] - x
    loss = (error**2).mean() + l1 * np.abs(codes).sum() / len(x)

    gradient = {name: np.zeros_like(value) for name, value in values.items()}
    d = 2 * error / error.size
    for i in reversed(range(depth)):
        gradient[f"decoder.{i}.weight"] += above[i].T @ d
        gradient[f"decoder.{i}.bias"] += d.sum(0)
        d = d @ decoder[i][0].T * (above[i] > 0 if i else 1)
    d = (d + l1 * np.sign(codes) / len(x)) * (active if signed else active & (pre > 0))
    for i in reversed(range(depth)):
        gradient[f"encoder.{i}.weight"] += d.T @ below[i]
        gradient[f"encoder.{i}.bias"] += d.sum(0)
        d = d @ encoder[i][0] * (below[i] > 0 if i else 1)
    if model.layout.centred:
        gradient[f"decoder.{depth - 1}.bias"] -= d.sum(0)
    # the gradient of a parameter that is used twice is the sum of both
    by_parameter = {n: sum(gradient[m] for m, q in named if q is p) for n, p in model.named_parameters()}
    return codes, loss, by_parameter


def network(widths, coder, kernels, dtype=torch.float64, **layout):
    """Return a model whose parameters are neither 0 nor their initial values."""
    rng = torch.Generator().manual_seed(len(widths))
    model = Autoencoder(Layout(widths, coder, **layout), rng=rng, kernels=kernels).to(dtype)
    with torch.no_grad():
        for name, p in model.named_parameters():
            normal = torch.randn(p.shape, generator=rng, dtype=torch.float64)
            p.copy_(0.4 * normal if "weight" in name else 0.3 * normal + 0.3)
    return model


def varied_rows(dtype=torch.float64, seed=0):
    """Return rows of very different norms."""
    rng = np.random.default_rng(seed)
    x_BD = rng.normal(size=(N_ROWS, 7)) * rng.permutation(np.geomspace(0.2, 6, N_ROWS))[:, None]
    return torch.tensor(x_BD, dtype=dtype)


def agrees(model, x_BD, expected, tolerance, *, l1=0.0, progress=0.0):
    """Assert that codes, loss and all gradients of a step are the expected ones."""
    codes, loss, gradient = expected
    objective = Objective((SquaredError(), L1(weight=l1)) if l1 else (SquaredError(),))
    p, numbers = Step(model, objective).backward(Batch(x_BD, x_BD, x_BD), progress)
    results = {"codes": p.codes.dense(), "loss": numbers["loss"]}
    results |= {name: parameter.grad for name, parameter in model.named_parameters()}
    assert set(results) == {"codes", "loss", *gradient}
    for name, wanted in ({"codes": codes, "loss": loss} | gradient).items():
        assert results[name].dtype == x_BD.dtype
        scale = max(1.0, np.abs(wanted).max())
        actual = results[name].detach().numpy()
        assert_allclose(actual, wanted, rtol=tolerance, atol=tolerance * scale, err_msg=name)


@pytest.mark.parametrize("widths", WIDTHS, ids=["shallow", "one hidden", "two hidden"])
@pytest.mark.parametrize("kernels", KERNELS, ids=str)
def test_codes_loss_and_gradients_equal_those_of_a_sort(kernels, widths):
    settings = product([False, True], [False, True], [False, True], [1, 4, N_LATENTS, N_LATENTS + 9], [0.0, 0.3])
    for tied, centred, signed, k, l1 in settings:
        model = network(widths, TopK(k, signed=signed), kernels, tied=tied, centred=centred)
        x_BD = varied_rows()
        agrees(model, x_BD, reference(model, x_BD, k=k, signed=signed, l1=l1), 1e-12, l1=l1)


@pytest.mark.parametrize("widths", WIDTHS, ids=["shallow", "one hidden", "two hidden"])
@pytest.mark.parametrize("kernels", [Chunked(5), Chunked(512), Plain()], ids=str)
def test_float32_agrees_to_its_precision(kernels, widths):
    for tied, centred, signed, l1 in product([False, True], [False, True], [False, True], [0.0, 0.3]):
        model = network(widths, TopK(4, signed=signed), kernels, torch.float32, tied=tied, centred=centred)
        x_BD = varied_rows(torch.float32)
        agrees(model, x_BD, reference(model, x_BD, k=4, signed=signed, l1=l1), 2e-5, l1=l1)


@pytest.mark.parametrize("kernels", [Chunked(5), Plain()], ids=str)
def test_rows_with_fewer_positives_than_k_have_fewer_active_latents(kernels):
    model = network((7, N_LATENTS), TopK(8), kernels, tied=True, centred=True)
    model.encoder[0].bias.data -= 3
    x_BD = varied_rows()
    expected = reference(model, x_BD, k=8, l1=0.1)
    active = (expected[0] != 0).sum(1)
    assert active.min() == 0  # a row without active latents
    assert set(active.tolist()) & set(range(1, 8))
    assert active.max() == 8
    agrees(model, x_BD, expected, 1e-12, l1=0.1)


@pytest.mark.parametrize(("progress", "k"), [(0.0, 9), (0.25, 7), (0.6, 5), (0.9, 3), (1.0, 2)])
def test_k_follows_its_schedule_rounded_and_encode_uses_its_last_value(progress, k):
    model = network((7, N_LATENTS), TopK(Linear(9, 2)), Chunked(5))  # 9, 7.25, 4.8, 2.7, 2
    x_BD = varied_rows()
    agrees(model, x_BD, reference(model, x_BD, k=k), 1e-12, progress=progress)
    assert_allclose(model.encode(x_BD).dense().detach(), reference(model, x_BD, k=2)[0], rtol=1e-12)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("kernels", [Chunked(1), Chunked(5), Plain()], ids=str)
def test_batches_of_one_and_two_rows(kernels, batch):
    model, x_BD = network((7, 11, N_LATENTS), TopK(4), kernels, centred=True), varied_rows()[:batch]
    agrees(model, x_BD, reference(model, x_BD, k=4, l1=0.2), 1e-12, l1=0.2)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("kernels", [Chunked(4), Plain()], ids=str)
def test_any_of_equal_entries_may_be_kept_but_no_smaller_ones(kernels, signed):
    rng = np.random.default_rng(1)
    x_BD, W_LD = rng.integers(-1, 2, (30, 5)), rng.integers(-1, 2, (16, 5))
    pre_BL = x_BD @ W_LD.T
    size_BL = np.abs(pre_BL) if signed else pre_BL
    largest_BK = np.sort(size_BL, axis=1)[:, ::-1][:, :6]
    assert (largest_BK[:, 5] == np.sort(size_BL, axis=1)[:, ::-1][:, 6]).mean() > 0.3  # many ties at the edge

    x, W = torch.tensor(x_BD, dtype=torch.float64), torch.tensor(W_LD, dtype=torch.float64)
    index, value_N = kernels.pick(x, W, torch.zeros(16, dtype=torch.float64), None, Top(6, signed))
    assert_array_equal(index.starts, np.arange(31) * 6)
    assert_array_equal(value_N, pre_BL[index.rows, index.latents])
    for b in range(30):
        latents = index.latents[6 * b : 6 * b + 6].numpy()
        assert len(set(latents)) == 6
        assert_array_equal(np.sort(size_BL[b, latents])[::-1], largest_BK[b])


def above(threshold):
    """Return a rule under which rows keep different numbers of latents."""

    def rule(pre_BL):
        mask_BL = pre_BL > threshold
        return mask_BL.nonzero()[:, 1], mask_BL.sum(1), pre_BL[mask_BL]

    return rule


@pytest.mark.parametrize("threshold", [-1e9, 0.0, 3.0, 1e9], ids=["all", "many", "few", "none"])
@pytest.mark.parametrize("kernels", [Chunked(1), Chunked(5), Chunked(512), Plain()], ids=str)
def test_rows_that_keep_different_numbers_of_entries_and_none(kernels, threshold):
    rng = np.random.default_rng(2)
    x, W, V = varied_rows().numpy(), rng.normal(size=(N_LATENTS, 7)), rng.normal(size=(N_LATENTS, 3))
    b, c, up = rng.normal(size=N_LATENTS), rng.normal(size=7), rng.normal(size=(N_ROWS, 3))
    pre = (x - c) @ W.T + b
    mask = pre > threshold
    counts = mask.sum(1)
    if threshold == 3.0:
        assert counts.min() == 0
        assert len(set(counts)) > 4

    tensors = [torch.tensor(array, requires_grad=True) for array in (x, W, b, c)]
    index, value_N = kernels.pick(*tensors, above(threshold))
    assert not value_N.requires_grad
    table = torch.tensor(V, requires_grad=True)
    recon = kernels.decode(kernels.scores(*tensors, index, value_N), index, table)
    recon.backward(torch.tensor(up))
    d = np.where(mask, up @ V.T, 0)
    assert_array_equal(index.starts.diff(), counts)
    wanted = [np.where(mask, pre, 0) @ V, np.where(mask, pre, 0).T @ up, d @ W, d.T @ (x - c), d.sum(0)]
    wanted.append(-(d @ W).sum(0))
    results = [recon.detach(), table.grad, *(t.grad for t in tensors)]
    for actual, expected in zip(results, wanted, strict=True):
        assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


class LargestArray(TorchDispatchMode):
    """Records the size of the largest tensor that any operator returns, forward and backward."""

    def __init__(self):
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        self.largest = max([self.largest, *sizes])
        return out


def largest(kernels, *, train, widths=(16, 2048), **layout):
    """Return the size of the largest array of a training step, or of encoding and evaluating."""
    model = network(widths, TopK(8), kernels, torch.float32, **layout)
    x_BD = torch.randn(256, widths[0], generator=torch.Generator().manual_seed(0))
    step = Step(model, SquaredError() + 0.1 * L1())
    with LargestArray() as watch:
        if train:
            step.gradients(Batch(x_BD, x_BD, x_BD))
        else:
            codes = model.encode(x_BD)
            model.reconstruct(codes)
            codes.sum(), codes.active_counts(), codes.l0(), codes.row_sums(codes.abs_values)
            inference.evaluate(model, Rows(x_BD.numpy()))
    return watch.largest


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("layout", [{}, {"tied": True, "centred": True}, {"widths": (16, 24, 2048)}], ids=str)
def test_chunks_form_no_array_of_all_rows_and_latents(layout, train):
    assert largest(Chunked(32), train=train, **layout) == 32 * 2048  # the buffer of one chunk
    assert largest(Plain(), train=train, **layout) >= 256 * 2048  # such arrays are recorded


@pytest.mark.parametrize("refine", [0, 1])
@pytest.mark.parametrize("coder", [BatchTopK(8), JumpReLU(1.0, 0.2), Gated()], ids=lambda coder: coder.name)
def test_other_sparse_layers_form_none_either(coder, refine):
    sizes = {}
    for kernels in (Chunked(32), Plain()):
        layout = Layout((16, 2048), coder, centred=True, refine=refine)
        model = Autoencoder(layout, rng=torch.Generator().manual_seed(0), kernels=kernels)
        if isinstance(coder, Gated):
            model.encoder[0].bias.data -= 1
        for eta in model.refinements:
            eta.data.fill_(0.01)
        x_BD = 2 * torch.nn.functional.normalize(torch.randn(256, 16, generator=torch.Generator().manual_seed(0)))
        x_BD[3] *= 100  # a row that takes most of the batch's active latents
        terms = [SquaredError(), L1(weight=0.1)]
        terms += [L0(weight=0.1)] * isinstance(coder, JumpReLU) + [GatedAux()] * isinstance(coder, Gated)
        step = Step(model, Objective(tuple(terms)))
        with LargestArray() as watch:
            step.gradients(Batch(x_BD, x_BD, x_BD + 0.1))  # the clean rows are encoded as well
            step.calibrate(x_BD)
            codes = model.encode(x_BD)
            active = codes.l0().sum()
            (
                codes.sum(),
                codes.active_counts(),
                codes.row_sums(codes.abs_values),
                codes.by_rank(),
                codes.split([100, 2048]),
            )
            model.reconstruct(codes)
        sizes[type(kernels)] = watch.largest
        assert 256 < active < 2048 * 256 / 10
    assert sizes[Chunked] == 32 * 2048
    assert sizes[Plain] >= 256 * 2048
