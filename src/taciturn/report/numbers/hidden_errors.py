"""The errors of a model that was trained on noisy rows alone, as text too."""

import math
from dataclasses import dataclass

import numpy as np

from ...inference import Evaluation, mean_and_standard_error
from .numbers import finite


@dataclass(frozen=True)
class HiddenErrors:
    """The errors of a model that was trained on noisy rows alone, in squared units of the rows.

    Parameters
    ----------
    error : float
        Mean squared difference of the estimates of hidden entries and the noisy values, ≥ 0.
    standard_error : float or None
        Its standard deviation over draws of so many rows; None for one row.
    noise : float or None
        Standard deviation of the rows' noise, in their units; None: unknown.
    noise_share : float or None
        With a known noise, its share of the rows' variance, in units of the data (see `Summary`), ≥ 0. Only the rest
        can be predicted.
    denoising_error, denoising_standard_error : float or None
        With a known noise, the mean squared error of `denoise` against the rows without noise, estimated without them
        (without bias, so that it can be below 0), and its standard error.
    """

    error: float
    standard_error: float | None
    noise: float | None
    noise_share: float | None = None
    denoising_error: float | None = None
    denoising_standard_error: float | None = None

    @property
    def meaning(self) -> str:
        """What the error of hidden entries means, as a sentence."""
        noise = "the variance of the noise" if self.noise is None else f"the noise's variance of {self.noise**2:.4g}"
        return (
            f"The error of hidden entries is that of their estimates against the rows without noise plus {noise}: of "
            "two models of the same rows, the one with the smaller error is nearer to the rows without noise."
        )

    @property
    def limit(self) -> str:
        """What share of the variance can be predicted, in brackets; "" if the noise is unknown."""
        return "" if self.noise_share is None else f" (at most {max(1 - self.noise_share, 0):.1%}: the rest is noise)"

    @property
    def estimate(self) -> str:
        """The error of denoised rows with its standard error, as text; "" if the noise is unknown."""
        return _with_error(self.denoising_error, self.denoising_standard_error)

    def lines(self) -> list[tuple[str, str]]:
        """Return the numbers as pairs (label, text), for a table of two columns."""
        error = f"mean squared error {_with_error(self.error, self.standard_error)}, the noise included"
        noise = "unknown"
        if self.noise is not None:
            share = "" if self.noise_share is None else f": {self.noise_share:.1%} of the rows' variance"
            noise = f"variance {self.noise**2:.4g} (standard deviation {self.noise:.4g}){share}"
        denoised = f"mean squared error {self.estimate}, estimated without clean rows"
        return [
            ("hidden entries", error),
            ("noise", noise),
            *([("denoised rows", denoised)] if self.estimate else []),
            ("what that means", self.meaning),
        ]


def hidden_errors(evaluation: Evaluation, noise: float | None) -> HiddenErrors | None:
    """Return the errors of hidden entries of an evaluation; None if it hid none.

    Parameters
    ----------
    evaluation : Evaluation
        Of noisy rows.
    noise : float or None
        Standard deviation of their noise, if it is known.
    """
    if not evaluation.hidden:
        return None
    error, standard_error = mean_and_standard_error(evaluation.hidden)
    if noise is None:
        return HiddenErrors(error, finite(standard_error), None)
    variance = evaluation.clean.moments.variance.sum()
    share = float(np.square(noise / evaluation.unit).sum() / variance) if variance else math.inf
    denoising = map(finite, mean_and_standard_error(evaluation.denoising))
    return HiddenErrors(error, finite(standard_error), noise, finite(share), *denoising)


def _with_error(value: float | None, standard_error: float | None) -> str:
    """Return an error with its standard error, as text."""
    if value is None:
        return ""
    return f"{value:.4g}" if standard_error is None else f"{value:.4g} ± {standard_error:.2g}"
