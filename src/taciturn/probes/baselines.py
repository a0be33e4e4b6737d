"""What simpler models reach on the same rows: principal components, and a network that was never trained."""

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

WIDEST = 2048  # columns; what more of them cost is a cube
SOME = 50_000  # rows that components are learnt from, and that a twin is judged on, at most
FITTED = 8_000  # rows that a decoder is fitted to at most
ENTRIES = 1 << 25  # of the codes that it is fitted to
PENALTIES = (1e-3, 1e-1, 10.0)  # of that decoder, a row's share


@dataclass(frozen=True)
class Baseline:
    """A simpler model and its error."""

    name: str
    components: int
    fvu: float  # as SquaredErrors.fvu has it, on the rows asked for


def principal_components(model: Autoencoder, training: Source, rows: Source, sizes: Sequence[int]) -> list[Baseline]:
    """Return PCA's errors with so many components, learnt from training rows, both scaled as the model does.

    PCA of Pearson (1901). FVU = Σ (‖x - m‖² - Σ_i (v_i · (x - m))²) / Σ ‖x - mean‖², with the training rows' mean m and
    directions v, and the mean of the rows asked for. Rows of more than 2,048 columns have none: an empty list.
    """
    width = model.layout.widths[0]
    if width > WIDEST:
        return []
    moments, asked = Moments(crossed=True), Moments()
    for x in _scaled(model, _some(training, SOME)):
        moments.add(x)
    directions_DD = np.linalg.eigh(moments.products)[1][:, ::-1]
    caught_D, whole = np.zeros(width), 0.0
    for x in _scaled(model, rows):
        asked.add(x)
        centred = x - moments.mean
        whole += float(np.square(centred).sum())
        caught_D += np.square(centred @ directions_DD).sum(0)
    variance = asked.squares.sum()
    if not variance:
        return []
    left = np.maximum(whole - np.concatenate([[0.0], np.cumsum(caught_D)]), 0.0) / variance
    return [Baseline("PCA", min(size, width), float(left[min(size, width)])) for size in sizes]


@torch.no_grad()
def untrained(model: Autoencoder, objective: Objective, training: Source, rows: Source, *, seed: int = 0) -> Baseline:
    """Return the error of the same network as its seed drew it, asked for the same, with the best linear decoder.

    Its directions are those that it had before the first step; a decoder is fitted to up to 8,000 training rows by
    ridge regression, the penalty chosen on a quarter of them. What it reaches was not learnt by the encoder.
    """
    layout = model.layout
    twin = Autoencoder(layout, rng=generator(seed, "init"), kernels=plan.kernels(layout))
    for name, buffer in model.named_buffers():
        if "." not in name:  # the scaling's
            getattr(twin, name).copy_(buffer)
    some = _some(training, max(min(FITTED, ENTRIES // layout.widths[-1]), 100), seed)
    x = twin.scale_rows(tensor(some.read(0, len(some)))).float()
    Step(twin, objective).initialise(x, steps=1)
    twin.layout.coder.at(1.0).finalise(twin.pre_activations(x), twin.coder)
    decoder = _decoder(twin.codes(x).dense().numpy(), x.numpy(), seed)
    found = SquaredErrors()
    for block in row_blocks(twin, _some(rows, SOME, seed)):
        x = twin.scale_rows(block).float()
        found.add(x, torch.from_numpy(decoder.predict(twin.codes(x).dense().numpy()).reshape(x.shape)))
    return Baseline("untrained encoder", layout.widths[-1], found.fvu)


def _decoder(codes_NL: NDArray[np.float32], x_ND: NDArray[np.float32], seed: int) -> Ridge:
    """Return the ridge regression from codes to rows whose penalty does best on rows kept apart."""
    learnt, held = split(len(x_ND), 0.25, seed, "untrained")
    fits = [Ridge(alpha=share * len(learnt)).fit(codes_NL[learnt], x_ND[learnt]) for share in PENALTIES]
    missed = [np.square(fit.predict(codes_NL[held]).reshape(-1, x_ND.shape[1]) - x_ND[held]).sum() for fit in fits]
    best: Ridge = fits[int(np.argmin(missed))]
    return best


def _some(source: Source, most: int, seed: int = 0) -> Source:
    """Return up to so many of a source's rows, drawn by the seed."""
    if len(source) <= most:
        return source
    return Subset(source, np.sort(torch.randperm(len(source), generator=generator(seed, "some"))[:most].numpy()))


def _scaled(model: Autoencoder, source: Source) -> Iterator[NDArray[np.float64]]:
    """Yield blocks of rows as the model scales them."""
    model = in_row_precision(model, source.dtype)
    for x in row_blocks(model, source):
        yield model.scale_rows(x).double().cpu().numpy()
