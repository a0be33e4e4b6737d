"""Whether the same rows teach other seeds the same dictionary."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import clone

from ..core.seeds import generator
from ..data.sources import Source
from ..inference import components
from ..metrics import Stability, stability
from ..model import Autoencoder


def seed_stability(estimator: Any, X: ArrayLike | Source, *, seeds: int = 5, at: float = 0.9) -> Stability:
    """Return what the dictionaries of so many seeds have in common, with `initial`: what they had at step 0.

    Clones of the estimator learn from rows X, each with its own initial weights, order of rows and noise; see
    `metrics.stability` for what is counted. Where `initial` is not far below, the common part was not learnt.

    Examples
    --------
    >>> from taciturn import DictionaryAutoencoder, datasets
    >>> known = datasets.known_dictionary(2000, n_features=16, n_inputs=12, active=2, random_state=0)
    >>> found = seed_stability(DictionaryAutoencoder(16, k=2, scaling="none", max_iter=20), known.rows, seeds=2)
    >>> found.mcc > 0.7, found.initial.mcc < 0.5
    (True, True)
    """
    learnt = [clone(estimator).set_params(random_state=seed).fit(X) for seed in range(seeds)]
    drawn = [Autoencoder(model.settings_.layout, rng=generator(seed, "init")) for seed, model in enumerate(learnt)]
    return stability([model.components_ for model in learnt], initial=[components(model) for model in drawn], at=at)
