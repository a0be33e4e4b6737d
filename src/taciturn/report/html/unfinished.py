"""The page on a run that is not complete."""

from typing import Any

from ... import plots
from ...training import History
from .engine import asset, environment
from .figures import svg
from .formats import number


def unfinished_page(name: str, state: str, history: History, curves: dict[str, Any]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    name : str
        The run's name.
    state : str
        A sentence: that the run is not complete, and how to go on.
    history : History
        The epochs so far.
    curves : dict of lists
        Their numbers, as `numbers.curves` returns them.
    """
    known = {key: [v for v in values if v is not None] for key, values in curves.items() if key != "epoch"}
    return environment.get_template("unfinished.html.j2").render(
        title=f"{name} (unfinished) · taciturn report",
        css=asset("style.css"),
        js=asset("page.js"),
        sheets=[],
        aspect_ratio=1,
        name=name,
        state=state,
        epochs=history.n_epochs,
        history=svg(plots.history(history), "f1", "Training curves so far"),
        numbers=[
            (key.replace("_", " "), number(values[0]), number(min(values)), number(values[-1]))
            for key, values in known.items()
            if values
        ],
    )
