"""The history as a Parquet file: one row per step; an epoch's numbers stand in the row of its last step."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ArtifactError
from ..core.messages import one_line, quoted
from ..training import History

MAX_NUMBERS = 1 << 26  # of a stored history: 512 MB as float64
BATCH_ROWS = 4096  # that are read at a time


def write_history(history: History, file: Path) -> None:
    """Write a history; a number that an epoch did not measure is NaN.

    Parameters
    ----------
    history : History
        The history.
    file : Path
        The file to write.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: pa.array(column) for name, column in history.steps.items()}
    ends_epoch = history.ends_interval
    # for each step how many epochs have ended before it: an array, not a list of Python numbers
    index: NDArray[np.int_] = np.cumsum(ends_epoch) - ends_epoch
    for name, column in history.items():
        if name == "epoch":
            continue
        if column.ndim == 1:
            columns[f"epoch_{name}"] = pa.array(np.asarray(column)[index], mask=~ends_epoch)
        else:
            starts = np.append(index, len(column)) * column.shape[1]
            values = pa.array(np.ascontiguousarray(column).ravel())
            columns[f"epoch_{name}"] = pa.LargeListArray.from_arrays(starts, values, mask=pa.array(~ends_epoch))
    pq.write_table(pa.table(columns), file)


def read_history(file: Path) -> History:
    """Return the history that `write_history` wrote.

    Parameters
    ----------
    file : Path
        The file.

    Returns
    -------
    History

    Raises
    ------
    ArtifactError
        The file is damaged, holds something else than numbers, or is too large.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as parquet:
            # not the columns' metadata: where they are damaged, pyarrow ends the process
            if (size := parquet.metadata.num_rows * parquet.metadata.num_columns) > MAX_NUMBERS:
                raise ArtifactError(f"{file} has {size:,} numbers, of at most {MAX_NUMBERS:,}; the file is damaged")
            for field in parquet.schema_arrow:
                kind = field.type.value_type if _is_list(field.type) else field.type
                if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
                    raise ArtifactError(f"{file}: column {quoted(field.name)} has type {one_line(kind)}, not numbers")
            table = pa.Table.from_batches(_batches(parquet, file), schema=parquet.schema_arrow)
        columns = {name: table.column(name) for name in table.column_names}
        steps = {name: _numbers(column) for name, column in columns.items() if not name.startswith("epoch_")}
        epochs = {
            name.removeprefix("epoch_"): _numbers(column.drop_null())
            for name, column in columns.items()
            if name.startswith("epoch_")
        }
    except (OSError, ValueError, pa.ArrowException) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(f"{file} cannot be read: {one_line(str(error))}") from error
    if (steps or epochs) and not all(steps.get(name, np.zeros(0)).dtype.kind == "i" for name in ("step", "epoch")):
        raise ArtifactError(f"{file}: the columns 'step' and 'epoch' are missing or hold no whole numbers")
    if "step" in epochs:  # intervals, of which an epoch may have several
        ended = np.isin(steps["step"], epochs["step"])
        epochs = {"epoch": steps["epoch"][ended]} | epochs
    else:
        epochs = ({"epoch": np.unique(steps["epoch"])} if steps else {}) | epochs
    if len({len(column) for column in steps.values()}) > 1 or len({len(column) for column in epochs.values()}) > 1:
        raise ArtifactError(f"{file}: epochs have different numbers of values; the file is damaged")
    return History(steps, epochs)


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _batches(parquet: Any, file: Path) -> Iterator[Any]:
    """Yield the rows in batches; raise ArtifactError when they hold too many numbers."""
    n_bytes = 0
    for batch in parquet.iter_batches(BATCH_ROWS):
        n_bytes += batch.nbytes
        if n_bytes > 8 * MAX_NUMBERS:
            raise ArtifactError(f"{file} holds more than {MAX_NUMBERS:,} numbers; the file is damaged")
        yield batch


def _numbers(column: Any) -> NDArray[Any]:
    """Return a column of numbers [steps], or one of lists of equal length [epochs, latents]."""

    if column.null_count:
        raise ValueError("a step's number is missing")
    array = column.combine_chunks()
    if not _is_list(column.type):
        return np.asarray(array.to_numpy(zero_copy_only=False))
    if len(set(np.diff(array.offsets.to_numpy()))) > 1:
        raise ValueError("lists of one column have different lengths")
    return np.asarray(array.flatten().to_numpy(zero_copy_only=False)).reshape(len(array), -1)
