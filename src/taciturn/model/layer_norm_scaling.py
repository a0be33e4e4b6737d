"""Layer normalisation as a scaling: each row minus its own mean, divided by its own standard deviation."""

from dataclasses import dataclass

import numpy as np

from ..core.errors import RecipeError
from ..data.moments import SMALLEST, Moments
from .scaling import Scaling, Vector

EPS = 1e-5  # SAELens's
LEAST_ROOT = 1e-30


@dataclass(frozen=True)
class LayerNorm(Scaling):
    """Scaling of each row to its own mean 0 and standard deviation 1; `denoise` gives both back.

    Parameters
    ----------
    centre : bool, default=True
        Whether the row's mean is subtracted. False: each row is divided by its root mean square.

    Notes
    -----
    A scaled row is (x - m) / (s + 10⁻⁵), with its own mean m and its standard deviation s over D - 1, as in SAELens's
    "layer_norm" (Gao et al., 2024). With centre=False it is √D x / ‖x‖, SAELens's "constant_norm_rescale". The numbers
    do not depend on the training rows, but for the means that `inverse_transform` gives to its rows: codes do not know
    those of their row. Columns of different units have different weights in m and s. A missing value enters as m.

    Examples
    --------
    >>> LayerNorm().text, LayerNorm(centre=False).text
    ('layer_norm', 'layer_norm:centre=false')
    """

    centre: bool = True

    name = "layer_norm"
    by_rows = True
    fixed = True

    def columns(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shifts of 0 and scales of 1."""
        return np.zeros_like(moments.mean), np.ones_like(moments.mean)

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return shifts of 0 and scales of 1."""
        return self.columns(moments)

    def length_numbers(self, moments: Moments) -> Vector:
        """Return (divisor, least, mean length), with `centre` also the mean of the rows' means; see `by_own_length`."""
        width = len(moments.mean)
        mean = max(moments.lengths[1], SMALLEST) / np.sqrt(width) if moments.lengths[1] else 1.0
        if not self.centre:
            return np.array([1.0, LEAST_ROOT, mean])
        if width < 2:
            raise RecipeError("scaling='layer_norm' needs rows of two columns or more; set scaling='standard'")
        divisor = np.sqrt((width - 1) / width)
        return np.array([divisor, EPS, mean / divisor + EPS, moments.mean.mean()])

    def description(self, moments: Moments) -> str:
        """Return what is done."""
        if self.centre:
            return "each row minus its own mean, divided by its own standard deviation"
        return "each row divided by its own root mean square"
