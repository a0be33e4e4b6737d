"""Recipe files (TOML): `taciturn fit` reads them, and every run writes one with each "auto" resolved."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import RecipeError

# The keys of each section and their types; None: the estimator checks its own parameters.
SECTIONS: dict[str, dict[str, tuple[type, ...]] | None] = {
    "data": {"source": (str,), "columns": (list,), "drop": (list,), "header": (bool,), "texts": (str,), "id": (str,)},
    "run": {"estimator": (str,), "seed": (int,), "held_out": (int, float), "threads": (int,)},
    "parameters": None,
}
TYPE_NAMES = {bool: "true or false", str: "a text", list: "a list", int: "a whole number", float: "a decimal number"}


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
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
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


def _check(path: Path, name: str, section: Mapping[str, Any]) -> None:
    types_by_key = SECTIONS[name]
    if types_by_key is None:
        return
    for key, value in section.items():
        if key not in types_by_key:
            raise RecipeError(f"{path}: [{name}] {key} is unknown; the keys are {', '.join(types_by_key)}")
        if isinstance(value, bool) != (bool in types_by_key[key]) or not isinstance(value, types_by_key[key]):
            types = " or ".join(TYPE_NAMES[each] for each in types_by_key[key])
            raise RecipeError(f"{path}: [{name}] {key} = {value!r} must be {types}")


def _toml_value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)  # strings, whole numbers and booleans are the same in JSON and TOML
