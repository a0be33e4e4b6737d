"""BatchTopK, JumpReLU, Gated and refinement, dense and as lists, against loops and chain rules in float64 NumPy.

TopK is in test_kernels.py, what all of them are made of in test_kernels_property.py, each with each term, and trained
through refinements, in test_gradients.py.
"""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from taciturn.core.errors import RecipeError
from taciturn.core.schedules import Linear
from taciturn.kernels import Chunked, Plain
from taciturn.model import Autoencoder, Batch, Dense, Layout, PreActivations, Sparse
from taciturn.model.coding_layers import BatchTopK, Gated, JumpReLU, ReLU, Sigmoid, TopK
from taciturn.objective import L0, L1, GatedAux, Objective, SquaredError
from taciturn.training.solvers import Adam
from taciturn.training.step import Step

B, D, N_LATENTS = 11, 5, 24


class Listed(Chunked):
    """Whatever is kept is a list, however much it is."""

    sparse_below = 1.0


KERNELS = [Plain(), Chunked(1), Chunked(4), Chunked(B), Chunked(512), Listed(3)]
kernels_of_each_kind = pytest.mark.parametrize("kernels", KERNELS, ids=lambda k: f"{type(k).__name__}{vars(k)}")


class Offer:
    """A `Pre` of given or drawn numbers, what NumPy makes of them, and a loss linear in codes, |codes| and gates."""

    def __init__(self, kernels, *, rows=B, seed=0, bias=0.0, loud=None):
        rng = np.random.default_rng(seed)
        loud = np.geomspace(0.2, 6, rows) if loud is None else loud
        self.x = rng.normal(size=(rows, D)) * rng.permutation(loud)[:, None]
        self.W, self.V = rng.normal(size=(2, N_LATENTS, D)) / np.sqrt(D)
        self.b, self.c = 0.4 * rng.normal(size=N_LATENTS) + bias, 0.5 * rng.normal(size=D)
        self.up, self.press, self.count = rng.normal(size=(rows, D)), rng.normal(size=rows), rng.normal(size=rows)
        self.leaves = [torch.tensor(a, requires_grad=True) for a in (self.x, self.W, self.b, self.c, self.V)]
        self.pre = PreActivations(*self.leaves[:4], kernels)

    @property
    def z(self):
        return (self.x - self.c) @ self.W.T + self.b

    def learns(self, codes, *, values, dz, db=0.0, more=()):
        """The codes must be `values`; given the loss's slope on pre-activations (and on biases alone, and more
        (parameter, gradient) pairs), so must be all gradients."""
        recon = codes @ self.leaves[4]
        press, count = torch.tensor(self.press), torch.tensor(self.count)
        (
            (recon * torch.tensor(self.up)).sum() + press @ codes.row_sums(codes.abs_values) + count @ codes.l0()
        ).backward()
        found = [codes.dense(), recon, *(leaf.grad for leaf in self.leaves), *(p.grad for p, _ in more)]
        wanted = [values, values @ self.V, dz @ self.W, dz.T @ (self.x - self.c), dz.sum(0) + db]
        wanted += [-(dz @ self.W).sum(0), values.T @ self.up, *(gradient for _, gradient in more)]
        names = ["codes", "recon", "x", "W", "b", "centre", "V", *map(str, range(len(more)))]
        for name, a, b in zip(names, found, wanted, strict=True):
            a = np.zeros_like(b) if a is None else a.detach().numpy()
            assert_allclose(a, b, rtol=1e-11, atol=1e-12 * max(1, np.abs(b).max()), err_msg=name)

    @property
    def upward(self):
        """d loss / d code by way of the reconstruction, [B, L]."""
        return self.up @ self.V.T


def network(coder, kernels, *, widths=(D, N_LATENTS), dtype=torch.float64, **layout):
    """A model none of whose parameters is where it was born."""
    rng = torch.Generator().manual_seed(3)
    model = Autoencoder(Layout(widths, coder, centred=True, **layout), rng=rng, kernels=kernels).to(dtype)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.2 * torch.randn(p.shape, generator=rng, dtype=torch.float64))
    return model


def rows(n=B, seed=0, dtype=torch.float64):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(size=(n, D)) * rng.permutation(np.geomspace(0.2, 6, n))[:, None], dtype=dtype)


def z_of(model, x):
    """Pre-activations in NumPy."""
    W, b, c = (p.detach().numpy() for p in (model.encoder[0].weight, model.encoder[0].bias, model.decoder[0].bias))
    return (x.numpy() - c) @ W.T + b


def largest(z, n):
    """Where the n largest numbers are, found one at a time."""
    kept, left = np.zeros(z.shape, bool), z.copy()
    for _ in range(min(n, z.size)):
        at = np.unravel_index(left.argmax(), z.shape)
        kept[at], left[at] = True, -np.inf
    return kept


# --- BatchTopK -------------------------------------------------------------------------------------------------
@kernels_of_each_kind
@pytest.mark.parametrize("k", [0.04, 0.3, 1, 2.5, 7, N_LATENTS - 0.5, N_LATENTS, N_LATENTS + 3])
def test_a_batch_says_its_largest_whichever_rows_they_are_in(kernels, k):
    offer, coder = Offer(kernels), BatchTopK(k)
    z = offer.z
    kept = largest(z, round(k * B))
    if 0 < kept.sum() < N_LATENTS * (B - 1):
        assert kept.sum(1).max() >= k + 0.5  # loud rows say more
    codes = coder.training_codes(offer.pre, coder.create_state(N_LATENTS))
    assert len(codes.values) == kept.sum() == min(round(k * B), B * N_LATENTS)
    spoken = kept & (z > 0)
    offer.learns(codes, values=z * spoken, dz=(offer.upward + offer.press[:, None]) * spoken)


@kernels_of_each_kind
def test_a_row_may_take_all_there_is(kernels):
    """Two candidates a row are too few: 12 of the second row's 24 latents are the batch's largest."""
    x, w = torch.tensor([[1.0], [50], [2], [0], [1], [1], [1], [1], [1], [1], [1], [1]]), torch.linspace(1, 1.5, 24)
    codes = PreActivations(x, w[:, None], torch.zeros(24), None, kernels).top_batch(1)
    assert_array_equal(codes.index.rows, [1] * 12)
    assert_array_equal(np.sort(codes.index.latents), np.arange(12, 24))


def test_a_loud_row_costs_no_more_entries_than_it_may_say():
    found = []

    class Counting(Chunked):
        def pick(self, *args):
            picked = super().pick(*args)
            found.append((len(args[0]), len(picked[1])))
            return picked

    x = torch.ones(100, 1)
    x[7] = 50
    PreActivations(x, torch.linspace(1, 2, 1000)[:, None], torch.zeros(1000), None, Counting(32)).top_batch(5)
    assert found == [(100, 1000), (1, 1000)]  # ten candidates a row, and all of the one that spent its own


@kernels_of_each_kind
def test_a_batch_that_is_all_below_zero_says_and_learns_nothing(kernels):
    offer, coder = Offer(kernels, bias=-100), BatchTopK(2)
    zero = np.zeros((B, N_LATENTS))
    offer.learns(coder.training_codes(offer.pre, coder.create_state(N_LATENTS)), values=zero, dz=zero)
    model, x = network(coder, kernels), rows()
    model.encoder[0].bias.data -= 100
    step = Step(model, Objective((SquaredError(),)))
    step.gradients(Batch(x, x, x))
    step.calibrate(x)
    assert model.coder.value == 0
    assert model.coder.batches == 0
    assert_array_equal(model.codes(x).dense().detach(), 0)


@kernels_of_each_kind
@pytest.mark.parametrize("threshold", [0.0, 0.9, 3.0, 1e9])
def test_alone_a_row_says_what_it_says_among_others(kernels, threshold):
    model, x = network(BatchTopK(3), kernels), rows()
    model.coder.value.fill_(threshold)
    at = model.coder.value.item()
    z = z_of(model, x)
    with torch.no_grad():
        assert_allclose(model.codes(x).dense(), np.where(z > at, z, 0), rtol=1e-11, atol=1e-12)
        for i in range(B):
            assert_allclose(model.codes(x[i : i + 1]).dense()[0], np.where(z > at, z, 0)[i], rtol=1e-11, atol=1e-12)


def test_the_threshold_is_a_mean_over_batches_and_moves_by_a_hundredth_at_last():
    coder = BatchTopK(1.5)
    model, threshold, seen = network(coder, Chunked(4)), 0.0, 0
    step = Step(model, Objective((SquaredError(),)))
    for i in range(130):
        x = rows(seed=i) - (1000 if i == 3 else 0) * model.encoder[0].weight.mean(0).detach()
        z = z_of(model, x)
        least = z[largest(z, 16) & (z > 0)]  # round(16.5) is 16
        step.update_state(step(Batch(x, x, x * 3 - 1))[0], 0.0, 1.0)
        if len(least):
            seen += 1
            threshold += (least.min() - threshold) / min(seen, 100)
        assert model.coder.value.item() == pytest.approx(threshold, rel=1e-5)
    assert model.coder.batches == seen > 100


@kernels_of_each_kind
@pytest.mark.parametrize(("coder", "k"), [(BatchTopK(2.5), 2.5), (BatchTopK(Linear(9, 2)), 2), (BatchTopK(20), 20)])
def test_after_training_so_many_exceed_the_threshold(kernels, coder, k):
    model, x = network(coder, kernels), rows(64)
    Step(model, Objective((SquaredError(),))).calibrate(x)
    z = z_of(model, x)
    with torch.no_grad():
        said = model.codes(x).dense()
    assert_array_equal(said != 0, largest(z, round(64 * k)) & (z > 0))
    other = network(coder, kernels)
    other.load_state_dict(model.state_dict())
    assert_array_equal(other.codes(x).dense().detach(), said)
    assert {"coder.value", "coder.batches"} <= set(model.state_dict())


# --- JumpReLU --------------------------------------------------------------------------------------------------
def jump(offer, raw, width):
    """Codes, d loss / dz and d loss / dθ of the documented surrogate: dH/dz = -dH/dθ = K."""
    z, theta = offer.z, np.maximum(raw, 0)
    gate, K = (z > theta) * 1.0, (np.abs(z - theta) < width / 2) / width
    on_code, on_gate = offer.upward + offer.press[:, None], offer.count[:, None]  # no code is negative
    dz = on_code * (gate + z * K) + on_gate * K
    return z * gate, dz, -(on_code * z * K + on_gate * K).sum(0)


@kernels_of_each_kind
@pytest.mark.parametrize(("at", "bias"), [(0.0, 0.0), (0.5, 0.0), (1.0, -2.0), (3.0, -1.0)])
@pytest.mark.parametrize("width", [0.3, 1.0])
def test_jumprelu_and_the_gradients_of_its_surrogate(kernels, at, bias, width):
    offer, coder = Offer(kernels, bias=bias), JumpReLU(at, width)
    state = coder.create_state(N_LATENTS).double()
    with torch.no_grad():
        state.value += 0.3 * torch.randn(N_LATENTS, generator=torch.Generator().manual_seed(1))
    raw = state.value.detach().numpy().copy()
    z, theta = offer.z, np.maximum(raw, 0)
    if at < 3:  # entries that say nothing and yet learn
        assert ((z <= theta) & (z > theta - width / 2)).any()
    if at == 0:
        assert ((raw < 0) & (np.abs(z - theta) < width / 2).any(0)).any()
    values, dz, dtheta = jump(offer, raw, width)
    codes = coder.training_codes(offer.pre, state)
    assert_allclose(coder(offer.pre, state).dense().detach(), values, rtol=1e-12, atol=1e-12)
    assert_allclose(codes.l0().detach(), (values > 0).sum(1), rtol=0)
    offer.learns(codes, values=values, dz=dz, more=[(state.value, dtheta)])
    if at == 3:
        assert isinstance(codes, Dense if isinstance(kernels, Plain) else Sparse)
    if at == 0:
        assert isinstance(codes, Sparse if isinstance(kernels, Listed) else Dense)


@pytest.mark.parametrize("kernels", [Plain(), Listed(2)], ids=str)
def test_jumprelu_by_hand(kernels):
    """Two latents with θ = 0.5 and -1, taken as 0, ε = 0.4, so K = 2.5 within 0.2: loss Σ code + 10 Σ gate."""
    coder = JumpReLU(0.5, 0.4)
    state = coder.create_state(2)
    state.value.data[1] = -1
    x = torch.tensor([[0.2, -0.1], [0.4, 0.1], [0.6, 3.0], [0.9, -9.0]], requires_grad=True)
    codes = coder.training_codes(PreActivations(x, torch.eye(2), torch.zeros(2), None, kernels), state)
    (codes.dense().sum() + 10 * codes.l0().sum()).backward()
    assert_allclose(codes.dense().detach(), [[0, 0], [0, 0.1], [0.6, 3], [0.9, 0]], rtol=1e-6)
    # gate + z K + 10 K
    assert_allclose(x.grad, [[0, -0.25 + 25], [1 + 25, 1 + 0.25 + 25], [1 + 1.5 + 25, 1], [1, 0]], rtol=1e-6)
    assert_allclose(state.value.grad, [-(0.4 + 0.6) * 2.5 - 50, -0.0 - 50], rtol=1e-6)


def test_thresholds_are_learnt_as_they_are():
    state = Autoencoder(Layout((3, 4), JumpReLU(0.25)), rng=torch.Generator()).state_dict()
    assert state["coder.value"].dtype == torch.float32
    assert_array_equal(state["coder.value"], [0.25] * 4)


# --- Gated -----------------------------------------------------------------------------------------------------
@kernels_of_each_kind
@pytest.mark.parametrize("bias", [0.0, -3.0])
def test_gated_and_its_gradients(kernels, bias):
    offer, coder, rng = Offer(kernels, bias=bias), Gated(), np.random.default_rng(9)
    r, m = rng.normal(size=(2, N_LATENTS)) * 0.5
    m -= bias  # or nobody would be loud whose gate is open
    state = coder.create_state(N_LATENTS).double()
    with torch.no_grad():
        state.log_scale.copy_(torch.tensor(r))
        state.bias.copy_(torch.tensor(m))
    product, is_open = offer.z - offer.b, offer.z > 0
    loud = product * np.exp(r) + m
    spoken = is_open & (loud > 0)
    assert bias or (is_open & (loud < 0)).any()
    assert ((loud > 0) & ~is_open).any()
    on_code = offer.upward * spoken  # L1 presses on proposals, L0 has no slope here
    codes = coder.training_codes(offer.pre, state)
    assert_allclose(codes.row_sums(codes.abs_values).detach(), np.maximum(offer.z, 0).sum(1), rtol=1e-11)
    assert_array_equal(codes.l0().detach(), spoken.sum(1))
    pressed = offer.press[:, None] * is_open
    more = [(state.log_scale, (on_code * product).sum(0) * np.exp(r)), (state.bias, on_code.sum(0))]
    dz = on_code * np.exp(r) + pressed
    # to b itself comes what presses, and nothing of the reconstruction
    offer.learns(codes, values=loud * spoken, dz=dz, db=-(on_code * np.exp(r)).sum(0), more=more)
    assert_allclose(offer.leaves[2].grad, pressed.sum(0), rtol=1e-11, atol=1e-12)
    assert_array_equal(coder(offer.pre, state).dense().detach(), codes.dense().detach())


# --- ties with a threshold, and its shift ----------------------------------------------------------------------
@pytest.mark.parametrize("kernels", [Plain(), Listed(2)], ids=lambda k: type(k).__name__)
@pytest.mark.parametrize("coder", [JumpReLU(0.5, 0.25), BatchTopK(1), Gated()], ids=lambda coder: coder.name)
def test_who_stands_on_the_threshold_says_nothing(coder, kernels):
    at, state = 0.0 if isinstance(coder, Gated) else 0.5, coder.create_state(3)
    if isinstance(coder, BatchTopK):
        state.value.fill_(at)
    if isinstance(coder, Gated):
        state.bias.data.fill_(1.0)  # it would be loud if its gate were open
    pre = PreActivations(torch.tensor([[at], [at + 2**-20]]), torch.ones(3, 1), torch.zeros(3), None, kernels)
    for say in (coder,) if isinstance(coder, BatchTopK) else (coder, coder.training_codes):
        codes = say(pre, state)
        assert_array_equal(codes.l0().detach(), [0, 3])
        assert_array_equal(codes.dense().detach(), [[0] * 3, [at + 2**-20 + isinstance(coder, Gated)] * 3])


@pytest.mark.parametrize("by", [[0.2], [-0.3], [5.0], "each"], ids=str)
@pytest.mark.parametrize("coder", [JumpReLU(0.4), Gated(), ReLU(), BatchTopK(3)], ids=lambda coder: coder.name)
def test_a_shift_moves_who_speaks(coder, by):
    """JumpReLU's thresholds move and none falls below 0; elsewhere biases do, which Gated's magnitude never sees."""
    model, x = network(coder, Plain()), rows(40)
    shift = np.linspace(-0.5, 0.5, N_LATENTS) if by == "each" else np.array(by)
    z, state = z_of(model, x), {name: p.detach().numpy().copy() for name, p in model.coder.named_parameters()}
    begins, moved = z, z + shift
    wanted = np.maximum(moved, 0)
    if isinstance(coder, JumpReLU):
        theta = np.maximum(state["value"], 0)
        lowered = np.maximum(theta - shift, 0)
        begins, wanted = z - theta, np.where(z > lowered, z, 0)
    if isinstance(coder, Gated):
        loud = (z - model.encoder[0].bias.detach().numpy()) * np.exp(state["log_scale"]) + state["bias"]
        wanted = np.where(moved > 0, np.maximum(loud, 0), 0)
    assert_allclose(model.margin(torch.tensor(z)).detach(), begins, rtol=1e-12)
    before = model.codes(x).dense().detach().numpy()
    model.shift_biases(torch.tensor(shift))
    after = model.codes(x).dense().detach().numpy()
    assert_allclose(after, wanted, rtol=1e-11, atol=1e-12)
    assert ((after != 0) != (before != 0)).any()
    if isinstance(coder, JumpReLU):
        assert_allclose(model.coder.value.detach(), lowered, rtol=1e-12)


# --- refinement ------------------------------------------------------------------------------------------------
@kernels_of_each_kind
def test_refined_codes_by_hand(kernels):
    """x = (2, 0.9), W the identity and a third row (0.6, 0.8), all biases 0, one code, η = ½.

    z = (2, 0.9, 1.92): the first speaks and leaves (0, 0.9), of which half goes to the second and 0.36 to the third.
    """
    model = Autoencoder(Layout((2, 3), TopK(1), refine=1), rng=torch.Generator().manual_seed(0), kernels=kernels)
    with torch.no_grad():
        for layer in (model.encoder[0], model.decoder[0]):
            layer.weight.copy_(torch.tensor([[1, 0], [0, 1], [0.6, 0.8]]))
        model.refinements[0].fill_(0.5)
    pre, codes = model.pre_and_codes(torch.tensor([[2.0, 0.9]]), model.layout.coder)
    assert_allclose(pre.dense().detach(), [[2, 0.9 + 0.45, 1.92 + 0.36]], rtol=1e-6)
    assert_allclose(codes.dense().detach(), [[0, 0, 2.28]], rtol=1e-6)


@pytest.mark.parametrize("layout", [{"widths": (6, 5, 4)}, {"output": Sigmoid()}], ids=str)
def test_only_one_linear_layer_is_refined(layout):
    with pytest.raises(RecipeError, match="refine=2 needs one layer"):
        Layout(**({"widths": (6, 4), "coder": ReLU(), "refine": 2} | layout))


@pytest.mark.parametrize(
    ("refine", "said"),
    [
        (-1, "-1 lies outside [0, inf]"),
        (1.5, "1.5 is not a whole number"),
        (True, "True is not a number"),
        ("twice", "'twice' is not a number"),
    ],
)
def test_refinements_are_counted(refine, said):
    with pytest.raises(RecipeError) as refused:
        Layout((6, 4), TopK(2), refine=refine)
    assert str(refused.value) == f"layout: refine={said}"


# --- together --------------------------------------------------------------------------------------------------
TODAYS = [BatchTopK(2.5), BatchTopK(Linear(6, 2)), JumpReLU(0.3), JumpReLU(0.0, 1.0), Gated()]


@pytest.mark.parametrize("refine", [0, 1])
@pytest.mark.parametrize("kernels", [Plain(), Chunked(4), Listed(5)], ids=lambda k: type(k).__name__)
@pytest.mark.parametrize("coder", TODAYS, ids=lambda coder: coder.text)
def test_all_of_them_train(coder, kernels, refine):
    model = network(coder, kernels, dtype=torch.float32, refine=refine)
    terms = [SquaredError(), L1(weight=0.01)]
    terms += [L0(weight=0.01)] * isinstance(coder, JumpReLU) + [GatedAux()] * isinstance(coder, Gated)
    step, x = Step(model, Objective(tuple(terms))), rows(32, dtype=torch.float32)
    optimiser = Adam().build([{"params": list(step.parameters()), "weight_decay": 0.0}], lr=3e-3)
    before, losses = [p.detach().clone() for p in model.parameters()], []
    for _ in range(3):
        optimiser.zero_grad()
        losses.append(step.gradients(Batch(x, x, x))["loss"].item())
        optimiser.step()
    assert losses[-1] < losses[0]
    assert all((p != old).any() for p, old in zip(model.parameters(), before, strict=True))
    step.calibrate(x)
    with torch.no_grad():
        codes = model.encode(x)
        assert codes.l0().sum() > 0
        assert model.reconstruct(codes).isfinite().all()


@pytest.mark.parametrize("coder", TODAYS, ids=lambda coder: coder.text)
@pytest.mark.parametrize("kernels", [Plain(), Chunked(3), Listed(2)], ids=lambda k: type(k).__name__)
def test_what_is_no_number_is_said_and_seen(coder, kernels):
    model, x = network(coder, kernels), rows()
    model.encoder[0].weight.data[5] = torch.nan
    for say in (coder.at(0.0).training_codes, coder):
        codes = model.pre_and_codes(x, say)[1]
        assert codes.dense()[:, 5].isnan().any()
