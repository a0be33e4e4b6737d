"""The outliers among rows, and what makes them outliers: the numbers of a page of outliers."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.row_shape import is_image, likely_shape
from ...data.sources import Source
from .numbers import ShortRepr, plain
from .page_numbers import PageNumbers, now
from .provenance import Provenance
from .row_names import row_names, row_texts
from .verdict import ReportWarning, Verdict

SCHEMA = 1  # of the page's JSON
MIN_LISTED, MAX_LISTED = 10, 50  # rows on the page
MAX_EXPLAINED = 200  # rows whose cells are explained
MAX_NUMBERS = 1 << 23  # of the copies of explained rows, each with a cell hidden
N_REASONS = 3
MIN_REASON = 0.1  # contribution of a cell that is a reason, as a share of the row's largest contribution
MIN_HELD_OUT = 20  # with fewer held-out rows p-values are coarse
LEVEL = 0.05  # of the p-values that are counted
MAX_FLAGGED, MIN_ROWS = 0.2, 20  # a larger share of so many rows is not a matter of single rows
BLOCK_ROWS = 10_000

Floats = NDArray[np.float64]
Explain = Callable[[NDArray[np.intp]], tuple[NDArray[Any], NDArray[Any], NDArray[Any], Floats]]


@dataclass(frozen=True, eq=False)
class Detection:
    """What a fitted outlier detector found in rows.

    Parameters
    ----------
    rows : Source [N, D]
        The rows, in the input's units; those of a table encoded.
    scores : array [N]
        Low for outliers.
    p_values : array [N]
        NaN for rows that the detector was fitted to.
    held_out_scores : array [H]
        The scores of the rows that `fit` held out, ascending.
    offset : float
        Rows with a lower score are outliers.
    threshold : str
        How the threshold was chosen, as a sentence.
    columns : list of str or None [C]
        The names of a row's cells: a table's variables; None if columns have no names.
    first_columns : array [C] of int
        The first column of each cell in `rows`.
    explain : callable
        Returns, for the indices of R rows, the columns (names or numbers), values, expected values and contributions of
        their cells, each [R, C], the largest contribution first.
    shape : tuple of int
        A row's shape.
    provenance : Provenance
        The origin of the detector.
    """

    rows: Source
    scores: Floats
    p_values: Floats
    held_out_scores: Floats
    offset: float
    threshold: str
    columns: list[str] | None
    first_columns: NDArray[np.intp]
    explain: Explain
    shape: tuple[int, ...]
    provenance: Provenance


@dataclass(frozen=True)
class Reason:
    """A cell that makes a row an outlier.

    Parameters
    ----------
    column : str
        The name of its variable; of columns without names "column 3", of pixels "pixel (line 0, column 3)".
    value, expected : str, int or float
        The cell's value, and what the other cells of the row let expect: numbers, else text.
    contribution : float
        By how much the row's score would rise if the cell had its expected value, > 0.
    """

    column: str
    value: str | float
    expected: str | float
    contribution: float


@dataclass(frozen=True)
class OutlyingRow:
    """One of the rows with the lowest scores.

    Parameters
    ----------
    row : int
        Its index, from 0.
    score : float
        Low for outliers.
    p_value : float or None
        In (0, 1]; None where it has none.
    outlier : bool
        Whether the score is below the threshold.
    reasons : list of Reason
        Up to 3, the largest contribution first; [] where no single cell is a reason.
    """

    row: int
    score: float
    p_value: float | None
    outlier: bool
    reasons: list[Reason]


@dataclass(frozen=True)
class OutlierSummary:
    """The main numbers of a page of outliers.

    Parameters
    ----------
    rows : int
        Number of rows.
    columns : int
        Number of columns; of a table of its variables.
    outliers : int
        Rows with a score below `offset`.
    offset : float
        The threshold.
    threshold : str
        How it was chosen.
    held_out : int
        Rows that `fit` held out.
    held_out_below : float or None
        The share of these with a score below `offset`: about the share of false alarms. None without any.
    with_p_value : int
        Rows that have a p-value.
    small_p_values : float or None
        The share of these with a p-value of 0.05 or less; about 0.05 if they are like the rows of `fit`. None without
        any.
    missing : int
        Cells of the rows that are missing.
    explained : int
        Outliers whose cells were explained.
    """

    rows: int
    columns: int
    outliers: int
    offset: float
    threshold: str
    held_out: int
    held_out_below: float | None
    with_p_value: int
    small_p_values: float | None
    missing: int
    explained: int


@dataclass(frozen=True)
class VariableReasons:
    """How often a variable is a reason, over the explained outliers.

    Parameters
    ----------
    column : str
        Its name.
    first : int
        Outliers whose first reason it is.
    among : int
        Outliers of which it is one of up to three reasons.
    """

    column: str
    first: int
    among: int


@dataclass(frozen=True, eq=False)
class OutlierPictures:
    """What the page draws and its JSON does not hold.

    Parameters
    ----------
    shape : tuple of int
        A row's shape.
    scores, held_out_scores : array [N], array [H]
        All scores.
    texts : dict of int to str
        The texts of the listed rows, by the rows' indices; {} without texts.
    rows, expected, contributions : dict of int to array [D]
        The listed rows, what was expected of each of their pixels, and how much each makes the row an outlier, ≥ 0; {}
        unless rows are images.
    mean_contribution : array [D] or None
        The mean contribution of each pixel over the explained outliers, ≥ 0; None unless rows are images.
    """

    shape: tuple[int, ...]
    scores: Floats
    held_out_scores: Floats
    texts: dict[int, str]
    rows: dict[int, Floats] = field(default_factory=dict)
    expected: dict[int, Floats] = field(default_factory=dict)
    contributions: dict[int, Floats] = field(default_factory=dict)
    mean_contribution: Floats | None = None


@dataclass(frozen=True, eq=False, repr=False)
class OutlierNumbers(PageNumbers, ShortRepr):
    """The numbers of a page of outliers.

    Parameters
    ----------
    name : str
        The page's name.
    summary : OutlierSummary
        The main numbers.
    verdict : Verdict
        `sentence`, `points` (the main numbers) and `warnings`.
    quantiles : list of float
        Of the scores, at 0, .01, .05, .25, .5, .75, 1.
    rows : list of OutlyingRow
        The outliers, up to 50, the lowest score first; at least the 10 rows with the lowest scores.
    variables : list of VariableReasons
        The variables that are a reason, the most frequent first reason first.
    provenance : Provenance
        The origin of the detector.
    row_names : dict of int to str
        The ids of the listed rows, by the rows' indices; {} without ids.
    shape : list of int
        A row's shape.
    likely_shape : list of int or None
        The image shape that the rows are likely to have, if they have none.
    pictures : OutlierPictures
        What the page draws.
    created : str
        When the numbers were made, in UTC.
    """

    name: str
    summary: OutlierSummary
    verdict: Verdict
    quantiles: list[float]
    rows: list[OutlyingRow]
    variables: list[VariableReasons]
    provenance: Provenance
    row_names: dict[int, str]
    shape: list[int]
    likely_shape: list[int] | None
    pictures: OutlierPictures
    created: str = field(default_factory=now)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the pictures; docs/outliers.md lists the keys."""
        parts = ("summary", "verdict", "quantiles", "rows", "variables", "provenance")
        return {
            "schema": SCHEMA,
            "name": self.name,
            "created": self.created,
            "shape": self.shape,
            "likely_shape": self.likely_shape,
            "row_names": {str(row): name for row, name in self.row_names.items()},
        } | {part: plain(getattr(self, part)) for part in parts}


def measure_outliers(
    detection: Detection, ids: Iterable[Any] | None, texts: Iterable[str] | None, name: str
) -> OutlierNumbers:
    """Return the numbers of a page of outliers; `name` "" is the estimator's name.

    Cells are explained of at most 200 rows, of fewer where rows are wide, because the time grows with the square of the
    number of columns.
    """
    scores, rows = detection.scores, detection.rows
    n_outliers = int((scores < detection.offset).sum())
    width = prod(rows.shape)
    most = int(np.clip(MAX_NUMBERS // (width * len(detection.first_columns)), MIN_LISTED, MAX_EXPLAINED))
    order = np.argsort(scores, kind="stable")
    n_listed = min(max(n_outliers, MIN_LISTED), MAX_LISTED, most, len(rows))
    order = order[: min(max(n_outliers, n_listed), most)]
    cells = detection.explain(order)
    reasons = [reasons_of(_names(detection, of_row[0]), *of_row[1:]) for of_row in zip(*cells, strict=True)]
    listed = [_row(detection, int(row), why) for row, why in zip(order[:n_listed], reasons, strict=False)]
    explained = reasons[:n_outliers]
    summary = _summary(detection, n_outliers, len(explained))
    names, shape, row_text = row_names(ids, len(rows)), detection.shape, row_texts(texts, len(rows))
    shown = {} if row_text is None else {entry.row: row_text[entry.row] for entry in listed}
    suggested = None if is_image(shape) else likely_shape(rows)
    variables = _variables(explained)
    return OutlierNumbers(
        name=name or detection.provenance.estimator,
        summary=summary,
        verdict=_verdict(summary, [] if is_image(shape) else variables, listed),
        quantiles=np.quantile(scores, [0, 0.01, 0.05, 0.25, 0.5, 0.75, 1]).tolist(),
        rows=listed,
        variables=variables,
        provenance=detection.provenance,
        row_names={} if names is None else {entry.row: names[entry.row] for entry in listed},
        shape=list(shape),
        likely_shape=None if suggested is None else list(suggested),
        pictures=_pictures(detection, shown, order[:n_listed], n_outliers, cells),
    )


def _names(detection: Detection, columns: NDArray[Any]) -> list[str]:
    """Return the names of cells; `columns` are their names or, if they have none, their numbers."""
    if detection.columns is not None:
        return [str(column) for column in columns]
    if not is_image(detection.shape):
        return [f"column {column}" for column in columns]
    return ["pixel (line {}, column {})".format(*np.unravel_index(column, detection.shape)) for column in columns]


def reasons_of(
    columns: Iterable[Any], values: NDArray[Any], expected: NDArray[Any], contributions: Floats
) -> list[Reason]:
    """Return the reasons of a row from its cells, the largest contribution first: up to 3.

    A cell that has its expected value is not a reason, though its probability contributes, and neither is one that
    contributes less than a tenth of the first.
    """
    cells = zip(columns, map(_plain_value, values), map(_plain_value, expected), contributions.tolist(), strict=True)
    reasons = [Reason(str(column), value, other, gain) for column, value, other, gain in cells if value != other]
    return [each for each in reasons if each.contribution > MIN_REASON * max(reasons[0].contribution, 0)][:N_REASONS]


def _plain_value(value: Any) -> str | float:
    """Return a value as a number or as text: numbers as they are, dates without a time of 0:00."""
    if isinstance(value, bool | np.bool_ | str):
        return str(value)
    if isinstance(value, np.number):
        return _plain_value(value.item())
    if isinstance(value, int | float):
        return value
    return str(value).removesuffix(" 00:00:00")


def _row(detection: Detection, row: int, reasons: list[Reason]) -> OutlyingRow:
    score, p_value = float(detection.scores[row]), float(detection.p_values[row])
    return OutlyingRow(row, score, None if np.isnan(p_value) else p_value, score < detection.offset, reasons)


def _summary(detection: Detection, n_outliers: int, n_explained: int) -> OutlierSummary:
    held_out, p_values = detection.held_out_scores, detection.p_values[~np.isnan(detection.p_values)]
    return OutlierSummary(
        rows=len(detection.rows),
        columns=len(detection.first_columns),
        outliers=n_outliers,
        offset=detection.offset,
        threshold=detection.threshold,
        held_out=len(held_out),
        held_out_below=float((held_out < detection.offset).mean()) if len(held_out) else None,
        with_p_value=len(p_values),
        small_p_values=float((p_values <= LEVEL).mean()) if len(p_values) else None,
        missing=sum(_missing(detection.rows, detection.first_columns)),
        explained=n_explained,
    )


def _missing(rows: Source, columns: NDArray[np.intp]) -> Iterator[int]:
    """Yield the number of missing values in some columns, for blocks of rows."""
    for start in range(0, len(rows), BLOCK_ROWS):
        block = np.asarray(rows.read(start, min(start + BLOCK_ROWS, len(rows))))
        cells = block.reshape(len(block), -1)[:, columns]
        yield int(np.isnan(cells).sum()) if block.dtype.kind == "f" else 0


def _variables(explained: list[list[Reason]]) -> list[VariableReasons]:
    first = Counter(reasons[0].column for reasons in explained if reasons)
    among = Counter(reason.column for reasons in explained for reason in reasons)
    ordered = sorted(among, key=lambda column: (-first[column], -among[column]))
    return [VariableReasons(column, first[column], among[column]) for column in ordered]


def _pictures(
    detection: Detection, texts: dict[int, str], listed: NDArray[np.intp], n_outliers: int, cells: Any
) -> OutlierPictures:
    shown = OutlierPictures(detection.shape, detection.scores, detection.held_out_scores, texts)
    if not is_image(detection.shape):
        return shown
    columns, values, expected, contributions = cells
    position = {name: index for index, name in enumerate(detection.columns or np.sort(columns[0]).tolist())}
    places = np.array([[position[column] for column in of_row] for of_row in columns.tolist()])
    by_pixel = np.empty((3, *places.shape))
    for array, part in zip(by_pixel, (values, expected, np.maximum(contributions, 0.0)), strict=True):
        np.put_along_axis(array, places, part.astype(np.float64), 1)
    rows, others, gains = (dict(zip(listed.tolist(), array, strict=False)) for array in by_pixel)
    mean = by_pixel[2, :n_outliers].mean(0) if n_outliers else None
    return replace(shown, rows=rows, expected=others, contributions=gains, mean_contribution=mean)


def _verdict(summary: OutlierSummary, variables: list[VariableReasons], listed: list[OutlyingRow]) -> Verdict:
    share = summary.outliers / summary.rows
    noun = "row is an outlier" if summary.outliers == 1 else "rows are outliers"
    sentence = f"{summary.outliers:,} of {summary.rows:,} {noun}"
    if variables and variables[0].first:
        often = [f"{entry.column} ({entry.first:,})" for entry in variables[:3] if entry.first]
        sentence += f"; the most frequent first reasons are {', '.join(often)}"
    points = [(f"{summary.outliers:,}", "outliers"), (f"{share:.1%}", f"of {summary.rows:,} rows")]
    if summary.held_out_below is not None:
        points.append((f"{summary.held_out_below:.1%}", "of the rows that fit held out are below the threshold"))
    if (known := [entry.p_value for entry in listed if entry.p_value is not None]) and summary.with_p_value:
        points.append((f"{min(known):.2g}", "smallest p-value of the listed rows"))
    return Verdict(sentence + ".", points, list(_warnings(summary, share)))


def _warnings(summary: OutlierSummary, share: float) -> Iterator[ReportWarning]:
    if share > MAX_FLAGGED and summary.rows >= MIN_ROWS:
        yield ReportWarning(
            f"{share:.0%} of the rows are outliers, so these rows differ from the rows of fit as a whole.",
            "Compare the units of their columns; or fit a detector to rows like these.",
        )
    if summary.held_out < MIN_HELD_OUT:
        held_out = f"only {summary.held_out:,} rows" if summary.held_out else "no rows"
        what = (
            f"the smallest possible one is {1 / (1 + summary.held_out):.2g}" if summary.held_out else "there are none"
        )
        yield ReportWarning(
            f"Fit held out {held_out} for p-values: {what}.",
            "Fit more rows, or hold out a larger share of them: calibration_fraction.",
        )
