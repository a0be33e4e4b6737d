"""Every coding layer with every term that it may go with: value and gradient against formulas in NumPy.

A gradient must be the slope of its formula, in every number of the network: the formula computed again with this number
moved a little to either side. Where a formula says "taken as given", what is given does not move with it; where a
gradient is straight-through, the surrogate that is written for it moves instead. So each formula reads two trips of the
rows, `now` and as they are `given`, and all derivatives are differences in float64.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from taciturn.core.errors import RecipeError
from taciturn.core.recipe import names, parse
from taciturn.kernels import Chunked, Plain
from taciturn.model import Autoencoder, Batch, Layout
from taciturn.model.coding_layers import CodingLayer, Elementwise
from taciturn.objective import Objective, Term
from taciturn.training.step import Step

B, D, HIDDEN, L = 6, 3, 4, 7
H = 1e-6
SPREAD = 1.25  # of the pre-activations before the first step: the unit of JumpReLU's bandwidth


class Listed(Chunked):
    """Whatever is kept is a list, however much it is."""

    sparse_below = 1.0


# --- the formulas -----------------------------------------------------------------------------------------------
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


CURVES = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "elu": lambda z: np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
}


def largest(size, k):
    """1 where each row's k largest are."""
    kept = np.zeros_like(size)
    for row, at in enumerate(np.argsort(-size, axis=1)[:, :k]):
        kept[row, at] = 1
    return kept


def codes_of(coder, at, z, bias, given):
    """Return codes, what penalties press on, and gates; `given`: z and parameters where they stand."""
    if isinstance(coder, Elementwise):
        codes = CURVES[coder.name](z)
    elif coder.name == "topk":
        codes = z * largest(np.abs(given.z) if coder.signed else given.z, coder.k)
        codes = codes if coder.signed else np.maximum(codes, 0)
    elif coder.name == "batch_topk":
        codes = np.maximum(z, 0) * largest(given.z.reshape(1, -1), round(coder.k * len(z))).reshape(z.shape)
    elif coder.name == "jumprelu":
        # H(z - θ) stands where it is; dH/dz = -dH/dθ = 1/ε within ε/2 is the slope of a ramp. θ moves when below 0 too
        stood = np.maximum(given.at["coder.value"], 0)
        theta = stood + at["coder.value"] - given.at["coder.value"]
        width = coder.bandwidth * SPREAD
        far, stood_far = (z - theta) / width, (given.z - stood) / width
        gate = (given.z > stood) + np.clip(far, -0.5, 0.5) - np.clip(stood_far, -0.5, 0.5)
        return z * gate, z * gate, gate
    elif coder.name == "gated":
        loud = (z - bias) * np.exp(at["coder.log_scale"]) + at["coder.bias"]
        return np.maximum(loud, 0) * (given.z > 0), np.maximum(z, 0), None
    return codes, np.abs(codes), None


def trip(layout, at, x, given=None):
    """Return what a pass holds of rows, with parameters `at` by name; by itself it is its own `given`."""
    at = dict(at)
    depth = len(layout.widths) - 1
    if layout.tied:
        at |= {f"decoder.{i}.weight": at[f"encoder.{depth - 1 - i}.weight"] for i in range(depth)}

    def decode(codes):
        h = codes @ at["decoder.0.weight"] + at["decoder.0.bias"]
        for i in range(1, depth):
            h = CURVES[layout.hidden.name](h) @ at[f"decoder.{i}.weight"] + at[f"decoder.{i}.bias"]
        return h

    h = x - at[f"decoder.{depth - 1}.bias"] if layout.centred else x
    for i in range(depth - 1):
        h = CURVES[layout.hidden.name](h @ at[f"encoder.{i}.weight"].T + at[f"encoder.{i}.bias"])
    bias, stages = at[f"encoder.{depth - 1}.bias"], []
    z = h @ at[f"encoder.{depth - 1}.weight"].T + bias
    for stage in range(layout.refine + 1):
        if stage:
            left = x - decode(stages[-1].codes)
            z = z + at[f"refinements.{stage - 1}"] * left @ at["decoder.0.weight"].T
        stood = SimpleNamespace(z=z, at=at) if given is None else given.stages[stage]
        codes, pressed, gate = codes_of(layout.coder, at, z, bias, stood)
        stages.append(SimpleNamespace(z=z, at=at, codes=codes, penalised=pressed, gate=gate))
    last = stages[-1]
    return SimpleNamespace(**vars(last), stages=stages, decode=decode, V=at["decoder.0.weight"], x=x)


def logits_error(term, net, logits):
    """The mean over rows and columns of the error that a term is, or is made of."""
    if getattr(term, "error", term).name == "cross_entropy":
        x = sigmoid(logits)
        return -np.mean(net.target * np.log(x) + (1 - net.target) * np.log(1 - x))
    return np.mean((CURVES[net.layout.output.name](logits) - net.target) ** 2)


def error(term, net, now, given):
    return logits_error(term, net, now.decode(now.codes))


def rate(term, net, now, given, aim=1.0):
    q, rho = now.codes.mean(0), aim * term.rate
    if term.name == "squared_rate":
        return np.sum((q - rho) ** 2)
    return np.sum(rho * np.log(rho / q) + (1 - rho) * np.log((1 - rho) / (1 - q)))


def penalty(term, net, now, given, aim=1.0):
    size = now.penalised
    if term.name == "tanh_penalty" or term.scaled:
        size = size * np.sqrt((now.V**2).sum(1))
    return np.mean((np.tanh(term.steepness * size) if term.name == "tanh_penalty" else size).sum(1))


def count(term, net, now, given, aim=1.0):
    l0 = now.gate.sum(1).mean()
    return l0 if term.l0 is None else (l0 / (aim * term.l0) - 1) ** 2


def auxk(term, net, now, given):
    """What the dead say, beside what is left over, which is given."""
    dead = np.flatnonzero(net.inactive_rows >= term.after)
    said = np.maximum(now.z[:, dead] * largest(given.z[:, dead], term.k), 0) @ now.V[dead]
    return np.mean((said - (net.target - given.decode(given.codes))) ** 2)


def gated_aux(term, net, now, given):
    """Of what is pressed on, by a decoder that is given."""
    return logits_error(term, net, given.decode(now.penalised))


def multi_topk(term, net, now, given):
    return logits_error(term, net, now.decode(np.maximum(now.z * largest(given.z, term.k), 0)))


def nested(term, net, now, given):
    """The mean error of ever more of the codes; `detach`: what came before is given."""
    if term.name == "matryoshka":
        widths = term.widths or [n for n in (L // 16, L // 8, L // 4, L // 2) if n]
        if term.sampled:
            rng = net.batch.rng("matryoshka")
            widths = np.sort((L ** torch.rand(len(widths), generator=rng, dtype=torch.float64).numpy()).astype(int))
        masks = [np.arange(L) < width for width in (*widths, L)]
    else:
        size = np.abs(given.codes)
        most = max((size > 0).sum(1).max(), 1)
        ks = [min(2**level, most) for level in range(10) if level == 0 or 2 ** (level - 1) < most]
        masks = [largest(size, k) * (size > 0) for k in ks[:-1]] + [np.ones_like(size)]
    shares = np.array(term.shares or [1] * len(masks)) / sum(term.shares or [1] * len(masks))
    total, before = 0.0, np.zeros(L)
    for share, mask in zip(shares, masks, strict=True):
        base = given if term.detach and before.any() else now
        logits = base.decode(base.codes * before) + (now.codes * (mask * 1.0 - before)) @ now.V
        total, before = total + share * logits_error(term, net, logits), mask * 1.0
    return total


def orthogonality(term, net, now, given):
    order = torch.randperm(L, generator=net.batch.rng("orthogonality")).numpy()
    total = 0.0
    for start in range(0, L, term.chunk):
        chunk = order[start : start + term.chunk]
        for at in chunk:
            a = now.V[at]
            cosines = [(a @ b) ** 2 / (a @ a) / (b @ b) for b in now.V[chunk[chunk != at]]]
            total += max(cosines, default=0.0)
    return total / L


FORMULAS = {
    "squared_error": error,
    "cross_entropy": error,
    "kl": rate,
    "squared_rate": rate,
    "l1": penalty,
    "tanh_penalty": penalty,
    "l0": count,
    "auxk": auxk,
    "gated_aux": gated_aux,
    "multi_topk": multi_topk,
    "matryoshka": nested,
    "hierarchical_topk": nested,
    "orthogonality": orthogonality,
}

# --- the table --------------------------------------------------------------------------------------------------
CODERS = parse(
    "topk:3+topk:3,signed=true+batch_topk:2.5+jumprelu:threshold=0.1,bandwidth=0.8+gated+relu+sigmoid+tanh+elu+identity",
    CodingLayer,
)
WRITTEN = parse(
    "squared_error+cross_entropy+kl:0.2+squared_rate:0.2+l1+l1:scaled=true+tanh_penalty:steepness=1.5+l0+l0:3,weight=1"
    "+auxk:2,after=50+gated_aux+multi_topk:4+matryoshka+matryoshka:2/5,detach=true,shares=1/0/3"
    "+matryoshka:2/5,sampled=true+matryoshka:3/,error=cross_entropy()+hierarchical_topk+hierarchical_topk:detach=true"
    "+orthogonality+orthogonality:3",
    Term,
)
FOUND = parse("kl:0.2+squared_rate:0.2+l1:l0=3+tanh_penalty:steepness=1.5,l0=3+l0:3", Term)
LAYOUTS = {
    "plain": {},
    "tied": {"tied": True, "centred": True},
    "deep": {"widths": (D, HIDDEN, L), "hidden": "tanh", "centred": True},
    "refined": {"refine": 2, "centred": True},
    "tied and refined": {"refine": 1, "tied": True},
}


def layout_of(coder, kind, output):
    given = {"widths": (D, L), "hidden": "relu", **LAYOUTS[kind]}
    return Layout(**given | {"coder": coder, "hidden": part(given["hidden"]), "output": part(output)})


def part(name):
    return Elementwise.parse(name)


def fits(layout, *terms):
    try:
        Objective(terms).check(layout.provides())
    except RecipeError:
        return False
    return True


def cases(terms):
    """Every coding layer with every term that it offers enough for; layouts and kernels in turn."""
    found = []
    for coder in CODERS:
        for term in terms:
            output = "sigmoid" if getattr(term, "error", term).unit_interval_only else "identity"
            kinds = [kind for kind in LAYOUTS if output == "identity" or "refine" not in LAYOUTS[kind]]
            kinds = [kind for kind in kinds if fits(layout_of(coder, kind, output), term)]
            if term.name != "squared_error":  # it goes with every layout, others with the next in turn
                kinds = kinds and [kinds[len(found) % len(kinds)]]
            found += [(coder, kind, term, output) for kind in kinds]
    return found


def name_of(part):
    return part if isinstance(part, str) else part.text


def network(layout, turn):
    """Kernels in turn, and a float64 network no number of which is where it was born."""
    rng = torch.Generator().manual_seed(turn)
    model = Autoencoder(layout, rng=rng, kernels=[Plain(), Listed(4)][turn % 2]).double()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=rng, dtype=torch.float64))
        if layout.coder.name == "jumprelu":
            model.coder.spread.fill_(SPREAD)
    return model


def is_the_slope_of(formula, model, number, expected):
    """The number is the formula's, and its gradient in every parameter the formula's slope."""
    at = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    assert number.item() == pytest.approx(expected, rel=1e-10, abs=1e-14)
    gradients = torch.autograd.grad(number, list(model.parameters()), allow_unused=True)
    moved = 0
    for name, gradient in zip(at, gradients, strict=True):
        slopes = np.zeros_like(at[name])
        for place in np.ndindex(slopes.shape):
            ends = []
            for step in (H, -H):
                there = {**at, name: at[name].copy()}
                there[name][place] += step
                ends.append(formula(there))
            slopes[place] = (ends[0] - ends[1]) / (2 * H)
        ours = np.zeros_like(slopes) if gradient is None else gradient.numpy()
        assert_allclose(ours, slopes, rtol=2e-5, atol=2e-8 * max(1, np.abs(slopes).max()), err_msg=name)
        moved += np.abs(slopes).max() > 1e-5
    assert moved


def batch_of(unit):
    rng = np.random.default_rng(5)
    x, target, seen = rng.normal(size=(3, B, D))
    return Batch(*map(torch.tensor, (x, sigmoid(target) if unit else target, seen)), draw_key=(2, 10))


@pytest.mark.parametrize(("coder", "kind", "term", "output"), cases(WRITTEN), ids=name_of)
def test_a_terms_gradient_is_the_slope_of_its_formula(coder, kind, term, output):
    layout = layout_of(coder, kind, output)
    model = network(layout, list(LAYOUTS).index(kind) + WRITTEN.index(term) + CODERS.index(coder))
    step, batch = Step(model, Objective((term,))), batch_of(output == "sigmoid")
    step.inactive_rows.copy_(torch.tensor([50, 0, 99, 49, 70, 0, 50]))
    net = SimpleNamespace(
        layout=layout, target=batch.target.numpy(), batch=batch, inactive_rows=step.inactive_rows.numpy()
    )
    at = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    seen = batch.corrupted.numpy()
    given = trip(layout, at, seen)

    def formula(there):
        return FORMULAS[term.name](term, net, trip(layout, there, seen, given), given)

    is_the_slope_of(formula, model, step(batch)[1][term.name], formula(at))


@pytest.mark.parametrize(("coder", "kind", "term", "output"), cases(FOUND), ids=name_of)
def test_a_penalty_whose_weight_is_found_presses_the_clean_rows_past_its_target(coder, kind, term, output):
    """The whole objective: the error of what was seen, and weight · penalty of the clean rows at the aim."""
    layout = layout_of(coder, kind, output)
    model = network(layout, FOUND.index(term) + CODERS.index(coder))
    error_term = parse("squared_error", Term)[0]
    step, batch = Step(model, Objective((error_term, term))), batch_of(False)
    ((_, controller),) = step.controlled()
    controller.log_weight.fill_(np.log(0.3))
    controller.correction.fill_(0.2)
    aim = 1 - (0.02 if term.name != "l1" and term.name != "tanh_penalty" else 0) - 0.2
    net = SimpleNamespace(layout=layout, target=batch.target.numpy(), batch=batch, inactive_rows=None)
    at = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    x, seen = batch.x.numpy(), batch.corrupted.numpy()
    given, clean = trip(layout, at, seen), trip(layout, at, x)

    def formula(there):
        pressed = FORMULAS[term.name](term, net, trip(layout, there, x, clean), clean, aim=aim)
        return error(error_term, net, trip(layout, there, seen, given), given) + 0.3 * pressed

    is_the_slope_of(formula, model, step(batch)[1]["loss"], formula(at))


def test_the_table_misses_no_part():
    table = [*cases(WRITTEN), *cases(FOUND)]
    assert {term.name for _, _, term, _ in table} == set(FORMULAS) == set(names(Term))
    assert {coder.name for coder, *_ in table} == set(names(CodingLayer))
    assert {(coder, kind) for coder, kind, *_ in table} == {(coder, kind) for coder in CODERS for kind in LAYOUTS}
    assert {term.name for term in FOUND} == {term.name for term in WRITTEN if term.target_kind}
