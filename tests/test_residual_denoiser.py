"""The residual denoiser of images: its convolutions, its gradients, images of any size, and the trainer around it."""

import os
import signal

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from commandline import run
from taciturn import DenoisingAutoencoder, SparseAutoencoder, load
from taciturn.core.errors import DataError, RecipeError
from taciturn.model import Batch, Layout, Range, create
from taciturn.model.coding_layers import Identity
from taciturn.model.networks import ResidualNetwork
from taciturn.objective import Objective, SquaredError
from taciturn.training.step import Step, plan

NETWORK = "residual:channels=4/6,blocks=1"
PARAMETERS = {"network": NETWORK, "corruption": "gaussian:0.1", "shape": (8, 12), "random_state": 0, "device": "cpu"}


def waves(n, height=8, width=12, seed=0):
    """Return images of smooth waves in [0, 1] as rows [n, height · width], float32."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    a, b, c, d = rng.uniform(1, 4, (4, n, 1, 1))
    return ((np.sin(x / a + 6 * c) * np.cos(y / b + 6 * d) + 1) / 2).reshape(n, -1).astype(np.float32)


def denoiser(network=NETWORK, image=(8, 12), dtype=torch.float64, seed=0):
    """Return a denoiser with weights that are not 0 anywhere."""
    network = ResidualNetwork.parse(network)
    layout = Layout((int(np.prod(image)), 0), Identity(), network=network, image=image)
    model = create(layout, rng=torch.Generator().manual_seed(seed)).to(dtype)
    rng = torch.Generator().manual_seed(seed + 1)
    for weight in model.weights:
        weight.data.copy_(torch.randn(weight.shape, generator=rng, dtype=dtype) / 6)
    return model


def convolved(image, kernels):
    """Return an image [channels, height, width] convolved by kernels [out, channels, 3, 3], by loops over pixels."""
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    height, width = image.shape[1:]
    out = np.zeros((len(kernels), height, width))
    for i in range(height):
        for j in range(width):
            out[:, i, j] = (kernels * padded[:, i : i + 3, j : j + 3]).sum((1, 2, 3))
    return out


def halved(image, kernels):
    """Return an image [channels, height, width] half as high and wide, by kernels [out, channels, 2, 2]."""
    corners = np.stack([[image[:, i::2, j::2] for j in (0, 1)] for i in (0, 1)])  # [2, 2, channels, …]
    return np.einsum("ijchw,ocij->ohw", corners, kernels)


def doubled(image, kernels):
    """Return an image [channels, height, width] twice as high and wide, by kernels [channels, out, 2, 2]."""
    corners = np.einsum("chw,coij->ohiwj", image, kernels)
    return corners.reshape(kernels.shape[1], 2 * image.shape[1], 2 * image.shape[2])


def denoised(image, weights):
    """Return an image [height, width] denoised by a network of one or two scales with one block, in NumPy."""
    height, width = image.shape
    scales = 1 + ("down.0.weight" in weights)
    padding = ((0, -height % 2**scales), (0, -width % 2**scales))
    padded = np.pad(image, padding, mode="edge")

    def block(x, number):
        inner = convolved(x, weights[f"sides.{number}.0.inner.weight"]).clip(0)
        return x + convolved(inner, weights[f"sides.{number}.0.outer.weight"])

    # four images, each of every second pixel of every second line
    x = np.stack([padded[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    x = block(convolved(x, weights["first.weight"]), 0)
    if scales == 2:
        small = block(halved(x, weights["down.0.weight"]), 1)
        x = block(x + doubled(small, weights["up.0.weight"]), 2)
    noise = np.zeros_like(padded)
    for k, part in enumerate(convolved(x, weights["last.weight"])):
        noise[k // 2 :: 2, k % 2 :: 2] = part
    return image + noise[:height, :width]


@pytest.mark.parametrize("image", [(4, 8), (5, 7)])
@pytest.mark.parametrize("channels", ["3/", "3/4"])
def test_it_computes_what_loops_over_pixels_compute(channels, image):
    model = denoiser(f"residual:channels={channels},blocks=1", image=image)
    weights = {name: weight.detach().numpy() for name, weight in model.convolutions.named_parameters()}
    row = np.random.default_rng(0).random(int(np.prod(image)))
    x = torch.from_numpy(row)[None]
    result = model.decode(model.codes(x), x).detach().numpy()[0]
    assert_allclose(result, denoised(row.reshape(image), weights).ravel(), atol=1e-12)


@pytest.mark.parametrize("image", [(8, 12), (5, 7), (6, 6, 3)])
def test_gradients_agree_with_finite_differences(image):
    model = denoiser(image=image)
    step = Step(model, Objective((SquaredError(),)))
    x, noisy = torch.rand(2, 3, int(np.prod(image)), dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    batch = Batch(x, x, noisy)
    step.gradients(batch)
    for name, weight in model.named_parameters():
        gradient, flat = weight.grad.flatten(), weight.data.view(-1)
        for i in (0, len(flat) // 2, len(flat) - 1):
            losses, value = [], flat[i].item()
            for change in (1e-5, -1e-5):
                flat[i] = value + change
                losses.append(step(batch)[1]["loss"].item())
            flat[i] = value
            assert_allclose(gradient[i], (losses[0] - losses[1]) / 2e-5, rtol=2e-4, atol=1e-9, err_msg=name)


def test_a_new_denoiser_returns_its_rows():
    x = torch.rand(3, 96)
    layout = Layout((96, 0), Identity(), network=ResidualNetwork((4, 6)), image=(8, 12))
    assert torch.equal(create(layout, rng=torch.Generator().manual_seed(0)).denoise(x), x)


def test_rows_and_images_of_their_size_are_denoised_alike():
    for image in ((8, 12), (8, 12, 3)):
        model = denoiser(image=image)
        x = torch.rand(4, int(np.prod(image)), dtype=torch.float64)
        assert_allclose(model.denoise_images(x.view(4, *image)).reshape(4, -1), model.denoise(x).detach(), atol=1e-12)


def test_the_shift_of_an_image_shifts_the_result():
    """By a multiple of the smallest scale's pixel, and away from the border."""
    model = denoiser()
    image = torch.rand(1, 96, 96, dtype=torch.float64)
    result = model.denoise_images(image)[0]
    moved = model.denoise_images(image.roll((4, 8), (1, 2)))[0]
    assert_allclose(moved[44:-40, 48:-40], result[40:-44, 40:-48], atol=1e-12)
    assert not np.allclose(moved[44:-40, 48:-40], result[44:-40, 48:-40])


def test_brightness_scales_the_result():
    model = denoiser()
    image = torch.rand(1, 20, 20, dtype=torch.float64)
    assert_allclose(model.denoise_images(3 * image), 3 * model.denoise_images(image), atol=1e-12)


def test_images_of_any_size_keep_their_size():
    model = denoiser()
    for size in ((1, 1), (1, 9), (13, 30), (8, 12)):
        assert model.denoise_images(torch.rand(2, *size)).shape == (2, *size)


def test_images_that_do_not_fit_are_refused():
    grey, colour = denoiser(), denoiser(image=(8, 12, 3))
    for model, images in ((grey, torch.rand(8, 12)), (grey, torch.rand(1, 8, 12, 3)), (colour, torch.rand(1, 8, 12))):
        with pytest.raises(DataError, match=r"images of shape .* do not fit the model; give a torch tensor"):
            model.denoise_images(images)


def test_denoising_helps():
    X = waves(400)
    model = DenoisingAutoencoder(max_iter=20, learning_rate=0.003, **PARAMETERS).fit(X)
    clean = waves(50, seed=1)
    noisy = clean + 0.1 * np.random.default_rng(2).standard_normal(clean.shape, np.float32)
    assert np.square(model.denoise(noisy) - clean).mean() < 0.5 * np.square(noisy - clean).mean()
    larger, noise = waves(1, 21, 33, seed=3), np.random.default_rng(4).standard_normal((1, 21, 33), np.float32)
    denoised = model.module_.denoise_images(torch.from_numpy(larger.reshape(1, 21, 33) + 0.1 * noise)).numpy()
    assert np.square(denoised.reshape(1, -1) - larger).mean() < 0.5 * 0.01


def test_a_saved_denoiser_is_the_same_and_trains_on_with_the_same_bits(tmp_path):
    X = waves(100)
    model = DenoisingAutoencoder(max_iter=2, **PARAMETERS).fit(X)
    model.save(tmp_path / "model")
    same = load(tmp_path / "model")
    assert same.settings_ == model.settings_
    assert_array_equal(same.denoise(X), model.denoise(X))
    assert_array_equal(same.partial_fit(X).denoise(X), model.partial_fit(X).denoise(X))


def test_a_resumed_run_ends_with_the_same_bits(tmp_path):
    X = waves(128)
    parameters = PARAMETERS | {"max_iter": 4, "batch_size": 32, "early_stopping": True}
    whole = DenoisingAutoencoder(**parameters).fit(X)
    stopped = DenoisingAutoencoder(**parameters)

    def stop(line):
        if line["kind"] == "interval" and line["step"] >= 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        stopped.fit(X, checkpoint=tmp_path / "run", checkpoint_every=3, callbacks=[stop])
    resumed = DenoisingAutoencoder.resume(tmp_path / "run", X)
    assert_array_equal(resumed.history_["loss"], whole.history_["loss"])
    for name, tensor in whole.module_.state_dict().items():
        assert torch.equal(resumed.module_.state_dict()[name], tensor), name


def test_it_learns_from_pairs_and_from_blocks_of_rows():
    clean, rng = waves(300), np.random.default_rng(1)
    noisy = clean + 0.1 * rng.standard_normal(clean.shape, np.float32)
    parameters = PARAMETERS | {"corruption": "auto", "learning_rate": 0.003}
    pairs = DenoisingAutoencoder(max_iter=15, **parameters).fit(noisy, target=clean)
    assert pairs.settings_.corruption.clean
    assert np.square(pairs.predict(noisy) - clean).mean() < 0.6 * 0.01
    blocks = DenoisingAutoencoder(**PARAMETERS | {"learning_rate": 0.003})
    for start in range(0, 300, 50):
        blocks.partial_fit(clean[start : start + 50])
    assert blocks.settings_.scaling == Range()
    assert np.square(blocks.denoise(noisy) - clean).mean() < 0.01


def test_pixels_are_scaled_alike():
    X = 900 + 100 * waves(60)
    model = DenoisingAutoencoder(max_iter=1, **PARAMETERS).fit(X)
    assert model.settings_.scaling == Range()
    assert model.module_.scale.unique().tolist() == pytest.approx([X.max() - X.min()])
    with pytest.raises(RecipeError, match="scales all pixels alike, scaling='standard' does not"):
        DenoisingAutoencoder(scaling="standard", **PARAMETERS).fit(X)
    bytes_ = (255 * waves(60)).astype(np.uint8)
    model = DenoisingAutoencoder(max_iter=1, **PARAMETERS).fit(bytes_)
    images = torch.from_numpy(bytes_[:2].reshape(2, 8, 12))
    assert_allclose(model.module_.denoise_images(images).reshape(2, -1), model.denoise(bytes_[:2]), atol=1e-3)


def test_what_is_of_codes_is_refused():
    X = waves(60)
    for parameters, message in (
        ({"n_components": 8}, "network='.*' has no latents, but n_components=8; leave it out"),
        ({"sparsity": "topk:2"}, "network='.*' has no codes, but sparsity='topk:2'; set sparsity='none'"),
        ({"tied": True}, "tied=True cannot be used with network='.*'; leave it out"),
        ({"shape": None}, "is for images, but a row has the shape"),
    ):
        with pytest.raises(RecipeError, match=message):
            DenoisingAutoencoder(**PARAMETERS | parameters).fit(X)
    with pytest.raises(RecipeError, match=r"has no codes, but sparsity='kl:0.05'; set sparsity='none'"):
        SparseAutoencoder(**PARAMETERS | {"corruption": None}).fit(X)
    model = DenoisingAutoencoder(max_iter=1, **PARAMETERS).fit(X)
    with pytest.raises(RecipeError, match="has no codes; call denoise"):
        model.transform(X)
    with pytest.raises(RecipeError, match="has no codes"):
        model.to_onnx("model.onnx")


def test_a_report_leaves_out_what_is_of_codes(tmp_path):
    X = waves(60)
    model = DenoisingAutoencoder(max_iter=2, **PARAMETERS | {"corruption": "gaussian:uniform(0.02,0.2)"}).fit(X)
    report = model.report(waves(20, seed=1))
    assert "latent" not in report.verdict.sentence + str(report.verdict.points) + str(report.summary.lines())
    assert report.summary.psnr_after > report.summary.psnr_before
    assert [baseline.name for baseline in report.baselines.models] == ["PCA"]
    report.save(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for anchor in ("atlas", "latents", "neighbours"):
        assert f'id="{anchor}"' not in page, anchor
    for anchor in ("samples", "training", "baselines", "provenance"):
        assert f'id="{anchor}"' in page, anchor


def test_the_command_trains_one(tmp_path):
    np.save(tmp_path / "images.npy", waves(60))
    data, out = tmp_path / "images.npy", tmp_path / "run"
    network = ["--network", NETWORK, "--shape", "8x12", "--corrupt", "gaussian:0.1", "--epochs", "2"]
    run("fit", data, *network, "-o", out)
    assert (tmp_path / "run" / "report.html").is_file()
    run("denoise", out, data, "-o", tmp_path / "clean.npy")
    assert np.load(tmp_path / "clean.npy").shape == (60, 96)
    run("fit", tmp_path / "run" / "recipe.toml", "-o", tmp_path / "again")
    assert_array_equal(load(tmp_path / "again").denoise(waves(9)), load(tmp_path / "run").denoise(waves(9)))


def test_the_plain_step_trains_it():
    model = denoiser()
    assert plan.step(model.layout, Objective((SquaredError(),))) is Step


@pytest.mark.parametrize("supported", [True, False])
def test_bf16_rounds_the_convolutions_where_the_processor_multiplies_bfloat16(monkeypatch, supported):
    monkeypatch.setattr("taciturn.training.step.step.multiplies_bfloat16", lambda: supported)
    x = torch.from_numpy(waves(4))
    batch = Batch(x, x, x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)))
    gradients = {}
    for precision in ("fp32", "bf16"):
        model = denoiser(dtype=torch.float32)
        Step(model, Objective((SquaredError(),)), precision).gradients(batch)
        gradients[precision] = torch.cat([weight.grad.flatten() for weight in model.weights])
    exact, rounded = gradients.values()
    error = float((rounded - exact).norm() / exact.norm())
    assert (1e-4 < error < 0.02) if supported else error == 0


def test_bf16_does_not_round_other_networks(monkeypatch):
    monkeypatch.setattr("taciturn.training.step.step.multiplies_bfloat16", lambda: True)
    parameters = {"network": "conv:channels=4/", "shape": (8, 12), "sparsity": None, "max_iter": 1, "random_state": 0}
    exact, rounded = (
        DenoisingAutoencoder(4, precision=precision, **parameters).fit(waves(20)).denoise(waves(3))
        for precision in ("fp32", "bf16")
    )
    assert_array_equal(rounded, exact)
