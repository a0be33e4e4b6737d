"""taciturn: denoising and sparse autoencoders. Features from unlabelled rows, in few words.

Nothing heavy is imported before a name is used: `import taciturn` loads neither torch nor scikit-learn.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__ as __version__

if TYPE_CHECKING:
    from . import corrupt, datasets, metrics, plots, probes, schedules, solvers, sources, sparsify, terms
    from .estimators import BaseAutoencoder, DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, load
    from .model import Autoencoder, Layout
    from .trainer import History

_HOME = {
    "Autoencoder": "model",
    "BaseAutoencoder": "estimators",
    "DenoisingAutoencoder": "estimators",
    "DictionaryAutoencoder": "estimators",
    "History": "trainer",
    "Layout": "model",
    "SparseAutoencoder": "estimators",
    "load": "estimators",
}
_MODULES = ("corrupt", "datasets", "metrics", "plots", "probes", "schedules", "solvers", "sources", "sparsify", "terms")

__all__ = [
    "Autoencoder",
    "BaseAutoencoder",
    "DenoisingAutoencoder",
    "DictionaryAutoencoder",
    "History",
    "Layout",
    "SparseAutoencoder",
    "corrupt",
    "datasets",
    "load",
    "metrics",
    "plots",
    "probes",
    "schedules",
    "solvers",
    "sources",
    "sparsify",
    "terms",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
