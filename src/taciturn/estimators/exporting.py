"""A fitted estimator in the formats of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

    from ..model import Autoencoder
    from ..training import Settings


class Exporting:
    """The methods of an estimator that write the fitted model in the formats of other programs."""

    if TYPE_CHECKING:

        @property
        def module_(self) -> Autoencoder:
            """The network; see `BaseAutoencoder.module_`."""

        @property
        def settings_(self) -> Settings:
            """The parts of the run; see `BaseAutoencoder.settings_`."""

        @property
        def weights_(self) -> dict[str, float]:
            """The automatic penalty weights; see `BaseAutoencoder.weights_`."""

    def to_keras(self) -> keras.Model:
        """Return the fitted model as a compiled Keras network with the same numbers.

        Keras runs it on TensorFlow, JAX or torch (pip install 'taciturn[keras]'). It can be trained on with
        `network.fit(X, X)`, saved with `network.save("model.keras")`, and brought back with `taciturn.from_keras`.

        Returns
        -------
        keras.Model
            From rows to reconstructions, both in the units of the training rows. `keras.Model(network.input,
            network.get_layer("codes").output)` returns codes. Noise is added in training only. The loss is that of
            `fit`, in scaled units.

        Raises
        ------
        TaciturnError
            Keras or its backend is not installed.
        RecipeError
            Keras has no layer for the coding layer, an activation or the corruption.

        Warns
        -----
        TaciturnWarning
            Parts of the training have no counterpart in Keras, such as `auxk`; they are named, and left out.

        Notes
        -----
        Tied weights stay one variable. An automatic penalty weight stays at its last value, and the penalty acts on
        the codes of the corrupted rows. A learning rate of 0.001 replaces a scheduled one, as in `partial_fit`.
        Keras's Adam adds ε before the bias correction, as `solver="tensorflow_adam"` does.

        To load a saved network without an estimator, `import taciturn.inference.keras_layers` first.

        Examples
        --------
        >>> import numpy as np
        >>> from taciturn import SparseAutoencoder
        >>> model = SparseAutoencoder(4, sparsity="topk:2", max_iter=1, random_state=0).fit(np.eye(8))
        >>> network = model.to_keras()  # doctest: +SKIP
        """
        from .. import inference

        return inference.to_keras(self.module_, self.settings_, self.weights_)
