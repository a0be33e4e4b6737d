"""What a plain model makes of a few latents, or of raw columns, on rows that it has not learnt from."""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ..metrics.arrays import Floats
from .ranks import Ranks
from .targets import Target

FOLDS = 5
MODELLED = 3_000  # rows


def score(known: Target, seed: int, columns_for: Callable[[NDArray[np.intp]], Floats]) -> float:
    """Return the score of predictions of rows that were not learnt from; what is read may depend on those learnt."""
    split, some = StratifiedKFold if known.classes else KFold, _some(known, seed)
    y = known.y[some]
    predicted = np.empty_like(y)
    for learn, judge in split(FOLDS, shuffle=True, random_state=seed).split(y[:, None], y):
        read = columns_for(some[learn])
        with warnings.catch_warnings():  # 50 steps are plenty for a yardstick, converged or not
            warnings.simplefilter("ignore", ConvergenceWarning)
            predicted[judge] = _model(known).fit(read[some[learn]], y[learn]).predict(read[some[judge]])
    return float((balanced_accuracy_score if known.classes else r2_score)(y, predicted))


def _some(known: Target, seed: int) -> NDArray[np.intp]:
    """Return the rows of the models: all, or 3,000, of each class its share."""
    every = np.arange(len(known.y))
    if len(every) <= MODELLED:
        return every
    some: NDArray[np.intp] = train_test_split(
        every, train_size=MODELLED, stratify=known.y if known.classes else None, random_state=seed
    )[0]
    return np.sort(some)


def _model(known: Target) -> Pipeline:
    model = LogisticRegression(class_weight="balanced", max_iter=50) if known.classes else RidgeCV((1, 100, 10_000))
    return make_pipeline(StandardScaler(), model)


def best_latents(ranks: Ranks, known: Target, learn: NDArray[np.intp], few: int) -> list[int]:
    """Return the latents that go best with the target on the rows to learn from, each class naming its best in turn.

    Ranks are those among all rows, which know nothing of the target.
    """
    y = known.y[learn]
    weight_NC = np.zeros((len(known.y), max(len(known.classes), 1)))
    if known.classes:  # the difference of mean ranks, AUC's for latents that vary alike in all rows
        inside = known.inside[learn]
        weight_NC[learn] = inside / inside.sum(0) - ~inside / (~inside).sum(0)
    else:
        weight_NC[learn, 0] = stats.rankdata(y) - (len(y) + 1) / 2
    strength_CL = np.abs((ranks.offsets.T @ weight_NC).T)
    if not known.classes:
        strength_CL /= np.sqrt(ranks.variance)
    order_CK = np.argsort(-strength_CL, axis=1, kind="stable")[:, :few]
    strength_CK = np.take_along_axis(strength_CL, order_CK, 1)
    turns = np.lexsort([-strength_CK.T.ravel(), np.repeat(np.arange(order_CK.shape[1]), len(order_CK))])
    return list(dict.fromkeys(order_CK.T.ravel()[turns].tolist()))[:few]
