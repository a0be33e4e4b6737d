"""Figures of a fitted estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .. import inference, plots
from ..core.errors import RecipeError
from ..metrics import Sparsity
from .rows import source_of
from .tables import levels_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..data.sources import Source

ERROR, ROW_ERROR = "mean squared error, units of the data", "mean squared error of a row, units of the data"


class Plots:
    """Figures of a fitted estimator, as `model.plot`: each method returns a matplotlib Figure.

    Rows X are arrays, data frames or sources, as for `transform`; best rows that the model was not trained on. A
    `shape` is (height, width) or (height, width, 3), the shape of a row as an image. By default it is the estimator's
    `shape`, or the shape of the rows in a source. `taciturn.plots` draws the same figures from arrays.

    Parameters
    ----------
    estimator : BaseAutoencoder
        A fitted estimator.
    shape : tuple of int
        The model's shape of a row.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder, datasets
    >>> X = datasets.load("digits")
    >>> model = SparseAutoencoder(16, sparsity="kl:0.1", max_iter=2, random_state=0).fit(X)
    >>> figure = model.plot.atlas(most=8)
    >>> figure.savefig("atlas.png")  # doctest: +SKIP
    """

    def __init__(self, estimator: Any, *, shape: tuple[int, ...]) -> None:
        self._estimator, self._training_shape = estimator, shape

    def reconstructions(self, X: ArrayLike | Source, n: int = 10, shape: tuple[int, ...] | None = None) -> Figure:
        """Return the figure of the first rows as images: corrupted as in training, reconstructed, and clean.

        Of a model that was trained on noisy rows alone (`blind_spot`): the rows, and what `denoise` returns.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features]
            Rows.
        n : int, default=10
            Maximal number of rows shown, ≥ 1.
        shape : tuple of int, optional
            Shape of a row as an image.

        Returns
        -------
        matplotlib Figure
            Without the corrupted rows if the model was trained without corruption.

        Raises
        ------
        RecipeError
            `n` is less than 1, or the shape is not that of an image, or does not fit a row.
        """
        import torch

        from ..corruption import corrupted
        from ..data.device_rows import tensor

        if n < 1:
            raise RecipeError(f"n={n} must be 1 or more")
        source = self._rows(X, "reconstructions")
        model = inference.in_row_precision(self._estimator.module_, source.dtype)
        corruption = self._estimator.settings_.evaluation_noise.at(1.0)
        clean = tensor(source.read(0, min(n, len(source)))).to(model.shift.device)
        with torch.no_grad():
            x, lengths = model.scaled_and_lengths(clean)
            scaled = corrupted(x, corruption, seed=0, purpose="picture")
            hidden = scaled.isnan() | clean.isnan()
            noisy = model.unscale_inputs(inference.filled(scaled, x, clean, model.scaled_mean), lengths)
            recon = model.denoise(noisy)
            noisy = noisy.masked_fill(hidden, np.nan)
        lines = {"reconstructed": recon} if corruption.clean else {"noisy": noisy, "denoised": recon}
        lines |= {"clean": clean}
        if model.blind_spots is not None:
            lines = {"noisy": clean, "denoised": recon}
        images = {name: line.cpu().numpy() for name, line in lines.items()}
        return plots.reconstructions(images, self._shape(shape, source.shape))

    def atlas(
        self,
        shape: tuple[int, ...] | None = None,
        *,
        order: ArrayLike | None = None,
        most: int = 64,
        names: list[str] | None = None,
    ) -> Figure:
        """Return the figure of what each latent adds to a reconstruction: images, bars of named columns, or curves.

        Of a table, bars of booleans and levels ("colour: red") are changes of log-odds; those of a category have the
        mean 0.

        Parameters
        ----------
        shape : tuple of int, optional
            Shape of a row as an image.
        order : array-like of int, optional
            Indices of latents; the first `most` are shown. By default 0, 1, 2, …
        most : int, default=64
            Maximal number of latents shown, ≥ 1.
        names : list of str, optional
            The latents' names [n_components]; by default their indices.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        RecipeError
            `shape`, `order` or `names` do not fit the model.
        """
        weights = inference.relative_components(self._estimator.module_)
        return plots.atlas(weights, self._shape(shape), columns=self._columns(), order=order, most=most, names=names)

    def rates(self, X: ArrayLike | Source) -> Figure:
        """Return the histogram of the latents' firing rates on rows, or of their mean activations.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features]
            Rows.

        Returns
        -------
        matplotlib Figure
            Mean activations and their target, if a penalty has a target mean activation. Else firing rates (shares of
            rows on which each latent is active) and the target L0 divided by the number of latents, if there is one.
        """
        sparsity, targets = self._sparsity(self._rows(X, "rates")), self._targets()
        if "rate" in targets:
            return plots.rates(sparsity.mean_activations, target=targets["rate"], label="mean activation")
        l0 = targets.get("l0", self._estimator.settings_.layout.coder.target_l0)
        return plots.rates(sparsity.firing_rates, target=None if l0 is None else l0 / len(sparsity.firing_rates))

    def history(self) -> Figure:
        """Return the figure of the training history: losses, mean activation, dead latents, penalty weights by epoch.

        Returns
        -------
        matplotlib Figure
        """
        return plots.history(self._estimator.history_, target=self._targets().get("rate"))

    def sparsity_loss(self, X: ArrayLike | Source | None = None, *, target: float | None = None) -> Figure:
        """Return the figure of both sparsity losses against the mean activation (Figure 15-10 of Géron, 2017).

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features], optional
            Rows on which the latents' mean activations are measured, which are drawn as ticks. By default those of the
            last training epoch are drawn.
        target : float, optional
            The target mean activation, in (0, 1); by default the model's.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        RecipeError
            Neither the model nor the call has a target, or a mean activation lies outside [0, 1].
        """
        target = self._targets().get("rate") if target is None else target
        if target is None:
            raise RecipeError("this model has no target mean activation; name one: plot.sparsity_loss(target=0.1)")
        if X is None:
            mean_activations = self._estimator.history_["rates"][-1]
        else:
            mean_activations = self._sparsity(self._rows(X, "")).mean_activations
        return plots.sparsity_loss(target, mean_activations)

    def map(self, X: ArrayLike | Source | None = None, *, method: str = "auto") -> Figure:
        """Return the map of the latents' directions, one dot per latent; near dots have directions of large cosine.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features], optional
            Rows; the area of a dot follows the latent's firing rate on them. By default all dots are equal.
        method : {"auto", "pca", "umap"}, default="auto"
            "pca": the first two principal axes. "umap": UMAP; requires umap-learn and 16 latents or more. "auto": UMAP
            if it can be used, else principal axes.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        RecipeError
            The method is unknown, or "umap" cannot be used.
        """
        from ..probes import plane

        xy, method_name = plane(self._estimator.components_, method=method)
        size = None if X is None else self._sparsity(self._rows(X, "map")).firing_rates
        figure = plots.map(xy, size=size)
        figure.axes[0].set_title(f"{method_name} of the latents' directions", loc="left", fontsize="medium")
        return figure

    def errors(
        self, X: ArrayLike | Source, *, per: str = "column", shape: tuple[int, ...] | None = None, most: int = 20
    ) -> Figure:
        """Return the figure of the reconstruction errors: of each column, or the histogram of the rows' errors.

        Of a table with booleans or categories: of each variable, its loss divided by that of the best constant.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features]
            Rows.
        per : {"column", "row"}, default="column"
            "column": bars, or a heat map if rows are images. "row": a histogram.
        shape : tuple of int, optional
            Shape of a row as an image.
        most : int, default=20
            Maximal number of bars, ≥ 1: the columns with the largest errors.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        RecipeError
            `per` is neither "column" nor "row", or `shape` does not fit a row.
        """
        source, variables = self._rows(X, "errors"), levels_of(self._estimator) and self._estimator.variables_.names
        mean_errors = self._estimator.reconstruction_errors(source, per=per)
        if per == "row":
            label = "error of a row, mean of its variables" if variables else ROW_ERROR
            return plots.row_errors(mean_errors, label=label)
        return plots.errors(
            mean_errors,
            columns=variables or self._columns(),
            shape=self._shape(shape, source.shape),
            most=most,
            label="error / error of the best constant" if variables else ERROR,
        )

    def relate(self, X: ArrayLike | Source, y: ArrayLike, *, most: int = 20, **options: Any) -> Figure:
        """Return the figure of the latents that are most strongly related to labels.

        Parameters
        ----------
        X : array-like, data frame or Source [n_samples, n_features]
            Rows.
        y : array-like [n_samples]
            A class or a number for each row.
        most : int, default=20
            Maximal number of latents shown, ≥ 1.
        **options
            Options of `probes.relate`, such as `kind` or `level`.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        RecipeError
            There are no labels, or `most` is less than 1.
        DataError
            There is not one label for each row, or no latent is related to them.
        """
        from ..probes import relate

        if y is None:
            raise RecipeError("plot.relate needs labels, one per row: plot.relate(X, y)")
        source = self._rows(X, "relate")
        codes = inference.all_codes(self._estimator.module_, source)
        related = relate(codes, y, source, most=most, **options)
        return plots.relate(related.effects, kind=related.kind, most=most, total=related.found)

    def _rows(self, X: Any, figure: str) -> Source:
        if X is None:
            raise RecipeError(f"plot.{figure} needs rows: plot.{figure}(X)")
        return source_of(self._estimator, X)

    def _sparsity(self, source: Source) -> Sparsity:
        return inference.evaluate(self._estimator.module_, source).sparsity

    def _targets(self) -> dict[str, float]:
        """Return the penalties' targets by their kind, "rate" or "l0"; of two of one kind, the first."""
        terms = self._estimator.settings_.objective.terms
        return {term.target_kind: term.target_value for term in reversed(terms) if term.target_value is not None}

    def _columns(self) -> list[str] | None:
        if levels_of(self._estimator) is not None:
            return list(self._estimator.variables_.described_columns)
        names = getattr(self._estimator, "feature_names_in_", None)
        return None if names is None else [str(name) for name in names]

    def _shape(self, shape: tuple[int, ...] | None, source_shape: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return `shape`, if given, else the model's shape if it is an image's, else that of the source's rows."""
        training_shape = self._training_shape
        if shape is None:
            return source_shape if source_shape and not plots.is_image(training_shape) else training_shape
        if np.prod(shape) != np.prod(training_shape):
            raise RecipeError(f"shape={shape} has {np.prod(shape)} numbers, but a row has {np.prod(training_shape)}")
        return tuple(shape)
