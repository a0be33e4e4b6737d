"""A fitted estimator on the Hugging Face Hub, as a model of MLflow and in files of skops."""

from __future__ import annotations

import os
import tempfile
from abc import abstractmethod
from pathlib import Path
from typing import Any

from .skops_state import PlainState


class Publishing(PlainState):
    """The methods of an estimator that give its folder to other people and programs."""

    @abstractmethod
    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the fitted estimator as a folder."""

    def push_to_hub(
        self, name: str, *, report: Any = None, revision: str | None = None, private: bool | None = None
    ) -> str:
        """Upload the fitted estimator to the Hugging Face Hub, as one commit; `taciturn.load` reads it from there.

        Its folder is uploaded with a card (README.md). config.json names the file that the rows came from, and holds
        the columns' names and the levels of categories; no file holds a row but that of an outlier detector.

        Parameters
        ----------
        name : str
            The repository, "user/name". It is created if it does not exist.
        report : Report, OutlierReport or ImputationReport, optional
            Of this model, as `report` returns it; the card then has its main numbers, and the page is uploaded as
            report.html. The page shows some of the rows.
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
        from ..artifact import hub

        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, "model")
            self.save(folder)
            card = self._card(hub.address(name, revision), report)
            (folder / "README.md").write_text(card, encoding="utf-8", errors="backslashreplace")
            if report is not None:
                report.save(folder / "report.html")
            return hub.upload(folder, name, revision=revision, private=private)

    @abstractmethod
    def _card(self, url: str, report: Any) -> str:
        """Return the card of the model at an address, with the main numbers of a report, if there is one."""

    def to_mlflow(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the fitted model as a model of MLflow, which `mlflow.pyfunc.load_model` loads without pickle.

        The folder holds what `save` writes, beside MLflow's own files. MLflow imports taciturn to load it. It needs
        mlflow: pip install 'taciturn[mlflow]'.

        Parameters
        ----------
        path : str or path-like
            The folder.
        overwrite : bool, default=False
            Whether to replace a model that this method wrote.

        Raises
        ------
        RecipeError
            The package mlflow is not installed.
        TaciturnError
            The folder exists and `overwrite` is false, or it holds other files, or it cannot be written.

        Notes
        -----
        The loaded model's `predict(X)` returns codes, as `transform` does, in a dense array. With
        `params={"what": "denoise"}` it returns reconstructions; "score" is `score_samples`, "predict" that of a
        transcoder or of an outlier detector.

        Examples
        --------
        >>> import numpy as np
        >>> from taciturn import SparseAutoencoder
        >>> model = SparseAutoencoder(4, sparsity="topk:2", max_iter=1, random_state=0).fit(np.eye(8))
        >>> model.to_mlflow("served")  # doctest: +SKIP
        """
        from .mlflow_model import save_model

        save_model(self, path, overwrite=overwrite)
