"""taciturn info: a run's recipe and results."""

from .app import Command, app
from .options import RunFolder


@app.command(cls=Command, no_args_is_help=True)
def info(run: RunFolder) -> None:
    """Print a run's network, recipe and results.

    [dim]Example:[/]

      taciturn info runs/digits
    """
    from .. import artifact
    from ..report import Summary
    from .table import show, variable_lines

    stored = artifact.load(run)
    lines = [("estimator", stored.estimator.name), *stored.lines(), *variable_lines(stored.rows.variables)]
    if stored.metrics:
        lines += Summary.from_dict(stored.metrics).lines()
    show(str(run), lines)
