"""What a fitted estimator knows: its learner, and what can be read off it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ..core.errors import RecipeError

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..data.variables import Variables
    from ..model import Autoencoder
    from ..training import History, Learner, Settings
    from .plotting import Plots

Array = NDArray[Any]


class Fitted:
    """The learner of an estimator, and the attributes that scikit-learn ends with an underscore."""

    _learner: Learner
    _loaded: Artifact | None = None  # what `load` read, until the estimator is trained further
    n_features_in_: int
    feature_names_in_: Array
    image_shape_in_: tuple[int, ...]
    variables_: Variables
    # some of the parameters
    outputs: str
    shape: tuple[int, ...] | None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_learner")

    def __dir__(self) -> list[str]:
        """Return all names, also those of which the model of one process among several gives nothing."""
        return list(object.__dir__(self))

    @property
    def module_(self) -> Autoencoder:
        """The network, a torch module."""
        check_is_fitted(self)
        model = self._learner.model
        if model.latents.size > 1:
            raise RecipeError(
                f"this process holds {len(model.dictionary):,} of {model.n_latents:,} latents; save the model in all "
                "processes, and load it in one"
            )
        return model

    @property
    def settings_(self) -> Settings:
        """The parts of the run, with every "auto" resolved."""
        check_is_fitted(self)
        return self._learner.settings

    @property
    def history_(self) -> History:
        """The numbers of each step and epoch of the last `fit` and of all `partial_fit` since."""
        check_is_fitted(self)
        return self._learner.recorder.history()

    @property
    def n_iter_(self) -> int:
        """Number of epochs trained: those in `history_`."""
        check_is_fitted(self)
        return self._learner.recorder.n_epochs

    @property
    def stopped_(self) -> str | None:
        """Why training stopped before its last epoch; None if it did not."""
        check_is_fitted(self)
        return self._learner.stopped

    @property
    def weights_(self) -> dict[str, float]:
        """The automatic weight of each penalty that has a target, by the penalty's name."""
        check_is_fitted(self)
        return {name: controller.weight for name, controller in self._learner.step.controlled()}

    @property
    def scaling_(self) -> str:
        """The scaling in words, such as "not scaled, values from 0 to 1"."""
        check_is_fitted(self)
        return self._learner.scaling_description

    @property
    def plot(self) -> Plots:
        """Figures of the fitted model: `plot.history()`, `plot.atlas()`, `plot.rates(X)` and others; see `Plots`."""
        from .plotting import Plots

        check_is_fitted(self)
        return Plots(self, shape=self._row_shape(self._learner.shape))

    @property
    def components_(self) -> Array:
        """What each latent with code 1 adds to the reconstruction, all other codes being 0 [n_components, n_features].

        In scaled units and before the output activation. With one layer these are the decoder's weights.
        """
        from ..inference import components

        return components(self.module_)

    def _row_shape(self, own_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the parameter `shape`, checked against rows of `own_shape`; None: `own_shape` itself."""
        from ..data.row_shape import image_shape

        return own_shape if self.shape is None else image_shape(self.shape, int(np.prod(own_shape)))
