"""What the denoisers of images and of signals share: they are trained on crops, and applied to things of any size."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from .base import BaseAutoencoder
from .parameters import RunParameters, run_parameters

if TYPE_CHECKING:
    from ..data.crops import Crops

WINDOW_NUMBERS = 1 << 24  # of crops that are shuffled together: 67 MB


class CropDenoiser(BaseAutoencoder):
    """The base class of `ImageDenoiser` and `SignalDenoiser`."""

    remembers_rows = False
    crop_name: ClassVar[str] = ""  # what a row is, in the plural
    # parameters of other estimators, which these do not have
    shape, variables, outputs, sparsity = None, None, "codes", None

    @abstractmethod
    def _crops(self, X: Any, *, reset: bool) -> Crops:
        """Return things as a source of crops; `reset`: the number of channels is not that of the training yet."""

    @abstractmethod
    def _crop_numbers(self) -> int:
        """Return the most numbers that a crop is likely to have."""

    def _run_parameters(self, *, pairs: bool = False) -> RunParameters:
        own = run_parameters(self) | {
            "sparsity": None,
            "activation": "relu",
            "output_activation": "identity",
            "scaling": "none",
            "tied": False,
        }
        if own["corruption"] == "auto":
            own["corruption"] = None if pairs else self.default_corruption
        if own["shuffle_window"] == "auto":
            own["shuffle_window"] = max(WINDOW_NUMBERS // self._crop_numbers(), 1)
        return RunParameters(**own)
