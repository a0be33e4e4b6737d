"""Whether reconstructions point where rows point, whatever their lengths."""

import torch
from torch import Tensor

from .row_mean import RowMean


class Cosine(RowMean):
    """The mean over rows of cos(x, x̂) = x·x̂ / (‖x‖ ‖x̂‖), from -1 (opposite) to 1 (the same direction).

    Rows are taken as they come: centred ones give other angles. A zero row has no direction: 1 where x and x̂ are
    both zero, 0 where one of them is.

    Examples
    --------
    >>> import torch
    >>> cosine = Cosine()
    >>> cosine.add(torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[6.0, 8.0], [0.0, 1.0]]))
    >>> cosine.mean
    0.5
    """

    def each(self, x: Tensor, recon: Tensor) -> Tensor:
        """Return each row's cosine [B], in float64."""
        x, recon = x.double(), recon.double()
        x_length, recon_length = x.norm(dim=1), recon.norm(dim=1)
        both = x_length * recon_length
        return torch.where(both == 0, (x_length == recon_length).double(), (x * recon).sum(1) / both)
