"""A fitted estimator, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .. import inference, plots
from ..core.errors import RecipeError
from ..metrics import Sparsity
from .rows import rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..data.sources import Source


class Plots:
    """Figures of a fitted estimator: each method returns a matplotlib Figure. `taciturn.plots` draws from plain arrays.

    Rows X are arrays, frames or sources, as for `transform`; they should be rows that were not trained on. A row's
    `shape` is known where the rows learnt from had one; else an image's is (height, width) or (height, width, 3).

    Examples
    --------
    >>> from taciturn import SparseAutoencoder, datasets
    >>> X = datasets.load("digits")
    >>> model = SparseAutoencoder(16, sparsity="kl:0.1", max_iter=2, random_state=0).fit(X)
    >>> figure = model.plot.atlas(most=8)
    >>> figure.savefig("atlas.png")  # doctest: +SKIP
    """

    def __init__(self, estimator: Any, *, shape: tuple[int, ...]) -> None:
        self._estimator, self._trained_shape = estimator, shape

    def reconstructions(self, X: ArrayLike | Source, n: int = 10, shape: tuple[int, ...] | None = None) -> Figure:
        """Return the first n rows as images: corrupted as in training, denoised, and clean."""
        import torch

        from ..corruption import corrupted
        from ..data.device_rows import tensor

        if n < 1:
            raise RecipeError(f"n={n} must be 1 or more")
        source = self._rows(X, "reconstructions")
        model = inference.in_row_precision(self._estimator.module_, source.dtype)
        corruption = self._estimator.settings_.corruption.at(1.0)
        clean = tensor(source.read(0, min(n, len(source)))).to(model.shift.device)
        with torch.no_grad():
            seen = corrupted(model.scale_rows(clean), corruption, seed=0, purpose="picture")
            noisy = model.unscale_rows(seen)
            recon = model(noisy)
        lines = {"reconstructed": recon} if corruption.clean else {"noisy": noisy, "denoised": recon}
        images = {name: line.cpu().numpy() for name, line in (lines | {"clean": clean}).items()}
        return plots.reconstructions(images, self._shape(shape, source.shape))

    def atlas(
        self,
        shape: tuple[int, ...] | None = None,
        *,
        order: ArrayLike | None = None,
        most: int = 64,
        names: list[str] | None = None,
    ) -> Figure:
        """Return what each latent adds to a reconstruction: images, named columns' bars, or curves."""
        weights = self._estimator.components_
        return plots.atlas(weights, self._shape(shape), columns=self._columns(), order=order, most=most, names=names)

    def rates(self, X: ArrayLike | Source) -> Figure:
        """Return how often latents fire on rows X; where a rate was asked for, their mean activations beside it."""
        found, asked = self._sparsity(self._rows(X, "rates")), self._asked()
        if "rate" in asked:
            return plots.rates(found.mean_activations, target=asked["rate"], label="mean activation")
        l0 = asked.get("l0", self._estimator.settings_.layout.coder.target_l0)
        return plots.rates(found.firing_rates, target=None if l0 is None else l0 / len(found.firing_rates))

    def history(self) -> Figure:
        """Return how the training went."""
        return plots.history(self._estimator.history_, target=self._asked().get("rate"))

    def sparsity_loss(self, X: ArrayLike | Source | None = None, *, target: float | None = None) -> Figure:
        """Return the textbook's Figure 15-10 with the latents' rates on rows X, by default those of the last epoch."""
        target = self._asked().get("rate") if target is None else target
        if target is None:
            raise RecipeError("this model was asked for no rate; say which one to draw: plot.sparsity_loss(target=0.1)")
        if X is None:
            rates = self._estimator.history_["rates"][-1]
        else:
            rates = self._sparsity(self._rows(X, "")).mean_activations
        return plots.sparsity_loss(target, rates)

    def map(self, X: ArrayLike | Source | None = None, *, method: str = "auto") -> Figure:
        """Return the map of the latents' directions, dots the larger the more often latents fire on rows X, if given.

        `method`: "pca", the first two principal axes; "umap" (needs umap-learn); "auto": UMAP where it is installed.
        """
        from ..probes import plane

        xy, by = plane(self._estimator.components_, method=method)
        size = None if X is None else self._sparsity(self._rows(X, "map")).firing_rates
        figure = plots.map(xy, size=size)
        figure.axes[0].set_title(f"{by} of the latents' directions", loc="left", fontsize="medium")
        return figure

    def errors(
        self, X: ArrayLike | Source, *, per: str = "column", shape: tuple[int, ...] | None = None, most: int = 20
    ) -> Figure:
        """Return the reconstruction error of each column, as an image where rows are images, or per="row"'s spread."""
        source = self._rows(X, "errors")
        found = self._estimator.reconstruction_errors(source, per=per)
        if per == "row":
            return plots.row_errors(found)
        return plots.errors(found, columns=self._columns(), shape=self._shape(shape, source.shape), most=most)

    def relate(self, X: ArrayLike | Source, y: ArrayLike, *, most: int = 20, **options: Any) -> Figure:
        """Return which latents go with labels y [n_samples], classes or a number; options as `probes.relate` takes."""
        from ..probes import relate

        if y is None:
            raise RecipeError("plot.relate needs labels, one a row: plot.relate(X, y)")
        source = self._rows(X, "relate")
        codes = self._estimator.transform(source)
        found = relate(codes, y, source.read(0, len(source)), **options)
        return plots.relate(found.effects, kind=found.kind, most=most)

    def _rows(self, X: Any, figure: str) -> Source:
        if X is None:
            raise RecipeError(f"plot.{figure} needs rows: plot.{figure}(X)")
        return rows(self._estimator, X)

    def _sparsity(self, source: Source) -> Sparsity:
        return inference.evaluate(self._estimator.module_, source).sparsity

    def _asked(self) -> dict[str, float]:
        """Return what the penalties were asked for, by what it is: a "rate", an "l0"."""
        terms = self._estimator.settings_.objective.terms
        return {term.target_kind: term.target_value for term in reversed(terms) if term.target_value is not None}

    def _columns(self) -> list[str] | None:
        names = getattr(self._estimator, "feature_names_in_", None)
        return None if names is None else [str(name) for name in names]

    def _shape(self, given: tuple[int, ...] | None, of_rows: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return a row's shape: as given, else as these rows have it, else as those learnt from had."""
        learnt = self._trained_shape
        if given is None:
            return of_rows if len(of_rows) > 1 else learnt
        if np.prod(given) != np.prod(learnt):
            raise RecipeError(f"shape={given} has {np.prod(given)} numbers, but a row has {np.prod(learnt)}")
        return tuple(given)
