"""The page on a run that is not complete: its curves so far, from its log."""

from pathlib import Path

from ..core.errors import ArtifactError
from ..core.messages import one_line
from ..core.run_folder import LOG, unfinished
from ..training.history import logged_history
from .html import unfinished_page
from .numbers.curves import curves


def unfinished_report(folder: Path) -> str:
    """Return the page on a run that is not complete, as HTML.

    Parameters
    ----------
    folder : Path
        The run's folder, with its log.

    Returns
    -------
    str
        The curves of the epochs so far, under a heading that names the run unfinished. No model is measured.

    Raises
    ------
    ArtifactError
        The log is damaged, or no epoch is complete yet.
    """
    history = logged_history(folder / LOG)
    if not history.n_epochs:
        raise ArtifactError(f"{one_line(folder)}: no epoch is complete yet; wait, or watch the steps: taciturn watch")
    return unfinished_page(folder.resolve().name, unfinished(folder), history, curves(history))
