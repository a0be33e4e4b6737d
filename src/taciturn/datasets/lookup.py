"""Rows and labels by a data set's name or a file's path."""

import os
from difflib import get_close_matches
from typing import Any, Unpack

from numpy.typing import NDArray

from ..core.errors import DataError, RecipeError
from ..core.messages import one_line, quoted
from ..data.sources import DialectOptions, Source, open_path, read_labels, select
from ..data.sources.columns import Names
from . import bundled, mnist


def names() -> tuple[str, ...]:
    """Return the names of the data sets that `load` knows, sorted.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> names()
    ('breast_cancer', 'diabetes', 'digits', 'fashion_mnist', 'iris', 'linnerud', 'mnist', 'wine')
    """
    return tuple(sorted(bundled.NAMES + mnist.NAMES))


def load(
    where: str | os.PathLike[str],
    *,
    columns: Names | None = None,
    drop: Names | None = None,
    header: bool | None = None,
    path: str | os.PathLike[str] | None = None,
    **dialect: Unpack[DialectOptions],
) -> Source:
    """Return the rows of a data set or a file.

    Parameters
    ----------
    where : str or path-like
        One of `names()`, or a file as for `data.sources.open_path`. `mnist` and `fashion_mnist` are the training
        images, `mnist:test` and `fashion_mnist:test` the test images. A data set comes before a file of the same name:
        write `./digits` for the file.
    columns : str, int or sequence of them, optional
        The columns to keep, in this order; by default all.
    drop : str, int or sequence of them, optional
        Columns to leave out of these; by default none.
    header : bool, optional
        Whether the first line of a text table holds names. By default the rows below it decide.
    path : str or path-like, optional
        Only for MNIST and Fashion-MNIST: a folder with their IDX files, one IDX file, or an .npz file with `x_train`
        and `x_test`. By default they are downloaded once into the cache, the folder of TACITURN_DATA or `taciturn` in
        the user's cache folder.
    separator, decimal, thousands, quote, encoding : str, optional
        How a text table is written, as for `data.sources.open_path`. What is not given is found.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        The data set or file does not exist or cannot be read, or the selected columns are not possible.
    RecipeError
        The file's ending is unknown, an option is not possible, or `path` is given for another data set.

    Examples
    --------
    >>> load("digits").shape
    (8, 8)
    >>> load("iris", drop="petal width (cm)").columns
    ('sepal length (cm)', 'sepal width (cm)', 'petal length (cm)')
    """
    text = os.fsdecode(where)
    name, _, split = text.partition(":")
    source: Source
    if name in mnist.NAMES:
        source = mnist.load(name, split=split or "train", path=path)
    elif path is not None:
        raise RecipeError(f"path= is for {' and '.join(mnist.NAMES)} only; use load({str(path)!r})")
    elif text in bundled.NAMES:
        source = bundled.load(text)
    else:
        return _file(text, columns, drop, header, dialect)
    try:
        return select(source, columns, drop)
    except DataError as error:
        raise type(error)(f"{one_line(text)}: {error}") from error


def labels(
    where: str | os.PathLike[str],
    *,
    column: str | None = None,
    header: bool | None = None,
    **dialect: Unpack[DialectOptions],
) -> NDArray[Any] | None:
    """Return the label of each row of a data set, or the labels in a file.

    Parameters
    ----------
    where : str or path-like
        One of `names()`, or a file as for `data.sources.read_labels`.
    column : str, optional
        The column with the labels. By default the labels that scikit-learn's data sets include, or a file's only
        column.
    header, separator, decimal, thousands, quote, encoding
        As for `load`.

    Returns
    -------
    array of shape [N], or None
        Class names or numbers. None for a data set without labels, or with several targets per row.

    Raises
    ------
    DataError
        The file cannot be read, or has several columns and none is named.
    UnknownColumn
        The column's name is unknown.

    Examples
    --------
    >>> labels("iris")[:2].tolist(), labels("linnerud")
    (['setosa', 'setosa'], None)
    """
    text = os.fsdecode(where)
    if column is None and text in bundled.NAMES:
        return bundled.labels(text)
    if text.partition(":")[0] not in names():
        return read_labels(text, column=column, header=header, **dialect)
    if column is None:
        return None
    source = load(text, columns=[column])
    return source.read(0, len(source))[:, 0]


def _file(text: str, columns: Names | None, drop: Names | None, header: bool | None, dialect: DialectOptions) -> Source:
    try:
        return open_path(text, columns=columns, drop=drop, header=header, **dialect)
    except RecipeError:
        if os.path.exists(text):
            raise
        near = ", ".join(get_close_matches(text.partition(":")[0], names())) or "none"
        raise DataError(
            f"{quoted(text, 200)} is neither a file nor a data set; nearest: {near}; there are {', '.join(names())}"
        ) from None
