"""Which latents go with a label or a number."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.sparse import csc_array, issparse

from ..core.errors import DataError, RecipeError
from ..metrics.arrays import Floats, columns, plain
from .few import best_latents, score
from .ranks import Ranks, auc_interval, correlation_interval, follow_number, precision_recall, rank, tell_classes
from .targets import Target, read_target

PROBED = 2_000  # latents that one model reads at most


@dataclass(frozen=True)
class Effect:
    """One latent beside one class, or beside the number."""

    latent: int
    of: str  # the class that it speaks for, or against; "" for a number
    effect: float  # AUC as a detector of the class (below 0.5: it speaks against it), or Spearman's correlation
    low: float  # of its 95% interval
    high: float
    p: float  # two-sided
    q: float  # after Benjamini and Hochberg, over all latents and classes
    precision: float | None  # of "the code is above its threshold" (below, if it speaks against); None for a number
    recall: float | None


@dataclass(frozen=True)
class Related:
    """The latents that go with a target, and what a model makes of the best few."""

    kind: str  # "classes" or "number"
    target: str  # its name
    rows: int  # that were used
    left_out: int  # without a label, or of a class with too few rows
    classes: tuple[str, ...]  # () for a number
    counts: tuple[int, ...]  # rows of each class: by chance, a precision is their share
    tested: int  # latents whose codes are not all the same
    level: float  # of false discoveries
    found: int  # latents with q <= level
    effects: tuple[Effect, ...]  # the strongest of each latent found, the strongest first
    measure: str  # "balanced accuracy" or "R²", of the five numbers below
    few: int  # latents that the small model reads
    few_score: float  # cross-validated
    all_score: float | None  # the same model on all latents tested; None if they are more than 2,000
    raw_score: float  # the same model on the raw columns
    chance: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON has them."""
        return asdict(self) | {
            "classes": list(self.classes),
            "counts": list(self.counts),
            "effects": [asdict(effect) for effect in self.effects],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Related":
        """Return what `to_dict` wrote down."""
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
    """Return the latents that go with classes or with a number, on rows that the model has never seen.

    Every latent is tested beside every class against the others (beside one, of two classes) by a rank test, and
    beside a number by Spearman's correlation; false discoveries are controlled over all these tests. Ranks, because
    then neither units nor one row with a huge code can make a relation, and a latent that is 0 in most rows, as
    sparse codes are, keeps its level: where one value is that of most rows, the test is Fisher's exact one.

    The intervals are each latent's own: they do not know that the strongest were picked, so read them as optimistic.
    Both models learn from 3,000 rows at most. The small one reads the latents that go best with the target on the rows
    of its own training fold (with classes, each names its best latent in turn): logistic regression, classes weighing
    the same, or ridge regression.

    Parameters
    ----------
    codes : array or SciPy sparse array of shape [N, L]
        Of rows never trained on.
    y : array of shape [N]
        Strings, bools or whole numbers of at most 20 values are classes, others a number; `kind` ("classes",
        "number") says otherwise. Rows without a label (None, NaN) are left out, and so are those of a class that has
        fewer than 10: no model can be judged on them.
    rows : array of shape [N, D]
        What was encoded, for the model on raw columns.
    target : str
        The name of y.
    level : float
        The share of false discoveries among the latents found.
    most : int
        Effects at most.
    few : int
        Latents of the small model.
    seed : int
        Of the folds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["no", "yes"], 50)
    >>> codes = np.stack([rng.random(100), y == "yes"], axis=1)
    >>> found = relate(codes, y, rng.normal(size=(100, 3)), few=1)
    >>> [(effect.latent, effect.of, effect.effect, effect.precision, effect.recall) for effect in found.effects]
    [(1, 'yes', 1.0, 1.0, 1.0)]
    >>> found.few_score
    1.0
    """
    by_latent, known = columns(codes, "codes"), read_target(y, kind)
    raw = columns(rows, "rows").toarray() if issparse(rows) else np.asarray(plain(rows))
    _check(by_latent, known, raw, level, most, few)
    by_latent.sum_duplicates()
    by_latent, raw = csc_array(by_latent[known.kept]), raw[known.kept].astype(np.float64)
    tested = np.flatnonzero(by_latent.max(axis=0).toarray() != by_latent.min(axis=0).toarray())
    by_latent = csc_array(by_latent[:, tested])
    few = min(few, len(tested))
    chance = 1 / len(known.classes) if known.classes else 0.0
    effects: tuple[Effect, ...] = ()
    found, few_score = 0, chance
    if len(tested):
        ranks = rank(by_latent)
        effects, found = _effects(ranks, known, tested, level, most, seed)
        few_score = score(known, seed, lambda learn: by_latent[:, best_latents(ranks, known, learn, few)].toarray())
    return Related(
        kind=known.kind,
        target=target,
        rows=len(known.y),
        left_out=known.given - len(known.y),
        classes=known.classes,
        counts=tuple(known.inside.sum(0).tolist()),
        tested=len(tested),
        level=level,
        found=found,
        effects=effects,
        measure="balanced accuracy" if known.classes else "R²",
        few=few,
        few_score=few_score,
        all_score=score(known, seed, lambda _: by_latent.toarray()) if 0 < len(tested) <= PROBED else None,
        raw_score=score(known, seed, lambda _: raw),
        chance=chance,
    )


def _effects(
    ranks: Ranks, known: Target, tested: NDArray[np.intp], level: float, most: int, seed: int
) -> tuple[tuple[Effect, ...], int]:
    """Return the strongest effect of each latent found, the strongest first, and how many were found."""
    if known.classes:
        # of two classes, each is all that the other is not: one test
        inside = known.inside[:, -1:] if len(known.classes) == 2 else known.inside
        effect_CL, p_CL = tell_classes(ranks, inside)
        strength_CL = np.abs(effect_CL - 0.5)
    else:
        effect_CL, p_CL = (values[None] for values in follow_number(ranks, known.y))
        strength_CL = np.abs(effect_CL)
    q_CL = stats.false_discovery_control(p_CL.ravel()).reshape(p_CL.shape)
    strength_CL = np.where(q_CL <= level, strength_CL, -1)
    found = int((strength_CL.max(0) >= 0).sum())
    shown = np.argsort(-strength_CL.max(0), kind="stable")[: min(found, most)]
    effects = []
    for latent, which in zip(shown.tolist(), strength_CL[:, shown].argmax(0).tolist(), strict=True):
        of_latent = ranks.offsets[:, [latent]].toarray().ravel()
        effect, p, q = (float(numbers_CL[which, latent]) for numbers_CL in (effect_CL, p_CL, q_CL))
        effects.append(_effect(int(tested[latent]), of_latent, known, which, effect, p, q, seed))
    return tuple(effects), found


def _effect(
    latent: int, ranks: Floats, known: Target, which: int, effect: float, p: float, q: float, seed: int
) -> Effect:
    if not known.classes:
        return Effect(latent, "", effect, *correlation_interval(effect, len(known.y)), p, q, None, None)
    if len(known.classes) == 2:  # name the one that it speaks for
        which, effect = (1, effect) if effect >= 0.5 else (0, 1 - effect)
    inside = known.y == which
    told = precision_recall(ranks if effect >= 0.5 else -ranks, inside, seed)
    return Effect(latent, known.classes[which], effect, *auc_interval(ranks, inside), p, q, *told)


def _check(codes: "csc_array[Any]", known: Target, raw: NDArray[Any], level: float, most: int, few: int) -> None:
    n_rows, n_latents = codes.shape
    if known.given != n_rows:
        raise DataError(f"y has {known.given} labels, but codes has {n_rows} rows; give one label a row")
    if raw.ndim != 2 or len(raw) != n_rows or raw.shape[1] == 0:
        raise DataError(f"rows has shape {raw.shape}, but codes has {n_rows} rows; give the rows that were encoded")
    if n_latents == 0:
        raise DataError(f"codes has shape {codes.shape}; give one latent or more")
    if raw.dtype.kind not in "biuf" or not np.isfinite(raw).all():
        raise DataError("rows must be finite numbers [rows, columns]")
    if not 0 < level < 1:
        raise RecipeError(f"level={level} lies outside (0, 1)")
    for name, size in (("most", most), ("few", few)):
        if size < 1:
            raise RecipeError(f"{name}={size} is below 1")
