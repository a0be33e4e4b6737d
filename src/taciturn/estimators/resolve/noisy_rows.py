"""Rows that are noisy themselves: what they must be for a corruption, and their noise, estimated."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError, RecipeError
from ...core.seeds import generator
from ...corruption import BlindSpot, Corruption, Recorrupted
from ...data.images.noise import image_noise
from ...data.noise_level import noise_level
from ...data.row_shape import is_image
from ...data.sample import sample_indices
from ...data.sources import Source
from ...data.survey import surveyed_part
from ...model import Channels, Scaling
from ...model.networks import Network
from ...training import Settings

MAX_ROWS, MAX_NUMBERS = 5000, 1 << 24  # by which the noise of rows is estimated
MAX_IMAGES = 500  # images or patches, of each of which it is


def check_noisy_rows(noise: Corruption, scaling: Scaling, network: Network, *, has_targets: bool) -> None:
    """Raise RecipeError if rows that are noisy themselves do not fit the other parts.

    Parameters
    ----------
    noise : Corruption
        It is for noisy rows.
    scaling : Scaling
        That of the rows.
    network : Network
        The kind of the layers.
    has_targets : bool
        Whether `fit` has targets.
    """
    if has_targets:
        raise RecipeError(f"{noise.text} learns from noisy rows alone; leave out target")
    if scaling.whitens:
        raise RecipeError(
            f"{noise.text} needs columns with noise of their own, which scaling='whiten' mixes; set scaling='standard'"
        )
    if scaling.ranks:
        raise RecipeError(
            f"{noise.text} needs noise of mean 0 in scaled rows, but scaling={scaling.text!r} bends it; "
            "set scaling='standard'"
        )
    if scaling.by_rows:
        raise RecipeError(
            f"{noise.text} needs entries with noise of their own, but scaling={scaling.text!r} mixes a row's; "
            "set scaling='standard'"
        )
    stay = scaling.text == "none"
    if isinstance(noise, BlindSpot) and noise.noise is not None and network.same_at_each_pixel:
        mend = f"'recorrupted:{noise.noise}'" if stay else "'recorrupted:0.1', by its standard deviation in scaled rows"
        raise RecipeError(
            f"network={network.text!r} has no use for the noise of {noise.text}; leave it out, or set corruption={mend}"
        )
    if isinstance(noise, Recorrupted) and noise.std == "auto" and not stay:
        raise RecipeError(
            f"{noise.text} estimates the noise of rows that stay as they are, but scaling={scaling.text!r}; set "
            "std to its standard deviation in scaled rows, such as std=0.1"
            + ("" if isinstance(scaling, Channels) else ", or scaling='none'")
        )


def fitted_to_rows(settings: Settings, source: Source, shape: tuple[int, ...]) -> Settings:
    """Return the settings with what a corruption takes from the rows: the images' shape, and their noise.

    Parameters
    ----------
    settings : Settings
        The parts of a run.
    source : Source
        The rows to train on; at most 5,000 of them are read, of those that are surveyed.
    shape : tuple of int
        A row's shape.
    """
    noise, has_pixels = settings.corruption, is_image(shape) and settings.layout.network.axes == 2
    if isinstance(noise, BlindSpot):
        if has_pixels:
            noise = replace(noise, shape=shape)
        if noise.noise == "auto":
            rows = _noisy_rows(settings, source, MAX_ROWS)
            noise = replace(noise, noise=float(f"{noise_level(rows):.4g}") or None)
    elif isinstance(noise, Recorrupted) and noise.std == "auto":
        image = shape if has_pixels and min(shape[:2]) > 1 else None
        noise = replace(noise, std=_estimated_std(noise, settings, source, image))
    return replace(settings, corruption=noise)


def _noisy_rows(settings: Settings, source: Source, n_rows: int) -> NDArray[Any]:
    """Return some of the surveyed rows, by which the noise is estimated."""
    read = surveyed_part(source, settings.survey_rows)
    n = min(len(read), max(min(n_rows, MAX_NUMBERS // math.prod(source.shape)), 2))
    if read is source:
        indices = np.sort(np.random.default_rng(0).choice(len(source), n, replace=False))
    else:
        indices = sample_indices(len(read), n, generator(0, "noise"), streamed=True)
    return read.take(indices)


def _estimated_std(noise: Recorrupted, settings: Settings, source: Source, image: tuple[int, ...] | None) -> float:
    """Return the standard deviation of the rows' noise: of images, the median of those of single ones."""
    if image is not None:
        images = _noisy_rows(settings, source, MAX_IMAGES)
        std = float(np.median([image_noise(each.reshape(image)) for each in images]))
    else:
        std = noise_level(_noisy_rows(settings, source, MAX_ROWS))
    if not (std := float(f"{std:.4g}")):
        raise DataError(f"{noise.text} finds no noise in the rows; set std to its standard deviation, such as std=0.1")
    return std
