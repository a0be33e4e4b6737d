"""Tables of mixed columns: what each column is taken for, its numbers, and the table that they become again."""

import copy
import datetime as dt
import json
import pickle
import subprocess
import sys
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.preprocessing import OneHotEncoder

from taciturn.core.errors import ArtifactError, DataError, DataTypeError, RecipeError, TaciturnWarning, UnknownColumn
from taciturn.data.sources import check_finite, has_missing
from taciturn.data.variables import Variables, is_numeric
from taciturn.data.variables.casts import as_type
from taciturn.data.variables.values import pack, unpack

NAN = np.nan
DAYS = pd.date_range("2020-01-30", periods=3, unit="s")

pytestmark = pytest.mark.filterwarnings("ignore:column .* is not taken for dates")


def objects(values):
    return pd.Series(values, dtype=object)


def arrow(values, kind):
    return pd.array(values, dtype=pd.ArrowDtype(kind))


def people():
    return pd.DataFrame(
        {
            "name": ["Ada", "Ben", "Cid", "Dot"],
            "age": [36, 40, 28, 61],
            "height": [1.7, NAN, 1.8, 1.65],
            "member": pd.array([True, False, None, True], dtype="boolean"),
            "colour": ["red", "blue", None, "red"],
        },
        index=["w", "x", "y", "z"],
    )


def one(values, kind=None, **options):
    """Return the schema, the only variable and the encoded rows of a frame of one column."""
    frame = values if isinstance(values, pd.DataFrame) else pd.DataFrame({"x": values}, **options)
    schema = Variables.decide(frame, None if kind is None else {"x": kind})
    return schema, schema.variables[0], schema.source(frame).read(0, len(frame))


# What a table becomes


def test_the_numbers_of_a_table():
    schema = Variables.decide(people(), {"name": "id"})
    assert schema.names == ("age", "height", "member", "colour")
    assert schema.levels == (0, 0, 1, 2)
    assert schema.columns == ("age", "height", "member", "colour=blue", "colour=red")
    assert schema.positions == (slice(0, 1), slice(1, 2), slice(2, 3), slice(3, 5))
    rows = schema.source(people())
    assert (len(rows), rows.shape, rows.columns, rows.dtype) == (4, (5,), schema.columns, np.float64)
    expected = [[36, 1.7, 1, 0, 1], [40, NAN, 0, 1, 0], [28, 1.8, NAN, NAN, NAN], [61, 1.65, 1, 0, 1]]
    np.testing.assert_array_equal(rows.read(0, 9), expected)
    np.testing.assert_array_equal(rows.read(1, 2), expected[1:2])
    np.testing.assert_array_equal(rows.take([3, 0, 3]), [expected[3], expected[0], expected[3]])
    assert has_missing(rows)
    check_finite(rows, missing=True)


def test_a_table_comes_out_as_it_went_in():
    schema = Variables.decide(people(), {"name": "id"})
    assert pickle.loads(pickle.dumps(schema)) == copy.deepcopy(schema) == schema
    rows = schema.source(people()).read(0, 4)
    pd.testing.assert_frame_equal(schema.decode(rows, like=people()), people())
    without = people().drop(columns="name").reset_index(drop=True)
    pd.testing.assert_frame_equal(Variables.from_json(schema.to_json()).decode(rows), without)


def test_categories_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.choice(list("zyx"), 200), "b": rng.choice(["10", "9", "é", "b c"], 200)})
    theirs = OneHotEncoder(sparse_output=False).fit(frame)
    schema = Variables.decide(frame)
    np.testing.assert_array_equal(schema.source(frame).read(0, 200), theirs.transform(frame))
    noisy = theirs.transform(frame) + rng.random((200, 7))
    assert (schema.decode(noisy, like=frame).to_numpy() == theirs.inverse_transform(noisy)).all()


def test_levels_that_did_not_occur_are_zero_and_never_predicted():
    schema = Variables.decide(people(), {"name": "id"})
    new = people().assign(colour=["green", "blue", None, "blue"])
    rows = schema.source(new).read(0, 4)
    np.testing.assert_array_equal(rows[:, 3:], [[0, 0], [1, 0], [NAN, NAN], [1, 0]])
    assert schema.decode(rows)["colour"].iloc[0] == "blue"


def test_predictions_become_values():
    schema = Variables.decide(people(), {"name": "id"})
    table = schema.decode([[36.5001, 1.2345, 0.5, 0.4, 0.6], [-3e30, -2, 0.49, 0.51, 0.49]])
    assert table["age"].tolist() == [37, -(2**63)]
    assert table["height"].tolist() == [1.2345, -2]
    assert table["member"].tolist() == [True, False]
    assert table["colour"].tolist() == ["red", "blue"]
    assert table.dtypes.tolist() == people().dtypes.tolist()[1:]


# Kinds

COLUMNS = {
    "float64": ([1.5, NAN, 2], "number"),
    "float32": (np.array([1.5, NAN, 2], np.float32), "number"),
    "float16": (np.array([1.5, NAN, 2], np.float16), "number"),
    "longdouble": (np.array([1.5, NAN, 2], np.longdouble), "number"),
    "Float64": (pd.array([1.5, None, 2], dtype="Float64"), "number"),
    "int64": ([3, 1, 2], "integer"),
    "int8": (np.array([127, -128, 0], np.int8), "integer"),
    "uint64": (np.array([2**64 - 1, 2**64 - 2, 2**64 - 300], np.uint64), "integer"),
    "int64 beyond float64": ([2**62 + 1, 2**62 + 3, 2**62], "integer"),
    "Int64": (pd.array([3, None, 2], dtype="Int64"), "integer"),
    "Int64 beyond float64": (pd.array([2**60 + 1, None, 2**60], dtype="Int64"), "integer"),
    "UInt8": (pd.array([3, None, 255], dtype="UInt8"), "integer"),
    "bool": ([True, False, True], "boolean"),
    "boolean": (pd.array([True, None, False], dtype="boolean"), "boolean"),
    "text": (["b", "a", None], "category"),
    "string[python]": (pd.array(["b", "a", None], dtype="string[python]"), "category"),
    "string[pyarrow]": (pd.array(["b", "a", None], dtype="string[pyarrow]"), "category"),
    "objects: text": (objects(["b", "", None]), "category"),
    "objects: booleans": (objects([True, None, False]), "boolean"),
    "objects: integers": (objects([7, None, 9]), "integer"),
    "objects: floats and integers": (objects([7, 2.5, None]), "number"),
    "objects: Decimal": (objects([Decimal("7.25"), None, Decimal("-900")]), "number"),
    "objects: Decimal and float": (objects([Decimal("7.25"), 1.5, None]), "number"),
    "objects: large integers": (objects([2**70, 2**71, None]), "number"),
    "objects: several types": (objects(["1", 1, True]), "category"),
    "objects: bytes": (objects([b"a", b"\xff", None]), "category"),
    "objects: dates": (objects([dt.date(2020, 1, 31), None, dt.date(1066, 10, 14)]), "date"),
    "objects: datetimes": (objects([dt.datetime(2020, 1, 31, 1, 2), None, dt.datetime(1, 1, 1)]), "date"),
    "objects: Timestamps": (objects([pd.Timestamp(5), pd.Timestamp(8, tz=None), None]), "date"),
    "objects: zoned": (objects([pd.Timestamp(5, tz="UTC"), None, pd.Timestamp(9, tz="UTC")]), "date"),
    "objects: times of day": (objects([dt.time(23, 59), None, dt.time(1, 2, 3, 4)]), "date"),
    "objects: date and datetime": (objects([dt.date(2020, 1, 1), dt.datetime(2020, 1, 1), None]), "category"),
    "categories": (pd.Categorical(["b", "a", None], categories=["c", "b", "a"], ordered=True), "category"),
    "categories of numbers": (pd.Categorical([2, 1, None], categories=[3, 2, 1]), "category"),
    "categories of floats": (pd.Categorical([2.5, 1, None]), "category"),
    "categories of dates": (pd.Categorical(DAYS), "category"),
    "categories of booleans": (pd.Categorical([True, False, None]), "category"),
    "categories of intervals": (pd.cut([1.0, 2.0, 9.0], 3), "category"),
    "datetime64[s]": (DAYS, "date"),
    "datetime64[ns]": (pd.to_datetime([5, None, 8], unit="ns"), "date"),
    "datetime64[us]": (np.array(["1800-01-01", "NaT", "2020-01-01T00:00:00.000001"], "datetime64[us]"), "date"),
    "datetime64, zone": (pd.date_range("2020-03-28", periods=3, tz="Europe/Berlin"), "date"),
    "datetime64, offset": (pd.date_range("2020-03-28", periods=3, tz="+02:00"), "date"),
    "timedelta64": (pd.to_timedelta([1, None, -5], unit="h"), "date"),
    "text: numbers": (["1.50", "-2.25", None], "number"),
    "text: mixed decimals": (["1.5", "2", "-1000.125"], "number"),
    "text: whole numbers": (["10", "-2", None], "number"),
    "text: exponents": (["1e-05", "1e+300", None], "number"),
    "text: dates": (["2020-02-29", None, "1866-10-14"], "date"),
    "text: minutes": (["2020-02-29 23:59", None, "1866-10-14 00:00"], "date"),
    "text: seconds": (["2020-02-29T23:59:01", None, "1866-10-14T00:00:00"], "date"),
    "text: microseconds": (["2020-02-29 23:59:01.000001", None, "1866-10-14 00:00:00.500000"], "date"),
    "text: postal codes": (["01234", "1", None], "category"),
    "text: dates in two forms": (["2020-02-29", "2020-02-29 23:59", None], "category"),
    "text: no date": (["2020-02-30", "2020-02-28", None], "category"),
    "text: not a number": (["nan", "1_000", "inf"], "category"),
    "int16[pyarrow]": (arrow([1, None, -3], pa.int16()), "integer"),
    "bool[pyarrow]": (arrow([True, None, False], pa.bool_()), "boolean"),
    "string[pyarrow] of Arrow": (arrow(["a", None, "b"], pa.string()), "category"),
    "decimal[pyarrow]": (arrow([Decimal("1.5"), None, Decimal(-3)], pa.decimal128(9, 2)), "number"),
    "date32[pyarrow]": (arrow([dt.date(2020, 1, 1), None, dt.date(1, 1, 1)], pa.date32()), "date"),
    "timestamp[pyarrow]": (arrow(DAYS, pa.timestamp("us", "UTC")), "date"),
    "time64[pyarrow]": (arrow([dt.time(1), None, dt.time(2)], pa.time64("us")), "date"),
    "dictionary[pyarrow]": (
        arrow(["a", None, "b"], pa.dictionary(pa.int8(), pa.string())),
        "category",
    ),
    "Sparse": (pd.arrays.SparseArray([0.0, 0.0, 2.5]), "number"),
    "constant": ([4.0, 4.0, 4.0], "number"),
    "constant date": (pd.DatetimeIndex(["2020-01-01 03:00"] * 3), "date"),
    "one level": (["a", None, "a"], "category"),
}  # fmt: skip


def same_objects(column):
    """Return a column with None for all missing cells, where its type holds any object."""
    return column.where(column.notna(), None) if column.dtype == object else column


def assert_same(result, frame):
    pd.testing.assert_index_equal(result.columns, frame.columns, exact=True)
    pd.testing.assert_index_equal(result.index, frame.index, exact=True)
    for position in range(frame.shape[1]):
        left, right = same_objects(result.iloc[:, position]), same_objects(frame.iloc[:, position])
        pd.testing.assert_series_equal(left, right, check_exact=True, check_freq=False)


@pytest.mark.parametrize("name", COLUMNS)
def test_kinds_and_their_way_out(name):
    values, kind = COLUMNS[name]
    frame = pd.DataFrame({"x": values})
    frame.index = pd.Index([3, 3, 1], name="i")
    schema = Variables.decide(frame)
    assert [variable.kind for variable in schema.variables] == [kind]
    again = Variables.from_json(schema.to_json())
    assert again == schema
    rows = again.source(frame).read(0, 3)
    missing = frame["x"].isna().to_numpy()
    assert (np.isnan(rows).any(axis=1) == missing).all()
    assert (np.isnan(rows).all(axis=1) == missing).all()
    assert_same(schema.decode(rows, like=frame), frame)
    assert_same(again.decode(rows), frame.reset_index(drop=True))


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("size", [0.3, 1e10, 1e17, 1e19, 1e30, 1e300, np.inf])
def test_predictions_of_any_size(name, size):
    frame = pd.DataFrame({"x": COLUMNS[name][0]})
    schema = Variables.decide(frame)
    rows = np.array([[size], [-size], [1.0]]) * np.ones(len(schema.columns))
    table = schema.decode(rows, like=frame)
    assert table["x"].dtype == frame["x"].dtype
    assert table["x"].notna().all()


def test_columns_of_one_level():
    schema, _, rows = one(["a", None, "a"])
    assert (schema.columns, schema.levels) == (("x=a",), (0,))
    np.testing.assert_array_equal(rows, [[1], [NAN], [1]])
    assert schema.decode([[0.2], [-7.0]])["x"].tolist() == ["a", "a"]


def test_levels_written_alike():
    schema, _, rows = one(objects(["1", 1, True, "1"]))
    assert schema.columns == ("x=True", "x=1", "x='1'")
    np.testing.assert_array_equal(rows, [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
    back = schema.decode(rows)["x"].tolist()
    assert [(type(value), value) for value in back] == [(str, "1"), (int, 1), (bool, True), (str, "1")]


def test_encoded_names_differ():
    schema = Variables.decide(pd.DataFrame({"a=b": [1.5, 2], "a": ["b", "c"], "a=c (2)": [1.0, 3], "a=c": [2, 3]}))
    assert schema.columns == ("a=b", "a=b (2)", "a=c", "a=c (2)", "a=c (3)")


def test_numbers_forced_to_be_categories_keep_their_type():
    schema, variable, rows = one(np.array([8001, 10115, 8001], np.int32), "category")
    assert (schema.columns, schema.levels) == (("x=8001", "x=10115"), (2,))
    np.testing.assert_array_equal(rows, [[1, 0], [0, 1], [1, 0]])
    assert schema.decode(rows)["x"].dtype == np.int32
    # with a missing cell pandas makes floats of them: the levels are the same
    floats = pd.DataFrame({"x": [10115.0, NAN]})
    np.testing.assert_array_equal(schema.source(floats).read(0, 2), [[0, 1], [NAN, NAN]])
    assert_same(schema.decode(schema.source(floats).read(0, 2), like=floats), floats)
    assert variable.kind == "category"


def test_floats_forced_to_be_integers():
    schema, _, rows = one([1.0, NAN, 3.0], "integer")
    assert not schema.plain
    assert schema.decode(rows + 0.4)["x"].tolist()[::2] == [1.0, 3.0]
    with pytest.raises(DataError, match=r"column 'x': row 1 holds '1\.5', not a whole number"):
        one([1.0, 1.5], "integer")


def test_zeros_and_ones_forced_to_be_booleans():
    schema, _, rows = one(np.array([0, 1, 1], np.int8), "boolean")
    assert schema.levels == (1,)
    assert_same(schema.decode(rows * 0.9), pd.DataFrame({"x": np.array([0, 1, 1], np.int8)}))
    with pytest.raises(DataError, match="column 'x': row 1 holds '2', neither True or 1 nor False or 0"):
        one([0, 2], "boolean")


@pytest.mark.parametrize(
    ("texts", "step", "rows"),
    [
        (["2020-01-31", "2020-02-02"], 86_400, [0, 2]),
        (["2020-01-31 08:00", "2020-02-02 08:00"], 86_400, [0, 2]),
        (["2020-01-31 08:00", "2020-02-02 09:00"], 3_600, [0, 49]),
        (["2020-01-31 08:00:00", "2020-01-31 08:01:00"], 60, [0, 1]),
        (["2020-01-31 08:00:00", "2020-01-31 08:01:01"], 1, [0, 61]),
        (["2020-01-31 08:00:00.000", "2020-01-31 08:00:01.002"], 1e-3, [0, 1002]),
    ],
)
def test_steps_of_dates(texts, step, rows):
    for values in (
        texts,
        pd.to_datetime(texts).astype("datetime64[ns]"),
        pd.to_datetime(texts).astype("datetime64[us]"),
    ):
        _, variable, encoded = one(values)
        assert variable.step == step * 10**9
        np.testing.assert_array_equal(encoded[:, 0], rows)


def test_dates_of_another_resolution_and_predictions():
    schema, _, _ = one(pd.DatetimeIndex(["2020-01-31", "2020-02-02"], dtype="datetime64[ns]"))
    later = pd.DataFrame({"x": pd.DatetimeIndex(["2020-02-01 12:00", "2020-01-30"], dtype="datetime64[s]")})
    rows = schema.source(later).read(0, 2)
    np.testing.assert_array_equal(rows, [[1.5], [-1]])
    assert schema.decode([[1.4], [1e300]])["x"].tolist() == [pd.Timestamp("2020-02-01"), pd.Timestamp("2262-04-11")]
    assert schema.decode(rows, like=later)["x"].dtype == "datetime64[s]"


def test_far_predictions_stay_in_the_range_of_python():
    for values in (objects([dt.date(2020, 1, 1), dt.date(2020, 1, 5)]), ["2020-01-01", "2020-01-05"]):
        schema, _, _ = one(values)
        assert [str(value) for value in schema.decode([[1e9], [-np.inf]])["x"]] == ["9999-12-31", "0001-01-01"]


def test_zero_has_no_sign_as_a_level():
    schema, _, rows = one([0.0, -0.0, 1.5], "category")
    assert schema.columns[1:] == ("x=1.5",)
    assert rows.tolist() == [[1, 0], [1, 0], [0, 1]]


def test_levels_beyond_any_float():
    _, variable, _ = one(objects([10**400, np.float32(1.5)]))
    assert variable.values == [1.5, 10**400]


def test_times_of_numpy_beside_numbers_are_not_numbers():
    for kind in ("number", "integer", "boolean"):
        with pytest.raises(DataError, match=r"row 1 holds '1970-01-01T00:00:00\.0+1', not a number"):
            one(objects([1.0, np.datetime64(1, "ns")]), kind)


def test_decimals_are_rounded_and_clipped():
    dtype = pd.ArrowDtype(pa.decimal128(4, 2))
    schema, _, _ = one(pd.array([Decimal("1.5"), Decimal("2.25")], dtype=dtype))
    back = schema.decode([[1.006], [1e9], [-np.inf], [-0.004]])["x"]
    assert back.dtype == dtype
    assert back.tolist() == [Decimal("1.01"), Decimal("99.99"), Decimal("-99.99"), Decimal("0.00")]
    schema, _, _ = one(objects([Decimal("1.5"), Decimal("2.25")]))
    assert schema.decode([[123456.789]])["x"].tolist() == [Decimal("123456.79")]


def test_numbers_in_text_are_written_as_they_were():
    assert one(["1.50", "2.25"])[0].decode([[1.234], [7]])["x"].tolist() == ["1.23", "7.00"]
    assert one(["1.5", "2", "2.25"])[0].decode([[1.234], [7]])["x"].tolist() == ["1.23", "7"]
    assert one(["12", "7"])[0].decode([[7.6]])["x"].tolist() == ["8"]
    assert one([" 1e3", "+.5", "7."])[2].ravel().tolist() == [1000, 0.5, 7]


def test_whole_numbers_as_arrow():
    for kind, low, high in ((pa.int8(), -128, 127), (pa.uint16(), 0, 65535), (pa.uint64(), 0, 2**64 - 1)):
        clipped = as_type(np.array([-np.inf, -1e30, 1e30, np.inf, 2.5, NAN]), kind).to_pylist()
        assert clipped == [low, low, high, high, 2, None]


@pytest.mark.parametrize("name", COLUMNS)
def test_tables_that_are_numeric_are_plain(name):
    frame = pd.DataFrame({"x": COLUMNS[name][0], "y": [1, 2, 3]})
    numeric = is_numeric(frame)
    assert numeric == (frame["x"].dtype.kind in "iuf")
    objects_of_numbers = name.startswith("objects") and COLUMNS[name][1] in ("number", "integer")
    assert Variables.decide(frame).plain == (numeric or (objects_of_numbers and name != "objects: Decimal"))


def test_numeric_tables_of_other_libraries():
    assert is_numeric(POLARS.select("float", "int", "int128"))
    assert not is_numeric(POLARS.select("float", "decimal"))
    assert is_numeric(ARROW.select(["int", "half"]))
    assert not is_numeric(ARROW.select(["int", "bool"]))
    assert not is_numeric(np.eye(2))


def test_plain_tables():
    assert Variables.decide(pd.DataFrame({"a": [1.5, NAN], "b": [1, 2], "c": pd.array([1, None], dtype="Int8")})).plain
    for column in (["a", "b"], [True, False], ["1", "2"], objects([Decimal(1), Decimal(2)]), DAYS[:2]):
        assert not Variables.decide(pd.DataFrame({"a": [1.5, NAN], "b": column})).plain
    assert not Variables.decide(pd.DataFrame({"a": [1.5, NAN], "b": [1, 2]}), {"b": "drop"}).plain


# Other libraries

POLARS = pl.DataFrame(
    {
        "float": [1.5, None, 2],
        "int": pl.Series([1, None, 255], dtype=pl.UInt8),
        "int128": pl.Series([1, None, 3], dtype=pl.Int128),
        "bool": [True, None, False],
        "text": ["a", None, "b"],
        "categorical": pl.Series(["y", "x", None], dtype=pl.Categorical),
        "enum": pl.Series(["y", "x", None], dtype=pl.Enum(["z", "y", "x"])),
        "date": [dt.date(2020, 1, 1), None, dt.date(1066, 10, 14)],
        "zoned": pl.Series([dt.datetime(2020, 1, 1, 3), None, dt.datetime(1960, 1, 1)], dtype=pl.Datetime("ns", "UTC")),
        "time": [dt.time(1), None, dt.time(2, 3, 4, 5)],
        "duration": [dt.timedelta(1), None, dt.timedelta(0, 5)],
        "decimal": pl.Series([Decimal("1.5"), None, Decimal("-2.25")], dtype=pl.Decimal(6, 2)),
        "object": pl.Series([1, "a", None], dtype=pl.Object),
        "binary": [b"a", b"b", None],
        "number in text": ["1.50", None, "-7.25"],
    }
)  # fmt: skip
ARROW = pa.table(
    {
        "int": pa.array([1, None, -3], pa.int16()),
        "half": pa.array(np.array([1, 2, 3], np.float16)),
        "bool": [True, None, False],
        "text": pa.array(["a", None, "b"], pa.string_view()),
        "dictionary": pa.DictionaryArray.from_arrays(pa.array([0, None, 2], pa.int8()), ["c", "b", "a"]),
        "ordered": pa.DictionaryArray.from_arrays(pa.array([0, None, 2]), [3, 2, 1], ordered=True),
        "date64": pa.array([dt.date(2020, 1, 1), None, dt.date(2020, 1, 3)], pa.date64()),
        "time32": pa.array([dt.time(1), None, dt.time(2)], pa.time32("s")),
        "decimal256": pa.array([Decimal("1.5"), None, Decimal("9.9")], pa.decimal256(50, 3)),
        "decimal32": pa.array([Decimal("1.5"), None, Decimal("9.9")], pa.decimal32(5, 1)),
        "fixed": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    },
    metadata={"author": "Ada"},
)


def test_a_table_of_polars():
    schema = Variables.decide(POLARS)
    assert schema.levels == (0, 0, 0, 1, 2, 2, 2, 0, 0, 0, 0, 0, 2, 2, 0)
    rows = schema.source(POLARS).read(0, 3)
    for table in (schema.decode(rows, like=POLARS), Variables.from_json(schema.to_json()).decode(rows)):
        assert table.schema == POLARS.schema
        assert [table[name].to_list() for name in table.columns] == [POLARS[name].to_list() for name in table.columns]


@pytest.mark.parametrize("table", [ARROW, ARROW.to_batches()[0], pa.concat_tables([ARROW, ARROW])])
def test_an_arrow_table(table):
    schema = Variables.decide(table)
    assert schema.levels == (0, 0, 1, 2, 2, 2, 0, 0, 0, 0, 2)
    rows = schema.source(table).read(0, 9)
    like = schema.decode(rows, like=table)
    assert like.schema.equals(table.schema, check_metadata=True)
    for result in (like, Variables.from_json(schema.to_json()).decode(rows)):
        assert result.schema == table.schema
        dictionary = result["dictionary"].unify_dictionaries().combine_chunks().dictionary
        assert dictionary.to_pylist() == ["c", "b", "a"]  # also "b", which did not occur
        assert result.to_pydict() == table.to_pydict()


def test_one_schema_for_three_libraries():
    frame = people()[["age", "height", "colour"]]
    schema = Variables.decide(frame)
    rows = schema.source(frame).read(0, 4)
    for table in (pl.from_pandas(frame), pa.Table.from_pandas(frame, preserve_index=False)):
        np.testing.assert_array_equal(schema.source(table).read(0, 4), rows)
        result = schema.decode(rows, like=table)
        assert type(result) is type(table)
        assert (result.to_dict(as_series=False) if isinstance(table, pl.DataFrame) else result.to_pydict()) == {
            "age": [36, 40, 28, 61],
            "height": [1.7, None, 1.8, 1.65],
            "colour": ["red", "blue", None, "red"],
        }


@pytest.mark.parametrize(
    ("table", "absent"),
    [("pyarrow.table", ["pandas", "polars"]), ("polars.DataFrame", ["pandas"]), ("pandas.DataFrame", ["polars"])],
)
def test_libraries_need_not_be_installed_that_the_table_is_not_of(table, absent):
    program = f"""
import sys
class Absent:
    def find_spec(self, name, *_):
        if name in {absent}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import {table.partition(".")[0]}
from taciturn.data.variables import Variables
table = {table}({{"a": ["x", "y"], "b": [1, 2]}})
schema = Variables.decide(table)
print(schema.decode(schema.source(table).read(0, 2), like=table).equals(table))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


# Names of columns


@pytest.mark.parametrize(
    "names",
    [
        ["a", "b"],
        [0, 1],
        [("a", "x"), ("a", "y")],
        pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")], names=["one", "two"]),
        pd.Index(["a", "b"], name="columns"),
        [1.5, dt.date(2020, 1, 1)],
        ["", " "],
        ["a\nb", "\x1b[31m"],
        ["=", "=="],
        ["x" * 5000, "é"],
    ],
)
def test_names_of_any_kind(names):
    frame = pd.DataFrame([["a", 1.5], ["b", 2.5]])
    frame.columns = names
    schema = Variables.decide(frame)
    rows = schema.source(frame).read(0, 2)
    np.testing.assert_array_equal(rows, [[1, 0, 1.5], [0, 1, 2.5]])
    assert_same(schema.decode(rows, like=frame), frame.astype({frame.columns[0]: "str"}))
    again = Variables.from_json(schema.to_json())
    assert again == schema
    assert list(again.decode(rows).columns) == list(frame.columns)
    assert all(line.isprintable() and len(line) < 500 for line in schema.lines())


def test_names_that_are_not_text_are_compared_by_position():
    frame = pd.DataFrame([["a", 1.5], ["b", 2.5]])
    schema = Variables.decide(frame)
    other = frame.rename(columns={0: 7, 1: 3})
    assert_same(schema.decode(schema.source(other).read(0, 2), like=other), other)


# Filling in missing cells


def test_known_cells_stay_as_they_are():
    schema = Variables.decide(people(), {"name": "id"})
    table = people().assign(colour=["green", "blue", None, "red"])
    filled = schema.fill([[1, 1.5, 0.7, 0.9, 0.1]] * 4, table)
    expected = table.assign(height=[1.7, 1.5, 1.8, 1.65], colour=["green", "blue", "blue", "red"])
    expected["member"] = pd.array([True, False, True, True], dtype="boolean")
    assert_same(filled, expected)


@pytest.mark.parametrize("name", COLUMNS)
def test_missing_cells_of_all_types(name):
    frame = pd.DataFrame({"x": COLUMNS[name][0]})
    schema = Variables.decide(frame)
    rows = schema.source(frame).read(0, 3)
    first = int(np.argmax(~np.isnan(rows).any(axis=1)))
    filled = schema.fill(np.tile(rows[first], (3, 1)), frame)
    pairs = zip(frame["x"], frame["x"].isna(), strict=True)
    cells = [frame["x"].iloc[first] if missing else cell for cell, missing in pairs]
    assert_same(filled, pd.DataFrame({"x": pd.Series(cells, dtype=frame["x"].dtype)}))


def cells_of(table, name):
    return table[name].to_pylist() if isinstance(table, pa.Table) else table[name].to_list()


@pytest.mark.parametrize("table", [POLARS, ARROW, ARROW.slice(1)])
def test_missing_cells_of_other_libraries(table):
    schema = Variables.decide(table)
    rows = np.nan_to_num(schema.source(table).read(0, 3), nan=0.75)
    filled, decoded = schema.fill(rows, table), schema.decode(rows, like=table)
    assert filled.schema == table.schema
    for name in schema.names:
        known, predicted = cells_of(table, name), cells_of(decoded, name)
        expected = [p if k is None else k for k, p in zip(known, predicted, strict=True)]
        assert None not in expected
        assert cells_of(filled, name) == expected


# What is refused

BAD = [
    ([[1, 2]], None, DataTypeError, r"the rows are list, not a table; give a frame of pandas or Polars"),
    (np.eye(2), None, DataTypeError, r"the rows are ndarray, not a table"),
    (pl.LazyFrame({"a": [1]}), None, DataTypeError, r"the rows are a lazy frame; give X.collect\(\)"),
    (pd.DataFrame([[1, 2]], columns=["a", "a"]), None, DataError, r"two columns are called 'a'; give each"),
    (pa.table([[1], [2]], names=["a", "a"]), None, DataError, r"two columns are called 'a'"),
    (pd.DataFrame([[1, 2]], columns=["a", 1]), None, DataTypeError, r"some names of columns are text, others are not"),
    (pd.DataFrame([[1, 2]], columns=[NAN, 1.5]), None, DataError, r"the name of a column is missing"),
    (pd.DataFrame([[1, 2]], columns=objects(["a", "\ud800"])), None, DataError, r"column '\\ud800' is of a text"),
    (pd.DataFrame({"a": []}), None, DataError, r"the table has no rows"),
    (pd.DataFrame(index=[1, 2]), None, DataError, r"the table has no columns"),
    (pd.DataFrame({"a": [1], "b": [NAN]}), None, DataError, r"^column 'b' has no known value; drop it$"),
    (pd.DataFrame({"a": [None], "b": [NAN]}), None, DataError, r"^columns 'a', 'b' have no known value; drop them$"),
    (pa.table({"a": [float("nan")]}), None, DataError, r"^column 'a' has no known value; drop it$"),
    (pd.DataFrame({"a": [1]}), {"a": "drop"}, DataError, r"no column is left; drop fewer"),
    (pd.DataFrame({"age": [1]}), {"Agee": "drop"}, UnknownColumn, r"no column 'Agee'; nearest: 'age'"),
    (pd.DataFrame({"a": [1]}), {"a": "text"}, RecipeError, r"column 'a' cannot be 'text'; kinds are number, integer"),
    (pd.DataFrame({"a": [1]}), {"a": ["id"]}, RecipeError, r"column 'a' cannot be \"\['id'\]\"; kinds are"),
    (pd.DataFrame({"a": [[1], [2]]}), None, DataError, r"column 'a' has the type list, which is of no kind"),
    (pd.DataFrame({"a": [{"b": 1}]}), None, DataError, r"column 'a' has the type dict, which is of no kind"),
    (pd.DataFrame({"a": [1j]}), None, DataError, r"column 'a' has the type complex128; convert it to numbers"),
    (pd.DataFrame({"a": objects([1j, 2])}), None, DataError, r"column 'a' holds complex values"),
    (pd.DataFrame({"a": [object()]}), None, DataError, r"column 'a' holds object values; convert them to text"),
    (pd.DataFrame({"a": objects(["\ud800"])}), None, DataError, r"column 'a' holds a text that is not"),
    (pd.DataFrame({"a": pd.period_range("2020", periods=1, freq="M")}), None, DataError, r"period\[M\].*to_timestamp"),
    (pa.table({"a": [[1]]}), None, DataError, r"column 'a' has the type list<.*>, which is of no kind of variable"),
    (pl.DataFrame({"a": [{"b": 1}]}), None, DataError, r"column 'a' has the type Struct"),
    (pd.DataFrame({"a": ["1", "x"]}), {"a": "number"}, DataError, r"column 'a': row 1 holds 'x', not a number"),
    (pd.DataFrame({"a": ["1", "x"]}), {"a": "date"}, DataError, r"column 'a': row 0 holds '1', not a date as 2020-01"),
    (pd.DataFrame({"a": [1, 2]}), {"a": "date"}, DataError, r"column 'a': row 0 holds '1', not a date"),
    (pd.DataFrame({"a": ["1", "x"]}), {"a": "boolean"}, DataError, r"column 'a': row 1 holds 'x', not a number"),
    (pd.DataFrame({"a": DAYS}), {"a": "number"}, DataError, r"column 'a': row 0 holds '2020-01-30 00:00:00', not"),
    (pd.DataFrame({"a": ["2020-01-01", "2020-01-01 10:00"]}), {"a": "date"}, DataError, r"write all in one form"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "kinds", "error", "message"), BAD)
def test_what_is_refused(table, kinds, error, message):
    with pytest.raises(error, match=message) as caught:
        Variables.decide(table, kinds)
    assert str(caught.value).isprintable()


def test_text_of_many_levels():
    frame = pd.DataFrame({"note": [f"note {i}" for i in range(51)], "x": range(51)})
    with pytest.raises(DataError) as caught:
        Variables.decide(frame)
    assert str(caught.value) == (
        "column 'note' has more than 50 levels of text ('note 0', 'note 1', …); set variables={'note': 'id'} "
        "(--id note) if it names the rows, else 'drop' (--drop), or 'category' (--categorical) to keep all levels"
    )
    assert Variables.decide(frame, {"note": "category"}).levels == (51, 0)
    assert Variables.decide(frame, {"note": "drop"}).levels == (0,)
    assert Variables.decide(frame[:50]).levels == (50, 0)
    assert Variables.decide(frame.astype({"note": "category"})).levels == (51, 0)


def test_a_column_of_numbers_with_a_word_is_warned_of():
    ages = pd.DataFrame({"age": ["31", "45", "x", "52"], "size": ["7", "l", "m", "s"]})
    with pytest.warns(TaciturnWarning, match="column 'age' is taken .*, because 'x' is no number") as caught:
        assert Variables.decide(ages).levels == (4, 4)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Variables.decide(ages, {"age": "category"})


# Another table than the one that was decided on


def test_columns_that_are_left_out_may_be_absent():
    schema = Variables.decide(people(), {"name": "id"})
    new = people().drop(columns="name")
    rows = schema.source(new).read(0, 4)
    assert_same(schema.decode(rows, like=new), new)
    assert schema.ids(people()) == ["Ada", "Ben", "Cid", "Dot"]
    assert schema.ids(new) is None
    two = Variables.decide(people(), {"name": "id", "age": "id"})
    assert two.ids(people())[0] == ("Ada", 36)
    moved = people()[["age", "height", "member", "colour", "name"]]
    assert_same(schema.decode(rows, like=moved), moved)


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("kind", ["id", "drop"])
def test_columns_that_are_left_out_are_copied(name, kind):
    frame = pd.DataFrame({"x": COLUMNS[name][0], "y": [1, 2, 3]}).set_axis([7, 7, 8])
    schema = Variables.decide(frame, {"x": kind})
    assert schema.columns == ("y",)
    assert_same(schema.decode([[1.2], [2.0], [2.9]], like=frame), frame)
    assert_same(
        Variables.from_json(schema.to_json()).decode([[1.2], [2.0], [2.9]]), frame[["y"]].reset_index(drop=True)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="age"), r"the table has no column 'age', which the model was trained on; add it"),
        (lambda t: t.assign(new=1), r"the model was not trained on column 'new'; leave it out"),
        (lambda t: t[t.columns[::-1]], r"another order.*give X\[\['age', 'height', 'member', 'colour'\]\]"),
        (lambda t: t.assign(age=["1", "x", "y", "2"]), r"column 'age': row 1 holds 'x', not a number \(rows count fr"),
        (lambda t: t.assign(height=DAYS[0]), r"column 'height': row 0 holds '2020-01-30 00:00:00', not a number"),
        (lambda t: t.assign(member=[0, 1, 2, NAN]), r"column 'member': row 2 holds '2\.0', neither True or 1"),
        (lambda t: t.assign(colour=[1, 2, 3, 4]), r"column 'colour': row 0 holds '1'.*levels are text, not numbers"),
        (lambda t: t.iloc[:0], r"the table has no rows"),
        (lambda t: t.to_numpy(), r"the rows are ndarray, not a table"),
    ],
)  # fmt: skip
def test_another_table_that_is_refused(change, message):
    schema = Variables.decide(people(), {"name": "id"})
    with pytest.raises(DataError, match=message) as caught:
        schema.source(change(people()))
    assert str(caught.value).isprintable()


REDS = ["red", "blue", "red", None]


@pytest.mark.parametrize(
    ("column", "cells", "numbers", "expected"),
    [
        ("age", [1, 2.75, 3, NAN], [[1], [2.75], [3], [NAN]], [1.0, 3.0, 3.0, NAN]),
        ("age", [True, False, True, True], [[1], [0], [1], [1]], [True, False, True, True]),
        ("age", list("1234"), [[1], [2], [3], [4]], list("1234")),
        ("height", ["1", "2", ".5", "-3"], [[1], [2], [0.5], [-3]], [1.0, 2.0, 0.5, -3.0]),
        ("height", [1, 2, 3, 4], [[1], [2], [3], [4]], [1.0, 2.0, 3.0, 4.0]),
        ("member", [0, 1, NAN, 1], [[0], [1], [NAN], [1]], [0.0, 1.0, NAN, 1.0]),
        ("member", [0, 1, 1, 1], [[0], [1], [1], [1]], [0, 1, 1, 1]),
        ("colour", [None] * 4, [[NAN, NAN]] * 4, [None] * 4),
        ("colour", pd.Categorical(REDS), [[0, 1], [1, 0], [0, 1], [NAN] * 2], REDS),
    ],
)  # fmt: skip
def test_other_types_that_are_of_the_same_kind(column, cells, numbers, expected):
    schema = Variables.decide(people(), {"name": "id"})
    table = people().assign(**{column: cells})
    rows = schema.source(table).read(0, 4)
    np.testing.assert_array_equal(rows[:, schema.positions[schema.names.index(column)]], numbers)
    result = schema.decode(rows, like=table)
    expected = pd.Series(expected, index=table.index, name=column)
    if isinstance(cells, pd.Categorical):
        expected = expected.astype("category")
    pd.testing.assert_series_equal(same_objects(result[column]), same_objects(expected), check_exact=True)


def test_categories_forced_to_be_numbers():
    for values, kind in (
        (pd.Categorical([1, 2, 4]), "number"),
        (pd.Categorical([1, 2, 4]), "integer"),
        (pd.Categorical(["1", "2", "4"]), "number"),
        (arrow([1, 2, 4], pa.dictionary(pa.int8(), pa.int64())), "number"),
    ):
        schema, _, rows = one(values, kind)
        assert rows.ravel().tolist() == [1, 2, 4]
        assert schema.decode([[1.5]])["x"].tolist() == [2 if kind == "integer" else 1.5]
        assert schema.decode(rows, like=pd.DataFrame({"x": values}))["x"].tolist() == [1, 2, 4]
    schema, _, _ = one([1, 2, 4])
    like = pd.DataFrame({"x": pd.Categorical([4, 1])})
    assert schema.decode(schema.source(like).read(0, 2), like=like)["x"].tolist() == [4, 1]


def test_large_integers_in_another_table():
    schema, _, _ = one([2**60, 2**60 + 7])
    text = pd.DataFrame({"x": [str(2**60 + 3), " +1 "]})
    assert schema.source(text).read(0, 2).ravel().tolist() == [3, float(1 - 2**60)]
    floats = pd.DataFrame({"x": [2.0**60, 0.5, np.inf, NAN]})
    np.testing.assert_array_equal(schema.source(floats).read(0, 4).ravel(), [0, -(2.0**60), np.inf, NAN])
    with pytest.raises(DataError, match="column 'x': row 1 holds 'x', not a number"):
        schema.source(pd.DataFrame({"x": ["1", "x"]}))


def test_dates_where_durations_were():
    schema, _, _ = one(pd.to_timedelta([1, 2], unit="h"))
    with pytest.raises(DataError, match="column 'x': row 0 holds '2020-01-30 00:00:00', not a duration"):
        schema.source(pd.DataFrame({"x": DAYS}))


def test_types_of_another_table_that_cannot_hold_the_values():
    schema, _, _ = one([1.5, 2.5])
    whole = pd.DataFrame({"x": [1, 2]})
    assert schema.decode([[1.25], [7]], like=whole)["x"].tolist() == [1.25, 7.0]
    schema, _, _ = one(["a", "b"])
    few = pd.DataFrame({"x": pd.Categorical(["a", "a"])})
    assert schema.decode([[0, 1], [1, 0]], like=few)["x"].tolist() == ["b", "a"]
    assert schema.decode([[0, 1], [1, 0]], like=pl.DataFrame({"x": ["a", "b"]}))["x"].to_list() == ["b", "a"]


def test_rows_of_another_shape():
    schema = Variables.decide(people(), {"name": "id"})
    with pytest.raises(DataError, match=r"the rows have shape \[2, 3\], not \[N, 5\]"):
        schema.decode(np.zeros((2, 3)))
    with pytest.raises(DataError, match="2 rows cannot be written like a table of 4; give as many rows"):
        schema.decode(np.zeros((2, 5)), like=people())


# What was decided, as text and as JSON


def test_the_lines():
    assert Variables.decide(people(), {"name": "id"}).lines() == [
        "1 id: 'name'",
        "1 integer: 'age'",
        "1 number: 'height'",
        "1 boolean: 'member'",
        "colour: category of 2 levels: 'blue', 'red'",
    ]
    wide = pd.DataFrame({f"c{i}": list("ab") if i % 2 else [1.0, i] for i in range(500)})
    lines = Variables.decide(wide).lines()
    assert len(lines) == 12
    assert max(map(len, lines)) < 100
    assert lines[0] == "250 numbers: 'c0', 'c2', 'c4', 'c6', 'c8' and 245 more"
    assert lines[-1] == "240 more categories: 'c21', 'c23', 'c25', 'c27', 'c29' and 235 more"


VALUES = ["red", "", "\x00", 3, -(2**90), 1.5, np.inf, True, None, b"\xff", Decimal("1.50"), dt.date(1, 1, 1)]
VALUES += [dt.datetime(2020, 1, 31, 1, 2, 3, 4), dt.datetime(2020, 1, 31, tzinfo=dt.UTC), dt.time(1, 2), ("a", 1)]
VALUES += [dt.timedelta(-3, 5, 7), pd.Interval(0.5, 2, "left"), pd.Timestamp("2020-03-29 12:00", tz="Europe/Berlin")]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_values_in_json(value):
    again = unpack(json.loads(json.dumps(pack(value))))
    assert again == value
    assert isinstance(value, type(again))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-5], "Input data was truncated"),
        (lambda text: text.replace('"blue"', '"red"'), "two levels are equal"),
        (lambda text: text.replace('"blue"', '{"int":"x"}'), "is not a value"),
        (lambda text: text.replace('"blue"', "[1]"), "is not a value"),
        (lambda text: text.replace('"category"', '"colour"'), "Invalid value 'colour'"),
        (lambda text: text.replace('"age"', '"height"'), "two columns have the same name"),
        (lambda text: text.replace('"offset":0', '"offset":"a"'), "offset 'a' is not an integer"),
        (lambda text: text.replace('"pandas"', '"excel"'), "Invalid enum value 'excel'"),
        (lambda text: text.replace('"ordered"', '"sorted"'), "unknown field"),
        (lambda text: '{"library":"pandas","table":[]}', "no variable"),
        (lambda text: "[" * 100_000, "the file is damaged"),
        (lambda text: b"\xff", "the file is damaged"),
    ],
)
def test_damaged_json(change, message):
    text = Variables.decide(people(), {"name": "id"}).to_json()
    with pytest.raises(ArtifactError, match=f"variables: .*{message}") as caught:
        Variables.from_json(change(text))
    assert str(caught.value).isprintable()


def test_damaged_types_in_json():
    text = Variables.decide(people(), {"name": "id"}).to_json()
    for old, new in (
        ('"int64"', '"int65"'),
        ('"text":"boolean"', '"text":"os.system"'),
        ('"arrow":"double"', '"arrow":"dubel"'),
    ):
        with pytest.raises(ArtifactError, match=r"is not a (d?type)"):
            Variables.from_json(text.replace(old, new, 1)).decode(np.zeros((1, 5)))
    text = Variables.decide(POLARS).to_json()
    for new in ("Config", "Series([])", "Datetime(os)", "(", "a.b", "Int8(1)(2)"):
        with pytest.raises(ArtifactError, match=r"is not a type of this Polars"):
            Variables.from_json(text.replace('"text":"UInt8"', f'"text":"{new}"')).decode(np.zeros((1, 20)))


# --- dates as people write them --------------------------------------------------------------------------------
MOMENTS = pd.Timestamp("2024-02-03") + pd.to_timedelta(np.random.default_rng(0).integers(0, 10**6, 60), unit="min")
LOCAL_FORMS = {  # of strftime, and the form
    "%d.%m.%Y": "dd.mm.yyyy",
    "%-d.%-m.%Y": "d.m.yyyy",
    "%m/%d/%Y": "mm/dd/yyyy",
    "%-m/%-d/%Y %-H:%M": "m/d/yyyy H:MM",
    "%d/%m/%Y %H:%M": "dd/mm/yyyy HH:MM",
    "%d-%m-%Y %H:%M:%S": "dd-mm-yyyy HH:MM:SS",
    "%m-%d-%Y": "mm-dd-yyyy",
    "%Y/%m/%d": "yyyy/mm/dd",
    "%Y/%-m/%-d %-H:%M:%S": "yyyy/m/d H:MM:SS",
    "%Y-%m-%d %H:%M": "2020-01-31 23:59",
}


@pytest.mark.parametrize("form", LOCAL_FORMS)
def test_dates_come_back_in_the_form_in_which_they_were_written(form):
    texts = pd.DataFrame({"sold": [*MOMENTS.strftime(form), None], "n": range(61)})
    schema = Variables.decide(texts)
    sold = schema.variables[0]
    assert (sold.kind, sold.written) == ("date", LOCAL_FORMS[form])
    moments = pd.to_datetime(texts["sold"], format=form.replace("-d", "d").replace("-m", "m").replace("-H", "H"))
    unit = {"M": 60, "S": 60, "Y": 86_400, "d": 86_400}[form[-1]]  # the times are whole minutes
    expected = (moments - moments.min()).dt.total_seconds() / unit
    rows = schema.source(texts).read(0, 61)
    np.testing.assert_array_equal(rows[:, 0], expected)
    assert_same(schema.decode(rows, texts), texts)
    assert_same(Variables.from_json(schema.to_json()).decode(rows), texts)


def test_new_dates_are_read_in_the_order_that_was_trained_on():
    schema = Variables.decide(pd.DataFrame({"sold": ["31/01/2024", "01/02/2024"]}))
    rows = schema.source(pd.DataFrame({"sold": ["03/02/2024", "2024-02-04", "5.2.2024", None]}))
    np.testing.assert_array_equal(rows.read(0, 4)[:, 0], [3, 4, 5, np.nan])
    american = Variables.decide(pd.DataFrame({"sold": ["01/31/2024", "02/01/2024"]}))
    np.testing.assert_array_equal(american.source(pd.DataFrame({"sold": ["02/03/2024"]})).read(0, 1), [[3]])
    with pytest.raises(DataError, match=r"row 1 holds '02/13/2024', not a date as dd/mm/yyyy"):
        schema.source(pd.DataFrame({"sold": ["01/02/2024", "02/13/2024"]}))
    typed = Variables.decide(pd.DataFrame({"sold": pd.to_datetime(["2024-01-31", "2024-02-01"])}))
    with pytest.raises(DataError, match="not a date as 2020-01-31"):  # which order they have is not known
        typed.source(pd.DataFrame({"sold": ["03/02/2024"]}))


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["01/02/2025", "03/04/2025"], r"in '01/02/2025' the day or the month may come first"),
        (["31/12/2025", "12/31/2025"], "days and months are mixed up"),
        (["31.12.2025", "31.12.2025 10:00"], r"dates like '31\.12\.2025' are not all in one form that is known"),
        (["31.12.25"], "not all in one form that is known"),
        (["12/31/2025 2:05 PM"], "not all in one form that is known"),
        (["01.2.2025", "1.02.2025"], "not all in one form that is known"),
        (["2025-01-31", "2025-02-28", "2025-02-30"], "'2025-02-30' is no date"),
        (["31.01.2025", "28.02.2025", "30.02.2025"], r"'30\.02\.2025' is no date"),
        (["31.01.2025", "28.02.2025", "soon"], "'soon' is no date"),
    ],
)
def test_dates_of_no_one_form_are_text_with_a_warning(texts, reason):
    table = pd.DataFrame({"sold": texts})
    with pytest.warns(
        TaciturnWarning, match=f"column 'sold' is not taken for dates, because .*{reason}.*; write them as"
    ):
        assert Variables.decide(table).variables[0].kind == "category"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Variables.decide(table, {"sold": "category"}).variables[0].kind == "category"
    with pytest.raises(DataError, match="column 'sold'"):
        Variables.decide(table, {"sold": "date"})


@pytest.mark.parametrize("texts", [["1.5.2", "2.1.0"], ["a", "b", "1.1.2025"], ["10-20", "30-40"], ["12.34.5678.9"]])
def test_other_texts_are_no_dates(texts):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Variables.decide(pd.DataFrame({"code": texts})).variables[0].kind == "category"
