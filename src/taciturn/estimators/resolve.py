"""From an estimator's parameters, and what its rows are like, to the parts of a run.

The rules behind every "auto" stand here, one function each.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from ..core.errors import DataError, RecipeError, SmallBatch
from ..core.recipe import Recipe, find, names, parse
from ..core.schedules import Decay, Schedule
from ..corruption import Clean, Corruption
from ..data.moments import Moments
from ..model import Capability, Layout, Scaling, in_unit_interval
from ..model.coding_layers import CodingLayer, Elementwise, Identity, ReLU, Sigmoid
from ..objective import Objective, Term
from ..training import Settings
from ..training.constraints import Constraint
from ..training.solvers import Solver
from ..training.step import PRECISIONS
from .parameters import RunParameters

Part = TypeVar("Part", bound=Recipe)

MOST_ROWS = 256  # of a batch, where its size is "auto"

# The parameter that provides what a term requires.
MENDS = {
    Capability.UNIT_INTERVAL_CODES: "activation='sigmoid'",
    Capability.ZERO_CODES: "activation='relu'",
    Capability.UNIT_INTERVAL_OUTPUT: "output_activation='sigmoid'",
}


def resolve(
    parameters: RunParameters,
    moments: Moments,
    dtype: np.dtype[Any],
    *,
    n_rows: int | None = None,
    targets: Moments | None = None,
) -> Settings:
    """Return the settings for rows of these moments; raise RecipeError where parameters do not fit.

    `n_rows` to be trained on, if not all that the moments are of; `targets`: the moments of the rows' partners.
    """
    n_rows = moments.count if n_rows is None else n_rows
    layers, penalties = sparsity(parameters.sparsity)
    error = part(parameters.loss, Term, "loss")
    if not error.is_reconstruction_error:
        raise RecipeError(f"loss={error.text!r} compares no rows; set loss='squared_error', sparsity={error.text!r}")
    hidden, coding = activations(parameters.activation, penalties)
    scaling = part(parameters.scaling, Scaling, "scaling").resolve(moments, dtype)
    unit = in_unit_interval(scaling, moments, moments if targets is None else targets)
    if error.unit_interval_only and not unit:
        raise DataError(f"{error.name} needs rows in [0, 1]; set scaling='minmax' or loss='squared_error'")
    layout = Layout(
        (len(moments.mean), *widths(parameters.n_components, len(moments.mean))),
        layers[0] if layers else coding,
        hidden=hidden,
        output=output(parameters.output_activation, unit),
        tied=flag("tied", parameters.tied),
        centred=parameters.centred,
        whitened=scaling.whitens,
        norm=parameters.initial_norm,
        refine=parameters.refine,
    )
    size = batch_size(parameters.batch_size, n_rows, penalties)
    return Settings(
        layout=layout,
        objective=objective(error, penalties, layout),
        corruption=corruption(parameters.corruption),
        scaling=scaling,
        solver=part(parameters.solver, Solver, "solver"),
        learning_rate=learning_rate(parameters.learning_rate, layout.coder, penalties),
        batch_size=size,
        epochs=epochs(parameters.max_iter, n_rows, size),
        weight_decay=number("alpha", parameters.alpha, 0, np.inf),
        device=device(parameters.device),
        constraint=part(parameters.constraint, Constraint, "constraint"),
        resample=parameters.resample,
        order=parameters.order,
        precision=precision(parameters.precision),
    )


def objective(error: Term, penalties: Sequence[Term], layout: Layout) -> Objective:
    """Return the sum of error and penalties, if the network offers what they need."""
    terms, provided = Objective((error, *penalties)), layout.provides()
    try:
        terms.check(provided)
    except RecipeError as refusal:
        missing = next(iter(terms.missing(provided).values()))[0]
        excluded = not (isinstance(layout.coder, Elementwise) or missing.part == "output")
        mend = f"leave out {layout.coder.text}" if excluded else f"set {MENDS.get(missing, 'another activation')}"
        raise RecipeError(f"{refusal}; {mend}") from None
    return terms


def part(value: Any, family: type[Part], parameter: str) -> Part:
    """Return a part that is given as itself or as its text."""
    if isinstance(value, str):
        return family.parse(value)
    if not isinstance(value, family):
        raise RecipeError(f"{parameter}={value!r} is neither a {family.__name__} nor the text of one")
    return value


def needs_products(scaling: Any) -> bool:
    """Return whether fitting the scaling takes the columns' correlations."""
    return part(scaling, Scaling, "scaling").whitens


def corruption(value: Any) -> Corruption:
    """Return the corruption; None or "none" is none."""
    return Clean() if value in (None, "none") else part(value, Corruption, "corruption")


def sparsity(value: Any) -> tuple[list[CodingLayer], list[Term]]:
    """Return the coding layer, if one is named, and the penalties: `"topk:32"`, `"kl:0.05"`, a part, or several."""
    if value in (None, "none"):
        return [], []
    given = value.terms if isinstance(value, Objective) else [value] if isinstance(value, str) else value
    given = given if isinstance(given, Sequence) else [given]
    parts = [each for v in given for each in (parse(v, CodingLayer, Term) if isinstance(v, str) else [v])]
    for each in parts:
        if not isinstance(each, CodingLayer | Term):
            raise RecipeError(f"sparsity={each!r} is neither a coding layer nor a penalty, nor the text of one")
    layers = [each for each in parts if isinstance(each, CodingLayer)]
    if len(layers) > 1:
        raise RecipeError(f"sparsity: {' + '.join(layer.text for layer in layers)} are two coding layers; name one")
    return layers, [each for each in parts if isinstance(each, Term)]


def activations(value: Any, penalties: Sequence[Term]) -> tuple[Elementwise, Elementwise]:
    """Return the hidden layers' and the coding layer's activation; a pair names both.

    "auto": ReLU, but for the coding layer sigmoid where a penalty needs codes in (0, 1).
    """
    if value == "auto":
        rates = any(Capability.UNIT_INTERVAL_CODES in term.requires for term in penalties)
        return ReLU(), Sigmoid() if rates else ReLU()
    pair = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    if len(pair) != 2:
        raise RecipeError(f"activation={value!r}: give one activation, or a pair (hidden layers', coding layer's)")
    return part(pair[0], Elementwise, "activation"), part(pair[1], Elementwise, "activation")


def output(value: Any, unit: bool) -> Elementwise:
    """Return the output activation; "auto": sigmoid where the scaled rows lie in [0, 1], else identity."""
    if value == "auto":
        return Sigmoid() if unit else Identity()
    return part(value, Elementwise, "output_activation")


def widths(n_components: Any, n_inputs: int) -> tuple[int, ...]:
    """Return the hidden layers' widths, the latents last; None: four latents an input, within 16 … 1024."""
    if n_components is None:
        return (min(max(4 * n_inputs, 16), 1024),)
    given = n_components if isinstance(n_components, Sequence) else (n_components,)
    for width in given:
        if isinstance(width, bool) or not isinstance(width, int | np.integer) or width < 1:
            raise RecipeError(f"n_components={n_components!r} must be a positive whole number or a tuple of them")
    if not given:
        raise RecipeError("n_components=() names no layer; give at least the number of latents")
    return tuple(int(width) for width in given)


def learning_rate(value: Any, coder: CodingLayer, penalties: Sequence[Term]) -> float | Schedule:
    """Return the learning rate; "auto" falls to 0 over the last 30%.

    It is 0.01 for codes in (0, 1), 0.001 where zeros are pressed for (faster, too many latents fall silent for good),
    else 0.003.
    """
    if value == "auto":
        zeros = any(term.target_kind == "l0" and term.target_value is not None for term in penalties)
        return Decay(0.01 if Capability.UNIT_INTERVAL_CODES in coder.provides else 0.001 if zeros else 0.003, last=0.3)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = Schedule.parse(value)
    ends = (value.at(0.0), value.at(1.0)) if isinstance(value, Schedule) else (value,)
    for end in ends:
        number("learning_rate", end, 0, np.inf)
    return value if isinstance(value, Schedule) else float(value)


def dictionary_rate(batch_size: Any) -> Schedule:
    """Return a dictionary's automatic learning rate, which falls to 0 over the last fifth.

    0.003, and in batches larger than "auto" chooses more by the root of their size, up to 0.01.
    """
    larger = batch_size / MOST_ROWS if isinstance(batch_size, int | np.integer) else 1.0
    return Decay(min(0.003 * math.sqrt(max(larger, 1.0)), 0.01), last=0.2)


def batch_size(value: Any, n_rows: int, penalties: Sequence[Term]) -> int:
    """Return the batch size; "auto": the power of two next to rows / 32, within 32 … 256.

    A batch that is to measure a rate ρ has at least 1/(2ρ) rows, if there are so many.
    """
    rates = [term.target_value for term in penalties if term.target_kind == "rate" and term.target_value is not None]
    enough = min(2 ** math.ceil(math.log2(0.5 / min(rates))), n_rows) if rates else 1
    if value == "auto":
        usual = min(max(2 ** round(math.log2(n_rows / 32)), 32), MOST_ROWS) if n_rows > 32 else 32
        return max(usual, enough)
    size = positive_integer("batch_size", value)
    if size < enough:
        warnings.warn(
            f"batch_size={size} is too small to measure a rate of {min(rates):g} in; {enough} would do",
            SmallBatch,
            stacklevel=4,
        )
    return size


def epochs(value: Any, n_rows: int, size: int) -> int:
    """Return the number of epochs; None: as many as make about 4,000 steps, within 20 … 1,000."""
    if value is None:
        return min(max(round(4000 / -(-n_rows // size)), 20), 1000)
    return positive_integer("max_iter", value)


def device(value: Any) -> str:
    """Return the device's name; "auto": cuda where there is one."""
    if value == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=value)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise RecipeError(f"device={value!r} cannot be used here; set 'cpu', 'cuda' or 'auto'") from error
    return str(value)


def precision(value: Any) -> str:
    """Return the precision in which entries to keep are looked for, or training may multiply."""
    if value not in PRECISIONS:
        raise RecipeError(f"precision={value!r} must be one of {', '.join(map(repr, PRECISIONS))}")
    return str(value)


def flag(name: str, value: Any) -> bool:
    """Return a parameter that is true or false."""
    if not isinstance(value, bool | np.bool_):
        raise RecipeError(f"{name}={value!r} must be True or False")
    return bool(value)


def number(name: str, value: Any, low: float, high: float) -> float:
    """Return a parameter that is a number in [low, high)."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value < high:
        raise RecipeError(f"{name}={value!r} must be a number in [{low:g}, {high:g})")
    return float(value)


def positive_integer(name: str, value: Any) -> int:
    """Return a parameter that is a positive whole number."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise RecipeError(f"{name}={value!r} must be a positive whole number")
    return int(value)


def dictionary_kinds() -> dict[str, type[CodingLayer] | type[Term]]:
    """Return the parts that a dictionary's `sparsity` may name alone, by name; each knows its usual recipe."""
    parts = (find(name, CodingLayer, Term) for name in names(CodingLayer, Term))
    return {kind.name: kind for kind in parts if issubclass(kind, CodingLayer | Term) and kind.dictionary_text}
