"""The parts of a run, resolved from an estimator's parameters and its rows: one function for each "auto" rule."""

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

MAX_AUTO_BATCH_ROWS = 256

# The parameter that provides what a term requires.
MEND_FOR = {
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
    """Return the parts of a run, with every "auto" resolved.

    Parameters
    ----------
    parameters : RunParameters
        The estimator's parameters.
    moments : Moments
        Column statistics of the rows.
    dtype : dtype
        Type of the rows, as the source returns them.
    n_rows : int, optional
        Number of rows to train on; by default the number that `moments` counts.
    targets : Moments, optional
        Column statistics of the rows' targets; by default the rows are their own targets.

    Returns
    -------
    Settings

    Raises
    ------
    RecipeError
        A parameter is not valid, or two parameters do not fit each other; the message names a mend.
    DataError
        The loss requires rows in [0, 1], and the scaled rows or targets lie outside.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder
    >>> moments = Moments().add([[0.0, 1.0], [0.5, 0.2]])
    >>> settings = resolve(SparseAutoencoder(4)._run_parameters(), moments, np.dtype(float))
    >>> settings.layout.coder.text, settings.objective.text, settings.learning_rate.text
    ('sigmoid', 'squared_error+kl:0.05', 'decay:0.01')
    """
    n_rows = moments.count if n_rows is None else n_rows
    layers, penalties = sparsity(parameters.sparsity)
    error = part(parameters.loss, Term, "loss")
    if not error.is_reconstruction_error:
        raise RecipeError(
            f"loss={error.text!r} is not a reconstruction error; set loss='squared_error', sparsity={error.text!r}"
        )
    hidden, coding = activations(parameters.activation, penalties)
    scaling = part(parameters.scaling, Scaling, "scaling").resolve(moments, dtype)
    unit_interval = in_unit_interval(scaling, moments, moments if targets is None else targets)
    if error.unit_interval_only and not unit_interval:
        raise DataError(f"{error.name} needs rows in [0, 1]; set scaling='minmax' or loss='squared_error'")
    layout = Layout(
        (len(moments.mean), *widths(parameters.n_components, len(moments.mean))),
        layers[0] if layers else coding,
        hidden=hidden,
        output=output(parameters.output_activation, unit_interval),
        tied=flag("tied", parameters.tied),
        centred=parameters.centred,
        whitened=scaling.whitens,
        norm=parameters.initial_norm,
        refine=parameters.refine,
    )
    batch_rows = batch_size(parameters.batch_size, n_rows, penalties)
    return Settings(
        layout=layout,
        objective=objective(error, penalties, layout),
        corruption=corruption(parameters.corruption),
        scaling=scaling,
        solver=part(parameters.solver, Solver, "solver"),
        learning_rate=learning_rate(parameters.learning_rate, layout.coder, penalties),
        batch_size=batch_rows,
        epochs=epochs(parameters.max_iter, n_rows, batch_rows),
        weight_decay=number("alpha", parameters.alpha, 0, np.inf),
        device=device(parameters.device),
        constraint=part(parameters.constraint, Constraint, "constraint"),
        resample=parameters.resample,
        order=parameters.order,
        precision=precision(parameters.precision),
    )


def objective(error: Term, penalties: Sequence[Term], layout: Layout) -> Objective:
    """Return the sum of the reconstruction error and the penalties.

    Parameters
    ----------
    error : Term
        The reconstruction error.
    penalties : sequence of Term
        The penalties; may be empty.
    layout : Layout
        The network.

    Returns
    -------
    Objective

    Raises
    ------
    RecipeError
        The network does not provide what a term requires; the message names the parameter to change.
    """
    terms, provided = Objective((error, *penalties)), layout.provides()
    try:
        terms.check(provided)
    except RecipeError as failure:
        missing = next(iter(terms.missing(provided).values()))[0]
        excluded = not (isinstance(layout.coder, Elementwise) or missing.part == "output")
        mend = f"leave out {layout.coder.text}" if excluded else f"set {MEND_FOR.get(missing, 'another activation')}"
        raise RecipeError(f"{failure}; {mend}") from None
    return terms


def part(value: Any, family: type[Part], parameter: str) -> Part:
    """Return the part that a parameter's value describes.

    Parameters
    ----------
    value : str or Part
        A text is parsed; a part is returned itself.
    family : type
        The class that the part must be of, such as `Solver`.
    parameter : str
        The parameter's name, for the message.

    Returns
    -------
    Part

    Raises
    ------
    RecipeError
        The text names no part of the family, or the value is neither a text nor a part of it.

    Examples
    --------
    >>> part("adam:clip=0.5", Solver, "solver").clip
    0.5
    """
    if isinstance(value, str):
        return family.parse(value)
    if not isinstance(value, family):
        raise RecipeError(f"{parameter}={value!r} is neither a {family.__name__} nor the text of one")
    return value


def requires_products(scaling: Any) -> bool:
    """Return whether the scaling (a text or a Scaling) requires products of columns: whether it whitens."""
    return part(scaling, Scaling, "scaling").whitens


def corruption(value: Any) -> Corruption:
    """Return the corruption of a text or a Corruption; `Clean()` for None and "none".

    Raises
    ------
    RecipeError
        The text names no corruption, or the value is of another type.

    Examples
    --------
    >>> corruption("gaussian:0.4").std, corruption(None).clean
    (0.4, True)
    """
    return Clean() if value in (None, "none") else part(value, Corruption, "corruption")


def sparsity(value: Any) -> tuple[list[CodingLayer], list[Term]]:
    """Return the coding layer, if there is one, and the penalties.

    Parameters
    ----------
    value : str, CodingLayer, Term, Objective, sequence of them, or None
        "topk:32", "kl:0.05", "topk:32+l1:weight=0.01", or parts. None and "none": neither.

    Returns
    -------
    layers : list of CodingLayer
        At most one.
    penalties : list of Term

    Raises
    ------
    RecipeError
        There are two coding layers, or a value is not a coding layer or a term.

    Examples
    --------
    >>> layers, penalties = sparsity("topk:32+l1:weight=0.01")
    >>> [layer.text for layer in layers], [penalty.text for penalty in penalties]
    (['topk:32'], ['l1:weight=0.01'])
    """
    if value in (None, "none"):
        return [], []
    values = value.terms if isinstance(value, Objective) else [value] if isinstance(value, str) else value
    values = values if isinstance(values, Sequence) else [values]
    parts = [each for v in values for each in (parse(v, CodingLayer, Term) if isinstance(v, str) else [v])]
    for each in parts:
        if not isinstance(each, CodingLayer | Term):
            raise RecipeError(f"sparsity={each!r} is neither a coding layer nor a penalty, nor the text of one")
    layers = [each for each in parts if isinstance(each, CodingLayer)]
    if len(layers) > 1:
        raise RecipeError(f"sparsity: {' + '.join(layer.text for layer in layers)} are two coding layers; name one")
    return layers, [each for each in parts if isinstance(each, Term)]


def activations(value: Any, penalties: Sequence[Term]) -> tuple[Elementwise, Elementwise]:
    """Return the activation functions of the hidden layers and of the coding layer.

    "auto" is ReLU for both, except that the coding layer has a sigmoid if a penalty requires codes in (0, 1).

    Parameters
    ----------
    value : str, Elementwise or pair of them
        One activation function for both, or a pair (hidden layers, coding layer).
    penalties : sequence of Term
        The penalties.

    Returns
    -------
    hidden, coding : Elementwise

    Raises
    ------
    RecipeError
        The value is not an activation function or a pair of them.

    Examples
    --------
    >>> activations(("elu", "sigmoid"), [])
    (ELU(), Sigmoid())
    """
    if value == "auto":
        unit_interval = any(Capability.UNIT_INTERVAL_CODES in term.requires for term in penalties)
        return ReLU(), Sigmoid() if unit_interval else ReLU()
    pair = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    if len(pair) != 2:
        raise RecipeError(f"activation={value!r}: give one activation, or a pair (hidden layers, coding layer)")
    return part(pair[0], Elementwise, "activation"), part(pair[1], Elementwise, "activation")


def output(value: Any, unit_interval: bool) -> Elementwise:
    """Return the output activation; "auto" is sigmoid if the scaled rows and targets lie in [0, 1], else identity.

    Parameters
    ----------
    value : str or Elementwise
        "auto", or an activation function.
    unit_interval : bool
        Whether the scaled rows and targets lie in [0, 1].

    Returns
    -------
    Elementwise

    Raises
    ------
    RecipeError
        The value is not an activation function.

    Examples
    --------
    >>> output("auto", True), output("auto", False)
    (Sigmoid(), Identity())
    """
    if value == "auto":
        return Sigmoid() if unit_interval else Identity()
    return part(value, Elementwise, "output_activation")


def widths(n_components: Any, n_inputs: int) -> tuple[int, ...]:
    """Return the widths of the hidden layers and, last, the number of latents.

    None is one layer of four latents per input, at least 16 and at most 1,024.

    Parameters
    ----------
    n_components : int, tuple of int or None
        The number of latents, or all widths.
    n_inputs : int
        The number of columns.

    Returns
    -------
    tuple of int
        Each ≥ 1.

    Raises
    ------
    RecipeError
        A width is not a positive whole number, or there is none.

    Examples
    --------
    >>> widths(None, 64), widths((40, 20), 64)
    ((256,), (40, 20))
    """
    if n_components is None:
        return (min(max(4 * n_inputs, 16), 1024),)
    values = n_components if isinstance(n_components, Sequence) else (n_components,)
    for width in values:
        if isinstance(width, bool) or not isinstance(width, int | np.integer) or width < 1:
            raise RecipeError(f"n_components={n_components!r} must be a positive whole number or a tuple of them")
    if not values:
        raise RecipeError("n_components=() names no layer; give at least the number of latents")
    return tuple(int(width) for width in values)


def learning_rate(value: Any, coder: CodingLayer, penalties: Sequence[Term]) -> float | Schedule:
    """Return the learning rate.

    "auto" is constant and falls linearly to 0 over the last 30% of the steps. It starts at 0.01 if the codes lie in
    (0, 1); else at 0.001 if a penalty has a target L0 (at a higher rate too many latents become inactive for good);
    else at 0.003.

    Parameters
    ----------
    value : float, str or Schedule
        "auto", a number ≥ 0, or a schedule between such numbers.
    coder : CodingLayer
        The coding layer.
    penalties : sequence of Term
        The penalties.

    Returns
    -------
    float or Schedule

    Raises
    ------
    RecipeError
        The text names no schedule, or the value is negative or not finite at the start or the end of the run.

    Examples
    --------
    >>> learning_rate("auto", Sigmoid(), []).text, learning_rate("auto", ReLU(), []).text
    ('decay:0.01', 'decay:0.003')
    """
    if value == "auto":
        has_target_l0 = any(term.target_kind == "l0" and term.target_value is not None for term in penalties)
        unit_interval = Capability.UNIT_INTERVAL_CODES in coder.provides
        return Decay(0.01 if unit_interval else 0.001 if has_target_l0 else 0.003, last=0.3)
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
    """Return the automatic learning rate of a dictionary, which falls linearly to 0 over the last 20% of the steps.

    It starts at 0.003 for batches of at most 256 rows, and at 0.003 √(rows / 256) for larger ones, at most 0.01.

    Parameters
    ----------
    batch_size : int or "auto"
        Rows in a batch.

    Returns
    -------
    Schedule

    Examples
    --------
    >>> dictionary_rate("auto").text, dictionary_rate(1024).text
    ('decay:0.003,last=0.2', 'decay:0.006,last=0.2')
    """
    ratio = batch_size / MAX_AUTO_BATCH_ROWS if isinstance(batch_size, int | np.integer) else 1.0
    return Decay(min(0.003 * math.sqrt(max(ratio, 1.0)), 0.01), last=0.2)


def batch_size(value: Any, n_rows: int, penalties: Sequence[Term]) -> int:
    """Return the number of rows in a batch.

    "auto" is the power of two nearest to rows / 32 (on a logarithmic scale), at least 32 and at most 256. If a penalty
    has a target mean activation ρ, it is at least the next power of two above 1 / (2ρ), or all rows if there are fewer:
    a smaller batch is too small to measure ρ.

    Parameters
    ----------
    value : int or "auto"
        The number of rows, ≥ 1.
    n_rows : int
        Number of rows to train on.
    penalties : sequence of Term
        The penalties.

    Returns
    -------
    int

    Raises
    ------
    RecipeError
        The value is not a positive whole number.

    Warns
    -----
    SmallBatch
        A batch of the given size is too small to measure the target of a penalty.

    Examples
    --------
    >>> batch_size("auto", 1797, []), batch_size("auto", 1_000_000, []), batch_size(20, 1797, [])
    (64, 256, 20)
    """
    rates = [term.target_value for term in penalties if term.target_kind == "rate" and term.target_value is not None]
    min_rows = min(2 ** math.ceil(math.log2(0.5 / min(rates))), n_rows) if rates else 1
    if value == "auto":
        by_rows = min(max(2 ** round(math.log2(n_rows / 32)), 32), MAX_AUTO_BATCH_ROWS) if n_rows > 32 else 32
        return max(by_rows, min_rows)
    size = positive_integer("batch_size", value)
    if size < min_rows:
        warnings.warn(
            f"batch_size={size} is too small to measure a mean activation of {min(rates):g}; set {min_rows} or more",
            SmallBatch,
            stacklevel=4,
        )
    return size


def epochs(value: Any, n_rows: int, batch_rows: int) -> int:
    """Return the number of epochs; None is as many as give about 4,000 steps, at least 20 and at most 1,000.

    Parameters
    ----------
    value : int or None
        The number of epochs, ≥ 1.
    n_rows : int
        Number of rows to train on.
    batch_rows : int
        Rows in a batch.

    Returns
    -------
    int

    Raises
    ------
    RecipeError
        The value is not a positive whole number.

    Examples
    --------
    >>> epochs(None, 1797, 64), epochs(None, 60_000, 256)
    (138, 20)
    """
    if value is None:
        return min(max(round(4000 / -(-n_rows // batch_rows)), 20), 1000)
    return positive_integer("max_iter", value)


def device(value: Any) -> str:
    """Return the device's name; "auto" is "cuda" if torch has a CUDA device, else "cpu".

    Raises
    ------
    RecipeError
        torch cannot use the device on this machine.

    Examples
    --------
    >>> device("cpu")
    'cpu'
    """
    if value == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=torch.device(value)).item()  # the device "meta" has no values to read
    except Exception as error:  # each kind of device has its own
        raise RecipeError(f"device={value!r} cannot be used on this machine; set 'auto' or 'cpu'") from error
    return str(value)


def precision(value: Any) -> str:
    """Return the precision in which kernels look for candidates and training may multiply; see `Settings`.

    Raises
    ------
    RecipeError
        The value is not "fp32", "bf16" or "int8".
    """
    if value not in PRECISIONS:
        raise RecipeError(f"precision={value!r} must be one of {', '.join(map(repr, PRECISIONS))}")
    return str(value)


def flag(name: str, value: Any) -> bool:
    """Return the value of the parameter `name` if it is True or False; raise RecipeError if it is not.

    Examples
    --------
    >>> flag("tied", "yes")
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: tied='yes' must be True or False
    """
    if not isinstance(value, bool | np.bool_):
        raise RecipeError(f"{name}={value!r} must be True or False")
    return bool(value)


def number(name: str, value: Any, low: float, high: float) -> float:
    """Return the value of the parameter `name` if it is a number in [low, high); raise RecipeError if it is not.

    Examples
    --------
    >>> number("alpha", -1, 0, np.inf)
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: alpha=-1 must be a number in [0, inf)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value < high:
        raise RecipeError(f"{name}={value!r} must be a number in [{low:g}, {high:g})")
    return float(value)


def positive_integer(name: str, value: Any) -> int:
    """Return the value of the parameter `name` if it is a positive whole number; raise RecipeError if it is not.

    Examples
    --------
    >>> positive_integer("max_iter", 0)
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: max_iter=0 must be a positive whole number
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise RecipeError(f"{name}={value!r} must be a positive whole number")
    return int(value)


def dictionary_parts() -> dict[str, type[CodingLayer] | type[Term]]:
    """Return the parts that a dictionary's `sparsity` may name alone, by name.

    Each has a `dictionary_text`: the recipe that its name stands for.

    Examples
    --------
    >>> sorted(dictionary_parts())
    ['batch_topk', 'gated', 'jumprelu', 'l1', 'topk']
    """
    parts = (find(name, CodingLayer, Term) for name in names(CodingLayer, Term))
    return {kind.name: kind for kind in parts if issubclass(kind, CodingLayer | Term) and kind.dictionary_text}
