"""Cross-validated scores of linear models on a few latents, on all latents or on raw columns."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse import csr_array, issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ..metrics.arrays import Floats
from .labels import Labels
from .ranks import Ranks

FOLDS = 5
MAX_MODEL_ROWS = 3_000  # rows that a model is trained and tested on


FeaturesFor = Callable[[NDArray[np.intp], NDArray[np.intp]], "Floats | csr_array[Any]"]


def cross_validated_score(labels: Labels, seed: int, features_for: FeaturesFor) -> float:
    """Return the score of predictions for held-out rows, in five folds.

    Parameters
    ----------
    labels : Labels
        N rows' labels: classes (logistic regression) or numbers (ridge regression).
    seed : int
        Seed of the rows drawn and of the folds.
    features_for : callable
        Takes the indices of a fold's training rows, on which features may be selected, and those of all rows that the
        models need, ascending. Returns the features of the latter, dense or sparse.

    Returns
    -------
    float
        Balanced accuracy in [0, 1] for classes, R² (at most 1) for numbers.
    """
    splitter, sample = StratifiedKFold if labels.classes else KFold, _sample(labels, seed)
    y = labels.y[sample]
    predicted = np.empty_like(y)
    for train, test in splitter(FOLDS, shuffle=True, random_state=seed).split(y[:, None], y):
        features = features_for(sample[train], sample)
        with warnings.catch_warnings():  # 50 iterations are enough for a comparison, converged or not
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = _model(labels, centred=not issparse(features)).fit(features[train], y[train])
            predicted[test] = fitted.predict(features[test])
    return float((balanced_accuracy_score if labels.classes else r2_score)(y, predicted))


def _sample(labels: Labels, seed: int) -> NDArray[np.intp]:
    """Return the rows of the models, ascending: all, or 3,000 with each class in proportion."""
    rows = np.arange(len(labels.y))
    if len(rows) <= MAX_MODEL_ROWS:
        return rows
    sample: NDArray[np.intp] = train_test_split(
        rows, train_size=MAX_MODEL_ROWS, stratify=labels.y if labels.classes else None, random_state=seed
    )[0]
    return np.sort(sample)


def _model(labels: Labels, *, centred: bool) -> Pipeline:
    model = LogisticRegression(class_weight="balanced", max_iter=50) if labels.classes else RidgeCV((1, 100, 10_000))
    return make_pipeline(StandardScaler(with_mean=centred), model)


def best_latents(ranks: Ranks, labels: Labels, train: NDArray[np.intp], k: int) -> list[int]:
    """Return the k latents with the strongest relation to the labels on the training rows.

    With classes, each class adds its best latent in turn, then its second, and so on; within a turn the class with the
    strongest relation comes first. The ranks are those among all rows: they do not depend on the labels.
    """
    y = labels.y[train]
    weight_NC = np.zeros((len(labels.y), max(len(labels.classes), 1)))
    if labels.classes:  # the difference of mean ranks: AUC - 1/2 times a constant, if ranks were of training rows only
        in_class = labels.in_class[train]
        weight_NC[train] = in_class / in_class.sum(0) - ~in_class / (~in_class).sum(0)
    else:
        weight_NC[train, 0] = stats.rankdata(y) - (len(y) + 1) / 2
    strength_CL = np.abs((ranks.offsets.T @ weight_NC).T)
    if not labels.classes:
        strength_CL /= np.sqrt(ranks.variance)
    order_CK = np.argsort(-strength_CL, axis=1, kind="stable")[:, :k]
    strength_CK = np.take_along_axis(strength_CL, order_CK, 1)
    turns = np.lexsort([-strength_CK.T.ravel(), np.repeat(np.arange(order_CK.shape[1]), len(order_CK))])
    return list(dict.fromkeys(order_CK.T.ravel()[turns].tolist()))[:k]
