"""The sparse autoencoder."""

from .base import BaseAutoencoder


class SparseAutoencoder(BaseAutoencoder):
    """A sparse autoencoder: a penalty moves each latent's mean activation towards a small target.

    `sparsity="auto"` is "kl:0.05" (Ng, 2011): a mean activation of 5%. `corruption="auto"` is none. `sparsity` may
    also be a penalty on the codes themselves, or a coding layer that selects the active latents.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data / 16
    >>> model = SparseAutoencoder(100, sparsity="kl:0.1", max_iter=3, random_state=0).fit(X)
    >>> codes = model.transform(X)
    >>> codes.shape, bool((codes > 0).all() and (codes < 1).all())
    ((1797, 100), True)
    """

    command_name = "sparse"
    default_sparsity = "kl:0.05"
