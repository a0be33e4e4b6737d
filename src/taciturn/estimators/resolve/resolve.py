"""The parts of a run, resolved from an estimator's parameters and its rows."""

from typing import Any

import numpy as np

from ...core.errors import RecipeError
from ...data.moments import Moments
from ...model import Layout, Scaling, scaled_range
from ...objective import Term
from ...training import Settings
from ...training.constraints import Constraint
from ...training.solvers import Solver
from ..parameters import RunParameters
from .network import activations, objective, output, sparsity, widths
from .rows import check_batches, check_range, corruption
from .training import batch_size, device, epochs, learning_rate, precision
from .values import flag, number, part


def resolve(
    parameters: RunParameters,
    moments: Moments,
    dtype: np.dtype[Any],
    *,
    rows: Moments | None = None,
    targets: Moments | None = None,
) -> Settings:
    """Return the parts of a run, with every "auto" resolved.

    Parameters
    ----------
    parameters : RunParameters
        The estimator's parameters.
    moments : Moments
        Column statistics of the rows that the scaling is fitted to.
    dtype : dtype
        Type of the rows, by which scaling="auto" tells images from other rows; see `scaling_dtype`.
    rows : Moments, optional
        Column statistics of the rows to train on, if the scaling is that of an earlier fit; by default `moments`.
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
        The loss requires targets in [0, 1], and the scaled targets lie outside.

    Warns
    -----
    UnreachableTargets
        Scaled targets lie outside the output activation's bounds.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder
    >>> moments = Moments().add([[0.0, 1.0], [0.5, 0.2]])
    >>> settings = resolve(SparseAutoencoder(4)._run_parameters(), moments, np.dtype(float))
    >>> settings.layout.coder.text, settings.objective.text, settings.learning_rate.text
    ('sigmoid', 'squared_error+kl:0.05', 'decay:0.01')
    """
    rows, fitted = (moments, False) if rows is None else (rows, True)
    targets = rows if targets is None else targets
    layers, penalties = sparsity(parameters.sparsity)
    error = part(parameters.loss, Term, "loss")
    if not error.is_reconstruction_error:
        raise RecipeError(
            f"loss={error.text!r} is not a reconstruction error; set loss='squared_error', sparsity={error.text!r}"
        )
    hidden, coding = activations(parameters.activation, penalties)
    scaling = part(parameters.scaling, Scaling, "scaling").resolve(moments, dtype)
    ranges = [scaled_range(scaling, moments, scaled) for scaled in (rows, targets)]
    output_activation = output(parameters.output_activation, all(low >= 0 and high <= 1 for low, high in ranges))
    check_range(error, output_activation, scaling, moments, targets, fitted=fitted)
    layout = Layout(
        (len(moments.mean), *widths(parameters.n_components, len(moments.mean))),
        layers[0] if layers else coding,
        hidden=hidden,
        output=output_activation,
        tied=flag("tied", parameters.tied),
        centred=parameters.centred,
        whitened=scaling.whitens,
        norm=parameters.initial_norm,
        refine=parameters.refine,
    )
    batch_rows, noise = batch_size(parameters.batch_size, rows.count, penalties), corruption(parameters.corruption)
    check_batches(noise, rows.count, batch_rows)
    return Settings(
        layout=layout,
        objective=objective(error, penalties, layout),
        corruption=noise,
        scaling=scaling,
        solver=part(parameters.solver, Solver, "solver"),
        learning_rate=learning_rate(parameters.learning_rate, layout.coder, penalties),
        batch_size=batch_rows,
        epochs=epochs(parameters.max_iter, rows.count, batch_rows),
        weight_decay=number("alpha", parameters.alpha, 0, np.inf),
        device=device(parameters.device),
        constraint=part(parameters.constraint, Constraint, "constraint"),
        resample=parameters.resample,
        order=parameters.order,
        precision=precision(parameters.precision),
    )
