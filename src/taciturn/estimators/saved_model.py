"""A saved model in a process that applies it to batches: loaded once, with the columns that its rows have."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from math import prod
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, RecipeError
from ..data.sources import Rows, Source, check_finite
from ..data.sources.arrow_columns import NumberColumns, numbers
from .batch import lists
from .tables import mixed_variables

if TYPE_CHECKING:
    import pyarrow

    from ..model import Autoencoder

Method = Literal["transform", "denoise", "impute", "score"]
MAX_MODELS = 2  # that a process keeps

_loading = Lock()  # threads of one process wait for one another's model


class SavedModel:
    """A fitted estimator of a folder, applied to sources of rows.

    Parameters
    ----------
    path : str
        The folder.

    Attributes
    ----------
    width : int
        Numbers of a row.
    variables : Variables or None
        Of the table that the model was trained on; None for plain numbers.
    outputs : str
        What the estimator's `transform` returns.

    Raises
    ------
    ArtifactError
        The folder cannot be read.
    """

    def __init__(self, path: str) -> None:
        from . import DenoisingImputer, load

        self._path, self._estimator = path, load(path)
        self._is_imputer = isinstance(self._estimator, DenoisingImputer)
        self.variables = mixed_variables(self._estimator)
        self._record = None if self._is_imputer else self._estimator.to_artifact().rows
        names = getattr(self._estimator, "feature_names_in_", None)
        self._names = None if names is None else [str(name) for name in names]
        self.width = len(self.variables.columns) if self.variables else int(self._estimator.n_features_in_)
        self.outputs = getattr(self._estimator, "outputs", "codes")

    @property
    def network(self) -> Autoencoder:
        """The network."""
        network: Autoencoder = self._estimator.module_
        return network

    def check(self, method: Method) -> None:
        """Raise RecipeError unless the model has a method."""
        from . import AutoencoderOutlierDetector

        kind = type(self._estimator).__name__
        if method == "score" and not isinstance(self._estimator, AutoencoderOutlierDetector):
            raise RecipeError(f"{self._path} holds a {kind}, which has no scores; train an outlier detector")
        if method in ("transform", "denoise") and self._is_imputer:
            raise RecipeError(f"{self._path} holds a {kind}; give method='impute'")

    def columns_among(self, names: Sequence[str], keep: Collection[str]) -> list[str]:
        """Return the columns of a batch that are the model's, by their names if it knows them."""
        if self.variables is not None:
            return list(self.variables.names)
        record = self._record
        known = self._names or (record and (record.columns or record.selected))
        dropped = set(keep) | set((record and record.dropped) or ())
        return list(known) if known else [name for name in names if name not in dropped]

    def rows(self, table: pyarrow.Table) -> Source:
        """Return the rows of a table of the model's columns."""
        if self.variables is None:
            return numbers(table.schema, table.to_batches(), table.num_rows, None)
        if not table.num_rows:
            return Rows(np.empty((0, self.width)))
        return self.variables.source(table)

    def checked(self, rows: Source) -> Source:
        """Return rows if the model can take them."""
        if (width := prod(rows.shape)) != self.width:
            raise DataError(
                f"a row has {width} numbers, but {self._path} was trained on {self.width}; name its columns (columns=…)"
            )
        check_finite(rows, missing=True)
        return rows

    def values(self, method: Method, rows: Source) -> NDArray[Any]:
        """Return rows without noise, or without missing values [B, D]; or scores, p-values and outliers [B, 3]."""
        from .. import inference

        def blocks(source: Source) -> Any:
            if method == "score":
                return [self._scores(source)]
            if self._is_imputer:
                return [self._estimator.transform(source)]
            return (inference.denoise if method == "denoise" else inference.impute)(self.network, source)

        return np.concatenate(list(inference.of_any_count(blocks, rows)))

    def _scores(self, rows: Source) -> NDArray[Any]:
        scores, p_values = self._estimator._scored(rows)
        p_values = np.full(len(scores), np.nan) if p_values is None else p_values
        return np.stack([scores, p_values, scores < self._estimator.offset_], axis=1)

    def table(self, values: NDArray[Any], like: pyarrow.Table, *, filled: bool) -> pyarrow.Table:
        """Return rows that the model puts out as a table of the columns that they were read from.

        Parameters
        ----------
        values : array [B, D]
            The rows.
        like : pyarrow.Table [B]
            The columns.
        filled : bool
            Whether known cells stay as they are.
        """
        import pyarrow as pa

        from ..data.sources.batches import of_blocks
        from ..data.sources.blocks import Blocks

        if self.variables is not None and not len(like):
            return like
        if self.variables is not None:
            return self.variables.fill(values, like) if filled else self.variables.decode(values, like)
        if like.num_columns == values.shape[1] and not any(pa.types.is_nested(kind) for kind in like.schema.types):
            integers = [] if self._record is None else self._record.integer_columns
            blocks = Blocks([values], n_rows=len(values), columns=like.column_names, integers=integers)
            return pa.Table.from_batches(of_blocks(blocks).batches)
        shapes = NumberColumns(like.schema, next(iter(like.to_batches()), None)).shapes
        parts = np.split(values, np.cumsum([prod(shape) for shape in shapes])[:-1], axis=1)
        return pa.table(
            [lists(part.reshape(len(part), *shape)) for part, shape in zip(parts, shapes, strict=True)],
            like.column_names,
        )


@lru_cache(MAX_MODELS)
def _loaded(path: str) -> SavedModel:
    return SavedModel(path)


def saved_model(path: str, method: Method) -> SavedModel:
    """Return the model of a folder, which a process loads once; RecipeError if it lacks the method."""
    with _loading:
        model = _loaded(path)
    model.check(method)
    return model
