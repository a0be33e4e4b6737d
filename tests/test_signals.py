"""Signals: networks in one dimension, segments, windows with overlap-add, the denoiser and its commands."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import taciturn
from commandline import output_text, run
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SignalDenoiser, SparseAutoencoder
from taciturn.core.errors import DataError, RecipeError
from taciturn.data.moments import Moments
from taciturn.data.signals.segments import Segments
from taciturn.data.signals.signals import signals_of
from taciturn.data.split import split_source
from taciturn.inference.signals import overlap_add
from taciturn.model import Channels, Layout, create
from taciturn.model.coding_layers import Identity, Tanh
from taciturn.model.layers import Convolution
from taciturn.model.networks import ConvNetwork, ResidualNetwork
from test_resume import Ended, assert_same, end_at

SMALL = "residual:channels=4/,blocks=1"
FEW = {"segment": 16, "max_steps": 4, "random_state": 0, "network": SMALL}
RNG = np.random.default_rng(0)
WAVE = np.sin(np.arange(300) / 5)
STEREO = np.stack([WAVE, 5 + 2 * np.cos(np.arange(300) / 7)], 1)


def beats(n_times, seed):
    """A signal of sharp peaks and slow waves at irregular times, as an ECG has them."""
    rng, signal, times = np.random.default_rng(seed), np.zeros(n_times), np.arange(n_times)
    peak = rng.uniform(0, 60)
    while peak < n_times + 60:
        signal += np.exp(-(((times - peak) / 3) ** 2)) - 0.2 * np.exp(-(((times - peak - 7) / 4) ** 2))
        signal += 0.3 * np.exp(-(((times - peak - 40) / 12) ** 2))
        peak += rng.uniform(80, 130)
    return signal


# --- networks in one dimension ---------------------------------------------------------------------------------
def convolved(x, kernels):
    """Return a signal [channels, time] convolved by kernels [out, channels, 3]."""
    return np.stack(
        [sum(np.convolve(np.pad(c, 1), k[::-1], "valid") for c, k in zip(x, each, strict=True)) for each in kernels]
    )


def denoised(signal, weights):
    """Return a signal [time, channels] denoised by a network of two scales with one block, in NumPy."""
    n_times, channels = signal.shape
    padded = np.pad(signal, [(0, -n_times % 4), (0, 0)], mode="edge")

    def block(x, number):
        inner = convolved(x, weights[f"sides.{number}.0.inner.weight"]).clip(0)
        return x + convolved(inner, weights[f"sides.{number}.0.outer.weight"])

    # times 0, 2, 4, … of all channels, then times 1, 3, 5, …
    x = block(convolved(np.concatenate([padded[0::2].T, padded[1::2].T]), weights["first.weight"]), 0)
    small = sum(np.einsum("ct,oc->ot", x[:, i::2], weights["down.0.weight"][:, :, i]) for i in (0, 1))
    small = block(small, 1)
    large = np.einsum("ct,coi->oti", small, weights["up.0.weight"]).reshape(x.shape)
    x = block(x + large, 2)
    last = convolved(x, weights["last.weight"])
    noise = np.stack([last[:channels].T, last[channels:].T], 1).reshape(padded.shape)
    return signal + noise[:n_times]


@pytest.mark.parametrize("shape", [(16, 1), (13, 1), (10, 2), (12,)])
def test_a_residual_network_computes_what_numpy_computes(shape):
    layout = Layout((int(np.prod(shape)), 0), Identity(), network=ResidualNetwork((3, 4), 1, axes=1), image=shape)
    model, rng = create(layout, rng=torch.Generator().manual_seed(0)).double(), torch.Generator().manual_seed(1)
    for weight in model.weights:
        weight.data.copy_(torch.randn(weight.shape, generator=rng, dtype=torch.float64) / 4)
    weights = {name: weight.detach().numpy()[:, :, 0] for name, weight in model.convolutions.named_parameters()}
    signal = RNG.normal(size=(shape[0], (*shape, 1)[1]))
    x = torch.from_numpy(signal.ravel())[None]
    expected = denoised(signal, weights)
    np.testing.assert_allclose(model.decode(model.codes(x), x).detach()[0], expected.ravel(), atol=1e-12)
    # of any length
    longer = RNG.normal(size=(31, signal.shape[1]))
    result = model.denoise_images(torch.from_numpy(longer)[None])
    np.testing.assert_allclose(result[0], denoised(longer, weights), atol=1e-12)


def test_a_convolution_of_stride_2_in_time_worked_by_hand():
    """x = 1 2 3 4 5, kernel 1 10 100: at 1, 3 and 5 the numbers before, at and after; 0 beyond the ends."""
    layer = Convolution(torch.nn.Parameter(torch.tensor([[[[1.0, 10, 100]]]])), (1, 5, 1), (1, 3, 1), 1)
    assert layer.encode(torch.tensor([[1.0, 2, 3, 4, 5]])).tolist() == [[210, 432, 54]]
    # the transposed one puts each number's kernel where it was taken from
    assert layer.decode(torch.tensor([[1.0, 0, 2]])).tolist() == [[10, 100, 0, 2, 20]]


def test_a_convolutional_autoencoder_of_signals_has_the_gradients_of_finite_differences():
    from taciturn.model import Batch
    from taciturn.objective import Objective, SquaredError
    from taciturn.training.step import Step

    network, image = ConvNetwork((3, 4), 3, axes=1), (9, 2)
    assert network.shapes(image) == [(1, 9, 2), (1, 5, 3), (1, 3, 4)]
    widths = (18, *network.hidden_widths(image), 5)
    layout = Layout(widths, Identity(), hidden=Tanh(), network=network, image=image)
    model = create(layout, rng=torch.Generator().manual_seed(0)).double()
    step, x = Step(model, Objective((SquaredError(),))), torch.randn(4, 18, dtype=torch.float64)
    step.gradients(Batch(x, x, x))
    for name, weight in model.named_parameters():
        i, flat, losses = weight.numel() // 2, weight.data.view(-1), []
        gradient, value = weight.grad.flatten()[i].item(), flat[i].item()
        for change in (1e-6, -1e-6):
            flat[i] = value + change
            losses.append(((model.denoise(x) - x) ** 2).mean().item())
        flat[i] = value
        assert abs((losses[0] - losses[1]) / 2e-6 - gradient) < 1e-6, name


def test_networks_of_signals_are_refused_for_other_rows():
    with pytest.raises(
        RecipeError, match=r"is for signals, but a row has the shape \(4, 4, 3\); give shape=\(time, ch"
    ):
        DenoisingAutoencoder(network="conv:axes=1", max_steps=1).fit(RNG.random((9, 4, 4, 3)))
    with pytest.raises(RecipeError, match="axes=3 lies outside"):
        ResidualNetwork(axes=3)


@pytest.mark.parametrize("network", ["dense", "conv:channels=3/4,axes=1", "residual:channels=4/,blocks=1,axes=1"])
def test_signals_of_one_length_are_rows(network):
    X = RNG.normal(size=(40, 12, 2))
    n = None if network.startswith("residual") else 5
    model = DenoisingAutoencoder(n, network=network, max_iter=1, random_state=0).fit(X)
    assert model.denoise(X).shape == X.shape
    if n:
        assert model.transform(X).shape == (40, 5)
        assert model.inverse_transform(model.transform(X)).shape == X.shape


@pytest.mark.parametrize("estimator", [SparseAutoencoder(6, max_iter=1), DictionaryAutoencoder(6, k=2, max_iter=1)])
def test_every_estimator_takes_signals_as_rows(estimator):
    X = RNG.normal(size=(40, 12, 2))
    assert estimator.fit(X).transform(X).shape == (40, 6)
    assert estimator.inverse_transform(estimator.transform(X)).shape == X.shape


def test_channels_are_scaled_by_their_own_moments():
    X = RNG.normal(size=(50, 7, 3)) * [1, 10, 0] + [0, -4, 6]
    shift, scale = Channels(3).fit(Moments().add(X.reshape(50, 21)))
    np.testing.assert_allclose(shift.reshape(7, 3), np.tile(X.mean((0, 1)), (7, 1)))
    np.testing.assert_allclose(scale.reshape(7, 3)[:, :2], np.tile(X.std((0, 1))[:2], (7, 1)))
    assert (scale.reshape(7, 3)[:, 2] == 1).all()
    X[0, :3, 0] = np.nan
    shift, scale = Channels(3).fit(Moments().add(X.reshape(50, 21)))
    np.testing.assert_allclose([shift[0], scale[0]], [np.nanmean(X[..., 0]), np.nanstd(X[..., 0])])


# --- segments --------------------------------------------------------------------------------------------------
def test_segments_cover_every_time():
    signals = [np.arange(100.0), 1000 + np.arange(37.0), 2000 + np.arange(3.0)]
    segments = Segments(signals_of(signals), 8)
    assert segments.shape == (8,)
    np.testing.assert_array_equal(np.unique(segments.read(0, len(segments))), np.concatenate(signals))
    np.testing.assert_array_equal(segments.take([3, 0, 3]), segments.read(0, 9)[[3, 0, 3]])
    assert len(Segments(signals_of([np.zeros(9000)] * 30), 8)) == 30 * 256  # of long signals, at most 256


def test_a_drawn_segment_is_a_part_of_its_signal_and_a_pure_function():
    signal = np.stack([np.arange(90.0), -np.arange(90.0)], 1)
    segments = Segments(signals_of([signal]), 6)
    rows = segments.drawn(3, 1).read(0, len(segments))
    for row in rows.reshape(-1, 6, 2):
        np.testing.assert_array_equal(row, signal[int(row[0, 0]) : int(row[0, 0]) + 6])
    np.testing.assert_array_equal(Segments(signals_of([signal]), 6).drawn(3, 1).read(4, 9), rows[4:9])
    for other in (segments.drawn(4, 1), segments.drawn(3, 2), segments):
        assert (other.read(0, len(segments)) != rows).any(1).mean() > 0.5


def test_held_out_segments_share_no_time_with_the_others():
    training, held_out = split_source(Segments(signals_of([np.arange(400.0)]), 5), 0.2, seed=0)
    kept = np.unique(held_out.read(0, len(held_out)))
    for epoch in range(5):
        assert not np.isin(training.drawn(0, epoch).read(0, len(training)), kept).any()
        assert np.isin(held_out.drawn(0, epoch).read(0, len(held_out)), kept).all()


@pytest.mark.parametrize(("dtype", "expected"), [(np.int16, np.float32), (np.int32, np.float64), (">f8", np.float64)])
def test_segments_keep_the_numbers(dtype, expected):
    signal = (1000 + np.arange(32)).astype(dtype)
    segments = Segments(signals_of(signal), 16)
    assert segments.read(0, 2).dtype == segments.dtype == expected
    np.testing.assert_array_equal(segments.read(0, 2).ravel(), signal)


@pytest.mark.parametrize(
    ("X", "channels", "shapes"),
    [
        (np.zeros(40), "auto", [(40, 1)]),
        (np.zeros((3, 40)), "auto", [(40, 1)] * 3),
        (np.zeros((3, 40)), 1, [(40, 1)] * 3),
        (np.zeros((40, 2)), 2, [(40, 2)]),
        (np.zeros((40, 1)), "auto", [(40, 1)]),
        (np.zeros((3, 40, 2)), "auto", [(40, 2)] * 3),
        ([np.zeros(40), np.zeros((9, 1))], "auto", [(40, 1), (9, 1)]),
        (pd.DataFrame({"a": np.zeros(9), "b": np.zeros(9)}), "auto", [(9, 2)]),
    ],
)
def test_signals_are_taken_in_many_forms(X, channels, shapes):
    assert [signal.array.shape for signal in signals_of(X, channels)] == shapes


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([], "there is no signal; give one or more"),
        (
            np.zeros((500, 2)),
            "which is 500 signals of 2 times each; give one signal [time, channels] in a list, or set",
        ),
        (np.zeros((2, 2, 2, 2)), "signal has shape (2, 2, 2, 2); give [time], [n, time], [n, time, channels], or a"),
        ([np.zeros((2, 3, 4))], "signal 0 has shape (2, 3, 4); give (time,) or (time, channels)"),
        ([WAVE, STEREO], "signal 1 has 2 channels, but signal 0 has 1; give signals of as many"),
        ([WAVE, np.array([0, np.nan])], "signal 1 has missing or infinite values; fill them, or cut the signal there"),
        ([np.array(["a"])], "signal 0 holds <U1 numbers; give integers or floats"),
        ("nowhere.npy", "nowhere.npy: no such file"),
    ],
)
def test_what_is_no_signal_is_refused(X, words):
    with pytest.raises(DataError) as caught:
        SignalDenoiser(**FEW).fit(X)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_signal_that_cannot_be_held_out_in_part_is_called_a_signal():
    with pytest.raises(
        DataError, match=r"the image or signal is too small: .* a smaller patch or segment, or hold out"
    ):
        SignalDenoiser(**FEW | {"segment": 200}, early_stopping=True).fit([WAVE])


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="float64 by another name")
def test_numbers_that_torch_does_not_have_are_refused():
    with pytest.raises(DataError, match=r"signal 0 holds float\d+ numbers; give integers or floats of at most 64 bits"):
        signals_of([WAVE.astype(np.longdouble)])


# --- windows ---------------------------------------------------------------------------------------------------
@settings(max_examples=60, deadline=None)
@given(n_times=st.integers(1, 60), channels=st.integers(1, 3), window=st.integers(1, 14), data=st.data())
def test_windows_of_any_signal_added_together_are_the_signal(n_times, channels, window, data):
    signal = np.random.default_rng(n_times).normal(size=(n_times, channels))
    result = overlap_add(lambda windows: windows, signal, window, data.draw(st.integers(1, window)))
    np.testing.assert_allclose(result, signal, atol=1e-12)


def test_windows_are_weighted_by_sin2():
    """By hand: two windows of 4 times, 2 apart, that hold 0 and 1; the weights are sin²((i + ½) π / 4)."""
    result = overlap_add(lambda windows: np.arange(2.0)[:, None, None] + 0 * windows, np.zeros((6, 1)), 4, 2)
    low, high = np.sin(np.pi / 8) ** 2, np.sin(3 * np.pi / 8) ** 2
    np.testing.assert_allclose(result[:, 0], [0, 0, low / (low + high), high / (low + high), 1, 1])


# --- the denoiser ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def denoiser():
    return SignalDenoiser(**FEW).fit([100 * WAVE, 100 * WAVE[:50]])


@pytest.mark.parametrize(
    "X",
    [WAVE, WAVE[:1], np.stack([WAVE] * 3), np.stack([WAVE] * 3)[..., None], (99 * WAVE).astype(np.int16)],
    ids=["one", "of one time", "three", "three of one channel", "integers"],
)
def test_a_signal_keeps_its_shape_and_type(denoiser, X):
    result = denoiser.denoise(X)
    assert (result.shape, result.dtype) == (X.shape, X.dtype)
    if X.ndim == 1:
        (listed,) = denoiser.denoise([X])
        np.testing.assert_array_equal(listed, result)


def test_two_channels_are_one_signal():
    model = SignalDenoiser(**FEW).fit([STEREO])
    assert model.denoise(STEREO).shape == (300, 2)
    assert model.denoise([STEREO, STEREO[:9]])[1].shape == (9, 2)
    assert model.denoise(np.stack([STEREO] * 2)).shape == (2, 300, 2)
    with pytest.raises(DataError, match="signal has 1 channels, but the model has 2; give signals of as many"):
        model.denoise(WAVE)


def test_noise_is_in_units_of_each_channels_deviation():
    """Ten times the signal, or an offset, with noise of the same std: the same fit, ten times the result."""
    model = SignalDenoiser(corruption="gaussian:0.5", **FEW)
    first, second = clone(model).fit(STEREO[None]), clone(model).fit(10 * STEREO[None] - 7)
    np.testing.assert_allclose(second.denoise(10 * STEREO - 7), 10 * first.denoise(STEREO) - 7, rtol=1e-3, atol=1e-3)


def test_the_digits_of_integers_far_from_0_are_kept():
    """An int32 of 10⁹ has an error of 64 in float32."""
    integers = (10**9 + 1000 * WAVE).astype(np.int32)
    model = SignalDenoiser(**FEW).fit([integers])
    np.testing.assert_array_equal(model.denoise(integers), np.rint(model.denoise(integers.astype(float))))


def test_the_digits_of_a_signal_far_from_0_are_kept():
    """In float64, because a signal of 10⁸ ± 1 has no digits left in float32."""
    model = SignalDenoiser(**FEW).fit(1e8 + WAVE)
    assert np.std(model.denoise(1e8 + WAVE) - 1e8 - WAVE) < 0.2


@pytest.mark.parametrize("network", ["dense", "conv:channels=4/8", SMALL])
def test_it_learns_to_denoise(network, monkeypatch):
    """Peaks and waves at irregular times, of 6 dB: even a small network gains SNR, in windows and as a whole."""
    clean, components = [beats(600, seed) for seed in range(1, 25)], None if network == SMALL else 16
    few = {"batch_size": 16, "max_steps": 400, "segment": 32, "random_state": 0}
    model = SignalDenoiser(components, network=network, corruption="gaussian:0.5", **few).fit(clean)
    test = beats(700, 0)
    noisy = test + np.random.default_rng(1).normal(0, 0.5 * test.std(), len(test))
    gains = [10 * np.log10(np.sum((noisy - test) ** 2) / np.sum((model.denoise(noisy) - test) ** 2))]
    monkeypatch.setattr("taciturn.inference.signals.WINDOW", 100)
    monkeypatch.setattr("taciturn.inference.signals.MARGIN", 50)
    gains.append(10 * np.log10(np.sum((noisy - test) ** 2) / np.sum((model.denoise(noisy) - test) ** 2)))
    assert min(gains) > 4


def test_pairs(tmp_path):
    """With pairs there is no noise, and the target of a noisy segment is the same segment of the clean signal."""
    noisy = [WAVE, WAVE[:90]]
    model = SignalDenoiser(**FEW).fit(noisy, target=[2 * each for each in noisy])
    assert model.settings_.corruption.clean
    first, second = Segments(signals_of(noisy), 16), Segments(signals_of([2 * each for each in noisy]), 16)
    np.testing.assert_array_equal(2 * first.drawn(0, 2).read(0, 9), second.drawn(0, 2).read(0, 9))
    with pytest.raises(DataError, match="target: 1 signals for 2; give one for each, in the same order"):
        SignalDenoiser(**FEW).fit(noisy, target=[WAVE])
    with pytest.raises(DataError, match="target: signal 1 has 300 times, signal 1 90"):
        SignalDenoiser(**FEW).fit(noisy, target=[WAVE, WAVE])


def test_a_denoiser_is_saved(tmp_path):
    model = SignalDenoiser(**FEW).fit([STEREO])
    model.save(tmp_path / "model")
    loaded = taciturn.load(tmp_path / "model")
    assert isinstance(loaded, SignalDenoiser)
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.denoise(STEREO), model.denoise(STEREO))
    assert loaded.score([STEREO]) == model.score([STEREO])


def test_a_run_goes_on_with_the_same_segments(tmp_path, monkeypatch):
    signals = [beats(200, seed) for seed in range(3)]
    model = SignalDenoiser(network=SMALL, segment=8, max_iter=4, random_state=0)
    whole = clone(model).fit(signals)
    for steps in (1, whole._learner.steps_done * 2 // 3):
        with monkeypatch.context() as patch:
            end_at(patch, steps)
            with pytest.raises(Ended):
                clone(model).fit(signals, checkpoint=tmp_path / f"{steps}", checkpoint_every=1)
        assert_same(SignalDenoiser.resume(tmp_path / f"{steps}", signals), whole)


def test_signals_are_scored_and_reported_by_their_segments(denoiser):
    segments = Segments(signals_of([WAVE]), 16)
    assert denoiser.score(WAVE) == denoiser.score(segments)
    assert denoiser.report(WAVE).summary.rows == len(segments)
    again = clone(denoiser).partial_fit(WAVE).partial_fit(WAVE[:40])
    assert again.n_iter_ == 2


@pytest.mark.parametrize(
    "changes", [{"network": SMALL}, {"network": "conv:channels=4/8", "n_components": 6}, {"network": "dense"}]
)
@pytest.mark.parametrize("signal", [WAVE, STEREO], ids=["one channel", "two channels"])
def test_the_page_of_a_denoiser_of_signals_has_no_filters_of_pixels(changes, signal, tmp_path):
    report = SignalDenoiser(**FEW | changes).fit([signal]).report([signal])
    assert report.filters is None
    report.save(tmp_path / "report.html")
    assert 'id="filters"' not in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("parameters", "words"), [({"channels": 0}, "channels=0"), ({"segment": "8"}, "segment='8'")])
def test_parameters_are_checked(parameters, words):
    with pytest.raises(RecipeError) as caught:
        SignalDenoiser(**FEW | parameters).fit([WAVE])
    assert words in str(caught.value)


@pytest.mark.parametrize("network", ["dense", "residual:channels=4/,blocks=1,axes=1"])
def test_the_noise_of_signals_as_rows_is_estimated(network):
    """Waves of two components with noise of 0.1, [n, time, 1]: not an image of one column, whose details are all 0."""
    noisy = np.sin(np.arange(40 * 64) / 5).reshape(40, 64, 1) + np.random.default_rng(0).normal(0, 0.1, (40, 64, 1))
    parts = {"network": network, "scaling": "none", "corruption": "recorrupted:auto", "max_steps": 2}
    model = DenoisingAutoencoder(4 if network == "dense" else None, random_state=0, **parts).fit(noisy)
    assert model.settings_.corruption.std == pytest.approx(0.1, rel=0.05)


def test_the_mend_for_a_known_noise_is_one_that_works():
    """`blind_spot` has its noise in units of the rows, `recorrupted` in those of scaled ones."""
    with pytest.raises(RecipeError, match=r"no use for the noise of blind_spot:0.2,noise=0.1; leave it out"):
        SignalDenoiser(corruption="blind_spot:0.2,noise=0.1", **FEW).fit([10 * WAVE])
    SignalDenoiser(corruption="blind_spot:0.2", **FEW).fit([10 * WAVE])


@pytest.mark.parametrize("channels", [1, 2])
def test_noisy_signals_are_not_taken_for_images(channels):
    """[time, channels] has the form of an image, but neighbours of a channel are other measurements."""
    waves = np.sin(np.arange(64)[:, None] / 9 + RNG.uniform(0, 6, (300, 1, channels)))
    noisy = waves + RNG.normal(0, 0.3, waves.shape)
    conv = {"network": "conv:channels=4/,axes=1", "max_steps": 2, "random_state": 0}
    auto = DenoisingAutoencoder(4, corruption="recorrupted:auto", scaling="none", **conv).fit(noisy)
    assert auto.settings_.corruption.std == pytest.approx(0.3, abs=0.015)
    blind = DenoisingAutoencoder(4, corruption="blind_spot:0.2", **conv).fit(noisy)
    assert blind.settings_.corruption.shape is None


@pytest.mark.parametrize(
    ("corruption", "mend"),
    [
        ("recorrupted:auto", "set std to its standard deviation in scaled rows, such as std=0.1"),
        (
            "blind_spot:0.2,noise=0.4",
            "leave it out, or set corruption='recorrupted:0.1', by its standard deviation in scaled rows",
        ),
    ],
)
def test_mends_for_noisy_signals_are_possible(corruption, mend):
    """`SignalDenoiser` has no scaling to set, and its channels are scaled."""
    with pytest.raises(RecipeError) as refused:
        SignalDenoiser(corruption=corruption, **FEW).fit(STEREO[None])
    assert str(refused.value).endswith(mend)


# --- the command line ------------------------------------------------------------------------------------------
OPTIONS = ("--kind", "signal", "--segment", "16", "--max-steps", "4", "--network", SMALL)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of a table of two channels."""
    folder = tmp_path_factory.mktemp("signals")
    pd.DataFrame(STEREO, columns=["left", "right"]).to_csv(folder / "ecg.csv", index=False)
    done = run("fit", folder / "ecg.csv", *OPTIONS, "-o", folder / "run")
    assert "segments" in output_text(done)
    return folder


def test_a_table_is_denoised_by_the_command(run_folder):
    model = taciturn.load(run_folder / "run")
    assert isinstance(model, SignalDenoiser)
    run("denoise", run_folder / "run", run_folder / "ecg.csv", "-o", run_folder / "clean.csv")
    clean = pd.read_csv(run_folder / "clean.csv")
    assert list(clean.columns) == ["left", "right"]
    np.testing.assert_allclose(clean, model.denoise(STEREO), rtol=1e-12)
    run("evaluate", run_folder / "run")
    run("fit", run_folder / "run" / "recipe.toml", "-o", run_folder / "again", "--no-report")
    np.testing.assert_array_equal(taciturn.load(run_folder / "again").denoise(STEREO), model.denoise(STEREO))


@pytest.mark.parametrize("array", [WAVE, np.stack([WAVE, -WAVE]), np.stack([STEREO, -STEREO])])
@pytest.mark.parametrize("network", [SMALL, "dense"])
def test_an_array_in_a_file_keeps_its_axes(tmp_path, array, network):
    np.save(tmp_path / "x.npy", array)
    run("fit", tmp_path / "x.npy", *OPTIONS[:-1], network, "-o", tmp_path / "run", "--no-report")
    run("denoise", tmp_path / "run", tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), taciturn.load(tmp_path / "run").denoise(array))


def test_a_recording_of_two_channels_in_a_folder(tmp_path):
    (tmp_path / "noisy").mkdir()
    for i in range(3):
        np.save(tmp_path / "noisy" / f"{i}.npy", STEREO[: 100 + i])
    done = run("fit", tmp_path / "noisy", *OPTIONS, "-o", tmp_path / "run", code=1)
    assert "set channels=2" in output_text(done)
    run("fit", tmp_path / "noisy", *OPTIONS, "--channels", "2", "-o", tmp_path / "run", "--no-report")
    done = run("denoise", tmp_path / "run", tmp_path / "noisy", "-o", tmp_path / "clean")
    assert [np.load(tmp_path / "clean" / f"{i}.npy").shape for i in range(3)] == [(100 + i, 2) for i in range(3)]


def test_pairs_by_the_command(tmp_path):
    for name, array in {"noisy": WAVE, "clean": 2 * WAVE, "short": WAVE[:9]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    pair = ("fit", tmp_path / "noisy.npy", "--target", tmp_path / "clean.npy", *OPTIONS)
    run(*pair, "-o", tmp_path / "run", "--no-report")
    assert taciturn.load(tmp_path / "run").settings_.corruption.clean
    run("evaluate", tmp_path / "run")
    done = run(*pair, "--target", tmp_path / "short.npy", "-o", tmp_path / "other", code=1)
    assert "short.npy has 9 times" in output_text(done)


def test_noisy_signals_and_their_clean_ones_on_the_command_line(run_folder, tmp_path):
    """By hand: the mean squared error of the estimates over the clean signal's variance, of each channel the same."""
    noisy = STEREO + RNG.normal(0, 0.2, STEREO.shape)
    for name, array in {"noisy": noisy, "clean": STEREO}.items():
        pd.DataFrame(array, columns=["left", "right"]).to_csv(tmp_path / f"{name}.csv", index=False)
    pair = (tmp_path / "noisy.csv", "--target", tmp_path / "clean.csv")
    done = run("evaluate", run_folder / "run", *pair)
    assert "with targets of 32 columns" in output_text(done)
    run("report", run_folder / "run", "--data", *pair, "-o", tmp_path / "report.html")
    summary = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["summary"]
    model = taciturn.load(run_folder / "run")
    estimates, rows = (Segments(signals_of([each]), 16) for each in (noisy, STEREO))
    x = model.module_.denoise(torch.from_numpy(estimates.read(0, 99)).float()).detach().numpy()
    errors = ((x - rows.read(0, 99)).reshape(-1, 2) ** 2).mean(0) / model.module_.scale[:2].numpy() ** 2
    assert summary["mean_squared_error"] == pytest.approx(errors.mean(), rel=1e-3)
    assert summary["corruption"] == ""


def test_runs_without_codes_are_compared(run_folder, tmp_path):
    run("fit", run_folder / "ecg.csv", *OPTIONS, "--seed", "1", "-o", tmp_path / "other", "--no-report")
    done = run("compare", run_folder / "run", tmp_path / "other", "-o", tmp_path / "compare.html")
    assert "of the variance" in output_text(done)
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "active latents per row" not in page
    numbers = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    assert (numbers["shared"], numbers["mean_cosines"]) == ([], [0.0, 0.0])
    # beside one with codes
    codes = ("--kind", "signal", "--segment", "16", "--max-steps", "4", "--network", "dense", "--latents", "5")
    run("fit", run_folder / "ecg.csv", *codes, "-o", tmp_path / "codes", "--no-report")
    run("compare", run_folder / "run", tmp_path / "codes", "-o", tmp_path / "compare.html")
    assert "active latents per row" in (tmp_path / "compare.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", ["npz", "txt"])
def test_a_file_of_one_column_is_one_signal(tmp_path, ending):
    write = {"npz": lambda file: np.savez(file, x=WAVE), "txt": lambda file: np.savetxt(file, WAVE)}
    write[ending](tmp_path / f"x.{ending}")
    run("fit", tmp_path / f"x.{ending}", *OPTIONS, "-o", tmp_path / "run", "--no-report")
    run("denoise", tmp_path / "run", tmp_path / f"x.{ending}", "-o", tmp_path / "y.csv")
    clean = pd.read_csv(tmp_path / "y.csv", header=None).to_numpy()
    np.testing.assert_allclose(clean[:, 0], taciturn.load(tmp_path / "run").denoise(WAVE), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("denoise", "run", "-o", "out.npy"), "name the signals to denoise: a file, a folder or a pattern"),
        (("denoise", "run", "ecg.csv", "-o", "ecg.csv"), "is read by this command"),
        (("denoise", "run", "ecg.csv", "-o", "out.doc"), "rows cannot be written with this ending"),
        (("denoise", "run", "wave.npy", "-o", "out.npy"), "wave.npy has 1 channels, but the model has 2"),
        (("fit", "ecg.csv", "--kind", "sound"), "--kind sound: write signal or image, or leave it out for rows"),
        (("fit", "ecg.csv", *OPTIONS, "--drop", "left"), "drop: signals have no columns; leave it out"),
    ],
)
def test_what_the_commands_refuse(run_folder, monkeypatch, arguments, words):
    monkeypatch.chdir(run_folder)
    np.save("wave.npy", WAVE)
    done = run(*arguments, code=1 if "wave.npy" in arguments else 2)
    assert words in output_text(done)
