"""Sources: rows read from arrays and files; tables read as they are; and writers of rows into files."""

from .columns import select
from .csr import write_sparse
from .dialect import Dialect, DialectOptions
from .files import WRITERS, is_array, open_path, write_path
from .finite import check_finite, has_missing
from .labels import read_labels, read_lines
from .manifest import MANIFEST, Manifest, Written, read_manifest, write_shards
from .source import Rows, Source, ids_of, is_source, is_sparse, stored_rows
from .sparse_rows import SparseRows
from .subset import Subset
from .tables import has_booleans, read_table

__all__ = [
    "MANIFEST",
    "WRITERS",
    "Dialect",
    "DialectOptions",
    "Manifest",
    "Rows",
    "Source",
    "SparseRows",
    "Subset",
    "Written",
    "check_finite",
    "has_booleans",
    "has_missing",
    "ids_of",
    "is_array",
    "is_source",
    "is_sparse",
    "open_path",
    "read_labels",
    "read_lines",
    "read_manifest",
    "read_table",
    "select",
    "stored_rows",
    "write_path",
    "write_shards",
    "write_sparse",
]
