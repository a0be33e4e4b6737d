"""A fitted estimator made of a dictionary that another library trained."""

import os

from ..core.errors import ArtifactError, RecipeError
from .adopted import adopted
from .dictionary import DictionaryAutoencoder


def from_dictionary(path: str | os.PathLike[str]) -> DictionaryAutoencoder:
    """Return a fitted estimator that computes what another library's dictionary does.

    Parameters
    ----------
    path : str or path-like
        A folder of SAELens, sparsify, dictionary_learning, sentence-transformers or Gemma Scope 2, or a file of
        Qwen-Scope.

    Returns
    -------
    DictionaryAutoencoder
        It can be used, saved and trained further, by `partial_fit`, or by `fit` under warm_start=True. Weights are
        float32. Rows are not scaled.

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

    dictionary = read(path)
    try:
        return adopted(
            DictionaryAutoencoder(**dictionary.parameters()), dictionary.decoder.shape[1], dictionary.tensors()
        )
    except RecipeError as error:
        raise ArtifactError(f"{path}: {error}") from error
