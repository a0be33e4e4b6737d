"""The base class of the estimators: scikit-learn's interface to a learner.

What estimators do is in `fitting.py`, `applying.py`, `scoring.py`, `saving.py` and `exporting.py`. Loading torch
takes a second, so modules that need it are imported inside the methods.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator

from ..core.errors import ArtifactError, RecipeError
from ..core.messages import one_line
from .applying import Applying
from .documentation import Docstring
from .exporting import Exporting
from .fitting import Fitting
from .saving import Saving
from .scoring import Scoring
from .tables import feature_names

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from ..core.schedules import Schedule
    from ..corruption import Corruption
    from ..model.coding_layers import CodingLayer, Elementwise
    from ..model.networks import Network
    from ..objective import Objective, Term
    from ..training.solvers import Solver


class BaseAutoencoder(Fitting, Applying, Scoring, Saving, Exporting, BaseEstimator):  # type: ignore[misc]
    """An autoencoder as a scikit-learn transformer; subclasses set the defaults of corruption and sparsity.

    `load` reads any saved estimator. To train one, use a subclass.
    """

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
        network: str | Network = "dense",
        scaling: str = "auto",
        loss: str | Term = "squared_error",
        tied: bool = False,
        solver: str | Solver = "adam",
        learning_rate: float | str | Schedule = "auto",
        batch_size: int | str = "auto",
        shuffle_window: int | str = "auto",
        survey_rows: int | str = "all",
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
        self.network = network
        self.scaling = scaling
        self.loss = loss
        self.tied = tied
        self.solver = solver
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.shuffle_window = shuffle_window
        self.survey_rows = survey_rows
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
        if stored.rows.image_shape is not None:
            estimator.image_shape_in_ = tuple(stored.rows.image_shape)
        if columns is not None:
            estimator.feature_names_in_ = np.asarray(columns, dtype=object)
        return estimator

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        return tags

    def _repr_html_inner(self) -> str:
        """Return scikit-learn's diagram and, for a fitted estimator, a summary of the model below it."""
        diagram: str = super()._repr_html_inner()
        return diagram + self.to_artifact()._repr_html_() if hasattr(self, "_learner") else diagram

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)
        return bundle | {"text/html": self._repr_html_inner()} if "text/html" in bundle else bundle
