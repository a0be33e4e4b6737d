"""Agreement of dictionaries that one estimator learns with different seeds."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import clone

from ..data.sources import Source
from ..inference import directions
from ..metrics import Stability, stability
from .initial import initial_model


def seed_stability(estimator: Any, X: ArrayLike | Source, *, seeds: int = 5, at: float = 0.9) -> Stability:
    """Return how far the dictionaries of clones of an estimator, trained with different seeds, agree.

    Parameters
    ----------
    estimator : an estimator of taciturn
        It is cloned; the clones' `random_state` is 0, 1, …
    X : array [N, D] or Source
        The rows that every clone is trained on.
    seeds : int, default=5
        Number of clones, ≥ 2. Each has its own initial weights, order of rows and noise.
    at : float, default=0.9
        The least cosine at which a latent counts as shared, from -1 to 1.

    Returns
    -------
    Stability
        `shared` and `mcc` of the trained dictionaries, and `initial`, the same at step 0. If `initial` is not far
        below, the agreement was not learnt.

    See Also
    --------
    taciturn.metrics.stability : what is counted.

    Examples
    --------
    >>> from taciturn import DictionaryAutoencoder, datasets
    >>> known = datasets.known_dictionary(2000, n_features=16, n_inputs=12, active=2, random_state=0)
    >>> model = DictionaryAutoencoder(16, k=2, scaling="none", max_iter=20)
    >>> agreement = seed_stability(model, known.rows, seeds=2)
    >>> agreement.mcc > 0.7, agreement.initial.mcc < 0.6
    (True, True)
    """
    models = [clone(estimator).set_params(random_state=seed).fit(X) for seed in range(seeds)]
    initial = [initial_model(model.module_, seed) for seed, model in enumerate(models)]
    return stability(
        [directions(model.module_) for model in models], initial=[directions(network) for network in initial], at=at
    )
