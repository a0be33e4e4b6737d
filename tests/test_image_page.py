"""The page of an image denoiser: whole images with what was removed, filters, and the denoiser in the browser."""

import base64
import io
import json
import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_sample_image

from browser import watched
from commandline import output_text, run
from taciturn import DictionaryAutoencoder, ImageDenoiser, datasets
from taciturn.data.images.images import images_of
from taciturn.data.images.patches import Patches, bands_of
from taciturn.data.split import split_source
from taciturn.metrics import autocorrelation
from taciturn.report import Summary
from taciturn.report.html.pictures import picture
from taciturn.report.html.sections import denoised_images as section
from taciturn.report.numbers.denoised_images import filter_ahead
from taciturn.report.numbers.try_denoiser import denoiser_exclusion_reason, try_denoiser

FLOWER = load_sample_image("flower.jpg")[100:340:2, 200:500:2]
CHINA = load_sample_image("china.jpg")[100:280:2, 200:420:2]
GREY = np.asarray(Image.fromarray(CHINA).convert("L"))
RESIDUAL = "residual:channels=8/12,blocks=1"


def fitted(images, **changes):
    given = {"network": RESIDUAL, "patch": 16, "max_steps": 200, "learning_rate": 5e-3, "random_state": 0}
    return ImageDenoiser(**given | changes).fit(images)


@pytest.fixture(scope="module")
def denoiser():
    return fitted([FLOWER])


@pytest.fixture(scope="module")
def report(denoiser):
    return denoiser.report([CHINA, GREY], name="photographs")


@pytest.fixture(scope="module")
def file(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    report.save(path)
    return path


# ---------------------------------------------------------------- the autocorrelation


def test_the_autocorrelation_is_that_of_pairs_of_pixels():
    image = np.random.default_rng(0).normal(size=(7, 9, 2)) * [1.0, 30.0] + [5.0, -2.0]
    result = autocorrelation(image, 3)
    assert np.shape(result.values) == (7, 7)
    centred = image - image.mean((0, 1))
    for dy in range(4):
        for dx in range(-3, 4):
            of_channels = []
            for channel in range(2):
                x, products = centred[:, :, channel], []
                for i in range(7 - dy):
                    products += [x[i, j] * x[i + dy, j + dx] for j in range(9) if 0 <= j + dx < 9]
                of_channels.append(np.mean(products) / np.mean(x**2))
            assert result.values[3 + dy][3 + dx] == pytest.approx(np.mean(of_channels))
            assert result.values[3 - dy][3 - dx] == pytest.approx(np.mean(of_channels))


def test_the_autocorrelation_of_averaged_noise_is_known():
    """The mean of two neighbours in a line has a correlation of 1/2 with that of the next two, and none beyond."""
    noise = np.random.default_rng(0).normal(size=(300, 301, 1))
    result = autocorrelation(noise[:, :-1] + noise[:, 1:])
    assert result.largest == pytest.approx(0.5, abs=0.02)
    assert (result.down, result.right) == (0, 1)
    values = np.array(result.values)
    values[8, 7:10] = 0
    assert np.abs(values).max() < 0.02


def test_the_largest_value_has_its_direction():
    noise = np.random.default_rng(0).normal(size=(200, 200, 1))
    result = autocorrelation(noise[:-3, 5:] - noise[3:, :-5])
    assert result.largest == pytest.approx(-0.5, abs=0.02)
    assert (result.down, result.right) == (3, -5)


def test_white_noise_is_within_the_bound():
    rng, n = np.random.default_rng(0), 400
    shares = [
        abs(result.largest) / result.bound
        for result in (autocorrelation(rng.normal(size=(40, 50, 3))) for _ in range(n))
    ]
    assert np.mean(np.array(shares) > 1) < 0.025
    assert np.mean(np.array(shares) > 0.75) > 0.1  # and the bound is not too wide


def test_a_constant_image_has_no_autocorrelation():
    assert autocorrelation(np.full((5, 6, 3), 0.3)) is None
    assert autocorrelation(np.zeros((1, 1, 1))) is None
    one = np.zeros((20, 30, 2))
    one[:, :, 1] = np.random.default_rng(0).normal(size=(20, 30))
    np.testing.assert_allclose(autocorrelation(one).values, autocorrelation(one[:, :, 1:]).values)


# ---------------------------------------------------------------- which images


def test_held_out_bands_are_those_of_the_held_out_patches():
    marked = [np.full((120, 40), i, np.uint8) + np.arange(0, 120, dtype=np.uint8)[:, None] for i in (0, 120)]
    patches = Patches(images_of(marked), 10)
    training, held_out = (bands_of(part) for part in split_source(patches, 0.3, seed=0))
    rows = split_source(patches, 0.3, seed=0)[1]
    inside = {int(value) for band in held_out for value in np.unique(band.pixels())}
    assert inside == {round(255 * value) for value in np.unique(rows.read(0, len(rows))).tolist()}
    assert inside.isdisjoint(int(value) for band in training for value in np.unique(band.pixels()))
    assert [band.name for band in bands_of(patches)] == ["image 0", "image 1"]
    assert bands_of(datasets.load("digits")) is None


def test_other_rows_have_no_images():
    X = datasets.load("digits").read(0, 200)
    report = DictionaryAutoencoder(8, k=2, max_iter=1, random_state=0).fit(X).report(X)
    assert report.denoised_images is None
    assert json.loads(report.json())["denoised_images"] is None


# ---------------------------------------------------------------- their numbers


def decibels(image, clean):
    return -10 * np.log10(np.mean((image.astype(np.float64) - clean.astype(np.float64)) ** 2))


def test_numbers_are_those_of_the_images(report, denoiser):
    first, second = report.denoised_images
    assert (first.height, first.width, first.noise, first.cropped) == (90, 110, "gaussian:0.11", False)
    clean = CHINA.astype(np.float64) / 255
    np.testing.assert_allclose(first.pixels.clean, clean, atol=1e-7)
    noise = first.pixels.before - clean
    assert noise.std() == pytest.approx(0.11, rel=0.02)
    assert abs(autocorrelation(noise).largest) < autocorrelation(noise).bound
    assert np.corrcoef(noise[:, :, :1].ravel(), (second.pixels.before - second.pixels.clean).ravel())[0, 1] < 0.05
    np.testing.assert_allclose(first.pixels.after, denoiser.denoise(first.pixels.before), atol=1e-6)
    qualities = {quality.method: quality for quality in first.qualities}
    assert list(qualities) == ["before", "after", "Gaussian filter", "median filter", "Wiener filter"]
    assert qualities["before"].psnr == pytest.approx(decibels(first.pixels.before, clean), abs=1e-4)
    assert qualities["after"].psnr == pytest.approx(decibels(first.pixels.after, clean), abs=1e-4)
    assert qualities["after"].psnr > qualities["before"].psnr + 1
    tried = {size: gaussian_filter(first.pixels.before, (size, size, 0)) for size in (0.5, 0.7, 1, 1.4, 2)}
    best = max(tried, key=lambda size: decibels(tried[size], clean))
    assert qualities["Gaussian filter"].strength.startswith(f"standard deviation {best:g} pixel")
    assert qualities["Gaussian filter"].psnr == pytest.approx(decibels(tried[best], clean), abs=1e-4)
    removed = first.pixels.before.astype(np.float64) - first.pixels.after
    assert first.removed == pytest.approx(np.sqrt(np.mean(removed**2)), rel=1e-6)
    assert first.autocorrelation == autocorrelation(first.pixels.before - first.pixels.after)
    assert second.pixels.before.shape == (90, 110, 1)


def test_a_filter_that_is_as_good_is_a_warning(report):
    name, of_filter, of_model = filter_ahead(report.denoised_images)
    means = {
        method: np.mean(
            [next(q.psnr for q in image.qualities if q.method == method) for image in report.denoised_images]
        )
        for method in ("after", "Gaussian filter", "median filter", "Wiener filter")
    }
    assert of_model == pytest.approx(means.pop("after"))
    assert of_filter == pytest.approx(max(means.values()))
    assert means[name] == pytest.approx(of_filter)
    text = f"A {name} denoises the images as well or better: {of_filter:.1f} dB, the model {of_model:.1f} dB."
    assert text in [warning.what for warning in report.verdict.warnings]
    assert filter_ahead(None) is None
    assert filter_ahead([]) is None


@pytest.mark.parametrize("network", [RESIDUAL, "dense"])
@pytest.mark.parametrize(("noise", "are_shown"), [("poisson:0.1", True), ("gaussian:9", True), ("missing:0.2", False)])
def test_any_noise_of_the_training_has_a_page(network, noise, are_shown, tmp_path):
    """Images with strong noise lie far from 0 … 1, where those of a user are refused."""
    n_components = None if network == RESIDUAL else 4
    few = {"patch": 8, "max_steps": 2, "n_components": n_components}
    report = fitted([GREY[:64, :64]], network=network, corruption=noise, **few).report([GREY[:40, :40]])
    report.save(tmp_path / "report.html")
    assert (report.denoised_images is not None) == are_shown
    if are_shown:
        assert np.abs(report.denoised_images[0].pixels.before).max() > 5


def test_of_large_images_the_middle_is_taken(denoiser):
    large = np.zeros((700, 530), np.uint8)
    large[94:606, 9:521] = np.arange(512, dtype=np.uint16).astype(np.uint8)
    (image,) = denoiser.report([large]).denoised_images
    assert (image.height, image.width, image.cropped) == (512, 512, True)
    np.testing.assert_allclose(255 * image.pixels.clean[:, :, 0], large[94:606, 9:521], atol=1e-4)


def test_noisy_images_and_their_clean_ones_on_the_command_line(denoiser, tmp_path):
    denoiser.save(tmp_path / "run")
    rng = np.random.default_rng(0)
    for folder, noisy in (("clean", False), ("noisy", True)):
        (tmp_path / folder).mkdir()
        for name, image in (("a", CHINA), ("b", FLOWER)):
            pixels = image + rng.normal(0, 25, image.shape) if noisy else image
            Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8)).save(tmp_path / folder / f"{name}.png")
    pair = ("--data", tmp_path / "noisy", "--target", tmp_path / "clean")
    run("report", tmp_path / "run", *pair, "-o", tmp_path / "pairs.html")
    images = json.loads((tmp_path / "pairs.json").read_text())["denoised_images"]
    assert [(image["name"], image["noise"]) for image in images] == [("a.png", ""), ("b.png", "")]
    noisy, clean = (np.asarray(Image.open(tmp_path / folder / "a.png")) / 255 for folder in ("noisy", "clean"))
    qualities = {quality["method"]: quality for quality in images[0]["qualities"]}
    assert qualities["before"]["psnr"] == pytest.approx(decibels(noisy, clean), abs=1e-4)
    after = denoiser.denoise(noisy.astype(np.float32))
    assert qualities["after"]["psnr"] == pytest.approx(decibels(after, clean), abs=1e-3)
    run("report", tmp_path / "run", "--data", tmp_path / "noisy", "--corrupt", "none", "-o", tmp_path / "alone.html")
    alone = json.loads((tmp_path / "alone.json").read_text())["denoised_images"]
    assert [image["qualities"] for image in alone] == [[], []]
    assert "their clean images are not known" in (tmp_path / "alone.html").read_text().lower()
    done = run("report", tmp_path / "run", "--target", tmp_path / "clean", code=2)
    assert "--target" in output_text(done)


# ---------------------------------------------------------------- the page


def of_uri(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_is_self_contained_and_accessible(browser, file, width, scheme):
    with watched(browser, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        reported = Axe().run(page).response["violations"]
        assert [each["id"] for each in reported if each["impact"] in ("serious", "critical")] == []


def test_pictures_are_those_of_the_images(browser, file, report):
    first = report.denoised_images[0]
    with watched(browser, java_script_enabled=False) as page:
        page.goto(file.as_uri())
        assert page.locator("#denoised-images .viewer").is_hidden()
        article = page.locator("#denoised-images article").first
        pictures = article.locator("img[data-kind]").all()
        drawn = {each.get_attribute("data-kind"): of_uri(each.get_attribute("src")) / 255 for each in pictures}
        assert list(drawn) == ["before", "after", "removed", "clean"]
        for kind, pixels in (("before", first.pixels.before), ("after", first.pixels.after)):
            np.testing.assert_allclose(drawn[kind], pixels.clip(0, 1), atol=0.51 / 255)
        stated = re.search(r"removed, × (\d+)", article.inner_text())
        factor = int(stated[1]) if stated else 1
        removed = (0.5 + factor * (first.pixels.before - first.pixels.after)).clip(0, 1)
        np.testing.assert_allclose(drawn["removed"], removed, atol=0.51 / 255)
        assert 0.05 < removed.std() < 0.25
        colours = of_uri(article.locator(".autocorrelation img").get_attribute("src"))
        assert colours.shape == (17, 17, 4)
        assert colours[8, 8, 3] == 255  # the middle has the full colour
        text = article.locator(".autocorrelation").inner_text()
        assert f"{first.autocorrelation.largest:+.3f}".replace("-", "−") in text
        lines = article.locator("tbody tr").all_inner_texts()
        assert [float(re.split(r"\s+", line.strip())[-2]) for line in lines] == [
            pytest.approx(quality.psnr, abs=0.006) for quality in first.qualities
        ]


def test_the_viewer_divides_moves_and_zooms(browser, file, report):
    with watched(browser) as page:
        page.goto(file.as_uri())
        viewer, canvas = page.locator("#denoised-images .viewer"), page.locator("#denoised-images .viewer canvas")
        assert viewer.is_visible()
        read = """([x, y]) => {
          const c = document.querySelector("#denoised-images .viewer canvas");
          return [...c.getContext("2d").getImageData(x, y, 110, 1).data];
        }"""
        zoom, left = (page.locator(f"#denoised-images [data-part={name}]") for name in ("zoom", "left"))
        zoom.select_option("1")
        x, y = (canvas.bounding_box()["width"] - 110) // 2, 0
        first = report.denoised_images[0].pixels
        pictures = {name: (255 * getattr(first, name).clip(0, 1)) for name in ("before", "after", "clean")}
        line = np.array(page.evaluate(read, [x, y + 40])).reshape(110, 4)[:, :3]
        for column, side in ((20, "before"), (90, "after")):
            shown = line[column : column + 8]
            distance = {name: np.abs(shown - image[40, column : column + 8]).mean() for name, image in pictures.items()}
            assert min(distance, key=distance.get) == side, distance
        left.select_option("clean")
        assert "Left of the line: clean" in viewer.inner_text()
        page.locator("#denoised-images [data-part=image]").select_option("1")
        canvas.focus()
        page.keyboard.press("+")
        assert zoom.input_value() == "2"
        for _ in range(2):
            page.keyboard.press("+")
        page.keyboard.press("+")
        assert zoom.input_value() == "8"
        before = page.evaluate("({...taciturn.viewer.state})")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        after = page.evaluate("({...taciturn.viewer.state})")
        assert after["x"] == pytest.approx(before["x"] + 16 / (8 * 110))
        assert after["y"] == pytest.approx(before["y"] + 16 / (8 * 90))
        divider = float(page.locator("#denoised-images [data-part=divider]").input_value())
        page.keyboard.press(",")
        assert float(page.locator("#denoised-images [data-part=divider]").input_value()) < divider
        box = canvas.bounding_box()
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + 140, box["y"] + 100)
        page.mouse.up()
        assert page.evaluate("taciturn.viewer.state.x") == pytest.approx(after["x"] - 40 / (8 * 110))


def test_large_pictures_are_compressed():
    noisy = np.random.default_rng(0).normal(0.5, 0.1, (300, 300, 3)).clip(0, 1)
    large, small = picture(noisy), picture(noisy[:256, :256])
    assert large.startswith("data:image/jpeg")
    assert np.abs(of_uri(large) / 255 - noisy).mean() < 0.015
    np.testing.assert_allclose(of_uri(small) / 255, noisy[:256, :256], atol=0.51 / 255)
    assert of_uri(picture(noisy[:, :, :1])).shape == (300, 300)


def test_the_pictures_of_a_page_are_bounded(report, monkeypatch, tmp_path):
    monkeypatch.setattr(section, "MAX_CHARACTERS", 1)
    report.save(tmp_path / "small.html")
    text = (tmp_path / "small.html").read_text()
    assert text.count('data-kind="before"') == 1
    assert text.count("Not drawn, so that the page stays small.") == 1


def test_the_docs_describe_the_numbers(report):
    text = (Path(__file__).parents[1] / "docs" / "report.md").read_text(encoding="utf-8")
    image = report.to_dict()["denoised_images"][0]
    for key in (*image, *image["autocorrelation"], *image["qualities"][0]):
        assert f"`{key}`" in text, key


# ---------------------------------------------------------------- the denoiser in the browser

COMPUTE = """async ([text, data, height, width, channels]) => {
  const denoiser = taciturn.decodeDenoiser(JSON.parse(text));
  const image = { data: Float32Array.from(data), height, width, channels };
  return Array.from(await taciturn.denoise(denoiser, image));
}"""
HTML = files("taciturn.report") / "html"


@pytest.fixture(scope="module")
def calculator(browser):
    """A page with the scripts alone."""
    relu = "window.taciturnActivations = { relu: (x) => Math.max(x, 0), identity: (x) => x };"
    scripts = "\n".join([relu, *((HTML / name).read_text() for name in ("try_it.js", "denoiser.js"))])
    with watched(browser) as page:
        page.set_content(f"<!doctype html><title>t</title><script>{scripts}</script>")
        yield page


def by_page(page, model, image):
    """An image as the page denoises it, which holds the model's weights as they are, or rounded to float16."""
    shape = model._learner.shape
    given = np.random.default_rng(3).random((8, 8, 1 if len(shape) == 2 else 3), dtype=np.float32)
    data = try_denoiser(model.module_, shape, model.settings_.corruption, given)
    pixels = image.reshape(*image.shape[:2], -1)
    numbers = page.evaluate(COMPUTE, [json.dumps(data.to_dict()), pixels.ravel().tolist(), *pixels.shape])
    return np.array(numbers).reshape(image.shape), data


GREY_IMAGE = GREY[:31, :45].astype(np.float32) / 255
COLOUR_IMAGE = CHINA[:31, :45].astype(np.float32) / 255


@pytest.mark.parametrize("image", [GREY_IMAGE, COLOUR_IMAGE], ids=["grey", "colour"])
@pytest.mark.parametrize(
    "network", [RESIDUAL, "residual:channels=6/,blocks=2", "residual:channels=4/6/8,blocks=1", "dense"]
)
@pytest.mark.parametrize("trained_on", [GREY, FLOWER], ids=["a grey network", "a network of colours"])
def test_the_page_computes_what_python_computes(calculator, image, network, trained_on, monkeypatch):
    patch = 6 if network == "dense" else 16
    model = fitted([trained_on[:64, :64]], network=network, patch=patch, max_steps=12)
    noisy = image + np.random.default_rng(1).normal(0, 0.1, image.shape).astype(np.float32)
    expected = model.denoise(noisy)
    assert np.abs(expected - noisy).max() > 0.05
    shown, data = by_page(calculator, model, noisy)
    assert data.max_error > 0
    assert np.abs(shown - expected).max() < 1 / 255
    monkeypatch.setattr("taciturn.report.numbers.try_denoiser.MAX_DIFFERENCE", -1.0)
    shown, data = by_page(calculator, model, noisy)
    assert data.max_error == 0
    np.testing.assert_allclose(shown, expected, atol=2e-5)


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (40, 2)])
@pytest.mark.parametrize("network", [RESIDUAL, "dense"])
def test_the_page_denoises_images_of_any_size(calculator, size, network):
    model = fitted([GREY[:64, :64]], network=network, patch=6 if network == "dense" else 16, max_steps=5)
    image = np.random.default_rng(0).random(size, dtype=np.float32)
    shown, _ = by_page(calculator, model, image)
    assert np.abs(shown - model.denoise(image)).max() < 1 / 255


def test_the_error_by_rounded_weights_is_stated(denoiser, monkeypatch):
    noisy = COLOUR_IMAGE + np.random.default_rng(1).normal(0, 0.1, COLOUR_IMAGE.shape).astype(np.float32)
    shape, corruption = denoiser._learner.shape, denoiser.settings_.corruption
    data = try_denoiser(denoiser.module_, shape, corruption, noisy)
    rounded = fitted([FLOWER], max_steps=1)
    rounded.module_.load_state_dict(denoiser.module_.state_dict())
    for weight in rounded.module_.weights:  # float16 has 11 digits; the largest is below 2 to the 15th, as in the page
        exponent = np.frexp(weight.abs().max().item())[1] - 15
        weight.data = (weight.data * 2.0**-exponent).half().float() * 2.0**exponent
    assert data.max_error == pytest.approx(np.abs(rounded.denoise(noisy) - denoiser.denoise(noisy)).max(), rel=1e-3)
    assert 0 < data.max_error < 0.25 / 255
    assert (data.noise, data.max_noise, data.kind, data.side) == (pytest.approx(0.11), 0.3, "residual", 0)


def test_what_a_page_cannot_compute_is_said(denoiser):
    size = sum(weight.numel() for weight in denoiser.module_.weights) * 2 * 4 / 3
    words = f"the network is too large for the page: {size / 1e6:.1f} MB, of at most 0.0 MB"
    assert denoiser_exclusion_reason(denoiser.module_, max_characters=int(size) - 10) == words
    assert denoiser_exclusion_reason(denoiser.module_, max_characters=int(size) + 10) is None
    conv = fitted([GREY[:64, :64]], network="conv:channels=4/", n_components=8, patch=8, max_steps=2)
    page = conv.report([GREY[:40, :40]])._page()
    assert "Not in this page: the page cannot compute the convolutions of conv:channels=4/" in page
    assert "try-denoiser-model" not in page


def done(page):
    page.wait_for_function("document.querySelector('[data-part=status]').textContent.includes('Computed in')")
    return page.locator("[data-part=status]").inner_text()


RESULT = "Array.from(taciturn.tryDenoiser.state.result.after.data)"


def test_the_readers_own_image_is_denoised(browser, file, denoiser, tmp_path):
    noisy = np.clip(CHINA + np.random.default_rng(2).normal(0, 25, CHINA.shape), 0, 255).round().astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "mine.png")
    with watched(browser) as page:
        page.goto(file.as_uri())
        assert page.locator("#try-denoiser .viewer").is_hidden()
        page.locator("[data-part=file]").set_input_files(tmp_path / "mine.png")
        assert done(page).startswith("mine.png: 110 × 90 pixels. Computed in ")
        result = np.array(page.evaluate(RESULT)).reshape(CHINA.shape)
        assert np.abs(255 * result.clip(0, 1) - denoiser.denoise(noisy)).max() < 1.01  # which is rounded
        assert np.abs(result - denoiser.denoise((noisy / 255).astype(np.float32))).max() < 1 / 255
        assert page.locator("#try-denoiser .viewer").is_visible()
        with page.expect_download() as download:
            page.locator("[data-part=save]").click()
        saved = np.asarray(Image.open(download.value.path()))
        assert np.abs(saved[..., :3].astype(int) - denoiser.denoise(noisy)).max() <= 1
        page.locator("[data-part=noise]").fill("0.1")
        page.wait_for_function("document.querySelector('[data-part=status]').textContent.includes('PSNR')")
        assert "PSNR against the image without the added noise: 20.0 → " in done(page)
        (tmp_path / "text.png").write_text("no image")
        page.locator("[data-part=file]").set_input_files(tmp_path / "text.png")
        page.wait_for_function("document.querySelector('[data-part=status]').textContent.includes('is not an image')")


def test_an_image_is_dropped_and_large_ones_are_cut(browser, file, tmp_path):
    large = np.zeros((20, 600), np.uint8)
    large[:, 300] = 255
    Image.fromarray(large).save(tmp_path / "large.png")
    text = base64.b64encode((tmp_path / "large.png").read_bytes()).decode()
    drop = """async (text) => {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
      document.getElementById("try-denoiser").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer }));
    }"""
    with watched(browser) as page:
        page.goto(file.as_uri())
        page.evaluate(drop, text)
        assert "dropped.png: 512 × 20 pixels, the middle of a larger image." in done(page)
        before = page.evaluate("Array.from(taciturn.tryDenoiser.state.result.before.data.slice(0, 512))")
        assert (len(before), int(np.argmax(before))) == (512, 300 - 44)
        page.locator("[data-part=part]").select_option("whole")
        page.wait_for_function("document.querySelector('[data-part=status]').textContent.includes('scaled down')")
        assert "512 × 17 pixels" in done(page)


def test_an_image_of_the_page_is_denoised_and_stopped(browser, file, report):
    with watched(browser) as page:
        page.goto(file.as_uri())
        page.locator("[data-part=own]").select_option("1")
        assert done(page).startswith(f"{report.denoised_images[1].name}: 110 × 90 pixels.")
        before, after = map(float, re.search(r"([\d.]+) → ([\d.]+) dB", done(page)).groups())
        assert before == pytest.approx(-20 * np.log10(0.11), abs=0.2)
        assert after > before
        clean = page.evaluate("Array.from(taciturn.tryDenoiser.state.result.before.data)")
        noise = np.array(clean).reshape(90, 110) - GREY / 255
        assert noise.std() == pytest.approx(0.11, rel=0.03)
        page.evaluate("() => { taciturn.tryDenoiser.update(); document.querySelector('[data-part=stop]').click(); }")
        page.wait_for_function("document.querySelector('[data-part=status]').textContent === 'Stopped.'")


# ---------------------------------------------------------------- filters


def test_filters_are_those_that_the_network_applies_to_pixels(report, denoiser):
    filters, network = report.filters, denoiser.module_.convolutions
    assert (filters.kernels.shape, filters.height, filters.width, filters.step) == ((8, 6, 6, 3), 6, 6, 2)
    image = torch.rand(1, 3, 20, 26)
    with torch.no_grad():
        expected = network.first(F.pixel_unshuffle(image, 2))[:, filters.channels]
    kernels = torch.from_numpy(filters.kernels).float().permute(0, 3, 1, 2)
    torch.testing.assert_close(F.conv2d(image, kernels, stride=2, padding=2), expected)
    norms = [network.first.weight[channel].norm().item() for channel in filters.channels]
    assert filters.norms == pytest.approx(norms)
    assert norms == sorted(norms, reverse=True)


def test_filters_of_a_strided_convolution_are_its_kernels():
    model = fitted([GREY[:64, :64]], network="conv:channels=4/,kernel=3", n_components=8, patch=8, max_steps=2)
    filters = model.report([GREY[:40, :40]]).filters
    weight = model.module_.encoder[0].weight.detach().numpy()
    np.testing.assert_array_equal(filters.kernels[:, :, :, 0], weight[filters.channels, 0])


def test_filters_are_drawn(browser, file, report):
    with watched(browser) as page:
        page.goto(file.as_uri())
        images = page.locator("#filters .thumbnail")
        assert images.count() == 8
        assert images.first.bounding_box()["width"] >= 64
        assert images.first.get_attribute("aria-label") == f"filter {report.filters.channels[0]}"
        assert "All 8 filters of the first convolution" in page.locator("#filters").inner_text()


# ---------------------------------------------------------------- words


def test_rows_of_images_are_called_patches(report, denoiser, browser, file, tmp_path):
    assert report.summary.described_rows == "84 given patches of 16 × 16 pixels in colour"
    grey = fitted([GREY[:64, :64]], max_steps=2).report([GREY[:40, :40]]).summary
    assert grey.described_rows == "12 given patches of 16 × 16 pixels"  # two bands of 20 lines, 2 × 3 in each
    assert Summary.from_dict(report.summary.to_dict()) == report.summary
    assert report.row_name(1234) == "patch 1,234"
    lines = dict(denoiser.to_artifact().lines())
    assert "rows" not in lines
    assert lines["patches"] == f"{denoiser.to_artifact().rows.count:,}"
    denoiser.save(tmp_path / "run")
    assert "patches" in output_text(run("info", tmp_path / "run"))
    with watched(browser) as page:
        page.goto(file.as_uri())
        for section in ("samples", "errors", "provenance"):
            text = page.locator(f"#{section}").inner_text()
            assert "patch" in text
            assert re.findall(r"\brows?\b", text) == []
        assert "Evaluated on 84 given patches of 16 × 16 pixels in colour." in page.locator("header").inner_text()
