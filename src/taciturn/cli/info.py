"""taciturn info: what a run is."""

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
    from .table import show

    kept = artifact.load(run)
    lines = [("estimator", kept.config["estimator"]), *kept.lines()]
    if kept.metrics:
        lines += Summary.from_dict(kept.metrics).lines()
    show(str(run), lines)
