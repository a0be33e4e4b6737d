"""Networks that were trained elsewhere: used, trained further and saved as if they had been trained here."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import taciturn
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import RecipeError
from taciturn.estimators.adopted import adopted

X = np.random.default_rng(0).normal([3, 0, 1e6, 0.1], [1, 5, 2, 0.1], (300, 4)).astype(np.float32)
NETWORKS = {
    "sigmoid": SparseAutoencoder(6, output_activation="identity", max_iter=1, random_state=0),
    "two hidden, tied": DenoisingAutoencoder((5, 3), tied=True, output_activation="identity", max_iter=1),
    "minmax, cross-entropy": SparseAutoencoder(
        6, scaling="minmax", loss="cross_entropy", output_activation="sigmoid", max_iter=1
    ),
    "whitened": SparseAutoencoder(6, scaling="whiten", output_activation="identity", max_iter=1),
    "batch_topk": DictionaryAutoencoder(12, k=2, sparsity="batch_topk", max_iter=2, refine=1),
    "jumprelu": DictionaryAutoencoder(12, k=2, sparsity="jumprelu", max_iter=2),
    "gated": DictionaryAutoencoder(12, k=2, sparsity="gated", max_iter=2),
}
pytestmark = [
    pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning"),
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
]


@pytest.fixture(params=NETWORKS, scope="module")
def pair(request):
    """A trained estimator and the one that adopted its network."""
    import warnings

    from sklearn.base import clone

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trained = clone(NETWORKS[request.param]).set_params(random_state=0).fit(X)
    return trained, adopted(clone(trained), 4, trained.module_.state_dict(), columns=list("abcd"))


def dense(codes):
    return codes if isinstance(codes, np.ndarray) else codes.toarray()


def test_an_adopted_network_gives_the_numbers_of_its_own(pair, tmp_path):
    trained, model = pair
    model.save(tmp_path / "model")
    for each in (model, taciturn.load(tmp_path / "model")):
        assert_array_equal(dense(each.transform(X)), dense(trained.transform(X)))
        assert_array_equal(each.denoise(X), trained.denoise(X))
        assert list(each.feature_names_in_) == list("abcd")
        assert each.n_iter_ == 0
        assert each.to_artifact().rows_kind(taciturn.datasets.load("digits")) == "given"


def test_further_training_starts_from_its_weights_and_keeps_its_scaling(pair):
    import copy

    _, model = pair
    if "revive" in model.get_params():
        model.set_params(revive="auxk")  # redirected latents move far
    other_rows = X[X[:, 0].argsort()][:100]  # their own statistics differ
    for further in (
        copy.deepcopy(model).partial_fit(X[:100]).partial_fit(other_rows),
        copy.deepcopy(model).set_params(warm_start=True, max_iter=1, learning_rate=1e-6).fit(other_rows),
    ):
        for name in ("shift", "scale", "target_shift", "target_scale", "unit"):
            assert_array_equal(getattr(further.module_, name), getattr(model.module_, name))
        assert 0 < (further.module_.dictionary - model.module_.dictionary).abs().max() < 0.2


def test_without_a_scaling_rows_are_not_scaled():
    rng = np.random.default_rng(0)
    W, V, b, c = (torch.tensor(rng.normal(size=shape)).float() for shape in [(6, 4), (6, 4), 6, 4])
    names = ("encoder.0.weight", "decoder.0.weight", "encoder.0.bias", "decoder.0.bias")
    tensors = dict(zip(names, (W, V, b, c), strict=True))
    estimator = DenoisingAutoencoder(6, activation="relu", output_activation="identity")
    model = adopted(estimator, 4, tensors)
    x = X / 1e6
    assert_allclose(model.denoise(x), np.maximum(x @ W.numpy().T + b.numpy(), 0) @ V.numpy() + c.numpy(), rtol=1e-4)
    for bad in ({"encoder.0.bias": b * np.inf}, {"encoder.0.bias": b[:1]}, {"extra": b}):
        with pytest.raises(RecipeError, match=r"'encoder.0.bias' holds a number that is not finite|do not fit"):
            adopted(DenoisingAutoencoder(6), 4, tensors | bad)
