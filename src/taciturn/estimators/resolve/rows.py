"""The rules of what is done to rows, and what rows must be for it: scaling, corruption, range of the targets."""

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.errors import DataError, ExtremeRows, RecipeError, UnreachableTargets
from ...core.messages import quoted
from ...corruption import Clean, Corruption, Missing
from ...data.extreme_rows import extreme_share
from ...data.moments import Moments
from ...data.quantiles import measure_lengths, measure_quantiles
from ...data.sources import Source
from ...data.survey import Survey, survey, surveyed_part
from ...model import (
    Auto,
    Common,
    LayerNorm,
    MinMax,
    Range,
    RankGauss,
    RowNorm,
    Scaling,
    Standard,
    UInt8,
    VariableScaling,
    row_norm_instead,
    scaled_range,
)
from ...model.coding_layers import Elementwise, Identity
from ...model.networks import Network
from ...objective import Term
from ...training import Learner
from ..parameters import RunParameters
from .values import part

# The matrices of whitening take 134 MB each at this width, and their computation a minute.
MAX_WHITENED_COLUMNS = 4096
MAX_TABLE_NUMBERS = 1 << 24  # of all columns' tables: 134 MB, of which a model has four
ROWS_PER_COLUMN = 10  # least number that whitening and ranks are fitted to, where there are more
MAX_STD_RATIO = 4  # of columns of one kind


def measured(source: Source, scaling: Any, *, fitted: bool = False, rows: int | None = None) -> Survey:
    """Return the moments of rows that a scaling (a text or a Scaling) requires, and the rows' fingerprint.

    Parameters
    ----------
    source : Source
        The rows.
    scaling : str or Scaling
        The scaling.
    fitted : bool, default=False
        Whether the scaling is fitted already. Quantiles and lengths are measured only for one that is not.
    rows : int, optional
        How many rows of a streamed source are measured; by default all.

    Returns
    -------
    Survey

    Raises
    ------
    RecipeError
        The scaling whitens, and the rows have more than 4,096 columns or missing values; or it ranks, and there is one
        row, or the tables would have more than 17 million numbers; or either, and fewer rows than ten for each column
        are measured although there are more.
    DataError
        Squares of the values exceed the largest float64; or a value that was read of a streamed source is infinite.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> measured(Rows([[0.0, 1.0], [2.0, 1.0]]), "whiten").moments.products.tolist()
    [[2.0, 0.0], [0.0, 0.0]]
    """
    recipe, width = part(scaling, Scaling, "scaling"), math.prod(source.shape)
    whitens = recipe.whitens
    if whitens and width > MAX_WHITENED_COLUMNS:
        raise RecipeError(
            f"scaling='whiten' needs several matrices of {width:,} x {width:,} numbers, {8e-9 * width**2:.1f} GB each, "
            f"and is limited to {MAX_WHITENED_COLUMNS:,} columns; set scaling='standard', or give fewer columns"
        )
    if isinstance(recipe, RankGauss) and not fitted:
        _check_tables(recipe, width, len(source))
    read = surveyed_part(source, rows)
    if read is not source and rows is not None and (whitens or recipe.ranks) and rows < ROWS_PER_COLUMN * width:
        raise RecipeError(
            f"scaling={recipe.text!r} needs survey_rows={ROWS_PER_COLUMN * width} or more, {ROWS_PER_COLUMN} for each "
            f"column, not {rows}; set that, or survey_rows='all', or scaling='standard'"
        )
    found = survey(source, rows=rows, with_products=whitens)
    moments = found.moments
    if whitens and moments.missing.any():
        raise RecipeError(
            "scaling='whiten' needs rows without missing values; set scaling='standard', or fill the values in"
        )
    if recipe.n_quantiles and not fitted:
        moments.quantiles = measure_quantiles(read, moments, recipe.n_quantiles, in_runs=read is not source)
    if isinstance(recipe, RowNorm | LayerNorm) and not fitted:
        moments.lengths = measure_lengths(
            read, *recipe.columns(moments), centre=recipe.centre, in_runs=read is not source
        )
    return found


def _check_tables(scaling: RankGauss, width: int, n_rows: int) -> None:
    """Raise RecipeError if a scaling by ranks cannot be fitted to so few rows, or to so many columns."""
    if n_rows < 2:
        raise RecipeError(
            f"scaling={scaling.text!r} is fitted to the first rows alone and needs 2 or more, best thousands; "
            "give more rows, or set scaling='standard'"
        )
    if width * min(scaling.quantiles, n_rows) > MAX_TABLE_NUMBERS:
        fewer = MAX_TABLE_NUMBERS // width
        mend = f"'rank_gauss:quantiles={fewer}' or " if fewer >= 2 else ""
        raise RecipeError(
            f"scaling={scaling.text!r} needs tables of {width:,} x {scaling.quantiles:,} numbers, and is limited to "
            f"{MAX_TABLE_NUMBERS:,}; set scaling={mend}'standard'"
        )


def check_known(source: Source, moments: Moments) -> None:
    """Raise DataError if all values of a column are missing, in all rows or in those that were measured.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> rows = Rows(np.array([[1.0, np.nan], [2.0, np.nan]]), columns=("a", "b"))
    >>> check_known(rows, survey(rows).moments)
    Traceback (most recent call last):
    taciturn.core.errors.DataError: column 'b' has no known value; drop it
    """
    if (unknown := np.flatnonzero(moments.missing == moments.count)).size:
        name = quoted(source.columns[unknown[0]]) if source.columns else str(unknown[0])
        if moments.count == len(source):
            raise DataError(f"column {name} has no known value; drop it")
        raise DataError(
            f"column {name} has no known value in the {moments.count:,} rows that were surveyed; drop it, or set "
            "survey_rows='all'"
        )


def scaling_dtype(X: Any, source: Source) -> np.dtype[Any]:
    """Return the dtype that "auto" scales by: that of a bare array, and float64 for everything with column names.

    A table's dtype tells how it is stored, not that it holds pixels.

    Examples
    --------
    >>> import pandas as pd
    >>> from taciturn.data.sources import Rows
    >>> ages = np.array([[30], [200]], np.uint8)
    >>> scaling_dtype(ages, Rows(ages)), scaling_dtype(pd.DataFrame(ages), Rows(ages))
    (dtype('uint8'), dtype('float64'))
    """
    is_table = getattr(X, "columns", None) is not None
    return np.dtype(np.float64) if is_table else source.dtype


def dictionary_scaling(scaling: Scaling, moments: Moments) -> Scaling:
    """Return the scaling of a dictionary's rows, given what "auto" chose: one divisor for columns of one kind.

    Directions of rows are what a dictionary is to find, and standardised columns bend them. Columns are of one kind if
    the largest standard deviation is at most 4 times the smallest, constant columns aside.

    Examples
    --------
    >>> alike, different = Moments().add([[0.0, 5.0], [2.0, 9.0]]), Moments().add([[0.0, 5.0], [2.0, 900.0]])
    >>> dictionary_scaling(Standard(), alike), dictionary_scaling(Standard(), different)
    (Common(), Standard())
    """
    variance = moments.variance[~moments.constant]
    one_kind = variance.size and variance.max() <= MAX_STD_RATIO**2 * variance.min()
    return Common() if scaling == Standard() and one_kind else scaling


def image_scaling(scaling: Scaling) -> Scaling:
    """Return the scaling of images, given what "auto" chose: that of each column alone becomes one for all pixels.

    Examples
    --------
    >>> image_scaling(Standard()), image_scaling(UInt8())
    (Range(), UInt8())
    """
    return scaling if scaling.columns_alike else Range()


def check_alike(network: Network, *scalings: Scaling) -> None:
    """Raise RecipeError if a scaling treats pixels differently, for a network that does the same at each pixel.

    Examples
    --------
    >>> check_alike(Network.parse("residual"), Standard())
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: network='residual' scales all pixels alike, scaling='standard' does not; set ...
    """
    for scaling in scalings:
        if not scaling.columns_alike:
            raise RecipeError(
                f"network={network.text!r} scales all pixels alike, scaling={scaling.text!r} does not; "
                "set scaling='auto' or 'range'"
            )


def unit(targets: Moments, dtype: np.dtype[Any]) -> Scaling:
    """Return the scaling whose divisor is the unit of errors: what "auto" finds for the targets, whatever the scaling.

    Of targets that are not images "auto" itself is returned: it chooses again when `partial_fit` adds rows.

    Examples
    --------
    >>> unit(Moments().add([[0.0, 7.0]]), np.dtype("uint8")), unit(Moments().add([[0.0, 7.0]]), np.dtype(float))
    (UInt8(), Auto())
    """
    found = Auto().resolve(targets, dtype)
    return found if isinstance(found, UInt8) else Auto()


def corruption(value: Any, missing_share: float = 0.0) -> Corruption:
    """Return the corruption of a text or a Corruption; `Clean()` for None and "none".

    With a share of missing values greater than 0, `missing` noise of this share is added.

    Raises
    ------
    RecipeError
        The text names no corruption, or the value is of another type.

    Examples
    --------
    >>> corruption("gaussian:0.4").std, corruption(None).clean
    (0.4, True)
    >>> corruption("gaussian:0.4", 0.2).text
    'gaussian:0.4+missing:0.2'
    """
    noise = Clean() if value in (None, "none") else part(value, Corruption, "corruption")
    if not missing_share:
        return noise
    missing = Missing(float(f"{missing_share:.2g}"))
    return missing if noise.clean else noise + missing


def check_bounded(error: Term, scaling: Scaling, dtype: np.dtype[Any], survey_rows: Any) -> None:
    """Raise RecipeError if a loss requires targets in [0, 1], and only some were measured.

    Parameters
    ----------
    error : Term
        The reconstruction error.
    scaling : Scaling
        The scaling of the targets.
    dtype : dtype
        Their type: divided by 255, uint8 lies in [0, 1].
    survey_rows : object
        How many were to be measured, for the message.
    """
    if error.unit_interval_only and not (isinstance(scaling, UInt8) and dtype == np.uint8):
        raise RecipeError(
            f"loss={error.text!r} needs rows in [0, 1], which survey_rows={survey_rows} does not check of all rows; "
            "set survey_rows='all', or loss='squared_error'"
        )


def check_batches(noise: Corruption, n_rows: int, batch_rows: int) -> None:
    """Raise RecipeError if a batch has fewer rows than the corruption requires.

    Parameters
    ----------
    noise : Corruption
        The corruption.
    n_rows : int
        Number of rows to train on.
    batch_rows : int
        Largest number of rows of a batch; batches are of near-equal size.

    Examples
    --------
    >>> check_batches(Corruption.parse("swap:0.1"), 5, 2)
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: swap:0.1 needs 2 rows or more in each batch, but one has 1; set ...
    """
    n_batches = -(-n_rows // batch_rows)
    if n_rows // n_batches >= noise.min_rows:
        return
    mend = "give more rows" if n_rows < noise.min_rows else f"set batch_size={2 * noise.min_rows - 1} or more"
    raise RecipeError(
        f"{noise.text} needs {noise.min_rows} rows or more in each batch, but one has {n_rows // n_batches}; {mend}"
    )


def check_range(
    error: Term, output: Elementwise, scaling: Scaling, moments: Moments, targets: Moments, *, fitted: bool = False
) -> None:
    """Check that the loss is defined for the scaled targets, and that the output activation can reach them.

    Parameters
    ----------
    error : Term
        The reconstruction error.
    output : Elementwise
        The output activation.
    scaling : Scaling
        The scaling, fitted to `moments`.
    moments : Moments
        Of the training rows.
    targets : Moments
        Of the targets; of the rows if these are their own targets.
    fitted : bool, default=False
        Whether the estimator is fitted already, so that its loss, output and scaling cannot change.

    Raises
    ------
    DataError
        The loss requires targets in [0, 1], and some lie outside.

    Warns
    -----
    UnreachableTargets
        Targets lie outside the output activation's bounds.

    Examples
    --------
    >>> from taciturn.model import NoScaling
    >>> from taciturn.model.coding_layers import ReLU
    >>> from taciturn.objective import CrossEntropy, SquaredError
    >>> moments = Moments().add([[0.0, 7.0]])
    >>> check_range(SquaredError(), ReLU(), NoScaling(), moments, moments)
    >>> check_range(CrossEntropy(), ReLU(), NoScaling(), moments, moments)
    Traceback (most recent call last):
    taciturn.core.errors.DataError: cross_entropy needs rows in [0, 1], but the scaled rows are in [0, 7]; set ...
    """
    low, high = scaled_range(scaling, moments, targets)
    found = f"the scaled rows are in [{low:.4g}, {high:.4g}]"
    if math.isinf(low):
        found = f"{'whitened rows' if scaling.whitens else 'normal scores' if scaling.ranks else 'rows around medians'}"
        found += " lie on both sides of 0"
    change = "give other rows, or train a new estimator with" if fitted else "set"
    rescale = "" if scaling == MinMax() else "scaling='minmax' or "
    if error.unit_interval_only and not (low >= 0 and high <= 1):
        raise DataError(f"{error.name} needs rows in [0, 1], but {found}; {change} {rescale}loss='squared_error'")
    least, greatest = output.bounds
    if low < least or high > greatest:
        warnings.warn(
            f"output_activation={output.text!r} gives values in ({least:g}, {greatest:g}), but {found}; "
            f"{change} {rescale}output_activation='identity'",
            UnreachableTargets,
            stacklevel=4,
        )


def streamed(parameters: RunParameters) -> RunParameters:
    """Return the parameters of a first `partial_fit`, whose rows do not decide any "auto" for the rows to come.

    Columns are standardised and the output activation is the identity, unless the parameters name others.
    """
    automatic = isinstance(part(parameters.scaling, Scaling, "scaling"), Auto)
    network = part(parameters.network, Network, "network")
    if automatic and network.axes == 2:
        scaling = Range() if network.same_at_each_pixel else Standard()
    else:  # "auto" of signals does not depend on the rows
        scaling = parameters.scaling
    output = Identity() if parameters.output_activation == "auto" else parameters.output_activation
    return replace(parameters, scaling=scaling, output_activation=output)


def warn_of_extreme_rows(source: Source, moments: Moments, learner: Learner) -> None:
    """Warn if a few rows hold nearly all of the columns' variance, in the units of a learner's scaling.

    Warns
    -----
    ExtremeRows
        At most 5% of the rows hold 95% of the variance of the scaled columns. Scalings by ranks and by rows leave none
        so far from the others.
    """
    scaling, scale = learner.settings.scaling, learner.model.scale.cpu().numpy()
    if scaling.ranks or scaling.by_rows:
        return
    share = extreme_share(surveyed_part(source, learner.settings.survey_rows), moments, scale)
    learner.has_extreme_rows = share is not None
    if share is None:
        return
    by_row = "" if isinstance(scaling, VariableScaling) else f"set scaling={row_norm_instead(scale).text!r}, "
    rows = f"{100 * share:.2g}%" if share else "a few"
    percent = max(math.ceil(round(100 * share, 6)), 1)
    warnings.warn(
        f"{rows} of the rows hold 95% of the columns' variance, so that the other rows hardly count; "
        f"{by_row}leave those rows out, or clip each column: "
        f"np.clip(X, *np.percentile(X, [{percent}, {100 - percent}], axis=0))",
        ExtremeRows,
        stacklevel=4,
    )
