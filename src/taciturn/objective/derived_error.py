"""An error looked at in another way."""

from dataclasses import dataclass, field

from ..core.errors import RecipeError
from ..model import Capability
from .squared_error import SquaredError
from .term import Term


@dataclass(frozen=True)
class DerivedError(Term):
    """A number made of an error of other codes than the coding layer's; what the error needs is needed beside `of`."""

    error: Term = field(default=SquaredError(), kw_only=True)

    of = frozenset[Capability]()  # of the codes and the decoder

    def __post_init__(self) -> None:
        super().__post_init__()
        error = self.error
        if not (isinstance(error, Term) and error.is_reconstruction_error) or isinstance(error, DerivedError):
            said = error.text if isinstance(error, Term) else repr(error)
            raise RecipeError(f"{self.name}: error={said} is no error; write error=squared_error()")
        if error.weight is not None:
            raise RecipeError(f"{self.name}: error={error.text} has a weight of its own; give it to {self.name}")

    @property
    def requires(self) -> frozenset[Capability]:  # type: ignore[override]  # it depends on the error
        """What it looks at, and what the error needs."""
        return self.of | self.error.requires

    @property
    def unit_interval_only(self) -> bool:  # type: ignore[override]
        """As the error."""
        return self.error.unit_interval_only
