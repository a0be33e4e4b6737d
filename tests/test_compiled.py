"""Compiled steps and noise, as each kind of processor that this one can run, against float64 and torch's generators."""

import copy
import shutil
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from compiler import LIBRARY, needs_library
from taciturn import SparseAutoencoder
from taciturn.core.schedules import Linear
from taciturn.core.seeds import keys, seeded
from taciturn.corruption import Clean, Dropout, Gaussian
from taciturn.data.sources import Rows
from taciturn.kernels import native
from taciturn.kernels.native import compiled_library, library
from taciturn.kernels.select import top_k
from taciturn.model import Autoencoder, Batch, Layout
from taciturn.model.coding_layers import ELU, Identity, ReLU, Sigmoid, Tanh, TopK
from taciturn.objective import KL, L1, CrossEntropy, Objective, SquaredError, SquaredRate
from taciturn.training import Feed, Run, train
from taciturn.training.solvers import Adam, parameter_groups
from taciturn.training.step import ByHand, Compiled, Step, plan
from taciturn.training.step.compiled import is_faster

CURVES = [Identity(), ReLU(), ELU(), Tanh(), Sigmoid()]


def test_it_was_built_where_there_is_a_compiler():
    assert compiled_library() is not None or shutil.which("cc") is None


@pytest.fixture
def rounding(monkeypatch):
    """Behave as on a processor on which products of bfloat16 are faster, if this one has them."""
    loops = compiled_library()
    if loops is None or not loops.functions.bfloat16_support():
        pytest.skip("this processor has none, or there was no C compiler when taciturn was installed")
    monkeypatch.setattr(LIBRARY, lambda: replace(loops, rounds=True))


@pytest.fixture(autouse=True)
def at_every_size(monkeypatch):
    """Take the compiled step also for products that are left to torch on this processor."""
    monkeypatch.setattr("taciturn.training.step.compiled.is_faster", lambda loops, size: True)


def gradients(kind, layout, objective, batch, dtype=torch.float32):
    """Return numbers, every gradient by name and the buffers of a step from the same start."""
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for i, parameter in enumerate(model.parameters()):  # so that zeros hide no part of a gradient
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(i)))
    step = kind(model.to(dtype), objective).to(dtype)
    for _, controller in step.controlled():
        controller.reset(scale=0.3, steps=100)
        controller.correction.fill_(0.05)
    numbers = step.gradients(batch_of(batch, dtype), progress=0.3)
    return numbers, {name: p.grad for name, p in model.named_parameters()}, dict(step.named_buffers())


def rows(n, inputs, corrupted=True, paired=False):
    """Return clean rows, targets, and the rows that the encoder reads."""
    rng = torch.Generator().manual_seed(1)
    x, other, noise = (torch.rand(n, inputs, generator=rng) for _ in range(3))
    return x, other if paired else x, x + 0.5 * (noise - 0.5) if corrupted else x


def batch_of(arrays, dtype=torch.float32):
    x, target, corrupted, *judged = arrays
    clean = x.to(dtype)
    others = (clean if other is x else other.to(dtype) for other in (target, corrupted))
    return Batch(clean, *others, judged=judged[0] if judged else None)


def agree(layout, objective, batch):
    assert plan.step(layout, objective) is Compiled
    numbers, grads, buffers = gradients(Compiled, layout, objective, batch)
    exact_numbers, exact_grads, exact_buffers = gradients(Step, layout, objective, batch, torch.float64)
    assert numbers.keys() == exact_numbers.keys()
    for name in numbers:
        assert_allclose(numbers[name], exact_numbers[name], rtol=1e-5, atol=1e-6, err_msg=name)
    assert grads.keys() == exact_grads.keys()
    for name, exact in exact_grads.items():
        assert grads[name].shape == exact.shape
        assert abs(grads[name] - exact).max() <= 1e-5 * abs(exact).max(), name
    for name, exact in exact_buffers.items():
        assert_allclose(buffers[name], exact, rtol=1e-5, atol=1e-6, err_msg=name)


# rows, inputs, latents: less than a vector, more than a tile, more than a block of a product
SIZES = [(9, 6, 11), (1, 1, 1), (2, 40, 33), (67, 37, 49), (300, 530, 290)]


@pytest.mark.parametrize(("coder", "output", "tied"), [*product(CURVES, CURVES, [False, True])])
def test_every_activation_of_codes_and_output(kind, coder, output, tied):
    agree(Layout((37, 49), coder, output=output, tied=tied), Objective((SquaredError(),)), rows(67, 37, paired=True))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("coder", [ReLU(), Sigmoid()], ids=lambda coder: coder.name)
def test_every_size(kind, size, coder):
    n, inputs, latents = size
    agree(Layout((inputs, latents), coder), Objective((SquaredError(),)), rows(n, inputs))


RATES = [KL(0.2, weight=0.3), SquaredRate(0.2, weight=0.7), KL(0.2), SquaredRate(0.3)]
SCHEDULED = KL(0.2, weight=Linear(0.0, 0.3))


@pytest.mark.parametrize("penalty", [*RATES, SCHEDULED], ids=lambda term: term.text)
@pytest.mark.parametrize("corrupted", [False, True])
@pytest.mark.parametrize(
    "error", [SquaredError(), SquaredError(weight=2.0), CrossEntropy()], ids=lambda term: term.text
)
@pytest.mark.parametrize("tied", [False, True])
def test_rate_penalties_with_a_fixed_weight_and_with_weight_auto(kind, penalty, corrupted, error, tied):
    layout = Layout((37, 49), Sigmoid(), output=Sigmoid(), tied=tied)
    agree(layout, Objective((error, penalty)), rows(67, 37, corrupted))


@pytest.mark.parametrize("share", [0.6, 0.02, 0.0])
@pytest.mark.parametrize("output", CURVES, ids=lambda layer: layer.name)
def test_a_mask_of_the_target(kind, output, share):
    arrays = rows(67, 37, paired=True)
    judged = torch.rand(67, 37, generator=torch.Generator().manual_seed(8)) < share
    objective = Objective((SquaredError(weight=2.0), KL(0.2, weight=0.3)))
    agree(Layout((37, 49), Sigmoid(), output=output), objective, (*arrays, judged))


def test_a_mask_of_the_target_of_cross_entropy(kind):
    judged = torch.rand(67, 37, generator=torch.Generator().manual_seed(8)) < 0.6
    agree(Layout((37, 49), Sigmoid(), output=Sigmoid()), Objective((CrossEntropy(),)), (*rows(67, 37), judged))


def test_a_step_without_a_mask_after_one_with_it(kind):
    layout, objective, arrays = Layout((37, 49), Sigmoid()), Objective((SquaredError(),)), rows(67, 37)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
    step, judged = Compiled(model, objective), torch.rand(67, 37) < 0.6
    step.gradients(batch_of((*arrays, judged)))
    again = step.gradients(batch_of(arrays))["loss"]
    assert again == gradients_of_start(layout, objective, arrays)


def gradients_of_start(layout, objective, arrays):
    """Return the loss of a new step."""
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
    return Compiled(model, objective).gradients(batch_of(arrays))["loss"]


def test_several_penalties(kind):
    terms = KL(0.2, weight=0.3), SquaredError(), SquaredRate(0.1), KL(0.3)
    agree(Layout((37, 49), Sigmoid(), output=Sigmoid()), Objective(terms), rows(67, 37))


def test_saturated_latents_have_a_gradient(kind):
    layout, objective = Layout((37, 49), Sigmoid()), Objective((SquaredError(), KL(0.2, weight=0.3)))
    results = []
    for step in (Compiled, ByHand):
        model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
        with torch.no_grad():
            model.encoder[0].bias.copy_(torch.linspace(-200, 200, 49))
        step(model, objective).gradients(Batch(*rows(67, 37)))
        results.append({name: p.grad for name, p in model.named_parameters()})
    for name in results[0]:
        # 1 - q of q = .9998 has lost three digits in float32
        torch.testing.assert_close(results[0][name], results[1][name], rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_nan_is_not_lost(kind, curve):
    assert_nan_is_not_lost(curve, "fp32")


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_nan_is_not_lost_when_rounded(rounding, curve):
    assert_nan_is_not_lost(curve, "bf16")


def assert_nan_is_not_lost(curve, precision):
    """Assert that the loss shows that a run has diverged."""
    layout, objective = Layout((37, 49), curve, output=curve), Objective((SquaredError(),))
    x, target, corrupted = rows(67, 37)
    for number in (float("nan"), float("inf")):
        model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
        with torch.no_grad():
            model.encoder[0].weight[3] = number
        steps = Compiled(model, objective, precision), ByHand(model, objective)
        losses = [step.gradients(Batch(x, target, corrupted))["loss"] for step in steps]
        assert losses[0].isfinite() == losses[1].isfinite()
        assert not losses[0].isfinite() or number == float("inf")


def test_extreme_logits_have_the_same_loss_as_in_torch(kind):
    layout, objective = Layout((4, 3), Identity(), output=Sigmoid()), Objective((CrossEntropy(),))
    results = []
    for step in (Compiled, ByHand):
        model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
        with torch.no_grad():
            model.decoder[0].bias.copy_(torch.tensor([-200.0, -90, 90, 200]))
        numbers = step(model, objective).gradients(Batch(*rows(5, 4)))
        results.append([numbers["loss"], *(p.grad for p in model.parameters())])
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-7)


def rounded(x):
    return x.float().bfloat16().to(x.dtype)


def gradients_of_rounded_factors(model, batch, weight, rate, on_clean):
    """Return every gradient of squared error and weight × KL, each product's factors rounded, all else in float64."""
    (W, b), (D, c) = ((layer.weight, layer.bias) for layer in model.outer_layers)
    x, target, corrupted = batch
    h, clean = (torch.sigmoid(rounded(rows) @ rounded(W).t() + b) for rows in (corrupted, x))
    G = 2 * (rounded(h) @ rounded(D) + c - target) / x.numel()
    q = (clean if on_clean else h).mean(0)
    slope = weight * (q - rate) / (q * (1 - q)) / len(x)
    dz = (rounded(G) @ rounded(D).t() + (0 if on_clean else slope)) * h * (1 - h)
    dW, db = rounded(dz).t() @ rounded(corrupted), dz.sum(0)
    if on_clean:
        dz = slope * clean * (1 - clean)
        dW, db = dW + rounded(dz).t() @ rounded(x), db + dz.sum(0)
    dD = rounded(h).t() @ rounded(G)
    return [dW + dD, db, G.sum(0)] if W is D else [dW, db, dD, G.sum(0)]


@torch.no_grad()
@pytest.mark.parametrize("size", [*SIZES, (33, 1700, 50)], ids=str)
@pytest.mark.parametrize("on_clean", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_rounded_products_are_those_of_rounded_factors(rounding, size, on_clean, tied):
    n, inputs, latents = size
    batch = rows(n, inputs)
    model = Autoencoder(Layout((inputs, latents), Sigmoid(), tied=tied), rng=torch.Generator().manual_seed(0))
    exact = copy.deepcopy(model).double()
    step = Compiled(model, Objective((SquaredError(), KL(0.2, weight="auto" if on_clean else 0.3))), "bf16")
    for _, controller in step.controlled():
        weight, aim = controller.weight, 0.2 * controller.aim
    step.gradients(Batch(*batch))
    weight, aim = (weight, aim) if on_clean else (0.3, 0.2)
    wanted = gradients_of_rounded_factors(exact, [rows.double() for rows in batch], weight, aim, on_clean)
    grads = [parameter.grad.clone() for parameter in model.parameters()]
    step.precision = "fp32"
    step.gradients(Batch(*batch))
    differences = []
    for ours, theirs, parameter in zip(grads, wanted, model.parameters(), strict=True):
        # a number that lies between two of bfloat16 can fall to the other in float32
        assert abs(ours - theirs).max() <= 2e-4 * abs(theirs).max()
        differences.append(abs(ours - parameter.grad).max() / abs(theirs).max())
    assert max(differences) > 4e-4


def test_a_fit_of_rounded_products_learns_the_same(rounding, digits):
    """And its float32 weights encode rows without rounding."""
    fits = {
        precision: SparseAutoencoder(64, sparsity="kl:0.1", max_iter=20, precision=precision, random_state=0).fit(
            digits
        )
        for precision in ("fp32", "bf16")
    }
    first, second = (fit.history_["squared_error"] for fit in fits.values())
    assert_allclose(first, second, rtol=5e-3)
    assert (first != second).all()
    model = fits["bf16"]
    (encoder, _), x = model.module_.outer_layers, digits.astype(np.float32)
    wanted = 1 / (1 + np.exp(-(x.astype(float) @ encoder.weight.detach().double().numpy().T + encoder.bias.tolist())))
    assert_allclose(model.transform(x), wanted, atol=1e-6)


@needs_library
def test_a_processor_on_which_rounding_is_not_faster_does_not_round(monkeypatch):
    grads, loops = [], replace(compiled_library(), rounds=False)
    monkeypatch.setattr(LIBRARY, lambda: loops)
    for precision in ("fp32", "bf16"):
        model = Autoencoder(Layout((37, 49), Sigmoid()), rng=torch.Generator().manual_seed(0))
        Compiled(model, Objective((SquaredError(),)), precision).gradients(Batch(*rows(67, 37)))
        grads.append([parameter.grad for parameter in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))


@needs_library
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_any_number_of_threads_gives_the_same_bits(threads, precision):
    assert compiled_library().shared  # GCC's OpenMP, which torch's wheel for Linux brings
    results = []
    for n in (1, 2, 3):
        threads(n)
        assert compiled_library().threads(1) == n
        batch = Batch(*rows(300, 130))
        objective = Objective((SquaredError(), KL(0.2)))
        model = Autoencoder(Layout((130, 90), Sigmoid()), rng=torch.Generator().manual_seed(0))
        numbers = Compiled(model, objective, precision).gradients(batch)
        noise = keys(0, "corrupt", 0, np.arange(5))
        corrupted = [kind.in_blocks(batch.x, noise, 64) for kind in (Gaussian(0.3), Dropout(0.3))]
        results.append([*numbers.values(), *(p.grad for p in model.parameters()), *corrupted])
    for others in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], others, strict=True))


@pytest.mark.parametrize(("n", "inputs"), [(1, 16), (1, 17), (64, 39), (65, 16), (130, 77), (3, 624), (5, 125)])
@pytest.mark.parametrize("noise", [Gaussian(0.3), Dropout(0.3)], ids=lambda noise: noise.text)
def test_noise_is_that_of_torchs_generators(kind, noise, n, inputs):
    x = torch.rand(n, inputs, generator=torch.Generator().manual_seed(0))
    blocks = keys(7, "corrupt", 3, np.arange(-(-n // 64)))
    expected = torch.cat([noise(part, seeded(int(key))) for part, key in zip(x.split(64), blocks, strict=True)])
    corrupted = noise.in_blocks(x, blocks, 64)
    if isinstance(noise, Dropout):
        assert torch.equal(corrupted, expected)
    assert_allclose(corrupted, expected, rtol=0, atol=1e-6)
    assert corrupted is not x


def test_noise_that_it_cannot_draw_is_drawn_by_torch(uncompiled):
    for noise, x in product((Gaussian(0.3), Dropout(0.3)), (torch.rand(5, 2), torch.rand(70, 30).double())):
        blocks = keys(7, "corrupt", 3, np.arange(-(-len(x) // 64)))
        expected = [noise(part, seeded(int(key))) for part, key in zip(x.split(64), blocks, strict=True)]
        assert torch.equal(noise.in_blocks(x, blocks, 64), torch.cat(expected))


def trained(kind, layout, objective, noise, epochs=4):
    """Return every record's numbers and the state after a fit in batches of 49 and 48 rows."""
    X = np.random.default_rng(0).random((530, 6))
    step = kind(Autoencoder(layout, rng=torch.Generator().manual_seed(0)), objective)
    feed = Feed(Rows(X), torch.Tensor.float, 49, seed=0, corruption=noise)
    optimiser = Adam().build(parameter_groups(step.named_parameters(), 0.0), 0.01)
    records = list(train(Run(step, feed, optimiser, 0.01, epochs)))
    return [record.numbers for record in records], step.state_dict()


@needs_library
@pytest.mark.parametrize("noise", [Clean(), Gaussian(0.1), Dropout(0.2)], ids=lambda noise: noise.text)
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("penalty", [KL(0.2), SquaredRate(0.2, weight=0.5)], ids=lambda term: term.text)
def test_a_fit_equals_one_with_the_plain_step(penalty, tied, noise):
    layout, objective = Layout((6, 11), Sigmoid(), output=Sigmoid(), tied=tied), Objective((CrossEntropy(), penalty))
    (records, state), (plain_records, plain_state) = (
        trained(kind, layout, objective, noise) for kind in (Compiled, ByHand)
    )
    for ours, theirs in zip(records, plain_records, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert ours[name].dtype == theirs[name].dtype
            assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6, err_msg=name)
    for name, tensor in plain_state.items():
        assert_allclose(state[name], tensor, rtol=1e-4, atol=1e-5, err_msg=name)


@needs_library
def test_a_prepared_step_follows_every_change(threads):
    """Sizes of batches, numbers of threads, weights in other memory, a schedule, and a copy of the step."""
    objective = Objective((SquaredError(), KL(0.2, weight=Linear(0.0, 0.3)), SquaredRate(0.3)))
    ours, plain = (
        kind(Autoencoder(Layout((130, 90), Sigmoid()), rng=torch.Generator().manual_seed(0)), objective)
        for kind in (Compiled, ByHand)
    )

    def agree(n, progress, step=ours):
        losses = [each.gradients(Batch(*rows(n, 130)), progress)["loss"] for each in (step, plain)]
        for mine, theirs in zip(step.model.parameters(), plain.model.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(*losses, rtol=1e-5, atol=0)

    agree(9, 0.0)
    agree(300, 0.5)
    for n in (1, 2):
        threads(n)
        agree(9, 1.0)
    assert {ready.arguments.threads for key, ready in ours._workspace.prepared.items() if key[0] == 9} == {1, 2}
    for step in (ours, plain):
        for layer in step.model.outer_layers:
            layer.weight.data = layer.weight.data + 0.01
    agree(9, 0.2)
    layer = ours.model.outer_layers[0]
    layer.weight = torch.nn.Parameter(layer.weight.data)
    agree(9, 0.2)
    twin = copy.deepcopy(ours)
    before = [parameter.grad.clone() for parameter in ours.model.parameters()]
    agree(300, 0.3, twin)
    assert all(torch.equal(p.grad, grad) for p, grad in zip(ours.model.parameters(), before, strict=True))


@needs_library
def test_when_the_compiled_step_is_taken(monkeypatch):
    layout, penalty = Layout((6, 11), Sigmoid()), KL(0.2, weight=0.1)
    assert plan.step(layout, Objective((SquaredError(), penalty))) is Compiled
    assert plan.step(layout, Objective((SquaredError(), penalty)), "cuda") is not Compiled
    assert plan.step(layout, Objective((SquaredError(), SquaredError(), penalty))) is ByHand
    assert plan.step(Layout((6, 11), ReLU()), Objective((SquaredError(), L1(weight=0.1)))) is ByHand
    assert plan.step(Layout((6, 11), TopK(3)), Objective((SquaredError(),))) is Step
    monkeypatch.setattr("taciturn.training.step.compiled.is_faster", is_faster)
    unusable = replace(compiled_library(), functions=None)  # fails if called
    monkeypatch.setattr(LIBRARY, lambda: unusable)
    small, large = (Batch(*rows(n, 6)) for n in (9, 300_000))
    step = Compiled(Autoencoder(layout, rng=torch.Generator().manual_seed(0)), Objective((SquaredError(), penalty)))
    with pytest.raises(AttributeError):
        step.gradients(small)
    monkeypatch.setattr("taciturn.training.step.compiled.mkl_is_slow", lambda: False)
    step.gradients(large)
    step.double().gradients(batch_of(rows(9, 6), torch.float64))


def test_without_a_compiler_a_fit_is_as_good(uncompiled):
    assert plan.step(Layout((6, 11), Sigmoid()), Objective((SquaredError(),))) is ByHand
    X = np.random.default_rng(0).random((300, 6))
    model = SparseAutoencoder(11, sparsity="kl:0.2", corruption="gaussian:0.1", max_iter=20, random_state=0).fit(X)
    assert type(model._learner.step) is ByHand
    assert abs(model.transform(X).mean() / 0.2 - 1) < 0.05


@pytest.fixture(params=[torch.float64, torch.bfloat16], ids=str)
def other_default(request):
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield
    torch.set_default_dtype(before)


@needs_library
def test_torchs_default_dtype_changes_nothing(other_default):
    f32 = {"dtype": torch.float32, "generator": torch.Generator().manual_seed(0)}
    x = torch.rand(400, 64, **f32)
    values, indices = native.top_k(x, 3)
    assert torch.equal(values.sort(1, descending=True).values, x.topk(3, dim=1).values)
    assert torch.equal(x.gather(1, indices), values)
    noise = keys(7, "corrupt", 3, np.arange(7))
    expected = torch.cat([Dropout(0.3)(part, seeded(int(key))) for part, key in zip(x.split(64), noise, strict=True)])
    assert torch.equal(Dropout(0.3).in_blocks(x, noise, 64), expected)
    results = []
    for kind in (Compiled, ByHand):
        model = Autoencoder(Layout((64, 48), Sigmoid()), rng=torch.Generator().manual_seed(0)).float()
        numbers = kind(model, Objective((SquaredError(), KL(0.2, weight=0.1)))).gradients(Batch(x, x, x))
        results.append([numbers["loss"], numbers["rates"], *(p.grad for p in model.parameters())])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@needs_library
def test_weights_of_other_strides_use_torch():
    results = []
    for kind in (Compiled, ByHand):
        model = Autoencoder(Layout((6, 11), Sigmoid()), rng=torch.Generator().manual_seed(0))
        for layer in model.outer_layers:
            layer.weight.data = layer.weight.data.t().contiguous().t()
        numbers = kind(model, Objective((SquaredError(),))).gradients(Batch(*rows(9, 6)))
        results.append([numbers["loss"], *(p.grad for p in model.parameters())])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


@needs_library
def test_a_block_without_its_key_is_refused():
    with pytest.raises(ValueError, match="1 keys for 3 blocks"):
        Gaussian(0.3).in_blocks(torch.rand(130, 30), keys(7, "corrupt", 3, np.arange(1)), 64)


@needs_library
def test_selected_values_keep_their_gradient():
    x = torch.rand(4, 64, requires_grad=True)
    assert top_k(x, 3)[0].requires_grad


@needs_library
def test_a_library_of_other_sources_is_not_loaded(monkeypatch):
    assert library.compiled_library.__wrapped__() is not None
    monkeypatch.setattr(library, "LAYOUT", -1)
    assert library.compiled_library.__wrapped__() is None
