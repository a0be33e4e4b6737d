"""The choice of one tensor among those of a file."""

from collections.abc import Mapping

from ...core.errors import DataError
from ...core.messages import listed, quoted


def named_tensor(shapes: Mapping[str, tuple[int, ...]], key: str | None) -> str:
    """Return the name of the tensor with the rows.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        The shapes of a file's tensors, by name.
    key : str or None
        Its name; None: the only tensor, or the only one with two axes or more.

    Returns
    -------
    str

    Raises
    ------
    DataError
        There is no such tensor, or there are several.

    Examples
    --------
    >>> named_tensor({"rows": (100, 8), "layer": (1,)}, None)
    'rows'
    """
    if key is not None and key not in shapes:
        raise DataError(f"no tensor {quoted(key)}; there are {listed(filter(None, shapes)) or 'no names'}")
    rows = [name for name, shape in shapes.items() if len(shape) > 1] or list(shapes)
    if key is None and len(rows) != 1:
        example = f"; name one behind a colon, as in :{rows[0]}" if rows else ""
        raise DataError(f"it holds {len(rows)} tensors, {listed(rows) or 'none'}{example}")
    return rows[0] if key is None else key
