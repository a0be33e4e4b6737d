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
    """The parts of a run, every "auto" decided."""

    layout: Layout
    objective: Objective
    corruption: Corruption
    scaling: Scaling
    solver: Solver
    learning_rate: float | Schedule
    batch_size: int
    epochs: int
    weight_decay: float
    device: str
    constraint: Constraint
    revival: Resample | None
    order: Order | None
    precision: str

    @property
    def counts(self) -> bool:
        """Whether latents a row are counted after training: rows that were learnt from have fewer of them."""
        asked = any(term.controlled and term.target_kind == "l0" for term in self.objective.terms)
        return asked or self.layout.coder.finalises
