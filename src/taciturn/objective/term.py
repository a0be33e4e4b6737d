"""The base class of all terms, errors and penalties, and the objective: their weighted sum."""

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

Number = float | Tensor  # one number; a scalar tensor where a recorded step must see it change


@dataclass(frozen=True, kw_only=True)
class Term(Recipe):
    """A recipe for one number per batch, an error or a penalty, and its weight in the objective.

    `0.2 * term` scales its weight, `term + term` is an objective. A subclass implements `__call__`, and the other
    methods only where its behaviour differs.

    Parameters
    ----------
    weight : float or Schedule, 0 or more, or "auto", optional
        The factor of the term in the objective. "auto": a controller adjusts it during training, so that the term's
        target is met. None: "auto" for a term with a target, else 1.

    Attributes
    ----------
    requires : frozenset of Capability
        The properties of the network that the term requires; see Layout.provides.
    unit_interval_only : bool
        Whether the term makes sense only for rows in [0, 1].
    is_reconstruction_error : bool
        Whether the term compares reconstructions with rows, so that it can be an objective by itself.
    target_kind : {"", "rate", "l0"}
        What the target is: a mean activation, or the mean number of active latents per row.
    aim_offset : float
        By which share of its target the penalty aims past it; see the module `controller`.
    dictionary_text : str or None
        The usual recipe of a dictionary with this term, as text with the placeholder {k}; see DictionaryAutoencoder.
    dictionary_revival : {"resample", "auxk+redirect"}
        How that dictionary revives dead latents by default.
    has_gradient : bool
        Whether `value_and_gradient` is implemented.

    Raises
    ------
    RecipeError
        If the weight is negative, or "auto" for a term without a target.

    Examples
    --------
    >>> Term.parse("kl:0.05") + Term.parse("l1:weight=0.01")
    Objective(terms=(KL(weight=None, rate=0.05), L1(weight=0.01, l0=None, scaled=False)))
    """

    weight: float | Schedule | str | None = None

    requires: ClassVar[frozenset[Capability]] = frozenset()
    unit_interval_only: ClassVar[bool] = False
    is_reconstruction_error: ClassVar[bool] = False
    target_kind: ClassVar[str] = ""
    aim_offset: ClassVar[float] = 0.0
    dictionary_text: ClassVar[str | None] = None
    dictionary_revival: ClassVar[str] = "resample"
    has_gradient: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.weight == "auto" and self.target_value is None:
            raise RecipeError(f"{self.name} has no target, so weight=auto cannot be found; give a number")
        if self.weight not in ("auto", None):
            check(self, "weight", 0)

    @abstractmethod
    def __call__(self, p: Pass) -> Tensor:
        """Return the term's number for a pass, a scalar without the weight."""

    @property
    def target_value(self) -> float | None:
        """The target: a mean activation, or a mean number of active latents per row; None without a target."""
        return None

    @property
    def controlled(self) -> bool:
        """Whether a controller adjusts the weight during training."""
        return self.weight == "auto" or (self.weight is None and self.target_value is not None)

    @property
    def fixed_weight(self) -> float:
        """The weight as a number, for a term whose weight is not adjusted: 1 where none is written."""
        return 1.0 if self.weight is None or isinstance(self.weight, str) else final(self.weight)

    def measured(self, p: Pass) -> Tensor:
        """Return what is compared with the target: its value on the clean rows of a pass, a scalar."""
        raise RecipeError(f"{self.name} has no target, so there is nothing to measure")

    def ratio(self, p: Pass) -> Tensor:
        """Return the measured value over the target, a scalar."""
        return self.measured(p) / (self.target_value or math.nan)

    def penalised(self, p: Pass, aim: float) -> Tensor:
        """Return the penalty on the codes of the clean rows, with aim · target in place of the target, a scalar."""
        return self(p.clean)

    def value_and_gradient(self, p: Pass, weight: Number = 1.0, aim: Number = 1.0) -> tuple[Tensor, Tensor]:
        """Return the term's number and its gradient, for a step that does not use autograd.

        Parameters
        ----------
        p : Pass
            The pass.
        weight : float or scalar Tensor, default=1.0
            Multiplies the gradient, not the number.
        aim : float or scalar Tensor, default=1.0
            aim · target is used in place of the target.

        Returns
        -------
        tuple of (Tensor, Tensor)
            The number, a scalar; and the gradient: of an error in the logits [B, D], of a penalty in the pass's codes,
            [B, L], or [L] where it is the same for all rows.
        """
        raise NotImplementedError(f"{self.name} has no written gradient; use autograd")

    def calibrate(self, model: Model, x: Tensor, *, each: bool) -> None:
        """Shift the latents' biases so that the target is met on scaled rows; the base class does nothing.

        Parameters
        ----------
        model : Model
            Its biases change in place.
        x : Tensor [N, D]
            Scaled rows.
        each : bool
            Shift each latent's bias by its own amount, so that each latent meets the target; False: shift all by one
            number, so that the mean over latents meets it.
        """

    def __rmul__(self, factor: float) -> Self:
        if isinstance(self.weight, Schedule):
            raise RecipeError(f"{self.name}: its weight is a schedule; scale the schedule's own numbers")
        return replace(self, weight=factor * (1.0 if self.weight in ("auto", None) else float(self.weight)))

    def __add__(self, other: "Term | Objective") -> "Objective":
        return Objective((self,)) + other


@dataclass(frozen=True)
class Objective(Recipe):
    """The weighted sum of terms.

    Calling it with a pass, and the controllers of terms with adjusted weights, returns the sum and each term's number.

    Parameters
    ----------
    terms : tuple of Term
        The terms, in the order of the sum.

    Raises
    ------
    RecipeError
        `terms` is not a tuple of terms.

    Examples
    --------
    >>> from taciturn.objective import KL, SquaredError
    >>> objective = SquaredError() + 0.2 * KL(0.1)
    >>> objective.text
    'squared_error+kl:0.1,weight=0.2'
    >>> list((objective + KL(0.3)).by_name())
    ['squared_error', 'kl', 'kl_2']
    """

    terms: tuple[Term, ...]

    name = "objective"
    parsable = False

    def __post_init__(self) -> None:
        if not isinstance(self.terms, tuple) or not all(isinstance(term, Term) for term in self.terms):
            raise RecipeError("objective: join terms by a plus, such as squared_error+kl:0.05")

    @property
    def text(self) -> str:
        """The terms' texts, joined by "+"."""
        return "+".join(term.text for term in self.terms)

    def __add__(self, other: "Term | Objective") -> "Objective":
        return Objective(self.terms + (other.terms if isinstance(other, Objective) else (other,)))

    def by_name(self) -> Mapping[str, Term]:
        """Return the terms by name; the second term of the same class has the name `name_2`, and so on."""
        return self._by_name

    @cached_property
    def _by_name(self) -> dict[str, Term]:
        terms: dict[str, Term] = {}
        for term in self.terms:
            n_before = sum(other.name == term.name for other in terms.values())
            terms[f"{term.name}_{n_before + 1}" if n_before else term.name] = term
        return terms

    def check(self, provided: Iterable[Capability]) -> None:
        """Check that a network provides what every term requires.

        Parameters
        ----------
        provided : iterable of Capability
            What `Layout.provides` returns.

        Raises
        ------
        RecipeError
            If a term's requirement is not provided; the message names the first such term.
        """
        provided = frozenset(provided)
        for name, missing in self.missing(provided).items():
            same_part = frozenset(capability for capability in provided if capability.part == missing[0].part)
            required = description(frozenset(missing))
            raise RecipeError(f"{name} requires {required}; this model provides {description(same_part) or 'none'}")

    def missing(self, provided: frozenset[Capability]) -> dict[str, list[Capability]]:
        """Return the capabilities that are required but not provided, by the name of the term that requires them."""
        missing = {name: term.requires - provided for name, term in self.by_name().items()}
        return {
            name: [capability for capability in Capability if capability in lacking]
            for name, lacking in missing.items()
            if lacking
        }

    def controllers(self) -> nn.ModuleDict:
        """Return a new controller for each term whose weight is adjusted, by the term's name."""
        controlled = {name: term for name, term in self.by_name().items() if term.controlled}
        return nn.ModuleDict({name: Controller(term.aim_offset) for name, term in controlled.items()})

    def fixed_sum(self, numbers: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted sum of the terms whose weights are not adjusted, a scalar.

        It can be compared between epochs, which the whole sum cannot while weights change.
        """
        fixed = {name: term for name, term in self.by_name().items() if not term.controlled}
        return torch.stack([term.fixed_weight * numbers[name] for name, term in fixed.items()]).sum()

    def __call__(
        self, p: Pass, controllers: Mapping[str, Controller] = MappingProxyType({})
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum of a pass and each term's number.

        Parameters
        ----------
        p : Pass
            The pass.
        controllers : mapping of str to Controller, default={}
            By the term's name. A controlled term without its controller has the weight 1.

        Returns
        -------
        tuple of (Tensor, dict of str to Tensor)
            Scalars; the terms' numbers are without weights and, for controlled terms, measured on the corrupted rows
            with the target itself as aim.
        """
        numbers: dict[str, Tensor] = {}
        weighted: list[Tensor] = []
        for name, term in self.by_name().items():
            numbers[name] = term(p)
            if name in controllers:
                controller = controllers[name]
                weighted.append(controller.weight * term.penalised(p, controller.aim))
            else:
                weighted.append(term.fixed_weight * numbers[name])
        return torch.stack(weighted).sum(), numbers
