"""Kernels, offers and codes against brute force, on whatever Hypothesis thinks of.

In the first half rows and weights are small whole numbers, rows times powers of two: of these every sum and product is
exact in any precision, float16 and bfloat16 among them, so that values and gradients must be equal bit by bit, while
many entries tie. In the second half they are any numbers, and who is kept is known as far as rounding allows.
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
    """Whatever is kept is a list, however much it is."""

    sparse_below = 1.0


KERNELS = st.sampled_from([Plain(), Chunked(1), Chunked(2), Chunked(512), Listed(1), Listed(4)])
# rows differ by powers of two up to the first exponent, or all are as huge or as tiny as the second says
EXPONENTS = {torch.float16: (0, 6), torch.bfloat16: (0, 60), torch.float32: (8, 60), torch.float64: (20, 400)}
HALVES = st.sampled_from([torch.float16, torch.bfloat16])


def property_of(examples):
    return settings(deadline=None, derandomize=True, max_examples=examples)


def whole(*shape):
    return arrays(np.int8, shape, elements=st.integers(-1, 1)).map(lambda numbers: numbers.astype(np.float64))


# --- whole numbers ----------------------------------------------------------------------------------------------
@dataclass
class Offer:
    """A `Pre` of drawn numbers, what NumPy makes of them, and the slopes of a loss linear in recon and |codes|."""

    x: np.ndarray
    W: np.ndarray
    b: np.ndarray
    c: np.ndarray | None
    V: np.ndarray
    up: np.ndarray
    press: np.ndarray
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

    def learns(self, codes, kept, more=()):
        """The codes are z where kept, and all gradients those of the chain rule; `more`: [(x', W')] beside."""
        z = self.z + sum(x.detach().double().numpy() @ W.detach().double().numpy().T for x, W in more)
        recon = codes @ self.leaves[3]
        loud = codes.row_sums(codes.abs_values)
        torch.autograd.backward([recon, loud], [self.tensor(self.up), self.tensor(self.press)])
        values = np.where(kept, z, 0)
        dz = np.where(kept, self.up @ self.V.T + self.press[:, None] * np.sign(z), 0)
        dx = dz @ self.W
        wanted = [values, values @ self.V, np.abs(values).sum(1)]
        wanted += [dx, dz.T @ self.centred, dz.sum(0), values.T @ self.up, -dx.sum(0)]
        found = [codes.dense(), recon, loud, *(leaf.grad for leaf in self.leaves)]
        equal(found, wanted[: len(found)], self.dtype)
        for x, W in more:
            arrays = [dz @ W.detach().double().numpy(), dz.T @ x.detach().double().numpy()]
            equal([x.grad, W.grad], arrays, self.dtype)


def equal(found, wanted, dtype):
    for ours, theirs in zip(found, wanted, strict=True):
        ours = torch.zeros(theirs.shape, dtype=dtype) if ours is None else ours.detach()
        assert ours.dtype == dtype
        assert_array_equal(ours.double(), theirs)


@st.composite
def offers(draw, extremes=True):
    n, d, n_latents = draw(st.integers(1, 6)), draw(st.integers(1, 3)), draw(st.integers(1, 8))
    dtype = draw(st.sampled_from(list(EXPONENTS)))
    apart, extreme = EXPONENTS[dtype]
    x, b, c = draw(whole(n, d)), draw(whole(n_latents)), draw(st.none() | whole(d))
    if extremes and draw(st.booleans()):  # beside which a bias is nothing
        size = draw(st.sampled_from([-extreme, extreme]))
        x, b, c = np.ldexp(x, size), 0 * b, None
    else:
        x = np.ldexp(x, draw(arrays(np.int64, (n, 1), elements=st.integers(-apart, apart))))
        x *= draw(arrays(np.bool_, (n, 1)))  # rows of zeros
    W, V = draw(whole(n_latents, d)), draw(whole(n_latents, d))
    if draw(st.booleans()):  # a row louder than all others, with most to say
        x[draw(st.integers(0, n - 1))] = np.abs(x).max(initial=1.0)
        W = np.abs(W)
    return Offer(x, W, b, c, V, draw(whole(n, d)), draw(whole(n)), dtype, draw(KERNELS))


def entries(codes):
    """Where the entries of a list are [B, L]: no two in one place, as many as there are values."""
    kept = np.zeros((codes.n_rows, codes.n_latents), bool)
    kept[codes.index.rows.numpy(), codes.index.latents.numpy()] = True
    assert kept.sum() == len(codes.values)
    return kept


def same_numbers(found, wanted):
    assert_array_equal(np.sort(found), np.sort(wanted))


@property_of(100)
@given(offers(), st.data())
def test_a_row_keeps_its_k_largest_of_ties_any(offer, data):
    """k from 1 to L and beyond; by magnitude too; the gradient reaches just what is kept."""
    n_latents = offer.shape[1]
    k, signed = data.draw(st.integers(1, n_latents) | st.just(n_latents + 3)), data.draw(st.booleans())
    codes = offer.pre.top(k, signed=signed)
    kept, size = entries(codes), np.abs(offer.z) if signed else offer.z
    for row, mask in zip(size, kept, strict=True):
        same_numbers(row[mask], np.sort(row)[::-1][:k])
    offer.learns(codes, kept)


@property_of(80)
@given(offers(), st.data())
def test_topk_says_as_many_as_are_above_0(offer, data):
    """Rows of fewer positives than k say less, those of none nothing, and what says nothing learns nothing."""
    k = data.draw(st.integers(1, offer.shape[1]))
    offer.b -= data.draw(st.integers(0, 3)) * offer.b.any()
    offer.__post_init__()
    coder = TopK(k)
    codes = coder(offer.pre, coder.create_state(offer.shape[1]))
    for row, said in zip(offer.z, codes.dense().detach().double().numpy(), strict=True):
        same_numbers(said[said > 0], [z for z in np.sort(row)[::-1][:k] if z > 0])
        assert (said >= 0).all()
    offer.learns(codes, codes.dense().detach().double().numpy() > 0)


@property_of(100)
@given(offers(), st.data())
def test_a_batch_keeps_its_largest_whichever_rows_they_are_in(offer, data):
    """k · B of them, of ties any; a loud row, of which others are a millionth, may take all."""
    n, n_latents = offer.shape
    k = data.draw(st.sampled_from([0.5, 1, 1.5, 2.5, n_latents]) | st.floats(0.05, n_latents + 1))
    codes, wanted = offer.pre.top_batch(k), min(round(k * n), n * n_latents)
    kept = entries(codes)
    same_numbers(offer.z[kept], np.sort(offer.z.ravel())[::-1][:wanted])
    offer.learns(codes, kept)


@property_of(100)
@given(offers(), st.data())
def test_what_lies_above_a_threshold_and_not_on_it(offer, data):
    """A list where it is short, else all of z; the threshold a number or one a latent, many of them equal to a z."""
    n_latents = offer.shape[1]
    levels = st.sampled_from([-np.inf, np.inf, *offer.z.ravel().tolist()])
    threshold = data.draw(levels.map(np.array) | st.lists(levels, min_size=n_latents, max_size=n_latents).map(np.array))
    exceeds, kernels = offer.z > threshold, offer.kernels
    codes = offer.pre.above(offer.tensor(threshold))
    short = not isinstance(kernels, Plain) and exceeds.mean() <= kernels.sparse_below
    assert isinstance(codes, Sparse) == short
    if short:
        assert_array_equal(entries(codes), exceeds)
    offer.learns(codes, exceeds if short else np.ones_like(exceeds))


RULES = {
    "above": (Above, lambda z, at: z > at),
    "at least": (AtLeast, lambda z, at: z >= at),
}


@pytest.mark.parametrize("rule", RULES)
@property_of(60)
@given(offers(), st.data())
def test_rules_keep_what_they_say_and_what_is_no_number(rule, offer, data):
    n_latents = offer.shape[1]
    at = data.draw(st.sampled_from(offer.z.ravel().tolist()))
    lost = data.draw(arrays(np.bool_, n_latents))
    offer.W[lost] = np.nan
    offer.__post_init__()
    kind, keeps = RULES[rule]
    with np.errstate(invalid="ignore"):
        wanted = keeps(offer.z, at) | np.isnan(offer.z)
    index, values = offer.kernels.pick(*offer.leaves[:3], offer.pre.centre, kind(offer.tensor(at)))
    assert not values.requires_grad
    assert_array_equal(index.starts.diff(), wanted.sum(1))
    assert_array_equal(index.rows, np.nonzero(wanted)[0])
    assert_array_equal(index.latents, np.nonzero(wanted)[1])
    assert_array_equal(values.double(), offer.z[wanted])


@property_of(80)
@given(offers(), st.data())
def test_among_some_latents_the_others_are_zero(offer, data):
    """What AuxK asks for: the latents in any order keep their own numbers."""
    n_latents = offer.shape[1]
    some = data.draw(st.lists(st.integers(0, n_latents - 1), min_size=1, unique=True))
    k = data.draw(st.integers(1, n_latents))
    codes = offer.pre.restricted_to(torch.tensor(some)).top(k)
    assert codes.n_latents == n_latents
    kept = entries(codes)
    assert not np.delete(kept, some, axis=1).any()
    for row, mask in zip(offer.z, kept, strict=True):
        same_numbers(row[mask], np.sort(row[some])[::-1][:k])
    offer.learns(codes, kept)


@property_of(60)
@given(offers(extremes=False), st.data())
def test_an_offer_beside_another_adds_its_products(offer, data):
    """What a refinement asks for; beside twice, and with or without a centre."""
    n, n_latents = offer.shape
    pre, more = offer.pre, []
    for _ in range(data.draw(st.integers(1, 2))):
        wide = data.draw(st.integers(1, 2))
        pair = [offer.tensor(data.draw(whole(rows, wide))).requires_grad_() for rows in (n, n_latents)]
        pre = pre.plus(*pair)
        more.append(pair)
    z = offer.z + sum(y.detach().double().numpy() @ U.detach().double().numpy().T for y, U in more)
    k = data.draw(st.integers(1, n_latents))
    codes = pre.top(k)
    kept = entries(codes)
    for row, mask in zip(z, kept, strict=True):
        same_numbers(row[mask], np.sort(row)[::-1][:k])
    offer.learns(codes, kept, more)


@st.composite
def both_forms(draw):
    """Return codes [B, L] without ties of magnitude, dense and as a list in no order that holds zeros."""
    n, n_latents = draw(st.integers(1, 5)), draw(st.integers(1, 11))
    order = np.array(draw(st.permutations(range(n * n_latents)))).reshape(n, n_latents)
    values = (order - n * n_latents // 3 + 0.25) * draw(arrays(np.bool_, (n, n_latents)))
    listed = [np.flatnonzero((row != 0) | draw(arrays(np.bool_, n_latents))) for row in values]
    latents = np.concatenate([draw(st.permutations(row.tolist())) for row in listed]).astype(np.int64)
    index = Index(torch.tensor(latents), torch.tensor(np.cumsum([0, *map(len, listed)])), n_latents)
    at = torch.tensor(values[index.rows.numpy(), latents])
    return values, Dense(torch.tensor(values)), Sparse(at, index, draw(KERNELS))


@property_of(60)
@given(both_forms(), st.data())
def test_both_forms_are_split_weighed_and_kept_alike(forms, data):
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
    kept, rows, latents = listed.keep(torch.tensor(mask)), listed.index.rows[mask], listed.index.latents[mask]
    wanted = np.zeros_like(values)
    wanted[rows, latents] = values[rows, latents]
    assert_array_equal(kept.dense(), wanted)
    assert_array_equal(kept.index.rows, rows)
    assert_array_equal(kept.index.latents, latents)


@property_of(60)
@given(both_forms())
def test_both_forms_are_ranked_alike(forms):
    """By |code|: the loudest, the second, the next two, the next four … up to the most that any row says."""
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
                at = [j for j in np.argsort(-np.abs(row)) if row[j]][done : done + width]
                wanted[i, at] = row[at]
            assert_array_equal(piece.dense().detach(), wanted)
            done += width
        torch.stack([piece.dense().sum() for piece in ranked]).sum().backward()
        assert_array_equal(leaf.grad, torch.ones_like(leaf))  # zeros have a rank too, and learn by it


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
    """A model none of whose numbers, scaling included, is where it was born."""
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


def loud_rows(n, seed, dtype, size=1.0):
    """Rows of very different loudness; the first of three is silent."""
    rng = np.random.default_rng(seed)
    loud = rng.permutation(np.geomspace(0.05, 5, n))[:, None] * ([[0]] if n == 3 else [[1]])
    return torch.tensor(size * loud * rng.normal(size=(n, D)), dtype=dtype)


def numbers(tensor):
    return tensor.detach().double().numpy()


def rank_bounds(size, slack, k):
    """Which of these are surely, and which may be, among the k largest, if each is wrong by its slack at most."""
    low, high = size - slack, size + slack
    surely = (high[None] > low[:, None]).sum(1) - 1 < k  # itself is no rival
    maybe = (low[None] > high[:, None]).sum(1) < k
    return surely, maybe


def says(coder, model, z, slack, *, train):
    """Return what may be, and what must be, said, and how loud, by the formulas of the coding layers."""
    state = {name: numbers(value) for name, value in model.coder.state_dict().items()}
    if isinstance(coder, TopK):
        size = np.abs(z) if coder.signed else z
        surely, maybe = np.stack([rank_bounds(*row, coder.k) for row in zip(size, slack, strict=True)], 1)
        return (surely, maybe, z) if coder.signed else (surely & (z > slack), maybe & (z > -slack), z)
    if isinstance(coder, BatchTopK) and train:
        bounds = rank_bounds(z.ravel(), slack.ravel(), round(coder.k * len(z)))
        surely, maybe = (bound.reshape(z.shape) for bound in bounds)
        return surely & (z > slack), maybe & (z > -slack), z
    begins, loud = 0.0, z
    if isinstance(coder, JumpReLU | BatchTopK):
        begins = np.maximum(state["value"], 0)
    if isinstance(coder, Gated):
        loud = (z - numbers(model.encoder[0].bias)) * np.exp(state["log_scale"]) + state["bias"]
    return z - slack > begins, z + slack > begins, np.maximum(loud, 0)


@property_of(150)
@given(
    st.sampled_from(CODERS),
    KERNELS,
    st.sampled_from(list(EXPONENTS)),
    st.integers(1, 6),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_who_speaks_and_how_loud_as_far_as_rounding_allows(coder, kernels, dtype, n, seed, train):
    """Every coding layer, from rows and weights in any precision; one row or more, loud, quiet and silent."""
    model, x = model_of(coder, kernels, dtype, seed), loud_rows(n, seed, dtype, 2.0 ** (seed % 9 - 4))
    weight, bias, centre = map(numbers, (model.encoder[0].weight, model.encoder[0].bias, model.decoder[0].bias))
    z = (numbers(x) - centre) @ weight.T + bias
    terms = np.abs(numbers(x) - centre) @ np.abs(weight).T + np.abs(bias)
    info = torch.finfo(dtype)
    slack = 4 * info.eps * terms + D * info.tiny * info.eps
    codes = model.pre_and_codes(x, coder.training_codes if train else coder)[1]
    assert codes.values.dtype == dtype
    said = numbers(codes.dense())
    surely, maybe, loud = says(coder, model, z, slack, train=train)
    near = slack
    if isinstance(coder, Gated):
        near = 8 * (slack + info.eps * np.abs(loud)) * np.maximum(np.exp(numbers(model.coder.log_scale)), 1)
    assert (surely <= maybe).all()
    assert dtype != torch.float64 or (surely == maybe).all()  # there nothing is left open
    assert_array_equal(said[~maybe], 0)
    assert (np.abs(said - loud)[surely] <= near[surely]).all()
    assert ((said == 0) | (np.abs(said - loud) <= near)).all()


@property_of(60)
@given(
    st.sampled_from([*CODERS, Identity(), ELU(), Tanh(), Sigmoid()]),
    KERNELS,
    HALVES,
    st.sampled_from([torch.float32, torch.float64]),
    st.integers(1, 6),
    st.integers(0, 10**6),
)
def test_rows_of_little_precision_are_taken_as_the_numbers_they_are(coder, kernels, half, dtype, n, seed):
    """A model of full precision gives half-precision rows the very codes and reconstructions of the same in float32."""
    model, x = model_of(coder, kernels, dtype, seed, refine=seed % 2), loud_rows(n, seed, half)
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
def test_steps_on_silent_tiny_and_huge_rows_stay_finite(coder, kernels, n, size, refine, seed):
    model, x = model_of(coder, kernels, torch.float32, seed, refine=refine), loud_rows(n, seed, torch.float32, size)
    terms = [SquaredError(), L1(weight=0.1)]
    terms += [L0(weight=0.01)] * isinstance(coder, JumpReLU) + [GatedAux()] * isinstance(coder, Gated)
    step = Step(model, Objective(tuple(terms)))
    said = step.gradients(Batch(x, x, x))
    assert all(number.isfinite().all() for number in said.values())
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    step.calibrate(x)
    assert all(value.isfinite().all() for value in step.state_dict().values())
    assert model(x).isfinite().all()
