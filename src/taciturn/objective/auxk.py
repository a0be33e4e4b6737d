"""AuxK: dead latents are trained on what the reconstruction leaves over."""

from dataclasses import dataclass, field

from torch import Tensor

from ..core.recipe import check
from ..core.schedules import Schedule
from ..model import Capability, Pass
from .term import Term


@dataclass(frozen=True)
class AuxK(Term):
    """The squared error with which each row's k largest dead latents model the residual (Gao et al., 2024).

    It revives dead latents: encoder and decoder are trained by it, in the same units as the squared error.

    Parameters
    ----------
    k : int, at least 1, default=64
        Dead latents per row; fewer where fewer are dead.
    after : int, at least 1, default=10_000
        A latent is dead when it has been inactive for at least this number of rows.
    weight : float or Schedule, 0 or more, default=1/32
        See Term.

    Notes
    -----
    1/(B D) Σ ‖e - ê‖². The residual e = x - x̂ passes no gradient; ê is the sum of the dictionary's rows of each row's
    k largest dead latents, weighted by max(z, 0). A latent with z < 0 on every row gets no gradient here; resampling
    can revive it.

    Examples
    --------
    >>> AuxK(after=1000).text, AuxK().fixed_weight
    ('auxk:after=1000', 0.03125)
    """

    k: int = 64
    after: int = 10_000
    weight: float | Schedule | str | None = field(default=1 / 32, kw_only=True)

    name = "auxk"
    requires = frozenset({Capability.RANKED_CODES, Capability.ONE_LAYER_DECODER, Capability.UNBOUNDED_OUTPUT})

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "k", 1, whole=True)
        check(self, "after", 1, whole=True)

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/(B D) Σ ‖e - ê‖², or 0 where no latent is dead."""
        dead_M = (p.inactive_rows >= self.after).nonzero()[:, 0]
        if not p.model.latents.any(len(dead_M) > 0):
            return p.logits.new_zeros(())
        residual = (p.batch.target - p.recon).detach()
        dead_codes = p.pre.restricted_to(dead_M).top(self.k).relu()
        return p.mean_judged((p.model.decode_linear(dead_codes) - residual).square())
