"""Where the latents that carry most lie in a plane."""

from dataclasses import dataclass

from ...probes import plane
from .study import Study

MAX_LATENTS = 1_000


@dataclass(frozen=True)
class LatentMap:
    """Places of latents in a plane, near each other where their directions are alike."""

    points: list[list[float]]  # [up to 1,000, 2], in the order of the latents' shares
    method: str


def measure(study: Study) -> LatentMap:
    """Return the map of a report."""
    points, method = plane(study.directions[study["latents"].order[:MAX_LATENTS]])
    return LatentMap(points.tolist(), method)
