"""The base class of terms that apply a reconstruction error to other codes than the coding layer's."""

from dataclasses import dataclass, field

from ..core.errors import RecipeError
from ..model import Capability
from .squared_error import SquaredError
from .term import Term


@dataclass(frozen=True)
class DerivedError(Term):
    """A term that applies a reconstruction error to other codes than the coding layer's.

    Parameters
    ----------
    error : Term, default=SquaredError()
        A reconstruction error without a weight, and not itself a derived one.
    weight : float or Schedule, 0 or more, optional
        See Term; None is 1.

    Attributes
    ----------
    codes_require : frozenset of Capability
        What the other codes require of the coding layer and the decoder; `requires` adds what the error requires.

    Raises
    ------
    RecipeError
        If `error` is not such an error.

    Examples
    --------
    >>> isinstance(Term.parse("gated_aux"), DerivedError)
    True
    """

    error: Term = field(default=SquaredError(), kw_only=True)

    codes_require = frozenset[Capability]()

    def __post_init__(self) -> None:
        super().__post_init__()
        error = self.error
        if not (isinstance(error, Term) and error.is_reconstruction_error) or isinstance(error, DerivedError):
            text = error.text if isinstance(error, Term) else repr(error)
            raise RecipeError(
                f"{self.name}: error={text} is not a plain reconstruction error; write error=squared_error()"
            )
        if error.weight is not None:
            raise RecipeError(f"{self.name}: error={error.text} has a weight of its own; give it to {self.name}")

    @property
    def requires(self) -> frozenset[Capability]:  # type: ignore[override]  # it depends on the error
        """What the codes require, and what the error requires."""
        return self.codes_require | self.error.requires

    @property
    def unit_interval_only(self) -> bool:  # type: ignore[override]
        """Whether the error makes sense only for rows in [0, 1]."""
        return self.error.unit_interval_only
