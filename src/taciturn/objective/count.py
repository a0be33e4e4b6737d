"""The base class of penalties that make codes zero, and the mean L0."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..core.recipe import check
from ..model import Capability, Model, Pass
from .term import Term


@dataclass(frozen=True)
class CountTerm(Term):
    """A penalty that makes codes zero, optionally with a target for the mean number of active latents per row.

    Parameters
    ----------
    l0 : float, greater than 0, optional
        The target: with it the weight is adjusted by default, so that clean rows have this many active latents on
        average. The codes must then have exact zeros. None: no target.
    weight : float or Schedule, 0 or more, or "auto", optional
        See Term; None is "auto" with a target, else 1.

    Examples
    --------
    >>> term = Term.parse("l1:l0=8")
    >>> isinstance(term, CountTerm), term.target_value, term.controlled
    (True, 8, True)
    """

    l0: float | None = field(default=None, kw_only=True)

    target_kind = "l0"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.l0 is not None:
            check(self, "l0", 0, ends="(]", fixed=True)

    @property
    def requires(self) -> frozenset[Capability]:  # type: ignore[override]  # it depends on `l0`
        """Exact zeros, if there is a target."""
        return frozenset() if self.l0 is None else frozenset({Capability.ZERO_CODES})

    @property
    def target_value(self) -> float | None:
        """The target for the mean number of active latents per row; None without one."""
        return self.l0

    def measured(self, p: Pass) -> Tensor:
        """Return the mean number of active latents per clean row."""
        return mean_l0(p.clean)

    @torch.no_grad()
    def calibrate(self, model: Model, x: Tensor, *, each: bool) -> None:
        """Shift the latents' biases so that rows x have `l0` active latents on average.

        `each`: every latent gets its own shift, and all are active equally often; else all get the same shift. Without
        a target nothing changes.
        """
        if self.l0 is None:
            return
        margin = model.margin(model.refined_pre(x).dense())
        share, count = self.l0 / model.n_latents, len(margin) if each else len(margin) * model.n_latents
        entries = margin if each else margin.reshape(-1, 1)
        n_active = min(max(round(share * count), 1), count - 1)
        largest = entries.topk(min(n_active + 1, len(entries)), dim=0).values
        if not each and model.latents.size > 1:
            largest = model.latents.joined(largest).topk(n_active + 1, dim=0).values
        # the last entry that is to be active and the first that is not: the boundary is half-way between them
        model.shift_biases(-largest[-2:].mean(0))


def mean_per_row(p: Pass, numbers: Tensor) -> Tensor:
    """Return the mean over rows of the sum over latents of numbers in the shape of the codes' values, a scalar."""
    return p.mean(p.model.latents.sum(p.codes.row_sums(numbers)))


def mean_l0(p: Pass) -> Tensor:
    """Return the mean number of active latents per row, a scalar, with the gate's gradient where there is a gate."""
    return p.mean(p.model.latents.sum(p.codes.l0()))
