"""When dead latents begin anew."""

from dataclasses import dataclass

from ..recipe import Recipe, check


@dataclass(frozen=True)
class Resample(Recipe):
    """Point dead latents at badly reconstructed rows, now and then (Bricken et al., 2023).

    every : the share of the run between two times, in (0, 1].
    until : the share after which nobody begins anew, so that there is time to learn, in [0, 1].
    after : the rows that a latent must have been silent for.
    rows : how many rows are looked at; one is drawn for each dead latent by its squared error's square.
    """

    every: float = 0.05
    until: float = 0.8
    after: int = 10_000
    rows: int = 2048

    name = "resample"

    def __post_init__(self) -> None:
        check(self, "every", 0, 1, "(]", fixed=True)
        check(self, "until", 0, 1, fixed=True)
        check(self, "after", 1, fixed=True)
        check(self, "rows", 1, fixed=True)

    def due(self, step: int, steps: int) -> bool:
        """Return whether it is time after so many of the run's steps."""
        return step % max(round(self.every * steps), 1) == 0 and step <= self.until * steps
