"""Rank tests of every latent at once, dense or sparse, and what a single latent's ranks say of a class."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq
from scipy.sparse import csc_array
from sklearn.metrics import precision_score, recall_score, roc_curve
from sklearn.model_selection import StratifiedKFold

from ..metrics.arrays import Floats

Bools = NDArray[np.bool_]
Interval = tuple[float, float]

Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, eq=False)
class Ranks:
    """The ranks of each latent's codes, less the rank of its usual value: for a sparse code, of zero."""

    offsets: "csc_array[Any]"  # [N, L]: 0 where the code has its usual value
    ties: Floats  # [L]: the sum of t³ - t over groups of t equal codes
    lopsided: Bools  # [L]: most rows have the usual value

    @property
    def mean(self) -> Floats:
        """The mean offset of each latent [L]; that of the ranks themselves is (N + 1) / 2."""
        return np.asarray(self.offsets.sum(0) / self.offsets.shape[0])

    @property
    def variance(self) -> Floats:
        """The variance of each latent's ranks [L]."""
        n_rows = float(self.offsets.shape[0])
        return np.asarray((n_rows**3 - n_rows - self.ties) / (12 * n_rows))


def rank(codes: "csc_array[Any]") -> Ranks:
    """Return the ranks of codes that vary, ties sharing their mean rank."""
    by_latent = [
        _rank_one(codes.indices[start:end], codes.data[start:end], codes.shape[0])
        for start, end in zip(codes.indptr[:-1], codes.indptr[1:], strict=True)
    ]
    rows, offsets, ties, lopsided = zip(*by_latent, strict=True)
    starts = np.cumsum([0, *map(len, rows)])
    shifted = csc_array((np.concatenate(offsets), np.concatenate(rows), starts), shape=codes.shape)
    return Ranks(shifted, np.array(ties), np.array(lopsided))


def _rank_one(rows: NDArray[Any], codes: NDArray[Any], n_rows: int) -> tuple[NDArray[Any], Floats, float, bool]:
    """Return the rows that are off the usual value, by how many ranks, the ties, and whether most rows have it."""
    _, which, counts = np.unique(np.append(codes, 0), return_inverse=True, return_counts=True)
    silent = which[-1]
    counts[silent] += n_rows - len(codes) - 1
    ranks = np.cumsum(counts) - (counts - 1) / 2
    usual = int(np.argmax(counts))
    lopsided = 2 * int(counts[usual]) > n_rows
    if not lopsided or usual == silent:
        return rows, (ranks - ranks[silent])[which[:-1]], _ties(counts), lopsided
    column = np.full(n_rows, ranks[silent])
    column[rows] = ranks[which[:-1]]
    off = np.flatnonzero(column != ranks[usual])
    return off, column[off] - ranks[usual], _ties(counts), lopsided


def _ties(counts: NDArray[Any]) -> float:
    sizes = counts.astype(np.float64)
    return float((sizes**3 - sizes).sum())


# --- every latent ----------------------------------------------------------------------------------------------
def tell_classes(ranks: Ranks, inside: Bools) -> tuple[Floats, Floats]:
    """Return the AUC of each latent as a detector of each class, and its two-sided p value, both [C, L].

    Mann and Whitney's test (SciPy's `mannwhitneyu`, "asymptotic": corrected for ties and continuity), but Fisher's
    exact one, of whether the code is above (or below) its usual value, where that is the value of most rows.
    """
    # AUC = U / (n m), U - n m / 2 = sum of the class's ranks - n (N + 1) / 2, n rows inside and m outside
    n_rows, inside_C1 = float(len(inside)), inside.sum(0)[:, None].astype(np.float64)
    pairs_C1 = inside_C1 * (n_rows - inside_C1)
    excess_CL = (ranks.offsets.T @ inside.astype(np.float64)).T - inside_C1 * ranks.mean
    spread_CL = np.sqrt(pairs_C1 / 12 * (n_rows + 1 - ranks.ties / (n_rows * (n_rows - 1))))
    p_CL = np.minimum(2 * stats.norm.sf((np.abs(excess_CL) - 0.5) / spread_CL), 1)
    if ranks.lopsided.any():
        # A lopsided statistic is skewed: a latent that fires in one row, of a class of 1%, would have p = 1e-23.
        # Little is lost, as firing makes up 86% or more of the variance of its ranks where codes are 0 or positive.
        p_CL[:, ranks.lopsided] = _fisher(ranks.offsets[:, ranks.lopsided], inside)
    return 0.5 + excess_CL / pairs_C1, p_CL


def follow_number(ranks: Ranks, y: Floats) -> tuple[Floats, Floats]:
    """Return Spearman's correlation of each latent with the number and its two-sided p value, both [L].

    Student's t, as SciPy's `spearmanr` has it; where most rows share the latent's usual value and most share the
    number's too, Fisher's exact test of whether they leave it in the same rows. Below 50 rows Student's tail is too
    light: of p values of 1e-4, one and a half times as many as there should be at 30 rows, twice as many at 20.
    """
    y_ranks = stats.rankdata(y)
    centred = y_ranks - y_ranks.mean()
    r = (ranks.offsets.T @ centred) / (len(y) * np.sqrt(ranks.variance * y_ranks.var()))
    r = np.clip(r, -1, 1)
    with np.errstate(divide="ignore"):  # r = 1 has p = 0
        p = 2 * stats.t.sf(np.abs(r) * np.sqrt((len(y) - 2) / ((1 - r) * (1 + r))), len(y) - 2)
    values, counts = np.unique(y, return_counts=True)
    if 2 * counts.max() > len(y) and ranks.lopsided.any():
        usual = values[np.argmax(counts)]
        sides = np.stack([side for side in (y > usual, y < usual) if side.any()], axis=1)
        p_sides = _fisher(ranks.offsets[:, ranks.lopsided], sides)
        p[ranks.lopsided] = np.minimum(len(p_sides) * p_sides.min(0), 1)
    return r, p


def _fisher(offsets: "csc_array[Any]", inside: Bools) -> Floats:
    """Return p [C, L] of the code being above, or below, its usual value as often inside as outside.

    Twice the smaller tail; where codes lie on both sides, twice the smaller of the two (Bonferroni).
    """
    inside_C1 = inside.sum(0)[:, None]
    p_by_side = []
    for sign in (1, -1):
        off = csc_array(sign * offsets > 0)
        size_L = off.sum(0)
        if not size_L.any():
            continue
        both_CL = (off.T.astype(np.int64) @ inside.astype(np.int64)).T
        more_CL = both_CL > inside_C1 * size_L / len(inside)
        # as many or more inside are as few or fewer outside
        few_CL = np.where(more_CL, size_L - both_CL, both_CL)
        there_CL = np.where(more_CL, len(inside) - inside_C1, inside_C1)
        tail_CL = stats.hypergeom.cdf(few_CL, len(inside), there_CL, size_L)
        p_by_side.append(np.where(size_L > 0, np.minimum(2 * tail_CL, 1), np.inf))
    on_sides = np.isfinite(p_by_side).sum(0)
    return np.asarray(np.minimum(on_sides * np.min(p_by_side, axis=0), 1))


# --- one latent ------------------------------------------------------------------------------------------------
def auc_interval(ranks: Floats, inside: Bools) -> Interval:
    """Return a 95% interval of the AUC, from DeLong et al.'s variance (1988) on the logit's scale."""
    # a row's placement: the share of the other side that it stands above (inside) or below (outside)
    above = (stats.rankdata(ranks)[inside] - stats.rankdata(ranks[inside])) / (~inside).sum()
    below = 1 - (stats.rankdata(ranks)[~inside] - stats.rankdata(ranks[~inside])) / inside.sum()
    auc = float(above.mean())
    if auc in (0, 1):
        return _interval_at_the_end(auc, int(inside.sum()), int((~inside).sum()))
    error = np.sqrt(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)) / (auc * (1 - auc))
    middle = np.log(auc / (1 - auc))
    low, high = 1 / (1 + np.exp(-(middle + np.array([-Z, Z]) * error)))
    return float(low), float(high)


def _interval_at_the_end(auc: float, n: int, m: int) -> Interval:
    """Return Newcombe's interval (2006, method 5) where classes are told without fault: DeLong's variance is 0."""

    def excess(a: float) -> float:  # (1 - a)² - z² var(a), Hanley and McNeil's variance with (n + m) / 2 for n and m
        half = (n + m) / 2 - 1
        return (1 - a) - Z**2 * a * (1 + half * (1 - a) / (2 - a) + half * a / (1 + a)) / (n * m)

    low = float(brentq(excess, 0, 1))
    return (low, 1.0) if auc == 1 else (0.0, 1 - low)


def correlation_interval(r: float, n_rows: int) -> Interval:
    """Return a 95% interval of Spearman's correlation: Fisher's z with Bonett and Wright's variance (2000)."""
    error = Z * np.sqrt((1 + r**2 / 2) / (n_rows - 3))
    middle = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))  # at 1 the interval is that point, not NaN
    return float(np.tanh(middle - error)), float(np.tanh(middle + error))


def precision_recall(ranks: Floats, inside: Bools, seed: int) -> tuple[float, float]:
    """Return how well the latent's best threshold tells the class, precision and recall.

    The threshold with the largest balanced accuracy on one half of the rows judges the other, and the reverse.
    """
    said = np.zeros_like(inside)
    for learn, judge in StratifiedKFold(2, shuffle=True, random_state=seed).split(ranks[:, None], inside):
        outside_rate, inside_rate, thresholds = roc_curve(inside[learn], ranks[learn], drop_intermediate=False)
        best = int(np.argmax(inside_rate - outside_rate))
        # halfway to the next lower code: a code of the other half that lies between the two is as near to either
        lower = thresholds[best + 1] if best + 1 < len(thresholds) else -np.inf
        said[judge] = ranks[judge] > (thresholds[best] + lower) / 2
    return float(precision_score(inside, said, zero_division=0)), float(recall_score(inside, said))
