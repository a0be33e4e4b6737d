"""A fitted estimator made of a dictionary that another library trained."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..core.errors import ArtifactError, RecipeError
from .adopted import adopted
from .dictionary import DictionaryAutoencoder

if TYPE_CHECKING:
    from ..artifact.foreign import Dictionary


def from_dictionary(path: str | os.PathLike[str]) -> DictionaryAutoencoder:
    """Return a fitted estimator that computes what another library's dictionary does.

    Parameters
    ----------
    path : str or path-like
        A folder of SAELens, sparsify, dictionary_learning, sentence-transformers, circuit-tracer or Gemma Scope 2, or
        a file of Qwen-Scope.

    Returns
    -------
    DictionaryAutoencoder
        It can be used, saved and trained further, by `partial_fit`, or by `fit` under warm_start=True. Weights are
        float32. Rows are not scaled. A transcoder has `predict` and is trained with targets.

    Raises
    ------
    ArtifactError
        A file is missing or damaged, or a part cannot be expressed; the message has its name.

    Notes
    -----
    Further training keeps k of TopK and BatchTopK. JumpReLU, Gated and ReLU are trained without a penalty, because the
    files do not tell its weight: set `sparsity="jumprelu+l0:l0=32"` for a target L0 of 32.
    """
    from ..artifact.foreign import read

    try:
        return estimator_of(read(path))
    except RecipeError as error:
        raise ArtifactError(f"{path}: {error}") from error


def estimator_of(dictionary: Dictionary) -> DictionaryAutoencoder:
    """Return a fitted estimator that computes what a dictionary does; see `from_dictionary`."""
    estimator = DictionaryAutoencoder(**dictionary.parameters())
    n_outputs = dictionary.decoder.shape[1] if dictionary.transcodes else None
    return adopted(estimator, dictionary.encoder.shape[1], dictionary.tensors(), n_outputs=n_outputs)
