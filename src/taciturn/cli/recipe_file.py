"""A run's recipe as TOML: what `fit` reads, and what every run writes back with each "auto" decided."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import RecipeError

# What each section may hold, and of which type; the estimator itself knows its parameters.
SECTIONS: dict[str, dict[str, tuple[type, ...]] | None] = {
    "data": {"source": (str,), "columns": (list,), "drop": (list,)},
    "run": {"estimator": (str,), "seed": (int,), "held_out": (int, float), "threads": (int,)},
    "parameters": None,
}


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the sections of a recipe; what it leaves out is left to the defaults."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path} cannot be read as a recipe: {error}") from error
    for name, section in given.items():
        if name not in SECTIONS or not isinstance(section, dict):
            raise RecipeError(f"{path}: {name!r} is no section of a recipe; there are {', '.join(SECTIONS)}")
        _check(path, name, section)
    return {name: dict(given.get(name, {})) for name in SECTIONS}


def text(sections: Mapping[str, Mapping[str, Any]], *, version: str) -> str:
    """Return a recipe as TOML; None is left out, as TOML has none."""
    lines = [f"# Written by taciturn {version}. `taciturn fit recipe.toml` repeats the run."]
    for name, section in sections.items():
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {_value(value)}" for key, value in section.items() if value is not None]
    return "\n".join(lines) + "\n"


def _check(path: Path, name: str, section: Mapping[str, Any]) -> None:
    known = SECTIONS[name]
    if known is None:
        return
    for key, value in section.items():
        if key not in known:
            raise RecipeError(f"{path}: [{name}] {key} is unknown; there are {', '.join(known)}")
        if isinstance(value, bool) or not isinstance(value, known[key]):
            kinds = " or ".join(kind.__name__ for kind in known[key])
            raise RecipeError(f"{path}: [{name}] {key} = {value!r} must be {kinds}")


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)  # strings, whole numbers and truth values are TOML's as well
