"""Every latent in a few numbers, and the most telling ones with the rows that they speak of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...data.sources import Source
from ...inference import Evaluation, components, encode
from ...model import Autoencoder, Codes, Sparse
from .sample import Sample, column
from .study import Study

IN_ATLAS = 48  # latents
TOP = 6  # rows of a latent
QUANTILES = (0.9, 0.5, 0.1)  # of the codes of the rows on which it speaks
COLUMNS = 8  # of a latent of a table


@dataclass(frozen=True, eq=False)
class Latents:
    """Numbers of all latents [L], in order of how much of the reconstruction's variation they carry.

    share_l = Var(code_l) ‖w_l‖² / Σ: of the variation that latents would give to the reconstruction one by one.
    """

    order: list[int]  # the most telling first
    rates: list[float]  # mean activation
    firing: list[float]  # share of rows at work
    shares: list[float]
    lengths: list[float]  # ‖w_l‖, in scaled units


@dataclass(frozen=True)
class ActiveRow:
    """A row on which a latent speaks."""

    row: int
    code: float
    quantile: float | None  # None: among the largest of all


@dataclass(frozen=True)
class Shown:
    """A latent of the atlas."""

    latent: int
    rate: float
    firing: float
    mean_active: float | None  # its mean code over the rows on which it is at work
    columns: list[tuple[str, float]]  # its largest weights of named columns, in scaled units
    rows: list[ActiveRow]


def latents(model: Autoencoder, found: Evaluation) -> Latents:
    """Return the numbers of all latents."""
    lengths = np.linalg.norm(components(model).astype(np.float64), axis=1)
    power = found.sparsity.variances * np.square(lengths)
    shares = power / (power.sum() or 1.0)
    order = np.lexsort((np.arange(len(power)), -found.sparsity.firing_rates, -shares))
    numbers = (found.sparsity.mean_activations, found.sparsity.firing_rates, shares, lengths)
    return Latents(order.tolist(), *(each.tolist() for each in numbers))


def atlas(
    model: Autoencoder, source: Source, told: Latents, some: Sample, *, most: int, columns: tuple[str, ...] | None
) -> list[Shown]:
    """Return the most telling latents that speak, `most` at most, with the rows at the top and at quantiles.

    The largest codes are those of all rows; the quantiles are of the sample's rows on which a latent speaks.
    """
    shown = [latent for latent in told.order if told.shares[latent] > 0][:most]
    if not shown:
        return []
    top, means = _largest(model, source, torch.tensor(shown))
    weights = components(model)
    return [
        Shown(
            latent,
            told.rates[latent],
            told.firing[latent],
            mean,
            _named(weights[latent], columns),
            [*rows, *_quantiles(column(some.codes, latent), some.at, {spoken.row for spoken in rows})],
        )
        for latent, rows, mean in zip(shown, top, means, strict=True)
    ]


def _largest(model: Autoencoder, source: Source, latents_M: Tensor) -> tuple[list[list[ActiveRow]], list[float | None]]:
    """Return of each latent the rows with its largest codes, and its mean where it is at work."""
    loud_MT, rows_MT = torch.zeros(len(latents_M), 0), torch.zeros(len(latents_M), 0, dtype=torch.long)
    total_M, count_M, start = torch.zeros(len(latents_M), dtype=torch.float64), torch.zeros(len(latents_M)), 0
    for codes_BM in _columns(model, source, latents_M):
        at_work = model.layout.coder.is_active(codes_BM)
        total_M, count_M = total_M + (codes_BM * at_work).double().sum(0), count_M + at_work.sum(0)
        loud = torch.cat([loud_MT, codes_BM.T], 1)
        rows = torch.cat([rows_MT, torch.arange(start, start + len(codes_BM)).expand(len(latents_M), -1)], 1)
        loud_MT, kept = loud.topk(min(TOP, loud.shape[1]), dim=1)
        rows_MT, start = rows.gather(1, kept), start + len(codes_BM)
    top = [
        [ActiveRow(row, code, None) for row, code in zip(rows, codes, strict=True) if code > 0]
        for rows, codes in zip(rows_MT.tolist(), loud_MT.tolist(), strict=True)
    ]
    counted = zip(total_M.tolist(), count_M.tolist(), strict=True)
    return top, [total / count if count else None for total, count in counted]


def _columns(model: Autoencoder, source: Source, latents_M: Tensor) -> Iterator[Tensor]:
    """Yield of each block of rows the codes of some latents [B, M]."""
    for codes in encode(model, source):
        yield _some(codes, latents_M.to(codes.values.device)).float().cpu()


def _some(codes: Codes, latents_M: Tensor) -> Tensor:
    if not isinstance(codes, Sparse):
        return codes.dense()[:, latents_M]
    place_L = torch.full((codes.n_latents,), -1, device=latents_M.device)
    place_L[latents_M] = torch.arange(len(latents_M), device=latents_M.device)
    kept = codes.keep(place_L[codes.index.latents] >= 0)
    said = kept.values.new_zeros(codes.n_rows, len(latents_M))
    said[kept.index.rows, place_L[kept.index.latents]] = kept.values
    return said


def _quantiles(codes_S: NDArray[Any], at_S: NDArray[np.intp], taken: set[int]) -> list[ActiveRow]:
    """Return the rows at quantiles of the codes above 0, without those that are taken."""
    spoken = np.flatnonzero(codes_S > 0)
    order = spoken[np.argsort(-codes_S[spoken], kind="stable")]
    rows = [(quantile, order[round((1 - quantile) * (len(order) - 1))]) for quantile in QUANTILES if len(order)]
    return [
        ActiveRow(int(at_S[row]), float(codes_S[row]), quantile)
        for quantile, row in rows
        if int(at_S[row]) not in taken
    ]


def _named(weights_D: NDArray[Any], columns: tuple[str, ...] | None) -> list[tuple[str, float]]:
    """Return a latent's largest weights by their columns' names."""
    if columns is None:
        return []
    largest = np.argsort(-np.abs(weights_D), kind="stable")[:COLUMNS]
    return [(columns[i], float(weights_D[i])) for i in largest]


def measure(study: Study) -> Latents:
    """Return the numbers of all latents of a report."""
    return latents(study.model, study.evaluation)


def measure_atlas(study: Study) -> list[Shown]:
    """Return the atlas of a report."""
    columns = study.rows.columns
    return atlas(study.model, study.rows, study["latents"], study.sample, most=IN_ATLAS, columns=columns)
