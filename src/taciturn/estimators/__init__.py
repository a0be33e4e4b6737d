"""scikit-learn estimators."""

import os
from typing import Any

from .base import BaseAutoencoder
from .checking import Check, check
from .crops import CropDenoiser
from .denoising import DenoisingAutoencoder
from .dictionary import DictionaryAutoencoder
from .encoder import Encoder
from .from_keras import from_keras
from .images import ImageDenoiser
from .imputer import DenoisingImputer
from .imputing import Pooled, pool
from .outliers import AutoencoderOutlierDetector
from .plain_arrays import from_arrays
from .signals import SignalDenoiser
from .skops_state import SKOPS_TRUSTED
from .sparse import SparseAutoencoder


def load(path: str | os.PathLike[str]) -> Any:
    """Return the fitted estimator of a folder, of any class; see `BaseAutoencoder.load` and `DenoisingImputer.load`.

    Parameters
    ----------
    path : str or path-like
        The folder that `save` or the command `taciturn fit` wrote, or the dictionary of another library; see
        `from_dictionary`. On the Hugging Face Hub it is "hf://user/name[@revision][/folder]". No code from it is run.

    Returns
    -------
    BaseAutoencoder or DenoisingImputer

    Raises
    ------
    ArtifactError
        The folder holds none of these, or a file is missing, damaged or of another format.
    """
    from ..artifact.foreign import format_of
    from ..artifact.hub import local_folder
    from ..core.run_folder import is_model
    from .from_dictionary import from_dictionary
    from .imputing.saved import is_imputer

    path = local_folder(path)
    if is_imputer(path):
        return DenoisingImputer.load(path)
    if not is_model(path) and format_of(path) is not None:
        return from_dictionary(path)
    return BaseAutoencoder.load(path)


def by_command_name() -> dict[str, type[BaseAutoencoder]]:
    """Return the estimators by their names on the command line and in recipe files.

    Returns
    -------
    dict of str to type

    Examples
    --------
    >>> sorted(by_command_name())
    ['denoising', 'dictionary', 'images', 'outliers', 'signals', 'sparse']
    """
    kinds = [*BaseAutoencoder.__subclasses__(), *CropDenoiser.__subclasses__()]
    return {kind.command_name: kind for kind in kinds if kind.command_name}


__all__ = [
    "SKOPS_TRUSTED",
    "AutoencoderOutlierDetector",
    "BaseAutoencoder",
    "Check",
    "CropDenoiser",
    "DenoisingAutoencoder",
    "DenoisingImputer",
    "DictionaryAutoencoder",
    "Encoder",
    "ImageDenoiser",
    "Pooled",
    "SignalDenoiser",
    "SparseAutoencoder",
    "by_command_name",
    "check",
    "from_arrays",
    "from_keras",
    "load",
    "pool",
]
