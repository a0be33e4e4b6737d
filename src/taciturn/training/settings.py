"""The parts of a run, with every "auto" resolved."""

from dataclasses import dataclass

from ..core.schedules import Schedule
from ..corruption import Corruption
from ..model import Layout, Scaling
from ..objective import Objective
from .constraints import Constraint
from .ordering import Order
from .resampling import Resample
from .solvers import Solver


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

    @property
    def calibrates_l0(self) -> bool:
        """Whether the L0 is calibrated after training.

        The calibration then uses held-out rows: the L0 is smaller on the rows that were trained on.
        """
        has_target = any(term.controlled and term.target_kind == "l0" for term in self.objective.terms)
        return has_target or self.layout.coder.finalises
