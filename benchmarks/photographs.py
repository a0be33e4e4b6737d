"""Compare denoising of photographs by PSNR and SSIM: classical methods, BM3D and taciturn.

python benchmarks/photographs.py FOLDER [--minutes 15] [--out benchmarks/results/photographs.md] [--pictures FOLDER]

FOLDER is what benchmarks/peers/photographs.py writes in an environment of its own: training images (scikit-image's, and
scikit-learn's flower), and test images (camera, coffee, china) with noise, beside the results of other methods.
taciturn is `ImageDenoiser(corruption="gaussian:σ", channels=…, max_steps=…, random_state=0).fit(FOLDER/train)`, one
for each σ, grey and in colour; max_steps are as many as the minutes allow, by the steps of a first short fit.

The peak is 1; nothing is clipped. SSIM is that of Wang et al. (2004), of colours the mean over channels. Seconds are of
one image, scaled to 512 × 512 pixels.
"""

import argparse
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from denoising import publish
from PIL import Image

from taciturn import ImageDenoiser
from taciturn.metrics import SSIM, psnr

METHODS = ("noisy", "wavelets", "total variation", "non-local means", "BM3D", "taciturn")
TRIAL_STEPS = 60  # of the fit that measures the speed
PIXELS = 512 * 512


def trained(folder: Path, kind: str, sigma: int, minutes: float, **parameters: Any) -> ImageDenoiser:
    """Return a denoiser that was trained for some minutes on the training images."""
    channels, noise = (1 if kind == "grey" else 3), f"gaussian:{sigma / 255:.6f}"
    first = ImageDenoiser(corruption=noise, channels=channels, max_steps=TRIAL_STEPS, random_state=0, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds = first.fit(str(folder / "train")).history_["seconds"]
        steps = max(int(0.95 * minutes * 60 / (float(np.sum(seconds)) / TRIAL_STEPS)), TRIAL_STEPS)
        return first.set_params(max_steps=steps).fit(str(folder / "train"))


def similarity(clean: np.ndarray, result: np.ndarray) -> float:
    """Return the mean structural similarity of two images."""
    ssim = SSIM(clean.shape, peak=1.0)
    ssim.add(*(torch.from_numpy(np.asarray(image, np.float64).reshape(1, -1)) for image in (clean, result)))
    return ssim.mean


def save(picture: np.ndarray, path: Path) -> None:
    """Write an image as a PNG, clipped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(path)


def main() -> None:
    """Train, compare and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--out")
    args = parser.parse_args()
    cases = defaultdict(list)
    for path in sorted(args.folder.glob("*-*-*.npz")):
        name, kind, sigma = path.stem.split("-")
        cases[kind, int(sigma)].append((name, path))
    lines = []
    for (kind, sigma), images in sorted(cases.items()):
        model = trained(args.folder, kind, sigma, args.minutes)
        lines += ["", f"{kind}, σ = {sigma}/255, {model._learner.steps_done:,} steps", ""]
        lines += [f"| | {' | '.join(METHODS)} | seconds |", "|---" * (len(METHODS) + 2) + "|"]
        table = defaultdict(list)
        for name, path in images:
            with np.load(path) as arrays:
                results = {method: arrays[method] for method in ("clean", *METHODS) if method in arrays}
            start = time.perf_counter()
            results["taciturn"] = model.denoise(results["noisy"])
            seconds = (time.perf_counter() - start) * PIXELS / results["clean"][..., :1].size
            clean = results["clean"]
            for method in METHODS:
                if method in results:
                    error = float(np.mean((results[method].astype(np.float64) - clean) ** 2))
                    table[method].append((psnr(error, 1.0), similarity(clean, results[method])))
                    if args.pictures:
                        save(results[method], args.pictures / f"{name}-{kind}-{sigma}-{method}.png")
            cells = [f"{table[m][-1][0]:.2f} {table[m][-1][1]:.3f}" if table[m] else "" for m in METHODS]
            lines.append(f"| {name} | {' | '.join(cells)} | {seconds:.1f} |")
        means = [np.mean(table[method], axis=0) if table[method] else None for method in METHODS]
        cells = ["" if mean is None else f"**{mean[0]:.2f}** {mean[1]:.3f}" for mean in means]
        lines.append(f"| mean | {' | '.join(cells)} | |")
    publish(f"PSNR in dB and SSIM; {args.minutes:g} minutes of training for each", lines[1:], args.out)


if __name__ == "__main__":
    main()
