"""An estimator made of a Keras network."""

import os
from typing import Any

from .base import BaseAutoencoder
from .denoising import DenoisingAutoencoder
from .dictionary import DictionaryAutoencoder
from .sparse import SparseAutoencoder


def from_keras(network: Any) -> BaseAutoencoder:
    """Return a fitted estimator that computes what a Keras network does.

    Parameters
    ----------
    network : keras.Model, str or path-like
        A network that `to_keras` made, or any network of dense layers, Sequential or functional, whose decoder mirrors
        its encoder: with an even number of `Dense` layers, one activation for all hidden layers, noise on the input
        only (`GaussianNoise`, `Dropout`) and scaling at the ends only (`Rescaling`, `Normalization`). Or the path of a
        .keras file, which is loaded in safe mode.

    Returns
    -------
    SparseAutoencoder, DenoisingAutoencoder or DictionaryAutoencoder
        A `SparseAutoencoder` if the network has a penalty or a sparse coding layer, else a `DenoisingAutoencoder`; a
        `DictionaryAutoencoder` if the decoder's bias is subtracted from the input, the codes are refined or the
        dictionary is constrained. It can be used, saved and trained further, with the compiled network's optimiser.

    Raises
    ------
    RecipeError
        A layer cannot be expressed; the message has its name and what could be done.
    DataError
        The file cannot be read.
    TaciturnError
        Keras or its backend is not installed.

    Notes
    -----
    Weights, which the network holds as float32, stay the same to the bit. The numbers of its scaling stay as they are
    in further training. A penalty keeps its fixed weight.

    Examples
    --------
    >>> import taciturn
    >>> network = keras.Sequential([keras.Input((64,)), keras.layers.Dense(30, "relu"), keras.layers.Dense(64)])
    ... # doctest: +SKIP
    >>> taciturn.from_keras(network).transform(X)  # doctest: +SKIP
    """
    from ..inference.from_keras import check_same, read_keras
    from ..inference.from_keras import from_keras as read
    from .adopted import adopted

    if isinstance(network, str | os.PathLike):
        network = read_keras(network)
    found = read(network)
    plain = SparseAutoencoder if found.sparse else DenoisingAutoencoder
    kind: type[BaseAutoencoder] = DictionaryAutoencoder if found.dictionary else plain
    estimator = adopted(kind(**found.parameters), found.width, found.tensors)
    check_same(network, estimator.module_)
    return estimator
