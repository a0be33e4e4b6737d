"""The catalogue, read from source files, names what importing them gives, and every part has its line in the docs."""

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

import taciturn
from taciturn.core.catalogue import dictionary_formats, file_endings, part_lists, parts
from taciturn.core.recipe import find, names
from taciturn.core.schedules import Schedule
from taciturn.corruption import Corruption
from taciturn.data.sources.files import FORMATS, WRITABLE
from taciturn.model import Scaling
from taciturn.model.coding_layers import CodingLayer, Elementwise
from taciturn.model.networks import Network
from taciturn.objective import Term
from taciturn.training.constraints import Constraint
from taciturn.training.solvers import Solver

FAMILIES = {
    "corruption/*.py": Corruption,
    "model/coding_layers/*.py": CodingLayer,
    "objective/*.py": Term,
    "model/*scaling.py": Scaling,
    "model/networks/*.py": Network,
    "core/schedules.py": Schedule,
    "training/solvers/*.py": Solver,
    "training/constraints/*.py": Constraint,
}


@pytest.mark.parametrize("pattern", FAMILIES)
def test_it_names_what_importing_gives(pattern):
    family = FAMILIES[pattern]
    assert tuple(part.name for part in parts(pattern)) == names(family)
    for part in parts(pattern):
        kind = find(part.name, family)
        required = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
        assert part.usage == (f"{part.name}:{','.join(required)}" if required else part.name)
        assert part.summary == kind.__doc__.splitlines()[0]
        assert ("Elementwise" in part.families) == issubclass(kind, Elementwise)
        assert part.constants.get("is_reconstruction_error", False) == getattr(kind, "is_reconstruction_error", False)
        assert part.constants.get("dictionary_text") == getattr(kind, "dictionary_text", None)


@pytest.mark.parametrize("pattern", FAMILIES)
def test_every_part_has_its_line_in_the_docs(pattern):
    text = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert [part.name for part in parts(pattern) if f"`{part.name}" not in text] == []


@pytest.mark.parametrize("name", ["SparseAutoencoder", "DenoisingAutoencoder", "DictionaryAutoencoder"])
def test_a_docstring_has_every_parameter_and_the_parts(name):
    kind = getattr(taciturn, name)
    for parameter, value in kind().get_params().items():
        shown = f'"{value}"' if isinstance(value, str) else repr(value)
        line = next(line for line in kind.__doc__.splitlines() if line.startswith(f"    {parameter} : "))
        assert line.endswith(f"default={shown}")
    words = " ".join(kind.__doc__.split())
    assert part_lists()["corruptions"] in words
    assert "{" not in kind.__doc__


def test_dictionary_formats_are_those_of_the_readers_and_writers():
    from taciturn.artifact.foreign import FORMATS

    listed = dictionary_formats()
    assert listed["dictionaries"] == ", ".join(FORMATS)
    assert listed["written_dictionaries"] == ", ".join(name for name, each in FORMATS.items() if each.write is not None)


def test_file_endings_are_those_of_the_formats():
    listed = file_endings()
    formats = [each.endings_text or each.ending for each in FORMATS]
    assert listed["readable"] == ", ".join(sorted(formats, key=listed["readable"].index))
    assert sorted(listed["writable"].split(", ")) == sorted(WRITABLE.split(", "))
    assert {".npy", ".npz", ".csv", ".tsv", ".parquet", ".feather", ".arrow"} < set(listed["writable"].split(", "))
