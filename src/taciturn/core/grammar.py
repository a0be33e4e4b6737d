"""The grammar of recipes' texts; it knows no parts.

In docs/recipes.md too, with examples on the right::

    sum    := part ("+" part)*                    gaussian:0.1+dropout:0.3
    part   := name [":" args] | name "(" args ")" kl:0.05,weight=0.2
    args   := arg ("," arg)*
    arg    := [field "="] value
    value  := item | item "/" [item "/" …]                              matryoshka:32/128
    item   := number | true | false | none | word | name "(" args ")"   gaussian:linear(0.4,0.1)
"""

import re
from dataclasses import dataclass, field
from typing import Any

from .errors import RecipeError
from .messages import quoted

MAX_CHARS = 10_000  # of a text
MAX_DEPTH = 20  # of parts inside parts, in text and in JSON
TOKEN = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])|[A-Za-z_][\w-]*|[:,=()+/])\s*")
CONSTANTS = {"true": True, "false": False, "none": None}


@dataclass(frozen=True)
class Call:
    """A part as its text is written.

    Parameters
    ----------
    name : str
        The part's name.
    positional : tuple
        The values without a field's name: numbers, True, False, None, words, calls, and tuples of them.
    named : dict
        The other values, by the field's name.
    """

    name: str
    positional: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)


def parse_sum(text: str) -> list[Call]:
    """Return the parts of a sum.

    Parameters
    ----------
    text : str
        Parts joined by "+"; up to 10,000 characters.

    Returns
    -------
    list of Call

    Raises
    ------
    RecipeError
        The text does not follow the grammar.

    Examples
    --------
    >>> parse_sum("gaussian:0.1+clean")
    [Call(name='gaussian', positional=(0.1,), named={}), Call(name='clean', positional=(), named={})]
    """
    if len(text) > MAX_CHARS:
        raise RecipeError(f"{quoted(text, 40)} has {len(text):,} characters; a recipe has at most {MAX_CHARS:,}")
    return _Parser(text).parse_sum()


class _Parser:
    """A recursive-descent parser of one text; `position` is the number of the next token."""

    def __init__(self, text: str) -> None:
        self.shown, self.position, self.depth = quoted(text, 200), 0, 0
        self.tokens: list[str] = []
        end = 0
        while end < len(text):
            match = TOKEN.match(text, end)
            if match is None:
                rest = quoted(text[end:], 200)
                raise RecipeError(f"{self.shown}: cannot be read from {rest} on; write name:value,field=value")
            # In "0.1+0.3" the pattern takes "+0.3" as one number: after a value, a sign joins two parts.
            joins = match[1][0] in "+-" and len(match[1]) > 1 and self.tokens and self.tokens[-1] not in ":,=(/"
            self.tokens += [match[1][0], match[1][1:]] if joins else [match[1]]
            end = match.end()

    def parse_sum(self) -> list[Call]:
        parts = [self.parse_part()]
        while self.accept("+"):
            parts.append(self.parse_part())
        if self.position < len(self.tokens):
            unexpected = self.tokens[self.position]
            raise RecipeError(f"{self.shown}: unexpected {unexpected!r}; write name:value,field=value")
        return parts

    def parse_part(self) -> Call:
        name = self.next_token()
        if self.accept("("):
            return self.parse_call(name)
        return self.parse_arguments(name) if self.accept(":") else Call(name)

    def parse_call(self, name: str) -> Call:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RecipeError(f"{self.shown}: more than {MAX_DEPTH} parts are inside each other; write fewer")
        call = Call(name) if self.peek() == ")" else self.parse_arguments(name)
        if not self.accept(")"):
            raise RecipeError(f"{self.shown}: a ')' is missing")
        self.depth -= 1
        return call

    def parse_arguments(self, name: str) -> Call:
        positional: list[Any] = []
        named: dict[str, Any] = {}
        while True:
            token = self.next_token()
            if self.accept("="):
                if token in named:
                    raise RecipeError(f"{self.shown}: {token!r} is given twice; remove one")
                named[token] = self.parse_value(self.next_token())
            elif named:
                raise RecipeError(f"{self.shown}: write {token!r} before the named values")
            else:
                positional.append(self.parse_value(token))
            if not self.accept(","):
                return Call(name, tuple(positional), named)

    def parse_value(self, token: str) -> Any:
        items = [self.parse_item(token)]
        is_tuple = False
        while self.accept("/"):
            is_tuple = True
            if (self.peek() or ",") not in ",)+":
                items.append(self.parse_item(self.next_token()))
        return tuple(items) if is_tuple else items[0]

    def parse_item(self, token: str) -> Any:
        for number_type in (int, float):
            try:
                return number_type(token)
            except ValueError:
                pass
        return self.parse_call(token) if self.accept("(") else CONSTANTS.get(token.lower(), token)

    def peek(self) -> str | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def accept(self, token: str) -> bool:
        """Return whether the next token is this one; if so, move past it."""
        matches = self.peek() == token
        self.position += matches
        return matches

    def next_token(self) -> str:
        """Return the next token, a name or a value, and move past it."""
        token = self.peek()
        if token is None or token in ":,=()+/":
            place = f"before {token!r}" if token else "at the end"
            raise RecipeError(f"{self.shown}: a name or a value is missing {place}")
        self.position += 1
        return token
