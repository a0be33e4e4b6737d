"""One array of NumPy's .npz archives."""

import os
import re
import zipfile
from pathlib import Path

from numpy.lib import format as npy_format

from ...core.atomic import atomic
from ...core.errors import DataError
from .blocks import Blocks
from .columns import select
from .format import Format
from .npy import refuse_objects, write_array
from .source import Rows

# Keys that scipy.sparse.save_npz writes for every sparse format.
_SPARSE_KEYS = {"format", "shape", "data"}


def split_key(text: str) -> tuple[Path, str | None]:
    """Return the file and the array's name of "rows.npz:key"; None where no array is named."""
    archive = re.fullmatch(r"(.+\.npz):(.+)", text, flags=re.IGNORECASE)
    return (Path(archive[1]), archive[2]) if archive else (Path(text), None)


def read(path: str | os.PathLike[str], *, key: str | None = None) -> Rows:
    """Return one array of an .npz file.

    Parameters
    ----------
    path : str or path-like
    key : str, optional
        Name of the array. It may be left out if the archive holds only one.

    Returns
    -------
    Rows
        In memory.

    Raises
    ------
    DataError
        The name is unknown, or missing where there are several arrays; or the array is sparse or holds Python objects.
    """
    with zipfile.ZipFile(path) as archive:
        keys = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        known = ", ".join(keys) or "nothing"
        if key is None and set(keys) >= _SPARSE_KEYS:
            dense = f"numpy.save('rows.npy', scipy.sparse.load_npz({Path(path).name!r}).toarray())"
            raise DataError(f"the archive holds a sparse matrix; save it as a dense array: {dense}")
        if key is None and len(keys) != 1:
            raise DataError(f"the archive holds {known}; name one array: {Path(path).name}:{(keys or ['KEY'])[0]}")
        key = keys[0] if key is None else key
        if key not in keys:
            raise DataError(f"no array {key!r}; the archive holds {known}: name one of them")
        with archive.open(f"{key}.npy") as member:
            refuse_objects(member)
        with archive.open(f"{key}.npy") as member:
            return Rows(npy_format.read_array(member, allow_pickle=False))


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as the array `rows` of an .npz archive; the columns' names are lost."""
    with (
        atomic(path) as temporary,
        zipfile.ZipFile(temporary, "w") as archive,
        archive.open("rows.npy", "w", force_zip64=True) as file,
    ):
        write_array(file, blocks)


FORMAT = Format(
    ".npz",
    lambda path, selection: select(read(path, key=selection.key), selection.columns, selection.drop),
    write,
    endings_text=".npz, .npz:KEY",
)
