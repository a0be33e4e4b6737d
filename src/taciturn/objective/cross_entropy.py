"""CrossEntropy: the reconstruction error of outputs that are probabilities."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from ..model import Capability, Pass
from .term import Number, Term


@dataclass(frozen=True)
class CrossEntropy(Term):
    """The mean over rows and columns of -x log x̂ - (1 - x) log(1 - x̂), for rows x in [0, 1] (Vincent et al., 2008).

    Parameters
    ----------
    weight : float or Schedule, 0 or more, optional
        See Term; None is 1.

    Notes
    -----
    It requires sigmoid outputs x̂, and is computed from the logits: from a saturated sigmoid's value its gradient would
    be exactly 0.

    Examples
    --------
    >>> CrossEntropy().text
    'cross_entropy'
    """

    name = "cross_entropy"
    is_reconstruction_error = True
    has_gradient = True
    unit_interval_only = True
    requires = frozenset({Capability.UNIT_INTERVAL_OUTPUT})

    def value_and_gradient(self, p: Pass, weight: Number = 1.0, aim: Number = 1.0) -> tuple[Tensor, Tensor]:
        """Return the error, and weight/(B D) (x̂ - x) [B, D]."""
        return self(p), (p.recon - p.batch.target).mul_(weight / (p.n_rows * p.recon.shape[1]))

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/(B D) Σ softplus(logit) - x · logit, or its mean over the judged entries."""
        return p.mean_judged(F.binary_cross_entropy_with_logits(p.logits, p.batch.target, reduction="none"))
