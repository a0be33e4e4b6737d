"""Compare denoising of photographs by PSNR and SSIM: classical methods, BM3D and taciturn.

python benchmarks/photographs.py FOLDER [--minutes 15 | --steps N] [--only grey-25 …]
                                 [--out benchmarks/results/photographs.md] [--pictures FOLDER]

FOLDER is what benchmarks/peers/photographs.py writes in an environment of its own: training images (scikit-image's, and
scikit-learn's flower), and test images (camera, coffee, china) with noise, beside the results of other methods. Of
taciturn there are three, for each σ, grey and in colour, of the same network, with random_state=0:

taciturn         `ImageDenoiser(corruption="gaussian:σ")`, trained on the images without noise
blind, σ given   `ImageDenoiser(corruption="recorrupted:σ")`, trained on the same images with noise
blind            `ImageDenoiser(corruption="recorrupted:auto")`, the same without σ

All are trained for as many steps: N, or as many as the minutes allow to the first, by those of a short fit. Their
results are kept in FOLDER/ours, so that a run that was stopped goes on after its last fit; remove them after a change
of the code. The peak is 1; nothing is clipped. SSIM is that of Wang et al. (2004), of colours the mean over channels.
Seconds are those of "taciturn" for one image, scaled to 512 × 512 pixels.
"""

import argparse
import os
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from denoising import publish
from PIL import Image

from taciturn import ImageDenoiser
from taciturn.data.images.images import images_of, unit_floats, with_channels
from taciturn.metrics import SSIM, psnr

CLASSICAL = ("noisy", "wavelets", "total variation", "non-local means", "BM3D")
OURS = {"taciturn": "gaussian:{}", "blind, σ given": "recorrupted:{}", "blind": "recorrupted:auto"}
TRIAL_STEPS = 60  # of the fit that measures the speed
PIXELS = 512 * 512
Images = dict[str, np.ndarray]


def training_images(folder: Path, kind: str, sigma: int | None) -> list[np.ndarray]:
    """Return the training images from 0 to 1; with noise, if a σ of 255 is given."""
    channels, rng = (1 if kind == "grey" else 3), np.random.default_rng(1)
    images = [unit_floats(image.pixels(), image.name) for image in images_of(str(folder / "train"))]
    # noise comes after colours have become grey, which would average it
    images = [np.squeeze(with_channels(image, channels)) for image in images]
    if sigma is not None:
        images = [image + np.float32(sigma / 255) * rng.standard_normal(image.shape, np.float32) for image in images]
    return images


def fitted(folder: Path, kind: str, sigma: int, method: str, steps: int) -> ImageDenoiser:
    """Return a denoiser after so many steps."""
    noise, channels = OURS[method].format(f"{sigma / 255:.6f}"), 1 if kind == "grey" else 3
    model = ImageDenoiser(corruption=noise, channels=channels, max_steps=steps, random_state=0)
    images = training_images(folder, kind, None if method == "taciturn" else sigma)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(images)


def steps_within(minutes: float, folder: Path, kind: str, sigma: int) -> int:
    """Return how many steps "taciturn" takes in so many minutes."""
    trial = fitted(folder, kind, sigma, "taciturn", TRIAL_STEPS)
    seconds = float(np.sum(trial.history_["seconds"]))
    return max(int(0.95 * minutes * 60 / (seconds / TRIAL_STEPS)), TRIAL_STEPS)


def results_of(file: Path, fit: Callable[[], ImageDenoiser], noisy: Images) -> Images:
    """Return the denoised images, their seconds and the steps of the fit; from the file, if an earlier run wrote it."""
    if not file.exists():
        model, results = fit(), {}
        results["steps"] = np.int64(model._learner.steps_done)
        for name, image in noisy.items():
            start = time.perf_counter()
            results[name] = model.denoise(image)
            results[f"{name} seconds"] = np.float64(time.perf_counter() - start)
        file.parent.mkdir(exist_ok=True)
        partial = file.with_name("partial.npz")
        np.savez_compressed(partial, **results)
        os.replace(partial, file)
    with np.load(file) as arrays:
        return dict(arrays)


def similarity(clean: np.ndarray, result: np.ndarray) -> float:
    """Return the mean structural similarity of two images."""
    ssim = SSIM(clean.shape, peak=1.0)
    ssim.add(*(torch.from_numpy(np.asarray(image, np.float64).reshape(1, -1)) for image in (clean, result)))
    return ssim.mean


def save(picture: np.ndarray, path: Path) -> None:
    """Write an image as a PNG, clipped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(path)


def table(folder: Path, kind: str, sigma: int, steps: int | None, minutes: float, pictures: Path | None) -> list[str]:
    """Train for one σ, grey or in colour, and return the lines of its table."""
    images = {}
    for path in sorted(folder.glob(f"*-{kind}-{sigma}.npz")):
        with np.load(path) as arrays:
            images[path.name.split("-")[0]] = {name: arrays[name] for name in ("clean", *CLASSICAL) if name in arrays}
    noisy = {name: arrays["noisy"] for name, arrays in images.items()}
    amount, ours = f"{steps} steps" if steps else f"{minutes:g} minutes", {}
    for method in OURS:

        def fit(method: str = method) -> ImageDenoiser:
            known = ours["taciturn"]["steps"] if "taciturn" in ours else steps_within(minutes, folder, kind, sigma)
            return fitted(folder, kind, sigma, method, steps or int(known))

        ours[method] = results_of(folder / "ours" / f"{kind}-{sigma}-{amount}-{method}.npz", fit, noisy)
    columns = [*CLASSICAL, *OURS]
    lines = ["", f"{kind}, σ = {sigma}/255, {int(ours['taciturn']['steps']):,} steps", ""]
    lines += [f"| | {' | '.join(columns)} | seconds |", "|---" * (len(columns) + 2) + "|"]
    numbers = defaultdict(list)
    for name, results in images.items():
        clean, results = results["clean"], results | {method: ours[method][name] for method in OURS}
        cells = []
        for method in columns:
            if method not in results:
                cells.append("")
                continue
            error = float(np.mean((results[method].astype(np.float64) - clean) ** 2))
            numbers[method].append((psnr(error, 1.0), similarity(clean, results[method])))
            cells.append("{:.2f} {:.3f}".format(*numbers[method][-1]))
            if pictures:
                save(results[method], pictures / f"{name}-{kind}-{sigma}-{method}.png")
        seconds = float(ours["taciturn"][f"{name} seconds"]) * PIXELS / clean[..., :1].size
        lines.append(f"| {name} | {' | '.join(cells)} | {seconds:.1f} |")
    means = [np.mean(numbers[method], axis=0) if numbers[method] else None for method in columns]
    cells = ["" if mean is None else f"**{mean[0]:.2f}** {mean[1]:.3f}" for mean in means]
    return [*lines, f"| mean | {' | '.join(cells)} | |"]


def main() -> None:
    """Train, compare and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--minutes", type=float, default=15)
    amount.add_argument("--steps", type=int)
    parser.add_argument("--only", nargs="+", help="such as grey-25 colour-50")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--out")
    args = parser.parse_args()
    cases = sorted({path.stem.partition("-")[2] for path in args.folder.glob("*-*-*.npz")})
    lines = []
    for case in args.only or cases:
        kind, _, sigma = case.partition("-")
        lines += table(args.folder, kind, int(sigma), args.steps, args.minutes, args.pictures)
    training = f"{args.steps:,} steps" if args.steps else f"{args.minutes:g} minutes"
    publish(f"PSNR in dB and SSIM; {training} of training for each", lines[1:], args.out)


if __name__ == "__main__":
    main()
