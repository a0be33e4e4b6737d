"""F9. A trained model over many rows, a block at a time: codes, reconstructions, and what they are worth.

All compute in the precision of the rows that they are given.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .codes import Codes, Sparse, dense
from .corrupt import Clean, Corruption
from .feed import BLOCK, corrupted
from .metrics import Sparsity, SquaredErrors
from .model import Autoencoder
from .placed import tensor
from .sources import Source

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ENTRIES = 1 << 22  # of a block's widest array
GPU_TIMES = 16  # as many on a GPU, which a block of few rows would leave idle


def precise(model: Autoencoder, dtype: np.dtype[np.generic]) -> Autoencoder:
    """Return the model that computes in the rows' precision: itself, or for float64 rows a copy in float64."""
    return copy.deepcopy(model).double() if dtype == np.float64 else model


def blocks(model: Autoencoder, source: Source) -> Iterator[Tensor]:
    """Yield the source's rows on the model's device, in the input's units, as many at a time as memory allows."""
    entries = ENTRIES * GPU_TIMES if model.dictionary.is_cuda else ENTRIES
    size = max(entries // max(model.layout.widths) // BLOCK, 1) * BLOCK
    for start in range(0, len(source), size):
        yield tensor(source.read(start, min(start + size, len(source)))).to(model.dictionary.device)


@torch.no_grad()
def encode(model: Autoencoder, source: Source) -> Iterator[Codes]:
    """Yield the codes of each block of rows."""
    model = precise(model, source.dtype)
    for x in blocks(model, source):
        yield model.encode(x)


def sparse(codes: Codes) -> "csr_array":
    """Return a block's codes as SciPy CSR [B, L], its zeros left out."""
    from scipy.sparse import csr_array

    if not isinstance(codes, Sparse):
        return csr_array(codes.dense().cpu().numpy())
    said = codes.keep(codes.values != 0)
    values, latents, starts = (part.cpu().numpy() for part in (said.values, said.index.latents, said.index.starts))
    found = csr_array((values, latents, starts), shape=(codes.n_rows, codes.n_latents))
    found.sort_indices()
    return found


@torch.no_grad()
def denoise(model: Autoencoder, source: Source) -> Iterator[NDArray[np.generic]]:
    """Yield the reconstructions of each block of rows, in the input's units."""
    model = precise(model, source.dtype)
    for x in blocks(model, source):
        yield model(x).cpu().numpy()


@torch.no_grad()
def decode(model: Autoencoder, codes_NL: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return rows in the input's units [N, D] for codes [N, L]."""
    model = precise(model, codes_NL.dtype)
    said = tensor(codes_NL).to(model.dictionary)
    return model.reconstruct(dense(said)).cpu().numpy()


@torch.no_grad()
def components(model: Autoencoder) -> NDArray[np.generic]:
    """Return what each latent at 1, all others at 0, adds to the reconstruction before its activation [L, D]."""
    W = model.dictionary
    if len(model.decoder) == 1:
        return W.cpu().numpy()
    nothing = W.new_zeros(1, len(W))
    one_each = torch.eye(len(W), dtype=W.dtype, device=W.device)
    return (model.decode(dense(one_each)) - model.decode(dense(nothing))).cpu().numpy()


@torch.no_grad()
def errors(model: Autoencoder, source: Source, target: Source | None = None) -> Iterator[Tensor]:
    """Yield x̂ - x of each block of rows [B, D], in scaled units; x is the target's row where one is given."""
    model = precise(model, source.dtype)
    targets = blocks(model, target) if target is not None else iter(())
    for x in blocks(model, source):
        scaled = model.normalise(x)
        wanted = scaled if target is None else model.normalise(next(targets))
        yield model.output(model.decode(model.code(scaled))) - wanted


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model is worth on rows. Errors are in scaled units."""

    clean: SquaredErrors  # of the clean rows' reconstructions
    sparsity: Sparsity  # of the clean rows' codes
    before: SquaredErrors | None = None  # of the corrupted rows themselves
    after: SquaredErrors | None = None  # of the corrupted rows' reconstructions
    by_row: list[NDArray[np.float64]] = field(
        default_factory=list
    )  # of each block, each clean row's mean squared error

    @property
    def row_errors(self) -> NDArray[np.float64]:
        """[N]: each clean row's mean squared error."""
        return np.concatenate(self.by_row)


@torch.no_grad()
def evaluate(model: Autoencoder, source: Source, *, corruption: Corruption | None = None, seed: int = 0) -> Evaluation:
    """Return errors and sparsity on a source's rows, clean and, if there is a corruption, corrupted as well."""
    model = precise(model, source.dtype)
    corruption = (corruption or Clean()).at(1.0)
    found = Evaluation(SquaredErrors(), Sparsity())
    if not corruption.clean:
        found = replace(found, before=SquaredErrors(), after=SquaredErrors())
    for rows in blocks(model, source):
        x = model.normalise(rows)
        done = found.sparsity.rows
        codes = model.code(x)
        recon = model.output(model.decode(codes))
        found.clean.add(x, recon)
        found.by_row.append((recon.double() - x.double()).square().mean(1).cpu().numpy())
        found.sparsity.add(codes, model.layout.coder.firing(codes))
        if found.before is not None and found.after is not None:
            seen = corrupted(x, corruption, seed=seed, purpose="evaluate", first_row=done)
            found.before.add(x, seen)
            found.after.add(x, model.output(model.decode(model.code(seen))))
    return found
