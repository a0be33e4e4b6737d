"""taciturn plot sparsity-loss: the textbook's Figure 15-10."""

from pathlib import Path
from typing import Annotated

import typer

from .app import plot
from .options import rows_for


@plot.command("sparsity-loss")
def sparsity_loss(
    target: Annotated[float, typer.Option(help="The rate that is asked for, between 0 and 1.")] = 0.1,
    run: Annotated[Path | None, typer.Option(help="Mark the rates of this run's latents.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write: .png, .svg or .pdf.")] = Path(
        "sparsity-loss.png"
    ),
) -> None:
    """Draw squared error and KL divergence against the actual sparsity, as the textbook's Figure 15-10.

    [dim]Examples:[/]

      taciturn plot sparsity-loss --target 0.1

      taciturn plot sparsity-loss --target 0.05 --run runs/digits -o figure.pdf
    """
    from .. import artifact, plots
    from ..encode import evaluate

    rates = None
    if run is not None:
        kept = artifact.load(run)
        rates = evaluate(kept.model, rows_for(kept, None)).sparsity.rates
    plots.save(plots.sparsity_loss(target, rates), out)
    typer.echo(f"written: {out}")
