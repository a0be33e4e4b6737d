"""The terms of sparse dictionaries: value and every parameter's gradient against float64 formulas, dense and sparse."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.testing import assert_allclose

from taciturn.core.errors import RecipeError
from taciturn.core.recipe import Recipe, names, parse
from taciturn.corruption import Clean, Dropout, Gaussian, Masking, SaltPepper, Swap
from taciturn.data.sources import Rows
from taciturn.kernels import Chunked, Index, Plain
from taciturn.model import Autoencoder, Batch, Dense, Layout, Sparse
from taciturn.model.coding_layers import (
    ELU,
    BatchTopK,
    CodingLayer,
    Gated,
    Identity,
    JumpReLU,
    ReLU,
    Sigmoid,
    Tanh,
    TopK,
)
from taciturn.objective import (
    L0,
    L1,
    AuxK,
    CrossEntropy,
    GatedAux,
    HierarchicalTopK,
    Matryoshka,
    MultiTopK,
    Objective,
    Orthogonality,
    SquaredError,
    TanhPenalty,
    Term,
    WeightL2,
)
from taciturn.training import Feed, Run, train
from taciturn.training.solvers import Adam
from taciturn.training.step import Step

B, D, L = 7, 5, 12


@dataclass(frozen=True)
class AlwaysSparse(Chunked):
    """Selected entries are always sparse codes, however many they are."""

    sparse_below = 1.0


KERNELS = [Plain(), AlwaysSparse(3)]
CODERS = [ReLU(), TopK(3), BatchTopK(2.5), JumpReLU(0.2, 0.8), Gated()]


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def model_of(coder, kernels=KERNELS[0], *, latents=L, **layout):
    """A float64 network whose parameters all differ from their initial values."""
    layout = Layout((D, latents), coder, **layout)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0), kernels=kernels).double()
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.add_(0.2 * drawn(*p.shape, seed=i + 1))
    return model


def batch_of(n=B, draw_key=(0, 0)):
    return Batch(drawn(n, D), drawn(n, D, seed=90), drawn(n, D), draw_key)


def parameters_of(model):
    """Encoder weight and bias, decoder weight and bias."""
    return model.encoder[-1].weight, model.encoder[-1].bias, model.decoder[0].weight, model.decoder[0].bias


def pre_of(model, x):
    W, b, _, centre = parameters_of(model)
    return (x - centre if model.layout.centred else x) @ W.T + b


def largest(pre, k):
    """1 at a row's k largest, else 0."""
    return (pre >= pre.detach().topk(k, 1).values[:, -1:]).double()


def threshold_of(model):
    """max(θ, 0) of JumpReLU, with a gradient below 0 too."""
    return torch.where(model.coder.value > 0, model.coder.value, model.coder.value - model.coder.value.detach())


def codes_of(model, x):
    """Return codes, what penalties act on, and gates, by the formulas, dense."""
    coder, z = model.layout.coder, pre_of(model, x)
    if isinstance(coder, TopK):
        z = z * largest(z, coder.k)
    if isinstance(coder, BatchTopK):
        z = z * (z >= z.detach().flatten().topk(round(coder.k * len(x))).values[-1])
    if isinstance(coder, JumpReLU):  # the ramp has the kernel for a derivative
        theta = threshold_of(model)
        ramp = ((z - theta) / coder.bandwidth + 0.5).clamp(0, 1)
        gate = (z > theta).double() + ramp - ramp.detach()
        return z * gate, z * gate, gate
    if isinstance(coder, Gated):
        magnitude = (z - model.encoder[-1].bias) * model.coder.log_scale.exp() + model.coder.bias
        return magnitude.relu() * (z > 0), z.relu(), None
    return z.relu(), z.relu(), None


def agrees(model, term, formula, batch=None, *, inactive_rows=None):
    """The term in a step, and its gradient in every parameter, are those of a formula (model, batch) → number."""
    batch = batch or batch_of()
    step = Step(model, Objective((term,)))
    if inactive_rows is not None:
        step.inactive_rows.copy_(torch.as_tensor(inactive_rows))
    _, numbers = step(batch)
    parameters = list(model.parameters())
    actual = torch.autograd.grad(numbers[term.name], parameters, allow_unused=True)
    expected = formula(model, batch)
    expected_gradients = torch.autograd.grad(expected, parameters, allow_unused=True)
    assert numbers[term.name].shape == ()
    assert numbers[term.name].item() == pytest.approx(expected.item(), rel=1e-11)
    for (name, _), ours, theirs in zip(model.named_parameters(), actual, expected_gradients, strict=True):
        ours, theirs = (torch.zeros(()) if g is None else g for g in (ours, theirs))
        assert_allclose(*np.broadcast_arrays(ours, theirs), rtol=1e-9, atol=1e-13, err_msg=name)
    return {name: g for (name, _), g in zip(model.named_parameters(), actual, strict=True)}


def is_zero(gradient):
    return gradient is None or not gradient.any()


either_kernels = pytest.mark.parametrize("kernels", KERNELS, ids=["plain", "sparse"])
coders = pytest.mark.parametrize("coder", CODERS, ids=lambda coder: coder.name)


def test_the_kernels_give_the_expected_forms_of_codes():
    for coder in CODERS:
        for kernels, form in zip(KERNELS, [Dense, Sparse], strict=True):
            p, _ = Step(model_of(coder, kernels), Objective((SquaredError(),)))(batch_of())
            always = {"relu": Dense, "topk": Sparse, "batch_topk": Sparse}
            assert type(p.codes) is always.get(coder.name, form)


# --- penalties --------------------------------------------------------------------------------------------------


def test_penalties_worked_by_hand():
    # rows (2, -1, 0) and (0, 0, 3); dictionary rows with the norms 5, 1, 0.5
    codes = torch.tensor([[2.0, -1, 0], [0, 0, 3]], dtype=torch.float64)
    sparse = Sparse(codes[codes != 0], Index(torch.tensor([0, 1, 2]), torch.tensor([0, 2, 3]), 3), AlwaysSparse())
    model = model_of(ReLU(), latents=3)
    with torch.no_grad():
        model.dictionary.copy_(torch.eye(3, D) * torch.tensor([[5.0], [-1.0], [0.5]]))
    p, _ = Step(model, Objective((SquaredError(),)))(batch_of(2))
    for form in Dense(codes), sparse:
        assert L1()(p.with_codes(form)).item() == (3 + 3) / 2
        assert L1(scaled=True)(p.with_codes(form)).item() == (10 + 1 + 1.5) / 2
        expected = (math.tanh(1) + math.tanh(0.1) + math.tanh(0.15)) / 2
        assert TanhPenalty(0.1)(p.with_codes(form)).item() == pytest.approx(expected, rel=1e-14)


@either_kernels
@coders
@pytest.mark.parametrize("centred", [False, True])
def test_penalties_and_their_gradients(coder, kernels, centred):
    model = model_of(coder, kernels, centred=centred)

    def penalised(m, batch):
        return codes_of(m, batch.corrupted)[1]

    def scaled(m, batch):
        return penalised(m, batch) * m.dictionary.norm(dim=1)

    agrees(model, L1(), lambda *args: penalised(*args).sum(1).mean())
    gradients = agrees(model, L1(scaled=True), lambda *args: scaled(*args).sum(1).mean())
    assert not is_zero(gradients["decoder.0.weight"])
    agrees(model, TanhPenalty(2.5), lambda *args: (2.5 * scaled(*args)).tanh().sum(1).mean())
    if isinstance(coder, Gated):  # only the gate activations are penalised
        assert is_zero(gradients["coder.log_scale"])
        assert is_zero(gradients["coder.bias"])


@either_kernels
def test_l0_and_its_gradient(kernels):
    model = model_of(JumpReLU(0.2, 0.8), kernels)

    def count(m, batch):
        return codes_of(m, batch.corrupted)[2].sum(1).mean()

    gradients = agrees(model, L0(), count)
    assert not is_zero(gradients["coder.value"])
    agrees(model, L0(3, weight=0.5), lambda *args: (count(*args) / 3 - 1) ** 2)
    batch = batch_of()
    p, _ = Step(model, Objective((L0(),)))(batch)
    l0 = (pre_of(model, batch.x) > threshold_of(model)).double().sum(1).mean().item()
    assert L0()(p).item() == L0(3).measured(p).item() == l0
    assert L0(3).penalised(p, torch.tensor(0.5)).item() == pytest.approx((l0 / 1.5 - 1) ** 2, rel=1e-14)


def test_an_adjusted_penalty_acts_on_and_is_measured_on_clean_rows():
    model = model_of(JumpReLU(0.2, 0.8))
    batch = Batch(drawn(B, D), drawn(B, D), 3 * drawn(B, D, seed=4))
    p, _ = Step(model, Objective((SquaredError(), L0(3))))(batch)
    clean = codes_of(model, batch.x)[2].sum(1).mean().item()
    assert L0()(p).item() != clean
    assert L0(3).measured(p).item() == clean
    assert L0(3).penalised(p, torch.tensor(1.0)).item() == pytest.approx((clean / 3 - 1) ** 2, rel=1e-14)


@pytest.mark.parametrize("coder", [ReLU(), JumpReLU(0.1), Gated()], ids=lambda coder: coder.name)
@pytest.mark.parametrize("term", [L1(l0=3), TanhPenalty(l0=3), L0(3)], ids=lambda term: term.name)
def test_calibration_meets_the_target_l0(coder, term):
    n = 50
    x, model = drawn(n, D, seed=5), model_of(coder)
    term.calibrate(model, x, each=True)
    active = model.codes(x).dense() != 0
    if isinstance(coder, Gated):  # the gates are calibrated, whatever the magnitudes
        active = pre_of(model, x) > 0
    assert active.sum(0).tolist() == [round(3 / L * n)] * L

    def bias_over_threshold(m):
        return (m.encoder[-1].bias - (threshold_of(m) if isinstance(coder, JumpReLU) else 0)).detach().clone()

    model = model_of(coder)
    before = bias_over_threshold(model)
    term.calibrate(model, x, each=False)
    moved = bias_over_threshold(model) - before
    assert_allclose(moved, moved.mean().expand(L), rtol=1e-12)  # one number for all
    active = pre_of(model, x) > 0 if isinstance(coder, Gated) else model.codes(x).dense() != 0
    assert abs(active.double().sum(1).mean().item() - 3) <= 1 / n


# --- dead latents -----------------------------------------------------------------------------------------------


@either_kernels
@coders
@pytest.mark.parametrize("k", [2, 64])
def test_auxk_trains_dead_latents_only(coder, kernels, k):
    model = model_of(coder, kernels)
    inactive_rows = np.where(np.arange(L) % 3 == 0, 100, 99)  # 0, 3, 6, 9 are dead
    dead = torch.tensor([0, 3, 6, 9])

    def formula(m, batch):
        z = pre_of(m, batch.corrupted)[:, dead]
        auxiliary = (z * largest(z, min(k, 4))).relu() @ m.decoder[0].weight[dead]
        residual = batch.target - (codes_of(m, batch.corrupted)[0] @ m.decoder[0].weight + m.decoder[0].bias)
        return (residual.detach() - auxiliary).square().mean()

    gradients = agrees(model, AuxK(k, 100), formula, inactive_rows=inactive_rows)
    assert is_zero(gradients["decoder.0.bias"])
    assert all(is_zero(gradients[name]) for name, _ in model.named_parameters() if name.startswith("coder."))
    for name in "encoder.0.weight", "encoder.0.bias", "decoder.0.weight":
        has_gradient = gradients[name].reshape(L, -1).any(1)
        assert has_gradient.any()
        assert not has_gradient[inactive_rows < 100].any()


def test_auxk_is_0_where_no_latent_is_dead():
    step = Step(model_of(TopK(2)), SquaredError() + AuxK(2, 100))
    step.inactive_rows.fill_(99)
    _, numbers = step(batch_of())
    assert numbers["auxk"].item() == 0
    assert not numbers["auxk"].requires_grad
    step.inactive_rows[3] = 100
    assert step(batch_of())[1]["auxk"] > 0


def test_auxk_has_the_weight_1_32_by_default():
    step = Step(model_of(TopK(2)), SquaredError() + AuxK(2, 1))
    step.inactive_rows.fill_(1)
    _, numbers = step(batch_of())
    assert numbers["auxk"] > 0
    assert numbers["loss"].item() == pytest.approx((numbers["squared_error"] + numbers["auxk"] / 32).item(), rel=1e-13)


@either_kernels
def test_inactivity_is_counted_in_rows(kernels):
    model = model_of(TopK(2), kernels)
    step = Step(model, Objective((SquaredError(),)))
    expected = np.zeros(L, int)
    for n, seed in [(3, 1), (3, 2), (1, 3), (2, 4)]:
        x = drawn(n, D, seed=seed)
        active = (codes_of(model, x)[0] != 0).any(0).numpy()
        step.gradients(Batch(x, x, x))
        expected = np.where(active, 0, expected + n)
        assert step.inactive_rows.tolist() == expected.tolist()
    assert len(set(expected)) > 2


# --- other codes than the coding layer's ------------------------------------------------------------------------


@either_kernels
@pytest.mark.parametrize("output", [Identity(), Sigmoid()], ids=lambda output: output.name)
def test_gated_aux_trains_the_gate_only(kernels, output):
    model = model_of(Gated(), kernels, output=output)

    def formula(m, batch):
        logits = codes_of(m, batch.corrupted)[1] @ m.decoder[0].weight.detach() + m.decoder[0].bias.detach()
        return (output.activate(logits) - batch.target).square().mean()

    gradients = agrees(model, GatedAux(), formula)
    trained = {name for name, gradient in gradients.items() if not is_zero(gradient)}
    assert trained == {"encoder.0.weight", "encoder.0.bias"}
    assert GatedAux().fixed_weight == 1


@either_kernels
@coders
def test_multi_topk_and_its_gradient(coder, kernels):
    model = model_of(coder, kernels)

    def formula(m, batch, k=5):
        z = pre_of(m, batch.corrupted)
        logits = (z * largest(z, k)).relu() @ m.decoder[0].weight + m.decoder[0].bias
        return (logits - batch.target).square().mean()

    agrees(model, MultiTopK(5), formula)
    agrees(model, MultiTopK(99), lambda *args: formula(*args, k=L))
    assert MultiTopK(5).fixed_weight == 1 / 8


# --- nested parts -----------------------------------------------------------------------------------------------


def errors_of(model, batch, prefixes, *, detach=False):
    """The squared error of each mask of codes, [levels]."""
    codes, W, b = codes_of(model, batch.corrupted)[0], model.decoder[0].weight, model.decoder[0].bias
    errors, before, inside = [], b, torch.zeros(())
    for prefix in prefixes:
        before = (before.detach() if detach and errors else before) + (codes * (prefix - inside)) @ W
        errors.append((model.output(before) - batch.target).square().mean())
        inside = prefix
    return torch.stack(errors)


def first(*widths):
    return [(torch.arange(L) < width).double() for width in widths]


@either_kernels
@coders
@pytest.mark.parametrize("output", [Identity(), Sigmoid()], ids=lambda output: output.name)
@pytest.mark.parametrize("detach", [False, True])
def test_matryoshka_and_its_gradient(coder, kernels, output, detach):
    model = model_of(coder, kernels, output=output, centred=True)

    def mean(m, batch, widths=(3, 8, L)):
        return errors_of(m, batch, first(*widths), detach=detach).mean()

    agrees(model, Matryoshka((3, 8), detach=detach), mean)
    agrees(model, Matryoshka((3, 8, L, 99), detach=detach), mean)
    agrees(model, Matryoshka(detach=detach), lambda *args: mean(*args, widths=(1, 3, 6, L)))  # 12/16 is no latent
    shares = torch.tensor([3, 0, 1]) / 4

    def weighted(m, batch):
        return errors_of(m, batch, first(3, 8, L), detach=detach) @ shares.double()

    agrees(model, Matryoshka((3, 8), shares=(1.5, 0, 0.5), detach=detach), weighted)


def test_with_detach_earlier_parts_get_no_gradient_from_later_errors():
    for detach in False, True:
        model = model_of(ReLU())
        term = Matryoshka((3,), shares=(0, 1), detach=detach)
        gradients = agrees(model, term, lambda m, b, d=detach: errors_of(m, b, first(3, L), detach=d)[1])
        for name in "encoder.0.weight", "encoder.0.bias", "decoder.0.weight":
            assert gradients[name][3:].any()
            assert is_zero(gradients[name][:3]) == detach


def test_matryoshka_of_all_latents_is_the_error_itself():
    model = model_of(ReLU())
    agrees(model, Matryoshka((99,)), lambda m, batch: errors_of(m, batch, first(L))[0])
    number = Step(model, Objective((Matryoshka((4,), error=SquaredError()),)))(batch_of())[1]["matryoshka"]
    assert number.item() == pytest.approx(errors_of(model, batch_of(), first(4, L)).mean().item(), rel=1e-12)


def test_matryoshka_of_cross_entropy():
    model, batch = model_of(TopK(3), output=Sigmoid()), batch_of()
    target = batch.target.sigmoid()

    def formula(m, batch):
        codes, W, b = codes_of(m, batch.corrupted)[0], m.decoder[0].weight, m.decoder[0].bias
        return sum(F.binary_cross_entropy(((codes * f) @ W + b).sigmoid(), batch.target) for f in first(4, L)) / 2

    agrees(model, Matryoshka((4,), error=CrossEntropy()), formula, Batch(batch.x, target, batch.corrupted))


def test_sampled_sizes_depend_on_seed_and_step():
    term = Matryoshka((1, 2, 3), sampled=True)
    step = Step(model_of(ReLU(), latents=4096), Objective((term,)))

    def sizes(draw_key):
        return term.sizes(4096, step(batch_of(2, draw_key))[0])

    assert sizes((0, 5)) == sizes((0, 5))
    assert len({tuple(sizes((seed, step))) for seed in (0, 1) for step in range(5)}) == 10
    many = np.array([sizes((0, step)) for step in range(400)])
    assert many.shape == (400, 3)
    assert Matryoshka().sizes(4096, step(batch_of(2))[0]) == [256, 512, 1024, 2048]
    assert (np.diff(many) >= 0).all()
    assert many.min() >= 1
    assert many.max() < 4096
    # log-uniformly: three of four lie below 4096^(3/4) = 512
    assert (many < 512).mean() == pytest.approx(0.75, abs=0.04)
    batch = batch_of(draw_key=(3, 4))
    p, _ = Step(model_of(ReLU()), Objective((term,)))(batch)
    drawn_widths = term.sizes(L, p)
    agrees(model_of(ReLU()), term, lambda m, b: errors_of(m, b, first(*drawn_widths, L)).mean(), batch)


def largest_codes(model, batch):
    """Masks of each row's 1, 2, 4, … largest codes, up to the largest number that any row has."""
    codes = codes_of(model, batch.corrupted)[0].detach().abs()
    max_l0, k = int((codes > 0).sum(1).max()), 1
    ks = [1]
    while k < max_l0:
        k = min(2 * k, max_l0)
        ks.append(k)
    order = codes.argsort(1, descending=True)
    # codes of 0 come last, whatever their gradients
    return [(codes > 0) * torch.zeros_like(codes).scatter(1, order[:, :k], 1.0) for k in ks[:-1]] + [
        torch.ones_like(codes)
    ]


@either_kernels
@pytest.mark.parametrize("coder", [*CODERS, TopK(5), TopK(1)], ids=lambda coder: coder.text)
@pytest.mark.parametrize("detach", [False, True])
def test_hierarchical_topk_and_its_gradient(coder, kernels, detach):
    model = model_of(coder, kernels)
    agrees(
        model, HierarchicalTopK(detach=detach), lambda m, b: errors_of(m, b, largest_codes(m, b), detach=detach).mean()
    )


@either_kernels
@coders
def test_hierarchical_topk_where_hardly_any_latent_is_active(coder, kernels):
    for bias in -2.0, -99.0:
        model = model_of(coder, kernels)
        with torch.no_grad():
            model.encoder[-1].bias.fill_(bias)
            if isinstance(coder, Gated):
                model.coder.bias.fill_(5.0)
        l0 = (codes_of(model, batch_of().corrupted)[0] != 0).sum(1)
        assert l0.min() == 0
        agrees(model, HierarchicalTopK(), lambda m, b: errors_of(m, b, largest_codes(m, b)).mean())
        agrees(model, Matryoshka((3,)), lambda m, b: errors_of(m, b, first(3, L)).mean())


def test_hierarchical_topk_worked_by_hand():
    # by size, row 0 has the codes 4 -3 2 1 1 and row 1 has 5: the prefixes of 5 codes are 1, 2, 4, 5
    codes = torch.tensor([[1.0, -3, 2, 4, 1], [0, 5, 0, 0, 0]], dtype=torch.float64)
    sparse = Sparse(
        torch.tensor([2.0, -3, 1, 4, 1, 5], dtype=torch.float64),
        Index(torch.tensor([2, 1, 0, 3, 4, 1]), torch.tensor([0, 5, 6]), 5),
        Plain(),
    )
    for form in Dense(codes), sparse:
        parts = [part.dense().tolist() for part in form.by_rank()]
        assert parts[:2] == [
            [[0, 0, 0, 4, 0], [0, 5, 0, 0, 0]],
            [[0, -3, 0, 0, 0], [0, 0, 0, 0, 0]],
        ]
        assert [np.count_nonzero(part) for part in parts] == [2, 1, 2, 1]
        assert sorted(np.unique(parts[2][0])) == [0, 1, 2]
        assert np.sum(parts, 0).tolist() == codes.tolist()


def test_shares_are_one_per_level():
    with pytest.raises(RecipeError) as refused:
        Step(model_of(TopK(3)), Objective((HierarchicalTopK(shares=(1, 1)),)))(batch_of())
    assert str(refused.value) == "hierarchical_topk: 2 shares for 3 levels; give one per level"


# --- directions -------------------------------------------------------------------------------------------------


def closest(W, chunks):
    """1/L Σ_l of the largest cos² within a latent's chunk, in NumPy."""
    total = 0.0
    for chunk in chunks:
        for i in chunk:
            total += (
                max((W[i] @ W[other]) ** 2 / (W[i] @ W[i]) / (W[other] @ W[other]) for other in chunk if other != i)
                if len(chunk) > 1
                else 0
            )
    return total / len(W)


@pytest.mark.parametrize("chunk", [1024, L, 5, 11, 2])  # 12 = 5 + 5 + 2 = 11 + 1
def test_orthogonality_is_brute_force_within_the_steps_chunks(chunk):
    model, batch = model_of(TopK(2)), batch_of(draw_key=(7, 3))
    order = torch.randperm(L, generator=batch.rng("orthogonality")).tolist()
    chunks = [order[start : start + chunk] for start in range(0, L, chunk)]
    W = model.dictionary.detach().numpy().copy()
    _, numbers = Step(model, Objective((Orthogonality(chunk),)))(batch)
    assert numbers["orthogonality"].item() == pytest.approx(closest(W, chunks), rel=1e-12)
    numbers["orthogonality"].backward()
    for position in np.ndindex(3, D):
        ahead, behind = W.copy(), W.copy()
        ahead[position] += 1e-6
        behind[position] -= 1e-6
        slope = (closest(ahead, chunks) - closest(behind, chunks)) / 2e-6
        assert model.dictionary.grad[position].item() == pytest.approx(slope, rel=1e-5, abs=1e-9)
    assert all(p.grad is None for name, p in model.named_parameters() if name != "decoder.0.weight")


@pytest.mark.parametrize("tied", [False, True])
def test_weight_l2_is_half_the_sum_of_squared_weights_and_its_gradient_is_the_weight(tied):
    layout = Layout((D, 8, L), Sigmoid(), tied=tied)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0)).double()
    _, numbers = Step(model, Objective((SquaredError(weight=0.0), WeightL2(weight=0.5))))(batch_of())
    weights = {name: p.detach().numpy() for name, p in model.named_parameters() if name.endswith("weight")}
    assert len(weights) == (2 if tied else 4)
    assert numbers["weight_l2"].item() == pytest.approx(sum(np.square(w).sum() for w in weights.values()) / 2)
    numbers["loss"].backward()
    for name, parameter in model.named_parameters():
        desired = 0.5 * weights[name] if name in weights else 0 * parameter.detach().numpy()
        np.testing.assert_allclose(parameter.grad.numpy(), desired, atol=1e-12)


def test_orthogonality_of_one_latent_is_0_and_chunks_change_with_the_step():
    assert Step(model_of(ReLU(), latents=1), Objective((Orthogonality(),)))(batch_of())[1]["loss"].item() == 0
    step = Step(model_of(TopK(2)), Objective((Orthogonality(4),)))
    losses = [step(batch_of(draw_key=(0, number)))[1]["loss"].item() for number in (0, 1, 2, 0)]
    assert len(set(losses)) == 3
    assert losses[0] == losses[3]


# --- what goes together -----------------------------------------------------------------------------------------

ONE, DEEP = (D, L), (D, 8, L)
REFUSED = [
    (
        ONE,
        "topk:2",
        "identity",
        "kl:0.1",
        "kl requires codes in (0, 1); this model provides exact zeros, rankable codes",
    ),
    (
        ONE,
        "gated",
        "identity",
        "kl:0.1",
        "kl requires codes in (0, 1); this model provides exact zeros, rankable codes, gate activations",
    ),
    (
        ONE,
        "topk:2",
        "identity",
        "gated_aux",
        "gated_aux requires gate activations; this model provides exact zeros, rankable codes",
    ),
    (ONE, "sigmoid", "identity", "auxk", "auxk requires rankable codes; this model provides codes in (0, 1)"),
    (
        ONE,
        "tanh",
        "identity",
        "auxk",
        "auxk requires rankable codes; this model provides none",
    ),
    (ONE, "topk:2", "sigmoid", "auxk", "auxk requires unbounded outputs; this model provides outputs in (0, 1)"),
    (
        DEEP,
        "topk:2",
        "identity",
        "auxk",
        "auxk requires a decoder of one layer; this model provides none",
    ),
    (
        ONE,
        "relu",
        "identity",
        "l0",
        "l0 requires an L0 gradient; this model provides exact zeros, rankable codes",
    ),
    (
        ONE,
        "topk:2",
        "identity",
        "l0:2",
        "l0 requires an L0 gradient; this model provides exact zeros, rankable codes",
    ),
    (
        ONE,
        "sigmoid",
        "identity",
        "l1:l0=2",
        "l1 requires exact zeros; this model provides codes in (0, 1)",
    ),
    (
        ONE,
        "elu",
        "identity",
        "tanh_penalty:l0=2",
        "tanh_penalty requires exact zeros; this model provides none",
    ),
    (
        ONE,
        "sigmoid",
        "identity",
        "multi_topk:4",
        "multi_topk requires rankable codes; this model provides codes in (0, 1)",
    ),
    (
        ONE,
        "elu",
        "identity",
        "hierarchical_topk",
        "hierarchical_topk requires rankable codes; this model provides none",
    ),
    *(
        (
            DEEP,
            "topk:2",
            "identity",
            name,
            f"{name} requires a decoder of one layer; this model provides none",
        )
        for name in ("matryoshka", "hierarchical_topk", "orthogonality")
    ),
    *(
        (
            ONE,
            "gated",
            "identity",
            f"{name}error=cross_entropy()",
            f"{name.split(':')[0]} requires outputs in (0, 1); this model provides unbounded outputs",
        )
        for name in ("matryoshka:", "hierarchical_topk:", "gated_aux:", "multi_topk:4,")
    ),
]


@pytest.mark.parametrize(("widths", "coder", "output", "term", "message"), REFUSED)
def test_a_combination_that_makes_no_sense_is_refused(widths, coder, output, term, message):
    layout = Layout(widths, CodingLayer.parse(coder), output=CodingLayer.parse(output))
    with pytest.raises(RecipeError) as refused:
        Step(Autoencoder(layout, rng=torch.Generator().manual_seed(0)), Objective((SquaredError(), Term.parse(term))))
    assert str(refused.value) == message


def test_only_errors_for_rows_in_0_and_1_require_them():
    for kind in (Matryoshka, HierarchicalTopK, GatedAux):
        assert not kind().unit_interval_only
        assert kind(error=CrossEntropy()).unit_interval_only
    assert MultiTopK(4, error=CrossEntropy()).unit_interval_only


CORRUPTIONS = [
    Clean(),
    Gaussian(0.3),
    Dropout(0.3),
    Masking(0.3),
    Swap(0.3),
    SaltPepper(0.3),
    Gaussian(0.1) + Swap(0.1),
]
LAYERS = [*CODERS, TopK(3, signed=True), Sigmoid(), Tanh(), ELU(), Identity()]
TERMS = parse(
    "cross_entropy+kl:0.1+squared_rate:0.1+l1+l1:scaled=true+l1:l0=3+tanh_penalty+tanh_penalty:l0=3+l0+l0:3+auxk:2,3"
    "+gated_aux+matryoshka+matryoshka:2/,sampled=true,detach=true+hierarchical_topk+multi_topk:6+orthogonality:5"
    "+weight_l2",
    Term,
)


def test_the_table_of_terms_misses_none():
    assert {term.name for term in TERMS} | {"squared_error"} == set(names(Term))
    assert {layer.name for layer in LAYERS} | {"relu"} == set(names(CodingLayer))


@pytest.mark.parametrize("output", [Identity(), Sigmoid()], ids=lambda output: output.name)
@pytest.mark.parametrize("coder", LAYERS, ids=lambda coder: coder.text)
@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.text)
def test_all_parts_that_fit_can_be_combined(corruption, coder, output):
    layout = Layout((D, L), coder, output=output, centred=True)
    accepted = [term for term in TERMS if not isinstance(refusal(layout, term), RecipeError)]
    assert len(accepted) >= 5
    kernels = KERNELS[CORRUPTIONS.index(corruption) % 2]
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0), kernels=kernels)
    step = Step(model, Objective((SquaredError(), *accepted)))
    rows = np.random.default_rng(0).uniform(size=(13, D)).astype(np.float32)
    step.initialise(torch.from_numpy(rows), steps=2)
    optimiser = Adam().build([{"params": list(step.parameters()), "weight_decay": 0.0}], 0.01)
    run = Run(step, Feed(Rows(rows), model.scale_rows, 7, 0, corruption), optimiser, 0.01, epochs=1)
    records = list(train(run))
    assert len(records) == 2
    for record in records:
        assert all(number.isfinite().all() for number in record.numbers.values()), record.numbers
    assert all(p.isfinite().all() for p in step.state_dict().values())


def refusal(layout: Layout, term: Recipe):
    try:
        return Objective((term,)).check(layout.provides())
    except RecipeError as error:
        return error


def test_jumprelus_unit_is_measured_before_the_first_step():
    """Rows times 50 give thresholds, codes and gradients times 50."""
    x = torch.randn(300, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    results = {}
    for factor in (1.0, 50.0):
        model = Autoencoder(Layout((8, 5), JumpReLU(0.5, 1.5)), rng=torch.Generator().manual_seed(1)).double()
        step = Step(model, Objective((SquaredError(),)))
        step.initialise(factor * x, steps=10)
        spread = (factor * x @ model.encoder[0].weight.T).std().item()
        assert model.coder.spread.item() == pytest.approx(spread, rel=1e-6)
        np.testing.assert_allclose(model.coder.value.detach(), 0.5 * spread, rtol=1e-6)
        p, numbers = step(Batch(factor * x, factor * x, factor * x))
        numbers["loss"].backward()
        results[factor] = p.codes.dense().detach() / factor, model.coder.value.grad / factor
    for small, large in zip(results[1.0], results[50.0], strict=True):
        np.testing.assert_allclose(small, large, rtol=1e-9, atol=1e-12)
