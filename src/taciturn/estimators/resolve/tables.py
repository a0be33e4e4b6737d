"""The rules of tables with booleans and categories: each variable has its own scaling, output and error."""

from ...core.errors import RecipeError
from ...data.moments import Moments
from ...model import MeanNorm, Scaling, VariableScaling, VariableTargets, VariableUnits, best_constants
from ...model.coding_layers import ByVariable, Elementwise, Identity
from ...objective import SquaredError, Term, VariableError
from ...training import Learner
from ..parameters import RunParameters


def table_scalings(
    levels: tuple[int, ...], scaling: Scaling, targets: Scaling, unit: Scaling, fitted: Learner | None
) -> tuple[Scaling, Scaling, Scaling]:
    """Return the scaling of a table's rows, that of their targets, and the unit of errors.

    Parameters
    ----------
    levels : tuple of int
        As of `ByVariable`.
    scaling, targets, unit : Scaling
        Those of the numbers.
    fitted : Learner or None
        A learner that is trained further; its scalings stay.

    Raises
    ------
    RecipeError
        The scaling acts on whole rows.
    """
    if fitted is not None:
        return scaling, targets, unit
    if scaling.whitens or scaling.by_rows or isinstance(scaling, MeanNorm):
        raise RecipeError(
            f"scaling={scaling.text!r} acts on whole rows, but the table has booleans or categories; "
            "set scaling='standard', or give the numbers alone"
        )
    return VariableScaling(levels, scaling), VariableTargets(levels, targets), VariableUnits(levels, unit)


def table_parts(
    parameters: RunParameters, levels: tuple[int, ...], targets: Scaling, moments: Moments, fitted: Learner | None
) -> tuple[Term, Elementwise]:
    """Return the reconstruction error and the output activation of a table.

    Parameters
    ----------
    parameters : RunParameters
        The estimator's parameters.
    levels : tuple of int
        As of `ByVariable`.
    targets : Scaling
        The targets' scaling.
    moments : Moments
        Of the targets.
    fitted : Learner or None
        A learner that is trained further; its error stays.

    Raises
    ------
    RecipeError
        The parameters name another error or output activation.
    """
    for name, usual in (
        ("loss", ("squared_error", SquaredError())),
        ("output_activation", ("auto", "identity", Identity())),
    ):
        if getattr(parameters, name) not in usual:
            raise RecipeError(
                f"{name}={getattr(parameters, name)!r}: a table with booleans and categories has its own for each "
                f"variable; leave out {name}"
            )
    if fitted is not None:
        return fitted.settings.objective.terms[0], fitted.settings.layout.output
    assert isinstance(targets, VariableTargets)
    return VariableError(levels, best_constants(targets, moments)), ByVariable(levels)
