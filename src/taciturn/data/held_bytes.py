"""The memory that the rows of sources take."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array, csr_matrix

from .images.images import ImageArray
from .sources import is_source


def held_bytes(*sources: Any) -> int:
    """Return the bytes of the arrays that sources hold, each array once; those in files (memory maps) do not count.

    Parameters
    ----------
    *sources : Source
        Sources, also parts of others.

    Returns
    -------
    int

    Examples
    --------
    >>> from taciturn.data.sources import Rows, Subset
    >>> rows = Rows(np.zeros((10, 3), np.float32))
    >>> held_bytes(rows), held_bytes(Subset(rows, np.arange(4)), rows)
    (120, 152)
    """
    arrays: dict[int, int] = {}
    waiting: list[Any] = list(sources)
    while waiting:
        value = waiting.pop()
        if isinstance(value, csr_array | csr_matrix):
            waiting += [value.data, value.indices, value.indptr]
        elif isinstance(value, np.ndarray):
            owner = value
            while isinstance(owner.base, np.ndarray):
                owner = owner.base
            in_file = isinstance(owner, np.memmap) and not owner.flags.owndata
            arrays[id(owner)] = 0 if in_file else owner.nbytes
        elif isinstance(value, list | tuple):
            waiting += value if value and isinstance(value[0], np.ndarray | ImageArray) else []
        elif isinstance(value, ImageArray):
            waiting.append(value.array)
        elif is_source(value):
            waiting += getattr(value, "__dict__", {}).values()
    return sum(arrays.values())
