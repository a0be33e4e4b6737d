"""Errors and penalties: each reads a pass and gives one number a batch; an objective is their weighted sum."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor

from ..errors import RecipeError
from ..passes import Pass
from ..recipe import Recipe, check
from ..schedules import Schedule, final


@dataclass(frozen=True, kw_only=True)
class Term(Recipe):
    """One number a batch, times `weight`. `0.2 * KL(0.1)` scales it, `a + b` is an objective.

    A weight that is not written is the term's `usual_weight`.
    """

    weight: float | Schedule | None = None

    usual_weight: ClassVar[float] = 1.0
    needs: ClassVar[frozenset[str]] = frozenset()  # of the codes and the output; see Sparsifier.offers
    unit_targets: ClassVar[bool] = False  # makes sense for targets in [0, 1] only

    def __post_init__(self) -> None:
        if self.weight is not None:
            check(self, "weight", 0)

    @abstractmethod
    def __call__(self, p: Pass) -> Tensor:
        """Return the term's number, without its weight."""

    def __rmul__(self, factor: float) -> Self:
        if isinstance(self.weight, Schedule):
            raise RecipeError(f"{self.name}: its weight is a schedule; scale the schedule's own numbers")
        return replace(self, weight=factor * (1.0 if self.weight is None else self.weight))

    def __add__(self, other: "Term | Objective") -> "Objective":
        return Objective((self,)) + other


@dataclass(frozen=True)
class Objective(Recipe):
    """The weighted sum of terms.

    Examples
    --------
    >>> from taciturn.terms import KL, SquaredError
    >>> (SquaredError() + 0.2 * KL(0.1)).text
    'squared_error+kl:0.1,weight=0.2'
    """

    terms: tuple[Term, ...]

    name = "objective"
    spoken = False

    @property
    def text(self) -> str:
        """The terms' texts, joined by "+"."""
        return "+".join(term.text for term in self.terms)

    def __add__(self, other: "Term | Objective") -> "Objective":
        return Objective(self.terms + (other.terms if isinstance(other, Objective) else (other,)))

    def named(self) -> dict[str, Term]:
        """Return the terms by name; the second of a kind is `name_2`."""
        named: dict[str, Term] = {}
        for term in self.terms:
            same = sum(other.name == term.name for other in named.values())
            named[f"{term.name}_{same + 1}" if same else term.name] = term
        return named

    def check(self, offers: Iterable[str]) -> None:
        """Raise RecipeError, saying why, unless every term finds what it needs."""
        offers = frozenset(offers)
        for term in self.terms:
            if missing := sorted(term.needs - offers):
                output = missing[0].startswith("output ")
                there = ", ".join(sorted(offer for offer in offers if offer.startswith("output ") == output))
                there = there or "nothing of the kind"
                raise RecipeError(f"{term.name} needs {', '.join(missing)}; this model offers {there}")

    def __call__(self, p: Pass) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum, and each term's own number by name."""
        numbers = {name: term(p) for name, term in self.named().items()}
        weighted = [
            (term.usual_weight if term.weight is None else final(term.weight)) * numbers[name]
            for name, term in self.named().items()
        ]
        return torch.stack(weighted).sum(), numbers
