"""The numbers of a run as a run of Weights & Biases, offline if nothing else is set."""

import os
from typing import Any

from .numbers import BEGIN, facts, numbers, package


class WandB:
    """A callback of `fit` that writes the numbers of each step and interval with wandb.

    Parameters
    ----------
    project : str, default="taciturn"
        The project's name.

    Raises
    ------
    RecipeError
        The package wandb is not installed.

    Notes
    -----
    Files are written into the folder `wandb`, and nothing is sent: `wandb sync` sends them later. The variables of
    wandb, such as WANDB_MODE=online and WANDB_DIR, change that.
    """

    def __init__(self, project: str = "taciturn") -> None:
        self._wandb = package("wandb", "wandb")
        self._project = project
        self._run: Any = None

    def __call__(self, line: dict[str, Any]) -> None:
        """Write the numbers of a line of the log."""
        if line["kind"] in BEGIN:
            mode = os.environ.get("WANDB_MODE", "offline")
            self._run = self._wandb.init(project=self._project, mode=mode, config=facts(line))
        elif line["kind"] == "end":
            self._run.finish()
        elif values := numbers(line):
            self._run.log(values, step=line["step"])
