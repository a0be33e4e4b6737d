"""The parts of a run, resolved from an estimator's parameters and its rows."""

from typing import Any

import numpy as np

from ...core.errors import DataError, RecipeError
from ...data.moments import Moments
from ...model import Layout, Scaling, in_unit_interval
from ...objective import Term
from ...training import Settings
from ...training.constraints import Constraint
from ...training.solvers import Solver
from ..parameters import RunParameters
from .network import activations, objective, output, sparsity, widths
from .rows import corruption
from .training import batch_size, device, epochs, learning_rate, precision
from .values import flag, number, part


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
