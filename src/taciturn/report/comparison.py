"""Several runs beside each other: numbers, as JSON or as a page."""

import json
import os
from collections.abc import Mapping

from ..artifact import Artifact
from ..core.atomic import atomic
from ..data.sources import Source
from .html import comparison_card, comparison_page
from .numbers import ComparisonNumbers, measure_comparison


class Comparison(ComparisonNumbers):
    """Several runs beside each other.

    `save` writes the page, `save_json` the numbers. A notebook shows the sentence.
    """

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, one self-contained HTML file, whole or not at all."""
        with atomic(path) as temporary:
            temporary.write_text(comparison_page(self), encoding="utf-8")

    def save_json(self, path: str | os.PathLike[str]) -> None:
        """Write the numbers as JSON, whole or not at all."""
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), ensure_ascii=False) + "\n", encoding="utf-8")

    def _repr_html_(self) -> str:
        return comparison_card(self)


def compare(runs: Mapping[str, Artifact], rows: Source | None = None) -> Comparison:
    """Return two or more runs beside each other.

    Parameters
    ----------
    runs : Mapping[str, Artifact]
        The runs by name, at least two.
    rows : Source or None, default=None
        What all are evaluated on, best rows that none was trained on. None: each run's own numbers, of its own rows.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If there are fewer than two runs, or if a run has no numbers of its own and no rows are given.
    """
    return Comparison(**vars(measure_comparison(runs, rows)))
