"""What a denoising autoencoder learns of the rows' density: r(x) - x is σ² times the gradient of its logarithm."""

import numpy as np

from taciturn import DenoisingAutoencoder

MEANS = np.array([[-2.0, 0.0], [1.0, 1.5], [1.0, -1.5]])
STDS, SHARES = np.array([0.5, 0.7, 0.4]), np.array([0.3, 0.4, 0.3])


def rows(n, seed):
    """Return rows of a mixture of three round normal distributions in the plane [n, 2]."""
    rng = np.random.default_rng(seed)
    component = rng.choice(3, n, p=SHARES)
    return MEANS[component] + STDS[component, None] * rng.normal(size=(n, 2))


def score(x, noise=0.0):
    """Return the gradient of the logarithm of the density of such rows with normal noise [n, 2]."""
    variances = STDS**2 + noise**2
    differences = MEANS - x[:, None]
    log = np.log(SHARES / variances) - np.square(differences).sum(2) / (2 * variances)
    posterior = np.exp(log - log.max(1, keepdims=True))
    posterior /= posterior.sum(1, keepdims=True)
    return (posterior[..., None] * differences / variances[:, None]).sum(1)


def test_the_score_agrees_with_finite_differences():
    def log_density(x):
        squares = np.square(MEANS - x).sum(1)
        return np.log((SHARES / STDS**2 * np.exp(-squares / (2 * STDS**2))).sum())

    for x in rows(5, 0):
        steps = 1e-5 * np.eye(2)
        slopes = [(log_density(x + step) - log_density(x - step)) / 2e-5 for step in steps]
        np.testing.assert_allclose(score(x[None])[0], slopes, rtol=1e-5)


def test_a_denoising_autoencoder_estimates_the_score():
    """Exactly σ² ∇ log p of the noisy rows' density (Miyasawa, 1961), nearly that of the rows (Alain and Bengio, 2014).

    The exact estimate's correlation with the noise-free density's gradient is .998.
    """
    noise = 0.2
    model = DenoisingAutoencoder(
        (48, 48),
        corruption=f"gaussian:{noise}",
        scaling="none",
        output_activation="identity",
        batch_size=512,
        max_steps=1000,
        alpha=0.0,
        random_state=0,
    ).fit(rows(20_000, 1))
    x = rows(4000, 2)
    residual = model.denoise(x) - x
    assert np.corrcoef(residual.ravel(), score(x, noise).ravel())[0, 1] > 0.97
    assert np.corrcoef(residual.ravel(), score(x).ravel())[0, 1] > 0.95
    slope = (residual * score(x, noise)).sum() / np.square(score(x, noise)).sum()
    np.testing.assert_allclose(slope, noise**2, rtol=0.1)
