"""Rank statistics of latents, dense or sparse: tests of all latents at once, and intervals of single latents."""

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
    """The ranks of each latent's codes over the rows, relative to the rank of its most common value (its mode).

    The mode of a sparse code is 0, so the offsets are as sparse as the codes.

    Attributes
    ----------
    offsets : csc_array [N, L]
        Rank of the code less the rank of the latent's mode; 0 where the code is the mode.
    ties : array [L], float64
        Σ (t³ - t) over groups of t equal codes.
    mode_is_majority : array [L] of bool
        Whether more than half of the rows have the mode.
    """

    offsets: "csc_array[Any]"
    ties: Floats
    mode_is_majority: Bools

    @property
    def mean(self) -> Floats:
        """The mean offset of each latent [L]; the mean of the ranks themselves is (N + 1) / 2."""
        return np.asarray(self.offsets.sum(0) / self.offsets.shape[0])

    @property
    def variance(self) -> Floats:
        """The variance of each latent's ranks [L], (N³ - N - ties) / (12 N)."""
        n_rows = float(self.offsets.shape[0])
        return np.asarray((n_rows**3 - n_rows - self.ties) / (12 * n_rows))


def rank(codes: "csc_array[Any]") -> Ranks:
    """Return the ranks of codes [N, L], each latent's not constant; ties share their mean rank."""
    by_latent = [
        _rank_one(codes.indices[start:end], codes.data[start:end], codes.shape[0])
        for start, end in zip(codes.indptr[:-1], codes.indptr[1:], strict=True)
    ]
    rows, offsets, ties, mode_is_majority = zip(*by_latent, strict=True)
    starts = np.cumsum([0, *map(len, rows)])
    matrix = csc_array((np.concatenate(offsets), np.concatenate(rows), starts), shape=codes.shape)
    return Ranks(matrix, np.array(ties), np.array(mode_is_majority))


def _rank_one(rows: NDArray[Any], codes: NDArray[Any], n_rows: int) -> tuple[NDArray[Any], Floats, float, bool]:
    """Return the rows that differ from the mode, their rank offsets, the ties, and whether the mode is a majority."""
    _, value_index, counts = np.unique(np.append(codes, 0), return_inverse=True, return_counts=True)
    zero = value_index[-1]
    counts[zero] += n_rows - len(codes) - 1
    ranks = np.cumsum(counts) - (counts - 1) / 2
    mode = int(np.argmax(counts))
    mode_is_majority = 2 * int(counts[mode]) > n_rows
    if not mode_is_majority or mode == zero:
        return rows, (ranks - ranks[zero])[value_index[:-1]], _ties(counts), mode_is_majority
    column = np.full(n_rows, ranks[zero])
    column[rows] = ranks[value_index[:-1]]
    different = np.flatnonzero(column != ranks[mode])
    return different, column[different] - ranks[mode], _ties(counts), mode_is_majority


def _ties(counts: NDArray[Any]) -> float:
    sizes = counts.astype(np.float64)
    return float((sizes**3 - sizes).sum())


# --- every latent ----------------------------------------------------------------------------------------------
def auc_test(ranks: Ranks, in_class: Bools) -> tuple[Floats, Floats]:
    """Return the AUC of each latent as a detector of each class, and its two-sided p value.

    Parameters
    ----------
    ranks : Ranks
        Of N rows and L latents.
    in_class : array [N, C] of bool
        Whether each row is of each class.

    Returns
    -------
    auc, p : arrays [C, L]
        The AUC in [0, 1] (0.5: no relation), and p in [0, 1].

    Notes
    -----
    The test of Mann and Whitney (1947; SciPy's `mannwhitneyu`, "asymptotic": corrected for ties and continuity). Where
    more than half of the rows have one value, Fisher's exact test is used instead, of whether the code is above (or
    below) that value.
    """
    # AUC = U / (n m), U - n m / 2 = sum of the class's ranks - n (N + 1) / 2, n rows in the class and m outside
    n_rows, size_C1 = float(len(in_class)), in_class.sum(0)[:, None].astype(np.float64)
    pairs_C1 = size_C1 * (n_rows - size_C1)
    excess_CL = (ranks.offsets.T @ in_class.astype(np.float64)).T - size_C1 * ranks.mean
    std_CL = np.sqrt(pairs_C1 / 12 * (n_rows + 1 - ranks.ties / (n_rows * (n_rows - 1))))
    p_CL = np.minimum(2 * stats.norm.sf((np.abs(excess_CL) - 0.5) / std_CL), 1)
    if ranks.mode_is_majority.any():
        # The statistic is skewed there: a latent that is active in one row, of a class of 1%, would have p = 1e-23.
        # Little is lost: activity makes up 86% or more of the variance of a latent's ranks where codes are ≥ 0.
        p_CL[:, ranks.mode_is_majority] = _fisher(ranks.offsets[:, ranks.mode_is_majority], in_class)
    return 0.5 + excess_CL / pairs_C1, p_CL


def spearman_test(ranks: Ranks, y: Floats) -> tuple[Floats, Floats]:
    """Return Spearman's correlation of each latent with a number, and its two-sided p value.

    Parameters
    ----------
    ranks : Ranks
        Of N rows and L latents.
    y : array [N], float64
        The number; not constant.

    Returns
    -------
    r, p : arrays [L]
        The correlation in [-1, 1], and p in [0, 1].

    Notes
    -----
    Student's t, as in SciPy's `spearmanr`. Where more than half of the rows have the latent's mode and more than half
    have the number's mode, Fisher's exact test is used instead, of whether both differ from it in the same rows. Below
    50 rows Student's tail is too light: p values of 1e-4 are one and a half times as frequent as they should be at 30
    rows, twice as frequent at 20.
    """
    y_ranks = stats.rankdata(y)
    centred = y_ranks - y_ranks.mean()
    r = (ranks.offsets.T @ centred) / (len(y) * np.sqrt(ranks.variance * y_ranks.var()))
    r = np.clip(r, -1, 1)
    with np.errstate(divide="ignore"):  # r = 1 has p = 0
        p = 2 * stats.t.sf(np.abs(r) * np.sqrt((len(y) - 2) / ((1 - r) * (1 + r))), len(y) - 2)
    values, counts = np.unique(y, return_counts=True)
    if 2 * counts.max() > len(y) and ranks.mode_is_majority.any():
        mode = values[np.argmax(counts)]
        sides = np.stack([side for side in (y > mode, y < mode) if side.any()], axis=1)
        p_sides = _fisher(ranks.offsets[:, ranks.mode_is_majority], sides)
        p[ranks.mode_is_majority] = np.minimum(len(p_sides) * p_sides.min(0), 1)
    return r, p


def _fisher(offsets: "csc_array[Any]", in_class: Bools) -> Floats:
    """Return p [C, L] of codes being above, or below, their mode as often inside the class as outside.

    Twice the smaller tail; where codes lie on both sides, twice the smaller p of the two sides (Bonferroni).
    """
    class_size_C1 = in_class.sum(0)[:, None]
    p_by_side = []
    for sign in (1, -1):
        beyond = csc_array(sign * offsets > 0)
        n_beyond_L = beyond.sum(0)
        if not n_beyond_L.any():
            continue
        both_CL = (beyond.T.astype(np.int64) @ in_class.astype(np.int64)).T
        more_CL = both_CL > class_size_C1 * n_beyond_L / len(in_class)
        # "as many or more in the class" is the same event as "as few or fewer outside of it"
        few_CL = np.where(more_CL, n_beyond_L - both_CL, both_CL)
        size_CL = np.where(more_CL, len(in_class) - class_size_C1, class_size_C1)
        tail_CL = stats.hypergeom.cdf(few_CL, len(in_class), size_CL, n_beyond_L)
        p_by_side.append(np.where(n_beyond_L > 0, np.minimum(2 * tail_CL, 1), np.inf))
    n_sides = np.isfinite(p_by_side).sum(0)
    return np.asarray(np.minimum(n_sides * np.min(p_by_side, axis=0), 1))


# --- one latent ------------------------------------------------------------------------------------------------
def auc_interval(ranks: Floats, in_class: Bools) -> Interval:
    """Return the 95% interval of the AUC of a latent with these ranks [N] as a detector of a class [N].

    Notes
    -----
    DeLong et al.'s variance (1988), on the logit scale. Where the AUC is 0 or 1 that variance is 0, and the interval is
    Newcombe's (2006, method 5).
    """
    # a row's placement: the share of the rows of the other side that it is above (in the class) or below (outside)
    above = (stats.rankdata(ranks)[in_class] - stats.rankdata(ranks[in_class])) / (~in_class).sum()
    below = 1 - (stats.rankdata(ranks)[~in_class] - stats.rankdata(ranks[~in_class])) / in_class.sum()
    auc = float(above.mean())
    if auc in (0, 1):
        return _interval_of_perfect_auc(auc, int(in_class.sum()), int((~in_class).sum()))
    error = np.sqrt(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)) / (auc * (1 - auc))
    logit = np.log(auc / (1 - auc))
    low, high = 1 / (1 + np.exp(-(logit + np.array([-Z, Z]) * error)))
    return float(low), float(high)


def _interval_of_perfect_auc(auc: float, n: int, m: int) -> Interval:
    """Return Newcombe's interval (2006, method 5) of an AUC of 0 or 1, where DeLong's variance is 0."""

    def excess(a: float) -> float:  # (1 - a)² - z² var(a), Hanley and McNeil's variance with (n + m) / 2 for n and m
        half = (n + m) / 2 - 1
        return (1 - a) - Z**2 * a * (1 + half * (1 - a) / (2 - a) + half * a / (1 + a)) / (n * m)

    low = float(brentq(excess, 0, 1))
    return (low, 1.0) if auc == 1 else (0.0, 1 - low)


def correlation_interval(r: float, n_rows: int) -> Interval:
    """Return the 95% interval of Spearman's correlation r: Fisher's z with Bonett and Wright's variance (2000)."""
    error = Z * np.sqrt((1 + r**2 / 2) / (n_rows - 3))
    z = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))  # at r = 1 the interval is that point, not NaN
    return float(np.tanh(z - error)), float(np.tanh(z + error))


def precision_recall(ranks: Floats, in_class: Bools, seed: int) -> tuple[float, float]:
    """Return the precision and the recall, each in [0, 1], of a threshold on a latent's ranks [N] for a class [N].

    Cross-validated in two folds: the threshold with the largest balanced accuracy on one half of the rows is applied to
    the other half, and the reverse.
    """
    predicted = np.zeros_like(in_class)
    for train, test in StratifiedKFold(2, shuffle=True, random_state=seed).split(ranks[:, None], in_class):
        fall_out, hit_rate, thresholds = roc_curve(in_class[train], ranks[train], drop_intermediate=False)
        best = int(np.argmax(hit_rate - fall_out))
        # halfway to the next lower rank: a rank of the other half that lies between the two goes to the nearer one
        lower = thresholds[best + 1] if best + 1 < len(thresholds) else -np.inf
        predicted[test] = ranks[test] > (thresholds[best] + lower) / 2
    return float(precision_score(in_class, predicted, zero_division=0)), float(recall_score(in_class, predicted))
