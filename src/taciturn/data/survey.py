"""What is measured of all rows before the first step, in one pass: their moments, fingerprint, and whether finite."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .fingerprint import BLOCK_NUMBERS, BLOCK_ROWS, Fingerprint, Fingerprinting, read_blocks
from .moments import Moments, check_squares
from .sources import FiniteCheck, Ranges, Source, blocks_of, check_finite, has_missing, is_sparse

THREADS = 4  # that measure blocks of streamed rows; so many blocks and one more are in memory


@dataclass(frozen=True)
class Survey:
    """What is measured of all rows of a source.

    Parameters
    ----------
    moments : Moments
    fingerprint : Fingerprint
    """

    moments: Moments
    fingerprint: Fingerprint


_surveys: WeakKeyDictionary[Source, Survey] = WeakKeyDictionary()  # of streamed sources


def survey(source: Source, *, with_products: bool = False) -> Survey:
    """Return the moments and the fingerprint of all rows of a source, which are read once for both.

    Parameters
    ----------
    source : Source
        N rows with D numbers each. Those of a streamed source are also checked to be finite, and the survey is
        remembered as long as the source lives: a second fit reads them no more. Other rows are checked before.
    with_products : bool, default=False
        Whether to keep the columns' products as well, [D, D].

    Returns
    -------
    Survey

    Raises
    ------
    DataError
        Squares of the values exceed the largest float64; or a value of a streamed source is infinite.

    Warns
    -----
    EmptyRows
        All values of a row of a streamed source are missing.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> survey(Rows(np.array([[1.0, 2.0], [3.0, 2.0]]))).moments.mean.tolist()
    [2.0, 2.0]
    """
    if blocks_of(source) is None:
        return _of_rows(source, with_products)
    known = _surveys.get(source)
    if known is None or with_products > known.moments.with_products:
        known = _surveys[source] = _of_streamed_rows(source, with_products)
    return Survey(copy(known.moments), known.fingerprint)


def check(source: Source) -> None:
    """Raise DataError if a value of a source is infinite; what was surveyed is not read again. See `check_finite`."""
    if _known(source) is None:
        check_finite(source, missing=True)


def may_miss(source: Source) -> bool:
    """Return whether values of a source are missing (NaN); what was surveyed is not read again.

    Parameters
    ----------
    source : Source
        A part of a streamed source that was surveyed counts as the whole.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> may_miss(Rows(np.array([[1.0, np.nan]])))
    True
    """
    known = _known(source)
    return has_missing(source) if known is None else bool(known.moments.missing.any())


def _known(source: Source) -> Survey | None:
    """Return what is remembered of a streamed source, or of the one that it is a part of."""
    if blocks_of(source) is None:
        return None
    known = _surveys.get(source)
    return _known(source.source) if known is None and isinstance(source, Ranges) else known


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


def _of_streamed_rows(source: Source, with_products: bool) -> Survey:
    """Return the survey of blocks that one thread reads in their order, others measure, and this one merges."""
    moments, rows, check = Moments(with_products=with_products), Fingerprinting(), FiniteCheck(source, missing=True)
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
    check.finish(stacklevel=6)
    check_squares(source, moments)
    return Survey(moments, rows.fingerprint())
