"""taciturn plot sparsity-loss: Figure 15-10 of Géron (2017)."""

from pathlib import Path
from typing import Annotated

import typer

from .app import Command, plot


@plot.command("sparsity-loss", cls=Command)
def sparsity_loss(
    target: Annotated[
        float | None,
        typer.Option(
            help="The target mean activation, between 0 and 1.", show_default="the run's, or 0.1 without a run"
        ),
    ] = None,
    run: Annotated[Path | None, typer.Option(help="A run's folder: mark the mean activations of its latents.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write: .png, .svg or .pdf.")] = Path(
        "sparsity-loss.png"
    ),
) -> None:
    """Draw squared error and KL divergence from a target mean activation (Figure 15-10 of Géron, 2017).

    [dim]Examples:[/]

      taciturn plot sparsity-loss --target 0.1

      taciturn plot sparsity-loss --run runs/digits -o figure.pdf
    """
    from .. import artifact, plots
    from ..report import Summary

    rates = None
    if run is not None:
        summary = Summary.from_dict(artifact.load(run).metrics)
        rates, target = summary.rates, target or summary.target_rate
    plots.save(plots.sparsity_loss(0.1 if target is None else target, rates), out)
    typer.echo(f"written: {out}")
