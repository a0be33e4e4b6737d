"""A fitted estimator as an artifact, and as a folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sklearn.utils.validation import check_is_fitted

from ..core.errors import RecipeError
from .fitted import Fitted

if TYPE_CHECKING:
    from torch import Tensor

    from ..artifact import Artifact
    from ..report import Report


class Saving(Fitted):
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

    def push_to_hub(
        self, name: str, *, report: Report | None = None, revision: str | None = None, private: bool | None = None
    ) -> str:
        """Upload the fitted estimator to the Hugging Face Hub, as one commit; `taciturn.load` reads it from there.

        Its folder is uploaded with a card (README.md). config.json names the file that the rows came from, and holds
        the columns' names and the levels of categories; no file holds a row but that of an outlier detector.

        Parameters
        ----------
        name : str
            The repository, "user/name". It is created if it does not exist.
        report : Report, optional
            Of this model; the card then has its main numbers, and the page is uploaded as report.html. The page shows
            some of the rows.
        revision : str, optional
            The branch; by default the main one. It is created if it does not exist.
        private : bool, optional
            Whether a new repository is private; by default as the user's account has it.

        Returns
        -------
        str
            What `taciturn.load` takes: "hf://user/name".

        Raises
        ------
        TaciturnError
            The Hub refuses the upload or cannot be reached, or the package huggingface_hub is not installed.

        Notes
        -----
        The token is huggingface_hub's own: HF_TOKEN, or that of `hf auth login`.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from taciturn import SparseAutoencoder
        >>> X = load_digits().data / 16
        >>> model = SparseAutoencoder(64, max_iter=3, random_state=0).fit(X[:1500])
        >>> model.push_to_hub("me/digits", report=model.report(X[1500:]))  # doctest: +SKIP
        """
        from .. import artifact
        from ..artifact import hub
        from ..report.model_card import model_card

        stored = self.to_artifact()
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, "model")
            artifact.save(stored, folder)
            card = model_card(stored, hub.address(name, revision), None if report is None else report.summary)
            (folder / "README.md").write_text(card, encoding="utf-8", errors="backslashreplace")
            if report is not None:
                report.save(folder / "report.html")
            return hub.upload(folder, name, revision=revision, private=private)

    def _stored_tensors(self) -> dict[str, Tensor]:
        """Return what `save` writes beside the model and the state of its training: nothing."""
        return {}

    def _restore_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Set what `_stored_tensors` returned before the estimator was saved."""
        if tensors:
            raise RecipeError("outliers.safetensors is not a file of this estimator")
