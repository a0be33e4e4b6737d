"""How rows are brought to the scale that the network learns at: fitted once, kept with the model."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core.recipe import Recipe, check
from ..data.moments import Moments

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling(Recipe):
    """Scaled rows are (x - shift) / scale; a column of one value is only shifted."""

    whitens: ClassVar[bool] = False  # whether scaled rows are multiplied by a matrix as well

    @abstractmethod
    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shift and scale [D], in the input's units."""

    @abstractmethod
    def description(self, moments: Moments) -> str:
        """Return one line on what is done."""

    def resolve(self, moments: Moments, dtype: DTypeLike) -> "Scaling":
        """Return the scaling that this one stands for on such data: itself, unless it is `auto`."""
        return self


@dataclass(frozen=True)
class NoScaling(Scaling):
    """Leave rows as they are."""

    name = "none"

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return 0 and 1."""
        return np.zeros_like(moments.mean), np.ones_like(moments.mean)

    def description(self, moments: Moments) -> str:
        """Return one line on what is done."""
        return f"not scaled, values from {moments.low.min():g} to {moments.high.max():g}"


@dataclass(frozen=True)
class UInt8(Scaling):
    """Divide by 255."""

    name = "uint8"

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return 0 and 255."""
        return np.zeros_like(moments.mean), np.full_like(moments.mean, 255.0)

    def description(self, moments: Moments) -> str:
        """Return one line on what is done."""
        return "divided by 255"


@dataclass(frozen=True)
class Standard(Scaling):
    """Each column to mean 0 and standard deviation 1."""

    name = "standard"

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return each column's mean and standard deviation."""
        return moments.mean, np.where(moments.constant, 1.0, np.sqrt(moments.variance))

    def description(self, moments: Moments) -> str:
        """Return one line on what is done."""
        return "each column standardised to mean 0, deviation 1" + _constant(moments)


@dataclass(frozen=True)
class MinMax(Scaling):
    """Each column to [0, 1], by its least and greatest value."""

    name = "minmax"

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return each column's least value and its range."""
        return moments.low, np.where(moments.constant, 1.0, moments.high - moments.low)

    def description(self, moments: Moments) -> str:
        """Return one line on what is done."""
        return "each column brought to [0, 1] by its least and greatest value" + _constant(moments)


@dataclass(frozen=True)
class MeanNorm(Scaling):
    """Divide by one number, so that rows are √D long on average (Conerly et al., 2024): usual for activations.

    Directions keep their angles and columns their relative scale.
    """

    name = "mean_norm"

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return 0 and the rows' mean length / √D."""
        shift = np.zeros_like(moments.mean)
        return shift, np.full_like(shift, (moments.norm or 1.0) / np.sqrt(len(shift)))

    def description(self, moments: Moments) -> str:
        """Return one line on what is done."""
        return f"divided by {self.fit(moments)[1][0]:.4g}: rows √{len(moments.mean)} long on average"


@dataclass(frozen=True)
class Whiten(Scaling):
    """Columns standardised, then their correlations removed: principal components scaled to 1 and turned back.

    Scaled rows are P^(-1/2) z for standardised z with correlations P (ZCA-cor; Kessy, Lewin and Strimmer, 2018): of all
    whitenings the one that stays nearest to the columns, so that a dictionary can still be read by them, and, unlike
    the components themselves, it turns only a little when rows are added.

    floor : components of less variance than this share of their mean count as noise and are scaled as if they had so
        much, > 0.
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
        """Return P^(-1/2) and P^(1/2) [D, D]; both are symmetric."""
        variance, components = np.linalg.eigh(moments.correlation)
        std = np.sqrt(np.maximum(variance, self.floor * variance.mean()))
        return components / std @ components.T, components * std @ components.T

    def description(self, moments: Moments) -> str:
        """Return one line on what is done."""
        return "columns standardised and their correlations removed" + _constant(moments)


@dataclass(frozen=True)
class Auto(Scaling):
    """Rows already in [0, 1] stay; uint8 is divided by 255; everything else is standardised.

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
        """Return the scaling that such data calls for."""
        if moments.low.min() >= 0 and moments.high.max() <= 1:
            return NoScaling()
        return UInt8() if np.dtype(dtype) == np.uint8 else Standard()

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return what the chosen scaling returns."""
        return self.resolve(moments, float).fit(moments)

    def description(self, moments: Moments) -> str:
        """Return what the chosen scaling says."""
        return self.resolve(moments, float).description(moments)


def in_unit_interval(scaling: Scaling, moments: Moments, *others: Moments) -> bool:
    """Return whether all rows, and those of other moments, lie in [0, 1] once scaled by the first."""
    if scaling.whitens:
        return False
    shift, scale = scaling.fit(moments)
    all_of_them = (moments, *others)
    low = min(((m.low - shift) / scale).min() for m in all_of_them)
    high = max(((m.high - shift) / scale).max() for m in all_of_them)
    return bool(low >= 0 and high <= 1)


def _constant(moments: Moments) -> str:
    n = int(moments.constant.sum())
    return f" ({n} constant column{'s' if n > 1 else ''} only centred)" if n else ""
