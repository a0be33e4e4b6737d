"""The rules of targets that have other columns than the rows: what a transcoder can be."""

from ...core.errors import RecipeError
from ...training import Learner
from ..parameters import RunParameters
from .values import flag


def n_outputs(parameters: RunParameters, n_columns: int, n_targets: int | None, fitted: Learner | None) -> int:
    """Return the width of the targets of a transcoder; 0 where targets have the rows' columns.

    Parameters
    ----------
    parameters : RunParameters
        The estimator's parameters.
    n_columns : int
        The number of columns of the rows.
    n_targets : int or None
        The number of columns of their targets; None: rows are their own targets.
    fitted : Learner or None
        A learner that is trained further; it stays a transcoder, or none.

    Raises
    ------
    RecipeError
        `skip` is set without targets, or a parameter requires targets with the rows' columns.

    Examples
    --------
    >>> from taciturn import DictionaryAutoencoder
    >>> parameters = DictionaryAutoencoder(8, k=2)._run_parameters()
    >>> n_outputs(parameters, 5, 3, None), n_outputs(parameters, 5, 5, None)
    (3, 0)
    """
    skip = flag("skip", parameters.skip)
    if skip and n_targets is None:
        raise RecipeError(
            "skip=True adds a linear map of the rows, which would copy rows that are their own targets; "
            "give fit(X, target=Y) or --target, or set skip=False"
        )
    if fitted is not None:
        return fitted.settings.layout.outputs
    if n_targets is None or not (skip or n_targets != n_columns):
        return 0
    why = f"target has {n_targets} columns and X has {n_columns}" if n_targets != n_columns else "skip=True"
    if parameters.tied:
        raise RecipeError(f"{why}, but tied weights are of the same columns; set tied=False")
    if parameters.refine:
        raise RecipeError(f"{why}, but refine={parameters.refine} compares rows with reconstructions; set refine=0")
    if parameters.levels is not None:
        raise RecipeError(f"{why}, but X is a table with booleans or categories; give its numbers alone")
    return n_targets
