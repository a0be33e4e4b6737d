from pathlib import Path

import numpy as np
import pytest

from taciturn import plots
from taciturn.core.errors import RecipeError
from taciturn.plots.sparsity_loss import curves


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(__file__).parent / "golden" / "textbook.npz") as file:
        return {name: file[name] for name in ("figure/rates", "figure/squared", "figure/kl")}


def test_the_curves_are_the_textbooks(golden):
    squared, divergence = curves(0.1, golden["figure/rates"])
    np.testing.assert_allclose(squared, golden["figure/squared"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(divergence, golden["figure/kl"], rtol=0, atol=1e-12)


def lines(figure):
    (ax,) = figure.axes
    return {line.get_label(): line.get_xydata() for line in ax.lines}


def test_the_figure_draws_the_curves_and_marks_the_target(golden):
    drawn = lines(plots.sparsity_loss(0.1))
    np.testing.assert_allclose(drawn["KL divergence"][:, 0], golden["figure/rates"], atol=1e-12)
    np.testing.assert_allclose(drawn["KL divergence"][:, 1], golden["figure/kl"], atol=1e-12)
    np.testing.assert_allclose(drawn["squared error"][:, 1], golden["figure/squared"], atol=1e-12)
    assert drawn["target 0.1"][:, 0].tolist() == [0.1, 0.1]


def test_the_figure_marks_a_models_mean_activations():
    drawn = lines(plots.sparsity_loss(0.1, [0.05, 0.15, 0.4]))
    assert drawn["3 latents, mean activation 0.200"].tolist() == [[0.05, 0], [0.15, 0], [0.4, 0]]


def test_rates_outside_0_1_are_refused():
    with pytest.raises(
        RecipeError, match=r"rates from 0.1 to 3 do not lie in \[0, 1\]; both losses need codes in \[0, 1\]"
    ):
        plots.sparsity_loss(0.1, [0.1, 3])


@pytest.mark.parametrize("target", [0, 1, -0.1, 5])
def test_a_target_outside_0_1_is_refused(target):
    with pytest.raises(RecipeError, match="must lie between 0 and 1"):
        plots.sparsity_loss(target)


def test_reconstructions_show_the_rows_as_images_on_one_scale():
    clean = np.arange(8.0).reshape(2, 4)
    figure = plots.reconstructions({"noisy": clean - 5, "clean": clean}, (2, 2))
    images = [ax.images[0] for ax in figure.axes]
    assert len(images) == 4
    # shades are shares of the clean rows' range 0 … 7; 4 … 7 minus 5, cut at its ends
    np.testing.assert_allclose(images[1].get_array(), [[0, 0], [1 / 7, 2 / 7]])
    np.testing.assert_allclose(images[3].get_array(), [[4 / 7, 5 / 7], [6 / 7, 1]])
    assert {image.get_clim() for image in images} == {(0.0, 1.0)}
    assert [ax.get_ylabel() for ax in figure.axes] == ["noisy", "", "clean", ""]


def test_reconstructions_require_an_image_shape():
    with pytest.raises(RecipeError, match="is not an image shape; give"):
        plots.reconstructions({"clean": np.zeros((2, 4))}, (4,))


@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_files_ending_selects_the_format(tmp_path, ending, begins):
    plots.save(plots.sparsity_loss(0.1), tmp_path / f"figure.{ending}")
    assert (tmp_path / f"figure.{ending}").read_bytes().startswith(begins)


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"figures are written as .png, .svg, .pdf"):
        plots.save(plots.sparsity_loss(0.1), tmp_path / "figure.bmp")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("n", "pixels"), [(2000, False), (2001, True)])
def test_many_marks_are_stored_as_pixels(n, pixels):
    figure = plots.sparsity_loss(0.1, np.linspace(0.01, 0.3, n))
    (marks,) = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert (marks.get_rasterized(), len(marks.get_xdata())) == (pixels, n)
