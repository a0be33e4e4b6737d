"""The base class of the estimators: scikit-learn's interface to a learner.

Loading torch takes a second, so modules that need it are imported inside the methods.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_feature_names_in, check_array, check_is_fitted

from ..core.errors import ArtifactError, DataError, RecipeError
from ..core.messages import one_line
from ..data.sources import check_finite, is_sparse
from .documentation import Docstring
from .exporting import Exporting
from .parameters import RunParameters, run_parameters
from .rows import RowsAndTargets, as_source, row_ids, source_of, targets_of, training_sources
from .tables import as_table, feature_names, levels_of, table_ids
from .validation_messages import clear_messages

if TYPE_CHECKING:
    from sklearn.utils import Tags
    from torch import Tensor

    from ..artifact import Artifact
    from ..core.schedules import Schedule
    from ..corruption import Corruption
    from ..data.fingerprint import Fingerprint
    from ..data.sources import Source
    from ..data.variables import Variables
    from ..model import Autoencoder
    from ..model.coding_layers import CodingLayer, Elementwise
    from ..objective import Objective, Term
    from ..report import Report
    from ..training import Callback, Checkpoints, EarlyStopping, History, Learner, Settings
    from ..training.solvers import Solver
    from .plotting import Plots

Array = NDArray[Any]
DENSE_BLOCK_ROWS = 1024  # sparse codes of so many rows are made dense at a time


class BaseAutoencoder(Exporting, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An autoencoder as a scikit-learn transformer; subclasses set the defaults of corruption and sparsity.

    `load` reads any saved estimator. To train one, use a subclass.
    """

    _learner: Learner
    _loaded: Artifact | None = None  # what `load` read, until the estimator is trained further

    default_corruption: ClassVar[str | None] = None
    default_sparsity: ClassVar[str | None] = None
    command_name: ClassVar[str] = ""  # the estimator's name on the command line and in recipe files
    PARAMETER_TEXTS: ClassVar[dict[str, tuple[str, str]]] = {}  # (type, text) of parameters that replace those of TEXTS

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(__package__):  # a user's subclass describes its own parameters
            cls.__doc__ = Docstring(cls.__doc__ or "")  # type: ignore[assignment]

    def __init__(
        self,
        n_components: int | tuple[int, ...] | None = None,
        *,
        corruption: str | Corruption | None = "auto",
        sparsity: str | CodingLayer | Term | Objective | None = "auto",
        activation: str | Elementwise | tuple[str | Elementwise, str | Elementwise] = "auto",
        output_activation: str | Elementwise = "auto",
        scaling: str = "auto",
        loss: str | Term = "squared_error",
        tied: bool = False,
        solver: str | Solver = "adam",
        learning_rate: float | str | Schedule = "auto",
        batch_size: int | str = "auto",
        max_iter: int | None = None,
        max_steps: int | None = None,
        validate_every: int | str | None = None,
        alpha: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        precision: str = "fp32",
        device: str = "auto",
        shape: tuple[int, ...] | None = None,
        variables: dict[str, str] | None = None,
        outputs: str = "codes",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.corruption = corruption
        self.sparsity = sparsity
        self.activation = activation
        self.output_activation = output_activation
        self.scaling = scaling
        self.loss = loss
        self.tied = tied
        self.solver = solver
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.max_steps = max_steps
        self.validate_every = validate_every
        self.alpha = alpha
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.precision = precision
        self.device = device
        self.shape = shape
        self.variables = variables
        self.outputs = outputs
        self.random_state = random_state
        self.verbose = verbose

    # --- training ----------------------------------------------------------------------------------------------
    def fit(
        self,
        X: ArrayLike | Source,
        y: Any = None,
        *,
        target: ArrayLike | Source | None = None,
        validation: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | str = "10min",
        callbacks: Sequence[Callback] = (),
    ) -> Self:
        """Train on rows and return the estimator itself.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Two or more rows, in any units: `scaling` applies to them. NaN, None and nulls of pandas and Polars are
            missing values: they enter as their column's mean (under "rank_gauss": its median), and all errors and
            statistics are of known values.
        y : object
            Ignored.
        target : array-like, sparse matrix, data frame or Source [n_samples, n_features], optional
            The row to reconstruct for each row of X, such as the clean row of a noisy one. By default the row itself.
            Targets have a scaling of their own: of the kind `scaling`, with their own numbers; "auto" looks at the
            targets alone.
        validation : rows, or (rows, targets), optional
            Rows on which the loss is computed after each epoch; they have the columns of X. With `early_stopping` and
            without such rows, a share `validation_fraction` of X is held out for it.
        checkpoint : str or path-like, optional
            A new folder for the run's log and its last two checkpoints, from which `resume` goes on after the process
            was ended. By default there are none.
        checkpoint_every : int or str, default="10min"
            How often a checkpoint is written: a number of steps, or a text such as "1000steps", "10min" or "1h". It
            does not change the results.
        callbacks : sequence of callables, default=()
            Called during the training with each line of the run's log, a dict of plain numbers; see docs/watching.md.
            They do not change the results. `taciturn.trackers` has some for other programs.

        Returns
        -------
        self

        Raises
        ------
        RecipeError
            A parameter is not valid, or two parameters do not fit each other.
        DataError
            The rows are infinite or not numeric, no value of a column is known, or rows and targets do not have the
            same shape.
        TaciturnError
            The folder `checkpoint` exists and holds something, or cannot be written.

        Warns
        -----
        Diverged
            The loss was no longer finite. The last weights with a finite loss that were copied are kept.
        TargetMissed
            A penalty's target was missed by more than a tenth.
        SmallBatch
            A batch has too few rows to measure the target of a penalty.
        UnreachableTargets
            Scaled targets lie outside the output activation's bounds.
        ExtremeRows
            At most 5% of the rows hold 95% of the columns' variance.

        Notes
        -----
        A call with wrong parameters or rows does not change the estimator. After KeyboardInterrupt (Ctrl-C) the
        estimator is fitted with the weights trained so far, if there was at least one step. With `checkpoint`, Ctrl-C
        and SIGTERM first finish the step and write a checkpoint.

        Examples
        --------
        >>> from taciturn import DenoisingAutoencoder, datasets
        >>> clean = datasets.load("digits").read(0, 200)
        >>> noisy = clean + 0.3 * np.random.default_rng(0).standard_normal(clean.shape)
        >>> model = DenoisingAutoencoder(16, max_iter=2, random_state=0).fit(noisy, target=clean)
        >>> model.denoise(noisy).shape
        (200, 64)
        """
        from pathlib import Path
        from tempfile import TemporaryDirectory

        from ..training import Checkpoints

        checkpoints: Checkpoints | None = None
        if checkpoint is not None:
            checkpoints = Checkpoints(Path(checkpoint), checkpoint_every, callbacks=callbacks)
            checkpoints.check()
        elif callbacks:  # the log, without checkpoints, is kept for the time of the training
            with TemporaryDirectory() as folder:
                checkpoints = Checkpoints(Path(folder, "run"), None, callbacks=callbacks)
                return self._fit(X, target, validation, self._seed(), checkpoints)
        return self._fit(X, target, validation, self._seed(), checkpoints)

    @classmethod
    def resume(
        cls,
        path: str | os.PathLike[str],
        X: ArrayLike | Source,
        *,
        target: ArrayLike | Source | None = None,
        validation: Any = None,
        callbacks: Sequence[Callback] = (),
    ) -> Self:
        """Go on with a fit that was ended, from its last checkpoint, and return the fitted estimator.

        Parameters
        ----------
        path : str or path-like
            The folder that was `checkpoint` of `fit`.
        X, target, validation
            The same rows as those of `fit`.
        callbacks : sequence of callables, default=()
            As for `fit`; they need not be the same.

        Returns
        -------
        BaseAutoencoder
            With the same numbers as if the fit had not been ended, on the same machine with the same number of
            threads; only times differ.

        Raises
        ------
        ArtifactError
            The folder holds no whole checkpoint.
        DataError
            The rows are not those of the run; the message names the first that differs.
        RecipeError
            The folder holds another estimator than the class.

        Warns
        -----
        DamagedCheckpoint
            The last checkpoint is damaged; the one before it is used.
        NotExact
            The versions, the machine or the number of threads are others; last digits may differ.

        Examples
        --------
        >>> import tempfile
        >>> from taciturn import SparseAutoencoder, datasets
        >>> X, folder = datasets.load("iris").read(0, 150), tempfile.TemporaryDirectory()
        >>> run = f"{folder.name}/run"
        >>> model = SparseAutoencoder(8, max_iter=5, random_state=0).fit(X, checkpoint=run, checkpoint_every=10)
        >>> same = SparseAutoencoder.resume(run, X)
        >>> np.array_equal(same.transform(X), model.transform(X))
        True
        >>> folder.cleanup()
        """
        from pathlib import Path

        from ..training import Checkpoints
        from .resuming import estimator_of

        checkpoints = Checkpoints.resume(Path(path))
        checkpoints.callbacks = callbacks
        estimator: Self = estimator_of(checkpoints, cls)
        return estimator._fit(X, target, validation, checkpoints.run["seed"], checkpoints)

    def _fit(self, X: Any, target: Any, validation: Any, seed: int, checkpoints: Checkpoints | None = None) -> Self:
        """Train on rows by a seed, from the start or from a checkpoint; see `fit`."""
        from ..data.fingerprint import fingerprint
        from ..inference import check_outputs
        from ..kernels import returned_at_once
        from .resolve import flag, scaling_dtype
        from .resuming import begin, resumed_learner

        checked = copy(self)  # takes the columns of X, so that a call that fails does not change the estimator
        source, targets, held_out = training_sources(checked, X, target, validation)
        checked._row_shape(source.shape)
        check_outputs(self.outputs)
        parameters = replace(self._run_parameters(pairs=targets is not None), levels=levels_of(checked))
        stops_early = flag("early_stopping", parameters.early_stopping)
        if stops_early and held_out is None:
            source, targets, held_out = self._hold_out(source, targets, seed)
        early_stopping = self._early_stopping_hook(parameters)
        earlier = self._learner.training_rows if hasattr(self, "_learner") else None
        if checkpoints is not None and checkpoints.last is not None:
            learner = resumed_learner(self, checkpoints, seed, source, targets, held_out)
        else:
            dtypes = scaling_dtype(X, source), None if targets is None else scaling_dtype(target, targets)
            learner, training_rows = self._learner_for(parameters, source, targets, dtypes, seed)
            warm = parameters.warm_start and hasattr(self, "_learner")
            learner.shape, learner.n_rows, learner.training_rows = source.shape, len(source), training_rows
            # rows held out now may have been trained on before
            known = held_out if not warm or earlier == training_rows else None
            learner.held_out_rows = None if known is None else fingerprint(known[0])
            if checkpoints is not None:
                begin(self, checkpoints, learner, targets, held_out)
        keep_best = early_stopping if stops_early else None
        try:
            with returned_at_once(checked.n_features_in_):
                learner.fit(
                    source,
                    target=targets,
                    validation=held_out,
                    keep_best=keep_best,
                    bar=bool(self.verbose),
                    checkpoints=checkpoints,
                )
        finally:  # also after an interrupt: the weights trained so far are kept
            if learner.recorder.n_epochs:
                self._set_learner(learner, checked)
        return self

    def partial_fit(self, X: ArrayLike | Source, y: Any = None, *, target: ArrayLike | Source | None = None) -> Self:
        """Train for one epoch of some rows, continuing from all earlier calls, and return the estimator itself.

        The first call sets the network, the objective and the kind of scaling; parameters that are changed later have
        no effect. Its rows do not decide what later rows are: with "auto", columns are standardised and the output
        activation is the identity. The numbers of the scaling, such as means, are those of all rows seen so far.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            One or more rows; missing values as in `fit`.
        y : object
            Ignored.
        target : array-like, sparse matrix, data frame or Source [n_samples, n_features], optional
            The row to reconstruct for each row of X; by default the row itself.

        Returns
        -------
        self

        Raises
        ------
        RecipeError
            A parameter is not valid, or two parameters do not fit each other.
        DataError
            The rows are infinite or not numeric, have other columns than those of the first call, or are not as many
            as the targets; or the loss is not defined for them.

        Warns
        -----
        Diverged
            As of `fit`.
        UnreachableTargets
            Scaled targets lie outside the output activation's bounds.

        Notes
        -----
        When the scaling's numbers change, the weights stay: the network sees the same row at another place, and further
        steps adapt to it. The change is large only while few rows have been seen. A column that has had one value so
        far is only centred.

        The end of the run is not known: schedules stand at their last value, and 0.001 replaces a scheduled learning
        rate.

        Examples
        --------
        >>> from taciturn import SparseAutoencoder, datasets
        >>> digits, model = datasets.load("digits"), SparseAutoencoder(16, random_state=0)
        >>> for start in range(0, 600, 200):
        ...     model = model.partial_fit(digits.read(start, start + 200))
        >>> model.n_iter_
        3
        """
        from ..data.fingerprint import Fingerprinting
        from ..data.moments import Moments
        from ..inference import check_outputs
        from ..kernels import returned_at_once
        from ..training import Learner
        from .resolve import check_batches, check_range, fitted_to_rows, measured, resolve, scaling_dtype, streamed

        first = not hasattr(self, "_learner")
        checked = copy(self)
        source, targets, _ = training_sources(checked, X, target, min_rows=1, reset=first)
        checked._row_shape(source.shape)
        check_outputs(self.outputs)
        rows = Fingerprinting()
        parameters = streamed(self._run_parameters(pairs=targets is not None)) if first else None
        if parameters is not None:
            parameters = replace(parameters, levels=levels_of(checked))
        scaling = self._learner.settings.scaling if parameters is None else parameters.scaling
        moments = measured(source, scaling, rows, fitted=not first)
        target_moments = None if targets is None else measured(targets, scaling, fitted=not first)
        if parameters is not None:
            dtype, target_dtype = scaling_dtype(X, source), None if targets is None else scaling_dtype(target, targets)
            settings = resolve(parameters, moments, dtype, targets=target_moments, target_dtype=target_dtype)
            learner = Learner(fitted_to_rows(settings, source, checked._row_shape(source.shape)), self._seed())
        else:
            learner, settings = self._learner, self._learner.settings
            earlier = learner.moments if learner.target_moments is None else learner.target_moments
            new = moments if target_moments is None else target_moments
            fixed = settings.scaling.fixed
            seen = earlier if fixed else Moments(with_products=new.with_products).merge(earlier).merge(new)
            error, output = settings.objective.terms[0], settings.layout.output
            check_range(error, output, settings.target_scaling, seen, new, fitted=True)
            check_batches(settings.corruption, len(source), settings.batch_size)
        self._loaded = None
        learner.shape, learner.n_rows = source.shape, learner.n_rows + len(source)
        learner.training_rows, learner.held_out_rows = rows.fingerprint() if first else None, None
        learner.add_moments(moments, target_moments)
        try:
            with returned_at_once(checked.n_features_in_):
                learner.partial_fit(source, targets)
        finally:  # also after an interrupt: the weights trained so far are kept
            if learner.recorder.n_epochs:
                self._set_learner(learner, checked)
        return self

    # --- inference ---------------------------------------------------------------------------------------------
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
            table of the training rows' columns and types, if those were a table.

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
        table = as_table(self, np.concatenate([inference.decode(self.module_, block) for block in blocks]))
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
            are the most probable ones.

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
        return as_table(self, np.concatenate(list(inference.denoise(self.module_, source))), X)

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
        target : array-like, sparse matrix, data frame or Source [n_samples, n_features], optional
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
        blocks = inference.errors(self.module_, source, targets_of(target, source, self))
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
        target : array-like, sparse matrix, data frame or Source [n_samples, n_features], optional
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
        return 1.0 - inference.evaluate(self.module_, source, target=targets_of(target, source, self)).clean.fvu

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
            With a known noise the mean squared error against the clean rows, without bias (it can be below 0). Else
            that of the hidden entries against the noisy rows, which is the error against the clean rows plus the
            variance of the noise: it orders models as the former does. In squared units of the rows.
        standard_error : float
            The standard deviation of `error` over draws of so many rows.

        Raises
        ------
        RecipeError
            The estimator was not trained with corruption="blind_spot:…".

        Notes
        -----
        With the estimate b of a hidden entry, its noisy value y, the noise's variance σ² and the weight w of y in the
        result: the mean of (1 - w)² ((b - y)² - σ²) + w² σ² (Batson and Royer, 2019; Stein, 1981).

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

        if self.module_.blind_spots is None:
            raise RecipeError("denoising_error needs an estimator that was trained with corruption='blind_spot:0.2'")
        per_row = inference.denoising_errors(self.module_, source_of(self, X), self.settings_.noise or 0.0)
        return inference.mean_and_standard_error([per_row])

    @property
    def module_(self) -> Autoencoder:
        """The network, a torch module."""
        check_is_fitted(self)
        return self._learner.model

    @property
    def settings_(self) -> Settings:
        """The parts of the run, with every "auto" resolved."""
        check_is_fitted(self)
        return self._learner.settings

    @property
    def history_(self) -> History:
        """The numbers of each step and epoch of the last `fit` and of all `partial_fit` since."""
        check_is_fitted(self)
        return self._learner.recorder.history()

    @property
    def n_iter_(self) -> int:
        """Number of epochs trained: those in `history_`."""
        check_is_fitted(self)
        return self._learner.recorder.n_epochs

    @property
    def stopped_(self) -> str | None:
        """Why training stopped before its last epoch; None if it did not."""
        check_is_fitted(self)
        return self._learner.stopped

    @property
    def weights_(self) -> dict[str, float]:
        """The automatic weight of each penalty that has a target, by the penalty's name."""
        check_is_fitted(self)
        return {name: controller.weight for name, controller in self._learner.step.controlled()}

    @property
    def scaling_(self) -> str:
        """The scaling in words, such as "not scaled, values from 0 to 1"."""
        check_is_fitted(self)
        return self._learner.scaling_description

    @property
    def plot(self) -> Plots:
        """Figures of the fitted model: `plot.history()`, `plot.atlas()`, `plot.rates(X)` and others; see `Plots`."""
        from .plotting import Plots

        check_is_fitted(self)
        return Plots(self, shape=self._row_shape(self._learner.shape))

    @property
    def components_(self) -> Array:
        """What each latent with code 1 adds to the reconstruction, all other codes being 0 [n_components, n_features].

        In scaled units and before the output activation. With one layer these are the decoder's weights.
        """
        from ..inference import components

        return components(self.module_)

    # --- evaluation --------------------------------------------------------------------------------------------
    def report(
        self,
        X: ArrayLike | Source,
        *,
        labels: ArrayLike | None = None,
        target: str = "labels",
        texts: Iterable[str] | None = None,
        ids: Iterable[Any] | None = None,
        training: ArrayLike | Source | None = None,
        name: str = "",
    ) -> Report:
        """Return a report on the model, evaluated on rows.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows; best rows that the model was not trained on.
        labels : array-like [n_samples], optional
            A class or a number for each row, to which latents are related.
        target : str, default="labels"
            The name of the labels.
        texts : iterable of str [n_samples], optional
            A text for each row, such as the sentence behind an embedding. The page shows and searches them.
        ids : iterable [n_samples], optional
            An id for each row, by which the report names rows. By default a table's id column (`variables`), the
            index of a pandas data frame or the row labels of a file, unless they are 0, 1, 2, …
        training : array-like, sparse matrix, data frame or Source [n, n_features], optional
            The training rows. The baselines (PCA and others) are fitted on them; by default on half of X.
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
            not one label, text or id for each row.

        Examples
        --------
        >>> from taciturn import SparseAutoencoder, datasets
        >>> X = datasets.load("digits").read(0, 1797)
        >>> model = SparseAutoencoder(64, max_iter=3, random_state=0).fit(X[:1500])
        >>> model.report(X[1500:], training=X[:1500]).save("digits.html")  # doctest: +SKIP
        """
        from ..report import report

        training_rows = None if training is None else source_of(self, training)
        return report(
            self.to_artifact(),
            source_of(self, X),
            labels=labels,
            target=target,
            texts=texts,
            ids=(table_ids(self, X) or row_ids(X)) if ids is None else ids,
            training=training_rows,
            name=name,
            repeat=f"{self!r}.fit(X)",
        )

    # --- saving ------------------------------------------------------------------------------------------------
    def to_artifact(self) -> Artifact:
        """Return the fitted model with its settings, its origin and its history, which `artifact.save` can write.

        Returns
        -------
        Artifact
            It shares the model with the estimator: training the estimator further changes it. Of an estimator that was
            loaded, and not trained since, it is all that was saved.
        """
        from msgspec import structs

        from .persistence import artifact_of, estimator_record

        check_is_fitted(self)
        if self._loaded is not None:
            rows = structs.replace(self._loaded.rows, shape=list(self._row_shape(self._learner.shape)))
            return replace(self._loaded, estimator=estimator_record(self), rows=rows)
        return artifact_of(self, self._learner, self.history_)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the fitted estimator as a folder, completely or not at all, without pickle. `load` reads it.

        Parameters
        ----------
        path : str or path-like
            The folder. It may exist if it is empty.
        overwrite : bool, default=False
            Whether to replace an existing model.

        Raises
        ------
        TaciturnError
            The folder exists and `overwrite` is false, or it holds other files, or it cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from taciturn import SparseAutoencoder, load
        >>> X = np.eye(8)
        >>> model = SparseAutoencoder(4, sparsity="topk:2", max_iter=1, random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model")
        ...     np.array_equal(load(f"{folder}/model").transform(X), model.transform(X))
        True
        """
        from .. import artifact

        artifact.save(self.to_artifact(), path, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the estimator that `save` or the command `taciturn fit` wrote. No code from the folder is run.

        Parameters
        ----------
        path : str or path-like
            The folder.

        Returns
        -------
        BaseAutoencoder
            A fitted estimator on the CPU. `partial_fit` continues its training as if it had not been saved.

        Raises
        ------
        ArtifactError
            The folder does not hold a model, or a file is missing, damaged or of another format.
        RecipeError
            The folder holds another estimator than the class. `taciturn.load` reads any.

        Warns
        -----
        ClassNotImported
            The estimator's own class, a subclass, is not imported.
        """
        from .. import artifact
        from .persistence import class_of, estimator_with, learner_of

        stored = artifact.load(path)
        try:
            kind = class_of(stored.estimator, BaseAutoencoder)
        except RecipeError as error:
            raise ArtifactError(f"{path}: {error}") from error
        if not issubclass(kind, cls):
            raise RecipeError(
                f"{path} holds a {kind.__name__}, not a {cls.__name__}; use {kind.__name__}.load or taciturn.load"
            )
        try:
            estimator: Self = estimator_with(kind, stored.estimator)
            estimator._learner, estimator.n_features_in_ = learner_of(stored), stored.model.layout.widths[0]
            estimator._restore_tensors(stored.outliers)
        except (TypeError, RecipeError) as error:
            raise ArtifactError(f"{path}: does not describe an estimator: {one_line(str(error))}") from error
        estimator._loaded, columns = stored, stored.rows.columns
        if (variables := stored.rows.variables) is not None:
            estimator.variables_, estimator.n_features_in_ = variables, len(variables.names)
            columns = feature_names(variables)
        if columns is not None:
            estimator.feature_names_in_ = np.asarray(columns, dtype=object)
        return estimator

    def _stored_tensors(self) -> dict[str, Tensor]:
        """Return what `save` writes beside the model and the state of its training: nothing."""
        return {}

    def _restore_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Set what `_stored_tensors` returned before the estimator was saved."""
        if tensors:
            raise RecipeError("outliers.safetensors is not a file of this estimator")

    # --- scikit-learn's interface ------------------------------------------------------------------------------
    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_learner")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags

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

    def _repr_html_inner(self) -> str:
        """Return scikit-learn's diagram and, for a fitted estimator, a summary of the model below it."""
        diagram: str = super()._repr_html_inner()
        return diagram + self.to_artifact()._repr_html_() if hasattr(self, "_learner") else diagram

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)
        return bundle | {"text/html": self._repr_html_inner()} if "text/html" in bundle else bundle

    # --- internal ----------------------------------------------------------------------------------------------
    def _run_parameters(self, *, pairs: bool = False) -> RunParameters:
        """Return the parameters that decide a run; `pairs`: rows have targets, so "auto" adds no corruption."""
        own = run_parameters(self)
        defaults = {"corruption": None if pairs else self.default_corruption, "sparsity": self.default_sparsity}
        automatic = {name: value for name, value in defaults.items() if own[name] == "auto"}
        return RunParameters(**own | automatic, learns_to_impute="corruption" in automatic)

    def _learner_for(
        self,
        parameters: RunParameters,
        source: Source,
        targets: Source | None,
        dtypes: tuple[np.dtype[Any], np.dtype[Any] | None],
        seed: int,
    ) -> tuple[Learner, Fingerprint]:
        """Return a learner for these rows, and the rows' fingerprint; `dtypes` are of the rows and of their targets.

        The learner is a new one or, under warm_start, the last one with new settings.
        """
        from ..data.fingerprint import Fingerprinting
        from ..training import Learner
        from .resolve import check_known, fitted_to_rows, flag, measured, resolve, warn_of_extreme_rows
        from .validation_messages import message_prefix

        warm = flag("warm_start", parameters.warm_start) and hasattr(self, "_learner")
        rows, (dtype, target_dtype) = Fingerprinting(), dtypes
        scaling = self._learner.settings.scaling if warm else parameters.scaling
        moments = measured(source, scaling, rows, fitted=warm)
        target_moments = None if targets is None else measured(targets, scaling, fitted=warm)
        check_known(source, moments)
        if targets is not None and target_moments is not None:
            with message_prefix("target"):
                check_known(targets, target_moments)
        if not warm:
            settings = resolve(parameters, moments, dtype, targets=target_moments, target_dtype=target_dtype)
            warn_of_extreme_rows(source, moments, settings.scaling)
            learner = Learner(fitted_to_rows(settings, source, self._row_shape(source.shape)), seed)
            learner.add_moments(moments, target_moments)
            return learner, rows.fingerprint()
        learner = copy(self._learner)  # it stays as it is if the run does not begin
        width, fitted_width = len(moments.mean), learner.settings.layout.widths[0]
        if width != fitted_width:
            raise DataError(
                f"warm_start: X has {width} columns, but the fitted network has {fitted_width}; "
                "give rows with the same columns, or set warm_start=False"
            )
        settings = resolve(parameters, moments, dtype, targets=target_moments, fitted=learner)
        warn_of_extreme_rows(source, moments, settings.scaling)
        if settings.layout != learner.settings.layout:
            raise RecipeError(
                "warm_start: these parameters describe a network of another shape or with other activations than the "
                "fitted one; set warm_start=False, or restore the parameters"
            )
        learner.prepare(fitted_to_rows(settings, source, self._row_shape(source.shape)), seed)
        return learner, rows.fingerprint()

    def _row_shape(self, own_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the parameter `shape`, checked against rows of `own_shape`; None: `own_shape` itself."""
        from ..data.row_shape import image_shape

        return own_shape if self.shape is None else image_shape(self.shape, int(np.prod(own_shape)))

    def _seed(self) -> int:
        from ..core.seeds import MAX_SEED

        random_state = self.random_state
        if isinstance(random_state, int | np.integer) and random_state >= 0:
            if random_state > MAX_SEED:
                raise RecipeError(f"random_state={random_state} must be at most {MAX_SEED}")
            return int(random_state)
        return int(check_random_state(random_state).randint(2**31 - 1))

    def _set_learner(self, learner: Learner, checked: Self) -> None:
        """Set the learner, and the columns of the rows that were checked for `checked`."""
        self._learner, self._loaded = learner, None
        for name in ("n_features_in_", "feature_names_in_", "variables_"):
            self.__dict__.pop(name, None)
            if name in vars(checked):
                setattr(self, name, vars(checked)[name])

    def _early_stopping_hook(self, parameters: RunParameters) -> EarlyStopping:
        from ..training import EarlyStopping
        from .resolve import number, positive_integer

        patience = positive_integer("n_iter_no_change", parameters.n_iter_no_change)
        return EarlyStopping(patience=patience, tol=number("tol", parameters.tol, 0, np.inf))

    def _hold_out(
        self, source: Source, targets: Source | None, seed: int
    ) -> tuple[Source, Source | None, RowsAndTargets]:
        """Return the training rows and their targets, and the held-out rows with theirs."""
        from ..data.sources import Subset
        from ..data.split import split

        fraction = self.validation_fraction
        if not (isinstance(fraction, float | int | np.number) and 0 < fraction < 1):
            raise RecipeError(f"validation_fraction={fraction!r} must lie between 0 and 1")
        training, held_out = split(len(source), fraction, seed)
        if targets is None:
            return Subset(source, training), None, (Subset(source, held_out), None)
        return (
            Subset(source, training),
            Subset(targets, training),
            (Subset(source, held_out), Subset(targets, held_out)),
        )
