"""The outlier detector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted

from ..core.errors import RecipeError
from .base import BaseAutoencoder
from .outlier_reporting import OutlierReporting
from .outlyingness import Outlyingness
from .parameters import RunParameters, run_parameters
from .rows import source_of, surveyed, training_sources
from .tables import mixed_variables

if TYPE_CHECKING:
    import os

    from torch import Tensor

    from ..core.schedules import Schedule
    from ..corruption import Corruption
    from ..data.sources import Source
    from ..training import Callback, Checkpoints

Array = NDArray[np.float64]
BLOCK_NUMBERS = 1 << 18  # numbers of rows that are compared with the training rows at a time
MAX_REFERENCE_ROWS = 10_000  # training rows among which neighbours are searched
MIN_CALIBRATION_ROWS = 20  # fewer do not decide the automatic threshold
DEVIATIONS = 2.5  # of the automatic threshold from the median score
NORMAL_QUARTILE = 0.6745  # the upper quartile of a standard normal
ROUNDS = 2  # reconstructions of a hidden cell, each with the last one in its place


class Cells(NamedTuple):
    """The cells of rows, those that make a row an outlier first; each array is [N, D].

    Parameters
    ----------
    column : array
        The columns' names, or their numbers from 0 if they have none.
    value : array
        The cells' values; NaN if missing. Of a table of mixed columns values of their types, as objects.
    expected : array
        What the network expects there from the other cells of the row, in the same form.
    contribution : array
        By how much the row's score would rise if the cell had its expected value; 0 if the cell is missing.
    """

    column: NDArray[Any]
    value: NDArray[Any]
    expected: NDArray[Any]
    contribution: Array


class AutoencoderOutlierDetector(OutlierMixin, OutlierReporting, BaseAutoencoder):  # type: ignore[misc]
    """An outlier detector: it scores rows by a denoising autoencoder's error and the distance to training rows.

    A row is an outlier if the network reconstructs it badly, or if few training rows are near it. The score is the
    logarithm of the product of both, so no choice between them is necessary. Training rows may hold outliers.

    `offset_` is the score below which `predict` returns -1. A share `calibration_fraction` of the training rows is
    held out from the training for `p_values` and for the automatic threshold.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 1)) * [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=(300, 3))
    >>> detector = AutoencoderOutlierDetector(random_state=0).fit(X)
    >>> detector.predict([[1.0, 2.0, 3.0], [1.0, -2.0, 3.0]])
    array([ 1, -1])
    >>> cells = detector.explain([[1.0, -2.0, 3.0]])
    >>> int(cells.column[0, 0]), float(cells.value[0, 0])
    (1, -2.0)
    """

    command_name = "outliers"
    default_corruption = "gaussian:0.3"
    PARAMETER_TEXTS: ClassVar[dict[str, tuple[str, str]]] = {
        "contamination": (
            'float or "auto"',
            'Share of the rows of `fit` that `predict` calls outliers, in (0, 0.5]. "auto": the threshold lies 2.5 '
            "standard deviations below the median score of the held-out rows; the upper half of the scores decides the "
            "deviation, because outliers hardly change it.",
        ),
        "n_neighbors": ("int", "Number of neighbours among the training rows whose mean distance counts, ≥ 1."),
        "calibration_fraction": (
            "float",
            "Share of the rows of `fit` that is held out for `p_values`, in [0, 1). Fewer than 1 / share rows: none.",
        ),
        "corruption": (
            "str, Corruption or None",
            "The noise of the network's input during training, in units of the scaled rows: {corruptions}; several are "
            'joined by a plus. "auto": {default_corruption}.',
        ),
        "scaling": (
            "str or Scaling",
            "How rows are scaled: {scalings}. Distances are in units of the scaled rows.",
        ),
        "max_iter": ("int", "Number of epochs."),
    }

    outputs = "codes"

    def __init__(
        self,
        n_components: int | tuple[int, ...] = 256,
        *,
        contamination: float | str = "auto",
        n_neighbors: int = 10,
        calibration_fraction: float = 0.2,
        corruption: str | Corruption | None = "auto",
        scaling: str = "standard",
        learning_rate: float | str | Schedule = "auto",
        batch_size: int | str = "auto",
        max_iter: int = 40,
        alpha: float = 0.01,
        device: str = "auto",
        shape: tuple[int, ...] | None = None,
        variables: dict[str, str] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.contamination = contamination
        self.n_neighbors = n_neighbors
        self.calibration_fraction = calibration_fraction
        self.corruption = corruption
        self.scaling = scaling
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.alpha = alpha
        self.device = device
        self.shape = shape
        self.variables = variables
        self.random_state = random_state
        self.verbose = verbose

    def fit(  # type: ignore[override]
        self,
        X: ArrayLike | Source,
        y: Any = None,
        *,
        validation: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | str = "10min",
        callbacks: Sequence[Callback] = (),
    ) -> Self:
        """Train on rows, keep some of them to compare others with, and return the estimator itself.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Two or more rows, with or without outliers. NaN, None and nulls are missing values.
        y : object
            Ignored.
        validation : rows, or (rows, targets), optional
            Rows on which the loss is computed after each epoch.
        checkpoint, checkpoint_every, callbacks
            As of `SparseAutoencoder.fit`.

        Returns
        -------
        self

        Raises
        ------
        RecipeError
            A parameter is not valid.
        DataError
            The rows are infinite or not numeric, or no value of a column is known.

        Warns
        -----
        ExtremeRows
            At most 5% of the rows hold 95% of the columns' variance.

        Notes
        -----
        At most 10,000 training rows, drawn at random, are kept for the search of neighbours.
        """
        return super().fit(
            X,
            validation=validation,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            callbacks=callbacks,
        )

    def _fit(self, X: Any, target: Any, validation: Any, seed: int, checkpoints: Checkpoints | None = None) -> Self:
        from ..data.fingerprint import fingerprint
        from ..data.sources import Subset
        from ..data.split import split
        from .remembering import remembered
        from .resolve import number, positive_integer

        n_neighbors = positive_integer("n_neighbors", self.n_neighbors)
        fraction = number("calibration_fraction", self.calibration_fraction, 0, 1)
        contamination = self._contamination()
        checked = copy(self)
        source, _ = surveyed(training_sources(checked, X, None)[0])
        n_calibration = int(fraction * len(source))
        training, held_out = np.arange(len(source)), np.arange(0)
        if n_calibration and len(source) - n_calibration >= 2:
            training, held_out = split(len(source), fraction, seed, "calibration")
        learner = getattr(self, "_learner", None)
        try:
            super()._fit(Subset(source, training), None, validation, seed, checkpoints)
        finally:  # also after an interrupt: the weights trained so far are kept
            if getattr(self, "_learner", None) is not learner:
                self.__dict__.pop("image_shape_in_", None)
                if hasattr(checked, "image_shape_in_"):
                    self.image_shape_in_ = checked.image_shape_in_
                self._learner.n_rows, self._learner.training_rows = len(source), fingerprint(source)
                self._measure(source, training, held_out, n_neighbors, contamination, seed)
                if len(held_out) and self._learner.remembered is not None:
                    self._learner.remembered = remembered(self._learner, source, None, (Subset(source, held_out), None))
        return self

    @property
    def n_calibration_(self) -> int:
        """Number of the rows of `fit` that were held out for `p_values`."""
        check_is_fitted(self)
        return len(self._calibration)

    @property
    def partial_fit(self) -> Any:
        """Not provided: rows of later calls cannot be compared with earlier ones."""
        raise AttributeError("AutoencoderOutlierDetector has no partial_fit; call fit with all rows")

    def score_samples(self, X: ArrayLike | Source) -> Array:
        """Return the score of each row, low for rows unlike the training rows.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows. A row equal to a training row is not its own neighbour.

        Returns
        -------
        ndarray [n_samples], float64
            About 0 for a typical training row. A score lower by 1 means a product of error and distance that is e times
            as large.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, or have other columns than the training rows.
        """
        return self._scores(source_of(self, X))

    def decision_function(self, X: ArrayLike | Source) -> Array:
        """Return `score_samples(X) - offset_`: below 0 for outliers; parameters as for `score_samples`."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike | Source) -> NDArray[np.int64]:
        """Return -1 for each row that is an outlier and 1 for the others; parameters as for `score_samples`."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def p_values(self, X: ArrayLike | Source) -> Array:
        """Return the conformal p-value of each row: how often a row like the training rows has such a low score.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows that were not given to `fit`.

        Returns
        -------
        ndarray [n_samples], float64
            In (0, 1]: (1 + number of held-out rows with a score as low) / (1 + number of held-out rows).

        Raises
        ------
        RecipeError
            No rows were held out.
        DataError
            The rows are infinite or not numeric, or have other columns than the training rows.

        Notes
        -----
        If a row and the rows of `fit` are drawn independently from one distribution, the p-value is at most t with a
        probability of at most t, whatever the distribution (Vovk, Gammerman and Shafer, 2005; Bates et al., 2023).
        Outliers among the rows of `fit` make p-values larger.
        """
        p_values = self._scored(X)[1]
        if p_values is None:
            raise RecipeError(
                "p_values needs held-out rows, and fit held out none; fit 1 / calibration_fraction rows or more"
            )
        return p_values

    def explain(self, X: ArrayLike | Source) -> Cells:
        """Return which cells make each row an outlier, and what was expected there.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or Source [n_samples, n_features]
            Rows in the units of the training rows.

        Returns
        -------
        Cells
            The cells of each row, the largest contribution first.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, or have other columns than the training rows.

        Notes
        -----
        Each cell is hidden in turn, and replaced by what the network reconstructs from the others. The time grows with
        rows · columns².
        """
        source = source_of(self, X)
        names = np.arange(self.n_features_in_) if source.columns is None else np.array(source.columns, dtype=object)
        parts = [self._cells(rows) for rows in self._blocks(source, self.n_features_in_)]
        value, expected, contribution = (np.concatenate(part) for part in zip(*parts, strict=True))
        if (variables := mixed_variables(self)) is not None:
            names = np.array(variables.names, dtype=object)
            value, expected = variables.cells(value), variables.cells(expected)
        order = np.argsort(-contribution, axis=1, kind="stable")
        sorted_parts = (np.take_along_axis(part, order, 1) for part in (value, expected, contribution))
        return Cells(names[order], *sorted_parts)

    # --- internal ----------------------------------------------------------------------------------------------
    def _scored(self, X: ArrayLike | Source) -> tuple[Array, Array | None]:
        """Return the scores of rows, and their p-values; None if no rows were held out."""
        scores = self.score_samples(X)
        return scores, self._p_values(scores) if self.n_calibration_ else None

    def _p_values(self, scores: Array) -> Array:
        return (1 + np.searchsorted(self._calibration, scores, side="right")) / (1 + self.n_calibration_)

    def _threshold(self) -> str:
        """Return how the threshold was chosen, as a sentence."""
        share = self._contamination()
        if share is not None:
            return f"So {share:.1%} of the rows of fit are outliers (contamination={share:g})."
        enough = self.n_calibration_ >= MIN_CALIBRATION_ROWS
        of = f"the {self.n_calibration_:,} rows that fit held out" if enough else "the training rows"
        return f"The threshold lies {DEVIATIONS:g} standard deviations below the median score of {of}."

    def _cells(self, rows: Array) -> tuple[Array, Array, Array]:
        """Return the values, the expected values [B, D] and the contributions [B, V] of the cells of rows, in order.

        The V cells of a row are its columns, or its variables, of which a category has several columns.
        """
        n_rows, n_columns = rows.shape
        variables = mixed_variables(self)
        of_column = np.arange(n_columns) if variables is None else variables.of_columns
        hidden = of_column == np.arange(of_column[-1] + 1)[:, None]  # [V, D]: in copy j, cell j is hidden
        copies = np.repeat(rows[:, None], len(hidden), axis=1)
        copies[:, hidden] = np.nan
        for _ in range(ROUNDS):
            recon = self._recon(copies.reshape(-1, n_columns)).reshape(copies.shape)
            copies[:, hidden] = recon[:, hidden]
        expected = copies[:, hidden]
        changed = self._outlyingness(copies.reshape(-1, n_columns)).reshape(n_rows, -1)
        missing = np.isnan(rows[:, hidden.argmax(1)])
        return rows, expected, np.where(missing, 0.0, self._outlyingness(rows)[:, None] - changed)

    def _measure(
        self,
        source: Source,
        training: NDArray[np.intp],
        held_out: NDArray[np.intp],
        n_neighbors: int,
        contamination: float | None,
        seed: int,
    ) -> None:
        """Set what rows are compared with, the held-out rows' scores and the threshold."""
        import torch

        from ..core.seeds import generator
        from ..data.sources import Subset

        kept = training
        if len(training) > MAX_REFERENCE_ROWS:
            drawn = torch.randperm(len(training), generator=generator(seed, "reference"))[:MAX_REFERENCE_ROWS]
            kept = training[np.sort(drawn.numpy())]
        rows = np.concatenate(list(self._blocks(Subset(source, kept))))
        shift, scale = (each.cpu().numpy() for each in (self.module_.shift, self.module_.scale))
        self._reference = Outlyingness.measured(rows, self._recon(rows), shift, scale, n_neighbors)
        self._calibration = np.sort(self._scores(Subset(source, held_out)))
        if contamination is None:
            enough = len(self._calibration) >= MIN_CALIBRATION_ROWS
            self.offset_ = _automatic_offset(self._calibration if enough else self._scores(Subset(source, kept)))
        else:
            self.offset_ = float(np.percentile(self._scores(source), 100 * contamination))

    def _scores(self, source: Source) -> Array:
        return np.concatenate([np.empty(0), *(-self._outlyingness(rows) for rows in self._blocks(source))])

    def _outlyingness(self, rows: Array) -> Array:
        return self._reference.outlyingness(rows, self._recon(rows))

    def _recon(self, rows: Array) -> Array:
        """Return the reconstructions of rows [B, D], computed in float64."""
        from .. import inference
        from ..data.sources import Rows

        return np.concatenate(list(inference.denoise(self.module_, Rows(rows)))).astype(np.float64, copy=False)

    def _blocks(self, source: Source, copies: int = 1) -> Iterator[Array]:
        """Yield the rows of a source in blocks, as float64; so many copies are made of each later."""
        size = max(BLOCK_NUMBERS // (int(np.prod(source.shape)) * copies), 1)
        for start in range(0, len(source), size):
            block = source.read(start, min(start + size, len(source)))
            yield np.asarray(block, np.float64).reshape(len(block), -1)

    def _contamination(self) -> float | None:
        """Return the share of outliers; None: automatic."""
        share = self.contamination
        if share == "auto":
            return None
        if isinstance(share, bool) or not isinstance(share, float | int | np.number) or not 0 < share <= 0.5:
            raise RecipeError(f"contamination={share!r} must be 'auto' or a number in (0, 0.5]")
        return float(share)

    def _run_parameters(self, *, pairs: bool = False) -> RunParameters:
        own = run_parameters(self) | {
            "sparsity": None,
            "activation": "auto",
            "output_activation": "identity",
            "loss": "squared_error",
            "tied": False,
            "solver": "adam",
            "early_stopping": False,
            "warm_start": False,
            "precision": "fp32",
        }
        automatic = self.corruption == "auto"
        return RunParameters(
            **own | ({"corruption": self.default_corruption} if automatic else {}), learns_to_impute=automatic
        )

    def _stored_tensors(self) -> dict[str, Tensor]:
        import torch

        arrays = asdict(self._reference) | {"calibration": self._calibration, "offset": np.array([self.offset_])}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _restore_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        width, n_reference = self.n_features_in_, len(arrays.get("reference", ()))
        shapes = {"reference": (n_reference, width), "shift": (width,), "scale": (width,), "error_unit": (width,)} | {
            "typical": (2,),
            "n_neighbors": (1,),
            "calibration": arrays.get("calibration", np.empty(0)).shape[:1],
            "offset": (1,),
        }
        if n_reference == 0 or {name: array.shape for name, array in arrays.items()} != shapes:
            raise RecipeError("outliers.safetensors does not fit config.json")
        self._calibration, self.offset_ = arrays.pop("calibration"), float(arrays.pop("offset")[0])
        self._reference = Outlyingness(**arrays)


def _automatic_offset(scores: Array) -> float:
    """Return the score 2.5 standard deviations below the median; the upper half of the scores decides them."""
    median, upper = np.percentile(scores, [50, 75])
    return float(median - DEVIATIONS * (upper - median) / NORMAL_QUARTILE)
