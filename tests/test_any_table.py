"""Random tables of mixed columns: they come out as they went in, whatever their types, names, index and missing cells.

TACITURN_EXAMPLES=2000 tries as many; CI tries fewer.
"""

import datetime as dt
import os
import re
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taciturn.core.errors import TaciturnError, TaciturnWarning
from taciturn.data.variables import KINDS, Variables
from test_variables import ARROW, COLUMNS, POLARS, arrow, assert_same, objects

EXAMPLES = int(os.environ.get("TACITURN_EXAMPLES", "30"))

generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
levels = st.lists(st.text(), min_size=1, max_size=6, unique=True)
any_levels = st.lists(st.one_of(st.text(), st.booleans(), st.integers()), min_size=1, max_size=6)


def some(values):
    return st.lists(values, min_size=1, max_size=9)


def integers(low, high, kind="int64"):
    """Return columns of up to 9 integers of a type, or what has their bits, as dates."""
    return generators.map(lambda rng: rng.integers(low, high, rng.integers(1, 9), dtype="int64").astype(kind))


decimals = st.decimals(-1000, 1000, places=3)
CELLS = {
    "float64": generators.map(lambda rng: rng.normal(size=8) * 10.0 ** rng.integers(-300, 300, 8)),
    "float32": generators.map(lambda rng: rng.normal(size=8).astype(np.float32)),
    "int64": integers(-(2**53), 2**53),
    "large int64": integers(2**62, 2**62 + 2**53),
    "uint8": integers(0, 256, np.uint8),
    "Int16": integers(-(2**15), 2**15, np.int16).map(lambda cells: pd.array(cells, dtype="Int16")),
    "Float64": generators.map(lambda rng: pd.array(rng.normal(size=8), dtype="Float64")),
    "bool": integers(0, 2, bool),
    "boolean": integers(0, 2, bool).map(lambda cells: pd.array(cells, dtype="boolean")),
    "str": levels,
    "string": levels.map(lambda cells: pd.array(cells, dtype="string")),
    "objects: text": levels.map(objects),
    "objects: several types": any_levels.map(objects),
    "objects: Decimal": some(decimals).map(objects),
    "objects: date": some(st.dates()).map(objects),
    "objects: time": some(st.times()).map(objects),
    "category": levels.map(lambda cells: pd.Categorical(cells, categories=[*cells[::-1], "\x00 never"], ordered=True)),
    "category of integers": integers(-9, 9).map(pd.Categorical),
    "datetime64[s]": integers(-(10**5), 10**5).map(lambda days: (days * 86_400).astype("datetime64[s]")),
    "datetime64[ms]": integers(-(2**51), 2**51, "datetime64[ms]"),
    "datetime64[ns]": integers(2**60, 2**60 + 2**53, "datetime64[ns]"),
    "zone": integers(0, 2**53).map(lambda us: pd.to_datetime(us, unit="us", utc=True).tz_convert("Europe/Berlin")),
    "timedelta64[us]": integers(-(2**52), 2**52, "timedelta64[us]"),
    "text: numbers": some(decimals.map(str)),
    "text: dates": some(st.dates(dt.date(1000, 1, 1)).map(str)),
    "int32[pyarrow]": integers(-(2**31), 2**31).map(lambda cells: arrow(cells, pa.int32())),
    "string[pyarrow]": levels.map(lambda cells: arrow(cells, pa.string())),
    "date32[pyarrow]": some(st.dates()).map(lambda cells: arrow(cells, pa.date32())),
    "decimal128[pyarrow]": some(decimals).map(lambda cells: arrow(cells, pa.decimal128(9, 3))),
}
WITHOUT_MISSING = ("bool", "int64", "large int64", "uint8")

texts = st.text(max_size=8)
NAMES = (texts, st.integers(), st.tuples(texts, st.integers()))
INDICES = {
    "range": lambda n: pd.RangeIndex(n),
    "text": lambda n: pd.Index([f"row {i}" for i in range(n)], name="id"),
    "dates": lambda n: pd.date_range("2020-01-01", periods=n, tz="UTC"),
    "repeated": lambda n: pd.Index([7] * n),
    "two levels": lambda n: pd.MultiIndex.from_product([["a"], range(n)]),
}


@st.composite
def columns(draw, n_rows):
    """Return a column of n_rows cells, some of them missing where the type allows it; the first one is known."""
    name = draw(st.sampled_from(sorted(CELLS)))
    different = pd.Series(draw(CELLS[name]))
    rng = draw(generators)
    column = different.take(np.r_[0, rng.integers(len(different), size=n_rows - 1)]).reset_index(drop=True)
    if name not in WITHOUT_MISSING:
        column[(rng.random(n_rows) < draw(st.sampled_from([0, 0.1, 0.9]))) & (np.arange(n_rows) > 0)] = None
    return column


@st.composite
def tables(draw):
    """Return a frame of 2 to 5,000 rows and 1 to 500 columns."""
    n_rows, n_columns = draw(st.sampled_from([(2, 1), (3, 3), (20, 8), (50, 5), (5000, 2), (4, 500)]))
    different = draw(st.lists(columns(n_rows), min_size=1, max_size=min(n_columns, 8)))
    frame = pd.DataFrame({i: different[i % len(different)] for i in range(n_columns)})
    if n_columns < 20:
        names = draw(st.sampled_from(NAMES))
        frame.columns = draw(st.lists(names, min_size=n_columns, max_size=n_columns, unique=True))
    frame.index = INDICES[draw(st.sampled_from(sorted(INDICES)))](n_rows)
    return frame


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables())
@pytest.mark.filterwarnings("ignore:column .* is taken for a category")
def test_any_table_of_pandas(frame):
    schema = Variables.decide(frame)
    again = Variables.from_json(schema.to_json())
    assert again == schema
    source = schema.source(frame)
    rows = source.read(0, len(frame))
    np.testing.assert_array_equal(rows, again.source(frame).take(np.arange(len(frame))))
    assert rows.shape == (len(frame), len(schema.columns)) == (len(source), *source.shape)
    assert len(set(schema.columns)) == len(schema.columns)
    assert_same(schema.decode(rows, like=frame), frame)
    table = again.decode(rows)
    assert list(table.columns) == list(frame.columns)  # tuples have become an index of several levels
    assert_same(table, frame.reset_index(drop=True).set_axis(table.columns, axis=1))
    for level, place in zip(schema.levels, schema.positions, strict=True):
        known = rows[:, place][~np.isnan(rows[:, place]).any(axis=1)]
        assert level == 0 or ((known == 0) | (known == 1)).all()
        assert level < 2 or (known.sum(axis=1) == 1).all()
    assert all(line.isprintable() and len(line) < 600 for line in schema.lines())


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables(), generators)
@pytest.mark.filterwarnings("ignore:column .* is taken for a category")
def test_any_predictions_become_a_table(frame, rng):
    schema = Variables.decide(frame)
    rows = rng.normal(size=(len(frame), len(schema.columns))) * 10.0 ** rng.integers(-5, 200)
    table = schema.decode(rows, like=frame)
    assert table.dtypes.tolist() == frame.dtypes.tolist()
    assert not table.isna().any(axis=None)
    assert schema.source(table).shape == (len(schema.columns),)
    filled = schema.fill(rows, frame)
    assert_same(filled.where(frame.notna(), table), filled)
    assert_same(filled.where(frame.notna(), frame), frame)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables())
@pytest.mark.filterwarnings("ignore:column .* is taken for a category")
def test_any_table_of_arrow_and_polars(frame):
    frame.columns = [f"{i} {name}" for i, name in enumerate(frame.columns)]
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    except (pa.ArrowException, OverflowError):  # objects of several types
        return
    for own in (table, pl.from_arrow(table)):
        schema = Variables.decide(own)
        rows = schema.source(own).read(0, len(own))
        for result in (schema.decode(rows, like=own), Variables.from_json(schema.to_json()).decode(rows)):
            assert result.schema == own.schema
            assert result.equals(own)
        assert schema.fill(np.full_like(rows, np.nan), own).equals(own)


VALUES = (
    *(st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.decimals(), st.dates(), st.times()),
    *(st.datetimes(timezones=st.sampled_from([None, dt.UTC])), st.timedeltas(), st.complex_numbers(), st.fractions()),
    *(st.uuids(), st.sampled_from([object(), range(3), len, "\ud800", 10**400, pd.Period("2020"), np.arange(2)])),
    *map(st.just, (np.float32(1.5), np.datetime64(1, "ns"), np.timedelta64(1, "D"), np.bool_(True), np.str_("a"))),
    *map(st.just, (pd.Timestamp(5), pd.Timestamp(5, tz="Asia/Tokyo"), pd.Timedelta(5), pd.Interval(0, 1))),
    st.sampled_from([pd.NaT, pd.NA, None, np.datetime64("NaT"), Decimal("NaN"), Decimal("sNaN")]),
)
value = st.one_of(VALUES)
anything = st.one_of(value, st.lists(value, max_size=2), st.dictionaries(st.text(), value, max_size=1))
cells_of_one_type = st.sampled_from(VALUES).flatmap(lambda one: st.lists(st.one_of(one, st.none()), min_size=1))


@settings(max_examples=10 * EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(cells_of_one_type, st.lists(anything, min_size=1, max_size=6)), st.sampled_from([None, *KINDS]))
@pytest.mark.filterwarnings("ignore:column .* is taken for a category")
def test_any_objects_are_taken_or_refused_in_one_line(cells, kind):
    array = np.empty(len(cells), object)
    array[:] = [*cells]
    frame = pd.DataFrame({"x": pd.Series(array, dtype=object), "y": 1.5})
    try:
        schema = Variables.decide(frame, None if kind is None else {"x": kind})
        rows = schema.source(frame).read(0, len(cells))
        again = Variables.from_json(schema.to_json())
        table = again.decode(rows, like=frame)
    except TaciturnError as error:
        message = str(error)
    else:
        message = ""
        assert again == schema
        assert len(table) == len(cells)
    assert message.isprintable()


PANDAS = pd.concat([pd.DataFrame({name: cells}) for name, (cells, _) in COLUMNS.items()], axis=1)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", TaciturnWarning)  # of dates in two forms
    SCHEMAS = [Variables.decide(table).to_json() for table in (PANDAS, POLARS, ARROW)]
PIECES = st.sampled_from(["", "0", "-1", "1.5", "1e5", "9" * 19, "9" * 30, '"', "null", "[", "}", ",", ":", "a", "\\"])


@settings(max_examples=10 * EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SCHEMAS), st.lists(st.tuples(st.floats(0, 1), PIECES), min_size=1, max_size=2), generators)
def test_a_damaged_schema_is_refused_in_one_line_or_is_one(text, damages, rng):
    for place, piece in damages:
        spans = [match.span() for match in re.finditer(r'"[^"]*"|[\w.+-]+|.', text)]
        start, stop = spans[int(place * (len(spans) - 1))]
        text = text[:start] + piece + text[stop:]
    try:
        schema = Variables.from_json(text)
        table = schema.decode(rng.normal(size=(3, len(schema.columns))) * 10.0 ** rng.integers(-3, 30))
    except TaciturnError as error:
        message = str(error)
    else:
        message = ""
        assert len(table) == 3
    assert message.isprintable()
