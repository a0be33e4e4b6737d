"""The numbers of a run, per step and per epoch, and the recorder that collects them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.cards import card
from ..model import Batch
from .log import Log, read_log
from .run import Record, Run
from .saved_state import starting_with

Columns = dict[str, NDArray[Any]]
MAX_PENDING_RATES = 1 << 22  # mean activations of single latents that are held before they are summed over steps
MAX_STEP_ROWS = 1 << 16  # steps that a history holds beside each interval's last
COUNTS = ("step", "epoch", "rows")
NOT_MEASURED = (*COUNTS, "learning_rate")  # columns of steps that have no mean over an interval


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
        also `validation_…`; "validation_rates" is the mean activation on the clean validation rows. With
        `validate_every` there is one value per interval, "epoch" may repeat, and "step" is the interval's last step.

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
        """Number of epochs that were trained; of intervals, if these are not epochs."""
        return len(self.epochs.get("epoch", ()))

    @property
    def ends_interval(self) -> NDArray[np.bool_]:
        """Whether each step is the last of an epoch, or of an interval of `validate_every` steps [steps]."""
        ends: NDArray[np.bool_] = np.diff(self.steps.get("epoch", np.zeros(0, int)), append=-1) != 0
        if "step" in self.epochs:
            ends = np.isin(self.steps["step"], self.epochs["step"])
        return ends

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
    """Collects the records of a run into a `History`: in memory or, with a log, on disk.

    As a hook it keeps each step's record; `complete_interval` is called after the other hooks, which may add numbers to
    the interval's last record. No tensor is read before an interval ends, because reading waits for the device. The
    intervals' columns are joined only when the history is read, so that recording one takes the same time however many
    there are. When there are 65,536 steps beside each interval's last, those with an odd number are dropped, then those
    that 4 does not divide, and so on.

    Parameters
    ----------
    history : History, optional
        The history that the records continue.
    log : Log, optional
        Where steps and intervals are written. Then no step is kept in memory once its interval is complete.
    by_steps : bool, default=False
        Whether intervals end after a number of steps: the history then has their last "step" too.

    Attributes
    ----------
    position : tuple of int or None
        Epochs and steps done at the last record; an unfinished epoch counts. None before the first record.

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

    def __init__(self, history: History | None = None, *, log: Log | None = None, by_steps: bool = False) -> None:
        self.position: tuple[int, int] | None = None
        self._log, self._by_steps = log, by_steps
        # histories of successive intervals, to be joined
        self._pieces: list[History] = [history] if history is not None and history.n_epochs else []
        self._n_epochs = 0 if history is None else history.n_epochs
        self._n_steps = sum(len(piece.steps["step"]) for piece in self._pieces)
        self._stride = 1  # only steps that it divides are kept, and each interval's last
        self._pending: list[Record] = []
        self._columns: list[dict[str, Tensor]] = []  # of steps whose "rates" are part of _rate_sum, without these
        self._rate_sum = torch.zeros(0)  # [L]: the sum over steps of rows times mean activation
        self._folded: dict[str, float] = {}  # sums over steps that a long interval no longer holds
        self._start = time.perf_counter()

    def state(self) -> dict[str, Tensor]:
        """Return the records of an unfinished interval and the counts of all, for a checkpoint of a run with a log."""
        records, parts = self._pending, self._columns
        epochs, steps = self.position or (0, 0)
        state = {
            "counts": torch.tensor([self._n_epochs, epochs, steps, *(len(part["step"]) for part in parts)]),
            "clock": torch.tensor(time.perf_counter() - self._start, dtype=torch.float64),
            "rate_sum": self._rate_sum,
            "records": torch.tensor([[r.step, r.epoch, r.rows] for r in records]),
            "learning_rates": torch.tensor([r.learning_rate for r in records], dtype=torch.float64),
        }
        state |= {f"folded.{name}": torch.tensor(total, dtype=torch.float64) for name, total in self._folded.items()}
        for name in parts[0] if parts else ():
            state[f"columns.{name}"] = torch.cat([part[name] for part in parts])
        for name in records[0].numbers if records else ():
            state[f"numbers.{name}"] = torch.stack([record.numbers[name] for record in records])
        return state

    def resume(self, state: Mapping[str, Tensor], device: torch.device) -> None:
        """Set what `state` returned; numbers of steps are tensors on the device, but penalty weights on the CPU."""
        self._n_epochs, epochs, steps, *sizes = state["counts"].tolist()
        self.position = (epochs, steps) if steps else None
        self._start = time.perf_counter() - state["clock"].item()
        self._rate_sum = state["rate_sum"].to(device)
        self._folded = {name: total.item() for name, total in starting_with("folded", state).items()}
        columns = {name: column.split(sizes) for name, column in starting_with("columns", state).items()}
        self._columns = [{name: part[i] for name, part in columns.items()} for i in range(len(sizes))]
        numbers = {
            name: (column if name.startswith("weight_") else column.to(device)).unbind()
            for name, column in starting_with("numbers", state).items()
        }
        self._pending = [
            Record(step, epoch, False, rows, rate, {name: column[i] for name, column in numbers.items()})
            for i, ((step, epoch, rows), rate) in enumerate(
                zip(state["records"].tolist(), state["learning_rates"].tolist(), strict=True)
            )
        ]

    def start(self) -> None:
        """Start the clock of the next interval; an earlier one that was interrupted is completed first."""
        self.complete_interval()
        self._start = time.perf_counter()

    def add(self, record: Record) -> None:
        """Add the next record; the last record of an interval completes the interval."""
        self._keep(record)
        if record.ends_interval:
            self.complete_interval()

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Keep the record of a step."""
        self._keep(record)

    def _keep(self, record: Record) -> None:
        self._pending.append(record)
        self.position = record.epoch + 1, record.step + 1
        if not record.ends_interval and len(self._pending) * len(record.numbers["rates"]) > MAX_PENDING_RATES:
            self._sum_rates()

    @property
    def n_epochs(self) -> int:
        """Number of intervals recorded so far; an unfinished one counts."""
        return self._n_epochs + bool(self._pending or self._columns or self._folded)

    def history(self) -> History:
        """Return the history of all records so far; an unfinished interval counts with the steps that it has."""
        self.complete_interval()
        if self._log is not None:
            return logged_history(self._log.file)
        if len(self._pieces) > 1:
            steps, epochs = ([getattr(piece, of) for piece in self._pieces] for of in ("steps", "epochs"))
            self._pieces = [History(_joined(steps, "step"), _joined(epochs, "epoch"))]
        return self._pieces[0] if self._pieces else History()

    def complete_interval(self) -> None:
        """Complete the interval of the last records, whether it ended or was interrupted; without any do nothing."""
        last = self._pending[-1].numbers if self._pending else {}
        validation = {k: v.cpu() for k, v in last.items() if k.startswith("validation_")}
        self._sum_rates()
        if not (self._columns or self._folded):
            return
        columns = {name: torch.cat([part[name] for part in self._columns]) for name in self._columns[0]}
        rows = columns["rows"].double()
        n_rows, weight = rows.sum() + self._folded.get("rows", 0.0), rows / rows.sum()
        now, last_step = time.perf_counter(), int(columns["step"][-1])
        epoch: dict[str, Any] = {"epoch": int(columns["epoch"][-1])}
        epoch |= {"step": last_step} if self._by_steps else {}
        epoch |= {"seconds": now - self._start}
        measured = {name: column for name, column in columns.items() if name not in NOT_MEASURED}
        if self._folded:
            epoch |= {name: float((column @ rows + self._folded[name]) / n_rows) for name, column in measured.items()}
        else:
            epoch |= {name: float(column @ weight) for name, column in measured.items()}
        epoch |= {"rates": (self._rate_sum / n_rows.item()).cpu().numpy()}
        epoch |= {k: v.double().numpy() if v.ndim else v.item() for k, v in validation.items()}
        steps = {name: column.numpy() for name, column in columns.items()}
        piece = _thinned(History(steps, {name: [value] for name, value in epoch.items()}), self._stride)
        if self._log is not None:
            if last_step % _log_stride(last_step):  # the others were written with their rates
                _write_steps(self._log, {name: column[-1:] for name, column in columns.items()})
            plain = {name: np.asarray(value).tolist() for name, value in epoch.items()}
            self._log.note("interval", **{"step": last_step} | plain)
        # the state changes only here, at the end: an interrupt before this line loses no record
        self._pieces += [piece] if self._log is None else []
        self._columns, self._rate_sum, self._folded, self._start = [], torch.zeros(0), {}, now
        self._n_epochs += 1
        self._n_steps += len(piece.steps["step"]) if self._log is None else 0
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
        rate_sum = torch.tensor([float(record.rows) for record in records]).to(rates) @ rates
        rate_sum = self._rate_sum + rate_sum if len(self._rate_sum) else rate_sum
        columns = {name: torch.tensor([getattr(record, name) for record in records]) for name in COUNTS}
        columns["learning_rate"] = torch.tensor([record.learning_rate for record in records], dtype=torch.float64)
        columns["rate"] = rates.mean(1).cpu()
        for name in records[0].numbers:
            if name != "rates" and not name.startswith("validation_"):
                columns[name] = torch.stack([record.numbers[name] for record in records]).double().cpu()
        if self._log is not None:
            part = torch.tensor([record.step % _log_stride(record.step) == 0 for record in records])
            _write_steps(self._log, {name: column[part] for name, column in columns.items()})
        self._pending, self._columns, self._rate_sum = [], [*self._columns, columns], rate_sum
        if self._log is not None and sum(len(part["step"]) for part in self._columns) > MAX_STEP_ROWS:
            self._fold()

    def _fold(self) -> None:
        """Replace all but the last columns of a long interval by their sums over rows."""
        for columns in self._columns[:-1]:
            rows = columns["rows"].double()
            for name, column in columns.items():
                if name not in NOT_MEASURED:
                    self._folded[name] = self._folded.get(name, 0.0) + float(column @ rows)
            self._folded["rows"] = self._folded.get("rows", 0.0) + float(rows.sum())
        self._columns = self._columns[-1:]


def logged_history(file: Path) -> History:
    """Return the history that a log holds; of a run that goes on, or was killed, as far as it is written."""
    lines: dict[str, list[dict[str, Any]]] = {"run": [], "step": [], "interval": []}
    for line in read_log(file):
        lines.get(line.pop("kind"), []).append(line)
    last = lines["interval"][-1]["step"] if lines["interval"] else -1
    steps = [line for line in lines["step"] if line["step"] <= last]
    epochs = [{name: value for name, value in line.items() if name != "time"} for line in lines["interval"]]
    if not any(line["validate_every"] for line in lines["run"]):  # each interval is an epoch
        epochs = [{name: value for name, value in line.items() if name != "step"} for line in epochs]
    history, stride = History(_columns(steps), _columns(epochs)), 1
    while len(history.steps.get("step", ())) - history.n_epochs > MAX_STEP_ROWS:
        stride *= 2
        history = _thinned(history, stride)
    return history


def _columns(lines: list[dict[str, Any]]) -> Columns:
    """Return lines of numbers, or of lists of them, as columns; what a line lacks is NaN."""
    shapes = {name: np.shape(value) for line in lines for name, value in line.items()}
    lacking = {name: np.full(shape, np.nan).tolist() for name, shape in shapes.items()}
    return {name: np.array([line.get(name, lacking[name]) for line in lines]) for name in shapes}


def _log_stride(step: int) -> int:
    """Return what divides the numbers of the steps written near a step: 1, then 2, and so on as a run gets longer."""
    return 1 << (step // MAX_STEP_ROWS).bit_length()


def _write_steps(log: Log, columns: dict[str, Tensor]) -> None:
    """Write steps to a log."""
    values = (column.tolist() for column in columns.values())
    log.write("step", [dict(zip(columns, line, strict=True)) for line in zip(*values, strict=True)])


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
    """Return a history with the steps that `stride` divides, and each interval's last step."""
    if stride == 1:
        return history
    kept = (history.steps["step"] % stride == 0) | history.ends_interval
    return History({name: column[kept] for name, column in history.steps.items()}, history.epochs)
