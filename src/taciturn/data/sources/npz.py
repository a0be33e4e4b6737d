"""One array of NumPy's .npz archives."""

import os
import re
import zipfile
from pathlib import Path

from ...core.atomic import atomic
from ...core.errors import DataError
from ...core.messages import listed, one_line, quoted
from .blocks import Blocks
from .columns import select
from .format import Format
from .memory import MAX_INFLATION, empty_rows, fill
from .npy import check_size, read_header, write_array
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
        known = listed(keys) or "nothing"
        if key is None and set(keys) >= _SPARSE_KEYS:
            dense = f"numpy.save('rows.npy', scipy.sparse.load_npz({quoted(Path(path).name)}).toarray())"
            raise DataError(f"the archive holds a sparse matrix; save it as a dense array: {dense}")
        if key is None and len(keys) != 1:
            example = one_line(f"{Path(path).name}:{(keys or ['KEY'])[0]}", 80)
            raise DataError(f"the archive holds {known}; name one array: {example}")
        key = keys[0] if key is None else key
        if key not in keys:
            raise DataError(f"no array {quoted(key)}; the archive holds {known}: name one of them")
        return _read_member(archive, archive.getinfo(f"{key}.npy"))


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Rows:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError("the archive is compressed in another way than NumPy's; save it by numpy.savez_compressed")
    if member.file_size > member.compress_size * MAX_INFLATION:
        raise DataError(
            f"{member.compress_size:,} bytes cannot hold the {member.file_size:,} that the archive declares; "
            "the file is damaged: copy it again"
        )
    with archive.open(member) as file:
        header = read_header(file)
        check_size(header, member.file_size)
        array = empty_rows(header.shape[::-1] if header.is_fortran else header.shape, header.dtype)
        fill(array, file)
        file.read(1)  # at the end the checksum is compared
    return Rows(array.T if header.is_fortran else array)


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
