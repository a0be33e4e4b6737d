"""The parts that recipes can name, read from their source files: help texts list them without loading torch."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Part:
    """A part as its class is written.

    Parameters
    ----------
    name : str
        By which recipes name it.
    usage : str
        Its name and required values: "gaussian:std".
    summary : str
        The first line of its docstring.
    families : frozenset[str]
        Names of its class and of the classes in the same files that it derives from.
    constants : dict[str, Any]
        What its class, or a class that it derives from, sets to a literal value.
    """

    name: str
    usage: str
    summary: str
    families: frozenset[str]
    constants: dict[str, Any]


@cache
def parts(pattern: str) -> tuple[Part, ...]:
    """Return the parts that some files of the package define, sorted by name.

    Parameters
    ----------
    pattern : str
        The files, as a glob relative to the package: "corruption/*.py".

    Returns
    -------
    tuple of Part

    Notes
    -----
    A part is a class that sets `name` to a text, unless it sets `parsable = False`; see `Recipe`. The files are parsed,
    not imported.

    Examples
    --------
    >>> [part.usage for part in parts("corruption/*.py")]
    ['clean', 'dropout:rate', 'gaussian:std', 'masking:rate', 'salt_pepper:rate', 'swap:rate']
    """
    classes: dict[str, ast.ClassDef] = {}
    for file in sorted(PACKAGE.glob(pattern)):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        classes |= {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    found = [_part(node, classes) for node in classes.values() if "name" in _constants(node)]
    return tuple(sorted((part for part in found if part.constants.get("parsable", True)), key=lambda part: part.name))


@cache
def part_lists() -> dict[str, str]:
    """Return the parts of each family in words, as docstrings and `--help` list them.

    Examples
    --------
    >>> part_lists()["solvers"]
    '"adam", "nadam", "sgd", "tensorflow_adam"'
    """
    layers, terms = parts("model/coding_layers/*.py"), parts("objective/*.py")
    return {
        "corruptions": _listed(part for part in parts("corruption/*.py") if part.name != "clean"),
        "penalties": _listed(part for part in terms if not part.constants.get("is_reconstruction_error")),
        "losses": _listed(part for part in terms if part.constants.get("is_reconstruction_error")),
        "selections": _listed(part for part in layers if "Elementwise" not in part.families),
        "activations": _listed(part for part in layers if "Elementwise" in part.families),
        "dictionaries": _listed_names(part for part in (*layers, *terms) if part.constants.get("dictionary_text")),
        "scalings": _listed(part for part in parts("model/scaling.py") if part.name != "auto"),
        "solvers": _listed(parts("training/solvers/*.py")),
        "schedules": _listed(parts("core/schedules.py")),
        "constraints": _listed(parts("training/constraints/*.py")),
    }


def _listed(some: Iterable[Part]) -> str:
    return ", ".join(f'"{part.usage}"' for part in some)


def _listed_names(some: Iterable[Part]) -> str:
    return ", ".join(f'"{part.name}"' for part in some)


def _part(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Part:
    lineage = _lineage(node, classes)
    constants: dict[str, Any] = {}
    required: dict[str, bool] = {}
    for each in reversed(lineage):
        constants |= _constants(each)
        for field in each.body:
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and not _is_class_variable(field)
            ):
                required[field.target.id] = field.value is None
    values = ",".join(name for name, needed in required.items() if needed)
    name = _constants(node)["name"]
    summary = (ast.get_docstring(node) or "").partition("\n")[0]
    return Part(name, f"{name}:{values}" if values else name, summary, frozenset(c.name for c in lineage), constants)


def _lineage(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> list[ast.ClassDef]:
    bases = [classes[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id in classes]
    return [node, *(ancestor for base in bases for ancestor in _lineage(base, classes))]


def _constants(node: ast.ClassDef) -> dict[str, Any]:
    """Return what a class sets to a literal value."""
    constants = {}
    for each in node.body:
        target = each.targets[0] if isinstance(each, ast.Assign) else None
        if isinstance(each, ast.Assign) and isinstance(target, ast.Name) and isinstance(each.value, ast.Constant):
            constants[target.id] = each.value.value
    return constants


def _is_class_variable(field: ast.AnnAssign) -> bool:
    return "ClassVar" in ast.unparse(field.annotation)
