"""What trackers write of a log's lines, and how they load their package."""

from importlib import import_module
from typing import Any

from ..core.errors import RecipeError

NOT_MEASURED = ("kind", "step", "epoch", "rows", "time")
BEGIN = ("run", "resume")  # kinds of the first line that a tracker gets


def numbers(line: dict[str, Any]) -> dict[str, float]:
    """Return the measured numbers of a line, each under its kind and its name.

    Examples
    --------
    >>> numbers({"kind": "interval", "step": 9, "loss": 0.5, "rates": [0.1, 0.2]})
    {'interval/loss': 0.5}
    """
    return {
        f"{line['kind']}/{name}": float(value)
        for name, value in line.items()
        if name not in NOT_MEASURED and isinstance(value, int | float)
    }


def facts(line: dict[str, Any]) -> dict[str, Any]:
    """Return what the first line tells of the run, as parameters."""
    return {name: value for name, value in line.items() if name not in ("kind", "time", "format")}


def package(name: str, extra: str) -> Any:
    """Return an imported package; raise RecipeError if it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise RecipeError(f"{extra} is not installed; install it: pip install 'taciturn[{extra}]'") from error
