"""Images as arrays: every estimator takes them as rows of pixels, and returns them in their shape."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

import taciturn
from taciturn import (
    AutoencoderOutlierDetector,
    DenoisingAutoencoder,
    DenoisingImputer,
    DictionaryAutoencoder,
    SparseAutoencoder,
)
from taciturn.core.errors import DataError

IMAGES = np.random.default_rng(0).random((60, 6, 4))
COLOUR = np.random.default_rng(1).random((60, 3, 4, 2))
FEW = {"max_iter": 1, "random_state": 0}
ESTIMATORS = {
    "denoising": DenoisingAutoencoder(5, **FEW),
    "sparse": SparseAutoencoder(5, **FEW),
    "dictionary": DictionaryAutoencoder(8, k=2, **FEW),
    "outliers": AutoencoderOutlierDetector(5, **FEW),
}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("images", [IMAGES, COLOUR], ids=["grey", "channels"])
def test_images_are_rows_of_pixels(name, images):
    """Each result is that of the flattened rows, in the shape of the input."""
    rows = images.reshape(60, -1)
    of_images, of_rows = (clone(ESTIMATORS[name]) for _ in "ab")
    of_images.fit(images), of_rows.fit(rows)
    assert of_images.n_features_in_ == 24
    assert of_images.image_shape_in_ == images.shape[1:]
    codes = of_images.transform(images)
    pairs = [
        (of_images.denoise(images), of_rows.denoise(rows)),
        (of_images.impute(images), of_rows.impute(rows)),
        (of_images.inverse_transform(codes), of_rows.inverse_transform(of_rows.transform(rows))),
    ]
    for result, expected in pairs:
        assert result.shape == images.shape
        np.testing.assert_array_equal(result.reshape(60, -1), expected)
    np.testing.assert_array_equal(of_images.denoise(rows), of_rows.denoise(rows))  # rows stay rows
    np.testing.assert_array_equal(of_images.denoise(images[:1])[0].ravel(), of_rows.denoise(rows[:1])[0])
    if name == "outliers":
        np.testing.assert_array_equal(of_images.score_samples(images), of_rows.score_samples(rows))


@pytest.mark.parametrize("kind", [list, torch.tensor, lambda x: np.ma.array(x), lambda x: x.transpose(0, 2, 1)])
def test_other_arrays_of_images(kind):
    images = kind(IMAGES)
    model = SparseAutoencoder(5, **FEW).fit(images)
    expected = (
        SparseAutoencoder(5, **FEW).fit(np.asarray(images).reshape(60, -1)).denoise(np.asarray(images).reshape(60, -1))
    )
    np.testing.assert_array_equal(model.denoise(images).reshape(60, -1), expected)


def test_an_imputer_returns_images():
    images = np.where(np.random.default_rng(2).random((60, 3, 2)) < 0.1, np.nan, IMAGES[:, :3, :2])
    imputer, of_rows = (DenoisingImputer(max_iter=1, random_state=0) for _ in "ab")
    completed, rows = imputer.fit(images).transform(images), images.reshape(60, -1)
    np.testing.assert_array_equal(completed.reshape(60, -1), of_rows.fit(rows).transform(rows))
    assert completed.shape == imputer.impute(images, 2)[0].shape == images.shape


def test_targets_and_validation_may_be_images():
    model = SparseAutoencoder(5, **FEW).fit(IMAGES, target=IMAGES + 0.1, validation=(IMAGES[:5], IMAGES[:5]))
    rows = IMAGES.reshape(60, -1)
    same = SparseAutoencoder(5, **FEW).fit(rows, target=rows + 0.1, validation=(rows[:5], rows[:5]))
    np.testing.assert_array_equal(model.denoise(IMAGES).reshape(60, -1), same.denoise(rows))


def test_the_shape_is_saved(tmp_path):
    model = SparseAutoencoder(5, **FEW).fit(COLOUR)
    model.save(tmp_path / "model")
    loaded = taciturn.load(tmp_path / "model")
    assert loaded.image_shape_in_ == (3, 4, 2)
    assert loaded.inverse_transform(loaded.transform(COLOUR)).shape == COLOUR.shape
    assert loaded.to_artifact().rows.shape == [3, 4, 2]
    rows = SparseAutoencoder(5, **FEW).fit(COLOUR).fit(COLOUR.reshape(60, -1))
    assert not hasattr(rows, "image_shape_in_")
    assert rows.inverse_transform(rows.transform(COLOUR)).shape == (60, 24)


def test_one_channel_is_a_grey_image():
    model = SparseAutoencoder(5, **FEW).fit(IMAGES[..., None])
    assert model.to_artifact().rows.shape == [6, 4]
    assert model.denoise(IMAGES[..., None]).shape == (60, 6, 4, 1)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (IMAGES.reshape(60, 4, 6), "the images have shape (4, 6), but the model was trained on (6, 4)"),
        (IMAGES[:, :5], "the images have shape (5, 4), but the model was trained on (6, 4)"),
        (IMAGES[0], "4 features, but SparseAutoencoder is expecting 24"),
        (
            [IMAGES[0], IMAGES[1, :3]],
            "image 1 has shape (3, 4), image 0 (6, 4); give images of one shape, or use ImageDeno",
        ),
        (IMAGES.reshape(60, 6, 2, 2, 1), "Flatten each row"),
        (IMAGES[:0], "0 sample(s)"),
        (IMAGES[:, :, :0], "have shape (6, 0)"),
    ],
)
def test_other_shapes_are_refused(images, words):
    model = SparseAutoencoder(5, **FEW).fit(IMAGES)
    with pytest.raises(DataError) as caught:
        model.denoise(images)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
