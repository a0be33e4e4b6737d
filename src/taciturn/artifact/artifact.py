"""A trained model with its settings, its origin, its history and its metrics."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..core.cards import card
from ..core.messages import missing_values
from ..data.sources import Source, Subset
from ..data.split import split
from ..model import Autoencoder, InferenceModule
from ..training import History, Settings
from .config import EstimatorRecord, RowsRecord, TrainingRecord, Versions

Exported = TypeVar("Exported")
CROPS = {"ImageDenoiser": "patches", "SignalDenoiser": "segments"}  # what the rows of these estimators are


@dataclass
class Artifact:
    """A trained model with its settings, its origin, its history and its metrics.

    Parameters
    ----------
    model : Autoencoder
        The network with its weights and its scaling.
    settings : Settings
        The parts of the run, with every "auto" resolved.
    estimator : EstimatorRecord
        The estimator that was trained, with its parameters.
    training : TrainingRecord
        The course of the training.
    rows : RowsRecord
        The rows that the model was trained on.
    versions : Versions
        Of Python and of packages.
    machine : str
        The processor.
    state : dict of str to Tensor
        What decides how the training goes on, as `Learner.state` returns it.
    history : History
        The numbers of each step and epoch.
    outliers : dict of str to Tensor
        What an outlier detector compares rows with; {} for other estimators.
    metrics : dict
        Errors and sparsity of the model, in plain values that JSON can hold; {} if they were not measured.
    """

    model: Autoencoder
    settings: Settings
    estimator: EstimatorRecord
    training: TrainingRecord
    rows: RowsRecord
    versions: Versions
    machine: str
    state: dict[str, Tensor]
    history: History = field(default_factory=History)
    outliers: dict[str, Tensor] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)

    def inference_module(self) -> InferenceModule:
        """Return a copy of the model in torch operators alone."""
        return InferenceModule(self.model)

    def export(self, write: Callable[..., Exported], path: str | os.PathLike[str], **options: Any) -> Exported:
        """Write the model in another format, with its settings and its columns, and return what `write` returns.

        Parameters
        ----------
        write : callable
            A writer of the room `inference`, such as `to_onnx`.
        path : str or path-like
            The file.
        **options
            Further arguments of the writer.
        """
        variables = self.rows.variables
        return write(
            self.inference_module(),
            path,
            settings=self.settings,
            columns=self.rows.columns,
            encoding=None if variables is None else variables.encoding,
            **options,
        )

    @property
    def rows_name(self) -> str:
        """What rows are: "patches" of images, "segments" of signals, or "rows"."""
        return CROPS.get(self.estimator.shipped, "rows")

    def rows_kind(self, source: Source) -> str:
        """Return what is known of rows: "training", "held-out", or "given" for all others.

        Parameters
        ----------
        source : Source
            Rows. They are read only if they are as many as the training rows or the held-out rows.

        Returns
        -------
        {"training", "held-out", "given"}
            "training" for exactly the rows that the model was trained on, in their order; "held-out" likewise. Sparse
            rows and dense rows of the same numbers are the same rows.
        """
        known = {"training": self.rows.training, "held-out": self.rows.held_out}
        return next((kind for kind, rows in known.items() if rows is not None and rows.matches(source)), "given")

    def trained_on(self, source: Source) -> NDArray[np.bool_]:
        """Return which rows of a source [N] the model was trained on, as far as that is known.

        Parameters
        ----------
        source : Source
            Rows. They are read only if they are as many as the training rows, or as these and the held-out rows.

        Returns
        -------
        array [N] of bool
            All True for exactly the training rows; for exactly the rows that were split into training rows and
            held-out rows, True for the former; all False for others.
        """
        parts, training = self.rows.split, self.rows.training
        indices = np.arange(len(source))
        if training is not None and parts is not None and parts.count == len(source):
            indices = split(parts.count, parts.fraction, parts.seed)[0]
        trained = np.zeros(len(source), bool)
        trained[indices] = training is not None and training.matches(Subset(source, indices))
        return trained

    def _repr_html_(self) -> str:
        """Return the summary of `lines` as HTML."""
        return card(self.estimator.name, self.lines())

    def lines(self) -> list[tuple[str, str]]:
        """Return a summary as pairs (label, text): network, recipe, rows and training."""
        layout, training, rows = self.model.layout, self.training, self.rows
        widths = " → ".join(map(str, [*layout.widths, *layout.widths[-2:0:-1], layout.n_outputs]))
        kind = f"{layout.network.text}, " if layout.network.for_images else ""
        size = f"{layout.widths[0]} {'pixels' if layout.network.axes == 2 else 'numbers'}"
        codes = f"{widths}, {layout.coder.text} codes" if layout.network.has_codes else size
        network = f"{kind}{codes}, {layout.output.text} output{', tied' if layout.tied else ''}"
        network += ", linear skip" if layout.skip else ""
        count = sum(parameter.numel() for parameter in self.model.parameters())
        return [
            ("network", f"{network}; {count:,} parameters"),
            ("objective", self.settings.objective.text),
            ("corruption", self.settings.corruption.text),
            ("scaling", rows.scaling),
            (
                self.rows_name,
                f"{rows.count:,}" + (f" of {rows.source}" if rows.source else "") + self._missing(),
            ),
            *([] if rows.targets is None else [("targets", rows.targets.source)]),
            ("training", f"{training.epochs:,} epochs, {training.steps:,} steps, {training.seconds:.1f} s"),
            ("written by", f"taciturn {self.versions.taciturn}, torch {self.versions.torch}"),
        ]

    @property
    def training_missing(self) -> int | None:
        """How many values of all rows trained on were missing; of a table how many cells. None: unknown."""
        if int(self.state["moments.count"]) < self.rows.count:
            return None
        missing, variables = self.state["moments.missing"], self.rows.variables
        return int(
            missing.sum() if variables is None else missing[[place.start for place in variables.positions]].sum()
        )

    def _missing(self) -> str:
        n_missing, count, variables = self.training_missing, int(self.state["moments.count"]), self.rows.variables
        width = self.model.layout.widths[0] if variables is None else len(variables.names)
        return f"; {missing_values(n_missing, count * width)}" if n_missing else ""
