"""Shards written by workers of Ray, on this machine or on a cluster whose machines see the same files."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..core.errors import RecipeError, TaciturnError
from ..core.messages import one_line
from .encoding import Encoding

if TYPE_CHECKING:
    from ..data.sources.manifest import ShardRecord, Span

WORKER_BYTES = 1 << 29  # of Python, torch and a block of rows, without the model
OBJECT_STORE_BYTES = 200_000_000  # rows do not pass through it

Engine = Annotated[
    Literal["ray"] | None,
    typer.Option(help="Write the shards of a folder in several processes, of Ray; where RAY_ADDRESS is set, there."),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes of --engine; by default one for each CPU.", show_default=False)
]
Memory = Annotated[
    float | None,
    typer.Option(
        help="Gigabytes that --engine reserves for each process; by default 0.5 and three times the model.",
        show_default=False,
    ),
]


def shards_on_ray(
    encoding: Encoding, folder: str, spans: "list[Span]", *, workers: int | None, memory: float | None
) -> "Iterator[ShardRecord]":
    """Write shards on Ray and yield their records, in the order in which they are complete.

    Each worker opens the model and the rows itself, and writes its shards. A worker that is killed is started again,
    and the shard that it had begun is written again.

    Parameters
    ----------
    encoding : Encoding
        What is written.
    folder : str
        The folder of the shards, or its URL.
    spans : list of Span
        The shards.
    workers : int or None
        The most processes; None: one for each CPU.
    memory : float or None
        Gigabytes that each process reserves.

    Raises
    ------
    RecipeError
        Ray is not installed.
    TaciturnError
        Rows are refused, a file cannot be written, or Ray fails.
    """
    try:
        import ray
    except ImportError as error:
        raise RecipeError("--engine ray needs Ray: pip install 'taciturn[ray]'") from error
    from ..data.sources.manifest import ShardRecord

    started_here = not ray.is_initialized()
    if started_here:
        local = {} if "RAY_ADDRESS" in os.environ else {"object_store_memory": OBJECT_STORE_BYTES}
        try:
            ray.init(include_dashboard=False, logging_level="ERROR", log_to_driver=False, **local)
        except Exception as error:  # Ray has no class for it
            raise TaciturnError(f"Ray does not start: {one_line(error)}; the same command may try again") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    try:
        n_workers = min(workers or int(ray.cluster_resources()["CPU"]), len(spans))
        n_bytes = WORKER_BYTES + 3 * encoding.model_bytes if memory is None else int(memory * 1e9)
        records = ray.data.from_items([span._asdict() for span in spans], override_num_blocks=len(spans)).map_batches(
            ShardWriter,
            fn_constructor_args=(encoding, folder),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=n_workers),
            memory=n_bytes,
        )
        for record in records.iter_rows():
            yield ShardRecord(**record)
    except ray.exceptions.RayError as error:
        raise _own_error(error) or TaciturnError(f"Ray: {one_line(error)}") from error
    finally:
        if started_here:
            ray.shutdown()


class ShardWriter:
    """One worker: it is called with the span of a shard, writes it, and returns its record."""

    def __init__(self, encoding: Encoding, folder: str) -> None:
        self._encoding, self._folder = encoding, folder

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Write the shard whose span is the only row of a batch."""
        from ..data.sources.manifest import Span, out_folder, write_shard

        [file], [start], [stop] = batch["file"], batch["start"], batch["stop"]
        span = Span(str(file), int(start), int(stop))
        record = write_shard(out_folder(self._folder), span, self._encoding.source, self._encoding.write)
        return {name: [getattr(record, name)] for name in record.__struct_fields__}


def _own_error(error: BaseException | None) -> TaciturnError | None:
    """Return the error of taciturn that a worker raised; None if it raised another one."""
    while error is not None:
        if isinstance(error, TaciturnError) and not hasattr(error, "cause"):  # Ray's errors inherit from their causes
            return error
        error = getattr(error, "cause", None) or error.__cause__
    return None
