"""Photographs of scikit-image and scikit-learn, with noise, and what classical methods make of them.

python benchmarks/peers/photographs.py FOLDER [--sigma 25 50] [--seed 0] [--no-bm3d]

In an environment of its own: scikit-image, PyWavelets, scikit-learn and bm3d, whose licence excludes commercial use.
Writes train/*.png, and for each test image, in grey and in colour, and each σ (of 255) a file
NAME-grey-25.npz: clean and noisy (float32 from 0 to 1, not clipped), and a result and its seconds for each method.

non-local means   denoise_nl_means(patch 5, distance 6, fast), h = .6, .8 and 1 σ: the best by PSNR
total variation   denoise_tv_chambolle, weight = 1, 1.5 and 2 σ: the best by PSNR
wavelets          denoise_wavelet(BayesShrink, soft, rescaled)
BM3D              bm3d.bm3d / bm3d.bm3d_rgb (Dabov et al., 2007; Mäkinen et al., 2020), σ given
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
from skimage import color, data, io, restoration
from sklearn.datasets import load_sample_image

TRAIN = ("astronaut", "brick", "cat", "coins", "grass", "gravel", "immunohistochemistry", "moon", "retina", "rocket")
TEST = {"camera": data.camera, "coffee": data.coffee, "china": lambda: load_sample_image("china.jpg")}


def classical(noisy, sigma, clean, with_bm3d):
    """Yield each method's name, its results to choose from, and its seconds."""
    axis = None if noisy.ndim == 2 else -1
    methods = {
        "non-local means": [
            lambda h=h: restoration.denoise_nl_means(
                noisy, patch_size=5, patch_distance=6, h=h * sigma, sigma=sigma, fast_mode=True, channel_axis=axis
            )
            for h in (0.6, 0.8, 1.0)
        ],
        "total variation": [
            lambda w=w: restoration.denoise_tv_chambolle(noisy, weight=w * sigma, channel_axis=axis)
            for w in (1.0, 1.5, 2.0)
        ],
        "wavelets": [
            lambda: restoration.denoise_wavelet(
                noisy, sigma=sigma, method="BayesShrink", mode="soft", rescale_sigma=True, channel_axis=axis
            )
        ],
    }
    if with_bm3d:
        import bm3d

        methods["BM3D"] = [lambda: bm3d.bm3d(noisy, sigma) if axis is None else bm3d.bm3d_rgb(noisy, sigma)]
    for name, settings in methods.items():
        start = time.perf_counter()
        results = [setting() for setting in settings]
        seconds = (time.perf_counter() - start) / len(settings)
        yield name, min(results, key=lambda result: np.mean((result - clean) ** 2)), seconds


def main():
    """Write the images and the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sigma", type=int, nargs="+", default=[25, 50])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-bm3d", action="store_true")
    options = parser.parse_args()
    (options.folder / "train").mkdir(parents=True, exist_ok=True)
    io.imsave(options.folder / "train" / "flower.png", load_sample_image("flower.jpg"), check_contrast=False)
    io.imsave(options.folder / "train" / "motorcycle.png", data.stereo_motorcycle()[0], check_contrast=False)
    for name in TRAIN:
        io.imsave(options.folder / "train" / f"{name}.png", getattr(data, name)(), check_contrast=False)
    for name, load in TEST.items():
        image = load() / 255
        kinds = {"grey": image if image.ndim == 2 else color.rgb2gray(image)}
        if image.ndim == 3:
            kinds["colour"] = image
        for kind, clean in kinds.items():
            for sigma in options.sigma:
                rng = np.random.default_rng([options.seed, sigma, len(name)])
                noisy = clean + rng.normal(0, sigma / 255, clean.shape)
                arrays = {"clean": clean, "noisy": noisy}
                for method, result, seconds in classical(noisy, sigma / 255, clean, not options.no_bm3d):
                    arrays |= {method: result, f"{method} seconds": np.float64(seconds)}
                    print(
                        f"{name} {kind} {sigma} {method}: {-10 * np.log10(np.mean((result - clean) ** 2)):.2f}",
                        flush=True,
                    )
                partial = options.folder / "partial.npz"
                np.savez_compressed(partial, **{n: np.asarray(a, np.float32) for n, a in arrays.items()})
                os.replace(partial, options.folder / f"{name}-{kind}-{sigma}.npz")


if __name__ == "__main__":
    main()
