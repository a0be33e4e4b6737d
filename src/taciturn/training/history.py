"""What a run has said, step by step and epoch by epoch."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.cards import card
from .run import Record

Columns = dict[str, NDArray[Any]]
MOST = 1 << 22  # rates of single latents that are held before they become one mean


class History(Mapping[str, NDArray[Any]]):
    """Columns an epoch (means of loss, each term and rate; every latent's rate), and under `steps` columns a step.

    `history["loss"]` is the column of epochs, `history.steps["loss"]` that of steps. `history["rates"]` is
    [epochs, latents]: each latent's mean activation over the epoch's training batches; with validation rows,
    `history["validation_rates"]` is that of the clean validation rows. What an epoch did not measure is NaN.
    """

    def __init__(self, steps: Mapping[str, Any] | None = None, epochs: Mapping[str, Any] | None = None) -> None:
        self.steps: Columns = {name: np.asarray(column) for name, column in (steps or {}).items()}
        self.epochs: Columns = {name: np.asarray(column) for name, column in (epochs or {}).items()}

    @property
    def n_epochs(self) -> int:
        """How many epochs were trained."""
        return len(self.epochs.get("epoch", ()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.epochs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.epochs)

    def __len__(self) -> int:
        return len(self.epochs)

    def __repr__(self) -> str:
        return f"History({self.n_epochs} epochs, {len(self.steps.get('step', ()))} steps: {', '.join(self.epochs)})"

    def _repr_html_(self) -> str:
        """Return the first and the last epoch's numbers as HTML."""
        told = {name: column for name, column in self.epochs.items() if column.ndim == 1 and len(column)}
        lines = [(name, f"{column[0]:.4g} → {column[-1]:.4g}") for name, column in told.items() if name != "epoch"]
        return card(f"History of {self.n_epochs:,} epochs, {len(self.steps.get('step', ())):,} steps", lines)


class Recorder:
    """Collects records into a history, going on from one if given; reads no tensor before an epoch ends."""

    def __init__(self, history: History | None = None) -> None:
        history = history or History()
        self._steps: dict[str, list[Any]] = {name: list(column) for name, column in history.steps.items()}
        self._epochs: list[dict[str, Any]] = [
            {name: column[i] for name, column in history.items()} for i in range(history.n_epochs)
        ]
        self._pending: list[Record] = []
        self._folded: list[Record] = []  # whose latents' rates have become a part of this sum
        self._rates: Tensor | float = 0.0  # rows times each latent's rate
        self._since = time.perf_counter()

    def start(self) -> None:
        """Start the clock of the next epoch."""
        self._since = time.perf_counter()

    def add(self, record: Record) -> None:
        """Take in the next record."""
        self._pending.append(record)
        if record.ends_epoch:
            self._close()
        elif len(self._pending) * len(record.numbers["rates"]) > MOST:
            self._fold()

    def history(self) -> History:
        """Return all that was said so far; an unfinished epoch counts with the steps that it has."""
        if self._pending or self._folded:
            self._close()
        shapes = {name: np.shape(value) for epoch in self._epochs for name, value in epoch.items()}
        columns = {
            name: [epoch.get(name, np.full(shape, np.nan)) for epoch in self._epochs] for name, shape in shapes.items()
        }
        return History(self._steps, columns)

    def _close(self) -> None:
        self._fold()
        records, self._folded = self._folded, []
        rows = torch.tensor([r.rows for r in records], dtype=torch.float64)
        rates, self._rates = self._rates / rows.sum().item(), 0.0
        names = [name for name in records[0].numbers if not name.startswith("validation_")]
        columns = {name: torch.stack([r.numbers[name] for r in records]).double().cpu() for name in names}
        validation = {k: v.cpu() for k, v in records[-1].numbers.items() if k.startswith("validation_")}

        steps: dict[str, list[Any]] = {"step": [r.step for r in records], "epoch": [r.epoch for r in records]}
        steps |= {"rows": [r.rows for r in records], "learning_rate": [r.learning_rate for r in records]}
        for name, values in (steps | {k: v.tolist() for k, v in columns.items()}).items():
            self._steps.setdefault(name, []).extend(values)

        now, weight = time.perf_counter(), rows / rows.sum()
        epoch: dict[str, Any] = {"epoch": records[-1].epoch, "seconds": now - self._since}
        epoch |= {name: float(column @ weight) for name, column in columns.items()}
        epoch |= {"rates": torch.as_tensor(rates).cpu().numpy()}
        epoch |= {k: v.double().numpy() if v.ndim else v.item() for k, v in validation.items()}
        self._epochs.append(epoch)
        self._since = now

    def _fold(self) -> None:
        """Keep of each pending step's rates only their mean, and add them to the sum, in float64."""
        records, self._pending = self._pending, []
        if not records:
            return
        rates = torch.stack([record.numbers["rates"] for record in records]).double()
        self._rates = self._rates + torch.tensor([float(record.rows) for record in records]).to(rates) @ rates
        for record, rate in zip(records, rates.mean(1), strict=True):
            others = {name: number for name, number in record.numbers.items() if name != "rates"}
            self._folded.append(replace(record, numbers={"rate": rate, **others}))
