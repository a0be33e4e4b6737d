"""The shape of rows: a parameter of the estimators, and the one that flat rows are likely to have."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from sklearn import datasets as bundled
from sklearn.base import clone

from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, datasets, load
from taciturn.core.errors import RecipeError
from taciturn.data.row_shape import likely_shape
from taciturn.data.sources import Rows
from taciturn.report import compare

rng = np.random.default_rng(0)
DIGITS = bundled.load_digits().data


def smooth(*shape, width=2.0):
    """Noise whose neighbouring pixels correlate, [300, pixels]."""
    return gaussian_filter(rng.normal(size=(300, *shape)), (0, width, width) + (0,) * (len(shape) - 2)).reshape(300, -1)


def colours(height, width):
    grey = smooth(height, width).reshape(300, height, width, 1)
    return (grey + 0.5 * smooth(height, width, 3).reshape(300, height, width, 3)).reshape(300, -1)


def bordered(images, side, border):
    padding = ((0, 0), (border, border), (border, border))
    return np.pad(images.reshape(-1, side, side), padding).reshape(len(images), -1)


IMAGES = {
    "digits": (DIGITS, (8, 8)),
    "few digits": (DIGITS[:60], (8, 8)),
    "whole numbers": (DIGITS.astype(np.uint8), (8, 8)),
    "smooth": (smooth(28, 28), (28, 28)),
    "very smooth": (smooth(28, 28, width=5), (28, 28)),
    "with noise": (smooth(28, 28) / smooth(28, 28).std() + 0.5 * rng.normal(size=(300, 784)), (28, 28)),
    "with an empty border": (bordered(smooth(20, 20), 20, 4), (28, 28)),
    "upright": (smooth(28, 20), (28, 20)),
    "lying": (smooth(20, 28), (20, 28)),
    "colours": (colours(16, 16), (16, 16, 3)),
}
OTHERS = {
    "breast cancer": bundled.load_breast_cancer().data,
    "wine": bundled.load_wine().data,
    "diabetes": bundled.load_diabetes().data,
    "iris": bundled.load_iris().data,
    "noise": rng.normal(size=(400, 64)),
    "embeddings": rng.normal(size=(400, 20)) @ rng.normal(size=(20, 784)),
    "one common factor": rng.normal(size=(400, 1)) + 0.5 * rng.normal(size=(400, 64)),
    "groups of columns": np.repeat(rng.normal(size=(400, 8)), 8, 1) + 0.3 * rng.normal(size=(400, 64)),
    "curves": gaussian_filter1d(rng.normal(size=(400, 256)), 5, axis=1),
    "walks": rng.normal(size=(400, 144)).cumsum(1),
    "pixels in another order": DIGITS[:, rng.permutation(64)],
    "too few rows": DIGITS[:20],
    "constant": np.ones((100, 64)),
    "one column": rng.normal(size=(100, 1)),
    "a prime number of columns": rng.normal(size=(100, 97)),
}


@pytest.mark.parametrize("name", IMAGES)
def test_a_shape_is_suggested_for_pixels(name):
    rows, shape = IMAGES[name]
    assert likely_shape(Rows(rows)) == shape


@pytest.mark.parametrize("name", OTHERS)
def test_no_shape_is_suggested_for_other_rows(name):
    assert likely_shape(Rows(OTHERS[name])) is None


def test_no_shape_is_suggested_for_rows_with_one():
    assert likely_shape(Rows(DIGITS.reshape(-1, 8, 8))) is None
    flat = SparseAutoencoder(8, max_iter=1, random_state=0).fit(DIGITS[:300])
    report = flat.report(DIGITS[300:500])
    assert report.likely_shape == [8, 8]
    assert report.suggestion.endswith("shape=(8, 8), or --shape 8x8.")
    assert report.shape == [64]
    shaped = flat.set_params(shape=(8, 8)).report(DIGITS[300:500])
    assert (shaped.shape, shaped.likely_shape, shaped.suggestion) == ([8, 8], None, None)


@pytest.mark.parametrize("estimator", [SparseAutoencoder, DenoisingAutoencoder, DictionaryAutoencoder])
def test_flat_rows_with_a_shape_are_drawn_as_images_after_a_round_trip(estimator, tmp_path):
    options = {"max_iter": 1, "random_state": 0} | ({"k": 4} if estimator is DictionaryAutoencoder else {})
    plain, model = (estimator(16, shape=shape, **options).fit(DIGITS[:200]) for shape in (None, (8, 8)))
    np.testing.assert_array_equal(model.components_, plain.components_)
    assert not plain.plot.atlas().axes[0].images
    model.save(tmp_path / "model")
    for fitted in (model, load(tmp_path / "model"), clone(model).fit(DIGITS[:200])):
        assert fitted.get_params()["shape"] == (8, 8)
        assert fitted.plot.atlas().axes[0].images
        assert fitted.plot.errors(DIGITS[:20]).axes[0].images
        assert len(fitted.plot.reconstructions(DIGITS[:2]).axes) >= 4
        report = fitted.report(DIGITS[200:300])
        assert report.shape == [8, 8]
        assert report.pictures.try_it.is_image
    assert compare({"a": model.to_artifact(), "b": plain.to_artifact()}, Rows(DIGITS[:50])).shape == ()
    assert compare({"a": model.to_artifact(), "b": model.to_artifact()}, Rows(DIGITS[:50])).shape == (8, 8)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((9, 9), r"shape=\(9, 9\) has 81 numbers, but a row has 64 columns"),
        ((64,), r"shape=\(64,\) is not an image shape; give \(height, width\)"),
        ((4, 4, 4), r"shape=\(4, 4, 4\) is not an image shape"),
        ((-8, -8), r"shape=\(-8, -8\) is not an image shape"),
        ((8.0, 8.0), r"shape=\(8.0, 8.0\) is not an image shape"),
        ("8x8", "shape='8x8' is not an image shape"),
        (64, "shape=64 is not an image shape"),
    ],
)
def test_a_wrong_shape_is_refused_before_the_training(shape, message):
    model = SparseAutoencoder(4, max_iter=1, shape=shape)
    for train in (model.fit, model.partial_fit):
        with pytest.raises(RecipeError, match=message):
            train(DIGITS[:50])
    assert not hasattr(model, "n_features_in_")


def test_a_shape_may_be_a_list_and_is_stronger_than_that_of_a_source():
    rows = Rows(DIGITS[:100].reshape(-1, 8, 8, 1))  # no image shape
    model = SparseAutoencoder(4, max_iter=1, random_state=0, shape=[8, 8]).fit(rows)
    assert model.plot.atlas().axes[0].images
    assert model.report(rows).shape == [8, 8]
    assert datasets.load("digits").shape == (8, 8)
