"""A trained network as it was before its first step."""

from ..core.seeds import generator
from ..model import Autoencoder, create
from ..training.step import plan


def initial_model(model: Autoencoder, seed: int) -> Autoencoder:
    """Return the network that a run with this seed began with, on the CPU.

    Parameters
    ----------
    model : Autoencoder
        The trained network.
    seed : int
        The seed of its training.

    Returns
    -------
    Autoencoder
        The same layout and scaling, with the weights as they were drawn. Those of a dictionary have not been turned
        towards rows yet; see `Layout.from_rows`.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder, datasets
    >>> fit = SparseAutoencoder(8, learning_rate=1e-9, alpha=0, max_iter=1, random_state=3).fit(datasets.load("iris"))
    >>> bool((initial_model(fit.module_, 3).dictionary - fit.module_.dictionary).abs().max() < 1e-6)
    True
    """
    initial = create(model.layout, rng=generator(seed, "init"), kernels=plan.kernels(model.layout))
    for name, buffer in model.named_buffers():
        if "." not in name:  # buffers of the scaling
            getattr(initial, name).copy_(buffer)
    return initial
