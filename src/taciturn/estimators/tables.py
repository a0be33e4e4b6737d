"""Tables as rows of an estimator: their variables, their encoded rows, and tables of what the model returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ..core.errors import DataError, RecipeError
from ..data.sources import Source, is_source
from ..data.variables import Variables, library_of


def table_source(estimator: BaseEstimator, X: Any, *, reset: bool, min_rows: int) -> Source | None:
    """Return the encoded rows of a table that holds more than plain numbers; None for all other rows.

    Parameters
    ----------
    estimator : BaseEstimator
        Its `variables_` are set or used; see `reset`. A table of plain numbers sets them as well.
    X : object
        Rows.
    reset : bool
        Whether the variables are decided by X. Otherwise X must be a table of the estimator's variables, if it has any.
    min_rows : int
        The number of rows that X must have.

    Raises
    ------
    DataError
        The table does not fit the variables, or has too few rows.
    RecipeError
        The parameter `variables` is no mapping, names an unknown column or kind, or X is no table.
    """
    library, schema = library_of(X), getattr(X, "variables", None) if is_source(X) else None
    if schema is not None:
        return _encoded(estimator, X, schema, reset=reset)
    if reset:
        estimator.__dict__.pop("variables_", None)
        given = _given(estimator)
        if library is None or _is_sparse(X) or not len(X):
            if given:
                raise RecipeError("variables names columns, but the rows are no table; give a data frame")
            return None
        estimator.variables_ = Variables.decide(X, given)
    variables: Variables | None = getattr(estimator, "variables_", None)
    if variables is None or variables.plain:
        return None
    if library is None:
        raise DataError(
            f"the model was trained on a table with {', '.join(variables.names[:3])}, …; give a table of these columns"
        )
    if len(X) < min_rows:
        raise DataError(f"the table has {len(X)} row{'s' * (len(X) != 1)}; give {min_rows} or more")
    if reset:
        _set_variables(estimator, variables)
    return variables.source(X)


def _encoded(estimator: BaseEstimator, source: Source, schema: Variables, *, reset: bool) -> Source:
    """Return rows that are encoded already, after the check that the estimator has their variables."""
    if reset:
        _set_variables(estimator, schema)
    elif getattr(estimator, "variables_", None) != schema:
        raise DataError("the rows were encoded by other variables than the model's; give the table itself")
    return source


def _set_variables(estimator: BaseEstimator, variables: Variables) -> None:
    estimator.variables_ = variables
    estimator.n_features_in_ = len(variables.names)
    estimator.__dict__.pop("feature_names_in_", None)
    if (names := feature_names(variables)) is not None:
        estimator.feature_names_in_ = np.asarray(names, dtype=object)


def feature_names(variables: Variables) -> list[str] | None:
    """Return the names of a table's encoded columns, as scikit-learn keeps them; None where some are no text."""
    labels = [variable.label for variable in variables.variables]
    return labels if all(isinstance(label, str) for label in labels) else None


def mixed_variables(estimator: BaseEstimator) -> Variables | None:
    """Return an estimator's variables; None where its rows were no table, or one of plain numbers."""
    variables: Variables | None = getattr(estimator, "variables_", None)
    return None if variables is None or variables.plain else variables


def levels_of(estimator: BaseEstimator) -> tuple[int, ...] | None:
    """Return the levels of an estimator's variables; None where all of its columns are numbers."""
    variables: Variables | None = getattr(estimator, "variables_", None)
    return variables.levels if variables is not None and any(variables.levels) else None


def table_ids(estimator: BaseEstimator, X: Any) -> list[Any] | None:
    """Return the cells of a table's id column, an id for each row; None without one."""
    variables: Variables | None = getattr(estimator, "variables_", None)
    return None if variables is None or library_of(X) is None else variables.ids(X)


def as_table(estimator: BaseEstimator, rows: NDArray[Any], like: Any = None) -> Any:
    """Return rows that a model puts out as a table of the training rows' columns and types, if they were a table.

    Parameters
    ----------
    estimator : BaseEstimator
        A fitted estimator.
    rows : array [N, D]
        Reconstructions; for categories the probability of each level.
    like : object
        The rows that were given: a table's index, and the columns that are left out, are taken over.

    Returns
    -------
    table or array
        The array itself, unless the estimator was trained on a table and `like` is one, or is None.
    """
    variables: Variables | None = getattr(estimator, "variables_", None)
    if variables is None or (like is not None and library_of(like) is None):
        return rows
    return variables.decode(rows, like)


def filled_table(estimator: BaseEstimator, rows: NDArray[Any], like: Any) -> Any:
    """Return a table whose missing cells are those of rows that a model puts out; known cells are those of the table.

    Parameters
    ----------
    estimator : BaseEstimator
        A fitted estimator.
    rows : array [N, D]
        Rows without missing values.
    like : object
        The rows that were given.

    Returns
    -------
    table or array
        The array itself, unless the estimator was trained on a table and `like` is one.
    """
    variables: Variables | None = getattr(estimator, "variables_", None)
    return rows if variables is None or library_of(like) is None else variables.fill(rows, like)


def _given(estimator: BaseEstimator) -> Mapping[Any, str] | None:
    given = getattr(estimator, "variables", None)
    if given is not None and not isinstance(given, Mapping):
        raise RecipeError(
            f"variables={given!r} is no mapping of a column's name to its kind; write {{'zip': 'category'}}"
        )
    return given


def _is_sparse(X: Any) -> bool:
    """Return whether a pandas frame has sparse columns only."""
    dtypes = getattr(X, "dtypes", ())
    return len(dtypes) > 0 and all(hasattr(dtype, "fill_value") for dtype in dtypes)
