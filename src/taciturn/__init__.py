"""taciturn: denoising and sparse autoencoders, which learn features from unlabelled rows.

Each name is imported when it is first used: `import taciturn` loads neither torch nor scikit-learn.
"""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .core.version import __version__ as __version__

if TYPE_CHECKING:
    from . import corruption, datasets, inference, metrics, model, objective, plots, probes, training
    from .estimators import (
        SKOPS_TRUSTED,
        AutoencoderOutlierDetector,
        BaseAutoencoder,
        DenoisingAutoencoder,
        DenoisingImputer,
        DictionaryAutoencoder,
        Encoder,
        ImageDenoiser,
        SignalDenoiser,
        SparseAutoencoder,
        check,
        from_arrays,
        load,
        pool,
    )
    from .estimators.from_keras import from_keras
    from .model import Autoencoder, Layout
    from .training import History

# A waiting thread of OpenMP keeps its core busy for milliseconds, which beside another program multiplies the time.
# This is some 20 µs to 100 µs. It is read when torch is loaded, and what the user has set stays.
if "torch" not in sys.modules and not os.environ.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}:
    os.environ["GOMP_SPINCOUNT"] = "2000"

_ROOM_OF = {
    "SKOPS_TRUSTED": "estimators",
    "Autoencoder": "model",
    "AutoencoderOutlierDetector": "estimators",
    "BaseAutoencoder": "estimators",
    "DenoisingAutoencoder": "estimators",
    "DenoisingImputer": "estimators",
    "DictionaryAutoencoder": "estimators",
    "Encoder": "estimators",
    "History": "training",
    "ImageDenoiser": "estimators",
    "Layout": "model",
    "SignalDenoiser": "estimators",
    "SparseAutoencoder": "estimators",
    "check": "estimators",
    "from_arrays": "estimators",
    "from_keras": "estimators",
    "load": "estimators",
    "pool": "estimators",
}
_ROOMS = ("corruption", "datasets", "inference", "metrics", "model", "objective", "plots", "probes", "training")

__all__ = [
    "SKOPS_TRUSTED",
    "Autoencoder",
    "AutoencoderOutlierDetector",
    "BaseAutoencoder",
    "DenoisingAutoencoder",
    "DenoisingImputer",
    "DictionaryAutoencoder",
    "Encoder",
    "History",
    "ImageDenoiser",
    "Layout",
    "SignalDenoiser",
    "SparseAutoencoder",
    "check",
    "corruption",
    "datasets",
    "from_arrays",
    "from_keras",
    "inference",
    "load",
    "metrics",
    "model",
    "objective",
    "plots",
    "pool",
    "probes",
    "training",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    if name in _ROOM_OF:
        return getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
