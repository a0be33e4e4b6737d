"""The adjusted weight: its law step by step, which codes the penalty acts on, and the target on held-out rows."""

import math

import numpy as np
import pytest
import torch

from taciturn import SparseAutoencoder, datasets
from taciturn.core.errors import Diverged, RecipeError
from taciturn.core.seeds import generator
from taciturn.corruption import Gaussian
from taciturn.data.split import split
from taciturn.model import Autoencoder, Batch, Layout
from taciturn.model.coding_layers import ReLU, Sigmoid
from taciturn.objective import KL, L1, Controller, SquaredError, SquaredRate
from taciturn.training.step import Step


# --- the law, replayed in plain Python floats -----------------------------------------------------------------
class Law:
    def __init__(self, aim_offset, scale, steps):
        self.o, self.scale, self.H = aim_offset, scale, min(max(steps // 100, 5), 200)
        self.w, self.m, self.s, self.c, self.n = math.log(0.1 * scale), 1.0, 1.0, 0.0, 0

    def update(self, ratio, ease):
        low, high = math.log(1e-3 * self.scale), math.log(1e3 * self.scale)
        self.n += 1
        self.m += (ratio - self.m) / min(self.n, self.H)
        if self.o:
            d = self.m - 1
            if d * self.s < -self.o:
                self.s = -self.s
            if self.w <= low + 1e-4:  # at the lower bound
                self.c = min(max(self.c + min(max(d, -1), 1) / self.H, -0.5), 0.5)
            else:
                self.c *= 1 - 1 / self.H
            r = max(1 + d * self.s / self.o, 1e-3)
        else:
            r = max(self.m, 1e-3)
        self.w = min(max(self.w + 0.4 / self.H * ease * min(max(math.log(r), -1), 0.25), low), high)


@pytest.mark.parametrize("aim_offset", [0.1, 0.0])
@pytest.mark.parametrize("kind", ["above", "below", "oscillating", "near"])
def test_the_law_step_by_step(aim_offset, kind):
    rng = np.random.default_rng(0)
    ratios = {
        "above": 1 + rng.random(4000),
        "below": 1 - 0.5 * rng.random(4000),
        "oscillating": 1 + np.sin(np.arange(4000) / 300) + 0.1 * rng.standard_normal(4000),
        "near": 1 + 0.05 * rng.standard_normal(4000),
    }[kind]
    controller, law = Controller(aim_offset), Law(aim_offset, 0.5, 4000)
    controller.reset(scale=0.5, steps=4000)
    for i, ratio in enumerate(ratios):
        ease = 1 - i / 4000
        controller.update(float(ratio), ease)
        law.update(ratio, ease)
        if i % 97 == 0:
            state = [getattr(controller, name).item() for name in ("log_weight", "mean", "side", "correction")]
            assert state == pytest.approx([law.w, law.m, law.s, law.c], rel=1e-12, abs=1e-15)
    assert controller.weight == pytest.approx(math.exp(law.w), rel=1e-12)
    assert controller.aim == pytest.approx(1 - aim_offset * law.s - law.c, rel=1e-12)


def test_at_the_target_the_weight_stays_and_the_aim_is_an_offset_past_it():
    controller = Controller(0.1)
    controller.reset(scale=1.0, steps=1000)
    before = controller.weight
    for _ in range(50):
        controller.update(1.0, 1.0)
    assert controller.weight == pytest.approx(before)
    assert controller.aim == pytest.approx(0.9)


def test_an_aim_past_a_high_rate_stays_below_1():
    X = np.random.default_rng(0).random((300, 10), np.float32)
    model = SparseAutoencoder(8, sparsity="kl:0.985", max_iter=20, random_state=0).fit(X)
    assert np.isfinite(model.history_["loss"]).all()
    assert model.transform(X).mean() == pytest.approx(0.985, abs=0.02)


# --- initialisation and calibration -----------------------------------------------------------------------------
def model_and_rows(coder, n=400, widths=(6, 9), **layout):
    rng = torch.Generator().manual_seed(0)
    model = Autoencoder(Layout(widths, coder, **layout), rng=rng).double()
    x = torch.rand(n, widths[0], generator=rng, dtype=torch.float64) * torch.arange(1, widths[0] + 1) / 3
    return model, x


@pytest.mark.parametrize("term", [KL(0.05), SquaredRate(0.2)], ids=lambda t: t.text)
def test_each_latent_is_initialised_at_the_rate(term):
    model, x = model_and_rows(Sigmoid())
    Step(model, SquaredError() + term).initialise(x, steps=100)
    np.testing.assert_allclose(model.codes(x).dense().detach().mean(0), term.rate, rtol=1e-9)


@pytest.mark.parametrize(
    ("output", "inverse"), [("identity", lambda mean: mean), ("sigmoid", lambda m: np.log(m / (1 - m)))]
)
def test_the_decoders_initial_output_is_the_mean_row(output, inverse):
    from taciturn.model.coding_layers import Elementwise

    model, x = model_and_rows(Sigmoid(), output=Elementwise.parse(output))
    x = x / x.max()
    Step(model, SquaredError() + KL(0.1)).initialise(x, steps=100)
    np.testing.assert_allclose(model.decoder[-1].bias.detach(), inverse(x.mean(0).numpy()), rtol=1e-9)


def test_l1_is_initialised_and_calibrated_at_its_l0():
    model, x = model_and_rows(ReLU())
    step = Step(model, SquaredError() + L1(l0=3))
    step.initialise(x, steps=100)
    codes = model.codes(x).dense()
    assert (codes > 0).sum(1).double().mean().item() == pytest.approx(3, abs=0.03)
    np.testing.assert_allclose((codes > 0).double().mean(0), 3 / 9, atol=1 / 400)
    model.shift_biases(torch.full((9,), 0.7, dtype=torch.float64))
    assert step.calibrate(x)["l1"].ratio == pytest.approx(1, abs=0.01)


def test_calibration_meets_the_rate_with_one_shift_and_keeps_the_mean_reconstruction():
    model, x = model_and_rows(Sigmoid())
    step = Step(model, SquaredError() + KL(0.1))
    step.initialise(x, steps=100)
    model.shift_biases(torch.linspace(0.2, 0.9, 9, dtype=torch.float64))
    before, mean = model.encoder[-1].bias.detach().clone(), model.decode(model.codes(x)).detach().mean(0)
    assert step.calibrate(x)["kl"].ratio == pytest.approx(1, rel=1e-9)
    shift = model.encoder[-1].bias.detach() - before
    np.testing.assert_allclose(shift, shift[0], rtol=1e-9)
    np.testing.assert_allclose(model.decode(model.codes(x)).detach().mean(0), mean, rtol=1e-9)


def test_calibration_changes_nothing_where_the_rate_is_met():
    model, x = model_and_rows(Sigmoid())
    step = Step(model, SquaredError() + KL(0.1))
    step.initialise(x, steps=100)
    model.shift_biases(torch.full((9,), 0.01, dtype=torch.float64))
    before = model.encoder[-1].bias.detach().clone()
    step.calibrate(x)
    assert torch.equal(model.encoder[-1].bias, before)


# --- which codes the penalty acts on ------------------------------------------------------------------------------
@pytest.mark.parametrize("noisy", [True, False])
def test_the_penalty_acts_on_the_codes_of_the_clean_rows(noisy):
    """∂/∂W of w Σ KL(aim·ρ, mean clean code), in NumPy, beside the error of the corrupted rows."""
    model, x = model_and_rows(Sigmoid(), n=50)
    step = Step(model, SquaredError(weight=0) + KL(0.1)).double()
    step.initialise(x, steps=100)
    model.shift_biases(torch.full((9,), 0.5, dtype=torch.float64))
    corrupted = Gaussian(1.0)(x, generator(0, "test")) if noisy else x
    step.gradients(Batch(x, x, corrupted))
    W, b = (p.detach().numpy() for p in (model.encoder[0].weight, model.encoder[0].bias))
    h = 1 / (1 + np.exp(-(x.numpy() @ W.T + b)))
    q, aim, w = h.mean(0), 0.098, 0.1 * x.var(0, correction=0).mean().item()
    dq = w * (-aim / q + (1 - aim) / (1 - q))
    np.testing.assert_allclose(
        model.encoder[0].weight.grad, (dq * h * (1 - h) / 50).T @ x.numpy(), rtol=1e-6, atol=1e-12
    )


# --- the target on held-out rows -----------------------------------------------------------------------------------
def halves(name):
    source = datasets.load(name)
    train_rows, held_out_rows = split(len(source), 0.2, 0)
    return source.take(train_rows), source.take(held_out_rows)


@pytest.mark.parametrize(
    ("name", "target", "corruption", "fvu"),
    [("digits", 0.05, None, 0.05), ("digits", 0.1, "gaussian:0.4", 0.2), ("wine", 0.1, None, 0.05)],
)
def test_a_target_rate_is_met_on_held_out_rows(name, target, corruption, fvu):
    """With defaults, within 10%, and not with constant codes: PCA with a third of the columns has this error."""
    X, held = halves(name)
    model = SparseAutoencoder(sparsity=f"kl:{target}", corruption=corruption, max_iter=60, random_state=0).fit(X)
    codes = model.transform(held)
    assert codes.mean() == pytest.approx(target, rel=0.1)
    assert codes.std(0).min() > 0.05 * target  # no latent has the same code on every row
    assert 1 - model.score(held) < fvu
    assert model.weights_["kl"] == pytest.approx(model.history_["weight_kl"][-1], rel=0.05)


def test_l1_meets_its_target_l0():
    X, held = halves("breast_cancer")
    model = SparseAutoencoder(sparsity="l1:l0=12", max_iter=100, random_state=0).fit(X)
    assert (model.transform(X) != 0).sum(1).mean() == pytest.approx(12, rel=0.03)
    assert (model.transform(held) != 0).sum(1).mean() == pytest.approx(12, rel=0.1)
    assert model.score(held) > 0.8


def test_a_written_weight_is_not_adjusted(digits):
    model = SparseAutoencoder(16, sparsity="kl:0.05,weight=0.2", max_iter=2, random_state=0).fit(digits)
    assert model.weights_ == {}
    assert "weight_kl" not in model.history_


def test_the_weight_is_saved_with_the_model(digits, tmp_path):
    model = SparseAutoencoder(16, max_iter=3, random_state=0).fit(digits)
    model.save(tmp_path / "run")
    assert SparseAutoencoder.load(tmp_path / "run").weights_ == pytest.approx(model.weights_)


def test_a_run_that_diverges_at_once_keeps_its_initial_weights(digits):
    with pytest.warns(Diverged, match="at step"):
        model = SparseAutoencoder(
            16, solver="sgd", learning_rate=1e30, output_activation="identity", max_iter=2, random_state=0
        ).fit(digits)
    np.testing.assert_allclose(model.transform(digits).mean(0), 0.05, rtol=1e-4)


def test_a_loaded_controller_has_its_bounds(tmp_path):
    """The bounds are in units of the scaled rows' variance: 1 for standardised columns, whatever their units."""
    X = np.random.default_rng(0).normal(size=(200, 3)) * [1, 1000, 0]
    SparseAutoencoder(6, max_iter=2, random_state=0).fit(X).save(tmp_path / "run")
    [(_, controller)] = SparseAutoencoder.load(tmp_path / "run")._learner.step.controlled()
    assert controller.scale == pytest.approx(2 / 3)  # the third column has no variance


@pytest.mark.parametrize("text", ["l1:weight=auto", "squared_error:weight=auto", "cross_entropy:weight=auto"])
def test_auto_needs_a_target(text):
    from taciturn.objective import Term

    with pytest.raises(RecipeError, match="has no target, so weight=auto cannot be found; give a number"):
        Term.parse(text)


def test_an_l0_needs_codes_that_can_be_zero(digits):
    with pytest.raises(RecipeError, match="l1 requires exact zeros"):
        SparseAutoencoder(8, sparsity="l1:l0=3", activation="tanh", max_iter=1).fit(digits)
