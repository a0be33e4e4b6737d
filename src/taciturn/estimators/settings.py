"""From an estimator's parameters, and what its rows are like, to the parts of a run.

The rules behind every "auto" stand here, one function each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from ..corrupt import Clean, Corruption
from ..errors import DataError, RecipeError
from ..model import Layout
from ..moments import Moments
from ..recipe import Recipe, parse
from ..scaling import Scaling, in_unit_interval
from ..schedules import Decay, Schedule
from ..solvers import Solver
from ..sparsify import Elementwise, Identity, ReLU, Sigmoid, Sparsifier
from ..terms import CrossEntropy, Objective, Term

Parameters = Mapping[str, Any]
Part = TypeVar("Part", bound=Recipe)


@dataclass(frozen=True)
class Settings:
    """The parts of a run, every "auto" decided."""

    layout: Layout
    objective: Objective
    corruption: Corruption
    scaling: Scaling
    solver: Solver
    learning_rate: float | Schedule
    batch_size: int
    epochs: int
    weight_decay: float
    device: str


def settle(parameters: Parameters, moments: Moments, dtype: np.dtype[Any]) -> Settings:
    """Return the settings for rows of these moments; raise RecipeError where parameters do not fit."""
    sparsifiers, penalties = sparsity(parameters["sparsity"])
    error = one(parameters["loss"], Term, "loss")
    hidden, coding = activations(parameters["activation"], penalties)
    scaling = one(parameters["scaling"], Scaling, "scaling").chosen(moments, dtype)
    unit = in_unit_interval(scaling, moments)
    if isinstance(error, CrossEntropy) and not unit:
        raise DataError("cross_entropy needs rows in [0, 1]; set scaling='minmax' or loss='squared_error'")
    layout = Layout(
        (len(moments.mean), *widths(parameters["n_components"], len(moments.mean))),
        sparsifiers[0] if sparsifiers else coding,
        hidden=hidden,
        output=output(parameters["output_activation"], unit),
        tied=parameters["tied"],
    )
    objective = Objective((error, *penalties))
    try:
        objective.check(layout.offers())
    except RecipeError as refusal:
        raise RecipeError(f"{refusal}; activation='sigmoid' and output_activation='sigmoid' offer it") from None
    size = batch_size(parameters["batch_size"], moments.count)
    return Settings(
        layout=layout,
        objective=objective,
        corruption=corruption(parameters["corruption"]),
        scaling=scaling,
        solver=one(parameters["solver"], Solver, "solver"),
        learning_rate=learning_rate(parameters["learning_rate"], layout.coder),
        batch_size=size,
        epochs=epochs(parameters["max_iter"], moments.count, size),
        weight_decay=number(parameters, "alpha", 0, np.inf),
        device=device(parameters["device"]),
    )


def one(value: Any, family: type[Part], parameter: str) -> Part:
    """Return a part that is given as itself or as its text."""
    if isinstance(value, str):
        return family.parse(value)
    if not isinstance(value, family):
        raise RecipeError(f"{parameter}={value!r} is neither a {family.__name__} nor the text of one")
    return value


def corruption(value: Any) -> Corruption:
    """Return the corruption; None or "none" is none."""
    return Clean() if value in (None, "none") else one(value, Corruption, "corruption")


def sparsity(value: Any) -> tuple[list[Sparsifier], list[Term]]:
    """Return the coding layer, if one is named, and the penalties: `"topk:32"`, `"kl:0.05"`, a part, or several."""
    if value in (None, "none"):
        return [], []
    if isinstance(value, str):
        parts: Sequence[Any] = parse(value, Sparsifier, Term)
    elif isinstance(value, Objective):
        parts = value.terms
    else:
        parts = value if isinstance(value, Sequence) else [value]
    for part in parts:
        if not isinstance(part, Sparsifier | Term):
            raise RecipeError(f"sparsity={part!r} is neither a coding layer nor a penalty, nor the text of one")
    sparsifiers = [part for part in parts if isinstance(part, Sparsifier)]
    if len(sparsifiers) > 1:
        raise RecipeError(f"sparsity: {' + '.join(s.text for s in sparsifiers)} are two coding layers; name one")
    return sparsifiers, [part for part in parts if isinstance(part, Term)]


def activations(value: Any, penalties: Sequence[Term]) -> tuple[Elementwise, Elementwise]:
    """Return the hidden layers' and the coding layer's activation; a pair names both.

    "auto": ReLU, but for the coding layer sigmoid where a penalty needs codes in (0, 1).
    """
    if value == "auto":
        rates = any("values in (0, 1)" in term.needs for term in penalties)
        return ReLU(), Sigmoid() if rates else ReLU()
    pair = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    if len(pair) != 2:
        raise RecipeError(f"activation={value!r}: give one activation, or a pair (hidden layers', coding layer's)")
    return one(pair[0], Elementwise, "activation"), one(pair[1], Elementwise, "activation")


def output(value: Any, unit: bool) -> Elementwise:
    """Return the output activation; "auto": sigmoid where the scaled rows lie in [0, 1], else identity."""
    if value == "auto":
        return Sigmoid() if unit else Identity()
    return one(value, Elementwise, "output_activation")


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


def learning_rate(value: Any, coder: Sparsifier) -> float | Schedule:
    """Return the learning rate; "auto": 0.01 for sigmoid codes, else 0.003, falling to 0 over the last 30%."""
    if value == "auto":
        return Decay(0.01 if isinstance(coder, Sigmoid) else 0.003, last=0.3)
    if isinstance(value, str):
        return Schedule.parse(value)
    if isinstance(value, Schedule):
        return value
    return number({"learning_rate": value}, "learning_rate", 0, np.inf)


def batch_size(value: Any, n_rows: int) -> int:
    """Return the batch size; "auto": the power of two next to rows / 32, within 32 … 256."""
    if value == "auto":
        return min(max(2 ** round(np.log2(max(n_rows, 1) / 32)), 32), 256) if n_rows > 32 else 32
    return whole({"batch_size": value}, "batch_size")


def epochs(value: Any, n_rows: int, size: int) -> int:
    """Return the number of epochs; None: as many as make about 4,000 steps, within 20 … 1,000."""
    if value is None:
        return min(max(round(4000 / -(-n_rows // size)), 20), 1000)
    return whole({"max_iter": value}, "max_iter")


def device(value: Any) -> str:
    """Return the device's name; "auto": cuda where there is one."""
    if value == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=value)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise RecipeError(f"device={value!r} cannot be used here: {str(error).splitlines()[0]}") from error
    return str(value)


def number(parameters: Parameters, name: str, low: float, high: float) -> float:
    """Return a parameter that is a number in [low, high]."""
    value = parameters[name]
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value <= high:
        raise RecipeError(f"{name}={value!r} must be a number in [{low:g}, {high:g}]")
    return float(value)


def whole(parameters: Parameters, name: str) -> int:
    """Return a parameter that is a positive whole number."""
    value = parameters[name]
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise RecipeError(f"{name}={value!r} must be a positive whole number")
    return int(value)
