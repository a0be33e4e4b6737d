"""Write tests/golden/ssim.npz: images, poor copies of them, and scikit-image's structural similarity of each pair.

Usage: python tests/golden/make_ssim.py

Needs scikit-image (0.26 made the file), which the library and its tests do not. The file holds for each set of images
NAME/x and NAME/recon, uint8 [N, H, W] or [N, H, W, 3], and NAME/ssim [N], of the pixels / 255 with a data range of 1,
as Wang et al. (2004) define it: a Gaussian window of standard deviation 1.5, variances divided by N.
"""

from pathlib import Path

import numpy as np

SHAPES = {"grey": (28, 28), "wide": (13, 40), "smallest": (11, 11), "colour": (24, 17, 3)}


def images(rng, shape):
    """Smooth blobs, one flat image, one of noise."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    places = rng.uniform(0, 1, (4, 5, 2)) * shape[:2]
    blobs = np.stack([sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) / 12) for a, b in five) for five in places])
    shades = [blobs, np.full((1, *shape[:2]), 0.7), rng.uniform(0, 1, (1, *shape[:2]))]
    grey = np.concatenate(shades).clip(0, 1)
    return grey if len(shape) == 2 else grey[..., None] * [1, 0.6, 0.2] + 0.1 * rng.uniform(0, 1, (6, *shape))


def copies(rng, x):
    """Noisy, faint, brighter, negative, shifted by a pixel, another image."""
    noisy = x[0] + 0.2 * rng.normal(size=x[0].shape)
    return np.stack([noisy, 0.5 * x[1], x[2] + 0.3, 1 - x[3], np.roll(x[4], 1, 0) - 0.05, x[0]])


def main():
    from skimage.metrics import structural_similarity  # here: pytest imports this file, without scikit-image

    rng, found = np.random.default_rng(2004), {}
    for name, shape in SHAPES.items():
        x = images(rng, shape)
        x, recon = ((255 * a).round().clip(0, 255).astype(np.uint8) for a in (x, copies(rng, x)))
        how = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        how["channel_axis"] = None if len(shape) == 2 else -1
        ssim = [structural_similarity(a / 255, b / 255, **how) for a, b in zip(x, recon, strict=True)]
        found |= {f"{name}/x": x, f"{name}/recon": recon, f"{name}/ssim": np.array(ssim)}
    np.savez_compressed(Path(__file__).with_name("ssim.npz"), **found)


if __name__ == "__main__":
    main()
