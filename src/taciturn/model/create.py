"""The network of a layout, as a torch module."""

import torch

from ..core.world import SINGLE_PROCESS, Axis
from ..kernels import Kernels
from .autoencoder import Autoencoder
from .layout import Layout
from .residual_denoiser import ResidualDenoiser


def create(
    layout: Layout, *, rng: torch.Generator | None, kernels: Kernels | None = None, latents: Axis = SINGLE_PROCESS
) -> Autoencoder:
    """Return the network of a layout: an `Autoencoder`, or one without codes, a `ResidualDenoiser`.

    Parameters as of `Autoencoder`.

    Examples
    --------
    >>> from taciturn.model.coding_layers import Sigmoid
    >>> type(create(Layout((64, 30), Sigmoid()), rng=torch.Generator().manual_seed(0))).__name__
    'Autoencoder'
    """
    kind = Autoencoder if layout.network.has_codes else ResidualDenoiser
    return kind(layout, rng=rng, kernels=kernels, latents=latents)
