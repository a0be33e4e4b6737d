"""What a user writes: frozen, named descriptions of parts, as objects, as text and as JSON.

The grammar of the text, the same everywhere (docs/recipes.md)::

    sum    := part ("+" part)*                    gaussian:0.1+dropout:0.3
    part   := name [":" args] | name "(" args ")" kl:0.05,weight=0.2
    args   := arg ("," arg)*
    arg    := [field "="] value
    value  := item | item "/" [item "/" …]                              matryoshka:32/128
    item   := number | true | false | none | word | name "(" args ")"   gaussian:linear(0.4,0.1)
"""

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from .errors import RecipeError


@dataclass(frozen=True)
class Recipe:
    """A part as its user describes it: no state, no tensors; equal and hashable by value.

    A subclass with a `name` of its own is found by that name in text and JSON among the subclasses of its
    family, so a new part needs no registry. Names are unique over all families.

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
    is_schedule: ClassVar[bool] = False  # stands for a number that changes over a run
    parsable: ClassVar[bool] = True  # may be named in text; what joins others has a text of its own

    def at(self, progress: float) -> Self:
        """Return this recipe with every schedule inside replaced by its value at `progress` (0 … 1 of a run)."""
        if not self.has_schedule:
            return self
        return replace(self, **{f.name: _at(getattr(self, f.name), progress) for f in fields(self)})

    @cached_property
    def has_schedule(self) -> bool:
        """Whether there is a schedule inside."""
        return any(_moves(getattr(self, f.name)) for f in fields(self))

    @property
    def text(self) -> str:
        """The text that `parse` reads back as this very recipe."""
        arguments = self._arguments()
        return f"{self.name}:{arguments}" if arguments else self.name

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the part that a text names, or raise RecipeError saying what is wrong and what there is."""
        parts: tuple[Self, ...] = parse(text, cls)
        return parts[0] if len(parts) == 1 else cls.joined(parts)

    @classmethod
    def joined(cls, parts: "tuple[Self, ...]") -> Self:
        """Return the one part that stands for several joined by "+"."""
        said = " + ".join(part.text for part in parts)
        raise RecipeError(f"{said}: only one of a kind can be given here")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON, that `from_dict` reads back."""
        return {"name": self.name} | {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @staticmethod
    def from_dict(plain: Any) -> Any:
        """Return the recipe that `to_dict` wrote; lists become tuples, plain values stay."""
        if isinstance(plain, list):
            return tuple(Recipe.from_dict(item) for item in plain)
        if not isinstance(plain, dict):
            return plain
        kind = find(str(plain.get("name")), Recipe)
        return _build(kind, [], {key: Recipe.from_dict(v) for key, v in plain.items() if key != "name"})

    def _arguments(self) -> str:
        said = []
        for f in _as_written(self):
            value = getattr(self, f.name)
            if _required(f):
                said.append(_word(value))
            elif value != f.default:
                said.append(f"{f.name}={_word(value)}")
        return ",".join(said)


def parse(text: str, *families: type[Recipe]) -> tuple[Any, ...]:
    """Return the parts of a sum, `"topk:32+l1:weight=0.01"`, each of one of the families."""
    if not text.strip():
        raise RecipeError(f"an empty text names no {_family(families)}; there are {', '.join(names(*families))}")
    return _Reader(text, families).sum()


def find(name: str, *families: type[Recipe]) -> type[Recipe]:
    """Return the class of this name among the families' subclasses."""
    known = {kind.name: kind for kind in _kinds(families)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, names(*families), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    there = f" There are: {', '.join(names(*families))}" if families != (Recipe,) else ""
    raise RecipeError(f"no {_family(families)} is named {name!r}{hint}{there}")


def names(*families: type[Recipe]) -> tuple[str, ...]:
    """Return the names of all parts of the families that text may name, sorted."""
    return tuple(sorted(kind.name for kind in _kinds(families) if kind.parsable))


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
    """Raise RecipeError unless the field is a finite number from low to high, or a schedule between such numbers.

    `ends` says which ends belong to the interval: "[]", "[)", "(]" or "()"; a `fixed` number is no schedule, a
    `whole` one is an int besides. A NumPy scalar becomes a Python number.
    """
    value = getattr(recipe, field)
    if isinstance(value, np.generic):
        value = value.item()
        object.__setattr__(recipe, field, value)
    schedule = isinstance(value, Recipe) and value.is_schedule and not (fixed or whole or recipe.is_schedule)
    # a schedule's extremes are its ends: better refused here than in the middle of a run
    for number in (value.at(0.0), value.at(1.0)) if schedule else (value,):
        if isinstance(number, bool) or not isinstance(number, int | float):
            given = _word(value) if isinstance(value, Recipe) else repr(value)
            raise RecipeError(f"{recipe.name}: {field}={given} is not a number")
        if whole and not isinstance(number, int):
            raise RecipeError(f"{recipe.name}: {field}={number} is not a whole number")
        above = number > low or (ends[0] == "[" and number == low)
        below = number < high or (ends[1] == "]" and number == high)
        if not (above and below and math.isfinite(number)):
            said = f"{_word(value)} reaches {number:g}, which" if schedule else f"{number:g}"
            raise RecipeError(f"{recipe.name}: {field}={said} lies outside {ends[0]}{low:g}, {high:g}{ends[1]}")


class _Reader:
    """Reads one text by the grammar above; `at` moves over its tokens."""

    TOKEN = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])|[A-Za-z_][\w-]*|[:,=()+/])\s*")
    PLAIN: ClassVar[dict[str, Any]] = {"true": True, "false": False, "none": None}

    def __init__(self, text: str, families: tuple[type[Recipe], ...]) -> None:
        self.text, self.families, self.at = text, families, 0
        self.tokens: list[str] = []
        end = 0
        while end < len(text):
            match = self.TOKEN.match(text, end)
            if match is None:
                raise RecipeError(f"{text!r}: cannot read on at {text[end:]!r}; write name:value,field=value")
            # "0.1+0.3" would read the sign into the number: after a value a sign joins parts
            sign = match[1][0] in "+-" and len(match[1]) > 1 and self.tokens and self.tokens[-1] not in ":,=(/"
            self.tokens += [match[1][0], match[1][1:]] if sign else [match[1]]
            end = match.end()

    def sum(self) -> tuple[Recipe, ...]:
        parts = [self.part(self.families)]
        while self.take("+"):
            parts.append(self.part(self.families))
        if self.at < len(self.tokens):
            raise RecipeError(f"{self.text!r}: did not expect {self.tokens[self.at]!r} here")
        return tuple(parts)

    def part(self, families: tuple[type[Recipe], ...]) -> Recipe:
        kind = find(self.next(), *families)
        if self.take("("):
            return self.called(kind)
        return self.arguments(kind) if self.take(":") else _build(kind, [], {})

    def called(self, kind: type[Recipe]) -> Recipe:
        part = _build(kind, [], {}) if self.peek() == ")" else self.arguments(kind)
        if not self.take(")"):
            raise RecipeError(f"{self.text!r}: a ')' is missing")
        return part

    def arguments(self, kind: type[Recipe]) -> Recipe:
        positional: list[Any] = []
        named: dict[str, Any] = {}
        while True:
            token = self.next()
            if self.take("="):
                if token in named:
                    raise RecipeError(f"{self.text!r}: {token!r} is given twice")
                named[token] = self.value(self.next())
            elif named:
                raise RecipeError(f"{self.text!r}: write {token!r} before the named values")
            else:
                positional.append(self.value(token))
            if not self.take(","):
                return _build(kind, positional, named)

    def value(self, token: str) -> Any:
        items = [self.item(token)]
        several = False
        while self.take("/"):
            several = True
            if (self.peek() or ",") not in ",)+":
                items.append(self.item(self.next()))
        return tuple(items) if several else items[0]

    def item(self, token: str) -> Any:
        for read in (int, float):
            try:
                return read(token)
            except ValueError:
                pass
        if self.take("("):
            return self.called(find(token, Recipe))
        return self.PLAIN.get(token.lower(), token)

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, token: str) -> bool:
        found = self.peek() == token
        self.at += found
        return found

    def next(self) -> str:
        token = self.peek()
        if token is None or token in ":,=()+/":
            raise RecipeError(
                f"{self.text!r}: a name or a value is missing {'before ' + token if token else 'at the end'}"
            )
        self.at += 1
        return token


def _build(kind: type[Recipe], positional: Sequence[Any], named: dict[str, Any]) -> Recipe:
    known = [f.name for f in fields(kind)]
    places = [f.name for f in fields(kind) if not f.kw_only]
    written = ",".join(f"{f.name}=…" if f.kw_only else f.name for f in _as_written(kind))
    usage = f"{kind.name}:{written}" if known else f"{kind.name} takes no values"
    if len(positional) > len(places):
        raise RecipeError(f"{kind.name}: {len(positional)} values for {len(places)} places; write {usage}")
    given = dict(zip(places, positional, strict=False))
    for key in named:
        if key not in known or key in given:
            raise RecipeError(f"{kind.name}: {key!r} is {'given twice' if key in given else 'unknown'}; write {usage}")
    missing = [f.name for f in fields(kind) if _required(f) and f.name not in given | named]
    if missing:
        raise RecipeError(f"{kind.name}: {', '.join(missing)} is missing; write {usage}")
    for f in fields(kind):
        value = (given | named).get(f.name, f.default)
        if f.type is bool and not isinstance(value, bool):
            raise RecipeError(f"{kind.name}: {f.name}={value!r} must be true or false")
    return kind(**given, **named)


def _as_written(kind: Recipe | type[Recipe]) -> list[Field[Any]]:
    """Return the fields in the order of the text: a base class's keyword-only ones come after the places."""
    return sorted(fields(kind), key=lambda f: f.kw_only is True)


def _kinds(families: Sequence[type[Recipe]]) -> Iterator[type[Recipe]]:
    for family in families:
        if "name" in vars(family):
            yield family
        yield from _kinds(family.__subclasses__())


def _family(families: Sequence[type[Recipe]]) -> str:
    return " or ".join("part" if family is Recipe else _words(family.__name__) for family in families)


def _words(name: str) -> str:
    """Return a class's name in words: "CodingLayer" is "coding layer"."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _at(value: Any, progress: float) -> Any:
    if isinstance(value, tuple):
        return tuple(_at(item, progress) for item in value)
    return value.at(progress) if isinstance(value, Recipe) else value


def _moves(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_moves, value))
    return isinstance(value, Recipe) and (value.is_schedule or value.has_schedule)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.to_dict() if isinstance(value, Recipe) else value


def _word(value: Any) -> str:
    if isinstance(value, Recipe):
        return f"{value.name}({value._arguments()})"
    if isinstance(value, tuple):
        return "/".join(map(_word, value)) + ("/" if len(value) == 1 else "")
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
