"""The page of an imputer."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from .imputer_rows import read_rows, row_digests, rows_without_values
from .rows import row_ids, source_of
from .tables import table_ids

if TYPE_CHECKING:
    from ..data.sources import Source
    from ..data.variables import Variables
    from ..report import Filler, ImputationReport
    from ..report.numbers.imputations import ImputerProvenance
    from .denoising import DenoisingAutoencoder
    from .imputing import Ensemble

Array = NDArray[np.float64]


class ImputationReporting:
    """The method of an imputer that makes a page of imputations."""

    _ensemble: Ensemble
    _seed: int
    _mean: Array
    _scale: Array
    _digests: NDArray[np.uint64]

    if TYPE_CHECKING:

        @property
        def networks_(self) -> list[DenoisingAutoencoder]:
            """The networks; see `DenoisingImputer.networks_`."""

    def report(
        self,
        X: ArrayLike | Source,
        *,
        ids: Iterable[Any] | None = None,
        texts: Iterable[str] | None = None,
        name: str = "",
    ) -> ImputationReport:
        """Return a page on rows with missing values: what they are filled with, and how far to trust it.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features]
            Rows with the columns of the training rows: these rows, or new ones.
        ids : iterable [n_samples], optional
            An id for each row, by which the page names rows. By default a table's id column (`variables`), the index
            of a pandas data frame or the row labels of a file, unless they are 0, 1, 2, …
        texts : iterable of str [n_samples], optional
            A text for each row. The page shows and searches them.
        name : str, default=""
            The page's name; by default the estimator's.

        Returns
        -------
        ImputationReport
            A notebook shows its verdict. `.save("imputed.html")` writes the page, `.save_json("imputed.json")` its
            numbers.

        Raises
        ------
        DataError
            The rows are infinite or not numeric, have other columns than the training rows, or there is not one id or
            text for each row.

        Notes
        -----
        To measure how far the values can be trusted, a tenth of the known cells is hidden and imputed. If more than
        half of the rows were given to `fit`, a copy of the imputer is fitted to at most 4,000 rows without these cells;
        this takes about as long as `fit` to so many rows.

        Examples
        --------
        >>> from taciturn import DenoisingImputer
        >>> X = np.random.default_rng(0).normal(size=(100, 1)) + np.zeros(3)
        >>> X[7, 1] = np.nan
        >>> page = DenoisingImputer(8, max_iter=1, random_state=0).fit(X).report(X)
        >>> page.summary.missing, page.rows[0].row, page.rows[0].cells[0].column, page.trial.refitted
        (1, 7, 'column 1', True)
        """
        from ..data.sources import ids_of, integers_of
        from ..report import Imputation, report_imputations

        estimator: Any = self
        with rows_without_values(X) as rows:
            source = source_of(estimator, rows)
        encoded, columns = read_rows(source), source.columns
        imputation = Imputation(
            rows=encoded,
            variables=getattr(self, "variables_", None),
            columns=None if columns is None else list(columns),
            whole=np.isin(np.arange(encoded.shape[1]), integers_of(source)),
            trained=np.isin(row_digests(encoded), self._digests),
            filler=self._filler(),
            refit=self._refitted,
            provenance=self._provenance(source),
        )
        own = (table_ids(estimator, X) or row_ids(X) or ids_of(source)) if ids is None else ids
        return report_imputations(imputation, ids=own, texts=texts, name=name)

    # --- internal ----------------------------------------------------------------------------------------------
    def _filler(self) -> Filler:
        """Return what fills encoded rows, in their units."""
        from ..report import Filler

        mean, scale, ensemble = self._mean, self._scale, self._ensemble
        return Filler(
            means=lambda rows: ensemble.means((rows - mean) / scale) * scale + mean,
            drawn=lambda rows, n_draws, rng: [
                table * scale + mean for table in ensemble.drawn((rows - mean) / scale, n_draws, rng)
            ],
        )

    def _refitted(self, rows: Array) -> Filler:
        """Return what fills encoded rows, of a copy that is fitted to other ones."""
        from ..data.sources import Rows
        from ..data.variables import EncodedRows

        variables: Variables | None = getattr(self, "variables_", None)
        other: Any = clone(self).set_params(random_state=self._seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they were given when the imputer itself was fitted
            other.fit(Rows(rows) if variables is None or variables.plain else EncodedRows(rows, variables))
        return ImputationReporting._filler(other)

    def _card(self, url: str, report: ImputationReport | None) -> str:
        from ..report.model_card import imputer_card

        estimator: Any = self
        return imputer_card(
            type(self).__name__,
            estimator.n_features_in_,
            [("network", self._network()), ("rows", f"{len(self._digests):,}")],
            url,
            report,
        )

    def _network(self) -> str:
        networks = self.networks_
        network = dict(networks[0].to_artifact().lines())["network"]
        return f"{len(networks)} times {network}, and a factor analysis"

    def _provenance(self, source: Source) -> ImputerProvenance:
        from ..data.fingerprint import fingerprint
        from ..report.numbers.imputations import ImputerProvenance
        from .persistence import estimator_record

        artifacts = [network.to_artifact() for network in self.networks_]
        first = artifacts[0]
        return ImputerProvenance(
            estimator=type(self).__name__,
            network=self._network(),
            parameters=dict(estimator_record(self).parameters),
            training_rows=len(self._digests),
            rows_fingerprint=fingerprint(source).text,
            versions=msgspec.to_builtins(first.versions),
            machine=first.machine,
            device=first.settings.device,
            threads=first.training.threads,
            seed=self._seed,
            seconds=sum(artifact.training.seconds for artifact in artifacts),
            repeat=f"{self!r}.fit(X)",
        )
