"""The initial directions of a dictionary's latents: towards training rows."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .autoencoder import Autoencoder


@torch.no_grad()
def initialise_dictionary(model: Autoencoder, x: Tensor) -> None:
    """Turn the initial directions of the latents towards scaled rows; do nothing without `Layout.from_rows`.

    A direction is the sum of a drawn one and of a row's, less the centre, with the weights 1 - s and s; its norm stays.
    A latent with a drawn direction alone can be active on no row, because rows vary along few directions.

    Parameters
    ----------
    model : Autoencoder
        Its decoder's bias is initialised.
    x : Tensor [N, D]
        Scaled rows.
    """
    share = model.layout.from_rows
    if not share:
        return
    encoder, rows = model.layers[0][-1], x[model.spread(len(x)).to(x.device)]
    drawn = F.normalize(encoder.weight, dim=1)
    directions = share * F.normalize(rows - model.outer_layers[1].bias, dim=1) + (1 - share) * drawn
    directions = F.normalize(directions, dim=1)
    for weight in dict.fromkeys((encoder.weight, model.dictionary)):
        weight.copy_(directions * weight.norm(dim=1, keepdim=True))
