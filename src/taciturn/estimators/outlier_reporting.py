"""The page of an outlier detector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .rows import row_ids, source_of
from .tables import mixed_variables, table_ids

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..data.sources import Source
    from ..report import OutlierReport

Array = NDArray[np.float64]


class OutlierReporting:
    """The method of a detector that makes a page of outliers."""

    n_features_in_: int
    offset_: float
    _calibration: Array

    if TYPE_CHECKING:

        def to_artifact(self) -> Artifact:
            """Return the fitted model; see `BaseAutoencoder.to_artifact`."""

        def explain(self, X: ArrayLike | Source) -> Any:
            """Return the cells of rows; see `AutoencoderOutlierDetector.explain`."""

        def score_samples(self, X: ArrayLike | Source) -> Array:
            """Return the scores of rows; see `AutoencoderOutlierDetector.score_samples`."""

        def _p_values(self, scores: Array) -> Array: ...

        def _threshold(self) -> str: ...

    def report(
        self,
        X: ArrayLike | Source,
        *,
        ids: Iterable[Any] | None = None,
        texts: Iterable[str] | None = None,
        name: str = "",
    ) -> OutlierReport:
        """Return a page on the outliers among rows: which they are, and what makes them outliers.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows. The rows of `fit` themselves have no p-values.
        ids : iterable [n_samples], optional
            An id for each row, by which the page names rows. By default a table's id column (`variables`), the index
            of a pandas data frame or the row labels of a file, unless they are 0, 1, 2, …
        texts : iterable of str [n_samples], optional
            A text for each row, such as the sentence behind an embedding. The page shows and searches them.
        name : str, default=""
            The page's name; by default the estimator's.

        Returns
        -------
        OutlierReport
            A notebook shows its verdict. `.save("outliers.html")` writes the page, `.save_json("outliers.json")` its
            numbers.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, have other columns than the training rows, or there is not one id or
            text for each row.

        Examples
        --------
        >>> from taciturn import AutoencoderOutlierDetector
        >>> X = np.random.default_rng(0).normal(size=(100, 1)) + np.zeros(3)
        >>> detector = AutoencoderOutlierDetector(max_iter=5, random_state=0).fit(X)
        >>> first = detector.report([[0.1, 0.1, 0.1], [1.0, 1.0, -9.0]]).rows[0]
        >>> first.row, first.reasons[0].column, first.reasons[0].value
        (1, 'column 2', -9.0)
        """
        estimator: Any = self
        source = source_of(estimator, X)
        own = (table_ids(estimator, X) or row_ids(X)) if ids is None else ids
        return self._report(source, self.to_artifact(), ids=own, texts=texts, name=name)

    def _report(
        self,
        source: Source,
        artifact: Artifact,
        *,
        ids: Iterable[Any] | None,
        texts: Iterable[str] | None,
        name: str,
        repeat: str = "",
    ) -> OutlierReport:
        """Return the page on rows, as `report` does; the artifact tells which of them were given to `fit`."""
        from ..data.sources import Subset, ids_of
        from ..report import Detection, provenance, report_outliers

        estimator: Any = self
        scores, is_new = self.score_samples(source), ~artifact.trained_on(source)
        variables = mixed_variables(estimator)
        p_values = np.full(len(scores), np.nan)
        if len(self._calibration):
            p_values[is_new] = self._p_values(scores[is_new])
        if variables is None:
            columns = None if source.columns is None else list(source.columns)
            first_columns = np.arange(self.n_features_in_)
        else:
            columns = list(variables.names)
            first_columns = np.array([place.start for place in variables.positions])
        detection = Detection(
            rows=source,
            scores=scores,
            p_values=p_values,
            held_out_scores=self._calibration,
            offset=self.offset_,
            threshold=self._threshold(),
            columns=columns,
            first_columns=first_columns,
            explain=lambda indices: self.explain(Subset(source, indices)),
            shape=tuple(artifact.rows.shape),
            provenance=provenance(artifact, source, repeat=repeat or f"{self!r}.fit(X)"),
        )
        own = ids_of(source) if ids is None else ids
        return report_outliers(detection, ids=own, texts=texts, name=name)
