"""The model in torch operators alone agrees with the estimators' fast path, for every coding layer and scaling."""

import copy

import numpy as np
import pytest
import torch

from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, artifact
from taciturn.core.errors import RecipeError
from taciturn.model import InferenceModule
from taciturn.model.coding_layers import CodingLayer, TopForm

ROWS = np.random.default_rng(0).normal(size=(120, 5)) * [1, 2, 3, 4, 5] + [0, 0, 1000, 0, -7]
ESTIMATORS = {
    "deep and tied": SparseAutoencoder((12, 6), tied=True, activation=("elu", "sigmoid")),
    "whitened": SparseAutoencoder(9, scaling="whiten"),
    "tanh": DenoisingAutoencoder(8, activation="tanh", scaling="minmax"),
    "topk": DictionaryAutoencoder(600, k=3),
    "signed topk": SparseAutoencoder(16, sparsity="topk:3,signed=true"),
    "batch_topk": DictionaryAutoencoder(16, k=3, sparsity="batch_topk"),
    "jumprelu": DictionaryAutoencoder(16, k=3, sparsity="jumprelu"),
    "gated": DictionaryAutoencoder(16, k=3, sparsity="gated"),
    "refined": DictionaryAutoencoder(16, k=3, refine=2),
    "mean norm": DictionaryAutoencoder(16, k=3, scaling="mean_norm"),
}


def dense(codes):
    return codes.toarray() if hasattr(codes, "toarray") else codes


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_it_agrees_with_the_estimator(name, dtype):
    model = ESTIMATORS[name].set_params(max_iter=2, random_state=0).fit(ROWS)
    rows = ROWS.astype(dtype)
    module = InferenceModule(model.module_).to(torch.float64 if dtype == np.float64 else torch.float32)
    codes = module.encode(torch.from_numpy(rows)).numpy()
    tolerance = {"rtol": 1e-3, "atol": 1e-3} if dtype == np.float32 else {"rtol": 1e-6, "atol": 1e-6}
    np.testing.assert_allclose(codes, dense(model.transform(rows)), **tolerance)
    assert codes.dtype == dtype
    spread = ROWS.std(0)
    np.testing.assert_allclose(
        module(torch.from_numpy(rows)).numpy() / spread, model.denoise(rows) / spread, **tolerance
    )


def test_a_folder_gives_it_without_an_estimator(tmp_path):
    model = DictionaryAutoencoder(16, k=3, max_iter=2, random_state=0).fit(ROWS)
    model.save(tmp_path / "model")
    module = artifact.load(tmp_path / "model").inference_module().double()
    np.testing.assert_allclose(module.encode(torch.from_numpy(ROWS)), dense(model.transform(ROWS)), atol=1e-12)


def test_pairs_are_decoded_in_the_targets_units():
    model = DenoisingAutoencoder(8, max_iter=2, random_state=0).fit(ROWS, target=1000 + 50 * ROWS)
    x = torch.from_numpy(ROWS)
    np.testing.assert_allclose(InferenceModule(model.module_).double()(x), model.denoise(ROWS), rtol=1e-9)


def test_it_is_a_copy_in_which_tied_weights_stay_one():
    model = ESTIMATORS["deep and tied"].set_params(max_iter=1, random_state=0).fit(ROWS)
    module = InferenceModule(model.module_)
    before = copy.deepcopy(module.state_dict())
    model.partial_fit(ROWS)
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert module.decoder[1].weight is module.encoder[0].weight


@pytest.mark.parametrize("name", ["topk", "gated", "batch_topk", "refined", "whitened", "deep and tied"])
def test_it_can_be_exported(name):
    """torch.export traces plain operators only: no compiled loop, no size or value that is read in Python."""
    model = ESTIMATORS[name].set_params(max_iter=1, random_state=0).fit(ROWS)
    module, x = InferenceModule(model.module_), torch.from_numpy(ROWS[:7])
    program = torch.export.export(module, (x,), dynamic_shapes=({0: torch.export.Dim("rows")},))
    others = torch.from_numpy(ROWS[:30])
    torch.testing.assert_close(program.module()(others), module(others))


def test_a_k_above_the_number_of_latents_keeps_all():
    assert TopForm(9, signed=False)(torch.tensor([[1.0, -1.0]]), torch.zeros(2)).tolist() == [[1.0, 0.0]]


def test_a_coding_layer_without_a_form_is_named(monkeypatch):
    model = DictionaryAutoencoder(16, k=3, max_iter=1, random_state=0).fit(ROWS)
    monkeypatch.setattr(type(model.module_.layout.coder), "form", CodingLayer.form)
    with pytest.raises(RecipeError, match="the coding layer topk has no form"):
        InferenceModule(model.module_)
