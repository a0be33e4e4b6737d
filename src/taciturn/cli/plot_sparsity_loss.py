"""taciturn plot sparsity-loss: the textbook's Figure 15-10."""

from pathlib import Path
from typing import Annotated

import typer

from .app import Command, plot


@plot.command("sparsity-loss", cls=Command)
def sparsity_loss(
    target: Annotated[
        float | None,
        typer.Option(help="The rate that is asked for, between 0 and 1.", show_default="the run's, else 0.1"),
    ] = None,
    run: Annotated[Path | None, typer.Option(help="Mark the rates of a run's latents.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write: .png, .svg or .pdf.")] = Path(
        "sparsity-loss.png"
    ),
) -> None:
    """Draw squared error and KL divergence against the actual sparsity, as the textbook's Figure 15-10.

    [dim]Examples:[/]

      taciturn plot sparsity-loss --target 0.1

      taciturn plot sparsity-loss --run runs/digits -o figure.pdf
    """
    from .. import artifact, plots
    from ..report import Summary

    rates = None
    if run is not None:
        kept = artifact.load(run)
        summary = Summary.from_dict(kept.metrics)
        rates, target = summary.rates, target or summary.target_rate
    plots.save(plots.sparsity_loss(0.1 if target is None else target, rates), out)
    typer.echo(f"written: {out}")
