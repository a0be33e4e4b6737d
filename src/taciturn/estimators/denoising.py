"""The denoising autoencoder."""

from .base import BaseAutoencoder


class DenoisingAutoencoder(BaseAutoencoder):
    """A denoising autoencoder: it is trained to reconstruct clean rows from corrupted ones (Vincent et al., 2008).

    `corruption="auto"` is "gaussian:0.3", `sparsity="auto"` none.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data / 16
    >>> model = DenoisingAutoencoder(64, corruption="gaussian:0.4", max_iter=3, random_state=0).fit(X)
    >>> model.denoise(X).shape, model.transform(X).shape
    ((1797, 64), (1797, 64))
    """

    command_name = "denoising"
    default_corruption = "gaussian:0.3"
