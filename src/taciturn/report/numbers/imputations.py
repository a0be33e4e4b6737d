"""What was imputed in rows, and how uncertain it is: the numbers of a page of imputations."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.variables import Variables
from .imputation_trial import Trial, measure_trial
from .imputed_cells import FilledCells, Filler, Floats, fill_cells
from .imputed_columns import ImputedColumn, imputed_columns
from .imputed_rows import ImputedRow, imputed_rows
from .imputed_variables import ImputedVariable, imputed_variable, uncertainties
from .numbers import ShortRepr, counted, plain
from .page_numbers import PageNumbers, now
from .row_names import row_names, row_texts
from .verdict import ReportWarning, Verdict

SCHEMA = 1  # of the page's JSON
MAX_DRAWN = 4_000  # rows with missing cells whose cells are drawn, for intervals
MAX_LISTED = 50  # rows on the page
MAX_PATTERNS = 12
MAX_PICTURES = 30  # variables that are drawn
MANY_MISSING = 0.5  # share of a variable's cells; with more they are warned of
LOW_COVERAGE, MIN_COVERED = 0.8, 100  # of 90% intervals, and the cells that are enough to warn of it


@dataclass(frozen=True)
class ImputerProvenance:
    """The origin of an imputer.

    Parameters
    ----------
    estimator : str
        The estimator's class.
    network : str
        Its networks.
    parameters : dict
        The estimator's parameters.
    training_rows : int
        Number of rows that it was fitted to.
    rows_fingerprint : str
        The fingerprint of the page's rows.
    versions : dict of str to str
        Versions of Python and of packages.
    machine, device : str
        The processor, and the device that trained the networks.
    threads, seed : int
        Number of threads, and the seed of the training and of the draws.
    seconds : float
        Duration of the networks' training.
    repeat : str
        A line of Python that fits it again.
    """

    estimator: str
    network: str
    parameters: dict[str, Any]
    training_rows: int
    rows_fingerprint: str
    versions: dict[str, str]
    machine: str
    device: str
    threads: int
    seed: int
    seconds: float
    repeat: str


@dataclass(frozen=True, eq=False)
class Imputation:
    """Rows and the imputer that fills their missing values.

    Parameters
    ----------
    rows : array [N, D]
        The rows, in the input's units; those of a table encoded. NaN is a missing value.
    variables : Variables or None
        The variables of a table; None if the rows are plain columns.
    columns : list of str or None
        The names of plain columns, if they have any.
    whole : array [D] of bool
        Which plain columns hold whole numbers.
    trained : array [N] of bool
        Which rows were given to `fit`.
    filler : Filler
        The imputer.
    refit : callable
        Returns a copy of the imputer that is fitted to other rows [R, D].
    provenance : ImputerProvenance
        The origin of the imputer.
    """

    rows: Floats
    variables: Variables | None
    columns: list[str] | None
    whole: NDArray[np.bool_]
    trained: NDArray[np.bool_]
    filler: Filler
    refit: Callable[[Floats], Filler]
    provenance: ImputerProvenance


@dataclass(frozen=True)
class MissingPattern:
    """Variables that are missing together.

    Parameters
    ----------
    rows : int
        The rows in which exactly these are missing.
    columns : list of str
        The variables.
    """

    rows: int
    columns: list[str]


@dataclass(frozen=True)
class ImputationSummary:
    """The main numbers of a page of imputations.

    Parameters
    ----------
    rows, columns : int
        Number of rows and of variables.
    missing : int
        Missing cells.
    missing_rows : int
        Rows with a missing cell.
    empty_rows : int
        Rows without a known cell.
    missing_columns : int
        Variables with a missing cell.
    drawn_rows : int
        Rows with a missing cell whose cells were drawn, for intervals.
    patterns : int
        Number of different sets of variables that are missing together.
    """

    rows: int
    columns: int
    missing: int
    missing_rows: int
    empty_rows: int
    missing_columns: int
    drawn_rows: int
    patterns: int


@dataclass(frozen=True, eq=False)
class ImputationPictures:
    """What the page draws and its JSON does not hold.

    Parameters
    ----------
    columns : list of ImputedColumn
        Up to 30 variables, those with the most missing cells first.
    known, filled, drawn : list of arrays
        Of each the known values, those that missing cells were filled with, and draws of these.
    texts : dict of int to str
        The texts of the listed rows, by the rows' indices; {} without texts.
    """

    columns: list[ImputedColumn]
    known: list[Floats]
    filled: list[Floats]
    drawn: list[Floats]
    texts: dict[int, str]


@dataclass(frozen=True, eq=False, repr=False)
class ImputationNumbers(PageNumbers, ShortRepr):
    """The numbers of a page of imputations.

    Parameters
    ----------
    name : str
        The page's name.
    summary : ImputationSummary
        The main numbers.
    verdict : Verdict
        `sentence`, `points` (the main numbers) and `warnings`.
    variables : list of ImputedVariable
        All variables, those with the most missing cells first.
    patterns : list of MissingPattern
        The most frequent ones, up to 12.
    rows : list of ImputedRow
        Up to 50 rows with missing cells, the most uncertain first.
    trial : Trial or None
        How well hidden cells were imputed; None if that could not be measured.
    no_trial : str
        Why it could not be measured; "" if it was.
    provenance : ImputerProvenance
        The origin of the imputer.
    row_names : dict of int to str
        The ids of the listed rows, by the rows' indices; {} without ids.
    pictures : ImputationPictures
        What the page draws.
    created : str
        When the numbers were made, in UTC.
    """

    name: str
    summary: ImputationSummary
    verdict: Verdict
    variables: list[ImputedVariable]
    patterns: list[MissingPattern]
    rows: list[ImputedRow]
    trial: Trial | None
    no_trial: str
    provenance: ImputerProvenance
    row_names: dict[int, str]
    pictures: ImputationPictures
    created: str = field(default_factory=now)

    likely_shape = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the pictures; docs/imputing.md lists the keys."""
        parts = ("summary", "verdict", "variables", "patterns", "rows", "trial", "provenance")
        return {
            "schema": SCHEMA,
            "name": self.name,
            "created": self.created,
            "row_names": {str(row): name for row, name in self.row_names.items()},
        } | {part: plain(getattr(self, part)) for part in parts}


def measure_imputations(
    imputation: Imputation, ids: Iterable[Any] | None, texts: Iterable[str] | None, name: str
) -> ImputationNumbers:
    """Return the numbers of a page of imputations; `name` "" is the estimator's name."""
    rows, seed = imputation.rows, imputation.provenance.seed
    columns = imputed_columns(imputation.variables, imputation.columns, imputation.whole)
    names, row_text = row_names(ids, len(rows)), row_texts(texts, len(rows))
    missing = np.stack([np.isnan(rows[:, column.place]).any(1) for column in columns], 1)
    drawn = _drawn_rows(missing, np.random.default_rng(seed))
    filled = fill_cells(columns, rows[drawn], imputation.filler, np.random.default_rng(seed))
    known = [column.values(rows[~missing[:, j], column.place]) for j, column in enumerate(columns)]
    known = [values[~np.isnan(values)] for values in known]
    order = np.argsort(-missing.sum(0), kind="stable").tolist()
    variables = [imputed_variable(columns[j], missing[:, j], known[j], filled[j]) for j in order]
    uncertain = [uncertainties(*each) for each in zip(columns, known, filled, strict=True)]
    listed = imputed_rows(columns, filled, uncertain, drawn, MAX_LISTED)
    patterns, n_patterns = _patterns(missing, columns)
    summary = ImputationSummary(
        rows=len(rows),
        columns=len(columns),
        missing=int(missing.sum()),
        missing_rows=int(missing.any(1).sum()),
        empty_rows=int(missing.all(1).sum()),
        missing_columns=int(missing.any(0).sum()),
        drawn_rows=len(drawn),
        patterns=n_patterns,
    )
    trial = measure_trial(columns, rows, imputation.trained, imputation.filler, imputation.refit, seed)
    measured = trial if isinstance(trial, Trial) else None
    shown = [j for j in order if missing[:, j].any()][:MAX_PICTURES]
    return ImputationNumbers(
        name=name or imputation.provenance.estimator,
        summary=summary,
        verdict=_verdict(summary, variables, measured),
        variables=variables,
        patterns=patterns,
        rows=listed,
        trial=measured,
        no_trial="" if isinstance(trial, Trial) else trial,
        provenance=imputation.provenance,
        row_names={} if names is None else {entry.row: names[entry.row] for entry in listed},
        pictures=_pictures(columns, known, filled, shown, row_text, listed),
    )


def _drawn_rows(missing: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the rows with missing cells; of more than `MAX_DRAWN` some at random."""
    rows = np.flatnonzero(missing.any(1))
    return rows if len(rows) <= MAX_DRAWN else np.sort(rng.choice(rows, MAX_DRAWN, replace=False))


def _patterns(missing: NDArray[np.bool_], columns: Sequence[ImputedColumn]) -> tuple[list[MissingPattern], int]:
    """Return the most frequent patterns of missing variables, and the number of all."""
    packed = np.packbits(missing[missing.any(1)], axis=1)
    distinct, counts = np.unique(packed, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MAX_PATTERNS]
    sets = np.unpackbits(distinct[order], axis=1, count=len(columns)).astype(bool)
    patterns = [
        MissingPattern(int(count), [column.name for column, among in zip(columns, which, strict=True) if among])
        for count, which in zip(counts[order], sets, strict=True)
    ]
    return patterns, len(distinct)


def _pictures(
    columns: Sequence[ImputedColumn],
    known: Sequence[Floats],
    filled: Sequence[FilledCells],
    shown: list[int],
    texts: list[str] | None,
    listed: list[ImputedRow],
) -> ImputationPictures:
    return ImputationPictures(
        columns=[columns[j] for j in shown],
        known=[known[j] for j in shown],
        filled=[filled[j].values for j in shown],
        drawn=[filled[j].draws.ravel() for j in shown],
        texts={} if texts is None else {entry.row: texts[entry.row] for entry in listed},
    )


def _verdict(summary: ImputationSummary, variables: list[ImputedVariable], trial: Trial | None) -> Verdict:
    n_cells = summary.rows * summary.columns
    cells = counted(n_cells, "cell")
    if not summary.missing:
        sentence = f"None of the {cells} is missing, so nothing was imputed."
    else:
        verb = "was missing and was" if summary.missing == 1 else "were missing and were"
        where = f"in {counted(summary.missing_rows, 'row')} and {counted(summary.missing_columns, 'variable')}"
        sentence = f"{summary.missing:,} of {cells} {verb} filled: {summary.missing / n_cells:.1%}, {where}."
    points = [
        (f"{summary.missing:,}", "missing cells"),
        (f"{summary.missing_rows:,}", f"of {summary.rows:,} rows have missing cells"),
    ]
    if trial is not None:
        if trial.error is not None:
            points.append(
                (f"{trial.error:.0%}", "of the error of the mean or the most frequent level, on hidden cells")
            )
        if trial.number_cells:
            points.append((f"{trial.covered / trial.number_cells:.0%}", "of hidden numbers lie in their 90% interval"))
        if trial.level_cells:
            points.append((f"{trial.right / trial.level_cells:.0%}", "of hidden levels are right"))
    return Verdict(sentence, points, list(_warnings(summary, variables, trial)))


def _warnings(
    summary: ImputationSummary, variables: list[ImputedVariable], trial: Trial | None
) -> Iterator[ReportWarning]:
    if summary.empty_rows:
        rows = counted(summary.empty_rows, "row has", "rows have")
        yield ReportWarning(
            f"{rows} no known cell: the variables' means were filled in, because nothing else is known there.",
            "Leave such rows out.",
        )
    many = [each.name for each in variables if each.missing > MANY_MISSING * summary.rows]
    if many:
        verb = "is" if len(many) == 1 else "are"
        yield ReportWarning(
            f"{_listed(many)} {verb} missing in more than half of the rows.",
            "A result on it then rests on the imputer: draw several tables (impute) and pool their results.",
        )
    if trial is None:
        return
    useless = [each.name for each in trial.variables if each.ratio is not None and each.ratio >= 1]
    if useless:
        verb = "was" if len(useless) == 1 else "were"
        yield ReportWarning(
            f"{_listed(useless)} {verb} imputed no better than by the mean or the most frequent level.",
            "The other variables do not tell it. The filled values are guesses.",
        )
    if trial.number_cells >= MIN_COVERED and trial.covered < LOW_COVERAGE * trial.number_cells:
        yield ReportWarning(
            f"Only {trial.covered / trial.number_cells:.0%} of the hidden numbers lie in their 90% interval: the "
            "intervals are too narrow.",
            "Take imputed values as more uncertain than the page has it; more rows help.",
        )


def _listed(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
