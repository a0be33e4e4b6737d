"""Numbers of all latents, and an atlas: the most important latents with rows on which they are active."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...data.sources import Source
from ...inference import Evaluation, encode
from ...model import Autoencoder, Codes, Sparse
from .numbers import ShortRepr
from .sample import Sample, column
from .study import Study

MAX_ATLAS_LATENTS = 48
TOP_ROWS = 6  # rows with a latent's largest codes
QUANTILES = (0.9, 0.5, 0.1)  # of a latent's codes above 0
TOP_COLUMNS = 8  # columns that a latent of a table changes most


@dataclass(frozen=True, eq=False, repr=False)
class Latents(ShortRepr):
    """Numbers of all L latents. All lists but `order` are indexed by latent.

    Parameters
    ----------
    order : list of int [L]
        The latents by share of variation, the largest share first.
    mean_activations : list of float [L]
        Mean code over all rows.
    firing_rates : list of float [L]
        Share of the rows on which the latent is active, from 0 to 1.
    shares : list of float [L]
        Share of the reconstruction's variation, from 0 to 1; see Notes.
    norms : list of float [L]
        ‖w‖, where w is what a code of 1 adds to the reconstruction, in units of the data (see `Summary`).

    Notes
    -----
    The share of latent l is Var(code_l) ‖w_l‖², divided by the sum over all latents. Correlations between latents are
    ignored.
    """

    order: list[int]
    mean_activations: list[float]
    firing_rates: list[float]
    shares: list[float]
    norms: list[float]


@dataclass(frozen=True)
class ActiveRow:
    """A row on which a latent is active.

    Parameters
    ----------
    row : int
        The row's index.
    code : float
        The latent's code, > 0.
    quantile : float or None
        The quantile of the code among the latent's codes above 0; None for the rows with the largest codes.
    """

    row: int
    code: float
    quantile: float | None


@dataclass(frozen=True)
class AtlasLatent:
    """A latent of the atlas.

    Parameters
    ----------
    latent : int
        The latent's index.
    mean_activation : float
        Mean code over all rows.
    firing_rate : float
        Share of the rows on which the latent is active, from 0 to 1.
    mean_when_active : float or None
        Mean code over the rows on which the latent is active; None if there are none.
    columns : list of (str, float)
        Up to 8 columns with the largest absolute weights, and these weights in units of the data; [] without names. Of
        a table with booleans or categories, columns of one variable are neighbours; weights of booleans ("member:
        True") and of levels ("colour: red") are changes of log-odds, those of a category with the mean 0.
    rows : list of ActiveRow
        Up to 6 rows with the largest codes, then up to 3 rows at quantiles of the codes above 0.
    """

    latent: int
    mean_activation: float
    firing_rate: float
    mean_when_active: float | None
    columns: list[tuple[str, float]]
    rows: list[ActiveRow]


def latents(directions_LD: NDArray[Any], evaluation: Evaluation) -> Latents:
    """Return the numbers of all latents with these directions, from the model's evaluation on rows."""
    norms = np.linalg.norm(directions_LD.astype(np.float64), axis=1)
    power = evaluation.sparsity.variances * np.square(norms)
    shares = power / (power.sum() or 1.0)
    order = np.lexsort((np.arange(len(power)), -evaluation.sparsity.firing_rates, -shares))
    numbers = (evaluation.sparsity.mean_activations, evaluation.sparsity.firing_rates, shares, norms)
    return Latents(order.tolist(), *(array.tolist() for array in numbers))


def atlas(
    model: Autoencoder,
    source: Source,
    numbers: Latents,
    sample: Sample,
    *,
    directions_LD: NDArray[Any],
    max_latents: int,
    columns: tuple[str, ...] | None,
    positions: Sequence[slice] | None = None,
) -> list[AtlasLatent]:
    """Return the latents with the largest shares of variation, and rows on which they are active.

    Parameters
    ----------
    model : Autoencoder
        The model that encodes the rows.
    source : Source
        Rows [N, D]; the rows with the largest codes are chosen among all of them.
    numbers : Latents
        The numbers of all latents on these rows.
    sample : Sample
        The rows among which those at quantiles are chosen.
    directions_LD : array [L, D]
        What a code of 1 of each latent adds to the reconstruction.
    max_latents : int
        Most latents returned, ≥ 1. Latents whose code is constant are left out.
    columns : tuple of str [D] or None
        The columns' names, if they have names.
    positions : sequence of slice or None, default=None
        The columns of each variable of a table.

    Returns
    -------
    list of AtlasLatent
        The largest share first.
    """
    chosen = [latent for latent in numbers.order if numbers.shares[latent] > 0][:max_latents]
    if not chosen:
        return []
    top_rows, means = _largest(model, source, torch.tensor(chosen))
    return [
        AtlasLatent(
            latent,
            numbers.mean_activations[latent],
            numbers.firing_rates[latent],
            mean,
            _largest_weights(directions_LD[latent], columns, positions),
            [*top, *_at_quantiles(column(sample.codes, latent), sample.indices, {entry.row for entry in top})],
        )
        for latent, top, mean in zip(chosen, top_rows, means, strict=True)
    ]


def _largest(model: Autoencoder, source: Source, latents_M: Tensor) -> tuple[list[list[ActiveRow]], list[float | None]]:
    """Return for each of M latents the rows with its largest codes, and its mean over the rows where it is active."""
    top_codes_MT, top_rows_MT = torch.zeros(len(latents_M), 0), torch.zeros(len(latents_M), 0, dtype=torch.long)
    sum_M, count_M, start = torch.zeros(len(latents_M), dtype=torch.float64), torch.zeros(len(latents_M)), 0
    for codes_BM in _code_blocks(model, source, latents_M):
        active_BM = model.layout.coder.is_active(codes_BM)
        sum_M, count_M = sum_M + (codes_BM * active_BM).double().sum(0), count_M + active_BM.sum(0)
        codes = torch.cat([top_codes_MT, codes_BM.T], 1)
        rows = torch.cat([top_rows_MT, torch.arange(start, start + len(codes_BM)).expand(len(latents_M), -1)], 1)
        top_codes_MT, positions = codes.topk(min(TOP_ROWS, codes.shape[1]), dim=1)
        top_rows_MT, start = rows.gather(1, positions), start + len(codes_BM)
    top_rows = [
        [ActiveRow(row, code, None) for row, code in zip(rows, codes, strict=True) if code > 0]
        for rows, codes in zip(top_rows_MT.tolist(), top_codes_MT.tolist(), strict=True)
    ]
    totals = zip(sum_M.tolist(), count_M.tolist(), strict=True)
    return top_rows, [total / count if count else None for total, count in totals]


def _code_blocks(model: Autoencoder, source: Source, latents_M: Tensor) -> Iterator[Tensor]:
    """Yield for each block of rows the codes [B, M] of M latents."""
    for codes in encode(model, source):
        yield _selected(codes, latents_M.to(codes.values.device)).float().cpu()


def _selected(codes: Codes, latents_M: Tensor) -> Tensor:
    """Return the codes [B, M] of M latents as a dense tensor."""
    if not isinstance(codes, Sparse):
        return codes.dense()[:, latents_M]
    position_L = torch.full((codes.n_latents,), -1, device=latents_M.device)
    position_L[latents_M] = torch.arange(len(latents_M), device=latents_M.device)
    selected = codes.keep(position_L[codes.index.latents] >= 0)
    dense_BM = selected.values.new_zeros(codes.n_rows, len(latents_M))
    dense_BM[selected.index.rows, position_L[selected.index.latents]] = selected.values
    return dense_BM


def _at_quantiles(codes_S: NDArray[Any], indices_S: NDArray[np.intp], top_rows: set[int]) -> list[ActiveRow]:
    """Return the rows at quantiles of the codes above 0, without those that are among the top rows already."""
    positive = np.flatnonzero(codes_S > 0)
    order = positive[np.argsort(-codes_S[positive], kind="stable")]
    positions = [(quantile, order[round((1 - quantile) * (len(order) - 1))]) for quantile in QUANTILES if len(order)]
    return [
        ActiveRow(int(indices_S[position]), float(codes_S[position]), quantile)
        for quantile, position in positions
        if int(indices_S[position]) not in top_rows
    ]


def _largest_weights(
    weights_D: NDArray[Any], columns: tuple[str, ...] | None, positions: Sequence[slice] | None
) -> list[tuple[str, float]]:
    """Return a latent's largest absolute weights with their columns' names, by variable; [] without names."""
    if columns is None:
        return []
    largest = np.argsort(-np.abs(weights_D), kind="stable")[:TOP_COLUMNS]
    if positions is not None:
        variable = np.searchsorted([place.stop for place in positions], largest, side="right")
        first = [int(np.argmax(variable == number)) for number in variable]
        largest = largest[np.argsort(first, kind="stable")]
    return [(columns[i], float(weights_D[i])) for i in largest]


def measure(study: Study) -> Latents:
    """Return the numbers of all latents of a report."""
    return latents(study.directions, study.evaluation)


def measure_atlas(study: Study) -> list[AtlasLatent]:
    """Return the atlas of a report."""
    return atlas(
        study.model,
        study.rows,
        study["latents"],
        study.sample,
        directions_LD=study.directions,
        max_latents=MAX_ATLAS_LATENTS,
        columns=study.reconstructed.columns if study.schema is None else study.schema.described_columns,
        positions=None if study.schema is None else study.schema.positions,
    )
