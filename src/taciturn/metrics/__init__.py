"""Metrics of models, dictionaries and codes.

Streamed over blocks of rows (`add` each block, then read the properties):

`SquaredErrors`: mean squared error, fraction of variance unexplained, explained variance, PSNR.
`VariableErrors`: the same of tables with booleans and categories, by variable.
`Cosine`: mean cosine of rows and reconstructions.
`SSIM`: mean structural similarity of images.
`Sparsity`: mean activations, firing rates, active latents per row (L0), dead latents.

`RowScores`, `Remembered`: numbers of single rows, and what a fit remembers of them; `taciturn.check` compares them by
`share_above` and `share_below`.

`denoising_scorer`: a scorer for scikit-learn's searches, with one noise for all candidates.

`autocorrelation`: how each pixel of an image correlates with the pixels around it.

On whole dictionaries and codes, given as arrays:

`coherence`, `mean_cosine`: largest and mean |cosine| of the directions of one dictionary.
`matched`, `nearest`, `mcc`, `mmcs`, `recall`: a learnt dictionary compared with the true one.
`detection`: precision, recall and F1 of latents as detectors of features.
`absorption`: how often a child's latent carries its parent feature in place of the parent's latent.
`decoder_projection`, `mean_cosine`: whether the number of active latents is right.
`coordinates`: directions projected on a plane.
`stability`: what dictionaries trained with different seeds have in common.
"""

from .absorption import Absorption, absorption
from .autocorrelation import Autocorrelation, autocorrelation
from .coherence import coherence, mean_cosine
from .coordinates import coordinates
from .cosine import Cosine
from .decoder_projection import decoder_projection
from .denoising import denoising_scorer
from .detection import Detection, detection
from .errors import SquaredErrors, psnr
from .matching import Matching, matched, mcc, mmcs, nearest, recall
from .row_scores import Remembered, RowScores, share_above, share_below
from .sparsity import Sparsity
from .ssim import SSIM
from .stability import Stability, stability
from .variable_errors import VariableErrors

__all__ = [
    "SSIM",
    "Absorption",
    "Autocorrelation",
    "Cosine",
    "Detection",
    "Matching",
    "Remembered",
    "RowScores",
    "Sparsity",
    "SquaredErrors",
    "Stability",
    "VariableErrors",
    "absorption",
    "autocorrelation",
    "coherence",
    "coordinates",
    "decoder_projection",
    "denoising_scorer",
    "detection",
    "matched",
    "mcc",
    "mean_cosine",
    "mmcs",
    "nearest",
    "psnr",
    "recall",
    "share_above",
    "share_below",
    "stability",
]
