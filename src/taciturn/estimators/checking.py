"""Whether rows are like those that a model was trained on: `check`, and what a fit remembers for it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..core.cards import card
from ..core.errors import DataError, RecipeError
from .base import BaseAutoencoder
from .rows import source_of, targets_of

if TYPE_CHECKING:
    from ..data.moments import Moments
    from ..data.sources import Source
    from ..metrics import Remembered, RowScores
    from ..training import Learner

MARGIN = 0.1  # a difference of distributions up to this is not one
CHANCE = 0.001  # that one of the compared shares exceeds its limit by chance
MAX_LIMIT = 0.5  # with a larger limit the rows are too few to call them alike
CENTRE_CHANCE = 10.0  # over the number of rows: the square of a centre's distance that is chance


@dataclass(frozen=True)
class Comparison:
    """One number of the rows beside what is remembered.

    Parameters
    ----------
    name : str
        What is compared.
    difference : float
        How far the rows differ; see `check`.
    limit : float
        The largest difference that rows like the training rows have.
    decisive : bool
        Whether a larger difference shows that the rows are not like the training rows. Errors and latents do not where
        the remembered numbers are those of training rows: of new rows they may be larger.
    """

    name: str
    difference: float
    limit: float
    decisive: bool

    @property
    def differs(self) -> bool:
        """Whether the difference is larger than its limit."""
        return self.difference > self.limit


@dataclass(frozen=True)
class Check:
    """The result of `check`; its text is a table that ends with the verdict.

    Parameters
    ----------
    count : int
        The number of rows.
    fvu, fvu_error : float
        The rows' fraction of variance unexplained, and its standard error.
    l0, l0_error : float
        Their mean number of active latents, and its standard error.
    remembered : Remembered or None
        The same numbers of rows that the fit held out, or trained on; None if nothing is remembered.
    comparisons : tuple of Comparison
        What was compared.
    alike : bool or None
        Whether the rows are like the training rows; None if that cannot be decided.
    verdict : str
        The same in words.
    """

    count: int
    fvu: float
    fvu_error: float
    l0: float
    l0_error: float
    remembered: Remembered | None
    comparisons: tuple[Comparison, ...]
    alike: bool | None
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers in plain values that JSON can hold; of what is remembered without the quantiles."""
        known = None if self.remembered is None else _finite(asdict(self.remembered))
        comparisons = [_finite(asdict(each)) for each in self.comparisons]
        return _finite(asdict(self)) | {"remembered": known, "comparisons": comparisons}

    def lines(self) -> list[tuple[str, str]]:
        """Return the result as pairs (label, text)."""
        known = self.remembered
        beside = ["", "", ""]
        if known is not None:
            rows = "held-out" if known.kind == "held-out" else "training"
            beside = [
                f"; remembered: {known.count:,} {rows} rows",
                f"; remembered: {_with_error(known.fvu, known.fvu_error, 3)}",
                f"; remembered: {_with_error(known.l0, known.l0_error, 1)}",
            ]
        return [
            ("rows", f"{self.count:,}{beside[0]}"),
            ("FVU", _with_error(self.fvu, self.fvu_error, 3) + beside[1]),
            ("L0", _with_error(self.l0, self.l0_error, 1) + beside[2]),
            *((each.name, f"{each.difference:.2f}, limit {each.limit:.2f}") for each in self.comparisons),
            ("verdict", self.verdict),
        ]

    def __str__(self) -> str:
        return "\n".join(f"{label:<24}{text}" for label, text in self.lines())

    def _repr_html_(self) -> str:
        """Return the lines as an HTML table."""
        return card("check", self.lines())


def check(model: BaseAutoencoder, rows: ArrayLike | Source, *, target: ArrayLike | Source | None = None) -> Check:
    """Return whether rows are like those that a model was trained on, with its errors and sparsity on them.

    Parameters
    ----------
    model : BaseAutoencoder
        A fitted estimator, such as `taciturn.load` returns.
    rows : array-like, sparse matrix, data frame or Source [n_samples, n_features]
        Rows with the columns of the training rows; about 100 or more.
    target : array-like, sparse matrix, data frame or Source [n_samples, n_targets], optional
        The row with which each reconstruction is compared; required where `fit` had targets.

    Returns
    -------
    Check
        `alike` is True, False, or None where it cannot be decided; `print` shows all numbers.

    Raises
    ------
    RecipeError
        The model is not an autoencoder of taciturn.
    DataError
        The rows are infinite or not numeric, have other columns than the training rows, or are not as many as
        the targets.

    Notes
    -----
    `fit` remembers up to 1,000 rows: of `validation`, of those that it held out itself, or else of the training rows.
    Four numbers are compared:

    - the errors of the rows over their mean squares: the largest share by which larger ones are more frequent than
      among the remembered;
    - the same of the numbers of active latents;
    - the distances of the rows from the centre, in both directions;
    - the rows' mean: its distance from that of all training rows, over these rows' standard deviation, both by columns
      in units of the scaling, and without what chance adds on average.

    Limits: a share may differ by 0.1, and by what n rows and m remembered ones differ by chance with a probability of
    0.1%: √(ln 1000 / 2 · (1/n + 1/m)) (Smirnov, 1939). The distance of the mean has the limit √(0.1² + 10/n + 10/N),
    with N training rows. So independent rows of the same distribution are called unlike in less than 1% of cases;
    benchmarks/results/check.md has what was measured.

    Errors and active latents of new rows may be larger than those of rows that the model was trained on. If nothing
    else is remembered, they decide nothing, and `alike` is None.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder, datasets
    >>> X = datasets.load("digits").read(0, 1797)
    >>> model = SparseAutoencoder(64, max_iter=5, random_state=0).fit(X[:1300], validation=X[1300:1500])
    >>> check(model, X[1500:]).alike, check(model, 2 * X[1500:]).alike, check(model, X[1500:1510]).alike
    (True, False, None)
    """
    from .. import inference

    if not isinstance(model, BaseAutoencoder):
        raise RecipeError(
            f"check takes an autoencoder or an outlier detector, not a {type(model).__name__}; for an imputer use its "
            "report"
        )
    if not model.remembers_rows:
        raise RecipeError(
            "check compares independent rows, and the patches of an image are not; use score, or taciturn evaluate"
        )
    check_is_fitted(model)
    source, learner = source_of(model, rows), model._learner
    targets = targets_of(target, source, model, learner.model.layout.n_outputs)
    if learner.remembered is not None and (targets is None) != (learner.target_moments is None):
        raise DataError(
            "the model was trained with targets; give those of these rows (target=, --target)"
            if targets is None
            else "the model was trained without targets; leave them out"
        )
    scores, known = inference.row_scores(learner.model, source, targets), learner.remembered
    if not scores.count:
        raise DataError("no row has a known value; give rows with known values")
    comparisons = () if known is None else _comparisons(scores, known, learner, source)
    alike, verdict = _verdict(scores, known, comparisons)
    numbers = scores.count, scores.fvu, scores.fvu_error, scores.l0, scores.l0_error
    return Check(*numbers, known, comparisons, alike, verdict)


def _comparisons(scores: RowScores, known: Remembered, learner: Learner, source: Source) -> tuple[Comparison, ...]:
    """Return the comparisons of rows with what is remembered."""
    from ..data.moments import measure_moments
    from ..metrics import share_above, share_below
    from ..metrics.row_scores import MIN_ERROR

    n, m, held_out = scores.count, known.count, known.kind == "held-out"
    limit = MARGIN + math.sqrt(-math.log(CHANCE) / 2 * (1 / n + 1 / m))
    above = share_above(scores.relative, known.relative, MIN_ERROR)
    more = share_above(scores.active, known.active)
    distance = max(share_above(scores.distances, known.distances), share_below(scores.distances, known.distances))
    comparisons = [
        Comparison("larger errors", above, limit, held_out),
        Comparison("more active latents", more, limit, held_out),
        Comparison("other distances", distance, limit, decisive=True),
    ]
    if not learner.settings.scaling.fixed:  # else the moments are not those of the training rows
        training = learner.moments
        scale = learner.model.scale.cpu().numpy()
        chance = CENTRE_CHANCE / len(source) + CENTRE_CHANCE / training.count
        of_mean = _distance_of_means(measure_moments(source), training, scale)
        comparisons.append(Comparison("another mean", of_mean, math.sqrt(MARGIN**2 + chance), decisive=True))
    return tuple(comparisons)


def _distance_of_means(rows: Moments, training: Moments, scale: np.ndarray[Any, Any]) -> float:
    """Return the distance of two means over the standard deviation of the training rows, all columns together.

    What chance adds to the square of the distance on average is subtracted (Chen and Qin, 2010); at least 0.
    """
    n, m = (np.maximum(each.known, 1) for each in (rows, training))
    known = (np.broadcast_to(n, scale.shape) > 1) & (np.broadcast_to(m, scale.shape) > 1)
    chance = rows.variance / np.maximum(n - 1, 1) + training.variance / np.maximum(m - 1, 1)
    squared = ((np.square(rows.mean - training.mean) - chance) / scale**2)[known].sum()
    variance = (training.variance / scale**2)[known].sum()
    if variance > 0:
        return math.sqrt(max(float(squared / variance), 0.0))
    return math.inf if squared > 0 else 0.0


def _verdict(
    scores: RowScores, known: Remembered | None, comparisons: tuple[Comparison, ...]
) -> tuple[bool | None, str]:
    """Return whether the rows are like the training rows, and the same in words."""
    if known is None:
        return None, "Cannot tell: the model remembers no rows of a fit, so nothing is compared."
    fvu, l0 = f"FVU {scores.fvu:.3f}, remembered {known.fvu:.3f}", f"L0 {scores.l0:.1f}, remembered {known.l0:.1f}"
    texts = {
        "larger errors": f"their relative errors are larger ({fvu})",
        "more active latents": f"more latents are active ({l0})",
        "other distances": "their distances from the centre are others",
        "another mean": "their mean is another",
    }
    found = [each for each in comparisons if each.differs]
    reasons = ", ".join(texts[each.name] for each in found)
    if any(each.decisive for each in found):
        return False, f"The rows are not like the training rows: {reasons}."
    if found:
        return None, f"Cannot tell: {reasons}, as on any rows that were not trained on; fit with validation rows."
    if comparisons[0].limit > MAX_LIMIT:
        rows = f"{scores.count:,} rows, beside {known.count:,} remembered ones,"
        return None, f"Cannot tell: {rows} are too few to see a difference."
    return True, "The rows are like the training rows: no difference is larger than its limit."


def _finite(numbers: dict[str, Any]) -> dict[str, Any]:
    """Return numbers as JSON can hold them: None for those that are not finite; quantiles are left out."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in numbers.items()
        if not isinstance(value, tuple)
    }


def _with_error(value: float, error: float, digits: int) -> str:
    return f"{value:.{digits}f}" + (f" ± {error:.{digits}f}" if math.isfinite(error) else "")
