"""The door for data: a data set's name, or a file."""

import os
from difflib import get_close_matches
from typing import Any

from numpy.typing import NDArray

from ..core.errors import DataError, RecipeError
from ..data.sources import Source, open_path, read_labels, select
from ..data.sources.columns import Names
from . import bundled, mnist


def names() -> tuple[str, ...]:
    """Return the names that `load` knows.

    >>> names()
    ('breast_cancer', 'diabetes', 'digits', 'fashion_mnist', 'iris', 'linnerud', 'mnist', 'wine')
    """
    return tuple(sorted(bundled.NAMES + mnist.NAMES))


def load(
    where: str | os.PathLike[str],
    *,
    columns: Names | None = None,
    drop: Names | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Source:
    """Return the rows of a data set or a file, without the columns that are dropped or not asked for.

    `mnist` and `fashion_mnist` are the training images, `mnist:test` the others; `path` says where their
    files lie. A name comes before a file that is called the same: `./digits` is the file.

    >>> load("digits").shape
    (8, 8)
    >>> load("iris", drop="petal width (cm)").columns
    ('sepal length (cm)', 'sepal width (cm)', 'petal length (cm)')
    """
    text = os.fspath(where)
    name, _, split = text.partition(":")
    source: Source
    if name in mnist.NAMES:
        source = mnist.load(name, split=split or "train", path=path)
    elif path is not None:
        raise RecipeError(f"path= says where {' or '.join(mnist.NAMES)} lies; here say load({str(path)!r})")
    elif text in bundled.NAMES:
        source = bundled.load(text)
    else:
        return _file(text, columns, drop)
    try:
        return select(source, columns, drop)
    except DataError as error:
        raise type(error)(f"{text}: {error}") from error


def labels(where: str | os.PathLike[str], *, column: str | None = None) -> NDArray[Any] | None:
    """Return the class or the number that goes with each row of a data set, or stands in a file; None if there is none.

    scikit-learn's sets bring their own; `column` names one of a table.

    >>> labels("iris")[:2].tolist(), labels("linnerud")
    (['setosa', 'setosa'], None)
    """
    text = os.fspath(where)
    if column is None and text in bundled.NAMES:
        return bundled.labels(text)
    if text.partition(":")[0] not in names():
        return read_labels(text, column=column)
    if column is None:
        return None
    found = load(text, columns=[column])
    return found.read(0, len(found))[:, 0]


def _file(text: str, columns: Names | None, drop: Names | None) -> Source:
    try:
        return open_path(text, columns=columns, drop=drop)
    except RecipeError:
        if os.path.exists(text):
            raise
        near = ", ".join(get_close_matches(text.partition(":")[0], names())) or "none"
        raise DataError(
            f"{text!r} is no file and no data set; nearest: {near}; there are {', '.join(names())}"
        ) from None
