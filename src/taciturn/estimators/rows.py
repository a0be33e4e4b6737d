"""Conversion of a user's rows (an array, sparse rows, a data frame or a source) to a source for the estimator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ..core.errors import DataError, RecipeError
from ..core.messages import listed
from ..data.crops import Crops
from ..data.sources import Checked, Rows, Source, SparseRows, blocks_of, is_source, is_stream
from ..data.survey import Survey, check, survey
from .tables import table_source
from .validation_messages import clear_messages, message_prefix

RowsAndTargets = tuple[Source, Source | None]  # each row's target is reconstructed; None: the row itself


def source_of(estimator: BaseEstimator, X: Any) -> Source:
    """Return rows X as a source with the columns that the estimator was trained on.

    Parameters
    ----------
    estimator : BaseEstimator
        A fitted estimator.
    X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
        At least one row; NaN is a missing value.

    Returns
    -------
    Source

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The estimator is not fitted.
    DataError
        The rows are infinite or not numeric, or have other columns; the message names the place and the mend.

    Examples
    --------
    >>> from taciturn import DenoisingAutoencoder
    >>> model = DenoisingAutoencoder(2, max_iter=1).fit([[0.0, 1.0], [1.0, 0.5]])
    >>> source_of(model, [[0.5, 0.5]]).shape
    (2,)
    """
    check_is_fitted(estimator)
    source = _source_of(estimator, X, reset=False, min_rows=1)
    check(source)
    return source


def training_sources(
    estimator: BaseEstimator, X: Any, target: Any, validation: Any = None, *, min_rows: int = 2, reset: bool = True
) -> tuple[Source, Source | None, RowsAndTargets | None]:
    """Return the rows to train on, their targets, and the validation rows with theirs.

    Streamed rows are not read: `surveyed` checks them.

    Parameters
    ----------
    estimator : BaseEstimator
        Its columns are set or checked; see `reset`.
    X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
        Rows.
    target : array-like, sparse matrix, data frame, Source or None
        Each row's target [n_samples, n_features].
    validation : rows, (rows, targets) or None
        Validation rows, with the columns of X.
    min_rows : int, default=2
        The number of rows that X must have.
    reset : bool, default=True
        As in scikit-learn: True sets `n_features_in_` and `feature_names_in_` to those of X, False requires X to have
        them.

    Returns
    -------
    source : Source
    targets : Source or None
    validation : (Source, Source or None) or None

    Raises
    ------
    DataError
        Rows are infinite or not numeric, or have other columns; or rows and targets do not have the same shape.
    RecipeError
        `validation` is a tuple of another length than 2.
    """
    source = _source_of(estimator, X, reset=reset, min_rows=min_rows)
    _check_in_memory(source)
    targets = _training_targets(target, source, estimator)
    width = None if targets is None else int(np.prod(targets.shape))
    if validation is None:
        return source, targets, None
    if isinstance(validation, tuple) and len(validation) != 2:
        raise RecipeError(f"validation is a tuple of {len(validation)}; give rows, or a pair (rows, targets)")
    validation_X, validation_target = validation if isinstance(validation, tuple) else (validation, None)
    with message_prefix("validation"):
        validation_source = _source_of(estimator, validation_X, reset=False, min_rows=1)
        _check_in_memory(validation_source)
        validation_targets = _matching_targets(validation_target, validation_source, estimator, width)
    return source, targets, (validation_source, validation_targets)


def targets_of(
    target: Any, source: Source, estimator: BaseEstimator | None = None, width: int | None = None
) -> Source | None:
    """Return the rows' targets as a source.

    Parameters
    ----------
    target : array-like, sparse matrix, data frame, Source or None
        Each row's target [n_samples, n_features].
    source : Source [n_samples, n_features]
        The rows.
    estimator : BaseEstimator, optional
        The estimator; if its rows are a table, the targets are one with the same columns.
    width : int, optional
        The number of columns that targets must have; by default that of the rows.

    Returns
    -------
    Source or None
        None if `target` is None.

    Raises
    ------
    DataError
        The targets are infinite or not numeric, are not as many as the rows, do not have `width` columns, or have the
        same columns in another order. Or `target` is None, and `width` is not that of the rows.

    Examples
    --------
    >>> len(targets_of([[0.0], [1.0]], Rows([[0.1], [0.9]])))
    2
    """
    targets = _matching_targets(target, source, estimator, width)
    if targets is not None and blocks_of(targets) is not None:  # those in memory were checked
        with message_prefix("target"):
            check(targets)
    return targets


def _matching_targets(target: Any, source: Source, estimator: BaseEstimator | None, width: int | None) -> Source | None:
    """Return the rows' targets as a source; streamed ones are not read."""
    n_columns = int(np.prod(source.shape))
    width = n_columns if width is None else width
    if target is None:
        if width != n_columns:
            raise DataError(f"the targets have {width} columns, the rows {n_columns}; give a target for each row")
        return None
    targets = _targets(target, source, estimator)
    if (len(targets), int(np.prod(targets.shape))) != (len(source), width):
        raise DataError(f"{_shapes(targets, source)}; give one target of {width} columns for each row")
    return _in_order(targets, source)


def _training_targets(target: Any, source: Source, estimator: BaseEstimator) -> Source | None:
    """Return the targets of training rows, which may have other columns than the rows."""
    if target is None:
        return None
    targets = _targets(target, source, estimator)
    if len(targets) != len(source):
        raise DataError(f"{_shapes(targets, source)}; give one target for each row")
    return _in_order(targets, source)


def _shapes(targets: Source, source: Source) -> str:
    target_shape, shape = ([len(each), int(np.prod(each.shape))] for each in (targets, source))
    return f"target has shape {target_shape}, but the rows have shape {shape}"


def _targets(target: Any, source: Source, estimator: BaseEstimator | None) -> Source:
    with message_prefix("target"):
        if isinstance(source, Crops) and not is_source(target):
            return source.beside(target)
        table = None if estimator is None else table_source(estimator, target, reset=False, min_rows=1)
        targets: Source = table or (target if is_source(target) else _array_source(target))
        _check_in_memory(targets)
    return targets


def _in_order(targets: Source, source: Source) -> Source:
    if targets.columns != source.columns and set(targets.columns or ()) == set(source.columns or ()):
        raise DataError("target: its columns are in another order than the rows' columns; bring them into that order")
    return targets


def row_ids(X: Any) -> list[Any] | None:
    """Return the index of a pandas data frame, an id for each row; None for other rows and for an index 0, 1, 2, …

    Examples
    --------
    >>> import pandas as pd
    >>> row_ids(pd.DataFrame({"width": [1.0, 2.0]}, index=["a", "b"])), row_ids([[1.0], [2.0]])
    (['a', 'b'], None)
    """
    index: Any = getattr(X, "index", ())
    if not hasattr(X, "columns") or not hasattr(index, "__iter__"):
        return None
    ids = list(index)
    return None if ids == list(range(len(ids))) else ids


def surveyed(
    source: Source, rows: int | None = None, *, with_products: bool = False, missing: bool = True
) -> tuple[Source, Survey | None]:
    """Return a source whose rows are finite, and its survey.

    Parameters
    ----------
    source : Source
        Rows to train on, or to validate on, or targets; those in memory were checked before.
    rows : int, optional
        How many rows of a streamed source are surveyed; by default all.
    with_products : bool, default=False
        Whether the columns' products are measured.
    missing : bool, default=True
        Whether values that were not surveyed may be missing.

    Returns
    -------
    source : Source
        Itself; of a streamed source that was surveyed in part, one that checks the rows when they are read.
    survey : Survey or None
        None for rows in memory.

    Raises
    ------
    DataError
        A value that was surveyed is infinite.
    """
    if blocks_of(source) is None:
        return source, None
    found = survey(source, rows=rows, with_products=with_products)
    return source if found.complete else Checked(source, missing=missing), found


def all_surveyed(
    source: Source,
    targets: Source | None,
    validation: RowsAndTargets | None,
    rows: int | None,
    *,
    whitens: bool,
    fitted: bool = False,
) -> tuple[Source, Source | None, RowsAndTargets | None, Survey | None]:
    """Return training rows and validation rows with their targets, all `surveyed`, and the survey of the first.

    Parameters
    ----------
    source, targets, validation
        As `training_sources` returns them.
    rows : int or None
        How many rows of streamed sources are surveyed; None: all.
    whitens : bool
        Whether the rows are whitened: then no value may be missing.
    fitted : bool, default=False
        Whether the scaling is fitted already: then whitening needs no products of columns.

    Returns
    -------
    source, targets, validation
        As given, or sources that check rows when they are read.
    survey : Survey or None
        That of the training rows; None if they are in memory.
    """
    with_products, missing = whitens and not fitted, not whitens
    source, found = surveyed(source, rows, with_products=with_products, missing=missing)
    if targets is not None:
        with message_prefix("target"):
            targets, _ = surveyed(targets, rows, with_products=with_products, missing=missing)
    if validation is not None:
        with message_prefix("validation"):
            held_out, held_out_targets = validation
            held_out, _ = surveyed(held_out, rows, missing=missing)
            if held_out_targets is not None:
                held_out_targets, _ = surveyed(held_out_targets, rows, missing=missing)
        validation = held_out, held_out_targets
    return source, targets, validation, found


def _check_in_memory(source: Source) -> None:
    """Raise DataError if a value of rows in memory is infinite."""
    if blocks_of(source) is None:
        check(source)


def _source_of(estimator: BaseEstimator, X: Any, *, reset: bool, min_rows: int) -> Source:
    if hasattr(estimator, "_crops") and not is_source(X):  # a denoiser of images or signals of any size
        X = estimator._crops(X, reset=reset)
    if (table := table_source(estimator, X, reset=reset, min_rows=min_rows)) is not None:
        source = table
    elif is_stream(X):
        raise DataError(
            f"X, of type {type(X).__name__}, gives rows one after the other, which only fit of an autoencoder takes; "
            "give one batch at a time"
        )
    elif is_source(X):
        source = _validated_source(estimator, X, reset=reset, min_rows=min_rows)
    else:
        X, shape = flat_images(X)
        _check_image_shape(estimator, shape, reset=reset)
        with clear_messages(X, min_rows=min_rows) as given:
            rows = validate_data(
                estimator,
                given,
                reset=reset,
                accept_sparse="csr",
                dtype="numeric",
                ensure_min_samples=min_rows,
                ensure_all_finite=False,
            )
            names = getattr(estimator, "feature_names_in_", None)
            source = as_source(rows, names, shape)
    return source


def flat_images(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Return an array of images as rows of pixels, and the shape of an image; other rows as they are, and None.

    Parameters
    ----------
    X : object
        Rows. An array of images, or a list of arrays of one shape, is [n, height, width] or [n, height, width,
        channels].

    Returns
    -------
    rows : object
        An array [n, height · width · channels], a view where the layout allows one; X itself if it is no such array.
    shape : tuple of int or None
        (height, width) or (height, width, channels); None for X itself.

    Raises
    ------
    DataError
        The images of a list differ in shape.

    Examples
    --------
    >>> rows, shape = flat_images(np.zeros((10, 8, 6)))
    >>> rows.shape, shape
    ((10, 48), (8, 6))
    >>> flat_images(np.zeros((10, 48)))[1] is None
    True
    """
    if isinstance(X, list | tuple) and X and all(getattr(image, "ndim", 0) in (2, 3) for image in X):
        shapes = [tuple(image.shape) for image in X]
        other = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), None)
        if other is not None:
            raise DataError(
                f"image {other} has shape {shapes[other]}, image 0 {shapes[0]}; give images of one shape, or use "
                "ImageDenoiser, which is trained on patches of images of any size"
            )
        X = np.stack([np.asarray(image) for image in X])
    if getattr(X, "ndim", 0) not in (3, 4) or issparse(X):
        return X, None
    array = np.ma.asanyarray(X) if np.ma.isMaskedArray(X) else np.asarray(X)
    return array.reshape(len(array), int(np.prod(array.shape[1:]))), array.shape[1:]


def as_images(rows: NDArray[Any], shape: tuple[int, ...] | None) -> NDArray[Any]:
    """Return rows of pixels as an array of images of a shape; None: the rows themselves.

    Examples
    --------
    >>> as_images(np.zeros((10, 48)), (8, 6)).shape
    (10, 8, 6)
    """
    return rows if shape is None else rows.reshape(len(rows), *shape)


def _check_image_shape(estimator: BaseEstimator, shape: tuple[int, ...] | None, *, reset: bool) -> None:
    """Set the shape of the images that the estimator is trained on, or raise DataError if images have another shape."""
    if reset:
        estimator.__dict__.pop("image_shape_in_", None)
        if shape is not None:
            estimator.image_shape_in_ = shape
        return
    known = getattr(estimator, "image_shape_in_", None)
    if None not in (shape, known) and shape != known:
        raise DataError(
            f"the images have shape {shape}, but the model was trained on {known}; give images of that shape"
        )


def _array_source(X: Any) -> Source:
    """Return an array, sparse rows or a data frame of any width as a source."""
    X, shape = flat_images(X)
    with clear_messages(X) as given:
        rows = check_array(given, accept_sparse="csr", dtype="numeric", ensure_all_finite=False)
        return as_source(rows, getattr(X, "columns", None), shape)


def as_source(rows: Any, names: Iterable[Any] | None = None, shape: tuple[int, ...] | None = None) -> Source:
    """Return an array or a sparse matrix as a source whose columns have these names, and whose rows this shape, if any.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> as_source(csr_array([[0.0, 1.0]]), ["a", "b"]).columns
    ('a', 'b')
    """
    columns = None if names is None else tuple(map(str, names))
    if issparse(rows):
        return SparseRows(rows, columns)
    if shape is not None and len(shape) == 3 and shape[2] == 1:
        shape = shape[:2]  # one channel: a grey image
    return Rows(_with_numbers(rows), columns, shape)


def _with_numbers(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of objects (decimals, bools beside None) as float64; other arrays as they are."""
    return array.astype(np.float64) if array.dtype.kind == "O" else array


def _validated_source(estimator: BaseEstimator, source: Source, *, reset: bool, min_rows: int) -> Source:
    """Return the source itself after the checks that scikit-learn's validate_data makes for arrays and data frames."""
    width = int(np.prod(source.shape))
    if len(source) < min_rows or not width:
        raise DataError(
            f"the source has shape [{len(source)}, {width}]; give {min_rows} or more rows of 1 or more columns"
        )
    if reset:
        estimator.n_features_in_ = width
        estimator.__dict__.pop("feature_names_in_", None)
        if source.columns is not None:
            estimator.feature_names_in_ = np.asarray(source.columns, dtype=object)
    names = getattr(estimator, "feature_names_in_", None)
    if width != estimator.n_features_in_:
        raise DataError(
            f"the source has {width} columns, but the model was trained on {estimator.n_features_in_}; "
            "give those columns"
        )
    if names is not None and source.columns is not None and list(names) != list(source.columns):
        raise DataError(
            f"the source's columns are {listed(source.columns)}, but the model was trained on {listed(names)}; "
            "select those, in that order, with taciturn.data.sources.select"
        )
    return source
