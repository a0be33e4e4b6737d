"""BatchTopK, JumpReLU, Gated and refinement, dense and sparse, against loops and chain rules in float64 NumPy.

TopK is in test_kernels.py, the kernels below all of them in test_kernels_property.py, each coding layer with each term,
and trained through refinements, in test_gradients.py.
"""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from taciturn.core.errors import RecipeError
from taciturn.core.schedules import Linear, Until
from taciturn.kernels import Chunked, Plain
from taciturn.model import Autoencoder, Batch, Dense, Layout, PreActivations, Sparse, initialise_dictionary
from taciturn.model.coding_layers import BatchTopK, Gated, JumpReLU, ReLU, Sigmoid, TopK
from taciturn.objective import L0, L1, AuxK, GatedAux, Objective, SquaredError
from taciturn.training.solvers import Adam
from taciturn.training.step import Step

B, D, N_LATENTS = 11, 5, 24


class AlwaysSparse(Chunked):
    """Selected entries are always sparse codes, however many they are."""

    sparse_below = 1.0


KERNELS = [Plain(), Chunked(1), Chunked(4), Chunked(B), Chunked(512), AlwaysSparse(3)]
kernels_of_each_kind = pytest.mark.parametrize("kernels", KERNELS, ids=lambda k: f"{type(k).__name__}{vars(k)}")


class Example:
    """Random PreActivations, the same in NumPy, and a loss linear in codes, |codes| and gates."""

    def __init__(self, kernels, *, bias=0.0):
        rng = np.random.default_rng(0)
        self.x = rng.normal(size=(B, D)) * rng.permutation(np.geomspace(0.2, 6, B))[:, None]
        self.W, self.V = rng.normal(size=(2, N_LATENTS, D)) / np.sqrt(D)
        self.b, self.c = 0.4 * rng.normal(size=N_LATENTS) + bias, 0.5 * rng.normal(size=D)
        self.up, self.abs_slope, self.l0_slope = rng.normal(size=(B, D)), rng.normal(size=B), rng.normal(size=B)
        self.leaves = [torch.tensor(a, requires_grad=True) for a in (self.x, self.W, self.b, self.c, self.V)]
        self.pre = PreActivations(*self.leaves[:4], kernels)

    @property
    def z(self):
        return (self.x - self.c) @ self.W.T + self.b

    def check(self, codes, *, values, dz, db=0.0, more=()):
        """The codes must be `values`, and all gradients those that follow from the loss's gradient in pre-activations.

        db: a further gradient in the biases alone; more: (parameter, expected gradient) pairs.
        """
        recon = codes @ self.leaves[4]
        abs_slope, l0_slope = torch.tensor(self.abs_slope), torch.tensor(self.l0_slope)
        loss = (recon * torch.tensor(self.up)).sum() + abs_slope @ codes.row_sums(codes.abs_values)
        (loss + l0_slope @ codes.l0()).backward()
        actual = [codes.dense(), recon, *(leaf.grad for leaf in self.leaves), *(p.grad for p, _ in more)]
        expected = [values, values @ self.V, dz @ self.W, dz.T @ (self.x - self.c), dz.sum(0) + db]
        expected += [-(dz @ self.W).sum(0), values.T @ self.up, *(gradient for _, gradient in more)]
        names = ["codes", "recon", "x", "W", "b", "centre", "V", *map(str, range(len(more)))]
        for name, a, b in zip(names, actual, expected, strict=True):
            a = np.zeros_like(b) if a is None else a.detach().numpy()
            assert_allclose(a, b, rtol=1e-11, atol=1e-12 * max(1, np.abs(b).max()), err_msg=name)

    @property
    def upward(self):
        """The loss's gradient in the codes through the reconstruction [B, L]."""
        return self.up @ self.V.T


def network(coder, kernels, *, widths=(D, N_LATENTS), dtype=torch.float64, **layout):
    """A model whose parameters all differ from their initial values."""
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
    """The mask of the n largest numbers, one at a time."""
    selected, rest = np.zeros(z.shape, bool), z.copy()
    for _ in range(min(n, z.size)):
        position = np.unravel_index(rest.argmax(), z.shape)
        selected[position], rest[position] = True, -np.inf
    return selected


# --- BatchTopK -------------------------------------------------------------------------------------------------
@kernels_of_each_kind
@pytest.mark.parametrize("k", [0.04, 0.3, 1, 2.5, 7, N_LATENTS - 0.5, N_LATENTS, N_LATENTS + 3])
def test_a_batch_keeps_its_largest_in_whichever_rows_they_are(kernels, k):
    example, coder = Example(kernels), BatchTopK(k)
    z = example.z
    selected = largest(z, round(k * B))
    if 0 < selected.sum() < N_LATENTS * (B - 1):
        assert selected.sum(1).max() >= k + 0.5  # rows of large norm have more codes
    codes = coder.training_codes(example.pre, coder.create_state(N_LATENTS))
    assert len(codes.values) == selected.sum() == min(round(k * B), B * N_LATENTS)
    active = selected & (z > 0)
    example.check(codes, values=z * active, dz=(example.upward + example.abs_slope[:, None]) * active)


@kernels_of_each_kind
def test_one_row_may_have_all_codes_of_a_batch(kernels):
    """Two candidates a row are too few: 12 of the second row's 24 latents are the batch's largest."""
    x, w = torch.tensor([[1.0], [50], [2], [0], [1], [1], [1], [1], [1], [1], [1], [1]]), torch.linspace(1, 1.5, 24)
    codes = PreActivations(x, w[:, None], torch.zeros(24), None, kernels).top_batch(1)
    assert_array_equal(codes.index.rows, [1] * 12)
    assert_array_equal(np.sort(codes.index.latents), np.arange(12, 24))


def test_a_row_of_large_norm_costs_no_more_entries_than_it_may_have():
    picked = []

    class Counting(Chunked):
        def pick(self, *args):
            entries = super().pick(*args)
            picked.append((len(args[0]), len(entries[1])))
            return entries

    x = torch.ones(100, 1)
    x[7] = 50
    PreActivations(x, torch.linspace(1, 2, 1000)[:, None], torch.zeros(1000), None, Counting(32)).top_batch(5)
    assert picked == [(100, 1000), (1, 1000)]  # ten candidates per row; all entries of the row whose ten are selected


@kernels_of_each_kind
def test_a_batch_that_is_all_below_zero_has_no_codes_and_no_gradient(kernels):
    example, coder = Example(kernels, bias=-100), BatchTopK(2)
    zero = np.zeros((B, N_LATENTS))
    example.check(coder.training_codes(example.pre, coder.create_state(N_LATENTS)), values=zero, dz=zero)
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
def test_a_row_alone_has_the_codes_that_it_has_in_a_batch(kernels, threshold):
    model, x = network(BatchTopK(3), kernels), rows()
    model.coder.value.fill_(threshold)
    threshold = model.coder.value.item()
    z = z_of(model, x)
    with torch.no_grad():
        expected = np.where(z > threshold, z, 0)
        assert_allclose(model.codes(x).dense(), expected, rtol=1e-11, atol=1e-12)
        for i in range(B):
            assert_allclose(model.codes(x[i : i + 1]).dense()[0], expected[i], rtol=1e-11, atol=1e-12)


def test_the_threshold_is_a_running_mean_that_moves_by_a_hundredth_in_the_end():
    coder = BatchTopK(1.5)
    model, threshold, n_batches = network(coder, Chunked(4)), 0.0, 0
    step = Step(model, Objective((SquaredError(),)))
    for i in range(130):
        x = rows(seed=i) - (1000 if i == 3 else 0) * model.encoder[0].weight.mean(0).detach()
        z = z_of(model, x)
        positive = z[largest(z, 16) & (z > 0)]  # round(16.5) is 16
        step.update_state(step(Batch(x, x, x * 3 - 1))[0], 0.0, 1.0)
        if len(positive):
            n_batches += 1
            threshold += (positive.min() - threshold) / min(n_batches, 100)
        assert model.coder.value.item() == pytest.approx(threshold, rel=1e-5)
    assert model.coder.batches == n_batches > 100


@kernels_of_each_kind
@pytest.mark.parametrize(("coder", "k"), [(BatchTopK(2.5), 2.5), (BatchTopK(Linear(9, 2)), 2), (BatchTopK(20), 20)])
def test_after_training_k_codes_per_row_exceed_the_threshold(kernels, coder, k):
    model, x = network(coder, kernels), rows(64)
    Step(model, Objective((SquaredError(),))).calibrate(x)
    z = z_of(model, x)
    with torch.no_grad():
        codes = model.codes(x).dense()
    assert_array_equal(codes != 0, largest(z, round(64 * k)) & (z > 0))
    other = network(coder, kernels)
    other.load_state_dict(model.state_dict())
    assert_array_equal(other.codes(x).dense().detach(), codes)
    assert {"coder.value", "coder.batches"} <= set(model.state_dict())


# --- JumpReLU --------------------------------------------------------------------------------------------------
def jump(example, raw, width):
    """Codes, d loss / dz and d loss / dθ of the documented surrogate: dH/dz = -dH/dθ = K."""
    z, theta = example.z, np.maximum(raw, 0)
    gate, K = (z > theta) * 1.0, (np.abs(z - theta) < width / 2) / width
    # no code is negative
    on_code, on_gate = example.upward + example.abs_slope[:, None], example.l0_slope[:, None]
    dz = on_code * (gate + z * K) + on_gate * K
    return z * gate, dz, -(on_code * z * K + on_gate * K).sum(0)


@kernels_of_each_kind
@pytest.mark.parametrize(("initial", "bias"), [(0.0, 0.0), (0.5, 0.0), (1.0, -2.0), (3.0, -1.0)])
@pytest.mark.parametrize("width", [0.3, 1.0])
def test_jumprelu_and_the_gradients_of_its_surrogate(kernels, initial, bias, width):
    example, coder = Example(kernels, bias=bias), JumpReLU(initial, width)
    state = coder.create_state(N_LATENTS).double()
    with torch.no_grad():
        state.value += 0.3 * torch.randn(N_LATENTS, generator=torch.Generator().manual_seed(1))
    raw = state.value.detach().numpy().copy()
    z, theta = example.z, np.maximum(raw, 0)
    if initial < 3:  # entries with the code 0 that have a gradient
        assert ((z <= theta) & (z > theta - width / 2)).any()
    if initial == 0:
        assert ((raw < 0) & (np.abs(z - theta) < width / 2).any(0)).any()
    values, dz, dtheta = jump(example, raw, width)
    codes = coder.training_codes(example.pre, state)
    assert_allclose(coder(example.pre, state).dense().detach(), values, rtol=1e-12, atol=1e-12)
    assert_allclose(codes.l0().detach(), (values > 0).sum(1), rtol=0)
    example.check(codes, values=values, dz=dz, more=[(state.value, dtheta)])
    if initial == 3:
        assert isinstance(codes, Dense if isinstance(kernels, Plain) else Sparse)
    if initial == 0:
        assert isinstance(codes, Sparse if isinstance(kernels, AlwaysSparse) else Dense)


@pytest.mark.parametrize("kernels", [Plain(), AlwaysSparse(2)], ids=str)
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


def test_thresholds_are_parameters_without_a_logarithm():
    state = Autoencoder(Layout((3, 4), JumpReLU(0.25)), rng=torch.Generator()).state_dict()
    assert state["coder.value"].dtype == torch.float32
    assert_array_equal(state["coder.value"], [0.25] * 4)


# --- Gated -----------------------------------------------------------------------------------------------------
@kernels_of_each_kind
@pytest.mark.parametrize("bias", [0.0, -3.0])
def test_gated_and_its_gradients(kernels, bias):
    example, coder, rng = Example(kernels, bias=bias), Gated(), np.random.default_rng(9)
    r, m = rng.normal(size=(2, N_LATENTS)) * 0.5
    m -= bias  # otherwise no latent with an open gate would have a positive code
    state = coder.create_state(N_LATENTS).double()
    with torch.no_grad():
        state.log_scale.copy_(torch.tensor(r))
        state.bias.copy_(torch.tensor(m))
    product, is_open = example.z - example.b, example.z > 0
    magnitude = product * np.exp(r) + m
    active = is_open & (magnitude > 0)
    assert bias or (is_open & (magnitude < 0)).any()
    assert ((magnitude > 0) & ~is_open).any()
    on_code = example.upward * active  # L1 penalises gate activations, L0 has no gradient here
    codes = coder.training_codes(example.pre, state)
    assert_allclose(codes.row_sums(codes.abs_values).detach(), np.maximum(example.z, 0).sum(1), rtol=1e-11)
    assert_array_equal(codes.l0().detach(), active.sum(1))
    penalised = example.abs_slope[:, None] * is_open
    more = [(state.log_scale, (on_code * product).sum(0) * np.exp(r)), (state.bias, on_code.sum(0))]
    dz = on_code * np.exp(r) + penalised
    # b itself gets the penalty's gradient, and none from the reconstruction
    example.check(codes, values=magnitude * active, dz=dz, db=-(on_code * np.exp(r)).sum(0), more=more)
    assert_allclose(example.leaves[2].grad, penalised.sum(0), rtol=1e-11, atol=1e-12)
    assert_array_equal(coder(example.pre, state).dense().detach(), codes.dense().detach())


# --- ties with a threshold, and its shift ----------------------------------------------------------------------
@pytest.mark.parametrize("kernels", [Plain(), AlwaysSparse(2)], ids=lambda k: type(k).__name__)
@pytest.mark.parametrize("coder", [JumpReLU(0.5, 0.25), BatchTopK(1), Gated()], ids=lambda coder: coder.name)
def test_a_latent_on_its_threshold_is_not_active(coder, kernels):
    threshold, state = 0.0 if isinstance(coder, Gated) else 0.5, coder.create_state(3)
    if isinstance(coder, BatchTopK):
        state.value.fill_(threshold)
    if isinstance(coder, Gated):
        state.bias.data.fill_(1.0)  # its code would be 1 if its gate were open
    x = torch.tensor([[threshold], [threshold + 2**-20]])
    pre = PreActivations(x, torch.ones(3, 1), torch.zeros(3), None, kernels)
    for encode in (coder,) if isinstance(coder, BatchTopK) else (coder, coder.training_codes):
        codes = encode(pre, state)
        assert_array_equal(codes.l0().detach(), [0, 3])
        expected = threshold + 2**-20 + isinstance(coder, Gated)
        assert_array_equal(codes.dense().detach(), [[0] * 3, [expected] * 3])


@pytest.mark.parametrize("by", [[0.2], [-0.3], [5.0], "each"], ids=str)
@pytest.mark.parametrize("coder", [JumpReLU(0.4), Gated(), ReLU(), BatchTopK(3)], ids=lambda coder: coder.name)
def test_a_shift_changes_which_latents_are_active(coder, by):
    """JumpReLU's thresholds move, to 0 at the least; elsewhere biases, on which Gated's magnitudes do not depend."""
    model, x = network(coder, Plain()), rows(40)
    shift = np.linspace(-0.5, 0.5, N_LATENTS) if by == "each" else np.array(by)
    z, state = z_of(model, x), {name: p.detach().numpy().copy() for name, p in model.coder.named_parameters()}
    margin, moved = z, z + shift
    expected = np.maximum(moved, 0)
    if isinstance(coder, JumpReLU):
        theta = np.maximum(state["value"], 0)
        lowered = np.maximum(theta - shift, 0)
        margin, expected = z - theta, np.where(z > lowered, z, 0)
    if isinstance(coder, Gated):
        magnitude = (z - model.encoder[0].bias.detach().numpy()) * np.exp(state["log_scale"]) + state["bias"]
        expected = np.where(moved > 0, np.maximum(magnitude, 0), 0)
    assert_allclose(model.margin(torch.tensor(z)).detach(), margin, rtol=1e-12)
    before = model.codes(x).dense().detach().numpy()
    model.shift_biases(torch.tensor(shift))
    after = model.codes(x).dense().detach().numpy()
    assert_allclose(after, expected, rtol=1e-11, atol=1e-12)
    assert ((after != 0) != (before != 0)).any()
    if isinstance(coder, JumpReLU):
        assert_allclose(model.coder.value.detach(), lowered, rtol=1e-12)


# --- refinement ------------------------------------------------------------------------------------------------
@kernels_of_each_kind
def test_refined_codes_by_hand(kernels):
    """x = (2, 0.9), W the identity and a third row (0.6, 0.8), all biases 0, one code, η = ½.

    z = (2, 0.9, 1.92): the first is active and leaves (0, 0.9). Half of it is added to the second, 0.36 to the third.
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
    with pytest.raises(RecipeError, match="refine=2 requires one layer"):
        Layout(**({"widths": (6, 4), "coder": ReLU(), "refine": 2} | layout))


@pytest.mark.parametrize(
    ("refine", "message"),
    [
        (-1, "-1 lies outside [0, 1000]"),
        (1.5, "1.5 is not a whole number"),
        (True, "True is not a number"),
        ("twice", "'twice' is not a number"),
    ],
)
def test_refine_must_be_a_whole_number(refine, message):
    with pytest.raises(RecipeError) as refused:
        Layout((6, 4), TopK(2), refine=refine)
    assert str(refused.value) == f"layout: refine={message}"


# --- together --------------------------------------------------------------------------------------------------
CODERS = [BatchTopK(2.5), BatchTopK(Linear(6, 2)), JumpReLU(0.3), JumpReLU(0.0, 1.0), Gated()]


@pytest.mark.parametrize("refine", [0, 1])
@pytest.mark.parametrize("kernels", [Plain(), Chunked(4), AlwaysSparse(5)], ids=lambda k: type(k).__name__)
@pytest.mark.parametrize("coder", CODERS, ids=lambda coder: coder.text)
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


@pytest.mark.parametrize("coder", CODERS, ids=lambda coder: coder.text)
@pytest.mark.parametrize("kernels", [Plain(), Chunked(3), AlwaysSparse(2)], ids=lambda k: type(k).__name__)
def test_nan_is_not_hidden(coder, kernels):
    model, x = network(coder, kernels), rows()
    model.encoder[0].weight.data[5] = torch.nan
    for encode in (coder.at(0.0).training_codes, coder):
        codes = model.pre_and_codes(x, encode)[1]
        assert codes.dense()[:, 5].isnan().any()


def test_the_norm_of_a_dictionarys_row_does_not_count_in_a_selection():
    """docs/recipes.md, Constraints: a row × 3 with an encoder / 3 adds the same, and is selected less often."""
    x = torch.randn(500, D, generator=torch.Generator().manual_seed(1))
    model = Autoencoder(Layout((D, N_LATENTS), TopK(4)), rng=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, active = model.decode(model.codes(x)), model.codes(x).dense() > 0
        latent = int(active.sum(0).argmax())
        model.dictionary[latent] *= 3
        model.encoder[0].weight[latent] /= 3
        model.encoder[0].bias[latent] /= 3
        after, still_active = model.decode(model.codes(x)), model.codes(x).dense() > 0
    assert still_active[:, latent].sum() < 0.5 * active[:, latent].sum()
    others = [other for other in range(N_LATENTS) if other != latent]
    assert (still_active[:, others].sum() > active[:, others].sum()).all()
    same = (still_active == active).all(1)
    assert 0 < same.sum() < 500
    assert_allclose(after[same], before[same], atol=1e-5)


# --- a TopK phase ----------------------------------------------------------------------------------------------
PHASE = Until(2, 0.5)
STARTING = [
    (BatchTopK(3, first_k=PHASE), []),
    (JumpReLU(first_k=PHASE), [L0(l0=3), AuxK()]),
    (Gated(first_k=PHASE), [L1(l0=3), GatedAux(), AuxK()]),
]


@kernels_of_each_kind
@pytest.mark.parametrize(("coder", "terms"), STARTING, ids=lambda each: str(each)[:9])
def test_a_phase_selects_the_k_largest_of_each_row_and_the_threshold_follows(coder, terms, kernels):
    model, x = network(coder, kernels, refine=0), rows(40)
    with torch.no_grad():  # gates and sizes that differ by nothing: what a row's largest are is then plain
        if isinstance(coder, Gated):
            model.coder.log_scale.zero_()
            model.coder.bias.copy_(model.encoder[0].bias)
    z = z_of(model, x)
    step = Step(model, Objective((SquaredError(), *terms)))
    p, _ = step.backward(Batch(x, x, x), 0.2)
    expected = np.where([largest(row, 2) for row in z], np.maximum(z, 0), 0)
    assert_allclose(p.codes.dense().detach(), expected, rtol=1e-12)
    before = [controller.weight for _, controller in step.controlled()]
    for _ in range(700):
        step.update_state(p, 0.2, 1.0)
    assert [controller.weight for _, controller in step.controlled()] == before
    # the codes of inference: 2 per row on average, so that the model is of use at any time
    assert model.codes(x).l0().sum().item() == pytest.approx(2 * 40, abs=1)


def test_penalties_have_no_gradient_in_a_phase():
    x = rows(40)
    for coder, terms in STARTING[1:]:
        gradients = []
        for objective in (Objective((SquaredError(),)), Objective((SquaredError(), *terms))):
            model = network(coder, Plain())
            Step(model, objective).backward(Batch(x, x, x), 0.2)
            gradients.append([parameter.grad for parameter in model.parameters()])
        for alone, joined in zip(*gradients, strict=True):
            assert (alone is None) == (joined is None)
            assert alone is None or torch.equal(alone, joined)


def test_after_the_phase_the_layer_is_what_it_is_without_one():
    model, x = network(JumpReLU(), Plain()), rows()
    pre = model.pre_activations(x)
    for coder, plain in ((each.at(0.5), type(each)) for each, _ in STARTING):
        state = coder.create_state(N_LATENTS).double()
        without = plain(3) if plain is BatchTopK else plain()
        assert torch.equal(coder.training_codes(pre, state).dense(), without.training_codes(pre, state).dense())


@pytest.mark.parametrize("n_latents", [3, 40])
def test_initial_directions_lie_between_drawn_ones_and_rows(n_latents):
    rng = torch.Generator().manual_seed(0)
    model = Autoencoder(Layout((D, n_latents), TopK(2), centred=True, norm=0.5, from_rows=0.25), rng=rng).double()
    x, drawn = rows(20), model.dictionary.detach().numpy().copy() / 0.5
    with torch.no_grad():
        model.decoder[0].bias.copy_(torch.linspace(0, 1, D))
    initialise_dictionary(model, x)
    towards = x.numpy()[np.floor(np.arange(n_latents) * 20 / n_latents).astype(int)] - np.linspace(0, 1, D)
    expected = 0.25 * towards / np.linalg.norm(towards, axis=1, keepdims=True) + 0.75 * drawn
    expected *= 0.5 / np.linalg.norm(expected, axis=1, keepdims=True)
    for weight in (model.dictionary, model.encoder[0].weight):
        assert_allclose(weight.detach(), expected, rtol=1e-6)


def test_directions_from_rows_need_one_layer_with_a_centre():
    with pytest.raises(RecipeError, match=r"from_rows=0.5 requires one layer and centred"):
        Layout((D, 8), TopK(2), from_rows=0.5)
