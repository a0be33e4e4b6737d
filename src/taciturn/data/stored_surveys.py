"""Surveys of files that are kept on the disk, so that unchanged files are not measured again."""

import hashlib
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from ..core.atomic import atomic
from ..core.cache_folder import cache_folder
from ..core.errors import TaciturnError
from ..core.temporary import LeftOver, remove_leftovers
from .fingerprint import Fingerprint
from .moments import Moments
from .sources import Source, identity_of
from .sources.finite import EmptyCount

MAX_FILES = 100  # that are kept, those that were used last
MAX_PRODUCTS = 1 << 20  # numbers of the columns' products, which take 20 bytes each; with more nothing is kept
DIGEST_BYTES = 16

_of_runs: dict[str, dict[str, Any]] = {}  # from the checkpoints of runs that went on in this process


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file holds: the survey as JSON, and the checksum of its bytes."""

    format: Literal[2]
    checksum: str
    survey: msgspec.Raw


class _Survey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fingerprint: Fingerprint
    moments: dict[str, Any]
    empty: EmptyCount = EmptyCount()  # which checkpoints of earlier versions lack


def survey_key(source: Source, rows: int | None, *, with_products: bool) -> str | None:
    """Return the name under which a survey is kept, which tells the files, their state and what is measured.

    Parameters
    ----------
    source : Source
        The rows.
    rows : int or None
        How many are surveyed; None: all.
    with_products : bool
        Whether the columns' products are.

    Returns
    -------
    str or None
        32 hexadecimal digits; None where the rows are not those of files, or these were written just now.
    """
    identity = identity_of(source)
    if identity is None:
        return None
    text = f"{identity}\n{source.dtype.str} {source.shape} {len(source)} rows={rows} products={with_products}"
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=DIGEST_BYTES).hexdigest()


def stored_survey(key: str) -> tuple[Moments, Fingerprint, EmptyCount] | None:
    """Return what `store_survey` keeps under a key; None if there is nothing, or it is damaged."""
    content = _of_runs.get(key)
    try:
        if content is None:
            file = folder() / f"{key}.json"
            stored = msgspec.json.decode(file.read_bytes(), type=_File)
            if stored.checksum != _checksum(stored.survey):
                return None
            content = msgspec.json.decode(stored.survey)
            with suppress(OSError):  # the folder may be another user's
                os.utime(file)
        survey = msgspec.convert(content, _Survey)
        arrays = {name: np.asarray(value) for name, value in survey.moments.items()}
        return Moments.from_arrays({"products": np.zeros((0, 0))} | arrays), survey.fingerprint, survey.empty
    except (OSError, ValueError, TypeError, RuntimeError):  # damaged, of another program, or there is no home folder
        return None


def store_survey(key: str, moments: Moments, fingerprint: Fingerprint, empty: EmptyCount) -> None:
    """Keep a survey under a key, if the disk allows it; the files that were not used for longest are removed."""
    if moments.products.size > MAX_PRODUCTS:
        return
    survey = msgspec.Raw(msgspec.json.encode(plain_survey(moments, fingerprint, empty)))
    file = msgspec.json.encode(_File(2, _checksum(survey), survey))
    with suppress(OSError, RuntimeError, TaciturnError), warnings.catch_warnings():
        warnings.simplefilter("ignore", LeftOver)
        with atomic(folder() / f"{key}.json") as temporary:
            temporary.write_bytes(file)
        remove_leftovers(folder())
        surveys = folder().glob("[0-9a-f]" * 2 * DIGEST_BYTES + ".json")  # other files are the user's
        by_age = sorted(surveys, key=lambda each: each.stat().st_mtime, reverse=True)
        for old in by_age[MAX_FILES:]:
            old.unlink(missing_ok=True)


def plain_survey(moments: Moments, fingerprint: Fingerprint, empty: EmptyCount) -> dict[str, Any]:
    """Return a survey as plain values for JSON."""
    arrays = {name: array.tolist() for name, array in moments.to_arrays().items() if array.shape != (0, 0)}
    return {
        "fingerprint": msgspec.to_builtins(fingerprint),
        "moments": arrays,
        "empty": msgspec.to_builtins(empty),
    }


def take_from_run(surveys: dict[str, dict[str, Any]]) -> None:
    """Use the surveys that a run's checkpoint holds by key, as `plain_survey` returned them."""
    _of_runs.update(surveys)


def folder() -> Path:
    """Return the folder in which surveys are kept."""
    return cache_folder() / "surveys"


def _checksum(survey: msgspec.Raw) -> str:
    return hashlib.blake2b(bytes(survey), digest_size=DIGEST_BYTES).hexdigest()
