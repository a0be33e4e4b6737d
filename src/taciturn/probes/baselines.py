"""Errors of simpler models on the same rows: principal components, and the network before training."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import LinAlgWarning
from sklearn.linear_model import Ridge
from torch import Tensor

from ..core.seeds import generator
from ..corruption import Clean, Corruption, corrupted
from ..data.device_rows import tensor
from ..data.moments import Moments
from ..data.sources import Source, Subset
from ..data.split import split
from ..inference import Units, corrupted_only, filled, in_row_precision, of_noisy_length, row_blocks, with_missing
from ..metrics import SquaredErrors
from ..model import Autoencoder
from ..model.coding_layers import ByVariable
from ..model.row_lengths import relative
from ..objective import Objective
from ..training.step import Step
from .initial import initial_model

UNTRAINED = "untrained encoder"  # the name of a baseline
MAX_COLUMNS = 2048  # the time of PCA grows with the cube of the columns
MAX_ROWS = 50_000  # rows that PCA is trained on, and that all models are evaluated on
MAX_FIT_ROWS = 8_000  # rows that the untrained network's decoder is fitted to
MAX_FIT_NUMBERS = 1 << 25  # numbers of these rows, and of their codes
MIN_FIT_ROWS = 4  # the decoder is fitted to three quarters of the rows
PENALTIES = (1e-3, 1e-1, 10.0)  # candidates for the decoder's ridge penalty, per row
FILLS = 10  # times that missing values of the decoder's targets are replaced by its own predictions
MAX_MASKED_PRODUCTS = 1 << 30  # of PCA under noise, on rows with missing values: rows times columns squared

# name, components, and scaled rows with their lengths -> reconstructions in the unit
Fitted = tuple[str, int, Callable[[Tensor, Tensor | None], Tensor]]


@dataclass(frozen=True)
class Baseline:
    """A simpler model and its error.

    Attributes
    ----------
    name : str
        "PCA" or "untrained encoder"; of targets "linear map", "skip alone" or "untrained encoder".
    components : int
        The number of its components or latents; of a map of rows that of their columns.
    fvu : float
        Its fraction of variance unexplained, as `SquaredErrors.fvu` (≥ 0, 0 is perfect), on the evaluation rows.
    """

    name: str
    components: int
    fvu: float


@dataclass(frozen=True)
class Baselines:
    """The errors of a model and of simpler models on the same rows, under the same noise.

    Attributes
    ----------
    corruption : str
        The noise on the rows that all models receive; their results are compared with the clean rows. "" for none.
    rows : int
        The number of rows that the models are evaluated on.
    model : float or None
        The model's own fraction of variance unexplained, ≥ 0; None if `models` is empty.
    models : list of Baseline
        The simpler models.
    reason : str
        Why there are no simpler models, as a sentence; "" if there are some.
    hidden : bool
        Whether all models estimate each entry from the others of its row, and are compared with the rows as they are:
        those of a model that was trained on noisy rows alone.
    """

    corruption: str
    rows: int
    model: float | None = None
    models: list[Baseline] = field(default_factory=list)
    reason: str = ""
    hidden: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)


@torch.no_grad()
def baselines(
    model: Autoencoder,
    objective: Objective,
    training: Source,
    rows: Source,
    *,
    corruption: Corruption | None = None,
    sizes: Sequence[int] = (),
    model_seed: int = 0,
    seed: int = 0,
) -> Baselines:
    """Return the errors of a model, of PCA and of the network before its first step, on the same rows.

    With a corruption all models receive the corrupted rows, and their results are compared with the clean rows. Without
    one, a model that hides entries (`blind_spot`) and PCA estimate each entry from the others of its row.

    Parameters
    ----------
    model : Autoencoder
        The trained network. Its scaling is applied to all rows, and the noise is added to the scaled rows.
    objective : Objective
        The model's, with the same targets; the untrained network's biases are initialised for it.
    training : Source
        Rows [*, D] that the simpler models are fitted to: 50,000 for PCA and 8,000 for the untrained network's decoder
        (fewer if they are very wide), drawn at random, if there are more.
    rows : Source
        Rows [*, D] that all models are evaluated on; 50,000 of them, drawn at random, if there are more.
    corruption : Corruption or None, default=None
        The noise; schedules stand at their last value. None: clean rows.
    sizes : sequence of int, default=()
        Numbers of components of PCA on clean rows; more than D count as D. Under noise PCA has the number that is best
        on the training rows instead.
    model_seed : int, default=0
        Seed of the untrained network; the model's own seed gives its own initial weights.
    seed : int, default=0
        Seed of the noise and of the draws of rows.

    Returns
    -------
    Baselines
        Without PCA if rows have more than 2,048 columns, without the untrained network if it has no codes. Without any
        simpler model, but with a reason, if there are fewer than 4 training rows or the evaluation rows are constant.

    Notes
    -----
    PCA of Pearson (1901). With the mean m and the directions v of the clean training rows, a row x that is received as
    y (under noise; else y = x) is reconstructed as m + Σ_i (v_i · (y - m)) v_i. So its squared error is

        ‖x - m‖² + Σ_i ((v_i · (y - x))² - (v_i · (x - m))²)

    The untrained network has a ridge regression from the codes of received rows to clean rows as its decoder; its
    penalty is chosen on a quarter of the training rows. Its error is what random directions reach: the part that the
    encoder did not have to learn.

    Where entries are hidden, PCA is the Gaussian of Tipping and Bishop (1999), whose covariance has the K largest
    eigenvalues of that of the training rows, and the mean of the others in their place. With its inverse P, the entries
    H of a row are estimated from the others as x_H - P_HH⁻¹ (P (x - m))_H. Entries are hidden in the groups of the
    model. K is the power of 2 that is best on a quarter of the training rows, to which the Gaussian is not fitted.

    Missing values are received as their column's mean by all models, and all are evaluated on the known values. PCA is
    fitted to rows with the mean in place of missing values, and its number of components is best on the known ones. The
    untrained network's decoder is fitted to the known values: missing ones are replaced by its own predictions, ten
    times.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder, datasets
    >>> rows = datasets.load("digits")
    >>> model = SparseAutoencoder(16, sparsity="kl:0.1", max_iter=1, random_state=0).fit(rows)
    >>> found = baselines(model.module_, model.settings_.objective, rows, rows, sizes=[1, 16, 64])
    >>> [(baseline.name, baseline.components, round(baseline.fvu, 2)) for baseline in found.models[:3]]
    [('PCA', 1, 0.85), ('PCA', 16, 0.15), ('PCA', 64, 0.0)]
    """
    layout = model.layout
    noise, rows = (corruption or Clean()).at(1.0), sampled(rows, MAX_ROWS, seed)
    name = "" if noise.clean else (corruption or noise).text
    if len(training) < MIN_FIT_ROWS:
        return Baselines(name, len(rows), reason=f"Simpler models need {MIN_FIT_ROWS} rows or more to be fitted to.")
    if isinstance(layout.output, ByVariable):
        return Baselines(name, len(rows), reason="Simpler models do not take booleans and categories.")
    exact = in_row_precision(model, rows.dtype)
    hidden = exact.blind_spots is not None and noise.clean

    def reconstruct(received: Tensor, lengths: Tensor | None) -> Tensor:
        return Units(exact).outputs(exact.predicted(received) if hidden else exact.denoised(received), lengths)

    models: list[Fitted] = [("this model", layout.widths[-1], reconstruct)]
    if layout.widths[0] <= MAX_COLUMNS:
        pca_rows = sampled(training, MAX_ROWS, seed)
        models += (
            [_hidden_components(model, pca_rows, seed)]
            if hidden
            else _principal_components(model, pca_rows, noise, sizes, seed)
        )
    if not hidden and layout.network.has_codes:
        models.append(_untrained(model, objective, training, noise, model_seed, seed))
    if len(models) == 1 and not hidden:
        return Baselines(name, len(rows), reason=f"PCA takes at most {MAX_COLUMNS:,} columns.")
    errors = [SquaredErrors() for _ in models]
    for received, lengths, clean in _received_and_clean(exact, rows, noise, seed, "evaluate"):
        for (_, _, predict), squared_errors in zip(models, errors, strict=True):
            squared_errors.add(clean, predict(received, lengths))
    if not errors[0].moments.squares.any():
        return Baselines(name, len(rows), reason="The rows are constant, so they have no variance to reconstruct.")
    fvus = [squared_errors.fvu for squared_errors in errors]
    others = [Baseline(*named[:2], fvu) for named, fvu in zip(models[1:], fvus[1:], strict=True)]
    return Baselines(name, len(rows), fvus[0], others, hidden=hidden)


def _principal_components(
    model: Autoencoder, training: Source, noise: Corruption, sizes: Sequence[int], seed: int
) -> list[Fitted]:
    """Return PCA of clean rows with each number of components; under noise, with the best number on these rows."""
    model, moments = in_row_precision(model, training.dtype), Moments(with_products=True)
    has_holes = noise.makes_missing
    for x, lengths, clean in _received_and_clean(model, training, Clean(), seed, ""):
        moments.add(_as_array(_in_unit(model, x, lengths)))
        has_holes |= bool(clean.isnan().any())
    directions_DD = np.ascontiguousarray(np.linalg.eigh(moments.products)[1][:, ::-1])
    if not noise.clean:
        change_D = np.zeros(len(directions_DD))  # of the squared error, by one component more
        if has_holes:
            training = sampled(training, max(MAX_MASKED_PRODUCTS // len(directions_DD) ** 2, 1), seed)
        for received, lengths, clean in _received_and_clean(model, training, noise, seed, "baselines"):
            y, target = _as_array(_in_unit(model, received, lengths)), _as_array(clean)
            change_D += _changes(y - moments.mean, target - moments.mean, directions_DD, masked=has_holes)
        sizes = [int(np.argmin(np.concatenate([[0.0], np.cumsum(change_D)])))]

    def projection(size: int) -> Callable[[Tensor, Tensor | None], Tensor]:
        directions_DK = directions_DD[:, :size]

        def reconstruct(received: Tensor, lengths: Tensor | None) -> Tensor:
            centred = _as_array(_in_unit(model, received, lengths)) - moments.mean
            return torch.from_numpy(centred @ directions_DK @ directions_DK.T + moments.mean).to(received.device)

        return reconstruct

    return [("PCA", size, projection(size)) for size in (min(size, len(directions_DD)) for size in sizes)]


def _hidden_components(model: Autoencoder, training: Source, seed: int) -> Fitted:
    """Return PCA that estimates each entry of a row from the others; see the notes of `baselines`."""
    assert model.blind_spots is not None
    groups, model = model.blind_spots.cover.cpu().numpy(), in_row_precision(model, training.dtype)
    fitted, held = (Moments(with_products=True) for _ in range(2))
    for moments, indices in zip((fitted, held), split(len(training), 0.25, seed, "hidden"), strict=True):
        for received, lengths, _ in _received_and_clean(model, Subset(training, indices), Clean(), seed, ""):
            moments.add(_as_array(_in_unit(model, received, lengths)))
    values_D, directions_DD = np.linalg.eigh(fitted.products / fitted.count)
    values_D, directions_DD = values_D[::-1].clip(0), directions_DD[:, ::-1]
    off_D = held.mean - fitted.mean
    products_DD = held.products + held.count * np.outer(off_D, off_D)  # around the mean of the fitted rows
    best = (np.inf, 0, np.eye(len(values_D)))
    for size in [2**power for power in range(len(values_D).bit_length()) if 2**power < len(values_D)] or [0]:
        residual_DD = _hidden_residual(values_D, directions_DD, size, groups)
        error = float(np.einsum("ij,jk,ik->", residual_DD, products_DD, residual_DD, optimize=True))
        best = min(best, (error, size, residual_DD), key=lambda fit: fit[0])
    _, size, residual_DD = best

    def estimate(received: Tensor, lengths: Tensor | None) -> Tensor:
        rows = _as_array(_in_unit(model, received, lengths))
        return torch.from_numpy(rows - (rows - fitted.mean) @ residual_DD.T).to(received.device)

    return "PCA", size, estimate


def _hidden_residual(
    values_D: NDArray[np.float64], directions_DD: NDArray[np.float64], size: int, groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the matrix [D, D] from centred rows to the errors of their estimates, whose entries are hidden by group.

    Its rows of a group H are P_HH⁻¹ P_H, with the inverse P of the covariance of `size` principal components.
    """
    rest = max(float(values_D[size:].mean()), 1e-9 * float(values_D[0]), np.finfo(np.float64).tiny)
    kept_DK, ratio_K = directions_DD[:, :size], rest / np.maximum(values_D[:size], rest)
    inverse_DD = np.eye(len(values_D)) - (kept_DK * (1 - ratio_K)) @ kept_DK.T  # P, times σ²
    residual_DD = np.empty_like(inverse_DD)
    for group in np.unique(groups):
        hidden = groups == group
        residual_DD[hidden] = np.linalg.solve(inverse_DD[np.ix_(hidden, hidden)], inverse_DD[hidden])
    return residual_DD


def _changes(
    y_ND: NDArray[np.float64], x_ND: NDArray[np.float64], directions_DD: NDArray[np.float64], *, masked: bool
) -> NDArray[np.float64]:
    """Return by how much each component more changes the squared error Σ (Σ_i (v_i · y) v_i - x)² [D].

    With `masked` the sum is over the entries of x that are not NaN, where the errors along v_i are not independent.
    """
    if not masked:
        return np.asarray(
            np.square((y_ND - x_ND) @ directions_DD).sum(0) - np.square(x_ND @ directions_DD).sum(0), np.float64
        )
    known_ND, scores_ND = ~np.isnan(x_ND), y_ND @ directions_DD
    errors_ND = np.where(known_ND, -x_ND, 0.0)
    squares = [np.square(errors_ND).sum()]
    for scores_N, direction_D in zip(scores_ND.T, directions_DD.T, strict=True):
        errors_ND += np.outer(scores_N, direction_D) * known_ND
        squares.append(np.square(errors_ND).sum())
    return np.diff(squares)


def _untrained(
    model: Autoencoder, objective: Objective, training: Source, noise: Corruption, model_seed: int, seed: int
) -> Fitted:
    """Return the network before its first step, with a ridge regression from codes to rows as its decoder."""
    layout = model.layout
    twin = initial_model(model, model_seed)
    rows = sampled(training, max(min(MAX_FIT_ROWS, MAX_FIT_NUMBERS // max(layout.widths)), 100), model_seed)
    raw = tensor(rows.read(0, len(rows)))
    x, lengths = twin.scaled_and_lengths(raw)
    x = x.float()
    Step(twin, objective).initialise(x, steps=1)
    twin.layout.coder.at(1.0).finalise(twin.pre_activations(x), twin.coder)
    noisy, noisy_lengths = of_noisy_length(twin, corrupted(x, noise, seed=seed, purpose="baselines"), raw, lengths)
    received = filled(noisy, x, raw, twin.scaled_mean)
    # codes do not know a row's length: its partner is divided by the length of the row that was received
    own = None if lengths is None or noisy_lengths is None else relative(lengths, noisy_lengths)
    targets = with_missing(_in_unit(twin, x, own), raw)
    decoder = fitted_decoder(twin.codes(received).dense().numpy(), targets.numpy(), model_seed)
    centre = _in_unit(twin, x.new_zeros(1, x.shape[1]), x.new_ones(1, 1))

    def reconstruct(received: Tensor, lengths: Tensor | None) -> Tensor:
        codes = twin.codes(received.to(twin.dictionary)).dense().numpy()
        output = torch.from_numpy(decoder.predict(codes).reshape(received.shape))
        if lengths is not None:
            means = lengths[:, 1:].sum(1, keepdim=True) / twin.unit  # of the rows, if the scaling subtracts them
            output = centre + (output - centre) * lengths[:, :1].cpu() + means.cpu()
        return output.to(received.device)

    return UNTRAINED, layout.widths[-1], reconstruct


def fitted_decoder(codes_NL: NDArray[np.float32], x_ND: NDArray[np.float32], seed: int) -> Ridge:
    """Return the ridge regression from codes to rows whose penalty is best on held-out rows; NaN is a missing value."""
    train, held = split(len(x_ND), 0.25, seed, "untrained")
    with warnings.catch_warnings():  # where codes are large, a small penalty is none: a larger one is then better
        warnings.simplefilter("ignore", LinAlgWarning)
        fits = [_ridge(codes_NL[train], x_ND[train], penalty) for penalty in PENALTIES]
    errors = [np.nansum((fit.predict(codes_NL[held]).reshape(-1, x_ND.shape[1]) - x_ND[held]) ** 2) for fit in fits]
    best: Ridge = fits[int(np.argmin(errors))]
    return best


def _ridge(codes_NL: NDArray[np.float32], x_ND: NDArray[np.float32], penalty: float) -> Ridge:
    """Return the ridge regression from codes to the known values of rows."""
    missing, fit = np.isnan(x_ND), Ridge(alpha=penalty * len(x_ND))
    if not missing.any():
        return fit.fit(codes_NL, x_ND)
    targets = np.where(missing, 0, x_ND)
    targets = np.where(missing, targets.sum(0) / np.maximum((~missing).sum(0), 1), targets).astype(x_ND.dtype)
    for _ in range(FILLS):
        fit.fit(codes_NL, targets)
        targets = np.where(missing, fit.predict(codes_NL).reshape(x_ND.shape), x_ND)
    return fit


def sampled(source: Source, max_rows: int, seed: int) -> Source:
    """Return the source, or `max_rows` of its rows drawn by the seed if it has more."""
    if len(source) <= max_rows:
        return source
    return Subset(source, np.sort(torch.randperm(len(source), generator=generator(seed, "some"))[:max_rows].numpy()))


def _received_and_clean(
    model: Autoencoder, source: Source, noise: Corruption, seed: int, purpose: str
) -> Iterator[tuple[Tensor, Tensor | None, Tensor]]:
    """Yield blocks of scaled rows as a model receives them, their lengths, and the clean rows in the units of errors.

    A missing value is the column's mean in the first, and NaN in the last, as all that is not judged.
    """
    first_row = 0
    for rows in row_blocks(model, source):
        x, lengths = model.scaled_and_lengths(rows)
        noisy = corrupted(x, noise, seed=seed, purpose=purpose, first_row=first_row)
        clean = corrupted_only(with_missing(_in_unit(model, x, lengths), rows), noisy, x, noise)
        noisy, lengths = of_noisy_length(model, noisy, rows, lengths)
        yield filled(noisy, x, rows, model.scaled_mean), lengths, clean
        first_row += len(x)


def _in_unit(model: Autoencoder, scaled: Tensor, lengths: Tensor | None) -> Tensor:
    """Return scaled rows [B, D] of these lengths in the units of all errors."""
    return Units(model).inputs(scaled, lengths)


def _as_array(rows: Tensor) -> NDArray[np.float64]:
    return rows.double().cpu().numpy()
