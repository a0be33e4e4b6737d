"""Whole images: before, after, what was removed and its autocorrelation, and classical filters beside."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ....metrics import Autocorrelation
from ...numbers.denoised_images import MAX_SIDE, DenoisedImage, Quality
from ..pictures import picture, signed_map
from ..section import Material, Section

MAX_CHARACTERS = 4_500_000  # of all pictures together; the first image is always drawn
FULL_COLOUR = 0.2  # correlation that has the full colour
MAX_FACTOR = 64  # by which what was removed is multiplied
DEVIATIONS = 6  # what was removed, from black to white, in units of its root mean square


def _context(material: Material) -> dict[str, Any]:
    images = material.report.denoised_images
    assert images is not None
    entries: list[dict[str, Any]] = []
    characters = 0
    for image in images:
        pictures = list(_pictures(image))
        characters += sum(len(each["uri"]) for each in pictures)
        entries.append(_entry(image, pictures if not entries or characters <= MAX_CHARACTERS else []))
    return {"notes": " ".join(_notes(images)), "images": entries, "full_colour": f"{FULL_COLOUR:g}"}


def _notes(images: list[DenoisedImage]) -> Iterator[str]:
    """Yield sentences that explain what is shown."""
    if noise := images[0].noise:
        yield f"Images without noise, to which {noise} was added, and which were then denoised as wholes."
    elif images[0].qualities:
        yield "Noisy images, denoised as wholes; their clean images are known."
    else:
        yield "Noisy images, denoised as wholes. Their clean images are not known, so that there is no PSNR."
    if any(image.cropped for image in images):
        yield f"Of larger images the middle {MAX_SIDE} × {MAX_SIDE} pixels."
    if images[0].qualities:
        yield (
            "PSNR and SSIM (Wang et al., 2004) are those of numbers from 0 to 1. Each classical filter has, of a few "
            "strengths, the one with the largest PSNR on this image, which is chosen with the clean image."
        )
    yield (
        "What was removed should look like noise: structure of the image in it is detail that was lost, and correlates "
        "with neighbouring pixels."
    )


def _entry(image: DenoisedImage, pictures: list[dict[str, str]]) -> dict[str, Any]:
    measured = image.autocorrelation
    return {
        "name": image.name,
        "size": f"{image.width} × {image.height} pixels",
        "pictures": pictures,
        "map": "" if measured is None else signed_map(np.array(measured.values), FULL_COLOUR),
        "map_size": "" if measured is None else _map_size(measured),
        "correlation": "Nothing was removed." if measured is None else _correlation(measured),
        "qualities": [_cells(quality, image.qualities) for quality in image.qualities],
    }


def _pictures(image: DenoisedImage) -> Iterator[dict[str, str]]:
    """Yield the pictures of an image: caption, name in the viewer and data URI."""
    pixels, factor = image.pixels, _factor(image.removed)
    yield {"caption": "before", "kind": "before", "uri": picture(pixels.before)}
    yield {"caption": "after", "kind": "after", "uri": picture(pixels.after)}
    times = f", × {factor}" if factor > 1 else ""
    yield {
        "caption": f"removed{times}, around grey; root mean square {255 * image.removed:.1f} of 255",
        "kind": "removed",
        "uri": picture(0.5 + factor * pixels.removed),
    }
    if pixels.clean is not None:
        yield {"caption": "clean", "kind": "clean", "uri": picture(pixels.clean)}


def _factor(removed: float) -> int:
    """Return the power of two by which what was removed is multiplied, so that most of it is between black and white.

    Examples
    --------
    >>> _factor(0.1), _factor(0.02), _factor(0.0)
    (1, 8, 64)
    """
    factor = 1
    while factor < MAX_FACTOR and 2 * factor * DEVIATIONS * removed <= 1:
        factor *= 2
    return factor


def _map_size(measured: Autocorrelation) -> str:
    return f"{len(measured.values)} × {len(measured.values[0])}"


def _correlation(measured: Autocorrelation) -> str:
    """Return what the autocorrelation is, as sentences."""
    down, right = measured.down, measured.right
    sides = [f"{abs(right)} to the {'right' if right > 0 else 'left'}"] if right else []
    place = " and ".join([f"{down} down"] * bool(down) + sides)
    largest = f"{measured.largest:+.3f}".replace("-", "−")
    within = abs(measured.largest) <= measured.bound
    return (
        f"Autocorrelation of what was removed: the largest value beside the middle is {largest} "
        f"({place}; pixels). White noise lies within ±{measured.bound:.3f} in 99 of 100 images"
        f"{'; so does this.' if within else '.'}"
    )


def _cells(quality: Quality, qualities: list[Quality]) -> dict[str, Any]:
    best = max(other.psnr if other.psnr is not None else np.inf for other in qualities)
    names = {"before": "noisy image", "after": "this model"}
    return {
        "name": names.get(quality.method, quality.method),
        "strength": quality.strength,
        "psnr": "exact" if quality.psnr is None else f"{quality.psnr:.2f}",
        "ssim": f"{quality.ssim:.3f}",
        "is_model": quality.method == "after",
        "is_best": quality.psnr is None or quality.psnr == best,
    }


DENOISED_IMAGES = Section(
    "denoised_images",
    "Images before and after",
    _context,
    shown=lambda material: bool(material.report.denoised_images),
)
