"""A number that is drawn for each row, usable where noise has its amount."""

from dataclasses import dataclass

from .errors import RecipeError
from .recipe import Recipe, check


@dataclass(frozen=True)
class Uniform(Recipe):
    """A number between `low` and `high`, drawn for each row anew; it stands where noise has its amount.

    A network that sees noise of many levels removes noise of all of them.

    Parameters
    ----------
    low, high : float
        The least and the greatest amount; low < high.

    Examples
    --------
    >>> from taciturn.corruption import Corruption
    >>> noise = Corruption.parse("gaussian:std=uniform(0.02,0.2)")
    >>> noise.std
    Uniform(low=0.02, high=0.2)
    """

    low: float
    high: float

    name = "uniform"

    def __post_init__(self) -> None:
        check(self, "low")
        check(self, "high")
        if not self.low < self.high:
            raise RecipeError(f"uniform: low={self.low} must be less than high={self.high}")
