"""The figures' artists: their data, limits, ticks, names and colours; expected values by hand or from NumPy."""

import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.patches import StepPatch

from taciturn import History, plots
from taciturn.core.errors import DataError, RecipeError
from taciturn.metrics import coordinates
from taciturn.plots import style
from taciturn.plots.frontier import unbeaten

NAN = float("nan")
HOSTILE = ["$x$ and $", "_hidden", 'it\'s "so"', "😀 smile", "שלום", "n" * 10_000, "two\nlines\t", r"back\$lash", ""]


def run(**columns):
    """A history of 3 epochs, unless columns say otherwise."""
    usual = {"epoch": [0, 1, 2], "seconds": [1, 1, 1], "rate": [0.3, 0.2, 0.1], "loss": [3.0, 2.0, 1.5]}
    usual |= {"squared_error": [2.0, 1.5, 1.0], "rates": np.full((3, 4), 0.1)}
    steps = columns.pop("steps", {})
    return History(steps, usual | columns)


def an_effect(latent=3, of="yes", effect=0.8, low=0.7, high=0.9):
    return SimpleNamespace(latent=latent, of=of, effect=effect, low=low, high=high)


def full_run():
    steps = {"epoch": [0, 0, 1, 1, 2, 2], "step": range(6), "learning_rate": [0.1, 0.1, 0.08, 0.06, 0.04, 0.001]}
    more = {"kl": [0.3, 0.2, 0.1], "weight_kl": [0.1, 1.0, 5.0], "validation_squared_error": [2.5, 2.0, 1.5]}
    rates = np.array([[0, 0.1, 0.2, 0.3], [0, 0, 0.2, 0.3], [0.1, 0.1, 0.2, 0.3]])
    return run(steps=steps, rates=rates, validation_rates=rates, **more)


rng = np.random.default_rng(0)
FIGURES = {
    "history": lambda: plots.history(full_run(), target=0.1),
    "rates": lambda: plots.rates([0, 0, 0.001, 0.01, 0.1, 0.5], target=0.1),
    "atlas": lambda: plots.atlas(rng.normal(size=(5, 12)), (3, 4)),
    "atlas of colours": lambda: plots.atlas(rng.normal(size=(5, 12)), (2, 2, 3)),
    "atlas of a table": lambda: plots.atlas(rng.normal(size=(5, 3)), columns=["a", "b", "c"]),
    "atlas of curves": lambda: plots.atlas(rng.normal(size=(5, 12)), most=4),
    "errors": lambda: plots.errors([0.3, 0.1, 0.2], most=2),
    "errors of pixels": lambda: plots.errors([0.3, 0.1, 0.2, 0], shape=(2, 2)),
    "row_errors": lambda: plots.row_errors([0, 0.1, 0.2, 0.9]),
    "map": lambda: plots.map(rng.normal(size=(9, 2)), size=np.arange(9), color=np.arange(9)),
    "map of words": lambda: plots.map(rng.normal(size=(9, 2)), color=list("abcdefghi")),
    "map of many": lambda: plots.map(rng.normal(size=(10_000, 2))),
    "correlation": lambda: plots.correlation(np.eye(4)),
    "relate": lambda: plots.relate([an_effect(), an_effect(1, "no", 0.2, 0.1, 0.3), an_effect(2, "-", 0.5, 0.4, 0.6)]),
    "overlay": lambda: plots.overlay({f"run {i}": run() for i in range(9)}),
    "frontier": lambda: plots.frontier({"a": (1, 0.5), "b": (40, 0.01), "c": (41, 0.6)}),
    "sparsity_loss": lambda: plots.sparsity_loss(0.1, [0.1, 0.2]),
    "reconstructions": lambda: plots.reconstructions({"clean": np.zeros((2, 4))}, (2, 2)),
}


def svg(figure):
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(file, format="svg", transparent=True)
    return file.getvalue()


def texts(figure):
    root = ElementTree.fromstring(svg(figure))
    return ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]


def bars(ax):
    return [patch.get_data() for patch in ax.patches if isinstance(patch, StepPatch)]


def of_kind(ax, kind):
    return [artist for artist in ax.collections if type(artist) is kind]


def panels(figure):
    return {ax.get_title(loc="left"): ax for ax in figure.axes}


def line(ax, label):
    return next(line for line in ax.lines if line.get_label() == label)


# --- all of them ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FIGURES)
def test_every_colour_is_one_of_the_styles(name):
    drawn = svg(FIGURES[name]())
    used = set(re.findall(r"(?:fill|stroke|color):\s*(#[0-9a-fA-F]{3,8}|[a-z]+\()", drawn))
    assert used <= {colour.lower() for colour in style.COLOURS.values()}
    written = re.findall(r"<text[^>]*>", drawn)
    assert all(f"fill: {style.TEXT.lower()}" in text for text in written)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_small_and_of_few_artists(name):
    figure = FIGURES[name]()
    drawn = svg(figure)
    assert len(drawn) < 150_000
    assert drawn.count("<path") < 150  # a scale of colours is an image, and not 256 boxes
    assert sum(len(ax.get_children()) for ax in figure.axes) < 150


def test_no_colour_is_written_outside_of_the_style():
    for file in Path(plots.__file__).parent.glob("*.py"):
        if file.name != "style.py":
            assert not re.search(r"#[0-9A-Fa-f]{6}\b", file.read_text()), file


def test_figures_need_no_pyplot_and_leave_no_trace():
    code = (
        "import sys, matplotlib; rc = matplotlib.rcParams\n"
        "names = [name for name in rc if name != 'backend']  # to read it loads pyplot\n"
        "before = [rc[name] for name in names]\n"
        "from taciturn import plots; plots.rates([0, 0.1]); plots.errors([1.0, 2.0])\n"
        "assert 'matplotlib.pyplot' not in sys.modules and [rc[name] for name in names] == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_palette_has_distinct_colours():
    assert len(set(style.COLOURS.values())) == len(style.COLOURS)


@pytest.mark.parametrize(("value", "colour", "alpha"), [(-1, style.NEGATIVE, 1), (1, style.POSITIVE, 1)])
def test_signs_have_colours_and_zero_is_transparent(value, colour, alpha):
    assert to_hex(style.SIGNED((value + 1) / 2)).upper() == colour
    assert style.SIGNED((value + 1) / 2)[3] == alpha
    assert style.SIGNED(0.5)[3] < 0.01
    assert style.SIGNED(0.5 + value / 4)[3] == pytest.approx(0.5, abs=0.01)
    assert style.AMOUNT(0.0)[3] == 0
    assert style.AMOUNT(1.0) == to_rgba(style.MODEL)


# --- names ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "most", "text"),
    [
        ("area", 10, "area"),
        ("abcdefghij", 10, "abcdefghij"),
        ("abcdefghijk", 10, "abcdefghi…"),
        ("a\nb\tc", 10, "a b c"),
        ("$", 10, r"\$"),
        ("a" * 9 + "$$", 10, "a" * 9 + "…"),
        ("\x00", 10, ""),
        (" " * 10_000 + "x", 10, "…"),
        (17, 10, "17"),
    ],
)
def test_a_name_is_made_fit_for_a_figure(name, most, text):
    assert style.display_text(name, most) == text


def shown(names):
    return [
        name for name in ["$x$ and $", "_hidden", 'it\'s "so"', "😀 smile", "שלום", "two lines", r"back\$lash"] if name
    ]


@pytest.mark.parametrize(
    "draw",
    [
        lambda names: plots.errors(np.arange(len(names)) + 1.0, columns=names),
        lambda names: plots.atlas(np.diag(np.arange(len(names)) + 1.0), columns=names, names=names),
        lambda names: plots.relate([an_effect(of=name) for name in names]),
        lambda names: plots.overlay({name: run() for name in names}),
        lambda names: plots.frontier({name: (i + 1, 0.5) for i, name in enumerate(names)}),
        lambda names: plots.reconstructions({name: np.zeros((1, 4)) for name in names}, (2, 2)),
    ],
    ids=["errors", "atlas", "relate", "overlay", "frontier", "reconstructions"],
)
def test_names_are_shown_as_they_are(draw):
    written = texts(draw(HOSTILE))
    for name in shown(HOSTILE):
        assert any(name in text for text in written), name
    assert any(text.endswith("n…") for text in written)
    assert max(len(text) for text in written) < 80


def test_a_maps_words_are_shown_as_they_are():
    for words in (HOSTILE[:4], HOSTILE[4:]):
        written = [text.strip() for text in texts(plots.map(rng.normal(size=(len(words), 2)), color=words))]
        assert [name for name in shown(words) if name in words and name not in written] == []
    assert "(no name)" in written


# --- history -------------------------------------------------------------------------------------------------------
def test_a_panel_for_each_quantity():
    by_title = panels(plots.history(full_run(), target=0.1))
    assert list(by_title) == [
        "squared error",
        "kl",
        "mean activation",
        "dead latents",
        "penalty weight (auto)",
        "learning rate",
    ]
    assert line(by_title["squared error"], "training").get_xydata().tolist() == [[1, 2], [2, 1.5], [3, 1]]
    assert line(by_title["squared error"], "held-out").get_xydata().tolist() == [[1, 2.5], [2, 2], [3, 1.5]]
    assert line(by_title["squared error"], "held-out").get_color() == style.HELD_OUT
    assert by_title["dead latents"].lines[0].get_ydata().tolist() == [1, 2, 0]
    assert by_title["penalty weight (auto)"].lines[0].get_ydata().tolist() == [0.1, 1, 5]
    assert by_title["penalty weight (auto)"].get_yscale() == "log"
    assert {ax.get_xlim() for ax in by_title.values()} == {by_title["kl"].get_xlim()}
    assert [ax.get_xlabel() for ax in by_title.values()] == [""] * 5 + ["epoch"]


def test_the_mean_activation_has_its_target_and_the_latents_band():
    ax = panels(plots.history(full_run(), target=0.1))["mean activation"]
    assert line(ax, "mean").get_ydata().tolist() == [0.3, 0.2, 0.1]
    assert line(ax, "target 0.1").get_ydata() == [0.1, 0.1]
    np.testing.assert_allclose(line(ax, "held-out").get_ydata(), [0.15, 0.125, 0.175])
    (band,) = [c for c in ax.collections if c.get_label() == "latents, 10–90%"]
    # of 0, .1, .2, .3 the 10% quantile is 0.3 of the way to the second value: 0.03; the 90% quantile is symmetric
    at_first = sorted(y for x, y in band.get_paths()[0].vertices if x == 1)
    np.testing.assert_allclose([at_first[0], at_first[-1]], [0.03, 0.27])


def test_the_learning_rate_is_drawn_at_its_steps():
    ax = panels(plots.history(full_run()))["learning rate"]
    assert ax.lines[0].get_xdata().tolist() == [0.5, 1, 1.5, 2, 2.5, 3]
    assert ax.lines[0].get_ydata().tolist() == [0.1, 0.1, 0.08, 0.06, 0.04, 0.001]
    assert ax.get_yscale() == "linear"


def test_a_history_that_lacks_steps_is_drawn_at_the_steps_it_has():
    """Two epochs of ten steps, of which every third and the last are recorded."""
    steps = {"epoch": [0] * 5 + [1] * 4, "step": [0, 3, 6, 9, 9, 12, 15, 18, 19]}
    del steps["epoch"][0], steps["step"][4]
    steps["learning_rate"] = np.linspace(1, 0, 8)
    (drawn,) = panels(plots.history(run(steps=steps)))["learning rate"].lines
    np.testing.assert_allclose(drawn.get_xdata(), [0.1, 0.4, 0.7, 1.0, 1.3, 1.6, 1.9, 2.0])


def test_many_steps_are_thinned():
    steps = {
        "epoch": np.repeat([0, 1, 2], 10_000),
        "step": np.arange(30_000),
        "learning_rate": np.linspace(1, 0, 30_000),
    }
    (drawn,) = panels(plots.history(run(steps=steps)))["learning rate"].lines
    assert len(drawn.get_xdata()) == 300
    assert drawn.get_xydata()[-1].tolist() == [3, 0]


def test_no_panel_where_there_is_nothing_to_show():
    history = run(
        steps={"epoch": [0, 1, 2], "step": [0, 1, 2], "learning_rate": [0.1] * 3},
        rate=[NAN] * 3,
        validation_kl=[NAN] * 3,
    )
    assert list(panels(plots.history(history))) == ["squared error"]
    assert list(panels(plots.history({"epoch": np.array([0]), "loss": np.array([1.0])}))) == ["loss"]


def test_missing_numbers_are_gaps_and_isolated_points_are_dots():
    rates = np.array([[0, 0.1], [NAN, NAN], [0, 0]])
    history = run(squared_error=[2, NAN, 1], rate=[NAN, 0.2, 0.1], rates=rates)
    by_title = panels(plots.history(history))
    drawn = by_title["squared error"].lines[0]
    np.testing.assert_equal(drawn.get_ydata(), [2, NAN, 1])
    assert (drawn.get_marker(), drawn.get_markevery()) == ("o", [0, 2])
    np.testing.assert_equal(by_title["dead latents"].lines[0].get_ydata(), [1, NAN, 2])
    assert line(by_title["mean activation"], "mean").get_marker() == "None"


def test_one_epoch_is_a_dot():
    history = run(epoch=[0], seconds=[1], rate=[0.1], loss=[1.0], squared_error=[1.0], rates=np.ones((1, 4)))
    drawn = panels(plots.history(history))["squared error"].lines[0]
    assert (drawn.get_xydata().tolist(), drawn.get_markevery()) == ([[1, 1]], [0])


def test_an_epoch_that_diverged_leaves_no_infinity():
    drawn = plots.history(run(squared_error=[1.0, np.inf, NAN])).axes[0].lines[0]
    np.testing.assert_equal(drawn.get_ydata(), [1, NAN, NAN])


def test_on_given_axes_only_the_error_is_drawn():
    ax = style.new_axes()
    assert plots.history(full_run(), ax=ax) is ax.figure
    assert [panel.get_title(loc="left") for panel in ax.figure.axes] == ["squared error"]


def test_a_history_without_epochs_or_numbers_is_refused():
    with pytest.raises(RecipeError, match="the history has no epoch; fit a model first"):
        plots.history(History())
    nothing = run(squared_error=[NAN] * 3, rate=[NAN] * 3, rates=np.full((3, 2), NAN))
    with pytest.raises(RecipeError, match=r"the history has no finite number: .*; lower the learning rate"):
        plots.history(nothing)


# --- histograms ----------------------------------------------------------------------------------------------------
def test_rates_over_decades_with_a_bar_of_dead_latents():
    firing = np.concatenate([np.zeros(3), np.geomspace(1e-4, 1, 17)])
    (ax,) = plots.rates(firing, target=0.05).axes
    (counts, edges, _), (dead, zero_bar, _) = bars(ax)
    assert len(counts) == 8  # 2 √17
    np.testing.assert_allclose(edges, 10.0 ** np.linspace(-4, 0, 9))
    assert counts.tolist() == np.histogram(np.log10(firing[3:]), np.linspace(-4, 0, 9))[0].tolist()
    assert dead.tolist() == [3]
    assert zero_bar[1] < edges[0]
    assert (ax.get_xscale(), ax.get_title(loc="left")) == ("log", "20 latents · 3 dead")
    assert line(ax, "target 0.05").get_xdata() == [0.05, 0.05]
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == ["dead", "0.0001", "0.001", "0.01", "0.1", "1"]
    assert zero_bar[0] < ax.get_xticks()[0] < zero_bar[1]
    assert ax.get_xlim()[0] < zero_bar[0]


def test_rates_close_together_are_not_over_decades():
    (ax,) = plots.rates([0.1, 0.12, 0.2], label="mean activation").axes
    ((counts, edges, _),) = bars(ax)
    assert (ax.get_xscale(), ax.get_xlabel(), ax.get_title(loc="left")) == ("linear", "mean activation", "3 latents")
    assert (counts.sum(), edges[0], edges[-1]) == (3, 0.1, 0.2)


def test_means_that_cancel_may_be_negative():
    (ax,) = plots.rates([-1, 0, 1000.0]).axes
    assert ax.get_xscale() == "linear"
    assert [counts.sum() for counts, _, _ in bars(ax)] == [2, 1]


@pytest.mark.parametrize(("firing", "counts"), [([0.2], [1]), ([0.0, 0.0], [2]), ([0.3] * 5, [5]), ([0, 0.5], [1, 1])])
def test_few_latents(firing, counts):
    (ax,) = plots.rates(firing).axes
    assert [int(count.sum()) for count, _, _ in bars(ax)] == counts
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels == ["dead"] * (0 in firing) + [f"{firing[-1]:g}"] * (firing[-1] > 0)


def test_ten_thousand_latents_are_one_path():
    firing = 10 ** rng.uniform(-5, 0, 10_000)
    ((counts, edges, _),) = bars(plots.rates(firing).axes[0])
    assert (len(counts), counts.sum()) == (40, 10_000)
    assert edges[0] == pytest.approx(firing.min())


@pytest.mark.parametrize("firing", [[], [NAN, 0.1], [np.inf]])
def test_rates_that_are_not_finite_are_refused(firing):
    with pytest.raises(DataError, match="firing must be finite numbers, at least one"):
        plots.rates(firing)


def test_row_errors_mark_half_and_nearly_all():
    (ax,) = plots.row_errors(np.arange(101) / 100).axes
    assert [drawn.get_xdata()[0] for drawn in ax.lines] == [0.5, 0.95]
    assert [drawn.get_label() for drawn in ax.lines] == [
        "half of the rows: 0.5 or less",
        "95% of the rows: 0.95 or less",
    ]
    assert sum(counts.sum() for counts, _, _ in bars(ax)) == 101
    assert [drawn.get_color() for drawn in ax.lines] == [style.REFERENCE] * 2


# --- atlas ---------------------------------------------------------------------------------------------------------
def test_an_atlas_shows_each_latent_on_its_own_scale():
    weights = np.array([[0, 1, 2, -4.0], [0.1, 0, 0, 0.05], [0, 0, 0, 0]])
    (ax,) = plots.atlas(weights, (2, 2)).axes
    (image,) = ax.images
    assert (image.get_cmap().name, image.get_clim()) == ("signed", (-1, 1))
    sheet = image.get_array().filled(NAN)
    top = np.argwhere(np.isfinite(sheet))[0][0]
    tile = sheet[top : top + 2, :2]
    np.testing.assert_allclose(tile, [[0, 0.25], [0.5, -1]])
    values = sheet[np.isfinite(sheet)]
    assert len(values) == 12  # between the images it is transparent
    assert sorted(values.round(3)) == sorted([0, 0.25, 0.5, -1, 1, 0, 0, 0.5, 0, 0, 0, 0])
    assert [text.get_text() for text in ax.texts] == ["0", "1", "2"]
    assert len(of_kind(ax, LineCollection)[0].get_segments()) == 3


def test_an_atlas_frames_lie_around_their_images():
    (ax,) = plots.atlas(np.ones((3, 6)), (2, 3)).axes
    sheet = np.isfinite(ax.images[0].get_array().filled(NAN))
    down, across = sheet.shape
    frames = of_kind(ax, LineCollection)[0].get_segments()
    for frame in frames:
        (left, top), (right, bottom) = frame.min(0), frame.max(0)
        cut = sheet[
            round(top * down / 2) : round(bottom * down / 2), round(left * across / 2) : round(right * across / 2)
        ]
        assert cut.shape == (2, 3)
        assert cut.all()


def test_an_atlas_names_stand_above_their_images():
    (ax,) = plots.atlas(np.ones((3, 6)), (2, 3)).axes
    sheet = np.isfinite(ax.images[0].get_array().filled(NAN))
    assert not sheet[0].any()  # room for the first names
    frames = of_kind(ax, LineCollection)[0].get_segments()
    for text, frame in zip(ax.texts, frames, strict=True):
        x, y = text.get_position()  # y points downwards
        assert (x, text.get_va()) == (pytest.approx((frame[:, 0].min() + frame[:, 0].max()) / 2), "bottom")
        assert np.floor(frame[:, 1].min()) < y < frame[:, 1].min()


def test_latents_counted_from_the_end_are_named_by_their_number():
    (ax,) = plots.atlas(rng.normal(size=(10, 4)), (2, 2), order=[-1, 3]).axes
    assert [text.get_text() for text in ax.texts] == ["9", "3"]


def test_an_atlas_of_all_latents_keeps_no_room_for_a_title():
    heights = [plots.atlas(np.ones((n, 4)), (2, 2), most=4).get_figheight() for n in (4, 5)]
    assert heights[1] - heights[0] == pytest.approx(0.25)


def test_an_atlas_has_an_order_and_a_maximal_number():
    weights = rng.normal(size=(10, 4))
    figure = plots.atlas(weights, (2, 2), order=[7, 2, -1], most=2, names=[f"n{i}" for i in range(10)])
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.texts] == ["n7", "n2"]
    assert ax.get_title(loc="left") == "2 of 10 latents"
    sheet = ax.images[0].get_array().filled(NAN)
    first = sheet[np.isfinite(sheet).any(1)][:, np.isfinite(sheet).any(0)][:2, :2]
    np.testing.assert_allclose(first.ravel(), weights[7] / np.abs(weights[7]).max())


def test_an_atlas_in_colour_is_grey_where_weights_are_0():
    (ax,) = plots.atlas(np.array([[0, 2, -2, 0, 0, 1.0] + [0.0] * 6]), (2, 2, 3)).axes
    paint = np.asarray(ax.images[0].get_array())
    inside = paint[paint[..., 3] == 1]
    np.testing.assert_allclose(inside[:2, :3], [[0.5, 1, 0], [0.5, 0.5, 0.75]])
    assert len(inside) == 4


def test_an_atlas_of_a_table_names_the_largest_columns():
    weights = np.array([[0.1, -2, 0.5, 0, 1, 0.2, 0.3], [0, 0, 0, 0, 0, 0, -1]])
    (ax,) = plots.atlas(weights, columns=list("abcdefg")).axes
    (boxes,) = of_kind(ax, PolyCollection)
    written = [text.get_text() for text in ax.texts]
    assert written[:5] == ["b", "e", "c", "g", "f"]
    widths = [np.ptp(path.vertices[:, 0]) for path in boxes.get_paths()]
    np.testing.assert_allclose(widths[:5] / widths[0], [1, 0.5, 0.25, 0.15, 0.1])
    colours = [to_hex(colour).upper() for colour in boxes.get_facecolors()]
    assert colours[:5] == [style.NEGATIVE, *[style.POSITIVE] * 4]
    assert colours[5] == style.NEGATIVE
    assert written[-2:] == ["latent 0", "latent 1"]
    edges = [path.vertices[:, 0] for path in boxes.get_paths()]
    assert edges[0].max() == pytest.approx(edges[1].min())  # both begin at 0


def test_an_atlas_of_other_rows_draws_curves():
    weights = np.array([[0, 1, 2.0], [4, 0, -4]])
    (ax,) = plots.atlas(weights, (3,)).axes
    curves = of_kind(ax, LineCollection)[1].get_segments()
    heights = [-(curve[:, 1] - 0.6) / 0.34 for curve in curves]  # y points downwards
    np.testing.assert_allclose(heights, [[0, 0.5, 1], [1, 0, -1]], atol=1e-9)
    assert not of_kind(ax, LineCollection)[1].get_rasterized()


def test_long_curves_are_stored_as_pixels_and_one_weight_is_seen():
    (ax,) = plots.atlas(rng.normal(size=(64, 5000))).axes
    assert of_kind(ax, LineCollection)[1].get_rasterized()
    (ax,) = plots.atlas([[2.0], [-1.0]]).axes
    curves = of_kind(ax, LineCollection)[1].get_segments()
    assert [np.ptp(curve[:, 1]) for curve in curves] == pytest.approx([0.34, 0.34])


def test_ten_thousand_latents_show_the_first_64():
    (ax,) = plots.atlas(rng.normal(size=(10_000, 4)), (2, 2)).axes
    assert (len(ax.texts), ax.get_title(loc="left")) == (64, "64 of 10,000 latents")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"components": np.ones(3)}, r"shape \(3,\)"),
        ({"components": [[NAN]]}, "NaN or infinity"),
        ({"shape": (3, 3)}, r"shape=\(3, 3\) has 9 pixels, but a latent has 4 weights"),
        ({"columns": ["a"]}, "columns=1 names, but a latent has 4 weights"),
        ({"names": ["a"]}, "names=1 for 2 latents"),
        ({"order": [2]}, "from 0 to 1"),
        ({"order": [0.5]}, "from 0 to 1"),
        ({"order": []}, "at least one"),
        ({"most": 0}, "most=0 must be a whole number, 1 or more"),
    ],
)
def test_an_atlas_refuses_what_does_not_fit(arguments, message):
    with pytest.raises((DataError, RecipeError), match=message):
        plots.atlas(**{"components": np.ones((2, 4))} | arguments)


# --- errors --------------------------------------------------------------------------------------------------------
def test_errors_are_sorted_and_named():
    (ax,) = plots.errors([0.1, 0.4, 0.2, 0.3], columns=list("abcd"), most=3).axes
    assert [bar.get_width() for bar in ax.patches] == [0.4, 0.3, 0.2]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "d", "c"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the largest at the top
    assert ax.lines[0].get_xdata() == pytest.approx([0.25, 0.25])  # the mean of all
    assert ax.get_title(loc="left") == "the worst 3 of 4 columns"
    assert ax.patches[0].get_facecolor() == to_rgba(style.MODEL)


def test_errors_of_columns_without_names():
    (ax,) = plots.errors([0.1, 0.4]).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["column 1", "column 0"]
    assert ax.get_title(loc="left") == ""


def test_errors_of_pixels_are_a_heat_map():
    ax, bar = plots.errors([0, 1, 2, 4], shape=(2, 2)).axes
    assert ax.images[0].get_array().tolist() == [[0, 1], [2, 4]]
    assert ax.images[0].get_clim() == (0, 4)
    assert bar.get_ylabel() == "mean squared error"
    ax, _ = plots.errors(np.arange(12), shape=(2, 2, 3)).axes
    assert ax.images[0].get_array().tolist() == [[1, 4], [7, 10]]  # the channels' means
    ax, _ = plots.errors(np.zeros(4), shape=(2, 2)).axes
    assert ax.images[0].get_clim() == (0, 1)


def test_errors_refuse_what_does_not_fit():
    with pytest.raises(RecipeError, match="columns=1 names for 2 errors"):
        plots.errors([1, 2], columns=["a"])
    with pytest.raises(RecipeError, match="has 4 pixels, but there are 2 errors"):
        plots.errors([1, 2], shape=(2, 2))
    with pytest.raises(DataError, match="per_column must be finite"):
        plots.errors([NAN])


# --- map, correlation ----------------------------------------------------------------------------------------------
def test_a_map_draws_the_small_in_front_of_the_large():
    (ax,) = plots.map([[0, 0], [1, 1], [2, 4]], size=[0.5, 1, 0], color=[5.0, 1.0, 3.0]).axes
    (dots,) = of_kind(ax, PathCollection)
    assert np.asarray(dots.get_offsets()).tolist() == [[1, 1], [0, 0], [2, 4]]
    assert dots.get_sizes().tolist() == [90, 47, 4]  # 4 … 90 points²
    colours = dots.get_facecolors()
    assert {to_hex(colour).upper() for colour in colours} == {style.MODEL}
    np.testing.assert_allclose(colours[:, 3], [0.12, 1, 0.56])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["5", "1"]
    assert ax.get_aspect() == 1


def test_a_map_names_the_six_most_common_words():
    words = ["a"] * 4 + ["b"] * 3 + list("cdefgh")
    (ax,) = plots.map(rng.normal(size=(13, 2)), color=words).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*"abcdef", "2 others"]
    colours = [to_hex(colour).upper() for colour in of_kind(ax, PathCollection)[0].get_facecolors()]
    assert colours == [style.BLUE] * 4 + [style.ORANGE] * 3 + [*style.CYCLE[2:6], style.GREY, style.GREY]


def test_many_dots_are_stored_as_pixels_and_one_is_seen():
    (dots,) = of_kind(plots.map(rng.normal(size=(10_000, 2))).axes[0], PathCollection)
    assert dots.get_rasterized()
    (dots,) = of_kind(plots.map([[1, 2]], size=[0.0]).axes[0], PathCollection)
    assert dots.get_sizes().tolist() == [4]
    assert not dots.get_rasterized()


@pytest.mark.parametrize(
    "arguments",
    [
        {"xy": [[1, 2, 3]]},
        {"xy": np.zeros((0, 2))},
        {"xy": [[NAN, 0]]},
        {"size": [1, 2]},
        {"size": [-1.0]},
        {"size": [NAN]},
        {"color": [1, 2]},
        {"color": [NAN]},
    ],
)
def test_a_map_refuses_what_does_not_fit(arguments):
    with pytest.raises((DataError, RecipeError)):
        plots.map(**{"xy": [[0.0, 1]]} | arguments)


def test_correlations_lie_between_minus_1_and_1():
    codes = rng.normal(size=(50, 3))
    codes[:, 2] = 0
    with np.errstate(all="ignore"):
        matrix = np.corrcoef(codes.T)
    ax, bar = plots.correlation(matrix).axes
    (image,) = ax.images
    assert (image.get_cmap().name, image.get_clim()) == ("signed", (-1, 1))
    np.testing.assert_array_equal(image.get_array().filled(NAN), matrix)
    assert bar.get_ylabel() == "correlation"
    assert plots.correlation([[1.0]]).axes[0].images[0].get_array().shape == (1, 1)


@pytest.mark.parametrize("matrix", [np.ones((2, 3)), [1.0], np.zeros((0, 0)), [[2.0]]])
def test_matrices_that_are_not_correlations_are_refused(matrix):
    with pytest.raises(DataError, match="matrix"):
        plots.correlation(matrix)


# --- effects, runs -------------------------------------------------------------------------------------------------
def test_effects_are_intervals_with_a_line_at_no_effect():
    effects = [an_effect(), an_effect(1, "no", 0.2, 0.1, 0.3), an_effect(2, "so", 0.55, 0.45, 0.65)]
    (ax,) = plots.relate(effects).axes
    (intervals,), (dots,) = of_kind(ax, LineCollection), of_kind(ax, PathCollection)
    assert [segment[:, 0].tolist() for segment in intervals.get_segments()] == [[0.7, 0.9], [0.1, 0.3], [0.45, 0.65]]
    assert [to_hex(colour).upper() for colour in intervals.get_colors()] == [style.POSITIVE, style.NEGATIVE, style.NONE]
    assert np.asarray(dots.get_offsets()).tolist() == [[0.8, 0], [0.2, 1], [0.55, 2]]
    assert ax.lines[0].get_xdata() == [0.5, 0.5]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["latent 3 · yes", "latent 1 · no", "latent 2 · so"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_effects_on_a_number_lie_beside_0_and_have_no_class():
    effects = [an_effect(of="", effect=-0.5, low=-0.7, high=-0.3), an_effect(of=None, effect=0.1, low=-0.2, high=0.4)]
    (ax,) = plots.relate(effects, kind="number", most=1).axes
    assert ax.lines[0].get_xdata() == [0, 0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["latent 3"]
    assert ax.get_title(loc="left") == "the first 1 of 2 effects"
    low, high = ax.get_xlim()
    assert low < -0.7
    assert 0 < high < 0.1


def test_effects_that_were_left_out_are_counted():
    effects = [an_effect(), an_effect(1, "no", 0.2, 0.1, 0.3)]
    assert plots.relate(effects, total=300).axes[0].get_title(loc="left") == "the first 2 of 300 effects"
    assert plots.relate(effects, total=2).axes[0].get_title(loc="left") == ""


@pytest.mark.parametrize("most", [0, -1, 2.0, True])
def test_a_figure_of_nothing_is_refused(most):
    draws = (
        lambda: plots.relate([an_effect()], most=most),
        lambda: plots.errors([0.1, 0.2], most=most),
        lambda: plots.atlas(np.eye(3), most=most),
    )
    for draw in draws:
        with pytest.raises(RecipeError, match=f"most={most} must be a whole number, 1 or more"):
            draw()


def test_a_colour_has_one_meaning():
    meanings = (style.MODEL, style.HELD_OUT, style.POSITIVE, style.NEGATIVE, style.REFERENCE, style.NONE)
    assert len(set(meanings)) == len(meanings)


def test_a_run_has_one_colour_in_a_comparison():
    names = [f"run {i}" for i in range(8)]
    lines = plots.overlay({name: run() for name in names}).axes[0].lines
    (dots,) = of_kind(plots.frontier({name: (i, 8 - i) for i, name in enumerate(names)}).axes[0], PathCollection)
    assert [drawn.get_color() for drawn in lines] == [to_hex(colour).upper() for colour in dots.get_edgecolors()]


def test_an_interval_that_ends_at_the_bound_is_not_cut():
    low, high = plots.relate([an_effect(effect=1.0, low=0.95, high=1.0)]).axes[0].get_xlim()
    assert low < 0.5
    assert 1 < high < 1.05


def test_effects_refuse_what_does_not_fit():
    with pytest.raises(RecipeError, match="kind='x' must be one of classes, number"):
        plots.relate([an_effect()], kind="x")
    with pytest.raises(DataError, match="no effect"):
        plots.relate([])


def test_runs_lie_over_each_other():
    (ax,) = plots.overlay(
        {"a": run(), "b": run(loss=[30, NAN, 1.0]), "c": {"epoch": np.arange(3)}, "d": run(loss=[NAN] * 3)}
    ).axes
    assert [drawn.get_label() for drawn in ax.lines] == ["a", "b"]
    assert ax.lines[0].get_xydata().tolist() == [[1, 3], [2, 2], [3, 1.5]]
    assert [drawn.get_color() for drawn in ax.lines] == [style.BLUE, style.ORANGE]
    assert (ax.get_yscale(), ax.get_ylabel()) == ("log", "loss")
    many = plots.overlay({str(i): run(loss=[i + 3, 2, 1]) for i in range(8)}).axes[0].lines
    assert {drawn.get_linewidth() for drawn in many} == {1.6}
    same = plots.overlay({"a": run(), "other": run(loss=[5, 4, 3]), "b": run()}).axes[0].lines
    assert [drawn.get_linewidth() for drawn in same] == [pytest.approx(3.4), 1.6, 1.6]  # the first shows below the last
    assert len({(drawn.get_color(), drawn.get_linestyle()) for drawn in many}) == 8


def test_a_run_whose_name_begins_with_an_underscore_is_named():
    (ax,) = plots.overlay({"_a": run(), "b": run()}).axes
    assert [text.get_text().strip() for text in ax.get_legend().get_texts()] == ["_a", "b"]


def test_a_column_that_no_run_has_is_refused():
    with pytest.raises(
        RecipeError, match=r"name='x': no run has finite numbers in this column; choose one of epoch, loss, rate"
    ):
        plots.overlay({"a": run()}, "x")
    with pytest.raises(RecipeError, match=r"name='loss': no run has .*; give one run or more"):
        plots.overlay({})
    with pytest.raises(RecipeError, match="a number for each latent"):
        plots.overlay({"a": run()}, "rates")


def test_a_frontier_joins_the_unbeaten():
    points = {"c": (4, 0.1), "a": (1, 0.4), "beaten": (3, 0.3), "b": (2, 0.2)}
    (ax,) = plots.frontier(points).axes
    assert ax.lines[0].get_xydata().tolist() == [[1, 0.4], [2, 0.2], [4, 0.1]]
    (dots,) = of_kind(ax, PathCollection)
    assert [to_hex(colour).upper() for colour in dots.get_edgecolors()] == [style.run_colour(i) for i in range(4)]
    assert dots.get_facecolors()[:, 3].tolist() == [1, 1, 0, 1]  # the beaten run is hollow
    assert [text.get_text() for text in ax.texts] == ["a", "beaten", "b", "c"]  # from above
    assert ax.get_ylim()[0] == 0


def test_a_frontiers_names_do_not_hide_each_other():
    (ax,) = plots.frontier({f"run {i}": (8, 0.2) for i in range(12)}).axes
    heights = [text.xyann[1] for text in ax.texts]
    assert (np.diff(heights) < -0.055).all()
    assert min(heights) >= 0
    assert max(heights) <= 1
    assert len(plots.frontier({f"run {i}": (8, 0.2) for i in range(40)}).axes[0].texts) == 40


def test_equal_points_beat_neither():
    assert unbeaten(np.array([[1, 1], [1, 1], [1, 2], [0, 3.0]])).tolist() == [True, True, False, True]


@pytest.mark.parametrize("points", [{}, {"a": (1, NAN)}, {"a": (1, 2, 3)}])
def test_points_that_are_not_pairs_are_refused(points):
    with pytest.raises(DataError, match="finite pairs"):
        plots.frontier(points)


# --- coordinates ---------------------------------------------------------------------------------------------------
def test_coordinates_are_the_directions_principal_axes():
    rows = rng.normal(size=(20, 6)) * [5, 3, 1, 1, 1, 1] * rng.uniform(1, 9, (20, 1))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    unit -= unit.mean(0)
    _, axes = np.linalg.eigh(unit.T @ unit)
    expected = np.abs(unit @ axes[:, [-1, -2]])
    xy = coordinates(rows)
    np.testing.assert_allclose(np.abs(xy), expected, atol=1e-12)
    assert (xy[np.abs(xy).argmax(0), [0, 1]] > 0).all()
    np.testing.assert_array_equal(xy, coordinates(rows * 8.0))


@pytest.mark.parametrize("rows", [[[1.0, 2]], [[1.0], [-2]], [[0.0, 0], [0, 0]], [[1.0, 0], [1, 0]]])
def test_coordinates_of_few_directions(rows):
    xy = coordinates(rows)
    assert xy.shape == (len(rows), 2)
    assert np.abs(xy[:, 1]).max() < 1e-12  # they lie on one line
    assert np.isfinite(xy).all()
