"""Scalings by medians, which a few extreme rows do not move."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..core.recipe import check
from ..data.moments import SMALLEST, Moments
from .scaling import Scaling, Vector, constant_columns

NORMAL_RANGE = 1.3489795003921634  # distance of the quartiles of a normal distribution of deviation 1
QUARTILES = 5  # quantiles that are measured: the least value, the quartiles and the greatest value
ROUNDING = 1e-12  # quartiles nearer than this share of the median count as equal
UNLIKE = 10  # columns whose divisors differ by more are of different kinds
LEAST_LENGTH = 1e-3  # in median lengths: shorter rows are lengthened by no more than its inverse


@dataclass(frozen=True)
class Robust(Scaling):
    """Scaling of each column by its median and its interquartile range: extreme values move neither.

    Notes
    -----
    Scaled values are (x - median) / (interquartile range / 1.349), so that columns of normal values have deviation 1.
    The numbers are those of the first rows: `partial_fit` does not change them. A column whose quartiles are equal,
    such as counts that are mostly 0, is divided by its standard deviation. A missing value enters as the median.

    Examples
    --------
    >>> moments = Moments().add([[0.0], [1.0], [2.0], [3.0], [1000.0]])
    >>> moments.quantiles = np.array([[0.0], [1.0], [2.0], [3.0], [1000.0]])
    >>> shift, scale = Robust().fit(moments)
    >>> shift.tolist(), scale.round(3).tolist()
    ([2.0], [1.483])
    """

    name = "robust"
    fixed = True
    n_quantiles = QUARTILES

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return each column's median and its interquartile range / 1.349, from moments with quantiles."""
        low, median, high = np.nanquantile(moments.quantiles, [0.25, 0.5, 0.75], axis=0)
        spread, deviation = (high - low) / NORMAL_RANGE, np.sqrt(moments.variance)
        differ = spread > np.maximum(ROUNDING * np.abs(median), SMALLEST)
        scale = np.where(differ, spread, deviation)
        return np.where(moments.constant, moments.mean, median), np.where(moments.constant, 1.0, scale)

    def description(self, moments: Moments) -> str:
        """Return what is done, with the number of constant columns."""
        return "each column by its median and interquartile range" + constant_columns(moments)


@dataclass(frozen=True)
class RowNorm(Scaling):
    """Scaling of each row to one length, around the columns' medians; `denoise` returns rows of their own lengths.

    Parameters
    ----------
    clip : float or None, default=None
        Greater than 0, in median lengths. Only rows longer than this are shortened, to this length; the others keep
        theirs. None: all rows get one length.
    per_column : bool, default=False
        Whether columns are first divided by their interquartile ranges, as by `Robust`, so that a column's unit does
        not decide the length. For tables whose columns are of different kinds.

    Notes
    -----
    With the columns' medians m, the row's length ‖z‖ of z = x - m (with `per_column`, z = (x - m) / deviation) and D
    columns, a scaled row is √D z / ‖z‖: its entries have the root mean square 1, as those of standardised rows have on
    average. With `clip`, c, and the median M of the training rows' lengths it is (√D / M) z min(1, c M / ‖z‖). In a row
    with missing values, its length is √(D / known) times that of the known ones.

    Rows shorter than a thousandth of M are multiplied by no more than 1000 √D / M, so that a row of zeros stays zeros.
    Targets are divided by the length of their row, around their own medians. Codes do not know how long a row was:
    `inverse_transform` returns rows of the mean length of the training rows (with `clip`, of their own length if they
    were not shortened).

    The medians are those of the first rows, or of 100,000 of them: `partial_fit` does not change them.

    Gao et al. (2024) divide each row by its length around the row's own mean; SAELens names a division by the length
    around 0 "constant_norm_rescale". Around the columns' medians, an offset that all rows share has no part in the
    length.

    Examples
    --------
    >>> RowNorm(clip=3).text, RowNorm(per_column=True).text
    ('row_norm:clip=3', 'row_norm:per_column=true')
    """

    clip: float | None = None
    per_column: bool = False

    name = "row_norm"
    by_rows = True
    fixed = True
    n_quantiles = QUARTILES
    centre: ClassVar[bool] = False  # lengths are measured around medians, not around the row's own mean

    def __post_init__(self) -> None:
        if self.clip is not None:
            check(self, "clip", 0, ends="()", fixed=True)

    def columns(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shift and scale of the columns, before the lengths are measured: from moments with quantiles."""
        shift, scale = Robust().fit(moments)
        return shift, scale if self.per_column else np.ones_like(scale)

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shift and scale of the columns, so that the median length of scaled rows is √D."""
        shift, scale = self.columns(moments)
        return shift, scale * (_typical(moments) / np.sqrt(len(scale)))

    def length_numbers(self, moments: Moments) -> Vector:
        """Return (divisor, least, mean) of the rows' lengths in units of the median one, from moments with lengths.

        A row's length is max(its root mean square / divisor, least); `mean` is the mean length of the training rows.
        """
        if self.clip is not None:
            return np.array([self.clip, 1.0, 1.0])
        return np.array([1.0, LEAST_LENGTH, moments.lengths[1] / _typical(moments) or 1.0])

    def description(self, moments: Moments) -> str:
        """Return what is done, with the median length."""
        around = "the columns' medians" + (", in interquartile ranges" if self.per_column else "")
        median = f"{_typical(moments):.4g}"
        if self.clip is None:
            return f"each row divided by its length around {around}; the median length is {median}"
        return f"around {around}; rows longer than {self.clip:g} times the median length {median} shortened to it"


def row_norm_instead(scale: Vector) -> RowNorm:
    """Return the scaling by rows that is to replace one with these divisors of columns [D], > 0.

    Columns are divided each by its own range if the divisors differ by more than ten times.

    Examples
    --------
    >>> row_norm_instead(np.array([1.0, 2.0])).text, row_norm_instead(np.array([1.0, 200.0])).text
    ('row_norm', 'row_norm:per_column=true')
    """
    return RowNorm(per_column=bool(scale.max() > UNLIKE * scale.min()))


def _typical(moments: Moments) -> float:
    """Return the median length; of rows that mostly have none the mean, or 1."""
    return next((length for length in moments.lengths if length >= SMALLEST), 1.0)
