"""Recipe files (TOML): `taciturn fit` reads them, and every run writes one with each "auto" resolved."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import RecipeError
from ..core.messages import one_line

# The keys of each section and their types; None: the estimator checks its own parameters.
SECTIONS: dict[str, dict[str, tuple[type, ...]] | None] = {
    "data": {
        "source": (str,),
        "columns": (list,),
        "drop": (list,),
        "categorical": (list,),
        "header": (bool,),
        **dict.fromkeys(("separator", "decimal", "thousands", "quote", "encoding"), (str,)),
        "texts": (str,),
        "id": (str,),
        "target": (str,),
    },
    "run": {"estimator": (str,), "seed": (int,), "held_out": (int, float), "threads": (int,)},
    "parameters": None,
}
TYPE_NAMES = {bool: "true or false", str: "a text", list: "a list", int: "a whole number", float: "a decimal number"}
MAX_BYTES = 1_000_000  # of a recipe file


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the sections of a recipe file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        "data", "run" and "parameters", each a dict; a section that the file does not have is empty.

    Raises
    ------
    RecipeError
        The file cannot be read or is not TOML, or a section, a key or a value's type is wrong.
    """
    try:
        if not path.is_file():
            raise ValueError("No such file or directory" if not path.exists() else "it is not a regular file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        sections = tomllib.loads(content.decode("utf-8"))
    # ValueError: no text, not TOML, or a number of thousands of digits
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RecipeError(f"{path} cannot be read as a recipe: {reason}; name a recipe file in TOML") from error
    for name, section in sections.items():
        if name not in SECTIONS or not isinstance(section, dict):
            raise RecipeError(f"{path}: {name!r} is not a section of a recipe; the sections are {', '.join(SECTIONS)}")
        _check(path, name, section)
    return {name: dict(sections.get(name, {})) for name in SECTIONS}


def text(sections: Mapping[str, Mapping[str, Any]], *, version: str) -> str:
    """Return the text of a recipe file.

    Parameters
    ----------
    sections : mapping of str to mapping
        Keys and values by section. Entries with the value None are left out, because TOML has no such value.
    version : str
        taciturn's version, for the first line.

    Returns
    -------
    str
        TOML.

    Examples
    --------
    >>> print(text({"data": {"source": "digits", "columns": None}, "run": {"held_out": 0.1}}, version="1"))
    # Written by taciturn 1. `taciturn fit recipe.toml` repeats the run.
    <BLANKLINE>
    [data]
    source = "digits"
    <BLANKLINE>
    [run]
    held_out = 0.1
    <BLANKLINE>
    """
    lines = [f"# Written by taciturn {version}. `taciturn fit recipe.toml` repeats the run."]
    for name, section in sections.items():
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {_toml_value(value)}" for key, value in section.items() if value is not None]
    return "\n".join(lines) + "\n"


def check_texts(sections: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that a recipe file can hold all texts of a recipe, before the run that will write one.

    Raises
    ------
    RecipeError
        A text holds a byte that is not UTF-8, as the name of a file can.
    """
    for name, section in sections.items():
        for key, value in section.items():
            for item in value if isinstance(value, list | tuple) else [value]:
                if isinstance(item, str) and not _is_unicode(item):
                    raise RecipeError(f"[{name}] {key} = {one_line(item)} is not valid UTF-8; rename it")


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check(path: Path, name: str, section: Mapping[str, Any]) -> None:
    types_by_key = SECTIONS[name]
    for key, value in section.items():
        if types_by_key is None:
            if not all(isinstance(item, str | int | float) for item in (value if isinstance(value, list) else [value])):
                types = "a text, a number, true, false, or a list of these"
                raise RecipeError(f"{path}: [{name}] {key} = {value!r} must be {types}")
            continue
        if key not in types_by_key:
            raise RecipeError(f"{path}: [{name}] {key} is unknown; the keys are {', '.join(types_by_key)}")
        if isinstance(value, bool) != (bool in types_by_key[key]) or not isinstance(value, types_by_key[key]):
            types = " or ".join(TYPE_NAMES[each] for each in types_by_key[key])
            raise RecipeError(f"{path}: [{name}] {key} = {value!r} must be {types}")
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            raise RecipeError(f"{path}: [{name}] {key} = {value!r} must be a list of texts")


def _toml_value(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, float):
        return repr(value)
    # Texts, whole numbers and booleans are the same in JSON and TOML, but for one character that only TOML refuses.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
