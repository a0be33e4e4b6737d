"""`model.plot`: the figures of a fitted estimator."""

import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from msgspec.structs import replace
from sklearn.exceptions import NotFittedError

from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, datasets
from taciturn.core.errors import RecipeError
from taciturn.metrics import coordinates


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(60, 5)) * [1, 2, 3, 4, 5], columns=["a", "$b$", "c_1", "d", "e"])


@pytest.fixture(scope="module")
def textbook(digits):
    return SparseAutoencoder(12, sparsity="kl:0.1", max_iter=3, random_state=0).fit(digits)


@pytest.fixture(scope="module")
def dictionary(digits):
    return DictionaryAutoencoder(20, k=4, max_iter=2, random_state=0).fit(digits)


@pytest.fixture(scope="module")
def denoiser(table):
    return DenoisingAutoencoder(6, max_iter=2, random_state=0).fit(table)


def counted(figure):
    return [patch.get_data() for patch in figure.axes[0].patches if isinstance(patch, StepPatch)]


def test_reconstructions_stand_above_the_clean_rows(textbook, digits):
    figure = textbook.plot.reconstructions(digits, n=3)
    assert [ax.get_ylabel() for ax in figure.axes] == ["reconstructed", "", "", "clean", "", ""]
    clean = digits.read(0, 3)
    recon = textbook.inverse_transform(textbook.transform(clean))
    low, high = clean.min(), clean.max()
    shown = [np.asarray(ax.images[0].get_array()) for ax in figure.axes]
    np.testing.assert_allclose(shown[4], ((clean[1] - low) / (high - low)).reshape(8, 8))
    np.testing.assert_allclose(shown[1], np.clip((recon[1] - low) / (high - low), 0, 1).reshape(8, 8), atol=1e-6)


def test_a_denoiser_shows_the_corrupted_rows(digits):
    model = DenoisingAutoencoder(8, corruption="masking:0.5", max_iter=1, random_state=0).fit(digits)
    figure = model.plot.reconstructions(digits.read(0, 2), n=10)  # of two rows, no more
    assert [ax.get_ylabel() for ax in figure.axes] == ["noisy", "", "denoised", "", "clean", ""]
    noisy, clean = (np.asarray(figure.axes[i].images[0].get_array()) for i in (0, 4))
    unchanged = noisy == clean
    assert (noisy[~unchanged] == 0).all()
    assert 0.1 < unchanged[clean > 0].mean() < 0.9
    denoised = np.asarray(figure.axes[2].images[0].get_array())
    recon = model.inverse_transform(model.transform(noisy.reshape(1, -1)))  # clean rows reach from 0 to 1, as shades do
    np.testing.assert_allclose(denoised, np.clip(recon, 0, 1).reshape(8, 8), atol=1e-6)


def test_corrupted_rows_are_shown_in_the_rows_units(denoiser, table):
    figure = denoiser.plot.reconstructions(table, n=60, shape=(1, 5))
    noisy, clean = (np.array([ax.images[0].get_array()[0, 4] for ax in figure.axes[i : i + 60]]) for i in (0, 120))
    inside = (noisy > 0) & (noisy < 1)
    noise = (noisy - clean)[inside] * np.ptp(table.to_numpy()) / table["e"].std()
    assert np.median(np.abs(noise)) == pytest.approx(0.3 * 0.6745, rel=0.4)  # a Gaussian's median is 0.67 of its width


def test_rows_may_bring_their_shape(digits):
    model = SparseAutoencoder(4, max_iter=1, random_state=0).fit(digits.read(0, 100))
    assert len(model.plot.reconstructions(digits, n=2).axes) == 4
    assert model.plot.errors(digits).axes[0].images


def test_rows_need_a_shape_to_be_images(denoiser, table):
    with pytest.raises(RecipeError, match=r"shape=\(5,\) is not an image shape"):
        denoiser.plot.reconstructions(table)
    with pytest.raises(RecipeError, match=r"shape=\(2, 2\) has 4 numbers, but a row has 5"):
        denoiser.plot.reconstructions(table, shape=(2, 2))
    with pytest.raises(RecipeError, match="n=0 must be 1 or more"):
        denoiser.plot.reconstructions(table, n=0, shape=(1, 5))
    assert len(denoiser.plot.reconstructions(table, n=2, shape=(1, 5)).axes) == 6


def test_an_atlas_shows_images_or_named_columns(textbook, denoiser):
    (ax,) = textbook.plot.atlas(most=3).axes
    assert ax.images
    assert [text.get_text() for text in ax.texts] == ["0", "1", "2"]
    (ax,) = denoiser.plot.atlas(order=[2]).axes
    assert any(type(artist) is PolyCollection for artist in ax.collections)
    largest = np.argsort(-np.abs(denoiser.components_[2]))
    assert [text.get_text() for text in ax.texts][:5] == [["a", r"\$b\$", "c_1", "d", "e"][i] for i in largest]


def test_rates_are_mean_activations_if_the_model_has_a_target_for_them(textbook, digits):
    figure = textbook.plot.rates(digits)
    assert figure.axes[0].get_xlabel() == "mean activation"
    assert figure.axes[0].lines[0].get_xdata() == [0.1, 0.1]
    rates = textbook.transform(digits).mean(0)
    ((counts, edges, _),) = counted(figure)
    assert counts.sum() == 12
    assert (edges[0], edges[-1]) == pytest.approx((rates.min(), rates.max()), rel=1e-5)


def test_rates_are_firing_rates_beside_k_otherwise(dictionary, denoiser, digits, table):
    figure = dictionary.plot.rates(digits)
    assert figure.axes[0].get_xlabel() == "firing rate (share of rows on which a latent is active)"
    assert figure.axes[0].lines[0].get_xdata() == [4 / 20, 4 / 20]
    firing = (dictionary.transform(digits).toarray() != 0).mean(0)
    assert counted(figure)[0][1][-1] == pytest.approx(firing.max())
    assert denoiser.plot.rates(table).axes[0].lines[:] == []  # no target


def test_the_history_has_its_target(textbook):
    labels = [line.get_label() for ax in textbook.plot.history().axes for line in ax.lines]
    assert "target 0.1" in labels


def test_the_textbooks_figure_has_the_models_rates(textbook, dictionary, digits):
    ticks = textbook.plot.sparsity_loss().axes[0].lines[-1]
    np.testing.assert_array_equal(ticks.get_xdata(), textbook.history_["rates"][-1])
    ticks = textbook.plot.sparsity_loss(digits).axes[0].lines[-1]
    np.testing.assert_allclose(ticks.get_xdata(), textbook.transform(digits).mean(0), rtol=1e-5)
    with pytest.raises(
        RecipeError, match=r"this model has no target mean activation; name one: plot.sparsity_loss\(target=0.1\)"
    ):
        dictionary.plot.sparsity_loss()


def test_the_map_is_of_the_components(dictionary, digits):
    (ax,) = dictionary.plot.map(digits, method="pca").axes
    (dots,) = [artist for artist in ax.collections if isinstance(artist, PathCollection)]
    firing = (dictionary.transform(digits).toarray() != 0).mean(0)
    order = np.argsort(-firing, kind="stable")
    np.testing.assert_allclose(np.asarray(dots.get_offsets()), coordinates(dictionary.components_)[order])
    np.testing.assert_allclose(dots.get_sizes(), (4 + 86 * firing / firing.max())[order], rtol=1e-6)
    with pytest.raises(RecipeError, match="method='tsne' must be one of auto, umap, pca"):
        dictionary.plot.map(method="tsne")


def test_the_map_needs_umap_only_if_it_is_requested(dictionary, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    assert "principal axes" in dictionary.plot.map().axes[0].get_title(loc="left")
    with pytest.raises(RecipeError, match="pip install umap-learn, or set method='pca'"):
        dictionary.plot.map(method="umap")


def test_errors_are_of_columns_pixels_or_rows(textbook, denoiser, digits, table):
    per_column = denoiser.reconstruction_errors(table, per="column")
    (ax,) = denoiser.plot.errors(table).axes
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(sorted(per_column, reverse=True))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [["a", r"\$b\$", "c_1", "d", "e"][i] for i in np.argsort(-per_column)]
    image = textbook.plot.errors(digits).axes[0].images[0]
    per_pixel = textbook.reconstruction_errors(digits, per="column")
    np.testing.assert_allclose(image.get_array(), per_pixel.reshape(8, 8))
    assert sum(counts.sum() for counts, _, _ in counted(denoiser.plot.errors(table, per="row"))) == 60


@pytest.mark.parametrize("figure", ["reconstructions", "rates", "errors"])
def test_a_figure_that_needs_rows_names_them(textbook, figure):
    with pytest.raises(RecipeError, match=rf"plot.{figure} needs rows: plot.{figure}\(X\)"):
        getattr(textbook.plot, figure)(None)


def test_plots_need_a_fitted_model():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        _ = SparseAutoencoder().plot
    assert not hasattr(SparseAutoencoder(), "plot")


def test_a_loaded_model_draws_the_same(textbook, tmp_path):
    textbook.save(tmp_path / "model")
    again = SparseAutoencoder.load(tmp_path / "model")
    for draw in ("atlas", "history", "map"):
        assert isinstance(getattr(again.plot, draw)(), Figure)
    np.testing.assert_array_equal(
        again.plot.atlas().axes[0].images[0].get_array(), textbook.plot.atlas().axes[0].images[0].get_array()
    )


def test_relations_are_drawn_as_the_probe_returns_them(dictionary, digits):
    from taciturn.probes import relate

    y = datasets.labels("digits")
    related = relate(dictionary.transform(digits), y, digits.read(0, len(digits)))
    figure = dictionary.plot.relate(digits, y, most=5)
    (ax,) = figure.axes
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert [text.split(" · ")[0] for text in labels] == [f"latent {effect.latent}" for effect in related.effects[:5]]


def test_as_many_relations_are_drawn_as_are_requested():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 64)) + 2 * rng.integers(2, size=(300, 1))
    y = X.mean(1) > 1
    model = DictionaryAutoencoder(256, k=16, max_iter=3, random_state=0).fit(X)
    (ax,) = model.plot.relate(X, y, most=60).axes
    assert len(ax.get_yticks()) == 60
    assert ax.get_title(loc="left").startswith("the first 60 of ")
    for most in (0, -3):
        with pytest.raises(RecipeError, match=f"most={most}"):
            model.plot.relate(X, y, most=most)
        with pytest.raises(RecipeError, match=f"most={most}"):
            model.plot.errors(X, most=most)


# --- in notebooks ----------------------------------------------------------------------------------------------


def test_a_fitted_estimator_shows_its_model_below_scikit_learns_diagram(dictionary):
    html = dictionary._repr_html_()
    assert "sk-container" in html
    for words in ("64 → 20 → 64, topk:linear(8,4,over=0.5) codes", "squared_error", "2 epochs"):
        assert words in html
    assert dictionary._repr_mimebundle_()["text/html"].count("topk:linear(8,4,over=0.5) codes") == 1
    fresh = DictionaryAutoencoder(20)
    assert "sk-container" in fresh._repr_html_()
    assert " codes" not in fresh._repr_html_()


def test_a_history_and_an_artifact_show_their_numbers_as_text(dictionary):
    history, artifact = dictionary.history_, dictionary.to_artifact()
    loss = history["squared_error"]
    assert f"{loss[0]:.4g} → {loss[-1]:.4g}" in history._repr_html_()
    artifact.rows = replace(artifact.rows, scaling="<script>alert(1)</script>")
    assert "<script>" not in artifact._repr_html_()
    assert "&lt;script&gt;" in artifact._repr_html_()
