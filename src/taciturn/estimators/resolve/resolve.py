"""The parts of a run, resolved from an estimator's parameters and its rows."""

from typing import Any

import numpy as np

from ...core.errors import RecipeError
from ...corruption import VariableNoise
from ...data.moments import Moments
from ...model import Auto, Channels, LayerNorm, Layout, Scaling, scaled_range
from ...model.coding_layers import Identity
from ...model.networks import Network
from ...objective import Term
from ...training import Learner, Settings
from ...training.constraints import Constraint
from ...training.solvers import Solver
from ..parameters import RunParameters
from .network import activations, check_codes, objective, output, sparsity, widths
from .noisy_rows import check_noisy_rows
from .rows import (
    check_alike,
    check_batches,
    check_bounded,
    check_range,
    corruption,
    dictionary_scaling,
    image_scaling,
    unit,
)
from .tables import table_parts, table_scalings
from .training import (
    batch_size,
    device,
    epochs,
    learning_rate,
    precision,
    shuffle_window,
    survey_rows,
    validate_every,
)
from .transcoder import n_outputs
from .values import flag, number, part, positive_integer


def resolve(
    parameters: RunParameters,
    moments: Moments,
    dtype: np.dtype[Any],
    *,
    targets: Moments | None = None,
    target_dtype: np.dtype[Any] | None = None,
    fitted: Learner | None = None,
    n_rows: int | None = None,
) -> Settings:
    """Return the parts of a run, with every "auto" resolved.

    Parameters
    ----------
    parameters : RunParameters
        The estimator's parameters.
    moments : Moments
        Column statistics of the rows to train on.
    dtype : dtype
        Type of the rows, by which scaling="auto" tells images from other rows; see `scaling_dtype`.
    targets : Moments, optional
        Column statistics of the rows' targets; by default the rows are their own targets.
    target_dtype : dtype, optional
        Type of the targets; by default that of the rows.
    fitted : Learner, optional
        A learner that is trained further: its scalings, its unit and an automatic output activation stay.
    n_rows : int, optional
        Number of rows to train on; by default all were measured.

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
    target_moments, target_dtype = (moments, dtype) if targets is None else (targets, target_dtype or dtype)
    n_rows = moments.count if n_rows is None else n_rows
    levels = parameters.levels
    layers, penalties = sparsity(parameters.sparsity)
    error = part(parameters.loss, Term, "loss")
    if not error.is_reconstruction_error:
        raise RecipeError(
            f"loss={error.text!r} is not a reconstruction error; set loss='squared_error', sparsity={error.text!r}"
        )
    network = part(parameters.network, Network, "network")
    network.check_image(parameters.image)
    if not network.has_codes:
        check_codes(network, parameters.n_components, [*layers, *penalties])
    hidden, coding = activations(parameters.activation, penalties)
    if fitted is None:
        recipe = part(parameters.scaling, Scaling, "scaling")
        if network.axes == 1 and isinstance(recipe, Auto):
            recipe = Channels(network.size(parameters.image or ())[2])
        scaling, target_scaling = recipe.resolve(moments, dtype), recipe.resolve(target_moments, target_dtype)
        if parameters.centred and isinstance(recipe, Auto):
            scaling = dictionary_scaling(scaling, moments)
            target_scaling = dictionary_scaling(target_scaling, target_moments)
        if network.same_at_each_pixel:
            if isinstance(recipe, Auto):
                scaling, target_scaling = image_scaling(scaling), image_scaling(target_scaling)
            check_alike(network, scaling, target_scaling)
        # a time of a signal has the unit of its channel: each segment begins elsewhere
        error_unit = target_scaling if isinstance(recipe, Channels) else unit(target_moments, target_dtype)
        fitted_targets = target_moments
    else:
        earlier = fitted.settings
        scaling, target_scaling, error_unit = earlier.scaling, earlier.target_scaling, earlier.unit
        fitted_targets = fitted.moments if fitted.target_moments is None else fitted.target_moments
    n_targets = None if targets is None else len(targets.mean)
    outputs = n_outputs(parameters, len(moments.mean), n_targets, fitted)
    if outputs and isinstance(scaling, LayerNorm) and scaling.centre:
        raise RecipeError(
            "scaling='layer_norm' subtracts a row's mean, which targets with other columns do not have; "
            "set scaling='standard'"
        )
    if levels is not None:
        scaling, target_scaling, error_unit = table_scalings(levels, scaling, target_scaling, error_unit, fitted)
    low, high = scaled_range(target_scaling, fitted_targets, target_moments)
    if fitted is not None and parameters.output_activation == "auto":
        output_activation = fitted.settings.layout.output
    else:
        unit_interval = levels is None and low >= 0 and high <= 1 and network.has_codes
        output_activation = output(parameters.output_activation, unit_interval)
    if levels is not None:
        error, output_activation = table_parts(parameters, levels, target_scaling, fitted_targets, fitted)
    if n_rows > moments.count:
        check_bounded(error, target_scaling, target_dtype, parameters.survey_rows)
    check_range(error, output_activation, target_scaling, fitted_targets, target_moments, fitted=fitted is not None)
    # complete targets have a value for each missing one: the network learns to impute without more noise
    imputes = parameters.learns_to_impute and target_moments.missing.any()
    missing_share = moments.missing.mean() / moments.count if imputes else 0.0
    noise = corruption(parameters.corruption, missing_share)
    if levels is not None:
        noise = VariableNoise(noise, tuple(max(each, 1) for each in levels))
    if noise.for_noisy_rows:
        check_noisy_rows(noise, scaling, network, has_targets=targets is not None)
    layout = Layout(
        widths(parameters.n_components, len(moments.mean), network, parameters.image),
        (layers[0] if layers else coding) if network.has_codes else Identity(),
        hidden=hidden,
        output=output_activation,
        tied=flag("tied", parameters.tied),
        centred=parameters.centred and levels is None,  # a bias that is a logit is no centre of the rows
        whitened=scaling.whitens,
        quantiles=len(moments.quantiles) * scaling.ranks if fitted is None else fitted.settings.layout.quantiles,
        row_norm=scaling.by_rows,
        centre_rows=isinstance(scaling, LayerNorm) and scaling.centre,
        hides=noise.judges_hidden,
        norm=parameters.initial_norm,
        from_rows=parameters.from_rows if parameters.centred and levels is None else 0.0,
        outputs=outputs,
        skip=bool(parameters.skip),
        refine=parameters.refine,
        network=network,
        image=parameters.image if network.for_images else None,
    )
    batch_rows = batch_size(parameters.batch_size, n_rows, penalties, len(moments.mean), network)
    check_batches(noise, n_rows, batch_rows)
    max_steps = None if parameters.max_steps is None else positive_integer("max_steps", parameters.max_steps)
    return Settings(
        layout=layout,
        objective=objective(error, penalties, layout),
        corruption=noise,
        scaling=scaling,
        target_scaling=target_scaling,
        unit=error_unit,
        solver=part(parameters.solver, Solver, "solver"),
        learning_rate=learning_rate(parameters.learning_rate, layout.coder, penalties, network),
        batch_size=batch_rows,
        epochs=epochs(parameters.max_iter, n_rows, batch_rows, max_steps),
        weight_decay=number("alpha", parameters.alpha, 0, np.inf),
        device=device(parameters.device),
        constraint=part(parameters.constraint, Constraint, "constraint"),
        resample=parameters.resample,
        order=parameters.order,
        precision=precision(parameters.precision),
        shuffle_window=shuffle_window(parameters.shuffle_window, len(moments.mean), batch_rows),
        survey_rows=survey_rows(parameters.survey_rows),
        max_steps=max_steps,
        validate_every=validate_every(parameters.validate_every, batch_rows),
        redirect=parameters.redirect if levels is None and not outputs else None,
    )
