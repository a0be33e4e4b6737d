"""Errors and penalties: each reads a pass and gives one number a batch; an objective is their weighted sum."""

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from ..core.errors import RecipeError
from ..core.recipe import Recipe, check
from ..core.schedules import Schedule, final
from ..model import Capability, Model, Pass, description
from .controller import Controller

Number = float | Tensor  # one number; in an array where a step is recorded and the number may change


@dataclass(frozen=True, kw_only=True)
class Term(Recipe):
    """One number a batch, times `weight`. `0.2 * KL(0.1)` scales it, `a + b` is an objective.

    "auto" finds the weight while training, for a term that has a target. A weight that is not written is "auto" where
    there is a target, else 1.
    """

    weight: float | Schedule | str | None = None

    requires: ClassVar[frozenset[Capability]] = frozenset()  # of the codes and the output; see Sparsifier.offers
    unit_interval_only: ClassVar[bool] = False  # makes sense for targets in [0, 1] only
    is_reconstruction_error: ClassVar[bool] = False  # compares reconstructions with their targets: a loss of its own
    target_kind: ClassVar[str] = ""  # what its target is: a "rate", or an "l0"
    offset: ClassVar[float] = 0.0  # how far past its target it aims; see controller
    dictionary_text: ClassVar[str | None] = None  # the usual recipe of a dictionary; see DictionaryAutoencoder
    dictionary_revival: ClassVar[str] = "resample"  # how that dictionary revives dead latents
    has_gradient: ClassVar[bool] = False  # knows its gradient by itself; see graded

    def __post_init__(self) -> None:
        if self.weight == "auto" and self.target is None:
            raise RecipeError(f"{self.name} has no target, so weight=auto cannot be found; give a number")
        if self.weight not in ("auto", None):
            check(self, "weight", 0)

    @abstractmethod
    def __call__(self, p: Pass) -> Tensor:
        """Return the term's number, without its weight."""

    @property
    def target(self) -> float | None:
        """What it asks for: a rate, or latents a row; None if it asks for nothing in particular."""
        return None

    @property
    def controlled(self) -> bool:
        """Whether its weight is found while training."""
        return self.weight == "auto" or (self.weight is None and self.target is not None)

    @property
    def fixed_weight(self) -> float:
        """Its weight as a number, where it is not found while training."""
        return 1.0 if self.weight is None or isinstance(self.weight, str) else final(self.weight)

    def measured(self, p: Pass) -> Tensor:
        """Return what the target is compared with, on clean rows."""
        raise RecipeError(f"{self.name} has no target, so there is nothing to measure")

    def ratio(self, p: Pass) -> Tensor:
        """Return what is measured over what is asked."""
        return self.measured(p) / (self.target or math.nan)

    def penalised(self, p: Pass, aim: float) -> Tensor:
        """Return the penalty that presses the codes of clean rows towards aim · target."""
        return self(p.clean)

    def value_and_gradient(self, p: Pass, weight: Number = 1.0, aim: Number = 1.0) -> tuple[Tensor, Tensor]:
        """Return its number, towards aim · target and without a weight, and weight times its gradient.

        An error's gradient is in the logits [B, D], a penalty's in the pass's codes, [B, L] or the same for all rows
        [L]. For a step whose backward is written out.
        """
        raise NotImplementedError(f"{self.name} leaves its gradient to autograd")

    def calibrate(self, model: Model, x: Tensor, *, each: bool) -> None:
        """Shift the coding biases so that the target is met on scaled rows: each latent's own, or all by one number."""

    def __rmul__(self, factor: float) -> Self:
        if isinstance(self.weight, Schedule):
            raise RecipeError(f"{self.name}: its weight is a schedule; scale the schedule's own numbers")
        return replace(self, weight=factor * (1.0 if self.weight in ("auto", None) else float(self.weight)))

    def __add__(self, other: "Term | Objective") -> "Objective":
        return Objective((self,)) + other


@dataclass(frozen=True)
class Objective(Recipe):
    """The weighted sum of terms.

    Examples
    --------
    >>> from taciturn.objective import KL, SquaredError
    >>> (SquaredError() + 0.2 * KL(0.1)).text
    'squared_error+kl:0.1,weight=0.2'
    """

    terms: tuple[Term, ...]

    name = "objective"
    parsable = False

    @property
    def text(self) -> str:
        """The terms' texts, joined by "+"."""
        return "+".join(term.text for term in self.terms)

    def __add__(self, other: "Term | Objective") -> "Objective":
        return Objective(self.terms + (other.terms if isinstance(other, Objective) else (other,)))

    def named(self) -> Mapping[str, Term]:
        """Return the terms by name; the second of a kind is `name_2`."""
        return self._named

    @cached_property
    def _named(self) -> dict[str, Term]:
        named: dict[str, Term] = {}
        for term in self.terms:
            same = sum(other.name == term.name for other in named.values())
            named[f"{term.name}_{same + 1}" if same else term.name] = term
        return named

    def check(self, provided: Iterable[Capability]) -> None:
        """Raise RecipeError, naming the term, unless every term finds what it requires."""
        provided = frozenset(provided)
        for name, missing in self.missing(provided).items():
            of_same_part = frozenset(each for each in provided if each.part == missing[0].part)
            there = description(of_same_part) or "nothing of the kind"
            raise RecipeError(f"{name} requires {description(frozenset(missing))}; this model provides {there}")

    def missing(self, provided: frozenset[Capability]) -> dict[str, list[Capability]]:
        """Return what is not provided, by the name of the term that requires it."""
        lacking = {name: term.requires - provided for name, term in self.named().items()}
        return {name: [each for each in Capability if each in some] for name, some in lacking.items() if some}

    def controllers(self) -> nn.ModuleDict:
        """Return a fresh controller for each term whose weight is to be found, by the term's name."""
        return nn.ModuleDict({name: Controller(term.offset) for name, term in self.named().items() if term.controlled})

    def fixed(self, numbers: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted sum of those terms whose weights do not move: what epochs can be compared by."""
        return torch.stack([t.fixed_weight * numbers[n] for n, t in self.named().items() if not t.controlled]).sum()

    def __call__(
        self, p: Pass, controllers: Mapping[str, Controller] = MappingProxyType({})
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum, and each term's own number by name; a weight without its controller is 1."""
        numbers: dict[str, Tensor] = {}
        weighted: list[Tensor] = []
        for name, term in self.named().items():
            numbers[name] = term(p)
            if name in controllers:
                controller = controllers[name]
                weighted.append(controller.weight * term.penalised(p, controller.aim))
            else:
                weighted.append(term.fixed_weight * numbers[name])
        return torch.stack(weighted).sum(), numbers
