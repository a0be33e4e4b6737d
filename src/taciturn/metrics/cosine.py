"""Mean cosine of rows and reconstructions."""

import torch
from torch import Tensor

from .row_mean import RowMean


class Cosine(RowMean):
    """The mean over rows of the cosine of a row and its reconstruction, from -1 (opposite) to 1 (same direction).

    Notes
    -----
    cos(x, x̂) = x·x̂ / (‖x‖ ‖x̂‖), in float64. Rows are used as they are: centred rows have other angles. If x and x̂
    are both zero the cosine is 1; if only one is zero it is 0.

    Examples
    --------
    >>> import torch
    >>> cosine = Cosine()
    >>> cosine.add(torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[6.0, 8.0], [0.0, 1.0]]))
    >>> cosine.mean
    0.5
    """

    def per_row(self, x: Tensor, recon: Tensor) -> Tensor:
        """Return each row's cosine [B], in float64."""
        x, recon = x.double(), recon.double()
        x_norm, recon_norm = x.norm(dim=1), recon.norm(dim=1)
        product = x_norm * recon_norm
        return torch.where(product == 0, (x_norm == recon_norm).double(), (x * recon).sum(1) / product)
