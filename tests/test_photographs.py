"""Image files, patches of images of any size, and denoising them in windows."""

import re
import warnings
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from scipy.ndimage import median_filter
from sklearn.base import clone

import taciturn
from commandline import output_text, run
from object_store import needs_server
from taciturn import ImageDenoiser, datasets
from taciturn.cli.images import names_images
from taciturn.core.errors import DataError, RecipeError, TaciturnWarning
from taciturn.corruption import Corruption
from taciturn.data.images.images import ImageFile, images_of
from taciturn.data.images.noise import image_noise
from taciturn.data.images.patches import Patches, turned
from taciturn.data.images.writing import write_image
from taciturn.data.order import WindowOrder
from taciturn.data.sources import drawn, open_path
from taciturn.data.sources.local_file import LocalFile
from taciturn.data.split import split_source
from taciturn.data.windows import shuffled_rows
from taciturn.inference.images import check_noise, in_windows
from test_resume import Ended, assert_same, end_at

RNG = np.random.default_rng(0)
GREY = RNG.integers(256, size=(9, 7), dtype=np.uint8)
COLOUR = RNG.integers(256, size=(9, 7, 3), dtype=np.uint8)
ALPHA = RNG.integers(256, size=(9, 7, 1), dtype=np.uint8)
DEEP = RNG.integers(65536, size=(9, 7), dtype=np.uint16)
FLOATS = RNG.random((9, 7), dtype=np.float32)
PALETTE = Image.fromarray(COLOUR).quantize(16)
FEW = {"patch": 4, "max_steps": 4, "random_state": 0, "network": "dense"}


def loaded(path):
    """The image in a file, which is closed."""
    with Image.open(path) as image:
        image.load()
        return image


def with_grey_key(path):
    Image.fromarray(GREY).save(path, transparency=int(GREY[0, 0]))


FILES = {
    "grey.png": (lambda path: Image.fromarray(GREY).save(path), GREY[:, :, None]),
    "deep.png": (lambda path: Image.fromarray(DEEP).save(path), DEEP[:, :, None]),
    "colour.png": (lambda path: Image.fromarray(COLOUR).save(path), COLOUR),
    "transparent.png": (lambda path: Image.fromarray(np.dstack([COLOUR, ALPHA])).save(path), COLOUR),
    "grey transparent.png": (lambda path: Image.fromarray(np.dstack([GREY, ALPHA])).save(path), GREY[:, :, None]),
    "grey with a key.png": (with_grey_key, GREY[:, :, None]),
    "palette.png": (lambda path: PALETTE.save(path), np.asarray(PALETTE.convert("RGB"))),
    "bits.png": (lambda path: Image.fromarray(GREY > 99).save(path), np.where(GREY > 99, 255, 0)[:, :, None]),
    "deep.tif": (lambda path: Image.fromarray(DEEP).save(path), DEEP[:, :, None]),
    "floats.tif": (lambda path: Image.fromarray(FLOATS).save(path), FLOATS[:, :, None]),
    "packed.tiff": (lambda path: Image.fromarray(COLOUR).save(path, compression="tiff_lzw"), COLOUR),
    "exact.webp": (lambda path: Image.fromarray(COLOUR).save(path, lossless=True), COLOUR),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_as_it_is(tmp_path, name):
    write, expected = FILES[name]
    write(tmp_path / name)
    (image,) = images_of(tmp_path / name)
    assert image.shape == (*expected.shape[:2], expected.shape[2])
    np.testing.assert_array_equal(image.pixels(), expected)
    assert image.dtype == {"deep": np.uint16, "floa": np.float32}.get(name[:4], np.uint8)
    row = open_path(tmp_path / name)
    np.testing.assert_array_equal(row.read(0, 1)[0], expected.ravel())
    assert row.shape == (expected.shape if expected.shape[2] == 3 else expected.shape[:2])


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("palette.png", "bits.png")])
def test_a_file_is_written_as_it_was(tmp_path, name):
    """The mode, the transparency and the metadata are kept; the pixels are the new ones."""
    FILES[name][0](tmp_path / name)
    (image,) = images_of(tmp_path / name)
    pixels = (1 - image.pixels()) if image.dtype == np.float32 else np.iinfo(image.dtype).max - image.pixels()
    write_image(tmp_path / f"new {name}", pixels, LocalFile.of(tmp_path / name))
    before, after = loaded(tmp_path / name), loaded(tmp_path / f"new {name}")
    if "key" not in name:
        assert (after.mode, after.size) == (before.mode, before.size)
    (written,) = images_of(tmp_path / f"new {name}")
    if name != "exact.webp":
        np.testing.assert_array_equal(written.pixels(), pixels)
    if "transparent" in name:
        np.testing.assert_array_equal(np.asarray(after)[:, :, -1:], ALPHA)


def test_metadata_is_kept(tmp_path):
    exif, texts = Image.Exif(), PngImagePlugin.PngInfo()
    exif[274], exif[315] = 6, "A. Person"  # orientation: turned by 90°; artist
    texts.add_text("Title", "a park")
    Image.fromarray(COLOUR).save(tmp_path / "a.png", exif=exif, pnginfo=texts, dpi=(300, 300), icc_profile=b"profile")
    Image.fromarray(COLOUR).save(tmp_path / "a.jpg", exif=exif, quality=60, subsampling=2)
    Image.fromarray(DEEP).save(tmp_path / "a.tif", tiffinfo={270: "a cell", 315: "A. Person"}, dpi=(300, 300))
    for name in ("a.png", "a.jpg", "a.tif"):
        file = LocalFile.of(tmp_path / name)
        write_image(tmp_path / f"new {name}", ImageFile.of(file).pixels(), file)
        new = loaded(tmp_path / f"new {name}")
        assert new.size == (7, 9)  # as it is stored: the orientation is written beside
        if name != "a.tif":
            assert dict(new.getexif()) == dict(exif)
    png, jpg, tif = (loaded(tmp_path / f"new a.{kind}") for kind in ("png", "jpg", "tif"))
    assert png.text == {"Title": "a park"}
    assert round(png.info["dpi"][0]) == round(tif.info["dpi"][0]) == 300
    assert png.info["icc_profile"] == b"profile"
    assert jpg.quantization == loaded(tmp_path / "a.jpg").quantization
    assert (tif.tag_v2[270], tif.tag_v2[315]) == ("a cell", "A. Person")


def test_black_and_white_of_a_fax_is_written_as_grey(tmp_path):
    Image.fromarray(GREY > 99).save(tmp_path / "a.tif", compression="group4")
    file = LocalFile.of(tmp_path / "a.tif")
    write_image(tmp_path / "b.tif", GREY[:, :, None], file)
    new = loaded(tmp_path / "b.tif")
    assert new.mode == "L"
    np.testing.assert_array_equal(np.asarray(new), GREY)


def test_a_tiff_with_jpeg_compression_keeps_its_quality(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.tif", compression="jpeg", quality=95)
    file = LocalFile.of(tmp_path / "a.tif")
    pixels = ImageFile.of(file).pixels()
    write_image(tmp_path / "b.tif", pixels, file)
    Image.fromarray(pixels).save(tmp_path / "c.tif", compression="jpeg", quality=95)
    new, expected = loaded(tmp_path / "b.tif"), loaded(tmp_path / "c.tif")
    assert new.info["compression"] == "jpeg"
    np.testing.assert_array_equal(np.asarray(new), np.asarray(expected))


@pytest.mark.parametrize("ending", ["tif", "jpg", "png", "webp"])
def test_the_camera_and_the_place_of_a_tiff_are_kept(tmp_path, ending):
    """Aperture (33437), camera (272) and latitude (1). Pixels are turned, without an orientation."""
    tags = {272: "a camera", 274: 6, 34665: {33437: 2.5}, 34853: {1: "N"}}
    Image.fromarray(COLOUR).save(tmp_path / "a.tif", tiffinfo=tags)
    file = LocalFile.of(tmp_path / "a.tif")
    pixels = ImageFile.of(file).pixels()
    np.testing.assert_array_equal(pixels, np.rot90(COLOUR, -1))
    write_image(tmp_path / f"b.{ending}", pixels, file)
    with Image.open(tmp_path / f"b.{ending}") as new:
        written = new.getexif()
        assert (written[272], written.get(274, 1), new.size) == ("a camera", 1, (9, 7))
        assert float(written.get_ifd(34665)[33437]) == 2.5
        assert written.get_ifd(34853)[1] == "N"


def truncated(path):
    Image.fromarray(RNG.integers(256, size=(99, 99), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:5000])


def several(path):
    Image.fromarray(GREY).save(path, save_all=True, append_images=[Image.fromarray(255 - GREY)])


def deep_colours(path):
    """A PNG of 16 bits per colour, which Pillow does not write: two bytes for each number (W3C, PNG, 11.2)."""
    import struct
    import zlib

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + bytes(12)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))


def deep_key(path):
    Image.fromarray(DEEP).save(path, transparency=int(DEEP[0, 0]))


def huge(path):
    """A PNG whose header declares 20,000 × 20,000 pixels."""
    deep_colours(path)
    content = bytearray(path.read_bytes())
    content[16:25] = (20_000).to_bytes(4, "big") * 2 + b"\x08"
    import zlib

    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (truncated, "cannot be read: image file is truncated"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_bytes(b"hello"), "it is not an image"),
        (lambda path: path.write_bytes(b"hello\n"), "it is not an image"),
        (deep_key, "one of its greys of 16 bits is transparent, which is not read; remove the transparency"),
        (lambda path: several(path), "it holds 2 images; write each into a file of its own"),
        (deep_colours, "it has 16 bits per colour, of which Pillow reads 8"),
        (huge, "it has more than 178,956,970 pixels, the most that are read; cut it into parts"),
    ],
    ids=[
        "truncated",
        "empty",
        "text",
        "a line",
        "a transparent grey of 16 bits",
        "several",
        "16-bit colours",
        "20,000 x 20,000",
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, write, words):
    Image.fromarray(np.resize(GREY, (99, 99))).save(tmp_path / "a.png")
    write(tmp_path / "b.png")
    for read in (images_of, open_path, ImageDenoiser(**FEW).fit):
        with pytest.raises(DataError) as caught:
            read(tmp_path)
        assert str(tmp_path / "b.png") in str(caught.value)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ([GREY.astype(np.int64)], "image 0 holds int64 numbers; give uint8 or uint16, or floats from 0 to 1"),
        ([GREY * 1.0], "; floats must be from 0 (black) to 1 (white)"),
        ([GREY / 255, np.full((4, 4), np.nan)], "image 1 has missing values; fill them"),
        ([np.dstack([COLOUR, ALPHA])], "image 0 has shape (9, 7, 4); give (height, width) or (height, width, 3)"),
        ([], "there is no image"),
        ([GREY[:0]], "image 0 has shape (0, 7)"),
        ("nowhere.png", "nowhere.png: no such file"),
    ],
)
def test_what_is_no_image_is_refused(images, words):
    with pytest.raises(DataError) as caught:
        ImageDenoiser(**FEW).fit(images)
    assert words in str(caught.value)


def test_missing_values_of_an_image_to_denoise_are_named(denoiser):
    with pytest.raises(DataError) as caught:
        denoiser.denoise(np.where(GREY > 99, np.nan, FLOATS))
    assert str(caught.value) == "image 0 has missing values; fill them"


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")
@pytest.mark.parametrize("dtype", [">u2", ">f4", ">f8"])
def test_numbers_of_either_byte_order_are_images(denoiser, dtype):
    given = DEEP if dtype == ">u2" else FLOATS.astype(dtype[1:])
    np.testing.assert_array_equal(denoiser.denoise(given.astype(dtype)), denoiser.denoise(given))


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")
@pytest.mark.parametrize("window", [1024, 6], ids=["whole", "windows"])
def test_views_of_arrays_are_denoised(window, monkeypatch, recwarn):
    """Turned, of one line, and read-only."""
    monkeypatch.setattr("taciturn.inference.images.WINDOW", window)
    monkeypatch.setattr("taciturn.inference.images.MARGIN", 2)
    model = ImageDenoiser(**FEW | {"network": "residual:channels=4/,blocks=1", "channels": 1}).fit([GREY])
    fixed = FLOATS.copy()
    fixed.flags.writeable = False
    for view in (FLOATS[::-1], FLOATS[:, ::-1], FLOATS[:1][::-1], fixed):
        np.testing.assert_array_equal(model.denoise(view), model.denoise(view.copy()))
    assert not [each for each in recwarn if "writable" in str(each.message)]


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match="holds no images; they are "):
        ImageDenoiser(**FEW).fit(tmp_path)


def test_images_of_one_size_are_rows(tmp_path):
    for i in range(12):
        Image.fromarray(COLOUR + i).save(tmp_path / f"{i}.png")
    rows = datasets.load(str(tmp_path))
    assert (rows.shape, len(rows), rows.dtype) == ((9, 7, 3), 12, np.uint8)
    np.testing.assert_array_equal(rows.read(10, 11)[0], (COLOUR + 10).ravel())  # in natural order
    Image.fromarray(GREY).save(tmp_path / "12.png")
    with pytest.raises(DataError, match=r"12.png has 9 × 7 numbers of uint8, but .*0.png has 9 × 7 × 3 numbers"):
        datasets.load(str(tmp_path))


# --- patches ---------------------------------------------------------------------------------------------------
def numbered(height, width, first=0):
    """An image whose pixels all differ."""
    return (np.arange(height * width, dtype=np.float32).reshape(height, width) + first) / 10_000


def test_a_grid_covers_every_pixel():
    images = [numbered(23, 17), numbered(9, 40, 1000), numbered(3, 2, 2000)]
    patches = Patches(images_of(images), 5)
    seen = np.unique(patches.read(0, len(patches)))
    np.testing.assert_array_equal(seen, np.unique(np.concatenate([image.ravel() for image in images])))
    assert patches.blocks[-1] == len(patches)
    np.testing.assert_array_equal(patches.take(np.array([3, 0, 3])), patches.read(0, 9)[[3, 0, 3]])
    assert len(Patches(images_of([np.zeros((600, 700))] * 30), 8)) == 30 * 256  # of large images, at most 256


def test_a_drawn_patch_is_a_pure_function_of_seed_epoch_and_row():
    images = images_of([numbered(30, 30), numbered(25, 40, 1000)])
    patches = Patches(images, 6)
    epoch = drawn(patches, 3, 1)
    rows = epoch.read(0, len(patches))
    assert rows.shape == (len(patches), 36)
    for start in (0, 7, len(patches) - 1):
        np.testing.assert_array_equal(Patches(images, 6).drawn(3, 1).read(start, start + 5), rows[start : start + 5])
    for other in (drawn(patches, 4, 1), drawn(patches, 3, 2), patches):
        assert (other.read(0, len(patches)) != rows).any(1).mean() > 0.9
    # through the window that shuffles them, from any position on
    order = WindowOrder(patches.blocks, 20, 3, 1)
    whole = next(shuffled_rows(epoch, order, [(0, len(patches))]))
    np.testing.assert_array_equal(np.unique(whole, axis=0), np.unique(rows, axis=0))
    np.testing.assert_array_equal(next(shuffled_rows(epoch, order, [(11, 15)])), whole[11:15])


def test_a_drawn_patch_is_a_part_of_its_image_in_one_of_eight_positions():
    image = numbered(14, 18)
    patches = Patches(images_of([image]), 4)
    rows = np.concatenate([patches.drawn(0, epoch).read(0, len(patches)) for epoch in range(20)]).reshape(-1, 4, 4)
    positions = set()
    for patch in rows:
        top, left = divmod(round(float(patch.min()) * 10_000), 18)
        expected = image[top : top + 4, left : left + 4]
        (turn,) = [t for t in range(8) if (turned(expected[..., None], t)[..., 0] == patch).all()]
        positions.add(turn)
    assert positions == set(range(8))


def test_held_out_patches_share_no_pixel_with_the_others():
    images = images_of([numbered(60, 50, 5000 * i) for i in range(3)])
    training, held_out = split_source(Patches(images, 5), 0.2, seed=0)
    assert len(training) + len(held_out) == len(Patches(images, 5))
    kept = np.unique(held_out.read(0, len(held_out)))
    for epoch in range(5):
        assert not np.isin(training.drawn(0, epoch).read(0, len(training)), kept).any()
        assert np.isin(held_out.drawn(0, epoch).read(0, len(held_out)), kept).all()


@pytest.mark.parametrize("height", [10, 11, 14, 19])
def test_held_out_patches_of_one_low_image_share_no_pixel_with_the_others(height):
    training, held_out = split_source(Patches(images_of(numbered(height, 40, 0)), 5), 0.2, seed=0)
    kept = np.unique(held_out.read(0, len(held_out)))
    for epoch in range(5):
        assert not np.isin(training.drawn(0, epoch).read(0, len(training)), kept).any()


def test_a_patch_of_an_image_that_is_too_low_is_not_held_out(tmp_path):
    image = numbered(9, 40, 0)
    with pytest.raises(DataError, match=r"^the image or signal is too small.*hold out none \(--held-out 0"):
        split_source(Patches(images_of(image), 5), 0.2, seed=0)
    with pytest.raises(DataError, match="the image or signal is too small"):
        ImageDenoiser(patch=5, early_stopping=True, max_iter=1, network="dense").fit(image)
    blind = ImageDenoiser(4, patch=5, corruption="blind_spot:0.2", max_steps=2, network="dense", random_state=0)
    assert blind.fit(image).denoise(image).shape == image.shape  # its errors are calibrated on the training patches


def test_grey_and_colour_images_are_mixed():
    images = images_of([GREY, COLOUR])
    colour, grey = Patches(images, 4), Patches(images, 4, 1)
    assert (colour.shape, grey.shape) == ((4, 4, 3), (4, 4))
    first = colour.read(0, 1).reshape(4, 4, 3)
    np.testing.assert_allclose(first, np.repeat(GREY[:4, :4, None], 3, 2) / 255, rtol=1e-6)
    last = grey.read(len(grey) - 1, len(grey)).reshape(4, 4)
    np.testing.assert_allclose(last, COLOUR[-4:, -4:] @ [0.299, 0.587, 0.114] / 255, rtol=1e-5)


# --- windows ---------------------------------------------------------------------------------------------------
@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), side=st.integers(1, 12), data=st.data())
def test_windows_of_any_image_put_together_are_the_image(height, width, side, data):
    step = data.draw(st.integers(1, side))
    pixels = np.random.default_rng(height * 41 + width).random((height, width, 1), dtype=np.float32)
    parts = list(in_windows(lambda windows: windows, pixels, side, step, 1, "image"))
    assert [start for start, _ in parts] == np.cumsum([0, *(len(lines) for _, lines in parts)])[:-1].tolist()
    np.testing.assert_allclose(np.concatenate([lines for _, lines in parts]), pixels, atol=1e-5)


def test_windows_are_weighted_by_sin2():
    """By hand: two windows of 4 pixels, 2 apart, that hold 0 and 1; the weights are sin²((i + ½) π / 4)."""
    values = iter([0.0, 1.0])

    def compute(windows):
        return np.stack([np.full_like(window, next(values)) for window in windows])

    (lines,) = (lines for _, lines in in_windows(compute, np.zeros((4, 6, 1), np.float32), 4, 2, 1, "image"))
    low, high = np.sin(np.pi / 8) ** 2, np.sin(3 * np.pi / 8) ** 2
    np.testing.assert_allclose(lines[0, :, 0], [0, 0, low / (low + high), high / (low + high), 1, 1], rtol=1e-5)


# --- the denoiser ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def denoiser():
    return ImageDenoiser(**FEW).fit([np.linspace(0, 1, 1200).reshape(30, 40), RNG.random((30, 40, 3))])


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")
@pytest.mark.parametrize(
    "image",
    [GREY, COLOUR, DEEP, FLOATS, GREY[:1, :1], GREY[:, :, None], np.stack([GREY] * 3), FLOATS.astype(np.float64)],
    ids=["grey", "colour", "16 bits", "floats", "1 x 1", "one channel", "three images", "float64"],
)
def test_an_image_keeps_its_shape_and_type(denoiser, image):
    result = denoiser.denoise(image)
    assert (result.shape, result.dtype) == (image.shape, image.dtype)
    (listed,) = denoiser.denoise([image]) if image.ndim != 3 or image.shape[2] in (1, 3) else (result,)
    np.testing.assert_array_equal(listed, result)


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")
def test_a_grey_model_denoises_each_colour_by_itself():
    model = ImageDenoiser(channels=1, **FEW).fit([COLOUR, GREY])
    result = model.denoise(COLOUR)
    for channel in range(3):
        np.testing.assert_array_equal(result[:, :, channel], model.denoise(COLOUR[:, :, channel]))


def test_one_patch_is_denoised_as_the_row_it_is(denoiser):
    """With one window, the result is what the network puts out for the row."""
    patch = np.random.default_rng(5).random((4, 4, 3), dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TaciturnWarning)
        result = denoiser.denoise(patch)
    from taciturn.data.sources import Rows
    from taciturn.inference import denoise

    (expected,) = denoise(denoiser.module_, Rows(np.repeat(patch.reshape(1, -1), 64, 0)))
    np.testing.assert_allclose(result.ravel(), expected[0], rtol=1e-5, atol=1e-6)


def test_images_are_scored_and_reported_by_their_patches(denoiser):
    images = [RNG.random((12, 16)), RNG.random((10, 9, 3))]
    patches = Patches(images_of(images), 4)
    assert denoiser.score(images) == denoiser.score(patches)
    assert denoiser.transform(images).shape == (len(patches), denoiser.module_.layout.widths[-1])
    again = clone(denoiser).partial_fit(images).partial_fit(images[:1])
    assert again.n_iter_ == 2


def test_files_and_arrays_give_the_same(tmp_path):
    images = [RNG.integers(256, size=(20 + i, 25), dtype=np.uint8) for i in range(4)]
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    of_files, of_arrays = (ImageDenoiser(corruption="gaussian:0.1", **FEW).fit(X) for X in (tmp_path, images))
    np.testing.assert_array_equal(of_files.module_.dictionary.detach(), of_arrays.module_.dictionary.detach())
    with pytest.warns(
        TaciturnWarning, match=r"\d.png: its noise has a standard deviation of about 0.\d+, but"
    ) as given:
        results = of_files.denoise(str(tmp_path / "*.png"))
    assert len(given) == 4
    assert [result.shape for result in results] == [image.shape for image in images]


def test_large_files_are_read_when_needed(tmp_path, monkeypatch):
    for i in range(3):
        Image.fromarray(RNG.integers(256, size=(30, 25), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    in_memory = ImageDenoiser(**FEW).fit(tmp_path)
    monkeypatch.setattr("taciturn.data.images.images.MAX_IN_MEMORY_BYTES", 100)
    assert all(isinstance(image, ImageFile) for image in images_of(tmp_path))
    read = ImageDenoiser(**FEW).fit(tmp_path)
    np.testing.assert_array_equal(in_memory.module_.dictionary.detach(), read.module_.dictionary.detach())


def test_pairs_of_two_folders(tmp_path):
    """With pairs there is no noise, and the target of a noisy patch is the same patch of the clean image."""
    for folder in ("noisy", "clean"):
        (tmp_path / folder).mkdir()
    for i in range(2):
        Image.fromarray(GREY).save(tmp_path / "noisy" / f"{i}.png")
        Image.fromarray(255 - GREY).save(tmp_path / "clean" / f"{i}.tif")
    model = ImageDenoiser(**FEW).fit(tmp_path / "noisy", target=tmp_path / "clean")
    assert model.settings_.corruption.clean
    noisy, clean = (Patches(images_of(tmp_path / folder), 4) for folder in ("noisy", "clean"))
    np.testing.assert_allclose(noisy.drawn(0, 2).read(0, 9), 1 - clean.drawn(0, 2).read(0, 9), atol=1e-6)
    (tmp_path / "clean" / "1.tif").rename(tmp_path / "clean" / "2.tif")
    with pytest.raises(DataError, match=r"2.tif has another name than .*1.png; give each pair the same name"):
        ImageDenoiser(**FEW).fit(tmp_path / "noisy", target=tmp_path / "clean")
    (tmp_path / "clean" / "2.tif").unlink()
    with pytest.raises(DataError, match="1 images for 2; give one for each"):
        ImageDenoiser(**FEW).fit(tmp_path / "noisy", target=tmp_path / "clean")


def test_a_denoiser_is_saved(denoiser, tmp_path):
    denoiser.save(tmp_path / "model")
    loaded = taciturn.load(tmp_path / "model")
    assert isinstance(loaded, ImageDenoiser)
    assert loaded.get_params() == denoiser.get_params()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TaciturnWarning)
        np.testing.assert_array_equal(loaded.denoise(COLOUR), denoiser.denoise(COLOUR))


def test_a_run_goes_on_with_the_same_patches(tmp_path, monkeypatch):
    images = [RNG.random((40, 30)) for _ in range(3)]
    model = ImageDenoiser(network="dense", patch=4, max_iter=4, random_state=0)
    whole = clone(model).fit(images)
    for steps in (1, whole._learner.steps_done * 2 // 3):
        with monkeypatch.context() as patch:
            end_at(patch, steps)
            with pytest.raises(Ended):
                clone(model).fit(images, checkpoint=tmp_path / f"{steps}", checkpoint_every=1)
        assert_same(ImageDenoiser.resume(tmp_path / f"{steps}", images), whole)


def test_it_learns_to_denoise(monkeypatch):
    """Smooth images: even a small network removes much of the noise, in windows of any size and in one alike."""
    x, y = np.meshgrid(np.linspace(0, 1, 64), np.linspace(0, 1, 48))
    clean = [0.5 + 0.4 * np.sin(a * x + b * y) for a, b in RNG.uniform(-12, 12, (24, 2))]
    small = "residual:channels=8/16,blocks=1"
    few = {"batch_size": 8, "max_steps": 160, "learning_rate": "cosine:0.01", "random_state": 0}
    model = ImageDenoiser(network=small, patch=32, **few).fit(clean[1:])
    noisy = clean[0] + RNG.normal(0, 0.1, clean[0].shape)
    error = np.mean((model.denoise(noisy) - clean[0]) ** 2)
    assert error < 0.4 * 0.1**2
    monkeypatch.setattr("taciturn.inference.images.WINDOW", 40)
    monkeypatch.setattr("taciturn.inference.images.MARGIN", 24)
    in_parts = model.denoise(noisy)
    assert np.mean((in_parts - clean[0]) ** 2) < 0.4 * 0.1**2


def smooth_images(n, std):
    """Images without noise, and the same with it."""
    draws = np.random.default_rng(5)
    x, y = np.meshgrid(np.linspace(0, 1, 64), np.linspace(0, 1, 48))
    clean = [0.5 + 0.4 * np.sin(a * x + b * y) for a, b in draws.uniform(-12, 12, (n, 2))]
    return clean, [image + draws.normal(0, std, image.shape) for image in clean]


SMALL = {
    "network": "residual:channels=8/16,blocks=1",
    "patch": 32,
    "batch_size": 8,
    "max_steps": 160,
    "learning_rate": "cosine:0.01",
    "random_state": 0,
}


@pytest.mark.parametrize("noise", ["recorrupted:0.1", "recorrupted:auto"])
def test_it_learns_from_noisy_images_alone(noise):
    """Nearly as much as from clean ones, while the noisy ones as targets of noisier ones keep their noise."""
    clean, noisy = smooth_images(24, 0.1)

    def error(corruption, images):
        model = ImageDenoiser(corruption=corruption, **SMALL).fit(images[1:])
        return np.mean((model.denoise(noisy[0]) - clean[0]) ** 2) / 0.1**2, model

    blind, model = error(noise, noisy)
    assert blind < 0.4
    assert blind < 1.6 * error("gaussian:0.1", clean)[0]
    assert model.settings_.corruption.std == pytest.approx(0.1, rel=0.03)
    # the error of patches, told by the noisy ones alone, is that against the clean ones
    patches, own = (Patches(images_of(images), 32).read(0, 99).reshape(-1, 32, 32) for images in (noisy, clean))
    told, standard_error = model.denoising_error(list(patches))
    true = np.mean([(model.denoise(patch) - image) ** 2 for patch, image in zip(patches, own, strict=True)])
    assert abs(told - true) < 5 * standard_error
    assert standard_error < 0.2 * true
    assert error("gaussian:0.05", noisy)[0] > 0.6


def test_a_run_on_noisy_images_goes_on_with_the_same_noise(tmp_path, monkeypatch):
    images = smooth_images(3, 0.1)[1]
    model = ImageDenoiser(network="dense", patch=4, corruption="recorrupted:auto", max_iter=3, random_state=0)
    whole = clone(model).fit(images)
    with monkeypatch.context() as patch:
        end_at(patch, 1)
        with pytest.raises(Ended):
            clone(model).fit(images, checkpoint=tmp_path / "run", checkpoint_every=1)
    assert_same(ImageDenoiser.resume(tmp_path / "run", images), whole)


def test_what_noisy_images_do_not_fit_is_refused():
    images = smooth_images(2, 0.1)
    for fit, words in [
        (lambda m: m.fit(images[1], target=images[0]), "recorrupted:auto learns from noisy rows alone; leave out"),
        (lambda m: m.fit([np.ones((40, 40))]), "recorrupted:auto finds no noise in the rows; set std to its standard"),
    ]:
        with pytest.raises((RecipeError, DataError)) as refused:
            fit(ImageDenoiser(corruption="recorrupted:auto", patch=4, max_steps=2, random_state=0))
        assert str(refused.value).startswith(words)
    with pytest.raises(RecipeError, match="auto estimates the noise of rows that stay as they are"):
        taciturn.DenoisingAutoencoder(4, corruption="recorrupted:auto", scaling="standard").fit(RNG.random((50, 8)))


def test_blind_spots_of_images():
    """One pass over the image, whose pixels were learnt from those around."""
    clean, noisy = smooth_images(24, 0.1)
    model = ImageDenoiser(corruption="blind_spot:0.2", **SMALL).fit(noisy[1:])
    assert np.mean((model.denoise(noisy[0]) - clean[0]) ** 2) < 0.6 * 0.1**2
    with pytest.raises(RecipeError, match="noise=auto; leave it out, or set corruption='recorrupted:auto'"):
        ImageDenoiser(corruption="blind_spot:0.2,noise=auto", **SMALL).fit(noisy)


def test_salt_and_pepper_are_removed_better_than_by_a_median():
    """Of textured images, of which a median filter removes much as well."""
    clean, _ = smooth_images(24, 0.0)
    clean = [np.clip(image + 0.3 * np.sin(np.add.outer(np.arange(48), np.arange(64)) * 1.2), 0, 1) for image in clean]
    noise = Corruption.parse("salt_pepper:0.3")
    noisy = noise(torch.from_numpy(clean[0]).float(), torch.Generator().manual_seed(0)).numpy()
    model = ImageDenoiser(corruption="salt_pepper:0.3", **SMALL | {"max_steps": 300}).fit(clean[1:])
    ours, median = (np.mean((each - clean[0]) ** 2) for each in (model.denoise(noisy), median_filter(noisy, 3)))
    assert ours < 0.7 * median


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"channels": 2}, "channels=2 must be 1, 3 or 'auto'"), ({"patch": 0}, "patch=0"), ({"patch": "8"}, "patch='8'")],
)
def test_parameters_are_checked(parameters, words):
    with pytest.raises(RecipeError) as caught:
        ImageDenoiser(**FEW | parameters).fit([GREY])
    assert words in str(caught.value)


def test_other_noise_than_that_of_the_training_is_noted():
    """Less than half of the least, and more than twice the greatest."""
    noted = {
        "gaussian:0.1": {0.01, 0.03, 0.3, 0.5},
        "gaussian:std=uniform(0.05,0.2)": {0.01, 0.5},
        "masking:0.3": set(),
        "poisson:50": {0.01, 0.03, 0.3, 0.5},  # 0.1 at the mean of the image, 0.5
        "recorrupted:0.1": {0.01, 0.03, 0.3, 0.5},
    }
    ramp = np.linspace(0, 1, 60_000).reshape(200, 300, 1)
    for noise, std in product(noted, (0.01, 0.03, 0.1, 0.3, 0.5)):
        image = ramp + np.random.default_rng(0).normal(0, std, ramp.shape)
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            check_noise(Corruption.parse(noise), image, "image")
        assert bool(given) == (std in noted[noise]), (noise, std)
        for each in given:
            end = "; the image may lose detail" if std < 0.1 else "; train one with corruption='gaussian:0."
            assert end in str(each.message)


@pytest.mark.parametrize("std", [0.02, 0.1, 0.3])
def test_the_noise_of_an_image_is_estimated(std):
    """Within 5% on a smooth image; of three channels the mean."""
    y, x = np.mgrid[:200, :300] / 100
    image = 0.5 + 0.2 * np.sin(3 * x + y) + np.random.default_rng(1).normal(0, std, (200, 300))
    assert abs(image_noise(image) / std - 1) < 0.05
    assert abs(image_noise(np.dstack([image, image, image * 0]) * 3) / (2 * std) - 1) < 0.05
    assert image_noise(np.ones((1, 1))) == 0


# --- the command line ------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A folder of photographs of different sizes, and the run that `taciturn fit` makes of it."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "train").mkdir()
    for i in range(5):
        Image.fromarray(np.random.default_rng(i).integers(256, size=(40 + i, 50, 3), dtype=np.uint8)).save(
            folder / "train" / f"{i}.png"
        )
    few = ("--patch", "6", "--max-steps", "5", "--network", "residual:channels=4/,blocks=1")
    done = run("fit", folder / "train", *few, "-o", folder / "run")
    assert "dB PSNR" in output_text(done)
    return folder


def test_a_folder_of_images_trains_an_image_denoiser(run_folder):
    model = taciturn.load(run_folder / "run")
    assert isinstance(model, ImageDenoiser)
    assert (model.patch, model.settings_.corruption.text) == (6, "gaussian:uniform(0.02,0.2)")
    assert model._learner.shape == (6, 6, 3)
    again = run("fit", run_folder / "run" / "recipe.toml", "-o", run_folder / "again", "--no-report")
    assert "images" in (run_folder / "again" / "recipe.toml").read_text()
    assert again.exit_code == 0
    weights = zip(taciturn.load(run_folder / "again").module_.weights, model.module_.weights, strict=True)
    assert all((first == second).all() for first, second in weights)
    run("evaluate", run_folder / "run")  # on the held-out patches, which are found again
    run("evaluate", run_folder / "run", run_folder / "train" / "1.png")
    refused = output_text(run("evaluate", run_folder / "run", "--corrupt", "recorrupted:auto", code=2))
    assert "recorrupted:auto is estimated from training rows only; give a number, as in recorrupted:0.1" in refused


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")
def test_a_photograph_is_denoised_by_the_command(run_folder, tmp_path):
    exif = Image.Exif()
    exif[274] = 8
    noisy = np.dstack([COLOUR, ALPHA])
    Image.fromarray(noisy).save(tmp_path / "photo.png", exif=exif)
    run("denoise", run_folder / "run", tmp_path / "photo.png", "-o", tmp_path / "clean.png")
    clean = loaded(tmp_path / "clean.png")
    assert (clean.mode, clean.size, dict(clean.getexif())) == ("RGBA", (7, 9), {274: 8})
    np.testing.assert_array_equal(np.asarray(clean)[:, :, 3:], ALPHA)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TaciturnWarning)
        expected = taciturn.load(run_folder / "run").denoise(COLOUR)
    np.testing.assert_array_equal(np.asarray(clean)[:, :, :3], expected)
    done = run("denoise", run_folder / "run", tmp_path / "photo.png", "-o", tmp_path / "clean.jpg", code=1)
    assert "clean.jpg: the image has transparency, which JPEG files do not hold; give the ending .png" in done.output
    done = run("denoise", run_folder / "run", tmp_path / "photo.png", "-o", tmp_path / "photo.png", code=2)
    assert "is read by this command" in output_text(done)
    done = run("denoise", run_folder / "run", "-o", tmp_path / "clean.png", code=2)
    assert "name the images to denoise: a file, a folder or a pattern" in output_text(done)


def test_nothing_is_written_if_a_file_of_a_folder_is_no_image(run_folder, tmp_path):
    (tmp_path / "noisy").mkdir()
    Image.fromarray(COLOUR).save(tmp_path / "noisy" / "1.png")
    (tmp_path / "noisy" / "2.png").write_text("no image")
    done = run("denoise", run_folder / "run", tmp_path / "noisy", "-o", tmp_path / "clean", code=1)
    assert "2.png: it is not an image that Pillow reads" in output_text(done)
    assert not (tmp_path / "clean").exists()


def test_images_are_told_of_in_their_words(run_folder, tmp_path):
    few = ("--patch", "6", "--max-steps", "2", "--network", "residual:channels=4/,blocks=1", "--no-report")
    done = run("fit", run_folder / "train", *few, "-o", tmp_path / "run")
    assert re.search(r"trained on +\d+ patches, ", output_text(done))
    done = run("fit", run_folder / "train", *few, "--texts", "foo", "-o", tmp_path / "other", code=2)
    assert "texts: images have no columns; leave it out" in output_text(done)
    Image.fromarray(GREY[:6, :6]).save(tmp_path / "a.png")
    done = run("fit", tmp_path / "a.png", *few, "-o", tmp_path / "other", code=1)
    assert "1 of 1 patches is left to train on, but training requires 2; give more patches" in output_text(done)


def test_rows_among_images_are_not_left_out(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    np.save(tmp_path / "rows.npy", np.ones((50, 63)))
    done = run("fit", tmp_path, "-o", tmp_path / "run", code=1)
    assert "holds files of different formats, '.png', '.npy'; name those of one" in output_text(done)


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning")
def test_a_table_beside_images_is_left_out(tmp_path):
    for number, height in enumerate((8, 8, 12)):
        Image.fromarray(np.full((height, 9), 7, np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "labels.csv").write_text("name,label\n0.png,1\n1.png,0\n")
    assert names_images(str(tmp_path))
    assert [image.shape[0] for image in images_of(tmp_path)] == [8, 8, 12]


@needs_server
def test_a_folder_of_images_in_a_store_trains_an_image_denoiser(server, tmp_path, monkeypatch):
    address, store = server
    for name, value in {"ENDPOINT_URL": address, "ACCESS_KEY_ID": "user", "SECRET_ACCESS_KEY": "right"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    Image.fromarray(np.tile(GREY, (3, 3))).save(tmp_path / "0.png")
    for folder, names in {"photos": ["0.png", "1.png"], "mixed": ["0.png", "rows.npy"]}.items():
        for name in names:
            with store.open_output_stream(f"sources/{folder}/{name}") as stream:
                stream.write((tmp_path / "0.png").read_bytes())
    where = "s3://sources/photos"
    assert [names_images(text) for text in (where, f"{where}/", f"{where}/*.png", f"{where}/0.png")] == [True] * 4
    assert not names_images("s3://sources/mixed")
    assert not names_images("s3://sources/none")
    few = ["--patch", 6, "--network", "dense", "--max-steps", 2, "--no-report"]
    done = run("fit", f"{where}/", *few, "-o", tmp_path / "run")
    assert re.search(r"trained on +\d+ patches, ", output_text(done))


def test_a_folder_is_denoised_into_a_folder(run_folder, tmp_path):
    run("denoise", run_folder / "run", run_folder / "train", "-o", tmp_path / "clean")
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == [f"{i}.png" for i in range(5)]
    before = (tmp_path / "clean" / "3.png").read_bytes()
    (tmp_path / "clean" / "3.png").write_bytes(b"mine")
    done = run("denoise", run_folder / "run", run_folder / "train", "-o", tmp_path / "clean", code=2)
    assert "holds 0.png already; choose another folder, or replace it (--overwrite)" in output_text(done)
    assert (tmp_path / "clean" / "3.png").read_bytes() == b"mine"
    run("denoise", run_folder / "run", str(run_folder / "train" / "[34].png"), "-o", tmp_path / "clean", "--overwrite")
    assert (tmp_path / "clean" / "3.png").read_bytes() == before
    done = run("denoise", run_folder / "run", run_folder / "train", "-o", run_folder / "train", code=2)
    assert "is read by this command; choose another folder" in output_text(done)


def test_pairs_on_the_command_line(tmp_path):
    """A folder of noisy images and one of clean ones: trained, reported, evaluated; other names are refused."""
    rng = np.random.default_rng(0)
    clean = [rng.integers(0, 256, (20, 24, 3), np.uint8) // 2 for _ in range(3)]
    for folder, names in (("noisy", "abc"), ("clean", "abc"), ("other", "abd")):
        (tmp_path / folder).mkdir()
        for name, image in zip(names, clean, strict=True):
            noisy = image + rng.integers(0, 40, image.shape, np.uint8) * (folder == "noisy")
            Image.fromarray(noisy.astype(np.uint8)).save(tmp_path / folder / f"{name}.png")
    noisy, out = tmp_path / "noisy", tmp_path / "run"
    options = ("--patch", "8", "--max-steps", "3", "-o", out)
    assert "another name" in run("fit", noisy, "--target", tmp_path / "other", *options, code=1).output
    assert not out.exists()
    run("fit", noisy, "--target", tmp_path / "clean", *options)
    assert (out / "report.html").exists()
    run("evaluate", out)
    run("evaluate", out, noisy, "--target", tmp_path / "clean")
    assert "another name" in run("evaluate", out, noisy, "--target", tmp_path / "other", code=1).output
    assert "independent rows" in run("check", out, code=2).output


def test_originals_are_not_replaced(tmp_path):
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / "a.png")
    ImageDenoiser(patch=8, max_steps=1, random_state=0).fit(tmp_path).save(tmp_path / "model")
    before = (tmp_path / "a.png").read_bytes()
    for data in (tmp_path / "*.png", tmp_path / "a.png"):
        done = run("denoise", tmp_path / "model", data, "-o", tmp_path, "--overwrite", code=2)
        assert "is read by this command" in done.output
    assert (tmp_path / "a.png").read_bytes() == before


def test_an_array_with_transparency_is_refused():
    with pytest.raises(DataError, match=r"shape \(6, 8, 4\): leave out transparency"):
        images_of(np.zeros((6, 8, 4)))
    assert len(images_of(np.zeros((6, 8, 4, 1)))) == 6


def test_a_compressed_tiff_of_eight_bits_is_read(tmp_path):
    """The place of its pixels in the file may hold the digits 16. Also where all of Pillow's readers are loaded."""
    Image.init()
    for width in range(100, 130):
        path = tmp_path / f"{width}.tif"
        Image.fromarray(np.random.default_rng(width).integers(0, 256, (40, width, 3), np.uint8)).save(
            path, compression="tiff_lzw"
        )
        assert images_of(path)[0].shape == (40, width, 3)
