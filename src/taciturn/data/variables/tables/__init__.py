"""Tables of pandas, Polars and Arrow: their columns as cells, and tables of cells."""

from .tables import Library, Table, class_of, is_numeric, library_of, table_of

__all__ = ["Library", "Table", "class_of", "is_numeric", "library_of", "table_of"]
