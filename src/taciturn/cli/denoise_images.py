"""Denoised image files, of the model of a run that was trained on images."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..core.errors import RecipeError
from ..core.messages import one_line
from .options import check_out, check_out_folder

if TYPE_CHECKING:
    from ..artifact import Artifact


def denoise_files(run: "Artifact", data: str | None, out: str, *, overwrite: bool) -> None:
    """Denoise image files and write each into a file of the same kind.

    Parameters
    ----------
    run : Artifact
        Of an `ImageDenoiser`.
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
    from ..data.images.images import ImageFile, files_of
    from ..data.images.writing import image_writer, write_image
    from ..inference.images import check_noise, denoise_image

    if data is None:
        raise RecipeError("name the images to denoise: a file, a folder or a pattern")
    files, into_file = files_of(data), os.path.isfile(data) and bool(Path(out).suffix)
    paths = [Path(out)] if into_file else [Path(out, os.path.basename(file.name)) for file in files]
    images = [ImageFile.of(file) for file in files]  # an image that cannot be read is found before one is written
    if into_file:
        image_writer(out)
        check_out(Path(out), data)
    else:
        check_out_folder(Path(out), paths, data, overwrite)
    for file, path in zip(files, paths, strict=True):
        if path.exists() and os.path.exists(file.name) and os.path.samefile(path, file.name):
            raise RecipeError(f"{one_line(path)} is read by this command; choose another place (--out)")
    for image, path in zip(images, paths, strict=True):
        pixels = image.pixels()
        check_noise(run.settings.corruption, pixels, image.name)
        write_image(path, denoise_image(run.model, pixels, tuple(run.rows.shape), image.name), image.file)
    if not into_file:
        typer.echo(f"{out}: {len(files):,} image{'s' if len(files) > 1 else ''}", err=True)
