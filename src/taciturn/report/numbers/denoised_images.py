"""Some whole images of a run of an `ImageDenoiser`: before, after, what was removed, and classical filters beside."""

import os
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.uniform import Uniform
from ...corruption import Chain, Corruption, corrupted
from ...data.images.images import unit_floats
from ...data.images.patches import Band, bands_of
from ...inference.images import denoise_image
from ...metrics import SSIM, Autocorrelation, autocorrelation, psnr
from .classical_filters import filtered
from .numbers import ShortRepr, finite
from .study import Study

MAX_IMAGES = 3
MAX_SIDE = 512  # pixels; of larger images the middle
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Quality:
    """How near an image is to the clean one.

    Parameters
    ----------
    method : str
        "before" (the noisy image), "after" (the model), or the name of a classical filter.
    strength : str
        That of a filter: of a few, the one with the largest PSNR on this image; "" for the others.
    psnr : float or None
        In dB, of numbers from 0 to 1, nothing clipped; None if it equals the clean image.
    ssim : float
        Structural similarity, of colours the mean over the channels; see `taciturn.metrics.SSIM`.
    """

    method: str
    strength: str
    psnr: float | None
    ssim: float


@dataclass(frozen=True, eq=False)
class ImagePixels:
    """The pixels of an image, each [height, width, channels], from 0 (black) to 1 (white).

    Parameters
    ----------
    before, after : array
        The noisy image and the denoised one.
    clean : array or None
        The image without noise, if it is known.
    """

    before: Floats
    after: Floats
    clean: Floats | None

    @property
    def removed(self) -> Floats:
        """What the model removed."""
        return self.before - self.after


@dataclass(frozen=True, eq=False, repr=False)
class DenoisedImage(ShortRepr):
    """An image before and after denoising.

    Parameters
    ----------
    name : str
        The file's name, or the image's number; with the lines, if it is a band of an image.
    height, width : int
        In pixels; of larger images the middle 512 × 512 pixels.
    cropped : bool
        Whether it is the middle of a larger image.
    noise : str
        The corruption that was added to the clean image; "": the image is noisy itself.
    removed : float
        Root mean square of what the model removed, on the scale from 0 to 1.
    autocorrelation : Autocorrelation or None
        Of what the model removed; None if that is constant.
    qualities : list of Quality
        Before, after, and by classical filters; [] if the clean image is not known.
    pixels : ImagePixels
        What the page draws; report.json does not hold it.
    """

    name: str
    height: int
    width: int
    cropped: bool
    noise: str
    removed: float
    autocorrelation: Autocorrelation | None
    qualities: list[Quality]
    pixels: ImagePixels

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the pixels."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "pixels"}
        measured = self.autocorrelation
        return plain | {
            "autocorrelation": None if measured is None else asdict(measured),
            "qualities": [asdict(quality) for quality in self.qualities],
        }


def measure(study: Study) -> list[DenoisedImage] | None:
    """Return some images of a report's rows, denoised; None if these are not patches of images."""
    bands = bands_of(study.rows)
    noise = at_middle(study.corruption)
    if bands is None or study.artifact.rows_name != "patches":
        return None
    if noise.makes_missing or noise.min_rows > 1:  # missing pixels, or noise that needs several images
        return None
    targets = None if study.targets is None else bands_of(study.targets)
    chosen = np.unique(np.linspace(0, len(bands) - 1, min(len(bands), MAX_IMAGES)).round().astype(int)).tolist()
    return [_measured(study, bands[i], None if targets is None else targets[i], noise, i) for i in chosen]


def at_middle(corruption: Corruption) -> Corruption:
    """Return a corruption with the mean in place of each amount that is drawn for each row: images then have the same.

    Examples
    --------
    >>> at_middle(Corruption.parse("gaussian:uniform(0.02,0.2)+dropout:0.1")).text
    'gaussian:0.11+dropout:0.1'
    """
    corruption = corruption.at(1.0)
    if isinstance(corruption, Chain):
        return Chain(tuple(at_middle(part) for part in corruption.parts))
    amounts = {field.name: getattr(corruption, field.name) for field in fields(corruption)}
    drawn = {name: (a.low + a.high) / 2 for name, a in amounts.items() if isinstance(a, Uniform)}
    return replace(corruption, **drawn)


def filter_ahead(images: list[DenoisedImage] | None) -> tuple[str, float, float] | None:
    """Return the classical filter that denoises images at least as well as the model; None if there is none.

    Returns
    -------
    (name, filter's PSNR, model's PSNR) or None
        Means over the images in dB.
    """
    known = [{quality.method: quality.psnr for quality in image.qualities} for image in images or []]
    known = [each for each in known if each and None not in each.values()]
    if not known:
        return None
    means = {method: float(np.mean([each[method] for each in known])) for method in known[0]}
    model = means.pop("after")
    del means["before"]
    name = max(means, key=means.__getitem__)
    return (name, means[name], model) if means[name] >= model else None


def _measured(study: Study, band: Band, target: Band | None, noise: Corruption, number: int) -> DenoisedImage:
    pixels = unit_floats(_middle(band.pixels()), band.name)
    shape = pixels.shape
    if target is not None:
        before, clean = pixels, unit_floats(_middle(target.pixels()), target.name)
    elif noise.clean:
        before, clean = pixels, None
    else:
        row = torch.from_numpy(np.ascontiguousarray(pixels).reshape(1, -1))
        noisy = corrupted(row, noise, seed=study.seed, purpose="images", step=number)
        before, clean = noisy.numpy().reshape(shape), pixels
    after = denoise_image(study.model, before, tuple(study.artifact.rows.shape), None)
    drawn = ImagePixels(before, after, clean)
    return DenoisedImage(
        name=os.path.basename(band.name),
        height=shape[0],
        width=shape[1],
        cropped=shape[:2] != (band.stop - band.start, band.image.shape[1]),
        noise="" if target is not None or noise.clean else noise.text,
        removed=float(np.sqrt(np.square(drawn.removed.astype(np.float64)).mean())),
        autocorrelation=autocorrelation(drawn.removed),
        qualities=[] if clean is None else _qualities(before, after, clean),
        pixels=drawn,
    )


def _middle(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the middle of an image, at most 512 × 512 pixels."""
    top, left = (max(length - MAX_SIDE, 0) // 2 for length in pixels.shape[:2])
    return pixels[top : top + MAX_SIDE, left : left + MAX_SIDE]


def _qualities(before: Floats, after: Floats, clean: Floats) -> list[Quality]:
    results = [("before", "", before), ("after", "", after)]
    results += [(each.name, each.strength, each.pixels) for each in filtered(before, clean)]
    return [_quality(method, strength, pixels, clean) for method, strength, pixels in results]


def _quality(method: str, strength: str, pixels: Floats, clean: Floats) -> Quality:
    error = float(np.square(pixels.astype(np.float64) - clean).mean())
    similarity = SSIM(clean.shape if clean.shape[2] == 3 else clean.shape[:2], peak=1.0)
    similarity.add(*(torch.from_numpy(np.ascontiguousarray(each)).reshape(1, -1) for each in (clean, pixels)))
    return Quality(method, strength, finite(psnr(error, 1.0)), similarity.mean)
