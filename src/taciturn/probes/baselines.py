"""Errors of simpler models on the same rows: principal components, and the network before training."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from ..core.seeds import generator
from ..data.device_rows import tensor
from ..data.moments import Moments
from ..data.sources import Source, Subset
from ..data.split import split
from ..inference import in_row_precision, row_blocks
from ..metrics import SquaredErrors
from ..model import Autoencoder
from ..objective import Objective
from ..training.step import Step, plan

MAX_COLUMNS = 2048  # the time of PCA grows with the cube of the columns
MAX_ROWS = 50_000  # rows that PCA is trained on, and that the untrained network is evaluated on
MAX_FIT_ROWS = 8_000  # rows that the untrained network's decoder is fitted to
MAX_FIT_CODES = 1 << 25  # codes (rows times latents) that it is fitted to
PENALTIES = (1e-3, 1e-1, 10.0)  # candidates for the decoder's ridge penalty, per row


@dataclass(frozen=True)
class Baseline:
    """A simpler model and its error.

    Attributes
    ----------
    name : str
        "PCA" or "untrained encoder".
    components : int
        The number of its components or latents.
    fvu : float
        Its fraction of variance unexplained, as `SquaredErrors.fvu` (≥ 0, 0 is perfect), on the evaluation rows.
    """

    name: str
    components: int
    fvu: float


def principal_components(model: Autoencoder, training: Source, rows: Source, sizes: Sequence[int]) -> list[Baseline]:
    """Return the errors of PCA with several numbers of components.

    Parameters
    ----------
    model : Autoencoder
        Its scaling is applied to all rows.
    training : Source
        Rows [*, D] that PCA is trained on; 50,000 of them, drawn at random, if there are more.
    rows : Source
        Rows [*, D] that PCA is evaluated on.
    sizes : sequence of int
        Numbers of components; more than D count as D.

    Returns
    -------
    list of Baseline
        One for each size; empty if rows have more than 2,048 columns or no variance.

    Notes
    -----
    PCA of Pearson (1901). With the mean m and the directions v of the training rows, and the mean of the evaluation
    rows:

        FVU = Σ (‖x - m‖² - Σ_i (v_i · (x - m))²) / Σ ‖x - mean‖²

    Examples
    --------
    >>> from taciturn import SparseAutoencoder, datasets
    >>> rows = datasets.load("digits")
    >>> model = SparseAutoencoder(16, sparsity="kl:0.1", max_iter=1, random_state=0).fit(rows)
    >>> [(pca.components, round(pca.fvu, 2)) for pca in principal_components(model.module_, rows, rows, [1, 16, 64])]
    [(1, 0.85), (16, 0.15), (64, 0.0)]
    """
    width = model.layout.widths[0]
    if width > MAX_COLUMNS:
        return []
    moments, row_moments = Moments(with_products=True), Moments()
    for x in _scaled(model, _sample(training, MAX_ROWS)):
        moments.add(x)
    directions_DD = np.linalg.eigh(moments.products)[1][:, ::-1]
    explained_D, total = np.zeros(width), 0.0
    for x in _scaled(model, rows):
        row_moments.add(x)
        centred = x - moments.mean
        total += float(np.square(centred).sum())
        explained_D += np.square(centred @ directions_DD).sum(0)
    variance = row_moments.squares.sum()
    if not variance:
        return []
    fvu = np.maximum(total - np.concatenate([[0.0], np.cumsum(explained_D)]), 0.0) / variance
    return [Baseline("PCA", min(size, width), float(fvu[min(size, width)])) for size in sizes]


@torch.no_grad()
def untrained(model: Autoencoder, objective: Objective, training: Source, rows: Source, *, seed: int = 0) -> Baseline:
    """Return the error of the same network before its first step, with the best linear decoder.

    Parameters
    ----------
    model : Autoencoder
        The trained network: its layout and scaling are used, its weights are not.
    objective : Objective
        The model's, with the same targets; the biases are initialised for it.
    training : Source
        Rows that the decoder is fitted to: 8,000, or fewer for very wide codes.
    rows : Source
        Rows that it is evaluated on: 50,000 at most.
    seed : int, default=0
        Seed of the initial weights and of the rows drawn; the model's own seed gives its own initial weights.

    Returns
    -------
    Baseline
        Its `fvu` is what random directions reach: the part that the encoder did not have to learn.

    Notes
    -----
    The decoder is a ridge regression from codes to rows. Its penalty is chosen on a quarter of the training rows.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder, datasets
    >>> rows = datasets.load("digits")
    >>> model = SparseAutoencoder(16, sparsity="kl:0.1", max_iter=1, random_state=0).fit(rows)
    >>> baseline = untrained(model.module_, model.settings_.objective, rows, rows)
    >>> baseline.components, 0 < baseline.fvu < 1
    (16, True)
    """
    layout = model.layout
    twin = Autoencoder(layout, rng=generator(seed, "init"), kernels=plan.kernels(layout))
    for name, buffer in model.named_buffers():
        if "." not in name:  # buffers of the scaling
            getattr(twin, name).copy_(buffer)
    fit_rows = _sample(training, max(min(MAX_FIT_ROWS, MAX_FIT_CODES // layout.widths[-1]), 100), seed)
    x = twin.scale_rows(tensor(fit_rows.read(0, len(fit_rows)))).float()
    Step(twin, objective).initialise(x, steps=1)
    twin.layout.coder.at(1.0).finalise(twin.pre_activations(x), twin.coder)
    decoder = _decoder(twin.codes(x).dense().numpy(), x.numpy(), seed)
    errors = SquaredErrors()
    for block in row_blocks(twin, _sample(rows, MAX_ROWS, seed)):
        x = twin.scale_rows(block).float()
        errors.add(x, torch.from_numpy(decoder.predict(twin.codes(x).dense().numpy()).reshape(x.shape)))
    return Baseline("untrained encoder", layout.widths[-1], errors.fvu)


def _decoder(codes_NL: NDArray[np.float32], x_ND: NDArray[np.float32], seed: int) -> Ridge:
    """Return the ridge regression from codes to rows whose penalty is best on held-out rows."""
    train, held = split(len(x_ND), 0.25, seed, "untrained")
    fits = [Ridge(alpha=penalty * len(train)).fit(codes_NL[train], x_ND[train]) for penalty in PENALTIES]
    errors = [np.square(fit.predict(codes_NL[held]).reshape(-1, x_ND.shape[1]) - x_ND[held]).sum() for fit in fits]
    best: Ridge = fits[int(np.argmin(errors))]
    return best


def _sample(source: Source, max_rows: int, seed: int = 0) -> Source:
    """Return the source, or `max_rows` of its rows drawn by the seed if it has more."""
    if len(source) <= max_rows:
        return source
    return Subset(source, np.sort(torch.randperm(len(source), generator=generator(seed, "some"))[:max_rows].numpy()))


def _scaled(model: Autoencoder, source: Source) -> Iterator[NDArray[np.float64]]:
    """Yield blocks of rows in the model's scaled units."""
    model = in_row_precision(model, source.dtype)
    for x in row_blocks(model, source):
        yield model.scale_rows(x).double().cpu().numpy()
