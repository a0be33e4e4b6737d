"""Relations between latents and labels: classes or a number."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.sparse import csc_array, csr_array, issparse

from ..core.errors import DataError, RecipeError
from ..data.sources import Rows, Source, SparseRows, is_source, stored_rows
from ..metrics.arrays import Floats, to_csc, to_numpy
from .labels import Labels, parse_labels
from .latent_subsets import best_latents, cross_validated_score
from .ranks import Ranks, auc_interval, auc_test, correlation_interval, precision_recall, rank, spearman_test

MAX_MODEL_LATENTS = 2_000  # latents that one model is trained on


@dataclass(frozen=True)
class Effect:
    """The relation of one latent to one class, or to a number.

    Attributes
    ----------
    latent : int
        The latent's index.
    of : str
        The class that its large codes (effect above 0.5) or its small codes (below 0.5) indicate; "" for a number.
    effect : float
        The AUC as a detector of the class, in [0, 1] (0.5: no relation), or Spearman's correlation with the number,
        in [-1, 1] (0: no relation).
    low, high : float
        The ends of the effect's 95% interval.
    p : float
        Two-sided p value.
    q : float
        p adjusted by Benjamini and Hochberg (1995) over all latents and classes.
    precision, recall : float or None
        Of the rule "the code is above its threshold" (below, if the effect is below 0.5), in [0, 1]; None for a number.
    """

    latent: int
    of: str
    effect: float
    low: float
    high: float
    p: float
    q: float
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Related:
    """The latents related to a label, and how well a model of the best few predicts it.

    Attributes
    ----------
    kind : {"classes", "number"}
        What the labels are.
    target : str
        The label's name.
    rows : int
        Rows used.
    left_out : int
        Rows without a label, or of a class with fewer than 10 rows.
    classes : tuple of str
        The classes' names; () for a number.
    counts : tuple of int
        Rows of each class. A class's share of the rows is the precision of chance.
    tested : int
        Latents whose codes are not constant.
    level : float
        The false discovery rate that was allowed.
    found : int
        Latents with q ≤ level.
    effects : tuple of Effect
        The strongest effect of each latent found, the strongest first; `most` at most.
    measure : str
        "balanced accuracy" or "R²": what the four scores are.
    few : int
        Latents that the small model reads.
    few_score : float
        The small model's cross-validated score.
    all_score : float or None
        The score of the same model on all latents tested; None if there are none or more than 2,000.
    raw_score : float
        The score of the same model on the raw columns.
    chance : float
        The score of chance: 1 / number of classes, or 0.
    """

    kind: str
    target: str
    rows: int
    left_out: int
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    tested: int
    level: float
    found: int
    effects: tuple[Effect, ...]
    measure: str
    few: int
    few_score: float
    all_score: float | None
    raw_score: float
    chance: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self) | {
            "classes": list(self.classes),
            "counts": list(self.counts),
            "effects": [asdict(effect) for effect in self.effects],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Related":
        """Return the Related whose `to_dict` returned these values."""
        effects = tuple(Effect(**effect) for effect in values["effects"])
        tuples = {name: tuple(values[name]) for name in ("classes", "counts")}
        return cls(**{**values, **tuples, "effects": effects})


def relate(
    codes: Any,
    y: ArrayLike,
    rows: Any,
    *,
    target: str = "",
    kind: str | None = None,
    level: float = 0.05,
    most: int = 40,
    few: int = 8,
    seed: int = 0,
) -> Related:
    """Return the latents that are related to labels, classes or a number, on rows held out from training.

    Parameters
    ----------
    codes : array or SciPy sparse array of shape [N, L]
        Codes of rows that the model was not trained on.
    y : array of shape [N]
        The labels. Strings, bools and whole numbers of at most 20 distinct values are classes, others a number; `kind`
        overrides this. Rows without a label (None, NaN) are left out, and rows of a class with fewer than 10 rows: no
        model can be evaluated on so few.
    rows : array, SciPy sparse array or Source of shape [N, D]
        The rows that were encoded, for the model on raw columns, which takes 3,000 at most. Sparse rows stay sparse: it
        then divides columns by their standard deviations without centring them. For a missing value (NaN) it reads the
        column's mean over the known values of its training rows.
    target : str, default=""
        The label's name.
    kind : {"classes", "number"}, optional
        What the labels are.
    level : float, default=0.05
        The false discovery rate: the expected share of false discoveries among the latents found, in (0, 1).
    most : int, default=40
        Maximal number of effects returned, ≥ 1.
    few : int, default=8
        Number of latents of the small model, ≥ 1.
    seed : int, default=0
        Seed of the folds.

    Returns
    -------
    Related
        The strongest effects, and the scores of linear models on the best few latents, on all latents and on the raw
        columns.

    Raises
    ------
    DataError
        If codes, labels and rows do not have the same number of rows, or codes are not finite, or rows are infinite, or
        too few rows have labels.
    RecipeError
        If `level`, `most`, `few` or `kind` is out of range.

    Notes
    -----
    Every latent is tested against every class versus the others (against one class if there are two) by a rank test, or
    against a number by Spearman's correlation. False discoveries are controlled over all these tests (Benjamini and
    Hochberg, 1995). Ranks do not depend on units, and one row with a huge code cannot produce a relation. Where more
    than half of the rows have one value (sparse codes are 0 in most rows), the test is Fisher's exact one, which keeps
    its level there.

    The intervals are each latent's own: they do not account for the selection of the strongest, so they are optimistic.

    The models are logistic regression with balanced class weights, or ridge regression, cross-validated in five folds
    on 3,000 rows at most. The small model reads the latents most strongly related to the label on the training rows of
    each fold; with classes, each class adds its best latent in turn.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["no", "yes"], 50)
    >>> codes = np.stack([rng.random(100), y == "yes"], axis=1)
    >>> related = relate(codes, y, rng.normal(size=(100, 3)), few=1)
    >>> [(effect.latent, effect.of, effect.effect, effect.precision, effect.recall) for effect in related.effects]
    [(1, 'yes', 1.0, 1.0, 1.0)]
    >>> related.few_score
    1.0
    """
    by_latent, labels, source = to_csc(codes, "codes"), parse_labels(y, kind), _source(rows)
    _check(by_latent, labels, source, level, most, few)
    by_latent.sum_duplicates()
    by_latent = csc_array(by_latent[labels.rows])
    tested = np.flatnonzero(by_latent.max(axis=0).toarray() != by_latent.min(axis=0).toarray())
    by_latent = csc_array(by_latent[:, tested])
    few = min(few, len(tested))
    chance = 1 / len(labels.classes) if labels.classes else 0.0
    effects: tuple[Effect, ...] = ()
    n_found, few_score = 0, chance
    if len(tested):
        ranks = rank(by_latent)
        effects, n_found = _effects(ranks, labels, tested, level, most, seed)
        few_score = cross_validated_score(
            labels, seed, lambda train, rows: by_latent[:, best_latents(ranks, labels, train, few)][rows].toarray()
        )
    all_score = None
    if 0 < len(tested) <= MAX_MODEL_LATENTS:
        all_score = cross_validated_score(labels, seed, lambda _, rows: by_latent[rows].toarray())
    return Related(
        kind=labels.kind,
        target=target,
        rows=len(labels.y),
        left_out=labels.n_rows - len(labels.y),
        classes=labels.classes,
        counts=tuple(labels.in_class.sum(0).tolist()),
        tested=len(tested),
        level=level,
        found=n_found,
        effects=effects,
        measure="balanced accuracy" if labels.classes else "R²",
        few=few,
        few_score=few_score,
        all_score=all_score,
        raw_score=cross_validated_score(
            labels, seed, lambda train, rows: _raw_columns(source, labels.rows[train], labels.rows[rows])
        ),
        chance=chance,
    )


def _source(rows: Any) -> Source:
    """Return rows [N, D] as a source."""
    if is_source(rows):
        source: Source = rows
        return source
    array: Any = rows if issparse(rows) else to_numpy(rows)
    if array.ndim != 2:
        raise DataError(f"rows has shape {array.shape}; give the rows that were encoded, [rows, columns]")
    if array.dtype.kind not in "biuf":
        raise DataError(f"rows has type {array.dtype}; leave out or encode columns that are not numbers")
    return SparseRows(array) if issparse(array) else Rows(array)


def _raw_columns(source: Source, train: NDArray[np.intp], rows: NDArray[np.intp]) -> "Floats | csr_array[Any]":
    """Return some rows, ascending, with each column's mean over the known values of `train` for missing values.

    They are sparse if the source is.
    """
    stored, in_train = stored_rows(source, rows), np.searchsorted(rows, train)
    raw = source.take(rows) if stored is None else stored.data
    if np.isinf(raw).any():
        raise DataError("rows hold infinity; leave out such rows, or replace the values")
    return _filled(raw, raw[in_train]) if stored is None else _filled_sparse(stored, in_train)


def _filled(raw: NDArray[Any], train: NDArray[Any]) -> Floats:
    known = ~np.isnan(train)
    means = np.where(known, train, 0).sum(0, dtype=np.float64) / np.maximum(known.sum(0), 1)
    return np.where(np.isnan(raw), means, raw.astype(np.float64))


def _filled_sparse(raw: "csr_array[Any]", in_train: NDArray[np.intp]) -> "csr_array[Any]":
    filled = raw.astype(np.float64)
    missing = np.isnan(filled.data)
    if missing.any():
        train = filled[in_train]
        unknown = np.isnan(train.data)
        n_unknown = np.bincount(train.indices[unknown], minlength=train.shape[1])
        train.data[unknown] = 0
        means = train.sum(0) / np.maximum(len(in_train) - n_unknown, 1)
        filled.data[missing] = means[filled.indices[missing]]
    return filled


def _effects(
    ranks: Ranks, labels: Labels, tested: NDArray[np.intp], level: float, most: int, seed: int
) -> tuple[tuple[Effect, ...], int]:
    """Return the strongest effect of each latent with q ≤ level, the strongest first, and the number of latents."""
    if labels.classes:
        # the second of two classes is the complement of the first: one test
        in_class = labels.in_class[:, -1:] if len(labels.classes) == 2 else labels.in_class
        effect_CL, p_CL = auc_test(ranks, in_class)
        strength_CL = np.abs(effect_CL - 0.5)
    else:
        effect_CL, p_CL = (values[None] for values in spearman_test(ranks, labels.y))
        strength_CL = np.abs(effect_CL)
    q_CL = stats.false_discovery_control(p_CL.ravel()).reshape(p_CL.shape)
    strength_CL = np.where(q_CL <= level, strength_CL, -1)
    n_found = int((strength_CL.max(0) >= 0).sum())
    strongest = np.argsort(-strength_CL.max(0), kind="stable")[: min(n_found, most)]
    effects = []
    for column, label in zip(strongest.tolist(), strength_CL[:, strongest].argmax(0).tolist(), strict=True):
        latent_ranks = ranks.offsets[:, [column]].toarray().ravel()
        effect, p, q = (float(values_CL[label, column]) for values_CL in (effect_CL, p_CL, q_CL))
        effects.append(_effect(int(tested[column]), latent_ranks, labels, label, effect, p, q, seed))
    return tuple(effects), n_found


def _effect(
    latent: int, ranks: Floats, labels: Labels, label: int, effect: float, p: float, q: float, seed: int
) -> Effect:
    if not labels.classes:
        return Effect(latent, "", effect, *correlation_interval(effect, len(labels.y)), p, q, None, None)
    if len(labels.classes) == 2:  # name the class that large codes indicate
        label, effect = (1, effect) if effect >= 0.5 else (0, 1 - effect)
    in_class = labels.y == label
    precision, recall = precision_recall(ranks if effect >= 0.5 else -ranks, in_class, seed)
    return Effect(latent, labels.classes[label], effect, *auc_interval(ranks, in_class), p, q, precision, recall)


def _check(codes: "csc_array[Any]", labels: Labels, rows: Source, level: float, most: int, few: int) -> None:
    n_rows, n_latents = codes.shape
    if labels.n_rows != n_rows:
        raise DataError(f"y has {labels.n_rows} labels, but codes has {n_rows} rows; give one label per row")
    if len(rows) != n_rows or prod(rows.shape) == 0:
        shape = (len(rows), prod(rows.shape))
        raise DataError(f"rows has shape {shape}, but codes has {n_rows} rows; give the rows that were encoded")
    if n_latents == 0:
        raise DataError(f"codes has shape {codes.shape}; give one latent or more")
    if not 0 < level < 1:
        raise RecipeError(f"level={level} lies outside (0, 1)")
    for name, size in (("most", most), ("few", few)):
        if size < 1:
            raise RecipeError(f"{name}={size} is below 1")
