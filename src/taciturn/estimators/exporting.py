"""A fitted estimator in the formats of other programs."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

    from ..artifact import Artifact
    from ..model import Autoencoder
    from ..training import Settings


class Exporting:
    """The methods of an estimator that write the fitted model in the formats of other programs."""

    if TYPE_CHECKING:

        def to_artifact(self) -> Artifact:
            """Return the fitted model; see `BaseAutoencoder.to_artifact`."""

        @property
        def module_(self) -> Autoencoder:
            """The network; see `BaseAutoencoder.module_`."""

        @property
        def settings_(self) -> Settings:
            """The parts of the run; see `BaseAutoencoder.settings_`."""

        @property
        def weights_(self) -> dict[str, float]:
            """The automatic penalty weights; see `BaseAutoencoder.weights_`."""

    def to_onnx(
        self,
        path: str | os.PathLike[str],
        what: str = "encode",
        *,
        dtype: str = "float32",
        overwrite: bool = False,
    ) -> None:
        """Write one computation of the fitted model as an ONNX file.

        onnxruntime checks the file on some rows before it is kept. It needs onnx, onnxscript and onnxruntime:
        pip install 'taciturn[onnx]'.

        Parameters
        ----------
        path : str or path-like
            The file; its usual ending is .onnx.
        what : {"encode", "denoise", "decode"}, default="encode"
            From rows to codes (`transform`), from rows to reconstructions (`denoise`), or from codes to reconstructions
            (`inverse_transform`). The file's input is called "rows" or "codes", its output "codes" or "reconstruction".
        dtype : {"float32", "float64"}, default="float32"
            The type of the input and of the output, in which everything is computed.
        overwrite : bool, default=False
            Whether to replace an existing file.

        Raises
        ------
        RecipeError
            `what` or `dtype` is unknown, a package is missing, or the model cannot be written in this format.
        TaciturnError
            The file exists and `overwrite` is false, or it cannot be written, or it does not compute what the model
            computes.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from taciturn import SparseAutoencoder
        >>> model = SparseAutoencoder(4, sparsity="topk:2", max_iter=1, random_state=0).fit(np.eye(8))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.to_onnx(f"{folder}/model.onnx")  # doctest: +SKIP
        """
        from .. import inference

        artifact = _in_precision(self.to_artifact(), dtype)
        artifact.export(inference.to_onnx, path, what=what, dtype=dtype, overwrite=overwrite)

    def to_torch_export(
        self,
        path: str | os.PathLike[str],
        what: str = "encode",
        *,
        dtype: str = "float32",
        overwrite: bool = False,
    ) -> None:
        """Write one computation of the fitted model as a program of torch.export, which torch loads without taciturn.

        Parameters
        ----------
        path : str or path-like
            The file; its ending is .pt2.
        what : {"encode", "denoise", "decode"}, default="encode"
            As for `to_onnx`.
        dtype : {"float32", "float64"}, default="float32"
            As for `to_onnx`.
        overwrite : bool, default=False
            Whether to replace an existing file.

        Raises
        ------
        RecipeError
            `what` or `dtype` is unknown, or the model cannot be written in this format.
        TaciturnError
            The file exists and `overwrite` is false, or it cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from taciturn import SparseAutoencoder
        >>> model = SparseAutoencoder(4, sparsity="topk:2", max_iter=1, random_state=0).fit(np.eye(8))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.to_torch_export(f"{folder}/model.pt2")  # doctest: +SKIP
        """
        from .. import inference

        artifact = _in_precision(self.to_artifact(), dtype)
        artifact.export(inference.to_torch_export, path, what=what, dtype=dtype, overwrite=overwrite)

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

    def to_npz(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> str:
        """Write the fitted model as plain arrays for NumPy, and return the lines that encode and denoise with them.

        The file holds no pickle. Its names are described in docs/arrays.md.

        Parameters
        ----------
        path : str or path-like
            The file, which ends in .npz.
        overwrite : bool, default=False
            Whether to replace an existing file.

        Returns
        -------
        str
            A program of about ten lines, which needs NumPy alone. From rows X it computes the codes H and the denoised
            rows Y in float64. The file holds it too, as "program".

        Raises
        ------
        RecipeError
            The file's name cannot be used, or the model has a part that is not one of taciturn's own.
        TaciturnError
            The file exists and `overwrite` is false, or it cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from taciturn import SparseAutoencoder
        >>> model = SparseAutoencoder(4, max_iter=1, random_state=0).fit(np.eye(8))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     print(model.to_npz(f"{folder}/model.npz"))
        # X: rows [n, 8] in the units of the training rows
        import numpy as np
        m = dict(np.load('model.npz'))
        S = np.asarray(X, float)
        Z = S @ m["encoder_weight_1"] + m["encoder_bias_1"]
        H = 1 / (1 + np.exp(-Z))
        # H: codes [n, 4]
        Y = H @ m["decoder_weight_1"] + m["decoder_bias_1"]
        Y = 1 / (1 + np.exp(-Y))
        # Y: denoised rows [n, 8]
        """
        from .. import inference

        return self.to_artifact().export(inference.write_npz, path, overwrite=overwrite)

    def to_mat(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> str:
        """Write the fitted model as plain arrays for MATLAB and GNU Octave, and return the lines that use them.

        Parameters
        ----------
        path : str or path-like
            The file, which ends in .mat. Its version is 5.
        overwrite : bool, default=False
            Whether to replace an existing file.

        Returns
        -------
        str
            A program of about ten lines of MATLAB (R2016b or later), without a toolbox. From rows X it computes the
            codes H and the denoised rows Y. The file holds it too, as "program".

        Raises
        ------
        RecipeError
            As of `to_npz`; or an array is larger than the format allows (2 GB).
        TaciturnError
            As of `to_npz`.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from taciturn import SparseAutoencoder
        >>> model = SparseAutoencoder(4, sparsity="topk:2", max_iter=1, random_state=0).fit(np.eye(8))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     print(model.to_mat(f"{folder}/model.mat"))
        % X: rows [n, 8] in the units of the training rows
        m = load('model.mat');
        S = double(X);
        Z = S * m.encoder_weight_1 + m.encoder_bias_1;
        [~, order] = sort(Z, 2, 'descend');
        [~, rank] = sort(order, 2);
        H = max(Z, 0) .* (rank <= m.k);
        % H: codes [n, 4]
        Y = H * m.decoder_weight_1 + m.decoder_bias_1;
        Y = 1 ./ (1 + exp(-Y));
        % Y: denoised rows [n, 8]
        """
        from .. import inference

        return self.to_artifact().export(inference.write_mat, path, overwrite=overwrite)

    def to_dictionary(self, path: str | os.PathLike[str], to: str, *, overwrite: bool = False) -> None:
        """Write the fitted model as a sparse dictionary of another library; `taciturn.load` reads it again.

        Parameters
        ----------
        path : str or path-like
            The folder.
        to : {"saelens", "sparsify", "dictionary_learning", "sentence-transformers"}
            The library.
        overwrite : bool, default=False
            Whether to replace a dictionary's folder. A folder that holds anything else is never replaced.

        Raises
        ------
        RecipeError
            The library cannot express a part of the model; the message has its name.
        TaciturnError
            The folder holds other files, or exists and `overwrite` is false, or it cannot be written.

        Notes
        -----
        The scaling is folded into the weights, so that the dictionary takes rows in their own units.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from taciturn import DictionaryAutoencoder, load
        >>> model = DictionaryAutoencoder(16, k=2, max_iter=1, random_state=0).fit(np.eye(8))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.to_dictionary(f"{folder}/sae", "saelens")
        ...     load(f"{folder}/sae").k
        2
        """
        from ..artifact import foreign

        foreign.write(foreign.dictionary_of(self.to_artifact()), path, to, overwrite=overwrite)


def _in_precision(artifact: Artifact, dtype: str) -> Artifact:
    """Return the artifact with the model that computes rows of this type: for float64 its twin."""
    from ..inference import in_row_precision

    rows = np.dtype(np.float64 if dtype == "float64" else np.float32)
    return replace(artifact, model=in_row_precision(artifact.model, rows))
