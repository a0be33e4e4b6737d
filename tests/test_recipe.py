"""The grammar of recipes: pairs of text and object that must agree, JSON, and every error message word by word."""

import json
import re

import pytest

from taciturn.core.errors import RecipeError
from taciturn.core.recipe import Recipe, find, names, parse
from taciturn.core.schedules import Cosine, Decay, Linear, Schedule, Until
from taciturn.core.uniform import Uniform
from taciturn.corruption import (
    BlindSpot,
    Chain,
    Clean,
    Corruption,
    Dropout,
    Gaussian,
    Masking,
    Missing,
    Poisson,
    Recorrupted,
    SaltPepper,
    Swap,
)
from taciturn.model import (
    Auto,
    Channels,
    Common,
    LayerNorm,
    Layout,
    MeanNorm,
    MinMax,
    NoScaling,
    Range,
    RankGauss,
    Robust,
    RowNorm,
    Scaling,
    Standard,
    UInt8,
    Whiten,
)
from taciturn.model.coding_layers import (
    ELU,
    BatchTopK,
    CodingLayer,
    Elementwise,
    Gated,
    Identity,
    JumpReLU,
    ReLU,
    Sigmoid,
    Tanh,
    TopK,
)
from taciturn.model.networks import ConvNetwork, DenseNetwork, Network, ResidualNetwork
from taciturn.objective import (
    KL,
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
    SquaredRate,
    TanhPenalty,
    Term,
    WeightL2,
)
from taciturn.training import Order, Redirect, Resample
from taciturn.training.constraints import Bounded, Constraint, Free, Frozen, UnitNorm
from taciturn.training.solvers import SGD, Adam, Nadam, Solver, TensorFlowAdam

FAMILIES = (
    Corruption,
    Term,
    CodingLayer,
    Solver,
    Schedule,
    Scaling,
    Constraint,
    Resample,
    Redirect,
    Order,
    Network,
    Uniform,
)

# (family, the text of the part, the part)
CANONICAL = [
    (Corruption, "clean", Clean()),
    (Corruption, "gaussian:0.4", Gaussian(0.4)),
    (Corruption, "gaussian:1", Gaussian(1)),
    (Corruption, "gaussian:1e-05", Gaussian(0.00001)),
    (Corruption, "gaussian:1e+20", Gaussian(1e20)),
    (Corruption, "dropout:0.3", Dropout(0.3)),
    (Corruption, "masking:0.25", Masking(0.25)),
    (Corruption, "swap:0.1", Swap(0.1)),
    (Corruption, "missing:0.1", Missing(0.1)),
    (Corruption, "blind_spot:0.1,noise=0.2", BlindSpot(0.1, 0.2)),
    (Corruption, "poisson:30", Poisson(30)),
    (Corruption, "recorrupted:auto,ratio=1", Recorrupted("auto", 1)),
    (Corruption, "salt_pepper:0.1", SaltPepper(0.1)),
    (Corruption, "salt_pepper:0.1,low=-2.5", SaltPepper(0.1, -2.5)),
    (Corruption, "salt_pepper:0.1,low=-1,high=2", SaltPepper(0.1, -1, 2)),
    (Corruption, "gaussian:linear(0.4,0.1)", Gaussian(Linear(0.4, 0.1))),
    (Corruption, "gaussian:linear(0.4,0,over=0.5)", Gaussian(Linear(0.4, 0, 0.5))),
    (Corruption, "masking:decay(0.5,last=0.2)", Masking(Decay(0.5, 0.2))),
    (Corruption, "gaussian:0.1+dropout:0.3", Chain((Gaussian(0.1), Dropout(0.3)))),
    (
        Corruption,
        "swap:cosine(0.2)+salt_pepper:0.1,low=-1+gaussian:linear(0.4,0.1)",
        Chain((Swap(Cosine(0.2)), SaltPepper(0.1, -1), Gaussian(Linear(0.4, 0.1)))),
    ),
    (Term, "squared_error", SquaredError()),
    (Term, "cross_entropy", CrossEntropy()),
    (Term, "l1", L1()),
    (Term, "l1:weight=0.01", L1(weight=0.01)),
    (Term, "l1:weight=linear(0,0.1)", L1(weight=Linear(0, 0.1))),
    (Term, "kl:0.05", KL(0.05)),
    (Term, "squared_rate:cosine(0.5,stop=0.1)", SquaredRate(Cosine(0.5, 0.1))),
    (Term, "kl:0.05,weight=0.2", KL(0.05, weight=0.2)),
    (Term, "squared_rate:0.1,weight=decay(0.2)", SquaredRate(0.1, weight=Decay(0.2))),
    (Term, "l1:l0=8,scaled=true", L1(l0=8, scaled=True)),
    (Term, "l0", L0()),
    (Term, "l0:l0=8,weight=0.5", L0(8, weight=0.5)),
    (Term, "tanh_penalty", TanhPenalty()),
    (Term, "tanh_penalty:steepness=2,l0=8.5", TanhPenalty(2, l0=8.5)),
    (Term, "auxk", AuxK()),
    (Term, "auxk:k=8,after=100,weight=0.1", AuxK(8, 100, weight=0.1)),
    (Term, "gated_aux", GatedAux()),
    (Term, "gated_aux:error=cross_entropy()", GatedAux(error=CrossEntropy())),
    (Term, "matryoshka", Matryoshka()),
    (Term, "matryoshka:widths=32/128", Matryoshka((32, 128))),
    (Term, "matryoshka:widths=32/", Matryoshka((32,))),
    (Term, "matryoshka:widths=2/4/8,sampled=true,detach=true", Matryoshka((2, 4, 8), sampled=True, detach=True)),
    (
        Term,
        "matryoshka:widths=4/,error=cross_entropy(),shares=1/0.5",
        Matryoshka((4,), error=CrossEntropy(), shares=(1, 0.5)),
    ),
    (Term, "hierarchical_topk", HierarchicalTopK()),
    (
        Term,
        "hierarchical_topk:weight=linear(0,1),shares=1/0/2.5",
        HierarchicalTopK(shares=(1, 0, 2.5), weight=Linear(0, 1)),
    ),
    (Term, "multi_topk:128", MultiTopK(128)),
    (Term, "multi_topk:128,weight=0.5,error=cross_entropy()", MultiTopK(128, weight=0.5, error=CrossEntropy())),
    (Term, "weight_l2:weight=0.001", WeightL2(weight=0.001)),
    (Term, "orthogonality", Orthogonality()),
    (Term, "orthogonality:chunk=64,weight=0.25", Orthogonality(64, weight=0.25)),
    (CodingLayer, "gated", Gated()),
    (CodingLayer, "batch_topk:0.5", BatchTopK(0.5)),
    (CodingLayer, "batch_topk:linear(64,32)", BatchTopK(Linear(64, 32))),
    (CodingLayer, "jumprelu", JumpReLU()),
    (CodingLayer, "jumprelu:threshold=0,bandwidth=0.5", JumpReLU(0, 0.5)),
    (CodingLayer, "topk:32", TopK(32)),
    (CodingLayer, "topk:32,signed=true", TopK(32, signed=True)),
    (CodingLayer, "topk:linear(64,32)", TopK(Linear(64, 32))),
    (
        CodingLayer,
        "jumprelu:first_k=until(linear(16,8,over=0.5),0.6)",
        JumpReLU(first_k=Until(Linear(16, 8, over=0.5), 0.6)),
    ),
    (CodingLayer, "identity", Identity()),
    (Elementwise, "relu", ReLU()),
    (Elementwise, "elu", ELU()),
    (Elementwise, "tanh", Tanh()),
    (CodingLayer, "sigmoid", Sigmoid()),
    (Solver, "adam", Adam()),
    (Solver, "adam:clip=1.0", Adam(clip=1.0)),
    (Solver, "adam:beta_1=0.8,epsilon=1e-10,clip=0.5", Adam(0.8, epsilon=1e-10, clip=0.5)),
    (Solver, "nadam:beta_2=0.99", Nadam(beta_2=0.99)),
    (Solver, "tensorflow_adam:clip=2", TensorFlowAdam(clip=2)),
    (Solver, "sgd", SGD()),
    (Solver, "sgd:momentum=0.9,nesterov=true,clip=1", SGD(0.9, nesterov=True, clip=1)),
    (Schedule, "linear:0.4,0.1", Linear(0.4, 0.1)),
    (Schedule, "cosine:0.003", Cosine(0.003)),
    (Schedule, "decay:0.01,last=0.25", Decay(0.01, last=0.25)),
    (Schedule, "until:8,0.6", Until(8, 0.6)),
    (Scaling, "auto", Auto()),
    (Scaling, "none", NoScaling()),
    (Scaling, "uint8", UInt8()),
    (Scaling, "standard", Standard()),
    (Scaling, "minmax", MinMax()),
    (Scaling, "mean_norm", MeanNorm()),
    (Scaling, "common", Common()),
    (Scaling, "whiten", Whiten()),
    (Scaling, "whiten:floor=0.5", Whiten(0.5)),
    (Scaling, "rank_gauss:quantiles=20", RankGauss(20)),
    (Scaling, "robust", Robust()),
    (Scaling, "range", Range()),
    (Scaling, "channels:2", Channels(2)),
    (Scaling, "layer_norm", LayerNorm()),
    (Scaling, "layer_norm:centre=false", LayerNorm(centre=False)),
    (Scaling, "row_norm", RowNorm()),
    (Scaling, "row_norm:clip=3.5,per_column=true", RowNorm(3.5, per_column=True)),
    (Constraint, "free", Free()),
    (Constraint, "unit_norm", UnitNorm()),
    (Constraint, "bounded", Bounded()),
    (Constraint, "frozen", Frozen()),
    (Order, "order", Order()),
    (Order, "order:until=0.25", Order(until=0.25)),
    (Resample, "resample", Resample()),
    (Resample, "resample:every=0.1,rows=64", Resample(0.1, rows=64)),
    (Redirect, "redirect", Redirect()),
    (Redirect, "redirect:most=0.2,rows=64", Redirect(most=0.2, rows=64)),
    (Uniform, "uniform:0.02,0.2", Uniform(0.02, 0.2)),
    (Corruption, "gaussian:uniform(0.02,0.2)", Gaussian(Uniform(0.02, 0.2))),
    (Network, "dense", DenseNetwork()),
    (Network, "conv", ConvNetwork()),
    (Network, "conv:channels=16/,kernel=3", ConvNetwork((16,), 3)),
    (Network, "conv:channels=16/,axes=1", ConvNetwork((16,), axes=1)),
    (Network, "residual", ResidualNetwork()),
    (Network, "residual:axes=1", ResidualNetwork(axes=1)),
    (Network, "residual:channels=8/12,blocks=1", ResidualNetwork((8, 12), 1)),
]

# other texts of the same parts
ALTERNATIVE = [
    (Corruption, "gaussian(0.4)", Gaussian(0.4)),
    (Corruption, "gaussian:std=0.4", Gaussian(0.4)),
    (Corruption, "  gaussian :\t0.4 ", Gaussian(0.4)),
    (Corruption, "gaussian:.4", Gaussian(0.4)),
    (Corruption, "gaussian:+4.", Gaussian(4.0)),
    (Corruption, "gaussian:1e-3", Gaussian(0.001)),
    (Corruption, "gaussian:1E+3", Gaussian(1000.0)),
    (Corruption, "gaussian:1e-3+dropout:0.3", Gaussian(0.001) + Dropout(0.3)),
    (Corruption, "gaussian(0.1) + dropout(0.3)", Gaussian(0.1) + Dropout(0.3)),
    (Corruption, "clean+clean()", Chain((Clean(), Clean()))),
    (Corruption, "salt_pepper:0.1,-2,+2", SaltPepper(0.1, -2, 2)),
    (Corruption, "salt_pepper:high=2,rate=0.1", SaltPepper(0.1, high=2)),
    (Corruption, "gaussian:linear(stop=0.1,start=0.4)", Gaussian(Linear(0.4, 0.1))),
    (Corruption, "gaussian( linear( 0.4 , 0.1 ) )", Gaussian(Linear(0.4, 0.1))),
    (Term, "kl:weight=0.2,rate=0.05", KL(0.05, weight=0.2)),
    (Term, "l1:weight=1e+3", L1(weight=1000.0)),
    (Term, "l1:weight=none", L1()),
    (Term, "matryoshka:32/128", Matryoshka((32, 128))),
    (Term, "matryoshka(32 / 128 /)", Matryoshka((32, 128))),
    (Term, "matryoshka:32/,sampled=true", Matryoshka((32,), sampled=True)),
    (Term, "hierarchical_topk:shares=+1/1e-1/.5", HierarchicalTopK(shares=(1, 0.1, 0.5))),
    (Term, "l0:8", L0(8)),
    (CodingLayer, "jumprelu:0.1,1.0", JumpReLU()),
    (CodingLayer, "topk:32,TRUE", TopK(32, signed=True)),
    (CodingLayer, "topk(32,false)", TopK(32)),
    (Elementwise, "relu()", ReLU()),
    (Solver, "adam:0.8,0.99,1e-7,clip=none", Adam(0.8, 0.99, 1e-7)),
]


@pytest.mark.parametrize(("family", "text", "part"), CANONICAL, ids=[text for _, text, _ in CANONICAL])
def test_a_parts_text_is_parsed_as_the_part(family, text, part):
    assert part.text == text
    assert family.parse(text) == part


@pytest.mark.parametrize(("family", "text", "part"), ALTERNATIVE, ids=[text for _, text, _ in ALTERNATIVE])
def test_other_texts_of_a_part(family, text, part):
    assert family.parse(text) == part
    assert family.parse(part.text) == part


LAYOUTS = [
    Layout((64, 32), TopK(Linear(8, 4)), tied=True),
    Layout((64, 300, 150), Sigmoid(), hidden=ELU(), output=Sigmoid(), centred=True),
]
OBJECTIVES = [Objective((SquaredError(),)), CrossEntropy() + 0.2 * KL(Cosine(0.5, 0.1)) + L1(weight=Linear(0, 1))]
PARTS = [part for _, _, part in CANONICAL] + LAYOUTS + OBJECTIVES


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_json_and_back(part):
    plain = json.loads(json.dumps(part.to_dict()))
    back = Recipe.from_dict(plain)
    assert back == part
    assert type(back) is type(part)
    assert hash(back) == hash(part)
    assert back.to_dict() == part.to_dict()


def test_json_is_plain_and_names_every_part():
    assert (SquaredError() + KL(Linear(0.5, 0.1), weight=0.2)).to_dict() == {
        "name": "objective",
        "terms": [
            {"name": "squared_error", "weight": None},
            {
                "name": "kl",
                "rate": {"name": "linear", "start": 0.5, "stop": 0.1, "over": 1.0},
                "weight": 0.2,
            },
        ],
    }


def test_parts_are_equal_and_hashed_by_value():
    assert len(set(PARTS)) == len(PARTS)
    assert Gaussian(0.1) == Gaussian(0.1)
    assert Gaussian(0.1) != Gaussian(0.2)
    assert Masking(0.1) != Dropout(0.1)
    assert Gaussian(Linear(1, 0)) != Gaussian(Linear(1, 0, over=0.5))
    with pytest.raises(AttributeError):
        Gaussian(0.1).std = 0.2


# (part, progress, the part with numbers in place of schedules)
RESOLVED = [
    (Gaussian(Linear(1, 0)), 0.25, Gaussian(0.75)),
    (Gaussian(Linear(1, 0)) + Dropout(0.3), 0.5, Gaussian(0.5) + Dropout(0.3)),
    (TopK(Linear(64, 32), signed=True), 0.5, TopK(48.0, signed=True)),
    (KL(Cosine(0.5, 0.25), weight=Decay(8, last=0.5)), 0.0, KL(0.5, weight=8.0)),
    (KL(Cosine(0.5, 0.25), weight=Decay(8, last=0.5)), 1.0, KL(0.25, weight=0.0)),
    (SquaredError() + L1(weight=Linear(0, 4)), 0.5, SquaredError() + L1(weight=2.0)),
    (Matryoshka((2, 4), weight=Linear(0, 4)), 0.5, Matryoshka((2, 4), weight=2.0)),
    (BatchTopK(Linear(4, 2)), 0.5, BatchTopK(3.0)),
    (Layout((4, 8), TopK(Linear(6, 2))), 0.5, Layout((4, 8), TopK(4.0))),
]


@pytest.mark.parametrize(("part", "progress", "expected"), RESOLVED, ids=str)
def test_at_replaces_schedules_by_numbers(part, progress, expected):
    assert part.at(progress) == expected
    assert expected.at(progress) is expected


def scheduled(part):
    return any(f"'name': '{name}'" in repr(part.to_dict()) for name in names(Schedule))


@pytest.mark.parametrize("part", [part for part in PARTS if not scheduled(part)], ids=repr)
def test_at_returns_the_part_itself_where_nothing_changes(part):
    assert part.at(0.3) is part


def test_names_are_unique_over_all_families():
    assert len(names(Recipe)) == len(set(names(Recipe)))
    counted = sorted(name for family in FAMILIES for name in names(family))
    assert counted == sorted(set(names(Recipe)) - {"layout", "objective"})
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names(Recipe))


def test_every_name_finds_its_class():
    for name in names(Recipe):
        assert find(name, Recipe).name == name
    assert find("kl", Term) is KL
    parsable = {kind.name for kind in map(type, PARTS) if kind.parsable}
    assert parsable == set(names(Recipe))  # the tables above miss none
    assert {kind.name for kind in map(type, PARTS)} - parsable == {"chain", "layout", "objective"}


def test_a_part_of_any_depth_is_found_without_registering():
    class _Extended(TopK):
        name = "extended"

    try:
        assert type(CodingLayer.parse("extended:3")) is _Extended
    finally:
        del _Extended.name  # no other test may find it


def test_a_sum_may_name_parts_of_several_families():
    assert parse("topk:32+l1:weight=0.1", CodingLayer, Term) == (TopK(32), L1(weight=0.1))
    assert parse("kl:0.05,weight=1e-3+sigmoid + squared_error", CodingLayer, Term) == (
        KL(0.05, weight=0.001),
        Sigmoid(),
        SquaredError(),
    )
    with pytest.raises(RecipeError, match="no coding layer or term is named 'gaussian'"):
        parse("topk:32+gaussian:0.1", CodingLayer, Term)


def listed(*families):
    return ", ".join(names(*families))


REFUSED = [
    # the text cannot be read
    (Corruption, "", f"an empty text names no corruption; write one of {listed(Corruption)}"),
    (Corruption, " \t", f"an empty text names no corruption; write one of {listed(Corruption)}"),
    (Corruption, "gaussian:0.1$", "'gaussian:0.1$': cannot be read from '$' on; write name:value,field=value"),
    (Corruption, "gaussian:1.2.3", "'gaussian:1.2.3': cannot be read from '1.2.3' on; write name:value,field=value"),
    (Corruption, "gaussian:3rd", "'gaussian:3rd': cannot be read from '3rd' on; write name:value,field=value"),
    (Corruption, "gaussian:", "'gaussian:': a name or a value is missing at the end"),
    (Corruption, "gaussian:0.1+", "'gaussian:0.1+': a name or a value is missing at the end"),
    (Corruption, "gaussian:0.1,", "'gaussian:0.1,': a name or a value is missing at the end"),
    (Corruption, "+gaussian:0.1", "'+gaussian:0.1': a name or a value is missing before '+'"),
    (Corruption, "gaussian:=0.1", "'gaussian:=0.1': a name or a value is missing before '='"),
    (Corruption, "gaussian:std==1", "'gaussian:std==1': a name or a value is missing before '='"),
    (Corruption, "gaussian:0.1)", "'gaussian:0.1)': unexpected ')'; write name:value,field=value"),
    (Corruption, "gaussian:0.3-0.1", "'gaussian:0.3-0.1': unexpected '-'; write name:value,field=value"),
    (Corruption, "gaussian 0.1", "'gaussian 0.1': unexpected '0.1'; write name:value,field=value"),
    (Corruption, "gaussian(0.1", "'gaussian(0.1': a ')' is missing"),
    (Corruption, "gaussian:linear(0.4,0.1", "'gaussian:linear(0.4,0.1': a ')' is missing"),
    # no such part
    (
        Corruption,
        "gausian:1",
        f"no corruption is named 'gausian'; did you mean 'gaussian'? There are: {listed(Corruption)}",
    ),
    (CodingLayer, "kl:0.1", f"no coding layer is named 'kl'. There are: {listed(CodingLayer)}"),
    (Corruption, "gaussian:xyz(0.4)", "no part is named 'xyz'."),
    # values in wrong places
    (Corruption, "gaussian", "gaussian: std is missing; write gaussian:std"),
    (Corruption, "gaussian()", "gaussian: std is missing; write gaussian:std"),
    (Corruption, "gaussian:0.1,0.2", "gaussian: got 2 unnamed values, takes at most 1; write gaussian:std"),
    (Corruption, "clean:3", "clean: got 1 unnamed value, takes at most 0; write clean without values"),
    (Corruption, "gaussian:0.1,sd=2", "gaussian: 'sd' is unknown; write gaussian:std"),
    (Corruption, "gaussian:0.1,std=0.2", "gaussian: 'std' is given twice; write gaussian:std"),
    (Corruption, "gaussian:std=1,std=2", "'gaussian:std=1,std=2': 'std' is given twice; remove one"),
    (Corruption, "gaussian:std=1,2", "'gaussian:std=1,2': write '2' before the named values"),
    (Term, "kl:0.1,0.2", "kl: got 2 unnamed values, takes at most 1; write kl:rate,weight=…"),
    (Term, "l1:0.1", "l1: got 1 unnamed value, takes at most 0; write l1:weight=…,l0=…,scaled=…"),
    # several items, joined by "/"
    (Term, "matryoshka:widths=/", "'matryoshka:widths=/': a name or a value is missing before '/'"),
    (Term, "matryoshka:/32", "'matryoshka:/32': a name or a value is missing before '/'"),
    (Term, "matryoshka:32//4", "'matryoshka:32//4': a name or a value is missing before '/'"),
    (Term, "matryoshka:4/32=8", "'matryoshka:4/32=8': unexpected '='; write name:value,field=value"),
    (Term, "matryoshka:32/=", "'matryoshka:32/=': a name or a value is missing before '='"),
    (Term, "matryoshka:32/64 128", "'matryoshka:32/64 128': unexpected '128'; write name:value,field=value"),
    (Term, "multi_topk:4/8", "multi_topk: k=(4, 8) is not a number"),
    (CodingLayer, "topk:4,signed=true/", "topk: signed=(True,) must be true or false"),
    (CodingLayer, "relu/4", "'relu/4': unexpected '/'; write name:value,field=value"),
    # values that cannot be
    (Corruption, "gaussian:big", "gaussian: std='big' is not a number"),
    (Corruption, "gaussian:true", "gaussian: std=True is not a number"),
    (Corruption, "gaussian:none", "gaussian: std=None is not a number"),
    (Corruption, "gaussian:nan", "gaussian: std=nan lies outside [0, inf]"),
    (Corruption, "gaussian:-1", "gaussian: std=-1 lies outside [0, inf]"),
    (Corruption, "gaussian:linear(a,0)", "linear: start='a' is not a number"),
    (Corruption, "dropout:1", "dropout: rate=1 lies outside [0, 1)"),
    (Corruption, "dropout:1.5", "dropout: rate=1.5 lies outside [0, 1)"),
    (Corruption, "masking:-0.1", "masking: rate=-0.1 lies outside [0, 1]"),
    (Corruption, "swap:2", "swap: rate=2 lies outside [0, 1]"),
    (Corruption, "salt_pepper:2", "salt_pepper: rate=2 lies outside [0, 1]"),
    (Corruption, "salt_pepper:0.1,dark", "salt_pepper: low='dark' is not a number"),
    (CodingLayer, "topk:0", "topk: k=0 lies outside [1, inf]"),
    (CodingLayer, "batch_topk:0", "batch_topk: k=0 lies outside (0, inf]"),
    (CodingLayer, "jumprelu:-1", "jumprelu: threshold=-1 lies outside [0, inf]"),
    (CodingLayer, "jumprelu:bandwidth=0", "jumprelu: bandwidth=0 lies outside (0, inf]"),
    (Scaling, "whiten:0", "whiten: floor=0 lies outside (0, inf)"),
    (Order, "order:until=2", "order: until=2 lies outside [0, 1]"),
    (Term, "l0:0", "l0: l0=0 lies outside (0, inf]"),
    (Term, "l1:l0=linear(4,2)", "l1: l0=linear(4,2) is not a number"),
    (Term, "tanh_penalty:0", "tanh_penalty: steepness=0 lies outside (0, inf]"),
    (Term, "auxk:0", "auxk: k=0 lies outside [1, inf]"),
    (Term, "auxk:2.5", "auxk: k=2.5 is not a whole number"),
    (Term, "auxk:after=0", "auxk: after=0 lies outside [1, inf]"),
    (Term, "auxk:weight=auto", "auxk has no target, so weight=auto cannot be found; give a number"),
    (Term, "multi_topk:linear(4,2)", "multi_topk: k=linear(4,2) is not a number"),
    (Term, "orthogonality:1", "orthogonality: chunk=1 lies outside [2, inf]"),
    (Term, "matryoshka:32", "matryoshka: widths=32 must be rising whole numbers, as 32/128 or 32/"),
    (Term, "matryoshka:none", "matryoshka: widths=None must be rising whole numbers, as 32/128 or 32/"),
    (Term, "matryoshka:8/8", "matryoshka: widths=(8, 8) must be rising whole numbers, as 32/128 or 32/"),
    (Term, "matryoshka:8/4", "matryoshka: widths=(8, 4) must be rising whole numbers, as 32/128 or 32/"),
    (Term, "matryoshka:0/4", "matryoshka: widths=(0, 4) must be rising whole numbers, as 32/128 or 32/"),
    (Term, "matryoshka:8/a", "matryoshka: widths=(8, 'a') must be rising whole numbers, as 32/128 or 32/"),
    (Term, "matryoshka:shares=1", "matryoshka: shares=1 must be numbers, 0 or more, not all 0, as 1/2"),
    (
        Term,
        "hierarchical_topk:shares=0/0",
        "hierarchical_topk: shares=(0, 0) must be numbers, 0 or more, not all 0, as 1/2",
    ),
    (
        Term,
        "hierarchical_topk:shares=1/-1",
        "hierarchical_topk: shares=(1, -1) must be numbers, 0 or more, not all 0, as 1/2",
    ),
    (
        Term,
        "hierarchical_topk:shares=1/a",
        "hierarchical_topk: shares=(1, 'a') must be numbers, 0 or more, not all 0, as 1/2",
    ),
    (
        Term,
        "matryoshka:error=kl(0.1)",
        "matryoshka: error=kl:0.1 is not a plain reconstruction error; write error=squared_error()",
    ),
    (
        Term,
        "gated_aux:error=matryoshka()",
        "gated_aux: error=matryoshka is not a plain reconstruction error; write error=squared_error()",
    ),
    (
        Term,
        "matryoshka:error=squared_error(weight=2)",
        "matryoshka: error=squared_error:weight=2 has a weight of its own; give it to matryoshka",
    ),
    (Term, "gated_aux:error=1", "gated_aux: error=1 is not a plain reconstruction error; write error=squared_error()"),
    (
        Term,
        "multi_topk:4,error=topk(2)",
        "multi_topk: error=TopK(k=2, signed=False) is not a plain reconstruction error; write error=squared_error()",
    ),
    (Term, "kl:0", "kl: rate=0 lies outside (0, 1)"),
    (Term, "squared_rate:1", "squared_rate: rate=1 lies outside (0, 1)"),
    (Term, "kl:0.1,weight=-1", "kl: weight=-1 lies outside [0, inf]"),
    (Solver, "adam:2", "adam: beta_1=2 lies outside [0, 1)"),
    (Solver, "nadam:beta_2=-1", "nadam: beta_2=-1 lies outside [0, 1)"),
    (Solver, "tensorflow_adam:epsilon=-1", "tensorflow_adam: epsilon=-1 lies outside (0, inf]"),
    (Solver, "sgd:2", "sgd: momentum=2 lies outside [0, 1)"),
    (Solver, "sgd:clip=-1", "sgd: clip=-1 lies outside (0, inf]"),
    (Schedule, "linear:0.4", "linear: stop is missing; write linear:start,stop,over"),
    (Schedule, "linear:0.4,0,2", "linear: over=2 lies outside [0, 1]"),
    (Schedule, "decay:1,last=-1", "decay: last=-1 lies outside [0, 1]"),
    # more parts than one
    (CodingLayer, "topk:3+relu", "topk:3 + relu: only one part can be given here; remove the others"),
    (Term, "l1+kl:0.1", "l1 + kl:0.1: only one part can be given here; remove the others"),
]


@pytest.mark.parametrize(("family", "text", "message"), REFUSED, ids=[text for _, text, _ in REFUSED])
def test_the_message_is_exactly_this(family, text, message):
    with pytest.raises(RecipeError) as caught:
        family.parse(text)
    assert str(caught.value) == message


# must be refused, whatever the message
WRONG = [
    "gaussian:kl(0.1)",
    "gaussian:dropout(0.1)",
    "gaussian:linear(cosine(1),0)",
    "chain:3",
    "chain:gaussian(0.1)",
]


@pytest.mark.parametrize("text", WRONG)
def test_a_part_of_another_kind_is_refused_where_a_number_stands(text):
    with pytest.raises(RecipeError):
        Corruption.parse(text)


@pytest.mark.parametrize(
    ("family", "text"), [(CodingLayer, "topk:5,yes"), (Solver, "sgd:0.9,1"), (Solver, "sgd:0.9,no")]
)
def test_a_switch_is_true_or_false(family, text):
    with pytest.raises(RecipeError):
        family.parse(text)


@pytest.mark.parametrize("text", ["topk:linear(64,0)", "topk:linear(0,8)", "topk:cosine(8)", "topk:decay(8)"])
def test_a_schedule_that_leaves_the_bounds_is_refused_before_the_run(text):
    with pytest.raises(RecipeError, match=r"topk: .*k"):
        CodingLayer.parse(text)


DICTS = [
    ({"name": "gausian", "std": 1}, "no part is named 'gausian'; did you mean 'gaussian'?"),
    ({"name": "gaussian", "sd": 1}, "gaussian: 'sd' is unknown; write gaussian:std"),
    ({"name": "gaussian"}, "gaussian: std is missing; write gaussian:std"),
    ({"name": "gaussian", "std": -1}, "gaussian: std=-1 lies outside"),
    ({"name": "os.system"}, "no part is named 'os.system'"),
    ({"name": "matryoshka", "widths": 32}, "matryoshka: widths=32 must be rising whole numbers, as 32/128 or 32/"),
    ({"name": "matryoshka", "widths": [32, "64"]}, "matryoshka: widths=(32, '64') must be rising whole numbers"),
    ({"name": "matryoshka", "widths": [True, 2]}, "matryoshka: widths=(True, 2) must be rising whole numbers"),
    ({"name": "matryoshka", "shares": [1, None]}, "matryoshka: shares=(1, None) must be numbers"),
    ({"name": "multi_topk", "k": 4.0}, "multi_topk: k=4.0 is not a whole number"),
]


@pytest.mark.parametrize(("plain", "message"), DICTS, ids=str)
def test_json_is_refused_like_text(plain, message):
    with pytest.raises(RecipeError, match=re.escape(message)):
        Recipe.from_dict(plain)


def test_sums_and_multiples_of_parts():
    assert Gaussian(0.1) + (Dropout(0.3) + Swap(0.1)) == Chain((Gaussian(0.1), Dropout(0.3), Swap(0.1)))
    assert (SquaredError() + L1()) + (KL(0.1) + L1()) == Objective((SquaredError(), L1(), KL(0.1), L1()))
    assert 3 * KL(0.1) == KL(0.1, weight=3.0)
    assert 0.5 * L1(weight=4) == L1(weight=2.0)
    with pytest.raises(RecipeError, match="l1: its weight is a schedule; scale the schedule's own numbers"):
        2 * L1(weight=Linear(0, 1))


@pytest.mark.parametrize("widths", [(4,), (), (4, 0), (4, -3), (4, 2.0), ("4", 2)], ids=str)
def test_a_layout_refuses_widths_that_cannot_be(widths):
    with pytest.raises(RecipeError) as caught:
        Layout(widths, TopK(2))
    assert str(caught.value) == f"widths={widths} must be two or more positive whole numbers: inputs …, latents"
