"""The numbers of a run, per step and per epoch, and the recorder that collects them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.cards import card
from ..model import Batch
from .run import Record, Run

Columns = dict[str, NDArray[Any]]
MAX_PENDING_RATES = 1 << 22  # mean activations of single latents that are held before they are summed over steps
MAX_STEP_ROWS = 1 << 16  # steps that a history holds beside each epoch's last


class History(Mapping[str, NDArray[Any]]):
    """Numbers of a run: a mapping from a column's name to its values per epoch; `steps` holds those per step.

    Parameters
    ----------
    steps : Mapping or None
        Columns with one value per step.
    epochs : Mapping or None
        Columns with one value per epoch.

    Attributes
    ----------
    steps : dict of arrays [steps]
        "step", "epoch", "rows", "learning_rate", "rate" (mean activation of all latents), "loss", each term, and
        `weight_…` of each automatic penalty weight. Of a run of more than 65,536 steps, every second, fourth, … step
        and each epoch's last.
    epochs : dict of arrays [epochs] or [epochs, latents]
        "epoch", "seconds", the means over the epoch's rows of "rate", "loss" and each term, and "rates"
        [epochs, latents]: each latent's mean activation over the epoch's training batches. With validation rows
        also `validation_…`; "validation_rates" is the mean activation on the clean validation rows.

    Notes
    -----
    A number that an epoch did not measure is NaN.

    Examples
    --------
    >>> history = History(steps={"loss": [4.0, 2.0, 1.0, 1.0]}, epochs={"epoch": [0, 1], "loss": [3.0, 1.0]})
    >>> history["loss"].tolist(), history.steps["loss"].tolist(), history.n_epochs
    ([3.0, 1.0], [4.0, 2.0, 1.0, 1.0], 2)
    """

    def __init__(self, steps: Mapping[str, Any] | None = None, epochs: Mapping[str, Any] | None = None) -> None:
        self.steps: Columns = {name: np.asarray(column) for name, column in (steps or {}).items()}
        self.epochs: Columns = {name: np.asarray(column) for name, column in (epochs or {}).items()}

    @property
    def n_epochs(self) -> int:
        """Number of epochs that were trained."""
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
        """Return each column's first and last number as HTML."""
        columns = {name: column for name, column in self.epochs.items() if column.ndim == 1 and len(column)}
        lines = [(name, f"{column[0]:.4g} → {column[-1]:.4g}") for name, column in columns.items() if name != "epoch"]
        return card(f"History of {self.n_epochs:,} epochs, {len(self.steps.get('step', ())):,} steps", lines)


class Recorder:
    """Collects the records of a run into a `History`.

    As a hook it keeps each step's record; `complete_epoch` is called after the other hooks, which may add numbers to
    the epoch's last record. No tensor is read before an epoch ends, because reading waits for the device. The epochs'
    columns are joined only when the history is read, so that recording an epoch takes the same time however many there
    are. When there are 65,536 steps beside each epoch's last, those with an odd number are dropped, then those that 4
    does not divide, and so on.

    Parameters
    ----------
    history : History or None
        An earlier history, which the new records continue.

    Attributes
    ----------
    position : (int, int) or None
        Numbers of epochs and steps that the run has done after the last record, an unfinished epoch included; None
        before the first record.

    Examples
    --------
    >>> import torch
    >>> from taciturn.training import Record
    >>> recorder = Recorder()
    >>> for step, loss in enumerate([4.0, 2.0]):
    ...     numbers = {"loss": torch.tensor(loss), "rates": torch.zeros(3)}
    ...     recorder.add(Record(step, 0, step == 1, rows=8, learning_rate=0.1, numbers=numbers))
    >>> recorder.history()["loss"].tolist()
    [3.0]
    """

    def __init__(self, history: History | None = None) -> None:
        self.position: tuple[int, int] | None = None
        # histories of successive epochs, to be joined
        self._pieces: list[History] = [history] if history is not None and history.n_epochs else []
        self._n_epochs = 0 if history is None else history.n_epochs
        self._n_steps = sum(len(piece.steps["step"]) for piece in self._pieces)
        self._stride = 1  # only steps that it divides are kept, and each epoch's last
        self._pending: list[Record] = []
        self._summed: list[Record] = []  # records whose "rates" are part of _rate_sum
        self._rate_sum: Tensor | float = 0.0  # [L]: the sum over steps of rows times mean activation
        self._epoch_start = time.perf_counter()

    def start(self) -> None:
        """Start the clock of the next epoch; an earlier one that was interrupted is completed first."""
        self.complete_epoch()
        self._epoch_start = time.perf_counter()

    def add(self, record: Record) -> None:
        """Add the next record; the last record of an epoch completes the epoch."""
        self._keep(record)
        if record.ends_epoch:
            self.complete_epoch()

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Keep the record of a step."""
        self._keep(record)

    def _keep(self, record: Record) -> None:
        self._pending.append(record)
        self.position = record.epoch + 1, record.step + 1
        if not record.ends_epoch and len(self._pending) * len(record.numbers["rates"]) > MAX_PENDING_RATES:
            self._sum_rates()

    @property
    def n_epochs(self) -> int:
        """Number of epochs recorded so far; an unfinished epoch counts."""
        return self._n_epochs + bool(self._pending or self._summed)

    def history(self) -> History:
        """Return the history of all records so far; an unfinished epoch counts with the steps that it has."""
        self.complete_epoch()
        if len(self._pieces) > 1:
            steps, epochs = ([getattr(piece, of) for piece in self._pieces] for of in ("steps", "epochs"))
            self._pieces = [History(_joined(steps, "step"), _joined(epochs, "epoch"))]
        return self._pieces[0] if self._pieces else History()

    def complete_epoch(self) -> None:
        """Complete the epoch of the last records, whether it ended or was interrupted; without records do nothing."""
        self._sum_rates()
        if not self._summed:
            return
        records = self._summed
        rows = torch.tensor([r.rows for r in records], dtype=torch.float64)
        names = [name for name in records[0].numbers if not name.startswith("validation_")]
        columns = {name: torch.stack([r.numbers[name] for r in records]).double().cpu() for name in names}
        validation = {k: v.cpu() for k, v in records[-1].numbers.items() if k.startswith("validation_")}

        steps: dict[str, Any] = {"step": [r.step for r in records], "epoch": [r.epoch for r in records]}
        steps |= {"rows": [r.rows for r in records], "learning_rate": [r.learning_rate for r in records]}
        steps |= {name: column.numpy() for name, column in columns.items()}

        now, weight = time.perf_counter(), rows / rows.sum()
        epoch: dict[str, Any] = {"epoch": records[-1].epoch, "seconds": now - self._epoch_start}
        epoch |= {name: float(column @ weight) for name, column in columns.items()}
        epoch |= {"rates": torch.as_tensor(self._rate_sum / rows.sum().item()).cpu().numpy()}
        epoch |= {k: v.double().numpy() if v.ndim else v.item() for k, v in validation.items()}
        piece = _thinned(History(steps, {name: [value] for name, value in epoch.items()}), self._stride)
        # the state changes only here, at the end: an interrupt before this line loses no record
        self._pieces.append(piece)
        self._summed, self._rate_sum, self._epoch_start, self._n_epochs = [], 0.0, now, self._n_epochs + 1
        self._n_steps += len(piece.steps["step"])
        while self._n_steps - self._n_epochs > MAX_STEP_ROWS:
            self._stride *= 2
            self._pieces = [_thinned(piece, self._stride) for piece in self._pieces]
            self._n_steps = sum(len(piece.steps["step"]) for piece in self._pieces)

    def _sum_rates(self) -> None:
        """Add the pending records' mean activations to the sum, in float64; of each record keep only their mean."""
        records = self._pending
        if not records:
            return
        rates = torch.stack([record.numbers["rates"] for record in records]).double()
        rate_sum = self._rate_sum + torch.tensor([float(record.rows) for record in records]).to(rates) @ rates
        summed = []
        for record, rate in zip(records, rates.mean(1), strict=True):
            others = {name: number for name, number in record.numbers.items() if name != "rates"}
            summed.append(replace(record, numbers={"rate": rate, **others}))
        self._pending, self._summed, self._rate_sum = [], self._summed + summed, rate_sum


def _joined(pieces: Sequence[Columns], always: str) -> Columns:
    """Return the pieces' columns joined end to end; a column that a piece lacks is NaN there.

    `always` is a column that every piece has.
    """
    shapes = {name: column.shape[1:] for piece in pieces for name, column in piece.items()}
    return {
        name: np.concatenate([piece.get(name, np.full((len(piece[always]), *shape), np.nan)) for piece in pieces])
        for name, shape in shapes.items()
    }


def _thinned(history: History, stride: int) -> History:
    """Return a history with the steps that `stride` divides, and each epoch's last step."""
    if stride == 1:
        return history
    ends_epoch = np.diff(history.steps["epoch"], append=-1) != 0
    kept = (history.steps["step"] % stride == 0) | ends_epoch
    return History({name: column[kept] for name, column in history.steps.items()}, history.epochs)
