"""What can be said of a model in numbers, streamed over rows.

`SquaredErrors`: mean squared error, fraction of variance unexplained, explained variance, PSNR.
`Cosine`: the mean cosine of rows and reconstructions.
`SSIM`: the mean structural similarity of images.
`Sparsity`: mean activations, firing, latents a row (L0), dead latents.

Of whole dictionaries and codes, on arrays:

`coherence`, `mean_cosine`: how alike the directions of one dictionary are.
`matched`, `nearest`, `mcc`, `mmcs`, `recall`: found directions beside true ones.
`detection`: precision, recall and F1 of latents as detectors of features.
`absorption`: parents that children's latents speak for.
`decoder_projection`: whether the number of active latents is right; so does `mean_cosine`.
`coordinates`: where directions lie on a plane.
`stability`: whether other seeds find the same.
"""

from .absorption import Absorption, absorption
from .coherence import coherence, mean_cosine
from .cosine import Cosine
from .detection import Detection, detection
from .errors import SquaredErrors, psnr
from .layout import coordinates
from .matching import Matching, matched, mcc, mmcs, nearest, recall
from .right_k import decoder_projection
from .sparsity import Sparsity
from .ssim import SSIM
from .stability import Stability, stability

__all__ = [
    "SSIM",
    "Absorption",
    "Cosine",
    "Detection",
    "Matching",
    "Sparsity",
    "SquaredErrors",
    "Stability",
    "absorption",
    "coherence",
    "coordinates",
    "decoder_projection",
    "detection",
    "matched",
    "mcc",
    "mean_cosine",
    "mmcs",
    "nearest",
    "psnr",
    "recall",
    "stability",
]
