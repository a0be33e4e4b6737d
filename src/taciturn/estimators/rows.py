"""From what a user hands over, an array, a data frame or a source, to a source of numbers that fits the estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ..core.errors import DataError, RecipeError
from ..data.sources import Rows, Source, check_finite
from .refusals import explained, named

Held = tuple[Source, Source | None]  # rows, and their partners if they are pairs


def rows(estimator: BaseEstimator, X: Any, *, least: int = 1, learn: bool = False) -> Source:
    """Return X as a source of the width and the columns that were learnt from; `learn`: that are to be learnt from.

    Raises ValueError (DataError for what the rows hold) naming the place and the mend.
    """
    if not learn:
        check_is_fitted(estimator)
    return _rows(estimator, X, reset=learn, least=least)


def training_rows(
    estimator: BaseEstimator, X: Any, target: Any, validation: Any = None, *, least: int = 2, learn: bool = True
) -> tuple[Source, Source | None, Held | None]:
    """Return rows to learn from, their partners if they are pairs, and the rows to validate on if some are given."""
    source = _rows(estimator, X, reset=learn, least=least)
    partner = partners(target, source)
    if validation is None:
        return source, partner, None
    if isinstance(validation, tuple) and len(validation) != 2:
        raise RecipeError(f"validation is a tuple of {len(validation)}; give rows, or a pair (rows, targets)")
    held, targets = validation if isinstance(validation, tuple) else (validation, None)
    with named("validation"):
        held = _rows(estimator, held, reset=False, least=1)
    return source, partner, (held, partners(targets, held))


def partners(target: Any, source: Source) -> Source | None:
    """Return the rows' partners as a source of the same size; None where there are none."""
    if target is None:
        return None
    with named("target"):
        partner: Source = target if _is_source(target) else _array(target)
        check_finite(partner)
    if (len(partner), np.prod(partner.shape)) != (len(source), np.prod(source.shape)):
        raise DataError(
            f"target is [{len(partner)}, {np.prod(partner.shape)}], but the rows are "
            f"[{len(source)}, {np.prod(source.shape)}]; give each row a partner of its width"
        )
    if partner.columns != source.columns and set(partner.columns or ()) == set(source.columns or ()):
        raise DataError("target: its columns are in another order than the rows'; bring them into that order")
    return partner


def _rows(estimator: BaseEstimator, X: Any, *, reset: bool, least: int) -> Source:
    if _is_source(X):
        source = _given_source(estimator, X, reset=reset, least=least)
    else:
        with explained(X, least=least):
            checked = validate_data(
                estimator, X, reset=reset, dtype="numeric", ensure_min_samples=least, ensure_all_finite=False
            )
        names = getattr(estimator, "feature_names_in_", None)
        source = Rows(checked, columns=None if names is None else tuple(names))
    check_finite(source)
    return source


def _array(X: Any) -> Rows:
    """Return an array or a frame as a source of its own width."""
    with explained(X):
        checked = check_array(X, dtype="numeric", ensure_all_finite=False)
    names = getattr(X, "columns", None)
    return Rows(checked, columns=None if names is None else tuple(map(str, names)))


def _given_source(estimator: BaseEstimator, source: Source, *, reset: bool, least: int) -> Source:
    """Do for a source what scikit-learn's validate_data does for arrays and frames."""
    width = int(np.prod(source.shape))
    if len(source) < least or not width:
        raise DataError(f"the source is [{len(source)}, {width}]; give {least} or more rows of 1 or more columns")
    if reset:
        estimator.n_features_in_ = width
        estimator.__dict__.pop("feature_names_in_", None)
        if source.columns is not None:
            estimator.feature_names_in_ = np.asarray(source.columns, dtype=object)
    known = getattr(estimator, "feature_names_in_", None)
    if width != estimator.n_features_in_:
        raise DataError(
            f"the source has {width} columns, but {estimator.n_features_in_} were learnt from; give those columns"
        )
    if known is not None and source.columns is not None and list(known) != list(source.columns):
        raise DataError(
            f"the source's columns are {', '.join(source.columns)}, but {', '.join(known)} were learnt from; "
            "bring them into this order with taciturn.data.sources.select"
        )
    return source


def _is_source(X: Any) -> bool:
    """Return whether X reads its own rows; a data frame may have a column called so, its class has not."""
    return all(callable(getattr(type(X), method, None)) for method in ("read", "take"))
