"""Whatever is given as a recipe, only RecipeError is raised, soon; what is taken can be used and written again."""

import json
import math
import os
import tempfile
import time
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taciturn.cli import recipe_file
from taciturn.core.errors import RecipeError
from taciturn.core.recipe import Recipe, find, names, parse
from taciturn.corruption import Corruption
from taciturn.model.coding_layers import CodingLayer
from taciturn.objective import Term
from taciturn.training.solvers import Solver

EXAMPLES = int(
    os.environ.get("TACITURN_EXAMPLES", "200")
)  # more: TACITURN_EXAMPLES=20000 pytest tests/test_recipe_fuzz.py
MAX_SECONDS = 5.0  # they take milliseconds, but the machine may be busy
NAMES = [*names(Recipe), "chain", "layout", "objective"]
FIELDS = sorted({field.name for name in NAMES for field in fields(find(name, Recipe))})

odd_numbers = st.sampled_from(
    [0, -1, 2**31, 2**63, 10**9, 10**400, -(10**400), 1e308, -1e308, 5e-324, math.nan, math.inf]
)
atoms = st.none() | st.booleans() | st.integers() | st.floats() | odd_numbers | st.text(max_size=5)


def parts(values):
    """Parts with their own fields, in most of them; in some with other keys and names that are not texts."""
    right = st.sampled_from(NAMES).flatmap(
        lambda name: st.fixed_dictionaries(
            {"name": st.just(name)}, optional={field.name: values for field in fields(find(name, Recipe))}
        )
    )
    wrong = st.dictionaries(st.sampled_from(["name", *FIELDS]) | st.text(max_size=5), values, max_size=4)
    return right | right | wrong


plain_values = st.recursive(atoms, lambda values: st.lists(values, max_size=4) | parts(values), max_leaves=12)


def use(recipe):
    """Do with a recipe what is done with every part."""
    if not isinstance(recipe, Recipe):
        return
    if not recipe.is_schedule:
        assert recipe.at(0.3).at(0.7) == recipe.at(0.3)
    assert isinstance(recipe.text, str)
    assert isinstance(hash(recipe), int)
    assert repr(recipe)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    if recipe.parsable:
        assert type(recipe).parse(recipe.text) == recipe


def refusal(error):
    message = str(error)
    assert len(message) <= 2000
    assert message.isprintable()
    return message


def taken_or_refused(function, *arguments):
    start = time.perf_counter()
    try:
        recipe = function(*arguments)
    except RecipeError as error:
        refusal(error)
    else:
        for each in recipe if isinstance(recipe, tuple) else (recipe,):
            use(each)
    assert time.perf_counter() - start < MAX_SECONDS


@settings(max_examples=EXAMPLES, deadline=None)
@given(parts(plain_values) | plain_values)
def test_any_json_is_a_recipe_or_refused(plain):
    taken_or_refused(Recipe.from_dict, plain)


tokens = st.sampled_from(
    [*NAMES, *FIELDS, "true", "false", "none", "auto", *":,=()+/ \t", "-", ".", "1e999", "\x1b[31m", "\ud800"]
)
words = st.lists(tokens | st.integers().map(str) | st.floats().map(str) | st.text(max_size=3), max_size=30)


@settings(max_examples=EXAMPLES, deadline=None)
@given(words.map("".join) | st.text(max_size=100), st.sampled_from([Corruption, CodingLayer, Term, Solver, Recipe]))
def test_any_text_is_a_recipe_or_refused(text, family):
    taken_or_refused(parse, text, family)
    taken_or_refused(family.parse, text)


def nested(depth, inner, wrap):
    for _ in range(depth):
        inner = wrap(inner)
    return inner


HEAVY = {
    "lists, 1,000 deep": nested(1000, 1, lambda inner: [inner]),
    "parts, 1,000 deep": nested(1000, 1, lambda inner: {"name": "linear", "start": inner, "stop": 0}),
    "a name, 1,000 deep": {"name": nested(1000, "x", lambda inner: [inner])},
    "a long name": {"name": "x" * 10**6},
    "a long key": {"name": "gaussian", "std": 1, "x" * 10**6: 1},
    "a long value": {"name": "gaussian", "std": "x" * 10**6},
    "many values": {"name": "matryoshka", "widths": [1] * 10**6},
    "a list for an object": {"name": "objective", "terms": [[1], 2]},
    "no terms": {"name": "objective", "terms": 5},
    "a part for terms": {"name": "objective", "terms": {"name": "l1"}},
    "a term that is no error": {"name": "objective", "terms": [{"name": "topk", "k": 3}]},
    "wide": {"name": "layout", "widths": [13, 2**63], "coder": {"name": "relu"}},
    "a thousand million refinements": {"name": "layout", "widths": [4, 8], "coder": {"name": "relu"}, "refine": 10**9},
    "a word for a norm": {"name": "layout", "widths": [4, 8], "coder": {"name": "relu"}, "norm": "x"},
    "a million layers": {"name": "layout", "widths": [4] * 10**6, "coder": {"name": "relu"}},
    "a word for a switch": {"name": "layout", "widths": [4, 8], "coder": {"name": "relu"}, "tied": "yes"},
}


@pytest.mark.parametrize("kind", HEAVY)
def test_deep_long_and_wide_json_is_refused(kind):
    start = time.perf_counter()
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(HEAVY[kind])
    assert refusal(caught.value)
    assert time.perf_counter() - start < MAX_SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "gaussian:" + "linear(" * 1000,
        "gaussian:" + "9" * 5000,
        "gaussian:linear(1e308,-1e308)",
        "gaussian:" + "1/" * 4000,
        "gaussian:0.1+" * 100_000,
        "x" * 10**6,
        "gaussian:" + "9" * 400,
        "gaussian:linear(" + "9" * 308 + ",-" + "9" * 308 + ")",
    ],
    ids=lambda text: text[:20],
)
def test_deep_and_long_texts_are_refused(text):
    start = time.perf_counter()
    with pytest.raises(RecipeError) as caught:
        Corruption.parse(text)
    assert refusal(caught.value)
    assert time.perf_counter() - start < MAX_SECONDS


@pytest.mark.parametrize("value", [None, 5, b"gaussian:0.1", ["gaussian"], {"name": "gaussian"}])
def test_only_a_text_is_parsed(value):
    with pytest.raises(RecipeError, match="is not a corruption, nor a text that names one"):
        Corruption.parse(value)


toml_values = st.recursive(
    st.sampled_from(
        ["true", "0", "-1", "1.5", "nan", "inf", "1979-05-27", "9" * 300, "9" * 5000, '"\\ud800"', '"\\u001b\\u007f"']
    )
    | st.text(max_size=5).map(json.dumps),
    lambda values: (
        st.lists(values, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | values.map(lambda value: f"{{a = {value}}}")
    ),
    max_leaves=6,
)
toml_keys = st.sampled_from(["source", "columns", "drop", "estimator", "seed", "held_out", "threads", "tied", "k", ""])
toml_lines = st.sampled_from(["[data]", "[run]", "[parameters]", "[[run]]", "[a.b]", "", "#", "data = 5"]) | st.builds(
    "{} = {}".format, toml_keys, toml_values
)
toml_files = st.lists(toml_lines, max_size=8).map("\n".join).map(lambda text: text.encode("utf-8", "surrogatepass"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(toml_files | st.binary(max_size=50))
def test_any_file_is_a_recipe_or_refused(content):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "r.toml")
        file.write_bytes(content)
        try:
            sections = recipe_file.read(file)
        except RecipeError as error:
            refusal(error)
        else:
            recipe_file.check_texts(sections)
            file.write_text(recipe_file.text(sections, version="1"), encoding="utf-8")
            assert repr(recipe_file.read(file)) == repr(sections)  # as text, because nan is not nan
