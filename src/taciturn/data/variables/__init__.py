"""The schema of a mixed table: kinds of variables, encoding into numbers and back.

`Variables.decide(table)` decides once what each column is. `source(table)` gives a table's rows as numbers, `decode`
gives numbers, or a network's predictions, as a table of the same columns, order, types and index. The network needs
`levels` and `positions`. A schema is a record of msgspec: it can be a field of another one, and has JSON of its own.
`is_numeric` and `library_of` look at an object's type only, so that tables of floats need no schema.

A new kind of variable is a file with a class derived from `Variable`, a line in KINDS of `decide.py` and one in
`AnyVariable` of `variables.py`. A new library of tables is a file in `tables/`, and a line in `library_of`.
"""

from .decide import KINDS
from .files import open_table, write_rows
from .source import EncodedRows
from .tables import is_numeric, library_of
from .variables import Variables

__all__ = ["KINDS", "EncodedRows", "Variables", "is_numeric", "library_of", "open_table", "write_rows"]
