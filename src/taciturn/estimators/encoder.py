"""A saved model applied to batches of rows: the object that engines for data (Ray, Dask, Daft, Spark) call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from scipy.sparse import issparse

from ..core.errors import DataError, RecipeError
from ..core.messages import quoted
from .batch import Batch, lists
from .rows import as_source
from .saved_model import Method, SavedModel, saved_model

if TYPE_CHECKING:
    import pyarrow

    from ..data.sources import Source


class Encoder:
    """A saved model that is called with batches of rows and returns batches of codes.

    An encoder is a path and options, so that it is quick to pickle. The model is loaded at the first batch, once in
    each process. A row's codes do not depend on the rows beside it: they have the bits that `taciturn encode` writes.

    Parameters
    ----------
    path : str or path-like
        The folder of a model; each worker reads it there.
    method : {"transform", "denoise", "impute", "score"}, default="transform"
        What is returned. "transform": codes. "denoise": the row's columns, without noise. "impute": the row's columns,
        their missing values filled in. "score": the columns `score`, `p_value` and `outlier` of an outlier detector.
    columns : str or sequence of str, optional
        The columns that are a row. By default those that the model was trained on; if these have no names, all but
        those of `keep`. A column of lists, or of vectors, is as many numbers.
    keep : str or sequence of str, default=()
        Columns that are returned as they are, such as ids.
    outputs : {"codes", "hidden", "input+codes"}, optional
        What "transform" returns; by default as the model has it.
    sparse : bool, default=False
        Whether "transform" returns the entries other than 0 alone.

    Raises
    ------
    RecipeError
        The method is unknown.

    Notes
    -----
    Dense codes are one column `codes` of lists of fixed size (of a dict, an array [B, L]); other `outputs` are called
    `features`. Sparse codes are the columns `indices` (int32, from 0) and `values`, a list for each row, as
    `taciturn encode --sparse` writes them to Parquet. A bare array gives a bare array, or a SciPy CSR array.

    Examples
    --------
    >>> import tempfile
    >>> from taciturn import SparseAutoencoder
    >>> X = np.random.default_rng(0).random((100, 8), np.float32)
    >>> folder = tempfile.TemporaryDirectory()
    >>> SparseAutoencoder(4, max_iter=1, random_state=0).fit(X).save(f"{folder.name}/model")
    >>> encode = Encoder(f"{folder.name}/model", keep="id")
    >>> batch = encode({"id": np.arange(10), "row": X[:10]})
    >>> batch["id"].shape, batch["codes"].shape
    ((10,), (10, 4))
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        method: Method = "transform",
        *,
        columns: str | Sequence[str] | None = None,
        keep: str | Sequence[str] = (),
        outputs: str | None = None,
        sparse: bool = False,
    ) -> None:
        if method not in get_args(Method):
            raise RecipeError(f"method={method!r} must be one of {', '.join(map(repr, get_args(Method)))}")
        self.path, self.method = os.path.abspath(path), method  # workers have other folders of work
        self.columns = [columns] if isinstance(columns, str) else columns and list(columns)
        self.keep = [keep] if isinstance(keep, str) else list(keep)
        self.outputs, self.sparse = outputs, sparse
        self._n_batches = 0

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_n_batches": 0}

    def __call__(self, batch: Any) -> Any:
        """Return what the model makes of a batch of rows.

        Parameters
        ----------
        batch : array [B, D], dict of arrays, Arrow table or record batch, frame of pandas or Polars
            B may be 0.

        Returns
        -------
        of the same kind [B]
            The columns of `keep`, then the new ones. See `Encoder`.

        Raises
        ------
        DataError
            Columns are missing, not numeric or not as many as the model's, or a value is infinite.
        RecipeError
            The model has no such method.
        ArtifactError
            The model cannot be read.
        """
        self._n_batches += 1
        table = None
        try:
            model = saved_model(self.path, self.method)
            if isinstance(batch, np.ndarray) or issparse(batch):
                return self._of_array(model, as_source(batch))
            table = Batch(batch)
            return table.result(self.keep, self._of_table(model, table))
        except DataError as error:
            raise type(error)(f"{self._place(table)}: {error}") from error

    def _of_array(self, model: SavedModel, rows: Source) -> Any:
        """Return what the model makes of an array: of several columns, an array of them."""
        if model.variables is not None:
            raise DataError("the model was trained on a table of mixed columns; give a dict, an Arrow table or a frame")
        rows = model.checked(rows)
        if self.method == "transform":
            return self._codes(model, rows)
        values = model.values(self.method, rows)
        return values if self.method == "score" else values.reshape(len(values), *rows.shape)

    def _of_table(self, model: SavedModel, batch: Batch) -> pyarrow.Table:
        """Return the new columns for the rows of a batch."""
        import pyarrow as pa

        columns = self.columns or model.columns_among(batch.names, self.keep)
        batch.check([*columns, *self.keep])
        table = batch.arrow(columns)
        rows = model.checked(model.rows(table))
        if self.method == "transform":
            new = self._code_columns(model, self._codes(model, rows))
        elif self.method == "score":
            scores, p_values, outliers = model.values("score", rows).T
            columns = [pa.array(scores), pa.array(p_values, from_pandas=True), pa.array(outliers.astype(np.int64))]
            new = pa.table(columns, ["score", "p_value", "outlier"])
        else:
            new = model.table(model.values(self.method, rows), table, filled=self.method == "impute")
        if taken := [name for name in self.keep if name in new.column_names]:
            raise DataError(f"column {quoted(taken[0])} is kept, but the result has one of this name; rename it")
        return new

    def _codes(self, model: SavedModel, rows: Source) -> Any:
        """Return the codes of rows [B, L]: an array or a CSR array."""
        from scipy.sparse import vstack

        from .. import inference

        network, outputs = model.network, self._outputs(model)
        blocks: Any = list(
            inference.of_any_count(
                lambda source: inference.features(network, source, outputs, sparse=self.sparse), rows
            )
        )
        return vstack(blocks, format="csr") if self.sparse else np.concatenate(blocks)

    def _code_columns(self, model: SavedModel, codes: Any) -> pyarrow.Table:
        import pyarrow as pa

        if not self.sparse:
            return pa.table([lists(codes)], ["codes" if self._outputs(model) == "codes" else "features"])
        starts = pa.array(codes.indptr, pa.int32())
        columns = {"indices": pa.array(codes.indices, pa.int32()), "values": pa.array(codes.data)}
        return pa.table(
            {name: pa.ListArray.from_arrays(starts, column) for name, column in columns.items()},
            metadata={"n_columns": str(codes.shape[1])},
        )

    def _outputs(self, model: SavedModel) -> str:
        from ..inference import check_outputs

        return check_outputs(self.outputs or model.outputs)

    def _place(self, batch: Batch | None) -> str:
        """Return which batch it is, for messages."""
        place = f"batch {self._n_batches} of this process"
        if batch is None or not self.keep or self.keep[0] not in batch.names:
            return place
        return f"{place}, from {self.keep[0]} = {batch.first(self.keep[0])}"
