"""The imputer: completed tables by a denoising autoencoder, and draws of them."""

from __future__ import annotations

import os
from copy import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..core.errors import ArtifactError, RecipeError
from ..core.messages import one_line
from ..data.variables import library_of
from .denoising import DenoisingAutoencoder
from .imputation_reporting import ImputationReporting
from .imputer_rows import read_rows, row_digests, rows_without_values
from .publishing import Publishing
from .rows import as_images, flat_images, source_of, surveyed, training_sources
from .tables import mixed_variables

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from ..data.sources import Source
    from ..data.variables import Variables
    from .imputing import Ensemble

Array = NDArray[Any]

BATCH_ROWS = 256
FIT, IMPUTE = 0, 1  # what random numbers are drawn for


class DenoisingImputer(ImputationReporting, Publishing, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Replaces missing values by what a denoising autoencoder expects there, or by draws of what it holds possible.

    A factor analysis gives each missing value its mean given the known values of the row. Denoising autoencoders, from
    which further known values were hidden, learn what it lacks. Each of them learns from a part of the rows; on the
    others it is measured how much of its correction to believe, column by column, and how uncertain a value is.

    Parameters
    ----------
    n_components : int, default=128
        Number of latents of each network.
    n_networks : int, default=4
        Number of networks, 2 or more; each is trained without the rows of one of so many parts.
    max_iter : int, default=10
        Number of epochs of each network. A row of few is seen up to 16 times in each, with other values hidden.
    learning_rate : float, default=0.01
        It falls to 0 over the run.
    alpha : float, default=0.01
        Decoupled weight decay, ≥ 0.
    device : str, default="auto"
        "cpu", "cuda" or another device of torch.
    variables : dict or None, default=None
        Kinds of columns of a table, by name, as of the other estimators.
    random_state : int, RandomState or None, default=None
        Seed of the networks, of the hidden values and of the draws.

    Attributes
    ----------
    networks_ : list of DenoisingAutoencoder
        The networks.
    n_iter_ : int
        Number of epochs that each network was trained for.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    The networks are trained on pairs (Vincent et al., 2008). A row's share of hidden values is drawn anew for each
    copy, from 0 to 1, so that they learn all patterns of missing values. Imputation assumes that whether a value is
    missing depends on known values only. In draws, `impute`, the uncertainty of the model itself is that of a jackknife
    over the parts, and the remaining errors are drawn from those of values that were hidden.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 1)) + 0.1 * rng.standard_normal((200, 3))
    >>> X[::4, 2] = np.nan
    >>> imputer = DenoisingImputer(random_state=0).fit(X)
    >>> bool(abs(imputer.transform(X)[::4, 2] - X[::4, :2].mean(1)).max() < 0.3)
    True
    >>> len(imputer.impute(X, n_imputations=20))
    20
    """

    _ensemble: Ensemble
    _seed: int
    _mean: Array
    _scale: Array
    _digests: NDArray[np.uint64]

    def __init__(
        self,
        n_components: int = 128,
        *,
        n_networks: int = 4,
        max_iter: int = 10,
        learning_rate: float = 0.01,
        alpha: float = 0.01,
        device: str = "auto",
        variables: dict[str, str] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.n_networks = n_networks
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.device = device
        self.variables = variables
        self.random_state = random_state

    # --- training ----------------------------------------------------------------------------------------------
    def fit(self, X: ArrayLike | Source, y: Any = None) -> Self:
        """Learn from rows, with or without missing values, and return the imputer itself.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features]
            Two or more rows of numbers; NaN, None and nulls are missing values.
        y : object
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        RecipeError
            A parameter is not valid.
        DataError
            The rows are infinite or not numeric, or no value of a column is known.
        """
        from ..core.schedules import Decay
        from ..data.moments import measure_moments
        from ..training.processes import refuse
        from .imputing import fit_ensemble
        from .resolve import check_known, number, positive_integer

        refuse("DenoisingImputer", "its networks are trained beside each other")
        n_networks = positive_integer("n_networks", self.n_networks)
        if n_networks < 2:
            raise RecipeError(f"n_networks={n_networks} must be 2 or more")
        network = DenoisingAutoencoder(
            positive_integer("n_components", self.n_components),
            corruption=None,
            activation="relu",
            output_activation="identity",
            scaling="none",
            learning_rate=Decay(number("learning_rate", self.learning_rate, 0, np.inf), last=0.7),
            batch_size=BATCH_ROWS,
            max_iter=positive_integer("max_iter", self.max_iter),
            alpha=self.alpha,
            device=self.device,
        )
        checked = copy(self)  # takes the columns of X, so that a call that fails does not change the imputer
        with rows_without_values(X) as rows:
            source, _ = surveyed(training_sources(checked, rows, None)[0])
        moments = measure_moments(source)
        check_known(source, moments)
        checked._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        checked._mean, checked._scale = moments.mean, np.where(moments.constant, 1.0, np.sqrt(moments.variance))
        rng = np.random.default_rng([checked._seed, FIT])
        variables = mixed_variables(checked)
        variable_of = None if variables is None else variables.of_columns
        checked._ensemble = fit_ensemble(checked._scaled(source), network, n_networks, rng, variable_of=variable_of)
        checked._digests = np.sort(row_digests(read_rows(source)))
        self.__dict__ = dict(vars(checked))
        return self

    # --- imputation --------------------------------------------------------------------------------------------
    def transform(self, X: ArrayLike | Source) -> Any:
        """Return the rows with each missing value replaced by its expected value.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features]
            Rows with the columns of the training rows.

        Returns
        -------
        ndarray or data frame [n_samples, n_features]
            Known values are those of X. For a frame of pandas or Polars a frame of the same columns, types and index,
            with whole numbers rounded; for other rows an array, float32 for float32 rows, else float64. `set_output`
            selects a kind of frame.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, or have other columns than the training rows.
        """
        with rows_without_values(X) as rows:
            source = source_of(self, rows)
        return self._completed(X, source, self._ensemble.means(self._scaled(source)))

    def impute(
        self, X: ArrayLike | Source, n_imputations: int = 20, *, random_state: int | np.random.RandomState | None = None
    ) -> list[Any]:
        """Return several completed tables, in each of which missing values are drawn anew.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features]
            Rows with the columns of the training rows.
        n_imputations : int, default=20
            The number of tables, 1 or more.
        random_state : int, RandomState or None, default=None
            Seed of the draws; None: that of the training, so that each call draws the same.

        Returns
        -------
        list of ndarray or of data frame [n_samples, n_features]
            As `transform` returns them. Estimates from each of them are combined by `pool`.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, or have other columns than the training rows.
        RecipeError
            `n_imputations` is not a whole number of 1 or more.

        Examples
        --------
        >>> X = np.random.default_rng(0).standard_normal((100, 3))
        >>> X[:50, 1] = np.nan
        >>> tables = DenoisingImputer(random_state=0).fit(X).impute(X, 5)
        >>> from taciturn import pool
        >>> pooled = pool([T[:, 1].mean() for T in tables], [T[:, 1].var(ddof=1) / 100 for T in tables])
        >>> bool(pooled.standard_error > X[:, 0].std() / 10)     # wider than that of a complete column
        True
        """
        from .resolve import positive_integer

        n_draws = positive_integer("n_imputations", n_imputations)
        with rows_without_values(X) as rows:
            source = source_of(self, rows)
        seed = self._seed if random_state is None else int(check_random_state(random_state).randint(2**31 - 1))
        tables = self._ensemble.drawn(self._scaled(source), n_draws, np.random.default_rng([seed, IMPUTE]))
        return [self._completed(X, source, table) for table in tables]

    # --- saving ------------------------------------------------------------------------------------------------
    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the fitted imputer as a folder, completely or not at all, without pickle. `load` reads it.

        Parameters
        ----------
        path : str or path-like
            The folder. It may exist if it is empty.
        overwrite : bool, default=False
            Whether to replace an existing imputer.

        Raises
        ------
        TaciturnError
            The folder exists and `overwrite` is false, or it holds other files, or it cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from taciturn import load
        >>> X = np.array([[0.0, 1.0], [1.0, np.nan], [2.0, 5.0], [3.0, 7.0]])
        >>> imputer = DenoisingImputer(8, max_iter=1, random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     imputer.save(f"{folder}/imputer")
        ...     np.array_equal(load(f"{folder}/imputer").transform(X), imputer.transform(X))
        True
        """
        from .imputing import saved
        from .persistence import estimator_record

        check_is_fitted(self)
        columns, variables = getattr(self, "feature_names_in_", None), getattr(self, "variables_", None)
        config = {
            "estimator": type(self).__name__,
            "parameters": estimator_record(self).parameters,
            "columns": None if columns is None else [str(name) for name in columns],
            "seed": self._seed,
            "variables": variables,
        }
        arrays = {"mean": self._mean, "scale": self._scale, "rows": self._digests}
        saved.save(self._ensemble, arrays, config, path, overwrite)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the imputer that `save` wrote. No code from the folder is run.

        Parameters
        ----------
        path : str or path-like
            The folder.

        Returns
        -------
        DenoisingImputer

        Raises
        ------
        ArtifactError
            The folder does not hold an imputer, or a file is missing, damaged or of another format.
        """
        from .imputing import saved

        ensemble, arrays, config = saved.load(path)
        try:
            imputer = cls(**config.parameters)
        except TypeError as error:
            raise ArtifactError(f"{path}: does not describe an imputer: {one_line(str(error))}") from error
        imputer._ensemble, imputer._seed = ensemble, config.seed
        imputer._mean, imputer._scale, imputer._digests = arrays["mean"], arrays["scale"], arrays["rows"]
        imputer.n_features_in_ = len(imputer._mean)
        if config.variables is not None:
            imputer.variables_, imputer.n_features_in_ = config.variables, len(config.variables.names)
        if config.columns is not None:
            imputer.feature_names_in_ = np.asarray(config.columns, dtype=object)
        return imputer

    @property
    def networks_(self) -> list[DenoisingAutoencoder]:
        """The networks."""
        check_is_fitted(self)
        return [member.network for member in self._ensemble.members]

    @property
    def n_iter_(self) -> int:
        """Number of epochs that each network was trained for."""
        return max(network.n_iter_ for network in self.networks_)

    # --- scikit-learn's interface ------------------------------------------------------------------------------
    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_ensemble")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = True
        return tags

    @property
    def _n_features_out(self) -> int:
        n_features: int = self.n_features_in_
        return n_features

    # --- internal ----------------------------------------------------------------------------------------------
    def _scaled(self, source: Source) -> Array:
        """Return the rows of a source, standardised [N, D], float64."""
        return (read_rows(source) - self._mean) / self._scale

    def _completed(self, X: Any, source: Source, scaled: Array) -> Any:
        """Return X, in its own form, with the missing values of standardised rows."""
        rows = np.asarray(source.read(0, len(source))).reshape(len(source), -1)
        dtype = np.float32 if rows.dtype == np.float32 else np.float64
        completed = np.where(np.isnan(rows), scaled * self._scale + self._mean, rows).astype(dtype)
        variables: Variables | None = getattr(self, "variables_", None)
        if variables is None or library_of(X) is None:
            return as_images(completed, flat_images(X)[1])
        return variables.fill(completed, X)
