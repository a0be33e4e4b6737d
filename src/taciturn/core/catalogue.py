"""The parts of recipes and the file formats, read from source files: help lists them without loading torch."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
LITERALS = {"True": True, "False": False, "None": None}

# of a class: its name, its bases, its docstring, its body; of a body: its fields, its literal constants
CLASS = re.compile(r'^class (\w+)\(([^)]*)\):\n    """(.*?)"""\n(.*?)(?=^\S|\Z)', re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^    (\w+): (?!ClassVar)[^=\n]+?( = |$)", re.MULTILINE)
CONSTANT = re.compile(r'^    (\w+) = (?:"([^"]*)"|(True|False|None))$', re.MULTILINE)
# of a file format: its ending, and the rest of the call
FORMAT = re.compile(r'^FORMAT = Format\(\s*"([^"]+)",(.*)', re.MULTILINE | re.DOTALL)


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
    constants : dict[str, str | bool | None]
        What its class, or a class that it derives from, sets to a literal value.
    """

    name: str
    usage: str
    summary: str
    families: frozenset[str]
    constants: dict[str, str | bool | None]


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
    A part is a class that sets `name` to a text, unless it sets `parsable = False`; see `Recipe`. The files are
    searched, not imported; ruff's formatting makes that reliable, and a test compares with what importing gives.

    Examples
    --------
    >>> [part.usage for part in parts("corruption/[a-m]*.py")]
    ['blind_spot:rate', 'clean', 'dropout:rate', 'gaussian:std', 'masking:rate', 'missing:rate']
    """
    classes: dict[str, tuple[str, str, str]] = {}
    for file in sorted(PACKAGE.glob(pattern)):
        for name, *rest in CLASS.findall(file.read_text(encoding="utf-8")):
            classes[name] = tuple(rest)
    found = [_part(name, classes) for name, (_, _, body) in classes.items() if "name" in _constants(body)]
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
        "networks": _listed(parts("model/networks/*.py")),
        "scalings": _listed(part for part in parts("model/*scaling.py") if part.name != "auto"),
        "solvers": _listed(parts("training/solvers/*.py")),
        "schedules": _listed(parts("core/schedules.py")),
        "constraints": _listed(parts("training/constraints/*.py")),
    }


def _listed(some: Iterable[Part]) -> str:
    return ", ".join(f'"{part.usage}"' for part in some)


def _listed_names(some: Iterable[Part]) -> str:
    return ", ".join(f'"{part.name}"' for part in some)


@cache
def file_endings() -> dict[str, str]:
    """Return the endings of files that can be read ("readable") and written ("writable"), in words."""
    readable, writable = [], []
    for file in sorted((PACKAGE / "data" / "sources").glob("*.py")):
        for ending, rest in FORMAT.findall(file.read_text(encoding="utf-8")):
            text = re.search(r'endings_text="([^"]+)"', rest)
            readable.append(text[1] if text else ending)
            if re.search(r"\bwrite\b", rest):
                writable.append(readable[-1] if re.search(r"\bwrite_table\b", rest) else ending)
    return {"readable": ", ".join(readable), "writable": ", ".join(writable)}


@cache
def dictionary_formats() -> dict[str, str]:
    """Return the formats of other libraries' dictionaries that can be read and written, in words."""
    tree = ast.parse((PACKAGE / "artifact" / "foreign" / "__init__.py").read_text(encoding="utf-8"))
    formats = next(
        each.value for each in tree.body if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "FORMATS"
    )
    assert isinstance(formats, ast.Dict)
    calls = {
        ast.literal_eval(key): ast.unparse(call) for key, call in zip(formats.keys, formats.values, strict=True) if key
    }
    written = [name for name, call in calls.items() if ".write" in call]
    return {"dictionaries": ", ".join(calls), "written_dictionaries": ", ".join(written)}


def _part(class_name: str, classes: dict[str, tuple[str, str, str]]) -> Part:
    lineage = _lineage(class_name, classes)
    constants: dict[str, str | bool | None] = {}
    required: dict[str, bool] = {}
    for body in (classes[each][2] for each in reversed(lineage)):
        constants |= _constants(body)
        required |= {field: not default for field, default in FIELD.findall(body)}
    values = ",".join(field for field, needed in required.items() if needed)
    _, docstring, body = classes[class_name]
    name = str(_constants(body)["name"])
    usage = f"{name}:{values}" if values else name
    return Part(name, usage, docstring.partition("\n")[0], frozenset(lineage), constants)


def _lineage(name: str, classes: dict[str, tuple[str, str, str]]) -> list[str]:
    """Return a class and those of its ancestors that stand in the same files."""
    bases = [base.strip() for base in classes[name][0].split(",") if base.strip() in classes]
    return [name, *(ancestor for base in bases for ancestor in _lineage(base, classes))]


def _constants(body: str) -> dict[str, str | bool | None]:
    """Return what a class sets to a text or to True, False or None."""
    return {name: LITERALS[word] if word else text for name, text, word in CONSTANT.findall(body)}
