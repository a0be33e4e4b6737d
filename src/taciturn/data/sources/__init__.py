"""Sources: rows read from arrays and files; tables read as they are; and writers of rows into files."""

from .batches import Batches
from .checked import Checked
from .columns import select
from .csr import write_sparse
from .dialect import Dialect, DialectOptions
from .files import SHARD_ENDINGS, is_array, open_path, row_writer, write_path
from .finite import FiniteCheck, check_finite, has_missing
from .labels import read_labels, read_lines
from .manifest import MANIFEST, Manifest, Written, read_manifest, write_shards
from .ranges import Ranges
from .source import (
    Rows,
    Source,
    blocks_of,
    drawn,
    identity_of,
    ids_of,
    integers_of,
    is_source,
    is_sparse,
    place_of,
    read_into,
    stored_rows,
)
from .sparse_rows import SparseRows
from .stream import Stream, is_stream
from .subset import Subset
from .tables import has_booleans, read_table, table_writer, write_table
from .uploads import check_url, uploaded
from .urls import is_url

__all__ = [
    "MANIFEST",
    "SHARD_ENDINGS",
    "Batches",
    "Checked",
    "Dialect",
    "DialectOptions",
    "FiniteCheck",
    "Manifest",
    "Ranges",
    "Rows",
    "Source",
    "SparseRows",
    "Stream",
    "Subset",
    "Written",
    "blocks_of",
    "check_finite",
    "check_url",
    "drawn",
    "has_booleans",
    "has_missing",
    "identity_of",
    "ids_of",
    "integers_of",
    "is_array",
    "is_source",
    "is_sparse",
    "is_stream",
    "is_url",
    "open_path",
    "place_of",
    "read_into",
    "read_labels",
    "read_lines",
    "read_manifest",
    "read_table",
    "row_writer",
    "select",
    "stored_rows",
    "table_writer",
    "uploaded",
    "write_path",
    "write_shards",
    "write_sparse",
    "write_table",
]
