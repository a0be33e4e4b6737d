"""taciturn info: what a run is."""

from .app import app
from .options import RunFolder


@app.command(no_args_is_help=True)
def info(run: RunFolder) -> None:
    """Print a run's network, recipe and results.

    [dim]Example:[/]

      taciturn info runs/digits
    """
    from .. import artifact
    from ..report import Summary
    from .table import show

    kept = artifact.load(run)
    config, layout = kept.config, kept.model.layout
    training, rows = config["training"], config["rows"]
    widths = " → ".join(map(str, [*layout.widths, *layout.widths[-2::-1]]))
    network = f"{widths}, {layout.coder.text} codes, {layout.output.text} output{', tied' if layout.tied else ''}"
    count = sum(parameter.numel() for parameter in kept.model.parameters())
    lines = [
        ("estimator", config["estimator"]),
        ("network", f"{network}; {count:,} parameters"),
        ("objective", kept.recipe("objective").text),
        ("corruption", kept.recipe("corruption").text),
        ("scaling", config["scaling_said"]),
        ("rows", f"{rows['count']:,}" + (f" of {rows['data']}" if rows.get("data") else "")),
        ("training", f"{training['epochs']:,} epochs, {training['steps']:,} steps, {training['seconds']:.1f} s"),
        ("written by", f"taciturn {config['versions']['taciturn']}, torch {config['versions']['torch']}"),
    ]
    if kept.metrics:
        lines += Summary.from_dict(kept.metrics).lines()
    show(str(run), lines)
