"""Scalings: how rows are brought from the input's units to the units the network is trained in."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core.recipe import Recipe, check
from ..data.moments import SMALLEST, Moments
from .rank_tables import rank_tables

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling(Recipe):
    """A recipe for shift and scale of the columns: scaled rows are (x - shift) / scale, but for whitening and tables.

    Columns of one value, but for rounding (`Moments.constant`), are only shifted, where a scaling shifts at all. A
    scaling is fitted once, to the training rows, and saved with the model.

    Attributes
    ----------
    whitens : bool
        Whether scaled rows are multiplied by a matrix as well.
    ranks : bool
        Whether a table of each column's quantiles is applied as well.
    by_rows : bool
        Whether each scaled row is divided by its own length as well; `length_numbers` returns the numbers of that.
    fixed : bool
        Whether the numbers, once fitted, stay as they are when `partial_fit` adds rows.
    columns_alike : bool
        Whether all columns, or all those of a channel, have the same numbers.
    n_quantiles : int
        How many quantiles of each column `fit` requires of the moments; 0: none. A missing value then enters as the
        column's median.

    Examples
    --------
    >>> Scaling.parse("whiten:0.05")
    Whiten(floor=0.05)
    """

    whitens: ClassVar[bool] = False
    ranks: ClassVar[bool] = False
    by_rows: ClassVar[bool] = False
    fixed: ClassVar[bool] = False
    columns_alike: ClassVar[bool] = False
    n_quantiles: ClassVar[int] = 0

    @abstractmethod
    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shift and scale for rows with these statistics.

        Parameters
        ----------
        moments : Moments
            Of the training rows.

        Returns
        -------
        tuple of (ndarray [D], ndarray [D]), float64
            In the input's units; scales are greater than 0.
        """

    @abstractmethod
    def description(self, moments: Moments) -> str:
        """Return what is done to rows with these statistics, in one line."""

    def tables(self, moments: Moments) -> tuple[Matrix, Matrix]:
        """Return knots and scores [D, Q + 2] of the columns' tables, for a scaling that ranks."""
        raise NotImplementedError(f"{self.name} has no tables")

    def length_numbers(self, moments: Moments) -> Vector:
        """Return the numbers of the rows' lengths, see `by_own_length`, for a scaling by rows."""
        raise NotImplementedError(f"{self.name} has no lengths")

    def resolve(self, moments: Moments, dtype: DTypeLike) -> "Scaling":
        """Return the scaling to use for rows with these statistics and this dtype: itself, except for `Auto`."""
        return self


@dataclass(frozen=True)
class NoScaling(Scaling):
    """No scaling: rows stay as they are.

    Examples
    --------
    >>> NoScaling().description(Moments().add([[0.0, 7.0]]))
    'not scaled, values from 0 to 7'
    """

    name = "none"
    columns_alike = True

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shifts of 0 and scales of 1."""
        return np.zeros_like(moments.mean), np.ones_like(moments.mean)

    def description(self, moments: Moments) -> str:
        """Return what is done, with the range of the values."""
        return f"not scaled, values from {moments.low.min():g} to {moments.high.max():g}"


@dataclass(frozen=True)
class UInt8(Scaling):
    """Division by 255: for values of 0 … 255, as in images.

    Examples
    --------
    >>> UInt8().fit(Moments().add([[0, 255]]))[1].tolist()
    [255.0, 255.0]
    """

    name = "uint8"
    columns_alike = True

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shifts of 0 and scales of 255."""
        return np.zeros_like(moments.mean), np.full_like(moments.mean, 255.0)

    def description(self, moments: Moments) -> str:
        """Return what is done."""
        return "divided by 255"


@dataclass(frozen=True)
class Standard(Scaling):
    """Standardisation: each column gets mean 0 and standard deviation 1; constant columns are only centred.

    Examples
    --------
    >>> shift, scale = Standard().fit(Moments().add([[0.0, 5.0], [2.0, 5.0]]))
    >>> shift.tolist(), scale.tolist()
    ([1.0, 5.0], [1.0, 1.0])
    """

    name = "standard"

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return each column's mean and standard deviation."""
        return moments.mean, np.where(moments.constant, 1.0, np.sqrt(moments.variance))

    def description(self, moments: Moments) -> str:
        """Return what is done, with the number of constant columns."""
        return "each column standardised to mean 0, deviation 1" + constant_columns(moments)


@dataclass(frozen=True)
class MinMax(Scaling):
    """Scaling of each column to [0, 1] by its minimum and maximum; constant columns become 0.

    Rows with values outside the training rows' range are scaled to values outside [0, 1].

    Examples
    --------
    >>> shift, scale = MinMax().fit(Moments().add([[0.0, 5.0], [2.0, 5.0]]))
    >>> shift.tolist(), scale.tolist()
    ([0.0, 5.0], [2.0, 1.0])
    """

    name = "minmax"

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return each column's minimum and its range."""
        low, high, known = moments.low, moments.high, moments.low <= moments.high
        scale = np.subtract(high, low, out=np.ones_like(high), where=~moments.constant)
        return np.where(known, low, 0.0), scale

    def description(self, moments: Moments) -> str:
        """Return what is done, with the number of constant columns."""
        return "each column scaled to [0, 1] by its minimum and maximum" + constant_columns(moments)


@dataclass(frozen=True)
class Common(Scaling):
    """Each column centred, and all divided by one number, so that the mean variance of the columns is 1.

    Directions keep their angles, and columns their relative scale, as under mean_norm; a common offset has no effect.

    Examples
    --------
    >>> shift, scale = Common().fit(Moments().add([[0.0, 5.0], [2.0, 5.0 + 14**0.5 * 2]]))
    >>> shift.round(2).tolist(), scale.round(2).tolist()
    ([1.0, 8.74], [2.74, 2.74])
    """

    name = "common"

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return each column's mean, and for every column the root of the mean variance."""
        variance = np.where(moments.constant, 0.0, moments.variance)
        divisor = np.sqrt(variance.mean())
        return moments.mean, np.full_like(moments.mean, divisor if divisor >= SMALLEST else 1.0)

    def description(self, moments: Moments) -> str:
        """Return what is done, with the divisor."""
        return f"each column centred, all divided by {self.fit(moments)[1][0]:.4g}, so that their mean variance is 1"


@dataclass(frozen=True)
class MeanNorm(Scaling):
    """Division by one number, so that rows have norm √D on average (Conerly et al., 2024); usual for activations.

    Directions keep their angles, and columns their relative scale.

    Examples
    --------
    >>> MeanNorm().description(Moments().add([[3.0, 4.0], [6.0, 8.0]]))
    'divided by 5.303, so that rows have norm √2 on average'
    """

    name = "mean_norm"

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shifts of 0, and the rows' mean norm / √D for every column."""
        shift = np.zeros_like(moments.mean)
        return shift, np.full_like(shift, (moments.norm if moments.norm >= SMALLEST else 1.0) / np.sqrt(len(shift)))

    def description(self, moments: Moments) -> str:
        """Return what is done, with the divisor."""
        return f"divided by {self.fit(moments)[1][0]:.4g}, so that rows have norm √{len(moments.mean)} on average"


@dataclass(frozen=True)
class Whiten(Scaling):
    """Whitening: columns are standardised, then their correlations are removed.

    Parameters
    ----------
    floor : float, default=0.01
        Greater than 0. Principal components of less variance than this share of their mean variance count as noise;
        they are scaled as if they had this variance.

    Notes
    -----
    Scaled rows are P^(-1/2) z, for standardised rows z with correlations P: principal components scaled to variance 1
    and rotated back (ZCA-cor; Kessy, Lewin and Strimmer, 2018). Of all whitenings it stays nearest to the columns, so
    that a dictionary can still be read by column; and, unlike the components themselves, it rotates only a little when
    rows are added.

    Examples
    --------
    >>> moments = Moments(with_products=True).add([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> Whiten().matrices(moments)[0].round(6).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    floor: float = 0.01

    name = "whiten"
    whitens = True

    def __post_init__(self) -> None:
        check(self, "floor", 0, ends="()", fixed=True)

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return each column's mean and standard deviation."""
        return Standard().fit(moments)

    def matrices(self, moments: Moments) -> tuple[Matrix, Matrix]:
        """Return P^(-1/2) and P^(1/2) [D, D], both symmetric, from moments with `with_products=True`."""
        P, width = moments.correlation, len(moments.mean)
        rank = moments.count - 1 + int(moments.constant.sum())
        if 2 * rank >= width:
            variance, components = np.linalg.eigh(P)
            std = np.sqrt(np.maximum(variance, self.floor * variance.mean()))
            return components / std @ components.T, components * std @ components.T
        variance, components = _eigenvectors_of_rank(P, rank)
        # the other components have no variance; the mean of all is 1, the diagonal of P
        noise = np.sqrt(self.floor)
        std, rest = np.maximum(np.sqrt(np.maximum(variance, 0.0)), noise), np.eye(width)
        inverse = components * (1 / std - 1 / noise) @ components.T + rest / noise
        return inverse, components * (std - noise) @ components.T + rest * noise

    def description(self, moments: Moments) -> str:
        """Return what is done, with the number of constant columns."""
        return "columns standardised and their correlations removed" + constant_columns(moments)


@dataclass(frozen=True)
class RankGauss(Scaling):
    """Normal scores: each column's values become those of a normal distribution with the same ranks.

    Outliers come near the other values, and skewed columns become symmetric. The numbers are those of the first rows:
    `partial_fit` does not change them.

    Parameters
    ----------
    quantiles : int, default=1000
        2 … 100,000. Each column has a table of so many quantiles, or as many as there are rows, between which it is
        linear.

    Notes
    -----
    The table of scikit-learn's QuantileTransformer(output_distribution="normal"), but for its ends: that one maps the
    least and the greatest value to ±5.2, so that of 150 rows two hold a third of a column's squares. Here they get the
    scores of the shares 1 / 2N and 1 - 1 / 2N. See `rank_tables` for equal values and for values beyond the training
    rows' range. A missing value enters as the value whose score is 0: the median of a column of many values.

    Examples
    --------
    >>> moments = Moments().add(np.array([[1.0], [10.0], [100.0]]))
    >>> moments.quantiles = np.array([[1.0], [10.0], [100.0]])
    >>> RankGauss().tables(moments)[1].round(2)[:, 1:-1]
    array([[-0.97,  0.  ,  0.97]])
    """

    quantiles: int = 1000

    name = "rank_gauss"
    ranks = True
    fixed = True

    def __post_init__(self) -> None:
        check(self, "quantiles", 2, 100_000, whole=True)

    @property
    def n_quantiles(self) -> int:  # type: ignore[override]
        """The quantiles of each column's table."""
        return self.quantiles

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return each column's median and standard deviation, from moments with quantiles."""
        scale = Standard().fit(moments)[1]
        return np.where(moments.constant, moments.mean, np.nanmedian(moments.quantiles, axis=0)), scale

    def tables(self, moments: Moments) -> tuple[Matrix, Matrix]:
        """Return knots and scores [D, Q + 2] of the columns' tables, from moments with quantiles."""
        shift, scale = self.fit(moments)
        known = np.broadcast_to(np.asarray(moments.known, np.float64), shift.shape)
        return rank_tables(moments.quantiles, known, shift, scale, ~moments.constant)

    def description(self, moments: Moments) -> str:
        """Return what is done, with the number of constant columns."""
        return "each column's ranks as values of a normal distribution" + constant_columns(moments)


@dataclass(frozen=True)
class Given(Standard):
    """The scaling of a network that was trained elsewhere; further rows do not change it.

    Its numbers are those of the model. Statistics that stand for the rows of its training have the shift as their mean
    and the scale as their standard deviation, so that `fit` gives the numbers back.
    """

    name = "given"
    parsable = False
    fixed = True

    def description(self, moments: Moments) -> str:
        """Return where the scaling came from."""
        return "as the network brought it"


@dataclass(frozen=True)
class GivenWhitening(Given):
    """The same for a network whose scaled rows are multiplied by a matrix."""

    name = "given_whitening"
    parsable = False
    whitens = True


@dataclass(frozen=True)
class Auto(Scaling):
    """The scaling chosen by the data.

    Notes
    -----
    Rows in [0, 1] stay as they are, also those of dtype uint8; other rows of dtype uint8 are divided by 255; all other
    rows are standardised. The dtype should be that of a bare array: a table's columns may be uint8 because they are
    ages. `fit` and `description` do not know the dtype and choose as for floats.

    Examples
    --------
    >>> Auto().resolve(Moments().add([[0.0, 1.0], [0.5, 0.2]]), float)
    NoScaling()
    >>> Auto().resolve(Moments().add([[0.0, 7.0]]), "uint8")
    UInt8()
    >>> Auto().resolve(Moments().add([[0.0, 7.0]]), float)
    Standard()
    """

    name = "auto"

    def resolve(self, moments: Moments, dtype: DTypeLike) -> Scaling:
        """Return the scaling for rows with these statistics and this dtype."""
        if moments.low.min() >= 0 and moments.high.max() <= 1:
            return NoScaling()
        return UInt8() if np.dtype(dtype) == np.uint8 else Standard()

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shift and scale of the chosen scaling."""
        return self.resolve(moments, float).fit(moments)

    def description(self, moments: Moments) -> str:
        """Return the description of the chosen scaling."""
        return self.resolve(moments, float).description(moments)


def scaled_range(scaling: Scaling, moments: Moments, rows: Moments | None = None) -> tuple[float, float]:
    """Return the least and the greatest value of rows once they are scaled.

    Parameters
    ----------
    scaling : Scaling
        Fitted to `moments`.
    moments : Moments
        Of the training rows.
    rows : Moments, optional
        Of the rows to scale; by default the training rows.

    Returns
    -------
    low, high : float
        Minus infinity and infinity for scalings that whiten, require quantiles or are by rows: the columns' ranges do
        not tell.

    Examples
    --------
    >>> train, test = Moments().add([[0.0], [2.0]]), Moments().add([[1.0], [3.0]])
    >>> scaled_range(MinMax(), train), scaled_range(MinMax(), train, test)
    ((0.0, 1.0), (0.5, 1.5))
    """
    if scaling.whitens or scaling.n_quantiles or scaling.by_rows:
        return -math.inf, math.inf
    rows = moments if rows is None else rows
    shift, scale = scaling.fit(moments)
    with np.errstate(over="ignore"):  # a column of which no value is known
        return float(((rows.low - shift) / scale).min()), float(((rows.high - shift) / scale).max())


def _eigenvectors_of_rank(matrix: Matrix, rank: int) -> tuple[Vector, Matrix]:
    """Return the eigenvalues [R] and eigenvectors [D, R] of a symmetric matrix [D, D] of rank R or less.

    The product with R random columns spans the matrix's range (Halko, Martinsson and Tropp, 2011). This takes R D²
    operations instead of D³.
    """
    basis, _ = np.linalg.qr(matrix @ np.random.default_rng(0).standard_normal((len(matrix), rank)))
    values, vectors = np.linalg.eigh(basis.T @ matrix @ basis)
    return values, basis @ vectors


def constant_columns(moments: Moments) -> str:
    """Return what is done to constant columns, with their number; "" if there are none."""
    n = int(moments.constant.sum())
    return f" ({n} constant column{'s' if n > 1 else ''} only centred)" if n else ""
