"""What both estimators share: scikit-learn's contract around a learner.

torch takes a second to load, so the modules that need it are imported when rows arrive, not with this class.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted

from ..core.errors import ArtifactError, DataError, RecipeError
from ..data.sources import Rows, check_finite
from .documentation import Docstring
from .parameters import RunParameters, run_parameters
from .refusals import explained
from .rows import partners, rows, training_rows

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from ..artifact import Artifact
    from ..core.schedules import Schedule
    from ..corruption import Corruption
    from ..data.sources import Source
    from ..model import Autoencoder
    from ..model.coding_layers import CodingLayer, Elementwise
    from ..objective import Objective, Term
    from ..report import Report
    from ..training import EarlyStopping, History, Learner, Settings
    from ..training.solvers import Solver
    from .plotting import Plots

Array = NDArray[Any]


class BaseAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An autoencoder as a scikit-learn transformer; the subclasses set what "auto" corruption and sparsity mean."""

    _learner: Learner

    default_corruption: ClassVar[str | None] = None
    default_sparsity: ClassVar[str | None] = None
    command_name: ClassVar[str] = ""  # by which the command line and recipe files name the estimator
    PARAMETER_TEXTS: ClassVar[dict[str, tuple[str, str]]] = {}  # type and text, where they differ from TEXTS

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
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
        alpha: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        precision: str = "fp32",
        device: str = "auto",
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
        self.alpha = alpha
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.precision = precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    # --- learning ----------------------------------------------------------------------------------------------
    def fit(
        self,
        X: ArrayLike | Source,
        y: Any = None,
        *,
        target: ArrayLike | Source | None = None,
        validation: Any = None,
    ) -> Self:
        """Learn from rows X [n_samples, n_features] and return self.

        `target` [n_samples, n_features]: the clean partner of each row, to learn from pairs (noisy, clean); by
        default a row is its own. `validation`: rows, or a pair (rows, targets), to be validated on after each
        epoch; with `early_stopping` and none given they are split off. `y` is ignored.

        Raises ValueError (RecipeError for parameters, DataError for rows) naming what is wrong and the mend.
        """
        from .resolve import flag

        noted = copy(self)  # of what is refused, or never learnt from, nothing stays
        source, partner, held = training_rows(noted, X, target, validation)
        seed, parameters = self._seed(), self._run_parameters(pairs=partner is not None)
        stopping = flag("early_stopping", parameters.early_stopping)
        if stopping and held is None:
            source, partner, held = self._split(source, partner, seed)
        best = self._keep_best(parameters) if stopping else None
        learner = self._ready(parameters, source, partner, seed)
        learner.shape = source.shape
        learner.held_out = self.validation_fraction if stopping and validation is None else 0.0
        try:
            learner.fit(source, target=partner, validation=held, keep_best=best, bar=bool(self.verbose))
        finally:  # an interrupt still leaves what was learnt until then
            if learner.steps_done:
                self._take(learner, noted)
                self._learnt()
        return self

    def partial_fit(self, X: ArrayLike | Source, y: Any = None, *, target: ArrayLike | Source | None = None) -> Self:
        """Take one pass over these rows, going on from all that came before, and return self.

        The first call decides the network, the objective and the kind of scaling, and parameters that are changed
        later do not count; the scaling's numbers follow all rows seen.
        """
        from ..data.moments import measure_moments
        from ..training import Learner
        from .resolve import needs_products, resolve

        first = not hasattr(self, "_learner")
        noted = copy(self)
        source, partner, _ = training_rows(noted, X, target, least=1, learn=first)
        parameters = self._run_parameters(pairs=partner is not None) if first else None
        scaling = self._learner.settings.scaling if parameters is None else parameters.scaling
        moments = measure_moments(source, with_products=needs_products(scaling))
        if parameters is not None:
            targets = None if partner is None else measure_moments(partner)
            self._take(Learner(resolve(parameters, moments, source.dtype, targets=targets), self._seed()), noted)
        self._learner.shape = source.shape
        self._learner.add_moments(moments)
        self._learner.partial_fit(source, partner)
        return self._learnt()

    # --- using -------------------------------------------------------------------------------------------------
    def transform(self, X: ArrayLike | Source) -> Array:
        """Return the codes [n_samples, n_components] of clean or corrupted rows, in the rows' precision."""
        from .. import inference

        source = rows(self, X)
        codes = [block.dense().cpu().numpy() for block in inference.encode(self.module_, source)]
        return np.concatenate(codes)

    def inverse_transform(self, X: ArrayLike) -> Array:
        """Return rows in the input's units [n_samples, n_features] for codes X [n_samples, n_components]."""
        from .. import inference

        check_is_fitted(self)
        with explained(X):
            codes = check_array(X, dtype=[np.float64, np.float32], ensure_all_finite=False)
        check_finite(Rows(codes))
        if codes.shape[1] != self._n_features_out:
            raise DataError(
                f"X has {codes.shape[1]} codes a row, but {self._n_features_out} latents were learnt; "
                "give codes as transform returns them"
            )
        return inference.decode(self.module_, codes)

    def denoise(self, X: ArrayLike | Source) -> Array:
        """Return the reconstructions of rows [n_samples, n_features], in the input's units."""
        from .. import inference

        source = rows(self, X)
        return np.concatenate(list(inference.denoise(self.module_, source)))

    def reconstruction_errors(
        self, X: ArrayLike | Source, *, per: str = "row", target: ArrayLike | Source | None = None
    ) -> Array:
        """Return the mean squared error of each row [n_samples], or of each column (per="column") [n_features].

        In scaled units; against `target` where it is given.
        """
        from .. import inference

        if per not in ("row", "column"):
            raise RecipeError(f'per={per!r} must be "row" or "column"')
        source = rows(self, X)
        blocks = inference.errors(self.module_, source, partners(target, source))
        if per == "row":
            return np.concatenate([error.square().mean(1).cpu().numpy() for error in blocks])
        sums = [error.square().sum(0).cpu().numpy() for error in blocks]
        means: Array = np.sum(sums, axis=0) / len(source)
        return means

    def score_samples(self, X: ArrayLike | Source) -> Array:
        """Return minus each row's reconstruction error [n_samples]: low for rows unlike those learnt from."""
        return -self.reconstruction_errors(X)

    def score(self, X: ArrayLike | Source, y: Any = None) -> float:
        """Return the share of the rows' variance that reconstructions explain, 1 - FVU, in scaled units; at most 1."""
        from .. import inference

        source = rows(self, X)
        return 1.0 - inference.evaluate(self.module_, source).clean.fvu

    @property
    def module_(self) -> Autoencoder:
        """The torch module."""
        check_is_fitted(self)
        return self._learner.model

    @property
    def settings_(self) -> Settings:
        """The parts of the run, every "auto" decided."""
        check_is_fitted(self)
        return self._learner.settings

    @property
    def stopped_(self) -> str | None:
        """Why training ended before its last epoch; None if it did not."""
        check_is_fitted(self)
        return self._learner.stopped

    @property
    def weights_(self) -> dict[str, float]:
        """The weight found for each penalty that has a target."""
        check_is_fitted(self)
        return {name: controller.weight for name, controller in self._learner.step.controlled()}

    @property
    def scaling_(self) -> str:
        """What was done to the rows, in one line."""
        check_is_fitted(self)
        return self._learner.scaling_description

    @property
    def plot(self) -> Plots:
        """Figures of what was learnt: `plot.history()`, `plot.atlas()`, `plot.rates(X)` and others."""
        from .plotting import Plots

        check_is_fitted(self)
        return Plots(self, shape=self._learner.shape)

    @property
    def components_(self) -> Array:
        """What each latent at 1, all others at 0, adds to the reconstruction [n_components, n_features].

        In scaled units and before the output activation: with one hidden layer the decoder's weights.
        """
        from ..inference import components

        return components(self.module_)

    # --- looking -----------------------------------------------------------------------------------------------
    def report(
        self,
        X: ArrayLike | Source,
        *,
        labels: ArrayLike | None = None,
        target: str = "labels",
        training: ArrayLike | Source | None = None,
        name: str = "",
    ) -> Report:
        """Return all that there is to say of the model on rows X, best such that it has never seen.

        `labels` [n_samples], classes or numbers, are what latents are related to, `target` is their name. `training`:
        the rows that it learnt from, for simpler models to learn from too; else half of X. In a notebook the result
        shows its verdict; `.save("report.html")` writes the page, `.save_json("report.json")` the numbers.
        """
        from ..report import report

        learnt = None if training is None else rows(self, training)
        return report(
            self.to_artifact(),
            rows(self, X),
            labels=labels,
            target=target,
            training=learnt,
            name=name,
            repeat=f"{self!r}.fit(X)",
        )

    # --- keeping -----------------------------------------------------------------------------------------------
    def to_artifact(
        self, *, rows: Mapping[str, Any] | None = None, metrics: Mapping[str, Any] | None = None
    ) -> Artifact:
        """Return all that was learnt as an artifact; `rows` and `metrics` say more of the rows and the results."""
        from .persistence import described

        check_is_fitted(self)
        return described(
            self._learner,
            self.history_,
            estimator=type(self).__name__,
            parameters=self.get_params(deep=False),
            columns=getattr(self, "feature_names_in_", None),
            rows=rows or {},
            metrics=metrics or {},
        )

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the fitted estimator as a folder: config.json, weights.safetensors, history.parquet, metrics.json."""
        from .. import artifact

        artifact.save(self.to_artifact(), path, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the estimator that `save` (or `taciturn fit`) wrote. Runs no code from the folder."""
        from .. import artifact
        from .persistence import restored

        kept = artifact.load(path)
        known = {kind.__name__: kind for kind in BaseAutoencoder.__subclasses__()}
        name = kept.config.get("estimator")
        if name not in known:
            raise ArtifactError(f"{path}: no estimator is named {name!r}; there are {', '.join(known)}")
        if not issubclass(known[name], cls):
            raise RecipeError(f"{path} holds a {name}, not a {cls.__name__}")
        try:
            given = {key: tuple(v) if isinstance(v, list) else v for key, v in kept.config["parameters"].items()}
            estimator: Self = known[name](**given)
            estimator._learner = restored(kept, estimator._run_parameters())
            columns = kept.config["rows"]["columns"]
        except (KeyError, TypeError, RecipeError) as error:
            raise ArtifactError(f"{path}: config.json does not describe an estimator: {error}") from error
        estimator.n_features_in_ = kept.model.layout.widths[0]
        if columns is not None:
            estimator.feature_names_in_ = np.asarray(columns, dtype=object)
        return estimator._learnt()

    # --- scikit-learn's contract -------------------------------------------------------------------------------
    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_learner")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self._learner.settings.layout.widths[-1]

    def _repr_html_inner(self) -> str:
        """Return scikit-learn's diagram, and beneath it what was learnt."""
        diagram: str = super()._repr_html_inner()
        return diagram + self.to_artifact()._repr_html_() if hasattr(self, "_learner") else diagram

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)
        return bundle | {"text/html": self._repr_html_inner()} if "text/html" in bundle else bundle

    # --- inside ------------------------------------------------------------------------------------------------
    def _run_parameters(self, *, pairs: bool = False) -> RunParameters:
        """Return the parameters that decide a run; `pairs`: rows have partners, which bring their own noise."""
        own = run_parameters(self.get_params(deep=False))
        defaults = {"corruption": None if pairs else self.default_corruption, "sparsity": self.default_sparsity}
        return RunParameters(**own | {name: value for name, value in defaults.items() if own[name] == "auto"})

    def _ready(self, parameters: RunParameters, source: Source, partner: Source | None, seed: int) -> Learner:
        """Return a learner for these rows: a fresh one, or under warm_start the last one, made ready to go on."""
        from ..data.moments import measure_moments
        from ..training import Learner
        from .resolve import flag, needs_products, resolve

        moments = measure_moments(source, with_products=needs_products(parameters.scaling))
        targets = None if partner is None else measure_moments(partner)
        if not (flag("warm_start", parameters.warm_start) and hasattr(self, "_learner")):
            learner = Learner(resolve(parameters, moments, source.dtype, targets=targets), seed)
            learner.add_moments(moments)
            return learner
        learner = self._learner
        as_before = replace(parameters, scaling=learner.settings.scaling)
        settings = resolve(as_before, learner.moments, source.dtype, n_rows=len(source), targets=targets)
        if settings.layout != learner.settings.layout:
            raise RecipeError(
                "warm_start: the network to go on from has another shape or activation than these parameters "
                "ask for; set warm_start=False, or leave them as they were"
            )
        learner.prepare(settings, seed)
        return learner

    def _seed(self) -> int:
        given = self.random_state
        if isinstance(given, int | np.integer) and given >= 0:
            return int(given)
        return int(check_random_state(given).randint(2**31 - 1))

    def _take(self, learner: Learner, noted: Self) -> None:
        """Take over a learner, and what was noted of the columns that it learns from."""
        self._learner = learner
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if name in vars(noted):
                setattr(self, name, vars(noted)[name])

    def _learnt(self) -> Self:
        self.history_: History = self._learner.recorder.history()
        self.n_iter_ = self.history_.n_epochs
        return self

    def _keep_best(self, parameters: RunParameters) -> EarlyStopping:
        from ..training import EarlyStopping
        from .resolve import number, positive_integer

        patience = positive_integer("n_iter_no_change", parameters.n_iter_no_change)
        return EarlyStopping(patience=patience, tol=number("tol", parameters.tol, 0, np.inf))

    def _split(self, source: Source, partner: Source | None, seed: int) -> tuple[Source, Source | None, Any]:
        from ..data.sources import Subset
        from ..data.split import split

        fraction = self.validation_fraction
        if not (isinstance(fraction, float | int | np.number) and 0 < fraction < 1):
            raise RecipeError(f"validation_fraction={fraction!r} must lie between 0 and 1")
        learnt, held = split(len(source), fraction, seed)
        if partner is None:
            return Subset(source, learnt), None, (Subset(source, held), None)
        return Subset(source, learnt), Subset(partner, learnt), (Subset(source, held), Subset(partner, held))
