"""Sources: rows read from arrays and files; tables read as they are; and writers of rows into files."""

from .columns import select
from .csr import write_sparse
from .dialect import Dialect, DialectOptions
from .files import is_array, open_path, row_writer, write_path
from .finite import check_finite, has_missing
from .labels import read_labels, read_lines
from .source import Rows, Source, ids_of, integers_of, is_source, is_sparse, stored_rows
from .sparse_rows import SparseRows
from .subset import Subset
from .tables import has_booleans, read_table, table_writer, write_table

__all__ = [
    "Dialect",
    "DialectOptions",
    "Rows",
    "Source",
    "SparseRows",
    "Subset",
    "check_finite",
    "has_booleans",
    "has_missing",
    "ids_of",
    "integers_of",
    "is_array",
    "is_source",
    "is_sparse",
    "open_path",
    "read_labels",
    "read_lines",
    "read_table",
    "row_writer",
    "select",
    "stored_rows",
    "table_writer",
    "write_path",
    "write_sparse",
    "write_table",
]
