"""Checkpoints of a run: folders that hold all that decides how it goes on. Each is complete, or it is not there."""

import shutil
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
import safetensors
from torch import Tensor

from ..core.atomic import atomic_folder, check_folder
from ..core.checksum import checksum
from ..core.errors import ArtifactError, DamagedCheckpoint, RecipeError, TaciturnError
from ..core.interval import SECONDS, interval
from ..core.messages import one_line
from ..core.run_folder import CHECKPOINTS, LOG, is_unfinished, objection, unfinished
from ..core.temporary import remove_leftovers
from ..core.version import __version__
from ..core.world import SINGLE_PROCESS, Axis
from .log import FORMAT, Callback, Log
from .processes import from_first
from .restarts import is_restarted, note_begun

STATE, DESCRIPTION = "state.safetensors", "checkpoint.json"
KEEP = 2  # checkpoints that stay, beside the one with the least validation loss


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What checkpoint.json holds.

    Parameters
    ----------
    format : int
        Version of the checkpoint's format.
    steps : int
        Number of steps done.
    stopped : str or None
        Why the run stopped before its last epoch; None if it did not.
    validation_loss : float or None
        The last validation loss; None if there was none.
    log_bytes : int
        Size of the log then.
    every : str or int
        How often checkpoints are written.
    keep : int
        How many stay.
    run : dict
        What the run is, as plain values; its keys are those of `Checkpoints.run`.
    checksum : str
        Of the file of tensors.
    """

    format: Literal[1]
    steps: int
    stopped: str | None
    validation_loss: float | None
    log_bytes: int
    every: str | int
    keep: int
    run: dict[str, Any]
    checksum: str


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: its description, and the file of its tensors."""

    description: Description
    file: Path

    def get(self, name: str) -> Tensor | None:
        """Return the tensor of a name; None if there is none."""
        with safetensors.safe_open(self.file, framework="pt") as stored:
            return stored.get_tensor(name) if name in stored.keys() else None  # noqa: SIM118 (it is not a mapping)


@dataclass
class Checkpoints:
    """A run's folder while the run goes on: its log and its checkpoints.

    Parameters
    ----------
    folder : Path
        The folder. It is made at the first step.
    every : str, int or None
        How often checkpoints are written: "10min", "1000steps" or a number of steps; None: never, there is only a log.
    keep : int, default=2
        How many of the last checkpoints stay. The one with the least validation loss stays too.
    overwrite : bool, default=False
        Whether a run in the folder is replaced.
    files : dict of str to str
        Texts of further files of the folder, by name.
    run : dict
        What the run is, as plain values: "estimator", "settings", "rows" and others. Set before the first step.
    facts : dict of str to plain values, default={}
        Further values of the log's first line, or of that of a run that goes on.
    last : Checkpoint or None
        The checkpoint from which the run goes on; None for a new run.
    callbacks : sequence of Callback, default=()
        Called with each line of the log.

    Raises
    ------
    RecipeError
        `every` is no interval, or `keep` is less than 1.
    """

    folder: Path
    every: str | int | None
    keep: int = KEEP
    overwrite: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    last: Checkpoint | None = None
    log: Log | None = None
    validation_loss: float | None = None
    callbacks: Sequence[Callback] = ()

    def __post_init__(self) -> None:
        units = ("steps", *SECONDS)
        number, unit = (0.0, "steps") if self.every is None else interval("checkpoint_every", self.every, units)
        self._steps = int(number) if unit == "steps" else 0
        self._seconds = number * SECONDS.get(unit, 0.0)
        if self.keep < 1:
            raise RecipeError(f"keep={self.keep} must be 1 or more")
        self._written = time.monotonic()

    @classmethod
    def new(
        cls,
        folder: Path,
        every: str | int | None,
        keep: int = KEEP,
        *,
        overwrite: bool = False,
        callbacks: Sequence[Callback] = (),
        processes: Axis = SINGLE_PROCESS,
    ) -> Self:
        """Return the checkpoints of a new run; where torchrun has started the run again, with its last checkpoint.

        Parameters
        ----------
        folder, every, keep, overwrite, callbacks
            As of the class.
        processes : Axis, default=SINGLE_PROCESS
            All processes that train together. Process 0 alone looks at the folder, because to check it is to write a
            temporary folder beside it.

        Raises
        ------
        TaciturnError
            The folder cannot be written.
        """
        checkpoints = cls(folder, every, keep, overwrite, callbacks=callbacks)
        if from_first(processes, checkpoints._goes_on):
            checkpoints = cls.resume(folder)
            checkpoints.callbacks = callbacks
        return checkpoints

    def _goes_on(self) -> bool:
        """Return whether a run in the folder goes on; raise TaciturnError unless it does or a new one can begin."""
        if is_unfinished(self.folder) and is_restarted(self.folder):
            if self.exist:
                return True
            self.overwrite = True  # it ended before its first checkpoint
        if is_unfinished(self.folder) and not self.overwrite:
            raise TaciturnError(unfinished(self.folder))
        check_folder(self.folder, overwrite=self.overwrite, objection=objection)
        return False

    @classmethod
    def resume(cls, folder: Path) -> Self:
        """Return the checkpoints of a run that was not completed, with its last whole checkpoint.

        Raises
        ------
        ArtifactError
            The folder holds no whole checkpoint.

        Warns
        -----
        DamagedCheckpoint
            The last checkpoint is damaged; the one before it is used.
        """
        faults: list[str] = []
        for place in reversed(_folders(folder)):
            try:
                last = _read(place)
            except ArtifactError as error:
                faults.append(str(error))
                continue
            for fault in faults:
                warnings.warn(DamagedCheckpoint(f"{fault}; {place.name}, the one before, is used"), stacklevel=3)
            description = last.description
            checkpoints = cls(folder, description.every, description.keep, run=description.run, last=last)
            checkpoints.validation_loss = description.validation_loss
            return checkpoints
        reason = "; ".join(faults) or "it holds no checkpoint"
        raise ArtifactError(f"{one_line(folder)} cannot be resumed: {reason}; train again")

    @property
    def exist(self) -> bool:
        """Whether there is a checkpoint from which the run can go on."""
        return bool(_folders(self.folder))

    def begin(self, **facts: Any) -> Log:
        """Make the folder with its log, or cut the log of a resumed run back to the checkpoint; return the log.

        Parameters
        ----------
        **facts
            Values of the log's first line, beside those that are the same for all runs.
        """
        callbacks = list(self.callbacks)
        if self.last is not None:
            self.log = Log(self.folder / LOG, self.last.description.log_bytes, callbacks)
            for place in _folders(self.folder):  # later ones are damaged
                if _steps(place) > self.last.description.steps:
                    shutil.rmtree(place)
            remove_leftovers(self.folder / CHECKPOINTS)
            self.log.note("resume", steps=self.last.description.steps, **self.facts)
            return self.log
        with atomic_folder(self.folder, overwrite=self.overwrite, objection=objection) as temporary:
            for name, text in self.files.items():
                (temporary / name).write_text(text, encoding="utf-8")
            if self.every is not None:
                (temporary / CHECKPOINTS).mkdir()
            log = Log(temporary / LOG, callbacks=callbacks, place=self.folder)
            name, facts = self.run["estimator"]["name"], facts | dict(self.facts)
            with closing(log):
                log.note("run", format=FORMAT, taciturn=__version__, estimator=name, **facts)
        self.log = Log(self.folder / LOG, callbacks=callbacks)
        note_begun(self.folder)
        self._written = time.monotonic()
        return self.log

    def due(self, steps: int) -> bool:
        """Return whether a checkpoint is to be written after so many steps, or at this time."""
        if self._steps:
            return steps % self._steps == 0
        return self._seconds > 0 and time.monotonic() - self._written >= self._seconds

    def write(self, save: Callable[[Path], None], *, steps: int, stopped: str | None) -> None:
        """Write a checkpoint, unless none are to be written; remove those that need not stay.

        Parameters
        ----------
        save : callable
            Writes all tensors that decide how the run goes on into a safetensors file.
        steps : int
            Number of steps done.
        stopped : str or None
            Why the run stopped before its last epoch.

        Raises
        ------
        TaciturnError
            It cannot be written. Earlier ones stay.
        """
        if self.every is None:
            return
        assert self.log is not None
        name, parent = f"step-{steps:09d}", self.folder / CHECKPOINTS
        try:
            self.log.note("checkpoint", steps=steps, name=name)
            log_bytes = self.log.size
            with atomic_folder(parent / name, overwrite=True, objection=lambda _: None) as temporary:
                state = temporary / STATE
                save(state)
                description = Description(
                    format=1,
                    steps=steps,
                    stopped=stopped,
                    validation_loss=self.validation_loss,
                    log_bytes=log_bytes,
                    every=self.every,
                    keep=self.keep,
                    run=self.run,
                    checksum=checksum(state),
                )
                (temporary / DESCRIPTION).write_bytes(msgspec.json.format(msgspec.json.encode(description)))
                shutil.copymode(temporary / DESCRIPTION, state)
        except TaciturnError as error:
            place = f"{one_line(self.folder)}: the checkpoint after {steps:,} steps cannot be written"
            cause = error.__cause__
            reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(error)
            raise TaciturnError(f"{place}: {reason}; earlier ones are intact: make room and resume the run") from error
        self._written = time.monotonic()
        kept = _folders(self.folder)
        best = min(kept, key=_validation_loss) if self.validation_loss is not None else None
        for old in kept[: -self.keep]:
            if old != best:
                shutil.rmtree(old, ignore_errors=True)

    def end(self, *, steps: int, stopped: str | None) -> None:
        """Write the log's last line, and close it."""
        if self.log is not None:
            with suppress(TaciturnError):  # the disk is full: the run ends with this error already
                self.log.note("end", steps=steps, stopped=stopped)
            self.log.close()


def _folders(folder: Path) -> list[Path]:
    """Return the folders of all checkpoints of a run, in the order of their steps."""
    return sorted((folder / CHECKPOINTS).glob("step-*"), key=_steps)


def _steps(place: Path) -> int:
    number = place.name.removeprefix("step-")
    return int(number) if number.isdecimal() else -1


def _validation_loss(place: Path) -> float:
    try:
        loss = msgspec.json.decode((place / DESCRIPTION).read_bytes(), type=Description).validation_loss
    except (OSError, msgspec.DecodeError):
        loss = None
    return float("inf") if loss is None else loss


def _read(place: Path) -> Checkpoint:
    """Return the checkpoint of a folder; raise ArtifactError if a file is missing or damaged."""
    try:
        description = msgspec.json.decode((place / DESCRIPTION).read_bytes(), type=Description)
        if checksum(place / STATE) != description.checksum:
            raise ArtifactError(f"{place.name} is damaged: {STATE} is not the file that {DESCRIPTION} describes")
        with safetensors.safe_open(place / STATE, framework="pt"):
            return Checkpoint(description, place / STATE)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, safetensors.SafetensorError) as error:
        raise ArtifactError(f"{place.name} is damaged: {one_line(str(error))}") from error
