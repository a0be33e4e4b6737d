"""The page of outliers of a run, which several commands write."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import RecipeError
from .options import TextOptions
from .row_values import texts_for
from .run_rows import source_of, training_pairs

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..data.sources import Source
    from ..estimators import AutoencoderOutlierDetector
    from ..report import OutlierReport


def page_files(page: Path | None) -> list[Path]:
    """Return the files that a page is written to, [] without one; raise RecipeError unless its name ends in .html."""
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        raise RecipeError(f"{page}: a page is written as .html; choose this ending (--report)")
    return [] if page is None else [page, page.with_suffix(".json")]


def all_rows(run: "Artifact") -> "Source":
    """Return all rows of a run, those that it was trained on and those that it held out."""
    import numpy as np

    from ..data.sources import Subset

    (training, _), parts = training_pairs(run), run.rows.split  # raises DataError if they are other rows now
    return training if parts is None else Subset(source_of(run), np.arange(parts.count))


def write_page(
    detector: "AutoencoderOutlierDetector",
    stored: "Artifact",
    source: "Source",
    page: Path,
    data: str | None,
    *,
    texts: str | None,
    row_id: str | None,
    text: TextOptions | None,
    name: str,
) -> "OutlierReport":
    """Write the page on a detector's rows, and its numbers beside it.

    `data` is where the rows come from (None: the rows that the run held out), `texts` and `row_id` are the options'
    values, `name` is the page's name.
    """
    made = detector._report(
        source,
        stored,
        ids=texts_for(stored, data, "--id", row_id, text),
        texts=texts_for(stored, data, "--texts", texts, text),
        name=name,
    )
    made.save(page)
    made.save_json(page.with_suffix(".json"))
    return made
