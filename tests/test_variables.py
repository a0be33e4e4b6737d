"""Tables of mixed columns: what each column is taken for, its numbers, and the table that they become again."""

import numpy as np
import pandas as pd

from taciturn.data.variables import Variables

NAN = np.nan


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
    np.testing.assert_array_equal(rows.take([3, 0]), [expected[3], expected[0]])


def test_a_table_comes_out_as_it_went_in():
    schema = Variables.decide(people(), {"name": "id"})
    rows = schema.source(people()).read(0, 4)
    pd.testing.assert_frame_equal(schema.decode(rows, like=people()), people())
    without = people().drop(columns="name").reset_index(drop=True)
    pd.testing.assert_frame_equal(Variables.from_json(schema.to_json()).decode(rows), without)
