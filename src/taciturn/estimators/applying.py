"""A fitted estimator applied to rows and codes: codes, reconstructions, and the names of codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_feature_names_in, check_array, check_is_fitted

from ..core.errors import DataError
from ..data.sources import check_finite, is_sparse
from .fitted import Array, Fitted
from .rows import as_images, as_source, flat_images, source_of
from .tables import as_table, filled_table
from .validation_messages import clear_messages

if TYPE_CHECKING:
    from ..data.sources import Source
    from ..data.variables import Variables


def _was_trained_with_targets(estimator: Fitted) -> bool:
    if not hasattr(estimator, "_learner") or estimator._learner.target_moments is not None:
        return True  # an estimator that is not fitted tells so itself
    raise AttributeError("predict returns the targets of rows, but the model was trained without; use denoise(X)")


DENSE_BLOCK_ROWS = 1024  # sparse codes of so many rows are made dense at a time


class Applying(Fitted, ClassNamePrefixFeaturesOutMixin, TransformerMixin):  # type: ignore[misc]
    """The methods of an estimator that give codes and rows, as scikit-learn's transformers have them."""

    def transform(self, X: ArrayLike | Source) -> Any:
        """Return the codes of rows, or what `outputs` names.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows, with or without noise; no corruption is applied.

        Returns
        -------
        ndarray or scipy.sparse.csr_array [n_samples, n_features_out]
            The codes have n_components columns; see the parameter `outputs` for others. Codes are float64 for float64
            rows, else float32. Sparse are the codes of `DictionaryAutoencoder`, and sparse rows beside their codes. A
            data frame if `set_output` selects one.

        Raises
        ------
        RecipeError
            `outputs` is unknown.
        DataError
            The rows are infinite or not numeric, or have other columns than the training rows.

        Examples
        --------
        >>> from taciturn import SparseAutoencoder, datasets
        >>> X = datasets.load("digits").read(0, 200)
        >>> model = SparseAutoencoder(16, max_iter=1, random_state=0).fit(X)
        >>> model.transform(X[:5]).shape
        (5, 16)
        """
        from .. import inference

        source, outputs = source_of(self, X), inference.check_outputs(self.outputs)
        sparse = self._returns_sparse(is_sparse(source))
        blocks: Any = list(inference.features(self.module_, source, outputs, sparse=sparse))
        if not sparse:
            return np.concatenate(blocks)
        from scipy.sparse import vstack

        return vstack(blocks, format="csr")

    def inverse_transform(self, X: ArrayLike) -> Any:
        """Return the reconstructions of codes.

        Parameters
        ----------
        X : array-like or sparse matrix [n_samples, n_features_out]
            What `transform` returns. Of other `outputs` than codes, only the codes among them are read.

        Returns
        -------
        ndarray or table [n_samples, n_features]
            Rows in the units of the training rows, or of their targets; float64 for float64 codes, else float32. A
            table of the training rows' columns and types, if those were a table, and an array of images, if those were
            one. Of a transcoder targets, an array [n_samples, n_targets].

        Raises
        ------
        DataError
            The codes are not numeric or not finite, or there is not one for each latent.

        Examples
        --------
        >>> from taciturn import SparseAutoencoder, datasets
        >>> X = datasets.load("digits").read(0, 200)
        >>> model = SparseAutoencoder(16, max_iter=1, random_state=0).fit(X)
        >>> np.allclose(model.inverse_transform(model.transform(X)), model.denoise(X))
        True
        """
        from .. import inference

        check_is_fitted(self)
        with clear_messages(X) as rows:
            codes = check_array(rows, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite=False)
        width, among = inference.codes_among(self.settings_.layout, inference.check_outputs(self.outputs))
        if codes.shape[1] != width:
            has = f"{width} latents" if self.outputs == "codes" else f"{width} features (outputs={self.outputs!r})"
            raise DataError(
                f"X has {codes.shape[1]} codes per row, but the model has {has}; give codes as transform returns them"
            )
        source = as_source(codes[:, among])
        check_finite(source)
        size = DENSE_BLOCK_ROWS if is_sparse(source) else len(source)
        blocks = (source.read(start, start + size) for start in range(0, len(source), size))
        rows = np.concatenate([inference.decode(self.module_, block) for block in blocks])
        if self.settings_.layout.outputs:
            return rows
        table = as_table(self, as_images(rows, getattr(self, "image_shape_in_", None)))
        if hasattr(table, "index") and hasattr(X, "index"):
            table.index = X.index
        return table

    def denoise(self, X: ArrayLike | Source) -> Any:
        """Return the reconstructions of rows, which have a number for each missing value.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows, with or without noise; no corruption is applied.

        Returns
        -------
        ndarray or table [n_samples, n_features]
            In the units of X, or of the targets that the model was trained with; float64 for float64 rows, else
            float32. For a table a table with its columns, types and index: whole numbers are rounded, and categories
            are the most probable ones. For an array of images an array of that shape.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, or have other columns than the training rows.

        Examples
        --------
        >>> from taciturn import DenoisingAutoencoder, datasets
        >>> X = datasets.load("digits").read(0, 200)
        >>> model = DenoisingAutoencoder(16, max_iter=1, random_state=0).fit(X)
        >>> model.denoise(X[:5]).shape
        (5, 64)
        """
        from .. import inference

        source = source_of(self, X)
        rows = np.concatenate(list(inference.denoise(self.module_, source)))
        return as_table(self, as_images(rows, flat_images(X)[1]), X)

    @available_if(_was_trained_with_targets)  # type: ignore[untyped-decorator]
    def predict(self, X: ArrayLike | Source) -> Array:
        """Return the estimates of the targets of rows, for a model that was trained with `target`.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows.

        Returns
        -------
        ndarray [n_samples, n_targets]
            In the units of the targets; float64 for float64 rows, else float32.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, or have other columns than the training rows.

        Examples
        --------
        >>> from taciturn import DictionaryAutoencoder
        >>> X = np.random.default_rng(0).normal(size=(100, 6))
        >>> model = DictionaryAutoencoder(12, k=3, max_iter=1, random_state=0).fit(X, target=X[:, :2] + 5)
        >>> model.predict(X[:4]).shape
        (4, 2)
        """
        from .. import inference

        source = source_of(self, X)
        return np.concatenate(list(inference.predict(self.module_, source)))

    def impute(self, X: ArrayLike | Source) -> Any:
        """Return rows with missing values replaced by those of their reconstructions; known values stay as they are.

        `denoise` replaces all values.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows.

        Returns
        -------
        ndarray or table [n_samples, n_features]
            Float64 for float64 rows, else float32. For a table a table with its columns, types and index, in which
            levels that the training rows did not have stay. For an array of images an array of that shape.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, or have other columns than the training rows.

        Notes
        -----
        `DenoisingImputer` is trained to impute, measures how far its values can be trusted, and draws several tables.
        A model that was trained with `target` fills in values of the targets.

        Examples
        --------
        >>> from taciturn import DenoisingAutoencoder
        >>> X = np.outer(np.arange(40.0), [1, 2, 3])
        >>> model = DenoisingAutoencoder(4, max_iter=1, random_state=0).fit(X)
        >>> model.impute([[1.0, np.nan, 3.0]]).round(0)[0, ::2]
        array([1., 3.])
        """
        from .. import inference

        source = source_of(self, X)
        rows = np.concatenate(list(inference.impute(self.module_, source)))
        return filled_table(self, as_images(rows, flat_images(X)[1]), X)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Return the names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : array-like of str [n_features], optional
            The names of the columns of X, for `outputs="input+codes"`; by default those of the training rows, or x0, x1
            and so on.

        Returns
        -------
        ndarray of str [n_features_out]
            Codes have the estimator's name in lower case and a number, in all `outputs`. Activations of hidden layers
            are hidden1_0, hidden1_1 and so on; layers are numbered from the input to the output, without the codes.

        Examples
        --------
        >>> from taciturn import SparseAutoencoder
        >>> model = SparseAutoencoder(2, outputs="input+codes", max_iter=1, random_state=0).fit(np.eye(3))
        >>> list(model.get_feature_names_out(["a", "b", "c"]))
        ['a', 'b', 'c', 'sparseautoencoder0', 'sparseautoencoder1']
        """
        from .. import inference

        check_is_fitted(self)
        codes = super().get_feature_names_out(input_features)
        if inference.check_outputs(self.outputs) == "codes":
            return np.asarray(codes)
        variables: Variables | None = getattr(self, "variables_", None)
        if variables is None or variables.plain:
            columns = _check_feature_names_in(self, input_features)
        else:
            columns = variables.columns
        names = inference.feature_names(self.settings_.layout, self.outputs, columns, codes)
        return np.asarray(names, dtype=object)

    @property
    def _n_features_out(self) -> int:
        return self._learner.settings.layout.widths[-1]

    def _returns_sparse(self, rows_are_sparse: bool) -> bool:
        """Return whether `transform` returns a sparse array: rows beside their codes stay sparse."""
        frames = _get_output_config("transform", self)["dense"] != "default"
        return self.outputs == "input+codes" and rows_are_sparse and not frames
