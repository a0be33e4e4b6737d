"""What the training of a sparse dictionary needs: memory, bytes over the network and time, by formulas. No torch."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Sharding = Literal["rows", "latents"]

PROGRAM_BYTES = 260_000_000  # Python, torch and the libraries, as measured: benchmarks/plan.py
CHUNK_ENTRIES, MIN_CHUNK_ROWS, MAX_CHUNK_ROWS = 1 << 22, 64, 512  # pre-activations in memory: kernels/chunked.py
WINDOW_NUMBERS = 1 << 26  # of streamed rows that are shuffled together
CHECKPOINTS = 2  # that stay: training/checkpoints.py
NUMBER = 4  # bytes of float32
CANDIDATE = 12  # bytes: a value in float32 and its latent in int64


class Need(NamedTuple):
    """What one process needs.

    Parameters
    ----------
    weights, gradients, averages, message : int
        Bytes of the weights, of their gradients, of Adam's two running averages, and of the gradients in the message in
        which processes sum them.
    batch, pre_activations, window : int
        Bytes of a batch with its reconstruction, of the pre-activations that are in memory, and of the rows that are
        shuffled together.
    checkpoints : int
        Bytes on the disk, of all processes.
    sent : float
        Bytes that each process sends in a step, which it also receives.
    operations : float
        Of a step.
    """

    weights: int
    gradients: int
    averages: int
    message: int
    batch: int
    pre_activations: int
    window: int
    checkpoints: int
    sent: float
    operations: float

    @property
    def memory(self) -> int:
        """Bytes of a process."""
        of_network = self.weights + self.gradients + self.averages + self.message
        return PROGRAM_BYTES + of_network + self.batch + self.pre_activations + self.window


@dataclass(frozen=True)
class Plan:
    """The training of a dictionary with k active latents, on CPUs, in float32.

    Parameters
    ----------
    rows, inputs, latents, k : int
        Rows of an epoch, numbers of a row, latents, and active latents of a row.
    processes : int, default=1
        Processes that share the work.
    batch_size : int, default=4096
        Rows of a step, of all processes together.

    Examples
    --------
    >>> need = Plan(rows=1_000_000, inputs=512, latents=16384, k=32, batch_size=1024).need("rows")
    >>> need.weights, need.sent
    (67178496, 0.0)
    """

    rows: int
    inputs: int
    latents: int
    k: int
    processes: int = 1
    batch_size: int = 4096

    def need(self, sharding: Sharding) -> Need:
        """Return what each process needs.

        Parameters
        ----------
        sharding : {"rows", "latents"}
            "rows": each process has all weights and a part of each batch; gradients are summed. "latents": each has a
            part of the latents and all rows of each batch; the values of candidates and the mean activations are
            exchanged, and reconstructions summed.

        Notes
        -----
        P = 2 L D + L + 2 D weights (encoder, dictionary, biases, centre). A sum over p processes in a ring sends
        2 (p - 1) / p of its bytes from each (Patarasuk and Yuan, 2009); an exchange sends p - 1 times a process's own.
        Pre-activations take 2 B L D operations; the sparse products, forward and backward, 8 B k D.
        """
        p, by_rows = self.processes, sharding == "rows"
        n_rows = -(-self.batch_size // p) if by_rows else self.batch_size
        n_latents = self.latents if by_rows else -(-self.latents // p)
        weights = NUMBER * (2 * n_latents * self.inputs + n_latents + 2 * self.inputs)
        chunk = min(n_rows, MAX_CHUNK_ROWS, max(CHUNK_ENTRIES // n_latents, MIN_CHUNK_ROWS))
        window = min(WINDOW_NUMBERS, self.rows * self.inputs)  # in every process
        ring = 2 * (p - 1) / p
        reconstructions = NUMBER * n_rows * self.inputs
        n_candidates = n_rows * min(self.k, n_latents)
        exchanged = (p - 1) * NUMBER * (n_candidates + n_latents)
        return Need(
            weights=weights,
            gradients=weights,
            averages=2 * weights,
            message=weights if by_rows and p > 1 else 0,
            batch=3 * reconstructions + 2 * CANDIDATE * n_candidates,
            pre_activations=NUMBER * chunk * n_latents,
            window=NUMBER * window,
            checkpoints=CHECKPOINTS * 3 * weights * (1 if by_rows else p),
            sent=ring * weights if by_rows else exchanged + ring * reconstructions,
            operations=n_rows * self.inputs * (2.0 * n_latents + 8.0 * self.k / (1 if by_rows else p)),
        )

    def seconds(self, sharding: Sharding, flops: float, bandwidth: float) -> tuple[float, float]:
        """Return the seconds that a step computes, and those that it waits for the network.

        Parameters
        ----------
        sharding : {"rows", "latents"}
        flops : float
            Operations that one process computes per second.
        bandwidth : float
            Bytes per second that one process sends while it receives as many.
        """
        need = self.need(sharding)
        return need.operations / flops, need.sent / bandwidth
