"""Places of values: a file, FILE:COLUMN, or the name of a column or of a data set."""

from pathlib import Path


def names_file(place: str) -> bool:
    """Return whether the value of an option is a file, FILE or FILE:COLUMN, and not a column's name."""
    return Path(split_column(place)[0]).is_file()


def split_column(place: str) -> tuple[str, str | None]:
    """Return the file and the column in FILE:COLUMN; the column is None where the file is an array or has no column."""
    from ..data.sources import is_array

    file, colon, column = place.rpartition(":")
    is_column = bool(colon) and not Path(place).is_file() and Path(file).is_file() and not is_array(file)
    return (file, column) if is_column else (place, None)


def absolute(place: str) -> str:
    """Return FILE or FILE:COLUMN with the file's absolute path; a column's name stays."""
    file, column = split_column(place)
    if not names_file(place):
        return place
    return str(Path(file).resolve()) + ("" if column is None else f":{column}")


def absolute_source(source: str) -> str:
    """Return a file's absolute path, so that the recipe works from any folder; a data set's name stays."""
    from .. import datasets
    from ..data.sources.format import split_key
    from ..data.sources.urls import is_url

    if source.partition(":")[0] in datasets.names():
        return source
    if is_url(source):
        return source
    path, key = split_key(source)
    return str(path.resolve()) + ("" if key is None else f":{key}")
