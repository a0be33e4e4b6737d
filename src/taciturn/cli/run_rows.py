"""The rows that a run's model is applied to, and their targets: those of the run, or of another file."""

from math import prod
from typing import TYPE_CHECKING, Any, cast

import typer

from ..core.errors import DataError, RecipeError, UnknownColumn
from .crops import crops_of, has_crops
from .options import TextOptions, finite, text_options
from .targets import load_targets

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..data.crops import Crops
    from ..data.sources import Source
    from ..data.split import Pairs, Part


def text_of(run: "Artifact", text: TextOptions | None = None) -> TextOptions:
    """Return how text tables are written: what is given, and what was given of a run's rows."""
    dialect = {str(name): value for name, value in (run.rows.dialect or {}).items()}
    return text_options({"header": run.rows.header} | dialect) | text_options(text or {})


def rows_for(run: "Artifact", data: str | None, text: TextOptions | None = None, *, checked: bool = True) -> "Source":
    """Return the rows that a command applies a run's model to.

    Parameters
    ----------
    run : Artifact
        The run.
    data : str or None
        A data set's name or a file, whose columns are matched by name if the model knows names; None: the rows that
        the run held out.
    text : TextOptions or None, default=None
        How a text table is written; what is not given is as in the run, which may leave it to the file.
    checked : bool, default=True
        Whether all rows are read, to check that none is infinite.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        The rows cannot be read, are infinite, or have other columns than the training rows.
    """
    if data is None:
        source = _pairs_of(run, held_out=run.rows.split is not None, with_targets=False)[0]
    else:
        source = _matching_rows(run, data, text_of(run, text))
    name = data or str(run.rows.source)
    _check_width(run, source, name)
    return finite(source, name) if checked else source


def pairs_for(run: "Artifact", data: str | None, target: str | None, text: TextOptions | None = None) -> "Pairs":
    """Return the rows on which a run's model is evaluated, and their targets.

    Parameters
    ----------
    run, data, text
        As of `rows_for`.
    target : str or None
        A data set's name or a file with the targets of these rows; None: those of the run, if `data` is None as well.

    Returns
    -------
    rows : Source
    targets : Source or None
        None if rows are their own targets.

    Raises
    ------
    DataError
        As of `rows_for`; or targets are missing, or have other columns than those that the model was trained on.
    RecipeError
        There are targets, but the model was trained without; `data` of images or signals may have clean ones.
    """
    if target is not None and not (was_trained_with_targets(run) or (data is not None and has_crops(run))):
        raise RecipeError(f"--target {target}: the model was trained without targets; leave it out")
    width, record = run.model.layout.n_outputs, run.rows.targets
    if data is None:
        source, targets = held_out_pairs(run, target)
        finite(source, str(run.rows.source))
    else:
        source = rows_for(run, data, text)
        targets = None
        if target is not None:
            targets = _targets_of(run, source, target, data, text_of(run, text))
    if targets is None and run.model.layout.outputs:
        raise DataError(
            f"the model estimates targets of {width} columns, which are not known of {data or 'the rows of the run'}; "
            "name them (--target)"
        )
    if targets is not None and (given := prod(targets.shape)) != width:
        name = target or (record and record.source)
        raise DataError(
            f"{name} has {given} columns, but the model was trained on targets of {width}; give the same columns"
        )
    return source, targets


def _targets_of(run: "Artifact", source: "Source", target: str, data: str | None, text: TextOptions) -> "Source":
    """Return the targets of rows: as many, if the rows are those of other `data` than the run's."""
    if has_crops(run):
        return cast("Crops", source).beside(target)
    return load_targets(target, None if data is None else len(source), data or "", text, run.rows.variables)


def was_trained_with_targets(run: "Artifact") -> bool:
    """Return whether the rows of a run had targets."""
    return "target_moments.count" in run.state


def _check_width(run: "Artifact", source: "Source", name: str) -> None:
    if (given := prod(source.shape)) != (width := run.model.layout.widths[0]):
        raise DataError(f"{name} has {given} columns, but the model was trained on {width}; give the same columns")


def _matching_rows(run: "Artifact", data: str, text: TextOptions) -> "Source":
    """Return the rows of a data set or a file, with the columns of the training rows, by name if these have names."""
    from .. import datasets
    from ..data.sources import is_array
    from ..data.variables import open_table

    if has_crops(run):
        return crops_of(run, data)
    rows, width = run.rows, run.model.layout.widths[0]
    if rows.variables is not None and not rows.variables.plain:
        return open_table(data, rows.variables, **text)
    try:
        source = datasets.load(data, columns=None if is_array(data) else rows.columns, **text)
    except UnknownColumn as error:
        raise UnknownColumn(f"{error}; give all columns that the model was trained on, by their names") from error
    if rows.columns is None and prod(source.shape) != width:
        source = datasets.load(data, columns=rows.selected, drop=rows.dropped, **text)
    return source


def source_of(run: "Artifact") -> "Source":
    """Return all rows that stand now in the source of a run's rows; raise DataError if it is unknown or unreadable."""
    from .. import datasets
    from ..data.variables import open_table

    rows = run.rows
    if rows.source is None:
        raise DataError("the run does not record where its rows came from; name a data set or a file")
    if has_crops(run):
        return crops_of(run, rows.source)
    options: Any = {"columns": rows.selected, "drop": rows.dropped, **text_of(run)}
    if rows.variables is None or rows.variables.plain:
        source = datasets.load(rows.source, **options)
    else:
        source = open_table(rows.source, rows.variables, **options)
    _check_width(run, source, rows.source)
    return source


def first_rows(source: "Source", count: int) -> "Source":
    """Return the first rows of a source; the source itself if it has no more."""
    import numpy as np

    from ..data.sources import Ranges

    return source if len(source) <= count else Ranges(source, np.array([[0, count]]))


def held_out_pairs(run: "Artifact", target: str | None = None) -> "Pairs":
    """Return the rows that a run held out, or all of its rows if it held out none, with their targets.

    Parameters
    ----------
    run : Artifact
        A run that `taciturn fit` wrote.
    target : str or None, default=None
        Where the targets are, if they are no longer where they were.

    Returns
    -------
    rows : Source
    targets : Source or None
        None if rows are their own targets.

    Raises
    ------
    DataError
        The run does not record where its rows came from, or the source no longer holds them.
    """
    return _pairs_of(run, held_out=run.rows.split is not None, target=target)


def training_pairs(run: "Artifact") -> "Pairs":
    """Return the rows that a run was trained on, with their targets; see `held_out_pairs`."""
    return _pairs_of(run, held_out=False)


def held_out_part(run: "Artifact") -> "Part":
    """Return the rows that a run held out, as a part of the rows that stand now in their source."""
    return _split(run, source_of(run), None)[1][0]  # type: ignore[return-value]


def _pairs_of(run: "Artifact", *, held_out: bool, target: str | None = None, with_targets: bool = True) -> "Pairs":
    """Return a run's held-out pairs or training pairs; rows that were added behind them are left out, with a note."""
    rows, source = run.rows, source_of(run)
    count = rows.count if rows.split is None else rows.split.count
    pair = _split(run, source, target, with_targets)[held_out]
    known = rows.held_out if held_out else rows.training
    if known is None or not known.matches(pair[0]):
        raise DataError(
            f"{rows.source} no longer holds the rows of this run, so which of them it was trained on is unknown; "
            "name a file with the rows to use"
        )
    if rows.targets is not None and pair[1] is not None:
        known = rows.targets.held_out if held_out else rows.targets.training
        if known is None or not known.matches(pair[1]):
            raise DataError(
                f"{target or rows.targets.source} does not hold the targets of this run's rows; name a file with the "
                "rows to use, and one with their targets (--target)"
            )
    if more := len(source) - count:
        typer.echo(f"taciturn: {rows.source} has {more:,} more rows than the run; they are not used", err=True)
    return pair


def _split(run: "Artifact", source: "Source", target: str | None, with_targets: bool = True) -> "tuple[Pairs, Pairs]":
    """Return the training pairs and the held-out pairs of a run, both all of them if it held out none."""
    from ..data.split import split_pairs

    rows, parts = run.rows, run.rows.split
    count, targets = rows.count if parts is None else parts.count, None
    if rows.targets is not None and with_targets:
        try:
            targets = first_rows(_targets_of(run, source, target or rows.targets.source, None, text_of(run)), count)
        except DataError as error:
            if target is not None:
                raise
            raise DataError(f"{error}; if the targets were moved, name them (--target)") from error
    source = first_rows(source, count)
    whole = parts is not None and len(source) == count and (targets is None or len(targets) == count)
    if parts is None or not whole:  # its fingerprint tells that these are other rows
        return (source, targets), (source, targets)
    return split_pairs((source, targets), parts.fraction, parts.seed)
