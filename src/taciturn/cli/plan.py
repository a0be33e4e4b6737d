"""taciturn plan: what the training of a large dictionary will need."""

from typing import Annotated

import typer

from ..core.errors import RecipeError
from ..core.plan import Plan, Sharding
from ..core.sizes import size_text
from .app import Command, app
from .table import show

FLOPS, BANDWIDTH = 1e12, 1.25e9  # 16 cores of a server; a link of 10 gigabits


@app.command(cls=Command, no_args_is_help=True)
def plan(
    *,
    rows: Annotated[float, typer.Option(help="Rows of an epoch: 10e9.", show_default=False)],
    inputs: Annotated[float, typer.Option(help="Numbers of a row.", show_default=False)],
    latents: Annotated[float, typer.Option(help="Latents of the dictionary.", show_default=False)],
    k: Annotated[float, typer.Option("--k", help="Active latents of a row.")] = 32,
    processes: Annotated[float, typer.Option(help="Processes that share the work.")] = 1,
    batch_size: Annotated[float, typer.Option(help="Rows of a step, of all processes together.")] = 4096,
    flops: Annotated[float, typer.Option(help="Operations that a process computes per second.")] = FLOPS,
    bandwidth: Annotated[float, typer.Option(help="Bytes that a process sends per second.")] = BANDWIDTH,
) -> None:
    """Print the memory, the bytes over the network and the time that the training of a dictionary will need.

    By formulas, for CPUs and float32, where each process has a part of the rows, and where it has a part of the
    latents. The memory and the bytes of 1, 2 and 4 processes that share rows were measured; all times were not.

    [dim]Example:[/]

      taciturn plan --rows 10e9 --inputs 4096 --latents 1e6 --k 64 --processes 64
    """
    counts = {"rows": rows, "inputs": inputs, "latents": latents, "k": k}
    counts |= {"processes": processes, "batch-size": batch_size, "flops": flops, "bandwidth": bandwidth}
    for name, value in counts.items():
        is_count = name not in ("flops", "bandwidth")
        if not 0 < value <= 1e18 or (is_count and value != int(value)):
            raise RecipeError(f"--{name} {value:g} must be {'a whole number' if is_count else 'a number'} in 1 … 1e18")
    planned = Plan(int(rows), int(inputs), int(latents), int(k), int(processes), int(batch_size))
    for sharding in ("rows", "latents") if processes > 1 else ("rows",):
        whole = "one process" if processes == 1 else f"{sharding} sharded over {planned.processes:,} processes"
        show(whole, _lines(planned, sharding, flops, bandwidth))


def _lines(planned: Plan, sharding: Sharding, flops: float, bandwidth: float) -> list[tuple[str, str]]:
    """Return what each process needs as pairs (label, text)."""
    need = planned.need(sharding)
    computing, waiting = planned.seconds(sharding, flops, bandwidth)
    n_steps = -(-planned.rows // planned.batch_size)
    parts = {"weights": need.weights, "gradients": need.gradients, "Adam's averages": need.averages}
    parts |= {"gradients that are summed": need.message} if need.message else {}
    parts |= {"batch": need.batch, "pre-activations": need.pre_activations, "shuffled rows": need.window}
    return [
        ("memory per process", size_text(need.memory)),
        *((f"  {name}", size_text(n_bytes)) for name, n_bytes in parts.items()),
        ("checkpoints on disk", size_text(need.checkpoints)),
        ("sent per step and link", size_text(need.sent)),
        ("step", f"{computing + waiting:.3g} s, of which {waiting:.3g} s wait for the network"),
        ("efficiency", f"{computing / (computing + waiting):.1%}"),
        ("epoch", f"{n_steps:,} steps, {n_steps * (computing + waiting) / 3600:,.3g} h"),
    ]
