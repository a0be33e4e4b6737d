"""The tracker that a text names, as --track takes it."""

from collections.abc import Callable
from typing import Any

from ..core.errors import RecipeError
from .mlflow import MLflow
from .tensorboard import TensorBoard
from .wandb import WandB

USAGE = "tensorboard:FOLDER, wandb, wandb:PROJECT or mlflow:URI"
KINDS: dict[str, Callable[..., Callable[[dict[str, Any]], None]]] = {
    "tensorboard": TensorBoard,
    "wandb": WandB,
    "mlflow": MLflow,
}


def tracker(text: str) -> Callable[[dict[str, Any]], None]:
    """Return the tracker that a text names.

    Parameters
    ----------
    text : str
        "tensorboard:FOLDER", "wandb", "wandb:PROJECT" or "mlflow:URI".

    Returns
    -------
    callable
        A callback of `fit`.

    Raises
    ------
    RecipeError
        The text is not of this form, or the package is not installed.

    Examples
    --------
    >>> tracker("tensorbord:runs")
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: tracker 'tensorbord:runs' is unknown; write tensorboard:FOLDER, wandb, ...
    """
    name, _, place = text.partition(":")
    if name not in KINDS or not (place or name == "wandb"):
        raise RecipeError(f"tracker {text!r} is unknown; write {USAGE}")
    return KINDS[name](place) if place else KINDS[name]()
