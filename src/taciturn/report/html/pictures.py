"""Images and maps inside the page, each a picture of its own."""

import base64
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray
from PIL import Image

from ...plots.style import SIGNED

MAX_EXACT_PIXELS = 1 << 16  # of a picture that is not compressed with loss
JPEG_QUALITY = 95


def picture(pixels: NDArray[Any]) -> str:
    """Return an image [height, width, channels] of numbers from 0 (black) to 1 (white) as a data URI.

    It is a PNG file, of more than 256 × 256 pixels a JPEG file, because noise takes much space.
    """
    eight_bits = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
    file, image = BytesIO(), Image.fromarray(eight_bits[:, :, 0] if eight_bits.shape[2] == 1 else eight_bits)
    kind = "png" if image.width * image.height <= MAX_EXACT_PIXELS else "jpeg"
    image.save(file, kind, **({"optimize": True} if kind == "png" else {"quality": JPEG_QUALITY, "subsampling": 0}))
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def signed_map(values: NDArray[Any], largest: float) -> str:
    """Return a map of numbers [height, width] as a data URI of a PNG file, one pixel for each.

    Orange is positive, blue negative; 0 is transparent, and `largest` or more has the full colour.
    """
    file = BytesIO()
    imsave(file, SIGNED(0.5 + 0.5 * (values / largest).clip(-1, 1)), format="png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
