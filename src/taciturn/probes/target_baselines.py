"""Errors of simpler models that estimate targets from rows: the linear map, the skip alone, the untrained network."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.sources import Source
from ..data.split import Pairs
from ..inference import Units, in_row_precision, row_blocks
from ..metrics import SquaredErrors
from ..model import Autoencoder, dense
from ..model.coding_layers import ByVariable
from ..model.row_lengths import divided
from ..objective import Objective
from ..training.step import Step
from .baselines import (
    MAX_COLUMNS,
    MAX_FIT_NUMBERS,
    MAX_FIT_ROWS,
    MAX_ROWS,
    MIN_FIT_ROWS,
    UNTRAINED,
    Baseline,
    Baselines,
    fitted_decoder,
    sampled,
)
from .initial import initial_model

# rows, scaled rows, their lengths, and targets in the unit
Block = tuple[Tensor, Tensor, Tensor | None, Tensor]
# name, components, and rows, scaled rows and their lengths -> estimates in the unit
Estimate = tuple[str, int, Callable[[Tensor, Tensor, Tensor | None], Tensor]]


@torch.no_grad()
def target_baselines(
    model: Autoencoder, objective: Objective, training: Pairs, rows: Pairs, *, model_seed: int = 0, seed: int = 0
) -> Baselines:
    """Return the errors of a model that estimates targets, and of simpler ones, on the same rows.

    Parameters
    ----------
    model : Autoencoder
        The trained network.
    objective : Objective
        The model's; the untrained network's biases are initialised for it.
    training : (Source [*, D], Source [*, T])
        Rows that the simpler models are fitted to, and their targets: 50,000 (8,000 for the untrained network), drawn
        at random, if there are more.
    rows : (Source [*, D], Source [*, T])
        Rows and targets on which all models are evaluated; 50,000 of them, drawn at random, if there are more.
    model_seed : int, default=0
        Seed of the untrained network; the model's own seed gives its own initial weights.
    seed : int, default=0
        Seed of the draws of rows.

    Returns
    -------
    Baselines
        "linear map", if rows have at most 2,048 columns: the least squares map with an intercept. "skip alone", of a
        skip transcoder: its linear map with the best constant in place of the latents. "untrained encoder": the network
        before its first step, with a ridge regression from codes (and of a skip transcoder from rows as well) to
        targets as its decoder. Without any, but with a reason, if there are fewer than 4 training rows or the targets
        are constant.

    Notes
    -----
    A missing value of a row is its column's mean. For the linear map and the skip's constant a missing value of a
    target is the mean of the training targets; no model is evaluated on it.

    Examples
    --------
    >>> from taciturn import DictionaryAutoencoder
    >>> from taciturn.data.sources import Rows
    >>> X = np.random.default_rng(0).normal(size=(200, 6))
    >>> pairs = Rows(X), Rows(X[:, :2] + X[:, 2:4])
    >>> model = DictionaryAutoencoder(12, k=3, max_iter=1, random_state=0).fit(*pairs[:1], target=pairs[1])
    >>> found = target_baselines(model.module_, model.settings_.objective, pairs, pairs)
    >>> [(each.name, each.components) for each in found.models], found.models[0].fvu < 1e-9
    ([('linear map', 6), ('untrained encoder', 12)], True)
    """
    training, rows = (_sampled(pairs, MAX_ROWS, seed) for pairs in (training, rows))
    layout, n_rows = model.layout, len(rows[0])
    if len(training[0]) < MIN_FIT_ROWS:
        return Baselines("", n_rows, reason=f"Simpler models need {MIN_FIT_ROWS} rows or more to be fitted to.")
    if isinstance(layout.output, ByVariable):
        return Baselines("", n_rows, reason="Simpler models do not take booleans and categories.")
    exact = in_row_precision(model, rows[0].dtype)
    units = Units(exact)
    models: list[Estimate] = [
        ("this model", layout.widths[-1], lambda rows, x, lengths: units.outputs(exact.denoised(x), lengths))
    ]
    if layout.widths[0] <= MAX_COLUMNS:
        models.append(_linear_map(exact, training))
    if layout.skip:
        models.append(_skip_alone(exact, training))
    if layout.network.has_codes:
        models.append(_untrained(model, objective, _sampled(training, _fit_rows(model), model_seed), model_seed))
    if len(models) == 1:
        return Baselines("", n_rows, reason=f"The linear map takes at most {MAX_COLUMNS:,} columns.")
    errors = [SquaredErrors() for _ in models]
    for block_rows, x, lengths, y in _blocks(exact, rows):
        for (_, _, estimate), squared_errors in zip(models, errors, strict=True):
            squared_errors.add(y, estimate(block_rows, x, lengths))
    if not errors[0].moments.squares.any():
        return Baselines("", n_rows, reason="The targets are constant, so they have no variance to explain.")
    fvus = [squared_errors.fvu for squared_errors in errors]
    others = [Baseline(*named[:2], fvu) for named, fvu in zip(models[1:], fvus[1:], strict=True)]
    return Baselines("", n_rows, fvus[0], others)


def _linear_map(model: Autoencoder, training: Pairs) -> Estimate:
    """Return the least squares map from rows, whatever the scaling does to them, to targets."""
    n_columns = model.layout.widths[0] + 1
    products, cross = np.zeros((n_columns, n_columns)), np.zeros((n_columns, model.layout.n_outputs))
    mean = _target_means(model, training)
    for rows, _, _, y in _blocks(model, training):
        z = _with_ones(model, rows)
        products += z.T @ z
        cross += z.T @ np.where(np.isnan(targets := _as_array(y)), mean, targets)
    sizes = np.sqrt(np.diag(products))[:, None]  # of columns, which may have very different units
    sizes[sizes == 0] = 1
    weights = np.linalg.lstsq(products / (sizes @ sizes.T), cross / sizes)[0] / sizes

    def estimate(rows: Tensor, x: Tensor, lengths: Tensor | None) -> Tensor:
        return torch.from_numpy(_with_ones(model, rows) @ weights).to(rows.device)

    return "linear map", model.layout.widths[0], estimate


def _skip_alone(model: Autoencoder, training: Pairs) -> Estimate:
    """Return the linear map inside a skip transcoder, with the constant that is best on the training rows."""
    units, no_codes = Units(model), torch.zeros(1, model.layout.widths[-1]).to(model.dictionary)

    def of_skip(x: Tensor, lengths: Tensor | None) -> Tensor:
        return units.outputs(model.output(model.decode(dense(no_codes.expand(len(x), -1)), x)), lengths)

    mean, total, count = _target_means(model, training), np.zeros(model.layout.n_outputs), 0
    for _, x, lengths, y in _blocks(model, training):
        total += (np.where(np.isnan(targets := _as_array(y)), mean, targets) - _as_array(of_skip(x, lengths))).sum(0)
        count += len(x)
    constant = torch.from_numpy(total / count).to(model.dictionary.device)
    return "skip alone", model.layout.widths[0], lambda rows, x, lengths: of_skip(x, lengths).double() + constant


def _untrained(model: Autoencoder, objective: Objective, training: Pairs, seed: int) -> Estimate:
    """Return the network before its first step, with a ridge regression to scaled targets as its decoder."""
    twin = initial_model(model, seed)
    parts = []
    for rows, y in _raw_blocks(twin, training):
        x, lengths = twin.scaled_and_lengths(rows)
        target = twin.scale_targets(y)
        parts.append((x.float(), (target if lengths is None else divided(target, lengths)).float()))
    x, targets = (torch.cat(part) for part in zip(*parts, strict=True))
    Step(twin, objective).initialise(x, steps=1, target=targets)
    twin.layout.coder.at(1.0).finalise(twin.pre_activations(x), twin.coder)

    def features(x: Tensor) -> NDArray[np.float32]:
        codes = twin.codes(x.to(twin.dictionary)).dense()
        return (torch.cat([codes, x.to(codes)], 1) if twin.layout.skip else codes).numpy()

    decoder, units = fitted_decoder(features(x), targets.numpy(), seed), Units(twin)

    def estimate(rows: Tensor, x: Tensor, lengths: Tensor | None) -> Tensor:
        output = torch.from_numpy(decoder.predict(features(x)).reshape(len(x), -1))
        return units.outputs(output, None if lengths is None else lengths.cpu()).to(rows.device)

    return UNTRAINED, model.layout.widths[-1], estimate


def _fit_rows(model: Autoencoder) -> int:
    """Return the most rows that the untrained network's decoder is fitted to."""
    return max(min(MAX_FIT_ROWS, MAX_FIT_NUMBERS // max(model.layout.widths)), 100)


def _target_means(model: Autoencoder, pairs: Pairs) -> NDArray[np.float64]:
    """Return the means [T] of the known values of targets, in the unit; 0 where none is known."""
    errors = SquaredErrors()
    for _, _, _, y in _blocks(model, pairs):
        errors.add(y, y)
    return np.nan_to_num(np.asarray(errors.moments.mean))


def _with_ones(model: Autoencoder, rows: Tensor) -> NDArray[np.float64]:
    """Return rows [B, D + 1] less the training rows' mean, and a column of ones."""
    shifted = (rows.double() - model.mean).nan_to_num(0.0)
    return np.column_stack([_as_array(shifted), np.ones(len(rows))])


def _blocks(model: Autoencoder, pairs: Pairs) -> Iterator[Block]:
    """Yield blocks of rows, the same scaled, their lengths, and their targets in the unit."""
    units = Units(model)
    for rows, y in _raw_blocks(model, pairs):
        yield rows, *model.scaled_and_lengths(rows), units.rows(y)


def _raw_blocks(model: Autoencoder, pairs: Pairs) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield blocks of rows and of their targets."""
    rows, targets = pairs
    assert targets is not None
    return zip(row_blocks(model, rows), row_blocks(model, targets), strict=True)


def _sampled(pairs: Pairs, max_rows: int, seed: int) -> tuple[Source, Source]:
    """Return pairs, or `max_rows` of them drawn by the seed if there are more."""
    rows, targets = pairs
    assert targets is not None
    return sampled(rows, max_rows, seed), sampled(targets, max_rows, seed)


def _as_array(numbers: Tensor) -> NDArray[np.float64]:
    return numbers.double().cpu().numpy()
