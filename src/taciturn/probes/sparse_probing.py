"""Sparse probing: how well logistic regression on k latents predicts each class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..core.errors import DataError, RecipeError
from ..metrics.arrays import to_csc
from .labels import labelled


@dataclass(frozen=True, eq=False)
class SparseProbe:
    """Probes of k latents each: one for each class against all others; of two classes, one for the second class.

    Attributes
    ----------
    classes : array [C]
        The class that each probe detects.
    latents : array [C, k] of int
        Each probe's latents, the one with the largest difference of class means first.
    accuracies : array [C], float64
        Balanced accuracies on the test rows, from 0 to 1; 0.5 is chance.
    left_out : int
        Rows without a class, of training and test together.
    """

    classes: NDArray[Any]
    latents: NDArray[np.intp]
    accuracies: NDArray[np.float64]
    left_out: int = 0

    @property
    def mean(self) -> float:
        """The mean balanced accuracy over the probes, from 0 to 1; 0.5 is chance whatever the classes' sizes."""
        return float(self.accuracies.mean())


def sparse_probing(
    codes_train: Any, y_train: ArrayLike, codes_test: Any, y_test: ArrayLike, *, k: Sequence[int] = (1, 2, 5)
) -> dict[int, SparseProbe]:
    """Return, for each k, the balanced accuracy of logistic regression on k latents for each class.

    Parameters
    ----------
    codes_train, codes_test : array or SciPy sparse array of shape [N, L]
        Codes of the rows to train on, and of the rows to test on.
    y_train, y_test : array of shape [N]
        The rows' classes; the same classes in both. Rows without one (None, NaN, "", "nan") are left out.
    k : sequence of int, default=(1, 2, 5)
        Numbers of latents, each from 1 to L.

    Returns
    -------
    dict of int to SparseProbe
        One entry for each k.

    Raises
    ------
    RecipeError
        If some k lies outside [1, L].
    DataError
        If codes and classes do not fit each other, or there are fewer than two classes.

    Notes
    -----
    The k-sparse probing of Gurnee et al. (2023), with their simplest selection, which SAEBench uses too: the k latents
    with the largest |mean over the class - mean over the others| on the training rows. The selected latents are scaled
    to mean 0 and variance 1, so that the penalty (scikit-learn's default, L2 with C = 1) does not depend on units.
    Classes have equal weight. Balanced accuracy is the mean of the recalls of the class and of the others; with classes
    of equal size, as in SAEBench, it is the accuracy.

    Examples
    --------
    >>> import numpy as np
    >>> codes, y = np.array([[0, 1.0, 1], [0, 2, 0], [1, 0, 1], [2, 0, 0]]), np.array(["no", "no", "yes", "yes"])
    >>> probe = sparse_probing(codes, y, codes, y, k=[1])[1]
    >>> probe.classes.tolist(), probe.mean, int(probe.latents[0, 0]) in (0, 1)
    (['yes'], 1.0, True)
    """
    train, test = to_csc(codes_train, "codes_train"), to_csc(codes_test, "codes_test")
    train, y_train, left_out_train = _labelled_rows(train, y_train, "train")
    test, y_test, left_out_test = _labelled_rows(test, y_test, "test")
    classes = _check(train, y_train, test, y_test, k)
    probed = classes[1:] if len(classes) == 2 else classes
    orders = [_by_difference(train, y_train == label) for label in probed]
    return {
        size: SparseProbe(
            probed,
            np.array([order[:size] for order in orders]),
            np.array(
                [
                    _accuracy(train, y_train == label, test, y_test == label, order[:size])
                    for label, order in zip(probed, orders, strict=True)
                ]
            ),
            left_out_train + left_out_test,
        )
        for size in k
    }


def _by_difference(codes: "csc_array[Any]", in_class: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the latents [L] by |mean inside the class - mean outside|, the largest first."""
    weight_N = np.where(in_class, 1 / in_class.sum(), -1 / (~in_class).sum())
    return np.argsort(-np.abs(weight_N @ codes), kind="stable")


def _accuracy(
    train: "csc_array[Any]",
    in_class_train: NDArray[np.bool_],
    test: "csc_array[Any]",
    in_class_test: NDArray[np.bool_],
    latents: NDArray[np.intp],
) -> float:
    """Return the balanced accuracy on the test rows of a probe of some latents."""
    probe = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    probe.fit(train[:, latents].toarray(), in_class_train)
    return float(balanced_accuracy_score(in_class_test, probe.predict(test[:, latents].toarray())))


def _labelled_rows(codes: "csc_array[Any]", y: ArrayLike, name: str) -> tuple["csc_array[Any]", NDArray[Any], int]:
    """Return the codes and the classes of the rows that have a class, and the number of the others."""
    rows, classes, n_rows = labelled(y)
    if n_rows != codes.shape[0]:
        raise DataError(
            f"y_{name} has shape ({n_rows},), but codes_{name} has {codes.shape[0]} rows; give one class per row"
        )
    left_out = n_rows - len(rows)
    return csc_array(codes[rows]) if left_out else codes, classes, left_out


def _check(
    train: "csc_array[Any]",
    y_train: NDArray[Any],
    test: "csc_array[Any]",
    y_test: NDArray[Any],
    k: Sequence[int],
) -> NDArray[Any]:
    """Return the classes, or raise an error where codes, classes and k do not fit each other."""
    if train.shape[1] != test.shape[1]:
        raise DataError(
            f"codes_train has {train.shape[1]} latents, but codes_test has {test.shape[1]}; give codes of one model"
        )
    for size in k:
        if not 1 <= size <= train.shape[1]:
            raise RecipeError(f"k={size} lies outside [1, {train.shape[1]}], the number of latents")
    classes = np.unique(y_train)
    if len(classes) < 2 or not np.array_equal(classes, np.unique(y_test)):
        raise DataError(
            f"y_train has the classes {classes.tolist()}, y_test {np.unique(y_test).tolist()}; give two or more, the "
            "same in both (train_test_split with stratify=y)"
        )
    return classes
