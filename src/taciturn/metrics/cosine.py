"""Mean cosine of rows and reconstructions."""

import math

import torch
from torch import Tensor

from .row_mean import RowMean


class Cosine(RowMean):
    """The mean over rows of the cosine of a row and its reconstruction, from -1 (opposite) to 1 (same direction).

    Notes
    -----
    cos(x, x̂) = x·x̂ / (‖x‖ ‖x̂‖), in float64. Rows are used as they are: centred rows have other angles. If x and x̂
    are both zero the cosine is 1; if only one is zero it is 0. Missing values (NaN) of x are left out of both.

    Examples
    --------
    >>> import torch
    >>> cosine = Cosine()
    >>> cosine.add(torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[6.0, 8.0], [0.0, 1.0]]))
    >>> cosine.mean
    0.5
    """

    def per_row(self, x: Tensor, recon: Tensor) -> Tensor:
        """Return each row's cosine [B], in float64; NaN where no value of x is known."""
        x, recon = x.double(), recon.double()
        missing = x.isnan()
        if bool(missing.any()):
            x, recon = (rows.masked_fill(missing, 0.0) for rows in (x, recon))
            return self.per_row(x, recon).masked_fill(missing.all(1), math.nan)
        x_norm, recon_norm = x.norm(dim=1), recon.norm(dim=1)
        product = x_norm * recon_norm
        return torch.where(product == 0, (x_norm == recon_norm).double(), (x * recon).sum(1) / product)
