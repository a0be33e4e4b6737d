"""What cannot be trained where latents are distributed over processes, refused by name."""

from ..core.errors import RecipeError
from ..core.world import Axis
from ..objective import HierarchicalTopK, Orthogonality
from .settings import Settings


def check_latents(settings: Settings, latents: Axis) -> None:
    """Raise RecipeError if the latents of such a network cannot be distributed over the processes of an axis."""
    if latents.size == 1:
        return
    layout, mend = settings.layout, f"or set latent_processes=1, not {latents.size}"
    errors = [error for term in settings.objective.terms for error in (term, getattr(term, "error", term))]
    refused = {
        "a network without codes": (not layout.network.has_codes, "choose another network"),
        "a network with hidden layers": (len(layout.widths) > 2, "give one number of latents"),
        "a model that hides entries": (layout.hides, "choose another corruption than blind_spot"),
        "ordered=True": (settings.order is not None, "set ordered=False"),
        "orthogonality": (any(isinstance(each, Orthogonality) for each in errors), "leave it out"),
        "hierarchical_topk": (any(isinstance(each, HierarchicalTopK) for each in errors), "choose another loss"),
    }
    for name, (is_present, change) in refused.items():
        if is_present:
            raise RecipeError(f"{name} does not work with latents distributed over processes; {change}, {mend}")
    if layout.widths[-1] < latents.size:
        raise RecipeError(f"{layout.widths[-1]} latents are fewer than {latents.size} processes; give more, {mend}")
