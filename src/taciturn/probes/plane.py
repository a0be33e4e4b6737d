"""Where latents lie in a plane: by UMAP where it is installed, else by principal components."""

from typing import Any

from ..core.errors import RecipeError
from ..metrics import coordinates
from ..metrics.arrays import Floats

ENOUGH = 16  # latents from which on neighbours mean something
METHODS = ("auto", "umap", "pca")


def plane(components: Any, *, method: str = "auto") -> tuple[Floats, str]:
    """Return the places [L, 2] of directions, near each other where they point the same way, and in words by what.

    `method`: "pca", the first two principal axes; "umap" (McInnes et al., 2018; needs umap-learn and 16 latents);
    "auto": UMAP where it can be had.

    Examples
    --------
    >>> plane([[2, 0], [0, 3], [0, -1]], method="pca")[1]
    'two principal axes'
    """
    if method not in METHODS:
        raise RecipeError(f"method={method!r} must be one of {', '.join(METHODS)}")
    if method != "pca" and (xy := _umap(components, needed=method == "umap")) is not None:
        return xy, "UMAP"
    return coordinates(components), "two principal axes"


def _umap(components: Any, *, needed: bool) -> Any:
    try:
        from umap import UMAP
    except ImportError as error:
        if needed:
            raise RecipeError("method='umap' needs umap-learn: pip install umap-learn, or set method='pca'") from error
        return None
    if len(components) < ENOUGH:
        if needed:
            raise RecipeError(f"method='umap' needs {ENOUGH} latents or more; set method='pca'")
        return None
    return UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(components)
