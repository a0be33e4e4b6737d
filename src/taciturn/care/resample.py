"""When dead latents begin anew."""

from dataclasses import dataclass

from ..recipe import check
from .occasion import Occasion


@dataclass(frozen=True)
class Resample(Occasion):
    """Point dead latents at badly reconstructed rows, now and then (Bricken et al., 2023).

    every : the share of the run between two times, in (0, 1].
    until : the share after which nobody begins anew, so that there is time to learn, in [0, 1].
    after : the rows that a latent must have been silent for.
    rows : how many rows are looked at; a quarter as many latents at most begin anew at a time, the longest silent
        first, each at another row, drawn by its squared error's square.
    """

    every: float = 0.05
    until: float = 0.8
    after: int = 10_000
    rows: int = 2048

    name = "resample"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "after", 1, fixed=True)
        check(self, "rows", 1, fixed=True)
