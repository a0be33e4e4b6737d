"""The parameters that decide a run, the same for every estimator."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from ..training import Order, Redirect, Resample


PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class RunParameters:
    """The parameters that, with the rows, decide a run; "auto" is not resolved yet.

    Fields named like parameters of `SparseAutoencoder` hold the same values, not validated yet. The
    others are derived, or set by `DictionaryAutoencoder` only:

    Parameters
    ----------
    constraint : str or Constraint, default="free"
        Constraint on the dictionary.
    refine : int, default=0
        How often codes are computed again from the error that they leave, ≥ 0.
    centred : bool, default=False
        Whether the decoder's bias is subtracted from the encoder's input.
    network : str or Network, default="dense"
        The kind of the network's layers.
    image : tuple of int or None, default=None
        The shape of a row, if it has more than one axis.
    learns_to_impute : bool, default=False
        Whether `missing` noise at the rows' own share of missing values is added to the corruption, if values of the
        targets are missing too.
    levels : tuple of int or None, default=None
        Of a table with booleans or categories: see `ByVariable`.
    initial_norm : float or None, default=None
        Initial norm of each latent's row of the encoder and of the decoder, > 0; None: as the weights are drawn.
    from_rows : float, default=0
        How near the initial directions lie to those of rows, 0 … 1; see `Layout`.
    skip : bool, default=False
        Whether a linear map of the row is added to what the codes decode to; see `Layout`.
    resample : Resample or None, default=None
        When dead latents are resampled; None: never.
    order : Order or None, default=None
        When latents are sorted by their firing rate; None: never.
    redirect : Redirect or None, default=None
        When redundant latents get new directions; None: never.
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
    shuffle_window: Any = "auto"
    survey_rows: Any = "all"
    max_steps: Any = None
    validate_every: Any = None
    n_iter_no_change: Any = 10
    tol: Any = 1e-4
    constraint: Any = "free"
    refine: Any = 0
    centred: bool = False
    network: Any = "dense"
    image: tuple[int, ...] | None = None
    learns_to_impute: bool = False
    levels: tuple[int, ...] | None = None
    initial_norm: float | None = None
    from_rows: float = 0.0
    skip: Any = False
    resample: "Resample | None" = None
    order: "Order | None" = None
    redirect: "Redirect | None" = None


def shipped_class(kind: type[Any]) -> type[Any]:
    """Return the estimator of taciturn that a class is, or inherits from.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder
    >>> shipped_class(SparseAutoencoder).__name__
    'SparseAutoencoder'
    """
    return next(each for each in kind.__mro__ if each.__module__.startswith(f"{PACKAGE}."))


def parameter_names(kind: Any) -> list[str]:
    """Return the names of an estimator's parameters and of those of the class of taciturn that it inherits from.

    A subclass need not list all of these; the others have their defaults.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder
    >>> parameter_names(SparseAutoencoder)[:2]
    ['activation', 'alpha']
    """
    return list(dict.fromkeys([*kind._get_param_names(), *shipped_class(kind)._get_param_names()]))


def run_parameters(estimator: BaseEstimator) -> dict[str, Any]:
    """Return those of an estimator's parameters that decide a run.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator.

    Returns
    -------
    dict
        The entries that are fields of `RunParameters`.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder
    >>> "tied" in run_parameters(SparseAutoencoder()), "verbose" in run_parameters(SparseAutoencoder())
    (True, False)
    """
    names = {field.name for field in fields(RunParameters)}
    return {name: getattr(estimator, name) for name in parameter_names(type(estimator)) if name in names}
