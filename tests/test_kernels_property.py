"""Kernels, pre-activations and codes against brute force, on inputs that Hypothesis draws.

In the first half rows and weights are small integers, the rows times powers of two. Every sum and product of them is
exact in any precision, float16 and bfloat16 included, so that values and gradients must be equal bit by bit, and many
entries are equal. In the second half they are any numbers, and which latents are active is known as far as rounding
allows.
"""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from taciturn.kernels import Above, AtLeast, Chunked, Index, Plain
from taciturn.model import Autoencoder, Batch, Dense, Layout, PreActivations, Sparse
from taciturn.model.coding_layers import ELU, BatchTopK, Gated, Identity, JumpReLU, ReLU, Sigmoid, Tanh, TopK
from taciturn.objective import L0, L1, GatedAux, Objective, SquaredError
from taciturn.training.step import Step


class Listed(Chunked):
    """Kernels under which codes are a list, however many entries it has."""

    sparse_below = 1.0


KERNELS = st.sampled_from([Plain(), Chunked(1), Chunked(2), Chunked(512), Listed(1), Listed(4)])
# rows differ by powers of two up to the first exponent, or all are scaled by the second, up or down
EXPONENTS = {torch.float16: (0, 6), torch.bfloat16: (0, 60), torch.float32: (8, 60), torch.float64: (20, 400)}
HALVES = st.sampled_from([torch.float16, torch.bfloat16])


def property_of(examples):
    return settings(deadline=None, derandomize=True, max_examples=examples)


def integers(*shape):
    return arrays(np.int8, shape, elements=st.integers(-1, 1)).map(lambda numbers: numbers.astype(np.float64))


# --- integers ---------------------------------------------------------------------------------------------------
@dataclass
class Case:
    """`PreActivations` of drawn numbers, the same in NumPy, and the gradients of a loss linear in recon and |codes|."""

    x: np.ndarray
    W: np.ndarray
    b: np.ndarray
    c: np.ndarray | None
    V: np.ndarray
    recon_grad: np.ndarray
    abs_grad: np.ndarray
    dtype: torch.dtype
    kernels: Plain | Chunked
    leaves: list[torch.Tensor] = field(init=False)
    pre: PreActivations = field(init=False)

    def __post_init__(self):
        arrays = [self.x, self.W, self.b, self.V] + ([] if self.c is None else [self.c])
        self.leaves = [torch.tensor(a, dtype=self.dtype, requires_grad=True) for a in arrays]
        x, W, b, _, *c = self.leaves
        self.pre = PreActivations(x, W, b, c[0] if c else None, self.kernels)

    @property
    def shape(self):
        return self.z.shape

    @property
    def centred(self):
        return self.x if self.c is None else self.x - self.c

    @property
    def z(self):
        return self.centred @ self.W.T + self.b

    def tensor(self, array):
        return torch.tensor(array, dtype=self.dtype)

    def check(self, codes, active, more=()):
        """Assert that codes are z where active, and gradients those of the chain rule; `more`: further [(x', W')]."""
        z = self.z + sum(x.detach().double().numpy() @ W.detach().double().numpy().T for x, W in more)
        recon = codes @ self.leaves[3]
        abs_sums = codes.row_sums(codes.abs_values)
        torch.autograd.backward([recon, abs_sums], [self.tensor(self.recon_grad), self.tensor(self.abs_grad)])
        values = np.where(active, z, 0)
        dz = np.where(active, self.recon_grad @ self.V.T + self.abs_grad[:, None] * np.sign(z), 0)
        dx = dz @ self.W
        wanted = [values, values @ self.V, np.abs(values).sum(1)]
        wanted += [dx, dz.T @ self.centred, dz.sum(0), values.T @ self.recon_grad, -dx.sum(0)]
        results = [codes.dense(), recon, abs_sums, *(leaf.grad for leaf in self.leaves)]
        equal(results, wanted[: len(results)], self.dtype)
        for x, W in more:
            arrays = [dz @ W.detach().double().numpy(), dz.T @ x.detach().double().numpy()]
            equal([x.grad, W.grad], arrays, self.dtype)


def equal(results, wanted, dtype):
    for ours, theirs in zip(results, wanted, strict=True):
        ours = torch.zeros(theirs.shape, dtype=dtype) if ours is None else ours.detach()
        assert ours.dtype == dtype
        assert_array_equal(ours.double(), theirs)


@st.composite
def cases(draw, extremes=True):
    n, d, n_latents = draw(st.integers(1, 6)), draw(st.integers(1, 3)), draw(st.integers(1, 8))
    dtype = draw(st.sampled_from(list(EXPONENTS)))
    exponent, extreme = EXPONENTS[dtype]
    x, b, c = draw(integers(n, d)), draw(integers(n_latents)), draw(st.none() | integers(d))
    if extremes and draw(st.booleans()):  # to which a bias would add nothing
        size = draw(st.sampled_from([-extreme, extreme]))
        x, b, c = np.ldexp(x, size), 0 * b, None
    else:
        x = np.ldexp(x, draw(arrays(np.int64, (n, 1), elements=st.integers(-exponent, exponent))))
        x *= draw(arrays(np.bool_, (n, 1)))  # rows of zeros
    W, V = draw(integers(n_latents, d)), draw(integers(n_latents, d))
    if draw(st.booleans()):  # a row larger than all others, with the most active latents
        x[draw(st.integers(0, n - 1))] = np.abs(x).max(initial=1.0)
        W = np.abs(W)
    return Case(x, W, b, c, V, draw(integers(n, d)), draw(integers(n)), dtype, draw(KERNELS))


def entries(codes):
    """Return a mask [B, L] of the entries of a list, and assert that no two are in one place."""
    mask = np.zeros((codes.n_rows, codes.n_latents), bool)
    mask[codes.index.rows.numpy(), codes.index.latents.numpy()] = True
    assert mask.sum() == len(codes.values)
    return mask


def same_numbers(results, wanted):
    assert_array_equal(np.sort(results), np.sort(wanted))


@property_of(100)
@given(cases(), st.data())
def test_a_row_keeps_its_k_largest_of_equals_any(case, data):
    """k from 1 to L and beyond; by absolute value too; the gradient reaches the active entries only."""
    n_latents = case.shape[1]
    k, signed = data.draw(st.integers(1, n_latents) | st.just(n_latents + 3)), data.draw(st.booleans())
    codes = case.pre.top(k, signed=signed)
    active, size = entries(codes), np.abs(case.z) if signed else case.z
    for row, mask in zip(size, active, strict=True):
        same_numbers(row[mask], np.sort(row)[::-1][:k])
    case.check(codes, active)


@property_of(80)
@given(cases(), st.data())
def test_topk_keeps_only_what_is_above_0(case, data):
    """Rows of fewer positives than k have fewer active latents, and only active latents get a gradient."""
    k = data.draw(st.integers(1, case.shape[1]))
    case.b -= data.draw(st.integers(0, 3)) * case.b.any()
    case.__post_init__()
    coder = TopK(k)
    codes = coder(case.pre, coder.create_state(case.shape[1]))
    for row, code in zip(case.z, codes.dense().detach().double().numpy(), strict=True):
        same_numbers(code[code > 0], [z for z in np.sort(row)[::-1][:k] if z > 0])
        assert (code >= 0).all()
    case.check(codes, codes.dense().detach().double().numpy() > 0)


@property_of(100)
@given(cases(), st.data())
def test_a_batch_keeps_its_largest_whichever_rows_they_are_in(case, data):
    """k · B of them, of equals any; a row a million times larger than the others may take all."""
    n, n_latents = case.shape
    k = data.draw(st.sampled_from([0.5, 1, 1.5, 2.5, n_latents]) | st.floats(0.05, n_latents + 1))
    codes, wanted = case.pre.top_batch(k), min(round(k * n), n * n_latents)
    active = entries(codes)
    same_numbers(case.z[active], np.sort(case.z.ravel())[::-1][:wanted])
    case.check(codes, active)


@property_of(100)
@given(cases(), st.data())
def test_entries_above_a_threshold_and_not_on_it(case, data):
    """A list if it is short, otherwise all of z; one threshold or one per latent, many of them equal to a z."""
    n_latents = case.shape[1]
    levels = st.sampled_from([-np.inf, np.inf, *case.z.ravel().tolist()])
    threshold = data.draw(levels.map(np.array) | st.lists(levels, min_size=n_latents, max_size=n_latents).map(np.array))
    exceeds, kernels = case.z > threshold, case.kernels
    codes = case.pre.above(case.tensor(threshold))
    short = not isinstance(kernels, Plain) and exceeds.mean() <= kernels.sparse_below
    assert isinstance(codes, Sparse) == short
    if short:
        assert_array_equal(entries(codes), exceeds)
    case.check(codes, exceeds if short else np.ones_like(exceeds))


RULES = {
    "above": (Above, lambda z, threshold: z > threshold),
    "at least": (AtLeast, lambda z, threshold: z >= threshold),
}


@pytest.mark.parametrize("rule", RULES)
@property_of(60)
@given(cases(), st.data())
def test_rules_keep_what_they_describe_and_nan(rule, case, data):
    n_latents = case.shape[1]
    threshold = data.draw(st.sampled_from(case.z.ravel().tolist()))
    invalid = data.draw(arrays(np.bool_, n_latents))
    case.W[invalid] = np.nan
    case.__post_init__()
    kind, keeps = RULES[rule]
    with np.errstate(invalid="ignore"):
        wanted = keeps(case.z, threshold) | np.isnan(case.z)
    index, values = case.kernels.pick(*case.leaves[:3], case.pre.centre, kind(case.tensor(threshold)))
    assert not values.requires_grad
    assert_array_equal(index.starts.diff(), wanted.sum(1))
    assert_array_equal(index.rows, np.nonzero(wanted)[0])
    assert_array_equal(index.latents, np.nonzero(wanted)[1])
    assert_array_equal(values.double(), case.z[wanted])


@property_of(80)
@given(cases(), st.data())
def test_restricted_to_some_latents_the_others_are_zero(case, data):
    """As AuxK requires: the latents, in any order, keep their own numbers."""
    n_latents = case.shape[1]
    latents = data.draw(st.lists(st.integers(0, n_latents - 1), min_size=1, unique=True))
    k = data.draw(st.integers(1, n_latents))
    codes = case.pre.restricted_to(torch.tensor(latents)).top(k)
    assert codes.n_latents == n_latents
    active = entries(codes)
    assert not np.delete(active, latents, axis=1).any()
    for row, mask in zip(case.z, active, strict=True):
        same_numbers(row[mask], np.sort(row[latents])[::-1][:k])
    case.check(codes, active)


@property_of(60)
@given(cases(extremes=False), st.data())
def test_a_second_product_is_added_to_the_pre_activations(case, data):
    """As a refinement requires; one or two products, with or without a centre."""
    n, n_latents = case.shape
    pre, more = case.pre, []
    for _ in range(data.draw(st.integers(1, 2))):
        width = data.draw(st.integers(1, 2))
        pair = [case.tensor(data.draw(integers(rows, width))).requires_grad_() for rows in (n, n_latents)]
        pre = pre.plus(*pair)
        more.append(pair)
    z = case.z + sum(y.detach().double().numpy() @ U.detach().double().numpy().T for y, U in more)
    k = data.draw(st.integers(1, n_latents))
    codes = pre.top(k)
    active = entries(codes)
    for row, mask in zip(z, active, strict=True):
        same_numbers(row[mask], np.sort(row)[::-1][:k])
    case.check(codes, active, more)


@st.composite
def both_forms(draw):
    """Return codes [B, L] of different absolute values, dense and as an unsorted list that holds zeros."""
    n, n_latents = draw(st.integers(1, 5)), draw(st.integers(1, 11))
    order = np.array(draw(st.permutations(range(n * n_latents)))).reshape(n, n_latents)
    values = (order - n * n_latents // 3 + 0.25) * draw(arrays(np.bool_, (n, n_latents)))
    listed = [np.flatnonzero((row != 0) | draw(arrays(np.bool_, n_latents))) for row in values]
    latents = np.concatenate([draw(st.permutations(row.tolist())) for row in listed]).astype(np.int64)
    index = Index(torch.tensor(latents), torch.tensor(np.cumsum([0, *map(len, listed)])), n_latents)
    entry_values = torch.tensor(values[index.rows.numpy(), latents])
    return values, Dense(torch.tensor(values)), Sparse(entry_values, index, draw(KERNELS))


@property_of(60)
@given(both_forms(), st.data())
def test_both_forms_are_split_weighted_and_masked_alike(forms, data):
    values, *forms = forms
    n, n_latents = values.shape
    weights = np.arange(n_latents) - 2.0
    bounds = sorted({*data.draw(st.lists(st.integers(1, n_latents), max_size=3)), n_latents})
    for codes in forms:
        assert_array_equal(codes.row_sums(codes.values * codes.per_entry(torch.tensor(weights))), values @ weights)
        for piece, a, b in zip(codes.split(bounds), [0, *bounds], bounds, strict=False):
            inside = (np.arange(n_latents) >= a) & (np.arange(n_latents) < b)
            assert_array_equal(piece.dense(), values * inside)
            assert (piece.n_rows, piece.n_latents) == (n, n_latents)
    listed = forms[1]
    mask = data.draw(arrays(np.bool_, len(listed.values)))
    masked, rows, latents = listed.keep(torch.tensor(mask)), listed.index.rows[mask], listed.index.latents[mask]
    wanted = np.zeros_like(values)
    wanted[rows, latents] = values[rows, latents]
    assert_array_equal(masked.dense(), wanted)
    assert_array_equal(masked.index.rows, rows)
    assert_array_equal(masked.index.latents, latents)


@property_of(60)
@given(both_forms())
def test_both_forms_are_ranked_alike(forms):
    """By |code|: the largest, the second, the next two, the next four … up to the most active latents of a row."""
    values, *forms = forms
    most = max((values != 0).sum(1).max(), 1)
    for codes in forms:
        leaf = codes.values.clone().requires_grad_()
        ranked, done = codes.with_values(leaf).by_rank(), 0
        widths = [1, 1, 2, 4, 8][: len(ranked)]
        assert sum(widths[:-1]) < most <= sum(widths)
        for piece, width in zip(ranked, widths, strict=True):
            wanted = np.zeros_like(values)
            for i, row in enumerate(values):
                latents = [j for j in np.argsort(-np.abs(row)) if row[j]][done : done + width]
                wanted[i, latents] = row[latents]
            assert_array_equal(piece.dense().detach(), wanted)
            done += width
        torch.stack([piece.dense().sum() for piece in ranked]).sum().backward()
        assert_array_equal(leaf.grad, torch.ones_like(leaf))  # zeros have a rank too, and a gradient


# --- any numbers ------------------------------------------------------------------------------------------------
D, L = 5, 8
CODERS = [
    *(TopK(k, signed=signed) for k in (1, 3, L) for signed in (False, True)),
    *(BatchTopK(k) for k in (0.5, 2.5, L)),
    JumpReLU(0.0, 1.0),
    JumpReLU(0.4),
    Gated(),
    ReLU(),
]


def model_of(coder, kernels, dtype, seed=0, **layout):
    """Return a model none of whose numbers, scaling included, has its initial value."""
    rng = torch.Generator().manual_seed(seed)
    model = Autoencoder(Layout((D, L), coder, centred=True, **layout), rng=rng, kernels=kernels)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.2 * torch.randn(p.shape, generator=rng))
        model.shift.copy_(torch.randn(D, generator=rng, dtype=torch.float64))
        model.scale.copy_(1 + torch.rand(D, generator=rng, dtype=torch.float64))
        if isinstance(coder, BatchTopK):
            model.coder.value.fill_(0.5)
    return model.to(dtype)


def varied_rows(n, seed, dtype, size=1.0):
    """Return rows of very different norms; the first of three is zero."""
    rng = np.random.default_rng(seed)
    norms = rng.permutation(np.geomspace(0.05, 5, n))[:, None] * ([[0]] if n == 3 else [[1]])
    return torch.tensor(size * norms * rng.normal(size=(n, D)), dtype=dtype)


def numbers(tensor):
    return tensor.detach().double().numpy()


def rank_bounds(size, slack, k):
    """Return which sizes are surely, and which may be, among the k largest, if each errs by at most its slack."""
    low, high = size - slack, size + slack
    surely = (high[None] > low[:, None]).sum(1) - 1 < k  # an entry does not compete with itself
    maybe = (low[None] > high[:, None]).sum(1) < k
    return surely, maybe


def expected_codes(coder, model, z, slack, *, train):
    """Return which latents must be active, which may be, and their codes, by the formulas of the coding layers."""
    state = {name: numbers(value) for name, value in model.coder.state_dict().items()}
    if isinstance(coder, TopK):
        size = np.abs(z) if coder.signed else z
        surely, maybe = np.stack([rank_bounds(*row, coder.k) for row in zip(size, slack, strict=True)], 1)
        return (surely, maybe, z) if coder.signed else (surely & (z > slack), maybe & (z > -slack), z)
    if isinstance(coder, BatchTopK) and train:
        bounds = rank_bounds(z.ravel(), slack.ravel(), round(coder.k * len(z)))
        surely, maybe = (bound.reshape(z.shape) for bound in bounds)
        return surely & (z > slack), maybe & (z > -slack), z
    threshold, code = 0.0, z
    if isinstance(coder, JumpReLU | BatchTopK):
        threshold = np.maximum(state["value"], 0)
    if isinstance(coder, Gated):
        code = (z - numbers(model.encoder[0].bias)) * np.exp(state["log_scale"]) + state["bias"]
    return z - slack > threshold, z + slack > threshold, np.maximum(code, 0)


@property_of(150)
@given(
    st.sampled_from(CODERS),
    KERNELS,
    st.sampled_from(list(EXPONENTS)),
    st.integers(1, 6),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_active_latents_and_their_codes_as_far_as_rounding_allows(coder, kernels, dtype, n, seed, train):
    """Every coding layer, from rows and weights in any precision; one row or more, large, small and zero."""
    model, x = model_of(coder, kernels, dtype, seed), varied_rows(n, seed, dtype, 2.0 ** (seed % 9 - 4))
    weight, bias, centre = map(numbers, (model.encoder[0].weight, model.encoder[0].bias, model.decoder[0].bias))
    z = (numbers(x) - centre) @ weight.T + bias
    terms = np.abs(numbers(x) - centre) @ np.abs(weight).T + np.abs(bias)
    info = torch.finfo(dtype)
    slack = 4 * info.eps * terms + D * info.tiny * info.eps
    codes = model.pre_and_codes(x, coder.training_codes if train else coder)[1]
    assert codes.values.dtype == dtype
    values = numbers(codes.dense())
    surely, maybe, expected = expected_codes(coder, model, z, slack, train=train)
    near = slack
    if isinstance(coder, Gated):
        near = 8 * (slack + info.eps * np.abs(expected)) * np.maximum(np.exp(numbers(model.coder.log_scale)), 1)
    assert (surely <= maybe).all()
    assert dtype != torch.float64 or (surely == maybe).all()  # in float64 the slack leaves no doubt
    assert_array_equal(values[~maybe], 0)
    assert (np.abs(values - expected)[surely] <= near[surely]).all()
    assert ((values == 0) | (np.abs(values - expected) <= near)).all()


@property_of(60)
@given(
    st.sampled_from([*CODERS, Identity(), ELU(), Tanh(), Sigmoid()]),
    KERNELS,
    HALVES,
    st.sampled_from([torch.float32, torch.float64]),
    st.integers(1, 6),
    st.integers(0, 10**6),
)
def test_half_precision_rows_are_used_without_further_rounding(coder, kernels, half, dtype, n, seed):
    """A float32 or float64 model gives them the codes and reconstructions of the same rows in float32."""
    model, x = model_of(coder, kernels, dtype, seed, refine=seed % 2), varied_rows(n, seed, half)
    same = x.float()
    assert model.encode(x).dense().dtype == dtype
    assert_array_equal(model.encode(x).dense().detach(), model.encode(same).dense().detach())
    assert_array_equal(model(x).detach(), model(same).detach())


@property_of(80)
@given(
    st.sampled_from(CODERS),
    KERNELS,
    st.integers(1, 5),
    st.sampled_from([0.0, 1e-30, 1e-12, 1e-3, 1e3, 1e9]),
    st.integers(0, 1),
    st.integers(0, 10**6),
)
def test_steps_on_zero_tiny_and_huge_rows_stay_finite(coder, kernels, n, size, refine, seed):
    model, x = model_of(coder, kernels, torch.float32, seed, refine=refine), varied_rows(n, seed, torch.float32, size)
    terms = [SquaredError(), L1(weight=0.1)]
    terms += [L0(weight=0.01)] * isinstance(coder, JumpReLU) + [GatedAux()] * isinstance(coder, Gated)
    step = Step(model, Objective(tuple(terms)))
    results = step.gradients(Batch(x, x, x))
    assert all(number.isfinite().all() for number in results.values())
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    step.calibrate(x)
    assert all(value.isfinite().all() for value in step.state_dict().values())
    assert model(x).isfinite().all()
