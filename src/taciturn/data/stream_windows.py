"""The rows of a stream in the order of training: shuffled within windows, from any position on."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.errors import DataError
from ..core.seeds import generator
from .sources import Stream
from .sources.loader_state import pack, unpack
from .sources.stream import gathered

KEPT_PARTS = 4  # of the last ones that were read: a thread for a GPU is at most two ahead of the step
CHECKED_ROWS = 64  # at either end of a window, by which it is recognised


class StreamWindows:
    """The rows of a stream, pass after pass, as one long sequence.

    Successive batches form a window, and its rows are put into a random order. A window has whole batches, as many as
    make `window` rows, and ends with the pass. The order is a function of (seed, pass, window), and takes memory for
    one window.

    Parameters
    ----------
    stream : Stream
        The rows.
    window : int
        The number of rows of a window, at least, but for a pass's last.
    seed : int
        The seed of the order.

    Examples
    --------
    >>> stream = Stream(lambda: (np.full((2, 1), i) for i in range(3)), n_rows=2)
    >>> windows = StreamWindows(stream, window=6, seed=0)
    >>> [sorted(rows.ravel().tolist()) for rows in windows.rows([(0, 6), (6, 12)])]
    [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]]
    """

    def __init__(self, stream: Stream, window: int, seed: int) -> None:
        self.stream, self.window, self.seed = stream, window, seed
        self._pass = self._number = 0  # of the window that is read next
        self._blocks: Iterator[NDArray[Any]] | None = None
        self._start = self._stop = 0  # positions of the present window
        self._rows: NDArray[Any] | None = None
        self._marks: deque[dict[str, Any]] = deque()  # where windows begin, from that of the oldest part on
        self._parts: deque[int] = deque(maxlen=KEPT_PARTS)

    def rows(self, parts: Sequence[tuple[int, int]]) -> Iterator[NDArray[Any]]:
        """Yield the rows at some positions (start, stop) of the sequence, in ascending order.

        Parts have fewer rows, or none, where the last pass ends before them.

        Raises
        ------
        DataError
            As `Stream`; or rows that were read before are skipped, and are not the same.
        """
        for start, stop in parts:
            self._parts.append(start)
            while len(self._marks) > 1 and self._marks[1]["start"] <= self._parts[0]:
                self._marks.popleft()
            while start >= self._stop and self._next_window():
                pass
            pieces = [np.empty((0, prod(self.stream.shape)), self.stream.dtype)]
            while start < stop and (start < self._stop or self._next_window()):
                end = min(stop, self._stop)
                assert self._rows is not None
                pieces.append(self._rows.take(self._order[start - self._start : end - self._start], axis=0))
                start = end
            yield pieces[1] if len(pieces) == 2 else np.concatenate(pieces)

    def state(self, position: int) -> dict[str, torch.Tensor]:
        """Return what is needed to go on from a position, which was read lately, as tensors by name."""
        mark = next((mark for mark in reversed(self._marks) if mark["start"] <= position), None)
        texts = {"first": self.stream.first_state, "mark": None if mark is None else pack(mark)}
        return {
            name: torch.frombuffer(bytearray(text), dtype=torch.uint8)
            for name, text in texts.items()
            if text is not None
        }

    def resume(self, mark: torch.Tensor) -> None:
        """Go to the window that `state` returned as "mark"; the rows before it are read again if there is no state.

        Raises
        ------
        DataError
            The rows of the window are not those of then.
        """
        then = unpack(mark.numpy().tobytes())
        if then["state"] is not None:
            self._pass, self._number, self._start = then["pass"], then["number"], then["start"]
            self._stop = self._start
            self._blocks = self.stream.go_on(then["state"], then["batch"], then["row"])
            found = self._next_window()
        else:
            found = True
            while found and self._stop <= then["start"]:
                found = self._next_window()
        if not found or self._marks[-1]["checksum"] != then["checksum"] or self._start != then["start"]:
            raise DataError(
                f"X gives other rows from row {then['start']:,} of the training on than the run had; give the same "
                "rows again, or begin a new run"
            )

    def _next_window(self) -> bool:
        """Read the next window; return whether there is one."""
        self._rows = None  # before the next one takes memory
        while True:
            if self._blocks is None:
                if self._pass == self.stream.max_passes:
                    return False
                self._blocks = self.stream.blocks()
            read_ahead = self.stream.in_first_rows
            mark: dict[str, Any] = {"start": self._stop, "pass": self._pass, "number": self._number, "state": None}
            if not read_ahead:
                position = self.stream.position
                mark |= {"state": self.stream.state(), "batch": position.batch, "row": position.row}
            first = next(self._blocks, None)
            if first is not None:
                break
            if not self._number:
                raise DataError(
                    f"X gives no rows when it is read again, after pass {self._pass}; let each call return a fresh "
                    "iterator"
                )
            self._pass, self._number, self._blocks = self._pass + 1, 0, None
        rows, _ = gathered(first, self._blocks, self.window)
        rng = generator(self.seed, "window", self._pass, self._number)
        self._rows, self._order = rows, torch.randperm(len(rows), generator=rng).numpy()
        ends = np.concatenate([rows[:CHECKED_ROWS], rows[-CHECKED_ROWS:]])
        mark["checksum"] = hashlib.blake2b(ends.tobytes(), digest_size=8).hexdigest()
        self._marks.append(mark)
        self._start, self._stop, self._number = self._stop, self._stop + len(rows), self._number + 1
        return True
