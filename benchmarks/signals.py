"""Compare denoising of electrocardiograms: Wiener filters, wavelets and taciturn, by the SNR that they gain.

python benchmarks/signals.py [--seconds 180] [--seeds 3] [--out benchmarks/results/signals.md] [--pictures FOLDER]

It needs PyWavelets, which taciturn does not: pip install -r benchmarks/requirements.txt

Signals: ECGs of the simulator of McSharry, Clifford, Tarassenko and Smith (2003) at 360 Hz, of 40 persons to train on
and 6 others to test on, 20 s each; and the one of PyWavelets (1,024 numbers). White Gaussian noise is added; its
standard deviation is known to the other methods.

- local Wiener: scipy.signal.wiener, the best of 8 sizes.
- spectral Wiener: S / (S + σ²) at each frequency, S the mean spectrum of the training signals (Welch).
- wavelets: soft thresholds of BayesShrink (Chang et al., 2000) or VisuShrink (Donoho and Johnstone, 1994), the best of
  4 wavelets and 3 depths; and the best of these with 16 shifts averaged (Coifman and Donoho, 1995).
- taciturn: SignalDenoiser(corruption="gaussian:uniform(0.05,1.2)"), one for all levels of noise. Of PyWavelets's ECG:
  that same one, trained on the simulator; and one that was trained on the first half of this ECG, and tested on the
  second.

The best of sizes, wavelets and depths is chosen on the test signals, in favour of those methods.

SNR is 10 log10 of the sum of (x - mean)² over the sum of (result - x)². Of several test signals the mean gain.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pywt
import torch
from denoising import publish
from numpy.typing import NDArray
from scipy.signal import welch, wiener

from taciturn import SignalDenoiser

Signal = NDArray[np.float64]
Noisy = tuple[Signal, Signal, float]  # clean, noisy, standard deviation of the noise

RATE = 360  # Hz
SECONDS = 20
N_TRAIN, N_TEST = 40, 6
LEVELS = (0, 6, 12, 18)  # SNR in dB
NOISE = "gaussian:uniform(0.05,1.2)"
TRIAL_STEPS = 30  # of the fit that measures the speed
METHODS = ("local Wiener", "spectral Wiener", "wavelets", "wavelets, 16 shifts")
# P, Q, R, S and T: angles, heights and widths of McSharry et al. (2003), table 1
ANGLES = np.array([-1 / 3, -1 / 12, 0, 1 / 12, 1 / 2]) * np.pi
HEIGHTS = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
WIDTHS = np.array([0.25, 0.1, 0.1, 0.1, 0.4])


def rr_intervals(mean: float, std: float, n: int, rng: np.random.Generator) -> Signal:
    """Return n durations of heart beats in seconds, one for each second; their spectrum has peaks at .1 and .25 Hz."""
    frequencies = np.fft.rfftfreq(n, 1.0)
    power = sum(s * np.exp(-((frequencies - f) ** 2) / (2 * 0.01**2)) for f, s in ((0.1, 0.5), (0.25, 1.0)))
    waves = np.fft.irfft(np.sqrt(power) * np.exp(2j * np.pi * rng.random(len(frequencies))), n)
    return mean + std * waves / waves.std()


def ecg(seconds: float, rng: np.random.Generator, substeps: int = 2) -> Signal:
    """Return the ECG of one person in mV.

    dz/dt = -Σ a_i Δθ_i exp(-Δθ_i² / 2 b_i²) - (z - z0), with z0 = 0.15 sin(2π 0.25 t) and θ on the unit circle, where
    it grows by 2π / RR. Each person has a rate of 50 … 100 beats a minute, and angles, heights and widths that differ
    by some 10 to 20% from those of the paper.
    """
    lead = 4  # seconds until z follows
    n = int((seconds + lead) * RATE) * substeps
    rr = rr_intervals(60 / rng.uniform(50, 100), rng.uniform(0.01, 0.06), int(seconds) + lead + 8, rng)
    angles = ANGLES * rng.normal(1, 0.1, 5)
    heights = HEIGHTS * rng.lognormal(0, 0.2, 5)
    widths = WIDTHS * rng.lognormal(0, 0.1, 5)
    dt = 1 / (RATE * substeps)
    times = np.arange(n) * dt
    theta = np.cumsum(2 * np.pi / np.interp(times, np.arange(len(rr)), rr)) * dt + rng.uniform(-np.pi, np.pi)
    difference = (theta[:, None] - angles + np.pi) % (2 * np.pi) - np.pi
    force = -(heights * difference * np.exp(-(difference**2) / (2 * widths**2))).sum(1)
    force += 0.15 * np.sin(2 * np.pi * 0.25 * times + rng.uniform(0, 2 * np.pi))
    z, value, keep = np.empty(n), 0.0, np.exp(-dt)
    for i in range(n):  # the exact solution of dz/dt = force - z for a constant force
        value = value * keep + force[i] * (1 - keep)
        z[i] = value
    z = z[lead * RATE * substeps :: substeps]
    return 1.6 * (z - z.min()) / (z.max() - z.min()) - 0.4


def snr(clean: Signal, result: Signal) -> float:
    """Return the signal-to-noise ratio in dB."""
    return float(10 * np.log10(((clean - clean.mean()) ** 2).sum() / ((result - clean) ** 2).sum()))


def spectral_wiener(noisy: Signal, sigma: float, training: list[Signal]) -> Signal:
    """Return a signal filtered by S / (S + σ²), with the spectrum S of training signals."""
    length = min(1024, *map(len, training))
    spectra = [welch(signal, RATE, nperseg=length, detrend="constant") for signal in training]
    S = np.interp(np.fft.rfftfreq(len(noisy), 1 / RATE), spectra[0][0], np.mean([each[1] for each in spectra], 0))
    noise = sigma**2 * 2 / RATE  # density on one side
    padded = np.fft.rfft(noisy - noisy.mean())
    return noisy.mean() + np.fft.irfft(padded * S / (S + noise), len(noisy))


def wavelets(noisy: Signal, sigma: float, name: str, depth: int, rule: str) -> Signal:
    """Return a signal whose wavelet details are shrunk by soft thresholds."""
    approximation, *details = pywt.wavedec(noisy, name, mode="symmetric", level=depth)
    if rule == "visu":
        thresholds = [sigma * np.sqrt(2 * np.log(len(noisy)))] * len(details)
    else:
        spread = [np.sqrt(max(np.mean(each**2) - sigma**2, 1e-12)) for each in details]
        thresholds = [sigma**2 / each for each in spread]
    shrunk = [pywt.threshold(each, t, "soft") for each, t in zip(details, thresholds, strict=True)]
    return pywt.waverec([approximation, *shrunk], name, mode="symmetric")[: len(noisy)]


def shifted(denoise: Callable[[Signal, float], Signal], noisy: Signal, sigma: float) -> Signal:
    """Return the mean over 16 shifts of what a method makes of the shifted signal."""
    return np.mean([np.roll(denoise(np.roll(noisy, s), sigma), -s) for s in range(16)], 0)


def candidates(training: list[Signal]) -> dict[str, list[Callable[[Signal, float], Signal]]]:
    """Return the settings of each method, of which the best counts."""
    shrinking: list[Callable[[Signal, float], Signal]] = [
        partial(wavelets, name=name, depth=depth, rule=rule)
        for name in ("db4", "sym8", "coif3", "bior4.4")
        for depth in (3, 4, 5)
        for rule in ("bayes", "visu")
    ]
    sizes = (3, 5, 7, 9, 13, 17, 25, 33)
    return {
        "local Wiener": [lambda noisy, sigma, size=size: wiener(noisy, size, noise=sigma**2) for size in sizes],
        "spectral Wiener": [partial(spectral_wiener, training=training)],
        "wavelets": shrinking,
    }


def best_of(training: list[Signal], signals: list[Noisy]) -> dict[str, Callable[[Signal, float], Signal]]:
    """Return each method with the settings that gain most; of shifted wavelets those that are best without shifts."""
    best = {
        method: max(settings, key=lambda each: gain(each, signals)) for method, settings in candidates(training).items()
    }
    return best | {"wavelets, 16 shifts": partial(shifted, best["wavelets"])}


def noisy_ones(clean: list[Signal], level: float, seed: int) -> list[Noisy]:
    """Return (clean, noisy, standard deviation of the noise) of each signal."""
    rng, made = np.random.default_rng([seed, int(level)]), []
    for signal in clean:
        sigma = float(signal.std() * 10 ** (-level / 20))
        made.append((signal, signal + rng.normal(0, sigma, len(signal)), sigma))
    return made


def gain(denoise: Callable[[Signal, float], Signal], signals: list[Noisy]) -> float:
    """Return the mean SNR gained in dB."""
    return float(np.mean([snr(clean, denoise(noisy, s)) - snr(clean, noisy) for clean, noisy, s in signals]))


def trained(signals: list[Signal], seconds: float, seed: int, **parameters: Any) -> tuple[SignalDenoiser, int]:
    """Return a denoiser that was trained for some seconds of the processor's time, and its steps."""
    torch.set_num_threads(1)
    model = SignalDenoiser(corruption=NOISE, max_steps=TRIAL_STEPS, random_state=seed, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.set_params(max_steps=2).fit(signals)  # the first fit also loads what is needed
        start = time.process_time()
        model.set_params(max_steps=TRIAL_STEPS).fit(signals)
        each = (time.process_time() - start) / TRIAL_STEPS
        steps = max(int(seconds / each), TRIAL_STEPS)
        return model.set_params(max_steps=steps).fit(signals), steps


def of_model(model: SignalDenoiser, trained_on: list[Signal]) -> Callable[[Signal, float], Signal]:
    """Return the denoising by a model, of a signal brought to the mean and the standard deviation of its training."""
    mean, std = np.concatenate(trained_on).mean(), np.concatenate(trained_on).std()

    def denoise(noisy: Signal, sigma: float) -> Signal:
        own = np.sqrt(max(noisy.var() - sigma**2, 1e-3 * noisy.var())) / std  # the noise's variance is known
        return model.denoise((noisy - noisy.mean()) / own + mean) * own + noisy.mean() - mean * own

    return denoise


def table(title: str, results: dict[str, dict[int, list[float]]]) -> list[str]:
    """Return a table of mean gains, with the standard deviation over seeds."""
    lines = [f"{title}", "", f"| SNR before | {' | '.join(results)} |", "|---" * (len(results) + 1) + "|"]
    for level in LEVELS:
        cells = [f"{np.mean(values[level]):.2f} ± {np.std(values[level]):.2f}" for values in results.values()]
        best = max(results, key=lambda name: np.mean(results[name][level]))
        cells = [f"**{c}**" if name == best else c for name, c in zip(results, cells, strict=True)]
        lines.append(f"| {level} dB | {' | '.join(cells)} |")
    return [*lines, ""]


def picture(path: Path, clean: Signal, noisy: Signal, results: dict[str, Signal]) -> None:
    """Draw a signal, with noise, and without by each method; and what each removed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 1.7 * (len(results) + 1)), layout="constrained")
    axes = figure.subplots(len(results) + 1, 2, sharex=True, sharey="col")
    for (left, right), (name, result) in zip(axes, {"noisy": noisy, **results}.items(), strict=True):
        left.plot(result, lw=0.9, color="C0")
        left.plot(clean, lw=0.7, color="black", alpha=0.6)
        left.set_title(f"{name}, {snr(clean, result):.1f} dB", fontsize=9)
        right.plot(result - clean, lw=0.7, color="C3")
        right.set_title("error", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def of_seed(seed: int, args: argparse.Namespace) -> tuple[dict[str, dict[str, dict[int, float]]], tuple[int, int]]:
    """Return the gains of all methods in each case at each level of noise, and the steps of the two trainings."""
    rng = np.random.default_rng(0)
    training, test = ([ecg(SECONDS, rng) for _ in range(n)] for n in (N_TRAIN, N_TEST))
    real = pywt.data.ecg().astype(np.float64)
    first, second = real[: len(real) // 2], real[len(real) // 2 :]
    simulated, n = trained(training, args.seconds, seed)
    own, n_own = trained([first], args.seconds / 4, seed, segment=128)
    like_real = [(signal - signal.mean()) / signal.std() * real.std() for signal in training]  # for its spectrum
    cases = {
        f"ECGs of the simulator: {N_TEST} persons, {SECONDS} s each": (test, training, simulated, training),
        "PyWavelets's ECG, 1,024 numbers; trained on the simulator": ([real], like_real, simulated, training),
        "The second half of PyWavelets's ECG; trained on its first half, 512 numbers": (
            [second],
            [first],
            own,
            [first],
        ),
    }
    gains: dict[str, dict[str, dict[int, float]]] = {}
    for number, (title, (clean, known, model, trained_on)) in enumerate(cases.items()):
        gains[title] = {method: {} for method in (*METHODS, "taciturn")}
        for level in LEVELS:
            signals = noisy_ones(clean, level, seed)
            methods = best_of(known, signals) | {"taciturn": of_model(model, trained_on)}
            for method, denoise in methods.items():
                gains[title][method][level] = gain(denoise, signals)
            if seed == 0 and args.pictures and level in (0, 12):
                x, noisy, sigma = signals[0]
                drawn = {method: denoise(noisy, sigma)[:1080] for method, denoise in methods.items()}
                picture(args.pictures / f"{number}-{level}dB.png", x[:1080], noisy[:1080], drawn)
    return gains, (n, n_own)


def main() -> None:
    """Train, compare and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--out")
    args = parser.parse_args()
    with ProcessPoolExecutor(args.processes, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(partial(of_seed, args=args), range(args.seeds)))
    lines = []
    for title, methods in found[0][0].items():
        of_methods = {m: {level: [each[title][m][level] for each, _ in found] for level in LEVELS} for m in methods}
        lines += table(title, of_methods)
    n, n_own = np.mean([steps for _, steps in found], 0)
    lines.append(
        f"taciturn: {n:,.0f} steps on the simulator, {n_own:,.0f} on half an ECG; means of {args.seeds} seeds."
    )
    title = f"SNR gained in dB; {args.seconds:g} s of one core for each training, a quarter of it for the last table"
    publish(title, lines, args.out)


if __name__ == "__main__":
    main()
