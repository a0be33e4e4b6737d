"""Recipes: frozen, named descriptions of parts, as objects, as text (see `grammar`) and as JSON."""

import difflib
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from .errors import RecipeError
from .grammar import MAX_DEPTH, Call, parse_sum
from .messages import one_line

MAX_ITEMS = 10_000  # of a list in JSON


@dataclass(frozen=True)
class Recipe:
    """A frozen description of one part, without state or tensors; equal and hashable by value.

    Each subclass is a dataclass whose fields are the part's parameters. A subclass that defines `name` is found by
    that name, in text and in JSON, among the subclasses of its family (`Corruption`, `Term`, ...). A new part
    therefore needs no registry. Names are unique over all families.

    Attributes
    ----------
    name : str
        Name of the part in text and JSON; a class attribute.
    is_schedule : bool
        Whether the part stands for a number that changes over a run; a class attribute.
    parsable : bool
        Whether text may name the part; a class attribute. False for chain, objective and layout, which hold parts.

    Examples
    --------
    >>> from taciturn.corruption import Corruption, Gaussian
    >>> Corruption.parse("gaussian:0.4") == Gaussian(0.4)
    True
    >>> Gaussian(0.4).text
    'gaussian:0.4'
    >>> Recipe.from_dict(Gaussian(0.4).to_dict())
    Gaussian(std=0.4)
    """

    name: ClassVar[str]
    is_schedule: ClassVar[bool] = False
    parsable: ClassVar[bool] = True

    def at(self, progress: float) -> Self:
        """Return this recipe with each schedule inside it replaced by its value.

        Parameters
        ----------
        progress : float
            The share of the run that is done, 0 … 1.

        Returns
        -------
        Recipe of the same class
            The object itself if it contains no schedule.
        """
        if not self.has_schedule:
            return self
        return replace(self, **{f.name: _at_progress(getattr(self, f.name), progress) for f in fields(self)})

    @cached_property
    def has_schedule(self) -> bool:
        """Whether a field contains a schedule, at any depth."""
        return any(_contains_schedule(getattr(self, f.name)) for f in fields(self))

    @property
    def text(self) -> str:
        """The text that `parse` reads as this recipe; values equal to their defaults are left out."""
        arguments = self._arguments_text()
        return f"{self.name}:{arguments}" if arguments else self.name

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the part of this family that a text describes.

        Parameters
        ----------
        text : str
            One part, as "gaussian:0.4"; or a sum, as "gaussian:0.1+dropout:0.3", if the family can join parts.

        Returns
        -------
        Recipe
            An instance of a class in this family.

        Raises
        ------
        RecipeError
            The text does not follow the grammar, names an unknown part or an unknown field, gives a value that is
            out of range, or joins parts that cannot be joined.
        """
        parts: tuple[Self, ...] = parse(text, cls)
        return parts[0] if len(parts) == 1 else cls.joined(parts)

    @classmethod
    def joined(cls, parts: "tuple[Self, ...]") -> Self:
        """Return the one part that stands for several joined by "+"; a family that can join parts overrides this.

        Raises
        ------
        RecipeError
            Always, in the base class.
        """
        text = " + ".join(part.text for part in parts)
        raise RecipeError(f"{text}: only one part can be given here; remove the others")

    def to_dict(self) -> dict[str, Any]:
        """Return the name and the fields as plain values for JSON; `from_dict` is the inverse."""
        return {"name": self.name} | {f.name: _to_plain(getattr(self, f.name)) for f in fields(self)}

    @staticmethod
    def from_dict(plain: Any) -> Any:
        """Return the recipe that `to_dict` wrote.

        Parameters
        ----------
        plain : dict, list or plain value
            A dict becomes the recipe of the part in its "name", a list a tuple. Other values do not change.

        Returns
        -------
        Recipe, tuple or plain value

        Raises
        ------
        RecipeError
            The name or a field is unknown, a required field is missing, a value is out of range, or more than 20 parts
            are inside each other.
        """
        return _from_plain(plain, 0)

    def _arguments_text(self) -> str:
        """Return the text after the name: required values, then by name those that differ from their defaults."""
        arguments = []
        for f in _fields_in_text_order(self):
            value = getattr(self, f.name)
            if _is_required(f):
                arguments.append(_value_text(value))
            elif value != f.default:
                arguments.append(f"{f.name}={_value_text(value)}")
        return ",".join(arguments)


def parse(text: str, *families: type[Recipe]) -> tuple[Any, ...]:
    """Return the parts of a sum, each of one of the families.

    Parameters
    ----------
    text : str
        Parts joined by "+".
    *families : type of Recipe
        Base classes of the parts that may be named.

    Returns
    -------
    tuple of Recipe
        The parts in the order of the text.

    Raises
    ------
    RecipeError
        The text is empty, does not follow the grammar, or names an unknown part, an unknown field or a value that is
        out of range.

    Examples
    --------
    >>> from taciturn.model.coding_layers import CodingLayer
    >>> from taciturn.objective import Term
    >>> [part.text for part in parse("topk:32+l1:weight=0.01", CodingLayer, Term)]
    ['topk:32', 'l1:weight=0.01']
    """
    if not isinstance(text, str):
        raise RecipeError(f"{text!r} is not a {_family_names(families)}, nor a text that names one")
    if not text.strip():
        known = ", ".join(names(*families))
        raise RecipeError(f"an empty text names no {_family_names(families)}; write one of {known}")
    return tuple(_part_of(call, *families) for call in parse_sum(text))


def find(name: str, *families: type[Recipe]) -> type[Recipe]:
    """Return the class with this name.

    Parameters
    ----------
    name : str
        The part's name in text and JSON.
    *families : type of Recipe
        Base classes to search; their subclasses at any depth are included.

    Returns
    -------
    type of Recipe

    Raises
    ------
    RecipeError
        No part has this name; the message suggests a near one and lists all.

    Examples
    --------
    >>> from taciturn.core.schedules import Schedule
    >>> find("linear", Schedule).__name__
    'Linear'
    """
    known = {part_class.name: part_class for part_class in _named_classes(families)}
    if name in known:
        return known[name]
    name = one_line(name, 60)
    near = difflib.get_close_matches(name, names(*families), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    every_name = f" There are: {', '.join(names(*families))}" if families != (Recipe,) else ""
    raise RecipeError(f"no {_family_names(families)} is named {name!r}{hint}{every_name}")


def names(*families: type[Recipe]) -> tuple[str, ...]:
    """Return the sorted names of all parts of the families that text may name.

    Examples
    --------
    >>> from taciturn.core.schedules import Schedule
    >>> names(Schedule)
    ('cosine', 'decay', 'linear', 'until')
    """
    return tuple(sorted(part_class.name for part_class in _named_classes(families) if part_class.parsable))


def check(
    recipe: Recipe,
    field: str,
    low: float = -math.inf,
    high: float = math.inf,
    ends: str = "[]",
    *,
    fixed: bool = False,
    whole: bool = False,
) -> None:
    """Raise RecipeError unless a field is a finite number in an interval, or a schedule between two such numbers.

    A NumPy scalar is replaced by a Python number.

    Parameters
    ----------
    recipe : Recipe
        The part; usually called in its `__post_init__`.
    field : str
        Name of the field to check.
    low, high : float
        Ends of the interval; unbounded by default.
    ends : {"[]", "[)", "(]", "()"}, default="[]"
        Which ends belong to the interval.
    fixed : bool, default=False
        Whether a schedule is refused.
    whole : bool, default=False
        Whether the number must be an int; a schedule is refused as well.

    Raises
    ------
    RecipeError
        The value is not a number, not a whole one, not finite or outside the interval.

    Examples
    --------
    >>> from taciturn.core.schedules import Linear
    >>> check(Linear(1, 0), "start", 0, 1, ends="[)")
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: linear: start=1 lies outside [0, 1)
    """
    value = getattr(recipe, field)
    if isinstance(value, np.generic):
        value = value.item()
        object.__setattr__(recipe, field, value)
    schedule = isinstance(value, Recipe) and value.is_schedule and not (fixed or whole or recipe.is_schedule)
    # Checking a schedule's extremes refuses it before the run.
    for number in value.extremes if schedule else (value,):
        if isinstance(number, bool) or not isinstance(number, int | float):
            shown = _value_text(value) if isinstance(value, Recipe) else repr(value)
            raise RecipeError(f"{recipe.name}: {field}={shown} is not a number")
        if whole and not isinstance(number, int):
            raise RecipeError(f"{recipe.name}: {field}={number} is not a whole number")
        if abs(number) > sys.float_info.max:  # a whole number that no float can hold
            number = math.inf if number > 0 else -math.inf
        above = number > low or (ends[0] == "[" and number == low)
        below = number < high or (ends[1] == "]" and number == high)
        if not (above and below and math.isfinite(number)):
            shown = f"{_value_text(value)} reaches {number:g}, which" if schedule else f"{number:g}"
            raise RecipeError(f"{recipe.name}: {field}={shown} lies outside {ends[0]}{low:g}, {high:g}{ends[1]}")


def _part_of(call: Call, *families: type[Recipe]) -> Recipe:
    """Return the part that a text describes."""
    positional = [_value_of(value) for value in call.positional]
    return _build(find(call.name, *families), positional, {key: _value_of(value) for key, value in call.named.items()})


def _value_of(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_value_of, value))
    return _part_of(value, Recipe) if isinstance(value, Call) else value


def _from_plain(plain: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise RecipeError(f"more than {MAX_DEPTH} parts or lists are inside each other; write fewer")
    if isinstance(plain, list):
        if len(plain) > MAX_ITEMS:
            raise RecipeError(f"a list has {len(plain):,} values; a recipe's have at most {MAX_ITEMS:,}")
        return tuple(_from_plain(item, depth + 1) for item in plain)
    if not isinstance(plain, dict):
        return plain
    name = plain.get("name")
    if not isinstance(name, str):
        raise RecipeError("a part has no name, or one that is not a text")
    values = {key: _from_plain(value, depth + 1) for key, value in plain.items() if key != "name"}
    return _build(find(name, Recipe), [], values)


def _build(part_class: type[Recipe], positional: Sequence[Any], named: dict[str, Any]) -> Recipe:
    """Return a part from its values by position and by name; raise RecipeError where they do not fit."""
    known = [f.name for f in fields(part_class)]
    by_position = [f.name for f in fields(part_class) if not f.kw_only]
    arguments = ",".join(f"{f.name}=…" if f.kw_only else f.name for f in _fields_in_text_order(part_class))
    usage = f"write {part_class.name}:{arguments}" if known else f"write {part_class.name} without values"
    if len(positional) > len(by_position):
        count = "1 unnamed value" if len(positional) == 1 else f"{len(positional)} unnamed values"
        raise RecipeError(f"{part_class.name}: got {count}, takes at most {len(by_position)}; {usage}")
    values = dict(zip(by_position, positional, strict=False))
    for key in named:
        if key not in known or key in values:
            problem = "given twice" if key in values else "unknown"
            raise RecipeError(f"{part_class.name}: {key!r} is {problem}; {usage}")
    values |= named
    missing = [f.name for f in fields(part_class) if _is_required(f) and f.name not in values]
    if missing:
        raise RecipeError(f"{part_class.name}: {', '.join(missing)} is missing; {usage}")
    for f in fields(part_class):
        value = values.get(f.name, f.default)
        if f.type is bool and not isinstance(value, bool):
            raise RecipeError(f"{part_class.name}: {f.name}={value!r} must be true or false")
    return part_class(**values)


def _fields_in_text_order(part: Recipe | type[Recipe]) -> list[Field[Any]]:
    """Return the fields in the order of the text: keyword-only ones, which a base class defines, come last."""
    return sorted(fields(part), key=lambda f: f.kw_only is True)


def _named_classes(families: Sequence[type[Recipe]]) -> Iterator[type[Recipe]]:
    """Yield each class among the families and their subclasses that defines a name of its own."""
    for family in families:
        if "name" in vars(family):
            yield family
        yield from _named_classes(family.__subclasses__())


def _family_names(families: Sequence[type[Recipe]]) -> str:
    return " or ".join("part" if family is Recipe else _spaced(family.__name__) for family in families)


def _spaced(class_name: str) -> str:
    """Return a class's name as words: "CodingLayer" becomes "coding layer"."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", class_name).lower()


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _at_progress(value: Any, progress: float) -> Any:
    if isinstance(value, tuple):
        return tuple(_at_progress(item, progress) for item in value)
    return value.at(progress) if isinstance(value, Recipe) else value


def _contains_schedule(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_contains_schedule, value))
    return isinstance(value, Recipe) and (value.is_schedule or value.has_schedule)


def _to_plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    return value.to_dict() if isinstance(value, Recipe) else value


def _value_text(value: Any) -> str:
    if isinstance(value, Recipe):
        return f"{value.name}({value._arguments_text()})"
    if isinstance(value, tuple):
        return "/".join(map(_value_text, value)) + ("/" if len(value) == 1 else "")
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
