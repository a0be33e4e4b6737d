"""The parts of a run, with every "auto" resolved."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Self

from ..core.errors import RecipeError
from ..core.recipe import Recipe
from ..core.schedules import Schedule
from ..corruption import BlindSpot, Clean, Corruption
from ..model import Layout, Scaling
from ..objective import Objective
from .constraints import Constraint
from .ordering import Order
from .redirecting import Redirect
from .resampling import Resample
from .solvers import Solver
from .step import PRECISIONS

FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "layout": (Layout,),
    "objective": (Objective,),
    "corruption": (Corruption,),
    "scaling": (Scaling,),
    "target_scaling": (Scaling,),
    "unit": (Scaling,),
    "solver": (Solver,),
    "learning_rate": (float, Schedule),
    "batch_size": (int,),
    "epochs": (int,),
    "weight_decay": (float, int),
    "device": (str,),
    "constraint": (Constraint,),
    "resample": (Resample, type(None)),
    "order": (Order, type(None)),
    "redirect": (Redirect, type(None)),
    "precision": (str,),
    "shuffle_window": (int,),
    "survey_rows": (int, type(None)),
    "max_steps": (int, type(None)),
    "validate_every": (int, type(None)),
}
LOWEST = {
    "learning_rate": 0,
    "batch_size": 1,
    "epochs": 1,
    "weight_decay": 0,
    "shuffle_window": 1,
    "survey_rows": 1,
    "max_steps": 1,
    "validate_every": 1,
}


@dataclass(frozen=True)
class Settings:
    """The parts of a run, with every "auto" resolved.

    Parameters
    ----------
    layout : Layout
        The network.
    objective : Objective
        Reconstruction error and penalties.
    corruption : Corruption
        Noise of the training rows.
    scaling : Scaling
        Scaling of the rows.
    target_scaling : Scaling
        Scaling of the targets, and so of the reconstructions; that of the rows where rows are their own targets.
    unit : Scaling
        The unit of errors is its divisor, fitted to the targets. It does not depend on `scaling`.
    solver : Solver
        The optimiser.
    learning_rate : float or Schedule
        The learning rate, ≥ 0.
    batch_size : int
        Largest number of rows of a batch.
    epochs : int
        Number of epochs.
    weight_decay : float
        Decoupled weight decay of the weights, ≥ 0; biases do not decay.
    device : str
        The device on which the model is trained, such as "cpu" or "cuda".
    constraint : Constraint
        Constraint on the dictionary.
    resample : Resample or None
        When dead latents are resampled; None: never.
    order : Order or None
        When latents are sorted by their firing rate; None: never.
    precision : str
        "fp32", "bf16" or "int8": the precision in which kernels look for the largest pre-activations. Under "bf16" a
        dense step may also round the factors of its products to bfloat16.
    shuffle_window : int, default=65536
        Within how many rows streamed rows are shuffled; see `data.order.WindowOrder`. No effect on rows in memory.
    survey_rows : int or None, default=None
        How many streamed rows are measured before the first step; None: all. See `data.survey.surveyed_part`.
    max_steps : int or None, default=None
        Number of steps after which the run ends, if its epochs are not done before; None: no bound.
    validate_every : int or None, default=None
        Number of steps after which the run is validated each time; None: an epoch.
    redirect : Redirect or None, default=None
        When `fit` gives redundant latents new directions; None: never.
    """

    layout: Layout
    objective: Objective
    corruption: Corruption
    scaling: Scaling
    target_scaling: Scaling
    unit: Scaling
    solver: Solver
    learning_rate: float | Schedule
    batch_size: int
    epochs: int
    weight_decay: float
    device: str
    constraint: Constraint
    resample: Resample | None
    order: Order | None
    precision: str
    shuffle_window: int = 1 << 16
    survey_rows: int | None = None
    max_steps: int | None = None
    validate_every: int | None = None
    redirect: Redirect | None = None

    @property
    def calibrates_l0(self) -> bool:
        """Whether the L0 is calibrated after training.

        The calibration then uses held-out rows: the L0 is smaller on the rows that were trained on.
        """
        has_target = any(term.controlled and term.target_kind == "l0" for term in self.objective.terms)
        return has_target or self.layout.coder.finalises

    @property
    def evaluation_noise(self) -> Corruption:
        """The noise under which denoising is measured: the corruption; none for rows that are noisy themselves."""
        return Clean() if self.corruption.for_noisy_rows else self.corruption

    @property
    def noise(self) -> float | None:
        """Standard deviation of the noise that the rows have themselves, in their units; None: unknown, or none."""
        noise = self.corruption.noise if isinstance(self.corruption, BlindSpot) else None
        return noise if isinstance(noise, float | int) else None

    @property
    def calibrates_on_held_out(self) -> bool:
        """Whether a tenth of the rows is held out from the training, to calibrate an L0 or the join of a blind spot."""
        return self.calibrates_l0 or self.noise is not None

    def __post_init__(self) -> None:
        """Raise RecipeError unless each field has its type and lies in its range."""
        for name, types in FIELD_TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, types) or isinstance(value, bool):
                expected = " or ".join("null" if kind is type(None) else kind.__name__ for kind in types)
                raise RecipeError(f"{name}={value!r} is not a {expected}")
            if name in LOWEST and isinstance(value, int | float) and not LOWEST[name] <= value < math.inf:
                raise RecipeError(f"{name}={value!r} must be {LOWEST[name]} or more, and finite")
        if self.precision not in PRECISIONS:
            raise RecipeError(f"precision={self.precision!r} is none of {', '.join(PRECISIONS)}")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values for JSON; `from_dict` is the inverse."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value.to_dict() if isinstance(value, Recipe) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Return the settings that `to_dict` wrote.

        Raises
        ------
        RecipeError
            A field is missing or unknown, or its value has another type or lies outside its range.
        """
        known = {field.name for field in fields(cls)}
        optional = {field.name for field in fields(cls) if field.default is not MISSING}
        for name in sorted((plain.keys() - known) | (known - optional - plain.keys())):
            raise RecipeError(f"{name!r} is {'unknown' if name in plain else 'missing'}")
        return cls(**{name: Recipe.from_dict(value) for name, value in plain.items()})
