"""Every coding layer with every term that it may go with: value and gradient against formulas in NumPy.

A gradient must be the slope of its formula in every entry of every parameter: the formula is computed again with this
entry moved a little to either side, in float64. Where no gradient may pass, the formula uses a second forward pass,
`fixed`, whose parameters are not moved; where a gradient is a surrogate, the function that has this derivative is used.
So each formula reads two forward passes of the rows, `moved` and `fixed`.
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


class AlwaysSparse(Chunked):
    """Selected entries are always sparse codes, however many they are."""

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
    """1 at each row's k largest, else 0."""
    mask = np.zeros_like(size)
    np.put_along_axis(mask, np.argsort(-size, axis=1)[:, :k], 1, axis=1)
    return mask


def codes_of(coder, parameters, z, bias, fixed):
    """Return codes, what penalties act on, and gates; `fixed`: z and parameters that are not moved."""
    if isinstance(coder, Elementwise):
        codes = CURVES[coder.name](z)
    elif coder.name == "topk":
        codes = z * largest(np.abs(fixed.z) if coder.signed else fixed.z, coder.k)
        codes = codes if coder.signed else np.maximum(codes, 0)
    elif coder.name == "batch_topk":
        codes = np.maximum(z, 0) * largest(fixed.z.reshape(1, -1), round(coder.k * len(z))).reshape(z.shape)
    elif coder.name == "jumprelu":
        # H(z - θ) is fixed; dH/dz = -dH/dθ = 1/ε within ε/2 is the slope of a ramp. θ below 0 has a gradient too
        fixed_theta = np.maximum(fixed.parameters["coder.value"], 0)
        theta = fixed_theta + parameters["coder.value"] - fixed.parameters["coder.value"]
        width = coder.bandwidth * SPREAD
        distance, fixed_distance = (z - theta) / width, (fixed.z - fixed_theta) / width
        gate = (fixed.z > fixed_theta) + np.clip(distance, -0.5, 0.5) - np.clip(fixed_distance, -0.5, 0.5)
        return z * gate, z * gate, gate
    elif coder.name == "gated":
        magnitude = (z - bias) * np.exp(parameters["coder.log_scale"]) + parameters["coder.bias"]
        return np.maximum(magnitude, 0) * (fixed.z > 0), np.maximum(z, 0), None
    return codes, np.abs(codes), None


def forward(layout, parameters, x, fixed=None):
    """Return what a pass holds of rows, with parameters by name; without `fixed` nothing is moved."""
    parameters = dict(parameters)
    depth = len(layout.widths) - 1
    if layout.tied:
        parameters |= {f"decoder.{i}.weight": parameters[f"encoder.{depth - 1 - i}.weight"] for i in range(depth)}

    def decode(codes):
        h = codes @ parameters["decoder.0.weight"] + parameters["decoder.0.bias"]
        for i in range(1, depth):
            h = CURVES[layout.hidden.name](h) @ parameters[f"decoder.{i}.weight"] + parameters[f"decoder.{i}.bias"]
        return h

    h = x - parameters[f"decoder.{depth - 1}.bias"] if layout.centred else x
    for i in range(depth - 1):
        h = CURVES[layout.hidden.name](h @ parameters[f"encoder.{i}.weight"].T + parameters[f"encoder.{i}.bias"])
    bias, stages = parameters[f"encoder.{depth - 1}.bias"], []
    z = h @ parameters[f"encoder.{depth - 1}.weight"].T + bias
    for stage in range(layout.refine + 1):
        if stage:
            residual = x - decode(stages[-1].codes)
            z = z + parameters[f"refinements.{stage - 1}"] * residual @ parameters["decoder.0.weight"].T
        fixed_stage = SimpleNamespace(z=z, parameters=parameters) if fixed is None else fixed.stages[stage]
        codes, penalised, gate = codes_of(layout.coder, parameters, z, bias, fixed_stage)
        stages.append(SimpleNamespace(z=z, parameters=parameters, codes=codes, penalised=penalised, gate=gate))
    last = stages[-1]
    return SimpleNamespace(**vars(last), stages=stages, decode=decode, V=parameters["decoder.0.weight"], x=x)


def logits_error(term, net, logits):
    """The mean over rows and columns of a term's error: the term itself, or the error that it is derived from."""
    if getattr(term, "error", term).name == "cross_entropy":
        x = sigmoid(logits)
        return -np.mean(net.target * np.log(x) + (1 - net.target) * np.log(1 - x))
    return np.mean((CURVES[net.layout.output.name](logits) - net.target) ** 2)


def error(term, net, moved, fixed):
    return logits_error(term, net, moved.decode(moved.codes))


def rate(term, net, moved, fixed, aim=1.0):
    q, rho = moved.codes.mean(0), aim * term.rate
    if term.name == "squared_rate":
        return np.sum((q - rho) ** 2)
    return np.sum(rho * np.log(rho / q) + (1 - rho) * np.log((1 - rho) / (1 - q)))


def penalty(term, net, moved, fixed, aim=1.0):
    size = moved.penalised
    if term.name == "tanh_penalty" or term.scaled:
        size = size * np.sqrt((moved.V**2).sum(1))
    return np.mean((np.tanh(term.steepness * size) if term.name == "tanh_penalty" else size).sum(1))


def count(term, net, moved, fixed, aim=1.0):
    l0 = moved.gate.sum(1).mean()
    return l0 if term.l0 is None else (l0 / (aim * term.l0) - 1) ** 2


def auxk(term, net, moved, fixed):
    """The reconstruction from dead latents against the residual, which is fixed."""
    dead = np.flatnonzero(net.inactive_rows >= term.after)
    auxiliary = np.maximum(moved.z[:, dead] * largest(fixed.z[:, dead], term.k), 0) @ moved.V[dead]
    return np.mean((auxiliary - (net.target - fixed.decode(fixed.codes))) ** 2)


def gated_aux(term, net, moved, fixed):
    """The error of the gate activations, decoded by the fixed decoder."""
    return logits_error(term, net, fixed.decode(moved.penalised))


def multi_topk(term, net, moved, fixed):
    return logits_error(term, net, moved.decode(np.maximum(moved.z * largest(fixed.z, term.k), 0)))


def nested(term, net, moved, fixed):
    """The mean error over nested parts of the codes; `detach`: earlier parts are fixed."""
    if term.name == "matryoshka":
        widths = term.widths or [n for n in (L // 16, L // 8, L // 4, L // 2) if n]
        if term.sampled:
            rng = net.batch.rng("matryoshka")
            widths = np.sort((L ** torch.rand(len(widths), generator=rng, dtype=torch.float64).numpy()).astype(int))
        masks = [np.arange(L) < width for width in (*widths, L)]
    else:
        size = np.abs(fixed.codes)
        max_l0 = max((size > 0).sum(1).max(), 1)
        ks = [min(2**level, max_l0) for level in range(10) if level == 0 or 2 ** (level - 1) < max_l0]
        masks = [largest(size, k) * (size > 0) for k in ks[:-1]] + [np.ones_like(size)]
    shares = np.array(term.shares or [1] * len(masks)) / sum(term.shares or [1] * len(masks))
    total, before = 0.0, np.zeros(L)
    for share, mask in zip(shares, masks, strict=True):
        base = fixed if term.detach and before.any() else moved
        logits = base.decode(base.codes * before) + (moved.codes * (mask * 1.0 - before)) @ moved.V
        total, before = total + share * logits_error(term, net, logits), mask * 1.0
    return total


def orthogonality(term, net, moved, fixed):
    order = torch.randperm(L, generator=net.batch.rng("orthogonality")).numpy()
    total = 0.0
    for start in range(0, L, term.chunk):
        chunk = order[start : start + term.chunk]
        for latent in chunk:
            a = moved.V[latent]
            cosines = [(a @ b) ** 2 / (a @ a) / (b @ b) for b in moved.V[chunk[chunk != latent]]]
            total += max(cosines, default=0.0)
    return total / L


def weight_l2(term, net, moved, fixed):
    layers = range(len(net.layout.widths) - 1)
    names = [
        f"{side}.{i}.weight" for side in (["encoder"] if net.layout.tied else ["encoder", "decoder"]) for i in layers
    ]
    return sum(np.sum(moved.parameters[name] ** 2) for name in names) / 2


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
    "weight_l2": weight_l2,
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
    "+orthogonality+orthogonality:3+weight_l2",
    Term,
)
CONTROLLED = parse("kl:0.2+squared_rate:0.2+l1:l0=3+tanh_penalty:steepness=1.5,l0=3+l0:3", Term)
LAYOUTS = {
    "plain": {},
    "tied": {"tied": True, "centred": True},
    "deep": {"widths": (D, HIDDEN, L), "hidden": "tanh", "centred": True},
    "refined": {"refine": 2, "centred": True},
    "tied and refined": {"refine": 1, "tied": True},
}


def layout_of(coder, kind, output):
    fields = {"widths": (D, L), "hidden": "relu", **LAYOUTS[kind]}
    return Layout(**fields | {"coder": coder, "hidden": part(fields["hidden"]), "output": part(output)})


def part(name):
    return Elementwise.parse(name)


def fits(layout, *terms):
    try:
        Objective(terms).check(layout.provides())
    except RecipeError:
        return False
    return True


def cases(terms):
    """Every coding layer with every term whose requirements it meets; layouts and kernels in turn."""
    cases = []
    for coder in CODERS:
        for term in terms:
            output = "sigmoid" if getattr(term, "error", term).unit_interval_only else "identity"
            kinds = [kind for kind in LAYOUTS if output == "identity" or "refine" not in LAYOUTS[kind]]
            kinds = [kind for kind in kinds if fits(layout_of(coder, kind, output), term)]
            if term.name != "squared_error":  # it goes with every layout, others with the next in turn
                kinds = kinds and [kinds[len(cases) % len(kinds)]]
            cases += [(coder, kind, term, output) for kind in kinds]
    return cases


def name_of(part):
    return part if isinstance(part, str) else part.text


def network(layout, turn):
    """A float64 network, with kernels in turn, whose parameters all differ from their initial values."""
    rng = torch.Generator().manual_seed(turn)
    model = Autoencoder(layout, rng=rng, kernels=[Plain(), AlwaysSparse(4)][turn % 2]).double()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=rng, dtype=torch.float64))
        if layout.coder.name == "jumprelu":
            model.coder.spread.fill_(SPREAD)
    return model


def is_the_slope_of(formula, model, number, expected):
    """The number is the formula's, and its gradient in every parameter the formula's slope."""
    parameters = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    assert number.item() == pytest.approx(expected, rel=1e-10, abs=1e-14)
    gradients = torch.autograd.grad(number, list(model.parameters()), allow_unused=True)
    n_with_gradient = 0
    for name, gradient in zip(parameters, gradients, strict=True):
        slopes = np.zeros_like(parameters[name])
        for position in np.ndindex(slopes.shape):
            ends = []
            for step in (H, -H):
                changed = {**parameters, name: parameters[name].copy()}
                changed[name][position] += step
                ends.append(formula(changed))
            slopes[position] = (ends[0] - ends[1]) / (2 * H)
        ours = np.zeros_like(slopes) if gradient is None else gradient.numpy()
        assert_allclose(ours, slopes, rtol=2e-5, atol=2e-8 * max(1, np.abs(slopes).max()), err_msg=name)
        n_with_gradient += np.abs(slopes).max() > 1e-5
    assert n_with_gradient


def batch_of(unit):
    rng = np.random.default_rng(5)
    x, target, corrupted = rng.normal(size=(3, B, D))
    return Batch(*map(torch.tensor, (x, sigmoid(target) if unit else target, corrupted)), draw_key=(2, 10))


@pytest.mark.parametrize(("coder", "kind", "term", "output"), cases(WRITTEN), ids=name_of)
def test_a_terms_gradient_is_the_slope_of_its_formula(coder, kind, term, output):
    layout = layout_of(coder, kind, output)
    model = network(layout, list(LAYOUTS).index(kind) + WRITTEN.index(term) + CODERS.index(coder))
    step, batch = Step(model, Objective((term,))), batch_of(output == "sigmoid")
    step.inactive_rows.copy_(torch.tensor([50, 0, 99, 49, 70, 0, 50]))
    net = SimpleNamespace(
        layout=layout, target=batch.target.numpy(), batch=batch, inactive_rows=step.inactive_rows.numpy()
    )
    parameters = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    corrupted = batch.corrupted.numpy()
    fixed = forward(layout, parameters, corrupted)

    def formula(changed):
        return FORMULAS[term.name](term, net, forward(layout, changed, corrupted, fixed), fixed)

    is_the_slope_of(formula, model, step(batch)[1][term.name], formula(parameters))


@pytest.mark.parametrize(("coder", "kind", "term", "output"), cases(CONTROLLED), ids=name_of)
def test_a_controlled_penalty_acts_on_the_clean_rows_past_its_target(coder, kind, term, output):
    """The whole objective: the error of the corrupted rows, and weight · penalty of the clean rows at the aim."""
    layout = layout_of(coder, kind, output)
    model = network(layout, CONTROLLED.index(term) + CODERS.index(coder))
    error_term = parse("squared_error", Term)[0]
    step, batch = Step(model, Objective((error_term, term))), batch_of(False)
    ((_, controller),) = step.controlled()
    controller.log_weight.fill_(np.log(0.3))
    controller.correction.fill_(0.2)
    aim = 1 - (0.02 if term.name != "l1" and term.name != "tanh_penalty" else 0) - 0.2
    net = SimpleNamespace(layout=layout, target=batch.target.numpy(), batch=batch, inactive_rows=None)
    parameters = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    x, corrupted = batch.x.numpy(), batch.corrupted.numpy()
    fixed, clean = forward(layout, parameters, corrupted), forward(layout, parameters, x)

    def formula(changed):
        penalty = FORMULAS[term.name](term, net, forward(layout, changed, x, clean), clean, aim=aim)
        return error(error_term, net, forward(layout, changed, corrupted, fixed), fixed) + 0.3 * penalty

    is_the_slope_of(formula, model, step(batch)[1]["loss"], formula(parameters))


def test_the_table_misses_no_part():
    table = [*cases(WRITTEN), *cases(CONTROLLED)]
    assert {term.name for _, _, term, _ in table} == set(FORMULAS) == set(names(Term))
    assert {coder.name for coder, *_ in table} == set(names(CodingLayer))
    assert {(coder, kind) for coder, kind, *_ in table} == {(coder, kind) for coder in CODERS for kind in LAYOUTS}
    assert {term.name for term in CONTROLLED} == {term.name for term in WRITTEN if term.target_kind}
