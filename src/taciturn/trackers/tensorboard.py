"""The numbers of a run as event files of TensorBoard."""

import os
from typing import Any

from .numbers import BEGIN, numbers, package


class TensorBoard:
    """A callback of `fit` that writes the numbers of each step and interval as TensorBoard's scalars.

    Parameters
    ----------
    folder : str or path-like
        The folder of the event files: `tensorboard --logdir FOLDER` shows them.

    Raises
    ------
    RecipeError
        The package tensorboard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        package("tensorboard", "tensorboard")
        self._folder = os.fspath(folder)
        self._writer: Any = None

    def __call__(self, line: dict[str, Any]) -> None:
        """Write the numbers of a line of the log."""
        if line["kind"] in BEGIN:
            from torch.utils.tensorboard import SummaryWriter

            purge = line["steps"] if line["kind"] == "resume" else None  # what came after the checkpoint is replaced
            self._writer = SummaryWriter(self._folder, purge_step=purge)
        elif line["kind"] == "end":
            self._writer.close()
        else:
            for name, value in numbers(line).items():
                self._writer.add_scalar(name, value, line["step"], walltime=line.get("time"))
