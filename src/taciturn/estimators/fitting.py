"""The training of an estimator on rows."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from ..core.errors import DataError, RecipeError
from .fitted import Fitted
from .parameters import RunParameters, run_parameters
from .rows import RowsAndTargets, all_surveyed, training_sources
from .tables import levels_of

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from ..core.world import Axis, Mesh
    from ..data.fingerprint import Fingerprint
    from ..data.moments import Moments
    from ..data.sources import Source
    from ..data.survey import Survey
    from ..model import Scaling
    from ..training import Callback, Checkpoints, EarlyStopping, Learner


class Fitting(Fitted):
    """The methods of an estimator that train it."""

    default_corruption: ClassVar[str | None] = None
    default_sparsity: ClassVar[str | None] = None
    remembers_rows: ClassVar[bool] = True  # for `check`: rows are independent of each other
    # some of the parameters
    random_state: int | np.random.RandomState | None
    validation_fraction: float
    verbose: int

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
        latent_processes: int = 1,
    ) -> Self:
        """Train on rows and return the estimator itself.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Two or more rows, in any units: `scaling` applies to them. NaN, None and nulls of pandas and Polars are
            missing values: they enter as their column's mean (under "rank_gauss": its median), and all errors and
            statistics are of known values. Also an array of images [n_samples, height, width] or [n_samples, height,
            width, channels], whose rows are their pixels in this order; an array with two axes is rows. Also an
            iterable of batches, or a function that returns one: see docs/streaming.md.
        y : object
            Ignored.
        target : array-like, sparse matrix, data frame or Source [n_samples, n_targets], optional
            The row to reconstruct for each row of X, such as the clean row of a noisy one. By default the row itself.
            Targets have a scaling of their own: of the kind `scaling`, with their own numbers; "auto" looks at the
            targets alone. With another number of columns than X the network is a transcoder: `predict` estimates
            targets, and there is no `denoise`; see docs/transcoders.md.
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
        latent_processes : int, default=1
            Among how many of the processes that torchrun started the latents are distributed, so that none holds the
            whole dictionary; see docs/processes.md. It does not change the results. Each process then holds its
            latents only: call `save` in all of them, and load the model in one.

        Returns
        -------
        self

        Raises
        ------
        RecipeError
            A parameter is not valid, or two parameters do not fit each other.
        DataError
            The rows are infinite or not numeric, no value of a column is known, or there is not one target for each
            row.
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
        RowsEnded
            X is an iterator that gave fewer rows than `max_steps` take.
        UnreachableTargets
            Scaled targets lie outside the output activation's bounds.
        ExtremeRows
            At most 5% of the rows hold 95% of the columns' variance. Or, after the training, 1% of the rows carry more
            than half of the squared error, while the other rows are reconstructed badly.

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
        from ..training.processes import common_seed, joined

        checkpoints: Checkpoints | None = None
        with joined(latent_processes) as processes:
            if checkpoint is not None:
                checkpoints = Checkpoints.new(
                    Path(checkpoint), checkpoint_every, callbacks=callbacks, processes=processes.all
                )
            if checkpoints is not None and checkpoints.last is not None:  # torchrun has started this run again
                seed = checkpoints.run["seed"]
            else:
                seed = common_seed(processes.all, self._seed())
            if checkpoint is None and callbacks:  # the log, without checkpoints, is kept for the time of the training
                with TemporaryDirectory() as folder:
                    checkpoints = Checkpoints(Path(folder, "run"), None, callbacks=callbacks)
                    return self._fit(X, target, validation, seed, checkpoints)
            return self._fit(X, target, validation, seed, checkpoints)

    @classmethod
    def resume(
        cls,
        path: str | os.PathLike[str],
        X: ArrayLike | Source,
        *,
        target: ArrayLike | Source | None = None,
        validation: Any = None,
        callbacks: Sequence[Callback] = (),
        latent_processes: int = 1,
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
        latent_processes : int, default=1
            As for `fit`; it need not be the same.

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
        from ..training.processes import joined
        from .resuming import estimator_of

        with joined(latent_processes):
            checkpoints = Checkpoints.resume(Path(path))
            checkpoints.callbacks = callbacks
            estimator: Self = estimator_of(checkpoints, cls)
            return estimator._fit(X, target, validation, checkpoints.run["seed"], checkpoints)

    def _fit(self, X: Any, target: Any, validation: Any, seed: int, checkpoints: Checkpoints | None = None) -> Self:
        """Train on rows by a seed, from the start or from a checkpoint; see `fit`."""
        from ..training.processes import joined

        with joined() as processes:
            return self._fit_together(X, target, validation, seed, checkpoints, processes)

    def _fit_together(
        self,
        X: Any,
        target: Any,
        validation: Any,
        seed: int,
        checkpoints: Checkpoints | None,
        processes: Mesh,
    ) -> Self:
        """Train on rows, together with other processes."""
        from ..data.stored_surveys import take_from_run
        from ..data.survey import fingerprint_of
        from ..inference import check_outputs
        from ..kernels import returned_at_once
        from .remembering import remembered
        from .resolve import flag, scaling_dtype, survey_rows
        from .resuming import begin, check_alike, resumed_learner
        from .streams import opened

        checked = copy(self)  # takes the columns of X, so that a call that fails does not change the estimator
        if checkpoints is not None:
            take_from_run(checkpoints.run.get("surveys", {}))
        X = opened(X, self._run_parameters(), target, checkpoints)
        source, targets, held_out = training_sources(checked, X, target, validation)
        check_outputs(self.outputs)
        parameters = checked._run_parameters(pairs=targets is not None)
        image = parameters.image or checked._row_shape(source.shape)
        parameters = replace(parameters, levels=levels_of(checked), image=image)
        stops_early = flag("early_stopping", parameters.early_stopping)
        if stops_early and held_out is None:
            source, targets, held_out = self._hold_out(source, targets, seed)
        rows, whitens = survey_rows(parameters.survey_rows), self._scaling(parameters).whitens
        resumes = checkpoints is not None and checkpoints.last is not None  # with the scaling of then
        source, targets, held_out, found = all_surveyed(
            source, targets, held_out, rows, whitens=whitens, fitted=resumes
        )
        early_stopping = self._early_stopping_hook(parameters)
        earlier = self._learner.training_rows if hasattr(self, "_learner") else None
        if checkpoints is not None and checkpoints.last is not None:
            learner = resumed_learner(self, checkpoints, seed, source, targets, held_out, processes.latents)
        else:
            dtypes = scaling_dtype(X, source), None if targets is None else scaling_dtype(target, targets)
            learner, training_rows = self._learner_for(parameters, source, targets, dtypes, seed, processes.latents)
            warm = self._is_warm(parameters)
            learner.shape, learner.n_rows, learner.training_rows = source.shape, len(source), training_rows
            # rows held out now may have been trained on before
            known = held_out if not warm or earlier == training_rows else None
            learner.held_out_rows = None if known is None else fingerprint_of(known[0], rows)
            if checkpoints is not None:
                begin(self, checkpoints, learner, source, targets, held_out)
        if checkpoints is not None and found is not None:
            checkpoints.facts = {"surveyed_rows": found.moments.count, "survey_remembered": found.remembered}
        check_alike(processes.all, self, learner, targets, held_out)
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
                    processes=processes,
                )
                unseen = held_out if learner.held_out_rows is not None else None
                if self.remembers_rows:
                    learner.remembered = remembered(learner, source, targets, unseen)
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
        from ..data.moments import Moments
        from ..inference import check_outputs
        from ..kernels import returned_at_once
        from ..model import Scaling
        from ..training import Learner
        from ..training.processes import refuse
        from .resolve import (
            check_batches,
            check_bounded,
            check_range,
            fitted_to_rows,
            measured,
            part,
            resolve,
            scaling_dtype,
            streamed,
            survey_rows,
        )

        refuse("partial_fit", "call fit, which shares its batches")
        first = not hasattr(self, "_learner")
        checked = copy(self)
        source, targets, _ = training_sources(checked, X, target, min_rows=1, reset=first)
        check_outputs(self.outputs)
        parameters = streamed(checked._run_parameters(pairs=targets is not None)) if first else None
        if parameters is not None:
            image = parameters.image or checked._row_shape(source.shape)
            parameters = replace(parameters, levels=levels_of(checked), image=image)
        if parameters is None:
            scaling, n_surveyed = self._learner.settings.scaling, self._learner.settings.survey_rows
        else:
            scaling, n_surveyed = part(parameters.scaling, Scaling, "scaling"), survey_rows(parameters.survey_rows)
        source, targets, _, _ = all_surveyed(source, targets, None, n_surveyed, whitens=scaling.whitens)
        rows = measured(source, scaling, fitted=not first, rows=n_surveyed)
        moments, n_rows = rows.moments, len(source)
        target_moments = None
        if targets is not None:
            target_moments = measured(targets, scaling, fitted=not first, rows=n_surveyed).moments
        dtype, target_dtype = scaling_dtype(X, source), None if targets is None else scaling_dtype(target, targets)
        if parameters is not None:
            settings = resolve(
                parameters, moments, dtype, targets=target_moments, target_dtype=target_dtype, n_rows=n_rows
            )
            learner = Learner(fitted_to_rows(settings, source, checked._row_shape(source.shape)), self._seed())
        else:
            learner, settings = self._learner, self._learner.settings
            _check_target_width(learner, target_moments)
            earlier = learner.moments if learner.target_moments is None else learner.target_moments
            new = moments if target_moments is None else target_moments
            fixed = settings.scaling.fixed
            seen = earlier if fixed else Moments(with_products=new.with_products).merge(earlier).merge(new)
            error, output = settings.objective.terms[0], settings.layout.output
            if not rows.complete:
                check_bounded(error, settings.target_scaling, target_dtype or dtype, n_surveyed)
            check_range(error, output, settings.target_scaling, seen, new, fitted=True)
            check_batches(settings.corruption, n_rows, settings.batch_size)
        self._loaded = None
        learner.shape, learner.n_rows = source.shape, learner.n_rows + n_rows
        learner.training_rows, learner.held_out_rows = rows.fingerprint if first else None, None
        learner.remembered = None  # of weights that change now
        learner.add_moments(moments, target_moments)
        _describe_part(learner, rows)
        try:
            with returned_at_once(checked.n_features_in_):
                learner.partial_fit(source, targets)
        finally:  # also after an interrupt: the weights trained so far are kept
            if learner.recorder.n_epochs:
                self._set_learner(learner, checked)
        return self

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
        latents: Axis,
    ) -> tuple[Learner, Fingerprint]:
        """Return a learner for these rows, and the rows' fingerprint; `dtypes` are of the rows and of their targets.

        The learner is a new one or, under warm_start, the last one with new settings. The latents of a new one are
        distributed over an axis.
        """
        from ..training import Learner
        from .resolve import check_known, fitted_to_rows, measured, resolve, survey_rows, warn_of_extreme_rows
        from .streams import for_stream
        from .validation_messages import message_prefix

        warm, scaling = self._is_warm(parameters), self._scaling(parameters)
        if warm and latents.size > 1:
            raise RecipeError("warm_start=True cannot go on with latent_processes; set warm_start=False")
        measures = partial(measured, scaling=scaling, fitted=warm, rows=survey_rows(parameters.survey_rows))
        (dtype, target_dtype), n_rows = dtypes, len(source)
        rows = measures(source)
        moments = rows.moments
        target_moments = None if targets is None else measures(targets).moments
        check_known(source, moments)
        if targets is not None and target_moments is not None:
            with message_prefix("target"):
                check_known(targets, target_moments)
        if not warm:
            settings = resolve(
                parameters, moments, dtype, targets=target_moments, target_dtype=target_dtype, n_rows=n_rows
            )
            settings = for_stream(settings, parameters, source, seed)
            settings = fitted_to_rows(settings, source, self._row_shape(source.shape))
            learner = Learner(settings, seed, latents=latents)
            learner.add_moments(moments, target_moments)
            _describe_part(learner, rows)
            warn_of_extreme_rows(source, moments, learner)
            return learner, rows.fingerprint
        learner = copy(self._learner)  # it stays as it is if the run does not begin
        width, fitted_width = len(moments.mean), learner.settings.layout.widths[0]
        if width != fitted_width:
            raise DataError(
                f"warm_start: X has {width} columns, but the fitted network has {fitted_width}; "
                "give rows with the same columns, or set warm_start=False"
            )
        _check_target_width(learner, target_moments)
        settings = resolve(parameters, moments, dtype, targets=target_moments, fitted=learner, n_rows=n_rows)
        settings = for_stream(settings, parameters, source, seed)
        warn_of_extreme_rows(source, moments, learner)
        if settings.layout != learner.settings.layout:
            raise RecipeError(
                "warm_start: these parameters describe a network of another shape or with other activations than the "
                "fitted one; set warm_start=False, or restore the parameters"
            )
        learner.prepare(fitted_to_rows(settings, source, self._row_shape(source.shape)), seed)
        return learner, rows.fingerprint

    def _is_warm(self, parameters: RunParameters) -> bool:
        """Return whether a fit goes on with the fitted network."""
        from .resolve import flag

        return flag("warm_start", parameters.warm_start) and hasattr(self, "_learner")

    def _scaling(self, parameters: RunParameters) -> Scaling:
        """Return the scaling of a fit's rows: the fitted one under warm_start, else the parameter, also "auto"."""
        from ..model import Scaling
        from .resolve import part

        if self._is_warm(parameters):
            fitted: Scaling = self._learner.settings.scaling
            return fitted
        return part(parameters.scaling, Scaling, "scaling")

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
        for name in ("n_features_in_", "feature_names_in_", "image_shape_in_", "variables_"):
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
        from ..data.split import split_pairs

        fraction = self.validation_fraction
        if not (isinstance(fraction, float | int | np.number) and 0 < fraction < 1):
            raise RecipeError(f"validation_fraction={fraction!r} must lie between 0 and 1")
        training, held_out = split_pairs((source, targets), fraction, seed)
        return *training, held_out


def _describe_part(learner: Learner, rows: Survey) -> None:
    """Add to the scaling's description that it was measured on a part of the rows, if it was."""
    if not rows.complete:
        count = f"{rows.moments.count:,} of {rows.fingerprint.count:,} rows"
        learner.scaling_description += f"; measured on {count}"


def _check_target_width(learner: Learner, targets: Moments | None) -> None:
    """Raise DataError unless targets have the columns that the fitted network puts out; None: rows are their own."""
    layout = learner.settings.layout
    width = layout.widths[0] if targets is None else len(targets.mean)
    if width != layout.n_outputs or (targets is None and layout.outputs):
        found = f"target has {width} columns" if targets is not None else "there is no target"
        raise DataError(
            f"{found}, but the fitted network puts out {layout.n_outputs}; give a target of {layout.n_outputs} columns "
            "for each row, or train a new estimator"
        )
