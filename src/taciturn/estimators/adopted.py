"""A fitted estimator around a network that was trained elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.errors import RecipeError
from ..data.moments import Moments
from ..model import Autoencoder, Given, GivenWhitening, LayerNorm, Scaling
from ..training import Learner
from .base import BaseAutoencoder
from .resolve import part, resolve

ASSUMED_ROWS = 100_000  # "auto" chooses batch size and epochs as for so many

Estimator = TypeVar("Estimator", bound=BaseAutoencoder)


def adopted(
    estimator: Estimator,
    width: int,
    tensors: Mapping[str, Tensor],
    *,
    columns: Sequence[str] | None = None,
    n_outputs: int | None = None,
) -> Estimator:
    """Return an estimator, fitted with a network that was trained elsewhere.

    It can be used, saved and trained further: by `partial_fit`, or by `fit` under warm_start=True. Further training
    keeps its scaling.

    Parameters
    ----------
    estimator : BaseAutoencoder
        Not fitted; its parameters describe the network and how it is trained further. Of its scaling only layer_norm
        counts: the tensors hold the others.
    width : int
        D, the number of columns.
    tensors : mapping of str to Tensor
        The network's numbers by the names of `Autoencoder.state_dict`. Those of the scaling may be missing: rows are
        then not scaled, targets as rows are, a missing value enters as the shift, and the unit of errors is the
        targets' scale.
    columns : sequence of str, optional
        The columns' names.
    n_outputs : int, optional
        The width of the targets of a transcoder; None: targets have the rows' columns.

    Returns
    -------
    BaseAutoencoder
        The estimator itself.

    Raises
    ------
    RecipeError
        A parameter is not valid; or a tensor is missing, unknown, of another shape or not finite.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder
    >>> trained = SparseAutoencoder(2, max_iter=1, random_state=0).fit(np.eye(4))
    >>> model = adopted(SparseAutoencoder(2), 4, trained.module_.state_dict())
    >>> np.array_equal(model.transform(np.eye(4)), trained.transform(np.eye(4)))
    True
    """
    tensors = _with_scaling(dict(tensors), width, n_outputs)
    parameters, whitens = estimator._run_parameters(), "whitening" in tensors
    unknown = _moments(np.zeros(width), np.zeros(width))
    scaling, unit = part(parameters.scaling, Scaling, "scaling"), Given()
    if isinstance(scaling, LayerNorm):
        tensors.setdefault("row_lengths", torch.from_numpy(scaling.length_numbers(unknown)))
    else:
        parameters = replace(parameters, scaling="whiten" if whitens else "none")
        scaling = unit = GivenWhitening() if whitens else Given()
    # rows of zeros: every loss and every output activation is possible for them
    targets = None if n_outputs is None else _moments(np.zeros(n_outputs), np.zeros(n_outputs))
    settings = resolve(parameters, unknown, np.dtype(np.float32), targets=targets)
    layout = replace(settings.layout, outputs=n_outputs or 0)
    settings = replace(settings, layout=layout, scaling=scaling, target_scaling=scaling, unit=unit)
    model = Autoencoder(settings.layout, rng=None)
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise RecipeError(f"{name!r} holds a number that is not finite")
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise RecipeError(f"the numbers do not fit the network: {error}") from error
    learner = Learner(settings, estimator._seed(), model)
    learner.moments, learner.target_moments = (
        _moments(tensors[f"{of}shift"].numpy(), tensors[f"{of}scale"].numpy(), with_products=whitens)
        for of in ("", "target_")
    )
    learner.scaling_description = scaling.description(learner.moments)
    estimator._learner, estimator._loaded, estimator.n_features_in_ = learner, None, width
    if columns is not None:
        estimator.feature_names_in_ = np.asarray(columns, dtype=object)
    return estimator


def _with_scaling(tensors: dict[str, Tensor], width: int, n_outputs: int | None) -> dict[str, Tensor]:
    """Return the tensors with those of the scaling, in float64."""
    tensors.setdefault("shift", torch.zeros(width))
    tensors.setdefault("scale", torch.ones(width))
    if n_outputs is not None:
        tensors.setdefault("target_shift", torch.zeros(n_outputs))
        tensors.setdefault("target_scale", torch.ones(n_outputs))
    for name in ("shift", "scale", "whitening", "colouring"):
        if name in tensors:
            tensors.setdefault(f"target_{name}", tensors[name])
    tensors.setdefault("mean", tensors["shift"])
    tensors.setdefault("unit", tensors["target_scale"])
    of_scaling = ("shift", "scale", "whitening", "colouring", "mean", "unit")
    return {
        name: t.detach().double() if name.removeprefix("target_") in of_scaling else t.detach()
        for name, t in tensors.items()
    }


def _moments(mean: NDArray[np.float64], deviation: NDArray[np.float64], *, with_products: bool = False) -> Moments:
    """Return the statistics of rows with this mean and this standard deviation."""
    squares = ASSUMED_ROWS * deviation**2
    arrays: dict[str, Any] = Moments(with_products=with_products).to_arrays() | {
        "count": np.asarray(ASSUMED_ROWS),
        "missing": np.zeros(len(mean), np.int64),
        "mean": mean,
        "squares": squares,
        "low": mean - deviation,
        "high": mean + deviation,
    }
    return Moments.from_arrays(arrays | ({"products": np.diag(squares)} if with_products else {}))
