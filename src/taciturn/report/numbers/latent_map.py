"""A map of the latents in a plane."""

from dataclasses import dataclass

from ...probes import plane
from .numbers import ShortRepr
from .study import Study

MAX_LATENTS = 1_000


@dataclass(frozen=True, repr=False)
class LatentMap(ShortRepr):
    """Coordinates of latents in a plane. Latents with similar directions are near each other.

    Parameters
    ----------
    points : list of [x, y]
        Coordinates of up to 1,000 latents, in the order of `Latents.order`. No unit.
    method : str
        How the coordinates were computed: "UMAP" or "two principal axes".
    """

    points: list[list[float]]
    method: str


def measure(study: Study) -> LatentMap:
    """Return the map of a report's latents."""
    if not study.model.layout.network.has_codes:
        return LatentMap([], "none")
    points, method = plane(study.directions[study["latents"].order[:MAX_LATENTS]])
    return LatentMap(points.tolist(), method)
