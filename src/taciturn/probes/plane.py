"""Directions placed in a plane: by UMAP if it is installed, else by principal components."""

from typing import Any

from ..core.errors import RecipeError
from ..metrics import coordinates
from ..metrics.arrays import Floats

MIN_UMAP_LATENTS = 16  # UMAP's default is 15 neighbours
METHODS = ("auto", "umap", "pca")


def plane(components: Any, *, method: str = "auto") -> tuple[Floats, str]:
    """Return coordinates of directions in a plane, and the name of the method used.

    Parameters
    ----------
    components : array of shape [L, D]
        One direction per row.
    method : {"auto", "umap", "pca"}, default="auto"
        "pca": the first two principal axes. "umap": UMAP (McInnes et al., 2018); requires umap-learn and 16 latents or
        more. "auto": UMAP if it can be used, else principal axes.

    Returns
    -------
    xy : array [L, 2]
        Directions of large cosine are near each other.
    description : str
        "UMAP" or "two principal axes".

    Raises
    ------
    RecipeError
        If the method is unknown, or "umap" cannot be used.

    Examples
    --------
    >>> plane([[2, 0], [0, 3], [0, -1]], method="pca")[1]
    'two principal axes'
    """
    if method not in METHODS:
        raise RecipeError(f"method={method!r} must be one of {', '.join(METHODS)}")
    if method != "pca" and (xy := _umap(components, required=method == "umap")) is not None:
        return xy, "UMAP"
    return coordinates(components), "two principal axes"


def _umap(components: Any, *, required: bool) -> Any:
    """Return UMAP's coordinates, or None if UMAP cannot be used and is not required."""
    try:
        from umap import UMAP
    except ImportError as error:
        if required:
            raise RecipeError("method='umap' needs umap-learn: pip install umap-learn, or set method='pca'") from error
        return None
    if len(components) < MIN_UMAP_LATENTS:
        if required:
            raise RecipeError(f"method='umap' needs {MIN_UMAP_LATENTS} latents or more; set method='pca'")
        return None
    return UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(components)
