"""The parameters that decide a run, the same for every estimator."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..training import Order, Resample


@dataclass(frozen=True, kw_only=True)
class RunParameters:
    """The parameters that, with the rows, decide a run; "auto" is not resolved yet.

    Fields named like parameters of `SparseAutoencoder` hold the same values, not validated yet. Only
    `DictionaryAutoencoder` sets the others:

    Parameters
    ----------
    constraint : str or Constraint, default="free"
        Constraint on the dictionary.
    refine : int, default=0
        How often codes are computed again from the error that they leave, ≥ 0.
    centred : bool, default=False
        Whether the decoder's bias is subtracted from the encoder's input.
    initial_norm : float or None, default=None
        Initial norm of each latent's row of the encoder and of the decoder, > 0; None: as the weights are drawn.
    resample : Resample or None, default=None
        When dead latents are resampled; None: never.
    order : Order or None, default=None
        When latents are sorted by their firing rate; None: never.
    """

    n_components: Any
    corruption: Any
    sparsity: Any
    activation: Any
    output_activation: Any
    scaling: Any
    loss: Any
    tied: Any
    solver: Any
    learning_rate: Any
    batch_size: Any
    max_iter: Any
    alpha: Any
    early_stopping: Any
    warm_start: Any
    precision: Any
    device: Any
    n_iter_no_change: Any = 10
    tol: Any = 1e-4
    constraint: Any = "free"
    refine: Any = 0
    centred: bool = False
    initial_norm: float | None = None
    resample: "Resample | None" = None
    order: "Order | None" = None


def run_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of an estimator's parameters that decide a run.

    Parameters
    ----------
    parameters : mapping of str to object
        The estimator's parameters, as `get_params` returns them.

    Returns
    -------
    dict
        The entries that are fields of `RunParameters`.

    Examples
    --------
    >>> run_parameters({"tied": True, "verbose": 1})
    {'tied': True}
    """
    names = {field.name for field in fields(RunParameters)}
    return {name: value for name, value in parameters.items() if name in names}
