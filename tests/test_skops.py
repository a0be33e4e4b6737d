"""Estimators in files of skops: bit for bit, with only `SKOPS_TRUSTED` trusted."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import taciturn
from taciturn import (
    SKOPS_TRUSTED,
    AutoencoderOutlierDetector,
    DenoisingAutoencoder,
    DenoisingImputer,
    DictionaryAutoencoder,
    ImageDenoiser,
    SignalDenoiser,
    SparseAutoencoder,
)
from taciturn.core.errors import ArtifactError
from taciturn.corruption import Gaussian
from taciturn.estimators.skops_state import FILES

X = np.random.default_rng(0).normal(size=(200, 6))
ESTIMATORS = [
    SparseAutoencoder(8, max_iter=2, random_state=0),
    DenoisingAutoencoder((9, 4), corruption=Gaussian(0.2), max_iter=2, random_state=0),
    DictionaryAutoencoder(16, k=3, sparsity="batch_topk", max_iter=2, random_state=0),
    AutoencoderOutlierDetector(8, max_iter=2, random_state=0),
    DenoisingImputer(8, n_networks=2, max_iter=1, random_state=0),
]


def name_of(estimator):
    return type(estimator).__name__


def output(model):
    codes = model.transform(X)
    return codes.toarray() if hasattr(codes, "toarray") else codes


def test_the_list_names_every_estimator():
    every = (*ESTIMATORS, ImageDenoiser(), SignalDenoiser())
    found = {f"{type(each).__module__}.{type(each).__qualname__}" for each in every}
    assert found == set(SKOPS_TRUSTED) == {each for each in SKOPS_TRUSTED if each.rpartition(".")[2] in dir(taciturn)}


def test_a_denoiser_of_images_comes_back_with_the_same_bits():
    io = pytest.importorskip("skops.io")
    images = np.random.default_rng(0).random((2, 20, 30), np.float32)
    model = ImageDenoiser(patch=8, max_steps=2, random_state=0).fit(images)
    again = io.loads(io.dumps(model), trusted=SKOPS_TRUSTED)
    assert_array_equal(again.denoise(images), model.denoise(images))


def test_a_denoiser_of_signals_comes_back_with_the_same_bits():
    io = pytest.importorskip("skops.io")
    model = SignalDenoiser(segment=16, max_steps=2, random_state=0).fit(np.random.default_rng(0).random((2, 90)))
    again = io.loads(io.dumps(model), trusted=SKOPS_TRUSTED)
    signal = np.linspace(0, 1, 50)
    assert_array_equal(again.denoise(signal), model.denoise(signal))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_a_model_comes_back_with_the_same_bits(estimator):
    io = pytest.importorskip("skops.io")
    model = clone(estimator).fit(X)
    data = io.dumps(model)
    assert io.get_untrusted_types(data=data) == [f"{type(model).__module__}.{type(model).__qualname__}"]
    again = io.loads(data, trusted=SKOPS_TRUSTED)
    assert type(again) is type(model)
    assert_array_equal(output(again), output(model))
    if hasattr(model, "module_"):
        numbers, same = model.module_.state_dict(), again.module_.state_dict()
        assert all((numbers[name] == same[name]).all() for name in numbers)
        assert_array_equal(again.history_["loss"], model.history_["loss"])
    if isinstance(model, AutoencoderOutlierDetector):
        assert_array_equal(again.p_values(X), model.p_values(X))
    elif hasattr(model, "partial_fit"):
        assert_array_equal(output(again.partial_fit(X)), output(model.partial_fit(X)))


def test_a_pipeline_and_an_estimator_that_is_not_fitted():
    io = pytest.importorskip("skops.io")
    pytest.importorskip("pandas")
    pipeline = make_pipeline(StandardScaler(), SparseAutoencoder(8, max_iter=1, random_state=0))
    pipeline.set_output(transform="pandas").fit(X)
    data = io.dumps(pipeline)
    assert set(io.get_untrusted_types(data=data)) <= set(SKOPS_TRUSTED)
    again = io.loads(data, trusted=SKOPS_TRUSTED)
    assert_array_equal(again.transform(X), pipeline.transform(X))
    assert list(again.transform(X).columns) == list(pipeline.transform(X).columns)
    fresh = io.loads(io.dumps(SparseAutoencoder(7, sparsity="topk:2")), trusted=SKOPS_TRUSTED)
    assert fresh.get_params() == SparseAutoencoder(7, sparsity="topk:2").get_params()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_the_state_is_arrays_of_bytes_and_pickle_keeps_the_attributes(estimator):
    model = clone(estimator).fit(X)
    state = model.__getstate__()
    assert list(state) == [FILES]
    assert all(type(name) is str and array.dtype == np.uint8 for name, array in state[FILES].items())
    other = type(model).__new__(type(model))
    other.__setstate__(state)
    assert_array_equal(output(other), output(model))
    model.mine = ["kept"]
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert again.mine == ["kept"]
        assert_array_equal(output(again), output(model))
    assert copy.copy(model).__dict__.keys() == model.__dict__.keys()


def test_a_damaged_state_is_one_line_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = SparseAutoencoder(8, max_iter=1, random_state=0).fit(X).__getstate__()[FILES]
    for name in ("../outside.json", "/tmp/outside.json", "network-0/../outside.json", "code.py", 3):
        with pytest.raises(ArtifactError, match=r"is not a file of taciturn's; the state is damaged$"):
            SparseAutoencoder().__setstate__({FILES: {name: files["config.json"]}})
    with pytest.raises(ArtifactError, match=r"^config.json is not an array of bytes"):
        SparseAutoencoder().__setstate__({FILES: files | {"config.json": "text"}})
    with pytest.raises(ArtifactError, match=r"weights.safetensors is not the file that config.json describes"):
        SparseAutoencoder().__setstate__({FILES: files | {"weights.safetensors": files["weights.safetensors"][:-1]}})
    assert list(tmp_path.iterdir()) == []
