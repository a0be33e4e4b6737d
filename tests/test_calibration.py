"""No step after training does harm: the closing shift of the biases and the layers' last thresholds."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from taciturn import DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import TargetMissed
from taciturn.model import Autoencoder, Layout
from taciturn.model.coding_layers import Gated, JumpReLU, ReLU
from taciturn.objective import L0, L1, GatedAux, SquaredError
from taciturn.training.step import Step

RNG = np.random.default_rng(0)
TABLES = {
    "iris-sized": RNG.normal(size=(150, 2)) @ RNG.normal(size=(2, 4)) + 0.1 * RNG.normal(size=(150, 4)),
    "one-hot": np.eye(5)[RNG.integers(0, 5, 400)],
    "one-hot, many rows": np.eye(5)[RNG.integers(0, 5, 700)],
    "constant columns": np.concatenate([RNG.normal(size=(100, 3)), np.full((100, 3), 7.0)], 1),
    "wide": RNG.normal(size=(20, 500)),
    "equal": np.full((600, 4), 3.0),
    "equal but for rounding": 3 + 1e-9 * RNG.normal(size=(600, 4)),
    "far from 0": 1e6 + RNG.normal(size=(60, 3)),
}
QUICK = {"max_iter": 4, "random_state": 0}
MODELS = {
    "kl": SparseAutoencoder(12, **QUICK),
    "kl, unscaled": SparseAutoencoder(12, scaling="none", **QUICK),
    "kl, sigmoid output": SparseAutoencoder(12, scaling="minmax", **QUICK),
    "squared_rate, deep, tied": SparseAutoencoder((8, 6), sparsity="squared_rate:0.1", tied=True, **QUICK),
    "l1": SparseAutoencoder(12, sparsity="l1:l0=3", **QUICK),
    "tanh_penalty, deep": SparseAutoencoder((8, 12), sparsity="tanh_penalty:l0=3", **QUICK),
    "jumprelu, not centred": SparseAutoencoder(12, sparsity="jumprelu+l0:l0=3", **QUICK),
    **{
        f"dictionary, {layer}": DictionaryAutoencoder(64, k=3, sparsity=layer, **QUICK)
        for layer in ("topk", "batch_topk", "jumprelu", "gated", "l1")
    },
    "dictionary, jumprelu, refined": DictionaryAutoencoder(64, k=3, sparsity="jumprelu", refine=1, **QUICK),
    "dictionary, gated, free": DictionaryAutoencoder(64, k=3, sparsity="gated", constraint="free", **QUICK),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", MODELS)
def test_the_closing_steps_raise_the_error_by_no_more_than_the_bound(name, table, monkeypatch):
    errors = []
    calibrate = Step.calibrate

    def measured(step, x, target=None):
        def error(codes):
            return (step.model.output(step.model.decode(codes)) - x).square().mean().item()

        # BatchTopK selects in the batch while it is trained; afterwards its threshold does
        before = max(error(step._clean_pass(x).codes), error(step.model.codes(x)))
        results = calibrate(step, x, target)
        errors.append([before, error(step.model.codes(x)), (x - x.mean(0)).square().mean().item()])
        return results

    monkeypatch.setattr(Step, "calibrate", measured)
    X = TABLES[table]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TargetMissed)
        model = MODELS[name].fit(X)
    ((before, after, variance),) = errors
    assert after <= 1.25 * before + 0.001 * variance + 1e-9
    assert model.stopped_ is None
    for tensor in model.module_.state_dict().values():
        assert tensor.isfinite().all()
    assert np.isfinite(model.denoise(X)).all()


def trained(coder, *terms, centred=True):
    """A step that has been trained for a moment, and its rows."""
    layout = Layout((4, 16), coder, centred=centred)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0)).double()
    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 1
    step = Step(model, SquaredError() + sum(terms[1:], terms[0]))
    step.initialise(x, steps=100)
    with torch.no_grad():
        model.decoder[0].bias += torch.tensor([0.5, -1.0, 2.0, 0.1])
        for parameter in model.coder.parameters():
            parameter += 0.1 * torch.rand(parameter.shape, generator=torch.Generator().manual_seed(2))
    return step, x


@pytest.mark.parametrize(
    ("coder", "terms"),
    [(JumpReLU(), [L0(l0=4)]), (Gated(), [L1(l0=4), GatedAux()]), (ReLU(), [L1(l0=4)])],
    ids=["jumprelu", "gated", "relu"],
)
def test_a_moved_centre_leaves_the_codes(coder, terms):
    """The decoder's bias is subtracted from the encoder's input as well."""
    step, x = trained(coder, *terms)
    codes, bias = step.model.codes(x).dense(), step.model.decoder[0].bias.detach().clone()
    step.model.compensate_output(torch.linspace(-1, 1, 16, dtype=torch.float64))
    assert (step.model.decoder[0].bias - bias).abs().min() > 0.01
    torch.testing.assert_close(step.model.codes(x).dense(), codes, rtol=1e-9, atol=1e-9)


def test_a_harmful_shift_is_refused_and_half_of_it_tried(monkeypatch):
    """The first shift, to an L0 of 1, would lose most of the rows; the kept one is as near as the bound permits."""
    step, x = trained(ReLU(), L1(l0=1), centred=False)
    monkeypatch.setattr("taciturn.training.step.step.MAX_RELATIVE_RISE", 0.1)

    def measured():
        p = step._clean_pass(x)
        return (p.recon - x).square().mean().item(), step.objective.by_name()["l1"].ratio(p).item()

    with torch.no_grad():
        step.model.decoder[0].weight.copy_(torch.linalg.pinv(step.model.encoder[0].weight).T)
        step.model.encoder[0].bias += 2
    before, ratio = measured()
    result = step.calibrate(x)["l1"]
    after, reached = measured()
    assert result.harmful
    assert result.ratio == reached
    assert before < after <= 1.1 * before + 0.001 * (x - x.mean(0)).square().mean()
    assert 1.1 < reached < ratio


def test_an_interrupted_calibration_keeps_the_best_biases(monkeypatch):
    step, x = trained(JumpReLU(), L0(l0=2))
    with torch.no_grad():
        step.model.coder.value += 3  # far from the target
    weights = {name: tensor.clone() for name, tensor in step.model.state_dict().items()}

    def interrupted(change):
        raise KeyboardInterrupt

    monkeypatch.setattr(step.model, "compensate_output", interrupted)
    with pytest.raises(KeyboardInterrupt):
        step.calibrate(x)
    for name, tensor in step.model.state_dict().items():
        assert torch.equal(tensor, weights[name])


def test_without_a_target_a_count_is_not_calibrated():
    step, x = trained(ReLU(), L1(l0=4))
    before = step.model.encoder[0].bias.detach().clone()
    for each in (False, True):
        L1(weight=0.1).calibrate(step.model, x, each=each)
    assert torch.equal(step.model.encoder[0].bias, before)


# --- rows on other scales -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("scale", [1.0, 1e4, 1e12])
def test_a_rate_is_met_in_any_unit(scale):
    X = scale * RNG.standard_normal((400, 6))
    model = SparseAutoencoder(16, scaling="none", max_iter=20, random_state=0).fit(X)
    assert model.transform(X).mean() == pytest.approx(0.05, rel=0.03)


@pytest.mark.parametrize("layer", ["jumprelu", "gated", "l1", "topk", "batch_topk"])
def test_equal_rows_are_reconstructed_and_a_missed_target_names_them(layer):
    X = TABLES["equal"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = DictionaryAutoencoder(16, k=2, sparsity=layer, max_iter=3, random_state=0).fit(X)
    assert model.stopped_ is None
    np.testing.assert_allclose(model.denoise(X), X, atol=2e-3)  # after three steps at rate 0.003
    assert all("all rows are equal" in str(warning.message) for warning in caught)


def test_one_row_and_one_latent():
    model = DictionaryAutoencoder(1, k=1, sparsity="jumprelu", random_state=0).partial_fit([[1.0, 2.0]])
    assert np.isfinite(model.components_).all()


def test_the_written_gradient_of_l1_is_that_of_what_it_penalises():
    """In a Gated layer it penalises the gate activations, which may be positive where the code is 0."""
    step, x = trained(Gated(), L1(l0=4), GatedAux())
    with torch.no_grad():
        step.model.coder.bias -= 2
    p = step._clean_pass(x)
    gate = p.codes.gate_activations.detach().requires_grad_()
    L1()(replace(p, codes=p.codes.with_values(p.codes.values.detach(), gate_activations=gate))).backward()
    _, gradient = L1().value_and_gradient(p)
    torch.testing.assert_close(gradient, gate.grad)
    assert not torch.equal(p.codes.values > 0, gate > 0)
