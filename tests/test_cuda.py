"""Fits on a GPU against the same on the processor. What needs none: test_elsewhere.py, test_triton.py."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from fits import mixtures, models

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and torch for CUDA"),
    pytest.mark.filterwarnings("ignore::taciturn.errors.TaciturnWarning"),  # short fits miss their targets
]

X = mixtures(6000)
MODELS = models(max_iter=3, batch_size=500, random_state=0)


@pytest.mark.parametrize("name", MODELS)
def test_a_gpu_learns_what_the_processor_learns(name):
    """Sums are taken in another order, so a near tie may fall otherwise: what is learnt agrees, not every bit."""
    here = MODELS[name].set_params(device="cpu").fit(X)
    score, losses, k = here.score(X), here.history_["loss"], abs(here.transform(X) != 0).sum() / len(X)
    there = MODELS[name].set_params(device="cuda").fit(X)
    assert there.module_.dictionary.is_cuda
    assert_allclose(there.history_["loss"], losses, rtol=0.02)
    assert_allclose(there.score(X), score, atol=0.01)
    assert_allclose(abs(there.transform(X) != 0).sum() / len(X), k, rtol=0.05)


@pytest.mark.parametrize("name", ["topk", "batch_topk", "matryoshka", "auxk and resampling", "tied"])
def test_a_run_on_a_gpu_repeats_bit_for_bit(name):
    pytest.importorskip("triton", reason="needs triton, which comes with torch for CUDA")
    model = MODELS[name].set_params(device="cuda")
    first, second = ({k: v.cpu() for k, v in model.fit(X).module_.state_dict().items()} for _ in range(2))
    for part, tensor in first.items():
        assert_array_equal(second[part], tensor)


def test_the_first_steps_gradients_are_the_processors():
    from taciturn.kernels import Chunked, Plain
    from taciturn.model import Autoencoder, Layout
    from taciturn.passes import Batch
    from taciturn.sparsify import TopK
    from taciturn.step import Step, plan
    from taciturn.terms import Objective, SquaredError

    found = []
    layout = Layout((24, 640), TopK(4), centred=True)
    for kernels, device in ((Plain(), "cpu"), (Chunked(), "cuda"), (plan.kernels(layout, "fp32", "cuda"), "cuda")):
        rng = torch.Generator().manual_seed(0)
        model = Autoencoder(layout, rng=rng, kernels=kernels).double().to(device)
        x = torch.from_numpy(X[:500]).double().to(device)
        step = Step(model, Objective((SquaredError(),))).to(device)
        step.backward(Batch(x, x, x))
        found.append([parameter.grad.cpu().numpy() for parameter in model.parameters()])
    for other in found[1:]:
        for ours, expected in zip(other, found[0], strict=True):
            assert_allclose(ours, expected, atol=1e-10 * np.abs(expected).max())


def test_a_model_that_is_moved_back_says_the_same():
    model = MODELS["topk"].set_params(device="cuda").fit(X)
    codes = model.module_.encode(torch.from_numpy(X[:100]).cuda()).dense().cpu()
    moved = model.module_.cpu().encode(torch.from_numpy(X[:100])).dense()
    assert_allclose(moved.detach(), codes.detach(), atol=1e-4)
