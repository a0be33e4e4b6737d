"""The parameters that decide a run, whatever the estimator."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..training import Order, Resample


@dataclass(frozen=True, kw_only=True)
class RunParameters:
    """What decides a run beside its rows, "auto" not yet resolved: estimator parameters, and what dictionaries add."""

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
    """Return those of an estimator's parameters that decide a run."""
    known = {each.name for each in fields(RunParameters)}
    return {name: value for name, value in parameters.items() if name in known}
