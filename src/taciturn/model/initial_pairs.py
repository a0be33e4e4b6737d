"""The initial directions of a transcoder's latents, whose encoder and decoder have different columns."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .autoencoder import Autoencoder


@torch.no_grad()
def initialise_pairs(model: Autoencoder, x: Tensor, target: Tensor, centre_D: Tensor) -> None:
    """Turn the initial directions of a transcoder's latents towards pairs of a scaled row and its target.

    Each latent gets one pair: the encoder's direction is turned towards the row, less the rows' centre, the decoder's
    towards the target, less the decoder's bias; how far as in `initialise_dictionary`. The encoder's bias
    becomes such that a row at the centre has pre-activations of 0.

    Parameters
    ----------
    model : Autoencoder
        A transcoder of one layer, whose decoder's bias is initialised.
    x : Tensor [N, D]
        Scaled rows.
    target : Tensor [N, …]
        Their scaled targets.
    centre_D : Tensor [D]
        The centre of the scaled rows.

    Examples
    --------
    >>> from taciturn.model.coding_layers import TopK
    >>> from taciturn.model.layout import Layout
    >>> layout = Layout((4, 8), TopK(2), centred=True, norm=1.0, from_rows=1.0, outputs=3)
    >>> model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
    >>> initialise_pairs(model, torch.eye(4), torch.eye(4, 3), torch.zeros(4))
    >>> model.layers[0][0].weight[0].round(decimals=3).tolist(), model.dictionary[0].round(decimals=3).tolist()
    ([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0])
    """
    share, encoder, pairs = model.layout.from_rows, model.layers[0][-1], model.spread(len(x)).to(x.device)
    ends = ((encoder.weight, x[pairs] - centre_D), (model.dictionary, target[pairs] - model.outer_layers[1].bias))
    for weight, rows in ends if share else ():
        directions = share * F.normalize(rows, dim=1) + (1 - share) * F.normalize(weight, dim=1)
        weight.copy_(F.normalize(directions, dim=1) * weight.norm(dim=1, keepdim=True))
    encoder.bias.copy_(-(encoder.weight @ centre_D))
