"""Dead latents learn from what the living leave over."""

from dataclasses import dataclass, field

from torch import Tensor

from ..core.recipe import check
from ..core.schedules import Schedule
from ..model import Capability, Pass
from .term import Term


@dataclass(frozen=True)
class AuxK(Term):
    """How badly the k loudest dead latents model what the codes leave over (Gao et al., 2024), in units of the error.

    1/(B D) Σ ‖e - ê‖², with the residual e = x - x̂ taken as given and ê the sum of the dictionary's rows of each
    row's k largest dead latents, ReLU'd. Encoder and decoder both learn from it. Dead is who has been silent for
    `after` rows. A latent that is below 0 on every row learns nothing here: resampling stands beside it.
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
        """Return 1/(B D) Σ ‖e - ê‖², or 0 where nobody is dead."""
        dead_M = (p.inactive_rows >= self.after).nonzero()[:, 0]
        if not len(dead_M):
            return p.logits.new_zeros(())
        left = (p.batch.target - p.logits).detach()
        said = p.pre.restricted_to(dead_M).top(self.k).relu()
        return p.mean((p.model.decode_linear(said) - left).square())
