"""What a hundredth of the rows, a hundred times as large, does to the other rows' score, and which remedy helps.

Prints the score on the ordinary rows, in units of their own standard deviations, for the table of docs/recipes.md;
and of the scaling by ranks that of a linear regression from the codes, because its reconstructions near outliers err.

    python benchmarks/extreme_rows.py
"""

import warnings

import numpy as np
from sklearn.linear_model import LinearRegression

from taciturn import DenoisingAutoencoder
from taciturn.core.errors import ExtremeRows

warnings.simplefilter("ignore", ExtremeRows)
rng = np.random.default_rng(0)
clean = rng.normal(size=(2000, 6)) @ rng.normal(size=(6, 20)) + 0.3 * rng.normal(size=(2000, 20))
extreme = rng.choice(2000, 20, replace=False)
ordinary = np.setdiff1d(np.arange(2000), extreme)
rows = clean.copy()
rows[extreme] *= 100


def trained(training, **parameters):
    """Return a model trained on `training`."""
    return DenoisingAutoencoder(16, max_iter=30, random_state=0, **parameters).fit(training)


def score_of_codes(training, **parameters):
    """Return R² of the linear regression from the codes of the ordinary rows to these rows."""
    x = clean[ordinary] / clean[ordinary].std(0)
    codes = trained(training, **parameters).transform(clean[ordinary])
    return LinearRegression().fit(codes, x).score(codes, x)


def score(training, **parameters):
    """Return 1 - FVU on the ordinary rows after a training on `training`."""
    model, x = trained(training, **parameters), clean[ordinary]
    errors, deviations = model.denoise(x) - x, x - x.mean(0)
    return 1 - np.square(errors / x.std(0)).sum() / np.square(deviations / x.std(0)).sum()


print(f"without extreme rows     {score(clean):6.2f}")
print(f"with them                {score(rows):6.2f}")
for scaling in ("minmax", "mean_norm", "none", "rank_gauss"):
    print(f"scaling={scaling:16s} {score(rows, scaling=scaling):6.2f}")
for scaling in ("standard", "rank_gauss"):
    print(f"codes, {scaling:17s} {score_of_codes(rows, scaling=scaling):6.2f}")
print(f"solver=adam:clip=1       {score(rows, solver='adam:clip=1'):6.2f}")
print(f"clipped to 1 and 99%     {score(np.clip(rows, *np.percentile(rows, [1, 99], axis=0))):6.2f}")
print(f"left out                 {score(rows[ordinary]):6.2f}")
