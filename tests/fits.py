"""One estimator of every kind, and rows to train them on, for the tests of devices other than the CPU."""

import numpy as np

from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder


def mixtures(n_rows):
    """Return rows [n_rows, 24] in float32, each a sum of a few of 64 directions."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(64, 24))
    return ((rng.random((n_rows, 64)) < 0.06) @ features).astype(np.float32)


def models(**fit):
    """Return the estimators by name, each with the parameters `fit`."""
    return {
        "topk": DictionaryAutoencoder(640, k=4, **fit),
        "few latents": DictionaryAutoencoder(48, k=4, **fit),
        "batch_topk": DictionaryAutoencoder(640, k=4, sparsity="batch_topk", **fit),
        "jumprelu": DictionaryAutoencoder(640, k=4, sparsity="jumprelu", **fit),
        "gated": DictionaryAutoencoder(640, k=4, sparsity="gated", **fit),
        "relu": DictionaryAutoencoder(640, k=4, sparsity="l1", **fit),
        "matryoshka": DictionaryAutoencoder(640, k=4, matryoshka="auto", **fit),
        "refined": DictionaryAutoencoder(640, k=4, refine=1, **fit),
        "ordered": DictionaryAutoencoder(640, k=4, ordered=True, **fit),
        "auxk and resampling": DictionaryAutoencoder(640, k=4, revive="auxk+resample", **fit),
        "whitened": DictionaryAutoencoder(640, k=4, scaling="whiten", **fit),
        "bf16": DictionaryAutoencoder(640, k=4, precision="bf16", **fit),
        "int8": DictionaryAutoencoder(640, k=4, precision="int8", **fit),
        "corrupted": DictionaryAutoencoder(640, k=4, corruption="swap:0.1+gaussian:0.1", **fit),
        "tied": SparseAutoencoder(640, sparsity="topk:4", tied=True, **fit),
        "kl": SparseAutoencoder(32, sparsity="kl:0.1", corruption="dropout:0.2", **fit),
        "two layers": DenoisingAutoencoder((40, 32), early_stopping=True, **fit),
    }
