"""The rules of training: learning rate, batches, epochs, device and precision."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...core.errors import RecipeError, SmallBatch
from ...core.interval import interval
from ...core.schedules import Cosine, Decay, Schedule
from ...model import Capability
from ...model.coding_layers import CodingLayer
from ...model.networks import DenseNetwork, Network
from ...objective import Term
from ...training.step import PRECISIONS
from .values import number, positive_integer

MAX_AUTO_BATCH_ROWS = 256
MAX_AUTO_BATCH_NUMBERS = 1 << 22
MAX_AUTO_BATCH_PIXELS = 1 << 17
DENSE = DenseNetwork()
WINDOW_NUMBERS = 1 << 26  # of rows that are shuffled together: 268 MB in float32
MIN_WINDOW_BATCHES = 4
FULL_RATE_LATENTS = 1024  # with more of them a dictionary's learning rate is lower


def learning_rate(
    value: Any, coder: CodingLayer, penalties: Sequence[Term], network: Network = DENSE
) -> float | Schedule:
    """Return the learning rate.

    "auto" is constant and falls linearly to 0 over the last 30% of the steps. It starts at 0.01 if the codes lie in
    (0, 1); else at 0.001 if a penalty has a target L0 (at a higher rate too many latents become inactive for good);
    else at 0.003. That of a network without codes falls from 0.001 to 0 in half a cosine.

    Parameters
    ----------
    value : float, str or Schedule
        "auto", a number ≥ 0, or a schedule between such numbers.
    coder : CodingLayer
        The coding layer.
    penalties : sequence of Term
        The penalties.
    network : Network, default=DENSE
        The kind of the layers.

    Returns
    -------
    float or Schedule

    Raises
    ------
    RecipeError
        The text names no schedule, or the value is negative or not finite at the start or the end of the run.

    Examples
    --------
    >>> from taciturn.model.coding_layers import ReLU, Sigmoid
    >>> learning_rate("auto", Sigmoid(), []).text, learning_rate("auto", ReLU(), []).text
    ('decay:0.01', 'decay:0.003')
    """
    if value == "auto" and not network.has_codes:
        return Cosine(0.001)
    if value == "auto":
        has_target_l0 = any(term.target_kind == "l0" and term.target_value is not None for term in penalties)
        unit_interval = Capability.UNIT_INTERVAL_CODES in coder.provides
        return Decay(0.01 if unit_interval else 0.001 if has_target_l0 else 0.003, last=0.3)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = Schedule.parse(value)
    for rate in value.extremes if isinstance(value, Schedule) else (value,):
        number("learning_rate", rate, 0, np.inf)
    return value if isinstance(value, Schedule) else float(value)


def dictionary_rate(batch_size: Any, n_latents: int) -> Schedule:
    """Return the automatic learning rate of a dictionary, which falls linearly to 0 over the last 20% of the steps.

    It is 0.003 √(rows / 256), at most 0.01; batches of fewer rows count as 256. With more than 1,024 latents it is
    multiplied by (1,024 / latents)^¼ and rises from 0 over the first 10% of the steps: of many latents each has few
    rows, and a high rate at the start leaves most of them inactive for good (benchmarks/results/ablation.md).

    Parameters
    ----------
    batch_size : int or "auto"
        Rows in a batch.
    n_latents : int
        Number of latents.

    Returns
    -------
    Schedule

    Examples
    --------
    >>> dictionary_rate("auto", 512).text, dictionary_rate(1024, 512).text, dictionary_rate("auto", 16384).text
    ('decay:0.003,last=0.2', 'decay:0.006,last=0.2', 'decay:0.0015,last=0.2,first=0.1')
    """
    ratio = batch_size / MAX_AUTO_BATCH_ROWS if isinstance(batch_size, int | np.integer) else 1.0
    rate = min(0.003 * math.sqrt(max(ratio, 1.0)), 0.01)
    if n_latents <= FULL_RATE_LATENTS:
        return Decay(rate, last=0.2)
    return Decay(rate * (FULL_RATE_LATENTS / n_latents) ** 0.25, last=0.2, first=0.1)


def batch_size(value: Any, n_rows: int, penalties: Sequence[Term], n_columns: int = 1, network: Network = DENSE) -> int:
    """Return the number of rows in a batch.

    "auto" is the power of two nearest to rows / 32 (on a logarithmic scale), at least 32 and at most 256; of rows wider
    than 16,384 columns at most 4 million numbers, so that a batch is small beside the weights; of a network that does
    the same at each pixel at most 131,072 numbers, because each pixel teaches it. If a penalty has a target mean
    activation ρ, it is at least the next power of two above 1 / (2ρ), or all rows if there are fewer: a smaller batch
    is too small to measure ρ.

    Parameters
    ----------
    value : int or "auto"
        The number of rows, ≥ 1.
    n_rows : int
        Number of rows to train on.
    penalties : sequence of Term
        The penalties.
    n_columns : int, default=1
        Number of columns.
    network : Network, default=DENSE
        The kind of the layers.

    Returns
    -------
    int

    Raises
    ------
    RecipeError
        The value is not a positive whole number.

    Warns
    -----
    SmallBatch
        A batch of the given size is too small to measure the target of a penalty.

    Examples
    --------
    >>> batch_size("auto", 1797, []), batch_size("auto", 1_000_000, []), batch_size(20, 1797, [])
    (64, 256, 20)
    """
    rates = [term.target_value for term in penalties if term.target_kind == "rate" and term.target_value is not None]
    min_rows = min(2 ** math.ceil(math.log2(0.5 / min(rates))), n_rows) if rates else 1
    if value == "auto":
        by_rows = min(max(2 ** round(math.log2(n_rows / 32)), 32), MAX_AUTO_BATCH_ROWS) if n_rows > 32 else 32
        most = MAX_AUTO_BATCH_PIXELS if network.same_at_each_pixel else MAX_AUTO_BATCH_NUMBERS
        by_columns = 1 << (max(most // n_columns, 32).bit_length() - 1)
        return max(min(by_rows, by_columns), min_rows)
    size = positive_integer("batch_size", value)
    if size < min_rows:
        warnings.warn(
            f"batch_size={size} is too small to measure a mean activation of {min(rates):g}; set {min_rows} or more",
            SmallBatch,
            stacklevel=4,
        )
    return size


def shuffle_window(value: Any, n_columns: int, batch_rows: int) -> int:
    """Return the number of rows within which streamed rows are shuffled.

    Parameters
    ----------
    value : int or "auto"
        The number of rows, ≥ 1. "auto": 67 million numbers, but at least four batches.
    n_columns : int
        Number of columns.
    batch_rows : int
        Rows in a batch.

    Returns
    -------
    int

    Examples
    --------
    >>> shuffle_window("auto", 512, 256), shuffle_window(1000, 512, 256)
    (131072, 1000)
    """
    if value == "auto":
        return max(WINDOW_NUMBERS // n_columns, MIN_WINDOW_BATCHES * batch_rows)
    return positive_integer("shuffle_window", value)


def survey_rows(value: Any) -> int | None:
    """Return how many streamed rows are measured before the first step; None: all.

    Examples
    --------
    >>> survey_rows("all"), survey_rows(100_000)
    (None, 100000)
    >>> survey_rows("some")
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: survey_rows='some' must be a positive whole number, or 'all'
    """
    if value == "all":
        return None
    try:
        return positive_integer("survey_rows", value)
    except RecipeError as error:
        raise RecipeError(f"{error}, or 'all'") from None


def epochs(value: Any, n_rows: int, batch_rows: int, max_steps: int | None = None) -> int:
    """Return the number of epochs.

    None is as many as `max_steps` takes or, without it, as give about 4,000 steps, at least 20 and at most 1,000.

    Parameters
    ----------
    value : int or None
        The number of epochs, ≥ 1.
    n_rows : int
        Number of rows to train on.
    batch_rows : int
        Rows in a batch.
    max_steps : int or None, default=None
        Number of steps after which the run ends; None: no bound.

    Returns
    -------
    int

    Raises
    ------
    RecipeError
        The value is not a positive whole number.

    Examples
    --------
    >>> epochs(None, 1797, 64), epochs(None, 60_000, 256), epochs(None, 60_000, 256, 1000)
    (138, 20, 5)
    """
    if value is None and max_steps is not None:  # a tenth of the rows may be held out for the calibration
        return -(-max_steps // max(int(0.9 * n_rows) // batch_rows, 1))
    if value is None:
        return min(max(round(4000 / -(-n_rows // batch_rows)), 20), 1000)
    return positive_integer("max_iter", value)


def validate_every(value: Any, batch_rows: int) -> int | None:
    """Return the number of steps of an interval; None: an interval is an epoch.

    Parameters
    ----------
    value : int, str or None
        A number of steps, or a text such as "100000rows".
    batch_rows : int
        Rows in a batch.

    Raises
    ------
    RecipeError
        The value is not of this form.

    Examples
    --------
    >>> validate_every(None, 64), validate_every(100, 64), validate_every("6400rows", 64)
    (None, 100, 100)
    """
    if value is None:
        return None
    number, unit = interval("validate_every", value, ("steps", "rows"))
    return max(round(number / (batch_rows if unit == "rows" else 1)), 1)


def device(value: Any) -> str:
    """Return the device's name; "auto" is "cuda" if torch has a CUDA device, else "cpu".

    Raises
    ------
    RecipeError
        torch cannot use the device on this machine.

    Examples
    --------
    >>> device("cpu")
    'cpu'
    """
    if value == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=torch.device(value)).item()  # the device "meta" has no values to read
    except Exception as error:  # each kind of device has its own
        raise RecipeError(f"device={value!r} cannot be used on this machine; set 'auto' or 'cpu'") from error
    return str(value)


def precision(value: Any) -> str:
    """Return the precision in which kernels look for candidates and training may multiply; see `Settings`.

    Raises
    ------
    RecipeError
        The value is not "fp32", "bf16" or "int8".
    """
    if value not in PRECISIONS:
        raise RecipeError(f"precision={value!r} must be one of {', '.join(map(repr, PRECISIONS))}")
    return str(value)
