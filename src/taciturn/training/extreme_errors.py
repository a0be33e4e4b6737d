"""The warning that a few rows carry most of the squared error, so that training hardly serves the others."""

import warnings

import numpy as np
import torch
from torch import Tensor

from ..core.errors import ExtremeRows
from ..data.extreme_rows import share_of_largest
from ..model import Autoencoder, row_norm_instead
from ..model.coding_layers import ByVariable

MOST = 0.5  # share of the squared error
LONG = 10  # times the other rows' mean squared length
PART_NUMBERS = 1 << 24  # of the widest layer, that are computed at a time
MAX_FVU = 0.05  # of the other rows: below, nothing is lost


@torch.no_grad()
def warn_of_extreme_errors(model: Autoencoder, x: Tensor, target: Tensor) -> None:
    """Warn if a hundredth of the rows, far longer than the others, carries most of the squared error.

    Nothing is lost where the others are reconstructed well: then there is no warning.

    Parameters
    ----------
    model : Autoencoder
        The trained model.
    x : Tensor [N, D]
        Scaled training rows, a sample of them.
    target : Tensor [N, D]
        What is to be reconstructed, scaled; NaN where it is not known.

    Warns
    -----
    ExtremeRows
        A hundredth of the rows carries more than half of the squared error, and more than 5% of the other rows'
        variance is not reconstructed. Nothing is measured under a scaling by rows, which is the mend, in tables with
        booleans or categories, which it does not scale, and where entries were hidden.
    """
    own_unit = model.row_lengths is not None or isinstance(model.layout.output, ByVariable)
    if own_unit or model.blind_spots is not None:
        return
    parts = x.split(max(PART_NUMBERS // model.layout.widest, 1))
    recon = torch.cat([model.predicted(part) for part in parts])
    errors = (recon - target).double().square().nansum(1).cpu().numpy()
    if (found := share_of_largest(errors)) is None or found[0] <= MOST:
        return
    others = torch.from_numpy(~found[1]).to(target.device)
    y = target[others].double()
    variance = float((y - y.nanmean(0)).square().nansum())
    squares = target.double().sub(y.nanmean(0)).square().nansum(1).cpu().numpy()
    if squares[found[1]].mean() < LONG * squares[~found[1]].mean():
        return  # they are no longer than the others: another scaling would not mend it
    rest = float(errors[~found[1]].sum())
    if rest <= MAX_FVU * variance or not variance:
        return
    share = f"{1 - rest / variance:.0%}" if rest < variance else "none"
    mend = row_norm_instead(model.scale.cpu().numpy().astype(np.float64)).text
    warnings.warn(
        f"1% of the rows carry {found[0]:.0%} of the squared error, and {share} of the other rows' variance is "
        f"reconstructed; set scaling={mend!r}, under which each row counts the same, or leave those rows out",
        ExtremeRows,
        stacklevel=4,
    )
