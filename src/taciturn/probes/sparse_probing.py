"""How well a few latents tell classes apart."""

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
from ..metrics.arrays import columns


@dataclass(frozen=True, eq=False)
class SparseProbe:
    """Probes of k latents each: one a class against all others, or a single one, for the second, of two classes."""

    classes: NDArray[Any]  # [C]: what each probe tells from the rest
    latents: NDArray[np.intp]  # [C, k], the one that tells most first
    accuracies: NDArray[np.float64]  # [C], balanced: 0.5 is chance

    @property
    def mean(self) -> float:
        """The mean balanced accuracy over the probes, 0.5 by chance whatever the classes' sizes."""
        return float(self.accuracies.mean())


def sparse_probing(
    codes_train: Any, y_train: ArrayLike, codes_test: Any, y_test: ArrayLike, *, k: Sequence[int] = (1, 2, 5)
) -> dict[int, SparseProbe]:
    """Return, for each k, how well logistic regression on k latents tells each class from the others.

    The k-sparse probing of Gurnee et al. (2023), with their simplest choice, which SAEBench uses too: the k latents
    with the largest |mean over the class - mean over the others| on the training rows. These are brought to mean 0
    and variance 1, so that the penalty (scikit-learn's default, L2 with C = 1) does not depend on units, and classes
    weigh the same. Accuracy is balanced, the mean of the shares of the class and of the others that are recognised:
    on classes of equal size, as in SAEBench, it is the accuracy.

    Parameters
    ----------
    codes_train, codes_test : array or SciPy sparse array of shape [N, L]
        Of rows to learn from and of others to be judged on.
    y_train, y_test : array of shape [N]
        The classes, the same in both.
    k : sequence of int
        Each from 1 to L.

    Examples
    --------
    >>> import numpy as np
    >>> codes, y = np.array([[0, 1.0, 1], [0, 2, 0], [1, 0, 1], [2, 0, 0]]), np.array(["no", "no", "yes", "yes"])
    >>> probe = sparse_probing(codes, y, codes, y, k=[1])[1]
    >>> probe.classes.tolist(), probe.mean, int(probe.latents[0, 0]) in (0, 1)
    (['yes'], 1.0, True)
    """
    train, test = columns(codes_train, "codes_train"), columns(codes_test, "codes_test")
    y_train, y_test = np.asarray(y_train), np.asarray(y_test)
    classes = _check(train, y_train, test, y_test, k)
    told = classes[1:] if len(classes) == 2 else classes
    orders = [_by_difference(train, y_train == each) for each in told]
    return {
        size: SparseProbe(
            told,
            np.array([order[:size] for order in orders]),
            np.array(
                [
                    _accuracy(train, y_train == each, test, y_test == each, order[:size])
                    for each, order in zip(told, orders, strict=True)
                ]
            ),
        )
        for size in k
    }


def _by_difference(codes: "csc_array[Any]", inside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the latents [L] by |mean inside the class - mean outside|, the largest first."""
    weight_N = np.where(inside, 1 / inside.sum(), -1 / (~inside).sum())
    return np.argsort(-np.abs(weight_N @ codes), kind="stable")


def _accuracy(
    train: "csc_array[Any]",
    inside_train: NDArray[np.bool_],
    test: "csc_array[Any]",
    inside_test: NDArray[np.bool_],
    latents: NDArray[np.intp],
) -> float:
    probe = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    probe.fit(train[:, latents].toarray(), inside_train)
    return float(balanced_accuracy_score(inside_test, probe.predict(test[:, latents].toarray())))


def _check(
    train: "csc_array[Any]",
    y_train: NDArray[Any],
    test: "csc_array[Any]",
    y_test: NDArray[Any],
    k: Sequence[int],
) -> NDArray[Any]:
    """Return the classes, or raise an error where codes, classes and k do not fit each other."""
    for name, codes, y in (("train", train, y_train), ("test", test, y_test)):
        if y.shape != (codes.shape[0],):
            raise DataError(
                f"y_{name} has shape {y.shape}, but codes_{name} has {codes.shape[0]} rows; give a class a row"
            )
    if train.shape[1] != test.shape[1]:
        raise DataError(f"codes_train has {train.shape[1]} latents, codes_test {test.shape[1]}; give the same model's")
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
