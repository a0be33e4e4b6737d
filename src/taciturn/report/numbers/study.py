"""What the sections of a report are measured on, and what several of them use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...artifact import Artifact
from ...corruption import Corruption
from ...data.sources import Source, Subset
from ...inference import Evaluation, components, evaluate
from ...model import Autoencoder
from ...objective import Objective
from .sample import Sample, sample


@dataclass(eq=False)
class Study:
    """A model and the rows that it is evaluated on; `study[name]` is a section's numbers, measured when first used.

    Parameters
    ----------
    artifact : Artifact
        The model and its recipe.
    rows : Source
        The rows of the report.
    measures : Mapping[str, Callable[[Study], Any]]
        Each section's measure, by the section's name.
    corruption : Corruption
        What denoising is measured under.
    training : Source or None, default=None
        The rows that the model was trained on.
    labels : array_like [N] or None, default=None
        A class or a number for each row.
    label_name : str, default=""
        What the labels are.
    held_out : bool, default=False
        Whether the model was not trained on the rows.
    repeat : str, default=""
        What repeats the run: a command or a line of Python.
    seed : int, default=0
        Of the noise and the sample.
    """

    artifact: Artifact
    rows: Source
    measures: Mapping[str, Callable[["Study"], Any]]
    corruption: Corruption
    training: Source | None = None
    labels: ArrayLike | None = None
    label_name: str = ""
    held_out: bool = False
    repeat: str = ""
    seed: int = 0
    _measured: dict[str, Any] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Any:
        if name not in self._measured:
            self._measured[name] = self.measures[name](self)
        return self._measured[name]

    @property
    def model(self) -> Autoencoder:
        """The model."""
        return self.artifact.model

    @property
    def objective(self) -> Objective:
        """What the model was trained by."""
        objective: Objective = self.artifact.recipe("objective")
        return objective

    @cached_property
    def evaluation(self) -> Evaluation:
        """Errors and sparsity on all rows."""
        return evaluate(self.model, self.rows, corruption=self.corruption, seed=self.seed)

    @cached_property
    def sample(self) -> Sample:
        """Some rows and their codes, for what cannot be streamed."""
        return sample(self.model, self.rows, seed=self.seed)

    @cached_property
    def directions(self) -> NDArray[Any]:
        """What each latent adds to the reconstruction [L, D]."""
        return components(self.model)

    @cached_property
    def halves(self) -> tuple[Source, Source]:
        """Rows to fit simpler models on and rows to evaluate them on; halves of the rows without training rows."""
        if self.training is not None:
            return self.training, self.rows
        index = np.arange(len(self.rows))
        return (Subset(self.rows, index[::2]), Subset(self.rows, index[1::2])) if len(index) > 1 else (self.rows,) * 2
