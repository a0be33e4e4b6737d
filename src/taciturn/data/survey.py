"""What is measured of rows before the first step, in one pass: their moments, fingerprint, and whether finite."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, replace
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .fingerprint import BLOCK_NUMBERS, BLOCK_ROWS, Fingerprint, Fingerprinting, fingerprint, read_blocks
from .moments import Moments, check_squares
from .sources import (
    Checked,
    FiniteCheck,
    Ranges,
    Source,
    Stream,
    blocks_of,
    check_finite,
    has_missing,
    is_sparse,
)
from .sources.finite import EmptyCount
from .stored_surveys import plain_survey, store_survey, stored_survey, survey_key

THREADS = 4  # that measure blocks of streamed rows; so many blocks and one more are in memory


@dataclass(frozen=True)
class Survey:
    """What is measured of a source's rows: of all, or of a part of streamed ones.

    Parameters
    ----------
    moments : Moments
        Of the rows that were measured.
    fingerprint : Fingerprint
        Its `ranges` are the part.
    empty : EmptyCount
        The measured rows of which no value is known, if they are streamed.
    remembered : bool, default=False
        Whether it was measured before, and no row was read now.
    """

    moments: Moments
    fingerprint: Fingerprint
    empty: EmptyCount = EmptyCount()
    remembered: bool = False

    @property
    def complete(self) -> bool:
        """Whether all rows were measured."""
        return not self.fingerprint.ranges


# of streamed sources: what was measured of them, by the number of rows that was to be surveyed (None: all)
_surveys: WeakKeyDictionary[Source, dict[int | None, Survey]] = WeakKeyDictionary()


def survey(source: Source, *, rows: int | None = None, with_products: bool = False) -> Survey:
    """Return the moments and the fingerprint of a source's rows, which are read once for both.

    Parameters
    ----------
    source : Source
        N rows with D numbers each. Those of a streamed source are also checked to be finite, and the survey is
        remembered: as long as the source lives, and on the disk where the source's files are known by their size and
        time. Other rows are checked before.
    rows : int, optional
        How many rows of a streamed source are read; see `surveyed_part`. By default all.
    with_products : bool, default=False
        Whether to keep the columns' products as well, [D, D].

    Returns
    -------
    Survey

    Raises
    ------
    DataError
        Squares of the values exceed the largest float64; or a value that was read of a streamed source is infinite.

    Warns
    -----
    EmptyRows
        All values of a row of a streamed source are missing; also where they are known from an earlier survey.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> survey(Rows(np.array([[1.0, 2.0], [3.0, 2.0]]))).moments.mean.tolist()
    [2.0, 2.0]
    """
    if isinstance(source, Checked):
        return survey(source.source, rows=rows, with_products=with_products)
    if blocks_of(source) is None:
        return _of_rows(source, with_products)
    ranges = _first_window(source, rows)
    rows = rows if ranges else None
    of_source = _surveys.setdefault(source, {})
    found = of_source.get(rows)
    if found is None or with_products > found.moments.with_products:
        part = Ranges(source, np.array(ranges)) if ranges else source
        key, kind = survey_key(source, rows, with_products=with_products), "surveyed row" if ranges else "row"
        found = None if key is None else _stored(key, source, part, ranges)
        if found is None:
            found = _of_streamed_rows(part, with_products, kind)
            if ranges:
                found = replace(found, fingerprint=found.fingerprint.of_part(len(source), ranges))
            if key is not None:
                store_survey(key, found.moments, found.fingerprint, found.empty)
        found.empty.warn(part, kind, stacklevel=4)
        of_source[rows] = replace(found, remembered=True)
    return replace(found, moments=copy(found.moments))


def surveyed_part(source: Source, rows: int | None) -> Source:
    """Return the rows that a survey of so many rows reads: all, or blocks from everywhere in a streamed source.

    Parameters
    ----------
    source : Source
        The rows.
    rows : int or None
        How many are wanted, ≥ 1; None: all. The part has more, because it has whole blocks, or is the source itself.

    Returns
    -------
    Source
        The first window of an epoch's order of blocks, in the order of the source. That epoch is one of seed 0: every
        run on the same rows scales them alike, whatever its seed.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> surveyed_part(Rows(np.eye(3)), 1).shape
    (3,)
    """
    ranges = _first_window(source, rows)
    return Ranges(source, np.array(ranges)) if ranges else source


def check(source: Source) -> None:
    """Raise DataError if a value of a source is infinite; what was surveyed is not read again. See `check_finite`."""
    if _known(source, None) is None:
        check_finite(source, missing=True)


def may_miss(source: Source, rows: int | None = None) -> bool | None:
    """Return whether values of a source are missing (NaN); what was surveyed is not read again.

    Parameters
    ----------
    source : Source
        A part of a streamed source that was surveyed counts as the whole.
    rows : int, optional
        How many rows of streamed ones were surveyed; None: all.

    Returns
    -------
    bool or None
        None where that is unknown, because only some of the rows were surveyed and none of their values is missing.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> may_miss(Rows(np.array([[1.0, np.nan]])))
    True
    """
    known = _known(source, rows)
    if known is None:
        return has_missing(source)
    is_complete = known.complete or source.dtype.kind != "f"
    return True if known.moments.missing.any() else False if is_complete else None


def fingerprint_of(source: Source, rows: int | None = None) -> Fingerprint:
    """Return the fingerprint of a source's rows; of streamed ones that of their survey, which is remembered."""
    return fingerprint(source) if blocks_of(source) is None else survey(source, rows=rows).fingerprint


def plain_surveys(sources: Iterable[Source | None], rows: int | None) -> dict[str, dict[str, Any]]:
    """Return the surveys of some sources as plain values, for a run's checkpoints.

    Parameters
    ----------
    sources : iterable of Source or None
        Those that are not files are left out.
    rows : int or None
        How many rows of streamed ones were surveyed; None: all.

    Returns
    -------
    dict
        By the key of the survey; without products of columns, which a run that goes on does not need.
    """
    plain = {}
    for source in sources:
        whole = source.source if isinstance(source, Checked) else source
        if whole is None or blocks_of(whole) is None:
            continue
        key = survey_key(whole, rows if _first_window(whole, rows) else None, with_products=False)
        if key is not None:
            found = survey(whole, rows=rows)
            plain[key] = plain_survey(found.moments.without_products(), found.fingerprint, found.empty)
    return plain


def _known(source: Source, rows: int | None) -> Survey | None:
    """Return what is remembered of a streamed source, or of the one that it is a part of."""
    if blocks_of(source) is None:
        return None
    known = _surveys.get(source, {}).get(rows if _first_window(source, rows) else None)
    return _known(source.source, rows) if known is None and isinstance(source, Ranges) else known


def _first_window(source: Source, rows: int | None) -> tuple[tuple[int, int], ...]:
    """Return the ranges of the rows that are surveyed, ascending; () for all."""
    blocks = blocks_of(source)
    if rows is None or rows >= len(source) or blocks is None or isinstance(source, Stream):
        return ()
    from .order import WindowOrder  # with torch, which estimators load when rows arrive

    window = WindowOrder(blocks, rows, seed=0, epoch=0).blocks_in(0)
    bounds = window[window[:, 0].argsort()]
    begins = np.concatenate([[True], bounds[1:, 0] != bounds[:-1, 1]])  # neighbouring blocks are one range
    ends = np.append(begins[1:], True)
    ranges = [(int(start), int(stop)) for start, stop in zip(bounds[begins, 0], bounds[ends, 1], strict=True)]
    return () if ranges == [(0, len(source))] else tuple(ranges)


def _stored(key: str, source: Source, part: Source, ranges: tuple[tuple[int, int], ...]) -> Survey | None:
    """Return the survey that is kept under a key, if it fits the rows."""
    stored = stored_survey(key)
    if stored is None:
        return None
    moments, rows, empty = stored
    fits = (rows.count, rows.ranges, moments.count) == (len(source), ranges, len(part))
    return Survey(moments, rows, empty, remembered=True) if fits and len(moments.mean) == prod(source.shape) else None


def _of_rows(source: Source, with_products: bool) -> Survey:
    moments, rows = Moments(with_products=with_products), Fingerprinting()
    # a checksum is computed while the moments are
    with ThreadPoolExecutor(1) as beside, np.errstate(over="ignore", invalid="ignore"):
        for block in read_blocks(source, sparse=is_sparse(source) and not with_products):
            added = beside.submit(rows.add, block)
            moments.add(block)
            added.result()
    check_squares(source, moments)
    return Survey(moments, rows.fingerprint())


def _of_streamed_rows(source: Source, with_products: bool, kind: str) -> Survey:
    """Return the survey of blocks that one thread reads in their order, others measure, and this one merges."""
    moments, rows = Moments(with_products=with_products), Fingerprinting()
    check = FiniteCheck(source, missing=True, kind=kind)
    ahead: deque[tuple[Future[NDArray[Any]], Future[Moments]]] = deque()

    def measured(read: Future[NDArray[Any]]) -> Moments:
        with np.errstate(over="ignore", invalid="ignore"):
            return Moments(with_products=with_products).add(read.result())

    def merge() -> None:
        read, block_moments = ahead.popleft()
        block = read.result()
        check.add(moments.count, len(block), block)
        rows.add(block)
        with np.errstate(over="ignore", invalid="ignore"):
            moments.merge(block_moments.result())

    size = max(min(BLOCK_ROWS, BLOCK_NUMBERS // prod(source.shape)), 1)
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(THREADS) as pool:
        try:
            for start in range(0, len(source), size):
                read = reader.submit(source.read, start, start + size)
                ahead.append((read, pool.submit(measured, read)))
                if len(ahead) > THREADS:
                    merge()
            while ahead:
                merge()
        finally:
            reader.shutdown(wait=False, cancel_futures=True)
    check.finish()
    check_squares(source, moments)
    return Survey(moments, rows.fingerprint(), check.empty)
