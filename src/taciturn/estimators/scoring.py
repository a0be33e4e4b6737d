"""How good a fitted estimator is on rows: errors, scores and the report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.errors import RecipeError
from .fitted import Array, Fitted
from .rows import row_ids, source_of, targets_of
from .tables import table_ids

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..data.sources import Source
    from ..report import Report


class Scoring(Fitted):
    """The methods of an estimator that judge it on rows."""

    if TYPE_CHECKING:

        def to_artifact(self) -> Artifact:
            """Return the fitted model; see `Saving.to_artifact`."""

    def reconstruction_errors(
        self, X: ArrayLike | Source, *, per: str = "row", target: ArrayLike | Source | None = None
    ) -> Array:
        """Return the mean squared reconstruction error of each row or of each column.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows.
        per : {"row", "column"}, default="row"
            Whether to average over the columns of each row, or over the rows of each column.
        target : array-like, sparse matrix, data frame or Source [n_samples, n_targets], optional
            The row with which each reconstruction is compared; by default the row itself.

        Returns
        -------
        ndarray [n_samples] or [n_features]
            Errors ≥ 0, in units that do not depend on `scaling`; see Notes.

        Raises
        ------
        RecipeError
            `per` is neither "row" nor "column".
        DataError
            The rows are infinite or not numeric, have other columns than the training rows, or are not as many as
            the targets.

        Notes
        -----
        Each column's error is divided by what `scaling="auto"` finds for the training targets, whatever the estimator's
        scaling: 1 for targets in [0, 1], 255 for images of type uint8, else the column's standard deviation (1 for
        constant columns). So models of the same rows with different scalings can be compared. The losses of the
        training history are those of the network, in scaled units.

        Without targets, a model that was trained with corruption="blind_spot:…" has the errors of each entry's estimate
        from the others of its row: the errors against the rows without noise plus the noise's variance.

        Examples
        --------
        >>> from taciturn import SparseAutoencoder, datasets
        >>> X = datasets.load("digits").read(0, 200)
        >>> model = SparseAutoencoder(16, max_iter=1, random_state=0).fit(X)
        >>> model.reconstruction_errors(X).shape, model.reconstruction_errors(X, per="column").shape
        ((200,), (64,))
        """
        from .. import inference

        if per not in ("row", "column"):
            raise RecipeError(f'per={per!r} must be "row" or "column"')
        source = source_of(self, X)
        blocks = inference.errors(self.module_, source, self._targets_of(target, source))
        squares = (error.square() for error in blocks)
        if per == "row":
            return np.concatenate([inference.mean_of_known(each, 1).cpu().numpy() for each in squares])
        sums = [(each.nansum(0).cpu().numpy(), (~each.isnan()).sum(0).cpu().numpy()) for each in squares]
        total, known = (np.sum(parts, axis=0) for parts in zip(*sums, strict=True))
        with np.errstate(invalid="ignore"):  # NaN where no value of a column is known
            means: Array = total / known
        return means

    def score_samples(self, X: ArrayLike | Source) -> Array:
        """Return minus the mean squared reconstruction error of each row, as scikit-learn's outlier detectors score.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows.

        Returns
        -------
        ndarray [n_samples]
            Scores ≤ 0, in the units of `reconstruction_errors`; low for rows unlike the training rows.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, or have other columns than the training rows.
        """
        return -self.reconstruction_errors(X)

    def score(self, X: ArrayLike | Source, y: Any = None, *, target: ArrayLike | Source | None = None) -> float:
        """Return the share of the rows' variance that the reconstructions explain.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows.
        y : object
            Ignored.
        target : array-like, sparse matrix, data frame or Source [n_samples, n_targets], optional
            The row with which each reconstruction is compared; by default the row itself. Give it for a model that was
            trained with targets, which does not reconstruct X.

        Returns
        -------
        float
            1 is perfect; 0 is no better than predicting the mean of the targets; it may be negative.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, have other columns than the training rows, or are not as many as
            the targets.

        Notes
        -----
        1 - FVU = 1 - Σ‖x - x̂‖² / Σ‖x - mean‖², with the mean of the rows of X (or of their targets), in the units of
        `reconstruction_errors`: models with different scalings can be compared. FVU is the fraction of variance
        unexplained. No noise is added: of two denoising autoencoders, the one that was trained with less noise often
        scores higher. `taciturn.metrics.denoising_scorer` judges them under one noise.

        A model that was trained with corruption="blind_spot:…" predicts each entry from the others of its row. The
        noise of the rows cannot be predicted, so that the score is below 1, and the best model has the highest one.

        Examples
        --------
        >>> from taciturn import DenoisingAutoencoder, datasets
        >>> X = datasets.load("digits").read(0, 1797)
        >>> model = DenoisingAutoencoder(64, max_iter=10, random_state=0).fit(X[:1500])
        >>> model.score(X[1500:]) > 0.7
        True
        """
        from .. import inference

        source = source_of(self, X)
        return 1.0 - inference.evaluate(self.module_, source, target=self._targets_of(target, source)).clean.fvu

    def _targets_of(self, target: Any, source: Source) -> Source | None:
        return targets_of(target, source, self, self.module_.layout.n_outputs)

    def denoising_error(self, X: ArrayLike | Source) -> tuple[float, float]:
        """Return the error of `denoise` as noisy rows alone tell it, and its standard error.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features]
            Noisy rows in the units of the training rows; best rows that the model was not trained on, on which it is
            larger.

        Returns
        -------
        error : float
            With a known noise, or of `recorrupted`, the mean squared error against the clean rows, without bias (it can
            be below 0). Else
            that of the hidden entries against the noisy rows, which is the error against the clean rows plus the
            variance of the noise: it orders models as the former does. In squared units of the rows.
        standard_error : float
            The standard deviation of `error` over draws of so many rows.

        Raises
        ------
        RecipeError
            The estimator was not trained with corruption="blind_spot:…" or "recorrupted:…".

        Notes
        -----
        With the estimate b of a hidden entry, its noisy value y, the noise's variance σ² and the weight w of y in the
        result: the mean of (1 - w)² ((b - y)² - σ²) + w² σ² (Batson and Royer, 2019; Stein, 1981). Of `recorrupted`:
        `inference.stein_errors`.

        Examples
        --------
        >>> from taciturn import DenoisingAutoencoder
        >>> rng = np.random.default_rng(0)
        >>> noisy = np.outer(rng.random(200), np.ones(8)) + 0.1 * rng.standard_normal((200, 8))
        >>> model = DenoisingAutoencoder(4, corruption="blind_spot:0.2,noise=0.1", random_state=0).fit(noisy[:150])
        >>> error, standard_error = model.denoising_error(noisy[150:])
        >>> error < 0.1**2
        True
        """
        from .. import inference
        from ..corruption import Recorrupted

        noise = self.settings_.corruption
        if isinstance(noise, Recorrupted):
            per_row = inference.stein_errors(self.module_, source_of(self, X), float(noise.std))
        elif self.module_.blind_spots is not None:
            per_row = inference.denoising_errors(self.module_, source_of(self, X), self.settings_.noise or 0.0)
        else:
            raise RecipeError(
                "denoising_error needs an estimator that was trained with corruption='blind_spot:0.2' or "
                "'recorrupted:0.1'"
            )
        return inference.mean_and_standard_error([per_row])

    def report(
        self,
        X: ArrayLike | Source,
        *,
        targets: ArrayLike | Source | None = None,
        labels: ArrayLike | None = None,
        target: str = "labels",
        texts: Iterable[str] | None = None,
        ids: Iterable[Any] | None = None,
        training: Any = None,
        name: str = "",
    ) -> Report:
        """Return a report on the model, evaluated on rows.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows; best rows that the model was not trained on.
        targets : array-like, sparse matrix, data frame or Source [n_samples, n_targets], optional
            The targets of X, of a model that was trained with `target`: errors and baselines are then those of targets,
            and the page shows them. By default the rows themselves.
        labels : array-like [n_samples], optional
            A class or a number for each row, to which latents are related.
        target : str, default="labels"
            The name of the labels.
        texts : iterable of str [n_samples], optional
            A text for each row, such as the sentence behind an embedding. The page shows and searches them.
        ids : iterable [n_samples], optional
            An id for each row, by which the report names rows. By default a table's id column (`variables`), the
            index of a pandas data frame or the row labels of a file, unless they are 0, 1, 2, …
        training : rows, or (rows, targets), optional
            The training rows, with `targets` a pair. The baselines (PCA and others) are fitted on them; by default on
            half of X.
        name : str, default=""
            The report's name; by default the estimator's.

        Returns
        -------
        Report
            A notebook shows its verdict. `.save("report.html")` writes the page, `.save_json("report.json")` its
            numbers.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, have other columns than the training rows, or there is
            not one target, label, text or id for each row.
        RecipeError
            The model was trained with targets of other columns than its rows, and there are none.

        Examples
        --------
        >>> from taciturn import SparseAutoencoder, datasets
        >>> X = datasets.load("digits").read(0, 1797)
        >>> model = SparseAutoencoder(64, max_iter=3, random_state=0).fit(X[:1500])
        >>> model.report(X[1500:], training=X[:1500]).save("digits.html")  # doctest: +SKIP
        """
        from ..report import report

        source = source_of(self, X)
        training_rows = training_targets = None
        if training is not None:
            given = training if isinstance(training, tuple) else (training, None)
            training_rows = source_of(self, given[0])
            training_targets = None if targets is None else self._targets_of(given[1], training_rows)
        return report(
            self.to_artifact(),
            source,
            targets=None if targets is None else self._targets_of(targets, source),
            labels=labels,
            target=target,
            texts=texts,
            ids=(table_ids(self, X) or row_ids(X)) if ids is None else ids,
            training=training_rows,
            training_targets=training_targets,
            name=name,
            repeat=f"{self!r}.fit(X)" if targets is None else f"{self!r}.fit(X, target=Y)",
        )
