"""Denoised files of signals, of the model of a run that was trained on signals."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..core.errors import RecipeError
from .crops import segment
from .options import check_out, check_out_folder

if TYPE_CHECKING:
    from ..artifact import Artifact


def denoise_signal_files(run: "Artifact", data: str | None, out: str, *, overwrite: bool) -> None:
    """Denoise files of signals and write each into a file of the same structure.

    Parameters
    ----------
    run : Artifact
        Of a `SignalDenoiser`.
    data : str or None
        A file, a folder or a pattern.
    out : str
        A file, if `data` is one; else a folder, whose files get the names of those that are read.
    overwrite : bool
        Whether existing files in the folder are replaced.

    Raises
    ------
    RecipeError
        `data` is None, or a file cannot be written.
    DataError
        A file cannot be read.
    """
    from ..data.signals.signals import files_of, signals_of
    from ..data.signals.writing import write_signals
    from ..data.sources.files import row_writer
    from ..inference.signals import denoise_signal

    if data is None:
        raise RecipeError("name the signals to denoise: a file, a folder or a pattern")
    files, into_file = files_of(data), not os.path.isdir(data) and bool(Path(out).suffix)
    if into_file and len(files) > 1:
        raise RecipeError(f"{data} names {len(files)} files; give a folder (--out)")
    paths = [Path(out)] if into_file else [Path(out, os.path.basename(file)) for file in files]
    length, channels = segment(run), run.rows.shape[0] // segment(run)
    signals = [signals_of(file, channels) for file in files]  # one that cannot be read is found before one is written
    for file, path in zip(files, paths, strict=True):
        row_writer(path)
        check_out(path, file)
    if not into_file:
        check_out_folder(Path(out), paths, data, overwrite)
    for file, path, several in zip(files, paths, signals, strict=True):
        write_signals(path, [denoise_signal(run.model, signal.array, length) for signal in several], file)
    if not into_file:
        typer.echo(f"{out}: {len(files):,} file{'s' if len(files) > 1 else ''}", err=True)
