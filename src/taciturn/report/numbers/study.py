"""The model and rows of a report, and intermediate results that several sections use."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...artifact import Artifact
from ...corruption import Corruption
from ...data.row_shape import is_image
from ...data.sources import Source, Subset
from ...data.split import Pairs
from ...data.variables import Variables
from ...inference import Evaluation, evaluate, relative_components
from ...model import Autoencoder
from ...objective import Objective
from .sample import Sample, sample


@dataclass(eq=False)
class Study:
    """A model and the rows on which it is evaluated.

    `study[name]` is the section `name`. It is computed when first used, so sections can use each other in any order.

    Parameters
    ----------
    artifact : Artifact
        The model and its recipe.
    rows : Source [N, D]
        The rows of the report, in the input's units.
    measures : Mapping[str, Callable[[Study], Any]]
        For each section's name, the function that computes it.
    corruption : Corruption
        The corruption under which denoising is measured.
    training : Source or None, default=None
        The rows that the model was trained on.
    labels : array_like [N] or None, default=None
        A class or a number for each row.
    label_name : str, default=""
        The name of the labels.
    targets : Source [N, T] or None, default=None
        The targets, with which reconstructions are compared; None if rows are their own targets.
    training_targets : Source or None, default=None
        The targets of the training rows.
    rows_kind : {"training", "held-out", "given"}, default="given"
        What is known of the rows; see `Artifact.rows_kind`.
    texts : iterable of str [N] or None, default=None
        A text for each row, such as the sentence behind an embedding.
    ids : iterable of object [N] or None, default=None
        An id for each row.
    image_shape : tuple of int or None, default=None
        The shape in which rows are drawn; None: see `shape`.
    repeat : str, default=""
        A command or a line of Python that repeats the run.
    seed : int, default=0
        Seed of the noise and of the sample.
    """

    artifact: Artifact
    rows: Source
    measures: Mapping[str, Callable[["Study"], Any]]
    corruption: Corruption
    training: Source | None = None
    labels: ArrayLike | None = None
    label_name: str = ""
    targets: Source | None = None
    training_targets: Source | None = None
    rows_kind: str = "given"
    texts: Iterable[str] | None = None
    ids: Iterable[Any] | None = None
    image_shape: tuple[int, ...] | None = None
    repeat: str = ""
    seed: int = 0
    _sections: dict[str, Any] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Any:
        if name not in self._sections:
            self._sections[name] = self.measures[name](self)
        return self._sections[name]

    @property
    def model(self) -> Autoencoder:
        """The trained network."""
        return self.artifact.model

    @property
    def reconstructed(self) -> Source:
        """What reconstructions are compared with: the targets, else the rows."""
        return self.rows if self.targets is None else self.targets

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what is reconstructed.

        `image_shape`, else the training rows' shape if it is an image's and they are reconstructed, else its own.
        """
        training_shape = tuple(self.artifact.rows.shape)
        own = self.model.layout.outputs or not is_image(training_shape)
        return self.image_shape or (self.reconstructed.shape if own else training_shape)

    @property
    def schema(self) -> Variables | None:
        """The variables of a table; None if all of its columns are plain numbers, or if the rows are no table."""
        schema = self.artifact.rows.variables
        return None if schema is None or schema.plain else schema

    @property
    def objective(self) -> Objective:
        """The objective that the model was trained with."""
        return self.artifact.settings.objective

    @cached_property
    def evaluation(self) -> Evaluation:
        """Errors and sparsity of the model on all rows."""
        noise = self.artifact.settings.noise
        return evaluate(
            self.model, self.rows, target=self.targets, corruption=self.corruption, seed=self.seed, noise=noise
        )

    @cached_property
    def sample(self) -> Sample:
        """The codes of a sample of the rows, for numbers that cannot be streamed."""
        return sample(self.model, self.rows, seed=self.seed)

    @cached_property
    def directions(self) -> NDArray[Any]:
        """What a code of 1 of each latent adds to the reconstruction [L, D], in units of the data (see `Summary`).

        Of booleans and categories logits; those of a category have the mean 0.
        """
        return relative_components(self.model)

    @cached_property
    def baseline_pairs(self) -> tuple[Pairs, Pairs]:
        """The rows that baselines are trained on with their targets, and those that they are evaluated on.

        Without training rows, or without their targets, baselines are trained on every second row and evaluated on the
        others.
        """
        pairs = self.rows, self.targets
        if self.training is not None and (self.training_targets is None) == (self.targets is None):
            return (self.training, self.training_targets), pairs
        index = np.arange(len(self.rows))
        if len(index) < 2:
            return pairs, pairs
        first, second = ([each and Subset(each, index[i::2]) for each in pairs] for i in (0, 1))
        return tuple(first), tuple(second)  # type: ignore[return-value]
