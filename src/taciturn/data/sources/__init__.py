"""Sources: rows read from arrays and files; and writers of rows into files."""

from .columns import select
from .csr import write_sparse
from .files import is_array, open_path, write_path
from .finite import check_finite, has_missing
from .labels import read_labels
from .source import Rows, Source, is_source, is_sparse, stored_rows
from .sparse_rows import SparseRows
from .subset import Subset

__all__ = [
    "Rows",
    "Source",
    "SparseRows",
    "Subset",
    "check_finite",
    "has_missing",
    "is_array",
    "is_source",
    "is_sparse",
    "open_path",
    "read_labels",
    "select",
    "stored_rows",
    "write_path",
    "write_sparse",
]
