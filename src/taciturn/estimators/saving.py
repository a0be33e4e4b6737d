"""A fitted estimator as an artifact, and as a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from ..core.errors import RecipeError
from .fitted import Fitted
from .publishing import Publishing

if TYPE_CHECKING:
    from torch import Tensor

    from ..artifact import Artifact


class Saving(Fitted, Publishing):
    """The methods of an estimator that write it as a folder; `BaseAutoencoder.load` reads it."""

    def to_artifact(self) -> Artifact:
        """Return the fitted model with its settings, its origin and its history, which `artifact.save` can write.

        Returns
        -------
        Artifact
            It shares the model with the estimator: training the estimator further changes it. Of an estimator that was
            loaded, and not trained since, it is all that was saved.
        """
        from msgspec import structs

        from .persistence import artifact_of, estimator_record

        check_is_fitted(self)
        if self._loaded is not None:
            rows = structs.replace(self._loaded.rows, shape=list(self._row_shape(self._learner.shape)))
            return replace(self._loaded, estimator=estimator_record(self), rows=rows)
        return artifact_of(self, self._learner, self.history_)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the fitted estimator as a folder, completely or not at all, without pickle. `load` reads it.

        If latents are distributed over processes (`latent_processes` of `fit`), all of these call this. The folder is
        as one process writes it.

        Parameters
        ----------
        path : str or path-like
            The folder. It may exist if it is empty.
        overwrite : bool, default=False
            Whether to replace an existing model.

        Raises
        ------
        TaciturnError
            The folder exists and `overwrite` is false, or it holds other files, or it cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from taciturn import SparseAutoencoder, load
        >>> X = np.eye(8)
        >>> model = SparseAutoencoder(4, sparsity="topk:2", max_iter=1, random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model")
        ...     np.array_equal(load(f"{folder}/model").transform(X), model.transform(X))
        True
        """
        from .. import artifact
        from ..training.processes import joined

        check_is_fitted(self)
        if (n_processes := self._learner.model.latents.size) == 1:
            artifact.save(self.to_artifact(), path, overwrite=overwrite)
            return
        with joined(n_processes) as processes:
            self._learner.model.latents = processes.latents
            if processes.rows.rank == 0:
                artifact.save(self.to_artifact(), path, overwrite=overwrite)

    def _card(self, url: str, report: Any) -> str:
        from ..report.model_card import model_card

        return model_card(self.to_artifact(), url, report)

    def _stored_tensors(self) -> dict[str, Tensor]:
        """Return what `save` writes beside the model and the state of its training: nothing."""
        return {}

    def _restore_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Set what `_stored_tensors` returned before the estimator was saved."""
        if tensors:
            raise RecipeError("outliers.safetensors is not a file of this estimator")
