"""Fits on a GPU against the same fits on the CPU. Tests that need no GPU: test_elsewhere.py, test_triton.py."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest

from fits import mixtures, models
from taciturn import DenoisingAutoencoder, SparseAutoencoder
from taciturn.corruption import Dropout, Gaussian, Masking, SaltPepper, Swap, corrupted
from taciturn.data.sources import Rows
from taciturn.kernels import Above, Top
from taciturn.model import Layout
from taciturn.model.coding_layers import TopK
from taciturn.training import Feed
from taciturn.training.step import ByHand, Captured, plan

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and torch for CUDA"),
    pytest.mark.filterwarnings("ignore::taciturn.core.errors.TaciturnWarning"),  # short fits miss their targets
]

X = mixtures(6000)
FIT = {"max_iter": 3, "batch_size": 500, "random_state": 0}
MODELS = models(**FIT)


@pytest.mark.parametrize("name", MODELS)
def test_a_fit_on_a_gpu_agrees_with_a_fit_on_the_cpu(name):
    """Sums are taken in another order, so a near tie may be decided otherwise: results agree, but not to the bit."""
    on_cpu = MODELS[name].set_params(device="cpu").fit(X)
    score, losses, l0 = on_cpu.score(X), on_cpu.history_["loss"], abs(on_cpu.transform(X) != 0).sum() / len(X)
    on_gpu = MODELS[name].set_params(device="cuda").fit(X)
    assert on_gpu.module_.dictionary.is_cuda
    assert_allclose(on_gpu.history_["loss"], losses, rtol=0.02)
    assert_allclose(on_gpu.score(X), score, atol=0.01)
    assert_allclose(abs(on_gpu.transform(X) != 0).sum() / len(X), l0, rtol=0.05)


@pytest.mark.parametrize("name", ["topk", "batch_topk", "matryoshka", "auxk and resampling", "tied"])
def test_a_run_on_a_gpu_repeats_bit_for_bit(name):
    pytest.importorskip("triton", reason="needs triton, which comes with torch for CUDA")
    model = MODELS[name].set_params(device="cuda")
    first, second = ({k: v.cpu() for k, v in model.fit(X).module_.state_dict().items()} for _ in range(2))
    for part, tensor in first.items():
        assert_array_equal(second[part], tensor)


@pytest.mark.parametrize("network", ["conv:channels=4/8", "residual:channels=4/8,blocks=1"])
def test_networks_of_images_on_a_gpu_agree_with_those_on_the_cpu(network):
    images = X[:1000]
    parameters = {"network": network, "shape": (4, 6), "corruption": "gaussian:0.1", **FIT}
    fits = {device: DenoisingAutoencoder(device=device, **parameters).fit(images) for device in ("cpu", "cuda")}
    assert fits["cuda"].module_.dictionary.is_cuda
    assert_allclose(fits["cuda"].history_["loss"], fits["cpu"].history_["loss"], rtol=0.05)
    if network.startswith("residual"):
        larger = torch.rand(1, 20, 30)
        on_cpu = fits["cpu"].module_.denoise_images(larger)
        assert fits["cuda"].module_.denoise_images(larger).shape == on_cpu.shape


def test_the_first_steps_gradients_are_those_of_the_cpu():
    from taciturn.kernels import Chunked, Plain
    from taciturn.model import Autoencoder, Batch
    from taciturn.objective import Objective, SquaredError
    from taciturn.training.step import Step

    gradients = []
    layout = Layout((24, 640), TopK(4), centred=True)
    for kernels, device in ((Plain(), "cpu"), (Chunked(), "cuda"), (plan.kernels(layout, "fp32", "cuda"), "cuda")):
        rng = torch.Generator().manual_seed(0)
        model = Autoencoder(layout, rng=rng, kernels=kernels).double().to(device)
        x = torch.from_numpy(X[:500]).double().to(device)
        step = Step(model, Objective((SquaredError(),))).to(device)
        step.backward(Batch(x, x, x))
        gradients.append([parameter.grad.cpu().numpy() for parameter in model.parameters()])
    for others in gradients[1:]:
        for grad, expected in zip(others, gradients[0], strict=True):
            assert_allclose(grad, expected, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("penalty", ["kl:0.2", "kl:0.2,weight=0.3", "squared_rate:0.2", "l1:l0=3"])
@pytest.mark.parametrize("corruption", ["clean", "gaussian:0.2"])
def test_a_recorded_step_trains_as_the_step_computed_each_time(monkeypatch, penalty, corruption):
    def fitted():
        model = SparseAutoencoder(40, sparsity=penalty, corruption=corruption, device="cuda", **FIT)
        return model.fit(abs(X))

    recorded = fitted()
    assert isinstance(recorded._learner.step, Captured)
    assert recorded._learner.step._recordings
    monkeypatch.setattr(Captured, "fits", lambda layout, objective: False)
    plain = fitted()
    assert type(plain._learner.step) is ByHand
    for name, column in plain.history_.items():
        if name not in ("seconds", "epoch"):
            assert_allclose(recorded.history_[name], column, rtol=1e-3, atol=1e-4, err_msg=name)
    assert_allclose(recorded.transform(abs(X)), plain.transform(abs(X)), atol=1e-2)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
@pytest.mark.parametrize("rule", [Top(64), Above(torch.tensor(4.0))], ids=["top", "above"])
def test_the_entries_are_those_that_float64_selects(precision, rule):
    rng = torch.Generator("cuda").manual_seed(0)
    x, W, b, c = (torch.randn(n, device="cuda", generator=rng) for n in ((3000, 512), (16384, 512), (16384,), (512,)))
    W, b = W / 512**0.5, 0.1 * b
    kernels = plan.kernels(Layout((512, 16384), TopK(64)), precision, "cuda")
    kernels = replace(kernels, entries=1 << 24)  # three chunks
    index, values = kernels.pick(x, W, b, c, rule)
    pre = (x - c).double() @ W.double().T + b.double()
    assert (values - pre[index.rows, index.latents]).abs().max() < 3e-5
    least = pre.topk(64).values[:, -1:] if isinstance(rule, Top) else torch.full((3000, 1), 4.0, device="cuda")
    selected = torch.zeros_like(pre, dtype=torch.bool)
    selected[index.rows, index.latents] = True
    assert selected.sum() == len(values)
    clear = (pre - least).abs() > 3e-5
    assert torch.equal(selected[clear], (pre > least)[clear])


def test_noise_on_a_gpu_is_normal_and_the_same_for_any_split():
    x = torch.zeros(640, 5000, device="cuda")
    noise = corrupted(x, Gaussian(0.5), seed=3, purpose="corrupt")
    assert torch.equal(noise[128:], corrupted(x[128:], Gaussian(0.5), seed=3, purpose="corrupt", first_row=128))
    assert not torch.equal(noise, corrupted(x, Gaussian(0.5), seed=4, purpose="corrupt"))
    sample = noise.flatten().cpu().numpy() / 0.5
    assert kstest(sample, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(sample[:-5000], sample[5000:])[0, 1]) < 4 / len(sample) ** 0.5  # rows, and blocks of them
    assert abs(np.corrcoef(noise[:-64].flatten().cpu(), noise[64:].flatten().cpu())[0, 1]) < 4 / len(sample) ** 0.5
    for corruption, unchanged in ((Dropout(0.3), 0.7), (SaltPepper(0.3), 0.7), (Masking(0.3), 0.7), (Swap(0.3), 0.7)):
        rows = torch.rand(640, 5000, device="cuda") + 0.25
        same = corrupted(rows, corruption, seed=3, purpose="corrupt") == (
            rows / 0.7 if isinstance(corruption, Dropout) else rows
        )
        assert abs(same.float().mean().item() - unchanged) < 2e-3


@pytest.mark.parametrize("name", ["topk", "bf16", "int8"])
def test_a_model_that_is_moved_to_the_cpu_has_the_same_codes(name):
    model = MODELS[name].set_params(device="cuda").fit(X)
    codes = model.module_.encode(torch.from_numpy(X[:100]).cuda()).dense().cpu()
    moved = model.module_.cpu().encode(torch.from_numpy(X[:100])).dense()
    assert_allclose(moved.detach(), codes.detach(), atol=1e-4)


@pytest.mark.parametrize("target", [False, True])
def test_rows_that_do_not_fit_on_the_device_arrive_unchanged(monkeypatch, target):
    def batches():
        feed = Feed(Rows(X), torch.Tensor.float, 500, 0, target=Rows(-X) if target else None, device="cuda")
        return [tensor for epoch in (0, 1) for b in feed.epoch(epoch) for tensor in (b.x, b.target)]

    monkeypatch.setattr("taciturn.training.feed.CHUNK_NUMBERS", 1)  # no more than a batch at a time
    on_device = [tensor.cpu() for tensor in batches()]
    monkeypatch.setattr("taciturn.data.device_rows.row_capacity", lambda device: 0)
    for streamed, expected in zip(batches(), on_device, strict=True):
        assert torch.equal(streamed.cpu(), expected)


def test_a_step_is_recorded_while_rows_arrive(monkeypatch):
    monkeypatch.setattr("taciturn.training.feed.CHUNK_NUMBERS", 1)
    losses = []
    for _ in range(2):
        model = SparseAutoencoder(40, sparsity="kl:0.2", device="cuda", **FIT | {"batch_size": 70}).fit(abs(X))
        assert len(model._learner.step._recordings) == 2  # batches of 70 rows and of 69
        losses.append(model.history_["loss"])
        monkeypatch.setattr("taciturn.data.device_rows.row_capacity", lambda device: 0)
    assert_allclose(losses[1], losses[0], rtol=1e-5)
