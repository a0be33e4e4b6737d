"""Safetensors files of tensors of which several processes hold some rows each; none ever holds all rows of one."""

import json
from collections.abc import Collection, Iterator, Mapping
from math import prod
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from .safetensors_errors import as_os_errors
from .world import SINGLE_PROCESS, Axis

TYPES = {
    torch.float32: "F32",
    torch.float64: "F64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
NUMBERS_AT_ONCE = 1 << 22  # of each process, that are sent together


def is_part(name: str, tensor: Tensor, parts: Collection[str]) -> bool:
    """Return whether a tensor's name holds one of the names `parts` between points; never for a scalar.

    Examples
    --------
    >>> is_part("optimiser.encoder.0.weight.exp_avg", torch.zeros(3), {"encoder.0.weight"})
    True
    """
    return tensor.ndim > 0 and any(f".{part}." in f".{name}." for part in parts)


def save_tensors(
    tensors: Mapping[str, Tensor], file: Path | None, axis: Axis = SINGLE_PROCESS, parts: Collection[str] = ()
) -> None:
    """Write tensors into a safetensors file, as one process that held all rows would write them.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        The tensors by name.
    file : Path or None
        The file; None on all processes but the first, which send it their rows.
    axis : Axis, default=SINGLE_PROCESS
        The processes. All call this, with the same names.
    parts : collection of str, default=()
        Of which tensors each process holds some rows, in the order of the processes; see `is_part`.

    Raises
    ------
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_tensors({"x": torch.ones(2, 3)}, file := Path(folder, "x.safetensors"))
    ...     load_tensors(file)["x"].shape
    torch.Size([2, 3])
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    if axis.size == 1:
        assert file is not None
        with as_os_errors():
            safetensors.torch.save_file(plain, file)
        return
    counts = {
        name: axis.gather(torch.tensor([len(tensor)])) for name, tensor in plain.items() if is_part(name, tensor, parts)
    }
    if file is None:
        for name in counts:
            for _ in _rows_of_all(plain[name], axis, counts[name]):
                pass
        return
    shapes = {name: [int(sum(counts[name])), *plain[name].shape[1:]] for name in counts}
    header, places = _header(plain, shapes)
    with file.open("wb") as stream:
        stream.write(header)
        for name, tensor in plain.items():
            row_bytes = prod(tensor.shape[1:]) * tensor.itemsize
            pieces = _rows_of_all(tensor, axis, counts[name]) if name in counts else [(0, tensor)]
            for first, rows in pieces:
                stream.seek(places[name] + first * row_bytes)
                stream.write(rows.numpy().tobytes())


def load_tensors(file: Path, axis: Axis = SINGLE_PROCESS, parts: Collection[str] = ()) -> dict[str, Tensor]:
    """Return a safetensors file's tensors by name; of those among `parts` only this process's rows are read.

    Raises
    ------
    safetensors.SafetensorError
        The file is damaged.
    """
    if axis.size == 1:
        return safetensors.torch.load_file(file)
    tensors = {}
    with safetensors.safe_open(file, framework="pt") as stored:
        for name in stored.keys():  # noqa: SIM118 (it is not a mapping)
            piece = stored.get_slice(name)
            shape = piece.get_shape()
            start, stop = axis.part(shape[0]) if shape else (0, 0)
            own = is_part(name, torch.empty(shape, device="meta"), parts)
            tensors[name] = piece[start:stop] if own else stored.get_tensor(name)
    return tensors


def _rows_of_all(tensor: Tensor, axis: Axis, counts: list[Tensor]) -> Iterator[tuple[int, Tensor]]:
    """Yield the rows of all processes in pieces, each with the number of its first row among those of all."""
    n_rows, at_once = [int(count) for count in counts], max(NUMBERS_AT_ONCE // max(prod(tensor.shape[1:]), 1), 1)
    for start in range(0, max(n_rows), at_once):
        for rank, rows in enumerate(axis.gather(tensor[start : start + at_once])):
            yield sum(n_rows[:rank]) + start, rows


def _header(tensors: Mapping[str, Tensor], shapes: Mapping[str, list[int]]) -> tuple[bytes, dict[str, int]]:
    """Return the beginning of a file, and where each tensor begins in it; some have other shapes than those here."""
    entries, offsets, size = {}, dict[str, int](), 0
    # the widest types first, so that each tensor begins at a multiple of its type's size
    for name in sorted(tensors, key=lambda name: (-tensors[name].itemsize, name)):
        shape, offsets[name] = shapes.get(name, list(tensors[name].shape)), size
        size += prod(shape) * tensors[name].itemsize
        data_type = TYPES[tensors[name].dtype]
        entries[name] = {"dtype": data_type, "shape": shape, "data_offsets": [offsets[name], size]}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)
    return len(text).to_bytes(8, "little") + text, {name: start + offset for name, offset in offsets.items()}
