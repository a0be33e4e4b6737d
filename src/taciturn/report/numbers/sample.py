"""Some rows and all their codes at once, for what cannot be streamed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.seeds import generator
from ...data.sources import Source, Subset
from ...inference import encode, to_csr
from ...model import Autoencoder, Capability, Sparse

MOST = 20_000  # rows
ENTRIES = 1 << 25  # of dense codes, or of rows


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows drawn from a source, and their codes."""

    at: NDArray[np.intp]  # [S], ascending: where they stand in the source
    rows: NDArray[Any]  # [S, D], in the input's units
    codes: Any  # [S, L]: an array, or SciPy CSR where codes are sparse


def sample(model: Autoencoder, source: Source, *, seed: int = 0) -> Sample:
    """Return up to 20,000 rows, all if there are no more, and as many as memory allows."""
    dense = Capability.ZERO_CODES not in model.layout.coder.provides
    width = max(model.layout.widths) if dense else model.layout.widths[0]
    n = min(len(source), MOST, max(ENTRIES // width, 1000))
    order = torch.randperm(len(source), generator=generator(seed, "sample"))[:n].numpy()
    at = np.sort(order) if n < len(source) else np.arange(n)
    some = Subset(source, at)
    blocks = list(encode(model, some))
    if all(isinstance(block, Sparse) for block in blocks):
        from scipy.sparse import vstack

        codes: Any = vstack([to_csr(block) for block in blocks], format="csr")
    else:
        codes = np.concatenate([block.dense().cpu().numpy() for block in blocks])
    return Sample(at, some.read(0, n), codes)


def column(codes: Any, latent: int) -> NDArray[Any]:
    """Return one latent's codes [S], whatever their form."""
    found: NDArray[Any] = codes[:, latent] if isinstance(codes, np.ndarray) else codes[:, [latent]].toarray()[:, 0]
    return found
